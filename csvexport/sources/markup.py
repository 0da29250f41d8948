"""XML: an element that repeats is read as a table of text.

The document is streamed: a record is taken out of the tree as soon as it is whole, and everything else is dropped.
"""

import codecs
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn
from xml.etree import ElementTree as ET
from xml.parsers import expat
from xml.parsers.expat import errors

import numpy as np

from csvexport.blocks import BAD_TEXT, BadRow, Block
from csvexport.columns import text_column
from csvexport.errors import SourceError
from csvexport.masking import masked
from csvexport.profile import ExportSettings
from csvexport.profile.wording import some
from csvexport.sources.changes import unchanged
from csvexport.sources.elements import ClashError, local_name, read_names, read_record
from csvexport.sources.repeats import Path as Names
from csvexport.sources.repeats import Survey
from csvexport.sources.tables import Cells, Heading, block_of
from csvexport.summary import SourceFacts

PIECE_BYTES: Final = 1 << 19
"""Records of about so many bytes are turned into a block at a time; as elements they take ten times the memory."""

SAMPLES: Final = (1 << 20, 8 << 20)
"""How much is looked at to find the records: more only where the first part has none of the expected columns."""

LONGEST_RECORD: Final = 64 << 20
"""No record is longer, nor is a text; waiting for their end would fill the memory."""

DEEPEST: Final = 100
"""No export nests its elements deeper."""

# The root begins near the beginning.
_LOOK_BYTES: Final = 1 << 14

_BLANK: Final = b" \t\r\n"

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_CUT_OFF: Final = frozenset(
    errors.codes[message]
    for message in (
        errors.XML_ERROR_NO_ELEMENTS,
        errors.XML_ERROR_PARTIAL_CHAR,
        errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        errors.XML_ERROR_UNCLOSED_TOKEN,
    )
)

# By the name of their roots, or by its namespace: XML that is no list of records, and what to do.
_FOREIGN: Final = {
    "html": "this is a web page, not an export; was the login to the CRM lost during the download?",
    "urn:schemas-microsoft-com:office:spreadsheet": "this is a workbook in the XML of Excel 2003; save it as xlsx",
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "this is an office document in XML; save it as xlsx or ods",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive records.

    Attributes:
        records: their elements.
        position: how many bytes of the file have been read so far.
    """

    records: Sequence[ET.Element]
    position: int


class _Reader:
    """A file as the parser reads it.

    Attributes:
        digest: SHA-256 of what was read so far.
        position: how many bytes that is.
        mark: the position at which the last element began that is not inside a record.
        above: lines above the document.
    """

    def __init__(self, file: BinaryIO, label: str) -> None:
        self._file = file
        self._label = label
        self.digest = hashlib.sha256()
        self.position = self.mark = self.above = 0

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes.

        Raises:
            SourceError: a record is too long.
        """
        # The parser begins a long token anew with every part of it that it is given.
        data = self._file.read(max(size, (self.position - self.mark) // 2))
        self.digest.update(data)
        text = data if self.position else self._without_blanks(data)
        self.position += len(data)
        if self.position - self.mark > LONGEST_RECORD:
            raise SourceError(f"{self._label}: an element is longer than {LONGEST_RECORD >> 20} MiB; this is no export")
        return text

    def _without_blanks(self, data: bytes) -> bytes:
        """Leave out what a program printed before the XML began, and no parser lets pass."""
        mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        text = data[len(mark) :].lstrip(_BLANK)
        self.above = data.count(b"\n") - text.count(b"\n")
        return mark + text


class _RootError(Exception):
    """The root has begun, so that there is no need to look on; the message is its name."""


def _leave(name: str, _attributes: object) -> NoReturn:
    raise _RootError(name)


class XmlFile:
    """One XML document.

    Attributes:
        label: the path as the user gave it.
        columns: those of the first records, in their order, and further on those that the profile names.
        size: bytes of the file.
        is_rejected_file: never.
        header_row: 0, there is no header.
    """

    is_rejected_file = False
    header_row = 0

    def __init__(self, path: Path, label: str, settings: ExportSettings, expected: Collection[str]) -> None:
        """Open the file, find its records and what they hold.

        Args:
            path: the file.
            label: how messages name it.
            settings: what the profile overrules.
            expected: columns that the profile names.

        Raises:
            SourceError: the file holds no records, or none that can be told from others; it is cut off, no well-formed
                XML, or a web page or a workbook.
            OSError: the file cannot be read.
        """
        self.label = label
        self._path = path
        self._stat = path.stat()
        self.size = self._stat.st_size
        self._sha256 = ""
        self._encoding = settings.encoding or self._marked_encoding()
        self._root = self._looked_at_root()
        self._clashes: set[str] = set()
        self._names = self._wanted(settings.records) if settings.records else self._found(expected)
        self.columns = self._found_columns(expected)
        self._heading = Heading(self.columns, 0)

    def _marked_encoding(self) -> str | None:
        """Give the encoding that a byte order mark tells: it is right where the XML declaration says otherwise."""
        with self._path.open("rb") as file:
            start = file.read(len(codecs.BOM_UTF8))
        return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)

    def _looked_at_root(self) -> str:
        """Give the name of the root, and see that the document is one that can be read."""
        parser = expat.ParserCreate(self._encoding, "}")
        parser.StartElementHandler = _leave
        parser.EntityDeclHandler = self._refuse_entity
        space = root = ""
        with self._path.open("rb") as file:
            reader = _Reader(file, self.label)
            try:
                while chunk := reader.read(_LOOK_BYTES):
                    parser.Parse(chunk)
                parser.Parse(b"", True)  # noqa: FBT003 - pyexpat takes it by place only
            except _RootError as found:
                space, _, root = str(found).rpartition("}")
            except expat.ExpatError as error:
                raise self._ill_formed(error.code, error.lineno + reader.above, error.offset) from error
            except (LookupError, ValueError) as error:
                message = f"{self.label}: the XML names an encoding that cannot be read; save it as UTF-8"
                raise SourceError(message) from error
        foreign = _FOREIGN.get(space) or _FOREIGN.get(root.casefold())
        if foreign:
            raise SourceError(f"{self.label}: {foreign}")
        return root

    def _refuse_entity(self, *_: object) -> NoReturn:
        raise SourceError(
            f"{self.label}: the XML declares entities of its own, which may grow without end; export it without them"
        )

    def _ill_formed(self, code: int, line: int, column: int) -> SourceError:
        """Say what the parser found; the column counts from 0."""
        if code in _CUT_OFF:
            return SourceError(
                f"{self.label}: the XML is cut off; was the download or the export interrupted? Export it again"
            )
        return SourceError(
            f"{self.label}: this is no well-formed XML (line {line}, column {column + 1}: {expat.ErrorString(code)});"
            " have the program that wrote it corrected, or export it again"
        )

    def _wanted(self, records: str) -> Names:
        """Give the path that the profile names, in which the root may be left out."""
        names = tuple(name.strip() for name in records.split("."))
        return names if names[0] == self._root else (self._root, *names)

    def _found(self, expected: Collection[str]) -> Names:
        """Find the records by looking at the beginning of the document."""
        for size in SAMPLES:
            survey = self._survey(size)
            paths, found = survey.likely(expected)
            if found or not expected or size >= self.size:
                break
        if not paths:
            raise SourceError(
                f"{self.label}: no element in this XML repeats, so that there are no records; if exports may be empty,"
                " write source.records, the names on the way to the element that is a record"
            )
        if len(paths) > 1:
            listed = some(map(self._shown, paths), "or")
            raise SourceError(
                f"{self.label}: several elements may be the records; write which in [source]: records = {listed}"
            )
        return paths[0]

    def _survey(self, size: int) -> Survey:
        """Look at about so many of the first bytes."""
        with self._path.open("rb") as file:
            reader = _Reader(file, self.label)
            root, depth = None, 0
            with self._told(reader):
                for event, element in self._events(reader):
                    root = element if root is None else root
                    depth += 1 if event == "start" else -1
                    if depth > DEEPEST:
                        raise self._too_deep()
                    if reader.position >= size:
                        break
        if root is None:
            raise AssertionError("a document without a root is not well-formed")
        return Survey(root)

    def _shown(self, path: Names) -> str:
        """Give a path as the profile names it, without the root where there is more."""
        return ".".join(path[1:] or path)

    def _found_columns(self, expected: Collection[str]) -> tuple[str, ...]:
        """Take the names of the first records, and look further only for those that the profile names."""
        names: dict[str, None] = {}
        began = None
        with self._path.open("rb") as file:
            reader = _Reader(file, self.label)
            for record in self._records(reader):
                began = reader.position if began is None else began
                is_first = reader.position - began < SAMPLES[0]
                if not is_first and names.keys() >= set(expected):
                    break
                found = read_names(record, self._clashes)
                names |= dict.fromkeys(name for name in found if is_first or name in expected)
        if began is None:
            self._refuse_other_records()
        return tuple(names or sorted(expected) or self._names[-1:])

    def _refuse_other_records(self) -> None:
        """See that a document without records is an empty export, and not one whose records have another name."""
        survey = self._survey(SAMPLES[0])
        parent = self._names[:-1]
        others = [path for path in survey.records if path[: len(parent)] == parent and path != parent]
        if others or parent not in survey.elements:
            there = some(map(self._shown, survey.records))
            raise SourceError(
                f'{self.label}: there is no element "{self._shown(self._names)}", which source.records names;'
                f" those here are {there}"
            )

    def _events(self, reader: _Reader) -> Iterator[tuple[str, ET.Element]]:
        """Give `start` and `end` of every element; its children and its text are complete with its `end`."""
        parser = ET.XMLParser(encoding=self._encoding)  # noqa: S314 - own entities are refused, others not fetched
        return ET.iterparse(reader, ("start", "end"), parser)  # noqa: S314 - likewise

    @contextmanager
    def _told(self, reader: _Reader) -> Iterator[None]:
        """Say of what the parser finds what that means."""
        try:
            yield
        except ET.ParseError as error:
            line, column = error.position
            raise self._ill_formed(error.code, line + reader.above, column) from error

    def _too_deep(self) -> SourceError:
        return SourceError(f"{self.label}: elements are nested more than {DEEPEST} deep; this is no export")

    def _records(self, reader: _Reader) -> Iterator[ET.Element]:
        """Yield the records, each as soon as it is whole, and keep nothing else in the tree."""
        parents: list[ET.Element] = []
        names: list[str] = []
        inside = 0
        with self._told(reader):
            for event, element in self._events(reader):
                if inside:
                    inside += 1 if event == "start" else -1
                    if inside > DEEPEST:
                        raise self._too_deep()
                    if inside:
                        continue
                    yield element
                elif event == "start":
                    reader.mark = reader.position
                    names.append(local_name(element.tag))
                    if len(names) > DEEPEST:
                        raise self._too_deep()
                    inside = tuple(names) == self._names
                    parents += [] if inside else [element]
                    continue
                else:
                    parents.pop()
                names.pop()
                if parents:
                    parents[-1].clear()

    def pieces(self) -> Iterator[Piece]:
        """Read the file once.

        Raises:
            SourceError: the file is cut off or no well-formed XML, cannot be read to its end, or changed since it was
                looked at.
        """
        return unchanged(self._pieces(), self._path, self.label, self._stat)

    def _pieces(self) -> Iterator[Piece]:
        with self._path.open("rb") as file:
            reader = _Reader(file, self.label)
            records: list[ET.Element] = []
            cut = 0
            for record in self._records(reader):
                records.append(record)
                if reader.position - cut >= PIECE_BYTES:
                    yield Piece(records, reader.position)
                    records, cut = [], reader.position
            if records:
                yield Piece(records, reader.position)
            self._sha256 = reader.digest.hexdigest()

    def parse(self, piece: Piece, categories: Collection[str]) -> Block:  # noqa: ARG002 - what every source takes
        """Turn a piece into a block; safe to call from several threads."""
        columns: dict[str, list[str]] = {name: [] for name in self.columns}
        rows: list[int] = []
        bad: list[BadRow] = []
        for number, record in enumerate(piece.records):
            try:
                cells = read_record(record, self._clashes)
            except ClashError as error:
                bad.append(BadRow(number, ET.tostring(record, "unicode").strip()[:BAD_TEXT], str(error)))
                continue
            rows.append(number)
            for name, column in columns.items():
                column.append(cells.get(name, ""))
        arrays = [text_column(column) for column in columns.values()]
        cells_read = Cells(arrays, np.array(rows, np.int64), len(piece.records), bad)
        return block_of(cells_read, self._heading, "utf-8", last=False)

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the file after `pieces` has come to its end."""
        return SourceFacts(
            path=self.label,
            format="xml",
            records=masked(".".join(self._names[1:])),
            rows=rows,
            bytes=self.size,
            sha256=self._sha256,
            left_out=dict(sorted((+left_out).items())),
        )
