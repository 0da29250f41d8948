import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values import times
from csvexport.values.times import TimeRule, read_time, read_times
from csvexport.values.zones import DAY, jump_between

MOSCOW = TimeRule("Europe/Moscow")
BERLIN = TimeRule("Europe/Berlin")
NOON = int(datetime(2024, 5, 31, 9, tzinfo=UTC).timestamp())  # in Moscow

# What the kernel reads by itself.
CANONICAL = [
    *(f"%d.%m.{year}{clock}" for year in ("%Y", "%y") for clock in ("", " %H:%M", " %H:%M:%S")),
    *(f"%Y-%m-%d{blank}%H:%M{second}" for blank in " T" for second in ("", ":%S", ":%S.123", ":%S.%f")),
    *(f"%Y-%m-%dT%H:%M:%S{zone}" for zone in ("Z", "+03:00", "-0330", "+05", " +0300", ".%f-03:00")),
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M+14:00",
]

# Formats, some of which read texts of full width in another way than it seems.
FORMATS = [
    "%m/%d/%Y %H:%M",
    "%d/%m/%y",
    "%Y%m%dT%H%M%S",
    "%d%m%Y%H%M%S",
    "%d.%m.%Y г. в %H:%M:%S",
    "%H:%M %d.%m.%Y",
    "%d %b %Y %I:%M %p",
    "%A, %d %B %Y",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%d%z",
    "%Y %j %H",
    "%f%d%m%Y",
    "%z%d%m%Y%H%M",
    "%d%m%Y%f",
    "%Y %y-%m-%d",
    "%d%%%m%%%Y",
    "%d  %m\t%Y",
    "'%d.%m.%Y",
    "''%d.%m.%Y",
    '="%d.%m.%Y"',
    " %d.%m.%Y ",
    "%s",
]


def read(text, rule):
    """What the reference reads, after making sure that the kernel reads the same."""
    unix, code = read_time(text, rule)
    column = read_times(pa.array([text], pa.string()), rule)
    assert (column.unix.tolist(), column.codes.tolist()) == ([unix or 0], [code])
    assert (unix is None) == (code in {Code.EMPTY_TIME, Code.BAD_TIME})
    return unix, code


def moment(text):
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-31 14:05:09", "2024-05-31 11:05:09"),
        ("2024-05-31T14:05:09", "2024-05-31 11:05:09"),
        ("2024-05-31 14:05", "2024-05-31 11:05:00"),
        ("2024-05-31 14:05:09.999999999", "2024-05-31 11:05:09"),
        ("2024-05-31T14:05:09Z", "2024-05-31 14:05:09"),
        ("2024-05-31T14:05Z", "2024-05-31 14:05:00"),
        ("2024-05-31T14:05:09.123Z", "2024-05-31 14:05:09"),
        ("2024-05-31T14:05:09+05:30", "2024-05-31 08:35:09"),
        ("2024-05-31T14:05:09-0930", "2024-05-31 23:35:09"),
        ("2024-05-31 14:05:09+03", "2024-05-31 11:05:09"),
        ("2024-05-31 14:05:09 +0300", "2024-05-31 11:05:09"),
        ("2024-05-31 14:05:09 Z", "2024-05-31 14:05:09"),
        ("31.05.2024 14:05:09", "2024-05-31 11:05:09"),
        ("31.05.2024 14:05", "2024-05-31 11:05:00"),
        ("31.05.24 14:05:09", "2024-05-31 11:05:09"),
        ("1.5.2024 3:05", "2024-05-01 00:05:00"),
        ("1.5.24 3:05:07", "2024-05-01 00:05:07"),
        ("29.02.2024 12:00", "2024-02-29 09:00:00"),
        ("05.01.70 12:00", "1970-01-05 09:00:00"),
        ("05.01.69 12:00", "2069-01-05 09:00:00"),
        ("31.12.99 12:00", "1999-12-31 09:00:00"),
        ("31.12.2099 23:59:59", "2099-12-31 20:59:59"),
        ("1717153509", "2024-05-31 11:05:09"),
        ("100000000", "1973-03-03 09:46:40"),
        ("1717153509999", "2024-05-31 11:05:09"),
        ("100000000000", "1973-03-03 09:46:40"),
        ("4102444799", "2099-12-31 23:59:59"),
    ],
)
@pytest.mark.parametrize("shell", ["{}", " \u00a0{}\u202f\t", "'{}", '="{}"', ' =" {} " '])
def test_spellings(text, expected, shell):
    assert read(shell.format(text), MOSCOW) == (moment(expected), Code.NONE)


@pytest.mark.parametrize(
    "text",
    [
        "05/31/2024",
        "31/05/2024 14:05",
        "00.00.0000 00:00:00",
        "0000-00-00 00:00:00",
        "31.05.2024 24:00",
        "31.05.2024 24:00:00",
        "31.05.2024 14:60:00",
        "31.05.2024 14:05:60",
        "31.05.2024 14",
        "31.05.2024  14:05",
        "31.05.2024T14:05",
        "31.05.2024 14:05Z",
        "31.05.2024 14:5",
        "31.05.024",
        "29.02.2023",
        "31.04.2024",
        "32.01.2024",
        "01.13.2024",
        "2024-5-31",
        "2024-05-31 1:05",
        "2024-05-31 24:00",
        "2024-05-31Z",
        "2024-05-31 14:05:09+24:00",
        "2024-05-31 14:05:09+03:60",
        "2024-05-31 14:05:09,03:00",
        "2024-05-31 14:05:09/0300",
        "2024-05-31 14:05:09 MSK",
        "2024-05-31 14:05:09,123",
        "20240531",
        "20240531140509",
        "01.01.1970 02:59:59",
        "01.01.1970 03:00:00",
        "1970-01-01T00:00:00Z",
        "31.12.1969 23:59:59",
        "01.01.2100",
        "2100-01-01 00:00",
        "0",
        "99999999",
        "0717153509",
        "017171535090",
        "17171535090",
        "4102444800",
        "9999999999999",
        "1717153509.5",
        "-1717153509",
        "45443.5",
        "٣١.٠٥.٢٠٢٤",
        "31.05.2024\n14:05",
        "today",
    ],
)
def test_what_would_be_a_guess(text):
    assert read(text, MOSCOW) == (None, Code.BAD_TIME)


@pytest.mark.parametrize("text", ["", " ", "\u00a0\t", "'", '=""', '=" "', "\ufeff"])
def test_empty_cells(text):
    assert read(text, MOSCOW) == (None, Code.EMPTY_TIME)


@pytest.mark.parametrize(
    ("zone", "text", "expected", "code"),
    [
        ("Europe/Berlin", "2024-03-31 02:30", "2024-03-31 01:00:00", Code.MISSING_TIME),
        ("Europe/Berlin", "31.03.2024 02:00:00", "2024-03-31 01:00:00", Code.MISSING_TIME),
        ("Europe/Berlin", "31.03.2024 2:59", "2024-03-31 01:00:00", Code.MISSING_TIME),
        ("Europe/Berlin", "2024-03-31 03:00", "2024-03-31 01:00:00", Code.NONE),
        ("Europe/Berlin", "2024-10-27 02:30", "2024-10-27 00:30:00", Code.OVERLAPPING_TIME),
        ("Europe/Berlin", "27.10.2024 2:30", "2024-10-27 00:30:00", Code.OVERLAPPING_TIME),
        ("Europe/Berlin", "2024-10-27T02:30+01:00", "2024-10-27 01:30:00", Code.NONE),
        ("Europe/Berlin", "2024-10-27 03:00", "2024-10-27 02:00:00", Code.NONE),
        ("Europe/Moscow", "2014-10-26 01:30", "2014-10-25 21:30:00", Code.OVERLAPPING_TIME),
        ("Australia/Lord_Howe", "2024-04-07 01:45", "2024-04-06 14:45:00", Code.OVERLAPPING_TIME),
        ("Australia/Lord_Howe", "2024-10-06 02:15", "2024-10-05 15:30:00", Code.MISSING_TIME),
        ("Australia/Lord_Howe", "6.10.2024 2:15", "2024-10-05 15:30:00", Code.MISSING_TIME),
    ],
)
def test_gaps_and_overlaps(zone, text, expected, code):
    assert read(text, TimeRule(zone)) == (moment(expected), code)


@pytest.mark.parametrize("text", ["30.05.2024", "2024-05-30", "30.05.24", "30.5.2024"])
def test_a_bare_date_is_the_end_of_that_day(text):
    rule = TimeRule("Europe/Moscow", now=NOON)
    assert read(text, rule) == (moment("2024-05-30 20:59:59"), Code.NONE)


@pytest.mark.parametrize("text", ["31.05.2024", "2024-05-31", "31.05.24", "31.5.2024"])
@pytest.mark.parametrize("now", ["2024-05-30 21:00:00", "2024-05-31 09:00:00", "2024-05-31 20:59:59"])
def test_a_bare_date_of_today_is_the_end_of_that_day_too_and_told(text, now):
    """In the zone it is May 31 from 21:00 of the day before until 21:00."""
    code = Code.UNFINISHED_DAY if now < "2024-05-31 20:59:59" else Code.NONE
    assert read(text, TimeRule("Europe/Moscow", now=moment(now))) == (moment("2024-05-31 20:59:59"), code)


@pytest.mark.parametrize("now", ["2024-05-30 20:59:59", "2024-05-31 21:00:00"])
def test_a_bare_date_is_not_today_on_the_days_beside(now):
    rule = TimeRule("Europe/Moscow", now=moment(now))
    assert read("31.05.2024", rule) == (moment("2024-05-31 20:59:59"), Code.NONE)


@pytest.mark.parametrize(
    ("form", "text", "end"),
    [
        ("%m/%d/%Y", "05/31/2024", "2024-05-31 20:59:59"),
        ("%Y-%m-%d%z", "2024-05-31+05:00", "2024-05-31 18:59:59"),
        ("%Y-%m-%d %z", "2024-05-31 -1000", "2024-06-01 09:59:59"),
    ],
)
def test_today_is_judged_where_the_cell_was_written(form, text, end):
    """A date may name an offset of its own."""
    end = moment(end)
    codes = {
        end - DAY: Code.NONE,
        end - DAY + 1: Code.UNFINISHED_DAY,
        end - 1: Code.UNFINISHED_DAY,
        end: Code.NONE,
        end + 1: Code.NONE,
    }
    for now, code in codes.items():
        assert read(text, TimeRule("Europe/Moscow", form, now)) == (end, code)


@pytest.mark.parametrize(
    "text", ["2024-05-31 23:59:59", "31.05.2024 23:59:59", "1717189199", "2024-05-31T23:59:59+03:00"]
)
def test_a_time_of_day_is_never_an_unfinished_day(text):
    rule = TimeRule("Europe/Moscow", now=NOON)
    assert read(text, rule) == (moment("2024-05-31 20:59:59"), Code.NONE)


@pytest.mark.parametrize(
    ("zone", "text", "expected", "code"),
    [
        ("Asia/Beirut", "2023-10-28", "2023-10-28 20:59:59", Code.OVERLAPPING_TIME),
        ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00:00", Code.MISSING_TIME),
    ],
)
def test_a_bare_date_whose_end_the_clock_showed_twice_or_never(zone, text, expected, code):
    assert read(text, TimeRule(zone)) == (moment(expected), code)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%m/%d/%Y %H:%M", "05/31/2024 14:05", "2024-05-31 11:05:00"),
        ("%m/%d/%Y %H:%M", "5/31/2024 4:05", "2024-05-31 01:05:00"),
        ("%m/%d/%Y %H:%M", "'05/31/2024   14:05 ", "2024-05-31 11:05:00"),
        ("%m/%d/%Y", "05/31/2024", "2024-05-31 20:59:59"),
        ("%Y-%m-%d %H:%M:%S %z", "2024-05-31 14:05:09 +0500", "2024-05-31 09:05:09"),
        ("%Y-%m-%d %H:%M:%S %z", "2024-05-31 14:05:09 Z", "2024-05-31 14:05:09"),
        ("%Y-%m-%d%z", "2024-05-31+05:00", "2024-05-31 18:59:59"),
        ("%d %b %Y %I:%M %p", "31 may 2024 2:05 PM", "2024-05-31 11:05:00"),
        ("%A, %d %B %Y", "Friday, 31 May 2024", "2024-05-31 20:59:59"),
        ("%Y-%j", "2024-152", "2024-05-31 20:59:59"),
        ("%d.%m.%Y %H:%M:%S,%f", "31.05.2024 14:05:09,999", "2024-05-31 11:05:09"),
        ("%d.%m.%Y.%f", "31.05.2024.123456", "2024-05-30 21:00:00"),
        ("%Y %y-%m-%d", "2024 25-05-31", "2025-05-31 20:59:59"),
        ("%f%d%m%Y", "12315052024", "2024-05-04 21:00:00"),
        ("%d.%m.%Y г. в %H", "31.05.2024 г. в 14", "2024-05-31 11:00:00"),
        ("%d%%%m%%%Y %M", "31%05%2024 07", "2024-05-30 21:07:00"),
        ('="%d.%m.%Y %H:%M"', '="31.05.2024 14:05"', "2024-05-31 11:05:00"),
        ("''%d.%m.%Y %H:%M", "'31.05.2024 14:05", "2024-05-31 11:05:00"),
        ("%s", "1717153509", "2024-05-31 11:05:09"),
        ("%s", "86400", "1970-01-02 00:00:00"),
    ],
)
def test_formats(form, text, expected):
    assert read(text, TimeRule("Europe/Moscow", form)) == (moment(expected), Code.NONE)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%m/%d/%Y", "31.05.2024"),
        ("%m/%d/%Y", "31/05/2024"),
        ("%m/%d/%Y", "05/31/2024 14:05"),
        ("%m/%d/%Y", "1717153509"),
        ("%d/%m/%y", "31/05/69"),
        ("%d/%m/%Y", "31/05/2100"),
        ("%d %B %Y", "31 мая 2024"),
        ("%z%d%m%Y%H%M", "+0300150520241530"),
        ("''%d.%m.%Y", "''31.05.2024"),
        ("%s", "1717153509000"),
        ("%s", "0"),
        ("%s", "31.05.2024"),
    ],
)
def test_a_format_accepts_nothing_else(form, text):
    assert read(text, TimeRule("Europe/Moscow", form)) == (None, Code.BAD_TIME)


ZONES = st.sampled_from(sorted(available_timezones()))


@st.composite
def instants(draw):
    """A zone and a moment, in every other case near a jump of its clocks."""
    zone = ZoneInfo(draw(ZONES))
    unix = draw(st.integers(2 * DAY, moment("2099-01-01 00:00:00")))
    if draw(st.booleans()):
        unix = max(jump_between(zone, unix, unix + 150 * DAY), 3 * DAY) + draw(st.integers(-7200, 7200))
    return zone, unix


LOCAL = {
    "dotted": lambda shown: f"{shown:%d.%m.%Y %H:%M:%S}",
    "dotted, two digits": lambda shown: f"{shown:%d.%m.%y %H:%M:%S}",
    "dotted, short": lambda shown: f"{shown.day}.{shown.month}.{shown.year} {shown.hour}:{shown:%M:%S}",
    "ISO": lambda shown: f"{shown:%Y-%m-%d %H:%M:%S}",
    "ISO, T": lambda shown: f"{shown:%Y-%m-%dT%H:%M:%S}",
    "ISO, fraction": lambda shown: f"{shown:%Y-%m-%dT%H:%M:%S}.987",
    "shell": lambda shown: f'="{shown:%d.%m.%Y %H:%M:%S}"',
    "blanks": lambda shown: f"\u00a0{shown:%Y-%m-%d %H:%M:%S} ",
    "format": lambda shown: f"{shown:%m/%d/%Y %H.%M.%S}",
}


@pytest.mark.parametrize("spelling", LOCAL)
@given(instant=instants())
def test_what_a_clock_shows_reads_back(spelling, instant):
    zone, unix = instant
    shown = datetime.fromtimestamp(unix, zone)
    assume(shown.year < 2070 or spelling != "dotted, two digits")
    text = LOCAL[spelling](shown)
    back, code = read(text, TimeRule(zone.key, "%m/%d/%Y %H.%M.%S" if spelling == "format" else None))
    if code == Code.OVERLAPPING_TIME:
        assert LOCAL[spelling](datetime.fromtimestamp(back, zone)) == text
        assert (back < unix) == shown.fold
    else:
        assert (back, code) == (unix, Code.NONE)


ZONED = {
    "Z": lambda unix, _: f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%dT%H:%M:%SZ}",
    "±hh:mm": lambda unix, zone: datetime.fromtimestamp(unix, zone).isoformat(),
    "±hhmm": lambda unix, zone: f"{datetime.fromtimestamp(unix, zone):%Y-%m-%d %H:%M:%S %z}",
    "±hh": lambda unix, zone: f"{datetime.fromtimestamp(unix, zone):%Y-%m-%d %H:%M:%S.%f%z}"[:-2],
    "seconds": lambda unix, _: str(unix),
    "milliseconds": lambda unix, _: f"{unix}987",
}


@pytest.mark.parametrize("spelling", ZONED)
@given(instant=instants(), data=st.data())
def test_a_moment_reads_back_exactly(spelling, instant, data):
    """Also in overlaps."""
    zone, unix = instant
    unix = max(unix, 10**8)
    step, most = (60, 23) if spelling == "±hh" else (1, 1439)
    offset = timezone(timedelta(minutes=step * data.draw(st.integers(-most, most))))
    assert read(ZONED[spelling](unix, offset), TimeRule(zone.key)) == (unix, Code.NONE)


@given(instant=instants(), form=st.sampled_from(["%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]))
def test_a_time_without_seconds_is_at_the_full_minute(instant, form):
    zone, unix = instant
    text = datetime.fromtimestamp(unix, zone).strftime(form)
    assert read(text, TimeRule(zone.key)) == read(f"{text}:00", TimeRule(zone.key))


RULES = st.builds(
    TimeRule,
    st.sampled_from(["Europe/Moscow", "Europe/Berlin", "UTC", "Asia/Beirut", "Pacific/Apia", "America/St_Johns"]),
    st.none() | st.sampled_from(FORMATS),
    st.sampled_from([0, NOON, moment("2011-12-30 10:00:00")]),
)
CLOCKS = st.datetimes(datetime(1969, 12, 30), datetime(2100, 1, 3)) | st.sampled_from(
    [datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30), datetime(2024, 5, 31), datetime(1970, 1, 1)]
)


@st.composite
def spelled(draw, forms):
    """A canonical text, or one with other digits, or one with a slip."""
    zone = timezone(timedelta(minutes=draw(st.integers(-1439, 1439))))
    text = draw(CLOCKS).replace(tzinfo=zone).strftime(draw(st.sampled_from(forms)))
    if draw(st.integers(0, 3)) == 0:
        text = re.sub("[0-9]", lambda _: draw(st.sampled_from("0123569")), text)
    if draw(st.integers(0, 2)) == 0:
        place = draw(st.integers(0, len(text)))
        slip = draw(st.sampled_from([*"0159.:-/ TZ+'\"=,aé٣\u00a0\n\0", ""]))
        text = text[:place] + slip + text[place + draw(st.integers(0, 1)) :]
    return text


@settings(max_examples=400)
@given(data=st.data(), rule=RULES)
def test_the_kernel_is_the_reference(data, rule):
    """Whatever the texts are, wherever in a longer column they stand."""
    forms = [form.replace("%s", "1717153509") for form in ([rule.format] if rule.format else CANONICAL)]
    texts = data.draw(st.lists(spelled(forms) | st.sampled_from(["", "1717153509", "171715350912"]) | st.text()))
    column = pa.array(texts, pa.string())
    start = data.draw(st.integers(0, len(texts)))
    part = column.slice(start, data.draw(st.integers(0, len(texts) - start)))
    unix, codes = read_times(part, rule)
    read_by_reference = [read_time(text, rule) for text in part.to_pylist()]
    assert list(zip(unix.tolist(), codes.tolist(), strict=True)) == [
        (time or 0, code) for time, code in read_by_reference
    ]
    assert (unix.dtype, codes.dtype) == (np.int64, np.uint8)


def no_reference(text, _):
    raise AssertionError(text)


@pytest.mark.parametrize("form", [*CANONICAL, "%s", "%s123"])
def test_canonical_texts_need_no_reference(form, monkeypatch):
    monkeypatch.setattr(times, "read_time", no_reference)
    clocks = [datetime(2024, 5, 31, 14, 5, 9, tzinfo=UTC) + timedelta(hours=7919 * i) for i in range(50)]
    column = pa.array([clock.strftime(form.replace("%s", str(int(clock.timestamp())))) for clock in clocks] + [""])
    assert read_times(column, MOSCOW).codes.tolist() == [Code.NONE] * 50 + [Code.EMPTY_TIME]


@pytest.mark.parametrize(
    "form", ["%m/%d/%Y %H:%M", "%d/%m/%y", "%Y%m%dT%H%M%S", "%Y-%m-%d %H:%M:%S.%f%z", "%d.%m.%Y г."]
)
def test_formats_of_full_width_need_no_reference(form, monkeypatch):
    monkeypatch.setattr(times, "read_time", no_reference)
    clocks = [datetime(2024, 5, 31, 14, 5, 9, tzinfo=UTC) + timedelta(hours=7919 * i) for i in range(20)]
    column = pa.array([clock.strftime(form) for clock in clocks])
    assert not read_times(column, TimeRule("Europe/Moscow", form)).codes.any()


def test_each_other_text_is_read_once(monkeypatch):
    seen = []
    monkeypatch.setattr(times, "read_time", lambda text, _: seen.append(text) or (1, Code.NONE))
    unix, _ = read_times(pa.array(["31.05.2024", "1.5.24", "?", "1.5.24", "?", "?"]), MOSCOW)
    assert (sorted(seen), unix[1:].tolist()) == (["1.5.24", "?"], [1] * 5)


def test_spellings_of_one_width_share_a_column(monkeypatch):
    texts = ["2024-05-31T14:05:09", "31.05.2024 14:05:09", "2024-05-31 14:05:09", "", "31.05.2024 14:05:09"]
    expected = [moment("2024-05-31 11:05:09")] * 3
    unix, codes = read_times(pa.array([*texts, "31/05/2024 14:05:09", "y"]), MOSCOW)
    assert unix.tolist() == [*expected, 0, *expected[:1], 0, 0]
    assert codes.tolist() == [0, 0, 0, Code.EMPTY_TIME, 0, Code.BAD_TIME, Code.BAD_TIME]
    monkeypatch.setattr(times, "read_time", no_reference)
    assert read_times(pa.array(texts), MOSCOW).unix.tolist() == [*expected, 0, *expected[:1]]


def test_a_column_without_rows():
    unix, codes = read_times(pa.array([], pa.string()), MOSCOW)
    assert (len(unix), len(codes)) == (0, 0)


@given(st.dates(date(1970, 1, 3), date(2099, 12, 30)), st.integers(1, 2**32 - 1), st.data())
def test_no_moment_at_which_a_date_is_read_is_a_part_of_what_it_reads_as(day, now, data):
    zone = data.draw(ZONES)
    text = data.draw(st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d 10:00", "%d.%m.%Y 00:00:00"]))
    near = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + now % (4 * DAY) - 2 * DAY
    unix, _ = read(f"{day:{text}}", TimeRule(zone))
    for moment_of_reading in (now, max(near, 1)):
        assert read(f"{day:{text}}", TimeRule(zone, now=moment_of_reading))[0] == unix
