"""Times as Yandex reads them: Unix seconds in `DateTime` ([oc]), dates in the counter's zone elsewhere ([date])."""

import re
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import distinct_texts, lengths, mask, mask_column, numbers, offsets_and_bytes
from csvexport.formats import conversions, orders
from csvexport.issues import Code
from csvexport.linting.catalogue import Fault
from csvexport.values.times import TimeRule, read_time, read_times

_SECONDS: Final = re.compile(r"[1-9][0-9]{8,9}")
_MILLISECONDS: Final = re.compile(r"[1-9][0-9]{12}")
_WIDTH: Final = 10

_SPELLED: Final = (
    r"(?:[0-9]{2}\.[0-9]{2}\.(?:[0-9]{4}|[0-9]{2})|[0-9]{4}-[0-9]{2}-[0-9]{2})(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"
)
"""The spellings of [date]; `read_time` takes more, such as other blanks, a `T` and days of one digit."""

_BIRTHS: Final = range(1900, 2100)
_READ: Final = frozenset({Code.NONE, Code.OVERLAPPING_TIME, Code.MISSING_TIME})


class Moments(NamedTuple):
    """What a column of times reads as.

    Attributes:
        unix: Unix seconds (int64); 0 where there is none.
        codes: `Fault` of each row (uint8): `NONE`, also where the cell is empty, `MILLISECONDS`, `BAD_TIME`.
    """

    unix: NDArray[np.int64]
    codes: NDArray[np.uint8]


def read_unix(text: str) -> tuple[int, Fault]:
    """The reference of `DateTime`: Unix seconds of nine or ten digits, which is 1973 to 2286.

    Returns:
        The seconds; also of 13 digits, with `MILLISECONDS`, since that can be nothing else. Else 0.
    """
    if _MILLISECONDS.fullmatch(text):
        return int(text) // 1000, Fault.MILLISECONDS
    if _SECONDS.fullmatch(text):
        return int(text), Fault.NONE
    return 0, Fault.BAD_TIME if text else Fault.NONE


def read_unix_times(column: pa.StringArray) -> Moments:
    """The kernel: `read_unix` over a column; canonical are ten digits."""
    offsets, data = offsets_and_bytes(column)
    canonical = mask(pc.ascii_is_decimal(column)) & (np.diff(offsets) == _WIDTH)
    canonical[canonical] = data[offsets[:-1][canonical]] != ord("0")
    moments = Moments(np.zeros(len(column), np.int64), np.zeros(len(column), np.uint8))
    moments.unix[canonical] = numbers(pc.cast(column.filter(mask_column(canonical)), pa.int64()))
    others = np.flatnonzero(~canonical)
    if len(others):
        distinct, which = distinct_texts(column, others)
        read = [read_unix(text) for text in distinct]
        moments.unix[others] = np.array([unix for unix, _ in read], np.int64)[which]
        moments.codes[others] = np.array([fault for _, fault in read], np.uint8)[which]
    return moments


def in_seconds(column: pa.StringArray) -> pa.StringArray:
    """Cut the times of a column that are in milliseconds to seconds; all other cells stay what they are."""
    matches = pc.match_substring_regex(column, f"^{_MILLISECONDS.pattern}$")
    return pc.if_else(matches, pc.utf8_slice_codeunits(column, 0, _WIDTH), column)


def read_local(text: str, zone: str) -> tuple[int, Fault]:
    """The reference of a date of CRM data, a bare one being the end of its day ([date]): Unix seconds.

    Args:
        text: the cell.
        zone: the counter's zone.

    Returns:
        The seconds; 0 where there are none, with `BAD_TIME` unless the cell is empty.
    """
    unix, code = read_time(text, TimeRule(zone)) if re.fullmatch(_SPELLED, text) else (None, Code.BAD_TIME)
    if unix is None or code not in _READ:
        return 0, Fault.BAD_TIME if text else Fault.NONE
    return unix, Fault.NONE


def read_local_times(column: pa.StringArray, zone: str) -> Moments:
    """The kernel: `read_local` over a column; what is spelled otherwise needs no second look."""
    times = read_times(column, TimeRule(zone))
    good = np.isin(times.codes, list(_READ)) & mask(pc.match_substring_regex(column, f"^(?:{_SPELLED})$"))
    bad = ~good & (lengths(column) > 0)
    return Moments(np.where(good, times.unix, 0), (bad * np.uint8(Fault.BAD_TIME)).astype(np.uint8))


def read_birth(text: str) -> Fault:
    """The reference of a birthday: spelled like any other date, of any year since 1900."""
    if not text:
        return Fault.NONE
    date = text.partition(" ")[0]
    form = "%Y-%m-%d" if "-" in date else "%d.%m.%y" if len(date) == len("dd.MM.yy") else "%d.%m.%Y"
    try:
        born = datetime.strptime(date, form)  # noqa: DTZ007 - a birthday has no zone
    except ValueError:
        return Fault.BAD_TIME
    return Fault.NONE if re.fullmatch(_SPELLED, text) and born.year in _BIRTHS else Fault.BAD_TIME


def judge_event_times(moments: Moments, now: int) -> NDArray[np.uint8]:
    """Tell what is wrong with the times of conversions, calls or chats, `now` being Unix seconds ([oc], [par])."""
    codes = moments.codes.copy()
    read = (codes == Fault.NONE) & (moments.unix > 0)
    codes[read & (moments.unix < now - conversions.WINDOW_SECONDS)] = Fault.OUTSIDE_WINDOW
    codes[read & (moments.unix > now)] = Fault.FUTURE_TIME
    return codes


def judge_creation_times(moments: Moments, now: int, *, expires: bool) -> NDArray[np.uint8]:
    """Tell what is wrong with the times of creation ([cc]); `expires`: whether the receiver refuses old records."""
    codes = moments.codes.copy()
    read = (codes == Fault.NONE) & (moments.unix > 0)
    if expires:
        codes[read & (moments.unix < now - orders.WINDOW_SECONDS)] = Fault.TOO_OLD
    codes[read & (moments.unix > now)] = Fault.FUTURE_TIME
    return codes
