"""Duplicates: which events of a build are one and the same, found exactly and in bounded memory at any size.

Every event has a key of 128 bits. The keys are dealt out to a few files by their first bits, and at the end one portion
after the other is settled in memory, without sorting: every row writes its number into the slot that its key points to,
later rows over earlier ones. Whoever then finds an equal key in its slot stands again further down; whoever finds
another key there tries again among the likes of it, with other slots.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The keys' first bits that choose the file: 32 files.
FILE_BITS = 5

# Threads that settle a portion each, and the events of a portion, unless there are more with one key: about 70 MB.
SETTLERS = 2
PORTION = 1 << 19

# Events that are read at a time to find those of a portion.
CHUNK = 1 << 16

_U64 = np.uint64
_RECORD = np.dtype([("first", _U64), ("second", _U64), ("value", _U64), ("ordinal", np.int64)])


class Keys(NamedTuple):
    """Keys of events as two columns of 64 bits."""

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]


def event_keys(low: NDArray[np.uint64], high: NDArray[np.uint64], times: NDArray[np.int64], seeds: Keys) -> Keys:
    """Make the keys of events.

    The result tells two events apart with certainty when their goals are the same and their identifiers numbers (every
    step can be undone), and as surely as 128 well-mixed bits can otherwise.

    Args:
        low: lower 64 bits of the identifier (`values.identifiers.identifier_words`).
        high: its upper bits; for numbers only the lowest 8 are used, which leaves room for the time.
        times: Unix seconds, below 2**40.
        seeds: for each event the seed of its id type and goal (`seed`).
    """
    left = low ^ seeds.first
    right = (high + (times.astype(_U64) << _U64(8))) ^ seeds.second
    for _ in range(2):
        left = left ^ _mixed(right)
        right = right ^ _mixed(left)
    return Keys(left, right)


def seed(*parts: str) -> tuple[int, int]:
    """Give 128 bits for what events have in common: counter, kind, id type and target."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def worth(micro: NDArray[np.int64], currency: NDArray[np.int16]) -> NDArray[np.uint64]:
    """Give 64 bits that tell what an event is worth: price in millionths and index of the currency."""
    return _mixed(micro.astype(_U64)) + currency.astype(_U64)


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all 64 (the finalizer of MurmurHash3, which is public domain)."""
    words = words ^ (words >> _U64(33))
    words *= _U64(0xFF51AFD7ED558CCD)
    words ^= words >> _U64(33)
    words *= _U64(0xC4CEB9FE1A85EC53)
    words ^= words >> _U64(33)
    return words


class Dropped(NamedTuple):
    """What is not to be written.

    Attributes:
        mask: for each event, in the order of `add`, whether it is dropped.
        duplicates: how many stand again further down with the same value.
        superseded: how many stand again further down with another value.
    """

    mask: NDArray[np.bool_]
    duplicates: int
    superseded: int


class DuplicateFinder:
    """Takes the keys of all events and tells at the end which events to drop: of equal ones the last stays."""

    def __init__(self, folder: Path, name: str) -> None:
        """Keep the keys in files `NAME-0.keys`, `NAME-1.keys` and so on, in a folder that the caller removes."""
        self._files = [(folder / f"{name}-{number}.keys").open("w+b") for number in range(1 << FILE_BITS)]
        self.count = 0

    def add(self, keys: Keys, values: NDArray[np.uint64]) -> None:
        """Append events.

        Args:
            keys: of the events.
            values: 64 bits that tell what the event is worth; equal for equal price and currency.
        """
        numbers = (keys.first >> _U64(64 - FILE_BITS)).astype(np.uint8)
        order = np.argsort(numbers, kind="stable")
        records = np.empty(len(order), _RECORD)
        records["first"], records["second"], records["value"] = keys.first[order], keys.second[order], values[order]
        records["ordinal"] = order + self.count
        ends = np.cumsum(np.bincount(numbers, minlength=len(self._files))).tolist()
        for file, start, end in zip(self._files, [0, *ends], ends, strict=False):
            file.write(records[start:end].data)
        self.count += len(order)

    def settle(self) -> Dropped:
        """Find what is to be dropped."""
        mask = np.zeros(self.count, bool)

        def settle(file: BinaryIO) -> int:
            return sum(_settle_portion(records, mask) for records in _portions(file))

        with ThreadPoolExecutor(SETTLERS) as pool:
            superseded = sum(pool.map(settle, self._files))
        return Dropped(mask, int(np.count_nonzero(mask)) - superseded, superseded)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


def _portions(file: BinaryIO) -> Iterator[NDArray[np.void]]:
    """Read the events of a file, in their order; equal keys come in one portion."""
    portions = -(-file.seek(0, os.SEEK_END) // (PORTION * _RECORD.itemsize))
    for number in range(portions):
        file.seek(0)
        if portions == 1:
            yield np.fromfile(file, _RECORD)
        else:
            yield np.concatenate([chunk[chunk["second"] % _U64(portions) == number] for chunk in _chunks(file)])


def _chunks(file: BinaryIO) -> Iterator[NDArray[np.void]]:
    while len(records := np.fromfile(file, _RECORD, CHUNK)):
        yield records


def _settle_portion(records: NDArray[np.void], mask: NDArray[np.bool_]) -> int:
    """Mark all but the last of the events that have one key; give how many of them had another value."""
    first, second, value = records["first"].copy(), records["second"], records["value"]
    # Twice as many slots as rows: most rows find one of their own at once.
    last_slot = _U64((2 << len(records).bit_length()) - 1)
    table = np.empty(int(last_slot) + 1, np.int32)
    rows = np.arange(len(records), dtype=np.int32)
    words = first
    superseded = turn = 0
    while len(rows):
        slots = (words & last_slot).view(np.int64)
        table[slots] = rows
        winners = table[slots]
        beaten = np.flatnonzero(winners != rows)
        rows, winners = rows[beaten], winners[beaten]
        same = (first[rows] == first[winners]) & (second[rows] == second[winners])
        repeated = rows[same]
        mask[records["ordinal"][repeated]] = True
        superseded += int(np.count_nonzero(value[repeated] != value[winners[same]]))
        rows = rows[~same]
        turn += 1
        words = _mixed(first[rows] ^ _mixed(second[rows] + _U64(turn)))
    return superseded
