"""Rows to contacts and deals, as the CRM API takes them."""

import json

import pytest

from csvexport.errors import UsageError

A, B = "1706436776194551959", "1706436776194551958"

# Yandex's own vectors ([md5]).
MAIL, MAIL_MD5 = "mail@yandex.ru", "3c56ff8fef0f6c65b36b2d25720fe276"
PHONE, PHONE_MD5 = "79995551111", "f09f2c3d48f31e2a802944ade2e5aec5"

TOP = """
timezone = "Europe/Moscow"
max_rejected = 1
source.path = "deals.csv"
"""
CONTACTS = """
[contacts]
id = "client"
"""
DEALS = """
[deals]
id = "id"
client = "client"
created = "created"
status = "status"
"""
STATUSES = """
[deals.statuses]
"Новая" = "IN_PROGRESS"
"Оплачен" = "PAID"
"Отказ" = "CANCELLED"
"Спам" = "SPAM"
"Архив" = "OTHER"
"Замер" = { id = "measure", type = "IN_PROGRESS", title = "Замер на дому", goals = ["measure_booked", "lead"] }
"Рассрочка" = "credit"
"""


def contacts(more="", top=""):
    return TOP + top + CONTACTS + more


def deals(more="", top="", tables=""):
    return TOP + top + DEALS + more + STATUSES + tables


def rows(**columns):
    """Give an export with these columns; every row is another deal of another client."""
    count = len(next(iter(columns.values())))
    default = {
        "id": [f"D-{number}" for number in range(1, count + 1)],
        "client": [f"c{number}" for number in range(1, count + 1)],
        "created": ["2024-05-20 10:00:00"] * count,
        "status": ["Оплачен"] * count,
    }
    return default | columns


def column(built, name, file):
    return [record[name] for record in built.table(file)]


def files(built):
    return [(file.name, file.kind, file.rows) for file in built.outcome.summary.files]


# Contacts.

PERSON = """
name = "name"
created = "met"
updated = "changed"
birth_date = "born"
client_ids = "cid"
user_ids = "uid"
emails = "mail"
phones = "phone"
"""


def person(**change):
    return rows(
        **{
            "client": ["c1"],
            "name": [' Иванов  "Иван", сын '],
            "met": ["20.05.2024 10:00"],
            "changed": ["2024-05-21T10:00:00Z"],
            "born": ["05.05.1990"],
            "cid": [f"{A}, {B}"],
            "uid": ["u1, u2"],
            "mail": ["Mail@Yandex.ru"],
            "phone": ["8 999 555-11-11"],
        }
        | change
    )


def test_contacts_as_csv(shop):
    built = shop(contacts(PERSON), person())
    assert built.texts["contacts.csv"].decode() == (
        "uniq_id,name,create_date_time,update_date_time,birth_date,client_ids,user_ids,emails_md5,phones_md5\n"
        'c1,"Иванов ""Иван"", сын",2024-05-20 10:00:00,2024-05-21 13:00:00,1990-05-05,'
        f'"{A},{B}","u1,u2",{MAIL_MD5},{PHONE_MD5}\n'
    )
    assert files(built) == [("contacts.csv", "contacts", 1)]
    assert built.outcome.summary.issues == {}


def test_contacts_as_json(shop):
    built = shop(contacts(PERSON + 'format = "json"\ncontacts = "plain"\n'), person())
    assert built.document("contacts.json") == {
        "contacts": [
            {
                "uniq_id": "c1",
                "name": 'Иванов "Иван", сын',
                "create_date_time": "2024-05-20 10:00:00",
                "update_date_time": "2024-05-21 13:00:00",
                "birth_date": "1990-05-05",
                "client_ids": [A, B],
                "user_ids": ["u1", "u2"],
                "emails": [MAIL],
                "phones": [PHONE],
            }
        ]
    }


def test_what_a_contact_has_not_is_left_out_of_json_and_empty_in_csv(shop):
    nothing = {name: [""] for name in ("name", "met", "changed", "born", "cid", "uid", "mail", "phone")}
    built = shop(contacts(PERSON + 'format = "json"\n'), person(**nothing))
    assert built.document("contacts.json") == {"contacts": [{"uniq_id": "c1"}]}
    (contact,) = shop(contacts(PERSON), person(**nothing)).table("contacts.csv")
    assert {name for name, cell in contact.items() if cell} == {"uniq_id"}
    assert built.issues == {}


def test_a_contact_needs_its_id_and_nothing_else(shop):
    built = shop(contacts(), rows(client=["c1", "", "null", "1.7E+17", "'007"]))
    assert built.texts["contacts.csv"] == b"uniq_id\nc1\n007\n"
    assert [(row["row"], row["kind"], row["code"]) for row in built.rejected] == [
        *(
            ("3", "contacts", "no-order-id"),
            ("4", "contacts", "bad-identifier"),
            ("5", "contacts", "rounded-identifier"),
        ),
    ]


def test_delimiters_may_be_semicolons(shop):
    built = shop(contacts('name = "name"\ndelimiter = ";"\n'), rows(name=["a;b"]))
    assert built.texts["contacts.csv"].decode() == 'uniq_id;name\nc1;"a;b"\n'


def test_what_cannot_be_read_of_a_contact_is_left_out_with_a_warning(shop):
    export = person(met=["вчера"], born=["1969-12-31"], cid=["1,7E+18"], uid=["null"], mail=["почта"], phone=["112"])
    built = shop(contacts(PERSON), export)
    (contact,) = built.table("contacts.csv")
    assert {name for name, cell in contact.items() if cell} == {"uniq_id", "name", "update_date_time"}
    assert built.issues_of("contacts") == {
        "second-identifier": 1,
        "bad-phone": 1,
        "bad-email": 1,
        "bad-value": 1,
    }
    assert built.rejected == []


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "Europe/Moscow"])
def test_a_birthday_is_the_date_that_the_source_writes(zone, shop):
    built = shop(contacts(f'birth_date = {{ column = "born", timezone = "{zone}" }}\n'), rows(born=["1990-05-05"]))
    assert column(built, "birth_date", "contacts.csv") == ["1990-05-05"]


def test_times_are_those_of_the_counters_clock(shop):
    top = 'counter_timezone = "Asia/Vladivostok"\n'
    (contact,) = shop(contacts(PERSON, top), person(met=["2024-05-20"])).table("contacts.csv")
    assert contact["create_date_time"] == "2024-05-21 06:59:59"
    assert contact["birth_date"] == "1990-05-05"


def test_of_the_states_of_a_contact_the_latest_goes(shop):
    export = rows(
        client=["c1", "c1", "c2", "c2", "c3", "c3"],
        name=["new", "old", "first", "last", "same", "same"],
        changed=["2024-05-21", "2024-05-20", "", "", "", ""],
    )
    built = shop(contacts('name = "name"\nupdated = "changed"\n'), export)
    assert [(one["uniq_id"], one["name"]) for one in built.table("contacts.csv")] == [
        *(("c1", "new"), ("c2", "last"), ("c3", "same")),
    ]
    assert built.issues_of("contacts") == {"superseded": 2, "duplicate": 1}


def test_a_time_of_change_that_cannot_be_read_rejects_the_contact(shop):
    built = shop(contacts('updated = "changed"\n'), rows(client=["c1", "c1"], changed=["2024-05-20", "вчера"]))
    assert [(row["row"], row["code"], row["column"]) for row in built.rejected] == [("3", "bad-time", "changed")]
    assert column(built, "uniq_id", "contacts.csv") == ["c1"]


def test_contacts_may_leave_without_contacts(shop):
    built = shop(contacts('emails = "mail"\nphones = "phone"\ncontacts = "none"\n'), person())
    assert built.texts["contacts.csv"] == b"uniq_id\nc1\n"


def test_match_quality_of_contacts_counts_user_ids_as_well(shop):
    export = rows(cid=[A, "", "", ""], uid=["", "u", "", "null"], mail=["", MAIL, MAIL, ""])
    built = shop(contacts('client_ids = "cid"\nuser_ids = "uid"\nemails = "mail"\n'), export)
    quality = built.outcome.summary.matching["contacts"]
    assert (quality.records, quality.client_id, quality.contact, quality.both, quality.old) == (4, 2, 2, 1, 0)


# Attributes.

ATTRIBUTES = """
[contacts.attributes]
city = "city"
age = { column = "age", type = "numeric", title = "Возраст" }
first = { column = "first", type = "date" }
seen = { column = "seen", type = "datetime" }
work = { column = "work", type = "email" }
tags = { column = "tags", multivalued = true }
sizes = { column = "sizes", type = "numeric", multivalued = true }
visits = { column = "visits", type = "datetime", multivalued = true }
days = { column = "days", type = "date", multivalued = true }
mails = { column = "mails", type = "email", multivalued = true }
"""


def attributed(**change):
    return rows(
        **{
            "city": [" Москва\n"],
            "age": ["33,5"],
            "first": ["20.05.2024 23:30"],
            "seen": ["2024-05-20"],
            "work": ["A@Example.ru, b@example.ru"],
            "tags": ["vip; опт, vip"],
            "sizes": ["38;39.5"],
            "visits": ["20.05.2024 10:00; 21.05.2024"],
            "days": ["20.05.2024, 2024-05-21"],
            "mails": ["A@example.ru; b@example.ru"],
        }
        | change
    )


def test_attributes_of_every_type_in_json(shop):
    built = shop(contacts('format = "json"\n' + ATTRIBUTES), attributed())
    assert built.document("contacts.json") == {
        "contacts": [
            {
                "uniq_id": "c1",
                "city": "Москва",
                "age": "33.5",
                "first": "2024-05-20",
                "seen": "2024-05-20 23:59:59",
                "work": "a@example.ru",
                "tags": ["vip", "опт"],
                "sizes": ["38", "39.5"],
                "visits": ["2024-05-20 10:00:00", "2024-05-21 23:59:59"],
                "days": ["2024-05-20", "2024-05-21"],
                "mails": ["a@example.ru", "b@example.ru"],
            }
        ]
    }
    assert built.issues == {}


def test_attributes_of_every_type_in_csv(shop):
    built = shop(contacts(ATTRIBUTES), attributed())
    assert built.header("contacts.csv") == "uniq_id,city,age,first,seen,work,tags,sizes,visits,days,mails"
    (contact,) = built.table("contacts.csv")
    assert (contact["tags"], contact["days"]) == ("vip,опт", "2024-05-20,2024-05-21")
    assert (contact["age"], contact["work"]) == ("33.5", "a@example.ru")


def test_attributes_that_cannot_be_read_are_left_out_with_a_warning(shop):
    bad = {
        "age": ["много"],
        "first": ["05/20/2024"],
        "seen": ["вчера"],
        "sizes": ["38;L"],
        "visits": ["вчера; 2024-05-20"],
    }
    built = shop(contacts('format = "json"\n' + ATTRIBUTES), attributed(**bad, work=["x"], mails=["x, b@example.ru"]))
    (contact,) = built.document("contacts.json")["contacts"]
    assert contact.keys() == {"uniq_id", "city", "tags", "sizes", "visits", "days", "mails"}
    assert (contact["sizes"], contact["visits"], contact["mails"]) == (
        *(["38"], ["2024-05-20 23:59:59"], ["b@example.ru"]),
    )
    assert built.issues_of("contacts") == {"bad-value": 1, "bad-email": 1}


def test_attributes_that_are_empty_are_left_out_without_a_word(shop):
    nothing = {name: [""] for name in attributed().keys() - rows(x=[""]).keys()}
    built = shop(contacts('format = "json"\n' + ATTRIBUTES), attributed(**nothing))
    assert built.document("contacts.json") == {"contacts": [{"uniq_id": "c1"}]}
    assert built.issues == {}


def test_moments_of_attributes_are_the_counters_and_dates_the_sources(shop):
    top = 'counter_timezone = "Asia/Vladivostok"\n'
    built = shop(contacts('format = "json"\n' + ATTRIBUTES, top), attributed())
    (contact,) = built.document("contacts.json")["contacts"]
    assert (contact["seen"], contact["first"]) == ("2024-05-21 06:59:59", "2024-05-20")
    assert contact["visits"] == ["2024-05-20 17:00:00", "2024-05-22 06:59:59"]
    assert contact["days"] == ["2024-05-20", "2024-05-21"]


def test_attributes_are_announced_once_for_each_kind(shop):
    tables = ATTRIBUTES + '[deals.attributes]\nmanager = "manager"\n'
    built = shop(TOP + CONTACTS + DEALS + STATUSES + tables, attributed(manager=["Петров"]))
    assert files(built) == [
        ("attributes-CONTACT.json", "schema", 10),
        ("contacts.csv", "contacts", 1),
        ("order_statuses.json", "schema", 7),
        ("attributes-ORDER.json", "schema", 1),
        ("deals.csv", "deals", 1),
    ]
    announced = {each["name"]: each for each in built.document("attributes-CONTACT.json")["attributes"]}
    assert announced["age"] == {"name": "age", "type_name": "numeric", "multivalued": False, "humanized": "Возраст"}
    assert announced["city"] == {"name": "city", "type_name": "text", "multivalued": False, "humanized": "city"}
    assert announced["visits"]["multivalued"] is True
    assert {name: each["type_name"] for name, each in announced.items()} == {
        "city": "text",
        "age": "numeric",
        "first": "date",
        "seen": "datetime",
        "work": "email",
        "tags": "text",
        "sizes": "numeric",
        "visits": "datetime",
        "days": "date",
        "mails": "email",
    }
    assert built.document("attributes-ORDER.json") == {
        "attributes": [{"name": "manager", "type_name": "text", "multivalued": False, "humanized": "manager"}]
    }


# Deals.

DEAL = """
updated = "changed"
finished = "closed"
revenue = "sum"
cost = "cost"
products = "goods"
"""
GOALS = """
[[deals.goals]]
target = "filial_1"
when = { branch = "Центр" }
[[deals.goals]]
target = "big"
when = { sum = { min = 100 } }
price = "sum"
"""


def deal(**change):
    return rows(
        **{
            "changed": ["2024-05-21"],
            "closed": ["22.05.2024 10:00"],
            "sum": ["1 000,50"],
            "cost": ["200"],
            "goods": ['Кресло "Люкс": 2, Стол x3'],
            "branch": ["Центр"],
        }
        | change
    )


def test_deals_as_csv(shop):
    built = shop(deals(DEAL, tables=GOALS), deal())
    assert built.texts["deals.csv"].decode() == (
        "id,client_uniq_id,client_type,create_date_time,order_status,update_date_time,finish_date_time,revenue,cost,"
        "currency,goals,products\n"
        "D-1,c1,CONTACT,2024-05-20 10:00:00,paid,2024-05-21 23:59:59,2024-05-22 10:00:00,1000.50,200.00,RUB,"
        '"filial_1,big:1000.50","Кресло ""Люкс"":2,Стол:3"\n'
    )


def test_deals_as_json(shop):
    built = shop(deals(DEAL + 'format = "json"\n', tables=GOALS), deal())
    assert built.document("deals.json") == {
        "orders": [
            {
                "id": "D-1",
                "client_uniq_id": "c1",
                "client_type": "CONTACT",
                "create_date_time": "2024-05-20 10:00:00",
                "order_status": "paid",
                "update_date_time": "2024-05-21 23:59:59",
                "finish_date_time": "2024-05-22 10:00:00",
                "revenue": 1000.50,
                "cost": 200,
                "currency": "RUB",
                "goals": [{"goal_action_id": "filial_1"}, {"goal_action_id": "big", "price": 1000.5}],
                "products": {'Кресло "Люкс"': 2, "Стол": 3},
            }
        ]
    }
    assert b'"revenue":1000.50,' in built.texts["deals.json"]


def test_what_a_deal_has_not_is_left_out(shop):
    nothing = {name: [""] for name in ("changed", "closed", "sum", "cost", "goods", "branch")}
    built = shop(deals(DEAL + 'format = "json"\n', tables=GOALS), deal(**nothing))
    (found,) = built.document("deals.json")["orders"]
    assert found.keys() == {"id", "client_uniq_id", "client_type", "create_date_time", "order_status", "currency"}


def test_statuses_are_told_once_with_what_they_mean(shop):
    built = shop(
        deals(), rows(status=["Новая", " оплачен", "ОТКАЗ", "Спам", "Архив", "Замер", "Рассрочка", "Черновик", ""])
    )
    assert column(built, "order_status", "deals.csv") == [
        *("in_progress", "paid", "cancelled", "spam", "other", "measure", "credit"),
    ]
    assert built.issues_of("deals") == {"unknown-status": 2}
    assert built.document("order_statuses.json") == {
        "order_statuses": [
            {"id": "in_progress", "humanized": "Новая", "type": "IN_PROGRESS", "goal_action_ids": []},
            {"id": "paid", "humanized": "Оплачен", "type": "PAID", "goal_action_ids": []},
            {"id": "cancelled", "humanized": "Отказ", "type": "CANCELLED", "goal_action_ids": []},
            {"id": "spam", "humanized": "Спам", "type": "SPAM", "goal_action_ids": []},
            {"id": "other", "humanized": "Архив", "type": "OTHER", "goal_action_ids": []},
            {
                "id": "measure",
                "humanized": "Замер на дому",
                "type": "IN_PROGRESS",
                "goal_action_ids": ["measure_booked", "lead"],
            },
            {"id": "credit", "humanized": "Рассрочка", "type": "OTHER", "goal_action_ids": ["credit"]},
        ]
    }


def test_statuses_of_one_id_are_told_once(shop):
    text = deals().replace('"Спам" = "SPAM"', '"Брак" = "CANCELLED"')
    built = shop(text, rows(status=["Отказ", "Брак"]))
    assert column(built, "order_status", "deals.csv") == ["cancelled", "cancelled"]
    ids = [status["id"] for status in built.document("order_statuses.json")["order_statuses"]]
    assert ids == ["in_progress", "paid", "cancelled", "other", "measure", "credit"]


def test_statuses_of_one_title_are_told_by_their_ids(shop):
    text = deals().replace('"Спам" = "SPAM"', '"Брак" = { id = "waste", type = "CANCELLED", title = "Отказ" }')
    built = shop(text, rows(status=["Отказ", "Брак"]))
    assert column(built, "order_status", "deals.csv") == ["cancelled", "waste"]
    told = [(one["id"], one["humanized"]) for one in built.document("order_statuses.json")["order_statuses"]]
    assert [status for status in told if status[1] == "Отказ"] == [("cancelled", "Отказ"), ("waste", "Отказ")]


def test_a_deal_needs_an_id_and_a_client(shop):
    export = rows(id=["D-1", "", "D-3", "D-4", "null"], client=["c1", "c2", "", "undefined", ""])
    built = shop(deals(), export)
    assert column(built, "id", "deals.csv") == ["D-1"]
    assert [(row["row"], row["code"], row["column"]) for row in built.rejected] == [
        ("3", "no-order-id", "id"),
        ("4", "no-client", "client"),
        ("5", "bad-identifier", "client"),
        ("6", "bad-identifier | no-client", "id | client"),
    ]


def test_deals_have_no_window_but_a_beginning_of_their_own(shop):
    export = rows(created=["2020-01-01", "2024-05-31", "2024-06-01", "2024-06-02", ""])
    built = shop(deals(top="since = 2024-01-01\n"), export)
    assert column(built, "create_date_time", "deals.csv") == ["2020-01-01 23:59:59", "2024-05-31 23:59:59"]
    assert built.issues_of("deals") == {"unfinished-day": 1, "future-time": 1, "empty-time": 1}
    built = shop(deals("since = 2024-01-01\n"), export)
    assert column(built, "id", "deals.csv") == ["D-2"]


def test_of_the_states_of_a_deal_the_latest_goes(shop):
    export = rows(
        id=["1", "1", "1", "2", "2"],
        status=["Новая", "Оплачен", "Отказ", "Новая", "Оплачен"],
        changed=["2024-05-20 11:00", "2024-05-22", "2024-05-21", "", "x"],
        created=["2024-05-20", "2024-05-20", "2024-05-19", "2024-05-20", "2024-05-20"],
    )
    built = shop(deals('updated = "changed"\n'), export)
    assert column(built, "order_status", "deals.csv") == ["paid", "in_progress"]
    assert built.issues_of("deals") == {"superseded": 2, "changed-creation": 1, "bad-time": 1}


def test_money_of_deals_is_exact_and_within_bounds(shop):
    more = 'revenue = "sum"\ncost = "cost"\ncurrency = { column = "money" }\n'
    export = rows(
        sum=["0.005", "9223372036855", "-1", "", "5 €", "1"],
        cost=["", "", "", "7", "", "x"],
        money=["usd", "", "", "", "USD", ""],
    )
    built = shop(deals(more), export)
    found = [(one["revenue"], one["cost"], one["currency"]) for one in built.table("deals.csv")]
    assert found == [("0.005", "", "USD"), ("", "7.00", "RUB")]
    assert [row["code"] for row in built.rejected] == ["bad-price", "negative-price", "bad-currency", "bad-price"]


def test_a_cost_alone_has_its_currency_beside_it(shop):
    built = shop(deals('cost = "cost"\n', 'currency = "USD"\n'), rows(cost=["5"]))
    assert [(one["cost"], one["currency"]) for one in built.table("deals.csv")] == [("5.00", "USD")]
    assert "currency" not in shop(deals(top='currency = "USD"\n'), rows(cost=["5"])).header("deals.csv")


def test_rows_that_are_left_out_shift_nothing(shop):
    attributes = '[deals.attributes]\nmade = { column = "created", type = "date" }\n'
    export = rows(
        type=["b", "a", "a", "a"],
        status=["Новая", "Черновик", "Оплачен", "Отказ"],
        created=["2024-05-01", "2024-05-02", "2024-06-01", "2024-05-04"],
        sum=["100", "100", "100", "1"],
        branch=["", "", "", "Центр"],
    )
    built = shop(deals('when = { type = "a" }\nrevenue = "sum"\n', tables=GOALS + attributes), export)
    assert [(one["id"], one["order_status"], one["goals"], one["made"]) for one in built.table("deals.csv")] == [
        ("D-4", "cancelled", "filial_1", "2024-05-04")
    ]


def test_a_goals_price_in_another_currency_is_refused(shop):
    goals = '[[deals.goals]]\ntarget = "big"\nprice = "extra"\n'
    built = shop(deals(tables=goals), rows(extra=["5", "5 $", "x"]))
    assert column(built, "goals", "deals.csv") == ["big:5.00"]
    assert [(row["row"], row["code"]) for row in built.rejected] == [("3", "bad-currency"), ("4", "bad-price")]


def test_deals_are_counted_by_day_and_by_status(shop):
    export = rows(
        sum=["1", "2", "4"],
        status=["Оплачен", "Оплачен", "Новая"],
        created=["2024-05-20", "2024-05-20 00:30", "2024-05-21"],
    )
    summary = shop(deals('revenue = "sum"\n'), export).outcome.summary
    assert [(str(day.day), day.label, day.records, str(day.revenue)) for day in summary.days] == [
        ("2024-05-20", "paid", 2, "3"),
        ("2024-05-21", "in_progress", 1, "4"),
    ]
    assert [(tag.kind, tag.status, tag.records) for tag in summary.tags] == [
        ("deals", "paid", 2),
        ("deals", "in_progress", 1),
    ]


# Parts.


def parts(built, kind, entity):
    """Give the records of each part of a document, having seen that it is whole."""
    documents = [built.document(file.name) for file in built.outcome.summary.files if file.kind == kind]
    assert all(document.keys() == {entity} for document in documents)
    return [document[entity] for document in documents]


@pytest.mark.parametrize("limit", [1, 120, 200, 500, 10**6])
def test_every_part_of_a_document_is_a_document(limit, shop):
    names = ['a"b', "c,d", "{e}", "[f]", "\\g", "h\ni"]
    text = (
        TOP + CONTACTS + 'name = "name"\nformat = "json"\n' + DEALS + 'products = "name"\nformat = "json"\n' + STATUSES
    )
    built = shop(text, rows(name=names), limit=limit)
    contacts_found = parts(built, "contacts", "contacts")
    deals_found = parts(built, "deals", "orders")
    assert [one["uniq_id"] for part in contacts_found for one in part] == [f"c{number}" for number in range(1, 7)]
    assert [one["name"] for part in contacts_found for one in part] == ['a"b', "c,d", "{e}", "[f]", "\\g", "h i"]
    assert [one["id"] for part in deals_found for one in part] == [f"D-{number}" for number in range(1, 7)]
    assert max(map(len, contacts_found)) == {1: 1, 10**6: 6}.get(limit, max(map(len, contacts_found)))
    for file in built.outcome.summary.files:
        if file.kind in {"contacts", "deals"}:
            assert file.bytes <= limit or file.rows == 1
            assert file.rows == len(next(iter(json.loads(built.texts[file.name]).values())))


# Contacts whom no deal names.

ONLY = TOP + CONTACTS + "only_with_deals = true\n" + DEALS + 'updated = "changed"\nrevenue = "sum"\n' + STATUSES


def claimed(shop, **columns):
    count = len(columns["client"])
    built = shop(ONLY, rows(**({"changed": [""] * count, "sum": [""] * count} | columns)))
    return built, column(built, "uniq_id", "contacts.csv"), column(built, "client_uniq_id", "deals.csv")


def test_contacts_whom_no_deal_names_may_stay_at_home(shop):
    built, found, named = claimed(shop, client=["c1", "c2", "c3"], status=["Новая", "Черновик", "Новая"])
    assert found == named == ["c1", "c3"]
    assert built.issues_of("contacts") == {"no-deal": 1}
    counts = built.counts_of("contacts")
    assert (counts.matched, counts.accepted, counts.skipped, counts.rejected) == (3, 2, 1, 0)


def test_deals_that_do_not_go_name_nobody(shop):
    built, found, named = claimed(
        shop,
        id=["1", "1", "2", "3", "4"],
        client=["was", "is", "rejected", "unfinished", "long id " * 5],
        changed=["2024-05-20", "2024-05-21", "", "", ""],
        sum=["", "", "x", "", ""],
        created=["2024-05-20"] * 3 + ["2024-06-01", "2024-05-20"],
    )
    assert named == ["is", ("long id " * 5).strip()]
    assert found == named
    assert built.issues_of("contacts") == {"no-deal": 3}


def test_a_deals_client_may_stand_in_another_row_or_another_source(shop):
    text = ONLY.replace('"deals.csv"', '["a.csv", "b.csv"]')
    one = rows(client=["c1", "c2"], id=["1", ""], changed=["", ""], sum=["", ""])
    other = rows(client=["c2", "c3"], id=["2", ""], changed=["", ""], sum=["", ""])
    built = shop(text, {"a.csv": one, "b.csv": other})
    assert column(built, "uniq_id", "contacts.csv") == ["c1", "c2"]
    assert built.issues_of("contacts") == {"duplicate": 1, "no-deal": 1}


def test_a_contact_without_a_deal_that_stands_there_twice_counts_once_for_each_reason(shop):
    built, found, _ = claimed(shop, client=["c1", "c2", "c2"], status=["Новая", "Черновик", "Черновик"])
    assert found == ["c1"]
    assert built.issues_of("contacts") == {"duplicate": 1, "no-deal": 1}


def test_where_no_deal_goes_no_contact_does(shop):
    built = shop(ONLY, rows(client=["c1"], status=["Черновик"], changed=[""], sum=[""]))
    assert built.outcome.folder is None
    assert built.issues_of("contacts") == {"no-deal": 1}


def test_contacts_that_deals_choose_cannot_be_made_alone(shop):
    export = rows(client=["c1"], changed=[""], sum=[""])
    with pytest.raises(UsageError, match="contacts need deals"):
        shop(ONLY, export, only=["contacts"])
    assert column(shop(ONLY, export, only=["contacts", "deals"]), "uniq_id", "contacts.csv") == ["c1"]
    assert files(shop(ONLY, export, only=["deals"])) == [
        ("order_statuses.json", "schema", 7),
        ("deals.csv", "deals", 1),
    ]


def test_kinds_of_which_nothing_goes_announce_nothing(shop):
    built = shop(TOP + CONTACTS + DEALS + STATUSES + ATTRIBUTES, attributed(status=["Черновик"]))
    assert files(built) == [("attributes-CONTACT.json", "schema", 10), ("contacts.csv", "contacts", 1)]
