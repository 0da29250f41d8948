"""The kernel reads what the reference reads, or leaves it to the reference."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport.sources.flattening import NoRecordError, decode, read_record
from csvexport.sources.plain_json import read_plain

NAMES = ["id", "a", "статус", "client.a", "client.id", "client.client.a", "tags", "x"]
KEYS = st.sampled_from(["id", "a", "статус", "client", "tags", "x"])
TEXTS = st.one_of(
    st.sampled_from(["", "1706436776194551959", "}", "{", '"', "\\", "],[", "\n", "a:1,b", "//", "я"]),
    st.text(max_size=6),
)
NUMBERS = st.sampled_from(["0", "-0", "12.50", "1e3", "1706436776194551959", "-7", "1E-5", "123456789012345678901234"])
SPOILT = st.sampled_from(
    ["01", "1.", "+1", "NaN", "nul", "tru", "1 2", "'a'", '"a" "b"', "{", "}", "[", "]", ",", ":", '"']
)
BLANKS = st.sampled_from(["", " ", "  ", "\t", "\r"])


PLAIN = [
    '{"id":"1","a":12.50,"client":{"id":1706436776194551959,"client":{"a":null}},"x":true}',
    '{ "id" : "1" }',
    '{"id": "\\u0442\\u0430\\/\\"", "tags": [], "client": {}}',
]


@st.composite
def written(draw, values, odd):
    """A value as some program writes it."""
    value = draw(values)
    blank = draw(st.sampled_from(["", "", " "]))
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        pairs = [f"{text(draw, key)}{blank and draw(BLANKS)}:{blank}{inner}" for key, inner in value.items()]
        return f"{{{blank}" + f",{blank}".join(pairs) + f"{blank}}}"
    if isinstance(value, list):
        return f"[{blank}" + f",{blank}".join(value) + "]"
    if odd and draw(st.integers(0, 30)) == 0:
        return draw(SPOILT)
    return text(draw, value)


def text(draw, value):
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


class Number:
    def __init__(self, text):
        self.text = text


def values(*, odd):
    scalars = written(st.one_of(TEXTS, NUMBERS.map(Number), st.sampled_from([None, True, False])), odd)
    return st.recursive(
        scalars,
        lambda inner: written(st.one_of(st.dictionaries(KEYS, inner, max_size=3), st.lists(inner, max_size=2)), odd),
        max_leaves=6,
    )


def records(*, odd):
    return written(st.dictionaries(KEYS, values(odd=odd), max_size=5), odd)


def referred(text):
    try:
        return read_record(text.encode())
    except NoRecordError:
        return None


def held_equal(data, texts, *, lines):
    """What the kernel read must be what the reference reads; gives whether it read anything."""
    plain = read_plain(data, lines=lines)
    if plain is None:
        return False
    assert [data[start:end].decode() for start, end in zip(plain.starts, plain.ends, strict=True)] == texts
    columns = {name: plain.cells(name).to_pylist() for name in NAMES}
    some = np.arange(0, len(texts), 2)
    assert {name: plain.cells(name, some).to_pylist() for name in NAMES} == {n: columns[n][::2] for n in NAMES}
    for number in np.setdiff1d(np.arange(len(texts)), plain.odd).tolist():
        expected = referred(texts[number])
        assert expected is not None
        assert {name: columns[name][number] for name in NAMES} == {name: expected.get(name, "") for name in NAMES}
    return True


@given(st.lists(records(odd=False), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\n\n", " \n"]))
def test_lines_are_read_as_by_the_reference(texts, between):
    held_equal((between.join(texts) + between).encode(), texts, lines=True)


@given(st.lists(records(odd=False), min_size=1, max_size=4), st.sampled_from([",", ", ", ",\n", "\n  ,\t"]), BLANKS)
def test_elements_are_read_as_by_the_reference(texts, between, blank):
    held_equal((blank + between.join(texts) + blank).encode(), texts, lines=False)


@given(st.lists(records(odd=True), min_size=1, max_size=4))
def test_what_is_no_json_is_never_read(texts):
    data = "".join(text + "\n" for text in texts).encode()
    plain = read_plain(data, lines=True)
    if plain is not None:
        texts = [text for text in data.decode().split("\n") if text.strip()]
        held_equal(data, [text.strip() for text in texts], lines=True)


@st.composite
def spoilt(draw):
    """Records of which one character is another, or gone, or there twice."""
    text = "".join(f"{record}\n" for record in draw(st.lists(records(odd=False), min_size=1, max_size=3)))
    place = draw(st.integers(0, len(text) - 1))
    instead = draw(st.sampled_from(["", *'{}[]",:\\ \n\t1e-na', text[place] * 2, '"a"', ',"id"', "{}", "}{", "},{"]))
    return text[:place] + instead + text[place + 1 :]


@settings(max_examples=400)
@given(st.one_of(spoilt(), st.text(alphabet='{}[]",:\\ \n1e-tn"a', max_size=40).map('{{"a":"b"}}\n{}'.format)))
def test_what_is_no_json_is_not_read(text):
    lines = [line.strip(" \t\r\n") for line in text.split("\n")]
    held_equal(text.encode(), [line for line in lines if line], lines=True)


def is_list(text):
    try:
        return isinstance(decode(f"[{text}]".encode()), list)
    except NoRecordError:
        return False


@settings(max_examples=400)
@given(spoilt().map(lambda text: text.replace("\n", ",").removesuffix(",")))
def test_what_is_no_list_is_not_read(text):
    plain = read_plain(text.encode(), lines=False)
    if plain is not None and not len(plain.odd):
        assert is_list(text.lstrip(" \t\r\n").removeprefix(","))


ODD = {
    "a tab in a text": '{"id":"1\t2"}',
    "a name twice": '{"id":"1","id":"2"}',
    "an object and a text of one name": '{"client":{"a":"1"},"client":"2"}',
    "a text behind a text": '{"id":"1","a"}',
    "a name without a value": '{"id":"1","a","x":"2"}',
    "a value without a name": '{"id":"1","a":"2":"3"}',
    "an object without a name": '{"id":"1",{"a":"2"}}',
    "no backslash of JSON": '{"id":"\\x"}',
    "half of a character": '{"id":"\\ud83d"}',
    "a word of Python": '{"id":True}',
    "nothing but a name": '{"id"}',
    "a number of another kind": '{"id":01}',
    "an object without a name behind another": '{"client":{"a":"2"},{"id":"2"}}',
    "a list in a list": '{"id":[["1"]]}',
    "a list that does not end": '{"id":["1","2"}',
    "a list that ends as an object": '{"id":["1"},"a":"2"}',
    "an object that ends as a list": '{"id":"1"]',
    "two texts in a list without a comma": '{"id":["1" "2"]}',
    "a name in a list": '{"id":["1":"2"]}',
    "a number behind a text in a list": '{"id":["1",2],"a":"3"}',
    "a text behind a number in a list": '{"id":[1,"2"],"a":"3"}',
    "an object in a list": '{"id":["1",{"a":"2"}],"a":"3"}',
    "a lone list": '["id"]',
}


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_is_left_to_the_reference(what, lines):
    data = ("\n" if lines else ",").join([PLAIN[0], ODD[what], PLAIN[2]]).encode()
    plain = read_plain(data, lines=lines)
    assert plain is None or plain.odd.tolist() == [1]
    first = read_plain(("\n" if lines else ",").join([ODD[what], PLAIN[2]]).encode(), lines=lines)
    assert first is None or first.odd.tolist() == [0]


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"1"},"a":1\n{"id":"2"}\n',
        b'{"id":"1"}{"id":"2"}\n',
        b'{"id":"1"} x\n{"id":"2"}\n',
        b'x {"id":"1"}\n{"id":"2"}\n',
        b'{"id":"1"\n,"a":"2"}\n{"id":"2"}\n',
        b'{"id":"1"}\n{}\n{"id":"2"}\n',
        b'{"id":"1"}\n{"id":"2"\n',
        b'{"id":null}\n{: }\n',
        b'{"id":"\xff"}\n{"id":"2"}\n',
        b'{"client":{"id":"1"},"client.id":"2"}\n',
        b'{"id":"1","\\u0069d":"2"}\n',
        b'{"id":1}}\n{{"id":"2"}\n',
    ],
)
def test_a_piece_whose_records_cannot_be_told_apart_is_not_read(data):
    assert read_plain(data, lines=True) is None


@pytest.mark.parametrize("lines", [True, False])
def test_plain_records_are_not_left_to_the_reference(lines):
    texts = [PLAIN[0], PLAIN[2], '{"статус": "я"}', PLAIN[0]]
    data = ("\n" if lines else ",").join(texts).encode()
    plain = read_plain(data, lines=lines)
    assert plain is not None
    assert plain.odd.tolist() == []
    assert held_equal(data, texts, lines=lines)


def test_a_record_without_a_name_does_not_make_the_others_regular():
    texts = ['{"id":1,"a":2}', '{"id":3,"a":4}', '{"id" :5}']
    assert held_equal("\n".join(texts).encode(), texts, lines=True)


LISTS = [
    '{"id":"2","tags":["a","b"]}',
    '{"tags": ["a\\"", "", "\\u0442"], "client": {"a": [ "x" ] }}',
    '{"client":{"id":["x"],"a":1},"id":["y"]}',
    '{"tags":[],"id":"3"}',
]


@pytest.mark.parametrize("lines", [True, False])
def test_a_list_of_texts_is_plain(lines):
    texts = [PLAIN[0], *LISTS, PLAIN[2], *LISTS[::-1]]
    data = ("\n" if lines else ",\n").join(texts).encode()
    plain = read_plain(data, lines=lines)
    assert plain is not None
    assert plain.odd.tolist() == []
    assert held_equal(data, texts, lines=lines)


def test_a_record_with_another_list_is_left_to_the_reference_alone():
    texts = [
        PLAIN[0],
        '{"id":"2","tags":["a",1]}',
        '{"id":"3","tags":[1,2]}',
        '{"tags":[{"a":1},{"a":2}],"id":"4"}',
        PLAIN[2],
    ]
    for lines in (True, False):
        data = ("\n" if lines else ",\n").join(texts).encode()
        plain = read_plain(data, lines=lines)
        assert plain is not None
        assert plain.odd.tolist() == [1, 2, 3]
        assert held_equal(data, texts, lines=lines)
