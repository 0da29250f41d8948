from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.masking import printable
from csvexport.report.wording import (
    GAP,
    counted,
    joined,
    left_out,
    money,
    number,
    paragraph,
    share,
    singular,
    size,
    tick_text,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Дата оплаты", "Дата оплаты"),
        ("two\r\nlines\tand a\u00a0space", "two  lines and a space"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("right\u202eleft", "right\ufffdleft"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_what_has_no_picture_is_replaced(text, expected):
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0.00"),
        ("12.3", "12.30"),
        ("1234567.89", "1 234 567.89"),
        ("0.1250", "0.125"),
        ("1E+6", "1 000 000.00"),
        ("123456789012345678901234567890.01", "123 456 789 012 345 678 901 234 567 890.01"),
    ],
)
def test_money_is_exact_and_grouped(value, expected):
    assert money(Decimal(value)).replace(GAP, " ") == expected


@given(st.decimals(0, 10**30, places=3))
def test_no_digit_of_money_is_lost(value):
    assert Decimal(money(value).replace(GAP, "")) == value


def test_numbers_are_grouped_by_a_space_that_does_not_break():
    assert number(1234567) == "1\u202f234\u202f567"
    assert counted(1, "row") == "1 row"
    assert counted(0, "row") == "0 rows"


@pytest.mark.parametrize(
    ("value", "top", "expected"),
    [
        ("0", "80", "0"),
        ("5000", "8000", "5 000"),
        ("5000", "20000", "5 k"),
        ("500000", "2000000", "0.5 M"),
        ("2E+6", "8E+6", "2 M"),
        ("5E+9", "1E+10", "5 bn"),
        ("0.02", "0.06", "0.02"),
        ("0", "2000000", "0"),
    ],
)
def test_ticks_are_short(value, top, expected):
    assert tick_text(Decimal(value), Decimal(top)).replace(GAP, " ") == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(1, "1 byte"), (999, "999 bytes"), (45678, "45.7 kB"), (10**9, "1.0 GB"), (10**6, "1.0 MB")]
)
def test_sizes_are_for_people(count, expected):
    assert size(count).replace(GAP, " ") == expected


def test_left_out_lines_are_named():
    assert left_out({"blank": 2, "total": 1, "header": 0, "other": 3}) == "2 blank lines, 1 line of totals, 3 other"


def test_a_paragraph_hangs_below_its_first_words():
    lines = paragraph("word " * 30, "  1. ").splitlines()
    assert lines[0].startswith("  1. word")
    assert all(line.startswith("     word") for line in lines[1:])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [([], ""), (["calls"], "calls"), (["calls", "deals"], "calls and deals"), (["a", "b", "c"], "a, b and c")],
)
def test_several_things_are_joined_as_in_a_sentence(parts, expected):
    assert joined(parts) == expected


@pytest.mark.parametrize(
    ("count", "whole", "expected"),
    [(0, 9, "0%"), (1, 1000, "1%"), (333, 1000, "33%"), (999, 1000, "99%"), (9, 9, "100%"), (0, 0, "0%")],
)
def test_a_share_is_none_or_all_only_if_it_is(count, whole, expected):
    assert share(count, whole) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("conversions", "conversion"), ("calls", "call"), ("orders", "order"), ("contacts", "contact"), ("deals", "deal")],
)
def test_a_kind_has_a_singular(kind, expected):
    assert singular(kind) == expected
