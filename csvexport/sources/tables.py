"""What all tables share: where the header stands, what the columns are called, and which rows are none."""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.blocks import BadRow, Block, all_empty, decoded
from csvexport.columns import mask_column, text_column
from csvexport.formulas import unmarked
from csvexport.issues import REJECTED_COLUMNS

# Preambles ("Report for May 2024", filters, the manager's name) are short; a header further down is no header.
HEADER_WITHIN = 50

# Totals stand in the last rows of an export; a real row there has more than half of its cells filled.
TOTALS_WITHIN = 3
TOTALS = re.compile(r"(общий )?итого?|всего|сумма|((grand|sub) ?)?totals?", re.IGNORECASE)


def find_header(records: Sequence[Sequence[str]], expected: Collection[str]) -> int:
    """Find the header: the record with most of the expected names, else the table's first that is mostly filled.

    Args:
        records: the first records, cells trimmed.
        expected: columns that the profile names.

    Returns:
        The number of the record; the first is 1.
    """
    names = frozenset(expected)
    found = [len(names.intersection(record)) for record in records[:HEADER_WITHIN]]
    if max(found, default=0):
        return found.index(max(found)) + 1
    widths = Counter(len(record) for record in records if any(record)).most_common(1)
    width = widths[0][0] if widths else 1
    least = width - (not any(record[-1] for record in records if len(record) == width))
    table = [number for number, record in enumerate(records, 1) if least <= len(record) <= width and any(record)]
    filled = [number for number in table if 2 * sum(map(bool, records[number - 1])) > width]
    return next(iter([*filled, *table]), 1)


class Heading(NamedTuple):
    """What the columns are called.

    Attributes:
        names: trimmed, each once: a repeated name gets ` (2)`, an empty one is `Column 3`.
        hidden: how many of the columns, the first ones, are none of the source's own: those of a `rejected.csv`.
    """

    names: tuple[str, ...]
    hidden: int

    @classmethod
    def of(cls, header: Sequence[str]) -> "Heading":
        """Name the columns after the cells of the header, trimmed."""
        hidden = len(REJECTED_COLUMNS) if is_rejected_header(header) else 0
        if hidden:
            header = unmarked(text_column(header)).to_pylist()
        own = len(header) - hidden
        unique = _unique([*header[hidden:], *header[:hidden]])
        return cls(unique[own:] + unique[:own], hidden)

    @property
    def own(self) -> tuple[str, ...]:
        """The names of the source's own columns."""
        return self.names[self.hidden :]


def is_rejected_header(names: Sequence[str]) -> bool:
    """Whether the first names are those of a `rejected.csv`."""
    return tuple(names[: len(REJECTED_COLUMNS)]) == REJECTED_COLUMNS


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    unique: dict[str, None] = {}
    again: dict[str, Iterator[int]] = {}
    for number, name in enumerate(names, 1):
        plain = name or f"Column {number}"
        counted = again.setdefault(plain, itertools.count(1))
        tries = (plain if count == 1 else f"{plain} ({count})" for count in counted)
        unique[next(name for name in tries if name not in unique)] = None
    return tuple(unique)


class Cells(NamedTuple):
    """A part of a table as it was read.

    Attributes:
        columns: the hidden ones included; see `Block`.
        rows: the place of each row.
        records: how many records the part spans.
        bad: those that cannot be read.
        left_out: those that are no rows, by what they are.
    """

    columns: Sequence[pa.Array]
    rows: NDArray[np.int64]
    records: int
    bad: Sequence[BadRow] = ()
    left_out: Mapping[str, int] = {}


def block_of(cells: Cells, heading: Heading, codec: str, *, last: bool) -> Block:
    """Leave out blank rows and, in the last part of a table, totals; leave only the source's own columns.

    Those of a `rejected.csv` are read as they were before they went into it.
    """
    blank = all_empty(cells.columns)
    columns, rows = _without(blank, cells.columns, cells.rows)
    totals = _totals(columns, codec) if last else []
    columns, rows = _without(totals, columns, rows)
    left_out = Counter(cells.left_out) + Counter({"blank": len(blank), "total": len(totals)})
    own = columns[heading.hidden :]
    if heading.hidden:
        own = [unmarked(_as_text(column, codec)) for column in own]
    named = dict(zip(heading.own, own, strict=True))
    kinds = columns[REJECTED_COLUMNS.index("kind")] if heading.hidden else None
    return Block(named, codec, rows, cells.records, cells.bad, left_out, kinds)


def all_left_out(header_row: int, left_out: Mapping[str, int]) -> dict[str, int]:
    """Give all records of a table that are no rows, by what they are: what its blocks left out, and the preamble."""
    above = {"preamble": header_row - 1} if header_row > 1 else {}
    return above | dict(sorted(left_out.items()))


def _without(
    places: Sequence[int] | NDArray[np.intp], columns: Sequence[pa.Array], rows: NDArray[np.int64]
) -> tuple[Sequence[pa.Array], NDArray[np.int64]]:
    """Leave some rows out."""
    if not len(places):
        return columns, rows
    keep = np.ones(len(rows), bool)
    keep[places] = False
    return [column.filter(mask_column(keep)) for column in columns], rows[keep]


def _totals(columns: Sequence[pa.Array], codec: str) -> list[int]:
    """Find the rows of totals among the last rows of the table."""
    found = []
    count = len(columns[0])
    for row in range(max(0, count - TOTALS_WITHIN), count):
        cells = [_cell(column, row, codec).strip() for column in columns]
        filled = [cell for cell in cells if cell]
        if filled and TOTALS.fullmatch(filled[0].rstrip(" :")) and 2 * len(filled) <= len(cells):
            found.append(row)
    return found


def _cell(column: pa.Array, row: int, codec: str) -> str:
    text: str = _as_text(column.slice(row, 1), codec)[0].as_py()
    return text


def _as_text(column: pa.Array, codec: str) -> pa.StringArray:
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    return decoded(column, codec)
