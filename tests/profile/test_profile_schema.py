import json
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from csvexport.errors import ProfileError
from csvexport.profile import load_profile, profile_schema
from csvexport.profile.wording import written

SCHEMA = profile_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

TOP = {"timezone": "UTC", "identifiers": {"Yclid": "yclid"}}
GOAL = {"target": "order_paid", "time": "Paid"}


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
            if key != "dependentSchemas":  # conditions
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
    assert len(tables) == 9
    for table in tables:
        assert table["additionalProperties"] is False
        for key, described in table["properties"].items():
            assert described["description"].endswith("."), key
            assert described["examples"], key
            assert described.get("default", 0) is not None, "TOML has no null"


def test_the_schema_has_the_keys_as_they_are_written():
    keys = {key for table in objects(SCHEMA) for key in table["properties"]}
    assert keys == {
        *("counter", "timezone", "currency", "since", "until", "max_rejected", "source", "identifiers", "goals"),
        *("path", "format", "sheet", "records", "encoding", "delimiter", "header", "username", "password", "headers"),
        *("ca", "timeout", "max_megabytes", "optional", "join", "on", "prefix"),
        *("UserId", "ClientId", "Yclid", "PurchaseId"),
        *("target", "when", "time", "price", "column", "timezone", "decimal", "values"),
        *("not", "empty", "matches", "min", "max"),
    }


def test_every_example_is_accepted_by_schema_and_loader(tmp_path):
    owners = {"time": "TimeColumn", "price": "PriceColumn", "currency": "CurrencyColumn"}
    documents = [TOP | {"goals": [GOAL], key: example} for key, example in examples(SCHEMA)]
    documents += [
        TOP | {"goals": [GOAL], "source": {key: item}} for key, item in examples(definition("SourceSettings"))
    ]
    documents += [
        TOP | {"goals": [GOAL], "source": {"join": {"path": "https://a", "on": {"a": "b"}, key: item}}}
        for key, item in examples(definition("JoinSettings"))
    ]
    documents += [
        TOP | {"goals": [GOAL], "identifiers": {key: item}} for key, item in examples(definition("IdentifierTable"))
    ]
    documents += [TOP | {"goals": [GOAL | {key: item}]} for key, item in examples(definition("Goal"))]
    documents += [
        TOP | {"goals": [GOAL | {place: {"column": "A", key: item}}]}
        for place, owner in owners.items()
        for key, item in examples(definition(owner))
    ]
    documents += [
        TOP | {"goals": [GOAL | {"when": {"A": {key: item}}}]} for key, item in examples(definition("ConditionTable"))
    ]
    for document in documents:
        assert accepted_by_schema(document), document
        assert accepted_by_loader(document, tmp_path), document


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
ADDRESSED = {
    "username": "crm",
    "password": "env:A",
    "headers": {"A": "env:A"},
    "ca": "ca.pem",
    "timeout": 60,
    "max_megabytes": 1,
}
FORMS = {
    ("counter",): [1, 0, -1, 1.5, "1", True],
    ("timezone",): ["UTC", "Europe/Moscow", "", 3],
    ("currency",): ["RUB", "rub", "RUBL", 643, ""],
    ("since",): [date(2024, 5, 31), "2024-05-31", "21d", "d", "21", 21, "2024-5-1", "yesterday"],
    ("until",): [date(2024, 5, 31), "2024-05-31", "21d", "", {}],
    ("max_rejected",): [0, 1, 0.5, 1.5, -1, "0.5", True],
    ("orders",): [{}, 1],
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
}


def with_value(place, value):
    document = json.loads(json.dumps(TOP | {"goals": [GOAL]}))
    inner = document
    for step in place[:-1]:
        inner = inner[step] if isinstance(step, int) else inner.setdefault(step, {})
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


# Forms, without the meanings that a schema cannot know: zones, real codes, calendar, regular expressions, a text twice.
PLAIN = st.sampled_from(["A", "B", "env:A", ",", "csv", "", " "]) | st.integers(-2, 10**13) | st.booleans()
KEYS = st.sampled_from(["column", "decimal", "not", "min", "empty", "UserId", "path", "A", "target", "time", "price"])
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=2, unique_by=repr) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(FORMS.keys() - {("timezone",)}, key=str)), VALUES)
def test_schema_and_loader_agree_on_arbitrary_forms(tmp_path_factory, place, value):
    document = with_value(place, value)
    agreed = accepted_by_schema(document) == accepted_by_loader(document, tmp_path_factory.getbasetemp())
    assert agreed, document


def test_the_patterns_are_understood_by_editors():
    """No pattern uses what ECMA 262 lacks: inline flags, possessive or named groups."""
    patterns = re.findall(r'"pattern": "(.*?)"[,}]', json.dumps(SCHEMA))
    assert patterns
    assert not [pattern for pattern in patterns if re.search(r"\(\?[^:!=]", pattern)]


def test_the_schema_survives_json():
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA == profile_schema()
