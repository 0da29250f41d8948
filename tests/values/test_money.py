import re
from decimal import Decimal
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.money import (
    CURRENCIES,
    MAXIMUM,
    NAMED,
    money_micro,
    money_text,
    named_currency,
    read_money,
    read_money_column,
)

BAD = (None, Code.BAD_PRICE)
NEGATIVE = (None, Code.NEGATIVE_PRICE)
BLANKS = ["", " ", "\u00a0", "\u202f", "\u2009"]
DECIMALS = st.sampled_from([None, ".", ","])


@st.composite
def amounts(draw):
    """An amount in one of the accepted spellings: the cell, and the text that it has to become."""
    whole = draw(st.integers(0, MAXIMUM - 1))
    fraction = draw(st.text("0123456789", max_size=8))
    separator = draw(st.sampled_from(["", " ", "\u00a0", "\u202f", "\u2009", "'", "’", ",", "."]))
    mark = draw(st.sampled_from([mark for mark in ".," if mark != separator]))
    digits = f"{whole:,}".replace(",", separator)
    lone_separator = digits.count(separator or "-") == 1 and separator in ",." and not fraction
    lone_mark = digits.isdecimal() and len(digits) < 4 and digits != "0" and len(fraction) == 3
    if lone_separator or lone_mark:
        fraction += "00"
    cell = draw(surrounded(f"{digits}{mark}{fraction}" if fraction else digits))
    return cell, Decimal(f"{whole}.{fraction or 0}")


def surrounded(digits):
    """The digits with or without one currency, before or after, with blanks around everything."""
    currency = st.sampled_from(["", *CURRENCIES]).flatmap(lambda name: st.sampled_from([name, name.upper()]))
    blank = st.sampled_from(BLANKS)
    before = st.builds("{}{}{}{}{}".format, blank, currency, blank, st.just(digits), blank)
    after = st.builds("{}{}{}{}{}".format, blank, st.just(digits), blank, currency, blank)
    return before | after


SPELLINGS = st.one_of(
    amounts().map(itemgetter(0)),
    st.from_regex(r"[0-9]{1,14}([.,][0-9]{0,4})?", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}([ \u00a0.,'][0-9]{2,4}){1,4}([.,][0-9]{1,3})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{1,3}([ \u00a0][0-9]{3}){0,4}([.,][0-9]{1,2})?[ \u00a0]{0,2}(₽|руб\.?|р\.|RUB)?", fullmatch=True
    ),
    st.text("0123456789.,- ()₽$р", max_size=10),
    st.text(max_size=8),
)


@st.composite
def columns(draw):
    """A column that may be empty and may begin in the midst of its buffers."""
    cells = draw(st.lists(SPELLINGS, max_size=12))
    start = draw(st.integers(0, len(cells)))
    stop = draw(st.integers(start, len(cells)))
    return pa.array(cells, pa.string()).slice(start, stop - start)


AMOUNTS = [
    ("12345", "12345.00"),
    ("12345.6", "12345.60"),
    ("12345.67", "12345.67"),
    ("12345,67", "12345.67"),
    ("12 345", "12345.00"),
    ("12 345,67 ₽", "12345.67"),
    ("12\u00a0345,67\u00a0₽", "12345.67"),
    ("12\u202f345,67 руб.", "12345.67"),
    ("12\u2009345.67р.", "12345.67"),
    ("1 234 567,5 РУБ", "1234567.50"),
    ("12,345.67", "12345.67"),
    ("1.234,56", "1234.56"),
    ("1.234.567", "1234567.00"),
    ("1,234,567", "1234567.00"),
    ("1,234,567.891", "1234567.891"),
    ("1 234,567", "1234.567"),
    ("1.234,567", "1234.567"),
    ("1'234’567.5", "1234567.50"),
    ("1234,567", "1234.567"),
    ("0,123", "0.123"),
    ("1,2345", "1.2345"),
    ("007", "7.00"),
    ("0", "0.00"),
    ("0.0000001", "0.0000001"),
    ("1500.0000", "1500.00"),
    ("$1,234.50", "1234.50"),
    ("€ 5", "5.00"),
    ("5 Br", "5.00"),
    ("usd 5", "5.00"),
    ("р.5", "5.00"),
    (" \ufeff5\u200b\n", "5.00"),
    ("-0", "0.00"),
    ("(0,00)", "0.00"),
    ("9223372036854", "9223372036854.00"),
]


@pytest.mark.parametrize(("cell", "text"), AMOUNTS)
def test_an_amount_is_read_exactly(cell, text):
    value, code = read_money(cell)
    assert (money_text(value), code) == (text, Code.NONE)


REFUSED = [
    *("1,234", "1.234", "12.345", "999,000 ₽", "$1,234"),
    *("12 34", "1 2345", "12  345", "1234 567", "0 123", "1 234 56", "1,23,456", "1.234,567,890", "1 234'567"),
    *(".5", "5.", ",5", "5,", "1..5", "1.2.3", "1,234,5"),
    *("1e5", "1.5E+3", "5%", "+5", "5 10", "5/10", "5 - 10", "12 руб. 50 коп.", "five", "5x", "x5", "٥", "５"),
    *("₽", "руб.", "-", "()", "−", "$ 5 ₽", "5 ₽ ₽", "--5", "-(5)", "(5", "5)", "5-", "12\u200b345"),
    *("9223372036855", "9223372036854.01", "1" * 6000, "-9223372036855"),
    *("nan", "inf", "-x", "null", "="),
]


@pytest.mark.parametrize("cell", REFUSED)
def test_what_can_be_read_in_two_ways_or_none_is_refused(cell):
    assert read_money(cell) == BAD


@pytest.mark.parametrize(
    "cell",
    ["-5", "−5", "- 5", "(5)", "( 5 )", "-5 ₽", "₽-5", "-$5", "$ -5", "($5)", "(5 ₽)", "(5) ₽", "$(5)", "-0,01"],
)
def test_less_than_nothing_is_negative(cell):
    assert read_money(cell) == NEGATIVE


@pytest.mark.parametrize("cell", ["", " ", "\u00a0", "\ufeff"])
def test_an_empty_cell_is_no_amount_and_no_issue(cell):
    assert read_money(cell) == (None, Code.NONE)


@pytest.mark.parametrize(
    ("cell", "with_dot", "with_comma"),
    [
        ("1,234", "1234.00", "1.234"),
        ("1.234", "1.234", "1234.00"),
        ("1.23", "1.23", None),
        ("1,23", None, "1.23"),
        ("1.234,5", None, "1234.50"),
        ("1,234.5", "1234.50", None),
        ("1,234,567", "1234567.00", None),
        ("1 234,5", None, "1234.50"),
        ("1 234", "1234.00", "1234.00"),
        ("1234", "1234.00", "1234.00"),
    ],
)
def test_a_known_decimal_mark_decides(cell, with_dot, with_comma):
    for decimal, expected in ((".", with_dot), (",", with_comma)):
        value, code = read_money(cell, decimal)
        assert (value and money_text(value)) == expected
        assert code == (Code.BAD_PRICE if expected is None else Code.NONE)


@given(amounts())
def test_every_accepted_spelling_is_read_and_its_rendering_read_back(amount):
    cell, expected = amount
    assert read_money(cell) == (expected, Code.NONE)
    assert read_money(money_text(expected), ".") == (expected, Code.NONE)


@given(st.decimals(0, MAXIMUM, allow_nan=False, allow_infinity=False))
def test_a_rendering_has_two_decimals_or_those_that_carry_a_value(value):
    text = money_text(value)
    whole, fraction = text.split(".")
    assert Decimal(text) == value
    assert whole.isdecimal()
    assert len(fraction) == 2 or (len(fraction) > 2 and fraction[-1] != "0")


@pytest.mark.parametrize(
    ("value", "text", "micro"),
    [
        ("1E+3", "1000.00", 1_000_000_000),
        ("0E-9", "0.00", 0),
        ("12.3", "12.30", 12_300_000),
        ("0.0000019", "0.0000019", 1),
        ("9223372036854", "9223372036854.00", 9_223_372_036_854_000_000),
    ],
)
def test_an_amount_is_written_without_an_exponent_and_counted_in_millionths(value, text, micro):
    assert (money_text(Decimal(value)), money_micro(Decimal(value))) == (text, micro)


def by_reference(column, decimal):
    """What the kernel has to give: text, millionths, code and named currency of each row."""
    for cell in column.to_pylist():
        value, code = read_money(cell, decimal)
        read = ("", -1, code) if value is None else (money_text(value), money_micro(value), code)
        yield *read, NAMED[named_currency(cell)]


def by_kernel(column, decimal):
    money = read_money_column(column, decimal)
    money.texts.validate(full=True)
    assert (money.texts.type, money.texts.null_count) == (pa.string(), 0)
    assert (money.micro.dtype, money.codes.dtype) == (np.int64, np.uint8)
    named = [NAMED[number] for number in money.named.tolist()]
    texts = [money.texts[place].as_py() for place in money.places.tolist()]
    return zip(texts, money.micro.tolist(), money.codes.tolist(), named, strict=True)


@given(columns(), DECIMALS)
def test_kernel_and_reference_agree_on_any_text(column, decimal):
    assert list(by_kernel(column, decimal)) == list(by_reference(column, decimal))


@pytest.mark.parametrize("decimal", [None, ".", ","])
@pytest.mark.parametrize("currency", ["", *CURRENCIES])
@pytest.mark.parametrize("blank", ["", " ", "\u00a0", "\u202f", "\u2009"])
def test_kernel_and_reference_agree_on_every_canonical_spelling(decimal, currency, blank):
    digits = ["0", "007", "5,5", "5.05", "1234", "1 234", f"1{blank}234{blank}567,80", "999 999 999 999.99", "9" * 12]
    column = pa.array([cell + blank + currency for cell in digits] + ["."] + digits)
    assert list(by_kernel(column, decimal)) == list(by_reference(column, decimal))


@pytest.mark.parametrize(
    "cell",
    ["12 345,67 ₽", "12\u00a0345,67\u00a0₽", "12 345 руб.", "12345", "12345.6", "12345.67", "12345,67", "12 345"],
)
def test_of_canonical_spellings_the_reference_sees_the_shape_alone(cell, monkeypatch):
    seen = []
    monkeypatch.setattr("csvexport.values.money.read_money", lambda *read: seen.append(read[0]) or read_money(*read))
    money = read_money_column(pa.array([cell]))
    assert money.texts[int(money.places[0])].as_py().startswith("12345.")
    assert not set("".join(seen)) & set("023456789")


@given(st.lists(amounts().map(itemgetter(0)) | st.sampled_from(REFUSED), min_size=1, max_size=40), DECIMALS)
def test_an_amount_of_the_same_shape_as_another_keeps_its_own_digits(cells, decimal):
    column = pa.array([re.sub("[0-9]", str(digit), cell) for cell in cells for digit in range(10)])
    assert list(by_kernel(column, decimal)) == list(by_reference(column, decimal))


@pytest.mark.parametrize("decimal", [None, ".", ","])
def test_kernel_and_reference_agree_on_every_example(decimal):
    column = pa.array([*(cell for cell, _ in AMOUNTS), *REFUSED, "-5", "1 234 567 890 123", "0000000000005"])
    assert list(by_kernel(column, decimal)) == list(by_reference(column, decimal))


def test_an_empty_column_is_read_as_one():
    money = read_money_column(pa.array([], pa.string()))
    assert (len(money.places), len(money.micro), len(money.codes)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("100", ""),
        ("", ""),
        ("-100", ""),
        ("по договору", ""),
        ("100 ₽", "RUB"),
        ("₽100", "RUB"),
        ("100 РУБ.", "RUB"),
        ("100 р.", "RUB"),
        ("100 RUR", "RUB"),
        ("100 eur", "EUR"),
        ("€ 100", "EUR"),
        ("100 USD", "USD"),
        ("-$100", "$"),
        ("(100 ₸)", "KZT"),
        ("(100) Br", "BYN"),
    ],
)
def test_the_currency_beside_an_amount_is_noticed(cell, named):
    assert NAMED[named_currency(cell)] == named
    assert NAMED[read_money_column(pa.array([cell])).named[0]] == named
