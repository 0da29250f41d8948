"""What the profile names and no row has is said, and can be failed on."""

import csv
import json
import random
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.profile import load_profile
from csvexport.summary import Unmatched
from csvexport.workflow import Options, build, check

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
TOP = """
timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers.ClientId = "client"
"""
GOAL = """
[[goals]]
target = "paid"
time = "time"
when = {when}
"""
HEADER = ("client", "time", "status", "city", "sum", "money", "mail", "id", "phone")
COLUMNS = {"time": "2024-05-31 12:00:00", "sum": "100", "money": "RUB", "phone": "+70001234567"}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder to work in, of which a profile and an export are made."""
    monkeypatch.chdir(tmp_path)

    def made(profile, rows):
        (tmp_path / "profile.toml").write_text(TOP + profile, encoding="utf-8")
        with (tmp_path / "deals.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEADER, restval="")
            writer.writeheader()
            numbered = enumerate(rows, 1_716_642_001_234_567_001)
            writer.writerows({"client": number, "id": number} | COLUMNS | row for number, row in numbered)
        return tmp_path / "profile.toml"

    return made


def found(path, **options):
    return [one.sentence for one in check(load_profile(path), Options(now=NOW, **options)).summary.unmatched]


def of_status(*texts):
    return [{"status": text} for text in texts]


PAID = ["Оплачен"] * 3 + [" оплачен "] + ["Новая"] * 2 + ["Отказ", ""]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('{ status = "ОПЛАЧЕН " }', []),
        ('{ status = ["Оплачен", "Новая", ""] }', []),
        ('{ status = { not = ["отказ"] } }', []),
        (
            '{ status = ["Оплачено", "Новая"] }',
            ['goals[1].when.status: no row has "Оплачено" (did you mean "Оплачен", 4 rows?)'],
        ),
        (
            '{ status = "Oплачeн" }',  # with Latin letters
            [
                'goals[1].when.status: no row has "Oплачeн" (did you mean "Оплачен", 4 rows?)',
                "goals[1]: no row is taken",
            ],
        ),
        (
            '{ status = { not = ["Спам", "Отказано"] } }',
            [
                'goals[1].when.status.not: no row has "Спам"; rows have "Оплачен" (4), "Новая" (2) and 1 other text',
                'goals[1].when.status.not: no row has "Отказано" (did you mean "Отказ", 1 row?)',
            ],
        ),
        ('{ status = { matches = "^Опл" } }', []),
        (
            '{ status = { matches = "^опл" }, sum = { min = 1 } }',
            [],
        ),
        (
            '{ status = { matches = "^Выд" } }',
            ['goals[1].when.status.matches: no row\'s cell matches "^Выд"', "goals[1]: no row is taken"],
        ),
        ("{ sum = { min = 100, max = 100 } }", []),
        (
            "{ sum = { min = 101, max = 200 } }",
            ["goals[1].when.sum: no row has a number by min = 101 and max = 200", "goals[1]: no row is taken"],
        ),
        ("{ city = { empty = true } }", []),
        (
            "{ city = { empty = false } }",
            ["goals[1].when.city.empty: no row has it filled", "goals[1]: no row is taken"],
        ),
        (
            "{ sum = { empty = true } }",
            ["goals[1].when.sum.empty: no row has it empty", "goals[1]: no row is taken"],
        ),
        ('{ status = "Оплачен", city = "" }', []),
        ('{ status = "Отказ", mail = "a" }', ['goals[1].when.mail: no row has "a"', "goals[1]: no row is taken"]),
        ("{}", []),
    ],
)
def test_conditions(when, said, shop):
    assert found(shop(GOAL.format(when=when), of_status(*PAID))) == said


def test_conditions_that_hold_apart_and_never_together(shop):
    rows = [{"status": "Оплачен", "city": "Москва"}, {"status": "Новая", "city": "Тверь"}]
    path = shop(GOAL.format(when='{ status = "Новая", city = "Москва" }'), rows)
    assert found(path) == ["goals[1]: no row is taken"]


def test_what_several_goals_name_is_said_once(shop):
    goals = "".join(GOAL.format(when='{ city = "Масква" }') for _ in range(5))
    place = "goals[1].when.city, goals[2].when.city, goals[3].when.city and 2 more"
    assert found(shop(goals, [{"city": "Москва"}])) == [
        f'{place}: no row has "Масква" (did you mean "Москва", 1 row?)',
        "goals[1], goals[2], goals[3] and 2 more: no row is taken",
    ]


SNAPSHOTS = """
[orders]
id = "id"
created = "time"
phones = "phone"
delimiter = ","
revenue = "sum"
currency = { column = "money", values = { "руб" = "RUB", "тенге" = "KZT" } }
status = "status"
statuses = { "Оплачен" = "PAID", "Новый" = "IN_PROGRESS" }
when = { city = { not = "Тверь" } }
[[orders.goals]]
target = "own"
when = { city = "Москва" }
[deals]
id = "id"
client = "client"
created = "time"
status = "status"
statuses = { "Оплачен" = "PAID", "Новый" = "IN_PROGRESS" }
[contacts]
id = "client"
when = { mail = "x" }
[calls]
time = "time"
static = { column = "city", yes = ["да", "нет"] }
"""


def test_every_kind_looks_for_what_it_names(shop):
    rows = [{"status": "Оплачен", "money": "руб"}, {"status": "Новая", "money": "руб"}] * 2
    summary = check(load_profile(shop(SNAPSHOTS, rows)), Options(now=NOW)).summary
    assert [one.sentence for one in summary.unmatched] == [
        'calls.static.yes: no row has "да"',
        'calls.static.yes: no row has "нет"',
        'orders.when.city.not: no row has "Тверь"',
        'orders.goals[1].when.city: no row has "Москва"',
        "orders.goals[1], contacts: no row is taken",
        'orders.currency.values: no row has "тенге"; rows have "руб" (4)',
        'orders.statuses, deals.statuses: no row has "Новый" (did you mean "Новая", 2 rows?)',
        'contacts.when.mail: no row has "x"',
    ]
    assert summary.empty == ("contacts",)
    only = check(load_profile(shop(SNAPSHOTS, rows)), Options(now=NOW, only=["deals"])).summary.unmatched
    assert [one.places for one in only] == [("deals.statuses",)]


def test_a_kind_all_of_whose_statuses_are_unknown_takes_no_row(shop):
    summary = check(load_profile(shop(SNAPSHOTS, of_status("Оплочен"))), Options(now=NOW)).summary
    assert summary.counts["orders"].matched == summary.counts["orders"].skipped == 1
    assert summary.empty == ("orders", "contacts", "deals")
    assert summary.emptiness == "[orders] takes no row, [contacts] takes no row and [deals] takes no row"


def test_a_joined_export_in_which_no_row_finds_anything(shop):
    path = shop(
        'source.join = { path = "clients.csv", on = { client = "id" }, prefix = "c." }' + GOAL.format(when="{}"),
        [{}] * 2,
    )
    (path.parent / "clients.csv").write_text("id,name\n7,A\n", encoding="utf-8")
    assert found(path) == ["source.join: no row finds anything in clients.csv"]


def test_yes_and_no_are_compared_as_they_are_read(shop):
    rows = [{"city": '="да"'}, {"city": "'НЕТ "}]
    path = shop('[calls]\ntime = "time"\nstatic = { column = "city", yes = "да", no = ["нет", "нету"] }', rows)
    assert found(path) == ['calls.static.no: no row has "нету" (did you mean "\'НЕТ", 1 row?)']


# Columns of many texts.


def test_in_a_column_of_many_texts_values_are_looked_for_to_the_last_row(shop, monkeypatch):
    monkeypatch.setattr("csvexport.sources.delimited.PIECE_BYTES", 20_000)
    rows = [{"city": f"city {number}"} for number in range(3_000)]
    path = shop(GOAL.format(when='{ city = ["CITY 2999", "city 3000", "city 1"] }'), rows)
    assert found(path) == [
        'goals[1].when.city: no row has "city 3000"; the column holds more than 1,000 texts, or long ones'
    ]


def test_statuses_of_a_column_of_many_texts_are_not_judged(shop):
    path = shop(SNAPSHOTS, of_status(*(f"status {number}" for number in range(1_001))))
    assert not any("statuses" in one for one in found(path))


def test_a_value_that_only_a_long_text_is_like_is_not_kept(shop):
    path = shop(GOAL.format(when='{ city = "a" }'), [{"city": "b" * 1_001}, {"city": "c"}])
    assert found(path)[0].endswith("; the column holds more than 1,000 texts, or long ones")


def test_texts_that_may_be_persons_are_not_proposed(shop):
    mails = [{"mail": f"ivan{number}@example.ru"} for number in range(30)]
    assert found(shop(GOAL.format(when='{ mail = "ivan@example.ru" }'), mails))[0] == (
        'goals[1].when.mail: no row has "ivan…"'
    )
    few = [{"mail": "ivan7@example.ru", "phone": "+70001234567"}, {"mail": "ivan7@example.ru", "phone": "+70001234568"}]
    path = shop(GOAL.format(when='{ mail = "ivan@example.ru", phone = "+70001234560" }'), few)
    assert found(path)[:2] == [
        'goals[1].when.mail: no row has "ivan…" (did you mean "ivan…", 2 rows?)',
        'goals[1].when.phone: no row has "+700…" (did you mean "+700…", 1 row, or "+700…", 1 row?)',
    ]


def test_what_is_unmatched_does_not_depend_on_how_the_export_is_cut(shop, monkeypatch):
    luck = random.Random(7)
    rows = [
        {"status": luck.choice("АБВ"), "city": luck.choice("абв"), "sum": str(luck.randrange(90))} for _ in range(300)
    ]
    whens = ['{ status = ["А", "Г"] }', '{ status = { not = "Д" } }', "{ sum = { min = 90 } }", '{ city = "В" }']
    path = shop("".join(GOAL.format(when=when) for when in whens), rows)
    whole = found(path)
    assert len(whole) == 4
    monkeypatch.setattr("csvexport.sources.delimited.PIECE_BYTES", 200)
    assert found(path) == whole


# What is no finding.


def test_an_export_without_rows_lacks_nothing_but_rows(shop):
    summary = check(load_profile(shop(GOAL.format(when='{ status = "x" }'), [])), Options(now=NOW)).summary
    assert (summary.unmatched, summary.empty, summary.emptiness) == ((), ("conversions",), "no rows were read")


def test_corrected_rows_alone_need_not_hold_everything(shop):
    path = shop(GOAL.format(when='{ status = "Оплачен" }'), [{"status": "Оплачен", "time": "x"}, *of_status("Оплачен")])
    folder = build(load_profile(path), Options(now=NOW)).folder
    rejected = (folder / "rejected.csv").read_text(encoding="utf-8")
    (path.parent / "corrected.csv").write_text(rejected.replace("Оплачен", "Новая"), encoding="utf-8")
    summary = check(load_profile(path), Options(now=NOW, exports=["corrected.csv"])).summary
    assert (summary.unmatched, summary.empty) == ((), ())


# How it is said.


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--now", "2024-06-01T09:00:00Z"], catch_exceptions=False)


DELIVER = '[[deliver]]\nname = "drop"\nwhat = "conversions"\nto = "drop/{{ batch }}/{{ file }}"\n'
MISSPELT = GOAL.format(when='{ status = ["Оплочен", "Новая"] }') + DELIVER
SENTENCE = 'goals[1].when.status: no row has "Оплочен" (did you mean "Оплачен", 4 rows?)'


@pytest.mark.parametrize("command", ["check", "build", "run"])
def test_every_way_says_it(command, shop):
    path = shop(MISSPELT, of_status(*PAID))
    log = [] if command == "check" else ["--log", "log.jsonl"]
    assert f"  {SENTENCE}\n" in run(command, path, *log).stdout
    document = json.loads(run(command, path, "--json").stdout)
    document = document["build"] if command == "run" else document
    (one,) = document["unmatched"]
    assert one == {
        "places": ["goals[1].when.status"],
        "column": "status",
        "value": "Оплочен",
        "problem": 'no row has "Оплочен"',
        "near": [["Оплачен", 4]],
        "note": "",
        "sentence": SENTENCE,
    }
    if log:
        events = [json.loads(line) for line in (path.parent / "log.jsonl").read_text().splitlines()]
        assert [event["problem"] for event in events if event["event"] == "unmatched"] == [SENTENCE]
    if command == "build":
        (batch, *_) = path.parent.glob("out/*/2*")
        for name in ("report.txt", "report.html"):
            text = " ".join((batch / name).read_text(encoding="utf-8").split())
            assert 'no row has "Оплочен" (did you mean "Оплачен", 4 rows?)' in text.replace("&#34;", '"')


def test_it_fails_only_where_that_is_asked_for(shop):
    path = shop(MISSPELT, of_status(*PAID))
    assert run("run", path).exit_code == 0
    for command in ("check", "build", "run"):
        assert run(command, path).exit_code == 0
        assert run(command, path, "--fail-on", "empty").exit_code == 0
        result = run(command, path, "--fail-on", " empty, warnings", "--quiet")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "--fail-on warnings: 1 in the profile but not in the export\n"
        assert json.loads(run(command, path, "--fail-on", "warnings", "--json").stdout)["failed_on"] == ["warnings"]


def test_a_run_delivers_what_it_has_before_it_fails(shop):
    path = shop(MISSPELT, of_status(*PAID))
    result = run("run", path, "--fail-on", "warnings", "--log", "log.jsonl")
    assert result.exit_code == 1
    assert "1 file delivered" in result.stdout
    assert len(list(path.parent.glob("drop/*/*.csv"))) == 1
    events = [json.loads(line) for line in (path.parent / "log.jsonl").read_text().splitlines()]
    assert [event["what"] for event in events if event["event"] == "noticed"] == ["warnings"]
    assert events[-1]["exit_code"] == 1


@pytest.mark.parametrize("command", ["check", "build", "run"])
def test_goals_that_match_nothing_are_said_first_and_can_be_failed_on(command, shop):
    path = shop(GOAL.format(when='{ status = "Оплочен" }') + DELIVER, of_status(*PAID))
    result = run(command, path, "--fail-on", "empty")
    assert result.stdout.splitlines()[0].endswith("; no row matches any goal")
    assert (result.exit_code, result.stderr) == (1, "--fail-on empty: no row matches any goal\n")
    document = json.loads(run(command, path, "--fail-on", "empty,warnings", "--json").stdout)
    assert document["failed_on"] == ["empty", "warnings"]
    assert (document["build"] if command == "run" else document)["empty"] == ["conversions"]


def test_a_run_to_which_nothing_is_new_is_not_empty(shop):
    path = shop(GOAL.format(when='{ status = "Оплачен" }') + DELIVER, of_status(*PAID))
    for said in ("4 conversions are ready to upload", "nothing to send, so no batch was made"):
        result = run("run", path, "--fail-on", "empty,warnings")
        assert result.exit_code == 0
        assert said in result.stdout.splitlines()[0]


def test_what_is_rejected_or_outside_the_period_is_taken(shop):
    goal = GOAL.format(when='{ status = "Оплачен" }')
    rejected = shop(f"max_rejected = 1\n{goal}", [{"status": "Оплачен", "time": "x"}])
    assert check(load_profile(rejected), Options(now=NOW)).summary.empty == ()
    outside = shop(f'since = "1d"\n{goal}', [{"status": "Оплачен", "time": "2024-05-01"}])
    assert check(load_profile(outside), Options(now=NOW)).summary.empty == ()


@pytest.mark.parametrize("words", ["emty", "empty,", "", "empty;warnings", "all"])
def test_words_that_are_none_are_refused_before_anything_is_done(words, shop):
    path = shop(MISSPELT, of_status(*PAID))
    for command in ("check", "build", "run"):
        result = run(command, path, "--fail-on", words)
        assert result.exit_code == 2
        assert "write --fail-on empty,warnings" in result.stderr
    assert not (path.parent / "out").exists()


def test_a_warning_counts_only_for_what_is_sent(shop):
    old = {"status": "Оплачен", "time": "2024-05-01 12:00:00"}
    again = {"client": "1716642001234567001"}
    rows = [old | again, old | again, old, old | {"time": "x"}, {"status": "Оплачен"}]
    goal = GOAL.format(when='{ status = "Оплачен" }')
    path = shop(f"max_rejected = 1\n{goal}{DELIVER}", rows)
    for command in ("check", "run"):
        document = json.loads(run(command, path, "--json").stdout)
        document = document["build"] if command == "run" else document
        counts = document["counts"]["conversions"]
        assert (counts["accepted"], counts["skipped"], counts["rejected"]) == (3, 1, 1)
        assert counts["issues"]["outside-window"] == 2
    result = run("run", path, "--fail-on", "warnings", "--json")
    assert json.loads(result.stdout)["build"]["counts"]["conversions"]["issues"] == {
        "bad-time": 1,
        "duplicate": 1,
        "already-sent": 3,
    }
    assert result.exit_code == 0


def test_a_sentence_is_bounded():
    one = Unmatched(tuple(f"goals[{number}]" for number in range(500)), "", None, "no row is taken")
    assert one.sentence == "goals[0], goals[1], goals[2] and 497 more: no row is taken"
