"""Several identifiers in one cell, as a CRM keeps those of a client: lists joined by commas ([so], [ct]).

A number that a spreadsheet spelled with commas or blanks, `1,7E+18` or `1 716 642`, is one number and stays refused:
its parts would be other visitors' identifiers.
"""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from csvexport.columns import distinct_texts, mask, number_column, replace_texts, text_column
from csvexport.issues import Code
from csvexport.values.cells import BLANKS, without_shell
from csvexport.values.identifiers import Identifiers, Rule, read_identifier, read_identifiers

LEAST: Final = 10
"""Digits of the shortest number that is read beside others: what has fewer may be a part of one."""

_BETWEEN_TEXTS: Final = r"[,;\r\n]"
_BETWEEN_NUMBERS: Final = re.compile(rf"[;|\t\r\n]|,[{BLANKS}]+")
_PERHAPS_BETWEEN_NUMBERS: Final = re.compile(rf"[,{BLANKS}]+")

_ONE: Final = {Code.NONE, Code.SUSPICIOUS_IDENTIFIER, Code.NO_IDENTIFIER}


def read_identifier_list(text: str, rule: Rule) -> tuple[str, Code]:
    """The reference: the identifiers in a cell, each once, or why none of them is good.

    Args:
        text: the cell. Commas, semicolons and line breaks stand between identifiers; between numbers of at least
            `LEAST` digits also vertical bars and blanks.
        rule: what the identifiers have to look like.

    Returns:
        The good identifiers joined by commas; with the code of the first bad one, else as `read_identifier`.
    """
    one = read_identifier(text, rule)
    if rule is not Rule.TEXT and one[1] in _ONE:
        return one
    parts = list(_parts(without_shell(text), rule))
    if len(parts) == 1:
        return one
    read = [_read_part(part, rule) for part in parts]
    bad = (code for identifier, code in read if not identifier and code is not Code.NO_IDENTIFIER)
    good = dict(part for part in read if part[0])
    kept = next(filter(None, good.values()), Code.NONE if good else Code.NO_IDENTIFIER)
    return ",".join(good), next(bad, kept)


def _parts(cell: str, rule: Rule) -> Iterator[str]:
    if rule is Rule.TEXT:
        yield from re.split(_BETWEEN_TEXTS, cell)
        return
    for piece in _BETWEEN_NUMBERS.split(cell):
        parts = _PERHAPS_BETWEEN_NUMBERS.split(piece)
        yield from parts if all(map(_stands_alone, parts)) else [piece]


def _stands_alone(part: str) -> bool:
    """Tell whether a part is no number, or one that is no part of another."""
    return re.fullmatch(rf"[^0-9]*|[0-9]{{{LEAST},}}", part) is not None


def _read_part(part: str, rule: Rule) -> tuple[str, Code]:
    identifier, code = read_identifier(part, rule)
    if rule is not Rule.TEXT and 0 < len(identifier) < LEAST:
        return "", Code.BAD_IDENTIFIER
    return identifier, code


def read_identifier_lists(column: pa.StringArray, rule: Rule) -> Identifiers:
    """The kernel: `read_identifier_list` over a column.

    Args:
        column: text without nulls.
        rule: what the identifiers have to look like.
    """
    text, codes = read_identifiers(column, rule)
    several = mask(pc.match_substring_regex(column, _BETWEEN_TEXTS)) if rule is Rule.TEXT else ~np.isin(codes, [*_ONE])
    rows = np.flatnonzero(several)
    if not len(rows):
        return Identifiers(text, codes)
    distinct, which = distinct_texts(column, rows)
    read = [read_identifier_list(cell, rule) for cell in distinct]
    codes[rows] = np.array([code for _, code in read], np.uint8)[which]
    lists = text_column([identifiers for identifiers, _ in read]).take(number_column(which))
    return Identifiers(replace_texts(text, rows, lists), codes)
