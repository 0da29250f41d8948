"""Zones: from what clocks show to Unix time and back, for whole columns, by the tz database as zoneinfo reads it."""

from bisect import bisect_left
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import text_column
from csvexport.issues import Code

DAY: Final = 86400

END: Final = 4102444800 + DAY
"""Where the tables end: by then it is 2100 in every zone."""

_TEXT: Final = np.dtype([("date", "S11"), ("clock", "V8")])
"""`2024-05-31 ` and `14:05:09`."""

SCAN: Final = 5 * DAY
"""No zone jumps and jumps back within so many seconds; Asia/Gaza does so within seven days."""


class Zone:
    """The clocks of a zone from 1970 to 2099, as a table of their jumps.

    Attributes:
        name: the zone's name in the tz database, such as "Europe/Moscow".
    """

    __slots__ = ("_codes", "_edges", "_jumps", "_local_offsets", "_offsets", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._jumps, self._offsets = _jumps_and_offsets(ZoneInfo(name))
        before, after = self._offsets[:-1], self._offsets[1:]
        # A jump is two edges in local time; between them lies what the clock showed twice, or never. So the intervals
        # are by turns plain (2 * i) and odd (2 * i + 1, jump i); in an odd one the offset before the jump counts.
        self._edges = (self._jumps + np.sort([before, after], axis=0)).T.ravel()
        self._local_offsets = np.repeat(self._offsets, 2)[:-1]
        self._codes = np.full(len(self._local_offsets), Code.NONE, np.uint8)
        self._codes[1::2] = np.where(after > before, Code.MISSING_TIME, Code.OVERLAPPING_TIME)

    @classmethod
    @cache
    def named(cls, name: str) -> Self:
        """The zone of a name; its table is computed once, which takes some milliseconds.

        Raises:
            zoneinfo.ZoneInfoNotFoundError: the tz database knows no such zone.
        """
        return cls(name)

    def to_unix(self, local: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Turn what the clock showed into Unix time.

        Args:
            local: the clock's date and time in seconds since 1970-01-01 00:00:00 on that clock, before 2100.

        Returns:
            Unix seconds (int64) and codes (uint8): `NONE`; `OVERLAPPING_TIME` where the clock showed this twice, and
            the first of the two is given; `MISSING_TIME` where it skipped this, and the moment of the jump is given.
        """
        first, last = _span(self._edges, local)
        if first == last and first % 2 == 0:
            return local - self._local_offsets[first], np.full(len(local), Code.NONE, np.uint8)
        interval = np.searchsorted(self._edges[first:last], local, "right") + first
        unix = local - self._local_offsets[interval]
        codes = self._codes[interval]
        missing = np.flatnonzero(codes == Code.MISSING_TIME)
        unix[missing] = self._jumps[interval[missing] // 2]
        return unix, codes

    def local_days(self, unix: NDArray[np.int64]) -> NDArray[np.int32]:
        """Turn Unix seconds, from 1970 to 2099, into the local dates: days since 1970-01-01 (int32)."""
        days: NDArray[np.int32] = (self._local(unix) // DAY).astype(np.int32)
        return days

    def local_texts(self, unix: NDArray[np.int64]) -> pa.StringArray:
        """Write Unix seconds, from 1970 to 2099, as what the clock shows: `2024-05-31 14:05:09`."""
        return _texts(self._local(unix))

    def local_dates(self, unix: NDArray[np.int64]) -> pa.StringArray:
        """Write the local dates of Unix seconds: `2024-05-31`."""
        return pc.utf8_slice_codeunits(self.local_texts(unix), 0, len("yyyy-MM-dd"))

    def _local(self, unix: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the clock shows, in seconds since its 1970-01-01 00:00:00."""
        first, last = _span(self._jumps, unix)
        interval = np.searchsorted(self._jumps[first:last], unix, "right") + first if first < last else first
        local: NDArray[np.int64] = unix + self._offsets[interval]
        return local


def _texts(local: NDArray[np.int64]) -> pa.StringArray:
    """Write seconds since 1970-01-01 00:00:00; the dates between the first and the last are spelled out once."""
    if not len(local):
        return text_column([])
    days = local // DAY
    first = int(days.min())
    dates = np.arange(first, int(days.max()) + 1).astype("datetime64[D]").astype("S11")
    dates.view(np.uint8)[10::11] = ord(" ")
    written = np.empty(len(local), _TEXT)
    written["date"] = dates.take(days - first)
    written["clock"] = _clocks().take(local - days * DAY)
    offsets = np.arange(len(local) + 1, dtype=np.int32) * np.int32(_TEXT.itemsize)
    return pa.StringArray.from_buffers(len(local), pa.py_buffer(offsets), pa.py_buffer(written))


@cache
def _clocks() -> NDArray[np.void]:
    """Give every second of a day as `HH:mm:ss`: 86,400 times eight bytes."""
    pairs = np.frombuffer(b"".join(b"%02d" % number for number in range(60)), np.uint16)
    clocks = np.empty((24, 60, 60), [("hour", "u2"), ("a", "u1"), ("minute", "u2"), ("b", "u1"), ("second", "u2")])
    clocks["hour"], clocks["minute"], clocks["second"] = pairs[:24, None, None], pairs[:, None], pairs
    clocks["a"] = clocks["b"] = ord(":")
    return clocks.view("V8").ravel()


def _span(edges: NDArray[np.int64], seconds: NDArray[np.int64]) -> tuple[int, int]:
    """The intervals of the earliest and of the latest; most columns lie within one, which saves the search."""
    if not len(seconds):
        return 0, 0
    first, last = np.searchsorted(edges, [seconds.min(), seconds.max()], "right").tolist()
    return first, last


def _jumps_and_offsets(zone: ZoneInfo) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The moments of the jumps, and the offsets from UTC in seconds: the first before any jump, then one after each."""
    moments = range(0, END, SCAN)
    offsets = [_offset(zone, moment) for moment in moments]
    changes = [i for i, (before, after) in enumerate(pairwise(offsets)) if before != after]
    jumps = [jump_between(zone, moments[i], moments[i + 1]) for i in changes]
    taken = [offsets[0], *(offsets[i + 1] for i in changes)]
    return np.array(jumps, np.int64), np.array([offset // timedelta(seconds=1) for offset in taken], np.int64)


def jump_between(zone: ZoneInfo, before: int, after: int) -> int:
    """The first moment (Unix seconds) of the offset that holds at `after`, where another one holds at `before`."""
    offset = _offset(zone, after)
    return before + bisect_left(range(before, after), x=True, key=lambda moment: _offset(zone, moment) == offset)


def _offset(zone: ZoneInfo, unix: int) -> timedelta:
    # Of a moment with a zone it is never None.
    return datetime.fromtimestamp(unix, zone).utcoffset() or timedelta()
