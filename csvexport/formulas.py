r"""Cells that a spreadsheet would calculate, such as `=HYPERLINK(…)` or `+7 000 …`, made texts and back again.

An apostrophe before the formula keeps it a text. A formula begins with one of `TRIGGERS`, behind any blanks and quotes,
where a cell begins; where that is depends on the machine: a spreadsheet that takes the semicolon or the tab for the
delimiter of a file with commas begins a cell behind each, and a line behind each line break.

Since the apostrophe is itself among what may stand before a formula, whatever began like one before it was marked does
so afterwards, and nothing else does: an apostrophe is taken away exactly where one was put, also where a cell had one.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

TRIGGERS: Final = "=+-@＝＋－＠﹢﹣﹦﹫−"

# Blanks, quotes, and what has no picture; neither tab nor line break, which begin a cell themselves.
_BEFORE: Final = (
    r"""[\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad"'`´«»‹›＂＇"""
    r"""\x{1680}\x{2000}-\x{200f}\x{2018}-\x{201f}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{3000}\x{feff}]*"""
)
_FORMULA: Final = rf"{_BEFORE}[{TRIGGERS.replace('-', '')}-]"
_BREAK: Final = rf"{_BEFORE}[\t\r\n]"

# (what to find, what to put there), in the order in which marks are put; the other way round they are taken away.
_MARKS: Final = ((rf"(\A|[;\t\r\n])({_FORMULA})", r"\1'\2"), (rf"(\A)({_BREAK})", r"\1'\2"))
_UNMARKS: Final = ((rf"(\A)'({_BREAK})", r"\1\2"), (rf"(\A|[;\t\r\n])'({_FORMULA})", r"\1\2"))
_ANY: Final = rf"(\A|[;\t\r\n])({_FORMULA}|{_BREAK})"


def marked(column: pa.StringArray) -> pa.StringArray:
    """The texts, in which nothing is a formula."""
    return _replaced(column, _MARKS)


def unmarked(column: pa.StringArray) -> pa.StringArray:
    """The texts as they were before `marked`."""
    return _replaced(column, _UNMARKS)


def _replaced(column: pa.StringArray, replacements: tuple[tuple[str, str], ...]) -> pa.StringArray:
    # Most columns hold none, and a look is cheaper than two copies.
    if pc.any(pc.match_substring_regex(column, _ANY)).as_py():
        for pattern, replacement in replacements:
            column = pc.replace_substring_regex(column, pattern, replacement)
    return column
