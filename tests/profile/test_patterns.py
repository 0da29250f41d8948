"""Regular expressions of the profile: what they mean, what is refused, and that none runs for ever."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.profile.patterns import Pattern
from csvexport.profile.wording import ProfileValueError

ASSIGNED = [
    chr(code)
    for code in range(0x10000)
    if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) != "Cn" and chr(code) != "\n"
]


@pytest.mark.parametrize("name", [r"\d", r"\D", r"\s", r"\S", r"\w", r"\W"])
@pytest.mark.parametrize("form", ["%s", "[%s]", "[^%s]", "[%s-]", "[^%s_]"])
def test_classes_mean_what_they_mean_in_python(name, form):
    text = f"{form % name}$"
    expected = re.compile(text)
    found = Pattern.read(text).found_in(ASSIGNED)
    assert [one for one, is_found in zip(ASSIGNED, found, strict=True) if is_found != bool(expected.match(one))] == []


PARTS = st.sampled_from(
    [
        *("a", "Б", "б", "5", " ", "_", ".", "^", "$", r"\d", r"\w", r"\W", r"\s", r"\S", r"\.", r"\-", r"\ю", r"\A"),
        *(
            "[аб]",
            "[^аб]",
            r"[\w.]",
            r"[^\W\d_]",
            r"[\b]",
            "[]x]",
            "[^]x]",
            r"[\]x]",
            "[x[]",
            r"[а-я]",
            r"\u0431",
            r"\t",
        ),
        *("a{,2}", "a{2}", "б{1,}", "(?:аб)*", "(б|5)?", ".*", ".+?", "x|", r"\x41", r"[\u0430-\u044f]", "a{x}", "}"),
    ]
)
TEXTS = st.text(st.sampled_from("aAбБю5٣ _.-\t]x[\x08"), max_size=8)


@given(
    parts=st.lists(PARTS, min_size=1, max_size=6), flags=st.sampled_from(["", "(?i)", "(?s)"]), texts=st.lists(TEXTS)
)
def test_an_expression_is_found_where_python_finds_it(parts, flags, texts):
    text = flags + "".join(parts)
    expected = re.compile(text)
    assert Pattern.read(text).found_in(texts) == [expected.search(one) is not None for one in texts]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("(?=a)", "(?=; write it without looking ahead or behind"),
        ("(?<!a)b", "(?<!; write it without looking ahead or behind"),
        ("(?>a)", "(?>; write it without"),
        ("(?x)a", "(?x; write it without"),
        ("(?#a)", "(?#; write it without"),
        (r"(a)\1", r"\1; write it without references back to a group"),
        ("(?P<x>a)(?P=x)", "write it without"),
        (r"\bоплачен\b", r"\b; write (?:^|\W) for the beginning of a word, and (?:\W|$) for its end"),
        (r"\Qa\E", r"\Q; write it without"),
        ("a*+", "*+; write it without *+, ++ and ?+"),
        ("a{1001}", "nothing may be repeated more than 1,000 times"),
        ("a{99999999999}", "nothing may be repeated more than 1,000 times"),
        ("(a{1000}){1000}", "nothing may be repeated more than 1,000 times"),
        ("(((a{10}){10}){10}){10}", "nothing may be repeated more than 1,000 times"),
        (r"\w{1000}", "pattern too large - compile failed; repeat less"),
    ],
)
def test_what_only_a_slower_engine_takes_is_refused(text, what):
    with pytest.raises(ProfileValueError, match="is a regular expression that is not taken here: ") as caught:
        Pattern.read(text)
    assert what in str(caught.value)
    assert str(caught.value).startswith('"')


@pytest.mark.parametrize("text", ["(", "[a", "a\\", "*", "(" * 5000, "[b-a]"])
def test_what_is_none_is_refused(text):
    with pytest.raises(ProfileValueError, match=r"is (no|a) regular expression") as caught:
        Pattern.read(text)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    ["(a+)+$", "(a|a)*$", r"(\w+\s?)*$", "(.*a){50}$", "(a*)*b", "(?i)(а|А|a)+$", "(a?){100}a{100}$", "(x+x+)+y"],
)
def test_no_expression_is_kept_busy_by_any_cell(text):
    # An engine that goes back tries more ways here than it could in the age of the universe.
    cells = [letter * 100_000 + "!" for letter in "aаx"]
    assert len(Pattern.read(text).found_in(cells)) == len(cells)


def test_an_expression_needs_no_python_of_its_own_to_be_read():
    # Python's compiler walks through every letter of such a range.
    assert Pattern.read("(?i)" + "[\u0000-\U0010ffff]" * 50).found_in(["a" * 50, "a"]) == [True, False]
