import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.templating import filled_pattern, pattern_names

VALUES = {"batch": "B1", "file": "a b.csv"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        ("drop/orders.csv", set()),
        ("drop/{{ batch }}/{{ file | lower }}", {"batch", "file"}),
        ("{% if file %}{{ batch[:8] }}{% endif %}{# kind #}", {"batch", "file"}),
        ("{{ range }}{{ dict }}", {"range", "dict"}),
        ("{% set a = batch %}{{ a }}", {"batch"}),
    ],
)
def test_names_are_those_that_need_values(text, names):
    assert pattern_names(text) == names


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ batch", "unexpected end of template, expected 'end of print statement'."),
        ("{{ batch | uper }}", "No filter named 'uper'."),
        ("{{ batch ! }}", "unexpected char '!' at 9"),
        ("{{" + "(" * 5000 + "}}", "it is nested too deeply"),
    ],
)
def test_what_is_no_pattern_is_told_in_one_sentence(text, problem):
    with pytest.raises(ValueError, match=r"^is no Jinja2 pattern: [^\n]*\Z") as caught:
        pattern_names(text)
    assert str(caught.value).endswith(problem)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("drop/orders.csv", "drop/orders.csv"),
        ("{{ batch }}/{{file}}", "B1/a b.csv"),
        ("{{ file | upper | replace(' ', '-') }}", "A-B.CSV"),
        ("{{ 1 }}<{{ '<' }}", "1<<"),
        ("{{ 'B2' if batch == 'B1' else batch }}", "B2"),
    ],
)
def test_a_pattern_is_filled_in_and_nothing_is_escaped(text, path):
    assert filled_pattern(text, VALUES) == path


def test_what_expressions_give_is_written_as_asked_and_the_text_between_is_not():
    written = filled_pattern("a/{{ batch }}/{{ file | lower }}{{ 'x' }}", VALUES, lambda value: f"[{value.upper()}]")
    assert written == "a/[B1]/[A B.CSV][X]"


def test_a_refused_value_is_told_in_the_refuser_s_words():
    def refuse(value):
        raise ValueError(f"no {value}")

    for text in ("{{ batch }}", "{{ 'B1' }}"):
        with pytest.raises(ValueError, match=r"^no B1\Z"):
            filled_pattern(text, VALUES, refuse)


@pytest.mark.parametrize(
    "text",
    [
        "{{ nothing }}",
        "{{ batch.nothing }}",
        "{{ batch / 2 }}",
        "{{ 1 / 0 }}",
        "{{ none }}",
        "{{ [batch] }}",
        "{{ batch.upper }}",
        "{% include 'profile.toml' %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ batch.__class__.__name__ }}",
        "{{ '%s'.format.__globals__ }}",
    ],
)
def test_what_gives_no_text_or_reaches_for_more_than_the_values_is_refused(text):
    with pytest.raises(ValueError, match=r"^cannot be filled in: "):
        filled_pattern(text, VALUES)


@given(st.text("{}%# |.()[]'\"~+-/abx1\n", max_size=30))
def test_an_arbitrary_text_is_filled_in_or_refused_by_a_value_error(text):
    with contextlib.suppress(ValueError):
        if pattern_names(text) <= VALUES.keys():
            filled_pattern(text, VALUES)
