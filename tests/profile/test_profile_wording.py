import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.profile.wording import LONGEST_SHOWN, place, shown, suggestion, written

SCALARS = (
    st.text()
    | st.booleans()
    | st.integers(min_value=-(10**30))
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.times()
    | st.datetimes()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
def test_what_is_written_is_toml(value):
    assert tomllib.loads(f"x = {written(value)}", parse_float=Decimal)["x"] == value


@given(VALUES)
def test_what_is_shown_is_one_short_line(value):
    assert shown(value).isprintable()
    assert len(shown(value)) <= LONGEST_SHOWN * len("\\U0001f600") + 2


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (("timezone",), "timezone"),
        (("goals", 1, "time"), "goals[2].time"),
        (("goals", 0, "when", "Стадия сделки", "min"), 'goals[1].when."Стадия сделки".min'),
        (("source", "headers", "X-Key"), "source.headers.X-Key"),
    ],
)
def test_a_place_is_written_as_in_the_profile(location, text):
    assert place(location) == text


@pytest.mark.parametrize(
    ("word", "question"),
    [
        ("Goal", ' (did you mean "goals"?)'),
        ("SOURCE", ' (did you mean "source"?)'),
        ("banana", ""),
        ("goals" * 100_000, ""),
    ],
)
def test_a_near_word_is_suggested(word, question):
    assert suggestion(word, ["goals", "source"]) == question
