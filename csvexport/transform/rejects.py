"""Rejected rows: what is wrong with each, in the words of `rejected.csv`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import Block, Rejected
from csvexport.columns import join_where, number_column, text_column, text_scalar
from csvexport.issues import BETWEEN, CATALOGUE, Code, Severity

# For each code whether a row that bears it cannot be sent.
IS_ERROR = np.array([code is not Code.NONE and CATALOGUE[code].severity is Severity.REJECTED for code in Code])


class Mark(NamedTuple):
    """What one look at one column found.

    Attributes:
        column: the source's column (several joined by " | "), "" when the profile gives the value.
        codes: `Code` by row of those that a goal takes, uint8.
        pairs: which (row, goal) pairs the look concerns, bool; None: all.
    """

    column: str
    codes: NDArray[np.uint8]
    pairs: NDArray[np.bool_] | None = None


def rejected_rows(
    block: Block, rows: NDArray[np.intp], marks: Sequence[Mark], row: NDArray[np.intp], rejected: NDArray[np.bool_]
) -> Rejected:
    """Describe the rows of which a pair was rejected.

    Args:
        block: the block.
        rows: the rows that a goal takes, as indices into the block's rows.
        marks: all marks.
        row: for each pair, its row as an index into `rows`.
        rejected: for each pair, whether it was rejected.
    """
    if not rejected.any():
        return Rejected.none()
    pairs = np.flatnonzero(rejected)
    chosen, first = np.unique(row[pairs], return_index=True)
    found = [(mark.column, _errors(mark, row, pairs, first)) for mark in marks]
    found = [(column, codes) for column, codes in found if codes.any()]
    columns = [column for column, _ in found]
    table = np.stack([codes for _, codes in found])
    places = rows[chosen]
    cells = {name: block.text(name, number_column(places)) for name in block.columns}
    representatives, kind_of_row = _kinds(table)
    words = [_words(columns, kind) for kind in table[:, representatives].T.tolist()]
    code, column, remedy = (text_column(texts).take(kind_of_row) for texts in zip(*words, strict=True))
    return Rejected(block.rows[places], (code, column, _values(cells, columns, table), remedy), cells)


def _errors(mark: Mark, row: NDArray[np.intp], pairs: NDArray[np.intp], first: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Give the codes that got their row rejected, by rejected row, whose first pair is `pairs[first]`; 0 elsewhere."""
    codes = mark.codes[row[pairs]]
    concerned = IS_ERROR[codes] if mark.pairs is None else IS_ERROR[codes] & mark.pairs[pairs]
    errors: NDArray[np.uint8] = np.maximum.reduceat(codes * concerned, first)
    return errors


def _kinds(table: NDArray[np.uint8]) -> tuple[NDArray[np.intp], pa.Array]:
    """Tell which columns of a table are equal: one column of each kind, and the number of the kind of each column."""
    kind = np.zeros(table.shape[1], np.intp)
    for codes in table:
        _, representatives, kind = np.unique(kind * 256 + codes, return_index=True, return_inverse=True)
    return representatives, number_column(kind)


def _words(columns: Sequence[str], codes: Iterable[int]) -> tuple[str, str, str]:
    """Give code, column and remedy of a row whose columns have these problems."""
    problems = [(Code(code), column) for code, column in zip(codes, columns, strict=True) if code]
    return (
        BETWEEN.join(code.text for code, _ in problems),
        BETWEEN.join(column for _, column in problems),
        BETWEEN.join(dict.fromkeys(CATALOGUE[code].remedy for code, _ in problems)),
    )


def _values(cells: dict[str, pa.StringArray], columns: Sequence[str], table: NDArray[np.uint8]) -> pa.StringArray:
    """Join the texts of the cells that have a problem."""
    empty = text_scalar("")
    parts = [(cells.get(column, empty), codes != 0) for column, codes in zip(columns, table, strict=True)]
    return join_where(parts, BETWEEN)
