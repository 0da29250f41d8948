"""JSON documents and JSON Lines: a list of objects is read as a table of text.

Both are cut where a record ends, so that a document of any size is streamed. What most records look like is read by a
kernel over the whole piece (`plain_json`), everything else record by record (`flattening`).
"""

import codecs
import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import BAD_TEXT, BadRow, Block
from csvexport.columns import mask_column, numbers, repeated, replace_texts, selected, text_column
from csvexport.errors import SourceError
from csvexport.masking import masked
from csvexport.profile import ExportSettings
from csvexport.sources.changes import unchanged
from csvexport.sources.flattening import NoRecordError, read_record
from csvexport.sources.lists import LONGEST_RECORD, SAMPLE_RECORDS, Place, cut_off, find_list, ill_formed
from csvexport.sources.plain_json import PlainRecords, read_plain
from csvexport.sources.structure import find_brackets, find_elements, find_quotes
from csvexport.summary import SourceFacts

PIECE_BYTES: Final = 5 << 20

LARGEST_FRAME: Final = 16 << 20
"""What stands around the list of records is read as JSON as well, unless it is longer."""

# Where more of the records are odd, the kernel's work is lost.
_ODD_SHARE: Final = 0.5

_BLANK: Final = b" \t\r\n"
_BREAK: Final = ord("\n")

_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)

# What stands before a record in a list that PHP wrote as an object, since numbers are missing in it.
_NUMBER: Final = re.compile(rb'"[0-9]+"[ \t\r\n]*:[ \t\r\n]*\Z')


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole records.

    Attributes:
        data: their text, and what stands between them.
        position: how many bytes of the file have been read so far.
        ends_open: whether the file ends here without a line break.
    """

    data: memoryview
    position: int
    ends_open: bool = False


class _Text:
    """The text of a file: looked at some way ahead, taken as far as it is understood.

    Attributes:
        size: how many bytes are looked at.
        position: how many bytes have been taken.
        digest: SHA-256 of those.
        at_end: whether what was looked at last are all that follow.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = PIECE_BYTES
        self.position = 0
        self.digest = hashlib.sha256()
        self.at_end = False

    def look(self) -> bytes:
        """Read ahead from the position; empty at the end of the file."""
        self._file.seek(self.position)
        data = self._file.read(self.size)
        self.at_end = len(data) < self.size
        return data

    def take(self, data: bytes, count: int) -> None:
        """Go on behind so many bytes of what was looked at."""
        self.digest.update(memoryview(data)[:count])
        self.position += count
        self.size = PIECE_BYTES

    def skip(self, count: int) -> None:
        """Go on behind so many bytes."""
        while count and (data := self.look()[:count]):
            self.take(data, len(data))
            count -= len(data)


class _Record(NamedTuple):
    """What stands for a record in a piece: its number and its text; empty for a line without one."""

    number: int
    text: bytes


class _Referred(NamedTuple):
    """What the reference read.

    Attributes:
        cells: by the name of the column the rows that have a cell in it, counted here, and these cells.
        rows: the numbers of the rows.
        bad: what is no record.
    """

    cells: dict[str, tuple[list[int], list[str]]]
    rows: NDArray[np.int64]
    bad: list[BadRow]

    def column(self, name: str) -> pa.StringArray:
        """Give a column, empty where a row has no cell in it."""
        rows, texts = self.cells.get(name, ([], []))
        if len(rows) == len(self.rows):
            return text_column(texts)
        return replace_texts(repeated("", len(self.rows)), np.array(rows, np.intp), text_column(texts))


class _ReferredColumn:
    """One column of a piece that the reference read, made where it is wanted: few rows have a cell in most of many."""

    def __init__(self, name: str, read: _Referred) -> None:
        self._name = name
        self._read = read

    def take(self, places: pa.Array | None) -> pa.StringArray:
        """Give the column, or the rows of it at these places."""
        return selected(self._read.column(self._name), places)


class _Column:
    """One column of a piece, read where it is wanted: by the kernel, and by the reference what that left to it."""

    def __init__(self, name: str, plain: PlainRecords, read: _Referred, records: NDArray[np.int64]) -> None:
        """Take where the cells stand; `records` are the block's rows."""
        self._name = name
        self._plain = plain
        self._read = read
        self._records = records

    def take(self, places: pa.Array | None) -> pa.StringArray:
        """Give the column, or the rows of it at these places, ascending."""
        records = self._records if places is None else self._records[numbers(places)]
        cells = self._plain.cells(self._name, None if len(records) == len(self._plain.starts) else records)
        odd = np.searchsorted(records, self._read.rows)
        found = records.take(odd, mode="clip") == self._read.rows
        texts = self._read.column(self._name).filter(mask_column(found))
        return replace_texts(cells, odd[found], texts)


class JsonFile:
    """One JSON document, or a file of JSON Lines.

    Attributes:
        label: the path as the user gave it.
        columns: those of the first records, in their order, and further on those that the profile names.
        size: bytes of the file.
        is_rejected_file: never.
        header_row: 0, there is no header.
    """

    is_rejected_file = False
    header_row = 0

    def __init__(self, path: Path, label: str, settings: ExportSettings, expected: Collection[str], form: str) -> None:
        """Open the file, find its records and what they hold.

        Args:
            path: the file, UTF-8.
            label: how messages name it.
            settings: what the profile overrules.
            expected: columns that the profile names.
            form: `json` or `jsonl`.

        Raises:
            SourceError: the file holds no records, is cut off, or is in another encoding.
            OSError: the file cannot be read.
        """
        self.label = label
        self._path = path
        self._format = form
        self._stat = path.stat()
        self.size = self._stat.st_size
        self._sha256 = ""
        with path.open("rb") as file:
            mark = file.read(len(codecs.BOM_UTF8))
            self._mark = len(mark) if mark == codecs.BOM_UTF8 else 0
            if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise SourceError(f"{label}: this is JSON in UTF-16; save it as UTF-8")
            file.seek(self._mark)
            self._place = Place("", 0, 0) if form == "jsonl" else find_list(file, label, settings.records, expected)
            file.seek(self._mark)
            self._frame = file.read(self._place.start) if self._place.start <= LARGEST_FRAME else b""
        self._expected = frozenset(expected)
        self.columns = self._found_columns(expected)
        if not self.columns:
            raise SourceError(f"{label}: there is no record with a name and a value in it; export it again")

    def _found_columns(self, expected: Collection[str]) -> tuple[str, ...]:
        """Take the names of the first records, and look further only for those that the profile names."""
        names: dict[str, None] = {}
        left = SAMPLE_RECORDS
        missing = {name: _spellings(name) for name in expected}
        for piece in self._pieces():
            data = bytes(piece.data)
            if not left and not any(spelling in data for name in missing for spelling in missing[name]):
                continue
            for _, text in self._texts(data)[: left or None]:
                with suppress(NoRecordError):
                    names |= dict.fromkeys(name for name in read_record(text) if left or name in missing)
                left = max(left - 1, 0)
            missing = {name: spellings for name, spellings in missing.items() if name not in names}
            if not left and not missing:
                break
        # An empty export is one all the same.
        return tuple(names or sorted(expected))

    def pieces(self) -> Iterator[Piece]:
        """Read the file once.

        Raises:
            SourceError: the file is cut off, cannot be read to its end, or changed since it was looked at.
        """
        return unchanged(self._pieces(), self._path, self.label, self._stat)

    def _pieces(self) -> Iterator[Piece]:
        with self._path.open("rb") as file:
            text = _Text(file)
            text.skip(self._mark + self._place.start)
            yield from self._lines(text) if self._format == "jsonl" else self._elements(text)
            self._sha256 = text.digest.hexdigest()

    def _lines(self, text: "_Text") -> Iterator[Piece]:
        while data := text.look():
            end = data.rfind(b"\n") + 1
            if not end and not text.at_end:
                self._look_further(text, data)
                continue
            if end:
                text.take(data, end)
                yield Piece(memoryview(data)[:end], text.position)
            if text.at_end and end < len(data):
                text.take(data[end:], len(data) - end)
                yield Piece(memoryview(data)[end:], text.position, ends_open=True)

    def _elements(self, text: "_Text") -> Iterator[Piece]:
        rest = b""
        commas: Collection[bytes] = {b""}
        while data := text.look():
            starts, ends, closing, are_paired = find_elements(data)
            if not are_paired:
                raise ill_formed(self.label, NoRecordError("a bracket is closed by one of the other kind"))
            end = int(ends[-1]) if len(ends) else 0
            text.take(data, end)
            if end:
                self._refuse_text(data[: int(starts[0])], commas)
                commas = self._commas
                yield Piece(memoryview(data)[:end], text.position)
            if closing is not None:
                self._refuse_text(data[end:closing], {b""})
                text.skip(closing - end)
                self._see_the_end(text)
                return
            rest = data[end:]
            if text.at_end:
                text.skip(len(rest))
            elif not end:
                self._look_further(text, data)
        if self._place.depth or rest.strip(_BLANK):
            raise cut_off(self.label)

    @property
    def _commas(self) -> Collection[bytes]:
        """What stands between two records: a comma in a list, nothing where each is a document."""
        return {b","} if self._place.depth else {b""}

    def _look_further(self, text: "_Text", data: bytes) -> None:
        """Read more at a time, where not even one record ends in what was read."""
        if len(data) > LONGEST_RECORD:
            raise SourceError(f"{self.label}: a record is longer than {LONGEST_RECORD >> 20} MiB; this is no export")
        text.size = 2 * len(data)

    def _refuse_text(self, between: bytes, commas: Collection[bytes]) -> None:
        """See that nothing but a comma stands between two objects, and the number of the second if they have some."""
        if self._place.is_numbered:
            between = _NUMBER.sub(b"", between)
        if between.strip(_BLANK) not in commas:
            raise SourceError(
                f"{self.label}: the list of records holds something else than objects, or a comma is missing; the"
                " program that wrote the file should write one object for each record"
            )

    def _see_the_end(self, file: "_Text") -> None:
        """Read what follows the list, from its closing bracket on, and see that the document is whole, and is JSON."""
        frame = [self._frame]
        length = len(self._frame)
        for part in self._rest(file):
            length += len(part)
            if length <= LARGEST_FRAME:
                frame.append(part)
        if length <= LARGEST_FRAME and len(self._frame) == self._place.start:
            self._judge_frame(b"".join(frame))

    def _judge_frame(self, frame: bytes) -> None:
        """See that the document without its records is JSON, whatever its texts hold."""
        try:
            json.loads(_TEXT.sub(b'""', frame).decode("utf-8", "replace"))
        except json.JSONDecodeError as error:
            reason = error.msg.lower()
        except RecursionError:
            reason = "nested too deeply"
        else:
            return
        raise ill_formed(self.label, NoRecordError(f"around the list of records: {reason}"))

    def _rest(self, file: "_Text") -> Iterator[bytes]:
        """Give the document from the list's closing bracket on, and see that nothing follows its end."""
        depth = self._place.depth
        inside = False
        while depth and (data := file.look()):
            # A backslash at the end has to wait for what it speaks of.
            data = data if file.at_end else data.rstrip(b"\\")
            if not data:
                file.size *= 2
                continue
            text = np.frombuffer(data, np.uint8)
            quotes = find_quotes(text)
            places, depths = find_brackets(text, quotes, inside=inside)
            ended = np.flatnonzero(depths == -depth)
            count = int(places[ended[0]]) + 1 if len(ended) else len(data)
            file.take(data, count)
            yield data[:count]
            depth = 0 if len(ended) else depth + (int(depths[-1]) if len(depths) else 0)
            inside ^= len(quotes) % 2 == 1
        if depth:
            raise cut_off(self.label)
        while data := file.look():
            if data.strip(_BLANK):
                raise SourceError(f"{self.label}: something follows the end of the JSON; export it again")
            file.take(data, len(data))

    def parse(self, piece: Piece, categories: Collection[str]) -> Block:  # noqa: ARG002 - what every source takes
        """Turn a piece into a block; safe to call from several threads.

        Raises:
            SourceError: the last line is cut off, or the list holds something else than objects.
        """
        if self._format == "json" and not self._place.depth:
            # Documents one behind the other: the kernel would let commas pass between them.
            return self._read(piece)
        plain = read_plain(piece.data, lines=self._format == "jsonl")
        if plain is None or len(plain.odd) > _ODD_SHARE * len(plain.starts):
            return self._read(piece)
        return self._mended(piece.data, plain)

    def _mended(self, data: memoryview, plain: PlainRecords) -> Block:
        """Take what the kernel read, and what the reference reads where the kernel left it to that."""
        odd = [_Record(number, bytes(data[plain.starts[number] : plain.ends[number]])) for number in plain.odd.tolist()]
        read = self._referred(odd)
        records = np.delete(np.arange(len(plain.starts)), [bad.row for bad in read.bad])
        columns = {name: _Column(name, plain, read, records) for name in self.columns}
        block = {name: column.take(None) if name in self._expected else column for name, column in columns.items()}
        if self._format == "json":
            return Block(block, "utf-8", records, len(plain.starts), read.bad)
        lines, count = _line_numbers(data, plain.starts)
        bad = [replace(one, row=int(lines[one.row])) for one in read.bad]
        return Block(block, "utf-8", lines[records], count, bad, {"blank": count - len(lines)})

    def _read(self, piece: Piece) -> Block:
        """Read a piece by the reference."""
        texts = self._texts(bytes(piece.data))
        filled = [text for text in texts if text.text]
        read = self._referred(filled)
        if piece.ends_open and read.bad and read.bad[-1].row == texts[-1].number:
            raise cut_off(self.label)
        left_out = {"blank": len(texts) - len(filled)}
        columns = {
            name: read.column(name) if name in self._expected else _ReferredColumn(name, read) for name in self.columns
        }
        return Block(columns, "utf-8", read.rows, len(texts), read.bad, left_out)

    def _referred(self, texts: Sequence[_Record]) -> _Referred:
        found: dict[str, tuple[list[int], list[str]]] = {name: ([], []) for name in self.columns}
        rows: list[int] = []
        bad: list[BadRow] = []
        for number, text in texts:
            try:
                cells = read_record(text)
            except NoRecordError as error:
                shown = text[: 4 * BAD_TEXT].decode("utf-8", "backslashreplace")[:BAD_TEXT]
                bad.append(BadRow(number, shown, str(error)))
                continue
            for name in cells.keys() & found.keys():
                found[name][0].append(len(rows))
                found[name][1].append(cells[name])
            rows.append(number)
        return _Referred(found, np.array(rows, np.int64), bad)

    def _texts(self, data: bytes) -> list[_Record]:
        """Cut a piece into its records."""
        if self._format == "jsonl":
            lines = data.removesuffix(b"\n").split(b"\n")
            return [_Record(number, line.strip(_BLANK)) for number, line in enumerate(lines)]
        starts, ends, *_ = find_elements(data)
        texts = []
        before = 0
        for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            # What stands before the first one was judged when the piece was cut.
            if number:
                self._refuse_text(data[before:start], self._commas)
            texts.append(_Record(number, data[start:end]))
            before = end
        return texts

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the file after `pieces` has come to its end."""
        return SourceFacts(
            path=self.label,
            format=self._format,
            records=masked(self._place.path) if self._format == "json" else None,
            rows=rows,
            bytes=self.size,
            sha256=self._sha256,
            left_out=dict(sorted((+left_out).items())),
        )


def _line_numbers(data: memoryview, starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Count the lines, and number those in which the records start from 0 on."""
    breaks = np.flatnonzero(np.frombuffer(data, np.uint8) == _BREAK)
    return np.searchsorted(breaks, starts), len(breaks) + (data[-1] != _BREAK)


def _spellings(name: str) -> frozenset[bytes]:
    """How the last part of a column's name is written in JSON, with letters beyond ASCII as they are or escaped."""
    part = name.rpartition(".")[2]
    return frozenset(json.dumps(part, ensure_ascii=escaped).encode() for escaped in (True, False))
