"""Which advertisements brought the orders and deals: their utm tags beside their statuses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from csvexport.report.breakdown import Revenue
from csvexport.summary import Summary, TagTotal

MOST_ROWS: Final = 50
"""More rows than these are read by nobody."""

NOT_SET: Final = "(not set)"
"""What a tag is called that a row has not, as in Metrica."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What one advertisement brought in one status.

    Attributes:
        status: as Metrica calls it.
        source: utm_source.
        medium: utm_medium.
        campaign: utm_campaign.
        records: how many orders or deals.
        revenue: their revenue.
    """

    status: str
    source: str
    medium: str
    campaign: str
    records: int
    revenue: Revenue


@dataclass(frozen=True, slots=True)
class Advertising:
    """The advertisements behind the records of one kind.

    Attributes:
        kind: `orders` or `deals`.
        rows: those of the most records first, `MOST_ROWS` at most.
        more: how many other rows there would be.
        records_of_more: how many orders or deals those have.
    """

    kind: str
    rows: tuple[Advertisement, ...]
    more: int
    records_of_more: int


def advertising(summary: Summary) -> list[Advertising]:
    """The kinds whose profile names utm tags."""
    return list(_advertising(summary))


def _advertising(summary: Summary) -> Iterator[Advertising]:
    for kind in summary.counts:
        tagged = [total for total in summary.tags if total.kind == kind and total.tags]
        rows = _advertisements(tagged)
        if rows:
            rest = rows[MOST_ROWS:]
            yield Advertising(kind, tuple(rows[:MOST_ROWS]), len(rest), sum(row.records for row in rest))


def _advertisements(totals: Iterable[TagTotal]) -> list[Advertisement]:
    """Put the currencies of each advertisement and status together."""
    found: dict[tuple[str, ...], list[TagTotal]] = {}
    for total in totals:
        found.setdefault((total.status, *total.tags), []).append(total)
    rows = [_advertisement(parts) for parts in found.values()]
    return sorted(rows, key=lambda row: (-row.records, row.status, row.source, row.medium, row.campaign))


def _advertisement(totals: list[TagTotal]) -> Advertisement:
    source, medium, campaign = (tag or NOT_SET for tag in totals[0].tags)
    # Printable forms of different texts may be the same text.
    sums: dict[str, Decimal] = {}
    for total in sorted(totals, key=lambda total: (-total.records, total.currency)):
        if total.revenue:
            sums[total.currency] = sums.get(total.currency, Decimal(0)) + total.revenue
    records = sum(total.records for total in totals)
    return Advertisement(totals[0].status, source, medium, campaign, records, tuple(sums.items()))
