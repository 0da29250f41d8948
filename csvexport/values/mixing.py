"""Words of 64 bits, spread so that whatever is made of a part depends on the whole; and texts as two such words."""

from hashlib import blake2b
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import number_column, offsets_and_bytes, windows

_U64 = np.uint64
_WIDTH: Final = 16
_LONGEST: Final = _WIDTH - 1
_IS_HASH: Final = 0x80


def mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all 64 (the finalizer of MurmurHash3, which is public domain)."""
    words = words ^ (words >> _U64(33))
    words *= _U64(0xFF51AFD7ED558CCD)
    words ^= words >> _U64(33)
    words *= _U64(0xC4CEB9FE1A85EC53)
    words ^= words >> _U64(33)
    return words


def text_words(texts: pa.StringArray) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Give 128 bits that tell any two texts apart: with certainty while they have at most 15 bytes.

    Args:
        texts: no nulls.

    Returns:
        The low and the high words (uint64), mixed: of up to 15 bytes the bytes themselves and their number, of longer
        texts BLAKE2b.
    """
    offsets, data = offsets_and_bytes(texts)
    lengths = np.diff(offsets)
    packed = np.zeros((len(texts), _WIDTH), np.uint8)
    for width in np.flatnonzero(np.bincount(np.minimum(lengths, _WIDTH), minlength=1)).tolist():
        rows = np.flatnonzero(np.minimum(lengths, _WIDTH) == width)
        if width > _LONGEST:
            packed[rows] = _hashes(texts, rows)
        elif width:
            packed[rows, :width] = windows(data, width)[offsets[rows]].view(np.uint8).reshape(len(rows), width)
            packed[rows, _LONGEST] = width
    words = packed.view("<u8").astype(_U64)
    low, high = words[:, 0].copy(), words[:, 1].copy()
    low ^= mixed(high)
    high ^= mixed(low)
    return low, high


def _hashes(texts: pa.StringArray, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    long = texts.take(number_column(rows)).cast(pa.binary()).to_pylist()
    digests = b"".join([blake2b(raw, digest_size=_WIDTH).digest() for raw in long])
    hashes = np.frombuffer(digests, np.uint8).reshape(len(rows), _WIDTH).copy()
    hashes[:, _LONGEST] |= _IS_HASH
    return hashes
