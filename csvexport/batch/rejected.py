"""`rejected.csv`: every row that cannot be sent, what is wrong with it, and the row itself, ready to be corrected."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from csvexport.columns import number_column, repeated, text_column
from csvexport.issues import CATALOGUE, REJECTED_COLUMNS, Code

NAME = "rejected.csv"


class RejectedFile:
    """Written while the sources are read; a line for each row, in their order.

    Attributes:
        rows: how many rows were written.
    """

    def __init__(self, folder: Path, kind: str, columns: Sequence[str]) -> None:
        """Begin the file.

        Args:
            folder: the batch.
            kind: what the rows should have become.
            columns: the columns of all sources.
        """
        self._kind = kind
        self._columns = tuple(columns)
        self._file = (folder / NAME).open("wb")
        self.rows = 0
        self._write([text_column([name]) for name in (*REJECTED_COLUMNS, *columns)])

    def add(
        self,
        source: str,
        rows: NDArray[np.int64],
        says: Sequence[pa.StringArray],
        cells: Mapping[str, pa.StringArray],
        bad: Sequence[tuple[int, str, str]],
    ) -> None:
        """Write the rejected rows of a block, sorted by row.

        Args:
            source: path of the source.
            rows: numbers of the rows, as a spreadsheet shows them.
            says: code, column, value and remedy of each.
            cells: the rows' own columns; a column of another source is left empty.
            bad: rows that cannot be read: number, text, reason. Their own columns stay empty, so that a row that nobody
                corrected cannot pass for one.
        """
        count = len(rows) + len(bad)
        if not count:
            return
        remedy = CATALOGUE[Code.BAD_ROW].remedy
        unreadable = (
            [Code.BAD_ROW.text] * len(bad),
            [""] * len(bad),
            [text for _, text, _ in bad],
            [f"{reason[0].upper()}{reason[1:]}. {remedy}" for _, _, reason in bad],
        )
        numbers = np.concatenate([rows, np.array([row for row, _, _ in bad], np.int64)])
        columns = [
            repeated(source, count),
            number_column(numbers),
            repeated(self._kind, count),
            *(pa.concat_arrays([column, text_column(more)]) for column, more in zip(says, unreadable, strict=True)),
            *(
                pa.concat_arrays([cells.get(name, repeated("", len(rows))), repeated("", len(bad))])
                for name in self._columns
            ),
        ]
        if bad:
            order = number_column(np.argsort(numbers, kind="stable"))
            columns = [column.take(order) for column in columns]
        self._write(columns)
        self.rows += count

    def close(self) -> None:
        """End the file; without rows there is none."""
        self._file.close()
        if not self.rows:
            Path(self._file.name).unlink()

    def _write(self, columns: list[pa.Array]) -> None:
        # Columns are named by their place, since two sources' columns may bear any names.
        table = pa.Table.from_arrays(columns, names=[str(number) for number in range(len(columns))])
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(table, self._file, options)
