"""Blocks of text rows: what every source yields and the only thing that `transform` sees of a source."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import lengths, mask, number_column, numbers, selected, text_column
from csvexport.issues import BETWEEN

ASCII_LIMIT = 128

# How many characters of a record that cannot be read are kept for the reader of `rejected.csv`.
BAD_TEXT = 2000


@dataclass(frozen=True, slots=True)
class BadRow:
    r"""A record that cannot be read.

    Attributes:
        row: its place in the block, counted from 0 over all records.
        text: the record as it stands in the source, shortened; bytes that are no text are written as `\\xff`.
        reason: what is wrong with it.
    """

    row: int
    text: str
    reason: str


class Deferred(Protocol):
    """A column that is read only where somebody wants its cells."""

    def take(self, places: pa.Array | None) -> pa.StringArray:
        """Give the column, or the rows of it at these places (a column of numbers, ascending), as text."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive rows of a source.

    Attributes:
        columns: name to column, in the source's order; Arrow arrays of binary (bytes in `codec`), string (UTF-8, valid)
            or a dictionary of either; no nulls. A column that the profile does not name may be deferred.
        codec: name of Python's codec for binary columns.
        rows: for each row its place in the block, counted from 0 over all records, what is left out included.
        records: how many records the block spans; the next block's rows count from there.
        bad: the records that cannot be read; they are not among the rows.
        left_out: records that are no rows, by what they are: `blank`, `header`, `total`.
        kinds: of a `rejected.csv` that comes back, the kind that each row was rejected as, a column as those above.
    """

    columns: Mapping[str, pa.Array | Deferred]
    codec: str
    rows: NDArray[np.int64]
    records: int
    bad: Sequence[BadRow] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    kinds: pa.Array | None = None

    def meant_for(self, kind: str) -> NDArray[np.bool_]:
        """Tell which rows may become records of a kind: all, but for those of a `rejected.csv` that were others'.

        A row that could not be read was rejected as every kind, and one that names none was written by hand.
        """
        if self.kinds is None:
            return np.ones(len(self.rows), bool)
        between = re.escape(BETWEEN)
        return mask(
            pc.match_substring_regex(decoded(self.kinds, self.codec), rf"^$|(?:^|{between}){kind}(?:{between}|$)")
        )

    def text(self, name: str, choice: pa.Array | None = None) -> pa.StringArray:
        """Give a column (or some rows of it, see `columns.selected`) as valid UTF-8 text without nulls."""
        column = self.columns[name]
        if not isinstance(column, pa.Array):
            is_mask = choice is not None and pa.types.is_boolean(choice.type)
            return column.take(number_column(np.flatnonzero(mask(choice))) if is_mask else choice)
        column = selected(column, choice)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary.take(column.indices)
        return decoded(column, self.codec)

    def categories(self, name: str) -> tuple[NDArray[np.int32], list[str]]:
        """Give a column as the distinct texts in it and, for each row, the index of its text."""
        column = self._dictionary(name)
        return numbers(column.indices), decoded(column.dictionary, self.codec).to_pylist()

    def counts(self, name: str, most: int) -> dict[str, int] | None:
        """Count how many rows have which text in a column; None if there are more than `most` distinct ones."""
        column = self._dictionary(name)
        if len(column.dictionary) > most:
            return None
        rows = np.bincount(numbers(column.indices), minlength=len(column.dictionary))
        texts = decoded(column.dictionary, self.codec).to_pylist()
        return {text: count for text, count in zip(texts, rows.tolist(), strict=True) if count}

    def _dictionary(self, name: str) -> pa.DictionaryArray:
        column = self.columns[name]
        if not isinstance(column, pa.Array):
            column = column.take(None)
        return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


class Rejected(NamedTuple):
    """Rejected rows of a block, in order.

    Attributes:
        rows: place of each in the block.
        says: the columns `code`, `column`, `value` and `remedy`.
        cells: the row's own columns, in the source's order; none without rows.
    """

    rows: NDArray[np.int64]
    says: tuple[pa.StringArray, pa.StringArray, pa.StringArray, pa.StringArray]
    cells: Mapping[str, pa.StringArray]

    @classmethod
    def none(cls) -> Self:
        """Give what a block without rejected rows has."""
        nothing = text_column([])
        return cls(np.zeros(0, np.int64), (nothing, nothing, nothing, nothing), {})


def decoded(column: pa.Array, codec: str) -> pa.StringArray:
    """Turn a binary column in an encoding that extends ASCII into text; UTF-8 is taken as it is, unchecked."""
    if pa.types.is_string(column.type):
        return column
    if codec == "utf-8" or not len(column):
        return _as_string(column)
    offsets, data = _buffers(column)
    if not len(data) or data.max() < ASCII_LIMIT:
        return _as_string(column)
    text = data.tobytes().decode(codec)
    ends = np.zeros(len(data) + 1, np.int32)
    np.cumsum(_utf_8_lengths(codec)[data], out=ends[1:])
    return pa.StringArray.from_buffers(len(column), pa.py_buffer(ends[offsets]), pa.py_buffer(text.encode()))


def _buffers(column: pa.BinaryArray) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Give the offsets of the column's cells, from 0 on, and the bytes that they point into."""
    _, offsets_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32, len(column) + 1, column.offset * 4)
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)
    return offsets - offsets[0], data[offsets[0] : offsets[-1]]


def _as_string(column: pa.BinaryArray) -> pa.StringArray:
    _, offsets, data = column.buffers()
    return pa.StringArray.from_buffers(len(column), offsets, data, None, 0, column.offset)


def _utf_8_lengths(codec: str) -> NDArray[np.int32]:
    """For each byte, how many bytes its character takes in UTF-8; undefined bytes never reach a column."""
    return np.array([len(bytes([byte]).decode(codec, "replace").encode()) for byte in range(256)], np.int32)


def all_empty(columns: Sequence[pa.Array]) -> NDArray[np.intp]:
    """Find the rows in which every cell is empty."""
    rows = np.flatnonzero(lengths(columns[0]) == 0)
    for column in columns[1:]:
        if len(rows):
            rows = rows[lengths(column)[rows] == 0]
    return rows
