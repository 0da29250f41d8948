from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.charts import (
    COLOURS,
    HEIGHT,
    MOST_BARS,
    MOST_TICKS,
    Chart,
    Step,
    currencies,
    palette,
    records_chart,
    revenue_charts,
    step_for,
    tick_values,
)
from csvexport.summary import DayTotal

DATES = st.dates(date(1970, 1, 1), date(2030, 12, 31))
PERIODS = st.tuples(DATES, DATES).map(sorted)
DAYS = st.lists(
    st.builds(
        DayTotal,
        kind=st.just("conversions"),
        day=DATES,
        label=st.sampled_from([f"goal_{number}" for number in range(12)]),
        currency=st.sampled_from(["RUB", "KZT", "EUR", "USD"]),
        records=st.integers(1, 10**7),
        revenue=st.decimals(0, 10**12, places=2),
    ),
    min_size=1,
    max_size=40,
)


def total(day, label="order_paid", records=1, revenue="0", **more):
    facts = {"kind": "conversions", "currency": "RUB"} | more
    return DayTotal(day=day, label=label, records=records, revenue=Decimal(revenue), **facts)


def outlines(chart: Chart):
    """(y, height) of all segments of a chart, by bar."""
    return [[(segment.y, segment.height) for segment in bar.segments] for bar in chart.bars]


@given(DAYS)
def test_bars_add_up_to_the_records(days):
    chart = records_chart(days)
    assert sum(segment.value for bar in chart.bars for segment in bar.segments) == sum(day.records for day in days)
    assert chart.total == sum(bar.total for bar in chart.bars)


@given(DAYS)
def test_bars_add_up_to_the_revenue_of_their_currency(days):
    for chart in revenue_charts(days):
        expected = sum(day.revenue for day in days if day.currency == chart.currency)
        assert sum(segment.value for bar in chart.bars for segment in bar.segments) == expected


@given(DAYS)
def test_bars_stay_inside_the_plot_and_stand_on_each_other(days):
    for chart in (records_chart(days), *revenue_charts(days)):
        assert len(chart.bars) <= MOST_BARS
        for bar in chart.bars:
            assert 0 <= bar.x <= bar.x + chart.bar_width <= 100.01
            assert sum(segment.height for segment in bar.segments) <= HEIGHT + 0.1
            floor = HEIGHT
            for segment in bar.segments:
                assert segment.y + segment.height == pytest.approx(floor, abs=0.02)
                floor = segment.y


@given(PERIODS)
def test_stretches_follow_each_other_and_cover_the_period(period):
    first, last = period
    for step in Step:
        starts = list(step.starts(first, last))
        assert starts[0] <= first
        assert starts[-1] <= last
        assert all(step.start(start) == start for start in starts)
        assert all(step.start(after - timedelta(days=1)) == before for before, after in zip(starts, starts[1:]))  # noqa: B905, RUF007
        assert step.start(last) == starts[-1]


@given(PERIODS)
def test_no_shorter_step_would_do(period):
    step = step_for(*period)
    shorter = list(Step)[: list(Step).index(step)]
    assert all(len(list(other.starts(*period))) > MOST_BARS for other in shorter)


@pytest.mark.parametrize(
    ("days", "step"),
    [
        (1, "day"),
        (60, "day"),
        (61, "week"),
        (400, "week"),
        (3 * 365, "month"),
        (20 * 365, "year"),
        (61 * 366, "decade"),
    ],
)
def test_a_long_period_is_grouped(days, step):
    assert step_for(date(2024, 1, 1), date(2024, 1, 1) + timedelta(days=days - 1)) == step


@pytest.mark.parametrize(
    ("step", "start", "long", "short"),
    [
        (Step.DAY, date(2024, 6, 3), "3 Jun 2024", "3 Jun"),
        (Step.WEEK, date(2024, 6, 3), "week from 3 Jun 2024", "3 Jun"),
        (Step.MONTH, date(2024, 6, 1), "Jun 2024", "Jun 2024"),
        (Step.QUARTER, date(2024, 4, 1), "Q2 2024", "Q2 2024"),
        (Step.YEAR, date(2024, 1, 1), "2024", "2024"),
    ],
)
def test_a_stretch_has_a_long_and_a_short_name(step, start, long, short):
    assert (step.long_name(start), step.short_name(start)) == (long, short)


@pytest.mark.parametrize(
    ("highest", "whole", "expected"),
    [
        ("1", True, "0 1"),
        ("3", True, "0 1 2 3"),
        ("5", True, "0 2 4 6"),
        ("80", True, "0 20 40 60 80"),
        ("81", True, "0 50 100"),
        ("0.05", False, "0 0.02 0.04 0.06"),
        ("1234567.89", False, "0 500000 1000000 1500000"),
    ],
)
def test_ticks_are_round_numbers(highest, whole, expected):
    assert tick_values(Decimal(highest), whole=whole) == [Decimal(text) for text in expected.split()]


@given(st.decimals("0.000001", 10**20, places=6), st.booleans())
def test_ticks_reach_the_highest_bar(highest, whole):
    ticks = tick_values(highest, whole=whole)
    assert ticks[-2] < highest <= ticks[-1]
    assert len(ticks) <= MOST_TICKS + 1


def test_a_day_without_records_keeps_its_place():
    chart = records_chart([total(date(2024, 6, 1)), total(date(2024, 6, 3), records=2)])
    assert [(bar.name, bar.total) for bar in chart.bars] == [("1 Jun 2024", 1), ("2 Jun 2024", 0), ("3 Jun 2024", 2)]
    assert outlines(chart) == [[(90.0, 90.0)], [], [(0.0, 180.0)]]
    assert chart.peak.name == "3 Jun 2024"


def test_the_most_frequent_goal_stands_at_the_bottom():
    days = [total(date(2024, 6, 1), "lead_qualified", 1), total(date(2024, 6, 1), "order_paid", 3)]
    chart = records_chart(days)
    assert chart.legend == ((0, "order_paid"), (1, "lead_qualified"))
    assert [segment.name for segment in chart.bars[0].segments] == ["order_paid", "lead_qualified"]


def test_goals_beyond_the_colours_share_the_last_one():
    days = [total(date(2024, 6, 1), f"goal_{number:02}", 20 - number) for number in range(12)]
    assert palette(days).names == (*(f"goal_{number:02}" for number in range(COLOURS - 1)), "6 other goals")
    assert records_chart(days).bars[0].segments[-1].value == sum(20 - number for number in range(6, 12))


@pytest.mark.parametrize(("kind", "rest"), [("conversions", "goals"), ("orders", "statuses"), ("deals", "statuses")])
def test_what_shares_a_colour_is_named_by_its_kind(kind, rest):
    days = [total(date(2024, 6, 1), f"label_{number}", kind=kind) for number in range(COLOURS + 1)]
    assert palette(days).names[-1] == f"2 other {rest}"


def test_a_chart_says_of_which_kind_it_is():
    days = [total(date(2024, 6, 1), "PAID", 2, "10", kind="orders")]
    assert [chart.kind for chart in (records_chart(days), *revenue_charts(days))] == ["orders", "orders"]


def test_as_many_goals_as_colours_keep_their_names():
    days = [total(date(2024, 6, 1), f"goal_{number}") for number in range(COLOURS)]
    assert palette(days).names == tuple(f"goal_{number}" for number in range(COLOURS))


def test_a_goal_has_the_same_colour_in_every_chart():
    day = date(2024, 6, 1)
    days = [total(day, "lead_qualified", 5), total(day, "order_paid", 2, "9900.00")]
    assert records_chart(days).legend == ((0, "lead_qualified"), (1, "order_paid"))
    assert revenue_charts(days)[0].legend == ((1, "order_paid"),)


def test_currencies_come_by_records_and_three_are_drawn():
    day = date(2024, 6, 1)
    days = [
        total(day, "a", count, "1", currency=code) for code, count in (("EUR", 1), ("RUB", 9), ("KZT", 5), ("USD", 2))
    ]
    days.append(total(day, "a", 99, "0", currency="BYN"))
    assert currencies(days) == ["RUB", "KZT", "USD", "EUR"]
    assert [chart.currency for chart in revenue_charts(days)] == ["RUB", "KZT", "USD"]


def test_there_is_no_chart_of_nothing():
    assert records_chart([]) is None
    assert revenue_charts([total(date(2024, 6, 1))]) == []
