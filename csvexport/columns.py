"""Columns between numpy and Arrow, by their buffers and without a copy where there need be none.

`pyarrow.array` and `pyarrow.scalar` would do, but they import pandas to ask whether they were given a Series, and that
takes longer than a small build.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_TYPES = {np.dtype(name): getattr(pa, name)() for name in ("int16", "int32", "int64")}


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
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def repeated(text: str, count: int) -> pa.StringArray:
    """Give a column that holds one text in every row."""
    encoded = text.encode()
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(len(encoded))
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(encoded * count))


def text_scalar(text: str) -> pa.StringScalar:
    """Turn a text into a scalar."""
    return text_column([text])[0]
