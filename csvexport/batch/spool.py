"""Lines on their way to the files: spooled until it is known which of them are duplicates, then written in parts."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.batch.totals import Totals
from csvexport.columns import mask_column
from csvexport.summary import FileFacts

# Lines that are read back at a time, and the bytes that they take unless a single line takes more.
LINES = 1 << 16
BYTES = 1 << 26

_FACTS = np.dtype(
    [("bytes", np.int32), ("day", np.int32), ("target", np.int16), ("currency", np.int16), ("micro", np.int64)]
)


class Spool:
    """The lines of one id type and their facts, in two files of the build's own folder."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open `NAME.lines` and `NAME.facts` in the folder."""
        self._lines = (folder / f"{name}.lines").open("w+b")
        self._facts = (folder / f"{name}.facts").open("w+b")

    def add(
        self,
        text: pa.StringArray,
        day: NDArray[np.int32],
        target: NDArray[np.int16],
        currency: NDArray[np.int16],
        micro: NDArray[np.int64],
    ) -> None:
        """Append lines, line breaks included, and what totals need of each (see `Totals.add`)."""
        if not len(text):
            return
        offsets, data = _buffers(text)
        facts = np.empty(len(text), _FACTS)
        facts["bytes"], facts["day"], facts["target"] = np.diff(offsets), day, target
        facts["currency"], facts["micro"] = currency, micro
        self._lines.write(data[offsets[0] : offsets[-1]])
        self._facts.write(facts.data)

    def write(self, parts: "Parts", dropped: NDArray[np.bool_], totals: Totals) -> None:
        """Write what is not dropped to the files, and add it to the totals."""
        start = 0
        # A block is hashed, written and counted while the next one is read.
        with ThreadPoolExecutor(2) as pool:
            under_way: list[Future[None]] = []
            for lines, facts in self._blocks():
                keep = ~dropped[start : start + len(facts)]
                start += len(facts)
                kept, own = lines.filter(mask_column(keep)), facts[keep]
                _ended(under_way)
                counting = pool.submit(totals.add, own["day"], own["target"], own["currency"], own["micro"])
                under_way = [pool.submit(parts.write, kept), counting]
            _ended(under_way)

    def close(self) -> None:
        """Close the files."""
        self._lines.close()
        self._facts.close()

    def _blocks(self) -> Iterator[tuple[pa.StringArray, NDArray[np.void]]]:
        for file in (self._lines, self._facts):
            file.flush()
            file.seek(0)
        while len(facts := np.fromfile(self._facts, _FACTS, LINES)):
            for piece in _pieces(facts["bytes"]):
                kept = facts[piece]
                offsets = np.zeros(len(kept) + 1, np.int32)
                np.cumsum(kept["bytes"], out=offsets[1:])
                data = self._lines.read(int(offsets[-1]))
                yield pa.StringArray.from_buffers(len(kept), pa.py_buffer(offsets), pa.py_buffer(data)), kept


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


def _buffers(lines: pa.StringArray) -> tuple[NDArray[np.int32], memoryview]:
    """Give where the lines of a column that is not empty begin and end, and the bytes that they lie in."""
    _, offsets, data = lines.buffers()
    return np.frombuffer(offsets, np.int32, len(lines) + 1, lines.offset * 4), memoryview(data)


class Parts:
    """The files of one id type, each begun with the header and ended before the limit."""

    def __init__(self, folder: Path, name: Callable[[int], str], header: bytes, limit: int) -> None:
        """Write to `folder / name(1)`, then `name(2)` and so on.

        Args:
            folder: where the files go.
            name: number of the part to file name.
            header: first line of every part.
            limit: bytes that no part exceeds, unless a single line does.
        """
        self._folder = folder
        self._name = name
        self._header = header
        self._limit = limit
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._rows = self._bytes = 0
        self.finished: list[tuple[str, int, int, str]] = []

    def write(self, lines: pa.StringArray) -> None:
        """Write lines, beginning a new part wherever the limit would be exceeded."""
        if not len(lines):
            return
        offsets, data = _buffers(lines)
        start = 0
        while start < len(lines):
            if self._file is None:
                self._begin()
            room = self._limit - self._bytes
            end = int(np.searchsorted(offsets, int(offsets[start]) + room, "right")) - 1
            # A part holds one line at least; a part that this made too large has less than no room for another.
            end = max(end, start + 1 if self._rows == 0 else start)
            if end > start:
                self._put(data[offsets[start] : offsets[end]], end - start)
            if end < len(lines):
                self._end()
            start = end

    def close(self, kind: str, identifier: str) -> list[FileFacts]:
        """End the last part and describe all."""
        if self._file is not None:
            self._end()
        return [FileFacts(name, kind, identifier, rows, size, digest) for name, rows, size, digest in self.finished]

    def _begin(self) -> None:
        self._file = (self._folder / self._name(len(self.finished) + 1)).open("wb")
        self._digest = hashlib.sha256()
        self._rows = self._bytes = 0
        self._put(self._header, 0)

    def _put(self, data: bytes | memoryview, rows: int) -> None:
        if self._file is None:
            raise AssertionError("a part is open while lines are written")
        self._file.write(data)
        self._digest.update(data)
        self._bytes += len(data)
        self._rows += rows

    def _end(self) -> None:
        if self._file is None:
            raise AssertionError("a part is open while lines are written")
        self._file.close()
        self._file = None
        self.finished.append((self._name(len(self.finished) + 1), self._rows, self._bytes, self._digest.hexdigest()))
