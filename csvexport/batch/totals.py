"""Conversions and revenue by day, goal and currency, summed exactly while the lines are written."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.summary import DayTotal

EPOCH = date(1970, 1, 1)
MICRO = 1_000_000

# A table of sums no larger than this is indexed directly; a wider span of days is first compressed.
DIRECT = 1 << 18

# Prices are summed in three parts of 21 bits, so that even the sum of 2**32 of them is exact in a double.
_BITS = 21


class _Sums(NamedTuple):
    lines: int
    micro: int


class Totals:
    """Adds up lines block by block."""

    def __init__(self, targets: Sequence[str], currencies: Sequence[str]) -> None:
        """Give the texts that the lines' indices mean."""
        self._targets = targets
        self._currencies = currencies
        self._sums: dict[int, _Sums] = {}

    def add(
        self,
        day: NDArray[np.int32],
        target: NDArray[np.int16],
        currency: NDArray[np.int16],
        micro: NDArray[np.int64],
    ) -> None:
        """Add lines: days since 1970-01-01, indices of target and currency, prices in millionths (-1: none)."""
        if not len(day):
            return
        # Most blocks have one currency or two of the many that there are.
        used = np.flatnonzero(np.bincount(currency))
        rank = np.zeros(used[-1] + 1, np.int64)
        rank[used] = np.arange(len(used))
        places, labels = _places((day.astype(np.int64) * len(self._targets) + target) * len(used) + rank[currency])
        lines = np.bincount(places, minlength=len(labels))
        present = np.flatnonzero(lines)
        rest, ranks = np.divmod(labels[present], len(used))
        keys = rest * len(self._currencies) + used[ranks]
        sums = _price_sums(places, micro, present)
        for key, count, total in zip(keys.tolist(), lines[present].tolist(), sums, strict=True):
            before = self._sums.get(key, _Sums(0, 0))
            self._sums[key] = _Sums(before.lines + count, before.micro + total)

    def days(self) -> tuple[DayTotal, ...]:
        """Give the sums, ordered by day, target and currency."""
        totals = [self._total(key, sums) for key, sums in self._sums.items()]
        return tuple(sorted(totals, key=lambda total: (total.day, total.target, total.currency)))

    def _total(self, key: int, sums: _Sums) -> DayTotal:
        rest, currency = divmod(key, len(self._currencies))
        day, target = divmod(rest, len(self._targets))
        return DayTotal(
            EPOCH + timedelta(days=day),
            self._targets[target],
            self._currencies[currency],
            sums.lines,
            Decimal(sums.micro) / MICRO,
        )


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
