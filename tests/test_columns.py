from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from csvexport.columns import distinct_texts, offsets_and_bytes, replace_texts, selected, selection

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


@st.composite
def columns_and_rows(draw):
    """A column, maybe so long that the rows are few among all, its texts, and some of its rows."""
    column, texts = draw(slices())
    rows = sorted(draw(st.sets(st.integers(0, len(texts) - 1)))) if texts else []
    times = draw(st.sampled_from([1, 10, 100]))
    return (column if times == 1 else pa.concat_arrays([column] * times)), texts * times, rows


@given(columns_and_rows(), st.data())
def test_only_the_rows_named_are_replaced(case, data):
    column, texts, rows = case
    new = data.draw(st.lists(st.text(max_size=5), min_size=len(rows), max_size=len(rows)))
    replaced = replace_texts(column, np.array(rows, np.intp), pa.array(new, pa.string()))
    assert replaced.null_count == 0
    by_row = dict(zip(rows, new, strict=True))
    assert replaced.to_pylist() == [by_row.get(row, text) for row, text in enumerate(texts)]


@given(columns_and_rows())
def test_the_rows_that_were_selected_are_those_named(case):
    column, texts, rows = case
    choice = selection(np.array(rows, np.intp), len(texts))
    assert selected(column, choice).to_pylist() == [texts[row] for row in rows]
    assert selected(column, selection(np.arange(len(texts)), len(texts))) is column


def test_an_array_without_buffers_of_text_is_empty():
    offsets, data = offsets_and_bytes(pa.array([], pa.string()))
    assert (offsets.tolist(), data.tolist()) == ([0], [])
