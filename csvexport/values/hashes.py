"""MD5 of contacts, as Yandex matches them ([md5]): each value of a list is hashed on its own.

`hashlib` takes some 400 ns a value and holds Python's lock. The kernel computes the same (RFC 1321) for thousands of
values at once in numpy, three times as fast, and lets other threads run.
"""

from hashlib import md5
from math import sin
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import lengths, mask_column, numbers, offsets_and_bytes, windows

_U32 = np.uint32
_WORD: Final = 4
_BITS: Final = 8
_DIGEST: Final = 16
_HEX: Final = 32

_ONE_BLOCK: Final = 55
"""Bytes of the longest text that MD5 hashes in one block: beside it are a byte of 0x80 and eight for its length."""
_LENGTH_WORD: Final = 14
"""Which of the 16 words of a block holds the length, in bits."""

_KEPT: Final = np.tri(_ONE_BLOCK + 1, _ONE_BLOCK + 1, -1, np.uint8) * np.uint8(0xFF)
_ENDED: Final = np.eye(_ONE_BLOCK + 1, dtype=np.uint8) * np.uint8(0x80)
"""By the size of a value: which bytes of its block are its own, and which ends it."""

_SLICE: Final = 1 << 14
"""So many values at once that numpy's calls cost little and their words stay in the processor's cache."""

# Constants of RFC 1321, as arrays without dimension, which numpy adds fastest.
_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_SINES: Final = [np.array(int(2**32 * abs(sin(step + 1))), _U32) for step in range(64)]
_TURNS: Final = [(7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21)]
_LEFT: Final = [np.array(_TURNS[step // 16][step % 4], _U32) for step in range(64)]
_RIGHT: Final = [np.array(32 - left, _U32) for left in _LEFT]
_WORDS: Final = [(step, 5 * step + 1, 3 * step + 5, 7 * step)[step // 16] % 16 for step in range(64)]

_OF_BYTE: Final = np.frombuffer(bytes(range(256)).hex().encode(), "<u2").astype(_U32)
_OF_TWO: Final = np.add.outer(_OF_BYTE << _U32(16), _OF_BYTE).ravel().astype("<u4")
"""The four hexadecimal digits of any two bytes, the first of which is the low one of the index."""


def md5_of(value: str) -> str:
    """The reference: the MD5 of a value's UTF-8 as 32 hexadecimal digits in lower case."""
    return md5(value.encode(), usedforsecurity=False).hexdigest()


def counts(column: pa.StringArray) -> NDArray[np.int32]:
    """How many values each row's list has, 0 where it is empty.

    Args:
        column: values joined by commas, none of them empty; no nulls.
    """
    filled: NDArray[np.int32] = (lengths(column) > 0).astype(np.int32)
    if (offsets_and_bytes(column)[1] == ord(",")).any():
        filled += numbers(pc.count_substring(column, ","))
    return filled


def hashed(column: pa.StringArray) -> pa.StringArray:
    """The kernel: the `md5_of` of each value, joined by commas again.

    Args:
        column: values joined by commas, none of them empty; no nulls.
    """
    several = counts(column)
    is_single = several.max(initial=0) <= 1
    values = column if is_single else pc.split_pattern(column, ",").flatten()
    digests = _digests(values.filter(mask_column(lengths(values) > 0)))
    text = _OF_TWO.take(digests.view("<u2")).view(np.uint8)
    filled = several > 0
    offsets = np.zeros(len(column) + 1, np.int32)
    np.cumsum(several * (_HEX + 1) - filled, out=offsets[1:])
    if not is_single:
        hexes = text.view((np.void, _HEX))[:, 0]
        text = np.full(offsets[-1], ord(","), np.uint8)
        commas_left_out = np.repeat(np.arange(np.count_nonzero(filled)), several[filled])
        windows(text, _HEX)[np.arange(len(hexes)) * (_HEX + 1) - commas_left_out] = hexes
    return pa.StringArray.from_buffers(len(column), pa.py_buffer(offsets), pa.py_buffer(text))


def _digests(values: pa.StringArray) -> NDArray[np.uint8]:
    """The 16 bytes of each value's MD5: uint8, shape (values, 16)."""
    digests = np.empty((len(values), _DIGEST), np.uint8)
    long = lengths(values) > _ONE_BLOCK
    if long.any():
        digests[~long] = _digests(values.filter(mask_column(~long)))
        texts = values.filter(mask_column(long)).to_pylist()
        read = b"".join([md5(text.encode(), usedforsecurity=False).digest() for text in texts])
        digests[long] = np.frombuffer(read, np.uint8).reshape(-1, _DIGEST)
        return digests
    offsets, data = offsets_and_bytes(values)
    # Behind the last value as many bytes as a block is read in whole words.
    data = np.concatenate([data, np.zeros(_ONE_BLOCK + _WORD, np.uint8)])
    for begin in range(0, len(values), _SLICE):
        ends = offsets[begin : begin + _SLICE + 1]
        digests[begin : begin + _SLICE] = _one_block_each(_words(ends[:-1], np.diff(ends), data))
    return digests


def _words(
    begins: NDArray[np.int32], sizes: NDArray[np.int32], data: NDArray[np.uint8]
) -> dict[int, NDArray[np.uint32]]:
    """The blocks of values, column by column: the value, a byte of 0x80, zeros, its length; words of zeros left out."""
    width = int(sizes.max()) // _WORD + 1
    # Each value with what follows it, of which a mask then leaves nothing.
    blocks = windows(data, width * _WORD)[begins].view(_U32).reshape(len(begins), width)
    blocks &= _KEPT.view(_U32)[:, :width].take(sizes, axis=0)
    blocks |= _ENDED.view(_U32)[:, :width].take(sizes, axis=0)
    columns = np.ascontiguousarray(blocks.T)
    return dict(enumerate(columns)) | {_LENGTH_WORD: sizes.astype(_U32) * _U32(_BITS)}


def _one_block_each(words: dict[int, NDArray[np.uint32]]) -> NDArray[np.uint8]:
    """The 64 steps of RFC 1321 on many blocks side by side."""
    a, b, c, d = (np.full(len(words[0]), start, _U32) for start in _START)
    mixed = np.empty(len(words[0]), _U32)
    for step in range(64):
        _mix(step // 16, b, c, d, mixed)
        np.add(a, mixed, out=a)
        np.add(a, _SINES[step], out=a)
        if _WORDS[step] in words:
            np.add(a, words[_WORDS[step]], out=a)
        np.right_shift(a, _RIGHT[step], out=mixed)
        np.left_shift(a, _LEFT[step], out=a)
        np.bitwise_or(a, mixed, out=a)
        np.add(a, b, out=a)
        a, b, c, d = d, a, b, c
    state = np.stack([a, b, c, d], axis=1) + np.array(_START, _U32)
    return state.astype("<u4", copy=False).view(np.uint8)


def _mix(
    turn: int, b: NDArray[np.uint32], c: NDArray[np.uint32], d: NDArray[np.uint32], out: NDArray[np.uint32]
) -> None:
    """The function of a turn: a choice by `b`, a choice by `d`, a parity, and `c ^ (b | ~d)`."""
    match turn:
        case 0:
            np.bitwise_xor(c, d, out=out)
            np.bitwise_and(out, b, out=out)
            np.bitwise_xor(out, d, out=out)
        case 1:
            np.bitwise_xor(b, c, out=out)
            np.bitwise_and(out, d, out=out)
            np.bitwise_xor(out, c, out=out)
        case 2:
            np.bitwise_xor(b, c, out=out)
            np.bitwise_xor(out, d, out=out)
        case _:
            np.invert(d, out=out)
            np.bitwise_or(out, b, out=out)
            np.bitwise_xor(out, c, out=out)
