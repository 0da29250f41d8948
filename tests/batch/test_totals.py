from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport.batch import totals as module
from csvexport.batch.totals import Totals
from csvexport.summary import DayTotal, MatchQuality, TagTotal
from csvexport.transform.results import HAS_CLIENT_ID, HAS_CONTACT, IS_OLD, facts_of

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


def facts(lines, *names):
    """Give facts from lines of what these names say."""
    columns = zip(*lines, strict=True) if lines else [()] * len(names)
    return facts_of(len(lines), **{name: np.array(cells) for name, cells in zip(names, columns, strict=True)})


def totalled(blocks):
    totals = Totals("conversions", TARGETS, CURRENCIES)
    for block in blocks:
        totals.add(facts(block, "day", "label", "currency", "micro"))
    assert totals.match_quality() is None
    assert totals.tags([()]) == ()
    return totals.days()


def expected(blocks):
    sums = defaultdict(lambda: (0, Decimal(0)))
    for day, target, currency, micro in (line for block in blocks for line in block):
        key = (date(1970, 1, 1) + timedelta(days=day), TARGETS[target], CURRENCIES[currency])
        count, revenue = sums[key]
        sums[key] = (count + 1, revenue + (Decimal(micro).scaleb(-6) if micro >= 0 else 0))
    return tuple(DayTotal("conversions", *key, *value) for key, value in sorted(sums.items()))


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
    assert (total.records, total.revenue) == (count, Decimal(count * micro).scaleb(-6))


def test_a_conversion_without_a_price_counts_and_brings_nothing():
    (total,) = totalled([[(1, 1, 1, -1), (1, 1, 1, -1)], [(1, 1, 1, 1_500_000)]])
    assert (total.records, str(total.revenue)) == (3, "1.5")


def test_without_lines_there_are_no_totals():
    assert totalled([]) == totalled([[]]) == ()


def test_days_come_in_order_then_goals_then_currencies():
    totals = Totals("conversions", ["b", "a"], ["RUB", "EUR"])
    for day in (3, 1):
        for label, currency in ((0, 0), (1, 0), (1, 1)):
            totals.add(facts([(day, label, currency, 5)], "day", "label", "currency", "micro"))
    found = [(each.day.day, each.label, each.currency) for each in totals.days()]
    assert found == [(day, *rest) for day in (2, 4) for rest in (("a", "EUR"), ("a", "RUB"), ("b", "RUB"))]


TAGS = [("yandex", "cpc", "spring"), ("yandex", "cpc", ""), ("", "", "")]

TAGGED = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1), st.integers(-1, 5) | st.just(LARGEST)),
    max_size=20,
)


@given(st.sampled_from(["orders", "deals"]), st.lists(TAGGED, max_size=4))
def test_sums_are_exact_by_status_and_advertisement(kind, blocks):
    totals = Totals(kind, TARGETS, CURRENCIES)
    sums = defaultdict(lambda: (0, Decimal(0)))
    for block in blocks:
        totals.add(facts(block, "tag", "label", "currency", "micro"))
        for tag, label, currency, micro in block:
            key = TARGETS[label], CURRENCIES[currency], TAGS[tag]
            count, revenue = sums[key]
            sums[key] = (count + 1, revenue + (Decimal(micro).scaleb(-6) if micro >= 0 else 0))
    found = totals.tags(TAGS)
    assert sorted(found, key=repr) == sorted((TagTotal(kind, *key, *value) for key, value in sums.items()), key=repr)
    assert [each.records for each in found] == sorted((each.records for each in found), reverse=True)


FLAGS = st.lists(st.sets(st.sampled_from([HAS_CLIENT_ID, HAS_CONTACT, IS_OLD])).map(sum), max_size=30)


@given(st.sampled_from(["orders", "contacts"]), st.lists(FLAGS, max_size=3))
def test_match_quality_counts_by_what_the_clients_are_found(kind, blocks):
    totals = Totals(kind, TARGETS, CURRENCIES)
    for block in blocks:
        totals.add(facts([(flags,) for flags in block], "flags"))
    flags = [flags for block in blocks for flags in block]
    assert totals.match_quality() == MatchQuality(
        records=len(flags),
        client_id=sum(bool(one & HAS_CLIENT_ID) for one in flags),
        contact=sum(bool(one & HAS_CONTACT) for one in flags),
        both=sum(one & 3 == HAS_CLIENT_ID | HAS_CONTACT for one in flags),
        old=sum(bool(one & IS_OLD) for one in flags),
    )


@pytest.mark.parametrize("kind", ["conversions", "calls", "deals"])
def test_match_quality_is_no_question_of_other_kinds(kind):
    totals = Totals(kind, TARGETS, CURRENCIES)
    totals.add(facts([(3,)], "flags"))
    assert totals.match_quality() is None
