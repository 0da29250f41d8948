"""JSON and JSON Lines: which list is meant, what its columns are, and that nothing of a document passes unread."""

import hashlib
import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csvexport.errors import SourceError
from csvexport.profile import SourceSettings
from csvexport.sources import lists, objects, open_sources
from csvexport.sources.flattening import read_record

ORDERS = [
    {"id": 1, "clientUniqId": "c1", "metrika": {"clientId": 1706436776194551959}, "tags": ["a", "b"]},
    {"id": 2, "revenue": 12.5, "paid": True, "contact": {"phones": [], "email": None}},
    {"id": 3, "статус": "Оплачен", "goods": [{"name": "x", "price": 1}, {"name": "y"}]},
]


@pytest.fixture
def opened(tmp_path):
    """Open what a file of this content is."""

    def open_export(content, expected=(), **settings):
        path = tmp_path / "export.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        settings = SourceSettings(path="export.json", **settings)
        (source,) = open_sources(settings, tmp_path, [], expected, tmp_path)
        return source

    return open_export


def read(source):
    """The rows by number, each without its empty cells, and what cannot be read."""
    rows, bad, left_out, first = {}, {}, Counter(), source.header_row + 1
    for piece in source.pieces():
        block = source.parse(piece, ())
        columns = {name: block.text(name).to_pylist() for name in block.columns}
        for place, number in enumerate(block.rows.tolist()):
            rows[first + number] = {name: cells[place] for name, cells in columns.items() if cells[place]}
        bad |= {first + one.row: one.reason for one in block.bad}
        left_out.update(block.left_out)
        first += block.records
    assert source.facts(len(rows), left_out).rows == len(rows)
    return rows, bad


def lines(*records):
    return "".join(f"{record if isinstance(record, str) else json.dumps(record)}\n" for record in records)


# What a record becomes


def test_numbers_keep_their_spelling(opened):
    text = '[{"id":1706436776194551959,"a":1e3,"b":12.50,"c":-0.0,"d":123456789012345678901234567890}]'
    assert read(opened(text))[0][1] == {
        "id": "1706436776194551959",
        "a": "1e3",
        "b": "12.50",
        "c": "-0.0",
        "d": "123456789012345678901234567890",
    }


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("escaped", [True, False])
def test_objects_become_dotted_columns_and_lists_are_joined(opened, indent, escaped):
    source = opened(json.dumps(ORDERS, indent=indent, ensure_ascii=escaped))
    assert source.columns == (
        *("id", "clientUniqId", "metrika.clientId", "tags"),
        *("revenue", "paid", "contact.email", "статус", "goods.name", "goods.price"),
    )
    assert read(source) == (
        {
            1: {"id": "1", "clientUniqId": "c1", "metrika.clientId": "1706436776194551959", "tags": "a,b"},
            2: {"id": "2", "revenue": "12.5", "paid": "true"},
            3: {"id": "3", "статус": "Оплачен", "goods.name": "x,y", "goods.price": "1"},
        },
        {},
    )


def test_json_lines_are_numbered_by_line(opened):
    source = opened(lines(ORDERS[0], "", ORDERS[1], "  "))
    rows, bad = read(source)
    assert {number: row["id"] for number, row in rows.items()} == {1: "1", 3: "2"}
    assert (bad, source.facts(2, Counter(blank=2)).form) == ({}, "json lines")


def test_an_optional_property_that_comes_late_is_found_if_the_profile_names_it(opened, monkeypatch):
    monkeypatch.setattr(objects, "PIECE_BYTES", 512)
    records = [{"id": number} for number in range(1500)] + [{"id": 1500, "contact": {"тел": "1"}, "other": 1}]
    for text in (json.dumps(records), lines(*records)):
        assert opened(text).columns == ("id",)
        source = opened(text, ["id", "contact.тел"])
        assert source.columns == ("id", "contact.тел")
        assert read(source)[0][1501] == {"id": "1500", "contact.тел": "1"}


# Which list is meant


@pytest.mark.parametrize(
    "case",
    [
        ([{"id": 1}], [], None, ""),
        ({"result": {"items": [{"id": 1}], "total": 1}, "time": {"start": 1}}, [], None, "result.items"),
        ({"errors": [], "list": ["a"], "orders": [{"id": 1}]}, [], None, "orders"),
        ({"clients": [{"name": "a long name"}] * 9, "orders": [{"id": 1}]}, ["id"], None, "orders"),
        ({"clients": [{"name": "a long name"}] * 9, "orders": [{"id": 1}]}, [], None, "clients"),
        ({"a": [{"id": 1}], "b": [{"id": 2}]}, ["id"], "b", "b"),
        ({"a]": {'"b': [{"id": 1}]}}, [], None, 'a]."b'),
        ({"id": 1, "tags": ["x"]}, [], None, ""),
        ({"result": [], "total": 0}, ["id"], None, "result"),
        ({"17": {"id": 1}, "19": {"id": 2}}, ["id"], None, ""),
        ({"data": {"17": {"id": 1, "a": {"b": 2}}, "19": {"id": 2}}, "meta": {"x": {"1": 2}}}, [], None, "data"),
        ({"data": {"2024": {"orders": [{"id": 1}]}}}, ["id"], "data.2024.orders", "data.2024.orders"),
        ({"a": {"1": {"id": 1}}, "b": {"c": [{"name": 2}]}}, ["name"], None, "b.c"),
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_the_list_is_found(opened, case, indent):
    document, expected, records, path = case
    source = opened(json.dumps(document, indent=indent), expected, records=records)
    assert source.facts(0, Counter()).records == path
    rows, _ = read(source)
    assert all(row.keys() & {"id", "name"} for row in rows.values())


@pytest.mark.parametrize("sample", [*range(1, 40), 64])
def test_a_list_that_begins_far_inside_is_found(opened, monkeypatch, sample):
    monkeypatch.setattr(lists, "SAMPLE_BYTES", sample)
    document = {
        "meta": {"text": "}]" * 500, "list": list(range(500))},
        "\\": {"orders": [{"id": n} for n in range(99)]},
    }
    for indent in (None, 2):
        source = opened(json.dumps(document, indent=indent), ["id"])
        assert source.facts(0, Counter()).records == "\\.orders"
        assert len(read(source)[0]) == 99
        assert len(read(opened(json.dumps(document), ["id"], records="\\.orders"))[0]) == 99


def test_a_name_that_is_no_json_is_in_nobodys_way(opened):
    content = b'{"\\x":{"a":1},"\xff":{"b":[{"id":1}]},"c":{"d":[{"id":2}]}}'
    assert read(opened(content, ["id"], records="c.d")) == ({1: {"id": "2"}}, {})


def test_an_empty_list_is_an_export_without_rows(opened):
    source = opened('{"result":{"items":[ ]}}', ["id", "at"])
    assert (source.columns, read(source)) == (("at", "id"), ({}, {}))


@pytest.mark.parametrize(
    ("document", "expected", "settings", "message"),
    [
        (
            {"a": [{"id": 1}], "b": [{"id": 2}]},
            ["id"],
            {},
            'several lists have the columns of the profile; write source.records = "a" or "b"',
        ),
        ({"a": [{"id": 1}]}, [], {"records": "x.y"}, 'there is no list of objects "x.y"; the lists here: "a"'),
        ([["id"], [1]], [], {}, "the list holds no objects; each record must be one, with the names of its columns"),
        ([], [], {}, "there is no record with a name and a value in it; export it again"),
    ],
)
def test_a_list_that_cannot_be_found_is_told(opened, document, expected, settings, message):
    with pytest.raises(SourceError) as caught:
        opened(json.dumps(document), expected, **settings)
    assert str(caught.value) == f"export.json: {message}"


def test_an_object_of_a_name_and_a_value_is_a_column_of_that_name(opened):
    fields = [
        {"field_id": 1, "field_name": "yclid", "field_code": None, "values": [{"value": 15241600726526878416}]},
        {"field_id": 2, "field_name": "Метки", "values": [{"value": "a", "enum_id": 5}, {"value": "b"}]},
        {"name": "Источник", "value": "сайт"},
        {"name": "Стул", "price": 5},
        {"code": "empty", "value": None},
        {"value": "without a name"},
        {"key": {"x": 1}, "value": 2},
    ]
    assert read(opened(json.dumps([{"id": 7, "custom_fields_values": fields}]))) == (
        {
            1: {
                "id": "7",
                "custom_fields_values.yclid": "15241600726526878416",
                "custom_fields_values.Метки": "a,b",
                "custom_fields_values.Источник": "сайт",
                "custom_fields_values.name": "Стул",
                "custom_fields_values.price": "5",
                "custom_fields_values.code": "empty",
                "custom_fields_values.value": "without a name,2",
                "custom_fields_values.key.x": "1",
            }
        },
        {},
    )


def test_a_list_that_php_wrote_as_an_object_is_read(opened):
    rows, bad = read(opened('{"items":{"3":{"id":3,"tags":{"0":"a"}} , "5" : {"id":5}},"total":2}', ["id"]))
    assert (rows, bad) == ({1: {"id": "3", "tags.0": "a"}, 2: {"id": "5"}}, {})


# Nothing passes unread

PIECES = [64, 1 << 20]


@pytest.mark.parametrize("piece", PIECES)
def test_pieces_make_no_difference(opened, monkeypatch, piece):
    monkeypatch.setattr(objects, "PIECE_BYTES", piece)
    records = [{"id": n, "text": '}]",\\' * (n % 3), "list": [1, {"x": "]"}] * (n % 2)} for n in range(200)]
    expected = {n + 1: {"id": str(n)} | ({"text": '}]",\\' * (n % 3)} if n % 3 else {}) for n in range(200)}
    for n in range(1, 200, 2):
        expected[n + 1] |= {"list": "1", "list.x": "]"}
    content = json.dumps({"a": {"items": records, "next": None}})
    source = opened(content)
    assert read(source) == (expected, {})
    assert source.facts(200, Counter()).sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert read(opened(lines(*records))) == (expected, {})


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("end", [1, 2, 9, 40, 300])
def test_a_document_that_is_cut_off_is_no_whole(opened, monkeypatch, piece, end):
    monkeypatch.setattr(objects, "PIECE_BYTES", piece)
    content = json.dumps({"items": [{"id": n, "t": "x"} for n in range(99)], "total": {"n": [99]}})
    with pytest.raises(SourceError, match=r"^export.json: the JSON is cut off; .* Export it again$"):
        read(opened(content[:-end]))


def test_a_document_that_is_cut_off_anywhere_is_no_whole(opened):
    for content in ('{"a":{"b":1', '{"a":[1,2', '{"a":"x', '[{"id":1}', '{"a":[{"id":1}', '{"1":{"id":1}'):
        with pytest.raises(SourceError, match="the JSON is cut off"):
            read(opened(content))


@pytest.mark.parametrize("piece", [*range(20, 60), 1 << 20])
def test_what_stands_behind_the_list_is_seen_through(opened, monkeypatch, piece):
    monkeypatch.setattr(objects, "PIECE_BYTES", piece)
    behind = {"text": '}]\\"' * 30 + "\\", "list": [{"x": "{[" * 30}]}
    assert len(read(opened(json.dumps({"a": {"items": [{"id": 1}], **behind}, **behind}), ["id"]))[0]) == 1


@pytest.mark.parametrize("piece", PIECES)
def test_json_lines_that_are_cut_off_are_no_whole(opened, monkeypatch, piece):
    monkeypatch.setattr(objects, "PIECE_BYTES", piece)
    content = lines(*({"id": n, "t": "x"} for n in range(99)))
    with pytest.raises(SourceError, match="the JSON is cut off"):
        read(opened(content[:-3]))
    assert len(read(opened(content[:-1]))[0]) == 99


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(
    "text", ['[{"id":1}] [2]', '[{"id":1}]x', '{"a":[{"id":1}]}}', '{"a":[{"id":1}]}' + " " * 99 + "1"]
)
def test_what_follows_a_document_is_told(opened, monkeypatch, piece, text):
    monkeypatch.setattr(objects, "PIECE_BYTES", piece)
    with pytest.raises(SourceError, match="something follows the end of the JSON"):
        read(opened(text))


@pytest.mark.parametrize(
    "text",
    [
        '[{"id":1},2]',
        '[{"id":1},null,{"id":2}]',
        '[{"id":1}{"id":2}]',
        '[{"id":1},"x",{"id":2}]',
        '[{"id":1},,{"id":2}]',
        '{"1":{"id":1},"2":2}',
        '{"1":{"id":1},"x":{"id":2}}',
    ],
)
def test_what_is_no_object_between_objects_is_told(opened, text):
    with pytest.raises(SourceError, match="holds something else than objects, or a comma is missing"):
        read(opened(text))


def test_a_broken_record_is_set_aside_and_the_rest_is_read(opened):
    spoilt = ['{"id":2', '{"id":NaN}', '{"id":"\\ud83d"}', '["id"]', '{"id":"a\tb"}', '{"id":tru}']
    rows, bad = read(opened(lines({"id": 1}, *spoilt, {"id": 8})))
    assert rows == {1: {"id": "1"}, 8: {"id": "8"}}
    assert bad == {
        2: "it is no JSON: expecting ',' delimiter at character 8",
        3: "NaN is no JSON; the program that wrote it should write null",
        4: "it holds half of a character, such as \\ud83d without its second half",
        5: "it is no object",
        6: "it is no JSON: invalid control character at at character 9",
        7: "it is no JSON: expecting value at character 7",
    }
    rows, bad = read(opened('[{"id":1},{"id":NaN},{"id":3}]'))
    assert (sorted(rows), sorted(bad)) == ([1, 3], [2])


def test_lines_set_aside_keep_their_numbers(opened):
    texts = [{"id": 1}, "", {"id": 3}, {"id": 4}, {"id": 5}, '{"id":NaN}', {"id": 7}, '{"id":01}']
    rows, bad = read(opened(lines(*texts)))
    assert (sorted(rows), sorted(bad)) == ([1, 3, 4, 5, 7], [6, 8])


def test_bytes_that_are_no_text_spoil_their_record_only(opened):
    content = lines({"id": 1}, {"id": "XX"}, {"id": 3}).encode().replace(b"XX", b"\xff\xfe")
    assert read(opened(content)) == ({1: {"id": "1"}, 3: {"id": "3"}}, {2: "it holds bytes that are no UTF-8 text"})


def test_a_byte_order_mark_is_no_part_of_the_text(opened):
    for content in (json.dumps(ORDERS), lines(*ORDERS)):
        assert read(opened(b"\xef\xbb\xbf" + content.encode()))[0].keys() == {1, 2, 3}


def test_another_encoding_is_told(opened):
    content = json.dumps(ORDERS).encode("utf-16")
    with pytest.raises(SourceError, match=r"^export.json: this is JSON, not a CSV; save it as UTF-8, "):
        opened(content)
    with pytest.raises(SourceError, match=r"^export.json: this is JSON in UTF-16; save it as UTF-8$"):
        opened(content, format="json")


def test_a_file_that_changes_while_it_is_read_is_refused(opened, tmp_path):
    source = opened(lines(*ORDERS))
    pieces = source.pieces()
    next(pieces)
    (tmp_path / "export.json").write_text(lines(*ORDERS, *ORDERS))
    with pytest.raises(SourceError, match="changed while it was read"):
        list(pieces)


# Any document

TRICKY = st.sampled_from(["", "x", '"', "\\", '\\"', "]}", "[{", ",", "я", "\n", "\\\\"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), TRICKY)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TRICKY, inner, max_size=3)),
    max_leaves=8,
)
RECORDS = st.lists(
    st.dictionaries(st.sampled_from(["id", "a", "b"]), st.one_of(SCALARS, ANYTHING)), min_size=1, max_size=6
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=RECORDS,
    before=st.dictionaries(TRICKY, ANYTHING, max_size=2),
    behind=st.dictionaries(TRICKY, ANYTHING, max_size=2),
    indent=st.sampled_from([None, 1]),
    escaped=st.booleans(),
    sizes=st.tuples(st.integers(1, 80), st.integers(1, 80)),
)
def test_any_document_gives_its_records_whatever_the_pieces(  # noqa: PLR0913, PLR0917 - what hypothesis draws
    opened, records, before, behind, indent, escaped, sizes
):
    inner = (
        {f"1{key}": value for key, value in before.items()}
        | {"items": records}
        | {f"2{k}": v for k, v in behind.items()}
    )
    document = before | {"a": inner} | {f"3{key}": value for key, value in behind.items()}
    content = json.dumps(document, indent=indent, ensure_ascii=escaped)
    expected = {number: filled(record) for number, record in enumerate(records, 1)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(objects, "PIECE_BYTES", sizes[0])
        patched.setattr(lists, "SAMPLE_BYTES", sizes[1])
        source = opened(content, ["id"], records="a.items")
        assert read(source) == (expected, {})
        with pytest.raises(SourceError, match="the JSON is cut off"):
            read(opened(content[:-1], ["id"], records="a.items"))
        text = "".join(json.dumps(record, ensure_ascii=escaped) + "\n" for record in records)
        assert read(opened(text, ["id"], format="jsonl")) == (expected, {})


def filled(record):
    return {name: cell for name, cell in read_record(json.dumps(record).encode()).items() if cell}
