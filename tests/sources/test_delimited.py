import codecs
import csv
import hashlib
import io
import os
import tracemalloc
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csvexport.columns import number_column
from csvexport.errors import SourceError
from csvexport.issues import REJECTED_COLUMNS
from csvexport.profile import SourceSettings, load_profile
from csvexport.sources import DelimitedFile, delimited, detection, open_sources, records

WHOLE = delimited.PIECE_BYTES

# What decides where cells and records end, what is no text, and what is left out.
BYTES = [b"a", b";", b'"', b"\n", b"\r", b",", "ё".encode()]
ODD_BYTES = [*BYTES, b"\xff", b"\0", b" ", codecs.BOM_UTF8, b"x;y;z", b"\nx;y;z\n", "\nИтого;;\n".encode(), b";;\n"]
DATA = st.lists(st.sampled_from(BYTES), max_size=40).map(b"".join)
ODD_DATA = st.lists(st.sampled_from(ODD_BYTES), max_size=30).map(b"".join)

# Three cells to a line, nearly always, so that Arrow's parser gets its share.
CELLS = ["a", "", "ё", " ", '""', '"a;b"', '"a\n\nb"', '"a\r\nb"', '"""a"""', 'ООО "Ромашка"', '="1"', '5" x 6"']
LINES = st.tuples(*[st.sampled_from(CELLS)] * 3).map(";".join)
ODD_LINES = st.sampled_from(["x;y;z", "", ";;", "Итого;;", "a;b", '"a', "\ufeffx;y;z", "\ufeffa;b;c", '5";;', "\0;;"])
FEW_LINES = st.lists(LINES, max_size=4)
NEARLY_TABLES = st.tuples(FEW_LINES, st.lists(ODD_LINES, max_size=1), FEW_LINES).map(
    lambda parts: "\n".join([*parts[0], *parts[1], *parts[2], ""]).encode()
)


class Reading(NamedTuple):
    """What a source holds: cells and what cannot be read, by the rows' numbers in the file."""

    rows: dict[int, tuple[str, ...]]
    bad: dict[int, tuple[str, str]]
    left_out: Counter[str]
    records: int


def read(source, categories=(), pieces=None):
    rows, bad, left_out = {}, {}, Counter()
    first = source.header_row + 1
    for piece in pieces or source.pieces():
        block = source.parse(piece, categories)
        assert list(block.columns) == list(source.columns)
        columns = [checked(block, name) for name in block.columns]
        rows |= dict(zip((block.rows + first).tolist(), zip(*columns, strict=True), strict=True))
        bad |= {first + one.row: (one.text, one.reason) for one in block.bad}
        left_out.update(block.left_out)
        first += block.records
    assert not rows.keys() & bad.keys()
    assert len(rows) + len(bad) + left_out.total() == first - source.header_row - 1
    return Reading(rows, bad, left_out, first - source.header_row - 1)


def checked(block, name):
    """The texts of a column, which is what a block promises."""
    column = block.text(name)
    column.validate(full=True)
    assert column.type == pa.string()
    assert column.null_count == 0
    assert len(column) == len(block.rows)
    return column.to_pylist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(scope="module")
def opened(folder):
    """Write an export and open it."""

    def open_file(content, *expected, **overrules):
        path = folder / "export.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return DelimitedFile(path, "export.csv", SourceSettings(**overrules), expected)

    return open_file


@pytest.fixture
def rows_of(opened):
    """Write an export, read it and give its rows, none of which is bad."""

    def read_rows(content, *expected, **overrules):
        reading = read(opened(content, *expected, **overrules))
        assert not reading.bad
        return reading.rows

    return read_rows


@contextmanager
def in_pieces(size, longest=records.LONGEST_RECORD):
    """Read pieces of this many bytes; for tests that hypothesis runs many times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "PIECE_BYTES", size)
        patch.setattr(records, "LONGEST_RECORD", longest)
        yield patch


# Cells, quotes and line breaks


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("1;2", ("1", "2")),
        ("1;", ("1", "")),
        ('"1";"2"', ("1", "2")),
        ('"1;2";3', ("1;2", "3")),
        ('"ООО ""Ромашка""";2', ('ООО "Ромашка"', "2")),
        ('ООО "Ромашка";2', ('ООО "Ромашка"', "2")),
        ('5" x 6";2', ('5" x 6"', "2")),
        ('5" x 6;2', ('5" x 6', "2")),
        ('"1\n2";3', ("1\n2", "3")),
        ('"1\r\n2";3', ("1\r\n2", "3")),
        ('"1\r2";3', ("1\r2", "3")),
        ('"\n";"\n"', ("\n", "\n")),
        ('="00123";="1"', ('="00123"', '="1"')),
        ('"=""00123""";2', ('="00123"', "2")),
        ("00123;1,50", ("00123", "1,50")),
        (" 1 ;\u00a02", (" 1 ", "\u00a02")),
        ("NULL;NaN", ("NULL", "NaN")),
        ("true;2024-05-31", ("true", "2024-05-31")),
        ("😀;\ufeff", ("😀", "\ufeff")),
        ("a\\;b\\n", ("a\\", "b\\n")),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_cells_come_back_to_the_letter(rows_of, line, cells, newline):
    assert rows_of(newline.join(["x;y", line, "last;row"])) == {2: cells, 3: ("last", "row")}


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_the_last_line_may_lack_its_line_break(rows_of, end):
    assert rows_of("x;y\n1;2\n3;4" + end) == {2: ("1", "2"), 3: ("3", "4")}
    assert rows_of('x;y\n1;2\n3;"4"' + end) == {2: ("1", "2"), 3: ("3", "4")}


def test_one_row_with_a_lone_quote_changes_no_other(opened):
    lines = [f"{number};{number}" for number in range(2, 1000)]
    lines[500] = '502;5" x 6'
    reading = read(opened("\n".join(["x;y", *lines])))
    assert reading.rows == {number: tuple(line.split(";")) for number, line in enumerate(lines, 2)}


@pytest.mark.parametrize("size", [WHOLE, 4096])
@pytest.mark.parametrize("other", ["{0};{0}", '"{0}";"{0}"', '{0};""', '"{0}\n{0}";{0}'])
def test_an_unclosed_quote_costs_its_row_only(opened, monkeypatch, size, other):
    monkeypatch.setattr(delimited, "PIECE_BYTES", size)
    monkeypatch.setattr(records, "LONGEST_RECORD", 2000)
    lines = [other.format(number) for number in range(5000)]
    expected = read(opened("\n".join(["x;y", *lines]))).rows
    lines[3] = '3;"unclosed'
    reading = read(opened("\n".join(["x;y", *lines])))
    assert reading.bad == {5: ('3;"unclosed', "a quote is not closed, or text follows the closing quote")}
    assert reading.rows == {number: cells for number, cells in expected.items() if number != 5}


@pytest.mark.parametrize("line", ['"1"2;3', '1;"2" ', '"1""2;3', '1;"2"3"'])
def test_text_behind_a_closing_quote_costs_its_row_only(opened, line):
    reading = read(opened(f"x;y\n1;2\n{line}\n3;4\n"))
    assert reading.rows == {2: ("1", "2"), 4: ("3", "4")}
    assert reading.bad == {3: (line, "a quote is not closed, or text follows the closing quote")}


def test_a_quoted_cell_may_be_longer_than_a_piece(rows_of, monkeypatch):
    monkeypatch.setattr(delimited, "PIECE_BYTES", 100)
    cell = "строка\n" * 200
    assert rows_of(f'x;y\n1;"{cell}"\n2;3\n') == {2: ("1", cell), 3: ("2", "3")}


def test_a_line_may_be_longer_than_a_piece(rows_of, monkeypatch):
    monkeypatch.setattr(delimited, "PIECE_BYTES", 100)
    cell = "строка" * 200
    assert rows_of(f"x;y\n{cell};2\n3;4\n") == {2: (cell, "2"), 3: ("3", "4")}


def test_a_line_without_end_is_refused_before_it_fills_the_memory(opened, monkeypatch):
    monkeypatch.setattr(delimited, "PIECE_BYTES", 100)
    monkeypatch.setattr(delimited, "LONGEST_LINE", 1 << 20)
    source = opened("x;y\n1;2\n" + (2 << 20) * "a")
    with pytest.raises(SourceError, match=r"^export.csv: a line is longer than 1 MiB; this is no CSV$"):
        read(source)


# Pieces and paths


@pytest.mark.parametrize("longest", [records.LONGEST_RECORD, 12])
@given(DATA, st.integers(1, 60))
@example(b'"a"\n', 4).via("the byte behind a closing quote stands in the next piece")
@example(b'"a\n"\r\n', 5).via("a CRLF is cut in two")
@example(b'"a\n";b\n', 6).via("a plain cell behind a quoted one is cut in two")
@settings(max_examples=100)
def test_where_pieces_are_cut_makes_no_difference(opened, longest, data, size):
    source = opened(b"x;y\n" + data, delimiter=";", header=1)
    with in_pieces(WHOLE, longest):
        expected = read(source)
    with in_pieces(size, longest):
        assert read(source) == expected


@pytest.mark.parametrize("longest", [records.LONGEST_RECORD, 12])
@given(ODD_DATA | NEARLY_TABLES)
@example(codecs.BOM_UTF8 + b"1;2;3\n").via("Arrow drops a byte order mark")
@example(b'"";"";""\n').via("blank in any spelling")
@example("Итого;;\n\n\n\n".encode()).via("blank rows below the totals")
@settings(max_examples=100)
def test_the_parser_and_the_reader_of_records_find_the_same(opened, longest, data):
    with in_pieces(WHOLE, longest) as patch:
        patch.setattr(detection, "BINARY_SHARE", 1)
        source = opened(b"x;y;z\n" + data, delimiter=";", header=1)
        for categories in ((), ("x", "z")):
            pieces = list(source.pieces())
            repaired = [replace(piece, canonical=False) for piece in pieces]
            assert read(source, categories, pieces) == read(source, categories, repaired)


@given(st.lists(st.sampled_from([b"a", b'"', b"\n", b" ", b"x"]), max_size=20).map(b"".join))
def test_both_paths_find_the_same_in_a_single_column(opened, data):
    source = opened(b"x\n" + data, delimiter=";", header=1)
    pieces = list(source.pieces())
    assert read(source, (), pieces) == read(source, (), [replace(piece, canonical=False) for piece in pieces])


# Encodings

WORDS = ["Гардеробная", "Север", "прихожая", "Замер проведён", "ОПЛАЧЕН", "отказ", "Юлия Щукина", "объявление", "Ёлка"]
SIGNS = ["", "1 250,50", "06.05.2024", '"', "\n", "\r\n", "\r", ";", ",", "\t", "|", " ", "=", "'", "x" * 70]
HEADER = ("Название", "Стадия сделки", "Дата оплаты")
ENCODINGS = {
    "utf-8": ("utf-8", b"", "№ «»₽😀\u00a0ў"),
    "utf-8 with a mark": ("utf-8", codecs.BOM_UTF8, "№ «»₽😀\u00a0ў"),
    "cp1251": ("cp1251", b"", "№«»–—\u00a0і"),
    "utf-16-le": ("utf-16-le", b"", "№«»₽😀"),
    "utf-16-be": ("utf-16-be", b"", "№«»₽😀"),
    "utf-16-le with a mark": ("utf-16-le", codecs.BOM_UTF16_LE, "№«»₽😀"),
    "utf-16-be with a mark": ("utf-16-be", codecs.BOM_UTF16_BE, "№«»₽😀"),
    "koi8-r": ("koi8-r", b"", "°\u00a0"),
    "cp866": ("cp866", b"", "№°\u00a0"),
}


def tables(signs):
    cell = st.lists(st.sampled_from([*WORDS, *SIGNS, *signs]), max_size=3).map("".join)
    row = st.tuples(cell, cell, cell).filter(any)
    return st.lists(row, max_size=12)


def written(table, delimiter, newline):
    """The table as the csv module writes it; a lone return inside a cell is quoted, whatever the newline."""
    lines = []
    for row in table:
        line = io.StringIO()
        csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow(row)
        lines.append(line.getvalue().removesuffix("\r\n"))
    return newline.join([*lines, ""])


@pytest.mark.parametrize("name", ENCODINGS)
@given(st.data())
@settings(max_examples=25)
def test_russian_tables_come_back_cell_by_cell(opened, name, data):
    codec, mark, signs = ENCODINGS[name]
    table = data.draw(tables(signs))
    delimiter, newline = data.draw(st.sampled_from(",;\t|")), data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = written([HEADER, *table], delimiter, newline)
    with in_pieces(data.draw(st.sampled_from([7, 64, 201, WHOLE]))):
        source = opened(mark + text.encode(codec), *data.draw(st.sampled_from([HEADER, HEADER[1:]])))
        reading = read(source, data.draw(st.sampled_from([(), HEADER, HEADER[1:]])))
    assert source.columns == HEADER
    assert reading == Reading(dict(enumerate(table, 2)), {}, Counter(), len(table))


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_text_that_turns_cp1251_below_the_first_mebibyte(rows_of, newline):
    above = ["id;status", *(f"{number};new" for number in range(2, 100_002))]
    below = [f"{number};Замер проведён" for number in range(100_002, 110_002)]
    rows = rows_of((newline.join([*above, *below])).encode("cp1251"))
    assert len(rows) == 110_000
    assert (rows[100_001], rows[100_002]) == (("100001", "new"), ("100002", "Замер проведён"))


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "cp866"])
def test_every_byte_of_an_encoding_comes_back(opened, codec):
    letters = bytes(sorted(set(range(128, 256)) - ({0x98} if codec == "cp1251" else set()))).decode(codec)
    content = "Название;y\n" + "".join(f"{letter};1\n" for letter in letters)
    source = opened(content.encode(codec), encoding=codec)
    assert [cells[0] for cells in read(source).rows.values()] == list(letters)


# What is no row


def test_what_stands_above_the_header_is_left_out(opened):
    source = opened('Отчёт;;\n"Период:\nмай";;\n\nID;Имя;Сумма\n1;2;3\n')
    assert source.header_row == 4
    assert read(source).rows == {5: ("1", "2", "3")}
    assert source.facts(1, Counter()).left_out == {"preamble": 3}


@pytest.mark.parametrize("quoted", [False, True])
def test_repeated_headers_are_left_out(opened, quoted):
    header = '"Имя";"Сумма"' if quoted else "Имя;Сумма"
    reading = read(opened(f"{header}\n1;2\n{header}\n3;4\n\ufeff{header}\r\n5;6\n{header};\n{header}"))
    assert reading.rows == {2: ("1", "2"), 4: ("3", "4"), 6: ("5", "6")}
    assert reading.left_out == {"header": 3}
    assert list(reading.bad) == [7]


def test_a_row_that_merely_begins_like_the_header_is_a_row(rows_of):
    assert rows_of("x;y\nx;y1\nx;\n") == {2: ("x", "y1"), 3: ("x", "")}


@pytest.mark.parametrize("blank", ["", "\r", ";;", '"";"";""', ";;;;;;", "  ", ";", '""', " ; "])
def test_blank_lines_are_left_out_and_counted_as_lines(opened, blank):
    reading = read(opened(f"x;y;z\n{blank}\n1;2;3\n{blank}\n{blank}\n4;5;6\n{blank}\n"))
    assert reading.rows == {3: ("1", "2", "3"), 6: ("4", "5", "6")}
    assert reading.left_out == {"blank": 4}
    assert not reading.bad


def test_blank_lines_in_a_single_column_are_left_out(opened):
    reading = read(opened('x\n1\n\n""\n2\n'))
    assert (reading.rows, reading.left_out) == ({2: ("1",), 5: ("2",)}, {"blank": 2})


@pytest.mark.parametrize(
    "word", ["Итого", "ИТОГО:", "Итог", "Общий итог", "Всего:", "всего :", "Сумма", "Total", "Grand Total", "Totals:"]
)
@pytest.mark.parametrize("codec", ["utf-8", "cp1251"])
def test_totals_at_the_end_are_left_out(opened, word, codec):
    text = f"Имя;Дата;Сумма;x\n1;2;3;4\n;;;\n{word};;3;\n;;;\n\n;;;\n;{word};;3\n"
    reading = read(opened(text.encode(codec)), ("Имя",))
    assert reading.rows == {2: ("1", "2", "3", "4")}
    assert reading.left_out == {"blank": 4, "total": 2}


@pytest.mark.parametrize(
    "line",
    ["Итоговая встреча;;;", "Итого ООО;;;", "Итого;1;2;3", "Всего и сразу;;;1", "Totalenergies;;;", "1;Итого;;"],
)
def test_a_row_that_merely_resembles_totals_is_a_row(rows_of, line):
    assert rows_of(f"Имя;Дата;Сумма;x\n1;2;3;4\n{line}\n")[3] == tuple(line.split(";"))


def test_totals_further_up_are_rows(rows_of):
    assert len(rows_of("Имя;Дата;Сумма;x\nИтого;;3;\n" + 3 * "1;2;3;4\n")) == 4


def test_totals_are_found_wherever_the_last_piece_is_cut(opened, monkeypatch):
    text = "Имя;Дата;Сумма;x\n" + 100 * "1;2;3;4\n" + "Итого;;3;\n;;;\nВсего;;4;\n;;;\n"
    for size in range(len(text.encode()) - 50, len(text.encode()) + 2):
        monkeypatch.setattr(delimited, "PIECE_BYTES", size)
        monkeypatch.setattr(delimited, "LAST_SHARE", size // 60)
        assert read(opened(text)).left_out == {"total": 2, "blank": 2}


@pytest.mark.parametrize("content", ["x;y\n", "x;y", "x;y\r\n", "\ufeffx;y", "Отчёт\nx;y\n"])
def test_a_file_may_hold_a_header_only(opened, content):
    source = opened(content, "x")
    assert source.columns == ("x", "y")
    assert read(source, ("x",)) == Reading({}, {}, Counter(), 0)


def test_a_header_may_be_longer_than_a_piece(rows_of, monkeypatch):
    monkeypatch.setattr(delimited, "PIECE_BYTES", 5)
    assert rows_of('Отчёт\n"a long\nname";y\n1;2\n', "y") == {3: ("1", "2")}


def test_columns_are_told_apart_by_their_names(rows_of, opened):
    content = " a ;a;;a\n1;2;3;4\n"
    assert opened(content).columns == ("a", "a (2)", "Column 3", "a (3)")
    assert rows_of(content) == {2: ("1", "2", "3", "4")}


def test_every_row_may_end_in_a_delimiter_that_the_header_lacks(opened):
    reading = read(opened("x;y\n1;2;\n3;4;\n\n5;6\n"))
    assert reading.rows == {2: ("1", "2", ""), 3: ("3", "4", "")}
    assert reading.bad == {5: ("5;6", "it has 2 cells, the header has 3")}


# Rows that cannot be read


def test_too_few_and_too_many_cells(opened):
    reading = read(opened("x;y\n1\n1;2\n1;2;3\n3;4\n"))
    assert reading.rows == {3: ("1", "2"), 5: ("3", "4")}
    assert reading.bad == {
        2: ("1", "it has 1 cells, the header has 2"),
        4: ("1;2;3", "it has 3 cells, the header has 2"),
    }


NO_UTF_16 = "it holds a NUL, or bytes that are no UTF-16 text"


@pytest.mark.parametrize(
    ("codec", "spoilt", "problem"),
    [
        ("utf-8", b"\xff\xd0", ("Прихожая;\\xff\\xd0", "it holds bytes that are no utf-8 text")),
        ("utf-8", b"\xed\xa0\x80", ("Прихожая;\\xed\\xa0\\x80", "it holds bytes that are no utf-8 text")),
        ("cp1251", b"\x98", ("Прихожая;\\x98", "it holds bytes that are no cp1251 text")),
        ("utf-8", b"a\0b", ("Прихожая;a\\x00b", "it holds a NUL")),
        ("cp1251", b"\0", ("Прихожая;\\x00", "it holds a NUL")),
        ("koi8-r", b"\0", ("Прихожая;\\x00", "it holds a NUL")),
        ("utf-16-le", b"\x3d\xd8", ("Прихожая;\\x00", NO_UTF_16)),
        ("utf-16-be", b"\xde\x00", ("Прихожая;\\x00", NO_UTF_16)),
        ("utf-16-le", b"\0\0", ("Прихожая;\\x00", NO_UTF_16)),
    ],
)
@pytest.mark.parametrize("size", [WHOLE, 31])
def test_bytes_that_are_no_text_cost_their_row_only(opened, size, codec, spoilt, problem):
    content = "Название;Стадия сделки\nГардеробная;Отказ\nПрихожая;%\nКухня;Замер проведён".encode(codec)
    with in_pieces(size):
        reading = read(opened(content.replace("%".encode(codec), spoilt)))
    assert reading.rows == {2: ("Гардеробная", "Отказ"), 4: ("Кухня", "Замер проведён")}
    assert reading.bad == {3: problem}


def test_half_a_character_at_the_end_of_utf_16_costs_its_row_only(opened):
    reading = read(opened("x;y\nа;б\nв;г".encode("utf-16")[:-1]))
    assert reading.rows == {2: ("а", "б")}
    assert reading.bad == {3: ("в;\\x00", NO_UTF_16)}


def test_a_long_row_that_cannot_be_read_is_shortened(opened):
    reading = read(opened("x;y\n1;2\nx" + 3000 * "ё" + "\n"))
    assert reading.bad[3][0] == "x" + (delimited.BAD_TEXT - 1) * "ё"


def test_rows_that_cannot_be_read_keep_their_line_breaks(opened):
    reading = read(opened('x;y\r1;2\r3;"4\n5";6\r7;8\r'))
    assert reading.rows == {2: ("1", "2"), 4: ("7", "8")}
    assert reading.bad[3][0] == '3;"4\n5";6'


def test_nothing_but_bad_rows(opened):
    reading = read(opened("x;y\n1\n2\n", "x"), ("x",))
    assert (reading.rows, list(reading.bad)) == ({}, [2, 3])


# Blocks


@pytest.mark.parametrize("codec", ["utf-8", "cp1251", "utf-16"])
@pytest.mark.parametrize("categories", [(), ("Имя",)])
def test_a_block_gives_texts_some_of_them_and_categories(opened, codec, categories):
    source = opened("Имя;Сумма\nИван;1\nПётр;2\nИван;3\n".encode(codec), encoding=codec)
    block = source.parse(next(source.pieces()), categories)
    assert block.text("Имя").to_pylist() == ["Иван", "Пётр", "Иван"]
    assert block.text("Имя", number_column(np.array([0, 2]))).to_pylist() == ["Иван", "Иван"]
    assert block.text("Имя", number_column(np.array([], np.int64))).to_pylist() == []
    indices, texts = block.categories("Имя")
    assert [texts[index] for index in indices] == ["Иван", "Пётр", "Иван"]
    assert sorted(texts) == ["Иван", "Пётр"]


def test_a_column_of_empty_cells_is_text_too(opened):
    source = opened("Имя;Пусто\nИван;\nПётр;\n".encode("cp1251"))
    assert source.parse(next(source.pieces()), ()).text("Пусто").to_pylist() == ["", ""]


# rejected.csv read again

REJECTED = ",".join(REJECTED_COLUMNS) + ",value,ID,source\ndeals.csv,7,conversions,bad-time,Дата,x,y,в,1,z\n"


@pytest.mark.parametrize(("delimiter", "codec"), [(",", "utf-8"), (";", "cp1251"), ("\t", "utf-16")])
def test_a_rejected_file_gives_the_rows_own_columns(opened, delimiter, codec):
    content = REJECTED.replace(",", delimiter).encode(codec)
    source = opened(content, "ID", delimiter="|", encoding="koi8-r", header=3)
    assert source.is_rejected_file
    assert source.columns == ("value", "ID", "source")
    assert read(source, ("value",)).rows == {2: ("в", "1", "z")}


def test_any_other_file_is_none(opened):
    assert not opened("source,row\n1,2\n").is_rejected_file


# Facts


@pytest.mark.parametrize("size", [WHOLE, 100])
@pytest.mark.parametrize("name", ENCODINGS)
def test_facts_describe_the_file(opened, folder, monkeypatch, size, name):
    monkeypatch.setattr(delimited, "PIECE_BYTES", size)
    codec, mark, _ = ENCODINGS[name]
    table = [("Отчёт", "", ""), HEADER, *(("Иван", "Отказ", str(number)) for number in range(50)), ("", "", "")]
    source = opened(mark + written(table, "|", "\n").encode(codec), *HEADER)
    content = (folder / "export.csv").read_bytes()
    positions = [piece.position for piece in source.pieces()]
    assert positions == sorted(positions)
    assert positions[-1] == source.size == len(content)
    facts = source.facts(50, Counter(blank=1))
    assert (facts.path, facts.format, facts.delimiter, facts.rows) == ("export.csv", "csv", "|", 50)
    assert facts.encoding == ("utf-16" if codec.startswith("utf-16") else codec)
    assert (facts.bytes, facts.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert facts.left_out == {"preamble": 1, "blank": 1}


def test_settings_overrule_what_looking_finds(opened):
    source = opened("a,b;c\n1,2;3\n4,5;6\n", encoding="cp1251", delimiter=",", header=2)
    assert source.columns == ("1", "2;3")
    assert read(source).rows == {3: ("4", "5;6")}
    assert (source.facts(1, Counter()).encoding, source.facts(1, Counter()).delimiter) == ("cp1251", ",")


# Files


@pytest.mark.parametrize("when", ["looked at", "read"])
@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite"])
def test_a_file_that_changes_is_refused(opened, folder, monkeypatch, when, change):
    monkeypatch.setattr(delimited, "PIECE_BYTES", 100)
    text = "x;y\n" + 100 * "1;2\n"
    source = opened(text)
    pieces = source.pieces()
    if when == "read":
        next(pieces)
    path = folder / "export.csv"
    path.write_text(text + "3;4\n" if change == "grow" else text[:-4] if change == "shrink" else text.replace("1", "5"))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))
    with pytest.raises(SourceError, match=r"^export.csv: the file changed while it was read; wait until"):
        list(pieces)


def test_a_file_that_vanishes_is_refused(opened, folder):
    source = opened("x;y\n1;2\n")
    (folder / "export.csv").unlink()
    with pytest.raises(SourceError, match=r"^export.csv: cannot be read: No such file or directory$"):
        list(source.pieces())


def test_memory_does_not_grow_with_the_file(folder):
    path = folder / "large.csv"
    line = "1716642001234567891;Гардеробная «Север»;2024-05-30 12:00:00;12 500,00;RUB\n".encode("cp1251")
    with path.open("wb") as file:
        file.write("ClientID;Название;Дата;Сумма;Валюта\n".encode("cp1251"))
        for _ in range(60):
            file.write(line * (1_000_000 // len(line)))
    source = DelimitedFile(path, "large.csv", SourceSettings(), ())
    arrow = pa.total_allocated_bytes()
    tracemalloc.start()
    rows = most = 0
    for piece in source.pieces():
        rows += len(source.parse(piece, ("Название",)).rows)
        most = max(most, pa.total_allocated_bytes() - arrow)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    path.unlink()
    assert rows == 60 * (1_000_000 // len(line))
    assert peak < 8 * WHOLE
    assert most < 3 * WHOLE


# Opening what a profile names

PROFILE = """
timezone = "Europe/Moscow"
source = {source}
[identifiers]
ClientId = "x"
[[goals]]
target = "paid"
time = "y"
"""


@pytest.fixture
def profile(tmp_path):
    """A profile in its own folder, beside two exports; commands run elsewhere."""
    folder = tmp_path / "crm"
    (folder / "2024").mkdir(parents=True)
    (folder / "2025").mkdir()
    for name in ("deals.csv", "2024/b.csv", "2024/a.csv", "2024/[new].csv"):
        (folder / name).write_text("x;y\n1;2\n")

    def load(source):
        file = folder / "profile.toml"
        file.write_text(PROFILE.format(source=f"{{ {source} }}"))
        return load_profile(file)

    return load


def found(loaded, *arguments):
    return open_sources(loaded.source, loaded.path.parent, *arguments)


@pytest.mark.parametrize(
    ("source", "labels"),
    [
        ('path = "deals.csv"', ["deals.csv"]),
        ('path = "2024"', ["2024/[new].csv", "2024/a.csv", "2024/b.csv"]),
        ('path = ["deals.csv", "2024/b.csv"]', ["deals.csv", "2024/b.csv"]),
        ('path = "2024/?.csv"', ["2024/a.csv", "2024/b.csv"]),
        ('path = "**/*.csv"', ["2024/[new].csv", "2024/a.csv", "2024/b.csv", "deals.csv"]),
        ('path = "2024/[new].csv"', ["2024/[new].csv"]),
    ],
)
def test_the_profile_says_where_the_sources_are(profile, source, labels, tmp_path):
    sources = found(profile(source), [], (), tmp_path)
    assert [source.label for source in sources] == labels
    assert all(read(source).rows == {2: ("1", "2")} for source in sources)


def test_the_command_line_says_it_louder_from_where_it_runs(profile, tmp_path):
    (tmp_path / "other.csv").write_text("x;y\n3;4\n")
    (source,) = found(profile('path = "nowhere.csv"'), ["other.csv"], (), tmp_path)
    assert (source.label, read(source).rows) == ("other.csv", {2: ("3", "4")})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('path = "nowhere.csv"', r"nowhere.csv: no such file; check the path \(looked for .*crm.nowhere.csv\)"),
        ('path = "2025"', "2025: there is no file in this folder"),
        ('path = "2023/*.csv"', r"2023/\*.csv: no file matches in .*crm; check source.path in the profile"),
        ('path = "2*"', r"2\*: no file matches in .*"),
        ('path = "deals.csv/x"', "deals.csv/x: cannot be read: Not a directory"),
        ("", "source.path in the profile names no export; name one, or give it: build PROFILE EXPORT"),
    ],
)
def test_sources_that_cannot_be_opened_are_named(profile, source, message, tmp_path):
    with pytest.raises(SourceError, match=f"^{message}$"):
        found(profile(source), [], (), tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_is_refused(profile, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match=r"^pipe: this is no regular file"):
        found(profile('path = "deals.csv"'), ["pipe"], (), tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions that bind")
def test_a_file_that_may_not_be_read_is_refused(profile, tmp_path):
    loaded = profile('path = "deals.csv"')
    Path(loaded.path.parent / "deals.csv").chmod(0)
    with pytest.raises(SourceError, match=r"^deals.csv: cannot be read: Permission denied$"):
        found(loaded, [], (), tmp_path)
