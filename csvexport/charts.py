"""The bar charts of the report as geometry: which bars there are, how high they stand, what is written beside them.

Across, everything is in percent of the plot's width, so that a chart fits a phone and a page alike; upwards, in pixels
of a plot that is `HEIGHT` high. Drawing is left to `templates/report.html`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from itertools import islice

from csvexport.summary import DayTotal

# Thinner bars than these are a blur on a phone.
MOST_BARS = 60

# More colours than these cannot be told apart by colour-blind readers; the last one is grey, for all that remain.
COLOURS = 7

# Height of the plot in pixels.
HEIGHT = 180

# A batch of one day would else be one slab; percent of the plot's width.
WIDEST_BAR = 8.0

# The share of its slot that a bar fills.
FILL = 0.82

# Dates below the bars; more would touch each other on a phone.
MOST_LABELS = 5

# Steps of the upward axis.
MOST_TICKS = 4

# More charts of money than these are read by nobody; the table by goal or status has all currencies.
MOST_CURRENCIES = 3

# Not from `strftime`, which answers in the machine's language.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day_name(day: date) -> str:
    """A date as the report writes it: `3 Jun 2024`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


class Step(StrEnum):
    """The stretch of time that one bar stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DECADE = "decade"

    def start(self, day: date) -> date:
        """The first day of the stretch in which `day` lies; weeks begin on Monday."""
        match self:
            case Step.DAY:
                return day
            case Step.WEEK:
                return day - timedelta(days=day.weekday())
            case Step.MONTH:
                return day.replace(day=1)
            case Step.QUARTER:
                return day.replace(month=day.month - (day.month - 1) % 3, day=1)
            case Step.YEAR:
                return day.replace(month=1, day=1)
            case Step.DECADE:
                return day.replace(year=day.year - day.year % 10, month=1, day=1)

    def starts(self, first: date, last: date) -> Iterator[date]:
        """The first days of all stretches from that of `first` to that of `last`, the empty ones included."""
        days = {Step.DAY: 1, Step.WEEK: 7, Step.MONTH: 31, Step.QUARTER: 92, Step.YEAR: 366, Step.DECADE: 3653}
        longest = days[self]
        start = self.start(first)
        while start <= last:
            yield start
            start = self.start(start + timedelta(days=longest))

    def long_name(self, start: date) -> str:
        """What a bar is called where there is room: `3 Jun 2024`, `week from 3 Jun 2024`, `Jun 2024`."""
        match self:
            case Step.DAY:
                return day_name(start)
            case Step.WEEK:
                return f"week from {day_name(start)}"
            case _:
                return self.short_name(start)

    def short_name(self, start: date) -> str:
        """What is written below a bar: `3 Jun`, `Jun 2024`, `Q2 2024`, `2024`, `2020s`."""
        match self:
            case Step.DAY | Step.WEEK:
                return f"{start.day} {MONTHS[start.month - 1]}"
            case Step.MONTH:
                return f"{MONTHS[start.month - 1]} {start.year}"
            case Step.QUARTER:
                return f"Q{(start.month + 2) // 3} {start.year}"
            case Step.YEAR:
                return str(start.year)
            case Step.DECADE:
                return f"{start.year}s"


def step_for(first: date, last: date) -> Step:
    """The shortest step that covers the period in at most `MOST_BARS` bars; a decade if none does."""
    for step in Step:
        if len(list(islice(step.starts(first, last), MOST_BARS + 1))) <= MOST_BARS:
            return step
    return Step.DECADE


@dataclass(frozen=True, slots=True)
class Segment:
    """One colour of a bar.

    Attributes:
        colour: 0 to `COLOURS` - 1.
        name: the goal or status, or "6 other goals".
        value: how many records, or how much money.
        y: pixels from the plot's top to the segment's.
        height: in pixels.
    """

    colour: int
    name: str
    value: Decimal
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """All goals or statuses of one stretch of time, the most frequent at the bottom.

    Attributes:
        name: the stretch, `3 Jun 2024`.
        slot: percent from the plot's left to where the bar's slot begins; the slots fill the plot.
        x: percent from the plot's left to where the bar begins.
        segments: those that are not zero.
        total: their sum.
    """

    name: str
    slot: float
    x: float
    segments: tuple[Segment, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the plot.

    Attributes:
        value: what it marks.
        y: pixels from the plot's top.
    """

    value: Decimal
    y: float


@dataclass(frozen=True, slots=True)
class Label:
    """A date below the plot.

    Attributes:
        text: the date.
        x: percent from the plot's left to the text's middle.
    """

    text: str
    x: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over time, stacked by goal or status.

    Attributes:
        kind: the kind of the records.
        currency: what is counted, an ISO 4217 code; empty for the records themselves.
        step: what one bar stands for.
        first: the first day that has a record.
        last: the last one.
        bars: from the first day to the last, empty stretches included.
        slot_width: percent of the plot's width that each bar has.
        bar_width: percent of the plot's width that each bar fills.
        ticks: from zero up.
        labels: from left to right.
        legend: (colour, name) of the goals or statuses in the chart.
        peak: the highest bar, the first of several.
        total: sum of the bars.
    """

    kind: str
    currency: str
    step: Step
    first: date
    last: date
    bars: tuple[Bar, ...]
    slot_width: float
    bar_width: float
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    legend: tuple[tuple[int, str], ...]
    peak: Bar
    total: Decimal


@dataclass(frozen=True, slots=True)
class Palette:
    """Which goal or status has which colour, the same in every chart of a kind.

    Attributes:
        colours: by label.
        names: by colour.
    """

    colours: dict[str, int]
    names: tuple[str, ...]


def palette(days: Sequence[DayTotal]) -> Palette:
    """Colours for the labels of one kind, the most frequent first; those beyond `COLOURS` share the last colour."""
    counts: Counter[str] = Counter()
    for day in days:
        counts[day.label] += day.records
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    colours = {label: min(rank, COLOURS - 1) for rank, label in enumerate(ranked)}
    if len(ranked) <= COLOURS:
        return Palette(colours, tuple(ranked))
    what = "goals" if days[0].kind == "conversions" else "statuses"
    others = len(ranked) - COLOURS + 1
    return Palette(colours, (*ranked[: COLOURS - 1], f"{others} other {what}"))


def records_chart(days: Sequence[DayTotal]) -> Chart | None:
    """Records of one kind over time; None where there are none."""
    return _chart(days, "", lambda day: Decimal(day.records))


def revenue_charts(days: Sequence[DayTotal]) -> list[Chart]:
    """Revenue of one kind over time, a chart per currency: of the most records first, `MOST_CURRENCIES` at most."""
    charts = (_chart(days, currency, _revenue_in(currency)) for currency in currencies(days)[:MOST_CURRENCIES])
    return [chart for chart in charts if chart is not None]


def _revenue_in(currency: str) -> Callable[[DayTotal], Decimal]:
    return lambda day: day.revenue if day.currency == currency else Decimal(0)


def currencies(days: Iterable[DayTotal]) -> list[str]:
    """The currencies in which there is revenue, that of the most records first."""
    counts: Counter[str] = Counter()
    for day in days:
        if day.revenue:
            counts[day.currency] += day.records
    return sorted(counts, key=lambda currency: (-counts[currency], currency))


def _chart(days: Sequence[DayTotal], currency: str, amount: Callable[[DayTotal], Decimal]) -> Chart | None:
    """A chart of one amount of the days; None where all of them are zero.

    The period and the colours are those of all days, so that the charts of a kind can be laid side by side.
    """
    if not any(amount(day) for day in days):
        return None
    colours = palette(days)
    first, last = min(day.day for day in days), max(day.day for day in days)
    step = step_for(first, last)
    starts = list(step.starts(first, last))
    slot = 100 / len(starts)
    width = min(slot * FILL, WIDEST_BAR)
    stacks = _stacks(days, step, colours, amount)
    marks = tick_values(max(sum(stack.values(), Decimal(0)) for stack in stacks.values()), whole=not currency)
    bars = tuple(
        Bar(
            name=step.long_name(start),
            slot=round(place * slot, 3),
            x=round((place + 0.5) * slot - width / 2, 3),
            segments=_segments(stacks[start], colours, marks[-1]),
            total=sum(stacks[start].values(), Decimal(0)),
        )
        for place, start in enumerate(starts)
    )
    used = {segment.colour for bar in bars for segment in bar.segments}
    return Chart(
        kind=days[0].kind,
        currency=currency,
        step=step,
        first=first,
        last=last,
        bars=bars,
        slot_width=round(slot, 3),
        bar_width=round(width, 3),
        ticks=tuple(Tick(value, _y(value, marks[-1])) for value in marks),
        labels=_labels(step, starts),
        legend=tuple((colour, name) for colour, name in enumerate(colours.names) if colour in used),
        peak=max(bars, key=lambda bar: bar.total),
        total=sum((bar.total for bar in bars), Decimal(0)),
    )


def _stacks(
    days: Iterable[DayTotal], step: Step, colours: Palette, amount: Callable[[DayTotal], Decimal]
) -> dict[date, dict[int, Decimal]]:
    """Sums by the first day of the stretch and by colour."""
    sums: dict[date, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for day in days:
        sums[step.start(day.day)][colours.colours[day.label]] += amount(day)
    return sums


def _segments(stack: dict[int, Decimal], colours: Palette, top: Decimal) -> tuple[Segment, ...]:
    segments = []
    below = Decimal(0)
    for colour in sorted(stack):
        value = stack[colour]
        if value:
            y = _y(below + value, top)
            segments.append(Segment(colour, colours.names[colour], value, y, round(_y(below, top) - y, 2)))
        below += value
    return tuple(segments)


def _y(value: Decimal, top: Decimal) -> float:
    """Pixels from the plot's top, where `top` is marked, down to the value."""
    return round(float(HEIGHT * (1 - value / top)), 2)


def _labels(step: Step, starts: Sequence[date]) -> tuple[Label, ...]:
    every = -(-len(starts) // MOST_LABELS)
    slot = 100 / len(starts)
    return tuple(
        Label(step.short_name(starts[place]), round((place + 0.5) * slot, 3)) for place in range(0, len(starts), every)
    )


def tick_values(highest: Decimal, *, whole: bool) -> list[Decimal]:
    """Round numbers from zero to the first that is not below `highest`, which is above zero.

    Their distance is 1, 2 or 5 times a power of ten, and there are at most `MOST_TICKS` steps; `whole` keeps the
    distance from falling below one.
    """
    unit = Decimal(10) ** (highest / MOST_TICKS).adjusted()
    distance = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor * MOST_TICKS >= highest)
    if whole:
        distance = max(distance, Decimal(1))
    return [distance * place for place in range(int((highest / distance).to_integral_value(ROUND_CEILING)) + 1)]
