"""Times as Yandex reads them, and the kernels held equal to the references."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.columns import text_column
from csvexport.linting.catalogue import Fault
from csvexport.linting.moments import (
    Moments,
    in_seconds,
    judge_creation_times,
    judge_event_times,
    read_local,
    read_local_times,
    read_unix,
    read_unix_times,
)

ZONE = "Europe/Moscow"
NOW = int(datetime(2024, 6, 1, 9, tzinfo=UTC).timestamp())

UNIX = {
    "1717059600": (1717059600, Fault.NONE),
    "123456789": (123456789, Fault.NONE),
    "9999999999": (9999999999, Fault.NONE),
    "1717059600123": (1717059600, Fault.MILLISECONDS),
    "": (0, Fault.NONE),
    **dict.fromkeys(
        [
            *("12345678", "0717059600", "17170596001", "171705960012", "0717059600123", "17170596001234"),
            *(" 1717059600", "1717059600.0", "+1717059600", "-1717059600", "1,7E+9", "2024-05-30", "١٧١٧٠٥٩٦٠٠", "0"),
        ],
        (0, Fault.BAD_TIME),
    ),
}

LOCAL = {
    "2024-05-30 12:00:01": 1717059601,
    "2024-05-30 12:00": 1717059600,
    "30.05.2024 12:00:01": 1717059601,
    "30.05.2024 12:00": 1717059600,
    "30.05.24 12:00:01": 1717059601,
    "30.05.24 12:00": 1717059600,
    # A bare date is the end of its day, also of today's.
    "2024-06-01": 1717275599,
    "01.06.2024": 1717275599,
    "01.06.24": 1717275599,
}
REFUSED = [
    *("2024-05-30T12:00", "2024-05-30 12:00:00Z", "2024-05-30 12:00:00+03:00", "2024-05-30 12:00:00.5", "1717059600"),
    *("1.06.2024", "1.6.2024 12:00", "01.06.2024 9:00", "01/06/2024", "2024/06/01", "2024-06-31", "2024-06-01 24:00"),
    *(
        " 2024-06-01",
        "2024-06-01 ",
        "2024-06-01  12:00",
        "01.06.1969",
        "1969-01-01",
        "'2024-06-01",
        "00.00.0000",
        "today",
    ),
]


@pytest.mark.parametrize("text", UNIX)
def test_event_times_are_unix_seconds(text):
    assert read_unix(text) == UNIX[text]


@pytest.mark.parametrize("text", LOCAL)
def test_dates_are_read_in_the_spellings_of_yandex(text):
    assert read_local(text, ZONE) == (LOCAL[text], Fault.NONE)


@pytest.mark.parametrize("text", REFUSED)
def test_dates_in_other_spellings_are_refused(text):
    assert read_local(text, ZONE) == (0, Fault.BAD_TIME)


def test_dates_are_read_in_the_zone_of_the_counter():
    assert read_local("2024-05-30 12:00", "Asia/Vladivostok")[0] == 1717059600 - 7 * 3600
    # What the clock showed twice, or never, is a time all the same.
    assert read_local("2024-10-27 02:30:00", "Europe/Berlin")[1] is Fault.NONE
    assert read_local("2024-03-31 02:30:00", "Europe/Berlin")[1] is Fault.NONE


PARTS = st.sampled_from(
    [
        "2024-05-30",
        "30.05.2024",
        "30.05.24",
        " ",
        "12:00",
        ":00",
        "T",
        "Z",
        "1717059600",
        "123",
        "0",
        "-",
        "",
        "\n",
        "ё",
    ]
)
COLUMNS = st.lists(st.lists(PARTS, max_size=4).map("".join) | st.text(max_size=6), max_size=10)


@given(COLUMNS)
@example([*UNIX, *LOCAL, *REFUSED])
def test_kernel_and_reference_of_event_times_are_equal(texts):
    moments = read_unix_times(text_column(texts))
    assert list(zip(moments.unix.tolist(), moments.codes.tolist(), strict=True)) == list(map(read_unix, texts))


@given(COLUMNS, st.sampled_from([ZONE, "Europe/Berlin"]))
@example([*UNIX, *LOCAL, *REFUSED], ZONE)
def test_kernel_and_reference_of_dates_are_equal(texts, zone):
    moments = read_local_times(text_column(texts), zone)
    expected = [read_local(text, zone) for text in texts]
    assert list(zip(moments.unix.tolist(), moments.codes.tolist(), strict=True)) == expected


@given(COLUMNS)
@example([*UNIX])
def test_milliseconds_are_cut_and_nothing_else(texts):
    expected = [text[:-3] if read_unix(text)[1] is Fault.MILLISECONDS else text for text in texts]
    assert in_seconds(text_column(texts)).to_pylist() == expected


def judged(judge, *offsets, **options):
    """The faults of times that lie so many seconds from now."""
    unix = np.array([NOW + offset for offset in offsets])
    return [Fault(code) for code in judge(Moments(unix, np.zeros(len(unix), np.uint8)), NOW, **options)]


def test_event_times_are_past_and_not_older_than_21_days():
    day = 86400
    assert judged(judge_event_times, 0, 1, -21 * day, -21 * day - 1) == [
        *(Fault.NONE, Fault.FUTURE_TIME, Fault.NONE, Fault.OUTSIDE_WINDOW)
    ]


def test_orders_are_past_and_not_older_than_113_days():
    day = 86400
    offsets = (0, 1, -113 * day, -113 * day - 1)
    assert judged(judge_creation_times, *offsets, expires=True) == [
        *(Fault.NONE, Fault.FUTURE_TIME, Fault.NONE, Fault.TOO_OLD)
    ]
    assert judged(judge_creation_times, *offsets, expires=False) == [
        *(Fault.NONE, Fault.FUTURE_TIME, Fault.NONE, Fault.NONE)
    ]


def test_a_time_that_cannot_be_read_is_neither_old_nor_future():
    moments = Moments(np.array([0, 0, NOW + 9]), np.array([Fault.BAD_TIME, Fault.NONE, Fault.MILLISECONDS], np.uint8))
    for codes in (judge_event_times(moments, NOW), judge_creation_times(moments, NOW, expires=True)):
        assert codes.tolist() == [Fault.BAD_TIME, Fault.NONE, Fault.MILLISECONDS]
