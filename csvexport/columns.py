"""Columns between numpy and Arrow, by their buffers and without a copy where there need be none.

`pyarrow.array`, `pyarrow.scalar` and `Array.to_numpy` would do, but they import pandas to ask whether they were given a
Series or to look at dates, and that takes longer than a small build.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_TYPES = {np.dtype(name): getattr(pa, name)() for name in ("int16", "int32", "int64")}

_FEW: Final = 8
"""Up to one in so many rows, a way that goes from one to the next beats one that goes through all."""


def mask_column(mask: NDArray[np.bool_]) -> pa.BooleanArray:
    """Turn a mask into a column of booleans."""
    packed = np.packbits(mask, bitorder="little")
    return pa.BooleanArray.from_buffers(pa.bool_(), len(mask), [None, pa.py_buffer(packed)])


def number_column(numbers: NDArray[np.signedinteger]) -> pa.Array:
    """Turn whole numbers (int16, int32 or int64) into a column."""
    contiguous = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(_TYPES[contiguous.dtype], len(numbers), [None, pa.py_buffer(contiguous)])


def text_column(texts: Iterable[str]) -> pa.StringArray:
    """Turn texts into a column."""
    return bytes_column([text.encode() for text in texts], pa.string())


def bytes_column(cells: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    """Turn cells into a column of this type, binary or, if they are UTF-8, string."""
    offsets = np.zeros(len(cells) + 1, np.int32)
    np.cumsum([len(cell) for cell in cells], out=offsets[1:])
    return pa.Array.from_buffers(kind, len(cells), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(cells))])


def repeated(text: str, count: int) -> pa.StringArray:
    """Give a column that holds one text in every row."""
    encoded = text.encode()
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(len(encoded))
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(encoded * count))


def text_scalar(text: str) -> pa.StringScalar:
    """Turn a text into a scalar."""
    return text_column([text])[0]


def numbers(column: pa.Array) -> NDArray[Any]:
    """Give a column of whole numbers (without nulls) as an array of the same width; not to be written to."""
    dtype = np.dtype(str(column.type))
    return np.frombuffer(column.buffers()[1], dtype, len(column), column.offset * dtype.itemsize)


def mask(column: pa.BooleanArray) -> NDArray[np.bool_]:
    """Give a column of booleans (without nulls) as an array."""
    if not len(column):
        return np.zeros(0, np.bool_)
    bits = np.unpackbits(np.frombuffer(column.buffers()[1], np.uint8), bitorder="little")
    return bits[column.offset : column.offset + len(column)].view(np.bool_)


def offsets_and_bytes(column: pa.StringArray) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The buffers of a column without nulls, not copied where the column is not a slice.

    Returns:
        Offsets (int32, one more than rows, the first 0) and the column's own UTF-8 bytes (uint8, read-only): row `i`
        is `data[offsets[i] : offsets[i + 1]]`.
    """
    _, starts, texts = column.buffers()
    if not len(column) or starts is None:
        return np.zeros(1, np.int32), np.zeros(0, np.uint8)
    offsets = np.frombuffer(starts, np.int32, len(column) + 1, column.offset * 4)
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.frombuffer(texts, np.uint8, last - first, first) if last > first else np.zeros(0, np.uint8)
    return (offsets - np.int32(first) if first else offsets), data


def distinct_texts(column: pa.StringArray, rows: NDArray[np.intp]) -> tuple[list[str], NDArray[np.intp]]:
    """The distinct texts of some rows, so that a reference reads each of them once.

    Args:
        column: text without nulls.
        rows: which rows to look at.

    Returns:
        The texts, and for each of `rows` the index (intp) of its text among them.
    """
    encoded = column.take(number_column(rows)).dictionary_encode()
    return encoded.dictionary.to_pylist(), numbers(encoded.indices).astype(np.intp)


def selection(rows: NDArray[np.intp], count: int) -> pa.Array | None:
    """Make of rows, ascending and each once, what `selected` takes: flags of them all, or the numbers of a few.

    Args:
        rows: which rows.
        count: how many the columns have; if they are all, there is nothing to choose.
    """
    if len(rows) == count:
        return None
    if len(rows) < count // _FEW:
        return number_column(rows)
    flags = np.zeros(count, np.bool_)
    flags[rows] = True
    return mask_column(flags)


def selected(column: pa.Array, choice: pa.Array | None) -> pa.Array:
    """Give some rows of a column, as `selection` chose them; None: all. Arrow filters twice as fast as it takes."""
    if choice is None:
        return column
    return column.filter(choice) if pa.types.is_boolean(choice.type) else column.take(choice)


def replace_texts(column: pa.StringArray, rows: NDArray[np.intp], texts: pa.StringArray) -> pa.StringArray:
    """The column with other texts at some rows.

    Args:
        column: text without nulls.
        rows: which rows to replace, ascending, each once.
        texts: what stands there afterwards, one text for each of `rows`.
    """
    if not len(rows):
        return column
    if len(rows) > len(column) // _FEW:
        replaced = np.zeros(len(column), np.bool_)
        replaced[rows] = True
        return pc.replace_with_mask(column, mask_column(replaced), texts)
    offsets, data = offsets_and_bytes(column)
    new_offsets, new_data = offsets_and_bytes(texts)
    sizes = np.diff(offsets)
    sizes[rows] = np.diff(new_offsets)
    changed = np.zeros(len(offsets), np.int32)
    np.cumsum(sizes, out=changed[1:])
    places = zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), pairwise(new_offsets.tolist()), strict=True)
    parts = _woven(data.data, new_data.data, places)
    return pa.StringArray.from_buffers(len(column), pa.py_buffer(changed), pa.py_buffer(b"".join(parts)))


def _woven(
    data: memoryview, other: memoryview, places: Iterable[tuple[int, int, tuple[int, int]]]
) -> Iterator[memoryview]:
    """Give the data, with parts of it replaced: each from here to there by what the other has from here to there."""
    kept = 0
    for begin, end, (first, last) in places:
        yield data[kept:begin]
        yield other[first:last]
        kept = end
    yield data[kept:]


def join_where(parts: Sequence[tuple[pa.Array | pa.Scalar, NDArray[np.bool_]]], separator: str) -> pa.StringArray:
    """Join the texts of each row, of every column those rows that are wanted; "" where none is.

    Arrow's own join drops the rows of which every part is skipped, so that all later rows would move up.

    Args:
        parts: columns of text (or one text for all rows) without nulls, and the rows wanted of each.
        separator: what stands between two texts.
    """
    none = ~np.logical_or.reduce([wanted for _, wanted in parts])
    nothing = pa.nulls(1, pa.string())[0]
    everything = [*parts, (text_scalar(""), none)] if none.any() else parts
    chosen = [pc.if_else(mask_column(wanted), texts, nothing) for texts, wanted in everything]
    return pc.binary_join_element_wise(*chosen, text_scalar(separator), null_handling="skip")


def windows(data: NDArray[np.uint8], width: int) -> NDArray[np.void]:
    """Give every part of so many bytes of the data, so that one index copies a whole text; no copy by itself."""
    return np.ndarray(len(data) - width + 1, np.dtype((np.void, width)), data, strides=(1,))


def lengths(column: pa.Array) -> NDArray[np.int32]:
    """Give the length in bytes of each text of a column of string or binary, or of a dictionary of either."""
    if pa.types.is_dictionary(column.type):
        return lengths(column.dictionary)[numbers(column.indices)] if len(column) else np.zeros(0, np.int32)
    offsets, _ = offsets_and_bytes(column)
    return offsets[1:] - offsets[:-1]


def is_utf_8(data: bytes | memoryview, end: int) -> bool:
    """Check the text up to `end` with Arrow's validator, which lets other threads run meanwhile."""
    offsets = pa.py_buffer(np.array([0, end], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(data)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def slices(data: bytes | memoryview, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.StringArray:
    """Give parts of UTF-8 text, which do not overlap and stand in their order, as a column."""
    bounds = np.empty(2 * len(begins) + 1, np.int32)
    bounds[0:-1:2], bounds[1::2] = begins, ends
    bounds[-1] = bounds[-2] if len(begins) else 0
    parts = pa.StringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(data))
    return parts.take(number_column(np.arange(0, len(bounds) - 1, 2, dtype=np.int32)))
