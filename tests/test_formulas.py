import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.columns import text_column
from csvexport.formulas import TRIGGERS, marked, unmarked

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.text(f"{TRIGGERS}'\"’ \u00a0\t\r\n;,|\0a1", max_size=12)
)


def mark(*texts):
    return marked(text_column(texts)).to_pylist()


@given(st.lists(TEXTS))
@example(["'=1", "''=1", "'", "'a", "\t=1", "'\t=1", ";=", ";'=", "'\n'=", "\t\t"])
def test_every_text_comes_back_exactly(texts):
    assert unmarked(marked(text_column(texts))).to_pylist() == texts


def cells(text):
    """Every part of a cell that a spreadsheet may take for a whole one, its delimiter being what it likes."""
    return re.split(r"[;\t\r\n]", text)


@given(TEXTS)
def test_no_cell_is_a_formula_whatever_the_delimiter(text):
    (safe,) = mark(text)
    for cell in cells(safe):
        plain = unicodedata.normalize("NFKC", cell.lstrip(' "\u00a0\0’'))
        assert not plain.startswith(("=", "+", "-", "@")), safe
    assert not safe.startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+7 000 000-00-00", "-5", "@SUM(A1)", "＝1", " =1", '"=1', "\tx", "\rx", "\n=1"]
)
def test_what_may_be_a_formula_gets_an_apostrophe(text):
    assert mark(text)[0].startswith("'")


@pytest.mark.parametrize("text", ["", "a", "a=b", "1-2", "'a", "Anna, -5", "2024-05-31", "a@example.com"])
def test_other_texts_stay_as_they_are(text):
    assert mark(text) == [text]
