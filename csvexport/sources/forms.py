"""Which form an export has, told by its content and not by its name."""

import codecs
import os
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from csvexport.profile import Format

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# The other one where it is encrypted, which is told when it is opened.
_PARQUET = (b"PAR1", b"PARE")
_PARTS: dict[str, Format] = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb", "content.xml": "ods"}

# Of a workbook that is cut off only the name says what it was to be.
_SUFFIXES: dict[str, Format] = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xlsb": "xlsb", ".ods": "ods"}

_SAMPLE_BYTES = 1 << 20

# The record at the end of a zip, in front of a comment of up to 64 KiB, and how long a list of files it may tell of.
_END, _END_BYTES = b"PK\5\6", (1 << 16) + 22
LONGEST_LIST = 4 << 20

_JSON = re.compile(rb'\s*(?:\[\s*[\[\]{"\dtfn-]|\{\s*["}])')
# A record to a line: a whole object, and another below it.
_JSON_LINES = re.compile(rb"\s*\{[^\n]*\}[ \t\r]*\n\s*\{")
# A web page begins with a tag as well, and is refused as what it is; and so may a table: <ID>;<Date>.
_XML = re.compile(
    rb"\s*<(?:\?xml\b|!--|!doctype\s+(?!html\b)"
    rb"|(?!(?:html|head|body|meta|style|table)\b)[a-z_\x80-\xff][\w:.\x80-\xff-]*(?:[\s/]|>(?![;,|\t])))",
    re.IGNORECASE,
)


class LongListError(Exception):
    """An archive holds more files than anybody would open."""


def is_workbook(path: Path) -> bool:
    """Tell a workbook from everything else, other zip archives among it."""
    return find_format(path) in {"xls", *_PARTS.values()}


def find_format(path: Path) -> Format:
    """Tell what a file is; what is nothing else is looked at as delimited text.

    Raises:
        OSError: the file cannot be opened or read.
    """
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
        if sample.startswith(_OLE):
            return "xls"
        if sample.startswith(_PARQUET):
            return "parquet"
        if sample.startswith(_ZIP):
            return _packed_format(file, path.suffix.lower())
    text = sample.removeprefix(codecs.BOM_UTF8)
    if _JSON.match(text):
        return "jsonl" if _JSON_LINES.match(text) else "json"
    return "xml" if _is_xml(text) else "csv"


def _packed_format(file: BinaryIO, suffix: str) -> Format:
    """Tell a workbook among zip archives."""
    try:
        names = frozenset(opened_zip(file).namelist())
    except Exception:  # noqa: BLE001 - zipfile has many words for an archive that is damaged
        return _SUFFIXES.get(suffix, "csv")
    return next((form for part, form in _PARTS.items() if part in names), "csv")


def opened_zip(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive; where a name in it is not marked as UTF-8, a Russian Windows has written it.

    Raises:
        LongListError: it holds too many files.
        Exception: of many other kinds, it is damaged.
    """
    # Near its end stands how long the list is, and every file in that takes up ten times as much in memory.
    file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
    end = file.read()
    found = end.rfind(_END)
    if found >= 0 and int.from_bytes(end[found + 12 : found + 16], "little") > LONGEST_LIST:
        raise LongListError
    return zipfile.ZipFile(file, metadata_encoding="cp866")


def _is_xml(text: bytes) -> bool:
    """Whether this begins as XML does, in any encoding; a web page under an XML declaration is none of ours."""
    for mark, codec in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if text.startswith(mark):
            text = text.removeprefix(mark).decode(codec, "replace").encode()
    return bool(_XML.match(text))
