from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from csvexport.columns import distinct_texts, offsets_and_bytes, replace_texts

TEXTS = st.lists(st.text(max_size=5), max_size=8)


@st.composite
def slices(draw):
    """A column that may be empty and may begin in the midst of its buffers, and its texts."""
    texts = draw(TEXTS)
    start = draw(st.integers(0, len(texts)))
    stop = draw(st.integers(start, len(texts)))
    return pa.array(texts, pa.string()).slice(start, stop - start), texts[start:stop]


@given(slices())
def test_the_buffers_of_any_slice_give_its_texts(case):
    column, texts = case
    offsets, data = offsets_and_bytes(column)
    assert offsets[0] == 0
    assert offsets.dtype == np.int32
    assert data.dtype == np.uint8
    assert [bytes(data[a:b]).decode() for a, b in pairwise(offsets)] == texts


@given(slices(), st.data())
def test_distinct_texts_are_distinct_and_lead_back_to_every_row(case, data):
    column, texts = case
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))) if texts else [], np.intp)
    distinct, which = distinct_texts(column, rows)
    assert len(set(distinct)) == len(distinct)
    assert which.dtype == np.intp
    assert [distinct[i] for i in which] == [texts[row] for row in rows]


@given(slices(), st.data())
def test_only_the_rows_named_are_replaced(case, data):
    column, texts = case
    rows = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))) if texts else []
    replaced = replace_texts(column, np.array(rows, np.intp), pa.array([f"new {row}" for row in rows], pa.string()))
    assert replaced.null_count == 0
    assert replaced.to_pylist() == [f"new {row}" if row in rows else text for row, text in enumerate(texts)]


def test_an_array_without_buffers_of_text_is_empty():
    offsets, data = offsets_and_bytes(pa.array([], pa.string()))
    assert (offsets.tolist(), data.tolist()) == ([0], [])
