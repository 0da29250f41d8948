"""Contacts: phones and e-mails, several to a cell and in several columns, as lists that Yandex takes ([cc], [md5]).

`phones` and `emails` say what a value is, `hashes` what becomes of it; this is the door to all three.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import (
    distinct_texts,
    lengths,
    mask,
    mask_column,
    number_column,
    numbers,
    replace_texts,
    text_column,
)
from csvexport.issues import Code
from csvexport.values.emails import read_email_cell, recognise_emails
from csvexport.values.hashes import counts, hashed, md5_of
from csvexport.values.lists import Recognised
from csvexport.values.phone_shapes import recognise_phones
from csvexport.values.phones import read_phone_cell

__all__ = [
    "Contacts",
    "counts",
    "hashed",
    "joined",
    "md5_of",
    "read_email_cell",
    "read_emails",
    "read_phone_cell",
    "read_phones",
]


_Recognise = Callable[[pa.StringArray], Recognised]
_Reference = Callable[[str], tuple[tuple[str, ...], Code]]

_LONGEST_LIST: Final = 4
"""Longer lists in one cell are so rare that the reference may read them."""


class Contacts(NamedTuple):
    """What a column of phones or e-mails reads as."""

    text: pa.StringArray
    """The normal forms of each cell joined by commas, each once, in their order; no nulls, "" where there is none."""
    codes: NDArray[np.uint8]
    """`NONE`, or `BAD_PHONE` or `BAD_EMAIL` where the cell holds something that is none, beside good ones or not."""


def read_phones(column: pa.StringArray, country: str) -> Contacts:
    """The kernel: `read_phone_cell` over a column without nulls."""
    return _read(column, lambda texts: recognise_phones(texts, country), lambda text: read_phone_cell(text, country))


def read_emails(column: pa.StringArray) -> Contacts:
    """The kernel: `read_email_cell` over a column without nulls."""
    return _read(column, recognise_emails, read_email_cell)


def _read(column: pa.StringArray, recognise: _Recognise, read: _Reference) -> Contacts:
    """What a kernel recognises, alone or in a list, and the rest as the reference reads it, each distinct text once."""
    texts, codes, others = recognise(column)
    cells = column.take(number_column(others))
    in_lists = np.flatnonzero(mask(pc.match_substring_regex(cells, "[,;]")))
    lists, good = _recognised_lists(cells.take(number_column(in_lists)), recognise)
    texts = replace_texts(texts, others[in_lists[good]], lists.filter(mask_column(good)))
    others = np.delete(others, in_lists[good])
    distinct, which = distinct_texts(column, others)
    found = [read(text) for text in distinct]
    codes[others] = np.array([code for _, code in found], np.uint8)[which]
    further = text_column([",".join(values) for values, _ in found]).take(number_column(which))
    return Contacts(replace_texts(texts, others, further), codes)


def _recognised_lists(cells: pa.StringArray, recognise: _Recognise) -> tuple[pa.StringArray, NDArray[np.bool_]]:
    """Cells in which every part between commas and semicolons is a good value by itself.

    Returns:
        The values of each cell joined by commas, and which cells are such lists; of others the text means nothing.
    """
    split = pc.split_pattern_regex(cells, "[,;]")
    ends = numbers(split.offsets)
    texts, codes, others = recognise(split.flatten())
    bad = (lengths(texts) == 0) | (codes != Code.NONE)
    bad[others] = True
    bad_before = np.concatenate([[0], np.cumsum(bad)])
    count = np.diff(ends)
    good = (count <= _LONGEST_LIST) & (np.diff(bad_before[ends]) == 0)
    with_none = pa.concat_arrays([texts, text_column([""])])
    places = [np.where(place < count, ends[:-1] + place, len(texts)) for place in range(_LONGEST_LIST)]
    return joined([with_none.take(number_column(place)) for place in places]), good


def joined(columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """Several columns of lists as one: empty ones are skipped, values that repeat are kept once, where they come first.

    Args:
        columns: at least one, all of one length, no nulls.
    """
    texts = columns[0]
    for column in columns[1:]:
        # Not all at once with empty cells as nulls: Arrow 26 loses the rows in which every cell is one.
        texts = pc.binary_join_element_wise(texts, column, _commas((lengths(texts) > 0) & (lengths(column) > 0)))
    doubtful = np.flatnonzero(_may_repeat(columns))
    distinct, which = distinct_texts(texts, doubtful)
    once = text_column([",".join(dict.fromkeys(text.split(","))) for text in distinct])
    return replace_texts(texts, doubtful, once.take(number_column(which)))


def _commas(wanted: NDArray[np.bool_]) -> pa.StringArray:
    """A comma in the rows where it is wanted, and the empty text in others."""
    offsets = np.zeros(len(wanted) + 1, np.int32)
    np.cumsum(wanted, out=offsets[1:])
    return pa.StringArray.from_buffers(len(wanted), pa.py_buffer(offsets), pa.py_buffer(b"," * int(offsets[-1])))


def _may_repeat(columns: Sequence[pa.StringArray]) -> NDArray[np.bool_]:
    """Which rows may hold a value twice: two equal cells, or a cell with several values beside another."""
    filled = [lengths(column) > 0 for column in columns]
    repeat = np.zeros(len(columns[0]), np.bool_)
    for one, other in combinations(range(len(columns)), 2):
        both = filled[one] & filled[other]
        if both.any():
            several = mask(pc.match_substring(columns[one], ",")) | mask(pc.match_substring(columns[other], ","))
            repeat |= both & (several | mask(pc.equal(columns[one], columns[other])))
    return repeat
