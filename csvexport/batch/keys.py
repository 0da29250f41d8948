"""The keys of events: which conversions and calls a batch carries, and which of them were sent before.

A file of keys holds a record of 24 bytes for each event, sorted: the 128 bits of its key, and 64 that tell its price
and currency (`transform.duplicates`). Large files are mapped and searched, never held in memory.
"""

import mmap
import os
import shlex
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.durable import private_file
from csvexport.errors import LedgerError

RECORD: Final = np.dtype([("first", "<u8"), ("second", "<u8"), ("worth", "<u8")])

# Where merged files of keys lie, in the folder of a profile's batches.
FOLDER: Final = ".keys"

# Records that are looked at together: 6 MB.
CHUNK: Final = 1 << 18

# Where fewer are asked for among so many times as many, each is searched for by itself: that touches a few pages of a
# file that may be gigabytes, instead of all.
FEW: Final = 256

# Files of fewer bytes are read, since each mapped one counts among the files that a process may have open.
SMALL: Final = 1 << 16


def file_name(kind: str) -> str:
    """Give the name of a batch's file of keys of one kind of events."""
    return f"keys-{kind}.bin"


def in_order(records: NDArray[np.void]) -> NDArray[np.intp]:
    """Give the order that sorts records by their keys."""
    first = np.ascontiguousarray(records["first"])
    order = np.argsort(first)
    arranged = first[order]
    # Two keys that share their first half are all but impossible; sorting by both costs a multiple of the time.
    return np.lexsort((records["second"], first)) if np.any(arranged[1:] == arranged[:-1]) else order


def write(path: Path, parts: Iterable[NDArray[np.void]]) -> None:
    """Write records, given sorted and in parts, to a new file; without any there is no file."""
    with open(path, "wb", opener=private_file) as file:
        count = sum(file.write(records.data) for records in parts)
    if not count:
        path.unlink()


def lost(path: Path) -> LedgerError:
    """Say that a file of keys is gone or damaged, and what to do."""
    batch = path.parent.name
    if batch == FOLDER:
        return LedgerError(f"{path}: the keys of what was sent were merged anew meanwhile; run the command again")
    out = shlex.quote(str(path.parents[2]))
    return LedgerError(
        f"{path}: the keys of what was sent are gone or damaged, so that it might be sent again; csvexport ledger"
        f" rebuild --out {out} makes them anew from the batch's files as far as these are whole; else restore {batch}"
        " from a backup"
    )


class KeyFile:
    """A file of keys; it can be read even when it is removed meanwhile, and from several threads."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            LedgerError: it is gone or damaged, or cannot be read.
        """
        self._map: mmap.mmap | None = None
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < SMALL:
                    data: bytes | mmap.mmap = file.read()
                else:
                    data = self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise lost(path) from error
        except OSError as error:
            raise LedgerError(f"{path}: the keys of what was sent cannot be read: {error.strerror}") from error
        if size % RECORD.itemsize:
            raise lost(path)
        self.records = np.frombuffer(data, RECORD)

    def begin(self, first: int) -> int:
        """Give the place of the first record that has this first half, or a greater one."""
        return bisect_left(self.records["first"], first, key=int)

    def end(self, first: int) -> int:
        """Give the place behind the last record that has this first half, or a smaller one."""
        return bisect_right(self.records["first"], first, key=int)

    def chunks(self, begin: int, end: int) -> Iterator[NDArray[np.void]]:
        """Give the records between two places, some at a time; none may be kept."""
        for start in range(begin, end, CHUNK):
            yield self.records[start : min(start + CHUNK, end)]
            self.release()

    def release(self) -> None:
        """Let go of the memory of what was read, which is still in the system's own."""
        if sys.platform != "win32" and self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)


class SentKeys:
    """The keys of all events of one kind that were sent; of those sent twice the later worth counts."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Open files of keys, given newest first.

        Raises:
            LedgerError: one of them is gone or damaged, or cannot be read.
        """
        self._files = [KeyFile(path) for path in files]

    def sent(self, records: NDArray[np.void], *, at_any_worth: bool = False) -> NDArray[np.bool_]:
        """Tell which records, sorted by their keys, were sent and, unless that is no matter, last worth the same."""
        sent = np.zeros(len(records), np.bool_)
        if not len(records):
            return sent
        known = np.zeros(len(records), np.bool_)
        own = _Halves(np.ascontiguousarray(records["first"]), records["second"])
        for file in self._files:
            for places, theirs in _common(own, file):
                is_new = ~known[places]
                new = places[is_new]
                known[new] = True
                sent[new] = at_any_worth | (theirs["worth"][is_new] == records["worth"][new])
        return sent

    def count(self, path: Path, *, at_any_worth: bool = False) -> int:
        """Count the records of a file of keys that were sent and, unless that is no matter, were last worth the same.

        Raises:
            LedgerError: the file is gone or damaged, or cannot be read.
        """
        file = KeyFile(path)
        parts = (self.sent(records, at_any_worth=at_any_worth) for records in file.chunks(0, len(file.records)))
        return sum(int(np.count_nonzero(sent)) for sent in parts)


class _Halves(NamedTuple):
    """The keys of sorted records, as two columns."""

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]

    def part(self, start: int, stop: int) -> "_Halves":
        """Give those between two places."""
        return _Halves(self.first[start:stop], self.second[start:stop])


def _common(own: _Halves, file: KeyFile) -> Iterator[tuple[NDArray[np.intp], NDArray[np.void]]]:
    """Find keys in a file, some at a time: the places of those that it holds, and its records of them."""
    begin, end = file.begin(int(own.first[0])), file.end(int(own.first[-1]))
    if len(own.first) * FEW < end - begin:
        theirs = _Halves(file.records["first"], file.records["second"])
        places, found = _equal(own, theirs, _searched(theirs.first, own.first, begin, end))
        yield places, file.records[found]
        file.release()
        return
    for chunk in file.chunks(begin, end):
        theirs = _Halves(np.ascontiguousarray(chunk["first"]), chunk["second"])
        start = int(np.searchsorted(own.first, theirs.first[0]))
        some = own.part(start, int(np.searchsorted(own.first, theirs.first[-1], "right")))
        # The fewer are searched for among the more.
        if len(some.first) <= len(chunk):
            places, found = _equal(some, theirs, np.searchsorted(theirs.first, some.first))
        else:
            found, places = _equal(theirs, some, np.searchsorted(some.first, theirs.first))
        yield places + start, chunk[found]


def _equal(asked: _Halves, among: _Halves, places: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair equal keys.

    Args:
        asked: keys.
        among: keys among which they are looked for.
        places: for each of those asked, where among the others the first halves begin that are not smaller.

    Returns:
        The places of the pairs in both.
    """
    rows = np.arange(len(asked.first))
    found = []
    while len(rows):
        rows = rows[places[rows] < len(among.first)]
        rows = rows[among.first[places[rows]] == asked.first[rows]]
        is_same = among.second[places[rows]] == asked.second[rows]
        found.append(rows[is_same])
        # Several keys may share their first half.
        rows = rows[~is_same]
        places[rows] += 1
    pairs = np.concatenate([np.zeros(0, np.intp), *found])
    return pairs, places[pairs]


def _searched(column: NDArray[np.uint64], wanted: NDArray[np.uint64], begin: int, end: int) -> NDArray[np.intp]:
    """Do what `numpy.searchsorted` does in a part of a mapped column, without reading everything in between."""
    low, high = np.full(len(wanted), begin, np.intp), np.full(len(wanted), end, np.intp)
    while (unsure := np.flatnonzero(low < high)).size:
        middle = (low[unsure] + high[unsure]) >> 1
        is_less = column[middle] < wanted[unsure]
        low[unsure[is_less]] = middle[is_less] + 1
        high[unsure[~is_less]] = middle[~is_less]
    return low


def merge(files: Sequence[Path], target: Path) -> int:
    """Merge files of keys, given newest first, into one that is durable; gives the number of its records.

    Of records with one key that of the newest file stays.

    Raises:
        LedgerError: one of them is gone or damaged, or cannot be read.
        OSError: the new one cannot be written; nothing is left of it.
    """
    sources = [KeyFile(path) for path in files]
    count = 0
    try:
        with open(target, "wb", opener=private_file) as file:
            for records in _merged(sources):
                file.write(records.data)
                count += len(records)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return count


def _merged(sources: Sequence[KeyFile]) -> Iterator[NDArray[np.void]]:
    """Give the records of all sources in order, a range of keys at a time, which are spread evenly."""
    ranges = sum(len(source.records) for source in sources) // CHUNK + 1
    begins = [0] * len(sources)
    for number in range(1, ranges + 1):
        ends = [source.end((number << 64) // ranges) for source in sources]
        parts = [source.records[begin:end] for source, begin, end in zip(sources, begins, ends, strict=True)]
        yield _newest(np.concatenate(parts))
        begins = ends
        for source in sources:
            source.release()


def _newest(records: NDArray[np.void]) -> NDArray[np.void]:
    """Sort records, of which newer ones stand before older ones, and keep the newest of each key."""
    first = np.ascontiguousarray(records["first"])
    order = np.argsort(first, kind="stable")
    same = first[order[1:]] == first[order[:-1]]
    if np.any(same & (records["second"][order[1:]] != records["second"][order[:-1]])):
        order = np.lexsort((records["second"], first))
    records = records[order]
    is_older = np.zeros(len(records), np.bool_)
    is_older[1:] = (records["first"][1:] == records["first"][:-1]) & (records["second"][1:] == records["second"][:-1])
    return records[~is_older]
