"""The report of a batch, as a web page and as text: what is ready to upload, how to upload it, what is wrong.

The same summary gives the same bytes: nothing here asks for the time, the machine's language or a random number.
"""

from decimal import localcontext
from zoneinfo import ZoneInfo

from csvexport.charts import COLOURS, HEIGHT, MOST_CURRENCIES, currencies, records_chart, revenue_charts
from csvexport.issues import Severity
from csvexport.report.accounting import KindCounts, headline, issue_totals
from csvexport.report.advertising import advertising
from csvexport.report.breakdown import Breakdown, breakdowns
from csvexport.report.commands import comment
from csvexport.report.matching import matchings
from csvexport.report.printing import printable_summary
from csvexport.report.steps import routes
from csvexport.report.wording import FILTERS, GAP
from csvexport.summary import Summary
from csvexport.templating import filled

# More digits than any sum of prices has, so that sums are exact.
PRECISION = 60

# So much of what the profile names in vain is listed.
MOST_UNMATCHED = 50


class Report:
    """The report of a batch."""

    def __init__(self, summary: Summary) -> None:
        """Work out what both forms of the report say."""
        self._summary = printable_summary(summary)
        with localcontext(prec=PRECISION):
            self._breakdowns = breakdowns(self._summary)
            self._view = _view(self._summary, self._breakdowns)

    def html(self) -> str:
        """The report as one web page that needs no other file and no script."""
        with localcontext(prec=PRECISION):
            drawn = {found.kind: _drawn(found) for found in self._breakdowns}
        return self._rendered("report.html", {"drawn": drawn, "plot_height": HEIGHT, "colours": COLOURS})

    def text(self) -> str:
        """The report as plain text, lines ended by a line feed, none but commands wider than `wording.WIDTH`."""
        return self._rendered("report.txt", {}).replace(GAP, " ")

    def _rendered(self, template: str, more: dict[str, object]) -> str:
        with localcontext(prec=PRECISION):
            return filled(template, self._view | more, FILTERS)


def _view(summary: Summary, found: list[Breakdown]) -> dict[str, object]:
    """What both templates know, by the names that they use."""
    conversions = summary.counts.get("conversions")
    return {
        "summary": summary,
        "kinds": [KindCounts(kind, counts) for kind, counts in summary.counts.items()],
        "rows": max((counts.rows for counts in summary.counts.values()), default=0),
        "rejected": sum(counts.rejected for counts in summary.counts.values()),
        "headline": headline(
            {kind: counts.accepted for kind, counts in summary.counts.items()},
            {kind: counts.old for kind, counts in summary.counts.items()},
            summary.emptiness,
        ),
        "comment": comment(summary),
        "built": summary.built_at.astimezone(ZoneInfo(summary.timezone)),
        "routes": routes(summary),
        "goals": [goal for breakdown in found if breakdown.kind == "conversions" for goal in breakdown.labels],
        "outside_window": conversions.old if conversions else 0,
        "breakdowns": found,
        "advertising": advertising(summary),
        "matchings": matchings(summary),
        "unmatched": summary.unmatched[:MOST_UNMATCHED],
        "more_unmatched": len(summary.unmatched[MOST_UNMATCHED:]),
        "issues": {severity.value: issue_totals(summary, severity) for severity in Severity},
    }


def _drawn(found: Breakdown) -> dict[str, object]:
    """The charts of one kind, and whether it has more currencies than they show."""
    charts = [chart for chart in (records_chart(found.days), *revenue_charts(found.days)) if chart]
    return {"charts": charts, "more_currencies": len(currencies(found.days)) > MOST_CURRENCIES}
