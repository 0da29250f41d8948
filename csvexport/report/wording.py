"""How the report writes numbers, money, sizes, dates and paragraphs: what its templates call as filters."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from csvexport.charts import day_name

# Columns of `report.txt`.
WIDTH: Final = 80

# A thin space at which no browser and no paragraph breaks the line: the separator of thousands.
GAP: Final = "\N{NARROW NO-BREAK SPACE}"

# (the least axis top, what its ticks are divided by, what is written behind them)
_TICK_SCALES = ((1_000_000_000, 1_000_000_000, "bn"), (1_000_000, 1_000_000, "M"), (10_000, 1_000, "k"))

_LEFT_OUT = {
    "preamble": ("line above the header", "lines above the header"),
    "blank": ("blank line", "blank lines"),
    "header": ("repeated header", "repeated headers"),
    "total": ("line of totals", "lines of totals"),
}


def number(value: int | Decimal) -> str:
    """A whole number with its thousands set apart: `1 234`."""
    return f"{int(value):,}".replace(",", GAP)


def counted(count: int | Decimal, noun: str) -> str:
    """A number and what it counts: `1 row`, `1 234 rows`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def singular(kind: str) -> str:
    """One record of a kind: `conversion`, `deal`."""
    return kind.removesuffix("s")


def joined(parts: Sequence[str]) -> str:
    """Several things in a sentence: `conversions, orders and calls`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def share(count: int, whole: int) -> str:
    """A share in percent, which is 0% or 100% only if it is none or all."""
    percent = round(100 * count / whole) if whole else 0
    return f"{min(max(percent, 1), 99)}%" if 0 < count < whole else f"{percent}%"


def money(value: Decimal) -> str:
    """An exact amount with its thousands set apart and two decimals, or as many as it has: `12 345.60`."""
    whole, _, fraction = f"{value:f}".partition(".")
    return f"{number(int(whole))}.{fraction.rstrip('0').ljust(2, '0')}"


def tick_text(value: Decimal, top: Decimal) -> str:
    """A short number for the axis, in the unit that suits the axis' top: `250 k`, `2.5 M`, `0.5 bn`."""
    divisor, unit = next((scale[1:] for scale in _TICK_SCALES if top >= scale[0]), (1, ""))
    whole, _, fraction = f"{value / divisor:f}".partition(".")
    text = ".".join(filter(None, (number(int(whole)), fraction.rstrip("0"))))
    return f"{text}{GAP}{unit}" if value and unit else text


def size(count: int) -> str:
    """A number of bytes for people: `512 bytes`, `45.7 kB`, `1.2 GB`."""
    for limit, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if count >= limit:
            return f"{count / limit:.1f}{GAP}{unit}"
    return counted(count, "byte")


def period(first: date, last: date) -> str:
    """Two days in words, or one if they are the same: `1 May 2024 to 31 May 2024`."""
    return day_name(first) if first == last else f"{day_name(first)} to {day_name(last)}"


def left_out(lines: Mapping[str, int]) -> str:
    """The lines that are no records: `2 blank lines, 1 line of totals`; empty if there are none."""
    return ", ".join(_left_out(kind, count) for kind, count in lines.items() if count)


def _left_out(kind: str, count: int) -> str:
    one, many = _LEFT_OUT.get(kind, (kind, kind))
    return f"{number(count)} {one if count == 1 else many}"


def paragraph(text: str, first: str = "", rest: str | None = None) -> str:
    """The text as lines that fit `WIDTH`, the last one ended too.

    Args:
        text: its own line breaks count as spaces.
        first: what the first line begins with.
        rest: what the other lines begin with; as many spaces as `first` has characters if left out.
    """
    words = re.sub(r"[ \n]+", " ", text).strip(" ")
    indent = " " * len(first) if rest is None else rest
    lines = textwrap.wrap(words, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


# What the templates may call.
FILTERS = (counted, day_name, left_out, money, number, paragraph, period, share, singular, size, tick_text)
