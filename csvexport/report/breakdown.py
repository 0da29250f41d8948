"""What each goal, status or sort of call reached, in all and day by day."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from csvexport.charts import currencies
from csvexport.summary import DayTotal, Summary

Revenue = tuple[tuple[str, Decimal], ...]
"""(ISO 4217 code, sum), without currencies in which there is none, that of the most records first."""


class _Words(NamedTuple):
    """How the report speaks of a kind."""

    when: str
    title: str
    label: str
    everything: str
    worth: str
    note: str = ""


# Contacts have no time of their own and no label.
_WORDS: Final = {
    "conversions": _Words("When the conversions happened", "Conversions by goal", "Goal", "All goals", "price"),
    "calls": _Words(
        "When the calls happened",
        "Dynamic and static calls",
        "Call",
        "All calls",
        "price",
        "Only dynamic calls join visits of the site.",
    ),
    "orders": _Words("When the orders were created", "Orders by status", "Status", "All statuses", "sum"),
    "deals": _Words("When the deals were created", "Deals by status", "Status", "All statuses", "sum"),
}


@dataclass(frozen=True, slots=True)
class LabelTotal:
    """What one goal, status or sort of call reached in the whole batch.

    Attributes:
        label: the goal's `Target`, the status, or `dynamic` or `static`.
        records: how many.
        revenue: their revenue.
        first: the first day that has a record.
        last: the last one.
    """

    label: str
    records: int
    revenue: Revenue
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What the records of one kind reached.

    Attributes:
        kind: the kind.
        when: heading of the charts.
        title: heading of the table.
        label: what a row of the table is about.
        everything: what all its rows together are.
        worth: what revenue is made of.
        note: a sentence about the table; may be empty.
        labels: the most frequent first.
        revenue: of all.
        days: of this kind.
    """

    kind: str
    when: str
    title: str
    label: str
    everything: str
    worth: str
    note: str
    labels: tuple[LabelTotal, ...]
    revenue: Revenue
    days: tuple[DayTotal, ...]

    @property
    def first(self) -> date:
        """The first day that has a record."""
        return min(total.first for total in self.labels)

    @property
    def last(self) -> date:
        """The last day that has a record."""
        return max(total.last for total in self.labels)


def breakdowns(summary: Summary) -> list[Breakdown]:
    """Every kind that has something to be broken down, in the order of the files."""
    return list(_breakdowns(summary))


def _breakdowns(summary: Summary) -> Iterator[Breakdown]:
    for kind, words in _WORDS.items():
        days = tuple(day for day in summary.days if day.kind == kind)
        if days:
            is_alone = kind == "conversions" and len(summary.counts) == 1
            said = words._replace(title="By goal") if is_alone else words
            yield Breakdown(kind, *said, tuple(label_totals(days)), revenue(days), days)


def label_totals(days: Iterable[DayTotal]) -> list[LabelTotal]:
    """The goals or statuses that have records of one kind, the most frequent first."""
    by_label: dict[str, list[DayTotal]] = {}
    for day in days:
        by_label.setdefault(day.label, []).append(day)
    totals = [_label_total(label, reached) for label, reached in by_label.items()]
    return sorted(totals, key=lambda total: (-total.records, total.label))


def _label_total(label: str, days: list[DayTotal]) -> LabelTotal:
    dates = [day.day for day in days]
    return LabelTotal(label, sum(day.records for day in days), revenue(days), min(dates), max(dates))


def revenue(days: Iterable[DayTotal]) -> Revenue:
    """The revenue of these days by currency."""
    days = list(days)
    return tuple(
        (currency, sum((day.revenue for day in days if day.currency == currency), Decimal(0)))
        for currency in currencies(days)
    )
