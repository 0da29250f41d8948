"""What a delimited file is, found by looking: its encoding, its delimiter and where its header stands."""

import codecs
import itertools
import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from csvexport.errors import SourceError
from csvexport.issues import REJECTED_COLUMNS
from csvexport.profile import SourceSettings
from csvexport.sources.records import read_record

SAMPLE_BYTES = 1 << 20
DELIMITERS = (b",", b";", b"\t", b"|")

# The single-byte encodings that Russian programs write; each is also the name of Python's codec.
CYRILLIC = ("cp1251", "koi8-r", "cp866")

# How many times as many good characters beyond ASCII as spoilt ones a text needs to pass for UTF-8.
UTF_8_SHARE = 4

# Preambles ("Report for May 2024", filters, the manager's name) are short; a header further down is no header.
HEADER_WITHIN = 50

# The first bytes of files that people take for a CSV, and what they are.
FOREIGN = (
    (b"PK\x03\x04", "a workbook (xlsx) or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old workbook (xls)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\0", "an SQLite database"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """What the file is.

    Attributes:
        encoding: `utf-8`, `utf-16`, `cp1251`, `koi8-r` or `cp866`.
        codec: name of Python's codec, byte order included.
        mark: length of the byte order mark, 0 without one.
        delimiter: one byte.
        header: number of the header's record; the first of the file is 1.
        columns: names of the columns, trimmed, each once: a repeated name gets ` (2)`, an empty one is `Column 3`.
        returns_only: whether lines end in a lone carriage return.
    """

    encoding: str
    codec: str
    mark: int
    delimiter: bytes
    header: int
    columns: tuple[str, ...]
    returns_only: bool


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known before a file is looked at; `whole`: the sample is the whole file."""

    label: str
    settings: SourceSettings
    expected: frozenset[str]
    whole: bool

    def text(self, sample: bytes, codec: str) -> bytes:
        """Turn the sample into UTF-8; a last character that the sample cuts in two is left out."""
        text = codecs.getincrementaldecoder(codec)("replace").decode(sample, final=self.whole).encode()
        if text.count(b"\0") > len(text) // 100:
            raise SourceError(f"{self.label}: this is no text file; export the table as CSV")
        return text


def detect(path: Path, label: str, settings: SourceSettings, expected: Collection[str]) -> Form:
    """Look at the beginning of a file (and, while that is plain ASCII, at places further on).

    Args:
        path: the file.
        label: how messages name it.
        settings: what the profile overrules.
        expected: columns that the profile names; the header is where they stand.

    Raises:
        SourceError: the file is empty, or no delimited text, or not in the encoding that the profile names.
        OSError: the file cannot be opened or read.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        whole = len(sample) < SAMPLE_BYTES
        if not sample.strip():
            raise SourceError(f"{label}: the file is empty; export it again")
        _refuse_foreign(sample, label)
        if _is_rejected_sample(sample):
            settings = SourceSettings()  # they speak of the CRM's export, not of what came of it in a spreadsheet
        candidates = _encodings(sample, settings, _further(file) if not whole and sample.isascii() else b"")
    look = _Look(label, settings, frozenset(expected), whole)
    forms = [_form(look.text(sample[mark:], codec), codec, mark, look) for codec, mark in candidates]
    return max(forms, key=lambda form: len(look.expected.intersection(form.columns)))


def is_rejected_file(columns: Sequence[str]) -> bool:
    """Whether these are the columns of a `rejected.csv` that csvexport wrote."""
    return tuple(columns[: len(REJECTED_COLUMNS)]) == REJECTED_COLUMNS


def _refuse_foreign(sample: bytes, label: str) -> None:
    for magic, name in FOREIGN:
        if sample.startswith(magic):
            raise SourceError(f"{label}: this is {name}, not a CSV; export the table as CSV")
    if re.match(rb"\s*<(!doctype html|html)", sample, re.IGNORECASE):
        raise SourceError(f"{label}: this is a web page, not a CSV; was the login to the CRM lost during the download?")
    if re.match(rb"\s*<\?xml", sample, re.IGNORECASE):
        raise SourceError(f"{label}: this is XML, not a CSV; export the table as CSV")


def _further(file: BinaryIO) -> bytes:
    """Give a little of the text at 64 places, so that one Russian word far below decides the encoding."""
    size = os.fstat(file.fileno()).st_size
    parts = []
    for place in range(64):
        file.seek(size * place // 64)
        parts.append(file.read(1 << 16).partition(b"\n")[2].rpartition(b"\n")[0])
    return b"\n".join(parts)


def _encodings(sample: bytes, settings: SourceSettings, further: bytes) -> list[tuple[str, int]]:
    """Give the codecs that the bytes allow, likeliest first, each with the length of the byte order mark."""
    marked = _mark(sample)
    if settings.encoding is not None:
        return [_named(settings.encoding, sample, marked)]
    order = _utf_16_order(sample)
    if marked or order:
        return [marked or (order or "", 0)]
    if _is_utf_8(sample) and _is_utf_8(further):
        return [("utf-8", 0)]
    return [(codec, 0) for codec in _rank_cyrillic(sample + further)]


def _named(encoding: str, sample: bytes, marked: tuple[str, int] | None) -> tuple[str, int]:
    """Give codec and length of the mark for the encoding that the profile names."""
    if marked and marked[0].startswith(encoding):
        return marked
    if encoding == "utf-16":
        return _utf_16_order(sample) or "utf-16-le", 0
    return encoding, 0


def _is_rejected_sample(sample: bytes) -> bool:
    """Recognise a `rejected.csv`, also after a spreadsheet wrote it in another encoding with another delimiter."""
    first = sample.lstrip(codecs.BOM_UTF8 + codecs.BOM_UTF16_LE).replace(b"\0", b"").partition(b"\n")[0]
    names = re.split(rb"[,;\t|]", first.replace(b'"', b""))
    return is_rejected_file([name.decode("ascii", "replace") for name in names])


def _mark(sample: bytes) -> tuple[str, int] | None:
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if sample.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if sample.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    return None


def _utf_16_order(sample: bytes) -> str | None:
    """Recognise UTF-16 without a mark: every second byte of digits, delimiters and line breaks is zero."""
    start = sample[: 1 << 12]
    even, odd = start[0::2].count(0), start[1::2].count(0)
    enough = len(start) // 8
    if odd > enough and not even:
        return "utf-16-le"
    if even > enough and not odd:
        return "utf-16-be"
    return None


def _is_utf_8(sample: bytes) -> bool:
    """Whether the bytes are UTF-8, a few spoilt ones aside; Russian in another encoding hardly ever looks like it."""
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    spoilt = text.count("\ufffd")
    return not spoilt or sum(character > "\x7f" for character in text) - spoilt >= UTF_8_SHARE * spoilt


def _rank_cyrillic(text: bytes) -> list[str]:
    """Order the Cyrillic encodings, likeliest first; none is dropped, since the header may still decide."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - only files in these encodings need it

    lines = b"\n".join([line for line in text.splitlines() if not line.isascii()])[: 1 << 16]
    best = from_bytes(lines, cp_isolation=list(CYRILLIC)).best()
    first = best.encoding.replace("_", "-") if best else CYRILLIC[0]
    return sorted(CYRILLIC, key=lambda codec: codec != first)


def _form(text: bytes, codec: str, mark: int, look: "_Look") -> Form:
    """Find delimiter and header, the encoding being settled; `text` is the sample as UTF-8."""
    returns_only = b"\n" not in text and b"\r" in text
    if returns_only:
        text = text.replace(b"\r", b"\n")
    given = look.settings.delimiter
    delimiter = given.encode() if given else _delimiter(text, whole=look.whole)
    records = _first_records(text, delimiter, whole=look.whole)
    header = look.settings.header or _header(records, look.expected)
    if header > len(records):
        raise SourceError(f"{look.label}: source.header is {header}, but the file has fewer rows")
    names = records[header - 1]
    width = Counter(len(record) for record in records[header:]).most_common(1)
    if width and width[0][0] == len(names) + 1 and all(not r[-1] for r in records[header:] if len(r) > len(names)):
        names = [*names, ""]  # every row ends in a delimiter, the header does not
    encoding = "utf-16" if codec.startswith("utf-16") else codec
    return Form(encoding, codec, mark, delimiter, header, _unique(names), returns_only)


def _first_records(text: bytes, delimiter: bytes, *, whole: bool) -> list[list[str]]:
    """Read up to 200 records; one with broken quoting stands as one cell."""
    records: list[list[str]] = []
    position = 0
    while position < len(text) and len(records) < 4 * HEADER_WITHIN:
        record = read_record(text, position, delimiter, at_end=whole)
        if record is None:
            break
        cells = record.cells if record.cells is not None else [text[position : record.end]]
        records.append([cell.decode() for cell in cells])
        position = record.end
    return records


def _delimiter(text: bytes, *, whole: bool) -> bytes:
    """Choose the delimiter under which most rows have the same number of cells, more than one; then the most cells."""

    def regularity(delimiter: bytes) -> tuple[int, int]:
        widths = Counter(len(record) for record in _first_records(text, delimiter, whole=whole))
        widths.pop(1, None)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return count, width

    return max(DELIMITERS, key=regularity)


def _header(records: Sequence[Sequence[str]], expected: Collection[str]) -> int:
    """Find the header: the record with most of the expected names, else the first that is as wide as the table."""
    head = records[:HEADER_WITHIN]
    wanted = set(expected)
    found = [len(wanted.intersection(name.strip() for name in record)) for record in head]
    if max(found, default=0):
        return found.index(max(found)) + 1
    width = Counter(len(record) for record in records).most_common(1)[0][0]
    return next(number for number, record in enumerate(records, 1) if len(record) == width)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    unique: dict[str, None] = {}
    for number, name in enumerate(names, 1):
        plain = name.strip() or f"Column {number}"
        tries = (plain if again == 1 else f"{plain} ({again})" for again in itertools.count(1))
        unique[next(name for name in tries if name not in unique)] = None
    return tuple(unique)
