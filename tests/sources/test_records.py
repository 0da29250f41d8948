import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.sources import records
from csvexport.sources.records import Record, cut, quoted_line, read_record

# What decides where cells and records end, a plain letter and one of two bytes.
ALPHABET = [b"a", b";", b'"', b"\n", b"\r", b",", "ё".encode()]
DATA = st.lists(st.sampled_from(ALPHABET), max_size=40).map(b"".join)
CELLS = st.text(st.sampled_from('a;" \n\r,ё'), max_size=6)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=6)


def read_all(data, delimiter=b";"):
    """Every record of the data: the offset where it ends, and its cells."""
    found = []
    position = 0
    while position < len(data):
        record = read_record(data, position, delimiter, at_end=True)
        assert position < record.end <= len(data)
        found.append(record)
        position = record.end
    return found


def is_canonical(data):
    """Whether the quoting of a whole file is beyond doubt."""
    end, canonical = cut(data, b";", at_end=True)
    assert end == len(data)
    return canonical


def cells_of(text, delimiter=b";"):
    return [record.cells for record in read_all(text.encode(), delimiter)]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a;b\n", ["a", "b"]),
        ("a;b\r\n", ["a", "b"]),
        ("a;b", ["a", "b"]),
        ("a;b\r", ["a", "b"]),
        (";\n", ["", ""]),
        ("\n", [""]),
        ("\r\n", [""]),
        ('"a";"b"\n', ["a", "b"]),
        ('"a";"b"\r\n', ["a", "b"]),
        ('"a";"b"', ["a", "b"]),
        ('"a";"b"\r', ["a", "b"]),
        ('"a";', ["a", ""]),
        ('a;"b";\n', ["a", "b", ""]),
        ('"";""\n', ["", ""]),
        ('"a;b";c\n', ["a;b", "c"]),
        ('"a\nb";c\n', ["a\nb", "c"]),
        ('"a\r\nb";c\r\n', ["a\r\nb", "c"]),
        ('"a\rb";c\n', ["a\rb", "c"]),
        ('"ООО ""Ромашка""";c\n', ['ООО "Ромашка"', "c"]),
        ('""";""";c\n', ['";"', "c"]),
        ('ООО "Ромашка";c\n', ['ООО "Ромашка"', "c"]),
        ('5" x 6";7"\n', ['5" x 6"', '7"']),
        ('a; "b"\r\n', ["a", ' "b"']),
        ('="00123";b\n', ['="00123"', "b"]),
        ('"=""00123""";b\n', ['="00123"', "b"]),
        ('a""b;c\n', ['a""b', "c"]),
        ('"a";b\r\r\n', ["a", "b\r"]),
    ],
)
def test_a_record_is_read_to_the_letter(text, cells):
    assert read_all(text.encode()) == [Record(len(text.encode()), [cell.encode() for cell in cells])]


@pytest.mark.parametrize(
    "line",
    ['"a;b\n', 'a;"b\n', '"a"b;c\n', '"a" ;c\n', '"a""b\n', '"a"\rb;c\n', '";\n', 'a;"b"c\n'],
)
def test_broken_quoting_costs_its_line_only(line):
    assert read_all(f"{line}1;2\n".encode()) == [Record(len(line), None), Record(len(line) + 4, [b"1", b"2"])]


def test_a_quote_that_nobody_closes_costs_its_line_only():
    assert cells_of('1;"a\n2;"b"\n3;c\n') == [None, [b"2", b"b"], [b"3", b"c"]]
    assert cells_of('1;"a\n2;""\n3;c\n') == [None, [b"2", b""], [b"3", b"c"]]


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t", b"|"])
def test_any_delimiter_is_taken_literally(delimiter):
    line = delimiter.join([b"a", b'"b' + delimiter + b'"', b".*"])
    assert read_all(line, delimiter) == [Record(len(line), [b"a", b"b" + delimiter, b".*"])]


@pytest.mark.parametrize(
    ("newline", "quoting"), [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]
)
@given(TABLES)
def test_what_the_csv_module_writes_is_read_as_it_was(newline, quoting, table):
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator=newline, quoting=quoting).writerows(table)
    assert cells_of(text.getvalue()) == [[cell.encode() for cell in row] for row in table]


@given(DATA)
def test_records_follow_each_other_without_a_gap(data):
    assert [record.end for record in read_all(data)][-1:] == ([len(data)] if data else [])


@pytest.mark.parametrize("longest", [1 << 20, 8])
@example(b'"a"\n', 3).via("the byte behind a closing quote decides")
@example(b'"a\n"\r\n', 5).via("the byte behind a carriage return decides")
@example(b'"a\n";b\n', 6).via("a plain cell may go on")
@given(DATA, st.integers(0, 80))
def test_a_beginning_gives_the_same_record_or_asks_for_more(longest, data, length):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LONGEST_RECORD", longest)
        if data[:length]:
            early = read_record(data[:length], 0, b";", at_end=length >= len(data))
            assert early is None or early == read_record(data, 0, b";", at_end=True)


def test_a_record_within_one_line_may_be_of_any_length(monkeypatch):
    monkeypatch.setattr(records, "LONGEST_RECORD", 10)
    assert cells_of('"' + 50 * "a" + '";b\n' + 50 * "a" + "\n") == [[50 * b"a", b"b"], [50 * b"a"]]


def test_a_record_over_many_lines_may_be_as_long_as_the_limit_and_no_longer(monkeypatch):
    monkeypatch.setattr(records, "LONGEST_RECORD", 10)
    assert cells_of('"aa\naaa";\n') == [[b"aa\naaa", b""]]
    assert cells_of('"aa\naaaa";\n') == [None, [b'aaaa"', b""]]


def test_beyond_the_limit_no_more_data_is_asked_for(monkeypatch):
    monkeypatch.setattr(records, "LONGEST_RECORD", 10)
    assert read_record(b'"a\nbbbbbb', 0, b";", at_end=False) is None
    assert read_record(b'"a\nbbbbbbb', 0, b";", at_end=False) == Record(3, None)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a\nb\n", 4),
        ("a\nb", 2),
        ("a", 0),
        ("", 0),
        ('a\n"b\n', 2),
        ('a\n"b\n"\nc', 7),
        ('"a\nb\n', 0),
    ],
)
def test_the_last_whole_record_is_found(text, end):
    assert cut(text.encode(), b";", at_end=False)[0] == end


def test_at_the_end_of_the_file_every_record_is_whole():
    assert cut(b'a\n"b', b";", at_end=True)[0] == 4


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n",
        "a;b\r\nc;d\r\n",
        "a;b",
        '"a";"b;c"\n',
        '"a\nb";c\n',
        '"a ""b""";c\r\n',
        '"""a""";"""";""\n',
        'ООО "Ромашка";c\n',
        '="001";="002"\n',
        '5" x;6"\n',
        'a""b;c\n',
    ],
)
def test_plain_quoting_is_canonical(text):
    assert is_canonical(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        '5" x\n',
        '5" x\n6" x\n',
        '"a"b;c\n',
        'a;"b\n"c;d\n',
        '"a\nb;"c"\n',
        'a";"b\n',
        "a\rb\n",
        '"a\rb"\n',
        'a"b"";"c"\n',
        '"a\n',
    ],
)
def test_doubtful_quoting_is_not_canonical(text):
    assert not is_canonical(text.encode())


def test_records_that_may_be_too_long_are_not_canonical(monkeypatch):
    monkeypatch.setattr(records, "LONGEST_RECORD", 20)
    assert is_canonical(b'"a";b\n' * 20)
    assert not is_canonical(b'"a\n' + 20 * b"a\n" + b'";b\n')


@pytest.mark.parametrize("longest", [1 << 20, 12])
@given(DATA)
def test_canonical_text_has_no_broken_record(longest, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LONGEST_RECORD", longest)
        if is_canonical(data):
            assert all(record.cells is not None for record in read_all(data))


@given(DATA, DATA)
def test_canonical_text_is_cut_where_a_record_ends(data, more):
    end, canonical = cut(data, b";", at_end=False)
    if canonical:
        assert is_canonical(data[:end])
        assert end in {record.end for record in read_all(data + more)}


@given(TABLES)
def test_what_is_written_anew_is_canonical_and_reads_the_same(table):
    table = [[cell.replace("\r", "").encode() for cell in row] for row in table]
    data = b"".join(quoted_line(row, b";") for row in table)
    assert is_canonical(data)
    assert [record.cells for record in read_all(data)] == table
