import hashlib
import os
import pickle
import re
import string
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.errors import ProfileError
from csvexport.profile import (
    Condition,
    CurrencyColumn,
    IdentifierColumn,
    PriceColumn,
    Profile,
    Secret,
    Since,
    TimeColumn,
    Until,
    check_columns,
    currency_codes,
    load_profile,
)
from csvexport.profile.patterns import Pattern
from csvexport.profile.wording import written

SMALLEST = """
timezone = "Europe/Moscow"
[identifiers]
Yclid = "yclid"
[[goals]]
target = "order_paid"
time = "Дата оплаты"
"""

LARGEST = """
counter = 2215573
timezone = "Asia/Yekaterinburg"
currency = "KZT"
since = 2024-05-01
until = "1d"
max_rejected = 0.25

[source]
path = ["2024/*.csv", "archive.csv"]
format = "csv"
encoding = "Windows-1251"
delimiter = "\\t"
header = 3

[identifiers]
Yclid = "yclid"
ClientId = ["ClientID", " ClientID 2 "]

[[goals]]
target = "order_paid"
when = { "Стадия" = ["Оплачен ", "ВЫДАН"], "Оплата" = true, "Сумма" = { min = -1.50, max = 100 } }
time = { column = "Paid", format = "%m/%d/%Y %H:%M", timezone = "UTC" }
price = { column = "Price", decimal = "," }
currency = { column = "Валюта", values = { " Руб." = "RUB" } }

[[goals]]
target = "lead"
when = { "Стадия" = { not = "Отказ" }, "Почта" = { empty = false }, "Метка" = { matches = "^a+" } }
time = "Создан"
price = 12.50
currency = "USD"
"""


def outcome(load):
    """The mistakes that a profile has."""
    try:
        assert isinstance(load(), Profile)
    except ProfileError as error:
        return error.mistakes
    return ()


def changed(**changes):
    """The smallest profile with other lines for some of its keys; an empty line leaves a key out."""
    lines = {
        "timezone": 'timezone = "Europe/Moscow"',
        "top": "",
        "source": "",
        "identifiers": '[identifiers]\nYclid = "yclid"',
        "goals": "[[goals]]",
        "target": 'target = "order_paid"',
        "time": 'time = "Paid"',
        "goal": "",
    }
    assert lines.keys() >= changes.keys()
    return "\n".join((lines | changes).values())


def test_the_smallest_profile_has_the_defaults(load):
    profile = load(SMALLEST)
    assert (profile.counter, profile.currency, profile.since, profile.until) == (None, "RUB", None, None)
    assert profile.max_rejected == 0.5
    assert profile.source.path == ()
    assert profile.source.headers == {}
    assert profile.identifiers == (IdentifierColumn("Yclid", ("yclid",)),)
    (goal,) = profile.goals
    assert (goal.target, goal.when, goal.price, goal.currency) == ("order_paid", (), None, None)
    assert goal.time == TimeColumn(column="Дата оплаты")


def test_every_key_is_read(load):
    profile = load(LARGEST)
    assert (profile.counter, profile.timezone, profile.currency) == (2215573, "Asia/Yekaterinburg", "KZT")
    assert (profile.since, profile.until, profile.max_rejected) == (Since(date(2024, 5, 1)), Until(1), 0.25)
    source = profile.source
    assert source.path == ("2024/*.csv", "archive.csv")
    assert (source.format, source.encoding, source.delimiter, source.header) == ("csv", "cp1251", "\t", 3)
    paid, lead = profile.goals
    assert paid.when == (
        Condition("Стадия", values=("оплачен", "выдан")),
        Condition("Оплата", values=("true",)),
        Condition("Сумма", minimum=Decimal("-1.50"), maximum=Decimal(100)),
    )
    assert paid.time == TimeColumn(column="Paid", format="%m/%d/%Y %H:%M", timezone="UTC")
    assert paid.price == PriceColumn(column="Price", decimal=",")
    assert paid.currency == CurrencyColumn(column="Валюта", values={"руб.": "RUB"})
    assert lead.when == (
        Condition("Стадия", excluded=("отказ",)),
        Condition("Почта", empty=False),
        Condition("Метка", matches=Pattern("^a+", "^a+")),
    )
    assert (lead.currency, str(lead.price)) == ("USD", "12.50")


def test_goals_can_be_told_apart_in_sets_and_a_profile_goes_to_another_process(load):
    profile = load(LARGEST)
    assert len({*profile.goals, *load(LARGEST).goals}) == 2
    assert pickle.loads(pickle.dumps(profile)) == profile


def test_a_profile_cannot_be_changed(load):
    with pytest.raises(ValueError, match="frozen"):
        load(SMALLEST).counter = 1


@pytest.mark.parametrize(
    ("file", "name"),
    [("bitrix/profile.toml", "bitrix"), ("bitrix/shop.toml", "shop"), ("bitrix/../amo/profile.toml", "amo")],
)
def test_a_profile_is_called_like_its_folder_or_its_file(tmp_path, file, name):
    for folder in ("bitrix", "amo"):
        (tmp_path / folder).mkdir()
    (tmp_path / file).write_text(SMALLEST, "utf-8")
    assert load_profile(tmp_path / file).name == name


def test_the_digest_is_of_the_bytes(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    profile = load_profile(file)
    assert profile.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert profile.path == file


@pytest.mark.parametrize("order", ["Yclid ClientId UserId", "UserId PurchaseId ClientId"])
def test_identifiers_keep_the_order_in_which_they_are_written(load, order):
    table = "\n".join(f'{name} = "{name}"' for name in order.split())
    profile = load(changed(identifiers=f"[identifiers]\n{table}"))
    assert [item.type for item in profile.identifiers] == order.split()


@pytest.mark.parametrize(
    ("written_as", "name"),
    [
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("utf_8_sig", "utf-8"),
        ("windows-1251", "cp1251"),
        ("CP1251", "cp1251"),
        ("1251", "cp1251"),
        ("utf-16le", "utf-16"),
        ("UTF-16", "utf-16"),
        ("KOI8-R", "koi8-r"),
        ("866", "cp866"),
        ("ibm866", "cp866"),
    ],
)
def test_an_encoding_has_many_spellings(load, written_as, name):
    assert load(changed(source=f'source.encoding = "{written_as}"')).source.encoding == name


@pytest.mark.parametrize(
    ("value", "price"), [("0", "0"), ("100", "100"), ("12.50", "12.50"), ("1e3", "1E+3"), ("-0.0", "0.0")]
)
def test_a_constant_price_is_exact(load, value, price):
    assert str(load(changed(goal=f"price = {value}")).goals[0].price) == price


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ('" Оплачен "', ("оплачен",)),
        ("7", ("7",)),
        ("12.50", ("12.50",)),
        ("true", ("true",)),
        ('["A", "a ", 1, false]', ("a", "1", "false")),
        ('""', ("",)),
    ],
)
def test_values_of_when_are_compared_as_trimmed_folded_text(load, value, texts):
    assert load(changed(goal=f"when = {{ A = {value} }}")).goals[0].when == (Condition("A", values=texts),)


def test_references_to_secrets_are_kept_and_not_resolved(load):
    source = load(
        changed(source='[source]\nusername = "crm"\npassword = "env:NO_SUCH"\nheaders = { X-Key = "file:no/such" }')
    ).source
    assert (source.username, source.password) == ("crm", Secret("env:NO_SUCH"))
    assert source.headers == {"X-Key": Secret("file:no/such")}
    assert load(changed(source='source.username = "env:U"')).source.username == Secret("env:U")


@pytest.mark.parametrize(
    "paths",
    [
        '"https://crm.example.ru/a.csv"',
        '["https://crm.example.ru/a.csv", "https://CRM.example.ru:443/b.csv", "local.csv"]',
        '"http://localhost:8123/a.csv"',
        '["http://127.1.2.3/a.csv", "http://127.1.2.3/b.csv"]',
        '"http://[::1]:8123/a.csv"',
    ],
)
def test_credentials_may_go_where_nobody_else_reads_them(load, paths):
    source = load(
        changed(source=f'[source]\npath = {paths}\nusername = "crm"\nheaders.A = "env:A"\ntimeout = 2.5')
    ).source
    assert (source.username, source.timeout, source.ca, source.max_megabytes) == ("crm", 2.5, None, 4096)


SCALAR = "must be a text, a number, true or false, or a list of those, not"
TARGET = 'Target is the identifier of a JavaScript-event goal, such as "order_paid"'
IDENTIFIERS = 'identifiers = { Yclid = "yclid", ClientId = ["ClientID", "ClientID 2"] }'
NO_ZONE = "which names no certain zone: write timezone beside the format, or %z for +03:00"
FORMAT = 'a format is such as "%m/%d/%Y %H:%M", or "%s" for Unix seconds'
TOP = (
    "counter, timezone, counter_timezone, currency, country, since, until, max_rejected, source, identifiers, goals, "
    "calls, orders, contacts, deals, deliver"
)
PERIOD = 'must be a date such as 2024-05-31, or days back from now such as "21d", not'
REFERENCE = "write env:NAME, file:PATH or credential:NAME, not the secret itself"
FORMATS = '"csv", "xlsx", "xlsb", "xls", "ods", "json", "jsonl", "xml" or "parquet"'
CREDENTIALS = "the address holds a user's name or password; write them as source.username and source.password"
NO_SCHEME = "an address begins with https:// or http://; other ways to a file are not known here"
NO_ADDRESS = "this is no address; it is written like https://crm.example.ru/export.csv"
NO_HEADER = "has a name that is none of a header, or of one that every request sets by itself"
UNENCRYPTED = "would travel unencrypted over http; use https"
SEVERAL = "belongs to one server, and the paths name several; make a profile for each"
LOCAL = "is only for http(s) paths, and the path is a local file; take it out"
ZONE = 'is no IANA time zone such as "Europe/Moscow"'
ISO = 'is no currency code of ISO 4217 such as "RUB"'


@pytest.mark.parametrize(
    ("top", "line"),
    [
        ('counter = "1"', 'counter: must be a whole number from 1 up, without quotes, not "1"'),
        ("counter = true", "counter: must be a whole number from 1 up, without quotes, not true"),
        ("counter = 0", "counter: must be a whole number from 1 up, without quotes, not 0"),
        ('currency = "rub"', f'currency: "rub" {ISO} (did you mean "RUB"?)'),
        ('currency = "RUR"', f'currency: "RUR" {ISO} (did you mean "RUB"?)'),
        ('currency = "руб."', f'currency: "руб." {ISO} (did you mean "RUB"?)'),
        ('currency = "QQQ"', f'currency: "QQQ" {ISO}'),
        ("currency = 643", "currency: must be a text in quotes, not 643"),
        ('since = "yesterday"', f'since: {PERIOD} "yesterday"'),
        ("since = 2024-05-31T00:00:00", f"since: {PERIOD} 2024-05-31T00:00:00"),
        ('until = "2024-02-30"', "until: the calendar has no day 2024-02-30"),
        ("until = 21", f"until: {PERIOD} 21"),
        (
            'since = 2024-06-01\nuntil = "2024-05-31"',
            "until: 2024-05-31 lies before since, 2024-06-01: the period is empty",
        ),
        ('since = "7d"\nuntil = "21d"', "until: 21d lies before since, 7d: the period is empty"),
        ("max_rejected = 1.01", "max_rejected: must be a share from 0 to 1, such as 0.5, not 1.01"),
        ("max_rejected = nan", "max_rejected: must be a number, without quotes, not NaN"),
        ('max_rejected = "50%"', 'max_rejected: must be a number, without quotes, not "50%"'),
        ("chats = {}", f"chats: unknown key; the keys here are {TOP}"),
        ('time_zone = "UTC"', 'time_zone: unknown key (did you mean "timezone"?)'),
        ("name = 1", f"name: unknown key; the keys here are {TOP}"),
        ("path = 1", f"path: unknown key; the keys here are {TOP}"),
        ('source = "hunter2"', "source: must be a table, not a text"),
        ("source.path = []", "source.path: the list is empty; name at least one path"),
        ('source.path = ["a", "a"]', 'source.path: the list names "a" twice'),
        ('source.path = ""', "source.path: must not be empty"),
        ('source.path = "a\\u0000"', 'source.path: "a\\u0000" holds a NUL, which no path can'),
        (
            'source.path = "HTTPS://crm:hunter2@example.ru/a.csv"',
            f"source.path: {CREDENTIALS}",
        ),
        ('source.path = "ftp://hunter2@example.ru"', f"source.path: {NO_SCHEME}"),
        ('source.path = "https:///hunter2"', f"source.path: {NO_ADDRESS}"),
        ('source.path = "https://example.ru:99999/hunter2"', f"source.path: {NO_ADDRESS}"),
        ('source.path = "https://example.ru:0/hunter2"', f"source.path: {NO_ADDRESS}"),
        ('source.path = "https://a℀b/hunter2"', f"source.path: {NO_ADDRESS}"),
        (
            'source.path = ["https://a/b?key=hunter2", "https://a/b?key=hunter2"]',
            'source.path: the list names "https://a/b?…" twice',
        ),
        (
            'source.format = "pdf"',
            f'source.format: this release reads {FORMATS}, not "pdf"',
        ),
        (
            'source.encoding = "latin-1"',
            'source.encoding: must be "utf-8", "cp1251", "utf-16", "koi8-r" or "cp866", not "latin-1"',
        ),
        ('source.delimiter = "tab"', 'source.delimiter: must be ",", ";", "\\t" or "|", not "tab"'),
        ("source.header = 0", "source.header: must be a whole number from 1 up, without quotes, not 0"),
        ("source.sheet = 0", "source.sheet: must be the sheet's name, or its number from 1 up, not 0"),
        ('source.sheet = " "', 'source.sheet: must be the sheet\'s name, or its number from 1 up, not " "'),
        ("source.sheet = true", "source.sheet: must be the sheet's name, or its number from 1 up, not true"),
        (
            'source.username = ""',
            "source.username: must be a text in quotes: the name itself, env:NAME, file:PATH or credential:NAME",
        ),
        (
            'source.username = "env:"',
            "source.username: must be the name itself, env:NAME, file:PATH or credential:NAME",
        ),
        ('source.password = "hunter2"', f"source.password: {REFERENCE}"),
        ('source.password = "env:hunter 2"', f"source.password: {REFERENCE}"),
        ("source.password = 2", f"source.password: {REFERENCE}"),
        ('source.headers = { X-Key = "hunter2" }', f"source.headers.X-Key: {REFERENCE}"),
        ('source.headers = "X-Key: hunter2"', "source.headers: must be a table, not a text"),
        ('source.path = "a.csv"\nsource.username = "crm"', f"source.username: {LOCAL}"),
        ('source.path = "a.csv"\nsource.password = "env:A"', f"source.password: {LOCAL}"),
        ('source.path = "a.csv"\nsource.headers = { A = "env:A" }', f"source.headers: {LOCAL}"),
        ('source.path = "a.csv"\nsource.ca = "ca.pem"', f"source.ca: {LOCAL}"),
        ('source.path = ["a.csv", "b.csv"]\nsource.timeout = 5', f"source.timeout: {LOCAL}"),
        ('source.path = "a.csv"\nsource.time_limit = 5', f"source.time_limit: {LOCAL}"),
        ('source.path = "http://example.ru/a"\nsource.username = "crm"', f"source.username: {UNENCRYPTED}"),
        ('source.path = ["a", "http://a/"]\nsource.password = "env:A"', f"source.password: {UNENCRYPTED}"),
        ('source.path = "http://127.0.0.1.example.ru"\nsource.headers.A = "env:A"', f"source.headers: {UNENCRYPTED}"),
        ('source.path = ["https://a/b", "https://b/b"]\nsource.username = "crm"', f"source.username: {SEVERAL}"),
        ('source.path = ["https://a/b", "https://a:8443/b"]\nsource.username = "crm"', f"source.username: {SEVERAL}"),
        ('source.headers = { "X-Key: hunter2" = "env:A" }', f"source.headers: {NO_HEADER}"),
        ('source.headers = { Content-Length = "env:A" }', f"source.headers: {NO_HEADER}"),
        ("source.timeout = 0.5", "source.timeout: must be seconds, from 1 to 86400, not 0.5"),
        ('source.timeout = "5"', 'source.timeout: must be a number, without quotes, not "5"'),
        ('source.ca = "https://a/ca.pem"', "source.ca: must be the path of a local file"),
        ('source.pasword = "hunter2"', 'source.pasword: unknown key (did you mean "password"?)'),
    ],
)
def test_mistakes_of_the_upper_keys_and_the_source(mistakes, top, line):
    found = mistakes(changed(top=top))
    assert line is None or found == [line]
    assert "hunter" not in "".join(found)


@pytest.mark.parametrize(
    ("zone", "line"),
    [
        ("Europe/Moskow", f'timezone: "Europe/Moskow" {ZONE} (did you mean "Europe/Moscow"?)'),
        ("europe/moscow", f'timezone: "europe/moscow" {ZONE} (did you mean "Europe/Moscow"?)'),
        ("Moscow", f'timezone: "Moscow" {ZONE} (did you mean "Europe/Moscow"?)'),
        ("MSK", f'timezone: "MSK" {ZONE} (did you mean "Europe/Moscow"?)'),
        ("utc", f'timezone: "utc" {ZONE} (did you mean "UTC"?)'),
        ("UTC+3", f'timezone: "UTC+3" {ZONE}'),
        ("../../etc/passwd", f'timezone: "../../etc/passwd" {ZONE}'),
        ("", "timezone: must not be empty"),
    ],
)
def test_a_zone_must_be_of_the_list(mistakes, zone, line):
    assert mistakes(changed(timezone=f'timezone = "{zone}"')) == [line]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"timezone": ""}, 'timezone: is required, such as timezone = "Europe/Moscow"'),
        (
            {"identifiers": ""},
            f"identifiers: is required by goals and calls, such as {IDENTIFIERS}",
        ),
        ({"identifiers": "[identifiers]"}, 'identifiers: is empty; name at least one column, such as Yclid = "yclid"'),
        (
            {"identifiers": '[identifiers]\nclientid = "a"'},
            'identifiers.clientid: unknown key (did you mean "ClientId"?)',
        ),
        (
            {"identifiers": '[identifiers]\nPhone = "a"'},
            "identifiers.Phone: unknown key; the keys here are UserId, ClientId, Yclid, PurchaseId",
        ),
        (
            {"identifiers": "[identifiers]\nYclid = []"},
            "identifiers.Yclid: the list is empty; name at least one column",
        ),
        ({"identifiers": '[identifiers]\nYclid = ["a", " a"]'}, 'identifiers.Yclid: the list names "a" twice'),
        (
            {"identifiers": '[identifiers]\nYclid = " "'},
            "identifiers.Yclid: must be the name of a column, and is empty",
        ),
        (
            {"identifiers": "[identifiers]\nYclid = 5"},
            "identifiers.Yclid: must be the name of a column in quotes, not 5",
        ),
        ({"identifiers": "", "top": 'identifiers = "yclid"'}, "identifiers: must be a table, not a text"),
        ({"goals": "[goals]"}, "goals: must be a list of tables, not a table; write [[goals]], with two brackets"),
        ({"goals": "", "target": "", "time": "", "top": "goals = []"}, "goals: is empty; write at least one [[goals]]"),
        ({"goals": "", "target": "", "time": "", "top": "goals = [5]"}, "goals[1]: must be a table, not a number"),
        ({"target": ""}, 'goals[1].target: is required, such as target = "order_paid"'),
        ({"time": ""}, 'goals[1].time: is required, such as time = "Дата оплаты"'),
    ],
)
def test_mistakes_of_what_is_required(mistakes, change, line):
    assert mistakes(changed(**change)) == [line]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ('"оплата заказа"', '"оплата заказа" has a space'),
        ('"a,b"', '"a,b" has a comma'),
        ('"a;b"', '"a;b" has a semicolon'),
        ("'a\"b'", '"a\\"b" has a quote'),
        ('"a\\tb"', '"a\\tb" has a tab'),
        ('"a\\u00a0b"', '"a\\u00a0b" has white space'),
        ('"a\\u200bb"', '"a\\u200bb" has an invisible character'),
        ('"a\\u0001b"', '"a\\u0001b" has an invisible character'),
        (f'"{"a" * 256}"', f'"{"a" * 59}…" is longer than 255 characters'),
        ('""', 'must be a text, not ""'),
        ("12345", "must be a text, not 12345"),
    ],
)
def test_a_target_is_an_identifier(mistakes, target, problem):
    assert mistakes(changed(target=f"target = {target}")) == [f"goals[1].target: {problem}; {TARGET}"]


@pytest.mark.parametrize("target", ["order_paid", "оплата", "a" * 255, "goal-1.2:3/4"])
def test_a_target_may_be_any_other_text(load, target):
    assert load(changed(target=f'target = "{target}"')).goals[0].target == target


ONE_OF = "must hold one of not, empty, matches, or min and max; it holds"


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ('"paid"', "when: must be a table, not a text"),
        ('{ "" = 1 }', "when: must be the name of a column, and is empty"),
        ("{ A = [] }", "when.A: the list is empty; name at least one value"),
        ("{ A = 2024-01-01 }", f"when.A: {SCALAR} 2024-01-01"),
        ("{ A = [[1]] }", f"when.A: {SCALAR} a list"),
        ("{ A = inf }", f"when.A: {SCALAR} Infinity"),
        ("{ A = {} }", f"when.A: {ONE_OF} nothing"),
        ('{ "Стадия сделки" = { not = 1, min = 2, max = 3 } }', f'when."Стадия сделки": {ONE_OF} min or max and not'),
        ("{ A = { match = 1 } }", 'when.A.match: unknown key (did you mean "matches"?)'),
        ("{ A = { column = 1 } }", "when.A.column: unknown key; the keys here are not, empty, matches, min, max"),
        ("{ A = { not = {} } }", f"when.A.not: {SCALAR} a table"),
        ("{ A = { empty = 1 } }", "when.A.empty: must be true or false, without quotes, not 1"),
        ('{ A = { min = "5" } }', 'when.A.min: must be a number, without quotes, not "5"'),
        ("{ A = { max = true } }", "when.A.max: must be a number, without quotes, not true"),
        ("{ A = { min = 5, max = 4.99 } }", "when.A.max: 4.99 is less than min, 5"),
        (
            '{ A = { matches = "(" } }',
            'when.A.matches: "(" is no regular expression: missing ): (',
        ),
        ('{ A = { matches = "" } }', "when.A.matches: must not be empty"),
    ],
)
def test_mistakes_of_when(mistakes, when, line):
    assert mistakes(changed(goal=f"when = {when}")) == [f"goals[1].{line}"]


@pytest.mark.parametrize("pattern", ["a{99999999999}", "[[a]", "(?i)x", "x(?i)"])
def test_a_strange_regular_expression_is_read_or_refused(load, pattern):
    goal = f"when = {{ A = {{ matches = '{pattern}' }} }}"
    for line in outcome(lambda: load(changed(goal=goal))):
        assert "is no regular expression" in line or "is a regular expression that is not taken here" in line


@pytest.mark.parametrize(
    ("time", "line"),
    [
        ("5", "time: must be the name of a column, or { column = …, format = … }, not 5"),
        ('""', "time: must be the name of a column, and is empty"),
        ('{ format = "%s" }', 'time.column: is required, such as column = "Дата оплаты"'),
        ('{ column = "A", zone = "UTC" }', "time.zone: unknown key; the keys here are column, format, timezone"),
        ('{ column = "A", timezone = "UTC+3" }', f'time.timezone: "UTC+3" {ZONE}'),
        ('{ column = "A", format = "%d.%m %H:%M" }', f'time.format: "%d.%m %H:%M" has no year (%Y or %y); {FORMAT}'),
        ('{ column = "A", format = "%Y %d" }', f'time.format: "%Y %d" has no month (%m, %b or %B); {FORMAT}'),
        ('{ column = "A", format = "%Y-%m" }', f'time.format: "%Y-%m" has no day (%d); {FORMAT}'),
        ('{ column = "A", format = "dd.MM.yyyy" }', f'time.format: "dd.MM.yyyy" has no year (%Y or %y); {FORMAT}'),
        ('{ column = "A", format = "%Y-%Q" }', f'time.format: "%Y-%Q" has %Q, which is unknown here; {FORMAT}'),
        ('{ column = "A", format = "%x" }', f'time.format: "%x" has %x, which is unknown here; {FORMAT}'),
        ('{ column = "A", format = "%s %f" }', f'time.format: "%s %f" has %s beside other text; {FORMAT}'),
        ('{ column = "A", format = "%Y%j%" }', f'time.format: "%Y%j%" ends in a lone %; {FORMAT}'),
        ('{ column = "A", format = "%d.%m.%Y %d" }', f'time.format: "%d.%m.%Y %d" has %d twice; {FORMAT}'),
        (
            '{ column = "A", format = "%d.%m.%z%Y" }',
            f'time.format: "%d.%m.%z%Y" has %z%Y with nothing between, so that no one can tell where %z ends; {FORMAT}',
        ),
        (
            '{ column = "A", format = "%d.%m.%Y %Z" }',
            f'time.format: "%d.%m.%Y %Z" has %Z, {NO_ZONE}; {FORMAT}',
        ),
        (
            '{ column = "A", format = "%d.%m.%Y %I:%M" }',
            f'time.format: "%d.%m.%Y %I:%M" has %I, an hour to 12, without %p, AM or PM; {FORMAT}',
        ),
    ],
)
def test_mistakes_of_time(mistakes, time, line):
    assert mistakes(changed(time=f"time = {time}")) == [f"goals[1].{line}"]


@pytest.mark.parametrize(
    "form", ["%s", "%d.%m.%Y", "%y%j", "%d %b %Y, %I:%M:%S %p", "%B %d %Y %%", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y%j %z%%%H"]
)
def test_a_format_that_fixes_a_date_is_taken(load, form):
    assert load(changed(time=f'time = {{ column = "A", format = "{form}" }}')).goals[0].time.format == form


@given(st.lists(st.sampled_from([*(f"%{directive}" for directive in "aAbBdfHIjmMpSyYz%sZGx"), " ", ".", "T"])))
@example(["%Y", "%j"])
@example(["%d", ".", "%m", ".", "%y", " ", "%I", "%M", "%p"])
@example(["%z", "%j", "%y"])
def test_a_format_that_is_taken_gives_the_date_back(tmp_path_factory, parts):
    file = tmp_path_factory.getbasetemp() / "format.toml"
    form = "".join(parts)
    file.write_text(changed(time=f'time = {{ column = "A", format = "{form}" }}'), "utf-8")
    moment = datetime(2001, 2, 3, 16, 5, 6, tzinfo=UTC)
    if not outcome(lambda: load_profile(file)) and form != "%s":
        assert datetime.strptime(moment.strftime(form), form).date() == moment.date()  # noqa: DTZ007


@pytest.mark.parametrize(
    ("goal", "line"),
    [
        (
            "price = true",
            "price: must be the name of a column, a number, or { column = …, decimal = … }, not true",
        ),
        (
            "price = [1]",
            "price: must be the name of a column, a number, or { column = …, decimal = … }, not a list",
        ),
        ("price = -1", "price: must be a price from 0 to 9_223_372_036_854, not -1"),
        ("price = 9223372036855", "price: must be a price from 0 to 9_223_372_036_854, not 9223…"),
        ("price = nan", "price: must be a number, without quotes, not NaN"),
        ("price = 1e-999999", "price: must be a price with at most 6 decimals, not 1E-999999"),
        ('price = { decimal = "," }', 'price.column: is required, such as column = "Сумма"'),
        ('price = { column = "A", decimal = ";" }', 'price.decimal: must be "," or ".", not ";"'),
        ('price = { column = "A", format = "," }', "price.format: unknown key; the keys here are column, decimal"),
        ("currency = 643", 'currency: must be a code such as "RUB", or { column = …, values = … }, not 643'),
        ('currency = "Валюта"', f'currency: "Валюта" {ISO}; a column is written {{ column = "Валюта" }}'),
        ('currency = { values = { a = "RUB" } }', 'currency.column: is required, such as column = "Валюта"'),
        ('currency = { column = "A", values = 5 }', "currency.values: must be a table, not a number"),
        (
            'currency = { column = "A", values = { "руб." = "RUR" } }',
            f'currency.values."руб.": "RUR" {ISO} (did you mean "RUB"?)',
        ),
        (
            'currency = { column = "A", values = { "руб" = "RUB", "РУБ" = "BYN" } }',
            'currency.values: "РУБ" has two meanings; upper and lower case make no difference',
        ),
        (
            'currency = { column = "A", values = {} }',
            'currency.values: is empty; write what the column holds, such as { "руб." = "RUB" }',
        ),
        ("goal = 1", "goal: unknown key; the keys here are target, when, time, price, currency"),
    ],
)
def test_mistakes_of_price_and_currency(mistakes, goal, line):
    assert mistakes(changed(goal=goal)) == [f"goals[1].{line}"]


def test_all_mistakes_are_reported_at_once_each_with_its_place(mistakes):
    text = """
    timezone = "Europe/Moskow"
    max_rejected = 2
    chats = {}
    [source]
    header = 0
    password = "hunter2"
    [identifiers]
    yclid = "yclid"
    [[goals]]
    target = "order paid"
    when = { A = { min = "1" }, B = [] }
    time = { column = "", format = "%d" }
    [[goals]]
    target = "lead"
    price = -1
    """
    assert [line.partition(": ")[0] for line in mistakes(text)] == [
        "timezone",
        "max_rejected",
        "source.header",
        "source.password",
        "identifiers.yclid",
        "goals[1].target",
        "goals[1].when.A.min",
        "goals[1].when.B",
        "goals[1].time.column",
        "goals[1].time.format",
        "goals[2].time",
        "goals[2].price",
        "chats",
    ]


KEY_REMEDY = "a key with other letters than Latin ones needs quotes"
PATH_REMEDY = "write a path with / or between single quotes"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('timezone = "UTC"\ncounter = ', "line 2, column 11: Invalid value; this is not TOML"),
        ('a = "hunter2', "line 1, column 13: Unterminated string; this is not TOML"),
        (
            "[[goals]]\nwhen = { Стадия = 1 }",
            f"line 2, column 10: Invalid initial character for a key part; {KEY_REMEDY}",
        ),
        ("Стадия = 1", f"line 1, column 1: Invalid statement; {KEY_REMEDY}"),
        ('path = "C:\\deals"', f"line 1, column 13: Unescaped '\\' in a string; {PATH_REMEDY}"),
        ("a = 1\na = 2", "line 2, column 6: Cannot overwrite a value; this is not TOML"),
        (f"a = {'9' * 5000}", "a number has too many digits"),
        (f"a = 1e{'9' * 30}", "a number has too many digits"),
        (f"a = {'[' * 100_000}", "tables or lists are nested too deeply"),
    ],
)
def test_what_is_no_toml_is_placed(mistakes, text, line):
    assert mistakes(text) == [line]


def test_a_profile_in_another_encoding_is_refused_with_its_line(tmp_path):
    (tmp_path / "shop.toml").write_bytes('timezone = "UTC"\nA = "Сумма"'.encode("cp1251"))
    with pytest.raises(ProfileError, match=re.escape("shop.toml: line 2: is not UTF-8; save the profile in this")):
        load_profile(tmp_path / "shop.toml")


def test_a_profile_that_is_not_there(tmp_path):
    with pytest.raises(ProfileError, match=re.escape(f"shop.toml: there is no such file in {tmp_path}")):
        load_profile(tmp_path / "shop.toml")


def test_a_folder_is_no_profile(tmp_path):
    with pytest.raises(ProfileError, match=f"{tmp_path.name}: is a folder; name the profile in it, such as "):
        load_profile(tmp_path)
    with pytest.raises(ProfileError, match="is a folder"):
        load_profile(Path())


def test_every_column_is_listed_with_its_place(load):
    assert load(LARGEST).places() == [
        ("yclid", "identifiers.Yclid"),
        ("ClientID", "identifiers.ClientId"),
        ("ClientID 2", "identifiers.ClientId"),
        ("Стадия", "goals[1].when"),
        ("Оплата", "goals[1].when"),
        ("Сумма", "goals[1].when"),
        ("Paid", "goals[1].time"),
        ("Price", "goals[1].price"),
        ("Валюта", "goals[1].currency"),
        ("Стадия", "goals[2].when"),
        ("Почта", "goals[2].when"),
        ("Метка", "goals[2].when"),
        ("Создан", "goals[2].time"),
    ]


def test_missing_columns_are_reported_at_once_with_the_columns_there_are(load):
    profile = load(
        changed(
            time='time = "Дата оплпты"', goal='price = "Amount"\nwhen = { "стадия" = 1, "yclid" = { empty = false } }'
        )
    )
    with pytest.raises(ProfileError) as caught:
        check_columns(profile, ["yclid", "Стадия", "Дата оплаты"])
    assert caught.value.mistakes == (
        'profile.toml: goals[1].when: no column "стадия" (did you mean "Стадия"?)',
        'profile.toml: goals[1].time: no column "Дата оплпты" (did you mean "Дата оплаты"?)',
        'profile.toml: goals[1].price: no column "Amount"',
        'profile.toml: the columns of the source: "yclid", "Стадия", "Дата оплаты"',
    )


def test_a_source_without_columns_has_none(load):
    with pytest.raises(ProfileError, match="the columns of the source: none"):
        check_columns(load(SMALLEST), [])


def test_a_source_with_every_column_passes(load):
    profile = load(LARGEST)
    check_columns(profile, [column for column, _ in profile.places()])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a." * 100_000 + "a = 1", "line 1: a key has too many parts, joined by dots; a profile's have a few"),
        ("\n[" + "'a' . " * 100_000 + "a]", "line 2: a key has too many parts, joined by dots; a profile's have a few"),
        ("a = " + "[" * 20_000 + "]" * 20_000, "tables or lists are nested too deeply"),
        ("#" * (1 << 20) + "\n", "is larger than 1,048,576 bytes; is this the profile?"),
    ],
    ids=["bare", "quoted", "nested", "large"],
)
def test_a_profile_is_refused_before_it_takes_long(mistakes, text, line):
    assert mistakes(text) == [line]


def test_a_limit_may_be_set_for_local_files_too(load):
    assert load(changed(top='source.path = "a.csv"\nsource.max_megabytes = 5')).source.max_megabytes == 5


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices are POSIX's")
def test_what_has_no_end_is_no_profile(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for special in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ProfileError, match="this is no regular file; name a file"):
            load_profile(special)


def test_currency_codes_are_those_of_iso_4217():
    assert {"RUB", "USD", "EUR", "KZT", "BYN"} < {*currency_codes()}
    assert list(currency_codes()) == sorted({*currency_codes()})
    assert all(re.fullmatch("[A-Z]{3}", code) for code in currency_codes())


def test_a_profile_is_imported_without_the_heavy_libraries():
    heavy = "{'pandas', 'pyarrow', 'numpy', 'pycountry'}"
    code = f"import sys, csvexport.profile; print(sorted({heavy} & {{*sys.modules}}))"
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=paths)
    assert run.stdout == "[]\n"


# What an arbitrary profile is made of: every key, and values that are nearly right.
PROFILE_KEYS = """
counter timezone currency since until max_rejected source identifiers goals path format encoding delimiter header
username password headers ca timeout time_limit max_megabytes
UserId ClientId Yclid target when time price column decimal values not empty matches min max
country counter_timezone calls orders contacts deals static missed yes no id created updated client client_ids phones
revenue status statuses always on_oversize utm attributes only_with_deals type title
"""
KEYS = st.sampled_from(PROFILE_KEYS.split()) | st.text(max_size=5)
SCALARS = (
    st.none().map(lambda _: "")
    | st.sampled_from(
        ["UTC", "RUB", "21d", "csv", "a.csv", "%Y-%m-%d", "%", "env:A", "(", ",", "https://a", "order_paid", "PAID"]
    )
    | st.text(max_size=8)
    | st.integers()
    | st.integers(min_value=10**5000, max_value=10**5001)
    | st.decimals()
    | st.booleans()
    | st.dates()
    | st.times()
    | st.datetimes()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=30
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=8)


def as_toml(document):
    special = {"NaN": "nan", "sNaN": "nan", "-NaN": "nan", "-sNaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    pairs = (f"{written(str(key))} = {written(value)}" for key, value in document.items())
    return re.sub(r"(?<![\w\"])-?s?(NaN|Infinity)\b", lambda name: special.get(name[0], "nan"), "\n".join(pairs))


@given(DOCUMENTS)
@example({"goals": [{"when": {"A": {"matches": "["}}, "target": "\x7f"}]})
def test_an_arbitrary_document_is_a_profile_or_a_profile_error(tmp_path_factory, document):
    file = tmp_path_factory.mktemp("any", numbered=True) / "profile.toml"
    file.write_text(as_toml(document), "utf-8")
    for line in outcome(lambda: load_profile(file)):
        assert "Input" not in line
        assert line.isprintable()


GOAL_VALUES = st.fixed_dictionaries(
    {"target": st.just("order_paid"), "time": VALUES}, optional={"when": VALUES, "price": VALUES, "currency": VALUES}
)


@given(GOAL_VALUES)
def test_an_arbitrary_goal_is_read_or_refused_in_our_words(tmp_path_factory, goal):
    document = {"timezone": "UTC", "identifiers": {"Yclid": "yclid"}, "goals": [goal]}
    test_an_arbitrary_document_is_a_profile_or_a_profile_error.hypothesis.inner_test(tmp_path_factory, document)


TABLES = {
    "calls": "time static price currency phone missed first_time_caller when",
    "orders": "id created updated client_ids emails contacts revenue currency status statuses always goals delimiter",
    "contacts": "id created birth_date phones contacts attributes only_with_deals format",
    "deals": "id client created updated status statuses goals revenue products attributes",
}
TABLE_VALUES = st.one_of(
    st.tuples(st.just(name), st.dictionaries(st.sampled_from(keys.split()), VALUES, max_size=8))
    for name, keys in TABLES.items()
)


@given(TABLE_VALUES)
def test_an_arbitrary_table_of_a_kind_is_read_or_refused_in_our_words(tmp_path_factory, named):
    name, table = named
    document = {"timezone": "UTC", "currency": "USD", "identifiers": {"Yclid": "yclid"}, name: table}
    test_an_arbitrary_document_is_a_profile_or_a_profile_error.hypothesis.inner_test(tmp_path_factory, document)


@given(st.text(string.printable, max_size=30) | st.binary(max_size=30))
def test_arbitrary_bytes_are_a_profile_error(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("bytes", numbered=True) / "profile.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ProfileError):
        load_profile(file)
