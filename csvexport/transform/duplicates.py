"""Duplicates: which events of a build are one and the same, found exactly and in bounded memory at any size.

Every event has a key of 128 bits. The keys go to a file in the order of the events, and their first halves to sorted
runs beside it. At the end the runs are merged range by range, which tells the few halves that occur more than once; one
more pass over the file decides about the events that have them. So memory holds a run, a range and the repeated keys of
a range, never all keys, and no event costs more than sorting eight bytes.
"""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Halves of keys that are sorted, and merged, at a time: 16 MB.
RUN = 1 << 21

# Repeated halves that are settled at a time.
REPEATED = 1 << 20

_U64 = np.uint64
_PARTS = ("first", "second", "value")
_RECORD = np.dtype([(name, _U64) for name in _PARTS])


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
        """Keep the keys in two files, `NAME.keys` and `NAME.runs`, in a folder that the caller removes."""
        self._keys = (folder / f"{name}.keys").open("w+b")
        self._runs = (folder / f"{name}.runs").open("w+b")
        self._pending: list[NDArray[np.uint64]] = []
        self._waiting = 0
        self._sizes: list[int] = []
        self.count = 0

    def add(self, keys: Keys, values: NDArray[np.uint64]) -> None:
        """Append events.

        Args:
            keys: of the events.
            values: 64 bits that tell what the event is worth; equal for equal price and currency.
        """
        records = np.empty(len(values), _RECORD)
        records["first"], records["second"], records["value"] = keys.first, keys.second, values
        self._keys.write(records.data)
        self._pending.append(keys.first)
        self._waiting += len(values)
        self.count += len(values)
        if self._waiting >= RUN:
            self._write_run()

    def settle(self) -> Dropped:
        """Find what is to be dropped."""
        if self._waiting:
            self._write_run()
        mask = np.zeros(self.count, bool)
        superseded = 0
        for repeated in _groups(self._repeated()):
            superseded += self._settle_group(repeated, mask)
        return Dropped(mask, int(mask.sum()) - superseded, superseded)

    def close(self) -> None:
        """Close the files."""
        self._keys.close()
        self._runs.close()

    def _write_run(self) -> None:
        run = np.concatenate(self._pending)
        run.sort()
        self._runs.write(run.data)
        self._sizes.append(len(run))
        self._pending, self._waiting = [], 0

    def _repeated(self) -> Iterator[NDArray[np.uint64]]:
        """Merge the runs range by range and yield, sorted, the halves of keys that occur more than once."""
        self._runs.flush()
        if not self._sizes:
            return
        runs = np.memmap(self._runs.name, _U64, "r")
        starts = np.concatenate([[0], np.cumsum(self._sizes)])
        ranges = -(-self.count // RUN)
        edges = np.array([(number << 64) // ranges for number in range(1, ranges)], _U64)
        cuts = [
            np.concatenate([[start], start + np.searchsorted(runs[start:end], edges), [end]])
            for start, end in itertools.pairwise(starts.tolist())
        ]
        for number in range(ranges):
            merged = np.concatenate([self._read_run(cut[number], cut[number + 1]) for cut in cuts])
            merged.sort()
            yield np.unique(merged[1:][merged[1:] == merged[:-1]])

    def _read_run(self, start: int, end: int) -> NDArray[np.uint64]:
        """Read into our own memory: pages of a mapped file would count against the memory bound."""
        self._runs.seek(int(start) * 8)
        return np.fromfile(self._runs, _U64, int(end - start))

    def _settle_group(self, repeated: NDArray[np.uint64], mask: NDArray[np.bool_]) -> int:
        """Mark all but the last of the events that have one of these halves; give how many had another value."""
        last = np.full(len(repeated), -1, np.int64)
        kept = np.zeros(len(repeated), _RECORD)
        for places, ordinals, records in self._having(repeated):
            last[places], kept[places] = ordinals, records
        superseded = 0
        strangers: list[tuple[int, int, int, int]] = []
        for places, ordinals, records in self._having(repeated):
            same = records["second"] == kept["second"][places]
            drop = same & (ordinals != last[places])
            mask[ordinals[drop]] = True
            superseded += int((records["value"][drop] != kept["value"][places[drop]]).sum())
            odd = ~same
            strangers += zip(ordinals[odd].tolist(), *(records[odd][name].tolist() for name in _PARTS), strict=True)
        return superseded + _settle_strangers(strangers, mask)

    def _having(
        self, repeated: NDArray[np.uint64]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.void]]]:
        """Yield the events that have one of these halves: place in `repeated`, ordinal, record."""
        self._keys.flush()
        self._keys.seek(0)
        sieve = np.zeros(1 << 20, bool)
        shift = _U64(44)
        sieve[repeated >> shift] = True
        start = 0
        while len(records := np.fromfile(self._keys, _RECORD, RUN // 8)):
            likely = np.flatnonzero(sieve[records["first"] >> shift])
            firsts = records["first"][likely]
            places = np.minimum(np.searchsorted(repeated, firsts), len(repeated) - 1)
            found = repeated[places] == firsts
            rows = likely[found]
            yield places[found], rows + start, records[rows]
            start += len(records)


def _settle_strangers(strangers: Sequence[tuple[int, int, int, int]], mask: NDArray[np.bool_]) -> int:
    """Settle the events that share 64 bits of their keys with another event and differ in the rest: hardly ever any."""
    last: dict[tuple[int, int], tuple[int, int]] = {}
    for ordinal, first, second, value in strangers:
        last[first, second] = (ordinal, value)
    superseded = 0
    for ordinal, first, second, value in strangers:
        final, final_value = last[first, second]
        if ordinal != final:
            mask[ordinal] = True
            superseded += value != final_value
    return superseded


def _groups(parts: Iterator[NDArray[np.uint64]]) -> Iterator[NDArray[np.uint64]]:
    """Join sorted parts to groups of about `REPEATED`, so that each group costs one pass over the keys."""
    waiting: list[NDArray[np.uint64]] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= REPEATED:
            yield np.concatenate(waiting)
            waiting = []
    if sum(map(len, waiting)):
        yield np.concatenate(waiting)
