"""Delimited text (CSV in all its dialects), streamed in blocks.

The reader cuts the file where a record ends; parsing a piece is a pure function, so that pieces can be parsed beside
each other. Arrow's parser sees only what `records.cut` vouches for; any other piece is first read record by
record and written anew, and what cannot be read is set aside with its reason while the rest goes on.
"""

import codecs
import hashlib
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from csvexport.blocks import BAD_TEXT, BadRow, Block
from csvexport.columns import bytes_column, is_utf_8, text_column
from csvexport.errors import SourceError
from csvexport.profile import ExportSettings
from csvexport.sources.changes import unchanged
from csvexport.sources.detection import LINE_BREAKS, Form, detect
from csvexport.sources.records import NEWLINE, Record, cut, quoted_line, read_record
from csvexport.sources.tables import Cells, all_left_out, block_of
from csvexport.summary import SourceFacts

# Big enough that the work per block is Arrow's and numpy's, small enough that several blocks in flight stay in memory.
PIECE_BYTES = 8 << 20

# How far ahead of what was read the system is asked to fetch.
AHEAD_BYTES = 8 * PIECE_BYTES

# The last piece has at least this part of `PIECE_BYTES` before the file's end, so that the totals are all in it.
LAST_SHARE = 128

# Lines above this size are no rows of a table, and waiting for their end would fill the memory.
LONGEST_LINE = 64 << 20


def _nul(error: UnicodeError) -> tuple[str, int]:
    """Decode what is no text as NUL, which no text holds, so that its row is found and set aside."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\0", error.end


codecs.register_error("csvexport-nul", _nul)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole records, as bytes.

    Attributes:
        data: begins with the records, in the file's encoding (UTF-16 already turned into UTF-8).
        end: offset in `data` behind the last of them.
        canonical: whether their quoting is beyond doubt.
        last: whether the file ends here.
        position: how many bytes of the file have been read so far.
    """

    data: bytes
    end: int
    canonical: bool
    last: bool
    position: int


class _Text:
    """The text of an open file behind its byte order mark, UTF-16 as UTF-8.

    Attributes:
        digest: SHA-256 of the bytes read so far.
        position: how many bytes those are.
        at_end: whether they are all.
    """

    def __init__(self, file: FileIO, form: Form, size: int) -> None:
        """Read from the beginning of the file, which has so many bytes."""
        self._file = file
        self._size = size
        self._decoder = None
        if form.encoding == "utf-16":
            self._decoder = codecs.getincrementaldecoder(form.codec)("csvexport-nul")
        self._returns_only = form.returns_only
        self.digest = hashlib.sha256(file.read(form.mark))
        self.position = self._ahead = form.mark
        self.at_end = False

    def after(self, rest: bytes) -> bytes:
        """Give the text that follows, beginning with the rest of what was given before."""
        if self._decoder or self._returns_only:
            text = self._read(0)
            text = self._decoder.decode(text, final=self.at_end).encode() if self._decoder else text
            return rest + (text.translate(LINE_BREAKS) if self._returns_only else text)
        # Reading the rest anew spares a copy of everything.
        return self._read(len(rest))

    def _read(self, again: int) -> bytes:
        left = self._size - self.position
        count = left if left < PIECE_BYTES + PIECE_BYTES // LAST_SHARE else PIECE_BYTES
        self._file.seek(self.position - again)
        data = self._file.read(again + count)
        self.digest.update(memoryview(data)[again:])
        self.position += len(data) - again
        self.at_end = self.position >= self._size or len(data) - again < count
        if self.position > self._ahead - AHEAD_BYTES // 2:
            self._ahead = self.position + AHEAD_BYTES
            _read_ahead(self._file.fileno(), self.position)
        return data


class DelimitedFile:
    """One delimited file.

    Attributes:
        label: the path as the user gave it.
        columns: names of its columns.
        size: bytes of the file.
        is_rejected_file: whether this is a `rejected.csv` that comes back.
    """

    def __init__(self, path: Path, label: str, settings: ExportSettings, expected: Collection[str]) -> None:
        """Look at the file; see `detection.detect` for what is raised."""
        self.label = label
        self._path = path
        self._stat = path.stat()
        self._form = detect(path, label, settings, expected)
        self.is_rejected_file = self._form.heading.hidden > 0
        self.columns = self._form.heading.own
        self.size = self._stat.st_size
        self._header_line = b""
        self._header: list[bytes] = []
        self._sha256 = ""
        self._bytes = 0

    def pieces(self) -> Iterator[Piece]:
        """Read the file once, from the row below the header to its end.

        Raises:
            SourceError: the file cannot be read to its end, or changed since it was looked at.
        """
        return unchanged(self._pieces(), self._path, self.label, self._stat)

    def _pieces(self) -> Iterator[Piece]:
        with self._path.open("rb", buffering=0) as file:
            text = _Text(file, self._form, self._stat.st_size)
            buffer = b""
            above_data = True
            while not text.at_end:
                if len(buffer) > LONGEST_LINE:
                    raise SourceError(f"{self.label}: a line is longer than {LONGEST_LINE >> 20} MiB; this is no CSV")
                buffer = text.after(buffer)
                if above_data:
                    below = self._below_header(buffer, at_end=text.at_end)
                    if below is None:
                        continue
                    buffer = buffer[below:]
                    above_data = False
                end, canonical = self._cut(buffer, at_end=text.at_end)
                if end or text.at_end:
                    yield Piece(buffer, end, canonical, text.at_end, text.position)
                    buffer = buffer[end:]
            self._sha256, self._bytes = text.digest.hexdigest(), text.position

    def parse(self, piece: Piece, categories: Collection[str]) -> Block:
        """Turn a piece into a block; safe to call from several threads.

        Args:
            piece: from `pieces`.
            categories: columns with few distinct texts, to be delivered as dictionaries.
        """
        data, end = piece.data, piece.end
        if end and data[end - 1] != NEWLINE:
            data, end = data[:end] + b"\n", end + 1
        parsed = None
        if piece.canonical and self._is_clean(data, end):
            columns = self._parsed(data, end, categories)
            if columns is not None and not self._may_repeat_header(columns):
                count = len(columns[0])
                parsed = Cells(columns, np.arange(count), count)
        cells = parsed or self._repaired(data[:end], categories)
        if self._form.returns_only:
            cells = cells._replace(columns=[_with_returns(column) for column in cells.columns])
        return block_of(cells, self._form.heading, self._encoding_of_data, last=piece.last)

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the file after `pieces` has come to its end."""
        return SourceFacts(
            path=self.label,
            format="csv",
            encoding=self._form.encoding,
            delimiter=self._form.delimiter.decode(),
            rows=rows,
            bytes=self._bytes,
            sha256=self._sha256,
            left_out=all_left_out(self.header_row, left_out),
        )

    @property
    def header_row(self) -> int:
        """Number of the header's row; the rows of the first block count from the next."""
        return self._form.header

    def _below_header(self, buffer: bytes, *, at_end: bool) -> int | None:
        """Find the offset of the first row below the header, None when the buffer does not reach so far."""
        position = start = 0
        for _ in range(self._form.header):
            start = position
            record = read_record(buffer, position, self._form.delimiter, at_end=at_end)
            if record is None:
                return None
            position = record.end
            # What follows the delimiter that ends every row is a column without a name.
            self._header = [*(record.cells or []), b""]
        self._header_line = buffer[start:position].rstrip(b"\r\n")
        return position

    def _cut(self, buffer: bytes, *, at_end: bool) -> tuple[int, bool]:
        """Find where the last whole record ends, and whether the quoting up to there is canonical."""
        end, canonical = cut(buffer, self._form.delimiter, at_end=at_end)
        if canonical:
            return end, True
        position = 0
        while position < len(buffer):
            record = read_record(buffer, position, self._form.delimiter, at_end=at_end)
            if record is None:
                break
            position = record.end
        return position, False

    def _is_clean(self, data: bytes, end: int) -> bool:
        """Whether every byte up to `end` is text."""
        if data.startswith(codecs.BOM_UTF8) or data.find(b"\0", 0, end) >= 0:
            return False  # Arrow takes a byte order mark at the beginning for that of a file
        if self._form.codec == "cp1251" and data.find(b"\x98", 0, end) >= 0:
            return False  # the one byte that cp1251 does not define
        return self._encoding_of_data != "utf-8" or is_utf_8(data, end)

    def _may_repeat_header(self, columns: Sequence[pa.Array]) -> bool:
        """Whether a column, one of few distinct texts if there is such a one, holds its own name."""
        dictionaries = [number for number, column in enumerate(columns) if pa.types.is_dictionary(column.type)]
        named = (number for number, name in enumerate(self._header) if name)
        number = next(iter(dictionaries), next(named, 0))
        cells = columns[number].dictionary if dictionaries else columns[number]
        name = self._header[number]
        own = pc.is_in(cells, value_set=bytes_column([name, codecs.BOM_UTF8 + name], cells.type))
        return bool(own.true_count)

    @property
    def _encoding_of_data(self) -> str:
        return "utf-8" if self._form.encoding == "utf-16" else self._form.codec

    def _parsed(self, data: bytes, end: int, categories: Collection[str]) -> list[pa.Array] | None:
        """Parse canonical text up to `end`; None when a row has too few or too many cells."""
        if not end:
            return [text_column([]) for _ in self._form.heading.names]
        names = list(self._form.heading.names)
        text = pa.string() if self._encoding_of_data == "utf-8" else pa.binary()
        types = {name: pa.dictionary(pa.int32(), text) if name in categories else text for name in names}
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(pa.py_buffer(data).slice(0, end)),
                pyarrow.csv.ReadOptions(use_threads=False, column_names=names, block_size=end + 1),
                pyarrow.csv.ParseOptions(
                    delimiter=self._form.delimiter.decode(), newlines_in_values=True, ignore_empty_lines=False
                ),
                pyarrow.csv.ConvertOptions(column_types=types, check_utf8=False, strings_can_be_null=False),
            )
        except pa.ArrowInvalid:
            return None
        # The block is as large as the text, so that each column is one chunk.
        return [column.chunk(0) for column in table.columns]

    def _repaired(self, data: bytes, categories: Collection[str]) -> Cells:
        """Read record by record; what can be read is written anew for the parser, the rest is set aside."""
        lines, rows = [], []
        bad: list[BadRow] = []
        left_out: Counter[str] = Counter()
        position = number = 0
        while position < len(data):
            record = read_record(data, position, self._form.delimiter, at_end=True)
            if record is None:
                raise AssertionError("at the end of the data every record ends")
            raw = data[position : record.end].rstrip(b"\r\n")
            problem = self._problem(raw, record)
            if problem is not None:
                bad.append(BadRow(number, self._shown(raw), problem))
            elif raw.removeprefix(codecs.BOM_UTF8) == self._header_line:
                left_out["header"] += 1
            elif len(record.cells or []) != len(self._form.heading.names):
                left_out["blank"] += 1
            else:
                lines.append(quoted_line(record.cells or [], self._form.delimiter))
                rows.append(number)
            position = record.end
            number += 1
        anew = b"".join(lines)
        columns = self._parsed(anew, len(anew), categories)
        if columns is None:
            raise AssertionError("rows that were written anew have the right number of cells")
        return Cells(columns, np.array(rows, np.int64), number, bad, left_out)

    def _shown(self, raw: bytes) -> str:
        """Give the beginning of a record that cannot be read."""
        if self._form.returns_only:
            raw = raw.translate(LINE_BREAKS)
        text = raw[: 4 * BAD_TEXT].decode(self._encoding_of_data, "backslashreplace")
        return text.replace("\0", "\\x00")[:BAD_TEXT]

    def _problem(self, raw: bytes, record: Record) -> str | None:
        """Say what is wrong with a record, None if it can be read."""
        width = len(self._form.heading.names)
        if record.cells is None:
            return "a quote is not closed, or text follows the closing quote"
        if b"\0" in raw:
            return (
                "it holds a NUL, or bytes that are no UTF-16 text"
                if self._form.encoding == "utf-16"
                else "it holds a NUL"
            )
        try:
            raw.decode(self._encoding_of_data)
        except UnicodeDecodeError:
            return f"it holds bytes that are no {self._form.encoding} text"
        if len(record.cells) != width and any(cell.strip() for cell in record.cells):
            return f"it has {len(record.cells)} cells, the header has {width}"
        return None


def _with_returns(column: pa.Array) -> pa.Array:
    """Give the line breaks inside cells back as they stand in a file whose lines end in a lone carriage return."""
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices, _with_returns(column.dictionary))
    _, offsets, data = column.buffers()
    cells = pa.py_buffer(bytes(data or b"").translate(LINE_BREAKS))
    return pa.Array.from_buffers(column.type, len(column), [None, offsets, cells], 0, column.offset)


def _read_ahead(descriptor: int, position: int) -> None:
    """Have the system fetch what is read next, where it can, while this process works on what it has."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, position, AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
