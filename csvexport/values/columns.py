"""Columns of text as the kernels see them: Arrow's offsets and bytes, and the few texts that only a reference reads."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BLANKS: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
    "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)
"""What `str.strip` removes, then what nobody sees: zero-width spaces, joiners and marks of direction, the BOM."""


def trim(cell: str) -> str:
    """A cell without the blanks and the invisible characters (`BLANKS`) around it; every reference begins with this."""
    return cell.strip(BLANKS)


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


def from_buffers(offsets: NDArray[np.int32], data: NDArray[np.uint8]) -> pa.StringArray:
    """The column whose row `i` is `data[offsets[i] : offsets[i + 1]]`; the caller vouches for UTF-8."""
    starts = pa.py_buffer(np.ascontiguousarray(offsets, np.int32))
    return pa.StringArray.from_buffers(len(offsets) - 1, starts, pa.py_buffer(np.ascontiguousarray(data, np.uint8)))


def distinct_texts(column: pa.StringArray, rows: NDArray[np.intp]) -> tuple[list[str], NDArray[np.intp]]:
    """The distinct texts of some rows, so that a reference reads each of them once.

    Args:
        column: text without nulls.
        rows: which rows to look at.

    Returns:
        The texts, and for each of `rows` the index (intp) of its text among them.
    """
    encoded = column.take(pa.array(rows, pa.int64())).dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.intp)


def replace_texts(column: pa.StringArray, rows: NDArray[np.intp], texts: pa.StringArray) -> pa.StringArray:
    """The column with other texts at some rows.

    Args:
        column: text without nulls.
        rows: which rows to replace, ascending, each once.
        texts: what stands there afterwards, one text for each of `rows`.
    """
    if not len(rows):
        return column
    mask = np.zeros(len(column), np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), texts)
