"""Parquet: a table whose columns have types, each value of which is written out as text.

Whole numbers, decimals, dates and moments are exact in Parquet and stay so. A floating-point number is written like one
of a workbook: from where it leaves out whole numbers on with an exponent, so that it never passes for an identifier.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.blocks import BAD_TEXT, BadRow, Block
from csvexport.columns import mask, mask_column, numbers, text_column, text_scalar
from csvexport.confined.serving import Why
from csvexport.errors import SourceError
from csvexport.sources.changes import refuse_change
from csvexport.sources.confining import ConfinedFile
from csvexport.sources.tables import Cells, Heading, block_of
from csvexport.summary import SourceFacts

ROWS: Final = 1 << 15
"""Rows that are turned into a block at a time."""

LARGEST_COLUMN: Final = 1 << 28
"""The bytes that a column of repeated texts may be as large as when it is written out."""

_LISTS: Final = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
_STRINGS: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)

# The type of floating-point numbers for numpy, and from where on it leaves out whole numbers.
_FLOATS: Final[Mapping[pa.DataType, tuple[np.dtype[Any], int]]] = {
    pa.float16(): (np.dtype(np.float16), 2**11),
    pa.float32(): (np.dtype(np.float32), 2**24),
    pa.float64(): (np.dtype(np.float64), 2**53),
}

# By the shortest unit in which all moments of a column are whole, from the coarsest on.
_TIMES: Final = (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"))
_MOMENTS: Final = tuple(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns"))


_WORDS: Final = {
    Why.DAMAGED: "this is no whole Parquet file; was the download or the export cut off? Export it again",
    Why.ENCRYPTED: "the Parquet is encrypted; write it without encryption",
    Why.UNSUPPORTED: (
        "this Parquet is packed or typed in a way that cannot be read; write it with snappy or zstd and with plain"
        " types"
    ),
    Why.NAMES: "the name of a column is not UTF-8 text; have the program that wrote the file write it as UTF-8",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive rows.

    Attributes:
        batch: the rows, with the types of the file.
        position: how many bytes of the file count as read.
    """

    batch: pa.RecordBatch
    position: int


@dataclass(frozen=True, slots=True)
class _Texts:
    """A column as text.

    Attributes:
        cells: the texts, without nulls.
        bad: the rows (intp) whose bytes are no text; they are shown escaped.
    """

    cells: pa.StringArray
    bad: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))


class ParquetTable:
    """One Parquet file.

    Attributes:
        label: the path as the user gave it.
        columns: names of its columns; those inside a structure follow its name behind a dot.
        size: bytes of the file.
        is_rejected_file: whether this is a `rejected.csv` that comes back in another form.
        header_row: 0, there is no header.
    """

    header_row = 0

    def __init__(self, path: Path, label: str, most: int) -> None:
        """Open the file and look at its columns.

        Args:
            path: the file.
            label: how messages name it.
            most: bytes of memory that the reading may take beyond what any file is allowed.

        Raises:
            SourceError: the file is damaged, cut off or encrypted, has no column, or takes too much memory.
            OSError: the file cannot be read.
        """
        self.label = label
        self._path = path
        self._stat = path.stat()
        self.size = self._stat.st_size
        self._file = ConfinedFile("tables", path, label, most, _WORDS)
        with path.open("rb") as file:
            self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        _, (schema,) = self._file.call("schema")
        with self._told():
            names = [name for column in pa.ipc.open_stream(schema).schema for name in _names(column.name, column.type)]
        if not names:
            raise SourceError(f"{label}: the table has no columns; export it again")
        self._heading = Heading.of([name.strip() for name in names])
        self.columns = self._heading.own
        self.is_rejected_file = self._heading.hidden > 0

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of whatever Arrow raises what that means."""
        try:
            yield
        except _TooLargeError:
            most = f"{LARGEST_COLUMN >> 20:,} MB"
            raise SourceError(
                f"{self.label}: a column of few long texts takes more than {most} when it is written out; leave it out"
            ) from None
        except pa.ArrowNotImplementedError:
            raise SourceError(f"{self.label}: {_WORDS[Why.UNSUPPORTED]}") from None
        except UnicodeDecodeError:
            # As for the columns' own names, for those of the parts of one.
            raise SourceError(f"{self.label}: {_WORDS[Why.NAMES]}") from None
        except (pa.ArrowException, RecursionError) as error:
            raise SourceError(f"{self.label}: {_WORDS[Why.DAMAGED]}") from error

    def pieces(self) -> Iterator[Piece]:
        """Read the file once.

        Raises:
            SourceError: the file is damaged, cannot be read to its end, or changed since it was looked at.
        """
        self._file.call("begin", ROWS)
        read = 0
        while True:
            count, batches = self._file.call("go_on")
            if not batches:
                break
            with self._told():
                batch = pa.ipc.open_stream(batches[0]).read_next_batch()
            read += batch.num_rows
            yield Piece(batch, self.size * read // count)
        refuse_change(self._path, self.label, self._stat)

    def parse(self, piece: Piece, categories: Collection[str]) -> Block:  # noqa: ARG002 - what every source takes
        """Turn rows into a block; safe to call from several threads.

        Raises:
            SourceError: a column is of a type that has no text.
        """
        count = piece.batch.num_rows
        with self._told():
            texts = [text for column in piece.batch.columns for text in _texts(column)]
        bad = self._bad_rows(texts)
        keep = np.ones(count, np.bool_)
        keep[[row.row for row in bad]] = False
        columns = [text.cells.filter(mask_column(keep)) if bad else text.cells for text in texts]
        return block_of(Cells(columns, np.flatnonzero(keep), count, bad), self._heading, "utf-8", last=False)

    def _bad_rows(self, texts: Sequence[_Texts]) -> list[BadRow]:
        """Give the rows that hold bytes which are no text, with the names of those columns."""
        names: dict[int, list[str]] = {}
        for name, text in zip(self._heading.names, texts, strict=True):
            for row in text.bad.tolist():
                names.setdefault(row, []).append(f'"{name}"')
        return [
            BadRow(
                row,
                ",".join(text.cells[row].as_py() for text in texts)[:BAD_TEXT],
                f"it holds bytes that are no UTF-8 text, in column {', '.join(names[row])}",
            )
            for row in sorted(names)
        ]

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the file after `pieces` has come to its end."""
        return SourceFacts(
            path=self.label,
            format="parquet",
            rows=rows,
            bytes=self.size,
            sha256=self._sha256,
            left_out=dict(sorted((+left_out).items())),
        )


class _TooLargeError(Exception):
    """A column is too large when it is written out."""


def _plain(kind: pa.DataType) -> pa.DataType:
    """Give the type as which values of this type are read; a map is a list of structures with `key` and `value`."""
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return _plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))
    return kind


def _is_list(kind: pa.DataType) -> bool:
    return any(is_one(kind) for is_one in _LISTS)


def _names(name: str, kind: pa.DataType) -> Iterator[str]:
    """Give the names of the columns of text that a column of this type becomes."""
    kind = _plain(kind)
    if pa.types.is_struct(kind):
        for part in kind:
            yield from _names(f"{name}.{part.name}", part.type)
    elif _is_list(kind):
        yield from _names(name, kind.value_type)
    else:
        yield name


def _texts(column: pa.Array) -> Iterator[_Texts]:
    """Write out a column, as the columns that `_names` names."""
    kind = _plain(column.type)
    if kind != column.type:
        _refuse_repetition(column)
        column = column.storage if isinstance(column.type, pa.BaseExtensionType) else column.cast(kind)
        yield from _texts(column)
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _texts(part)
    elif _is_list(kind):
        lengths = _lengths(column)
        for inner in _texts(column.flatten()):
            yield _joined(inner, lengths)
    else:
        yield _written(column)


def _refuse_repetition(column: pa.Array) -> None:
    """See that no long text stands in so many rows that nobody has the memory to write it out."""
    if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        if (pc.sum(lengths.cast(pa.int64())).as_py() or 0) > LARGEST_COLUMN:
            raise _TooLargeError


def _lengths(column: pa.Array) -> NDArray[np.int64]:
    """Give the length of each list; a missing one has none."""
    if not len(column):
        return np.zeros(0, np.int64)
    lengths = pc.list_value_length(column).cast(pa.int64())
    return np.where(mask(lengths.is_valid()), numbers(lengths), 0)


def _joined(inner: _Texts, lengths: NDArray[np.int64]) -> _Texts:
    """Join the texts of each list by commas; `lengths` says how many they are."""
    texts = inner.cells.to_pylist()
    ends = np.cumsum(lengths)
    cells = [
        ",".join(text for text in texts[end - length : end] if text)
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]
    rows = np.repeat(np.arange(len(lengths)), lengths)
    return _Texts(text_column(cells), np.unique(rows[inner.bad]))


def _written(column: pa.Array) -> _Texts:
    """Write out a column of plain values."""
    kind = column.type
    if pa.types.is_floating(kind):
        return _Texts(_float_texts(column))
    if isinstance(kind, pa.UuidType):
        cells = column.storage.to_pylist()
        return _Texts(text_column(str(UUID(bytes=cell)) if cell else "" for cell in cells))
    if _is_text(kind):
        return _decoded(column.cast(pa.binary()))
    if pa.types.is_timestamp(kind):
        return _Texts(_moment_texts(column))
    if pa.types.is_time(kind):
        column = _coarsest(column, _TIMES)
    return _Texts(pc.fill_null(column.cast(pa.string()), text_scalar("")))


def _is_text(kind: pa.DataType) -> bool:
    """Whether values are texts, or bytes, as which some programs write their texts."""
    return any(is_one(kind) for is_one in _STRINGS)


def _decoded(column: pa.BinaryArray) -> _Texts:
    column = pc.fill_null(column, text_scalar("").cast(pa.binary()))
    try:
        return _Texts(column.cast(pa.string()))
    except pa.ArrowInvalid:
        cells = column.to_pylist()
        bad = [row for row, cell in enumerate(cells) if not _is_utf_8(cell)]
        return _Texts(text_column(cell.decode("utf-8", "backslashreplace") for cell in cells), np.array(bad, np.intp))


def _is_utf_8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _moment_texts(column: pa.TimestampArray) -> pa.StringArray:
    """Write out moments: those that have a zone in UTC, as which Parquet keeps them, with `Z`."""
    kind = column.type
    texts = _coarsest(column.view(pa.timestamp(kind.unit)), _MOMENTS).cast(pa.string())
    if kind.tz is not None:
        texts = pc.binary_join_element_wise(texts, text_scalar("Z"), text_scalar(""))
    return pc.fill_null(texts, text_scalar(""))


def _coarsest(column: pa.Array, kinds: Sequence[pa.DataType]) -> pa.Array:
    """Turn times into the first of these types in which all of them are whole, so that no zeros are written."""
    for kind in kinds:
        with suppress(pa.ArrowInvalid):
            return column.cast(kind)
    return column


def _float_texts(column: pa.FloatingPointArray) -> pa.StringArray:
    if not len(column):
        return text_column([])
    dtype, exact = _FLOATS[column.type]
    values = np.frombuffer(column.buffers()[1], dtype, len(column), column.offset * dtype.itemsize)
    # Python's own numbers are the faster ones, but of the narrower kinds they would show digits that are none.
    cells = values.tolist() if values.dtype == np.float64 else values
    there = mask(column.is_valid()).tolist()
    return text_column(float_text(cell, exact) if valid else "" for cell, valid in zip(cells, there, strict=True))


def float_text(value: "float | np.floating[Any]", exact: int) -> str:
    """The text of a floating-point number.

    Args:
        value: the number; NaN, which programs write for a missing number, is empty.
        exact: from here on numbers of this kind leave out whole numbers.

    Returns:
        Whole numbers below `exact` in full, larger ones with an exponent; of others the fewest digits that tell them
        from their neighbours.
    """
    number = float(value)
    if math.isnan(number):
        return ""
    if number.is_integer():
        return str(int(number)) if abs(number) < exact else f"{number:.14E}"
    text = str(value)
    return np.format_float_positional(value, trim="-") if "e" in text else text
