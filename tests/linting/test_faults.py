"""Every fault of the catalogue in a small file, and Yandex's own words for it."""

import codecs
import re

import pytest

from csvexport.issues import Code
from csvexport.linting.catalogue import CATALOGUE, Fault
from csvexport.verdicts import Gravity

# A visitor of 2024-05-25, and moments before 2024-06-01T09:00:00Z.
ID, OTHER_ID, THIRD_ID = "1716642001234567891", "1716642001234567892", "1716642001234567893"
YCLIDS = ("15241600726526878416", "14088358217176488025", "14451702263419650085")
TIME, TIME_2 = "1717059600", "1717063200"
MD5 = "7daf6c79d4802916d83f6266e24850af"

CONVERSION = f"{ID},order_paid,{TIME},100.50,RUB\n"
CONVERSIONS = f"ClientId,Target,DateTime,Price,Currency\n{CONVERSION}{OTHER_ID},order_paid,{TIME_2},,\n"
YCLID_FILE = f"Yclid,Target,DateTime\n{YCLIDS[0]},order_paid,{TIME}\n"
CALLS = (
    f"ClientId,DateTime,StaticCall,PhoneNumber,TalkDuration,URL\n{ID},{TIME},0,+70001234567,95,https://example.ru/\n"
)
CHATS = f"ClientId,DateTime,ChatPlatform,ChatUsername\n{ID},{TIME},telegram,someone\n"
ORDERS = (
    "id;create_date_time;client_ids;emails;phones;order_status;revenue;cost\n"
    f"7;2024-05-30 12:00:00;{ID};mail@example.com,mail2@example.com;70001234567;PAID;200.00;150\n"
    "8;30.05.2024 13:00;;mail@example.com;;order_measured;;\n"
)
HASHED = (
    "id;create_date_time;emails_md5;phones_md5;order_status\n"
    f"7;2024-05-30;{MD5};c523d04542feb526ea83dc33a4dc6aea;PAID\n"
)
API_ORDERS = (
    "id,create_date_time,emails,order_status,revenue,goals,currency\n"
    '7,2024-05-30 12:00,mail@example.com,PAID,1,"oplata:200,filial_1",EUR\n'
)
CONTACTS = (
    "uniq_id,name,create_date_time,birth_date,client_ids,user_ids,emails,age\n"
    f"7,Имя,2024-05-30 12:00,1965-02-03,{ID},u 1,mail@example.com,30\n"
)
DEALS = (
    "id,client_uniq_id,client_type,create_date_time,order_status,finish_date_time,revenue,products\n"
    "7,1,CONTACT,2024-05-30 12:00,new,,10,Laptop X:1\n"
)
FAULTLESS = {
    "conversions": CONVERSIONS,
    "conversions by yclid": YCLID_FILE,
    "calls": CALLS,
    "chats": CHATS,
    "orders": ORDERS,
    "hashed orders": HASHED,
    "orders for the API": API_ORDERS,
    "contacts": CONTACTS,
    "deals": DEALS,
}


def changed(text, *pairs):
    """A text in which some words stand for others."""
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


CASES = [
    # The file as a whole, and its header.
    ("not-csv", b"PK\x03\x04", (None, "")),
    ("not-csv", '{"contacts": [{"uniq_id": "7"}]}', (None, "")),
    ("unknown-kind", "ID;Сумма\n1;2\n", (1, "")),
    ("unknown-kind", "", (None, "")),
    ("wrong-encoding", CONTACTS.encode("cp1251"), (None, "")),
    ("byte-order-mark", codecs.BOM_UTF8 + CONVERSIONS.encode(), (1, "")),
    ("wrong-delimiter", CONVERSIONS.replace(",", ";"), (1, "")),
    ("line-endings", CONVERSIONS.replace("\n", "\r"), (None, "")),
    ("header-row", f"Выгрузка за май\n{CONVERSIONS}", (2, "")),
    ("header-case", changed(CONVERSIONS, ("ClientId", "clientID")), (1, "clientID")),
    ("header-case", changed(CONVERSIONS, ("Target", " Target")), (1, "Target")),
    ("missing-column", changed(CONVERSIONS, ("ClientId", "Client")), (1, "UserId or ClientId or Yclid or PurchaseId")),
    ("missing-column", changed(ORDERS, ("create_date_time", "created_at")), (1, "create_date_time")),
    ("repeated-column", changed(CONVERSIONS, ("Currency", "Price")), (1, "Price")),
    ("row-name-column", f'"",ClientId,Target,DateTime\n1,{ID},a,{TIME}\n2,{OTHER_ID},a,{TIME}\n', (1, "Column 1")),
    ("row-name-column", f"X,ClientId,Target,DateTime\n1,{ID},a,{TIME}\n2,{OTHER_ID},a,{TIME}\n", (1, "X")),
    ("row-name-column", f"Unnamed: 0,ClientId,Target,DateTime\n0,{ID},a,{TIME}\n", (1, "Unnamed: 0")),
    ("unknown-column", changed(CONVERSIONS, ("Price", "Prise")), (1, "Prise")),
    ("unknown-column", changed(CONTACTS, ("emails", "email")), (1, "email")),
    ("api-only-column", API_ORDERS.replace(",", ";").replace('"oplata:200;filial_1"', "oplata:200"), (1, "currency")),
    ("no-valid-rows", "ClientId,Target,DateTime\n", (None, "")),
    ("no-valid-rows", changed(YCLID_FILE, (TIME, "")), (None, "")),
    # Rows.
    ("bad-row", f"{CONVERSIONS}{ID},a\n", (4, "")),
    ("bad-row", f'{CONVERSIONS}{ID},"a"b,{TIME},,\n', (4, "")),
    ("broken-text", f"{CONVERSIONS}{ID},заказ,{TIME},,\n".encode() + b"1,\xff,,,\n", (5, "")),
    ("repeated-header", CONVERSIONS + CONVERSIONS.partition("\n")[0] + f"\n{THIRD_ID},a,{TIME},,\n", (4, "")),
    ("totals-row", f"{CONVERSIONS}Итого,,,100.50,\n", (4, "")),
    ("blank-row", f"{CONVERSIONS}\n,,,,\n{THIRD_ID},a,{TIME},,\n", (4, "")),
    # Who it was.
    ("no-identifier", f"{CONVERSIONS},a,{TIME},,\n", (4, "ClientId")),
    ("no-identifier", changed(CALLS, (ID, "")), (2, "ClientId")),
    ("bad-identifier", f"{CONVERSIONS}'{THIRD_ID},a,{TIME},,\n", (4, "ClientId")),
    ("bad-identifier", changed(YCLID_FILE, (YCLIDS[0], "none")), (2, "Yclid")),
    ("bad-identifier", changed(ORDERS, (ID, "GA1.2.3")), (2, "client_ids")),
    ("bad-identifier", f"UserId,Target,DateTime\nundefined,a,{TIME}\n", (2, "UserId")),
    ("rounded-identifier", changed(CONVERSIONS, (ID, "1.71664200123457E+18")), (2, "ClientId")),
    ("rounded-identifier", changed(ORDERS, (ID, f"{ID}.0")), (2, "client_ids")),
    (
        "damaged-column",
        f"ClientId,Target,DateTime\n{''.join(f'17166420012345{n}0000,a,{TIME}{chr(10)}' for n in range(3))}",
        (None, "ClientId"),
    ),
    ("suspicious-identifier", changed(CONVERSIONS, (ID, "1716642001234560000")), (2, "ClientId")),
    ("foreign-yclid", changed(YCLID_FILE, (YCLIDS[0], "YJAD.1234")), (2, "Yclid")),
    (
        "misplaced-identifier",
        f"ClientId,Target,DateTime\n{''.join(f'{yclid},a,{TIME}{chr(10)}' for yclid in YCLIDS)}",
        (2, "ClientId"),
    ),
    (
        "misplaced-identifier",
        f"Yclid,Target,DateTime\n{ID},a,{TIME}\n{OTHER_ID},a,{TIME}\n{THIRD_ID},a,{TIME}\n",
        (2, "Yclid"),
    ),
    ("several-identifiers", f"ClientId,Yclid,Target,DateTime\n{ID},{YCLIDS[0]},a,{TIME}\n", (2, "ClientId, Yclid")),
    (
        "mixed-identifiers",
        f"ClientId,Yclid,Target,DateTime\n{ID},,a,{TIME}\n,{YCLIDS[0]},a,{TIME}\n",
        (None, "ClientId, Yclid"),
    ),
    # When.
    ("empty-time", changed(CONVERSIONS, (TIME, "")), (2, "DateTime")),
    ("empty-time", changed(ORDERS, ("2024-05-30 12:00:00", "")), (2, "create_date_time")),
    ("bad-time", changed(CONVERSIONS, (TIME, "2024-05-30 12:00")), (2, "DateTime")),
    ("bad-time", changed(CONVERSIONS, (TIME, f"{TIME}.0")), (2, "DateTime")),
    ("bad-time", changed(ORDERS, ("2024-05-30 12:00:00", "2024-05-30T12:00:00")), (2, "create_date_time")),
    ("bad-time", changed(ORDERS, ("2024-05-30 12:00:00", "05/30/2024 12:00")), (2, "create_date_time")),
    ("bad-time", changed(ORDERS, ("2024-05-30 12:00:00", "2024-05-30 12:00:00+03:00")), (2, "create_date_time")),
    ("bad-time", changed(ORDERS, ("2024-05-30 12:00:00", "2024-02-30")), (2, "create_date_time")),
    ("bad-time", changed(CONTACTS, ("1965-02-03", "1965")), (2, "birth_date")),
    ("bad-time", changed(DEALS, ("new,,", "new,yesterday,")), (2, "finish_date_time")),
    ("milliseconds", changed(CONVERSIONS, (TIME, f"{TIME}123")), (2, "DateTime")),
    ("future-time", changed(CONVERSIONS, (TIME, "1717232401")), (2, "DateTime")),
    ("future-time", changed(ORDERS, ("2024-05-30 12:00:00", "2024-06-01 12:00:01")), (2, "create_date_time")),
    ("future-time", changed(ORDERS, ("2024-05-30 12:00:00", "01.06.2024")), (2, "create_date_time")),
    ("too-old", changed(ORDERS, ("2024-05-30 12:00:00", "2024-02-09 11:59:59")), (2, "create_date_time")),
    ("outside-window", changed(CONVERSIONS, (TIME, str(1717232400 - 21 * 86400 - 1))), (2, "DateTime")),
    # What it was worth, and what it was.
    ("bad-price", changed(CONVERSIONS, ("100.50", '"100,50"')), (2, "Price")),
    ("bad-price", changed(ORDERS, ("200.00", "12 345.67 ₽")), (2, "revenue")),
    ("negative-price", changed(ORDERS, (";150", ";-150")), (2, "cost")),
    ("price-too-large", changed(ORDERS, ("200.00", "9223372036855")), (2, "revenue")),
    ("bad-currency", changed(CONVERSIONS, ("RUB", "RUR")), (2, "Currency")),
    ("bad-target", changed(CONVERSIONS, ("order_paid", "Заказ оплачен")), (2, "Target")),
    ("numeric-target", changed(CONVERSIONS, ("order_paid", "12345678")), (2, "Target")),
    ("bad-status", changed(ORDERS, ("PAID", "CANCELED")), (2, "order_status")),
    ("bad-status", changed(ORDERS, ("PAID", "paid")), (2, "order_status")),
    ("bad-status", changed(ORDERS, ("PAID", "OTHER")), (2, "order_status")),
    ("bad-status", changed(ORDERS, ("PAID", "Заказ оплачен")), (2, "order_status")),
    ("bad-status", changed(DEALS, ("new", "Новая")), (2, "order_status")),
    ("empty-status", changed(ORDERS, ("PAID", "")), (2, "order_status")),
    ("empty-status", changed(HASHED, (";order_status", ""), (";PAID", "")), (1, "order_status")),
    ("suspicious-status", changed(ORDERS, ("PAID", "Оплачен")), (2, "order_status")),
    ("suspicious-status", changed(ORDERS, ("PAID", "143")), (2, "order_status")),
    # Contacts.
    ("no-contact", changed(ORDERS, ("13:00;;mail@example.com", "13:00;;")), (3, "client_ids, emails, phones")),
    ("no-contact", changed(CHATS, ("someone", "")), (2, "ChatUsername")),
    ("bad-phone", changed(ORDERS, ("70001234567", "8 (000) 123-45-67")), (2, "phones")),
    ("bad-phone", changed(ORDERS, ("70001234567", "89001234567")), (2, "phones")),
    ("bad-phone", changed(CALLS, ("+70001234567", "70001234567")), (2, "PhoneNumber")),
    ("bad-email", changed(ORDERS, ("mail@example.com,mail2@example.com", "mail(at)example.com")), (2, "emails")),
    ("bad-hash", changed(HASHED, (MD5, MD5[:-1])), (2, "emails_md5")),
    ("bad-hash", changed(HASHED, (MD5, "d41d8cd98f00b204e9800998ecf8427e")), (2, "emails_md5")),
    ("bad-list", changed(ORDERS, ("com,mail2", "com, mail2")), (2, "emails")),
    ("misplaced-contact", changed(HASHED, (MD5, "mail@example.com")), (2, "emails_md5")),
    ("misplaced-contact", changed(HASHED, ("c523d04542feb526ea83dc33a4dc6aea", "70001234567")), (2, "phones_md5")),
    ("misplaced-contact", changed(ORDERS, ("mail@example.com,mail2@example.com", MD5)), (2, "emails")),
    ("misplaced-contact", changed(ORDERS, ("70001234567", MD5)), (2, "phones")),
    (
        "plain-contacts",
        f"id;create_date_time;emails;emails_md5;order_status\n7;2024-05-30;mail@example.com;{MD5};PAID\n",
        (2, "emails, emails_md5"),
    ),
    # The record.
    ("no-order-id", changed(ORDERS, ("\n7;", "\n;")), (2, "id")),
    (
        "no-order-id",
        changed(
            HASHED,
            (
                "id;",
                "",
            ),
            ("7;", ""),
        ),
        (1, "id"),
    ),
    ("repeated-id", changed(ORDERS, ("\n8;", "\n7;")), (2, "id")),
    ("repeated-id", f"{CONTACTS}7,,,,,,mail@example.com,\n", (2, "uniq_id")),
    ("duplicate", f"{CONVERSIONS}{ID},order_paid,{TIME},99,RUB\n", (2, "")),
    ("no-client", changed(DEALS, ("7,1,", "7,,")), (2, "client_uniq_id")),
    ("missing-value", changed(CONVERSIONS, ("order_paid", "")), (2, "Target")),
    ("missing-value", changed(CONTACTS, ("\n7", "\n")), (2, "uniq_id")),
    ("missing-value", changed(DEALS, ("new", "")), (2, "order_status")),
    ("bad-value", changed(CALLS, (",0,", ",no,")), (2, "StaticCall")),
    ("bad-value", changed(CALLS, ("95", "00:01:35")), (2, "TalkDuration")),
    ("bad-value", changed(CALLS, ("https://example.ru/", "home page")), (2, "URL")),
    ("bad-value", changed(CHATS, ("telegram", "Telegram")), (2, "ChatPlatform")),
    ("bad-value", changed(DEALS, ("CONTACT", "COMPANY")), (2, "client_type")),
    ("bad-value", changed(API_ORDERS, ("filial_1", ":200")), (2, "goals")),
    ("negative-price", changed(API_ORDERS, ("oplata:200", "oplata:-200")), (2, "goals")),
    ("stray-blanks", changed(CONVERSIONS, ("order_paid", "order_paid ")), (2, "Target")),
    ("stray-blanks", changed(CONVERSIONS, ("RUB", " RUB")), (2, "Currency")),
    ("stray-blanks", changed(CONTACTS, ("\n7,", '\n"=""7""",')), (2, "uniq_id")),
]


@pytest.mark.parametrize("name", FAULTLESS)
def test_a_file_as_yandex_wants_it_has_no_fault(name, judge):
    verdict = judge(FAULTLESS[name])
    assert [finding.entry.code for finding in verdict.findings] == []
    assert verdict.kind == name.partition(" ")[0].replace("hashed", "orders")
    assert verdict.refused == 0


@pytest.mark.parametrize(("code", "content", "first"), CASES)
def test_a_fault_is_found_where_it_is(code, content, first, found):
    count, *place = found(content)[code]
    assert (count >= 1, tuple(place)) == (True, first)


def test_a_file_above_the_limit_of_its_receiver_is_told(found, judge):
    size = len(ORDERS.encode())
    assert found(ORDERS, limit=size) == {}
    assert found(ORDERS, limit=size - 1) == {"too-large": (1, None, "")}
    (finding,) = judge(ORDERS, limit=size - 1).findings
    assert finding.sights[0].value == f"{size:,} bytes, {size - 1:,} are taken"


def test_every_fault_of_the_catalogue_has_a_file():
    assert {code for code, *_ in CASES} | {"too-large"} == {entry.code for entry in CATALOGUE.values()}
    assert set(CATALOGUE) == set(Fault) - {Fault.NONE}


def test_a_fault_that_is_an_issue_of_a_build_has_its_code():
    shared = {code.text for code in Code} & {entry.code for entry in CATALOGUE.values()}
    assert shared >= {"bad-identifier", "rounded-identifier", "foreign-yclid", "suspicious-identifier", "empty-time"}
    assert shared >= {"bad-time", "future-time", "too-old", "outside-window", "bad-price", "negative-price", "bad-row"}
    assert shared >= {"bad-currency", "no-identifier", "no-contact", "no-order-id", "duplicate", "no-client"}


# The row errors and file errors of the Conversion Center ([cc]), each with a file that would have it.
YANDEX = [
    ("Invalid date format '<x>'", changed(ORDERS, ("2024-05-30 12:00:00", "30 мая"))),
    ("Empty 'create_date_time' value", changed(ORDERS, ("2024-05-30 12:00:00", ""))),
    ("'create_date_time' is older than 113 days", changed(ORDERS, ("2024-05-30 12:00:00", "2024-01-30"))),
    ("'create_date_time' is from the future", changed(ORDERS, ("2024-05-30 12:00:00", "2024-07-30"))),
    ("Invalid '<id_type>' identifier '<x>'", changed(ORDERS, (ID, "1,7E+18"))),
    ("Invalid '<id_type>' identifier '<x>'", changed(ORDERS, (ID, "12a"))),
    ("Invalid '<id_type>' identifier '<x>'", changed(ORDERS, ("mail@example.com", "mail"))),
    ("Invalid '<id_type>' identifier '<x>'", changed(ORDERS, ("70001234567", "123"))),
    ("Invalid '<id_type>' identifier '<x>'", changed(HASHED, (MD5, "z" * 32))),
    ("All columns with identifiers are empty", changed(ORDERS, ("13:00;;mail@example.com", "13:00;;"))),
    ("Invalid '<revenue/cost>' value", changed(ORDERS, ("200.00", "200,00"))),
    ("'<revenue/cost>' value must be nonnegative", changed(ORDERS, ("200.00", "-0.01"))),
    ("'<revenue/cost>' value must not exceed 9223372036854", changed(ORDERS, (";150", ";9223372036854.01"))),
    ("Invalid 'order_status' value", changed(ORDERS, ("PAID", "Paid"))),
    ("wrong separator", ORDERS.replace(";", "\t")),
    ("no valid rows", ORDERS.partition("\n")[0] + "\n"),
    ("not UTF-8", changed(ORDERS, ("order_measured", "замер")).encode("cp1251")),
    ("not UTF-8", ORDERS.encode() + b"9;2024-05-30;;mail@example.com;;\xff;;\n"),
]


@pytest.mark.parametrize(("message", "content"), YANDEX)
def test_what_yandex_would_refuse_is_told_in_its_words(message, content, judge):
    told = {finding.entry.yandex: finding.entry for finding in judge(content).findings}
    assert told[message].gravity is Gravity.ERROR


def test_a_file_above_300_mb_is_told_in_yandexs_words(judge):
    assert judge(ORDERS, limit=1).findings[0].entry.yandex == "over 300 MB"


def test_every_message_of_yandex_has_a_file():
    messages = {entry.yandex for entry in CATALOGUE.values()} - {None}
    assert {message for message, _ in YANDEX} | {"over 300 MB"} == messages
    assert len([message for message in messages if "'" in message or message[0].isupper()]) == 10


def test_texts_of_the_catalogue_are_whole():
    for entry in CATALOGUE.values():
        assert re.fullmatch(r"[A-Z].*[^.]", entry.title)
        assert re.fullmatch(r"[A-Z].*\.", entry.remedy)
        assert len(entry.title) <= 75
        assert ("--fix" in entry.remedy) == entry.is_mendable
