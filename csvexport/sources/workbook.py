"""Workbooks: xlsx, xlsm, xlsb, xls and ods, a sheet of which is read as a table of text."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from csvexport.blocks import Block
from csvexport.columns import mask_column, text_column
from csvexport.confined.serving import Why
from csvexport.errors import SourceError
from csvexport.masking import masked
from csvexport.profile import ExportSettings
from csvexport.profile.wording import some
from csvexport.sources.changes import refuse_change
from csvexport.sources.confining import ConfinedFile
from csvexport.sources.tables import HEADER_WITHIN, Cells, Heading, all_left_out, block_of, find_header
from csvexport.summary import SourceFacts

ROWS: Final[int | None] = None
"""How many rows are turned into a block at a time; None: as many as suit their width."""

_DAMAGED: Final = (
    "this is no whole workbook that can be read; was the download or the export cut off? Export it again, or as CSV"
)
_WORDS: Final = {
    Why.DAMAGED: _DAMAGED,
    Why.ENCRYPTED: "the workbook is encrypted; save it without a password, or export the table as CSV",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Some consecutive rows of a sheet.

    Attributes:
        count: how many they are.
        columns: their cells as text.
        last: whether the sheet ends here.
        position: how many bytes of the file count as read.
    """

    count: int
    columns: Sequence[pa.StringArray]
    last: bool
    position: int


class Workbook:
    """One sheet of a workbook.

    Attributes:
        label: the path as the user gave it.
        columns: names of its columns.
        size: bytes of the file.
        is_rejected_file: whether this is a `rejected.csv` that comes back in another form.
        header_row: number of the header's row.
    """

    def __init__(self, path: Path, label: str, settings: ExportSettings, expected: Collection[str], form: str) -> None:
        """Open the workbook and find the sheet and its header.

        Args:
            path: the file.
            label: how messages name it.
            settings: what the profile overrules.
            expected: columns that the profile names.
            form: what `find_format` says.

        Raises:
            SourceError: the workbook is encrypted, damaged or empty, or has no such sheet.
            OSError: the file cannot be read.
        """
        self.label = label
        self._path = path
        self._format = form
        self._stat = path.stat()
        self.size = self._stat.st_size
        self._file = ConfinedFile("workbooks", path, label, settings.max_megabytes << 20, _WORDS, form)
        with path.open("rb") as file:
            self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._sheet, self._height, head = self._chosen(settings.sheet, expected)
        if not self._height:
            raise SourceError(f'{label}: the sheet "{self._sheet}" is empty; export it again')
        self.header_row = settings.header or find_header(head, expected)
        if self.header_row > self._height:
            raise SourceError(f"{label}: source.header is {settings.header}, but the sheet has fewer rows")
        header, _ = self._file.call("row", self.header_row - 1)
        self._header = [cell.strip() for cell in header]
        self._heading = Heading.of(self._header)
        self.columns = self._heading.own
        self.is_rejected_file = self._heading.hidden > 0

    def _chosen(self, wanted: str | int | None, expected: Collection[str]) -> tuple[str, int, list[list[str]]]:
        """Load the wanted sheet, else the first in which an expected column stands, else the first with a table.

        Returns:
            Its name, the number of its last row, and its first rows, the cells trimmed.
        """
        sheets, _ = self._file.call("sheets")
        names = [name for name, _ in sheets]
        if isinstance(wanted, int):
            if wanted > len(names):
                raise SourceError(f"{self.label}: source.sheet is {wanted}, but the workbook has {some(names)}")
            return self._loaded(names[wanted - 1])
        if wanted is not None:
            same = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
            if not same:
                raise SourceError(f'{self.label}: there is no sheet "{wanted}"; the workbook has {some(names)}')
            return self._loaded(wanted if wanted in same else same[0])
        first = None
        for name in (name for name, is_shown in sheets if is_shown):
            sheet = last = self._loaded(name)
            if any(frozenset(expected).intersection(cells) for cells in sheet[2]):
                return sheet
            if first is None and any(any(cells) for cells in sheet[2]):
                first = sheet
        if first is None:
            raise SourceError(f"{self.label}: the workbook is empty; export it again")
        return first if first is last else self._loaded(first[0])

    def _loaded(self, name: str) -> tuple[str, int, list[list[str]]]:
        (height, head), _ = self._file.call("load", name, 4 * HEADER_WITHIN)
        return name, height, [[cell.strip() for cell in row] for row in head]

    def pieces(self) -> Iterator[Rows]:
        """Read the sheet once, from the row below the header to its end.

        Raises:
            SourceError: the file changed since it was looked at, or is gone.
        """
        self._file.call("begin", self.header_row, ROWS)
        read, last = self.header_row, False
        while not last:
            (count, last), buffers = self._file.call("go_on")
            read += count
            columns = [
                pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(texts))
                for offsets, texts in zip(buffers[::2], buffers[1::2], strict=True)
            ]
            yield Rows(count, columns, last, self.size * read // self._height)
        refuse_change(self._path, self.label, self._stat)

    def parse(self, piece: Rows, categories: Collection[str]) -> Block:  # noqa: ARG002 - what every source takes
        """Turn rows into a block; safe to call from several threads."""
        columns = piece.columns or [text_column([]) for _ in self._heading.names]
        headers = [
            row
            for row, cell in enumerate(columns[0].to_pylist())
            if cell.strip() == self._header[0] and self._is_header(columns, row)
        ]
        keep = np.delete(np.arange(piece.count), headers)
        if headers:
            kept = np.ones(piece.count, np.bool_)
            kept[headers] = False
            columns = [column.filter(mask_column(kept)) for column in columns]
        cells = Cells(columns, keep, piece.count, (), {"header": len(headers)})
        return block_of(cells, self._heading, "utf-8", last=piece.last)

    def _is_header(self, columns: Sequence[pa.StringArray], row: int) -> bool:
        return all(column[row].as_py().strip() == name for column, name in zip(columns, self._header, strict=True))

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the file after `pieces` has come to its end."""
        return SourceFacts(
            path=self.label,
            format=self._format,
            sheet=masked(self._sheet),
            rows=rows,
            bytes=self.size,
            sha256=self._sha256,
            left_out=all_left_out(self.header_row, left_out),
        )
