"""The period whose conversions leave: its two ends, as dates or as days back from now."""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import ClassVar, Self

from csvexport.profile.wording import ProfileValueError, shown

PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,5}d"

DAY = 86400


@dataclass(frozen=True, slots=True)
class End:
    """One end of the period.

    Attributes:
        value: a date of the profile's zone, or a number of days of 24 hours back from now.
    """

    value: date | int
    _clock: ClassVar[time]

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read what a profile or a command line says: a date, "2024-05-31", or "21d".

        Raises:
            ProfileValueError: it is something else.
        """
        # TOML's date-times are dates too, for Python.
        if isinstance(value, date) and not isinstance(value, datetime):
            return cls(value)
        if isinstance(value, str) and re.fullmatch(PATTERN, value):
            return cls(int(value[:-1]) if value.endswith("d") else _calendar_date(value))
        raise ProfileValueError(
            f'must be a date such as 2024-05-31, or days back from now such as "21d", not {shown(value)}'
        )

    def bound(self, now: datetime, zone: tzinfo) -> int:
        """Give this end in Unix seconds; the second itself lies in the period.

        Args:
            now: the moment that days count back from, with its zone.
            zone: the zone whose calendar a date belongs to.
        """
        if isinstance(self.value, int):
            return math.floor(now.timestamp()) - self.value * DAY
        return int(datetime.combine(self.value, self._clock, zone).timestamp())

    def __str__(self) -> str:
        """Write it as the profile does."""
        return f"{self.value}d" if isinstance(self.value, int) else self.value.isoformat()


def _calendar_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ProfileValueError(f"the calendar has no day {text}") from None


class Since(End):
    """The first moment of the period: the first second of a date, or the moment some days before now."""

    __slots__ = ()
    _clock = time(0, 0, 0, fold=0)


class Until(End):
    """The last moment of the period: the last second of a date, or the moment some days before now."""

    __slots__ = ()
    # When the clock shows the last hour of a day twice, the second time is the day's end.
    _clock = time(23, 59, 59, fold=1)


def is_empty(since: Since, until: Until) -> bool:
    """Tell whether a period certainly holds nothing; a date beside days back from now depends on the day."""
    match since.value, until.value:
        case int(first), int(last):
            return first < last
        case date() as first, date() as last:
            return first > last
    return False
