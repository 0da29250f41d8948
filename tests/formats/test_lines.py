"""Lines of CSV and records of JSON, as readers of either read them."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.formats.lines import Labels, csv_lines, json_lists, json_records, json_text, json_texts

TEXTS = st.text(st.characters(codec="utf-8"), max_size=10) | st.sampled_from(
    [
        '"',
        '""',
        ",",
        ";",
        "\n",
        "\r",
        "\r\n",
        '"a",b;c\nd',
        " a ",
        "\t",
        "'",
        "=1",
        "\ufeff",
        "\u2028",
        "\u2029",
        "\x00",
    ]
)
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters=","), max_size=8)
LISTS = st.lists(PLAIN.filter(bool), max_size=3)


def column(texts, before=0):
    return pa.array([*["x"] * before, *texts], pa.string())[before:]


def table(draw_width):
    return st.lists(st.tuples(*[TEXTS] * draw_width), max_size=6)


@pytest.mark.parametrize("delimiter", [",", ";"])
@given(rows=st.integers(2, 4).flatmap(table), before=st.integers(0, 2))
def test_any_text_comes_back_from_a_line(delimiter, rows, before):
    columns = [column(texts, before) for texts in zip(*rows, strict=True)] or [column([])]
    lines = csv_lines(columns, delimiter)
    assert (lines.type, lines.null_count, len(lines)) == (pa.string(), 0, len(rows))
    text = "".join(lines.to_pylist())
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert found == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("delimiter", "cell", "written"),
    [
        (";", "a;b", '"a;b"'),
        (",", "a;b", "a;b"),
        (";", "a,b", '"a,b"'),
        (",", "a,b", '"a,b"'),
        (";", 'a "b"', '"a ""b"""'),
        (";", "a\rb", '"a\rb"'),
        (";", "a b'", "a b'"),
        (";", "", ""),
    ],
)
def test_quotes_stand_round_lists_whatever_the_delimiter(delimiter, cell, written):
    assert csv_lines([column(["1"]), column([cell]), column(["2"])], delimiter).to_pylist() == [
        f"1{delimiter}{written}{delimiter}2\n"
    ]
    assert csv_lines([column([cell])], delimiter).to_pylist() == [f"{written}\n"]


# JSON.


@given(TEXTS)
def test_a_text_of_json_is_what_the_library_reads_and_stands_on_one_line(text):
    written = json_text(text)
    assert json.loads(written) == text
    assert written == json.dumps(text, ensure_ascii=False).replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")
    assert not {"\n", "\r", "\u2028", "\u2029"} & set(written)


@given(st.lists(TEXTS, max_size=10), st.integers(0, 2))
def test_a_column_of_texts_is_written_as_its_texts_are(texts, before):
    written = json_texts(column(texts, before))
    assert (written.type, written.null_count) == (pa.string(), 0)
    assert written.to_pylist() == [json_text(text) if text else "" for text in texts]


@given(st.lists(LISTS, max_size=8), st.integers(0, 2))
def test_a_column_of_lists_is_written_as_its_lists_are(lists, before):
    written = json_lists(column([",".join(values) for values in lists], before)).to_pylist()
    assert [json.loads(text) if text else [] for text in written] == lists
    assert all(text.startswith("[") == bool(values) for text, values in zip(written, lists, strict=True))


@st.composite
def _records(draw):
    names = draw(st.lists(PLAIN, min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, TEXTS)), max_size=6))
    return names, rows


@given(_records())
def test_records_hold_what_is_filled_each_on_a_line_of_its_own(table):
    names, rows = table
    members = [(name, json_texts(column([row[name] for row in rows]))) for name in names]
    records = json_records(members)
    assert (records.type, records.null_count, len(records)) == (pa.string(), 0, len(rows))
    for record, row in zip(records.to_pylist(), rows, strict=True):
        assert record.startswith(",{")
        assert record.endswith("}\n")
        assert record.count("\n") == 1
        assert json.loads(record[1:]) == {name: text for name, text in row.items() if text}
    whole = "[" + "".join(records.to_pylist()).removeprefix(",") + "]"
    assert json.loads(whole) == [{name: text for name, text in row.items() if text} for row in rows]


def test_members_come_in_the_order_that_they_were_given():
    members = [("b", column(['"1"', "", "3"])), ("a", column(["", "", "[1]"]))]
    assert json_records(members).to_pylist() == [',{"b":"1"}\n', ",{}\n", ',{"b":3,"a":[1]}\n']


def test_a_column_of_one_label_is_that_alone():
    labels = ["new", "paid"]
    assert Labels(labels, np.array([1, 0, 1], np.int16)).column(";").to_pylist() == ["paid;", "new;", "paid;"]
    assert Labels(labels, np.array([1, 1], np.int16)).column().as_py() == "paid"
    assert Labels(labels, np.array([], np.int16)).column().to_pylist() == []
