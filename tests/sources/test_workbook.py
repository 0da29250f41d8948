import csv
import io
import os
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
import xlsxwriter
import xlwt
from hypothesis import example, given
from hypothesis import strategies as st
from msoffcrypto.format import ooxml

from csvexport.confined import workbooks
from csvexport.confined.workbooks import cell_text, is_exact
from csvexport.errors import SourceError
from csvexport.issues import REJECTED_COLUMNS, Code
from csvexport.profile import SourceSettings, load_profile
from csvexport.sources import open_sources, workbook
from csvexport.sources.forms import find_format
from csvexport.sources.workbook import Workbook
from csvexport.values.identifiers import Rule, read_identifier
from csvexport.workflow import Options, build

DATE_FORMAT = {"num_format": "dd.mm.yyyy hh:mm:ss"}

ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="Сделки">
<table:table-row>
<table:table-cell office:value-type="string"><text:p>ID</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Когда</text:p></table:table-cell>
</table:table-row>
<table:table-row>
<table:table-cell office:value-type="float" office:value="17"><text:p>17</text:p></table:table-cell>
<table:table-cell office:value-type="date" office:date-value="2024-05-31T14:05:09"><text:p>31.05.24</text:p>
</table:table-cell>
</table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


def write_xlsx(path, sheets, **options):
    """Write sheets of rows: `{"Deals": [["ID"], [17]]}`; a text that begins with # is what a formula shows."""
    book = xlsxwriter.Workbook(path, options)
    dates = book.add_format(DATE_FORMAT)
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, str) and cell.startswith("#"):
                    sheet.write_formula(row, column, "=A1", None, cell)
                elif isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif isinstance(cell, (date, time, timedelta)):
                    sheet.write_datetime(row, column, cell, dates)
                elif cell is not None:
                    sheet.write(row, column, cell)
    return book


@pytest.fixture
def opened(tmp_path):
    """Write a workbook of one sheet (rows) or of several (a dictionary) and open it."""

    def open_book(sheets, *expected, options=None, **overrules):
        path = tmp_path / "deals.xlsx"
        write_xlsx(path, sheets if isinstance(sheets, dict) else {"Лист1": sheets}, **(options or {})).close()
        return Workbook(path, "deals.xlsx", SourceSettings(**overrules), expected, find_format(path))

    return open_book


@pytest.fixture
def whole(tmp_path):
    write_xlsx(tmp_path / "whole.xlsx", {"Сделки": [["ID", "n"], *([f"r{row}", row] for row in range(500))]}).close()
    return tmp_path / "whole.xlsx"


def read(source):
    """Read all: rows by the number that a spreadsheet shows, and what was left out."""
    rows, left_out, first = {}, Counter(), source.header_row + 1
    for piece in source.pieces():
        block = source.parse(piece, ())
        columns = [block.text(name).to_pylist() for name in block.columns]
        rows |= dict(zip((block.rows + first).tolist(), zip(*columns, strict=True), strict=True))
        left_out.update({kind: count for kind, count in block.left_out.items() if count})
        first += block.records
    return rows, dict(left_out)


# Cells


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("Ромашка", "Ромашка"),
        (" 007 ", " 007 "),
        ("1706436776194551959", "1706436776194551959"),
        (17, "17"),
        (-5, "-5"),
        (0, "0"),
        (12345.67, "12345.67"),
        (0.1 + 0.2, "0.3"),
        (1234.5600000000001, "1234.56"),
        (2**53 - 1, "9007199254740991"),
        (2**53, "9.00719925474099E+15"),
        (1706436776194551959, "1.70643677619455E+18"),
        (True, "TRUE"),
        (False, "FALSE"),
        (datetime(2024, 5, 31, 14, 5, 9), "2024-05-31 14:05:09"),
        (datetime(2024, 5, 31, 23, 59, 59), "2024-05-31 23:59:59"),
        (date(2024, 5, 31), "2024-05-31"),
        (None, ""),
        ("#N/A", "#N/A"),
    ],
)
def test_a_cell_becomes_text(opened, cell, text):
    rows, _ = read(opened([["ID", "Cell"], ["1", cell]], "Cell"))
    assert rows == {2: ("1", text)}


@pytest.mark.parametrize("moment", [datetime(2024, 5, 31, 14, 5, second) for second in range(60)])
def test_a_date_keeps_its_second_in_either_epoch(opened, moment):
    for epoch in (False, True):
        rows, _ = read(opened([["at"], [moment]], "at", options={"date_1904": epoch}))
        assert rows == {2: (f"{moment:%Y-%m-%d %H:%M:%S}",)}


@pytest.mark.parametrize(
    ("cell", "text"), [(time(9, 5), "09:05:00"), (timedelta(hours=30, minutes=1), "30:01:00"), (10**16, "1" + "E+16")]
)
def test_what_calamine_gives_becomes_text(cell, text):
    assert cell_text(cell).replace(".00000000000000", "") == text


@given(st.integers(0, 2**64))
@example(2**53 - 1)
@example(2**53)
@example(10**19)
def test_no_digit_of_an_identifier_changes(number):
    identifier, code = read_identifier(cell_text(float(number)), Rule.NUMBER)
    if 0 < number < 2**53:
        assert (identifier, code) == (str(number), code)
        assert code in {Code.NONE, Code.SUSPICIOUS_IDENTIFIER}
    elif number:
        assert (identifier, code) == ("", Code.ROUNDED_IDENTIFIER)


def test_what_shows_an_error_is_not_taken_for_empty(opened):
    rows = [["ID", "Сумма"], *([str(row), "#REF!" if row % 3 else row] for row in range(40))]
    read_rows, _ = read(opened([["Отчёт"], [], *rows], "Сумма"))
    assert read_rows == {row + 4: (str(row), "#REF!" if row % 3 else str(row)) for row in range(40)}


@pytest.mark.parametrize("chunk", [1 << 20, 200, 90])
def test_what_shows_an_error_is_found_however_much_is_looked_at_a_time(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(workbooks, "_CHUNK", chunk)
    write_xlsx(tmp_path / "deals.xlsx", {"A": [["ID"], *(["#REF!" if row % 3 else row] for row in range(40))]}).close()
    file = workbooks.File(str(tmp_path / "deals.xlsx"), "xlsx")
    file.load("A", 1)
    file.begin(1, None)
    (count, last), (_, texts) = file.go_on()
    assert (count, last) == (40, True)
    assert bytes(texts).decode() == "".join("#REF!" if row % 3 else str(row) for row in range(40))


def test_a_number_with_all_its_digits_keeps_them_but_not_what_a_program_has_rounded(whole, tmp_path):
    cells = ["1706436776194551959", "14088358217176488025", "1706436776194550000", "1.7064367761945519E+18", "17"]
    cells += ["1706436776194552000", "9007199254740992"]
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "long.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if "sheet1" in name:
                for row, cell in enumerate(cells):
                    content = content.replace(
                        f'<c r="B{row + 2}"><v>{row}</v>'.encode(), f'<c r="B{row + 2}"><v>{cell}</v>'.encode()
                    )
            target.writestr(name, content)
    rows, _ = read(Workbook(tmp_path / "long.xlsx", "long.xlsx", SourceSettings(), ["ID"], "xlsx"))
    assert [rows[row + 2][1] for row in range(8)] == [
        "1706436776194551959",
        "14088358217176488025",
        "1.70643677619455E+18",
        "1.70643677619455E+18",
        "17",
        "1.70643677619455E+18",
        "9.00719925474099E+15",
        "7",
    ]


@given(st.integers(2**53, 10**20 - 1))
@example(1706436776194551959)
def test_digits_that_a_double_would_print_are_not_taken_for_the_number_s_own(number):
    double = float(number)
    texts = (repr(double), f"{double:.0f}", f"{double:.15g}", f"{double:.16g}", f"{double:.17g}")
    printed = {int(Decimal(text)) for text in texts}
    assert not any(is_exact(str(one)) for one in printed)
    assert is_exact(str(number)) == (number not in printed)


# Tables


def test_the_header_stands_below_merged_titles_and_rows_keep_the_numbers_of_the_spreadsheet(tmp_path):
    path = tmp_path / "deals.xlsx"
    book = write_xlsx(path, {"Отчёт": [[], [], ["ID", "Сумма"], [1, 2.5], [], [3, 4], ["ID", "Сумма"], [5, 6], [], []]})
    book.worksheets()[0].merge_range(0, 0, 0, 1, "Сделки за май", book.add_format())
    book.worksheets()[0].write(10, 0, "Итого")
    book.worksheets()[0].set_column(0, 20, 10)
    book.close()
    source = Workbook(path, "deals.xlsx", SourceSettings(), ["Сумма"], "xlsx")
    rows, left_out = read(source)
    assert rows == {4: ("1", "2.5"), 6: ("3", "4"), 8: ("5", "6")}
    assert left_out == {"blank": 3, "header": 1, "total": 1}
    facts = source.facts(3, Counter(left_out))
    assert (facts.form, facts.left_out["preamble"]) == ('xlsx, sheet "Отчёт"', 2)


@pytest.mark.parametrize("size", [16, 17, 34, 49, 50, 51, 1 << 14])
def test_however_many_rows_are_read_at_a_time(opened, monkeypatch, size):
    monkeypatch.setattr(workbook, "ROWS", size)
    totals = [["Итого", None], ["Всего", None]]
    source = opened([["ID", "n"], *([f"r{row}", row] for row in range(49)), *totals], "n")
    positions = [piece.position for piece in source.pieces()]
    assert read(source) == ({row + 2: (f"r{row}", str(row)) for row in range(49)}, {"total": 2})
    assert positions == sorted(positions)
    assert positions[-1] == source.size


def test_columns_are_named_as_in_other_tables(opened):
    source = opened([["ID", " Сумма ", "Сумма", None, "Ещё"], [1, 2, 3, 4, 5]], "Сумма")
    assert source.columns == ("ID", "Сумма", "Сумма (2)", "Column 4", "Ещё")


def test_a_header_without_rows_is_an_empty_table(opened):
    assert read(opened([["ID", "Сумма"]], "ID")) == ({}, {})


SHEETS = {"Титул": [["Отчёт"]], "Сделки": [["ID", "Сумма"], [1, 2]], "Архив ": [["ID", "Сумма"], [8, 9]]}


@pytest.mark.parametrize(
    ("sheet", "expected", "rows"),
    [
        (None, ["Сумма"], {2: ("1", "2")}),
        (None, [], {}),
        ("Архив", ["Сумма"], {2: ("8", "9")}),
        ("сделки", ["Сумма"], {2: ("1", "2")}),
        (3, ["Сумма"], {2: ("8", "9")}),
    ],
)
def test_the_sheet_is_the_wanted_one_else_the_first_with_the_expected_columns(opened, sheet, expected, rows):
    assert read(opened(SHEETS, *expected, sheet=sheet))[0] == rows


def test_a_hidden_sheet_is_read_only_when_it_is_wanted(tmp_path):
    book = write_xlsx(tmp_path / "deals.xlsx", SHEETS)
    book.worksheets()[1].hide()
    book.close()
    for sheet, rows in ((None, {2: ("8", "9")}), ("Сделки", {2: ("1", "2")})):
        settings = SourceSettings(sheet=sheet)
        assert read(Workbook(tmp_path / "deals.xlsx", "deals.xlsx", settings, ["Сумма"], "xlsx"))[0] == rows


# Forms


def test_an_old_workbook_is_read(tmp_path):
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Лист")
    when = xlwt.easyxf(num_format_str="DD.MM.YYYY HH:MM:SS")
    cells = [["ID", "Когда", "Сумма"], [17, datetime(2024, 5, 31, 14, 5, 9), 12.5]]
    for row, values in enumerate(cells):
        for column, value in enumerate(values):
            sheet.write(row, column, value, when if isinstance(value, datetime) else xlwt.Style.default_style)
    book.save(str(tmp_path / "deals.xls"))
    assert find_format(tmp_path / "deals.xls") == "xls"
    source = Workbook(tmp_path / "deals.xls", "deals.xls", SourceSettings(), ["Сумма"], "xls")
    assert read(source)[0] == {2: ("17", "2024-05-31 14:05:09", "12.5")}


def test_an_open_document_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "deals.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.replace("\n<", "<"))
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    assert find_format(tmp_path / "deals.ods") == "ods"
    source = Workbook(tmp_path / "deals.ods", "deals.ods", SourceSettings(), ["ID"], "ods")
    assert read(source)[0] == {2: ("17", "2024-05-31 14:05:09")}


PROFILE = """
timezone = "Europe/Moscow"
[source]
path = "{name}"
[identifiers]
Yclid = "yclid"
[[goals]]
target = "paid"
time = "at"
price = "sum"
"""

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)


def built(folder, name):
    (folder / "profile.toml").write_text(PROFILE.format(name=name), encoding="utf-8")
    return build(load_profile(folder / "profile.toml"), Options(now=NOW, out=folder / "out"))


def test_the_content_counts_and_not_the_name(tmp_path):
    rows = [["yclid", "at", "sum"], ["14088358217176488025", datetime(2024, 5, 31, 14, 5, 9), 10]]
    write_xlsx(tmp_path / "export.csv", {"A": rows}).close()
    outcome = built(tmp_path, "export.csv")
    (line,) = (outcome.folder / "conversions-Yclid.csv").read_text().splitlines()[1:]
    assert line == "14088358217176488025,paid,1717153509,10.00,RUB"


def test_a_build_of_a_workbook_makes_the_files_that_a_build_of_its_csv_makes(tmp_path, samples):
    profile = (samples / "bitrix24" / "profile.toml").read_text(encoding="utf-8")
    text = (samples / "bitrix24" / "deals.csv").read_bytes().decode("cp1251")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    write_xlsx(tmp_path / "deals.xlsx", {"Сделки": rows}).close()
    (tmp_path / "profile.toml").write_text(profile.replace("deals.csv", "deals.xlsx"), encoding="utf-8")
    outcome = build(load_profile(tmp_path / "profile.toml"), Options(now=NOW, out=tmp_path / "out"))
    for name in ("conversions-ClientId.csv", "conversions-Yclid.csv"):
        expected = (samples / "bitrix24" / "expected" / name).read_bytes()
        assert (outcome.folder / name).read_bytes() == expected
    (source,) = outcome.summary.sources
    assert (source.format, source.sheet, source.rows) == ("xlsx", "Сделки", 241)


def test_an_amount_that_shows_an_error_is_rejected(tmp_path):
    rows = [["yclid", "at", "sum"], *(["1234567", datetime(2024, 5, 31, 14, 5, second), 1] for second in range(9))]
    rows[3][2] = "#DIV/0!"
    write_xlsx(tmp_path / "deals.xlsx", {"A": rows}).close()
    outcome = built(tmp_path, "deals.xlsx")
    assert {code.text: count for code, count in outcome.summary.issues.items()} == {"bad-price": 1}
    rejected = csv.DictReader(io.StringIO((outcome.folder / "rejected.csv").read_text(encoding="utf-8")))
    assert [(row["row"], row["value"]) for row in rejected] == [("4", "#DIV/0!")]


def test_rejected_rows_come_back_from_a_workbook(tmp_path):
    ours = ["deals.csv", "2", "conversions", "bad-time", "at", "x", "Correct it."]
    rows = [[*REJECTED_COLUMNS, "yclid", "at", "sum"], [*ours, "1234567", "31.05.2024 14:05:09", "5"]]
    write_xlsx(tmp_path / "corrected.xlsx", {"rejected": rows}).close()
    (tmp_path / "profile.toml").write_text(PROFILE.format(name="corrected.xlsx"), encoding="utf-8")
    (source,) = open_sources(
        load_profile(tmp_path / "profile.toml").source, tmp_path, (), ["yclid", "at", "sum"], tmp_path
    )
    assert source.is_rejected_file
    assert (source.columns, read(source)[0]) == (("yclid", "at", "sum"), {2: ("1234567", "31.05.2024 14:05:09", "5")})


# Bad input


def refused(path, **overrules):
    with pytest.raises(SourceError) as caught:
        read(Workbook(path, path.name, SourceSettings(**overrules), ["ID"], find_format(path)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_encrypted_workbook(whole, tmp_path):
    path = tmp_path / "secret.xlsx"
    with whole.open("rb") as plain, path.open("w+b") as secret:
        ooxml.OOXMLFile(plain).encrypt("x", secret)
    assert "encrypted" in refused(path)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_workbook_that_is_cut_off(whole, tmp_path, share):
    content = whole.read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(content[: int(len(content) * share)])
    assert "no whole workbook" in refused(tmp_path / "cut.xlsx")


def test_a_workbook_with_a_damaged_sheet(whole, tmp_path):
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    assert "no whole workbook" in refused(tmp_path / "bad.xlsx")


def test_an_old_workbook_that_is_none(tmp_path):
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600)
    assert "no whole workbook" in refused(tmp_path / "old.xls")


@pytest.mark.parametrize(
    ("overrules", "message"),
    [
        ({"sheet": "Лиды"}, 'whole.xlsx: there is no sheet "Лиды"; the workbook has "Сделки"'),
        ({"sheet": 2}, 'whole.xlsx: source.sheet is 2, but the workbook has "Сделки"'),
        ({"header": 999}, "whole.xlsx: source.header is 999, but the sheet has fewer rows"),
    ],
)
def test_what_the_profile_wants_is_not_there(whole, overrules, message):
    assert refused(whole, **overrules) == message


def test_an_empty_workbook(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", {"A": [], "B": [[""]]}).close()
    assert refused(tmp_path / "a.xlsx") == "a.xlsx: the workbook is empty; export it again"
    assert refused(tmp_path / "a.xlsx", sheet="A") == 'a.xlsx: the sheet "A" is empty; export it again'


def test_another_zip_archive_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("deals.csv", "ID\n1\n")
    assert find_format(tmp_path / "export.zip") == "csv"


def test_a_workbook_that_changes_while_it_is_read(whole, monkeypatch):
    monkeypatch.setattr(workbook, "ROWS", 100)
    source = Workbook(whole, "whole.xlsx", SourceSettings(), ["ID"], "xlsx")
    pieces = source.pieces()
    next(pieces)
    os.utime(whole, ns=(1, 1))
    with pytest.raises(SourceError, match="changed while it was read"):
        list(pieces)


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
@pytest.mark.parametrize("taken", [0, 1])
def test_a_workbook_that_is_removed_while_it_is_read(whole, monkeypatch, taken):
    monkeypatch.setattr(workbook, "ROWS", 100)
    source = Workbook(whole, "whole.xlsx", SourceSettings(), ["ID"], "xlsx")
    pieces = source.pieces()
    for _ in range(taken):
        next(pieces)
    whole.unlink()
    with pytest.raises(SourceError, match=r"^whole.xlsx: cannot be read: No such file or directory$"):
        list(pieces)
