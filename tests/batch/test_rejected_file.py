import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.batch.rejected import RejectedFile
from csvexport.blocks import Rejected
from csvexport.columns import text_column
from csvexport.formulas import unmarked
from csvexport.issues import CATALOGUE, REJECTED_COLUMNS, Code

REMEDY = CATALOGUE[Code.BAD_ROW].remedy

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["", '"', '""', ",", ";", "\n", "\r\n", "\r", "\t", "=1+1", "=HYPERLINK()", "'0", " a ", "\ufeff", "NULL", "\x00"]
)


def read(folder):
    """Give the records as they come back."""
    with (folder / "rejected.csv").open(encoding="utf-8", newline="") as file:
        return [unmarked(text_column(record)).to_pylist() for record in csv.reader(file)]


def rejected(rows, says, cells):
    """Give rejected rows of which code, column, value and remedy say this; one text says it in all four."""
    says = [says] * 4 if isinstance(says, str) else says
    columns = tuple(pa.array(list(texts), pa.string()) for texts in says)
    return Rejected(np.array(rows, np.int64), columns, {name: pa.array(texts) for name, texts in cells.items()})


@pytest.fixture
def file(tmp_path):
    return RejectedFile(tmp_path, ("ID", "Сумма", "comment"))


def test_the_header_is_that_of_every_rejected_file_and_the_columns_of_the_sources(file, tmp_path):
    file.add("deals.csv", 2, {"conversions": rejected([3], "x", {})}, [])
    file.close()
    assert read(tmp_path)[0] == [*REJECTED_COLUMNS, "ID", "Сумма", "comment"]


def test_a_row_says_what_is_wrong_with_it_and_what_it_was(file, tmp_path):
    says = [["bad-time"], ["Дата"], ["31.02.2024"], ["Correct the date."]]
    cells = {"comment": ['a "good" one'], "ID": ["007"], "Сумма": ["1,5"]}
    file.add("deals.csv", 2, {"conversions": rejected([10], says, cells)}, [])
    file.close()
    assert file.rows == 1
    (row,) = read(tmp_path)[1:]
    assert row[:7] == ["deals.csv", "12", "conversions", "bad-time", "Дата", "31.02.2024", "Correct the date."]
    assert row[7:] == ["007", "1,5", 'a "good" one']


def test_rows_come_in_the_order_of_the_source_and_unreadable_ones_without_cells(file, tmp_path):
    bad = [(2, "1;2", "too few cells"), (6, 'x;"y', "a quote is not closed")]
    file.add("a.csv", 3, {"conversions": rejected([0, 1, 4], "cdg", {"ID": ["3", "4", "7"]})}, bad)
    file.add("b.csv", 1, {"conversions": Rejected.none()}, [(1, "", "undecodable")])
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
    file.add("a.csv", 1, {"orders": rejected([0, 1], "xy", {"ID": ["1", "2"]})}, [])
    file.add("b.csv", 1, {"orders": rejected([0], "z", {"comment": ["c"], "Сумма": ["9"]})}, [])
    file.close()
    assert [row[7:] for row in read(tmp_path)[1:]] == [["1", "", ""], ["2", "", ""], ["", "9", "c"]]


def test_without_rows_there_is_no_file(file, tmp_path):
    file.add("a.csv", 1, {"conversions": Rejected.none(), "orders": Rejected.none()}, [])
    file.close()
    assert list(tmp_path.iterdir()) == []
    assert file.rows == 0


@given(st.lists(TEXTS, max_size=4, unique=True), st.data())
def test_every_text_comes_back_to_the_letter(names, data):
    rows = data.draw(st.lists(st.tuples(*[TEXTS] * (5 + len(names))), min_size=1, max_size=5))
    bad = data.draw(st.lists(TEXTS, max_size=3))
    source = data.draw(TEXTS)
    table = list(zip(*rows, strict=True))
    with TemporaryDirectory() as folder:
        file = RejectedFile(Path(folder), names)
        cells = dict(zip(names, table[4:], strict=False))
        unreadable = [(100 + number, text, "too long") for number, text in enumerate(bad)]
        file.add(source, 0, {"conversions": rejected(range(len(rows)), table[:4], cells)}, unreadable)
        file.close()
        found = read(Path(folder))
    assert found[0] == [*REJECTED_COLUMNS, *names]
    assert found[1 : len(rows) + 1] == [
        [source, str(number), "conversions", *row[: 4 + len(names)]] for number, row in enumerate(rows)
    ]
    assert [row[5] for row in found[len(rows) + 1 :]] == bad
    assert {len(row) for row in found} == {7 + len(names)}


def test_a_row_has_a_line_for_each_kind_that_it_was_rejected_as(file, tmp_path):
    found = {
        "conversions": rejected([0, 2], "ac", {"ID": ["1", "3"]}),
        "calls": Rejected.none(),
        "orders": rejected([1, 2, 3], "BCD", {"ID": ["2", "3", "4"]}),
    }
    file.add("a.csv", 10, found, [(11, "x;y", "too few cells"), (14, "z", "too few cells")])
    file.close()
    assert file.rows == 7
    assert [(row[1], row[2], row[3], row[7]) for row in read(tmp_path)[1:]] == [
        ("10", "conversions", "a", "1"),
        ("11", "orders", "B", "2"),
        ("11", "conversions | calls | orders", "bad-row", ""),
        ("12", "conversions", "c", "3"),
        ("12", "orders", "C", "3"),
        ("13", "orders", "D", "4"),
        ("14", "conversions | calls | orders", "bad-row", ""),
    ]
