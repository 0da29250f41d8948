"""Rejected rows: what is wrong with each, in the words of `rejected.csv`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import mask_column, number_column, text_column, text_scalar
from csvexport.issues import CATALOGUE, Code, Severity

# Between several problems of one row: in a cell of `rejected.csv` and in the report.
BETWEEN = " | "

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


class Rejected(NamedTuple):
    """Rejected rows of a block, in order.

    Attributes:
        rows: place of each in the block.
        says: the columns `code`, `column`, `value` and `remedy`.
        cells: the row's own columns, in the source's order; none without rows.
    """

    rows: NDArray[np.int64]
    says: tuple[pa.StringArray, pa.StringArray, pa.StringArray, pa.StringArray]
    cells: Mapping[str, pa.StringArray]

    @classmethod
    def none(cls) -> Self:
        """Give what a block without rejected rows has."""
        nothing = text_column([])
        return cls(np.zeros(0, np.int64), (nothing, nothing, nothing, nothing), {})


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
    nothing, empty = pa.nulls(1, pa.string())[0], text_scalar("")
    parts = [
        pc.if_else(mask_column(codes != 0), cells.get(column, empty), nothing)
        for column, codes in zip(columns, table, strict=True)
    ]
    return pc.binary_join_element_wise(*parts, text_scalar(BETWEEN), null_handling="skip")
