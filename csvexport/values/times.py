"""Times: ISO 8601, `dd.MM.yyyy`, Unix time or a format of the profile's, read in a named zone ([date], [help]).

Nothing is guessed: a slashed date has no order of its own, so that it needs a format.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import distinct_texts, offsets_and_bytes, windows
from csvexport.issues import Code
from csvexport.values.cells import without_shell
from csvexport.values.layouts import YEARS, Layout, layouts
from csvexport.values.zones import DAY, Zone, jump_between

__all__ = ["TimeRule", "Times", "Zone", "read_time", "read_times"]

UNIX_SECONDS: Final = "%s"
"""The format of Unix seconds, which `strptime` does not know."""


@dataclass(frozen=True, slots=True)
class TimeRule:
    """How the times of a column are read.

    Attributes:
        zone: the tz database's name of the zone of values that name none.
        format: the only accepted format, as `datetime.strptime` takes it and the profile admits it, or "%s" for Unix
            seconds; None: every spelling that `read_time` names.
        now: Unix seconds; a bare date whose day is not over by then is told. None: no day is unfinished.
    """

    zone: str
    format: str | None = None
    now: int | None = None

    @property
    def form(self) -> str | None:
        """The format without what cells lose before they are held against it, such as a `="…"` shell."""
        form = self.format
        while form and form != without_shell(form):
            form = without_shell(form)
        return form


class Times(NamedTuple):
    """What a column of times reads as."""

    unix: NDArray[np.int64]
    """Unix seconds; 0 where the cell is empty or refused, and nowhere else."""
    codes: NDArray[np.uint8]
    """`Code` of each row: `NONE`, `OVERLAPPING_TIME`, `MISSING_TIME` and `UNFINISHED_DAY` are good."""


_ISO: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[ T](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
    r"(?: ?(?P<zone>Z|(?P<sign>[+-])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-5][0-9]))?))?)?"
)
_DOTTED: Final = re.compile(
    r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4}|[0-9]{2})"
    r"(?: (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?"
)
# From 1973 on, so that neither a year nor a date without dots is one.
_UNIX: Final = re.compile(r"(?P<seconds>[1-9][0-9]{8,9})(?P<milliseconds>[0-9]{3})?")


def read_time(text: str, rule: TimeRule) -> tuple[int | None, Code]:
    """The reference: the moment that a cell names, or why it is refused.

    Without a format these are read: `yyyy-MM-dd`, after a blank or T `HH:mm[:ss[.fraction]]`, then `Z` or `+03:00`,
    `+0300`, `+03`, also after a blank; `dd.MM.yyyy[ HH:mm[:ss]]`, also with a year of two digits (70 to 99 are 19xx),
    and with one digit for the day, the month and the hour; Unix time of 9 or 10 digits (seconds), 12 or 13
    (milliseconds).

    A bare date is the end of that day, 23:59:59 ([date]), whenever it is read. Fractions of a second are cut. Years are
    1970 to 2099.

    Args:
        text: the cell. Blanks around it, a spreadsheet's leading apostrophe and its `="…"` shell do not count.
        rule: how to read it.

    Returns:
        Unix seconds, above 0, with `NONE`; with `OVERLAPPING_TIME` where the clock showed this twice (the first of the
        two is taken), with `MISSING_TIME` where it skipped this (the moment of the jump is taken), with
        `UNFINISHED_DAY` where it is the end of the day of `rule.now` and still to come. Else nothing with `EMPTY_TIME`
        or `BAD_TIME`.
    """
    cell = without_shell(text)
    if not cell:
        return None, Code.EMPTY_TIME
    form = rule.form
    try:
        moment, bare = _by_format(cell, form) if form else _by_spelling(cell)
    except ValueError:
        return None, Code.BAD_TIME
    if moment.year not in YEARS:
        return None, Code.BAD_TIME
    unix, code = _end_of_day(moment, rule) if bare else _to_unix(moment, ZoneInfo(rule.zone))
    # 0 is what programs write for "no time", as others write 00.00.0000.
    return (unix, code) if unix > 0 else (None, Code.BAD_TIME)


def _by_format(cell: str, form: str) -> tuple[datetime, bool]:
    """The moment, with a zone where the cell names one, and whether it is a bare date."""
    if form == UNIX_SECONDS:
        if not re.fullmatch("[0-9]{1,10}", cell):
            raise ValueError("not Unix seconds")
        return datetime.fromtimestamp(int(cell), UTC), False
    return datetime.strptime(cell, form), not re.search("%[HIMSf]", form.replace("%%", ""))  # noqa: DTZ007 - %z may give a zone


def _by_spelling(cell: str) -> tuple[datetime, bool]:
    """As `_by_format`."""
    unix = _UNIX.fullmatch(cell)
    if unix:
        return datetime.fromtimestamp(int(unix["seconds"]), UTC), False
    iso = _ISO.fullmatch(cell)
    parts = iso or _DOTTED.fullmatch(cell)
    if not parts:
        raise ValueError("no known spelling")
    date = (_full_year(parts["year"]), int(parts["month"]), int(parts["day"]))
    clock = (int(parts["hour"] or 0), int(parts["minute"] or 0), int(parts["second"] or 0))
    moment = datetime(*date, *clock, tzinfo=_written_zone(iso) if iso else None)
    return moment, parts["hour"] is None


def _full_year(year: str) -> int:
    if len(year) == len("yyyy"):
        return int(year)
    return int(year) + (1900 if int(year) >= YEARS.start % 100 else 2000)


def _written_zone(iso: re.Match[str]) -> timezone | None:
    if iso["zone"] in {None, "Z"}:
        return UTC if iso["zone"] else None
    offset = timedelta(hours=int(iso["hours"]), minutes=int(iso["minutes"] or 0))
    return timezone(-offset if iso["sign"] == "-" else offset)


def _end_of_day(date: datetime, rule: TimeRule) -> tuple[int, Code]:
    zone = ZoneInfo(rule.zone)
    end, code = _to_unix(date.replace(hour=23, minute=59, second=59), zone)
    if rule.now is None or end <= rule.now:
        return end, code
    is_today = date.date() == datetime.fromtimestamp(rule.now, date.tzinfo or zone).date()
    return end, Code.UNFINISHED_DAY if is_today else code


def _to_unix(moment: datetime, zone: ZoneInfo) -> tuple[int, Code]:
    """Unix seconds of a moment, which is the zone's local time if it has no zone."""
    if moment.tzinfo:
        return int(moment.timestamp()), Code.NONE
    first, second = (int(moment.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if first > second:
        # Skipped: the offset before the jump leads behind it, the offset after the jump before it.
        return jump_between(zone, second, first), Code.MISSING_TIME
    return first, Code.OVERLAPPING_TIME if first < second else Code.NONE


def read_times(column: pa.StringArray, rule: TimeRule) -> Times:
    """The kernel: `read_time` over a column.

    Canonical are the spellings in which every character has its place (`layouts`); every other text goes through the
    reference, each distinct one once.

    Args:
        column: text without nulls.
        rule: how to read it.
    """
    offsets, data = offsets_and_bytes(column)
    lengths = np.diff(offsets)
    times = Times(np.zeros(len(column), np.int64), np.full(len(column), Code.EMPTY_TIME, np.uint8))
    unread = lengths > 0
    known = layouts(rule.form)
    other = max(known, default=0) + 1
    there = np.flatnonzero(np.bincount(np.minimum(lengths, other), minlength=other)).tolist()
    for width in known.keys() & set(there):
        rows = np.flatnonzero(lengths == width)
        planes = _planes(offsets, data, rows, width)
        unread[rows] = False
        unread[_read_planes(planes, rows, known[width], rule, times)] = True
    if unread.any():
        _read_others(column, np.flatnonzero(unread), rule, times)
    return times


def _planes(
    offsets: NDArray[np.int32], data: NDArray[np.uint8], rows: NDArray[np.intp], width: int
) -> NDArray[np.uint8]:
    """The bytes of rows that are all of one width, by their place: shape (width, rows)."""
    if len(rows) * width == len(data):
        return np.ascontiguousarray(data.reshape(len(rows), width).T)
    return np.ascontiguousarray(windows(data, width)[offsets[rows]].view(np.uint8).reshape(len(rows), width).T)


def _read_planes(
    planes: NDArray[np.uint8], rows: NDArray[np.intp], candidates: Sequence[Layout], rule: TimeRule, times: Times
) -> NDArray[np.intp]:
    """Read rows of one width by the layouts of that width; return those that none of them reads."""
    for layout in candidates:
        seconds, good = layout.read(planes)
        if good.all():
            times.unix[rows], times.codes[rows] = _settle(seconds, layout, rule)
            return rows[:0]
        if good.any():
            times.unix[rows[good]], times.codes[rows[good]] = _settle(seconds[good], layout, rule)
            rows, planes = rows[~good], planes[:, ~good]
    return rows


def _settle(
    seconds: NDArray[np.int64], layout: Layout, rule: TimeRule
) -> tuple[NDArray[np.int64], NDArray[np.uint8] | Code]:
    """Unix seconds and codes of what a layout read."""
    if layout.zoned:
        return seconds, Code.NONE
    zone = Zone.named(rule.zone)
    if not layout.bare:
        return zone.to_unix(seconds)
    unix, codes = zone.to_unix(seconds + (DAY - 1))
    if rule.now is not None:
        today = seconds // DAY == zone.local_days(np.array([rule.now]))
        codes[today & (unix > rule.now)] = Code.UNFINISHED_DAY
    return unix, codes


def _read_others(column: pa.StringArray, rows: NDArray[np.intp], rule: TimeRule, times: Times) -> None:
    """Read rows by the reference."""
    texts, which = distinct_texts(column, rows)
    read = [read_time(text, rule) for text in texts]
    times.unix[rows] = np.array([unix or 0 for unix, _ in read], np.int64)[which]
    times.codes[rows] = np.array([code for _, code in read], np.uint8)[which]
