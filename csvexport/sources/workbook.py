"""Workbooks: xlsx, xlsm, xlsb, xls and ods, a sheet of which is read as a table of text.

A workbook keeps numbers as doubles. A whole number that a double holds exactly is written out in full; of a larger one
the last digits are lost, and its exponent shows that, so that it never passes for an identifier. Only where an xlsx has
the digits themselves, as some programs write it, are they taken from there.
"""

import hashlib
import itertools
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Final
from xml.etree import ElementTree as ET

import numpy as np
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    XmlError,
    ZipError,
)

from csvexport.blocks import Block
from csvexport.columns import text_column
from csvexport.errors import SourceError
from csvexport.masking import masked
from csvexport.profile import ExportSettings
from csvexport.profile.wording import some
from csvexport.sources.changes import refuse_change
from csvexport.sources.tables import HEADER_WITHIN, Cells, Heading, all_left_out, block_of, find_header
from csvexport.summary import SourceFacts

ROWS: Final = 1 << 14
"""Rows that are turned into a block at a time."""

LAST_ROWS: Final = 16
"""The last block has at least so many rows, unless there are no more, so that the totals are all in it."""

EXACT: Final = 2**53
"""From here on a double leaves out whole numbers."""

SIGNIFICANT: Final = 15
"""Digits of a number that spreadsheets keep and show; those behind them are what is left of a binary fraction."""

# What in a sheet of an xlsx is not read by calamine: cells that show an error, and whole numbers with all their digits.
_CELL: Final = rb'<c r="([A-Z]+)([0-9]+)"[^>]*%b[^>]*>(?:<f[^>]*/>|<f.*?</f>)?<v>(%b)<'
_ERROR_MARK: Final = b't="e"'
_ERROR: Final = re.compile(_CELL % (b" " + _ERROR_MARK, rb"[^<]*"), re.DOTALL)
_LONG: Final = re.compile(_CELL % (b"", rb"[1-9][0-9]{15,19}"), re.DOTALL)
_CHUNK: Final = 1 << 20

# The name of the stream that holds an encrypted xlsx.
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")

_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True, slots=True)
class Rows:
    """Some consecutive rows of a sheet.

    Attributes:
        rows: their cells, as calamine gives them.
        shown: by row (its place among these) and column, what a cell holds that calamine gives otherwise.
        last: whether the sheet ends here.
        position: how many bytes of the file count as read.
    """

    rows: Sequence[Sequence[object]]
    shown: Mapping[tuple[int, int], str]
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
        with path.open("rb") as file:
            self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._sheet = self._chosen(self._opened(), settings.sheet, expected)
        if not self._sheet.end:
            raise SourceError(f'{label}: the sheet "{self._sheet.name}" is empty; export it again')
        self._height = self._sheet.end[0] + 1
        head = list(itertools.islice(self._sheet.iter_rows(), 4 * HEADER_WITHIN))
        # Looking for them takes a moment, and most workbooks have none.
        self._has_long = any(isinstance(cell, float) and cell >= EXACT for row in head for cell in row)
        self.header_row = settings.header or find_header(_trimmed(head), expected)
        if self.header_row > self._height:
            raise SourceError(f"{label}: source.header is {settings.header}, but the sheet has fewer rows")
        header = next(itertools.islice(self._sheet.iter_rows(), self.header_row - 1, None))
        self._header = [cell_text(cell).strip() for cell in header]
        self._heading = Heading.of(self._header)
        self.columns = self._heading.own
        self.is_rejected_file = self._heading.hidden > 0

    def _opened(self) -> CalamineWorkbook:
        with self._path.open("rb") as file:
            try:
                return CalamineWorkbook.from_filelike(file)
            except PasswordError:
                raise self._encrypted() from None
            except (CalamineError, ZipError, XmlError) as error:
                # Where the whole workbook is encrypted, calamine recognises none.
                raise (self._encrypted() if _ENCRYPTED in self._path.read_bytes() else self._damaged()) from error

    def _encrypted(self) -> SourceError:
        return SourceError(
            f"{self.label}: the workbook is encrypted; save it without a password, or export the table as CSV"
        )

    def _damaged(self) -> SourceError:
        return SourceError(
            f"{self.label}: this is no whole workbook; was the download or the export cut off? Export it again"
        )

    def _chosen(self, workbook: CalamineWorkbook, wanted: str | int | None, expected: Collection[str]) -> CalamineSheet:
        """Open the wanted sheet, else the first in which an expected column stands, else the first with a table."""
        names = workbook.sheet_names
        if isinstance(wanted, int):
            if wanted > len(names):
                raise SourceError(f"{self.label}: source.sheet is {wanted}, but the workbook has {some(names)}")
            return self._loaded(workbook, names[wanted - 1])
        if wanted is not None:
            same = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
            if not same:
                raise SourceError(f'{self.label}: there is no sheet "{wanted}"; the workbook has {some(names)}')
            return self._loaded(workbook, wanted if wanted in same else same[0])
        shown = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        first = None
        for name in shown:
            sheet = self._loaded(workbook, name)
            head = _trimmed(itertools.islice(sheet.iter_rows(), 4 * HEADER_WITHIN))
            if any(frozenset(expected).intersection(cells) for cells in head):
                return sheet
            if first is None and any(any(cells) for cells in head):
                first = sheet
        if first is None:
            raise SourceError(f"{self.label}: the workbook is empty; export it again")
        return first

    def _loaded(self, workbook: CalamineWorkbook, name: str) -> CalamineSheet:
        try:
            return workbook.get_sheet_by_name(name)
        except (CalamineError, ZipError, XmlError) as error:
            raise self._damaged() from error

    def pieces(self) -> Iterator[Rows]:
        """Read the sheet once, from the row below the header to its end.

        Raises:
            SourceError: the file changed since it was looked at, or is gone.
        """
        rows = itertools.islice(self._sheet.iter_rows(), self.header_row, None)
        shown = self._shown()
        first = self.header_row
        chunk = list(itertools.islice(rows, ROWS))
        while True:
            following = list(itertools.islice(rows, ROWS))
            if len(following) < LAST_ROWS:
                chunk, following = chunk + following, []
            read = first + len(chunk)
            part = {(row - first, column): text for (row, column), text in shown.items() if first <= row < read}
            yield Rows(chunk, part, not following, self.size * read // self._height)
            if not following:
                break
            first, chunk = read, following
        refuse_change(self._path, self.label, self._stat)

    def _shown(self) -> dict[tuple[int, int], str]:
        """Find the cells of an xlsx that calamine gives otherwise than they stand there.

        It takes what shows an error, such as `#N/A`, for empty, and every number for a double, although some programs
        write all digits of an identifier.

        Returns:
            What stands there, by row, counted from 0 at the sheet's top, and column, counted from 0 at the table's
            left.
        """
        if self._format != "xlsx":
            return {}
        left = (self._sheet.start or (0, 0))[1]
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(_sheet_part(archive, self._sheet.name)) as sheet:
                return {
                    (int(row) - 1, _column_number(letters) - left): text.decode("utf-8", "replace")
                    for letters, row, text in _cells(sheet, long=self._has_long)
                }
        except (zipfile.BadZipFile, zlib.error, KeyError, ET.ParseError) as error:
            raise self._damaged() from error
        except OSError as error:
            raise SourceError(f"{self.label}: cannot be read: {error.strerror}") from error

    def parse(self, piece: Rows, categories: Collection[str]) -> Block:  # noqa: ARG002 - what every source takes
        """Turn rows into a block; safe to call from several threads."""
        count = len(piece.rows)
        columns = [
            [cell if type(cell) is str else cell_text(cell) for cell in cells]
            for cells in zip(*piece.rows, strict=True)
        ]
        columns = columns or [[] for _ in self._heading.names]
        for (row, column), text in piece.shown.items():
            columns[column][row] = text
        headers = [row for row in _equal(columns[0], self._header[0]) if self._is_header(columns, row)]
        keep = np.delete(np.arange(count), headers)
        if headers:
            columns = [[cells[row] for row in keep.tolist()] for cells in columns]
        cells = Cells([text_column(cells) for cells in columns], keep, count, (), {"header": len(headers)})
        return block_of(cells, self._heading, "utf-8", last=piece.last)

    def _is_header(self, columns: Sequence[Sequence[str]], row: int) -> bool:
        return all(cells[row].strip() == name for cells, name in zip(columns, self._header, strict=True))

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the file after `pieces` has come to its end."""
        return SourceFacts(
            path=self.label,
            format=self._format,
            sheet=masked(self._sheet.name),
            rows=rows,
            bytes=self.size,
            sha256=self._sha256,
            left_out=all_left_out(self.header_row, left_out),
        )


def _trimmed(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    return [[cell_text(cell).strip() for cell in row] for row in rows]


def _equal(cells: Sequence[str], text: str) -> list[int]:
    return [row for row, cell in enumerate(cells) if cell.strip() == text]


def _number_text(value: float) -> str:
    if value.is_integer():
        return str(int(value)) if abs(value) < EXACT else f"{value:.{SIGNIFICANT - 1}E}"
    return f"{value:.{SIGNIFICANT}g}"


def _duration_text(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


_TEXTS: Final[Mapping[type, Callable[..., str]]] = {
    str: str,
    int: lambda value: str(value) if abs(value) < EXACT else f"{value:.{SIGNIFICANT - 1}E}",
    float: _number_text,
    bool: lambda value: "TRUE" if value else "FALSE",
    datetime: lambda value: value.isoformat(" ", "seconds"),
    date: date.isoformat,
    time: lambda value: value.isoformat("seconds"),
    timedelta: _duration_text,
}


def cell_text(cell: object) -> str:
    """The text of a cell.

    Whole numbers below 2**53 in full, larger ones with an exponent; other numbers with the 15 digits that spreadsheets
    show; dates as `yyyy-MM-dd`, with a time other than midnight `yyyy-MM-dd HH:mm:ss`; times of day `HH:mm:ss`; truth
    values `TRUE` and `FALSE`.
    """
    return _TEXTS[type(cell)](cell)


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Find the part of an xlsx that holds a sheet.

    Raises:
        KeyError: there is none.
    """
    relations = {
        relation.get("Id"): relation.get("Target", "")
        for relation in ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - expat expands no entities from outside
    }
    for element in ET.fromstring(archive.read("xl/workbook.xml")).iter():  # noqa: S314 - likewise
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            target = relations[element.get(_RELATION)]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(sheet)


def _cells(sheet: IO[bytes], *, long: bool) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Find column, row and text of the cells that show an error, and of `long` numbers that keep all their digits."""
    rest = b""
    while chunk := sheet.read(_CHUNK):
        text = rest + chunk
        found = list(_ERROR.finditer(text)) if _ERROR_MARK in text else []
        found += [cell for cell in _LONG.finditer(text) if is_exact(cell[3].decode())] if long else []
        for cell in found:
            yield cell[1], cell[2], cell[3]
        # A cell that is cut in two goes on in the next chunk; none is longer than a chunk.
        end = max((cell.end() for cell in found), default=0)
        rest = text[max(end, text.rfind(b"<c "), len(text) - _CHUNK) :]


def is_exact(digits: str) -> bool:
    """Whether these digits of a whole number are its own: no program that had it as a double would have written them.

    Excel keeps 15 digits, JavaScript writes the fewest that tell a double from others and then zeros, C's `%.16G` 16
    or `%.0f` all that the double has.
    """
    number = int(digits)
    double = float(number)
    by_programs = {int(double), *(int(Decimal(f"{double:.{places - 1}E}")) for places in (15, 16, 17))}
    return number not in by_programs


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
