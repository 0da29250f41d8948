import json
import re
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from csvexport.errors import ProfileError
from csvexport.profile import load_profile, profile_schema
from csvexport.profile.wording import written

SCHEMA = profile_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

TOP = {"timezone": "UTC", "identifiers": {"Yclid": "yclid"}}
GOAL = {"target": "order_paid", "time": "Paid"}
CALLS = {"time": "Start"}
ORDERS = {
    "id": "ID",
    "created": "Created",
    "client_ids": "ClientID",
    "status": "Stage",
    "statuses": {"Paid": "PAID"},
    "delimiter": ",",
}
CONTACTS = {"id": "ID"}
DEALS = {"id": "ID", "client": "Client", "created": "Created", "status": "Stage", "statuses": {"Paid": "PAID"}}
DELIVER = {"name": "pickup", "what": "conversions", "to": "drop/{{ batch }}/"}
TABLES = {"calls": CALLS, "orders": ORDERS, "contacts": CONTACTS, "deals": DEALS}


def accepted_by_schema(document):
    """As an editor sees it: dates are text."""
    plain = json.loads(json.dumps(document, default=lambda value: value.isoformat()), parse_float=Decimal)
    return VALIDATOR.is_valid(plain)


def accepted_by_loader(document, folder):
    file = folder / "profile.toml"
    file.write_text("\n".join(f"{key} = {written(value)}" for key, value in document.items()), "utf-8")
    try:
        load_profile(file)
    except ProfileError:
        return False
    return True


def objects(schema):
    """Every object of the schema whose keys are listed."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for key, value in schema.items():
            if key not in {"dependentSchemas", "allOf"}:  # conditions
                yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"]


def test_every_key_is_described_with_examples_and_no_other_is_allowed():
    tables = list(objects(SCHEMA))
    assert len(tables) == 20
    for table in tables:
        assert table["additionalProperties"] is False
        for key, described in table["properties"].items():
            assert described["description"].endswith("."), key
            assert described["examples"], key
            assert described.get("default", 0) is not None, "TOML has no null"


def test_the_schema_has_the_keys_as_they_are_written():
    keys = {key for table in objects(SCHEMA) for key in table["properties"]}
    assert keys == {
        *("counter", "timezone", "counter_timezone", "currency", "country", "since", "until", "max_rejected", "source"),
        *("identifiers", "goals", "calls", "orders", "contacts", "deals"),
        *("path", "format", "sheet", "records", "encoding", "delimiter", "header", "username", "password", "headers"),
        *("ca", "timeout", "time_limit", "max_megabytes", "optional", "join", "on", "prefix"),
        *("UserId", "ClientId", "Yclid", "PurchaseId"),
        *("target", "when", "time", "price", "column", "timezone", "decimal", "values"),
        *("not", "empty", "matches", "min", "max"),
        *("static", "phone", "talk_duration", "hold_duration", "missed", "tag", "first_time_caller", "url"),
        *("call_tracker_url", "yes", "no"),
        *("id", "created", "updated", "client", "client_ids", "emails", "phones", "contacts", "revenue", "cost"),
        *("status", "statuses", "always", "on_oversize", "utm", "source", "medium", "campaign"),
        *("name", "birth_date", "user_ids", "attributes", "only_with_deals", "type", "multivalued", "title"),
        *("finished", "products"),
        *("deliver", "what", "to", "key", "passphrase", "certificate", "host_key", "known_hosts", "jump", "host"),
        *("mode", "in_place", "takes_away", "attempts"),
    }


def examples_of_tables():
    """Each example, with the place at which its key stands in a profile."""
    placed = {
        (): SCHEMA,
        ("source",): definition("SourceSettings"),
        ("source", "join"): definition("JoinSettings"),
        ("identifiers",): definition("IdentifierTable"),
        ("goals", 0): definition("Goal"),
        ("goals", 0, "time"): definition("TimeColumn"),
        ("goals", 0, "price"): definition("PriceColumn"),
        ("goals", 0, "currency"): definition("CurrencyColumn"),
        ("goals", 0, "when", "A"): definition("ConditionTable"),
        ("calls",): definition("CallSettings"),
        ("calls", "missed"): definition("FlagColumn"),
        ("orders",): definition("OrderSettings"),
        ("orders", "goals", 0): definition("OrderGoal"),
        ("orders", "utm"): definition("UtmColumns"),
        ("contacts",): definition("ContactSettings"),
        ("contacts", "attributes", "age"): definition("Attribute"),
        ("deals",): definition("DealSettings"),
        ("deals", "goals", 0): definition("OrderGoal"),
        ("deals", "statuses", "Paid"): definition("DealStatusTable"),
        ("deliver", 0): definition("DeliverSettings"),
        ("deliver", 0, "jump"): definition("JumpSettings"),
    }
    assert len({id(table) for table in placed.values()}) == 1 + len(SCHEMA["$defs"]), "a table is missing"
    return [((*place, key), example) for place, table in placed.items() for key, example in examples(table)]


def test_every_example_is_accepted_by_schema_and_loader(tmp_path):
    for place, value in examples_of_tables():
        document = with_value(place, value)
        if place == ("orders", "always"):
            document["orders"] = {k: v for k, v in document["orders"].items() if k not in {"status", "statuses"}}
        if place == ("orders", "on_oversize"):
            del document["orders"]["delimiter"]
        if place == ("contacts", "only_with_deals"):
            document["deals"] = DEALS
        if place[:2] == ("deliver", 0):
            document |= TABLES
            document["deliver"][0] |= BESIDE_DELIVERY.get(place[2], {})
        assert accepted_by_schema(document), document
        assert accepted_by_loader(document, tmp_path), document


SFTP = {"to": "sftp://yandex@files.example.ru/{{ batch }}/"}
HTTPS = {"to": "https://files.example.ru/{{ batch }}/"}
BESIDE_DELIVERY = {
    **dict.fromkeys(("password", "key", "host_key", "known_hosts", "jump", "in_place", "takes_away", "timeout"), SFTP),
    **dict.fromkeys(("passphrase", "certificate"), SFTP | {"key": "id_ed25519"}),
    **dict.fromkeys(("headers", "ca", "username"), HTTPS),
    "to": {"what": "orders"},
}


def definition(name):
    return SCHEMA["$defs"][name]


def examples(table):
    return [(key, example) for key, described in table["properties"].items() for example in described["examples"]]


NAME = [
    "A",
    " B ",
    "Дата",
    "",
    " ",
    5,
    True,
    [],
    ["A", "B"],
    [""],
    {},
    {"column": "A"},
    {"column": 5},
    {"columns": "A"},
]
FLAGS = [*NAME, False, {"column": "A", "yes": "a"}, {"column": "A", "yes": ["a", 1], "no": ["b", ""]}, {"yes": "a"}]
STATUSES = [
    *["PAID", "IN_PROGRESS", "CANCELLED", "SPAM", "lead", "оплачен", "prepaid", "spam_2", "a" * 255, "a" * 256, "a b"],
    *["paid", "Paid", "in-progress", "InProgress", "in_progress", "CANCELED", "Cancelled", "other", "", 5, True, []],
]
ADDRESSED = {
    "username": "crm",
    "password": "env:A",
    "headers": {"A": "env:A"},
    "ca": "ca.pem",
    "timeout": 60,
    "time_limit": 60,
    "max_megabytes": 1,
}
FINGERPRINT = f"SHA256:{'aB3+/' * 8}aB3"
WAYS = ("drop/", "C:\\drop/", "sftp://a@b/", "sftp://b/", "https://a/", "HTTPS://a:1/", "http://localhost/", "ftp://a/")
OF_WAYS = {
    "username": "crm",
    "password": "env:A",
    "key": "~/.ssh/id",
    "host_key": FINGERPRINT,
    "known_hosts": "known_hosts",
    "jump": {"host": "a", "username": "b"},
    "headers": {"A": "env:A"},
    "ca": "ca.pem",
    "mode": "0640",
    "in_place": True,
    "takes_away": True,
    "attempts": 1,
    "timeout": 60,
    "time_limit": 60,
}
FORMS = {
    ("counter",): [1, 0, -1, 1.5, "1", True],
    ("timezone",): ["UTC", "Europe/Moscow", "", 3],
    ("currency",): ["RUB", "rub", "RUBL", 643, ""],
    ("since",): [date(2024, 5, 31), "2024-05-31", "21d", "d", "21", 21, "2024-5-1", "yesterday"],
    ("until",): [date(2024, 5, 31), "2024-05-31", "21d", "", {}],
    ("max_rejected",): [0, 1, 0.5, 1.5, -1, "0.5", True],
    ("chats",): [{}, 1],
    ("country",): ["RU", "GB", "ru", "RUS", "", 7],
    ("counter_timezone",): ["UTC", "", 3],
    ("source",): [
        *[{}, {"path": "a"}, "a", [], {"sheet": 1}],
        *[
            {"path": path, key: value}
            for path in ("a", ["a", "b"], "https://a", ["a", "HTTPS://a"], [], 1)
            for key, value in ADDRESSED.items()
        ],
    ],
    ("source", "path"): [
        "a.csv",
        "*.csv",
        "C:\\a",
        "-",
        "",
        " ",
        [],
        ["a", "b"],
        [1],
        "http://a",
        "HTTPS://a",
        ["ftp://a"],
        "ftp:",
        *[
            "https://",
            "https:///a",
            "https://a?b#c",
            "https://a:80/b@c",
            "https://a@b",
            "https://a:b@c/",
            "https://[::1]/",
        ],
        *[
            "https://a b",
            "https://a/b c",
            "https://a\\b",
            "https://крм.рф/заказы",
            "https://a/\x07",
            ["a", "https://a"],
        ],
    ],
    ("source", "optional"): NAME,
    ("source", "records"): ["a", "a.b", "a..b", "", ".", 1],
    ("source", "join"): [
        *[{}, "a", {"path": "a"}, {"on": {"a": "b"}}, {"path": "a", "on": {"a": "b"}}, {"path": [], "on": {"a": "b"}}],
        *[{"path": "a", "on": on} for on in ({}, "a", {"a": 1}, {" ": "b"}, {"a": " "}, {"a": "b", "c": "d"})],
        *[{"path": "a", "on": {"a": "b"}, "prefix": prefix} for prefix in ("", "client.", 1)],
        *[{"path": path, "on": {"a": "b"}, "username": "crm"} for path in ("a", "https://a")],
        {"path": "a", "on": {"a": "b"}, "join": {"path": "a", "on": {"a": "b"}}},
    ],
    ("source", "format"): ["csv", "CSV", "xlsx", 1],
    ("source", "encoding"): [
        "utf-8",
        "UTF_8",
        "cp1251",
        "Windows-1251",
        "win1251",
        "utf-16le",
        "KOI8-R",
        "866",
        "latin-1",
        866,
    ],
    ("source", "delimiter"): [",", ";", "\t", "|", ":", "", "tab"],
    ("source", "header"): [1, 3, 0, "1"],
    ("source", "username"): ["crm", "env:A", "file:a b", "env:", "file:", "", 1],
    ("source", "password"): ["env:A_1", "file:/a b", "env:1", "hunter2", "", 1],
    ("source", "headers"): [
        *[{}, {"A": "env:A"}, {"A": "b"}, "A", [], {"": "env:A"}, {"X Key": "env:A"}, {"X-Key:": "env:A"}],
        *[{"host": "env:A"}, {"Host2": "env:A"}, {"CONTENT-length": "env:A"}, {"Authorization": "env:A"}],
    ],
    ("source", "ca"): ["ca.pem", "", "https://a/ca.pem", 1],
    ("source", "timeout"): [1, 86400, 2.5, 0, 0.5, 86401, "60", True],
    ("source", "time_limit"): [1, 604800, 2.5, 0, 604801, "60", True],
    ("source", "max_megabytes"): [1, 0, 1.5, "1"],
    ("identifiers",): [{"UserId": "A"}, {"PurchaseId": ["A"], "Yclid": "B"}, {}, {"userid": "A"}, "A"],
    ("identifiers", "ClientId"): NAME,
    ("goals",): [[], {}, "a", [{}], [1], [GOAL, GOAL], [GOAL | {"goal": 1}], [{"target": "a"}], [{"time": "a"}]],
    ("goals", 0, "target"): ["a", "a" * 255, "a" * 256, "", "a b", "a,b", "a\u200bb", "a\u00a0b", "a'b", 'a"b', 5],
    ("goals", 0, "time"): [*NAME, {"column": "A", "format": "%s"}, {"column": "A", "format": 5}, {"format": "%s"}],
    ("goals", 0, "price"): [
        *[item for item in NAME if item != 5],
        *[0, 5, 12.5, -1, 9223372036854, 9223372036855],
        *[{"column": "A", "decimal": decimal} for decimal in (",", ".", "", 1)],
    ],
    ("goals", 0, "currency"): [
        *["RUB", "rub", 643, True, {}, [], {"column": "A"}, {"column": "A", "values": {"a": "RUB"}}],
        *[{"column": "A", "values": values} for values in ({}, {"a": "rubles"}, [], {"a": 1})],
    ],
    ("goals", 0, "when"): [{}, {"A": 1, "B": "b"}, {"": 1}, "A", [], {"A": {"not": "a"}, "B": []}],
    ("goals", 0, "when", "A"): [
        *["a", "", 5, 1.5, True, [], ["a", 1, False], [[]], [{}], {}],
        *[{"not": "a"}, {"not": [1, True]}, {"not": []}, {"not": {}}, {"not": "a", "empty": True}],
        *[{"empty": True}, {"empty": "true"}, {"matches": "^a"}, {"matches": "(?i)a"}, {"matches": ""}, {"matches": 1}],
        *[{"min": 1}, {"max": 1.5}, {"min": -1, "max": 1}, {"min": "1"}, {"min": 1, "not": 5}, {"minimum": 1}],
    ],
    ("calls",): [{}, CALLS, [CALLS], "A", {"static": True}, CALLS | {"target": "a"}],
    ("calls", "time"): NAME,
    ("calls", "static"): FLAGS,
    ("calls", "missed"): FLAGS,
    ("calls", "missed", "yes"): ["a", 1, True, [], ["a", 1.5], [[]], {}],
    ("calls", "missed", "no"): ["a", "", [], {}],
    ("calls", "phone"): [name for name in NAME if name != ["A", "B"]] + [["A", "B"]],
    ("calls", "first_time_caller"): FLAGS,
    ("orders",): [
        *[{}, ORDERS, [ORDERS], 1, CALLS],
        *[{key: value for key, value in ORDERS.items() if key != left} for left in ORDERS],
    ],
    ("orders", "created"): NAME,
    ("orders", "updated"): NAME,
    ("orders", "client"): NAME,
    ("orders", "client_ids"): NAME,
    ("orders", "emails"): NAME,
    ("orders", "phones"): NAME,
    ("orders", "contacts"): ["md5", "plain", "none", "MD5", "", True],
    ("orders", "revenue"): ["A", 5, -1, True, {"column": "A", "decimal": ","}, {"column": "A", "decimal": ";"}],
    ("orders", "cost"): ["A", 5, 9223372036855],
    ("orders", "currency"): ["RUB", "rub", {"column": "A"}, {}],
    ("orders", "status"): NAME,
    ("orders", "statuses"): [{}, "A", {"": "PAID"}, {"a": 1}, {"a": "lead", "b": "SPAM"}, {"a": {"type": "PAID"}}],
    ("orders", "statuses", "Paid"): STATUSES,
    ("orders", "goals"): [[], {}, [{}], [{"target": "a"}], [{"target": "a", "time": "A"}], [{"target": "a b"}], [1]],
    ("orders", "goals", 0, "when"): [{}, {"A": 1}, {"": 1}, "A"],
    ("orders", "goals", 0, "price"): ["A", 5, {"column": "A"}, {}, True],
    ("orders", "delimiter"): [",", ";", "\t", "", 1],
    ("orders", "utm"): [{}, {"source": "A"}, {"medium": "A", "campaign": "B"}, {"term": "A"}, {"source": ""}, "A"],
    ("contacts",): [{}, CONTACTS, [CONTACTS], {"name": "A"}, CONTACTS | {"age": "A"}],
    ("contacts", "birth_date"): NAME,
    ("contacts", "user_ids"): NAME,
    ("contacts", "contacts"): ["none", "sha"],
    ("contacts", "attributes"): [
        *[{}, "A", {"a": "A"}, {"a1_": {"column": "A"}}, {"a": {}}, {"a": 1}, {"_a": "A"}, {"1": "A"}, {"": "A"}],
        *[{"name": "A"}, {"names": "A"}, {"emails_md5": "A"}, {"id": "A"}, {"a-b": "A"}, {"возраст": "A"}],
        *[{"a" * 255: "A"}, {"a" * 256: "A"}],
    ],
    ("contacts", "attributes", "age", "type"): ["text", "numeric", "date", "datetime", "email", "number", 1],
    ("contacts", "attributes", "age", "multivalued"): [True, False, 1, "true"],
    ("contacts", "attributes", "age", "title"): ["A", " ", "", 1],
    ("contacts", "only_with_deals"): [False, True, 1],
    ("contacts", "format"): ["csv", "json", "xml"],
    ("contacts", "delimiter"): [",", ";", ":"],
    ("deals",): [
        *[{}, DEALS, [DEALS], 1, DEALS | {"contacts": "md5"}],
        *[{key: value for key, value in DEALS.items() if key != left} for left in DEALS],
    ],
    ("deals", "finished"): NAME,
    ("deals", "products"): NAME,
    ("deals", "statuses"): [{}, "A", {"": "PAID"}, {"a": 1}, {"a": "lead", "b": "OTHER"}, {"a": {"type": "PAID"}}],
    ("deals", "statuses", "Paid"): [
        *STATUSES,
        *[{"type": "OTHER"}, {"type": "other"}, {"id": "a"}, {"type": "PAID", "goal": "a"}, {}],
    ],
    ("deals", "statuses", "Paid", "id"): ["a", "A:b-1_", "a" * 255, "a" * 256, "", "a b", "ы", 1],
    ("deals", "statuses", "Paid", "title"): ["A", "", 1],
    ("deals", "statuses", "Paid", "goals"): ["a", ["a", "b"], [], ["a b"], 1, {}],
    ("deals", "goals"): [[], [{"target": "a", "when": {"A": 1}}], {}],
    ("deliver",): [
        *[[], {}, "a", [1], [{}], [DELIVER], [DELIVER | {"token": "env:A"}], [DELIVER | {"what": "orders"}]],
        *[[{key: DELIVER[key] for key in DELIVER if key != missing}] for missing in DELIVER],
    ],
    ("deliver", 0): [
        *[DELIVER | {"to": f"{way}{{{{ batch }}}}/", key: value} for way in WAYS for key, value in OF_WAYS.items()],
        *[DELIVER | SFTP | {"passphrase": "env:A"}, DELIVER | SFTP | {"certificate": "a", "key": "a"}],
        *[DELIVER | SFTP | {"host_key": FINGERPRINT, "known_hosts": "a"}],
        *[
            DELIVER | {"what": what, "to": to}
            for what in ("conversions", ["conversions"], "calls", "orders")
            for to in ("a", "{{ batch }}", "{{ file }}", "{{batch}}/{{file}}", "{{ batch }}/", "env:A", "file:/a/")
        ],
    ],
    ("deliver", 0, "name"): ["a", "A-1_b.c", "a" * 64, "a" * 65, "", ".a", "-a", "a b", "a/b", "ы", 1, []],
    ("deliver", 0, "what"): ["conversions", "Conversions", "goals", "", [], ["conversions"], ["a"], 1, {}],
    ("deliver", 0, "to"): [
        *[f"{start}{{{{ batch }}}}/{end}" for start in WAYS for end in ("", "{{ file }}", "a", "{{ file }} ")],
        *[
            f"{start}/{{{{ batch }}}}/"
            for start in (
                *["sftp://a:b@c", "sftp://a@b:22", "sftp://a@[::1]", "sftp://a b@c", "SFTP://a@b", "sftp://", "sftp:"],
                *[
                    "https://a:b@c",
                    "https://",
                    "http://a",
                    "http://127.0.0.1:1",
                    "http://[::1]",
                    "https://a?b",
                    "https://a/#",
                ],
                *["a@b:c", "a/b@c:", "", "..", "~", "/a", "a\nb", "a\x80", " a", "metrica:", "C:", "file://", "a:b"],
            )
        ],
        *["env:A", "env:", "file:a b", "credential:a", "", 1, [], {}, True],
    ],
    ("deliver", 0, "mode"): ["640", "0640", "640 ", "0o640", "0888", "64", "00640", 640, ""],
    ("deliver", 0, "attempts"): [1, 100, 0, 101, 1.5, "1", True],
    ("deliver", 0, "time_limit"): [1, 604800, 2.5, 0, 604801, "60", True],
    ("deliver", 0, "jump"): [
        *[{"host": "a", "username": "b"} | more for more in ({}, {"key": "a"}, {"passphrase": "env:A"}, {"port": 1})],
        *[{"host": "a"}, {"username": "a"}, "a", [], {}],
    ],
    ("deliver", 0, "jump", "host"): ["a", "a:22", "[::1]:1", "::1", "a@b", "a/b", "a b", "", 1],
    ("deliver", 0, "host_key"): [FINGERPRINT, [FINGERPRINT], [], ["a"], FINGERPRINT[:-1], "MD5:aa:bb", 1],
    ("deals", "attributes"): [{"products": "A"}, {"uniq_id": "A"}, {"client_type": "A"}],
}


# What is required beside the key of a place.
BESIDE = {
    **TABLES,
    "jump": {"host": "a", "username": "b", "key": "id_ed25519"},
    "join": {"path": "https://a", "on": {"a": "b"}},
    "age": {"column": "A"},
    "missed": {"column": "A"},
    "Paid": {"type": "PAID"},
}
FIRST_OF = {"deliver": DELIVER}
BESIDE_IN_GOALS = {"time": {"column": "A"}, "price": {"column": "A"}, "currency": {"column": "A"}}


def with_value(place, value):
    """A profile with this value at a place, and what is required beside it."""
    document = json.loads(json.dumps(TOP | {"goals": [GOAL]}))
    inner = document
    for step, following in pairwise(place):
        if isinstance(step, int):
            inner = inner[step]
            continue
        beside = (
            [FIRST_OF.get(step, {"target": "lead"})]
            if following == 0
            else BESIDE_IN_GOALS.get(step, BESIDE.get(step, {}))
        )
        if not isinstance(inner.get(step), dict | list):
            inner[step] = json.loads(json.dumps(beside))
        inner = inner[step]
    if place[:2] == ("deliver", 0) and place[-1] in {"jump", "host", "host_key"}:
        document["deliver"][0] |= SFTP
    inner[place[-1]] = value
    return document


@pytest.mark.parametrize("place", FORMS, ids=lambda place: ".".join(map(str, place)))
def test_schema_and_loader_accept_the_same_forms(tmp_path, place):
    verdicts = {}
    for value in FORMS[place]:
        document = with_value(place, value)
        by_schema, by_loader = accepted_by_schema(document), accepted_by_loader(document, tmp_path)
        assert by_schema == by_loader, f"{value!r}: the schema says {by_schema}, the loader {by_loader}"
        verdicts[by_schema] = value
    assert False in verdicts, "the table tries nothing that is refused"
    assert True in verdicts or place == ("chats",), "the table tries nothing that is accepted"


# Forms, without the meanings that a schema cannot know: zones, real codes, calendar, regular expressions, a text twice.
PLAIN = st.sampled_from(["A", "B", "env:A", ",", "csv", "", " "]) | st.integers(-2, 10**13) | st.booleans()
KEYS = st.sampled_from(["column", "decimal", "not", "min", "empty", "UserId", "path", "A", "target", "time", "price"])
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=2, unique_by=repr) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(FORMS.keys() - {("timezone",), ("counter_timezone",)}, key=str)), VALUES)
def test_schema_and_loader_agree_on_arbitrary_forms(tmp_path_factory, place, value):
    document = with_value(place, value)
    agreed = accepted_by_schema(document) == accepted_by_loader(document, tmp_path_factory.getbasetemp())
    assert agreed, document


# Which keys stand together; the columns are all distinct, since the schema cannot know of two that are one.
ANY_ORDERS = st.fixed_dictionaries(
    {"id": st.just("ID"), "created": st.just("Created")},
    optional={
        "updated": st.just("Updated"),
        "client_ids": st.just("ClientID"),
        "emails": st.just("E-mail"),
        "phones": st.just("Phone"),
        "contacts": st.sampled_from(["md5", "none"]),
        "revenue": st.just("Revenue"),
        "cost": st.just(5),
        "currency": st.sampled_from(["RUB", "USD", {"column": "Currency"}]),
        "status": st.just("Stage"),
        "statuses": st.just({"Paid": "PAID"}),
        "always": st.just("PAID"),
        "goals": st.just([{"target": "lead"}]),
        "delimiter": st.sampled_from([",", ";"]),
        "on_oversize": st.sampled_from(["fail", "trim"]),
    },
)
ANY_IDENTIFIERS = st.dictionaries(st.sampled_from(["UserId", "ClientId", "Yclid", "PurchaseId"]), st.just("A"))
ANY_PROFILE = st.fixed_dictionaries(
    {"timezone": st.just("UTC")},
    optional={
        "currency": st.sampled_from(["RUB", "USD"]),
        "identifiers": ANY_IDENTIFIERS,
        "goals": st.just([GOAL]),
        "calls": st.just(CALLS),
        "orders": st.sampled_from([ORDERS | {"delimiter": ";", "revenue": "Revenue"}, ORDERS | {"cost": "Cost"}]),
        "contacts": st.sampled_from([CONTACTS, CONTACTS | {"only_with_deals": True}]),
        "deals": st.just(DEALS),
    },
)
FEW_ORDERS = {"id": "ID", "created": "Created", "client_ids": "ClientID", "always": "PAID"}


@given(ANY_ORDERS)
@example(FEW_ORDERS)
@example(FEW_ORDERS | {"currency": "USD"})
@example(FEW_ORDERS | {"currency": "USD", "delimiter": ","})
@example(FEW_ORDERS | {"goals": [{"target": "lead"}]})
@example(FEW_ORDERS | {"on_oversize": "trim"})
@example(FEW_ORDERS | {"on_oversize": "trim", "delimiter": ","})
@example(FEW_ORDERS | {"status": "Stage", "statuses": {"Paid": "PAID"}})
@example(FEW_ORDERS | {"statuses": {"Paid": "PAID"}})
@example({"id": "ID", "created": "Created", "always": "PAID", "emails": "E-mail"})
@example({"id": "ID", "created": "Created", "always": "PAID", "emails": "E-mail", "contacts": "none"})
@example({"id": "ID", "created": "Created", "always": "PAID"})
def test_schema_and_loader_agree_on_the_keys_of_orders(tmp_path_factory, orders):
    document = {"timezone": "UTC", "orders": orders}
    agreed = accepted_by_schema(document) == accepted_by_loader(document, tmp_path_factory.getbasetemp())
    assert agreed, document


@given(ANY_PROFILE)
@example({"timezone": "UTC", "currency": "USD", "orders": FEW_ORDERS | {"revenue": "Revenue"}})
@example({"timezone": "UTC", "currency": "USD", "orders": FEW_ORDERS | {"revenue": "Revenue", "delimiter": ";"}})
@example({"timezone": "UTC", "currency": "USD", "orders": FEW_ORDERS | {"revenue": "Revenue", "currency": "RUB"}})
@example({"timezone": "UTC", "currency": "USD", "orders": FEW_ORDERS})
@example({"timezone": "UTC", "identifiers": {"PurchaseId": "A"}, "goals": [GOAL], "calls": CALLS})
@example({"timezone": "UTC", "identifiers": {"PurchaseId": "A", "Yclid": "A"}, "calls": CALLS})
def test_schema_and_loader_agree_on_the_tables_of_a_profile(tmp_path_factory, document):
    agreed = accepted_by_schema(document) == accepted_by_loader(document, tmp_path_factory.getbasetemp())
    assert agreed, document


# What the schema cannot know, beside what is said above.
@pytest.mark.parametrize(
    "orders_or_deals",
    [
        {"orders": ORDERS | {"updated": " Created"}},
        {"deals": DEALS | {"updated": {"column": "Created"}}},
        {"orders": ORDERS | {"statuses": {"a": "PAID", "A ": "SPAM"}}},
        {"deals": DEALS | {"statuses": {"a": "PAID", "b": {"type": "SPAM", "id": "paid"}}}},
        {"calls": CALLS | {"missed": {"column": "A", "yes": "a", "no": "A"}}},
    ],
)
def test_the_loader_alone_compares_columns_and_texts(tmp_path, orders_or_deals):
    document = TOP | orders_or_deals
    assert accepted_by_schema(document)
    assert not accepted_by_loader(document, tmp_path)


def test_the_patterns_are_understood_by_editors():
    """No pattern uses what ECMA 262 lacks: inline flags, possessive or named groups."""
    patterns = re.findall(r'"pattern": "(.*?)"[,}]', json.dumps(SCHEMA))
    assert patterns
    assert not [pattern for pattern in patterns if re.search(r"\(\?[^:!=]", pattern)]


def test_the_schema_survives_json():
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA == profile_schema()
