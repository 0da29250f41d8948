"""Other identifiers of events: one that went by one of its identifiers must not go again by another.

An event is known by the identifier that names it, the first good one of its row. When a CRM fills in a preferred one
later, another identifier names the row, and the event has another key. Therefore the keys are kept that events would
have by their other identifiers.

In one build an event may stand in two rows, one of which has a preferred identifier too: that row goes. Whoever drops
another has the preferred type, so that no two can drop each other; rows that are named by two columns of one type are
therefore left alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import number_column
from csvexport.transform.duplicates import BUCKETS, BucketFiles, Dropped, DuplicateFinder, Keys, is_among
from csvexport.transform.identities import Choice, Slots
from csvexport.transform.results import Lines, Others

# The line and, in its lowest bits, the type of the identifier: records of 24 bytes are written the fastest.
_RECORD = np.dtype([("first", np.uint64), ("second", np.uint64), ("place", np.int64)])
_KIND_BITS = 8
_KINDS = (1 << _KIND_BITS) - 1


def other_keys(
    slots: Slots,
    choice: Choice,
    rows: NDArray[np.intp],
    keys_of: Callable[[str, pa.StringArray, NDArray[np.intp]], Keys],
) -> Iterator[Others]:
    """Make the keys that events would have by the good identifiers of their rows that do not name them.

    Args:
        slots: the identifier columns.
        choice: which of them names each row.
        rows: the row of each event; all that one file holds.
        keys_of: makes keys of an id type, identifiers, and the events that they belong to, as places among `rows`.

    Yields:
        The keys of each column that names some row but not first.
    """
    for number, (identifier, _) in enumerate(slots.columns):
        # Of the columns before the one that names a row, none holds a good one.
        lines = np.flatnonzero((choice.slot[rows] >= 0) & (choice.slot[rows] < number) & choice.good(number)[rows])
        if len(lines):
            texts = choice.columns[number].text.take(number_column(rows[lines]))
            types = np.full(len(lines), list(slots.by_type).index(identifier))
            yield Others(lines, types, keys_of(identifier, texts, lines))


def joined(others: Iterable[Others]) -> Others | None:
    """Put other keys of the events of one file together; None where there are none."""
    parts = list(others)
    if not parts:
        return None
    first, second = zip(*(part.keys for part in parts), strict=True)
    return Others(
        np.concatenate([part.lines for part in parts]),
        np.concatenate([part.types for part in parts]),
        Keys(np.concatenate(first), np.concatenate(second)),
    )


class RecordFile:
    """The records of one file on their way, until it is known which of them are dropped.

    Attributes:
        kind: the type of the identifiers that name them, as in `Others.types`.
        finder: finds those that are the same.
        dropped: a mask over all records, once they are settled.
        repeats: those of them that are dropped since another one with their key stays.
        others: of events that have other identifiers, the keys that they would have by them.
    """

    def __init__(self, folder: Path, name: str, kind: int, *, ranked: bool = False) -> None:
        """Keep what is needed in files `NAME…` of a folder that the caller removes."""
        self.kind = kind
        self.finder = DuplicateFinder(folder, name, ranked=ranked)
        self.dropped = self.repeats = np.zeros(0, bool)
        self.others: BucketFiles | None = None
        self._others = folder, f"{name}-others", _RECORD

    def add(self, lines: Lines) -> None:
        """Append records."""
        if lines.others is not None:
            self.others = self.others or BucketFiles(*self._others)
            places, kinds, keys = lines.others
            self.others.add(keys, place=(places + self.finder.count) << _KIND_BITS | kinds)
        self.finder.add(lines.keys, lines.values, lines.ranks)

    def settle(self) -> Dropped:
        """Drop all but one of those that are the same."""
        dropped = self.finder.settle()
        self.repeats, self.dropped = dropped.mask, dropped.mask.copy()
        return dropped

    def left(self, number: int) -> NDArray[np.void]:
        """Give those records of a bucket of the finder's that are not dropped."""
        records = self.finder.bucket(number)
        kept: NDArray[np.void] = records[~self.dropped[records["ordinal"]]]
        return kept

    def close(self) -> None:
        """Close the files."""
        self.finder.close()
        if self.others is not None:
            self.others.close()


def drop_others(files: Sequence[RecordFile], was_sent: Callable[[Keys], NDArray[np.bool_]] | None = None) -> int:
    """Drop the events that went by another identifier, or go by one in another row.

    What was sent by the very identifier that names it is left alone: it goes again if its price has changed.

    Args:
        files: all files of a kind, settled, and rid of what was sent with the same price.
        was_sent: tells which of some keys were sent, whatever the price was. None: nothing was sent.

    Returns:
        How many were dropped.
    """
    # Mostly nothing new is left.
    left = [file for file in files if not file.dropped.all()]
    went = [_went_otherwise(file, was_sent) for file in left]
    return sum(_drop(file, mask, files, was_sent) for file, mask in zip(left, went, strict=True))


def _went_otherwise(file: RecordFile, was_sent: Callable[[Keys], NDArray[np.bool_]] | None) -> NDArray[np.bool_]:
    """Tell which records of a file were sent by another identifier, but for those that were by their own."""
    went = np.zeros(len(file.dropped), np.bool_)
    if file.others is not None and was_sent is not None:
        for number in range(BUCKETS):
            others = file.others.read(number)
            lines = others["place"] >> _KIND_BITS
            is_asked = ~file.dropped[lines] | file.repeats[lines]
            went[lines[is_asked][was_sent(_keys(others[is_asked]))]] = True
    return went


def _drop(
    file: RecordFile,
    went: NDArray[np.bool_],
    files: Sequence[RecordFile],
    was_sent: Callable[[Keys], NDArray[np.bool_]] | None,
) -> int:
    """Drop records of a file, given which of them were sent by another identifier."""
    beside = [other.others for other in files if other is not file and other.others is not None]
    dropped = 0
    for number in range(BUCKETS) if beside or went.any() else ():
        records = file.finder.bucket(number)
        own = records[~file.dropped[records["ordinal"]]]
        # Of several rows of one event the last goes, and any of them may have had the other identifier.
        found = is_among(_keys(own), _keys(records[went[records["ordinal"]]]))
        for others in beside:
            wanted = others.read(number)
            found |= is_among(_keys(own), _keys(wanted[wanted["place"] & _KINDS == file.kind]))
        own = own[found]
        if was_sent is not None:
            own = own[~was_sent(_keys(own))]
        file.dropped[own["ordinal"]] = True
        dropped += len(own)
    return dropped


def _keys(records: NDArray[np.void]) -> Keys:
    return Keys(np.ascontiguousarray(records["first"]), np.ascontiguousarray(records["second"]))
