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
DIRECT = 1 << 20

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
        keys = (day.astype(np.int64) * len(self._targets) + target) * len(self._currencies) + currency
        lowest = int(keys.min())
        if int(keys.max()) - lowest < DIRECT:
            places, labels = keys - lowest, None
        else:
            labels, places = np.unique(keys, return_inverse=True)
        counts = np.bincount(places)
        parts = _part_sums(places, np.maximum(micro, 0))
        for place in np.flatnonzero(counts).tolist():
            key = lowest + place if labels is None else int(labels[place])
            before = self._sums.get(key, _Sums(0, 0))
            self._sums[key] = _Sums(before.lines + int(counts[place]), before.micro + _whole(parts, place))

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


def _part_sums(places: NDArray[np.int64], micro: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Sum by place, each of the three parts of the prices for itself."""
    mask = (1 << _BITS) - 1
    parts = [(micro >> (part * _BITS) & mask).astype(np.float64) for part in range(3)]
    return [np.bincount(places, part).astype(np.float64, copy=False) for part in parts]


def _whole(parts: list[NDArray[np.float64]], place: int) -> int:
    return sum(int(part[place]) << (number * _BITS) for number, part in enumerate(parts))
