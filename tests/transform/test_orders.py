"""Rows to orders, as the Conversion Center fetches them and the API takes them."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import csvexport
from csvexport.errors import DataError, UsageError
from csvexport.profile import load_profile
from csvexport.values.hashes import md5_of
from csvexport.workflow import Options, check

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)  # 12:00 in Moscow

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
{top}
source.path = "deals.csv"
[orders]
id = "id"
created = "created"
{more}
"""
STATUS = """
status = "status"
statuses = { "Новая" = "IN_PROGRESS", "Оплачен" = "PAID", "Отказ" = "CANCELLED", "Спам" = "SPAM", "Замер" = "measure" }
"""
CID = 'client_ids = "cid"\n'

A, B = "1706436776194551959", "1706436776194551958"

# Yandex's own vectors ([md5]).
MAIL, MAIL_MD5 = "mail@yandex.ru", "3c56ff8fef0f6c65b36b2d25720fe276"
PHONE, PHONE_MD5 = "79995551111", "f09f2c3d48f31e2a802944ade2e5aec5"


def profile(more="", top="", status='always = "PAID"\n', client=CID):
    return PROFILE.format(more=status + client + more, top=top)


def rows(**columns):
    """Give an export with these columns; every row is another order."""
    count = len(next(iter(columns.values())))
    default = {"id": [f"A-{number}" for number in range(1, count + 1)], "cid": [A] * count}
    return default | {"created": ["2024-05-20 10:00:00"] * count} | columns


def orders(built, delimiter=";"):
    return built.table("orders.csv", delimiter)


def column(built, name, delimiter=";"):
    return [order[name] for order in orders(built, delimiter)]


def says(built):
    return [(row["row"], row["kind"], row["code"], row["column"], row["value"]) for row in built.rejected]


# The file.

EVERYTHING = """
updated = "updated"
client = "client"
emails = "mail"
phones = "phone"
revenue = "sum"
cost = "cost"
"""


def test_the_file_has_yandex_columns_in_their_order_and_semicolons(shop):
    export = rows(
        updated=["2024-05-21"],
        client=["c1"],
        mail=[f"{MAIL}, mail@example.com"],
        phone=["8 (999) 555-11-11"],
        sum=["1 000,50 ₽"],
        cost=["200"],
        cid=[f"{A}, {B}"],
    )
    built = shop(profile(EVERYTHING), export)
    assert built.texts["orders.csv"].decode() == (
        "id;create_date_time;client_uniq_id;client_ids;emails_md5;phones_md5;order_status;revenue;cost\n"
        f'A-1;2024-05-20 10:00:00;c1;"{A},{B}";"{MAIL_MD5},7daf6c79d4802916d83f6266e24850af";{PHONE_MD5};PAID;1000.50;'
        "200.00\n"
    )
    (file,) = built.outcome.summary.files
    assert (file.name, file.kind, file.identifier, file.rows) == ("orders.csv", "orders", None, 1)


@pytest.mark.parametrize(
    ("more", "client", "header"),
    [
        ("", CID, "id;create_date_time;client_ids;order_status"),
        ('phones = "phone"', "", "id;create_date_time;phones_md5;order_status"),
        ('phones = "phone"\ncontacts = "plain"', "", "id;create_date_time;phones;order_status"),
        ('phones = "phone"\nemails = "mail"\ncontacts = "none"', CID, "id;create_date_time;client_ids;order_status"),
        ('client = "client"\ncost = 5', CID, "id;create_date_time;client_uniq_id;client_ids;order_status;cost"),
        ('delimiter = ","\nrevenue = "sum"', CID, "id,create_date_time,client_ids,order_status,revenue,currency"),
        ('delimiter = ","\ncost = "sum"', CID, "id,create_date_time,client_ids,order_status,cost,currency"),
        ('delimiter = ","', CID, "id,create_date_time,client_ids,order_status"),
    ],
)
def test_columns_that_the_profile_does_not_name_are_left_out(more, client, header, shop):
    export = rows(phone=[PHONE], mail=[MAIL], client=["c1"], sum=["5"])
    built = shop(profile(more, client=client), export)
    assert built.header("orders.csv") == header
    assert built.counts_of("orders").accepted == 1


def test_cells_that_need_quotes_have_them_and_no_others(shop):
    export = rows(id=['A;"1"', "A 2", "A,3", "=1+1"], client=["Рога; Копыта", "x", "", "y"])
    built = shop(profile('client = "client"'), export)
    assert column(built, "id") == ['A;"1"', "A 2", "A,3", "=1+1"]
    assert column(built, "client_uniq_id") == ["Рога; Копыта", "x", "", "y"]
    lines = built.texts["orders.csv"].decode().splitlines()
    assert lines[1].startswith('"A;""1""";')
    assert '"' not in lines[2] + lines[4]


# When orders were made.


def test_an_order_of_exactly_113_days_goes_and_an_older_one_does_not(shop):
    edge = datetime(2024, 2, 9, 12)
    assert NOW - timedelta(days=113) == edge.replace(hour=9, tzinfo=UTC)
    export = rows(created=[f"{edge}", f"{edge - timedelta(seconds=1)}", "2023-01-01"])
    built = shop(profile(), export)
    assert column(built, "id") == ["A-1"]
    assert built.issues_of("orders") == {"too-old": 2}
    assert (built.counts_of("orders").skipped, built.counts_of("orders").rejected) == (2, 0)
    assert built.rejected == []


def test_the_api_has_no_such_window(shop):
    built = shop(profile('delimiter = ","'), rows(created=["2023-01-01 12:00", "2024-02-01"]))
    assert column(built, "create_date_time", ",") == ["2023-01-01 12:00:00", "2024-02-01 23:59:59"]
    assert built.issues_of("orders") == {}


def test_what_has_not_happened_yet_is_rejected(shop):
    export = rows(created=["2024-06-01 12:00:00", "2024-06-01 12:00:01", "2024-06-02", "2024-06-02 00:00"])
    built = shop(profile(), export)
    assert column(built, "create_date_time") == ["2024-06-01 12:00:00"]
    assert says(built) == [
        ("3", "orders", "future-time", "created", "2024-06-01 12:00:01"),
        ("4", "orders", "future-time", "created", "2024-06-02"),
        ("5", "orders", "future-time", "created", "2024-06-02 00:00"),
    ]


def test_a_bare_date_is_the_end_of_its_day_and_waits_until_the_day_is_over(shop):
    export = rows(created=["2024-05-31", "31.05.2024", "2024-06-01", "01.06.2024"])
    built = shop(profile(), export)
    assert column(built, "create_date_time") == ["2024-05-31 23:59:59"] * 2
    assert built.issues_of("orders") == {"unfinished-day": 2}
    assert built.counts_of("orders").skipped == 2
    later = shop(profile(), export, now=datetime(2024, 6, 1, 21, tzinfo=UTC))
    assert column(later, "create_date_time") == ["2024-05-31 23:59:59"] * 2 + ["2024-06-01 23:59:59"] * 2


def test_the_day_that_is_not_over_is_that_of_the_columns_own_zone(shop):
    # In Vladivostok it is 19:00 of June 1, in New York 05:00.
    for zone in ("Asia/Vladivostok", "America/New_York"):
        text = profile().replace('created = "created"', f'created = {{ column = "created", timezone = "{zone}" }}')
        built = shop(text, rows(created=["2024-06-01", "2024-05-31"]))
        assert built.issues_of("orders") == {"unfinished-day": 1}
    assert column(built, "create_date_time") == ["2024-06-01 06:59:59"]


@pytest.mark.parametrize(
    ("zone", "counter", "expected"),
    [
        ("Asia/Yekaterinburg", "Europe/Moscow", ["2024-05-20 08:00:00", "2024-05-20 21:59:59", "2024-05-20 13:00:00"]),
        ("Europe/Moscow", "Europe/Moscow", ["2024-05-20 10:00:00", "2024-05-20 23:59:59", "2024-05-20 13:00:00"]),
        ("Europe/Moscow", "Asia/Vladivostok", ["2024-05-20 17:00:00", "2024-05-21 06:59:59", "2024-05-20 20:00:00"]),
        ("UTC", "Europe/Berlin", ["2024-05-20 12:00:00", "2024-05-21 01:59:59", "2024-05-20 12:00:00"]),
    ],
)
def test_times_are_written_as_the_counters_clock_shows_them(zone, counter, expected, shop):
    text = profile(top=f'counter_timezone = "{counter}"').replace("Europe/Moscow", zone, 1)
    built = shop(text, rows(created=["2024-05-20 10:00:00", "20.05.2024", "2024-05-20T10:00:00Z"]))
    assert column(built, "create_date_time") == expected


def test_orders_have_a_beginning_of_their_own(shop):
    """What `since` of the profile leaves out of the events must stay in a file that replaces the one before."""
    export = rows(created=["2024-05-10", "2024-05-20"])
    built = shop(profile(top="since = 2024-05-15"), export)
    assert column(built, "id") == ["A-1", "A-2"]
    built = shop(profile("since = 2024-05-15"), export)
    assert column(built, "id") == ["A-2"]
    assert built.issues_of("orders") == {"outside-period": 1}


# One row for each order.


def test_of_the_states_of_an_order_the_latest_goes(shop):
    export = rows(
        id=["1", "1", "1", "2"],
        status=["Новая", "Оплачен", "Отказ", "Новая"],
        updated=["2024-05-20 11:00", "2024-05-22 11:00", "2024-05-21 11:00", "2024-05-20 11:00"],
    )
    built = shop(profile('updated = "updated"', status=STATUS), export)
    assert [(order["id"], order["order_status"]) for order in orders(built)] == [("1", "PAID"), ("2", "IN_PROGRESS")]
    assert built.issues_of("orders") == {"superseded": 2}
    assert (built.counts_of("orders").accepted, built.counts_of("orders").skipped) == (2, 2)


def test_of_states_of_one_moment_the_last_goes(shop):
    export = rows(id=["1", "1"], status=["Новая", "Оплачен"], updated=["2024-05-21", "2024-05-21 23:59:59"])
    assert column(shop(profile('updated = "updated"', status=STATUS), export), "order_status") == ["PAID"]


def test_without_a_time_of_change_the_last_state_goes(shop):
    export = rows(id=["1", "2", "1"], status=["Оплачен", "Спам", "Отказ"])
    built = shop(profile(status=STATUS), export)
    assert [(order["id"], order["order_status"]) for order in orders(built)] == [("2", "SPAM"), ("1", "CANCELLED")]


def test_a_state_without_a_time_of_change_is_before_any_change(shop):
    export = rows(
        id=["1", "1", "2", "2", "3", "3"],
        created=["2024-05-20"] * 6,
        status=["Оплачен", "Новая", "Новая", "Оплачен", "Новая", "Оплачен"],
        updated=["2024-05-21", "", "", "2024-05-20 15:00", "", ""],
    )
    built = shop(profile('updated = "updated"', status=STATUS), export)
    assert column(built, "order_status") == ["PAID"] * 3


def test_without_a_time_of_change_the_time_of_creation_does_not_matter(shop):
    export = rows(id=["1", "1"], created=["2024-05-21", "2024-05-20"], status=["Новая", "Оплачен"])
    assert column(shop(profile(status=STATUS), export), "order_status") == ["PAID"]


def test_a_time_of_change_that_cannot_be_read_rejects_its_row(shop):
    export = rows(id=["1", "1"], status=["Оплачен", "Отказ"], updated=["2024-05-21", "вчера"])
    built = shop(profile('updated = "updated"', status=STATUS), export)
    assert column(built, "order_status") == ["PAID"]
    assert says(built) == [("3", "orders", "bad-time", "updated", "вчера")]


def test_a_state_that_stands_there_twice_is_a_duplicate(shop):
    export = rows(id=["1", "1", "1"], sum=["5", "5.00", "6"])
    built = shop(profile('revenue = "sum"'), export | {"id": ["1", "1", "2"]})
    assert built.issues_of("orders") == {"duplicate": 1}
    assert shop(profile('revenue = "sum"'), export).issues_of("orders") == {"superseded": 2}


def test_a_later_state_that_is_rejected_does_not_supersede_a_good_one(shop):
    """As of conversions; the rejected row says so, and once it is corrected it goes by itself."""
    export = rows(id=["1", "1"], status=["Новая", "Оплачен"], sum=["5", "пять"])
    built = shop(profile('revenue = "sum"', status=STATUS), export)
    assert column(built, "order_status") == ["IN_PROGRESS"]
    assert says(built) == [("3", "orders", "bad-price", "sum", "пять")]


def test_a_later_state_that_is_not_mapped_leaves_the_earlier_one(shop):
    export = rows(id=["1", "1"], status=["Оплачен", "Архив"])
    built = shop(profile(status=STATUS), export)
    assert column(built, "order_status") == ["PAID"]
    assert built.issues_of("orders") == {"unknown-status": 1}


def test_an_order_that_was_made_at_two_times_is_told(shop):
    export = rows(
        id=["1", "1", "1", "2", "2"],
        created=["2024-05-20", "2024-05-21", "2024-05-21", "2024-05-20", "20.05.2024"],
        status=["Новая", "Новая", "Оплачен", "Новая", "Оплачен"],
    )
    built = shop(profile(status=STATUS), export)
    assert built.issues_of("orders") == {"superseded": 3, "changed-creation": 1}
    assert column(built, "create_date_time") == ["2024-05-21 23:59:59", "2024-05-20 23:59:59"]


def test_orders_of_two_sources_are_the_same_by_their_id(shop):
    text = profile(status=STATUS).replace('"deals.csv"', '["a.csv", "b.csv"]')
    exports = {"a.csv": rows(id=["1"], status=["Новая"]), "b.csv": rows(id=["1"], status=["Оплачен"])}
    built = shop(text, exports)
    assert column(built, "order_status") == ["PAID"]


# Statuses.


def test_statuses_are_what_the_profile_says_and_no_row_has_none(shop):
    cells = ["Новая", " ОПЛАЧЕН ", "отказ", "Спам", "замер", "Черновик", "", "PAID"]
    built = shop(profile(status=STATUS), rows(status=cells))
    assert column(built, "order_status") == ["IN_PROGRESS", "PAID", "CANCELLED", "SPAM", "measure"]
    assert built.issues_of("orders") == {"unknown-status": 3}
    assert (built.counts_of("orders").skipped, built.rejected) == (3, [])


def test_every_row_may_have_one_status(shop):
    assert column(shop(profile(status='always = "measure"\n'), rows(x=["", ""])), "order_status") == ["measure"] * 2


def test_where_no_status_is_mapped_nothing_is_made_and_nothing_is_wrong(shop, tmp_path):
    built = shop(profile(status=STATUS), rows(status=["Черновик", ""]))
    assert built.outcome.folder is None
    assert built.outcome.refusal is None
    assert built.issues_of("orders") == {"unknown-status": 2}
    assert not (tmp_path / "out").exists()
    command = [sys.executable, "-m", "csvexport", "build", str(tmp_path / "shop" / "profile.toml")]
    environment = {**os.environ, "PYTHONPATH": str(Path(csvexport.__file__).parents[1])}
    done = subprocess.run([*command, "--now", "2024-06-01T09:00:00Z"], check=False, env=environment)
    assert done.returncode == 0
    assert not (tmp_path / "out").exists()


def test_rows_that_when_leaves_out_are_no_orders(shop):
    built = shop(profile('when = { type = "заказ" }'), rows(type=["заказ", "обмен"], id=["1", ""]))
    assert column(built, "id") == ["1"]
    assert built.issues_of("orders") == {"no-goal": 1}


# Clients.


def test_contacts_leave_as_md5_of_their_normal_form(shop):
    export = rows(
        mail=[" Mail@Yandex.RU ", "", "mail@yandex.ru;mail2@example.com", ""],
        phone=["+7 (999) 555-11-11", "89995551111, 8 999 123-45-67", "", "7 999 555 11 11 доб. 5"],
    )
    built = shop(profile('emails = "mail"\nphones = "phone"', client=""), export)
    assert column(built, "emails_md5") == [MAIL_MD5, "", f"{MAIL_MD5},058ce6327d6846327dc71d572a04a206", ""]
    second = "c523d04542feb526ea83dc33a4dc6aea"
    assert column(built, "phones_md5") == [PHONE_MD5, f"{PHONE_MD5},{second}", "", PHONE_MD5]
    assert PHONE not in built.texts["orders.csv"].decode()


def test_contacts_may_leave_in_plain_text(shop):
    export = rows(mail=["Mail@Yandex.RU, mail2@example.com"], phone=["8 999 555-11-11"])
    built = shop(profile('emails = "mail"\nphones = "phone"\ncontacts = "plain"', client=""), export)
    assert column(built, "emails") == ["mail@yandex.ru,mail2@example.com"]
    assert column(built, "phones") == [PHONE]


def test_contacts_of_several_columns_are_one_list_in_which_each_stands_once(shop):
    text = profile('emails = ["mail", "mail2"]\ncontacts = "plain"', client='client_ids = ["cid", "cid2"]\n')
    export = rows(mail=["a@example.ru", "", "b@example.ru"], mail2=["b@example.ru,A@example.ru", "c@example.ru", ""])
    export |= {"cid": [A, "", A], "cid2": [f"{A},{B}", B, ""]}
    built = shop(text, export)
    assert column(built, "emails") == ["a@example.ru,b@example.ru", "c@example.ru", "b@example.ru"]
    assert column(built, "client_ids") == [f"{A},{B}", B, A]


def test_without_contacts_only_client_ids_count(shop):
    export = rows(cid=[A, ""], mail=[MAIL, MAIL])
    built = shop(profile('emails = "mail"\ncontacts = "none"'), export)
    assert column(built, "client_ids") == [A]
    assert MAIL_MD5 not in built.texts["orders.csv"].decode()
    assert [row["code"] for row in built.rejected] == ["no-contact"]


def test_an_order_of_which_nothing_finds_the_client_is_rejected(shop):
    export = rows(cid=["", "", A], mail=["", "почта", ""], phone=["", "112", ""])
    built = shop(profile('emails = "mail"\nphones = "phone"'), export)
    assert column(built, "id") == ["A-3"]
    assert says(built) == [
        ("2", "orders", "no-contact", "cid | mail | phone", ""),
        ("3", "orders", "no-contact", "cid | mail | phone", ""),
    ]
    assert built.issues_of("orders") == {"no-contact": 2}


def test_bad_ids_are_left_out_where_something_else_finds_the_client(shop):
    cells = [f"undefined, {A}", "1,71642E+18", f"{A},0", "", "1 716 642 001 234 567 891", f"{A};{B}"]
    export = rows(cid=cells, mail=["", MAIL, MAIL, MAIL, "", ""])
    built = shop(profile('emails = "mail"'), export)
    assert [(order["id"], order["client_ids"]) for order in orders(built)] == [
        *(("A-1", A), ("A-2", ""), ("A-3", ""), ("A-4", ""), ("A-6", f"{A},{B}")),
    ]
    assert built.issues_of("orders") == {"second-identifier": 3, "rounded-identifier": 1}
    assert says(built) == [("6", "orders", "rounded-identifier", "cid", "1 716 642 001 234 567 891")]


def test_a_source_whose_client_ids_are_rounded_is_refused(shop):
    rounded = [f"{171664200123456 + number}0000" for number in range(4)]
    with pytest.raises(DataError, match='4 of 4 long identifiers in column "cid" end in zeros'):
        shop(profile(), rows(cid=rounded))


def test_match_quality_says_by_what_clients_are_found(shop):
    times = ["2024-05-20", "2024-05-20", "2024-05-11 12:00:00", "2024-05-11 11:59:59"]
    export = rows(cid=[A, "", A, A], mail=[MAIL, MAIL, "", ""], created=times)
    built = shop(profile('emails = "mail"'), export)
    quality = built.outcome.summary.matching["orders"]
    assert (quality.records, quality.client_id, quality.contact, quality.both, quality.old) == (4, 3, 2, 1, 1)


def test_a_clients_own_id_is_left_out_where_it_is_none(shop):
    export = rows(client=["c1", "-", "null", "undefined", '="007"', "", " c 2 "])
    built = shop(profile('client = "client"'), export)
    assert column(built, "client_uniq_id") == ["c1", "", "", "", "007", "", "c 2"]
    assert built.issues_of("orders") == {"bad-value": 3}


# Ids and money.


def test_an_order_needs_an_id_of_its_own(shop):
    built = shop(profile(), rows(id=["", " ", "null", "1.7E+17", "'007", '="0012"']))
    assert column(built, "id") == ["007", "0012"]
    assert [(row["row"], row["code"]) for row in built.rejected] == [
        *(("2", "no-order-id"), ("3", "no-order-id"), ("4", "bad-identifier"), ("5", "rounded-identifier")),
    ]


@pytest.mark.parametrize("key", ["revenue", "cost"])
def test_money_is_exact_and_within_yandex_bounds(key, shop):
    cells = ["0", "1 234,5", "9223372036854", "9223372036854.01", "-1", "-0", "даром", "", "1,234", "$5", "5 руб."]
    built = shop(profile(f'{key} = "sum"'), rows(sum=cells))
    assert column(built, key) == ["0.00", "1234.50", "9223372036854.00", "0.00", "", "5.00"]
    assert [(row["value"], row["code"]) for row in built.rejected] == [
        ("9223372036854.01", "bad-price"),
        ("-1", "negative-price"),
        ("даром", "bad-price"),
        ("1,234", "bad-price"),
        ("$5", "bad-currency"),
    ]


def test_money_may_be_one_sum_for_all_rows(shop):
    (order,) = orders(shop(profile("revenue = 200\ncost = 99.9"), rows(x=["1"])))
    assert (order["revenue"], order["cost"]) == ("200.00", "99.90")


def test_both_sums_are_looked_at(shop):
    built = shop(profile('revenue = "sum"\ncost = "cost"'), rows(sum=["1", "-1"], cost=["", "x"]))
    assert says(built) == [("3", "orders", "negative-price | bad-price", "sum | cost", "-1 | x")]


def test_a_column_of_currencies_is_written_for_the_api(shop):
    more = (
        'delimiter = ","\nrevenue = "sum"\ncost = "cost"\ncurrency = { column = "money", values = { "руб." = "RUB" } }'
    )
    export = rows(sum=["1", "1", "1", "", "1 ₽"], cost=["", "1 €", "1", "", ""], money=["usd", "EUR", "", "", "USD"])
    built = shop(profile(more), export)
    assert column(built, "currency", ",") == ["USD", "EUR", "RUB", "RUB"]
    assert built.issues_of("orders") == {"price-without-currency": 1, "bad-currency": 1}


def test_a_cost_in_another_currency_than_roubles_says_so(shop):
    built = shop(profile('delimiter = ","\ncost = 5', top='currency = "USD"'), rows(x=["1"]))
    assert [(order["cost"], order["currency"]) for order in orders(built, ",")] == [("5.00", "USD")]


GOALS = """
delimiter = ","
revenue = "sum"
[[orders.goals]]
target = "filial_1"
when = { branch = "Центр" }
[[orders.goals]]
target = "oplata"
when = { sum = { min = 100 } }
price = "cash"
[[orders.goals]]
target = "fixed"
when = { branch = "Юг" }
price = 5
"""


def test_goals_stand_in_the_apis_file_each_with_its_own_revenue(shop):
    export = rows(
        branch=["Центр", "Центр", "Юг", "Север", "Юг"],
        sum=["50", "100", "200", "1", "1"],
        cash=["x", "7,5", "", "x", ""],
    )
    built = shop(profile(GOALS), export)
    assert column(built, "goals", ",") == ["filial_1", "filial_1,oplata:7.50", "oplata,fixed:5.00", "", "fixed:5.00"]
    assert built.header("orders.csv") == "id,create_date_time,client_ids,order_status,revenue,goals,currency"


def test_a_goals_own_revenue_is_looked_at_where_the_goal_is_reached(shop):
    export = rows(branch=[""] * 4, sum=["100", "100", "99", "99"], cash=["x", "$5", "x", "$5"])
    built = shop(profile(GOALS), export)
    assert says(built) == [("2", "orders", "bad-price", "cash", "x"), ("3", "orders", "bad-currency", "cash", "$5")]
    assert column(built, "id", ",") == ["A-3", "A-4"]


def test_rows_that_are_left_out_shift_nothing(shop):
    export = rows(
        type=["обмен", "заказ", "заказ", "заказ"],
        status=["Спам", "Черновик", "Оплачен", "Новая"],
        branch=["Центр", "Центр", "Юг", "Север"],
        sum=["1", "2", "3", "100"],
        cash=["1", "2", "3", "4"],
    )
    built = shop(profile('when = { type = "заказ" }\n' + GOALS, status=STATUS), export)
    assert [(order["id"], order["order_status"], order["goals"]) for order in orders(built, ",")] == [
        ("A-3", "PAID", "fixed:5.00"),
        ("A-4", "IN_PROGRESS", "oplata:4.00"),
    ]


# Advertisements.

UTM = 'utm = { source = "source", campaign = "campaign" }\nrevenue = "sum"\n'


def test_advertisements_are_counted_and_stay_at_home(shop):
    export = rows(
        id=["1", "1", "2", "3", "4", "5"],
        source=["yandex", "yandex", " yandex", "vk", "", "yandex"],
        campaign=["a", "a", "a", "", "", "a"],
        status=["Новая", "Оплачен", "Оплачен", "Оплачен", "Новая", "Черновик"],
        sum=["1", "2", "3", "4", "", "6"],
    )
    built = shop(profile(UTM, status=STATUS), export)
    found = [(tag.kind, tag.status, tag.tags, tag.records, str(tag.revenue)) for tag in built.outcome.summary.tags]
    assert found == [
        ("orders", "PAID", ("yandex", "", "a"), 2, "5"),
        ("orders", "IN_PROGRESS", ("", "", ""), 1, "0"),
        ("orders", "PAID", ("vk", "", ""), 1, "4"),
    ]
    assert "yandex" not in built.texts["orders.csv"].decode()


def test_only_so_many_advertisements_are_told_apart(shop, monkeypatch):
    monkeypatch.setattr("csvexport.workflow.tally.MOST_TAGS", 2)
    export = rows(source=["a", "b", "c", "d", "b"], campaign=["", "", "x", "", ""], sum=["1", "2", "4", "8", "16"])
    tags = shop(profile(UTM), export).outcome.summary.tags
    assert [(tag.tags, tag.records, str(tag.revenue)) for tag in tags] == [
        (("b", "", ""), 2, "18"),
        (("…", "…", "…"), 2, "12"),
        (("a", "", ""), 1, "1"),
    ]


def test_without_marks_orders_are_counted_by_status_alone(shop):
    built = shop(profile(status=STATUS), rows(status=["Новая", "Новая", "Спам"]))
    found = [(tag.status, tag.tags, tag.records) for tag in built.outcome.summary.tags]
    assert found == [("IN_PROGRESS", (), 2), ("SPAM", (), 1)]


def test_days_are_those_of_the_profiles_zone(shop):
    export = rows(created=["2024-05-20 00:30", "2024-05-20", "2024-05-21"], sum=["1", "2", "4"])
    built = shop(profile('revenue = "sum"', top='counter_timezone = "Europe/London"'), export)
    days = [(str(day.day), day.kind, day.label, day.records, str(day.revenue)) for day in built.outcome.summary.days]
    assert days == [("2024-05-20", "orders", "PAID", 2, "3"), ("2024-05-21", "orders", "PAID", 1, "4")]


# What is too large for the Conversion Center. Each line has the same length.

LINE = len(f"A-1;2024-05-20 10:00:00;{A};PAID\n")
HEADER = len("id;create_date_time;client_ids;order_status\n")
DAYS = ["2024-05-30", "2024-05-20", "2024-05-10", "2024-06-01", "2024-05-28", "2024-05-29", "2024-05-31"]


def dated():
    return rows(created=[f"{day} 10:00:00" for day in DAYS])


def limit(lines, more=0):
    return HEADER + lines * LINE + more


def test_a_file_that_is_just_small_enough_is_written_whole(shop):
    for more in ("", 'on_oversize = "trim"'):
        built = shop(profile(more), dated(), limit=limit(7))
        assert len(built.texts["orders.csv"]) == limit(7)
        assert built.issues_of("orders") == {}


def test_a_file_that_would_be_too_large_is_refused(shop, tmp_path):
    with pytest.raises(DataError) as refusal:
        shop(profile(), dated(), limit=limit(7, -1))
    assert str(refusal.value).startswith(
        f"orders.csv would have {limit(7)} bytes, and Yandex takes no more than {limit(7, -1)}."
    )
    assert 'on_oversize = "trim"' in str(refusal.value)
    assert not (tmp_path / "out").exists()
    checked = check(load_profile(tmp_path / "shop" / "profile.toml"), Options(now=NOW, limit=limit(7, -1)))
    assert f"{checked.refusal}\nNothing was written." == str(refusal.value)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (limit(7, -1), ["A-1", "A-2", "A-4", "A-5", "A-6", "A-7"]),
        (limit(6), ["A-1", "A-2", "A-4", "A-5", "A-6", "A-7"]),
        (limit(6, -1), ["A-1", "A-4", "A-5", "A-6", "A-7"]),
        (limit(5), ["A-1", "A-4", "A-5", "A-6", "A-7"]),
        (limit(4), ["A-1", "A-4", "A-6", "A-7"]),
    ],
)
def test_the_oldest_orders_go_first_and_no_more_of_them_than_must(allowed, expected, shop, tmp_path):
    built = shop(profile('on_oversize = "trim"'), dated(), limit=allowed)
    assert column(built, "id") == expected
    assert len(built.texts["orders.csv"]) <= allowed
    counts = built.counts_of("orders")
    assert (counts.accepted, counts.skipped, counts.rejected) == (len(expected), 7 - len(expected), 0)
    assert built.issues_of("orders") == {"oversize": 7 - len(expected)}
    options = Options(now=NOW, limit=allowed)
    checked = check(load_profile(tmp_path / "shop" / "profile.toml"), options)
    assert checked.summary.counts == built.outcome.summary.counts
    assert checked.refusal is None


def test_the_last_three_days_never_go(shop, tmp_path):
    with pytest.raises(DataError, match=f"would have {limit(4)} bytes, and Yandex takes no more than {limit(4, -1)}"):
        shop(profile('on_oversize = "trim"'), dated(), limit=limit(4, -1))
    assert not (tmp_path / "out").exists()


def test_what_was_superseded_does_not_weigh(shop):
    export = dated() | {"id": ["A-1", "A-1", "A-1", "A-4", "A-5", "A-6", "A-7"]}
    built = shop(profile(), export, limit=limit(5))
    assert len(built.texts["orders.csv"]) == limit(5)
    assert built.issues_of("orders")["superseded"] == 2


def test_the_apis_file_is_parted_instead(shop):
    built = shop(profile('delimiter = ","'), dated(), limit=limit(3))
    assert [file.name for file in built.outcome.summary.files] == ["orders.csv", "orders-2.csv", "orders-3.csv"]
    assert [file.rows for file in built.outcome.summary.files] == [3, 3, 1]
    parts = [order["id"] for file in built.outcome.summary.files for order in built.table(file.name)]
    assert parts == [f"A-{number}" for number in range(1, 8)]


# What Yandex would say of a row ([cc]), and the code under which it is caught before.

ROW = {
    "id": "A-2",
    "created": "2024-05-20 10:00:00",
    "cid": A,
    "mail": "",
    "sum": "5",
    "cost": "1",
    "status": "Оплачен",
}


@pytest.mark.parametrize(
    ("error", "change", "code"),
    [
        ("Invalid date format '<x>'", {"created": "05/20/2024"}, "bad-time"),
        ("Invalid date format '<x>'", {"created": "1969-12-31 10:00"}, "bad-time"),
        ("Empty 'create_date_time' value", {"created": " "}, "empty-time"),
        ("'create_date_time' is older than 113 days", {"created": "2024-02-09 11:59:59"}, "too-old"),
        ("'create_date_time' is from the future", {"created": "2024-06-01 12:00:01"}, "future-time"),
        ("'create_date_time' is from the future", {"created": "2024-06-01"}, "unfinished-day"),
        ("Invalid '<id_type>' identifier '<x>'", {"cid": "undefined"}, "bad-identifier"),
        ("Invalid '<id_type>' identifier '<x>'", {"cid": "1,71642E+18"}, "rounded-identifier"),
        ("Invalid '<id_type>' identifier '<x>'", {"mail": "почта"}, "bad-email"),
        ("All columns with identifiers are empty", {"cid": ""}, "no-contact"),
        ("Invalid '<revenue/cost>' value", {"sum": "пять"}, "bad-price"),
        ("Invalid '<revenue/cost>' value", {"cost": "1,234"}, "bad-price"),
        ("'<revenue/cost>' value must be nonnegative", {"sum": "-5"}, "negative-price"),
        ("'<revenue/cost>' value must be nonnegative", {"cost": "-0.01"}, "negative-price"),
        ("'<revenue/cost>' value must not exceed 9223372036854", {"sum": "9223372036855"}, "bad-price"),
        ("'<revenue/cost>' value must not exceed 9223372036854", {"cost": "9223372036854,5"}, "bad-price"),
        ("Invalid 'order_status' value", {"status": "Возврат"}, "unknown-status"),
        ("Invalid 'order_status' value", {"status": ""}, "unknown-status"),
    ],
)
def test_what_yandex_would_refuse_never_leaves(error, change, code, shop):
    more = 'emails = "mail"\nrevenue = "sum"\ncost = "cost"'
    good, bad = {**ROW, "id": "A-1"}, ROW | change
    built = shop(profile(more, status=STATUS), {name: [good[name], bad[name]] for name in ROW})
    assert built.issues_of("orders") == {code: 1}, error
    if code == "bad-email":  # the value alone is refused; the client is found by the rest
        assert [(order["id"], order["emails_md5"]) for order in orders(built)] == [("A-1", ""), ("A-2", "")]
    else:
        assert column(built, "id") == ["A-1"]
        assert md5_of("почта") not in built.texts["orders.csv"].decode()


# Corrected rows.


def test_a_file_of_orders_is_never_made_of_corrected_rows_alone(shop, tmp_path):
    """It would replace the file of all orders at its path."""
    built = shop(profile('revenue = "sum"'), rows(sum=["1", "x"]))
    rejected = built.outcome.folder / "rejected.csv"
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(rejected.read_text(encoding="utf-8").replace(',"x"\n', ',"2"\n'), encoding="utf-8")
    loaded = load_profile(tmp_path / "shop" / "profile.toml")
    with pytest.raises(UsageError):
        check(loaded, Options(exports=[str(corrected)], now=NOW))
    export = tmp_path / "shop" / "deals.csv"
    checked = check(loaded, Options(exports=[str(export), str(corrected)], now=NOW))
    assert checked.summary.counts["orders"].accepted == 2
