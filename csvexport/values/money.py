"""Money: amounts as people and programs spell them, exact to the last digit."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import distinct_texts, mask_column, numbers, text_column
from csvexport.issues import Code
from csvexport.values.cells import BLANKS, trim
from csvexport.values.shapes import shaped

MAXIMUM: Final = 9_223_372_036_854
"""The largest amount that Yandex takes ([cc])."""

MICRO: Final = 1_000_000
"""Parts of one unit of currency that `Money.micro` counts in."""

NAMED: Final = ("", "RUB", "USD", "EUR", "GBP", "KZT", "UAH", "BYN", "$")
"""What an amount may say of its currency: nothing, a code of ISO 4217, or that it is some dollar."""

CURRENCIES: Final = {
    "₽": "RUB",
    "$": "$",
    "€": "EUR",
    "£": "GBP",
    "₸": "KZT",
    "₴": "UAH",
    "Br": "BYN",
    "RUB": "RUB",
    "RUR": "RUB",
    "USD": "USD",
    "EUR": "EUR",
    "KZT": "KZT",
    "BYN": "BYN",
    "UAH": "UAH",
    **dict.fromkeys(("руб.", "руб", "р.", "р", "rub.", "rub"), "RUB"),
}
"""Signs, codes and abbreviations that may stand before or after an amount, in either case, and what they say."""

DecimalMark = Literal[".", ","]


def _surroundings() -> dict[tuple[str, str], bool]:
    """What may stand before and after the digits, casefolded and without blanks, and whether that is negative."""
    around = {("", ""): False, ("-", ""): True, ("(", ")"): True}
    for name in (currency.casefold() for currency in CURRENCIES):
        around |= {(name, ""): False, ("", name): False}
        around |= {(f"-{name}", ""): True, (f"{name}-", ""): True, ("-", name): True}
        around |= {(f"({name}", ")"): True, ("(", f"{name})"): True, (f"{name}(", ")"): True, ("(", f"){name}"): True}
    return around


_SURROUNDINGS: Final = _surroundings()
_MEANINGS: Final = {name.casefold(): NAMED.index(named) for name, named in CURRENCIES.items()}
_MINUS_AND_BLANKS: Final = str.maketrans("\u2212", "-", BLANKS)

# Blanks of all widths separate groups alike, and so do both apostrophes.
_SEPARATORS: Final = str.maketrans("\u00a0\u202f\u2009’", "   '")
_WITHOUT_SEPARATORS: Final = str.maketrans("", "", " '.,")

_AMOUNT: Final = re.compile(r"([^0-9]*+)(.*[0-9])([^0-9]*)", re.DOTALL)
_PLAIN: Final = re.compile(r"(?P<whole>[0-9]+)(?P<separator>)(?:(?P<mark>[.,])(?P<fraction>[0-9]+))?")
_GROUPED: Final = re.compile(
    r"(?P<whole>[1-9][0-9]{0,2}(?P<separator>[ '.,])[0-9]{3}(?:(?P=separator)[0-9]{3})*)"
    r"(?:(?!(?P=separator))(?P<mark>[.,])(?P<fraction>[0-9]+))?"
)


class Money(NamedTuple):
    """What a column of amounts reads as."""

    texts: pa.StringArray
    """As `money_text`, no nulls; among them the empty text for cells that are empty or refused."""
    places: NDArray[np.intp]
    """Where in `texts` that of each row stands."""
    micro: NDArray[np.int64]
    """As `money_micro`; -1 where the cell is empty or refused."""
    codes: NDArray[np.uint8]
    """`Code` of each row."""
    named: NDArray[np.uint8]
    """As `named_currency`."""


def read_money(text: str, decimal: DecimalMark | None = None) -> tuple[Decimal | None, Code]:
    """The reference: the amount in a cell, or why it is refused.

    An amount counts when it can be read in one way only: `1,234` is a thousand or a little over one, and so is refused
    until `decimal` says which.

    Args:
        text: the cell, with or without a currency, groups of three digits and decimals.
        decimal: the decimal mark, if the column is known to have one; the other mark then only separates groups.

    Returns:
        The exact amount with `NONE`; nothing with `NONE` for an empty cell; else nothing with `NEGATIVE_PRICE`, or
        with `BAD_PRICE`, also for what exceeds `MAXIMUM`.
    """
    if not trim(text):
        return None, Code.NONE
    amount = _AMOUNT.fullmatch(text)
    negative = _SURROUNDINGS.get((_bare(amount[1]), _bare(amount[3]))) if amount else None
    readings = _readings(amount[2].translate(_SEPARATORS), decimal) if amount and negative is not None else []
    if len(readings) != 1 or readings[0] > MAXIMUM:
        return None, Code.BAD_PRICE
    if negative and readings[0]:
        return None, Code.NEGATIVE_PRICE
    return readings[0], Code.NONE


def named_currency(text: str) -> int:
    """The reference: what an amount says of its currency, as an index into `NAMED`."""
    amount = _AMOUNT.fullmatch(text)
    around = f"{_bare(amount[1])}{_bare(amount[3])}" if amount else ""
    return _MEANINGS.get(around.strip("-()").replace("(", "").replace(")", ""), 0)


def _bare(surrounding: str) -> str:
    return surrounding.translate(_MINUS_AND_BLANKS).casefold()


def _readings(size: str, decimal: DecimalMark | None) -> list[Decimal]:
    """Every way to read the digits: with a fraction or whole, in groups of three or not."""
    spellings = [match for match in (_PLAIN.fullmatch(size), _GROUPED.fullmatch(size)) if match]
    return [
        Decimal(f"{spelling['whole'].translate(_WITHOUT_SEPARATORS)}.{spelling['fraction'] or '00'}")
        for spelling in spellings
        if not decimal or (spelling["mark"] in {None, decimal} and spelling["separator"] != decimal)
    ]


def money_text(value: Decimal) -> str:
    """An amount as it is written: `12345.60`; two decimals, more only where they carry a value, never an exponent."""
    whole, _, fraction = f"{value:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2}"


def money_micro(value: Decimal) -> int:
    """An amount that is not negative in whole millionths; the digits past the sixth decimal are cut."""
    whole, _, fraction = money_text(value).partition(".")
    return int(f"{whole}{fraction[:6]:0<6}")


def read_money_column(column: pa.StringArray, decimal: DecimalMark | None = None) -> Money:
    """The kernel: `read_money` over a column.

    How an amount is read depends on its shape, the text with a 1 for every digit, unless it begins with a zero, is
    too long or has many decimals. So the reference reads each shape once, and its digits are then taken as they come;
    of the other texts the reference reads each distinct one once.

    Args:
        column: text without nulls.
        decimal: the decimal mark, if the column is known to have one.
    """
    digits, ends, spelled = shaped(column)
    shapes = _shapes(spelled, decimal)
    plain = (np.diff(ends) <= _MOST_DIGITS) & ~_begins_with_zero(digits, ends) & (shapes.decimals <= _MOST_DECIMALS)
    priced = plain & (shapes.decimals >= 0)
    decimals = np.maximum(shapes.decimals, 0) * plain
    micro = np.where(priced, _whole(digits, ends, priced) * _MICRO_OF_LAST_DIGIT[decimals], -1)
    others = np.flatnonzero(~plain)
    distinct, which = distinct_texts(column, others)
    read = [read_money(spelling, decimal) for spelling in distinct]
    micro[others] = np.array([-1 if value is None else money_micro(value) for value, _ in read], np.int64)[which]
    shapes.codes[others] = np.array([code for _, code in read], np.uint8)[which]
    further = text_column(["", *("" if value is None else money_text(value) for value, _ in read)])
    places = np.where(priced, np.arange(len(column)), len(column))
    places[others] = len(column) + 1 + which
    written = column if shapes.as_written[priced].all() else _written(digits, ends, decimals)
    texts = pa.concat_arrays([written, further])
    return Money(texts, places, micro, shapes.codes, shapes.named)


def same_money(amount: Decimal | None, count: int) -> Money:
    """Give a column in which every row has this amount, or none."""
    text, micro = ("", -1) if amount is None else (money_text(amount), money_micro(amount))
    nothing = np.zeros(count, np.uint8)
    return Money(text_column([text]), np.zeros(count, np.intp), np.full(count, micro, np.int64), nothing, nothing)


_MOST_DIGITS: Final = 12
"""As many digits are below `MAXIMUM` whatever they are."""
_MOST_DECIMALS: Final = 2
_MICRO_OF_LAST_DIGIT: Final = np.array([MICRO, MICRO // 10, MICRO // 100], np.int64)

# Shapes are few, but a column may hold any text, and long ones.
_REMEMBERED: Final = 1 << 12


class _Shapes(NamedTuple):
    """What the reference says of the shape of each row."""

    decimals: NDArray[np.int64]
    """How many there are; -1: it is no amount."""
    codes: NDArray[np.uint8]
    named: NDArray[np.uint8]
    """What it says of its currency, as an index into `NAMED`."""
    as_written: NDArray[np.bool_]
    """Whether it is spelled as amounts are written."""


def _shapes(shapes: pa.DictionaryArray, decimal: DecimalMark | None) -> _Shapes:
    read = np.array([_read_shape(shape, decimal) for shape in shapes.dictionary.to_pylist()], np.int64).reshape(-1, 4)
    decimals, codes, named, as_written = read.T
    row = numbers(shapes.indices)
    return _Shapes(
        decimals.take(row),
        codes.astype(np.uint8).take(row),
        named.astype(np.uint8).take(row),
        as_written.astype(np.bool_).take(row),
    )


@lru_cache(_REMEMBERED)
def _read_shape(shape: str, decimal: DecimalMark | None) -> tuple[int, Code, int, bool]:
    value, code = read_money(shape, decimal)
    decimals = -1 if value is None else shape.count("1") - len(str(int(value)))
    return decimals, code, named_currency(shape), value is not None and money_text(value) == shape


def _begins_with_zero(digits: NDArray[np.uint8], ends: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which rows have a zero as their first digit; anything for rows without one."""
    if not len(digits):
        return np.zeros(len(ends) - 1, np.bool_)
    zeros: NDArray[np.bool_] = digits[np.minimum(ends[:-1], len(digits) - 1)] == ord("0")
    return zeros


def _whole(digits: NDArray[np.uint8], ends: NDArray[np.int32], wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The wanted rows' digits as whole numbers; anything for other rows."""
    buffers = [mask_column(wanted).buffers()[1], pa.py_buffer(ends), pa.py_buffer(digits)]
    return numbers(pc.cast(pa.Array.from_buffers(pa.string(), len(wanted), buffers), pa.int64()))


def _written(digits: NDArray[np.uint8], ends: NDArray[np.int32], decimals: NDArray[np.int64]) -> pa.StringArray:
    """The digits as amounts with two decimals, of which this many are among the digits."""
    offsets = np.zeros(len(ends), np.int32)
    np.cumsum(np.diff(ends) - decimals + len(".00"), out=offsets[1:], dtype=np.int32)
    mark = offsets[1:] - len(".00")
    taken = np.ones(offsets[-1], np.bool_)
    taken[mark] = False
    taken[mark[decimals < 1] + 1] = False
    taken[mark[decimals < _MOST_DECIMALS] + 2] = False
    text = np.full(len(taken), ord("0"), np.uint8)
    text[taken] = digits
    text[mark] = ord(".")
    return pa.StringArray.from_buffers(len(mark), pa.py_buffer(offsets), pa.py_buffer(text))
