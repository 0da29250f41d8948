"""The kernel of phone numbers: spellings told by their shape and their leading digits.

How the reference reads a number depends on its shape (the text with a 1 for every digit) and on few leading digits. So
it reads each pair of them once, and the last digits are then taken as they come.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import lengths, number_column, numbers, windows
from csvexport.issues import Code
from csvexport.values.lists import Recognised
from csvexport.values.phones import SHORTEST_WHOLE, possible_number
from csvexport.values.shapes import RADIX, shaped

LEADING: Final = {
    "AM": 6,
    "AZ": 7,
    "BY": 8,
    "DE": 7,
    "EE": 5,
    "FR": 4,
    "GE": 7,
    "KG": 5,
    "KZ": 3,
    "LV": 5,
    "MD": 6,
    "PL": 3,
    "RU": 3,
    "TJ": 5,
    "TM": 5,
    "TR": 6,
    "UA": 5,
    "US": 3,
    "UZ": 5,
}
"""By country, how many leading digits of a number without a plus decide, beside their count, how it is read.

They are those of the country code, of the national prefix, and as many more as the library looks at to tell a prefix
from a part of the number: a test holds them against its metadata. In other countries such numbers are left to the
reference.
"""

_INTERNATIONAL: Final = 4
"""Leading digits that decide after a plus: those of the country code and one more, which is mostly no prefix."""
_FROM_ABROAD: Final = ("00", "810", "011")
"""What these countries dial before a country code."""

# No dot, which may be that of a float.
_CANONICAL: Final = re.compile(r"[ \u00a0(]*+\+?[0-9 \u00a0()-]+")
_TAIL: Final = 6
"""So many last digits alike are read by the reference: they may be those of a filler."""
_LONGEST_CODE: Final = 3
"""Digits of the longest country codes."""
_DECLINED: Final = -1
_REFUSED: Final = 0

# Shapes and leading digits are few, but a column may hold any text, and long ones.
_REMEMBERED: Final = 1 << 14


class _Reading(NamedTuple):
    """How a number becomes its normal form."""

    kept: int
    """How many of its last digits belong to it; `_REFUSED` or `_DECLINED` if it is refused or left to the reference."""
    added: int
    """How many digits of the country's own code come before them."""


def recognise_phones(column: pa.StringArray, country: str) -> Recognised:
    """The kernel: one number in a cell, spelled with blanks, hyphens and brackets only.

    Args:
        column: text without nulls.
        country: as for `read_phone_cell`.
    """
    digits, ends, shapes = shaped(column)
    kept, added = _readings(shapes, digits, ends, country)
    kept[_uniform_tails(digits, ends, np.flatnonzero(kept > 0))] = _DECLINED
    codes = (kept == _REFUSED) * np.uint8(Code.BAD_PHONE)
    others = np.flatnonzero((kept == _DECLINED) & (lengths(column) > 0))
    good = kept > 0
    return Recognised(_written(digits, ends, kept * good, added * good, _own_code(country)), codes, others)


def _readings(
    shapes: pa.DictionaryArray, digits: NDArray[np.uint8], ends: NDArray[np.int32], country: str
) -> NDArray[np.int64]:
    """The `_Reading` of each row, what is kept and what is added: int64, shape (2, rows)."""
    leading = max(LEADING.get(country, 0), _INTERNATIONAL)
    enough = np.flatnonzero(np.diff(ends) >= leading)
    spelled = shapes.dictionary.to_pylist()
    shape = numbers(shapes.indices)[enough].astype(np.int64)
    leads = _leads(digits, ends[enough], leading)
    if leading > _INTERNATIONAL:
        with_plus = np.array(["+" in text for text in spelled], np.bool_)[shape]
        leads -= leads % RADIX ** (leading - _INTERNATIONAL) * with_plus
    pairs = number_column(shape * RADIX**leading + leads).dictionary_encode()
    known = [
        _read_shape(spelled[key // RADIX**leading], f"{key % RADIX**leading:0{leading}}", country)
        for key in numbers(pairs.dictionary).tolist()
    ]
    readings = np.full((2, len(shapes)), _DECLINED, np.int64)
    for row, of_pairs in zip(readings, np.array(known, np.int64).reshape(-1, 2).T, strict=True):
        row[enough] = of_pairs.take(numbers(pairs.indices))
    return readings


def _leads(digits: NDArray[np.uint8], starts: NDArray[np.int32], leading: int) -> NDArray[np.int64]:
    """The digits from each start on as one number."""
    leads = np.zeros(len(starts), np.int64)
    for place in range(leading):
        leads *= RADIX
        leads += digits.take(starts + place) - np.uint8(ord("0"))
    return leads


@lru_cache(_REMEMBERED)
def _read_shape(shape: str, leading: str, country: str) -> _Reading:
    digits = leading + "1" * (shape.count("1") - len(leading))
    if len(digits) >= 2 * SHORTEST_WHOLE or not _is_decided(digits, country, international="+" in shape):
        return _Reading(_DECLINED, 0)
    rest = iter(digits)
    spelling = "".join(next(rest) if character == "1" else character for character in shape)
    if not _CANONICAL.fullmatch(spelling):
        return _Reading(_DECLINED, 0)
    number, own = possible_number(spelling, country), _own_code(country)
    if not number:
        return _Reading(_REFUSED, 0)
    for added in (0, len(own)) if len(number) >= _LONGEST_CODE + _TAIL else ():
        kept = len(number) - added
        if number == own[:added] + digits[-kept:]:
            return _Reading(kept, added)
    return _Reading(_DECLINED, 0)


def _is_decided(digits: str, country: str, *, international: bool) -> bool:
    """Whether the leading digits, beside their count, decide how the number is read."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata  # noqa: PLC0415 - as in `phones`

    if not international:
        return country in LEADING and not digits.startswith(_FROM_ABROAD)
    if digits.startswith(_own_code(country)) and LEADING.get(country, _INTERNATIONAL + 1) <= _INTERNATIONAL:
        return True
    codes = [
        digits[:width] for width in range(1, _LONGEST_CODE + 1) if int(digits[:width]) in COUNTRY_CODE_TO_REGION_CODE
    ]
    if not codes or digits.startswith("0"):
        return True
    region = COUNTRY_CODE_TO_REGION_CODE[int(codes[0])][0]
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(codes[0]), region)
    # A pattern of digits, some of them optional; what begins with none of them is no prefix.
    prefix = (metadata and metadata.national_prefix_for_parsing) or ""
    return not re.search(rf"[\\{digits[len(codes[0])]}-]", prefix)


def _own_code(country: str) -> str:
    from phonenumbers import country_code_for_region  # noqa: PLC0415 - as in `phones`

    return str(country_code_for_region(country))


def _uniform_tails(digits: NDArray[np.uint8], ends: NDArray[np.int32], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Which of the rows end in one digit over and over."""
    for back in range(1, _TAIL):
        last = ends[rows + 1] - 1
        rows = rows[digits[last] == digits[last - back]]
    return rows


def _written(
    digits: NDArray[np.uint8], ends: NDArray[np.int32], kept: NDArray[np.int64], added: NDArray[np.int64], own: str
) -> pa.StringArray:
    """Numbers of so many last digits each, and before them the code; the empty text in rows that keep none."""
    offsets = np.zeros(len(ends), np.int32)
    np.cumsum(kept + added, out=offsets[1:])
    texts = np.empty(offsets[-1], np.uint8)
    for width in np.flatnonzero(np.bincount(kept, minlength=1)[1:]).tolist():
        rows = np.flatnonzero(kept == width + 1) + 1
        windows(texts, width + 1)[offsets[rows] - (width + 1)] = windows(digits, width + 1)[ends[rows] - (width + 1)]
    rows = np.flatnonzero(added)
    if len(rows):
        windows(texts, len(own))[offsets[rows]] = np.frombuffer(own.encode(), f"V{len(own)}")
    return pa.StringArray.from_buffers(len(kept), pa.py_buffer(offsets), pa.py_buffer(texts))
