"""Identifiers: ClientId, Yclid, UserId, PurchaseId ([oc]), of which no digit ever changes.

A ClientId or a Yclid is a whole number of 64 bits, but never a number to us: spreadsheets and floats have cut many of
them down to 15 digits already, and those are refused instead of restored. So is one with zeros before it: should
Metrica read it as the one without, the same conversion would go twice.
"""

import re
from enum import Enum, auto
from string import ascii_letters, digits
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import (
    distinct_texts,
    lengths,
    mask,
    mask_column,
    number_column,
    numbers,
    offsets_and_bytes,
    replace_texts,
    text_column,
    text_scalar,
)
from csvexport.issues import Code
from csvexport.values.cells import BLANKS, without_shell
from csvexport.values.mixing import text_words

HIGHEST: Final = "18446744073709551615"
"""The highest ClientId or Yclid: Metrica keeps them as numbers of 64 bits."""

LONGEST: Final = len(HIGHEST)
"""Digits of the longest ClientId or Yclid ([oc])."""

KEPT: Final = 15
"""Significant digits that a spreadsheet keeps; it writes zeros for those that follow."""

EXACT: Final = 2**53
"""From here on a double leaves out whole numbers, so that the digits before its `.0` may be others than there were."""


class Rule(Enum):
    """What an identifier has to look like."""

    NUMBER = auto()
    """ClientId: digits that spell a number from 1 to `HIGHEST`, the first of them no zero."""
    YCLID = auto()
    """Yclid: the same, and a click id of Yahoo! Japan is called by its name."""
    TEXT = auto()
    """UserId, PurchaseId: the site's own text, of any length."""


class Identifiers(NamedTuple):
    """What a column of identifiers reads as."""

    text: pa.StringArray
    """No nulls; the empty text where the cell is empty or refused."""
    codes: NDArray[np.uint8]
    """`Code` of each row: `NONE` and `SUSPICIOUS_IDENTIFIER` are good."""


class Damage(NamedTuple):
    """How many of a source's long identifiers look rounded."""

    long: int
    """Identifiers of 16 or more digits (of a TEXT column: characters in UTF-8 bytes, none of them suspicious)."""
    suspicious: int
    """Those among them that end in zeros after the 15th significant digit."""


_DIGITS: Final = re.compile(rf"[1-9][0-9]{{0,{LONGEST - 1}}}")
# 1,000 is left out: it may be a float's spelling of 1 or a thousand in groups.
_FLOAT: Final = re.compile(r"(?![1-9][0-9]{0,2}[.,]000\Z)([0-9]++)[.,]0+")
_EXPONENT: Final = re.compile(r"[0-9]++(?:[.,][0-9]*)?[eE][+-]?[0-9]+")
_SPACED: Final = re.compile(rf"[0-9]++(?:[{BLANKS}]++[0-9]++)+(?:[.,]0+)?")
# Narrower than for numbers: 12e5 can be a site's own text, 1.2E+17 cannot.
_EXPONENT_IN_TEXT: Final = re.compile(r"[0-9]++(?:[.,][0-9]+[eE]\+?|[eE]\+)[0-9]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

PLACEHOLDERS: Final = frozenset({"undefined", "null", "none", "nan", "-", "n/a", "(not set)"})
"""What programs write where they have no identifier; casefolded."""

_FIRST, _SECOND = HIGHEST[:2].encode()

# What holds only these is no exponent, and no placeholder but for some.
_PLAIN_SIGNS: Final = f"{ascii_letters}{digits}_:/-"
_IS_PLAIN: Final = np.isin(np.arange(256), [*_PLAIN_SIGNS.encode()])
_PLAIN_PLACEHOLDERS: Final = [text for text in PLACEHOLDERS if set(text) <= set(_PLAIN_SIGNS)]
_PLACEHOLDER_SIZES: Final = sorted({len(text) for text in _PLAIN_PLACEHOLDERS})
_PLACEHOLDER_INITIALS: Final = sorted({ord(sign) for text in _PLAIN_PLACEHOLDERS for sign in text[0] + text[0].upper()})
# A letter in front, so no exponent, and longer than any placeholder.
_CANONICAL_TEXT: Final = r"^[A-Za-z_][!-~]{9,}$"


def read_identifier(text: str, rule: Rule) -> tuple[str, Code]:
    """The reference: what the identifier in a cell is, or why it is refused.

    Args:
        text: the cell. Blanks around it, a spreadsheet's leading apostrophe and its `="…"` shell do not count.
        rule: what the identifier has to look like.

    Returns:
        The identifier to the letter with `NONE`, or with `SUSPICIOUS_IDENTIFIER` when it has 16 digits or more and
        only zeros after the 15th; else the empty text with the reason.
    """
    cell = without_shell(text)
    if not cell:
        return "", Code.NO_IDENTIFIER
    if rule is Rule.TEXT:
        return _read_text(cell)
    if rule is Rule.YCLID and cell[:4].upper() == "YJAD":
        return "", Code.FOREIGN_YCLID
    return _read_number(cell)


def _read_text(cell: str) -> tuple[str, Code]:
    if _EXPONENT_IN_TEXT.fullmatch(cell):
        return "", Code.ROUNDED_IDENTIFIER
    if cell.casefold() in PLACEHOLDERS or _CONTROL.search(cell):
        return "", Code.BAD_IDENTIFIER
    return cell, Code.NONE


def _read_number(cell: str) -> tuple[str, Code]:
    if _EXPONENT.fullmatch(cell) or _SPACED.fullmatch(cell):
        return "", Code.ROUNDED_IDENTIFIER
    if spelled_as_float := _FLOAT.fullmatch(cell):
        return _read_float(spelled_as_float[1])
    return _read_digits(cell)


def _read_float(whole: str) -> tuple[str, Code]:
    significant = whole.lstrip("0")
    if len(significant) > LONGEST or int(significant or "0") >= EXACT:
        return "", Code.ROUNDED_IDENTIFIER
    return _read_digits(whole)


def _read_digits(digits: str) -> tuple[str, Code]:
    if not _DIGITS.fullmatch(digits) or (len(digits) == LONGEST and digits > HIGHEST):
        return "", Code.BAD_IDENTIFIER
    looks_rounded = len(digits) > KEPT and not digits[KEPT:].strip("0")
    return digits, Code.SUSPICIOUS_IDENTIFIER if looks_rounded else Code.NONE


def read_identifiers(column: pa.StringArray, rule: Rule) -> Identifiers:
    """The kernel: `read_identifier` over a column.

    Canonical are bare digits that spell an identifier, and under `Rule.TEXT` most plain ASCII texts; every other text
    that is not empty goes through the reference, each distinct one once.

    Args:
        column: text without nulls.
        rule: what the identifiers have to look like.
    """
    codes = np.zeros(len(column), np.uint8)
    if rule is Rule.TEXT:
        canonical = _canonical_texts(column)
    else:
        canonical = _canonical_numbers(column)
        codes[_suspicious_rows(column, canonical)] = Code.SUSPICIOUS_IDENTIFIER
    empty = lengths(column) == 0
    codes[empty] = Code.NO_IDENTIFIER
    others = np.flatnonzero(~canonical & ~empty)
    if not len(others):
        return Identifiers(column, codes)
    distinct, which = distinct_texts(column, others)
    read = [read_identifier(text, rule) for text in distinct]
    codes[others] = np.array([code for _, code in read], np.uint8)[which]
    texts = text_column([text for text, _ in read]).take(number_column(which))
    return Identifiers(replace_texts(column, others, texts), codes)


def _canonical_texts(column: pa.StringArray) -> NDArray[np.bool_]:
    """Which rows are plain texts, and no placeholder by their size and their first sign; or are `_CANONICAL_TEXT`."""
    offsets, data = offsets_and_bytes(column)
    canonical = (lengths(column) > 0) & ~_may_be_placeholders(offsets, data)
    is_plain = _IS_PLAIN.take(data)
    if not is_plain.all():
        before = np.zeros(len(data) + 1, np.int32)
        np.cumsum(~is_plain, out=before[1:], dtype=np.int32)
        others = np.flatnonzero(np.diff(before[offsets]))
        canonical[others] = mask(pc.match_substring_regex(column.take(number_column(others)), _CANONICAL_TEXT))
    return canonical


def _may_be_placeholders(offsets: NDArray[np.int32], data: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which rows have the size of a plain placeholder, and begin like one."""
    found = np.isin(np.diff(offsets), _PLACEHOLDER_SIZES)
    rows = np.flatnonzero(found)
    found[rows] = np.isin(data[offsets[rows]], _PLACEHOLDER_INITIALS)
    return found


def _canonical_numbers(column: pa.StringArray) -> NDArray[np.bool_]:
    """Which rows are ASCII digits that do not begin with a zero, and spell no number above `HIGHEST`."""
    offsets, data = offsets_and_bytes(column)
    digits = np.diff(offsets)
    canonical = mask(pc.ascii_is_decimal(column)) & (digits <= LONGEST)
    if len(data):
        # An empty row at the end begins behind the last byte; it is not canonical in any case.
        canonical &= data[np.minimum(offsets[:-1], len(data) - 1)] != ord("0")
    rows = np.flatnonzero(canonical & (digits == LONGEST))
    # Most begin lower than the highest one, which two digits tell.
    begins = offsets[rows]
    rows = rows[(data[begins] > _FIRST) | (data[begins + 1] >= _SECOND)]
    canonical[rows] = mask(pc.less_equal(column.take(number_column(rows)), text_scalar(HIGHEST)))
    return canonical


def _suspicious_rows(column: pa.StringArray, canonical: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Which of the canonical rows have 16 digits or more and only zeros after the 15th."""
    offsets, data = offsets_and_bytes(column)
    rows = np.flatnonzero(canonical & (np.diff(offsets) > KEPT))
    rows = rows[data[offsets[rows + 1] - 1] == ord("0")]
    last = offsets[rows + 1] - 1
    # Positions behind the end fall on the last digit, which is a zero already.
    tails = data[np.minimum(offsets[rows, None] + np.arange(KEPT, LONGEST), last[:, None])]
    found: NDArray[np.intp] = rows[(tails == ord("0")).all(axis=1)]
    return found


def identifier_words(text: pa.StringArray, rule: Rule) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """128 bits that tell any two identifiers of one rule apart.

    Args:
        text: accepted identifiers, none of them empty.
        rule: the rule they were accepted under.

    Returns:
        The low and the high words (uint64). Numbers: the exact value in the low word; the count of its digits, eight
        fold, in the high one, which batches keep since numbers could have zeros before them. TEXT: see `text_words`.
    """
    if rule is Rule.TEXT:
        return text_words(text)
    return numbers(pc.cast(text, pa.uint64())), lengths(text).astype(np.uint64) << np.uint64(3)


def damage(identifiers: Identifiers) -> Damage:
    """How many long identifiers a column holds, and how many of them look rounded.

    Identifiers that repeat count once, so that one frequent visitor does not decide about a source. While fewer than a
    quarter of the rows look rounded, rows are counted instead, which costs nothing.
    """
    long = np.diff(offsets_and_bytes(identifiers.text)[0]) > KEPT
    suspicious = identifiers.codes == Code.SUSPICIOUS_IDENTIFIER
    rows = Damage(int(np.count_nonzero(long)), int(np.count_nonzero(suspicious)))
    if rows.suspicious * 4 < rows.long or not rows.suspicious:
        return rows
    return Damage(_distinct(identifiers.text, long), _distinct(identifiers.text, suspicious))


def _distinct(text: pa.StringArray, rows: NDArray[np.bool_]) -> int:
    return int(pc.count_distinct(text.filter(mask_column(rows))).as_py())
