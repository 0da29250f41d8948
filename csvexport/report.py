"""The report of a batch, as a web page and as text: what is ready to upload, how to upload it, what is wrong.

The same summary gives the same bytes: nothing here asks for the time, the machine's language or a random number.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

from csvexport.charts import COLOURS, HEIGHT, MOST_CURRENCIES, conversions_chart, currencies, day_name, revenue_charts
from csvexport.issues import CATALOGUE, Code, Issue, Severity
from csvexport.summary import DayTotal, Example, Summary
from csvexport.templating import filled

# Columns of `report.txt`.
WIDTH = 80

# A thin space at which no browser and no paragraph breaks the line: the separator of thousands.
GAP = "\N{NARROW NO-BREAK SPACE}"

# More digits than any sum of prices has, so that sums are exact.
PRECISION = 60

# (the least axis top, what its ticks are divided by, what is written behind them)
TICK_SCALES = ((1_000_000_000, 1_000_000_000, "bn"), (1_000_000, 1_000_000, "M"), (10_000, 1_000, "k"))

# Issues that befall a row before anybody can say how many conversions it would have made.
OF_ROWS = frozenset({Code.NO_GOAL, Code.BAD_ROW})

LEFT_OUT = {
    "preamble": ("line above the header", "lines above the header"),
    "blank": ("blank line", "blank lines"),
    "header": ("repeated header", "repeated headers"),
    "total": ("line of totals", "lines of totals"),
}


class Report:
    """The report of a batch."""

    def __init__(self, summary: Summary) -> None:
        """Work out what both forms of the report say."""
        self._summary = _printable_summary(summary)
        with localcontext(prec=PRECISION):
            self._view = _view(self._summary)

    def html(self) -> str:
        """The report as one web page that needs no other file and no script."""
        days = self._summary.days
        with localcontext(prec=PRECISION):
            drawn = [chart for chart in (conversions_chart(days), *revenue_charts(days)) if chart]
        more = len(currencies(days)) > MOST_CURRENCIES
        return self._rendered(
            "report.html", {"charts": drawn, "more_currencies": more, "plot_height": HEIGHT, "colours": COLOURS}
        )

    def text(self) -> str:
        """The report as plain text, at most `WIDTH` columns wide, lines ended by a line feed."""
        return self._rendered("report.txt", {}).replace(GAP, " ")

    def _rendered(self, template: str, more: dict[str, object]) -> str:
        with localcontext(prec=PRECISION):
            return filled(template, self._view | more, FILTERS)


@dataclass(frozen=True, slots=True)
class GoalTotal:
    """What one goal reached in the whole batch.

    Attributes:
        target: the goal's `Target`.
        conversions: how many.
        revenue: (ISO 4217 code, sum), without currencies in which there is none.
        first: the first day that has a conversion.
        last: the last one.
    """

    target: str
    conversions: int
    revenue: tuple[tuple[str, Decimal], ...]
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class IssueTotal:
    """One issue that occurred.

    Attributes:
        issue: its entry in the catalogue.
        count: how often.
        noun: what was counted, in the singular.
        examples: some of the rows.
    """

    issue: Issue
    count: int
    noun: str
    examples: tuple[Example, ...]


def _view(summary: Summary) -> dict[str, object]:
    """What both templates know, by the names that they use."""
    counts = summary.counts["conversions"]
    return {
        "summary": summary,
        "counts": counts,
        "headline": headline(counts.accepted),
        # Yandex takes letters and digits in a comment ([up]).
        "comment": summary.batch.replace("-", ""),
        "built": summary.built_at.astimezone(ZoneInfo(summary.timezone)),
        "goals": goal_totals(summary.days),
        "revenue": revenue(summary.days),
        "outside_window": summary.issues.get(Code.OUTSIDE_WINDOW, 0),
        "issues": {severity.value: _issue_totals(summary, severity) for severity in Severity},
    }


def headline(accepted: int) -> str:
    """The sentence that answers the reader's first question."""
    if not accepted:
        return "No conversion is ready to upload"
    return f"{counted(accepted, 'conversion')} {'is' if accepted == 1 else 'are'} ready to upload"


def goal_totals(days: Iterable[DayTotal]) -> list[GoalTotal]:
    """The goals that have conversions, the most frequent first."""
    by_target: dict[str, list[DayTotal]] = {}
    for day in days:
        by_target.setdefault(day.target, []).append(day)
    totals = [_goal_total(target, reached) for target, reached in by_target.items()]
    return sorted(totals, key=lambda total: (-total.conversions, total.target))


def _goal_total(target: str, days: list[DayTotal]) -> GoalTotal:
    dates = [day.day for day in days]
    return GoalTotal(target, sum(day.conversions for day in days), revenue(days), min(dates), max(dates))


def revenue(days: Iterable[DayTotal]) -> tuple[tuple[str, Decimal], ...]:
    """(ISO 4217 code, sum) of the currencies in which there is revenue, that of the most conversions first."""
    days = list(days)
    return tuple(
        (currency, sum((day.revenue for day in days if day.currency == currency), Decimal(0)))
        for currency in currencies(days)
    )


def _issue_totals(summary: Summary, severity: Severity) -> list[IssueTotal]:
    return [
        IssueTotal(
            CATALOGUE[code], count, "row" if code in OF_ROWS else "conversion", tuple(summary.examples.get(code, ()))
        )
        for code, count in summary.issues_of(severity)
        if count
    ]


def _printable_summary(summary: Summary) -> Summary:
    """The summary with every text that comes from outside made printable."""
    return replace(
        summary,
        profile=printable(summary.profile),
        sources=tuple(
            replace(
                source,
                path=printable(source.path),
                sheet=source.sheet and printable(source.sheet),
                records=source.records and printable(source.records),
            )
            for source in summary.sources
        ),
        examples={code: tuple(map(_printable_example, examples)) for code, examples in summary.examples.items()},
        days=tuple(
            day if day.target.isprintable() else replace(day, target=printable(day.target)) for day in summary.days
        ),
    )


def _printable_example(example: Example) -> Example:
    return replace(
        example,
        source=printable(example.source),
        column=printable(example.column),
        value=printable(example.value),
    )


def printable(text: str) -> str:
    """The text on one line: blanks of all kinds as spaces, everything else that has no picture as U+FFFD.

    A cell may hold line breaks, terminal commands, marks that turn the direction of writing, or half a character.
    """
    if text.isprintable():
        return text
    return "".join(_picture(character) for character in text)


def _picture(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


def number(value: int | Decimal) -> str:
    """A whole number with its thousands set apart: `1 234`."""
    return f"{int(value):,}".replace(",", GAP)


def counted(count: int | Decimal, noun: str) -> str:
    """A number and what it counts: `1 row`, `1 234 rows`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def money(value: Decimal) -> str:
    """An exact amount with its thousands set apart and two decimals, or as many as it has: `12 345.60`."""
    whole, _, fraction = f"{value:f}".partition(".")
    return f"{number(int(whole))}.{fraction.rstrip('0').ljust(2, '0')}"


def tick_text(value: Decimal, top: Decimal) -> str:
    """A short number for the axis, in the unit that suits the axis' top: `250 k`, `2.5 M`, `0.5 bn`."""
    divisor, unit = next((scale[1:] for scale in TICK_SCALES if top >= scale[0]), (1, ""))
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
    one, many = LEFT_OUT.get(kind, (kind, kind))
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
FILTERS = (counted, day_name, left_out, money, number, paragraph, period, size, tick_text)
