"""Duplicates: which records of a build are one and the same, found exactly and in bounded memory at any size.

Of events (conversions, calls) the last in the source stays, of snapshots (orders, contacts, deals) that of the highest
rank. Every record has a key of 128 bits. The keys are dealt out to a few files by their first bits, and at the end one
portion after the other is settled in memory, without sorting: every row writes its number into the slot that its key
points to, later rows over earlier ones. Whoever then finds an equal key in its slot stands again further down; whoever
finds another key there tries again among the likes of it, with other slots.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.values.currencies import LETTERS
from csvexport.values.mixing import mixed

# The keys' first bits that choose the file: 32 files.
FILE_BITS = 5
BUCKETS = 1 << FILE_BITS

# Threads that settle a portion each, and the events of a portion, unless there are more with one key: about 70 MB.
SETTLERS = 2
PORTION = 1 << 19

# Entries of a table that tells which bits some keys have: 4 MB.
MOST_BITS = 1 << 22

# Events that are read at a time to find those of a portion.
CHUNK = 1 << 16

_U64 = np.uint64
_EVENT = np.dtype([("first", _U64), ("second", _U64), ("value", _U64), ("ordinal", np.int64)])
_SNAPSHOT = np.dtype([*_EVENT.descr, ("rank", np.int64)])


class Keys(NamedTuple):
    """Keys of events as two columns of 64 bits."""

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]


def event_keys(low: NDArray[np.uint64], high: NDArray[np.uint64], times: NDArray[np.int64], seeds: Keys) -> Keys:
    """Make the keys of events.

    Batches keep the keys of what they hold: if they were made in another way, everything would count as not sent.

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
        left = left ^ mixed(right)
        right = right ^ mixed(left)
    return Keys(left, right)


def seed(*parts: str) -> tuple[int, int]:
    """Give 128 bits for what events have in common: counter, kind, id type and target."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def worth(micro: NDArray[np.int64], currency: NDArray[np.int16]) -> NDArray[np.uint64]:
    """Give 64 bits that tell what an event is worth: price in millionths and currency, an index into `CURRENCIES`."""
    return mixed(micro.astype(_U64)) + LETTERS[currency]


def is_among(keys: Keys, wanted: Keys) -> NDArray[np.bool_]:
    """Tell which keys are among the wanted ones; both words are mixed, so that one first word has one second."""
    if not len(wanted.first) or not len(keys.first):
        return np.zeros(len(keys.first), bool)
    # Most of the wanted ones are no key here, which a look at some of their bits tells, unless there are very many.
    low = _U64(min(8 << len(keys.first).bit_length(), MOST_BITS) - 1)
    there = np.zeros(int(low) + 1, bool)
    there[keys.first & low] = True
    likely = there[wanted.first & low]
    wanted = Keys(wanted.first[likely], wanted.second[likely])
    if not len(wanted.first):
        return np.zeros(len(keys.first), bool)
    order = np.argsort(wanted.first)
    place = np.minimum(np.searchsorted(wanted.first[order], keys.first), len(order) - 1)
    found = order[place]
    same: NDArray[np.bool_] = (wanted.first[found] == keys.first) & (wanted.second[found] == keys.second)
    return same


class Dropped(NamedTuple):
    """What is not to be written.

    Attributes:
        mask: for each record, in the order of `add`, whether it is dropped.
        same: how many of those have the value of the one that beat them.
        other: how many have another value.
        other_half: how many of these differ in the upper 32 bits of the value too.
    """

    mask: NDArray[np.bool_]
    same: int
    other: int
    other_half: int


class BucketFiles:
    """Records that begin with a key, dealt out to a few files by the first bits of their keys."""

    def __init__(self, folder: Path, name: str, record: np.dtype[np.void]) -> None:
        """Open files `NAME-0.keys`, `NAME-1.keys` and so on, in a folder that the caller removes."""
        self.files = [(folder / f"{name}-{number}.keys").open("w+b") for number in range(BUCKETS)]
        self.record = record

    def add(self, keys: Keys, **columns: NDArray[np.generic]) -> None:
        """Append records of these keys and these other columns."""
        numbers = (keys.first >> _U64(64 - FILE_BITS)).astype(np.uint8)
        order = np.argsort(numbers, kind="stable")
        records = np.empty(len(order), self.record)
        for name, column in {"first": keys.first, "second": keys.second, **columns}.items():
            records[name] = column[order]
        ends = np.cumsum(np.bincount(numbers, minlength=BUCKETS)).tolist()
        for file, start, end in zip(self.files, [0, *ends], ends, strict=False):
            file.write(records[start:end].data)

    def read(self, number: int) -> NDArray[np.void]:
        """Give the records of one of the files, whose number is the first bits of their keys."""
        file = self.files[number]
        file.seek(0)
        return np.fromfile(file, self.record)

    def close(self) -> None:
        """Close the files."""
        for file in self.files:
            file.close()


class DuplicateFinder:
    """Takes the keys of all records and tells which to drop: of equal ones the last of the highest rank stays."""

    def __init__(self, folder: Path, name: str, *, ranked: bool = False) -> None:
        """Keep the keys in files `NAME-0.keys`, `NAME-1.keys` and so on, in a folder that the caller removes."""
        self._files = BucketFiles(folder, name, _SNAPSHOT if ranked else _EVENT)
        self.count = 0

    def add(self, keys: Keys, values: NDArray[np.uint64], ranks: NDArray[np.int64] | None = None) -> None:
        """Append records.

        Args:
            keys: of the records.
            values: 64 bits that tell equal from unequal ones among those of one key, such as price and currency.
            ranks: where the finder is `ranked`: of one key the highest stays, such as the latest change.
        """
        ordinals = np.arange(self.count, self.count + len(values))
        ranked = {} if ranks is None else {"rank": ranks}
        self._files.add(keys, value=values, ordinal=ordinals, **ranked)
        self.count += len(values)

    def settle(self) -> Dropped:
        """Find what is to be dropped."""
        mask = np.zeros(self.count, bool)

        def settle(file: BinaryIO) -> NDArray[np.int64]:
            none = np.zeros(2, np.int64)
            return sum((_settle_portion(records, mask) for records in _portions(file, self._files.record)), none)

        with ThreadPoolExecutor(SETTLERS) as pool:
            other, half = sum(pool.map(settle, self._files.files), np.zeros(2, np.int64)).tolist()
        return Dropped(mask, int(np.count_nonzero(mask)) - other, other, half)

    def bucket(self, number: int) -> NDArray[np.void]:
        """Give the records whose keys begin with these bits, as a number: `first`, `second`, `value` and `ordinal`."""
        return self._files.read(number)

    def close(self) -> None:
        """Close the files."""
        self._files.close()


def _portions(file: BinaryIO, record: np.dtype[np.void]) -> Iterator[NDArray[np.void]]:
    """Read the records of a file, in their order; equal keys come in one portion."""
    portions = -(-file.seek(0, os.SEEK_END) // (PORTION * record.itemsize))
    for number in range(portions):
        file.seek(0)
        if portions == 1:
            yield np.fromfile(file, record)
        else:
            chunks = _chunks(file, record)
            yield np.concatenate([chunk[chunk["second"] % _U64(portions) == number] for chunk in chunks])


def _chunks(file: BinaryIO, record: np.dtype[np.void]) -> Iterator[NDArray[np.void]]:
    while len(records := np.fromfile(file, record, CHUNK)):
        yield records


def _settle_portion(records: NDArray[np.void], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Mark all but the last of the records of one key; give how many had another value, or another upper half."""
    if "rank" in (records.dtype.names or ()):
        records = _contested(records)
        records = records[np.argsort(records["rank"], kind="stable")]
    value = records["value"]
    other = np.zeros(2, np.int64)
    for rows, winners in _repeats(records):
        mask[records["ordinal"][rows]] = True
        unlike = value[rows] ^ value[winners]
        other += np.count_nonzero(unlike), np.count_nonzero(unlike >> _U64(32))
    return other


def _contested(records: NDArray[np.void]) -> NDArray[np.void]:
    """Give the records whose key others have too; they are few, and only among them does the rank matter."""
    found = np.zeros(len(records), np.bool_)
    for rows, winners in _repeats(records):
        found[rows] = found[winners] = True
    contested: NDArray[np.void] = records[found]
    return contested


def _repeats(records: NDArray[np.void]) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Give the records that are not the last of their key, each with that last one, as places among the records."""
    first, second = records["first"].copy(), records["second"]
    # Twice as many slots as rows: most rows find one of their own at once.
    last_slot = _U64((2 << len(records).bit_length()) - 1)
    table = np.empty(int(last_slot) + 1, np.int32)
    rows = np.arange(len(records), dtype=np.int32)
    words = first
    turn = 0
    while len(rows):
        slots = (words & last_slot).view(np.int64)
        table[slots] = rows
        winners = table[slots]
        beaten = np.flatnonzero(winners != rows)
        rows, winners = rows[beaten], winners[beaten]
        same = (first[rows] == first[winners]) & (second[rows] == second[winners])
        yield rows[same], winners[same]
        rows = rows[~same]
        turn += 1
        words = mixed(first[rows] ^ mixed(second[rows] + _U64(turn)))
