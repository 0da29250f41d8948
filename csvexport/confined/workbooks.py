"""Workbooks, by calamine: their sheets, and the rows of one as text.

A workbook keeps numbers as doubles. A whole number that a double holds exactly is written out in full; of a larger one
the last digits are lost, and its exponent shows that, so that it never passes for an identifier. Only where an xlsx has
the digits themselves, as some programs write it, are they taken from there.
"""

import itertools
import mmap
import re
import zipfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Final, NamedTuple
from xml.etree import ElementTree as ET

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
    XmlError,
    ZipError,
)

from csvexport.confined.serving import Answer, RefusalError, Why

ROWS: Final = 1 << 14
"""Rows that are given at a time; fewer where they have more cells than `CELLS` in all."""

CELLS: Final = 1 << 21

LAST_ROWS: Final = 16
"""The last part has at least so many rows, unless there are no more, so that the totals are all in it."""

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


class _Part(NamedTuple):
    """Some consecutive rows, as calamine gives them, how many are read with them, and whether the sheet ends there."""

    rows: Sequence[Sequence[object]]
    read: int
    last: bool


class File:
    """One workbook, and the sheet of it that was loaded last."""

    def __init__(self, path: str, form: str) -> None:
        """Open a workbook.

        Args:
            path: the file.
            form: `xlsx`, `xlsb`, `xls` or `ods`.

        Raises:
            RefusalError: it is encrypted.
            OSError: it cannot be read.
        """
        self._path = path
        self._form = form
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes a while to import
            try:
                self._workbook = CalamineWorkbook.from_filelike(file)
            except PasswordError:
                raise RefusalError(Why.ENCRYPTED) from None
            except (CalamineError, ZipError, XmlError):
                # Where the whole workbook is encrypted, calamine recognises none.
                raise RefusalError(Why.ENCRYPTED if _is_encrypted(file) else Why.DAMAGED) from None

    def sheets(self) -> Answer:
        """Give the name of each sheet, and whether it is a table that is shown."""
        metadata = {sheet.name: sheet for sheet in self._workbook.sheets_metadata}
        return Answer([(name, _is_shown(metadata.get(name))) for name in self._workbook.sheet_names])

    def load(self, name: str, head: int) -> Answer:
        """Load a sheet; gives the number of its last row, 0 if it is empty, and the texts of its first `head` rows."""
        self._sheet: CalamineSheet = self._workbook.get_sheet_by_name(name)
        rows = list(itertools.islice(self._sheet.iter_rows(), head))
        # Looking for them takes a moment, and most workbooks have none.
        self._has_long = any(isinstance(cell, float) and cell >= EXACT for row in rows for cell in row)
        height = self._sheet.end[0] + 1 if self._sheet.end else 0
        return Answer([height, [[cell_text(cell) for cell in row] for row in rows]])

    def row(self, number: int) -> Answer:
        """Give the texts of one row; the first is 0."""
        return Answer([cell_text(cell) for cell in next(itertools.islice(self._sheet.iter_rows(), number, None))])

    def begin(self, first: int, rows: int | None) -> Answer:
        """Begin to read at this row; at most so many `rows` at a time, if it is said."""
        width = max(1, self._sheet.width)
        self._parts = self._cut(first, rows or max(LAST_ROWS, min(ROWS, CELLS // width)))
        self._shown = self._shown_otherwise(first)
        return Answer()

    def go_on(self) -> Answer:
        """Read the rows that follow.

        Returns:
            How many they are, and whether the sheet ends behind them; and for each column the offsets of its texts
            (int32, one more than rows) and the texts, UTF-8.
        """
        part = next(self._parts)
        count = len(part.rows)
        columns = [
            [cell if type(cell) is str else cell_text(cell) for cell in cells] for cells in zip(*part.rows, strict=True)
        ]
        first = part.read - count
        while self._shown and self._shown[-1][0] < part.read:
            row, column, text = self._shown.pop()
            columns[column][row - first] = text
        buffers = [buffer for column in columns for buffer in _buffers(column)]
        return Answer([count, part.last], buffers)

    def _cut(self, first: int, size: int) -> Iterator[_Part]:
        rows = itertools.islice(self._sheet.iter_rows(), first, None)
        chunk = list(itertools.islice(rows, size))
        while True:
            following = list(itertools.islice(rows, size))
            if len(following) < LAST_ROWS:
                chunk, following = chunk + following, []
            first += len(chunk)
            yield _Part(chunk, first, not following)
            if not following:
                return
            chunk = following

    def _shown_otherwise(self, first: int) -> list[tuple[int, int, str]]:
        """Find the cells of an xlsx, from this row on, that calamine gives otherwise than they stand there.

        It takes what shows an error, such as `#N/A`, for empty, and every number for a double, although some programs
        write all digits of an identifier.

        Returns:
            The row, counted from 0 at the sheet's top, the column, counted from 0 at the table's left, and what stands
            there; the last row first.
        """
        if self._form != "xlsx":
            return []
        start, end = self._sheet.start or (0, 0), self._sheet.end or (0, 0)
        with zipfile.ZipFile(self._path) as archive, archive.open(_sheet_part(archive, self._sheet.name)) as sheet:
            found = (
                (int(row) - 1, _column_number(letters) - start[1], text.decode("utf-8", "replace"))
                for letters, row, text in _cells(sheet, long=self._has_long)
            )
            inside = [cell for cell in found if first <= cell[0] <= end[0] and 0 <= cell[1] <= end[1] - start[1]]
        return sorted(inside, reverse=True)


def _is_encrypted(file: IO[bytes]) -> bool:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_ENCRYPTED) >= 0


def _is_shown(sheet: SheetMetadata | None) -> bool:
    return sheet is not None and sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible


def _buffers(texts: Sequence[str]) -> tuple[memoryview, bytes]:
    """Give the offsets of texts (int32, one more than texts), and the texts one behind the other, as Arrow has them."""
    encoded = [text.encode() for text in texts]
    offsets = array("i", itertools.accumulate(map(len, encoded), initial=0))
    return memoryview(offsets).cast("B"), b"".join(encoded)


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
