"""The profile to start with: it loads, sends what certainly is a conversion, and shows what else could be one."""

import csv
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.inspection.looking import look
from csvexport.inspection.starter import Choices, default_choices, lack, starter_profile
from csvexport.profile import check_columns, load_profile
from csvexport.progress import no_progress
from csvexport.workflow import Options, check

SAMPLES = {
    "amocrm": "leads.csv",
    "bitrix24": "deals.csv",
    "broken": "export.csv",
    "calltracking": "calls.csv",
    "custom-crm": "orders.json",
}

CLIENT_ID = "1716642001234567891"
YCLID = "15241600726526878416"
COMMENTED = re.compile(r"^# (\[\[goals\]\] .*|(?:target|when|time|price|currency) .*)$", re.MULTILINE)


def uncommented(text):
    """The profile with the goals in its comments, but for the keys that only may stand there."""
    head, _, rest = text.partition("# The other statuses")
    kept = [line for line in rest.splitlines() if not re.match(r"# \w+ = .*  # ", line)]
    return head + "#" + COMMENTED.sub(r"\1", "\n".join(kept))


@pytest.fixture
def start(tmp_path):
    """Write the profile of findings, and load it."""

    def start(findings, choices=None, path="deals.csv"):
        assert lack(findings) is None
        text = starter_profile(findings, path, choices or default_choices(findings), "profile.toml")
        (tmp_path / "profile.toml").write_text(text, encoding="utf-8")
        profile = load_profile(tmp_path / "profile.toml")
        check_columns(profile, [column.name for column in findings.columns])
        (tmp_path / "all.toml").write_text(uncommented(text), encoding="utf-8")
        check_columns(load_profile(tmp_path / "all.toml"), [column.name for column in findings.columns])
        return text, profile

    return start


@pytest.fixture(params=SAMPLES)
def sample(request, samples):
    return samples / request.param / SAMPLES[request.param]


def test_samples_give_the_expected_profile(sample, start, samples, request):
    text, _ = start(look(str(sample), no_progress), path=SAMPLES[sample.parent.name])
    expected = samples.parent / "tests/inspection/expected" / f"{sample.parent.name}.toml"
    if request.config.getoption("--regenerate"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "accepted", "rejected"),
    [("amocrm", 27, 0), ("bitrix24", 36, 2), ("broken", 11, 11), ("calltracking", 0, 0)],
)
def test_the_profile_of_a_sample_sends_the_paid_rows_that_can_be_sent(name, accepted, rejected, start, samples):
    export = samples / name / SAMPLES[name]
    _, profile = start(look(str(export), no_progress), path=export.as_posix())
    outcome = check(profile, Options())
    (counts,) = outcome.summary.counts.values()
    assert (counts.accepted, counts.rejected, outcome.refusal) == (accepted, rejected, None)


def whens(profile):
    return [
        {
            one.column: one.values if one.values is not None else ("empty" if one.empty else "filled")
            for one in goal.when
        }
        for goal in profile.goals
    ]


def test_with_two_identifiers_the_goal_stands_there_for_each(look_at, start):
    rows = [[CLIENT_ID, "", "Оплачен", "31.05.2024"], ["", YCLID, "Выполнен", "31.05.2024"], ["", "", "Оплачен", ""]]
    _, profile = start(look_at(["ClientID", "yclid", "Статус", "Дата оплаты"], *rows))
    assert [(item.type, item.columns) for item in profile.identifiers] == [
        ("ClientId", ("ClientID",)),
        ("Yclid", ("yclid",)),
    ]
    paid = {"Статус": ("оплачен", "выполнен"), "Дата оплаты": "filled"}
    assert whens(profile) == [paid | {"ClientID": "filled"}, paid | {"ClientID": "empty", "yclid": "filled"}]
    assert [goal.target for goal in profile.goals] == ["order_paid", "order_paid"]


def test_with_one_identifier_it_stands_there_once(look_at, start):
    _, profile = start(look_at(["yclid", "Статус", "Дата"], [YCLID, "Оплачен", "31.05.2024"]))
    assert whens(profile) == [{"Статус": ("оплачен",), "yclid": "filled"}]
    assert [item.type for item in profile.identifiers] == ["Yclid"]


@pytest.mark.parametrize(
    ("paid", "column", "must_be_filled"),
    [
        (["30.05.2024"] * 4, "Дата оплаты", False),
        (["30.05.2024", "30.05.2024", "", ""], "Дата оплаты", True),
        (["30.05.2024", "", "", ""], "Дата создания", False),
        ([""] * 4, "Дата создания", False),
    ],
)
def test_the_time_is_that_of_the_payment_if_most_of_the_rows_have_it(paid, column, must_be_filled, look_at, start):
    rows = [[CLIENT_ID, "Оплачен", "01.05.2024", time] for time in paid]
    unpaid = [[CLIENT_ID, "Новая", "01.05.2024", "" if must_be_filled else "02.05.2024"]]
    findings = look_at(["ClientID", "Статус", "Дата создания", "Дата оплаты"], *rows, *unpaid)
    _, profile = start(findings)
    (goal,) = profile.goals
    assert goal.time.column == column
    assert ("Дата оплаты" in whens(profile)[0]) is must_be_filled


def test_where_no_status_is_certain_nothing_is_sent(look_at, start):
    rows = [[CLIENT_ID, status, "31.05.2024"] for status in ("Новая", "В работе", "…", "……")]
    text, profile = start(look_at(["ClientID", "Статус", "Дата"], *rows))
    assert whens(profile) == [{"Статус": ("………",), "ClientID": "filled"}]
    assert "No status certainly means a conversion" in text
    (counts,) = check(profile, Options()).summary.counts.values()
    assert (counts.rows, counts.matched) == (4, 0)


def test_without_statuses_every_row_with_an_identifier_is_sent(look_at, start):
    _, profile = start(look_at(["yclid", "Дата звонка"], [YCLID, "31.05.2024"], ["", "31.05.2024"], [YCLID, ""]))
    (goal,) = profile.goals
    assert (goal.target, goal.time.column) == ("lead_created", "Дата звонка")
    assert whens(profile) == [{"yclid": "filled", "Дата звонка": "filled"}]
    (counts,) = check(profile, Options()).summary.counts.values()
    assert (counts.matched, counts.accepted) == (1, 1)


def test_of_several_times_without_a_meaning_none_is_chosen(look_at, start):
    rows = [[YCLID, "31.05.2024", "30.05.2024", "Оплачен"], [YCLID, "29.05.2024", "28.05.2024", "Новая"]]
    text, profile = start(look_at(["yclid", "Замер", "Визит", "Статус"], *rows))
    assert "It is not certain which of the times is that of the conversion" in text
    assert '# when = { "Статус" = "Оплачен", yclid = { empty = false } }' in text
    assert check(profile, Options()).summary.counts["conversions"].matched == 0


def test_a_single_time_without_a_meaning_is_the_time(look_at, start):
    _, profile = start(look_at(["yclid", "Замер", "Статус"], [YCLID, "31.05.2024", "Оплачен"]))
    assert profile.goals[0].time.column == "Замер"


def test_the_records_own_time_comes_before_that_of_its_client(look_at, start):
    header = ["yclid", "customer.createdAt", "createdAt", "customer.total", "total"]
    rows = [[YCLID, "2020-01-01", "2024-05-31", "9", "1"], [YCLID, "2020-01-01", "", "9", ""]]
    _, profile = start(look_at(header, *rows))
    assert (profile.goals[0].time.column, profile.goals[0].price.column) == ("createdAt", "total")


def test_slashed_dates_that_prove_their_order_get_a_format(look_at, start):
    _, profile = start(look_at(["yclid", "paid_at", "status"], [YCLID, "05/31/2024", "paid"]))
    assert profile.goals[0].time.format == "%m/%d/%Y"
    assert check(profile, Options()).summary.counts["conversions"].accepted == 1


@pytest.mark.parametrize("status", ["paid", "new"])
def test_slashed_dates_that_prove_nothing_are_left_to_a_person(status, look_at, start):
    text, profile = start(look_at(["yclid", "paid_at", "status"], [YCLID, "05/06/2024", status]))
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        assert f'# time = {{ column = "paid_at", format = "{form}" }}' in text
    assert profile.goals[0].time.format is None
    assert check(profile, Options()).summary.counts["conversions"].matched == 0


def test_another_time_stands_in_for_slashed_dates_that_prove_nothing(look_at, start):
    header = ["yclid", "paid_at", "created_at", "status"]
    _, profile = start(look_at(header, [YCLID, "05/06/2024", "2024-05-05", "paid"]))
    assert profile.goals[0].time.column == "created_at"


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["100", "200,50"], 'price  = "Сумма"'),
        (["1,234", "1,234.50"], 'price  = { column = "Сумма", decimal = "." }'),
        (["1,234", "2,345"], '# price = { column = "Сумма", decimal = "," }'),
        (["", ""], None),
    ],
)
def test_the_price_is_read_as_its_column_is_written(texts, line, look_at, start):
    text, _ = start(look_at(["yclid", "Дата", "Сумма"], *([YCLID, "31.05.2024", amount] for amount in texts)))
    assert [found for found in text.splitlines() if "Сумма" in found][:1] == [
        found for found in text.splitlines() if line and found.startswith(line)
    ][:1]


@pytest.mark.parametrize(
    ("texts", "currency"),
    [
        (["RUB", "RUB"], None),
        (["KZT", "rub"], {}),
        (["руб.", "тенге"], {"руб.": "RUB"}),
        (["€", "RUR"], {"€": "EUR", "rur": "RUB"}),
    ],
)
def test_the_currency_is_read_from_its_column_unless_it_is_the_default(texts, currency, look_at, start):
    rows = [[YCLID, "31.05.2024", "100", text] for text in texts]
    _, profile = start(look_at(["yclid", "Дата", "Сумма", "Валюта"], *rows))
    found = profile.goals[0].currency
    assert (found and (found.column, found.values)) == (None if currency is None else ("Валюта", currency))


def test_the_other_statuses_stand_in_comments_with_their_counts(look_at, start):
    rows = [[YCLID, f"Этап {number}", "31.05.2024"] for number in range(40) for _ in range(41 - number)]
    text, _ = start(look_at(["yclid", "Статус", "Дата"], *rows, [YCLID, "Оплачен", "31.05.2024"]))
    others = text.partition("# The other statuses")[2]
    assert len(re.findall(r"^# \[\[goals\]\]", others, re.MULTILINE)) == 30
    assert "# [[goals]]                         # 41 rows\n" in others
    assert others.index("Этап 0") < others.index("Этап 29")
    assert others.endswith("# … and 10 more statuses.\n")


def test_what_a_person_chose_stands_in_the_profile(look_at, start):
    rows = [[YCLID, status, "31.05.2024"] for status in ("Новая", "Оплачен", "Выдан")]
    choices = Choices("Asia/Almaty", is_certain=True, targets={"Оплачен": "paid", "Выдан": "paid", "Новая": "lead"})
    text, profile = start(look_at(["yclid", "Статус", "Дата"], *rows), choices)
    assert profile.timezone == "Asia/Almaty"
    assert sorted((goal.target, goal.when[0].values) for goal in profile.goals) == [
        ("lead", ("новая",)),
        ("paid", ("оплачен", "выдан")),
    ]
    assert "The other statuses" not in text
    assert "check this" not in text


def test_the_zone_must_be_checked_if_nobody_named_it(look_at, start):
    findings = look_at(["yclid", "Дата"], [YCLID, "31.05.2024"])
    assert 'timezone = "Europe/Moscow"          # check this' in start(findings)[0]
    assert "check this" not in start(findings, default_choices(findings, "Europe/Samara"))[0]


def test_comments_tell_what_else_was_found(look_at, start):
    header = ["yclid", "ClientID", "ClientID 2", "user_id", "Телефон", "E-mail", "Воронка", "Дата"]
    row = [YCLID, "1,7E+18", CLIENT_ID, "a-1", "+7 900 000-00-01", "one@example.com", "Розница", "31.05.2024"]
    text, profile = start(look_at(header, row, [*row[:2], "", *row[3:]]))
    assert '"ClientID": 1 of 1 identifiers look like 1.7E+18' in text
    assert '# ClientId = ["ClientID", "ClientID 2"]' in text
    assert '# UserId = "user_id"' in text
    assert 'no phones and no e-mails: "Телефон", "E-mail" stay' in text
    assert 'add "Воронка" = … to the goals\' when; there are "Розница"' in " ".join(text.replace("\n# ", " ").split())
    assert [item.type for item in profile.identifiers] == ["ClientId", "Yclid"]
    assert "900" not in text
    assert "one@" not in text


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        (["Статус", "Дата"], ["Оплачен", "31.05.2024"], "No column holds a ClientID of Metrica or a yclid"),
        (["ClientID", "Дата"], ["", "31.05.2024"], "No column holds a ClientID of Metrica or a yclid"),
        (["ClientID", "Дата"], ["17", "31.05.2024"], "Have the site pass it to the CRM with the lead."),
        (["ClientID", "Статус"], [CLIENT_ID, "Оплачен"], "No column holds a time"),
        (["ID", "Стадия сделки", "Сумма"], ["1", "Оплачен", "100"], "Bitrix24 has no field for it"),
    ],
)
def test_what_is_lacking_is_said(header, row, said, look_at):
    assert said in lack(look_at(header, row))


def test_a_profile_whose_path_has_a_line_break_loads(look_at, tmp_path):
    findings = look_at(["yclid", "Дата"], [YCLID, "31.05.2024"])
    text = starter_profile(findings, "a\nb.csv", default_choices(findings), "a\nb.toml")
    (tmp_path / "profile.toml").write_text(text, encoding="utf-8")
    assert load_profile(tmp_path / "profile.toml").source.path == ("a\nb.csv",)


def test_a_day_on_which_no_record_has_a_property_is_no_mistake(tmp_path):
    orders = [{"id": n, "status": "paid", "yclid": YCLID, "at": f"2024-05-3{n} 10:00:00"} for n in (0, 1)]
    (tmp_path / "orders.json").write_text(json.dumps([orders[0] | {"paidAt": orders[0]["at"]}, orders[1]]))
    findings = look(str(tmp_path / "orders.json"), no_progress)
    text = starter_profile(findings, "orders.json", default_choices(findings), "profile.toml")
    (tmp_path / "profile.toml").write_text(text, encoding="utf-8")
    assert check(load_profile(tmp_path / "profile.toml"), Options()).summary.counts["conversions"].accepted == 1
    (tmp_path / "orders.json").write_text(json.dumps(orders[1:]))
    assert check(load_profile(tmp_path / "profile.toml"), Options()).summary.counts["conversions"].rows == 1


def test_an_export_without_rows_lacks_them(look_at):
    assert lack(look_at(["ClientID", "Дата"])) == "The export has no rows. Export it again with some."


# Control characters would make the file no text.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t"), max_size=12)
CELLS = st.one_of(
    TEXTS, st.sampled_from([CLIENT_ID, YCLID, "31.05.2024", "05/06/2024", "Оплачен", "1,234", "KZT", "one@example.com"])
)
NAMES = st.one_of(
    TEXTS, st.sampled_from(["ClientID", "yclid", "Статус", "Дата оплаты", "Сумма", "Валюта", "a.b", '"', "\\", "🙂 x"])
)


@given(
    names=st.lists(NAMES, min_size=1, max_size=5),
    rows=st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=5),
)
@example(names=['"', "\\", "a\nb", "🙂", "a.b"], rows=[["Оплачен"] * 5])
def test_any_table_gives_a_profile_that_loads(names, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    header = [*names, "yclid", "Дата", "Статус " + "".join(names)[:3]]
    with (folder / "deals.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(header)
        writer.writerows([*row[: len(names)], YCLID, "31.05.2024", row[-1]] for row in rows)
    findings = look(str(folder / "deals.csv"), no_progress)
    if lack(findings):
        return
    text = starter_profile(findings, "deals.csv", default_choices(findings), "profile.toml")
    for name, written in (("profile.toml", text), ("all.toml", uncommented(text))):
        (folder / name).write_text(written, encoding="utf-8", newline="\n")
        outcome = check(load_profile(folder / name), Options())
        assert outcome.summary.counts["conversions"].rows == findings.rows + findings.unreadable
