"""`rejected.csv`: every row that cannot be sent, what is wrong with it, and the row itself, ready to be corrected.

It is meant for a spreadsheet, so that no cell and no name of a column in it is a formula; see `formulas`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from csvexport.blocks import Rejected
from csvexport.columns import number_column, numbers, repeated, text_column
from csvexport.formulas import marked
from csvexport.issues import BETWEEN, CATALOGUE, REJECTED_COLUMNS, Code

NAME = "rejected.csv"


class RejectedFile:
    """Written while the sources are read; a line for each row, in their order.

    Attributes:
        rows: how many rows were written.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        """Begin the file.

        Args:
            folder: the batch.
            columns: the columns of all sources.
        """
        self._columns = tuple(columns)
        # Other users of the machine have no business with rows that name people.
        self._file = open(folder / NAME, "wb", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115
        self.rows = 0
        self._write([text_column([name]) for name in (*REJECTED_COLUMNS, *columns)])

    def add(
        self, source: str, first: int, rejected: Mapping[str, Rejected], bad: Sequence[tuple[int, str, str]]
    ) -> None:
        """Write the rejected rows of a block, sorted by row; a row has a line for each kind that it was rejected as.

        Args:
            source: path of the source.
            first: number of the block's first record, as a spreadsheet shows it.
            rejected: by kind, the rejected rows; a column of another source is left empty.
            bad: rows that cannot be read: number, text, reason. Their own columns stay empty, so that a row that nobody
                corrected cannot pass for one.
        """
        parts = [
            self._part(source, kind, found.rows + first, found.says, found.cells)
            for kind, found in rejected.items()
            if len(found.rows)
        ]
        if bad:
            rows = np.array([row for row, _, _ in bad], np.int64)
            parts.append(self._part(source, BETWEEN.join(rejected), rows, _unreadable(bad), {}))
        if not parts:
            return
        columns = [pa.concat_arrays(column) for column in zip(*parts, strict=True)]
        if len(parts) > 1:
            order = number_column(np.argsort(numbers(columns[1]), kind="stable"))
            columns = [column.take(order) for column in columns]
        self._write(columns)
        self.rows += len(columns[0])

    def _part(
        self,
        source: str,
        kind: str,
        rows: NDArray[np.int64],
        says: Sequence[pa.StringArray],
        cells: Mapping[str, pa.StringArray],
    ) -> list[pa.Array]:
        """Give the columns of some rows."""
        count = len(rows)
        own = [cells[name] if name in cells else repeated("", count) for name in self._columns]
        return [repeated(source, count), number_column(rows), repeated(kind, count), *says, *own]

    def close(self) -> None:
        """End the file; without rows there is none."""
        self._file.close()
        if not self.rows:
            Path(self._file.name).unlink()

    def _write(self, columns: list[pa.Array]) -> None:
        # Columns are named by their place, since two sources' columns may bear any names.
        columns = [marked(column) if pa.types.is_string(column.type) else column for column in columns]
        table = pa.Table.from_arrays(columns, names=[str(number) for number in range(len(columns))])
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(table, self._file, options)


def _unreadable(bad: Sequence[tuple[int, str, str]]) -> list[pa.StringArray]:
    """Give code, column, value and remedy of rows that cannot be read."""
    remedy = CATALOGUE[Code.BAD_ROW].remedy
    return [
        repeated(Code.BAD_ROW.text, len(bad)),
        repeated("", len(bad)),
        text_column([text for _, text, _ in bad]),
        text_column([f"{reason[0].upper()}{reason[1:]}. {remedy}" for _, _, reason in bad]),
    ]
