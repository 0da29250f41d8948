"""Money: amounts as people and programs spell them, exact to the last digit."""

import re
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import (
    distinct_texts,
    mask,
    number_column,
    numbers,
    offsets_and_bytes,
    replace_texts,
    text_column,
    text_scalar,
)
from csvexport.issues import Code
from csvexport.values.cells import BLANKS, trim

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

_AMOUNT: Final = re.compile(r"([^0-9]*)(.*[0-9])([^0-9]*)", re.DOTALL)
_PLAIN: Final = re.compile(r"(?P<whole>[0-9]+)(?P<separator>)(?:(?P<mark>[.,])(?P<fraction>[0-9]+))?")
_GROUPED: Final = re.compile(
    r"(?P<whole>[1-9][0-9]{0,2}(?P<separator>[ '.,])[0-9]{3}(?:(?P=separator)[0-9]{3})*)"
    r"(?:(?!(?P=separator))(?P<mark>[.,])(?P<fraction>[0-9]+))?"
)


class Money(NamedTuple):
    """What a column of amounts reads as."""

    text: pa.StringArray
    """As `money_text`, no nulls; the empty text where the cell is empty or refused."""
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

    Canonical are `12345`, `12345.6`, `12345,67` and `12 345,67` up to twelve digits, with or without a currency behind
    them; every other text goes through the reference, each distinct one once.

    Args:
        column: text without nulls.
        decimal: the decimal mark, if the column is known to have one.
    """
    canonical = pc.match_substring_regex(column, _canonical_spelling(decimal))
    text, micro = _canonical_amounts(column, canonical)
    codes, named = np.zeros(len(column), np.uint8), _named_by_last_byte(column)
    others = np.flatnonzero(~mask(canonical))
    if not len(others):
        return Money(text, micro, codes, named)
    distinct, which = distinct_texts(column, others)
    read = [read_money(spelling, decimal) for spelling in distinct]
    codes[others] = np.array([code for _, code in read], np.uint8)[which]
    micro[others] = np.array([-1 if value is None else money_micro(value) for value, _ in read], np.int64)[which]
    named[others] = np.array([named_currency(spelling) for spelling in distinct], np.uint8)[which]
    texts = text_column(["" if value is None else money_text(value) for value, _ in read])
    return Money(replace_texts(text, others, texts.take(number_column(which))), micro, codes, named)


_AMBIGUOUS: Final = 255


def _last_bytes() -> NDArray[np.uint8]:
    """For each last byte of an amount what it says of the currency; ambiguous where names of several end alike."""
    table = np.zeros(256, np.uint8)
    for name, named in CURRENCIES.items():
        last, meant = name.encode()[-1], NAMED.index(named)
        table[last] = meant if table[last] in {0, meant} else _AMBIGUOUS
    return table


_LAST_BYTES: Final = _last_bytes()
_UNMISTAKABLE: Final = [name for name in CURRENCIES if _LAST_BYTES[name.encode()[-1]] != _AMBIGUOUS]


def _named_by_last_byte(column: pa.StringArray) -> NDArray[np.uint8]:
    """What the canonical amounts say of their currency, which stands behind them; anything for other rows."""
    offsets, data = offsets_and_bytes(column)
    if not len(data):
        return np.zeros(len(column), np.uint8)
    named: NDArray[np.uint8] = _LAST_BYTES[data[np.maximum(offsets[1:], 1) - 1]]
    return named


def _canonical_spelling(decimal: DecimalMark | None) -> str:
    """The pattern (RE2) of what the kernel reads by itself; in none of it can a mark separate groups."""
    blank = r"[ \x{a0}\x{202f}\x{2009}]"
    whole = rf"(?:0|[1-9][0-9]{{0,11}}|[1-9][0-9]{{0,2}}(?:{blank}[0-9]{{3}}){{1,3}})"
    currency = "|".join(re.escape(name) for name in _UNMISTAKABLE)
    return rf"^{whole}(?:[{decimal or '.,'}][0-9]{{1,2}})?(?:{blank}*(?:{currency}))?$"


def _canonical_amounts(column: pa.StringArray, canonical: pa.BooleanArray) -> tuple[pa.StringArray, NDArray[np.int64]]:
    """The amounts of the canonical rows as `money_text` and as `money_micro`; anything for other rows.

    Digits and decimal marks are all that is kept of the bytes; a dot that follows no digit belongs to an abbreviation.
    """
    offsets, data = offsets_and_bytes(column)
    digit = (data >= ord("0")) & (data <= ord("9"))
    kept = (data == ord(".")) | (data == ord(","))
    kept[1:] &= digit[:-1]
    kept |= digit
    # Half the time of data[kept].
    spelled = np.compress(kept, data)
    spelled[spelled == ord(",")] = ord(".")
    ends = _ends(kept, offsets)
    decimals = _decimals(spelled, ends)
    plain = pa.StringArray.from_buffers(len(column), pa.py_buffer(ends), pa.py_buffer(spelled))
    text = pc.binary_join_element_wise(plain, _TAILS.take(number_column(decimals)), text_scalar(""))
    digits, places = pa.py_buffer(np.compress(digit, data)), pa.py_buffer(_ends(digit, offsets))
    whole = pc.cast(pa.StringArray.from_buffers(len(column), places, digits, canonical.buffers()[1]), pa.int64())
    return text, numbers(whole) * _MICRO_OF_LAST_DIGIT[decimals]


_TAILS: Final = text_column([".00", "0", ""])
_MICRO_OF_LAST_DIGIT: Final = np.array([MICRO, MICRO // 10, MICRO // 100], np.int64)


def _ends(kept: NDArray[np.bool_], offsets: NDArray[np.int32]) -> NDArray[np.int32]:
    """The offsets of texts of which only some bytes are kept."""
    before = np.zeros(len(kept) + 1, np.int32)
    np.cumsum(kept, out=before[1:], dtype=np.int32)
    ends: NDArray[np.int32] = before[offsets]
    return ends


def _decimals(spelled: NDArray[np.uint8], ends: NDArray[np.int32]) -> NDArray[np.int32]:
    """How many decimals the amounts have, 0, 1 or 2; anything for what is no canonical amount."""
    padded = np.concatenate([np.zeros(3, np.uint8), spelled])
    last, length = ends[1:], np.diff(ends)
    # A short amount must not be judged by the end of the one before it.
    two = (padded[last] == ord(".")) & (length > len(".00"))
    one = (padded[last + 1] == ord(".")) & (length > len(".0"))
    decimals: NDArray[np.int32] = two * np.int32(2) + one * np.int32(1)
    return decimals
