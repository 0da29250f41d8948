import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.batch.rejected import RejectedFile
from csvexport.issues import CATALOGUE, REJECTED_COLUMNS, Code

REMEDY = CATALOGUE[Code.BAD_ROW].remedy

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["", '"', '""', ",", ";", "\n", "\r\n", "\r", "\t", "=1+1", "=HYPERLINK()", "'0", " a ", "\ufeff", "NULL", "\x00"]
)


def read(folder):
    with (folder / "rejected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def columns(texts, count):
    return [pa.array(texts, pa.string())] * count


@pytest.fixture
def file(tmp_path):
    return RejectedFile(tmp_path, "conversions", ("ID", "Сумма", "comment"))


def test_the_header_is_that_of_every_rejected_file_and_the_columns_of_the_sources(file, tmp_path):
    file.add("deals.csv", np.array([5]), columns(["x"], 4), {}, [])
    file.close()
    assert read(tmp_path)[0] == [*REJECTED_COLUMNS, "ID", "Сумма", "comment"]


def test_a_row_says_what_is_wrong_with_it_and_what_it_was(file, tmp_path):
    says = [pa.array([text]) for text in ("bad-time", "Дата", "31.02.2024", "Correct the date.")]
    cells = {name: pa.array([text]) for name, text in (("comment", 'a "good" one'), ("ID", "007"), ("Сумма", "1,5"))}
    file.add("deals.csv", np.array([12]), says, cells, [])
    file.close()
    assert file.rows == 1
    (row,) = read(tmp_path)[1:]
    assert row[:7] == ["deals.csv", "12", "conversions", "bad-time", "Дата", "31.02.2024", "Correct the date."]
    assert row[7:] == ["007", "1,5", 'a "good" one']


def test_rows_come_in_the_order_of_the_source_and_unreadable_ones_without_cells(file, tmp_path):
    bad = [(2, "1;2", "too few cells"), (6, 'x;"y', "a quote is not closed")]
    file.add("a.csv", np.array([3, 4, 7]), columns("cdg", 4), {"ID": pa.array(["3", "4", "7"])}, bad)
    file.add("b.csv", np.array([], np.int64), columns([], 4), {}, [(1, "", "undecodable")])
    file.close()
    assert file.rows == 6
    assert [(row[0], row[1], row[3], row[5], row[7]) for row in read(tmp_path)[1:]] == [
        ("a.csv", "2", "bad-row", "1;2", ""),
        ("a.csv", "3", "c", "c", "3"),
        ("a.csv", "4", "d", "d", "4"),
        ("a.csv", "6", "bad-row", 'x;"y', ""),
        ("a.csv", "7", "g", "g", "7"),
        ("b.csv", "1", "bad-row", "", ""),
    ]
    unreadable = read(tmp_path)[1]
    assert unreadable[6:] == [f"Too few cells. {REMEDY}", "", "", ""]


def test_a_source_that_lacks_a_column_has_empty_cells_there(file, tmp_path):
    file.add("a.csv", np.array([1, 2]), columns("xy", 4), {"ID": pa.array(["1", "2"])}, [])
    file.add("b.csv", np.array([1]), columns("z", 4), {"comment": pa.array(["c"]), "Сумма": pa.array(["9"])}, [])
    file.close()
    assert [row[7:] for row in read(tmp_path)[1:]] == [["1", "", ""], ["2", "", ""], ["", "9", "c"]]


def test_without_rows_there_is_no_file(file, tmp_path):
    file.add("a.csv", np.array([], np.int64), columns([], 4), {}, [])
    file.close()
    assert list(tmp_path.iterdir()) == []
    assert file.rows == 0


@given(st.lists(TEXTS, max_size=4, unique=True), st.data())
def test_every_text_comes_back_to_the_letter(names, data):
    rows = data.draw(st.lists(st.tuples(*[TEXTS] * (5 + len(names))), min_size=1, max_size=5))
    bad = data.draw(st.lists(TEXTS, max_size=3))
    source = data.draw(TEXTS)
    table = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    with TemporaryDirectory() as folder:
        file = RejectedFile(Path(folder), "conversions", names)
        cells = dict(zip(names, table[4:], strict=False))
        unreadable = [(100 + number, text, "too long") for number, text in enumerate(bad)]
        file.add(source, np.arange(len(rows)), table[:4], cells, unreadable)
        file.close()
        found = read(Path(folder))
    assert found[0] == [*REJECTED_COLUMNS, *names]
    assert found[1 : len(rows) + 1] == [
        [source, str(number), "conversions", *row[: 4 + len(names)]] for number, row in enumerate(rows)
    ]
    assert [row[5] for row in found[len(rows) + 1 :]] == bad
    assert {len(row) for row in found} == {7 + len(names)}
