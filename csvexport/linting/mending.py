"""Corrected copies: what is certain is made right, everything else stays to the letter, and so does the original."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Final

import pyarrow as pa

from csvexport.durable import sync_folder
from csvexport.errors import OutputError, UsageError
from csvexport.formats.lines import csv_lines
from csvexport.linting.catalogue import Fault
from csvexport.linting.kinds import Sort
from csvexport.linting.moments import in_seconds, read_unix
from csvexport.linting.opening import Look, beginning, codec_of_pieces
from csvexport.sources.delimited import DelimitedFile, Piece
from csvexport.sources.detection import LINE_BREAKS, SAMPLE_BYTES, Form
from csvexport.sources.records import read_record

_QUOTE: Final = b'"'
_MILLIS: Final = len("000")


def target_of(path: Path) -> Path:
    """Where the copy of a file goes: `NAME.fixed.csv` beside it."""
    return path.with_name(f"{path.stem}.fixed.csv")


def refuse_target(target: Path, others: Sequence[Path]) -> None:
    """See that a copy may be written there.

    Raises:
        UsageError: there is something already, or the copy of another file will be.
    """
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already; remove it, or name another file with --to")
    if target in others:
        raise UsageError(f"{target} would be the copy of two files; name one file at a time, and its copy with --to")
    if not target.parent.is_dir():
        raise UsageError(f"--to: there is no folder {target.parent}; make it first")


def mend(seen: Look, target: Path, *, in_milliseconds: bool) -> None:
    """Write the corrected copy of a file, whole or not at all.

    Args:
        seen: the file.
        target: where the copy goes.
        in_milliseconds: whether some of its times are in milliseconds.

    Raises:
        SourceError: the file cannot be read to its end, or changed meanwhile.
        OutputError: the copy cannot be written; nothing was left behind.
    """
    temporary = None
    try:
        with NamedTemporaryFile("wb", dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            temporary = Path(file.name)
            _write(seen, file, in_milliseconds=in_milliseconds)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is its owner's only; the copy is read by those who may read the file.
        temporary.chmod(stat.S_IMODE(seen.path.stat().st_mode) & 0o666)
        refuse_target(target, ())
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        said = f"{target}: the copy cannot be written: {error.strerror}; nothing was left behind"
        raise OutputError(said) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _write(seen: Look, file: IO[bytes], *, in_milliseconds: bool) -> None:
    if seen.form is None or seen.kind is None:
        raise AssertionError("only files of a known kind are mended")
    file.writelines(Copy(seen, seen.form, in_milliseconds=in_milliseconds).parts())


class Copy:
    """The text of a corrected copy."""

    def __init__(self, seen: Look, form: Form, *, in_milliseconds: bool) -> None:
        self._seen = seen
        self._form = form
        self._codec = codec_of_pieces(form)
        self._from = form.delimiter
        self._to = seen.right_delimiter.encode()
        self._width = len(form.heading.names)
        self._names = {place: name.encode() for name, place in seen.columns.items()}
        self._moment = next(filter(self._is_unix, seen.columns), None) if in_milliseconds else None
        self._rewrites = self._from != self._to or seen.numbered or form.returns_only or self._moment is not None

    def _is_unix(self, name: str) -> bool:
        return self._seen.kind is not None and self._seen.kind.columns[name].sort is Sort.UNIX

    def parts(self) -> Iterator[bytes]:
        """Give the text part by part, from the header on."""
        source = self._seen.source()
        yield self._as_utf_8(b"".join(self._above_rows()))
        for piece in source.pieces():
            if self._rewrites:
                written = self.written_at_once(source, piece)
                yield self._as_utf_8(b"".join(self._records(piece.data, piece.end))) if written is None else written
            else:
                yield self._as_utf_8(piece.data[: piece.end])

    def _as_utf_8(self, text: bytes) -> bytes:
        """Turn text into UTF-8; a byte that is none stays what it is, and so is found in the copy again."""
        if self._codec == "utf-8":
            return text
        return text.decode(self._codec, "surrogateescape").encode("utf-8", "surrogateescape")

    def written_at_once(self, source: DelimitedFile, piece: Piece) -> bytes | pa.Buffer | None:
        """Give a whole piece as columns, None where there are quotes and the like to be kept as they are.

        It is the same to the letter as record by record, only twenty times as fast.
        """
        data, end = piece.data, piece.end
        special = b'"\r' if self._to == b"," else b'"\r,'
        if not data[:end].endswith(b"\n") or any(data.find(bytes([byte]), 0, end) >= 0 for byte in special):
            return None
        block = source.parse(piece, ())
        if len(block.rows) < block.records:
            return None
        columns = {name: block.text(name) for name in source.columns[self._seen.numbered :]}
        if self._moment is not None:
            name = source.columns[self._seen.columns[self._moment]]
            columns[name] = in_seconds(columns[name])
        _, _, text = csv_lines(list(columns.values()), self._to.decode()).buffers()
        return text

    def _above_rows(self) -> Iterator[bytes]:
        """Give the header, and what stands above it to the letter."""
        with self._seen.path.open("rb") as file:
            text = beginning(file.read(SAMPLE_BYTES), self._form)
        position = 0
        for number in range(1, self._form.header + 1):
            record = read_record(text, position, self._from, at_end=True)
            if record is None:
                raise AssertionError("the header was found in this text")
            raw = text[position : record.end]
            yield self._header(raw) if number == self._form.header else self._as_it_was(raw)
            position = record.end

    def _header(self, raw: bytes) -> bytes:
        body, end = _without_end(raw)
        cells = cells_of(body, self._from)
        for place, cell in enumerate(cells):
            if self._is_other(place, cell):
                cells[place] = self._names[place]
        return self._joined(cells) + end

    def _is_other(self, place: int, cell: bytes) -> bool:
        """Whether a column's name is spelled in another way than Yandex spells it."""
        return place in self._names and plain(cell) != self._names[place]

    def _records(self, data: bytes, end: int) -> Iterator[bytes]:
        """Give a piece record by record."""
        only_delimiters = not (self._seen.numbered or self._form.returns_only or self._moment is not None)
        position = 0
        while position < end:
            line = data[position : data.find(b"\n", position, end) + 1 or end]
            if only_delimiters and _QUOTE not in line and self._to not in line:
                yield line.replace(self._from, self._to)
                position += len(line)
                continue
            record = read_record(data, position, self._from, at_end=True)
            if record is None:
                raise AssertionError("in a piece every record ends")
            raw = data[position : record.end]
            if record.cells is None:
                yield self._broken(raw)
            else:
                yield self._record(raw)
            position = record.end

    def _record(self, raw: bytes) -> bytes:
        body, end = _without_end(raw)
        cells = cells_of(body, self._from)
        if len(cells) == self._width and self._moment is not None:
            place = self._seen.columns[self._moment]
            cells[place] = _in_seconds(cells[place])
        return self._joined(cells) + end

    def _joined(self, cells: list[bytes]) -> bytes:
        """Write the cells of a record anew."""
        # A blank line has no number.
        if self._seen.numbered and len(cells) > 1:
            cells = cells[1:]
        if self._form.returns_only:
            cells = [cell.translate(LINE_BREAKS) for cell in cells]
        return self._to.join(self._quoted(cell) for cell in cells)

    def _quoted(self, cell: bytes) -> bytes:
        """Quote a cell that needs it where it goes."""
        if cell.startswith(_QUOTE):
            return cell
        breaks = self._form.returns_only and (b"\n" in cell or b"\r" in cell)
        return _in_quotes(cell) if self._to in cell or breaks else cell

    def _broken(self, raw: bytes) -> bytes:
        """Give a record that cannot be read as it was, or as one cell where its quotes could come to mean something."""
        text = self._as_it_was(raw)
        body, end = _without_end(text)
        return text if self._from == self._to and b"\n" not in body else _in_quotes(body) + end

    def _as_it_was(self, raw: bytes) -> bytes:
        body, end = _without_end(raw)
        return (body.translate(LINE_BREAKS) if self._form.returns_only else body) + end


def cells_of(body: bytes, delimiter: bytes) -> list[bytes]:
    """Split a record that can be read, without its line break, into its cells with the quotes around them."""
    if _QUOTE not in body:
        return body.split(delimiter)
    pattern = _cell(delimiter)
    cells = []
    position = 0
    while True:
        cell = pattern.match(body, position)
        if cell is None:
            raise AssertionError("the record could be read")
        cells.append(cell[1])
        position = cell.end()
        if not cell[2]:
            return cells


@cache
def _cell(delimiter: bytes) -> re.Pattern[bytes]:
    """Match a cell with its quotes, and what ends it."""
    mark = re.escape(delimiter)
    return re.compile(rb'("(?:[^"]++|"")*+"|[^%b]*+)(%b|\Z)' % (mark, mark))


def _without_end(raw: bytes) -> tuple[bytes, bytes]:
    """Part a record from its line break."""
    body = raw.removesuffix(b"\n").removesuffix(b"\r")
    return body, raw[len(body) :]


def plain(cell: bytes) -> bytes:
    """A cell without its quotes."""
    return cell[1:-1].replace(b'""', _QUOTE) if cell.startswith(_QUOTE) else cell


def _in_quotes(text: bytes) -> bytes:
    return _QUOTE + text.replace(_QUOTE, b'""') + _QUOTE


def _in_seconds(cell: bytes) -> bytes:
    """A time without its milliseconds; any other cell as it is."""
    time = plain(cell)
    if not time.isdigit() or read_unix(time.decode("ascii"))[1] is not Fault.MILLISECONDS:
        return cell
    seconds = time[:-_MILLIS]
    return _in_quotes(seconds) if cell.startswith(_QUOTE) else seconds
