"""How often and when: the same moments for every scheduler, and other ones for every profile."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from csvexport.errors import UsageError

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR

# Minutes between two runs; in these, a day or an hour can be divided, so that each is like the one before.
_EVERY: Final = {
    **{f"{minutes}m": minutes for minutes in range(1, _HOUR) if _HOUR % minutes == 0},
    **{f"{hours}h": hours * _HOUR for hours in range(1, 24) if 24 % hours == 0},
    "1d": _DAY,
}

# When most exports of the night are there, and before work begins.
_MORNING: Final = 6 * _HOUR


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The moments of a day at which a run begins, on the machine's clock.

    Attributes:
        every: minutes between two of them.
        first: minutes from midnight to the first one.
    """

    every: int
    first: int

    @classmethod
    def parse(cls, every: str, at: str | None, name: str) -> Self:
        """Read what the command line says.

        Args:
            every: time between two runs, such as `15m`, `2h` or `1d`.
            at: one of the moments, `HH:MM`; without it, one that is the profile's own, so that not everybody asks the
                servers at the full hour.
            name: the profile's.

        Raises:
            UsageError: one of them cannot be read.
        """
        if every not in _EVERY:
            *most, last = _EVERY
            raise UsageError(f'--every: "{every}" divides neither hour nor day; it may be {", ".join(most)} or {last}')
        moment = _own_moment(name) if at is None else _moment(at)
        return cls(_EVERY[every], moment % _EVERY[every])

    @property
    def minutes(self) -> str:
        """The minutes of an hour as cron and systemd write them: `*`, or a list."""
        return _field({moment % _HOUR for moment in self._moments()}, _HOUR)

    @property
    def hours(self) -> str:
        """The hours of a day, likewise; a run begins at each of the minutes of each of these."""
        return _field({moment // _HOUR for moment in self._moments()}, 24)

    @property
    def clock(self) -> str:
        """The first moment of a day, `HH:MM`."""
        return f"{self.first // _HOUR:02}:{self.first % _HOUR:02}"

    @property
    def is_daily(self) -> bool:
        """Whether a day has one run."""
        return self.every == _DAY

    def _moments(self) -> Iterable[int]:
        return range(self.first, _DAY, self.every)


def _own_moment(name: str) -> int:
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    return _MORNING + int.from_bytes(digest) % _HOUR


def _moment(at: str) -> int:
    parts = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", at)
    if not parts:
        raise UsageError(f'--at: "{at}" is no time of day; write it as 06:30')
    return int(parts[1]) * _HOUR + int(parts[2])


def _field(numbers: set[int], count: int) -> str:
    return "*" if len(numbers) == count else ",".join(str(number) for number in sorted(numbers))
