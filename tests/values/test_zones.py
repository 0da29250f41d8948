import struct
import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.zones import DAY, END, Zone

EPOCH = datetime(1970, 1, 1)


def tz_file(name):
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def written_jumps(data):
    """The moments that a file of the tz database lists (RFC 8536, version 2 and later), from 1970 to 2099."""

    def counts(at):
        return struct.unpack(">6l", data[at + 20 : at + 44])

    in_utc, standard, leaps, times, types, letters = counts(0)
    second = 44 + times * 5 + types * 6 + letters + leaps * 8 + standard + in_utc
    times = counts(second)[3]
    moments = struct.unpack_from(f">{times}q", data, second + 44)
    return [moment for moment in moments if 2 * DAY <= moment < END - 2 * DAY]


@cache
def distinct_zones():
    """Every zone of the tz database, one of those that share a file, with the moments that its file lists."""
    files = {tz_file(name): name for name in sorted(zoneinfo.available_timezones())}
    return [(name, written_jumps(data)) for data, name in files.items()]


def shown(moment, zone):
    """What the clock shows, in seconds since 1970-01-01 00:00:00 on it."""
    return (datetime.fromtimestamp(moment, zone).replace(tzinfo=None) - EPOCH) // timedelta(seconds=1)


def moments_of(local, zone):
    """Unix seconds at the offsets before and after a jump, by zoneinfo; one second outside of gaps and overlaps."""
    clock = EPOCH + timedelta(seconds=local)
    return [int(clock.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)]


def test_every_zone_has_the_clocks_that_zoneinfo_has():
    random = np.random.default_rng(1)
    for name, jumps in distinct_zones():
        zone, table = ZoneInfo(name), Zone.named(name)
        near = [shown(jump + second, zone) + step for jump in jumps for second in (-1, 0) for step in (-1, 0, 1)]
        local = np.array([*near, *random.integers(2 * DAY, END - 3 * DAY, 50).tolist()])
        unix, codes = table.to_unix(local)
        first, second = np.array([moments_of(clock, zone) for clock in local.tolist()]).T
        assert np.array_equal(codes == Code.OVERLAPPING_TIME, first < second), name
        assert np.array_equal(codes == Code.MISSING_TIME, first > second), name
        missing = codes == Code.MISSING_TIME
        assert np.array_equal(unix[~missing], first[~missing]), name
        for clock, jump in zip(local[missing].tolist(), unix[missing].tolist(), strict=True):
            assert shown(jump - 1, zone) < clock < shown(jump, zone), name


def test_every_zone_has_the_dates_that_zoneinfo_has():
    random = np.random.default_rng(2)
    for name, jumps in distinct_zones():
        zone = ZoneInfo(name)
        near = [jump + step for jump in jumps for step in (-1, 0)]
        unix = np.array([*near, *random.integers(0, END - 3 * DAY, 50).tolist()])
        days = Zone.named(name).local_days(unix)
        assert days.dtype == np.int32
        assert days.tolist() == [shown(moment, zone) // DAY for moment in unix.tolist()], name


@pytest.mark.parametrize(
    ("name", "clock", "moment", "code"),
    [
        ("Europe/Berlin", "2024-03-31 01:59:59", "2024-03-31 00:59:59", Code.NONE),
        ("Europe/Berlin", "2024-03-31 02:00:00", "2024-03-31 01:00:00", Code.MISSING_TIME),
        ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:00:00", Code.MISSING_TIME),
        ("Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31 01:00:00", Code.NONE),
        ("Europe/Berlin", "2024-10-27 01:59:59", "2024-10-26 23:59:59", Code.NONE),
        ("Europe/Berlin", "2024-10-27 02:00:00", "2024-10-27 00:00:00", Code.OVERLAPPING_TIME),
        ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 00:30:00", Code.OVERLAPPING_TIME),
        ("Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27 02:00:00", Code.NONE),
        ("Europe/Moscow", "2014-10-26 01:30:00", "2014-10-25 21:30:00", Code.OVERLAPPING_TIME),
        ("Europe/Moscow", "2011-03-27 02:30:00", "2011-03-26 23:00:00", Code.MISSING_TIME),
        ("Australia/Lord_Howe", "2024-04-07 01:45:00", "2024-04-06 14:45:00", Code.OVERLAPPING_TIME),
        ("Australia/Lord_Howe", "2024-04-07 01:29:59", "2024-04-06 14:29:59", Code.NONE),
        ("Australia/Lord_Howe", "2024-10-06 02:15:00", "2024-10-05 15:30:00", Code.MISSING_TIME),
        ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 10:00:00", Code.MISSING_TIME),
        ("Africa/Monrovia", "1972-01-07 00:20:00", "1972-01-07 00:44:30", Code.MISSING_TIME),
    ],
)
@pytest.mark.parametrize("beside", [[], ["1971-01-01 00:00:00", "2098-12-31 23:59:59"]], ids=["alone", "in a column"])
def test_jumps_by_hand(name, clock, moment, code, beside):
    unix, codes = Zone.named(name).to_unix(np.array([clock, *beside], "datetime64[s]").astype(np.int64))
    assert (str(unix.astype("datetime64[s]")[0]).replace("T", " "), codes[0]) == (moment, code)
    assert (unix.dtype, codes.dtype) == (np.int64, np.uint8)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin"])
def test_an_empty_column_stays_empty(name):
    unix, codes = Zone.named(name).to_unix(np.zeros(0, np.int64))
    assert (len(unix), len(codes), len(Zone.named(name).local_days(unix))) == (0, 0, 0)


def test_a_zone_is_computed_once():
    assert Zone.named("Asia/Tokyo") is Zone.named("Asia/Tokyo")
    assert Zone.named("Asia/Tokyo").name == "Asia/Tokyo"


def test_a_zone_that_does_not_exist():
    with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
        Zone.named("Europe/Moskow")


def test_dates_by_hand():
    moments = [datetime(2024, 5, 31, 20, 59, 59, tzinfo=UTC), datetime(2024, 5, 31, 21, tzinfo=UTC)]
    days = Zone.named("Europe/Moscow").local_days(np.array([int(moment.timestamp()) for moment in moments]))
    assert days.astype("datetime64[D]").astype(str).tolist() == ["2024-05-31", "2024-06-01"]


ZONES = st.sampled_from(
    [
        *("UTC", "Europe/Moscow", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
        *("Pacific/Apia", "Africa/Monrovia", "Asia/Vladivostok", "Pacific/Kiritimati"),
    ]
)
MOMENTS = st.integers(1, END - 3 * DAY) | st.integers(1711846000, 1711848000) | st.sampled_from([1, 59, DAY - 1, DAY])


def written(moment, zone, form):
    return datetime.fromtimestamp(moment, ZoneInfo(zone)).strftime(form)


@given(ZONES, st.lists(MOMENTS, max_size=10))
def test_clocks_are_written_as_datetime_writes_them(name, moments):
    zone, unix = Zone.named(name), np.array(moments, np.int64)
    texts = zone.local_texts(unix)
    texts.validate(full=True)
    assert texts.to_pylist() == [written(moment, name, "%Y-%m-%d %H:%M:%S") for moment in moments]
    assert zone.local_dates(unix).to_pylist() == [written(moment, name, "%Y-%m-%d") for moment in moments]


def test_every_zone_writes_the_clocks_that_zoneinfo_has():
    for name, jumps in distinct_zones():
        near = [jump + step for jump in jumps for step in (-1, 0) if jump + step > 0]
        assert Zone.named(name).local_texts(np.array(near, np.int64)).to_pylist() == [
            written(moment, name, "%Y-%m-%d %H:%M:%S") for moment in near
        ], name


@given(ZONES, st.lists(MOMENTS, min_size=1, max_size=10))
def test_what_a_clock_showed_once_leads_back_to_its_moment(name, moments):
    zone, unix = Zone.named(name), np.array(moments, np.int64)
    local = np.array(zone.local_texts(unix).to_pylist(), "datetime64[s]").astype(np.int64)
    back, codes = zone.to_unix(local)
    assert not np.any(codes == Code.MISSING_TIME)
    once = codes == Code.NONE
    assert back[once].tolist() == unix[once].tolist()
    assert np.all(back[~once] <= unix[~once])


def test_clocks_by_hand():
    moments = np.array([1711846799, 1711846800, 1], np.int64)
    assert Zone.named("Europe/Berlin").local_texts(moments).to_pylist() == [
        *("2024-03-31 01:59:59", "2024-03-31 03:00:00", "1970-01-01 01:00:01"),
    ]
    assert Zone.named("America/New_York").local_texts(moments[2:]).to_pylist() == ["1969-12-31 19:00:01"]
    assert Zone.named("UTC").local_texts(moments[:0]).to_pylist() == []
    assert Zone.named("UTC").local_dates(moments[:0]).to_pylist() == []
