"""Rows to calls."""

from datetime import UTC, datetime

import pytest

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
source.path = "deals.csv"
identifiers = {identifiers}
[calls]
time = "at"
{more}
"""

A, B = "1706436776194551959", "1706436776194551958"
YCLID = "15241600726526878416"
UNIX = "1717059600"


def profile(more="", identifiers='{ ClientId = "client" }', top=""):
    return top + PROFILE.format(more=more, identifiers=identifiers)


def rows(**columns):
    """Give an export with these columns; every row is another visitor's."""
    count = len(next(iter(columns.values())))
    default = {"client": [str(int(A) + number) for number in range(count)]}
    return default | {"at": ["2024-05-30 12:00:00"] * count} | columns


def column(built, name, identifier="ClientId"):
    return [call[name] for call in built.table(f"calls-{identifier}.csv")]


# The file.

EVERYTHING = """
static = "static"
price = "sum"
currency = { column = "money" }
phone = "phone"
talk_duration = "talk"
hold_duration = "hold"
missed = "missed"
tag = "tag"
first_time_caller = "first"
url = "url"
call_tracker_url = "tracker"
"""
CALL = {
    "client": [A],
    "at": ["30.05.2024 12:00"],
    "static": ["нет"],
    "sum": ["1 500,50"],
    "money": ["USD"],
    "phone": ["8 (000) 123-45-67"],
    "talk": ["1:35"],
    "hold": ["00:00:07"],
    "missed": ["0"],
    "tag": ["Отдел  продаж, Москва"],
    "first": ["Да"],
    "url": ["https://example.ru/?a=1,2"],
    "tracker": ["https://calls.example.ru/7"],
}


def test_the_file_has_all_columns_of_yandex_in_their_order(shop):
    built = shop(profile(EVERYTHING), CALL)
    assert built.texts["calls-ClientId.csv"].decode() == (
        "ClientId,DateTime,StaticCall,Price,Currency,PhoneNumber,TalkDuration,HoldDuration,CallMissed,Tag,"
        "FirstTimeCaller,URL,CallTrackerURL\n"
        f'{A},{UNIX},0,1500.50,USD,+70001234567,95,7,0,"Отдел продаж, Москва",1,"https://example.ru/?a=1,2",'
        "https://calls.example.ru/7\n"
    )
    assert built.outcome.summary.issues == {}
    (file,) = built.outcome.summary.files
    assert (file.kind, file.identifier, file.rows) == ("calls", "ClientId", 1)


@pytest.mark.parametrize(
    ("more", "header"),
    [
        ("", "ClientId,DateTime"),
        ("static = true", "ClientId,DateTime,StaticCall"),
        ("static = false", "ClientId,DateTime"),
        ("price = 5", "ClientId,DateTime,Price,Currency"),
        ('currency = "USD"', "ClientId,DateTime"),
        ('tag = "tag"\nphone = "phone"', "ClientId,DateTime,PhoneNumber,Tag"),
        ("missed = true\nfirst_time_caller = false", "ClientId,DateTime,CallMissed,FirstTimeCaller"),
    ],
)
def test_columns_that_the_profile_does_not_name_are_left_out(more, header, shop):
    built = shop(profile(more), CALL)
    assert built.header("calls-ClientId.csv") == header
    (cells,) = built.table("calls-ClientId.csv")
    assert len(cells) == len(header.split(","))


def test_what_every_call_has_may_be_said_once(shop):
    built = shop(profile("static = true\nprice = 5\nmissed = false\nfirst_time_caller = true"), rows(x=["", ""]))
    assert [list(call.values())[2:] for call in built.table("calls-ClientId.csv")] == [
        ["1", "5.00", "RUB", "0", "1"]
    ] * 2


# Who called.


def test_every_id_type_gets_a_file_of_its_own_but_purchases(shop):
    identifiers = '{ PurchaseId = "order", Yclid = "yclid", ClientId = "client", UserId = "user" }'
    export = rows(
        client=[A, "", "", ""], yclid=["", YCLID, "", ""], user=["", "", "u-7", ""], order=["1", "2", "3", "4"]
    )
    built = shop(profile(identifiers=identifiers), export)
    names = ["calls-Yclid.csv", "calls-ClientId.csv", "calls-UserId.csv"]
    assert [file.name for file in built.outcome.summary.files] == names
    found = {name: [next(iter(call.values())) for call in built.table(name)] for name in names}
    assert found == {"calls-Yclid.csv": [YCLID], "calls-ClientId.csv": [A], "calls-UserId.csv": ["u-7"]}
    assert [(row["row"], row["code"], row["column"]) for row in built.rejected] == [
        ("5", "no-identifier", "yclid | client | user")
    ]


def test_a_dynamic_call_needs_an_identifier_and_a_static_one_does_not(shop):
    export = rows(client=["", "", A, A, "", ""], static=["1", "0", "1", "0", "", "?"])
    export["at"] = [f"2024-05-30 12:00:0{number}" for number in range(6)]
    built = shop(profile('static = "static"'), export)
    found = [(call["ClientId"], call["DateTime"][-1], call["StaticCall"]) for call in built.table("calls-ClientId.csv")]
    assert found == [("", "0", "1"), (A, "2", "1"), (A, "3", "0")]
    assert [(row["row"], row["code"]) for row in built.rejected] == [(row, "no-identifier") for row in ("3", "6", "7")]
    assert built.issues_of("calls") == {"no-identifier": 3}


def test_a_flag_that_cannot_be_read_means_a_dynamic_call(shop):
    built = shop(profile('static = "static"'), rows(static=["?", ""]))
    assert column(built, "StaticCall") == ["0", "0"]
    assert built.issues_of("calls") == {"bad-value": 1}


def test_a_bad_identifier_is_left_out_of_a_static_call_and_rejects_a_dynamic_one(shop):
    export = rows(client=["undefined", "1,7E+18", "undefined"], static=["да", "да", "нет"])
    built = shop(profile('static = "static"'), export)
    assert [(call["ClientId"], call["StaticCall"]) for call in built.table("calls-ClientId.csv")] == [("", "1")]
    assert [(row["row"], row["code"]) for row in built.rejected] == [("4", "bad-identifier")]
    # The two static calls are one and the same as soon as nobody knows who called.
    assert built.issues_of("calls") == {"bad-value": 1, "bad-identifier": 1, "duplicate": 1}


def test_static_calls_without_an_identifier_go_into_the_file_of_the_preferred_type(shop):
    identifiers = '{ Yclid = "yclid", ClientId = "client" }'
    export = rows(client=[A, "", ""], yclid=["", YCLID, ""], static=["0", "0", "1"])
    built = shop(profile('static = "static"', identifiers), export)
    assert column(built, "Yclid", "Yclid") == [YCLID, ""]
    assert column(built, "ClientId") == [A]
    built = shop(profile('static = "static"', identifiers), rows(client=[A, ""], yclid=["", ""], static=["0", "1"]))
    assert [file.name for file in built.outcome.summary.files] == ["calls-Yclid.csv", "calls-ClientId.csv"]
    assert column(built, "Yclid", "Yclid") == [""]


def test_calls_may_all_be_static(shop):
    built = shop(profile("static = true"), rows(client=["", A], at=["2024-05-30", "2024-05-30"]))
    assert column(built, "ClientId") == ["", A]
    assert built.issues_of("calls") == {}


def test_the_first_good_identifier_counts_as_of_conversions(shop):
    identifiers = '{ ClientId = ["client", "client2"], Yclid = "yclid" }'
    export = rows(client=["x", "", A], client2=[B, "", B], yclid=["", YCLID, "17"])
    built = shop(profile(identifiers=identifiers), export)
    assert column(built, "ClientId") == [B, A]
    assert column(built, "Yclid", "Yclid") == [YCLID]
    assert built.issues_of("calls") == {"second-identifier": 1}


# Times.


def test_times_are_unix_seconds_and_what_is_to_come_is_rejected(shop):
    cells = ["2024-05-30 12:00:00", "2024-06-01 12:00:01", "", "05/30/2024", "2024-06-01", "2024-06-01 12:00:00"]
    built = shop(profile(), rows(at=cells))
    assert column(built, "DateTime") == [UNIX, "1717232400"]
    assert [(row["row"], row["code"]) for row in built.rejected] == [
        *(("3", "future-time"), ("4", "empty-time"), ("5", "bad-time")),
    ]


def test_a_call_of_today_without_a_time_of_day_waits_until_the_day_is_over(shop):
    export = rows(at=["2024-05-31", "01.06.2024", "2024-06-01"], static=["нет", "нет", "да"])
    built = shop(profile('static = "static"'), export)
    assert column(built, "DateTime") == ["1717189199"]
    assert built.issues_of("calls") == {"unfinished-day": 2}
    assert built.counts_of("calls").skipped == 2
    later = shop(profile('static = "static"'), export, now=datetime(2024, 6, 1, 21, tzinfo=UTC))
    assert column(later, "DateTime") == ["1717189199", "1717275599", "1717275599"]


def test_what_is_older_than_21_days_is_sent_with_a_warning(shop):
    built = shop(profile(), rows(at=["2024-05-11 12:00:00", "2024-05-11 11:59:59"]))
    assert column(built, "DateTime") == ["1715418000", "1715417999"]
    assert built.issues_of("calls") == {"outside-window": 1}


def test_calls_have_the_period_of_the_profile(shop):
    built = shop(profile(top="since = 2024-05-30\n"), rows(at=["2024-05-29 23:59:59", "2024-05-30 00:00:00"]))
    assert len(column(built, "ClientId")) == 1
    assert built.issues_of("calls") == {"outside-period": 1}


def test_rows_that_when_leaves_out_are_no_calls(shop):
    built = shop(profile('when = { type = "входящий" }'), rows(type=["Входящий", "исходящий"]))
    assert len(column(built, "ClientId")) == 1
    assert built.issues_of("calls") == {"no-goal": 1}


# The rest of a call.


def test_durations_are_seconds(shop):
    cells = ["95", "1:35", "00:01:35", "0", "", "полторы минуты", "1:00:00"]
    built = shop(profile('talk_duration = "talk"\nhold_duration = "hold"'), rows(talk=cells, hold=reversed(cells)))
    assert column(built, "TalkDuration") == ["95", "95", "95", "0", "", "", "3600"]
    assert column(built, "HoldDuration") == ["3600", "", "", "0", "95", "95", "95"]
    assert built.issues_of("calls") == {"bad-value": 2}
    assert built.rejected == []


def test_flags_are_read_in_russian_and_english_and_in_the_columns_own_words(shop):
    more = 'missed = "missed"\nfirst_time_caller = { column = "kind", yes = "Первичный", no = ["Повторный", ""] }'
    export = rows(missed=["Да", "no", "", "?", "+"], kind=["первичный", "повторный", "", "иной", " ПЕРВИЧНЫЙ "])
    built = shop(profile(more), export)
    assert column(built, "CallMissed") == ["1", "0", "", "", "1"]
    assert column(built, "FirstTimeCaller") == ["1", "0", "0", "", "1"]
    assert built.issues_of("calls") == {"bad-value": 1}  # of one call, in two columns


def test_phones_leave_in_full_with_a_plus_and_of_several_the_first(shop):
    cells = [
        "8 (000) 123-45-67",
        "+7 000 123 45 67",
        "70001234567 доб. 5",
        "8 000 123-45-67, 8 000 765-43-21",
        "112",
        "",
    ]
    built = shop(profile('phone = "phone"'), rows(phone=cells))
    assert column(built, "PhoneNumber") == ["+70001234567"] * 4 + ["", ""]
    assert built.issues_of("calls") == {"bad-phone": 1}


def test_phones_are_read_as_those_of_the_profiles_country(shop):
    # Ofcom keeps 020 7946 0000 to 0999 for fiction.
    built = shop(profile('phone = "phone"', top='country = "GB"\n'), rows(phone=["020 7946 0958"]))
    assert column(built, "PhoneNumber") == ["+442079460958"]


def test_texts_stand_on_one_line_and_what_is_no_address_is_left_out(shop):
    more = 'tag = "tag"\nurl = "url"\ncall_tracker_url = "tracker"'
    export = rows(
        tag=['a\n"b"', "  ", "c; d"], url=["прямой заход", "example.ru/a b", "example.ru"], tracker=["", "", "-"]
    )
    built = shop(profile(more), export)
    assert column(built, "Tag") == ['a "b"', "", "c; d"]
    assert column(built, "URL") == ["", "", "example.ru"]
    assert column(built, "CallTrackerURL") == ["", "", ""]
    assert built.issues_of("calls") == {"bad-value": 3}


def test_prices_are_those_of_conversions(shop):
    export = rows(sum=["5 ₽", "", "-1", "1,234", "5 €", "7"], money=["", "", "RUB", "RUB", "RUB", "тугрик"])
    built = shop(profile('price = "sum"\ncurrency = { column = "money" }'), export)
    assert [(call["Price"], call["Currency"]) for call in built.table("calls-ClientId.csv")] == [
        ("5.00", "RUB"),
        ("", "RUB"),
    ]
    assert [(row["row"], row["code"], row["column"]) for row in built.rejected] == [
        ("4", "negative-price", "sum"),
        ("5", "bad-price", "sum"),
        ("6", "bad-currency", "sum"),
        ("7", "bad-currency", "money"),
    ]


# Duplicates.


def test_one_call_goes_once_and_with_its_last_price(shop):
    export = rows(client=[A, A, B, A], sum=["1", "2", "2", "2.00"])
    built = shop(profile('price = "sum"'), export)
    assert [(call["ClientId"], call["Price"]) for call in built.table("calls-ClientId.csv")] == [
        (B, "2.00"),
        (A, "2.00"),
    ]
    assert built.issues_of("calls") == {"superseded": 1, "duplicate": 1}


def test_another_moment_or_another_id_type_is_another_call(shop):
    export = rows(
        client=["17", "17", ""],
        yclid=["", "", "17"],
        at=["2024-05-30 12:00:00", "2024-05-30 12:00:01", "2024-05-30 12:00:00"],
    )
    built = shop(profile(identifiers='{ ClientId = "client", Yclid = "yclid" }'), export)
    assert (len(column(built, "ClientId")), len(column(built, "Yclid", "Yclid"))) == (2, 1)
    assert built.issues_of("calls") == {}


def test_static_calls_of_nobody_are_the_same_only_if_all_they_say_is(shop):
    export = rows(
        client=["", "", "", "", ""], tag=["a", "a", "b", "a", "a" * 40], phone=["", "", "", "80001234567", ""]
    )
    export["at"] = ["2024-05-30 12:00:00"] * 5
    built = shop(profile('static = true\ntag = "tag"\nphone = "phone"'), export)
    assert [(call["Tag"][:1], call["PhoneNumber"]) for call in built.table("calls-ClientId.csv")] == [
        *(("a", ""), ("b", ""), ("a", "+70001234567"), ("a", "")),
    ]
    assert built.issues_of("calls") == {"duplicate": 1}


# Beside conversions.


def test_calls_and_conversions_of_one_row_are_two_events(shop):
    goals = '[[goals]]\ntarget = "call"\ntime = "at"\nprice = 5\n'
    built = shop(profile() + goals, rows(client=[A, "", "x"]))
    assert [file.name for file in built.outcome.summary.files] == ["conversions-ClientId.csv", "calls-ClientId.csv"]
    assert [(row["row"], row["kind"], row["code"]) for row in built.rejected] == [
        ("3", "conversions", "no-identifier"),
        ("3", "calls", "no-identifier"),
        ("4", "conversions", "bad-identifier"),
        ("4", "calls", "bad-identifier"),
    ]


def test_days_tell_dynamic_calls_from_static_ones(shop):
    export = rows(
        static=["1", "0", "0"], sum=["1", "2", "4"], at=["2024-05-30 00:30", "2024-05-30", "2024-05-29 23:30"]
    )
    built = shop(profile('static = "static"\nprice = "sum"'), export)
    days = [(str(day.day), day.kind, day.label, day.records, str(day.revenue)) for day in built.outcome.summary.days]
    assert days == [
        ("2024-05-29", "calls", "dynamic", 1, "4"),
        ("2024-05-30", "calls", "dynamic", 1, "2"),
        ("2024-05-30", "calls", "static", 1, "1"),
    ]
