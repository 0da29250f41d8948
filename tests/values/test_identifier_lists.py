import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.identifier_lists import read_identifier_list, read_identifier_lists
from csvexport.values.identifiers import Rule, read_identifier

A, B, C = "1706436776194551959", "1706436776194551958", "17064367761945519570"
ROUNDED = "1716642001234560000"


@pytest.mark.parametrize(
    "cell",
    [
        *(f"{A},{B}", f"{A}, {B}", f"{A};{B}", f"{A} ; {B}", f"{A}|{B}", f"{A} {B}", f"{A}\n{B}", f"{A}\r\n{B}"),
        *(f" {A},,{B}, ", f"'{A},{B}", f'="{A},{B}"', f"{A},{B},{A}", f"{A}\t{B}", f"{A}\u00a0{B}"),
    ],
)
def test_several_client_ids_stand_in_one_cell(cell):
    assert read_identifier_list(cell, Rule.NUMBER) == (f"{A},{B}", Code.NONE)


def test_more_than_two_may_be_separated_in_more_than_one_way():
    assert read_identifier_list(f"{A}; {B},{C}", Rule.NUMBER) == (f"{A},{B},{C}", Code.NONE)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1,71642E+18", Code.ROUNDED_IDENTIFIER),
        ("1.71642E+18", Code.ROUNDED_IDENTIFIER),
        ("'1,71642E+18", Code.ROUNDED_IDENTIFIER),
        (f"{A},0", Code.ROUNDED_IDENTIFIER),
        (f"{A}.0", Code.ROUNDED_IDENTIFIER),
        (f"{A},00", Code.ROUNDED_IDENTIFIER),
        ("1 706 436 776 194 551 959", Code.ROUNDED_IDENTIFIER),
        ("1\u00a0706\u00a0436\u00a0776", Code.ROUNDED_IDENTIFIER),
        ("1716642001 234567891", Code.ROUNDED_IDENTIFIER),
        ("1,706,436,776,194,551,959", Code.BAD_IDENTIFIER),
        ("123,456", Code.BAD_IDENTIFIER),
        ("1706436776,194551959", Code.BAD_IDENTIFIER),
        ("1.706.436.776", Code.BAD_IDENTIFIER),
        (f"1,71642E+18,{A}", Code.BAD_IDENTIFIER),
        (f"{A},0,{B},0", Code.BAD_IDENTIFIER),
    ],
)
def test_one_number_that_a_spreadsheet_spelled_is_never_taken_for_several(cell, code):
    assert read_identifier_list(cell, Rule.NUMBER) == ("", code)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (f"undefined, {A}", Code.BAD_IDENTIFIER),
        (f"undefined,{A}", Code.BAD_IDENTIFIER),
        (f"{A};1,71642E+18", Code.ROUNDED_IDENTIFIER),
        (f"1,71642E+18, {A}", Code.ROUNDED_IDENTIFIER),
        (f"{A}; 12345", Code.BAD_IDENTIFIER),
        (f"{A}, 0{B}", Code.BAD_IDENTIFIER),
        (f"18446744073709551616,{A}", Code.BAD_IDENTIFIER),
        (f"{A}; 0", Code.BAD_IDENTIFIER),
        (f"{A}; 5,0", Code.BAD_IDENTIFIER),
        (f"{A},0000000000", Code.BAD_IDENTIFIER),
        (f"{A},123456789012345678901", Code.BAD_IDENTIFIER),
        (f"{A} undefined", Code.BAD_IDENTIFIER),
        (f"{A};;", Code.NONE),
        (f"{A}, {ROUNDED}", None),
    ],
)
def test_good_ones_stay_beside_bad_ones(cell, code):
    if code is None:
        assert read_identifier_list(cell, Rule.NUMBER) == (f"{A},{ROUNDED}", Code.SUSPICIOUS_IDENTIFIER)
    else:
        assert read_identifier_list(cell, Rule.NUMBER) == (A, code)


def test_the_first_problem_of_a_list_is_told():
    assert read_identifier_list(f"undefined; 1,7E+18; {ROUNDED}", Rule.NUMBER) == (ROUNDED, Code.BAD_IDENTIFIER)
    assert read_identifier_list("1,7E+18; undefined", Rule.NUMBER) == ("", Code.ROUNDED_IDENTIFIER)


@pytest.mark.parametrize("cell", ["12345", "5.0", " 12345 ", "'7", f"'{A}", ROUNDED, "", " ", "x", "0"])
def test_a_cell_with_one_is_read_as_anywhere(cell):
    assert read_identifier_list(cell, Rule.NUMBER) == read_identifier(cell, Rule.NUMBER)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("u1, u2", ("u1,u2", Code.NONE)),
        ("u1;u2\nu1", ("u1,u2", Code.NONE)),
        ("Иванов Иван", ("Иванов Иван", Code.NONE)),
        ("a|b", ("a|b", Code.NONE)),
        ("user_1234567890,user_1234567891", ("user_1234567890,user_1234567891", Code.NONE)),
        ("null, u2", ("u2", Code.BAD_IDENTIFIER)),
        ("null, -", ("", Code.BAD_IDENTIFIER)),
        (", ;", ("", Code.NO_IDENTIFIER)),
        ("7,15", ("7,15", Code.NONE)),
    ],
)
def test_texts_of_a_sites_own_stand_between_commas_and_semicolons(cell, expected):
    assert read_identifier_list(cell, Rule.TEXT) == expected


PARTS = st.sampled_from([A, B, C, ROUNDED, "1", "71642E+18", "706", "undefined", "0", "", "u1", "'5", "1.7E+18", "a b"])
BETWEEN = st.sampled_from([",", ", ", ";", " ", "|", "\n", "\r\n", "\u00a0", ",,", ".", ""])
CELLS = st.lists(st.tuples(PARTS, BETWEEN), max_size=4).map(
    lambda pairs: "".join(part + between for part, between in pairs)
) | st.text(st.characters(codec="utf-8"), max_size=6)


@pytest.mark.parametrize("rule", Rule)
@given(cells=st.lists(CELLS, max_size=10), start=st.integers(0, 3))
def test_a_column_is_read_as_its_cells_are(rule, cells, start):
    column = pa.array(cells, pa.string()).slice(start)
    read = read_identifier_lists(column, rule)
    assert list(zip(read.text.to_pylist(), read.codes.tolist(), strict=True)) == [
        read_identifier_list(cell, rule) for cell in column.to_pylist()
    ]
    assert (read.text.type, read.text.null_count) == (pa.string(), 0)


@pytest.mark.parametrize("rule", Rule)
@given(cell=CELLS)
def test_every_value_of_a_list_is_an_identifier_of_its_own(rule, cell):
    text, code = read_identifier_list(cell, rule)
    values = text.split(",") if text else []
    assert len(set(values)) == len(values)
    for value in values:
        assert value in cell
        assert read_identifier(value, rule)[0] == value
    assert values or code is not Code.NONE
