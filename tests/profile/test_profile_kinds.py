import pickle
from decimal import Decimal

import pytest

from csvexport.errors import ProfileError
from csvexport.profile import (
    Attribute,
    CallSettings,
    Condition,
    ContactSettings,
    CurrencyColumn,
    DealSettings,
    DealStatus,
    FlagColumn,
    OrderGoal,
    OrderSettings,
    PriceColumn,
    TimeColumn,
    UtmColumns,
    check_columns,
)

TOP = 'timezone = "Europe/Moscow"\n'
IDENTIFIERS = 'identifiers.Yclid = "yclid"\n'
GOALS = 'goals = [{ target = "order_paid", time = "Paid" }]\n'
CALLS = f'{TOP}{IDENTIFIERS}[calls]\ntime = "Start"\n'
CONTACTS = f'{TOP}[contacts]\nid = "ID"\n'
DEALS = '[deals]\nid = "ID"\nclient = "Client"\ncreated = "Created"\nstatus = "Stage"\n'

LARGEST = """
counter = 2215573
timezone = "Asia/Yekaterinburg"
counter_timezone = "Europe/Moscow"
country = "KZ"

[identifiers]
Yclid = "yclid"

[[goals]]
target = "order_paid"
time = "Дата оплаты"

[calls]
when = { "Тип" = "входящий" }
time = "Начало"
static = { column = "Номер", yes = ["Статический ", 1], no = "динамический" }
price = "Цена звонка"
currency = { column = "Валюта звонка" }
phone = "Номер клиента"
talk_duration = "Разговор"
hold_duration = "Ожидание"
missed = "Пропущен"
tag = "Тег"
first_time_caller = true
url = "Страница"
call_tracker_url = "Ссылка"

[orders]
id = "ID"
created = { column = "Создан", format = "%d.%m.%Y" }
updated = "Изменён"
when = { "Воронка" = "Розница" }
client = "ID клиента"
client_ids = ["ClientID", "ClientID 2"]
emails = "E-mail"
phones = ["Телефон", "Телефон 2"]
contacts = "plain"
revenue = { column = "Сумма", decimal = "," }
cost = 12.50
currency = "KZT"
status = "Стадия"
delimiter = ","
utm = { source = "utm_source", campaign = "utm_campaign" }
[orders.statuses]
" Новая" = "IN_PROGRESS"
"ОПЛАЧЕН" = "PAID"
"Оплачен " = "PAID"
"Замер" = "measure_booked"
"" = "SPAM"
[[orders.goals]]
target = "lead"
[[orders.goals]]
target = "filial_1"
when = { "Филиал" = "Центр" }
price = "Сумма филиала"

[contacts]
id = "ID контакта"
when = { "Удалён" = false }
name = "Имя"
created = "Заведён"
updated = "Обновлён"
birth_date = "Рождён"
client_ids = "ClientID контакта"
user_ids = "UserID контакта"
emails = "E-mail контакта"
phones = "Телефон контакта"
contacts = "none"
only_with_deals = true
format = "json"
delimiter = ";"
[contacts.attributes]
age = { column = "Возраст", type = "numeric", multivalued = true, title = "Лет" }
city = " Город "

[deals]
id = "ID сделки"
client = "ID контакта"
created = "Сделка создана"
updated = "Сделка изменена"
finished = "Сделка закрыта"
when = { "Тест" = { empty = true } }
status = "Этап"
revenue = "Выручка"
cost = "Расход"
currency = { column = "Валюта сделки" }
products = "Товары"
[deals.statuses]
"Новая " = "IN_PROGRESS"
"В работе" = "IN_PROGRESS"
"Замер" = "measure_booked"
"Заявка" = "заявка"
"Спор" = { type = "OTHER", id = "in_dispute", title = "Спор с клиентом", goals = ["dispute", "lawyer"] }
[[deals.goals]]
target = "lead"
price = "Сумма лида"
[deals.attributes]
manager = "Менеджер"
"""


def orders(*lines, top=TOP):
    """The smallest orders with these lines beside."""
    keys = {line.partition(" =")[0] for line in lines}
    defaults = ['id = "ID"', 'created = "Created"', 'client_ids = "ClientID"', 'always = "PAID"']
    return "\n".join([top, "[orders]", *(line for line in defaults if line.partition(" =")[0] not in keys), *lines])


def without(key, *lines, top=TOP):
    """As `orders`, without one of its lines."""
    return "\n".join(line for line in orders(*lines, top=top).split("\n") if not line.startswith(f"{key} ="))


def deals(statuses, *lines):
    return "\n".join([TOP, DEALS, *lines, "[deals.statuses]", *statuses])


def test_the_smallest_calls_have_the_defaults(load):
    calls = load(CALLS).calls
    assert calls == CallSettings(time="Start")
    assert (calls.when, calls.static, calls.price, calls.currency) == ((), False, None, None)
    assert {calls.phone, calls.talk_duration, calls.hold_duration, calls.missed, calls.tag} == {None}
    assert {calls.first_time_caller, calls.url, calls.call_tracker_url} == {None}


def test_the_smallest_orders_have_the_defaults(load):
    profile = load(orders())
    order = profile.orders
    assert isinstance(order, OrderSettings)
    assert (order.id, order.created, order.always) == ("ID", TimeColumn(column="Created"), "PAID")
    assert {order.updated, order.client, order.revenue, order.cost, order.currency, order.status, order.utm} == {None}
    assert (order.client_ids, order.emails, order.phones, order.goals, order.when) == (("ClientID",), (), (), (), ())
    assert (order.contacts, order.statuses, order.delimiter, order.on_oversize) == ("md5", {}, ";", "fail")
    assert (profile.country, profile.counter_timezone, profile.identifiers, profile.goals) == ("RU", None, (), ())


def test_the_smallest_contacts_and_deals_have_the_defaults(load):
    contacts = load(CONTACTS).contacts
    assert contacts == ContactSettings(id="ID")
    assert (contacts.contacts, contacts.attributes, contacts.only_with_deals) == ("md5", {}, False)
    assert (contacts.format, contacts.delimiter) == ("csv", ",")
    deal = load(deals(['"Paid" = "PAID"'])).deals
    assert isinstance(deal, DealSettings)
    assert deal.statuses == {"paid": DealStatus("paid", "PAID", "Paid")}
    assert (deal.goals, deal.attributes, deal.when, deal.format, deal.delimiter) == ((), {}, (), "csv", ",")
    assert {deal.updated, deal.finished, deal.revenue, deal.cost, deal.currency, deal.products} == {None}


def test_every_key_of_calls_is_read(load):
    calls = load(LARGEST).calls
    assert calls.when == (Condition("Тип", values=("входящий",)),)
    assert calls.static == FlagColumn(column="Номер", yes=["статический", "1"], no="динамический")
    assert calls.static.yes == ("статический", "1")
    assert (calls.price, calls.currency) == (PriceColumn(column="Цена звонка"), CurrencyColumn(column="Валюта звонка"))
    assert (calls.phone, calls.talk_duration, calls.hold_duration) == ("Номер клиента", "Разговор", "Ожидание")
    assert (calls.missed, calls.first_time_caller) == (FlagColumn(column="Пропущен"), True)
    assert (calls.tag, calls.url, calls.call_tracker_url) == ("Тег", "Страница", "Ссылка")
    assert hash(calls) == hash(load(LARGEST).calls)


def test_every_key_of_orders_is_read(load):
    profile = load(LARGEST)
    order = profile.orders
    assert (profile.counter_timezone, profile.country) == ("Europe/Moscow", "KZ")
    assert order.created == TimeColumn(column="Создан", format="%d.%m.%Y")
    assert (order.updated, order.client) == (TimeColumn(column="Изменён"), "ID клиента")
    assert (order.client_ids, order.emails, order.phones) == (
        ("ClientID", "ClientID 2"),
        ("E-mail",),
        ("Телефон", "Телефон 2"),
    )
    assert (order.contacts, order.currency, order.status, order.always) == ("plain", "KZT", "Стадия", None)
    assert (order.revenue, order.cost) == (PriceColumn(column="Сумма", decimal=","), Decimal("12.50"))
    assert order.goals == (
        OrderGoal(target="lead"),
        OrderGoal(target="filial_1", when={"Филиал": "центр"}, price="Сумма филиала"),
    )
    assert (order.delimiter, order.utm) == (",", UtmColumns(source="utm_source", campaign="utm_campaign"))


def test_statuses_of_orders_are_folded_as_cells_are(load):
    assert load(LARGEST).orders.statuses == {
        "новая": "IN_PROGRESS",
        "оплачен": "PAID",
        "замер": "measure_booked",
        "": "SPAM",
    }


def test_every_key_of_contacts_is_read(load):
    contacts = load(LARGEST).contacts
    assert (contacts.id, contacts.name, contacts.contacts) == ("ID контакта", "Имя", "none")
    times = (contacts.created, contacts.updated, contacts.birth_date)
    assert [time.column for time in times] == ["Заведён", "Обновлён", "Рождён"]
    assert (contacts.client_ids, contacts.user_ids) == (("ClientID контакта",), ("UserID контакта",))
    assert (contacts.emails, contacts.phones) == (("E-mail контакта",), ("Телефон контакта",))
    assert (contacts.only_with_deals, contacts.format, contacts.delimiter) == (True, "json", ";")
    assert contacts.attributes == {
        "age": Attribute(column="Возраст", type="numeric", multivalued=True, title="Лет"),
        "city": Attribute(column="Город", type="text", multivalued=False, title="Город"),
    }


def test_every_key_of_deals_is_read(load):
    deal = load(LARGEST).deals
    assert (deal.id, deal.client, deal.status, deal.products) == ("ID сделки", "ID контакта", "Этап", "Товары")
    times = (deal.created, deal.updated, deal.finished)
    assert [time.column for time in times] == ["Сделка создана", "Сделка изменена", "Сделка закрыта"]
    assert deal.when == (Condition("Тест", empty=True),)
    assert (deal.revenue, deal.cost) == (PriceColumn(column="Выручка"), PriceColumn(column="Расход"))
    assert deal.currency == CurrencyColumn(column="Валюта сделки")
    assert deal.goals == (OrderGoal(target="lead", price="Сумма лида"),)
    assert deal.attributes == {"manager": Attribute(column="Менеджер")}


def test_statuses_of_deals_have_an_id_a_type_a_title_and_goals(load):
    progress = DealStatus("in_progress", "IN_PROGRESS", "Новая")
    assert load(LARGEST).deals.statuses == {
        "новая": progress,
        "в работе": progress,
        "замер": DealStatus("measure_booked", "OTHER", "Замер", ("measure_booked",)),
        "заявка": DealStatus("other", "OTHER", "Заявка", ("заявка",)),
        "спор": DealStatus("in_dispute", "OTHER", "Спор с клиентом", ("dispute", "lawyer")),
    }


@pytest.mark.parametrize(
    ("written_as", "status"),
    [
        ('"PAID"', DealStatus("paid", "PAID", "A")),
        ('"OTHER"', DealStatus("other", "OTHER", "A")),
        ('"lead"', DealStatus("lead", "OTHER", "A", ("lead",))),
        ('"a/b"', DealStatus("other", "OTHER", "A", ("a/b",))),
        ('{ type = "OTHER", goals = "lead" }', DealStatus("lead", "OTHER", "A", ("lead",))),
        ('{ type = "OTHER", goals = ["lead", "b"] }', DealStatus("other", "OTHER", "A", ("lead", "b"))),
        ('{ type = "PAID", goals = ["lead"] }', DealStatus("paid", "PAID", "A", ("lead",))),
        ('{ type = "PAID", id = "A:b-1_" }', DealStatus("A:b-1_", "PAID", "A")),
    ],
)
def test_a_status_of_deals_has_a_short_form(load, written_as, status):
    assert load(deals([f'" A " = {written_as}'])).deals.statuses == {"a": status}


def test_the_empty_cell_as_a_status_of_deals_is_called_like_its_id(load):
    assert load(deals(['"" = "SPAM"'])).deals.statuses == {"": DealStatus("spam", "SPAM", "spam")}


@pytest.mark.parametrize("status", ["PAID", "IN_PROGRESS", "CANCELLED", "SPAM", "paid2", "оплата", "prepaid", "others"])
def test_every_row_may_have_one_status_or_goal(load, status):
    assert load(orders(f'always = "{status}"')).orders.always == status


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_flag_may_be_the_same_for_every_row(load, value):
    calls = load(f"{CALLS}static = {value}\nmissed = {value}").calls
    assert (calls.static, calls.missed) == (value == "true", value == "true")


def test_all_is_told_apart_by_kind_and_goes_to_another_process(load):
    profile = load(LARGEST)
    assert profile.kinds == ("conversions", "calls", "orders", "contacts", "deals")
    assert pickle.loads(pickle.dumps(profile)) == profile


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (TOP + IDENTIFIERS + GOALS, ("conversions",)),
        (CALLS, ("calls",)),
        (orders(), ("orders",)),
        (orders(top=TOP + IDENTIFIERS + GOALS), ("conversions", "orders")),
        (CONTACTS, ("contacts",)),
        (deals(['A = "PAID"']) + "\n[contacts]\nid = 'ID'", ("contacts", "deals")),
    ],
)
def test_a_profile_needs_one_kind_only(load, text, kinds):
    assert load(text).kinds == kinds


def test_every_column_is_listed_with_its_place(load):
    assert load(LARGEST).places() == [
        ("yclid", "identifiers.Yclid"),
        ("Дата оплаты", "goals[1].time"),
        ("Тип", "calls.when"),
        ("Начало", "calls.time"),
        ("Номер", "calls.static"),
        ("Цена звонка", "calls.price"),
        ("Валюта звонка", "calls.currency"),
        ("Номер клиента", "calls.phone"),
        ("Разговор", "calls.talk_duration"),
        ("Ожидание", "calls.hold_duration"),
        ("Пропущен", "calls.missed"),
        ("Тег", "calls.tag"),
        ("Страница", "calls.url"),
        ("Ссылка", "calls.call_tracker_url"),
        ("ID", "orders.id"),
        ("Создан", "orders.created"),
        ("Изменён", "orders.updated"),
        ("Воронка", "orders.when"),
        ("ID клиента", "orders.client"),
        ("ClientID", "orders.client_ids"),
        ("ClientID 2", "orders.client_ids"),
        ("E-mail", "orders.emails"),
        ("Телефон", "orders.phones"),
        ("Телефон 2", "orders.phones"),
        ("Сумма", "orders.revenue"),
        ("Стадия", "orders.status"),
        ("Филиал", "orders.goals[2].when"),
        ("Сумма филиала", "orders.goals[2].price"),
        ("utm_source", "orders.utm.source"),
        ("utm_campaign", "orders.utm.campaign"),
        ("ID контакта", "contacts.id"),
        ("Удалён", "contacts.when"),
        ("Имя", "contacts.name"),
        ("Заведён", "contacts.created"),
        ("Обновлён", "contacts.updated"),
        ("Рождён", "contacts.birth_date"),
        ("ClientID контакта", "contacts.client_ids"),
        ("UserID контакта", "contacts.user_ids"),
        ("E-mail контакта", "contacts.emails"),
        ("Телефон контакта", "contacts.phones"),
        ("Возраст", "contacts.attributes.age"),
        ("Город", "contacts.attributes.city"),
        ("ID сделки", "deals.id"),
        ("ID контакта", "deals.client"),
        ("Сделка создана", "deals.created"),
        ("Сделка изменена", "deals.updated"),
        ("Сделка закрыта", "deals.finished"),
        ("Тест", "deals.when"),
        ("Этап", "deals.status"),
        ("Выручка", "deals.revenue"),
        ("Расход", "deals.cost"),
        ("Валюта сделки", "deals.currency"),
        ("Сумма лида", "deals.goals[1].price"),
        ("Товары", "deals.products"),
        ("Менеджер", "deals.attributes.manager"),
    ]


def test_the_columns_that_no_row_of_the_largest_profile_names_are_listed_too(load):
    text = f"{CALLS}static = true\nfirst_time_caller = 'First'\nprice = 5\ncurrency = 'USD'\n[orders]\nid = 'ID'\n"
    text += "created = 'Created'\nphones = 'Phone'\nalways = 'PAID'\ncost = 'Cost'\ndelimiter = ','\n"
    text += "currency = { column = 'Currency' }\nutm.medium = 'Medium'\n"
    assert load(text).places() == [
        ("yclid", "identifiers.Yclid"),
        ("Start", "calls.time"),
        ("First", "calls.first_time_caller"),
        ("ID", "orders.id"),
        ("Created", "orders.created"),
        ("Phone", "orders.phones"),
        ("Cost", "orders.cost"),
        ("Currency", "orders.currency"),
        ("Medium", "orders.utm.medium"),
    ]


def test_a_missing_column_of_an_order_is_reported_with_its_place(load):
    with pytest.raises(ProfileError) as caught:
        check_columns(load(orders("utm.source = 'utm'")), ["ID", "Created", "ClientId"])
    assert caught.value.mistakes[:2] == (
        'profile.toml: orders.client_ids: no column "ClientID" (did you mean "ClientId"?)',
        'profile.toml: orders.utm.source: no column "utm"',
    )


COUNTRY = 'is no country code of ISO 3166-1 such as "RU"'
ZONE = 'is no IANA time zone such as "Europe/Moscow"'
KEYS = 'identifiers = { Yclid = "yclid", ClientId = ["ClientID", "ClientID 2"] }'
GOAL = 'goals = [{ target = "order_paid", time = "Дата оплаты" }]'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('country = "ru"', f'country: "ru" {COUNTRY} (did you mean "RU"?)'),
        ('country = "RUS"', f'country: "RUS" {COUNTRY} (did you mean "RU"?)'),
        ('country = " kaz"', f'country: " kaz" {COUNTRY} (did you mean "KZ"?)'),
        ('country = "UK"', f'country: "UK" {COUNTRY} (did you mean "GB"?)'),
        ('country = "Россия"', f'country: "Россия" {COUNTRY} (did you mean "RU"?)'),
        ('country = "XX"', f'country: "XX" {COUNTRY}'),
        ("country = 7", "country: must be a text in quotes, not 7"),
        ('country = ""', "country: must not be empty"),
        ('counter_timezone = "MSK"', f'counter_timezone: "MSK" {ZONE} (did you mean "Europe/Moscow"?)'),
    ],
)
def test_mistakes_of_the_upper_keys(mistakes, text, line):
    assert mistakes(TOP + text + "\n" + IDENTIFIERS + GOALS) == [line]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (TOP, [f"goals: is required unless calls, orders, contacts or deals are there, such as {GOAL}"]),
        (
            TOP + IDENTIFIERS,
            [f"goals: is required unless calls, orders, contacts or deals are there, such as {GOAL}"],
        ),
        (TOP + GOALS, [f"identifiers: is required by goals and calls, such as {KEYS}"]),
        (f"{TOP}[calls]\ntime = 'A'", [f"identifiers: is required by goals and calls, such as {KEYS}"]),
        (
            f"{TOP}goals = []\ncalls = 5",
            [
                f"identifiers: is required by goals and calls, such as {KEYS}",
                "goals: is empty; write at least one [[goals]]",
                "calls: must be a table, not a number",
            ],
        ),
        (
            f"{TOP}identifiers.PurchaseId = 'A'\n[calls]\ntime = 'A'",
            ["calls: a call has no PurchaseId; name UserId, ClientId or Yclid in identifiers"],
        ),
        (
            f"{CONTACTS}only_with_deals = true",
            ["contacts.only_with_deals: is only for a profile with [deals]; take it out"],
        ),
        (
            f"{CONTACTS}only_with_deals = 1",
            ["contacts.only_with_deals: must be true or false, without quotes, not 1"],
        ),
    ],
)
def test_mistakes_of_what_stands_together(mistakes, text, lines):
    assert mistakes(text) == lines


@pytest.mark.parametrize(
    "text",
    [
        TOP + IDENTIFIERS.replace("Yclid", "PurchaseId") + GOALS,
        CALLS.replace("[calls]", "identifiers.PurchaseId = 'A'\n[calls]"),
        f"{CONTACTS}only_with_deals = false",
        deals(['A = "PAID"']) + "\n[contacts]\nid = 'ID'\nonly_with_deals = true",
        orders('revenue = "A"', top=f'{TOP}currency = "RUB"'),
        orders('revenue = "A"', 'currency = "RUB"', top=f'{TOP}currency = "USD"'),
        orders('revenue = "A"', 'delimiter = ","', top=f'{TOP}currency = "USD"'),
        orders('revenue = "A"', 'delimiter = ","', 'currency = "KZT"'),
        orders(top=f'{TOP}currency = "USD"'),
        orders('contacts = "none"', 'emails = "A"'),
        without("client_ids", 'emails = "A"'),
        without("client_ids", 'phones = "A"', 'contacts = "plain"'),
        orders('on_oversize = "trim"'),
        orders('delimiter = ","', "goals = [{ target = 'a' }]"),
    ],
)
def test_what_can_stand_together(load, text):
    assert load(text).kinds


FLAG = "must be the name of a column, true, false, or { column = …, yes = … }, not"
YES = "is yes already; upper and lower case make no difference"


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("static = 1", f"static: {FLAG} 1"),
        ("missed = ['A']", f"missed: {FLAG} a list"),
        ("missed = ''", "missed: must be the name of a column, and is empty"),
        ("missed = {}", 'missed.column: is required, such as column = "Пропущен"'),
        ("missed = { column = 'A', yes = [] }", "missed.yes: the list is empty; name at least one value"),
        ("missed = { column = 'A', yes = ['Да', 'Y'], no = 'да ' }", f'missed.no: "да" {YES}'),
        ("missed = { column = 'A', true = 1 }", "missed.true: unknown key; the keys here are column, yes, no"),
        ("phone = ['A', 'B']", "phone: must be the name of a column in quotes, not a list"),
        ("talk_duration = 5", "talk_duration: must be the name of a column in quotes, not 5"),
        ("target = 'call'", "target: unknown key"),
        ("when = 'A'", "when: must be a table, not a text"),
        ("price = -1", "price: must be a price from 0 to 9_223_372_036_854, not -1"),
    ],
)
def test_mistakes_of_calls(mistakes, line, mistake):
    (found,) = mistakes(CALLS + line)
    assert found.startswith(f"calls.{mistake}")


def test_calls_need_a_time(mistakes):
    assert mistakes(CALLS.replace("time = ", "tag = ")) == ['calls.time: is required, such as time = "Дата звонка"']


ORDER = 'an order is "IN_PROGRESS", "PAID", "CANCELLED" or "SPAM", or reaches a JavaScript-event goal, written by its'
BY_STATUS = 'such as statuses = { "Новая" = "IN_PROGRESS", "Оплачен" = "PAID", "Замер назначен" = "measure_booked" }'
PAID = "Yandex takes an order without a status for paid"
BESIDE = "stands beside always, the status of every row; take one of them out"
FINDS = "Yandex finds the client by them"
IDS = 'such as client_ids = "ClientID Метрики"'
ROUBLES = (
    'the file for the Conversion Center has no currency and means roubles; write currency = "RUB" here if the sums are '
    'roubles, or delimiter = "," for the API'
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (without("id"), ['id: is required, such as id = "ID"']),
        (without("created"), ['created: is required, such as created = "Дата создания"']),
        (without("always"), [f'status: is required unless always is there, such as status = "Статус"; {PAID}']),
        (
            without("always", "statuses.A = 'PAID'"),
            [f'status: is required by statuses, such as status = "Статус"; {PAID}'],
        ),
        (without("always", "status = 'A'"), [f"statuses: is required by status, {BY_STATUS}"]),
        (
            without("always", "status = 'A'", "statuses = {}"),
            ['statuses: is empty; write what the column holds, such as { "Оплачен" = "PAID" }'],
        ),
        (orders("status = 'A'"), [f"status: {BESIDE}"]),
        (orders("statuses.A = 'PAID'"), [f"statuses: {BESIDE}"]),
        (orders("status = 'A'", "statuses.A = 'PAID'"), [f"status: {BESIDE}", f"statuses: {BESIDE}"]),
        (
            without("always", "status = 'A'", "statuses = { 'Да' = 'PAID', ' ДА' = 'SPAM' }"),
            ['statuses: " ДА" has two meanings; upper and lower case make no difference'],
        ),
        (orders("updated = 'Created '"), ['updated: "Created" is the column of created already, whose time must']),
        (orders("updated = { column = 'Created', format = '%s' }"), ['updated: "Created" is the column of created']),
        (without("client_ids"), [f"client_ids: is required unless emails or phones are there, {IDS}; {FINDS}"]),
        (
            without("client_ids", "emails = 'A'", "contacts = 'none'"),
            [f'client_ids: is required by contacts = "none", {IDS}; {FINDS}'],
        ),
        (orders("client_ids = []"), ["client_ids: the list is empty; name at least one column"]),
        (orders("contacts = 'MD5'"), ['contacts: must be "md5", "plain" or "none", not "MD5" (did you mean "md5"?)']),
        (orders("contacts = true"), ['contacts: must be "md5", "plain" or "none", not true']),
        (
            orders("goals = [{ target = 'a' }]"),
            ['goals: the file for the Conversion Center has no goals; write delimiter = "," for the API'],
        ),
        (
            orders("delimiter = ','", "goals = { target = 'a' }"),
            ["goals: must be a list of tables, not a table; write [[orders.goals]], with two brackets"],
        ),
        (
            orders("delimiter = ','", "goals = [{ target = 'a', price = true }, { time = 'A' }]"),
            [
                "goals[1].price: must be the name of a column, a number, or { column = …, decimal = … }, not true",
                'goals[2].target: is required, such as target = "filial_1"',
                "goals[2].time: unknown key; the keys here are target, when, price",
            ],
        ),
        (orders("currency = 'USD'"), [f"currency: {ROUBLES}"]),
        (orders("currency = { column = 'A' }"), [f"currency: {ROUBLES}"]),
        (orders("currency = 'usd'"), ['currency: "usd" is no currency code of ISO 4217 such as "RUB" (did you mean']),
        (
            orders("revenue = 'A'", top=f"{TOP}currency = 'USD'"),
            [f'currency: is "USD", the profile\'s, but {ROUBLES}'],
        ),
        (
            orders("cost = 5", "delimiter = ';'", top=f"{TOP}currency = 'USD'"),
            [f'currency: is "USD", the profile\'s, but {ROUBLES}'],
        ),
        (orders("delimiter = ':'", "goals = [{ target = 'a' }]"), ['delimiter: must be "," or ";", not ":"']),
        (
            orders("delimiter = ','", "on_oversize = 'fail'"),
            ['on_oversize: is only for delimiter = ";", the file for the Conversion Center; take it out'],
        ),
        (orders("on_oversize = 'cut'"), ['on_oversize: must be "fail" or "trim", not "cut"']),
        (orders("utm = {}"), ['utm: is empty; name at least one column, such as source = "utm_source"']),
        (orders("utm = { term = 'A' }"), ["utm.term: unknown key; the keys here are source, medium, campaign"]),
        (orders("format = 'json'"), ["format: unknown key; the keys here are id, created, updated"]),
    ],
)
def test_mistakes_of_orders(mistakes, text, lines):
    found = mistakes(text)
    assert len(found) == len(lines)
    for line, mistake in zip(found, lines, strict=True):
        assert line.startswith(f"orders.{mistake}")


def test_a_wrong_currency_of_the_profile_is_one_mistake(mistakes):
    (line,) = mistakes(orders("revenue = 'A'", top=f"{TOP}currency = 'rub'"))
    assert line.startswith("currency: ")


NEAR = {
    "paid": "PAID",
    "Paid": "PAID",
    "In_Progress": "IN_PROGRESS",
    "IN-PROGRESS": "IN_PROGRESS",
    "INPROGRESS": "IN_PROGRESS",
    "in progress": "IN_PROGRESS",
    "CANCELED": "CANCELLED",
    "canceled": "CANCELLED",
    "cancelled": "CANCELLED",
    "spam": "SPAM",
    " SPAM": "SPAM",
}


@pytest.mark.parametrize(("word", "meant"), NEAR.items())
def test_a_misspelt_status_is_no_goal(mistakes, word, meant):
    question = f'"{word}" is no status (did you mean "{meant}"?); '
    by_row = without("always", "status = 'A'", f"statuses = {{ A = '{word}' }}")
    assert mistakes(by_row) == [f"orders.statuses.A: {question}{ORDER} identifier"]
    assert mistakes(orders(f"always = '{word}'")) == [f"orders.always: {question}{ORDER} identifier"]
    (line,) = mistakes(deals([f"A = '{word}'"]))
    assert line.startswith(f'deals.statuses.A: {question}a deal\'s status is "IN_PROGRESS", "PAID", ')


@pytest.mark.parametrize("word", ["OTHER", "other"])
def test_an_order_has_no_other_status(mistakes, word):
    assert mistakes(orders(f"always = '{word}'")) == [
        f'orders.always: "{word}" is a status of deals alone; {ORDER} identifier'
    ]


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ("5", "must be a text, not 5"),
        ('""', 'must be a text, not ""'),
        ("['PAID']", "must be a text, not a list"),
        ("{ type = 'PAID' }", "must be a text, not a table"),
        ('"order paid"', '"order paid" has a space'),
        (f'"{"a" * 256}"', f'"{"a" * 59}…" is longer than 255 characters'),
    ],
)
def test_a_status_is_one_of_metrica_or_a_goal(mistakes, status, problem):
    assert mistakes(orders(f"always = {status}")) == [f"orders.always: {problem}; {ORDER} identifier"]


NO_NAME = "is no name of an attribute: up to 255 Latin letters, digits and underscores, the first a letter"


@pytest.mark.parametrize(
    ("lines", "mistake"),
    [
        ("id = 5", "id: must be the name of a column in quotes, not 5"),
        ("attributes = 5", "attributes: must be a table, not a number"),
        ("attributes.age = 5", "attributes.age: must be the name of a column, or { column = …, type = … }, not 5"),
        ("attributes.age = ''", "attributes.age: must be the name of a column, and is empty"),
        ("attributes.age.type = 'date'", 'attributes.age.column: is required, such as column = "Возраст"'),
        (
            "attributes.age = { column = 'A', type = 'number' }",
            'attributes.age.type: must be "text", "numeric"',
        ),
        ("attributes.age = { column = 'A', title = ' ' }", "attributes.age.title: must not be empty"),
        ("attributes.age = { column = 'A', multivalued = 1 }", "attributes.age.multivalued: must be true or false"),
        ("attributes.phones = 'A'", 'attributes: "phones" is a column of the file already'),
        ("attributes.emails_md5 = 'A'", 'attributes: "emails_md5" is a column of the file already'),
        ("attributes.'Возраст' = 'A'", f'attributes: "Возраст" {NO_NAME}'),
        ("attributes._age = 'A'", f'attributes: "_age" {NO_NAME}'),
        ("attributes.1st = 'A'", f'attributes: "1st" {NO_NAME}'),
        ("attributes.a-b = 'A'", f'attributes: "a-b" {NO_NAME}'),
        ("attributes.'' = 'A'", f'attributes: "" {NO_NAME}'),
        (f"attributes.{'a' * 256} = 'A'", f'attributes: "{"a" * 59}…" {NO_NAME}'),
        ("contacts = 'sha256'", 'contacts: must be "md5", "plain" or "none", not "sha256"'),
        ("format = 'xml'", 'format: must be "csv" or "json", not "xml"'),
        ("delimiter = '|'", 'delimiter: must be "," or ";", not "|"'),
        ("phone = 'A'", 'phone: unknown key (did you mean "phones"?)'),
    ],
)
def test_mistakes_of_contacts(mistakes, lines, mistake):
    text = CONTACTS.replace('id = "ID"\n', "") if lines.startswith("id") else CONTACTS
    (found,) = mistakes(text + lines)
    assert found.startswith(f"contacts.{mistake}")


@pytest.mark.parametrize("name", ["age", "a" * 255, "Order_2", "id", "revenue"])
def test_an_attribute_may_be_called_like_a_column_of_the_other_file(load, name):
    assert load(f"{CONTACTS}attributes.{name} = 'A'").contacts.attributes == {name: Attribute(column="A", title="A")}


STATUS_ID = "must be 1 to 255 Latin letters, digits, hyphens, colons or underscores, not"
SHARE = "but not type and goals; write another id for one of them, such as { id = …, type = … }"


@pytest.mark.parametrize(
    ("statuses", "mistake"),
    [
        (["A = 5"], "statuses.A: must be a text, not 5; a deal's status is"),
        (["A = 'a b'"], 'statuses.A: "a b" has a space; a deal\'s status is'),
        (["A = {}"], 'statuses.A.type: is required, such as type = "IN_PROGRESS"'),
        (["A = { type = 'lead' }"], 'statuses.A.type: must be "IN_PROGRESS", "PAID", "CANCELLED", "SPAM" or "OTHER"'),
        (["A = { type = 'CANCELED' }"], "statuses.A.type: must be"),
        (["A = { type = 'PAID', id = 'оплачен' }"], f'statuses.A.id: {STATUS_ID} "оплачен"'),
        (["A = { type = 'PAID', id = '' }"], f'statuses.A.id: {STATUS_ID} ""'),
        (["A = { type = 'PAID', title = '' }"], "statuses.A.title: must not be empty"),
        (["A = { type = 'PAID', goals = [] }"], "statuses.A.goals: the list is empty; name at least one goal"),
        (["A = { type = 'PAID', goals = ['a b'] }"], 'statuses.A.goals: "a b" has a space'),
        (["A = { type = 'PAID', goals = ['a', 'a'] }"], 'statuses.A.goals: the list names "a" twice'),
        (["A = { type = 'PAID', goal = 'a' }"], 'statuses.A.goal: unknown key (did you mean "goals"?)'),
        (
            ["A = 'PAID'", "B = { type = 'SPAM', id = 'paid' }"],
            f'statuses: "A" and "B" share the id "paid", {SHARE}',
        ),
        (
            ["A = 'PAID'", "B = { type = 'PAID', goals = ['lead'] }"],
            f'statuses: "A" and "B" share the id "paid", {SHARE}',
        ),
        (["A = 'заявка'", "B = 'OTHER'"], f'statuses: "A" and "B" share the id "other", {SHARE}'),
        (["A = 'PAID'", "a = 'SPAM'"], 'statuses: "a" has two meanings; upper and lower case make no difference'),
        ([], 'statuses: is empty; write what the column holds, such as { "Оплачен" = "PAID" }'),
    ],
)
def test_mistakes_of_the_statuses_of_deals(mistakes, statuses, mistake):
    (found,) = mistakes(deals(statuses))
    assert found.startswith(f"deals.{mistake}")


def test_statuses_of_deals_that_share_an_id_have_the_first_title(load):
    statuses = load(deals(["B = { type = 'PAID', title = 'First' }", "A = { type = 'PAID', title = 'Second' }"]))
    assert [*statuses.deals.statuses.items()] == [
        ("b", DealStatus("paid", "PAID", "First")),
        ("a", DealStatus("paid", "PAID", "First")),
    ]


@pytest.mark.parametrize(
    ("lines", "mistake"),
    [
        (["updated = 'Created'"], 'updated: "Created" is the column of created already'),
        (["finished = 5"], "finished: must be the name of a column, or { column = …, format = … }, not 5"),
        (["goals = {}"], "goals: must be a list of tables, not a table; write [[deals.goals]], with two brackets"),
        (["goals = []"], "goals: is empty; write at least one [[deals.goals]]"),
        (["attributes.products = 'A'"], 'attributes: "products" is a column of the file already'),
        (["contacts = 'md5'"], "contacts: unknown key"),
    ],
)
def test_mistakes_of_deals(mistakes, lines, mistake):
    (found,) = mistakes(deals(['A = "PAID"'], *lines))
    assert found.startswith(f"deals.{mistake}")


def test_deals_say_all_that_is_missing(mistakes):
    assert [line.partition(", ")[0] for line in mistakes(f"{TOP}[deals]")] == [
        f"deals.{key}: is required" for key in ("id", "client", "created", "status", "statuses")
    ]


def test_mistakes_between_keys_are_told_beside_those_of_values_in_the_order_of_the_keys(mistakes):
    text = f"""
    {TOP}
    country = "ru"
    goals = [{{ target = "a b" }}]
    [orders]
    id = 5
    status = "A"
    goals = []
    revenue = "B"
    [contacts]
    id = ""
    only_with_deals = true
    """
    assert [line.partition(": ")[0] for line in mistakes(text)] == [
        "country",
        "identifiers",
        "goals[1].target",
        "goals[1].time",
        "orders.id",
        "orders.created",
        "orders.client_ids",
        "orders.statuses",
        "orders.goals",
        "contacts.id",
        "contacts.only_with_deals",
    ]
