from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport.batch import totals as module
from csvexport.batch.totals import Totals
from csvexport.summary import DayTotal

TARGETS = [f"goal_{number}" for number in range(40)]
CURRENCIES = [f"C{number:02}" for number in range(60)]

# The largest price that fits: 9223372036854.775807.
LARGEST = 2**63 - 1

LINE = st.tuples(
    st.integers(-1, 3) | st.integers(-1, 47_500),
    st.integers(0, 2) | st.integers(0, 39),
    st.integers(0, 1) | st.integers(0, 59),
    st.sampled_from([-1, 0, 1, LARGEST]) | st.integers(-1, LARGEST),
)
BLOCKS = st.lists(st.lists(LINE, max_size=30), max_size=5)


def totalled(blocks):
    totals = Totals(TARGETS, CURRENCIES)
    for block in blocks:
        day, target, currency, micro = zip(*block, strict=True) if block else ((), (), (), ())
        totals.add(
            np.array(day, np.int32),
            np.array(target, np.int16),
            np.array(currency, np.int16),
            np.array(micro, np.int64),
        )
    return totals.days()


def expected(blocks):
    sums = defaultdict(lambda: (0, Decimal(0)))
    for day, target, currency, micro in (line for block in blocks for line in block):
        key = (date(1970, 1, 1) + timedelta(days=day), TARGETS[target], CURRENCIES[currency])
        count, revenue = sums[key]
        sums[key] = (count + 1, revenue + (Decimal(micro).scaleb(-6) if micro >= 0 else 0))
    return tuple(DayTotal(*key, *value) for key, value in sorted(sums.items()))


@pytest.mark.parametrize("direct", [module.DIRECT, 50, 0])
@given(BLOCKS)
def test_sums_are_exact_by_day_goal_and_currency(direct, blocks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DIRECT", direct)
        assert totalled(blocks) == expected(blocks)


@settings(max_examples=10)
@given(st.integers(1, 3000), st.integers(LARGEST - 10, LARGEST))
def test_many_of_the_largest_price_are_summed_exactly(count, micro):
    (total,) = totalled([[(0, 0, 0, micro)] * count])
    assert (total.conversions, total.revenue) == (count, Decimal(count * micro).scaleb(-6))


def test_a_conversion_without_a_price_counts_and_brings_nothing():
    (total,) = totalled([[(1, 1, 1, -1), (1, 1, 1, -1)], [(1, 1, 1, 1_500_000)]])
    assert (total.conversions, str(total.revenue)) == (3, "1.5")


def test_without_lines_there_are_no_totals():
    assert totalled([]) == totalled([[]]) == ()


def test_days_come_in_order_then_goals_then_currencies():
    totals = Totals(["b", "a"], ["RUB", "EUR"])
    for day in (3, 1):
        for target, currency in ((0, 0), (1, 0), (1, 1)):
            columns = (np.array([target], np.int16), np.array([currency], np.int16), np.array([5], np.int64))
            totals.add(np.array([day], np.int32), *columns)
    found = [(each.day.day, each.target, each.currency) for each in totals.days()]
    assert found == [(day, *rest) for day in (2, 4) for rest in (("a", "EUR"), ("a", "RUB"), ("b", "RUB"))]
