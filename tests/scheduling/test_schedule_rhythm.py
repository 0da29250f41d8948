"""When runs begin: evenly over the day, and at other moments for every profile."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.errors import UsageError
from csvexport.scheduling.rhythm import Rhythm

EVERY = {
    **{f"{minutes}m": minutes for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{f"{hours}h": hours * 60 for hours in (1, 2, 3, 4, 6, 8, 12)},
    "1d": 1440,
}


def moments(rhythm):
    """Read the fields as cron does."""
    hours, minutes = (
        range(count) if field == "*" else [int(number) for number in field.split(",")]
        for field, count in ((rhythm.hours, 24), (rhythm.minutes, 60))
    )
    return [hour * 60 + minute for hour, minute in product(hours, minutes)]


@pytest.mark.parametrize("every", EVERY)
@given(at=st.none() | st.tuples(st.integers(0, 23), st.integers(0, 59)), name=st.text())
def test_runs_begin_evenly_over_the_day_and_at_the_moment_that_was_named(every, at, name):
    rhythm = Rhythm.parse(every, None if at is None else f"{at[0]:02}:{at[1]:02}", name)
    assert moments(rhythm) == [*range(rhythm.first, 1440, EVERY[every])]
    assert len(moments(rhythm)) == 1440 // EVERY[every]
    assert rhythm.clock == f"{rhythm.first // 60:02}:{rhythm.first % 60:02}"
    assert at is None or at[0] * 60 + at[1] in moments(rhythm)
    assert rhythm.is_daily == (every == "1d")


def test_profiles_begin_at_moments_of_their_own_that_stay():
    firsts = [Rhythm.parse("1h", None, f"shop {number}").first for number in range(600)]
    assert len(set(firsts)) == 60
    assert max(firsts.count(first) for first in set(firsts)) < 30
    daily = [Rhythm.parse("1d", None, f"shop {number}").clock for number in range(600)]
    assert {clock[:2] for clock in daily} == {"06"}
    assert Rhythm.parse("1d", None, "shop").clock == "06:32"


@pytest.mark.parametrize("every", ["7m", "60m", "24h", "5h", "2d", "0m", "15", "m", "", "15 m", "1H", "-1h"])
def test_a_rhythm_that_does_not_divide_the_day_is_refused_with_those_that_do(every):
    with pytest.raises(UsageError) as caught:
        Rhythm.parse(every, None, "shop")
    head = f'--every: "{every}" divides neither hour nor day; it may be '
    assert str(caught.value) == head + ", ".join([*EVERY][:-1]) + " or 1d"


@pytest.mark.parametrize("at", ["24:00", "6", "6:5", "06:60", "06.30", "", "06:30:00", "٠٦:٣٠", "06:30\n"])
def test_what_is_no_time_of_day_is_refused(at):
    with pytest.raises(UsageError, match=re.escape(f'--at: "{at}" is no time of day; write it as 06:30')):
        Rhythm.parse("1d", at, "shop")


@pytest.mark.parametrize(
    ("every", "at", "minutes", "hours"),
    [
        ("1m", "06:30", "*", "*"),
        ("15m", "06:33", "3,18,33,48", "*"),
        ("1h", "6:07", "7", "*"),
        ("6h", "20:30", "30", "2,8,14,20"),
        ("1d", "06:30", "30", "6"),
        ("1d", "00:00", "0", "0"),
    ],
)
def test_moments_are_written_as_cron_reads_them(every, at, minutes, hours):
    rhythm = Rhythm.parse(every, at, "shop")
    assert (rhythm.minutes, rhythm.hours) == (minutes, hours)
