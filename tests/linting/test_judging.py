"""Files judged whole: what is counted, what is shown of it, and what a program is told."""

import csv
import io
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from csvexport import workflow
from csvexport.errors import OutputError
from csvexport.linting.judging import Options, fix, lint, verdicts_json
from csvexport.profile import load_profile
from csvexport.sources import delimited
from csvexport.verdicts import Gravity

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
ID, TIME = "1716642001234567891", "1717059600"
HEADER = "ClientId,Target,DateTime,Price,Currency\n"


def counts(verdict):
    return {finding.entry.code: finding.count for finding in verdict.findings}


@pytest.mark.parametrize("sample", ["bitrix24", "amocrm", "calltracking", "broken"])
def test_what_a_build_writes_is_without_error(sample, samples, tmp_path):
    outcome = workflow.build(load_profile(samples / sample / "profile.toml"), workflow.Options(now=NOW, out=tmp_path))
    files = [outcome.folder / file.name for file in outcome.summary.files]
    verdicts = lint(files, Options(now=NOW))
    expected = [(file.kind, file.rows) for file in outcome.summary.files]
    assert [(verdict.kind, verdict.rows) for verdict in verdicts] == expected
    assert [verdict.count(Gravity.ERROR) for verdict in verdicts] == [0] * len(files)
    # What the build warned of, and nothing else.
    warned = {code.text for code in outcome.summary.issues}
    assert {code for verdict in verdicts for code in counts(verdict)} <= warned


PROFILE = """
timezone = "Europe/Moscow"
[source]
path = "deals.csv"
[identifiers]
ClientId = "cid"
[[goals]]
target = "order_paid"
when = { status = "paid" }
time = "created"
price = "sum"
[calls]
time = "created"
phone = "phone"
talk_duration = "talk"
static = "static"
[orders]
id = "id"
created = "created"
client = "client"
client_ids = "cid"
emails = "mail"
phones = "phone"
revenue = "sum"
status = "status"
statuses = { paid = "PAID", new = "IN_PROGRESS", measured = "measure_booked" }
[contacts]
id = "client"
name = "name"
created = "created"
birth_date = "birth"
client_ids = "cid"
emails = "mail"
phones = "phone"
contacts = "plain"
attributes = { age = "age" }
[deals]
id = "id"
client = "client"
created = "created"
status = "status"
statuses = { paid = "PAID", new = "IN_PROGRESS", measured = "measure_booked" }
revenue = "sum"
products = "goods"
"""


def test_what_a_build_of_every_kind_writes_is_without_fault(tmp_path):
    header = "id;client;cid;created;mail;phone;sum;status;talk;static;name;birth;age;goods\n"
    rows = [
        f"{number};c{number};171664200123456{number};31.05.2024 1{number % 10}:10;Name{number}@Example.com;"
        f"+7 000 123-45-{number};1 20{number % 10},50;{status};1:35;{number % 2};Имя, {number};03.02.1985;30;Стул:1\n"
        for number, status in zip(range(10, 40), ["paid", "new", "measured"] * 10, strict=True)
    ]
    (tmp_path / "deals.csv").write_text(header + "".join(rows), encoding="utf-8")
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    options = workflow.Options(now=NOW, out=tmp_path / "out")
    folder = workflow.build(load_profile(tmp_path / "profile.toml"), options).folder
    verdicts = lint(sorted(path for path in folder.glob("*.csv") if path.name != "rejected.csv"), Options(now=NOW))
    assert [(verdict.kind, verdict.rows, counts(verdict)) for verdict in verdicts] == [
        ("calls", 30, {}),
        ("contacts", 30, {}),
        ("conversions", 10, {}),
        ("deals", 30, {}),
        ("orders", 30, {}),
    ]


def strange(rows):
    """A file with a fault in most rows."""
    chance = random.Random(5)
    cells = {
        "id": [ID, "17166420012345678", "", "1.7E+18", "0"],
        "target": ["a", "b", "", "a b", "5"],
        "time": [TIME, "1717063200", "", "x", f"{TIME}123", "1700000000", "1800000000"],
        "price": ["1", "", "1,5", "-1"],
        "currency": ["RUB", "", "rub"],
    }
    text = io.StringIO(HEADER)
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, lineterminator="\n")
    for number in range(rows):
        row = [chance.choice(choices) for choices in cells.values()]
        writer.writerow(row if number % 17 else row[:3] if number % 2 else [])
    return text.getvalue()


def test_a_file_is_judged_alike_in_pieces_of_any_size(judge, monkeypatch):
    content = strange(900)
    whole = judge(content)
    for size in (200, 1000, 5000):
        monkeypatch.setattr(delimited, "PIECE_BYTES", size)
        assert judge(content) == whole


def test_every_fault_is_counted_and_the_first_five_are_shown(judge):
    rows = "".join(f"{ID},goal{number},,,\n" for number in range(8))
    (whole, finding) = judge(HEADER + rows).findings
    assert (whole.entry.code, finding.entry.code, finding.count) == ("no-valid-rows", "empty-time", 8)
    assert [sight.row for sight in finding.sights] == [2, 3, 4, 5, 6]


def test_rows_are_numbered_as_a_spreadsheet_shows_them(judge):
    verdict = judge(f'{HEADER}\n{ID},"two\nlines",{TIME},,\n{ID},a,,,\n{ID}\n{ID},a,{TIME},,\n')
    rows = {finding.entry.code: finding.sights[0].row for finding in verdict.findings}
    assert rows == {"bad-target": 3, "empty-time": 4, "bad-row": 5, "blank-row": 2}


def test_faults_of_several_columns_are_one_finding_in_the_order_of_rows(judge):
    rows = ["id;create_date_time;emails;revenue;cost;order_status", "1;2024-05-30;mail@example.com;1;x;PAID"]
    rows += ["2;2024-05-30;mail@example.com;x;1;PAID", "3;2024-05-30;mail@example.com;1;x;PAID"]
    (finding,) = [found for found in judge("\n".join([*rows, ""])).findings if found.entry.code == "bad-price"]
    assert (finding.count, [(sight.row, sight.column) for sight in finding.sights]) == (
        3,
        [(2, "cost"), (3, "revenue"), (4, "cost")],
    )


def test_errors_come_first_and_of_these_what_concerns_the_whole_file(judge):
    rows = f"{ID},,{TIME},,rub\n{ID},5,{TIME},,rub\n{ID},a,1700000000,,\n{ID},b,1700000000,,\n"
    verdict = judge(HEADER.replace("Price", "price") + rows)
    assert counts(verdict) == {
        "header-case": 1,
        "bad-currency": 2,
        "missing-value": 1,
        "outside-window": 2,
        "numeric-target": 1,
    }
    assert [*counts(verdict)] == ["header-case", "bad-currency", "missing-value", "outside-window", "numeric-target"]
    assert (verdict.count(Gravity.ERROR), verdict.count(Gravity.WARNING), verdict.refused) == (4, 3, 2)


def test_an_old_static_call_is_no_fault(judge):
    calls = f"ClientId,DateTime,StaticCall\n,1700000000,1\n{ID},1700000000,0\n"
    (finding,) = judge(calls).findings
    assert (finding.entry.code, finding.count, finding.sights[0].row) == ("outside-window", 1, 3)


def test_a_column_of_identifiers_that_is_empty_is_none(judge):
    assert counts(judge(f"ClientId,Yclid,Target,DateTime\n{ID},,a,{TIME}\n")) == {}


def test_what_is_no_row_is_told_apart_where_there_is_much_of_it(judge):
    row = f"{ID},a,{TIME},,\n"
    verdict = judge(f'{HEADER}\n{row}{HEADER}{ID}\n{HEADER},,,,\n"  Итого: ",,,5,\n')
    places = {finding.entry.code: [sight.row for sight in finding.sights] for finding in verdict.findings}
    assert places == {"bad-row": [5], "repeated-header": [4, 6], "totals-row": [8], "blank-row": [2, 7]}
    assert (verdict.rows, verdict.refused) == (2, 1)


def test_a_row_without_identifier_is_refused(judge):
    assert judge(f"{HEADER}{ID},a,{TIME},,\n,a,{TIME},,\n").refused == 1


def test_rows_with_several_errors_are_refused_once(judge):
    verdict = judge(f"{HEADER},,,x,rub\n{ID},a,{TIME},,\n{ID},a\n")
    assert (verdict.rows, verdict.refused) == (3, 2)


@pytest.mark.parametrize(
    ("name", "header", "row", "secret"),
    [
        ("an id", "ClientId,Target,DateTime", f"{ID}x,a,{TIME}", f"{ID}x"),
        ("an id under another name", "ClientId,Target,DateTime", f"1,a,{ID}", ID),
        ("an e-mail", "id,create_date_time,emails,order_status", '1,2024-05-30,"name@example.com,x",PAID', "name@exa"),
        ("a phone", "id,create_date_time,phones,order_status", "1,2024-05-30,+7 000 123-45-67,PAID", "123-45-67"),
        (
            "a plain contact",
            "id,create_date_time,emails_md5,order_status",
            "1,2024-05-30,name@example.com,PAID",
            "@exa",
        ),
        ("a birthday", "uniq_id,emails,birth_date", "1,mail@example.com,3 мая 1965", "1965"),
        (
            "an e-mail as a status",
            "id,create_date_time,phones,order_status",
            "1,2024-05-30,70001234567,n@example.com,",
            "@e",
        ),
        ("an e-mail as a target", "ClientId,Target,DateTime", f"{ID},see name@example.com,{TIME}", "@exa"),
        ("a user", "UserId,Target,DateTime", f"name@example.com ,a,{TIME}", "@exa"),
        ("an address", "ClientId,DateTime,URL", f"{ID},{TIME},https://example.ru/ ?token=abc", "token"),
        ("a row", "ClientId,Target,DateTime", "name@example.com", "@exa"),
        ("a header", "name,mail", "Иван,name@example.com", "@exa"),
        ("no header", "Иван,name@example.com", "Пётр,name@example.com", "@exa"),
    ],
)
def test_nothing_personal_is_shown_whole(name, header, row, secret, judge):
    verdict = judge(f"{header}\n{row}\n")
    assert verdict.findings, name
    assert secret not in str(verdicts_json([verdict]))


@pytest.mark.parametrize(("time", "shown"), [("1800000000", "1800000000"), ("9001234567", "9001…"), (ID, "1716…")])
def test_times_are_shown_and_phones_among_them_are_not(time, shown, judge):
    findings = judge(f"{HEADER}{ID},a,{TIME},,\n{ID},b,{time},,\n").findings
    assert [finding.sights[0].value for finding in findings] == [shown]


def test_the_zone_decides_what_is_future(judge):
    text = "id;create_date_time;emails;order_status\n1;2024-06-01 12:30:00;mail@example.com;PAID\n"
    assert "future-time" in counts(judge(text))
    assert counts(judge(text, zone="Asia/Vladivostok")) == {}


def test_the_moment_decides_what_is_old(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f"{HEADER}{ID},a,{TIME},,\n", encoding="utf-8")
    options = Options(now=NOW)
    assert counts(lint([path], options)[0]) == {}
    assert counts(lint([path], replace(options, now=NOW + timedelta(days=30)))[0]) == {"outside-window": 1}
    assert "future-time" in counts(lint([path], replace(options, now=NOW - timedelta(days=30)))[0])


def test_reading_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "PIECE_BYTES", 1000)
    path = tmp_path / "file.csv"
    path.write_text(HEADER + f"{ID},a,{TIME},,\n" * 100, encoding="utf-8")
    told = []
    lint([path], Options(now=NOW, progress=lambda *heard: told.append(heard)))
    size = path.stat().st_size
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == (100, size, size)


def test_temporary_files_that_cannot_be_written_are_an_error(judge, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputError, match="the temporary folder cannot be used: No such file or directory"):
        judge(f"{HEADER}{ID},a,{TIME},,\n")


NULLABLE_TEXT = {"type": ["string", "null"]}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["files", "errors", "warnings"],
    "properties": {
        "errors": {"type": "integer"},
        "warnings": {"type": "integer"},
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": [
                    *("path", "kind", "receiver", "rows", "refused", "bytes", "encoding", "delimiter"),
                    *("findings", "fixed", "mended"),
                ],
                "properties": {
                    "path": {"type": "string"},
                    "kind": {"enum": ["conversions", "calls", "chats", "orders", "contacts", "deals", None]},
                    "receiver": NULLABLE_TEXT,
                    "rows": {"type": ["integer", "null"]},
                    "refused": {"type": "integer"},
                    "bytes": {"type": "integer"},
                    "encoding": NULLABLE_TEXT,
                    "delimiter": NULLABLE_TEXT,
                    "fixed": NULLABLE_TEXT,
                    "mended": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "findings": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": [
                                *("code", "severity", "count", "title", "remedy", "yandex", "fixable", "examples")
                            ],
                            "properties": {
                                "code": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
                                "severity": {"enum": ["error", "warning"]},
                                "count": {"type": "integer", "minimum": 1},
                                "title": {"type": "string"},
                                "remedy": {"type": "string"},
                                "yandex": NULLABLE_TEXT,
                                "fixable": {"type": "boolean"},
                                "examples": {
                                    "type": "array",
                                    "maxItems": 5,
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "required": ["row", "column", "value"],
                                        "properties": {
                                            "row": {"type": ["integer", "null"]},
                                            "column": {"type": "string"},
                                            "value": {"type": "string"},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_programs_are_told_all_of_it(judge):
    verdicts = [judge(strange(200)), judge('{"a": 1}'), judge(""), judge(f"{HEADER}{ID},a,{TIME},,\n")]
    document = verdicts_json(verdicts)
    jsonschema.validate(document, SCHEMA)
    assert document["errors"] == sum(verdict.count(Gravity.ERROR) for verdict in verdicts) > 0
    assert document["warnings"] == sum(verdict.count(Gravity.WARNING) for verdict in verdicts) > 0


def test_programs_are_told_of_the_copy(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f"{HEADER}{ID},a,{TIME},,rub\n".replace(",", ";"), encoding="utf-8")
    document = verdicts_json(fix([path], None, Options(now=NOW)))
    jsonschema.validate(document, SCHEMA)
    (file,) = document["files"]
    assert (file["path"], file["fixed"], file["mended"]) == (
        str(path),
        str(tmp_path / "file.fixed.csv"),
        {"wrong-delimiter": 1},
    )
    assert [finding["code"] for finding in file["findings"]] == ["no-valid-rows", "bad-currency"]
