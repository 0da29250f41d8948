"""Which form an export has, told by its content and not by its name."""

import zipfile
from pathlib import Path

from csvexport.profile import Format

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PARTS: dict[str, Format] = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb", "content.xml": "ods"}

# Of a workbook that is cut off only the name says what it was to be.
_SUFFIXES: dict[str, Format] = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xlsb": "xlsb", ".ods": "ods"}


def is_workbook(path: Path) -> bool:
    """Tell a workbook from everything else, other zip archives among it."""
    return find_format(path) != "csv"


def find_format(path: Path) -> Format:
    """Tell what a file is; what is no workbook is looked at as delimited text.

    Raises:
        OSError: the file cannot be opened or read.
    """
    with path.open("rb") as file:
        magic = file.read(len(_ZIP))
        if magic == _OLE:
            return "xls"
        if magic != _ZIP:
            return "csv"
        try:
            names = frozenset(zipfile.ZipFile(file).namelist())
        except zipfile.BadZipFile:
            return _SUFFIXES.get(path.suffix.lower(), "csv")
    return next((form for part, form in _PARTS.items() if part in names), "csv")
