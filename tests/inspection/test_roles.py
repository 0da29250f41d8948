"""Which column holds what, by its name and its texts."""

import pytest

from csvexport.findings import Role
from csvexport.inspection.names import means_paid, words

CLIENT_IDS = ("1716642001234567891", "1709482044704966580", "1704487792928491274")
YCLIDS = ("15241600726526878416", "5195304706797357377", "8425348301368373421")
TIMES = ("06.05.2024 09:45:00", "2024-05-07 10:00", "08.05.2024")
AMOUNTS = ("12 345,67 ₽", "100", "63510.35")
PHONES = ("+7 900 000-00-01", "8 (900) 000-00-02", "79000000003")
EMAILS = ("one@example.com", "two@example.com", "three@example.com")


@pytest.mark.parametrize(
    ("names", "texts", "role"),
    [
        (
            ("ClientID", "client_id", "ClientID Метрики", "yaClientId", "ym_client_id", "_ym_uid"),
            CLIENT_IDS,
            "ClientId",
        ),
        (("Яндекс ClientID", "Metrika client id", "Идентификатор клиента Метрики"), CLIENT_IDS, "ClientId"),
        (("yclid", "YCLID", "utm.yclid", "Яндекс Click ID"), YCLIDS, "Yclid"),
        (("user_id", "UserID", "ID пользователя"), ("a-1", "a-2"), "UserId"),
        (("Дата создания", "Created at", "createdAt", "createDateTime", "Дата и время звонка"), TIMES, "created time"),
        (("Контрагенты.Контрагент.Ид", "ID клиента", "clientUniqId"), ("a-1", "a-2"), "client id"),
        (("Контрагенты.Контрагент.Наименование", "Контакт"), ("Анна", "Борис"), "person"),
        (("Дата", "date", "start_time", "Дата оформления заказа"), TIMES, "created time"),
        (("Дата оплаты", "Дата закрытия", "paid_at", "CLOSEDATE", "Оплачен", "Payment date"), TIMES, "paid time"),
        (("Предполагаемая дата закрытия", "Дата изменения", "Дата рождения", "Замер"), TIMES, "time"),
        (("Статус", "Стадия сделки", "Этап", "order.status", "STAGE_ID"), ("Новая", "Оплачен"), "status"),
        (("Воронка", "pipeline", "CATEGORY_ID"), ("Розница", "Опт"), "pipeline"),
        (("Сумма", "Бюджет", "totalSumm", "price", "Стоимость, руб."), AMOUNTS, "amount"),
        (("Валюта", "currency", "Currency"), ("RUB", "руб.", "USD"), "currency"),
        (("ID", "№", "Номер заказа", "order_id", "Deal ID"), ("1", "2", "3"), "order id"),
        (("ID клиента", "customer.id", "contact_id"), ("17", "18"), "client id"),
        (("Телефон", "phone", "Номер абонента", "customer.phones"), PHONES, "phone"),
        (("E-mail", "email", "Почта"), EMAILS, "email"),
        (("Контакт", "Ответственный", "ФИО", "First name"), ("Анна", "Олег"), "person"),
        (("utm_source", "Название", "Скидка", "gclid", "Причина отказа"), ("x", "y"), None),
    ],
)
def test_name_and_texts_that_agree_give_the_role(names, texts, role, column):
    assert {name: column(name, *texts).role for name in names} == dict.fromkeys(names, role)


@pytest.mark.parametrize(
    ("name", "texts", "role", "reason"),
    [
        ("ClientID", ("17", "18", "19"), "client id", "its numbers are too short: they are the CRM's own"),
        ("yclid", ("17", "18", "19"), None, "its numbers are too short"),
        ("yclid", ("YJAD.1716642000.abc", "YJAD.1716642001.abc"), None, "its values are Yahoo! Japan's"),
        ("ClientID", ("1234567.1716642000", "GA1.2.1234567.1716642000"), None, "no identifiers of Metrica"),
        ("Дата оплаты", ("да", "нет"), None, "its name says paid time, but its values do not"),
        ("Сумма", ("много", "мало"), None, "its name says amount, but its values do not"),
        ("Статус", TIMES, "time", "its values are times"),
        ("Контакт", EMAILS, "email", "its values are e-mails"),
        ("Контакт", PHONES, "phone", "its values are phones"),
        ("ID клиента", CLIENT_IDS, "ClientId", "its values begin with the moment of a visit"),
        ("Поле 7", CLIENT_IDS, "ClientId", "its values begin with the moment of a visit"),
        ("Поле 7", CLIENT_IDS[:2], None, "neither its name nor its values tell"),
        ("Поле 7", YCLIDS, None, "neither its name nor its values tell"),
        ("Поле 7", ("1717153509", "1717153510", "1717153511"), None, "neither its name nor its values tell"),
        ("Поле 7", AMOUNTS, None, "neither its name nor its values tell"),
        ("Google ClientID", CLIENT_IDS[:2], None, "neither its name nor its values tell"),
        ("yclid", CLIENT_IDS, "Yclid", "by its name and its values"),
        ("Дата", ("1717153509", "1717153510"), "created time", "by its name and its values"),
        ("yclid", (), "Yclid", "by its name; it is empty"),
        ("Поле 7", (), None, "it is empty"),
    ],
)
def test_texts_overrule_a_name_that_lies_and_decide_nothing_that_is_unclear(name, texts, role, reason, column):
    found = column(name, *texts)
    assert found.role == role
    assert reason in found.reason


def test_a_column_of_many_different_texts_is_no_status(column):
    assert column("Статус", *(f"текст {number}" for number in range(101))).role is None
    assert column("Статус", *(f"текст {number}" for number in range(100))).role is Role.STATUS


@pytest.mark.parametrize(
    ("texts", "alarm"),
    [
        (("1,71642E+18", *CLIENT_IDS), "1 of 4 identifiers look like 1.7E+18: a spreadsheet rounded them."),
        (
            ("1716642001234560000", "1716642001234570000", "1716642001234580000"),
            "3 of 3 identifiers end in zeros: a spreadsheet rounded them.",
        ),
        (("1716642001234560000", *CLIENT_IDS), ""),
        (CLIENT_IDS, ""),
    ],
)
def test_identifiers_that_a_spreadsheet_damaged_are_told(texts, alarm, column):
    found = column("ClientID", *texts)
    assert found.role is Role.CLIENT_ID
    assert found.alarm.startswith(alarm)
    assert bool(found.alarm) is bool(alarm)


@pytest.mark.parametrize(
    ("texts", "certain", "possible"),
    [
        (("05/31/2024 14:05", "05/06/2024 10:00"), "%m/%d/%Y %H:%M", ()),
        (("05/06/2024", "31/05/2024"), "%d/%m/%Y", ()),
        (("05/06/24 02:05:09 PM", "05/31/24 02:05:09 AM"), "%m/%d/%y %I:%M:%S %p", ()),
        (("31-05-2024", "01-05-2024"), "%d-%m-%Y", ()),
        (("2024/05/06", "2024/05/31"), "%Y/%m/%d", ()),
        (("05/06/2024", "01/02/2024"), None, ("%d/%m/%Y", "%m/%d/%Y")),
        (("05/31/2024", "31/05/2024"), None, ()),
        (("31.05.2024", "2024-05-31"), None, ()),
    ],
)
def test_the_order_of_slashed_dates_is_what_a_value_proves(texts, certain, possible, column):
    found = column("Дата оплаты", *texts)
    assert (found.format, found.formats) == (certain, possible)
    assert found.role is Role.PAID
    assert found.is_readable is (certain is not None or "." in texts[0])


def test_the_proof_may_stand_behind_a_thousand_other_dates(column):
    unclear = [
        f"{day:02}/{month:02}/{year}" for day in range(1, 13) for month in range(1, 13) for year in range(1990, 2000)
    ]
    assert column("Дата", *unclear).format is None
    found = column("Дата", *unclear, "13/01/2024")
    assert (found.is_counted, found.format) == (False, "%d/%m/%Y")


@pytest.mark.parametrize(
    ("texts", "decimal", "ambiguous"),
    [
        (("1,234", "2,345"), None, True),
        (("1,234", "1.234,56"), ",", False),
        (("1,234", "1,234.56"), ".", False),
        (("1,234", "100", "200"), None, False),
        (("12 345,67", "100"), None, False),
    ],
)
def test_the_decimal_mark_is_what_a_value_proves(texts, decimal, ambiguous, column):
    found = column("Сумма", *texts)
    assert (found.decimal, found.is_ambiguous) == (decimal, ambiguous)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yaClientId", "ya client id"),
        ("Дата_создания (2)", "дата создания"),
        ("order.createdAt", "created at"),
        ("customer.id", "customer id"),
        ("Сумма, руб.", "сумма руб"),
        ("ИСТЁК", "истек"),
    ],
)
def test_a_name_is_read_word_by_word(name, expected):
    assert words(name) == expected


@pytest.mark.parametrize(
    "status",
    ["Оплачен", "ОПЛАЧЕНО", "Заказ оплачен", "Успешно реализовано", "Выполнен", "Сделка успешна", "paid", "Closed won"],
)
def test_some_statuses_certainly_mean_that_the_client_paid(status):
    assert means_paid(status)


@pytest.mark.parametrize(
    "status",
    [
        *("Не оплачен", "Оплачен частично", "Отказ, оплачен сбор", "Закрыто и не реализовано", "Оплачено 50%"),
        *(
            "Аванс оплачен",
            "Счёт выставлен",
            "К оплате",
            "not paid",
            "unpaid",
            "partially_paid",
            "Ожидает: не выполнен",
        ),
        *("Новая", "", "Предоплаченный тариф", "Выдан", "awaiting payment", "won?"),
    ],
)
def test_others_do_not(status):
    assert not means_paid(status)
