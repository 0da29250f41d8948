"""Keys of rows: 128 bits that are equal where two rows are about the same thing."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from csvexport.columns import number_column
from csvexport.linting.cells import Ids
from csvexport.linting.repeats import Keyed
from csvexport.transform.duplicates import Keys, event_keys, seed
from csvexport.values.identifiers import Rule, identifier_words
from csvexport.values.mixing import text_words

_U64 = np.uint64

# Any odd number: what two columns hold must not have the same key when it changes places.
_TURN = _U64(0x9E3779B97F4A7C15)


def keyed_records(ids: Ids, places: NDArray[np.int64]) -> Keyed:
    """Key records by an id of their own.

    Args:
        ids: the column of ids; rows without a good one are left out.
        places: of each row its place in the block.
    """
    rows = np.flatnonzero(ids.good)
    return Keyed(Keys(*text_words(ids.read.text.take(number_column(rows)))), places[rows])


def keyed_events(
    ids: Mapping[str, tuple[Ids, Rule]],
    anonymous: NDArray[np.bool_],
    unix: NDArray[np.int64],
    others: Sequence[Keys],
    places: NDArray[np.int64],
) -> Keyed:
    """Key events by visitor, time, and whatever else makes two of them different.

    Args:
        ids: by id type the columns of identifiers; the first that is good names the visitor.
        anonymous: rows that may be compared without one.
        unix: the times, 0 where there is none; such rows are left out.
        others: 128 bits of each further column's texts, by row.
        places: of each row its place in the block.
    """
    count = len(unix)
    owner = np.full(count, -1, np.int8)
    low, high, first, second = (np.zeros(count, _U64) for _ in range(4))
    for number, (name, (column, rule)) in enumerate(ids.items()):
        rows = np.flatnonzero((owner < 0) & column.good)
        owner[rows] = number
        low[rows], high[rows] = identifier_words(column.read.text.take(number_column(rows)), rule)
        first[rows], second[rows] = (_U64(word) for word in seed(name))
    for keys in others:
        first = first * _TURN ^ keys.first
        second = second * _TURN ^ keys.second
    rows = np.flatnonzero(((owner >= 0) | anonymous) & (unix > 0))
    return Keyed(event_keys(low[rows], high[rows], unix[rows], Keys(first[rows], second[rows])), places[rows])
