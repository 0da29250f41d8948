import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.profile import Since, Until
from csvexport.profile.period import PATTERN

NOW = datetime(2024, 6, 1, 9, 0, 0, 900_000, UTC)


def moment(end, zone, now=NOW):
    return datetime.fromtimestamp(end.bound(now, ZoneInfo(zone)), UTC).isoformat().removesuffix("+00:00")


@pytest.mark.parametrize(
    ("day", "zone", "first", "last"),
    [
        ("2024-05-31", "UTC", "2024-05-31T00:00:00", "2024-05-31T23:59:59"),
        ("2024-05-31", "Europe/Moscow", "2024-05-30T21:00:00", "2024-05-31T20:59:59"),
        # 23 and 25 hours
        ("2024-03-31", "Europe/Berlin", "2024-03-30T23:00:00", "2024-03-31T21:59:59"),
        ("2024-10-27", "Europe/Berlin", "2024-10-26T22:00:00", "2024-10-27T22:59:59"),
        # the clock skips midnight, and the last hour comes twice
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00", "2018-11-05T01:59:59"),
        ("2018-02-17", "America/Sao_Paulo", "2018-02-17T02:00:00", "2018-02-18T02:59:59"),
        # midnight comes twice
        ("2023-11-05", "America/Havana", "2023-11-05T04:00:00", "2023-11-06T04:59:59"),
        # the clock skips the last hour
        ("2024-03-30", "America/Nuuk", "2024-03-30T02:00:00", "2024-03-31T00:59:59"),
    ],
)
def test_a_date_begins_and_ends_as_its_zone_has_it(day, zone, first, last):
    assert moment(Since.parse(day), zone) == first
    assert moment(Until.parse(date.fromisoformat(day)), zone) == last


@pytest.mark.parametrize("end", [Since, Until])
def test_days_count_back_from_now(end):
    assert moment(end.parse("21d"), "Europe/Moscow") == "2024-05-11T09:00:00"
    assert moment(end.parse("0d"), "Europe/Moscow") == "2024-06-01T09:00:00"


@given(st.dates(), st.sampled_from(["UTC", "Europe/Moscow", "Pacific/Apia", "America/Los_Angeles"]))
def test_any_date_has_a_first_and_a_last_second(day, name):
    zone = ZoneInfo(name)
    assert Since(day).bound(NOW, zone) <= Until(day).bound(NOW, zone)


@given(st.dates() | st.integers(0, 99_999))
def test_an_end_is_written_as_it_is_read(value):
    for kind in (Since, Until):
        assert kind.parse(str(kind(value))) == kind(value)


@given(
    st.text().filter(lambda text: not re.fullmatch(PATTERN, text))
    | st.integers()
    | st.datetimes()
    | st.booleans()
    | st.floats()
    | st.none()
)
def test_anything_else_is_refused(value):
    with pytest.raises(ValueError, match="must be a date such as 2024-05-31"):
        Since.parse(value)
