"""Lines on their way to the files: spooled until it is known which of them are duplicates, then written in parts."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import mask_column
from csvexport.formats.files import File
from csvexport.summary import FileFacts

# Lines that are read back at a time, and the bytes that they take unless a single line takes more.
LINES = 1 << 16
BYTES = 1 << 26

_LENGTH = np.dtype(np.int32)


class Spool:
    """The lines of one file and the facts about them, in files of the build's own folder.

    Attributes:
        path: the file of the lines.
        bytes: the size of all lines.
    """

    def __init__(self, folder: Path, name: str, facts: np.dtype[np.void], file: File) -> None:
        """Open `NAME.lines`, `NAME.lengths` and `NAME.facts` in a folder.

        Args:
            folder: the folder.
            name: tells the spool from others.
            facts: their type.
            file: what is going to be written over the lines, see `Parts`: there has to be room for its header and its
                footer, so that no line is written over one that was not read yet.
        """
        self.path = folder / f"{name}.lines"
        self._room = len(file.header) + len(file.footer)
        self._lines = self.path.open("w+b")
        self._lines.seek(self._room)
        self._lengths = (folder / f"{name}.lengths").open("w+b")
        self._facts = (folder / f"{name}.facts").open("w+b")
        self._type = facts
        self.bytes = 0

    def add(self, text: pa.StringArray, facts: NDArray[np.void]) -> None:
        """Append lines, line breaks included, and what totals need of each."""
        if not len(text):
            return
        offsets, data = _buffers(text)
        self.bytes += self._lines.write(data[offsets[0] : offsets[-1]])
        self._lengths.write(np.diff(offsets).data)
        self._facts.write(np.ascontiguousarray(facts).data)

    def write(self, parts: "Parts", dropped: NDArray[np.bool_], count: Callable[[NDArray[np.void]], None]) -> None:
        """Write what is not dropped to the files, and have the facts about it counted; then the lines are used up."""
        start, read = 0, self._room
        # A block is written and counted while the next one is read.
        with ThreadPoolExecutor(2) as pool:
            under_way: list[Future[None]] = []
            for lines, facts in self._blocks():
                keep = ~dropped[start : start + len(facts)]
                start += len(facts)
                read += _size(lines)
                kept, own = lines.filter(mask_column(keep)), facts[keep]
                _ended(under_way)
                under_way = [pool.submit(parts.write, kept, read), pool.submit(count, own)]
            _ended(under_way)
        self._lines.close()

    def sizes(self) -> tuple[NDArray[np.int32], NDArray[np.void]]:
        """Give the bytes of every line, and the facts about it."""
        for file in (self._lengths, self._facts):
            file.flush()
            file.seek(0)
        return np.fromfile(self._lengths, _LENGTH), np.fromfile(self._facts, self._type)

    def close(self) -> None:
        """Close the files."""
        for file in (self._lines, self._lengths, self._facts):
            file.close()

    def _blocks(self) -> Iterator[tuple[pa.StringArray, NDArray[np.void]]]:
        self._lines.flush()
        for file in (self._lengths, self._facts):
            file.flush()
            file.seek(0)
        # Without a buffer, so that nothing is read ahead of what may be written over.
        with self.path.open("rb", buffering=0) as source:
            source.seek(self._room)
            while len(lengths := np.fromfile(self._lengths, _LENGTH, LINES)):
                facts = np.fromfile(self._facts, self._type, len(lengths))
                for piece in _pieces(lengths):
                    offsets = np.zeros(len(lengths[piece]) + 1, np.int32)
                    np.cumsum(lengths[piece], out=offsets[1:])
                    data = source.read(int(offsets[-1]))
                    lines = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
                    yield lines, facts[piece]


def _ended(work: Iterable[Future[None]]) -> None:
    """Wait for work to end; raise what it raised."""
    for task in work:
        task.result()


def _pieces(lengths: NDArray[np.int32]) -> Iterator[slice]:
    """Cut lines into pieces of at most `BYTES`, or of one line."""
    ends = np.cumsum(lengths, dtype=np.int64)
    start = 0
    while start < len(ends):
        before = ends[start] - lengths[start]
        end = max(start + 1, int(np.searchsorted(ends, before + BYTES, "right")))
        yield slice(start, end)
        start = end


def _size(lines: pa.StringArray) -> int:
    """Give the bytes of all lines."""
    offsets, _ = _buffers(lines)
    return int(offsets[-1]) - int(offsets[0])


def _buffers(lines: pa.StringArray) -> tuple[NDArray[np.int32], memoryview]:
    """Give where the lines of a column that is not empty begin and end, and the bytes that they lie in."""
    _, offsets, data = lines.buffers()
    return np.frombuffer(offsets, np.int32, len(lines) + 1, lines.offset * 4), memoryview(data)


class Parts:
    """The files that one kind's lines go to, each begun with the header and ended before the limit."""

    def __init__(self, folder: Path, file: File, limit: int | None = None, over: Path | None = None) -> None:
        """Write to `folder / file.name(1)`, then `file.name(2)` and so on.

        Args:
            folder: where the files go.
            file: how they are called, begin and end.
            limit: bytes that no part exceeds, unless a single line does; None: the file's own limit.
            over: the lines of a spool for this file, which become the first part: to write over what was read takes the
                system a fraction of the time that a new file does.
        """
        self._folder = folder
        self._form = file
        self._over = over
        self._over_file: BinaryIO | None = None
        self._limit = (file.limit if limit is None else min(limit, file.limit)) - len(file.footer)
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._hasher = ThreadPoolExecutor(1)
        self._rows = self._bytes = self._read = 0
        self._finished: list[FileFacts] = []

    def write(self, lines: pa.StringArray, read: int = 0) -> None:
        """Write lines, beginning a new part wherever the limit would be exceeded.

        Args:
            lines: the lines.
            read: how far the spool that is written over was read, in bytes from the beginning of its file.
        """
        self._read = read
        if not len(lines):
            return
        offsets, data = _buffers(lines)
        start = 0
        while start < len(lines):
            if self._file is None:
                self._begin()
            joint = self._form.joint if self._rows == 0 else 0
            room = self._limit - self._bytes + joint
            end = int(np.searchsorted(offsets, int(offsets[start]) + room, "right")) - 1
            # A part holds one line at least; a part that this made too large has less than no room for another.
            end = max(end, start + 1 if self._rows == 0 else start)
            if end > start:
                self._put(data[offsets[start] + joint : offsets[end]], end - start)
            if end < len(lines):
                self._end()
            start = end

    def close(self) -> list[FileFacts]:
        """End the last part and describe all."""
        if self._file is not None:
            self._end()
        if self._over_file is not None and self._over is not None:
            self._over_file.truncate(self._finished[0].bytes)
            self._over_file.close()
            self._over.rename(self._folder / self._finished[0].name)
        self._hasher.shutdown()
        return self._finished

    def _begin(self) -> None:
        if self._over is not None and not self._finished:
            self._file = self._over_file = self._over.open("r+b")
        else:
            self._file = (self._folder / self._form.name(len(self._finished) + 1)).open("wb")
        self._digest = hashlib.sha256()
        self._rows = self._bytes = 0
        self._put(self._form.header, 0)

    def _put(self, data: bytes | memoryview, rows: int) -> None:
        if self._file is None:
            raise AssertionError("a part is open while lines are written")
        if self._file is self._over_file and self._bytes + len(data) > self._read:
            raise AssertionError("no line is written over one that was not read yet")
        # Hashing takes as long as writing, and neither needs Python's lock.
        hashing = self._hasher.submit(self._digest.update, data)
        self._file.write(data)
        hashing.result()
        self._bytes += len(data)
        self._rows += rows

    def _end(self) -> None:
        if self._file is None:
            raise AssertionError("a part is open while lines are written")
        self._put(self._form.footer, 0)
        if self._file is not self._over_file:
            # What a spool holds behind the first part may still have to be read.
            self._file.close()
        self._file = None
        name = self._form.name(len(self._finished) + 1)
        self._finished.append(
            FileFacts(name, self._form.kind, self._form.identifier, self._rows, self._bytes, self._digest.hexdigest())
        )
