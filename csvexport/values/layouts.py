"""Layouts: the spellings of a time in which every character has its place, read for whole columns by their bytes.

A layout is written with the directives of `strptime`, each in full width (%d is two digits), and with some of its own:
%s Unix seconds of ten digits, %3 and %6 digits of a fraction, %Z the letter Z, %+ %o %n the sign, hours and minutes of
an offset from UTC.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from csvexport.values.zones import DAY

YEARS: Final = range(1970, 2100)
"""The years that a time may name; Metrica takes nothing earlier ([date])."""

_RADIX: Final = 10
_UNIX: Final = range(10**9, 4102444800)
# 1970-01-03: an earlier date may lie before 1970 in UTC.
_FIRST_DAY: Final = 2
# strptime takes 69 for 1969, `read_time` in dd.MM.yy for 2069.
_DISPUTED_YEAR: Final = 69
_NUMBERS: Final = dict.fromkeys(("%y", "%m", "%d", "%H", "%M", "%S", "%o", "%n"), 2) | {
    "%Y": 4,
    "%3": 3,
    "%6": 6,
    "%s": 10,
}
_LITERALS: Final = {"%%": b"%", "%Z": b"Z"}
_SIGN: Final = "%+"
# %f and %z take as many digits as they find: no more digits may follow.
_GREEDY: Final = re.compile(r"%[fz](?:\d|%[^%z+])")
_CHOICES: Final = {"%f": ("%3", "%6"), "%z": ("%Z", "%+%o:%n", "%+%o%n")}

_LIMITS: Final = {"%m": 13, "%d": 32, "%H": 24, "%M": 60, "%S": 60, "%o": 24, "%n": 60}
_CLOCK: Final = {"%H": 3600, "%M": 60, "%S": 1}
_OFFSET: Final = {"%o": 3600, "%n": 60}

_ZONES: Final = ("", "%z", "%+%o", " %z", " %+%o")
_SPELLINGS: Final = (
    *(f"%d.%m.{year}{clock}" for year in ("%Y", "%y") for clock in (" %H:%M:%S", " %H:%M", "")),
    *(f"%Y-%m-%d{blank}%H:%M{rest}{zone}" for blank in " T" for rest in (":%S", "", ":%S.%f") for zone in _ZONES),
    "%Y-%m-%d",
    "%s",
    "%s%3",
)


@cache
def layouts(form: str | None) -> Mapping[int, list["Layout"]]:
    """The layouts of a format, by their width in bytes.

    Args:
        form: what `datetime.strptime` takes, or "%s"; None: all that `read_time` reads without a format.
    """
    found: dict[int, list[Layout]] = {}
    for spelling in _SPELLINGS if form is None else (form,):
        for layout in map(Layout, _in_full_width(spelling)):
            # The day of a date with an offset ends by that offset; too rare for a way of its own.
            if not (layout.bare and layout.zoned):
                found.setdefault(layout.width, []).append(layout)
    return found


def _in_full_width(form: str) -> Iterator[list[str]]:
    """The tokens of each layout that a format allows; of none if `strptime` could read such a text in another way."""
    tokens = _tokens(form)
    directives = {token for token in tokens if token.startswith("%")}
    known = directives <= {*_NUMBERS, *_LITERALS, *_CHOICES, _SIGN}
    if known and not {"%Y", "%y"} <= directives and not _GREEDY.search(form):
        for choice in product(*(_CHOICES.get(token, (token,)) for token in tokens)):
            yield _tokens("".join(choice))


def _tokens(form: str) -> list[str]:
    """The directives, and the texts between them."""
    return re.findall(r"%.|[^%]+", form, re.DOTALL)


class Layout:
    """A spelling in which every character has its place.

    Attributes:
        width: how many bytes it has.
        bare: whether it is a date without a time.
        zoned: whether it names a moment, not what the clock of some zone showed.
    """

    def __init__(self, tokens: list[str]) -> None:
        self.width = 0
        self._numbers: dict[str, slice] = {}
        self._literals: list[tuple[int, int]] = []
        self._sign: int | None = None
        for token in tokens:
            if token in _NUMBERS:
                self._numbers[token] = slice(self.width, self.width + _NUMBERS[token])
                self.width += _NUMBERS[token]
            elif token == _SIGN:
                self._sign = self.width
                self.width += 1
            else:
                literal = _LITERALS.get(token, token.encode())
                self._literals += enumerate(literal, self.width)
                self.width += len(literal)
        self.bare = self._numbers.keys().isdisjoint({*_CLOCK, "%3", "%6", "%s"})
        self.zoned = self._sign is not None or not {"%Z", "%s"}.isdisjoint(tokens)

    def read(self, planes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Read a column.

        Args:
            planes: the bytes of its texts by their place, shape (width, rows).

        Returns:
            Seconds since 1970-01-01 00:00:00 (int64), in UTC if `zoned`, else on the clock; and (bool) which rows are
            spelled like this and name a date and a time that exist. The seconds of the other rows mean nothing.
        """
        good = np.ones(planes.shape[1], np.bool_)
        for place, byte in self._literals:
            good &= planes[place] == byte
        if not good.any():
            return np.zeros(len(good), np.int64), good
        digits = planes - np.uint8(ord("0"))
        numbers = {token: _number(digits[places], good) for token, places in self._numbers.items()}
        for token in numbers.keys() & _LIMITS.keys():
            good &= numbers[token] < _LIMITS[token]
        if "%s" in numbers:
            seconds = numbers["%s"]
            good &= (seconds >= _UNIX.start) & (seconds < _UNIX.stop)
            return seconds, good
        seconds = _midnight(numbers, good) + _weighed(numbers, _CLOCK)
        if self._sign is not None:
            seconds -= _sign(planes[self._sign], good) * _weighed(numbers, _OFFSET)
        return seconds, good


def _number(digits: NDArray[np.uint8], good: NDArray[np.bool_]) -> NDArray[Any]:
    """What digits, shape (width, rows), spell; rows in which they are no digits are not good."""
    number: NDArray[Any] = np.zeros(len(good), np.uint8 if len(digits) == len("dd") else np.int64)
    for digit in digits:
        good &= digit < _RADIX
        number = number * _RADIX + digit
    return number


def _weighed(numbers: Mapping[str, NDArray[Any]], weights: Mapping[str, int]) -> NDArray[np.int32] | int:
    """Hours, minutes and seconds as seconds."""
    return sum(numbers[token].astype(np.int32) * weight for token, weight in weights.items() if token in numbers)


def _sign(byte: NDArray[np.uint8], good: NDArray[np.bool_]) -> NDArray[np.int32]:
    good &= (byte == ord("+")) | (byte == ord("-"))
    return ord(",") - byte.astype(np.int32)


def _midnight(numbers: Mapping[str, NDArray[Any]], good: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The seconds to the beginning of a date, by the clock; rows with a date that does not exist are not good."""
    if "%Y" in numbers:
        year = numbers["%Y"] - YEARS.start
        good &= (year >= 0) & (year < len(YEARS))
    else:
        good &= numbers["%y"] != _DISPUTED_YEAR
        year = (numbers["%y"].astype(np.int64) + 30) % 100
    days = _calendar()[np.where(good, (year * 13 + numbers["%m"]) * 32 + numbers["%d"], 0)]
    good &= days >= 0
    return days * DAY


@cache
def _calendar() -> NDArray[np.int64]:
    """The days from 1970-01-01 to a date, at (years from 1970 * 13 + month) * 32 + day; -1 where there is none."""
    months = np.arange(str(YEARS.start), str(YEARS.stop), dtype="datetime64[M]")
    firsts, ends = (month.astype("datetime64[D]").astype(np.int64)[:, None] for month in (months, months + 1))
    days = firsts + np.arange(32) - 1
    table = np.full((len(YEARS), 13, 32), -1)
    table[:, 1:] = np.where((days >= firsts) & (days < ends) & (days >= _FIRST_DAY), days, -1).reshape(
        len(YEARS), 12, 32
    )
    return table.ravel()
