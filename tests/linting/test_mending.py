"""Corrected copies: what is certain is right, all else is there to the letter, and the original is what it was."""

import codecs
import csv
import io
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from csvexport.errors import OutputError, SourceError, UsageError
from csvexport.linting import mending
from csvexport.linting.judging import Options, fix, lint
from csvexport.linting.mending import cells_of, refuse_target, target_of
from csvexport.sources import delimited
from csvexport.sources.records import read_record

ID, OTHER_ID, TIME = "1716642001234567891", "1716642001234567892", "1717059600"
ROWS = f"{ID},order_paid,{TIME},100.50,RUB\n{OTHER_ID},order_paid,{TIME},,\n"
HEADER = "ClientId,Target,DateTime,Price,Currency\n"
CONVERSIONS = HEADER + ROWS


@pytest.fixture
def mended(tmp_path, options):
    """Mend a file of this content; gives the copy's bytes, None if there is none, and the verdict."""

    def mended(content):
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        before = path.read_bytes(), path.stat().st_mtime_ns
        copy = tmp_path / "file.fixed.csv"
        copy.unlink(missing_ok=True)
        (verdict,) = fix([path], None, options)
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before
        assert {path.name for path in tmp_path.iterdir()} <= {"file.csv", "file.fixed.csv"}
        assert verdict.path == str(path)
        assert verdict.copy == (copy if copy.exists() else None)
        return copy.read_bytes() if copy.exists() else None, verdict

    return mended


CONTACTS = "uniq_id,name,emails,phones\n7,Ирина,mail@example.com,70001234567\n"

MENDED = [
    ("byte-order-mark", codecs.BOM_UTF8 + CONVERSIONS.encode(), CONVERSIONS),
    ("wrong-encoding", CONTACTS.encode("cp1251"), CONTACTS),
    ("wrong-encoding", CONTACTS.encode("koi8-r"), CONTACTS),
    ("wrong-encoding", CONTACTS.encode("utf-16"), CONTACTS),
    ("wrong-encoding", CONTACTS.encode("utf-16-be"), CONTACTS),
    ("wrong-delimiter", CONVERSIONS.replace(",", ";"), CONVERSIONS),
    ("wrong-delimiter", CONVERSIONS.replace(",", "\t"), CONVERSIONS),
    ("line-endings", CONVERSIONS.replace("\n", "\r"), CONVERSIONS),
    ("header-case", CONVERSIONS.replace("ClientId", "clientid").replace("Target", " Target ", 1), CONVERSIONS),
    ("milliseconds", CONVERSIONS.replace(TIME, f"{TIME}123"), CONVERSIONS),
    ("milliseconds", CONVERSIONS.replace(TIME, f'"{TIME}123"'), CONVERSIONS.replace(TIME, f'"{TIME}"')),
    ("row-name-column", f'"",{HEADER}1,{ROWS.replace(chr(10), f"{chr(10)}2,", 1)}', CONVERSIONS),
    ("row-name-column", f"X,{HEADER}1,{ROWS.replace(chr(10), f'{chr(10)}2,', 1)}", CONVERSIONS),
]


@pytest.fixture
def options():
    """The moment of all tests."""
    return Options(now=datetime(2024, 6, 1, 9, tzinfo=UTC))


@pytest.mark.parametrize(("code", "content", "expected"), MENDED)
def test_what_is_certain_is_mended_and_the_copy_is_clean(code, content, expected, mended):
    copy, verdict = mended(content)
    assert copy.decode() == expected
    assert (verdict.findings, [*verdict.mended]) == ((), [code])


def test_everything_at_once_is_mended(mended):
    text = f'X;CLIENTID;target;DateTime\r1;{ID};заказ;{TIME}999\r2;{OTHER_ID};"a;b";{TIME}\r'
    copy, verdict = mended(text.encode("cp1251"))
    assert copy.decode() == f'ClientId,Target,DateTime\n{ID},заказ,{TIME}\n{OTHER_ID},"a;b",{TIME}\n'
    assert verdict.mended == {
        "wrong-encoding": 1,
        "wrong-delimiter": 1,
        "line-endings": 1,
        "header-case": 2,
        "row-name-column": 1,
        "milliseconds": 1,
    }
    assert [finding.entry.code for finding in verdict.findings] == ["bad-target"]
    assert (verdict.encoding, verdict.delimiter, verdict.kind) == ("utf-8", ",", "conversions")


@pytest.mark.parametrize(
    "content",
    [
        CONVERSIONS,
        CONVERSIONS.replace("RUB", "rub"),
        CONVERSIONS.replace(TIME, "2024-05-30 12:00"),
        "ID;Сумма\n1;2\n",
        '{"a": 1}',
        "",
    ],
)
def test_nothing_is_written_where_nothing_is_certain(content, mended):
    copy, verdict = mended(content)
    assert copy is None
    assert verdict.mended == {}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("1;5,5;x;y", '1,"5,5",x,y'),
        ('1;"a;b";"x";y', '1,"a;b","x",y'),
        ('1;"a,b";"a""b";', '1,"a,b","a""b",'),
        ('1;5" x 6";a,"b;', '1,5" x 6","a,""b",'),
        ('1;"two\nlines";x;y', '1,"two\nlines",x,y'),
        ("1;2;3", "1,2,3"),
        ("1;2;3;4;5;6", "1,2,3,4,5,6"),
        (";;;", ",,,"),
        ("", ""),
        ("   ", "   "),
        ('1;"a"b;x;y', '"1;""a""b;x;y"'),
        ('"a"b;x,"y;z', '"""a""b;x,""y;z"'),
        ('"never closed;x', '"""never closed;x"'),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_row_keeps_its_cells_to_the_letter(row, expected, line_end, mended):
    head, last = "PhoneNumber;ClientId;DateTime;Tag", f"+70001234567;{ID};{TIME};x"
    text = f"{head}{line_end}{row}{line_end}{last}{line_end}"
    copy, _ = mended(text)
    assert copy.decode() == f"{head.replace(';', ',')}{line_end}{expected}{line_end}{last.replace(';', ',')}{line_end}"


def test_a_row_that_cannot_be_read_stays_what_it_is_where_delimiters_do(mended):
    broken = [f'{ID},"a"b,{TIME},,', f'{ID},"never closed', f'"{ID}"x,"']
    copy, verdict = mended("\n".join([HEADER.replace("T", "t").strip(), *broken, *ROWS.splitlines(), ""]))
    assert copy.decode() == "\n".join([HEADER.strip(), *broken, *ROWS.splitlines(), ""])
    assert {finding.entry.code: finding.count for finding in verdict.findings} == {"bad-row": 3}
    copy, _ = mended("\r".join([HEADER.strip(), f'{ID},"a\nb"c,{TIME},,', *ROWS.splitlines(), ""]))
    assert copy.decode() == f'{HEADER}"{ID},""a\nb""c,{TIME},,"\n{ROWS}'


def test_a_last_line_without_an_end_gets_none(mended):
    copy, _ = mended(CONVERSIONS.replace(",", ";").removesuffix("\n"))
    assert copy.decode() == CONVERSIONS.removesuffix("\n")


def test_line_breaks_inside_cells_stay_what_they_are_where_lines_end_in_a_return(mended):
    text = f'ClientId,DateTime,PhoneNumber,Tag\r{ID},{TIME},+70001234567,"a\nb"\r{ID},{TIME},+70001234568,"a\r\nb"\r'
    copy, _ = mended(text)
    assert list(csv.reader(io.StringIO(copy.decode(), newline="")))[1:] == [
        [ID, TIME, "+70001234567", "a\nb"],
        [ID, TIME, "+70001234568", "a\r\nb"],
    ]


def test_a_line_break_far_below_in_a_cell_without_quotes_gets_them(mended):
    row = f"{ID},{TIME},+70001234567,{'x' * 1000}\r"
    copy, _ = mended(f"ClientId,DateTime,PhoneNumber,Tag\r{row * 1100}{ID},{TIME},+70001234567,a\nb\r")
    assert list(csv.reader(io.StringIO(copy.decode(), newline="")))[-1] == [ID, TIME, "+70001234567", "a\nb"]


def test_rows_that_are_too_short_stay_what_they_are(mended):
    copy, _ = mended(f'X,PhoneNumber,ClientId,DateTime\n1,,"{ID}",{TIME}123\n2,,{ID}\n   \n3,,{ID},{TIME}\n')
    assert copy.decode() == f'PhoneNumber,ClientId,DateTime\n,"{ID}",{TIME}\n,{ID}\n   \n,{ID},{TIME}\n'


def test_lines_above_the_header_stay_what_they_are(mended):
    copy, verdict = mended(f"Отчёт; май\n\n{CONVERSIONS.replace(',', ';')}")
    assert copy.decode() == f"Отчёт; май\n\n{CONVERSIONS}"
    assert [finding.entry.code for finding in verdict.findings] == ["header-row"]


def test_what_is_no_text_stays_what_it_is(mended):
    broken = b"7;\x98;mail@example.com\n"
    content = "uniq_id;name;emails\n8;Ирина;mail@example.com\n".encode("cp1251") + broken
    copy, verdict = mended(content)
    assert copy == "uniq_id;name;emails\n8;Ирина;mail@example.com\n".encode() + broken
    assert [(f.entry.code, f.sights[0].row) for f in verdict.findings] == [("broken-text", 3)]


def test_no_identifier_changes(mended):
    ids = ["1.71664200123457E+18", "0017", f"'{ID}", f" {ID}", '="17"', f"{ID}.0", "1716642001234560000"]
    rows = "".join(f"{own};a;{TIME}123\n" for own in ids)
    copy, _ = mended(f"ClientId;Target;DateTime\n{rows}")
    assert [line.split(",")[0] for line in copy.decode().splitlines()[1:]] == ids


CELLS = st.sampled_from(
    [
        "",
        "a",
        "5,5",
        "1;2",
        "a\tb",
        "two\nlines",
        "two\r\nlines",
        'say "a"',
        '5" x 6"',
        " ",
        "ё",
        TIME,
        f"{TIME}123",
        ID,
    ]
)
TABLES = st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=6)
NAMES = ["ClientId", "datetime", "PhoneNumber", "Tag"]


def in_seconds(row):
    """The row as the copy should have it."""
    return [cell[:-3] if place == 1 and cell == f"{TIME}123" else cell for place, cell in enumerate(row)]


WAYS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(TABLES, WAYS, st.sampled_from(["utf-8", "utf-8-sig", "cp1251", "utf-16"]), st.booleans())
def test_the_copy_of_any_file_has_the_same_cells(mended, rows, way, codec, numbered):
    # A text that shows what the encoding is, and rows by which the delimiter is found.
    rows = [[ID, TIME, "+70001234567", "Проверка связи"], *rows, [ID, TIME, "+70001234567", ""]]
    assume(all(any(cell.strip() for cell in row) for row in rows))
    table = (
        [["X", *NAMES], *([str(number), *row] for number, row in enumerate(rows, 1))] if numbered else [NAMES, *rows]
    )
    text = io.StringIO(newline="")
    csv.writer(text, **way).writerows(table)
    copy, verdict = mended(text.getvalue().encode(codec))
    read = list(csv.reader(io.StringIO(copy.decode(), newline="")))
    assert read == [["ClientId", "DateTime", "PhoneNumber", "Tag"], *map(in_seconds, rows)]
    assert not [finding.entry.code for finding in verdict.findings if finding.entry.is_mendable]


PLAIN = st.sampled_from(["", "a", "5,5", "a\tb", " ", "ё", TIME, f"{TIME}123", f"{TIME}1234", ID, "0", "x|y"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(st.lists(PLAIN, min_size=4, max_size=4), min_size=1, max_size=8),
    st.sampled_from([";", "|"]),
    st.booleans(),
)
@example([["", "", "", ""], [ID, f"{TIME}123", "5,5", "ё"]], ";", True)  # noqa: FBT003 - as hypothesis wants it
def test_a_piece_at_once_is_what_it_is_record_by_record(mended, rows, delimiter, numbered):
    assume(delimiter == ";" or not any("|" in cell for row in rows for cell in row))
    rows = [[ID, f"{TIME}123", "+70001234567", "Проверка связи"], *rows]
    if numbered:
        rows = [[str(number), *row] for number, row in enumerate(rows, 1)]
    header = [*(["X"] if numbered else []), *NAMES]
    content = "".join(f"{delimiter.join(row)}\n" for row in [header, *rows])
    at_once, _ = mended(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mending.Copy, "written_at_once", lambda *_: None)
        assert mended(content)[0] == at_once


def test_whole_pieces_are_written_at_once_and_quotes_ask_for_more(mended, monkeypatch):
    wrote = []
    at_once = mending.Copy.written_at_once

    def watched(*arguments):
        wrote.append(at_once(*arguments) is not None)
        return at_once(*arguments)

    monkeypatch.setattr(mending.Copy, "written_at_once", watched)
    mended(CONVERSIONS.replace(",", ";"))
    mended(CONVERSIONS.replace(",", ";").replace("order_paid", '"order_paid"'))
    mended(CONVERSIONS.replace(",", ";") + ";\n")
    mended(CONVERSIONS.replace(",", ";") + "\n")
    assert wrote == [True, False, False, False]


def test_a_file_of_many_pieces_is_mended_whole(mended, monkeypatch):
    monkeypatch.setattr(delimited, "PIECE_BYTES", 256)
    rows = [f'{ID};goal{number};{TIME}{"123" if number % 3 else ""};"{number},5";RUB' for number in range(300)]
    copy, verdict = mended("\n".join([HEADER.strip().replace(",", ";"), *rows, ""]))
    read = list(csv.reader(io.StringIO(copy.decode(), newline="")))
    assert read[1:] == [[ID, f"goal{number}", TIME, f"{number},5", "RUB"] for number in range(300)]
    assert verdict.mended == {"wrong-delimiter": 1, "milliseconds": 200}


@given(st.lists(st.sampled_from(["a", ";", '"', '""', "ё", ",", ""]), max_size=12).map("".join))
def test_cells_with_their_quotes_are_the_record(text):
    body = text.encode()
    record = read_record(body, 0, b";", at_end=True) if body else None
    assume(record is not None and record.cells is not None)
    cells = cells_of(body, b";")
    assert b";".join(cells) == body
    assert [mending.plain(cell) for cell in cells] == record.cells


def test_a_copy_stands_beside_its_file():
    assert target_of(Path("out/deals.csv")) == Path("out/deals.fixed.csv")
    assert target_of(Path("deals.2024.txt")) == Path("deals.2024.fixed.csv")


def test_no_file_is_written_over(tmp_path, options):
    path = tmp_path / "file.csv"
    path.write_text(CONVERSIONS.replace(",", ";"), encoding="utf-8")
    (tmp_path / "file.txt").write_text(CONVERSIONS.replace(",", ";"), encoding="utf-8")
    with pytest.raises(
        UsageError, match=re.escape("file.csv is there already; remove it, or name another file with --to")
    ):
        fix([path], path, options)
    with pytest.raises(UsageError, match=r"file.fixed.csv would be the copy of two files"):
        fix([path, tmp_path / "file.txt"], None, options)
    with pytest.raises(UsageError, match=r"--to: there is no folder .*missing; make it first"):
        fix([path], tmp_path / "missing" / "copy.csv", options)
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UsageError, match="is there already"):
        refuse_target(tmp_path / "link", ())
    assert {path.name for path in tmp_path.iterdir()} == {"file.csv", "file.txt", "link"}
    fix([path], tmp_path / "copy", options)
    assert (tmp_path / "copy").read_text(encoding="utf-8") == CONVERSIONS


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_copy_is_read_by_those_who_may_read_the_file(mode, options, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(CONVERSIONS.replace(",", ";"), encoding="utf-8")
    path.chmod(mode)
    fix([path], None, options)
    assert (tmp_path / "file.fixed.csv").stat().st_mode == path.stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such folder")
def test_a_copy_that_cannot_be_written_is_an_error(tmp_path, options):
    path = tmp_path / "file.csv"
    path.write_text(CONVERSIONS.replace(",", ";"), encoding="utf-8")
    with pytest.raises(
        OutputError, match=r"^/proc/copy\.csv: the copy cannot be written: .*; nothing was left behind$"
    ):
        fix([path], Path("/proc/copy.csv"), options)


def test_a_file_that_changes_meanwhile_leaves_no_copy(tmp_path, options, monkeypatch):
    path = tmp_path / "file.csv"
    path.write_text(CONVERSIONS.replace(",", ";"), encoding="utf-8")
    beginning = mending.beginning

    def changing(*arguments):
        path.write_text(CONVERSIONS, encoding="utf-8")
        return beginning(*arguments)

    monkeypatch.setattr(mending, "beginning", changing)
    with pytest.raises(SourceError, match="changed"):
        fix([path], None, options)
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


def test_linting_writes_nothing(tmp_path, options):
    path = tmp_path / "file.csv"
    path.write_text(CONVERSIONS.replace(",", ";"), encoding="utf-8")
    (verdict,) = lint([path], options)
    assert [finding.entry.code for finding in verdict.findings] == ["wrong-delimiter"]
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]
