import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.contacts import counts, joined, read_emails, read_phone_cell, read_phones

lists = st.lists(st.sampled_from(["a", "b", "c", "aa", "ab"]), max_size=3, unique=True)


def test_cells_of_one_column_become_lists_and_codes():
    phones = read_phones(pa.array(["8 000 123-45-67", "", "+70001234567/112", "112", "80001234567 80001234568"]), "RU")
    assert phones.text.to_pylist() == ["70001234567", "", "70001234567", "", "70001234567,70001234568"]
    assert phones.codes.tolist() == [Code.NONE, Code.NONE, Code.BAD_PHONE, Code.BAD_PHONE, Code.NONE]
    emails = read_emails(pa.array(["A@example.ru", "-", "a@example.ru, b", "почта", "b@example.ru,B@example.ru"]))
    assert emails.text.to_pylist() == ["a@example.ru", "", "a@example.ru", "", "b@example.ru"]
    assert emails.codes.tolist() == [Code.NONE, Code.NONE, Code.BAD_EMAIL, Code.BAD_EMAIL, Code.NONE]


@pytest.mark.parametrize(
    "read", [lambda column: read_phones(column, "RU"), lambda column: read_phones(column, "DE"), read_emails]
)
def test_an_empty_column_is_read_as_one(read):
    for column in (pa.array([], pa.string()), pa.array(["", "", ""])):
        contacts = read(column)
        assert contacts.text.to_pylist() == column.to_pylist()
        assert (len(contacts.codes), contacts.codes.any()) == (len(column), False)


@given(st.lists(st.tuples(lists, lists, lists), max_size=8), st.integers(1, 3), st.integers(0, 3))
def test_columns_are_joined_into_lists_of_distinct_values(rows, width, start):
    columns = [pa.array([",".join(row[place]) for row in rows], pa.string()).slice(start) for place in range(width)]
    together = joined(columns)
    together.validate(full=True)
    assert (together.type, together.null_count) == (pa.string(), 0)
    expected = [
        list(dict.fromkeys(value for row in rows_ for value in row)) for rows_ in (row[:width] for row in rows[start:])
    ]
    assert together.to_pylist() == [",".join(row) for row in expected]
    assert counts(together).tolist() == [len(row) for row in expected]


def test_one_column_is_joined_as_it_is():
    column = pa.array(["a", "", "b,c"])
    assert joined([column]) is column
    assert counts(column).dtype == np.int32


def test_lists_of_canonical_spellings_are_read_without_the_reference(monkeypatch):
    for reference in ("read_phone_cell", "read_email_cell"):
        monkeypatch.delattr(f"csvexport.values.contacts.{reference}")
    phones = read_phones(
        pa.array(["80001234567, +7 000 123-45-68", "80001234567;80001234567;+1 202 555 0143", ""]), "RU"
    )
    assert phones.text.to_pylist() == ["70001234567,70001234568", "70001234567,12025550143", ""]
    assert not phones.codes.any()


def test_lists_are_read_as_the_reference_reads_them():
    good, bad = "80001234567", "112"
    cells = [
        good,
        f"{good},",
        f",{good}",
        f"{good},,{good}",
        f"{good},{bad}",
        f"{good},-",
        f"'{good},{good}",
        f"{good}\n,{good}",
    ]
    cells += [
        f"{good},0",
        f"{good},0 70001234567",
        f"{good},00",
        ";".join(f"800012345{n}" for n in range(60, 66)),
        ",;",
    ]
    phones = read_phones(pa.array(cells), "RU")
    read = [read_phone_cell(cell, "RU") for cell in cells]
    assert phones.text.to_pylist() == [",".join(found) for found, _ in read]
    assert phones.codes.tolist() == [code for _, code in read]
