"""What a delimited file is, found by looking: its encoding, its delimiter and where its header stands."""

import codecs
import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from csvexport.errors import SourceError
from csvexport.issues import REJECTED_COLUMNS
from csvexport.profile import ExportSettings
from csvexport.sources.records import read_record
from csvexport.sources.tables import HEADER_WITHIN, Heading, find_header, is_rejected_header

SAMPLE_BYTES = 1 << 20

DELIMITERS = (b";", b"\t", b"|", b",")

# A delimiter that splits almost as many records evenly as the best one may be the right one: records can be broken, and
# lines above the header can hold any delimiter.
ALMOST = 0.9

# The single-byte encodings that Russian programs write; each is also the name of Python's codec.
CYRILLIC = ("cp1251", "cp866", "koi8-r")

# The head start of the first, by far the usual one: it decides where a file holds but a word or two of Russian.
USUAL = 3

# The letters from the one that Russian uses most to the one that it uses least, and what else stands between them.
LETTERS = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ"
SIGNS = "№«»–—“”„…·°€\xa0"

# How many times as many good characters beyond ASCII as spoilt ones a text needs to pass for UTF-8.
UTF_8_SHARE = 4

# More than this share of control characters: no text. Compressed data holds a tenth; a spoilt row may hold a few.
BINARY_SHARE = 0.05
CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r"))

# What stands in rows rather than above them: numbers, dates, times.
NUMBER = re.compile(r"[\s.,:+-]*+\d[\d\s.,:+-]*+")

# Line breaks and the carriage returns inside cells change places in a file whose lines end in a lone return.
LINE_BREAKS = bytes.maketrans(b"\r\n", b"\n\r")

# The first bytes of files that people take for a CSV, and what they are.
FOREIGN = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old workbook (xls)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\0", "an SQLite database"),
)
MARKUP = (
    (rb"<(!doctype html|html|head|body)", "a web page, not a CSV; was the login to the CRM lost during the download?"),
    (rb"<(meta|style|table)", "an HTML table under another name, not a CSV; export the table as CSV"),
    (rb"<\?xml", "XML, not a CSV; leave source.format out"),
    (rb'(\[\s*)?\{\s*("|\})', "JSON, not a CSV; save it as UTF-8, and leave source.format out"),
)

# What a file without any text may hold.
BLANK = b' \t\r\n\v\f,;|"'


@dataclass(frozen=True, slots=True)
class Form:
    """What the file is.

    Attributes:
        encoding: `utf-8`, `utf-16`, `cp1251`, `koi8-r` or `cp866`.
        codec: name of Python's codec, byte order included.
        mark: length of the byte order mark, 0 without one.
        delimiter: one byte.
        header: number of the header's record; the first of the file is 1.
        heading: what the columns are called.
        returns_only: whether lines end in a lone carriage return.
    """

    encoding: str
    codec: str
    mark: int
    delimiter: bytes
    header: int
    heading: Heading
    returns_only: bool


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known before delimiter and header are; `whole`: the sample is the whole file."""

    label: str
    settings: ExportSettings
    expected: frozenset[str]
    whole: bool
    returns_only: bool = False

    def text(self, sample: bytes, codec: str) -> bytes:
        """Turn the sample into UTF-8; a last character that the sample cuts in two is left out."""
        text = codecs.getincrementaldecoder(codec)("replace").decode(sample, final=self.whole).encode()
        if len(text) - len(text.translate(None, CONTROLS)) > BINARY_SHARE * len(sample):
            raise SourceError(f"{self.label}: this is no text file; export the table as CSV")
        return text


def detect(path: Path, label: str, settings: ExportSettings, expected: Collection[str]) -> Form:
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
        _refuse_foreign(sample, label)
        if _is_rejected_sample(sample):
            settings = ExportSettings()  # they speak of the CRM's export, not of what came of it in a spreadsheet
            expected = {*expected, *REJECTED_COLUMNS}
        candidates = _encodings(sample, settings, _further(file) if not whole and sample.isascii() else b"")
    if not candidates:
        raise SourceError(
            f"{label}: this is not {settings.encoding}; leave source.encoding out and the encoding is found by looking"
        )
    look = _Look(label, settings, frozenset(expected), whole)
    forms = [_form(look.text(sample[mark:], codec), codec, mark, look) for codec, mark in candidates]
    return max(forms, key=lambda form: len(look.expected.intersection(form.heading.names)))


def _refuse_foreign(sample: bytes, label: str) -> None:
    for magic, name in FOREIGN:
        if sample.startswith(magic):
            raise SourceError(f"{label}: this is {name}, not a CSV; export the table as CSV")
    plain = sample[:1000].translate(None, b"\0" + codecs.BOM_UTF8 + codecs.BOM_UTF16_LE)
    for pattern, name in MARKUP:
        if re.match(rb"\s*" + pattern, plain, re.IGNORECASE):
            raise SourceError(f"{label}: this is {name}")


def _further(file: BinaryIO) -> bytes:
    """Give a little of the text at 64 places, so that one Russian word far below decides the encoding."""
    size = os.fstat(file.fileno()).st_size
    parts = []
    for place in range(64):
        file.seek(size * place // 64)
        lines = file.read(1 << 16).replace(b"\r", b"\n")
        parts.append(lines.partition(b"\n")[2].rpartition(b"\n")[0])
    return b"\n".join(parts)


def _encodings(sample: bytes, settings: ExportSettings, further: bytes) -> list[tuple[str, int]]:
    """Give the codecs that bytes and profile allow, likeliest first, each with the length of the byte order mark."""
    found = _marked(sample) or _utf_16(sample)
    if not found and settings.encoding in CYRILLIC:
        return [(settings.encoding, 0)]
    if not found and _is_utf_8(sample) and _is_utf_8(further):
        found = "utf-8", 0
    if settings.encoding is None:
        return [found] if found else [(codec, 0) for codec in _rank_cyrillic(sample + further)]
    return [found] if found and found[0].startswith(settings.encoding) else []


def _is_rejected_sample(sample: bytes) -> bool:
    """Recognise a `rejected.csv`, also after a spreadsheet wrote it in another encoding with another delimiter."""
    first = sample.lstrip(codecs.BOM_UTF8 + codecs.BOM_UTF16_LE).replace(b"\0", b"").partition(b"\n")[0]
    names = re.split(rb"[,;\t|]", first.replace(b'"', b""))
    return is_rejected_header([name.decode("ascii", "replace") for name in names])


def _marked(sample: bytes) -> tuple[str, int] | None:
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if sample.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if sample.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    return None


def _utf_16(sample: bytes) -> tuple[str, int] | None:
    """Recognise UTF-16 without a mark: every second byte is 4 in Russian, 0 in digits, delimiters and line breaks."""
    start = sample[: 1 << 12]
    for order, high in (("utf-16-le", start[1::2]), ("utf-16-be", start[0::2])):
        if b"\0" in high and 2 * (high.count(0) + high.count(4)) > len(high):
            return order, 0
    return None


def _is_utf_8(sample: bytes) -> bool:
    """Whether the bytes are UTF-8, a few spoilt ones aside; Russian in another encoding hardly ever looks like it."""
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    spoilt = text.count("\ufffd") - sample.count("\ufffd".encode())
    good = len(text) - len(text.encode("ascii", "ignore")) - spoilt
    return not spoilt or good >= UTF_8_SHARE * spoilt


def _rank_cyrillic(text: bytes) -> list[str]:
    """Order the Cyrillic encodings, likeliest first; none is dropped, since the header may still decide."""
    words = b" ".join(dict.fromkeys(text.translate(b" " * 128 + bytes(range(128, 256))).split()))[: 1 << 16]

    def likelihood(codec: str) -> float:
        weights = _weights(codec)
        return sum(weights[byte] for byte in words) + USUAL * (codec == CYRILLIC[0])

    return sorted(CYRILLIC, key=likelihood, reverse=True)


def _weights(codec: str) -> list[float]:
    """For each byte, how well its character fits a Russian text, from 2 to -3; what is ASCII says nothing."""
    weights = []
    for byte in range(256):
        character = bytes([byte]).decode(codec, "replace").lower()
        place = LETTERS.find(character)
        strange = not character.isascii() and character not in SIGNS
        weights.append(2 - place / 8 if place >= 0 else -3.0 * strange)
    return weights


def _form(text: bytes, codec: str, mark: int, look: "_Look") -> Form:
    """Find delimiter and header, the encoding being settled; `text` is the sample as UTF-8."""
    if not text.strip(BLANK):
        raise SourceError(f"{look.label}: the file is empty; export it again")
    if _returns_only(text):
        look = replace(look, returns_only=True)
        text = text.translate(LINE_BREAKS)
    given = look.settings.delimiter
    delimiter = given.encode() if given else _delimiter(text, look)
    records = _first_records(text, delimiter, look)
    header = _header(records, look)
    if header > len(records):
        raise SourceError(f"{look.label}: source.header is {header}, but the file has fewer rows")
    names = records[header - 1]
    rows = [record for record in records[header:] if any(record)]
    width = Counter(len(row) for row in rows).most_common(1)
    if width and width[0][0] == len(names) + 1 and not any(row[-1] for row in rows if len(row) > len(names)):
        names = [*names, ""]  # every row ends in a delimiter, the header does not
    encoding = "utf-16" if codec.startswith("utf-16") else codec
    return Form(encoding, codec, mark, delimiter, header, Heading.of(names), look.returns_only)


def _returns_only(text: bytes) -> bool:
    """Whether lines end in a lone carriage return; line feeds may stand inside quotes."""
    if text.count(b"\r") == text.count(b"\r\n"):
        return False
    bare = re.sub(rb'"[^"]*"', b"", text)
    return b"\r" in bare and b"\n" not in bare


def _first_records(text: bytes, delimiter: bytes, look: "_Look") -> list[list[str]]:
    """Read some 200 records, trimmed; one with broken quoting stands as one cell, a last one cut in two is left out."""
    records: list[list[str]] = []
    position = 0
    while position < len(text) and len(records) < (look.settings.header or 0) + 4 * HEADER_WITHIN:
        record = read_record(text, position, delimiter, at_end=True)
        if record is None or (record.end == len(text) and not look.whole):
            break
        cells = record.cells if record.cells is not None else [text[position : record.end]]
        if look.returns_only:
            cells = [cell.translate(LINE_BREAKS) for cell in cells]
        records.append([cell.decode().strip() for cell in cells])
        position = record.end
    if not records:
        raise SourceError(f"{look.label}: the first line does not end within {SAMPLE_BYTES} bytes; this is no CSV")
    return records


class _Fit(NamedTuple):
    """How well a delimiter fits: where its header is and what it is like, and how many rows below are as wide."""

    expected: int
    is_table: bool
    worded: bool
    header: int
    width: int
    even: int
    rows: int


def _delimiter(text: bytes, look: "_Look") -> bytes:
    """Choose the delimiter that finds the expected names, else one that makes the file a table; then the evenest."""
    fits = {delimiter: _fit(_first_records(text, delimiter, look), look) for delimiter in DELIMITERS}
    best = max((fit.expected, fit.is_table) for fit in fits.values())
    likely = [delimiter for delimiter, fit in fits.items() if (fit.expected, fit.is_table) == best]
    most = max(fits[delimiter].even for delimiter in likely)

    def rank(delimiter: bytes) -> tuple[bool, bool, bool, int, bool, int, int]:
        fit = fits[delimiter]
        # Of two tables without a fault the one that begins higher has the other's delimiter in its cells; where both
        # begin together, the comma stands in texts and numbers.
        faultless = fit.even == fit.rows
        even = fit.even >= ALMOST * most
        return fit.worded, even, faultless, -fit.header * faultless, delimiter != b",", fit.width, fit.even

    return max(likely, key=rank)


def _fit(records: Sequence[Sequence[str]], look: "_Look") -> _Fit:
    header = min(_header(records, look), len(records))
    names = records[header - 1]
    width = len(names)
    expected = len(look.expected.intersection(names))
    worded = not any(NUMBER.fullmatch(name) for name in names)
    rows = [row for row in records[header:] if any(row)]
    even = sum(len(row) == width or (len(row) == width + 1 and not row[-1]) for row in rows)
    return _Fit(expected, width > 1 or expected > 0, worded, header, width, even, len(rows))


def _header(records: Sequence[Sequence[str]], look: "_Look") -> int:
    """Find the header's record, unless the profile says which it is."""
    return look.settings.header or find_header(records, look.expected)
