"""Records and revenue by day, by status and by tags, summed exactly while the lines are written."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.summary import DayTotal, MatchQuality, TagTotal

EPOCH = date(1970, 1, 1)
MICRO = 1_000_000

# A table of sums no larger than this is indexed directly; a wider span is first compressed.
DIRECT = 1 << 18

# Kinds whose records have a status, and kinds by whose records a client is found.
BY_STATUS = frozenset({"orders", "deals"})
MATCHED = frozenset({"orders", "contacts"})

# Prices are summed in three parts of 21 bits, so that even the sum of 2**32 of them is exact in a double.
_BITS = 21


class _Sum(NamedTuple):
    lines: int
    micro: int


class _Sums:
    """Counts lines and adds up their prices, by a number of the line and by its label and currency."""

    def __init__(self, width: int) -> None:
        """Begin; `width` is the number of labels times that of currencies."""
        self._width = width
        self._sums: dict[int, _Sum] = {}

    def add(self, numbers: NDArray[np.int64], labels: NDArray[np.int64], micro: NDArray[np.int64]) -> None:
        """Add lines: what they count under, and their prices in millionths (-1: none)."""
        # Most blocks have a few labels and one currency or two of the many that there are.
        used = np.flatnonzero(np.bincount(labels))
        rank = np.zeros(used[-1] + 1, np.int64)
        rank[used] = np.arange(len(used))
        places, found = _places(numbers * len(used) + rank[labels])
        lines = np.bincount(places, minlength=len(found))
        present = np.flatnonzero(lines)
        rest, ranks = np.divmod(found[present], len(used))
        keys = rest * self._width + used[ranks]
        sums = _price_sums(places, micro, present)
        for key, count, total in zip(keys.tolist(), lines[present].tolist(), sums, strict=True):
            before = self._sums.get(key, _Sum(0, 0))
            self._sums[key] = _Sum(before.lines + count, before.micro + total)

    def __iter__(self) -> Iterator[tuple[int, int, int, Decimal]]:
        """Give number, label, lines and the sum of their prices."""
        return (
            (*divmod(key, self._width), sums.lines, Decimal(sums.micro) / MICRO) for key, sums in self._sums.items()
        )


class Totals:
    """Adds up the lines of one kind, block by block."""

    def __init__(self, kind: str, labels: Sequence[str], currencies: Sequence[str]) -> None:
        """Give the texts that the lines' indices mean."""
        self._kind = kind
        self._labels = labels
        self._currencies = currencies
        self._days = _Sums(len(labels) * len(currencies))
        self._tags = _Sums(len(labels) * len(currencies))
        self._flags = np.zeros(MatchQuality.COMBINATIONS, np.int64)

    def add(self, facts: NDArray[np.void]) -> None:
        """Add lines; see `transform.results.FACTS`."""
        if not len(facts):
            return
        labels = facts["label"].astype(np.int64) * len(self._currencies) + facts["currency"]
        micro = np.ascontiguousarray(facts["micro"])
        self._days.add(facts["day"].astype(np.int64), labels, micro)
        if self._kind in BY_STATUS:
            self._tags.add(facts["tag"].astype(np.int64), labels, micro)
        if self._kind in MATCHED:
            self._flags += np.bincount(facts["flags"], minlength=len(self._flags))

    def days(self) -> tuple[DayTotal, ...]:
        """Give the sums by day, ordered by day, label and currency."""
        totals = [
            DayTotal(self._kind, EPOCH + timedelta(days=day), *self._names(label), lines, revenue)
            for day, label, lines, revenue in self._days
        ]
        return tuple(sorted(totals, key=lambda total: (total.day, total.label, total.currency)))

    def tags(self, tags: Sequence[tuple[str, ...]]) -> tuple[TagTotal, ...]:
        """Give the sums by status and tag, those of the most lines first; `facts["tag"]` counts through `tags`."""
        totals = [
            TagTotal(self._kind, *self._names(label), tags[tag], lines, revenue)
            for tag, label, lines, revenue in self._tags
        ]
        return tuple(sorted(totals, key=lambda total: (-total.records, total.status, total.tags, total.currency)))

    def match_quality(self) -> MatchQuality | None:
        """Give how many lines Yandex can find the client of; None where that is no question of this kind."""
        if self._kind not in MATCHED:
            return None
        return MatchQuality.of(self._flags.tolist())

    def _names(self, label: int) -> tuple[str, str]:
        number, currency = divmod(label, len(self._currencies))
        return self._labels[number], self._currencies[currency]


def _places(keys: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Give each key a place in a table, and the key of each place."""
    lowest, highest = int(keys.min()), int(keys.max())
    if highest - lowest < DIRECT:
        return keys - lowest, np.arange(lowest, highest + 1)
    labels, places = np.unique(keys, return_inverse=True)
    return places, labels


def _price_sums(places: NDArray[np.intp], micro: NDArray[np.int64], present: NDArray[np.intp]) -> list[int]:
    """Sum prices by place, each part of the prices for itself, and give the sums at the places that are present."""
    micro = np.maximum(micro, 0)
    sums = [0] * len(present)
    for shift in range(0, int(micro.max()).bit_length(), _BITS):
        part = np.bincount(places, (micro >> shift & (1 << _BITS) - 1).astype(np.float64))[present]
        sums = [total + (int(more) << shift) for total, more in zip(sums, part.tolist(), strict=True)]
    return sums
