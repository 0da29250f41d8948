"""Counting what the columns of an export hold, block by block, in memory that does not grow with the rows."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import lengths, numbers
from csvexport.values.cells import BLANKS, trim

MOST_DISTINCT: Final = 1000
"""Counting different texts stops here; a column with more is no list of statuses."""

LONGEST_TEXT: Final = 200
"""Longer cells are remarks; only their beginning is kept."""

# In a slashed date a number above 12 is a day, and tells the order of all others.
_DAY_FIRST: Final = r"^\D*(?:1[3-9]|2[0-9]|3[01])[/-][0-9]{1,2}[/-]"
_MONTH_FIRST: Final = r"^\D*[0-9]{1,2}[/-](?:1[3-9]|2[0-9]|3[01])[/-]"
_SLASHED: Final = re.compile(r"\D*[0-9]{1,2}([/-])[0-9]{1,2}\1[0-9]{2,4}\b")


class Tally:
    """What one column holds.

    Attributes:
        filled: rows in which it is not blank.
        values: different texts, trimmed, and how many rows have each; the first `MOST_DISTINCT` of them.
        is_counted: whether those are all.
        day_first: rows with a slashed date whose first number must be the day.
        month_first: those whose second number must be.
    """

    def __init__(self) -> None:
        self.filled = 0
        self.values: dict[str, int] = {}
        self.is_counted = True
        self.day_first = self.month_first = 0

    def take(self, texts: pa.StringArray) -> NDArray[np.bool_]:
        """Count a block's column; gives the rows in which it is not blank."""
        filled = self._count(texts) if self.is_counted else lengths(pc.utf8_trim(texts, BLANKS)) > 0
        self.filled += int(np.count_nonzero(filled))
        if self._is_slashed():
            self.day_first += _matching(texts, _DAY_FIRST)
            self.month_first += _matching(texts, _MONTH_FIRST)
        return filled

    def _count(self, texts: pa.StringArray) -> NDArray[np.bool_]:
        encoded = texts.dictionary_encode()
        words = [trim(text) for text in encoded.dictionary.to_pylist()]
        which = numbers(encoded.indices)
        counts = np.bincount(which, minlength=len(words)).tolist()
        for word, count in zip(words, counts, strict=True):
            if word:
                self._add(word[:LONGEST_TEXT], count)
        filled: NDArray[np.bool_] = np.array([bool(word) for word in words], np.bool_)[which]
        return filled

    def _add(self, word: str, count: int) -> None:
        if word in self.values or len(self.values) < MOST_DISTINCT:
            self.values[word] = self.values.get(word, 0) + count
        else:
            self.is_counted = False

    def _is_slashed(self) -> bool:
        """Whether the first text looks like a slashed date; the order shows in those that follow."""
        return _SLASHED.match(next(iter(self.values), "")) is not None


def _matching(texts: pa.StringArray, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0)


class Tallies:
    """What all columns of an export hold.

    Attributes:
        columns: name to tally.
        rows: rows so far.
        by_status: for each column that may hold the status: text to how many rows have it, and in how many of those
            each of `columns` is filled.
    """

    def __init__(self, columns: Sequence[str], statuses: Collection[str]) -> None:
        self.columns = {name: Tally() for name in columns}
        self.rows = 0
        self.by_status: Mapping[str, dict[str, Counter[str]]] = {name: {} for name in statuses}

    def take(self, block: Block) -> None:
        """Count a block, which must have all the columns."""
        self.rows += len(block.rows)
        filled = {name: tally.take(block.text(name)) for name, tally in self.columns.items()}
        for name, found in self.by_status.items():
            if self.columns[name].is_counted:
                self._count_by(found, *block.categories(name), filled)

    @staticmethod
    def _count_by(
        found: dict[str, Counter[str]],
        which: NDArray[np.int32],
        texts: Sequence[str],
        filled: Mapping[str, NDArray[np.bool_]],
    ) -> None:
        for column, rows in filled.items():
            counts = np.bincount(which[rows], minlength=len(texts)).tolist()
            for text, count in zip(texts, counts, strict=True):
                if count:
                    found.setdefault(trim(text)[:LONGEST_TEXT], Counter())[column] += count
