"""Rows that stand in a file twice, found exactly and in bounded memory, with the numbers of the first of them."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.transform.duplicates import DuplicateFinder, Keys

SIGHTS: Final = 5
"""How many rows are named."""


class Keyed(NamedTuple):
    """The rows of a block that can be compared.

    Attributes:
        keys: of each.
        places: of each its place in the block, counted over all records.
    """

    keys: Keys
    places: NDArray[np.int64]


class _Part(NamedTuple):
    """Where the rows of a block stand: a bit for each of its records."""

    first_row: int
    keyed: int
    bits: NDArray[np.uint8]

    def row(self, number: int) -> int:
        """Give the row of the keyed row of this number in the block."""
        return self.first_row + int(np.flatnonzero(np.unpackbits(self.bits))[number])


class Repeats:
    """Takes the keys of all rows and tells at the end which stand again further down."""

    def __init__(self, folder: Path, name: str) -> None:
        """Keep the keys in files of a folder that the caller removes."""
        self._finder = DuplicateFinder(folder, name)
        self._parts: list[_Part] = []

    def add(self, keyed: Keyed, first_row: int, records: int) -> None:
        """Append the rows of a block of so many records, the first of which has this row number."""
        stands = np.zeros(records, np.bool_)
        stands[keyed.places] = True
        self._parts.append(_Part(first_row, len(keyed.places), np.packbits(stands)))
        self._finder.add(keyed.keys, np.zeros(len(keyed.places), np.uint64))

    def settle(self) -> tuple[int, list[int]]:
        """Count the rows that stand again further down, and give the numbers of the first of them."""
        dropped = self._finder.settle().mask
        rows: list[int] = []
        begin = 0
        for part in self._parts:
            found = np.flatnonzero(dropped[begin : begin + part.keyed])[: SIGHTS - len(rows)]
            rows += [part.row(number) for number in found.tolist()]
            begin += part.keyed
        return int(np.count_nonzero(dropped)), rows

    def close(self) -> None:
        """Close the files."""
        self._finder.close()
