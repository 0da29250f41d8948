"""Lines on their way to the files: spooled until it is known which of them are duplicates, then written in parts."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.batch.totals import Totals
from csvexport.columns import mask_column
from csvexport.summary import FileFacts

# Lines that are read back at a time.
LINES = 1 << 16

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
        _, offsets_buffer, data = text.buffers()
        offsets = np.frombuffer(offsets_buffer, np.int32, len(text) + 1, text.offset * 4)
        facts = np.empty(len(text), _FACTS)
        facts["bytes"], facts["day"], facts["target"] = np.diff(offsets), day, target
        facts["currency"], facts["micro"] = currency, micro
        self._lines.write(memoryview(data)[offsets[0] : offsets[-1]])
        self._facts.write(facts.data)

    def write(self, parts: "Parts", dropped: NDArray[np.bool_], totals: Totals) -> None:
        """Write what is not dropped to the files, and add it to the totals."""
        start = 0
        for lines, facts in self._blocks():
            keep = ~dropped[start : start + len(facts)]
            start += len(facts)
            parts.write(lines.filter(mask_column(keep)))
            kept = facts[keep]
            totals.add(kept["day"], kept["target"], kept["currency"], kept["micro"])

    def close(self) -> None:
        """Close the files."""
        self._lines.close()
        self._facts.close()

    def _blocks(self) -> Iterator[tuple[pa.StringArray, NDArray[np.void]]]:
        for file in (self._lines, self._facts):
            file.flush()
            file.seek(0)
        while len(facts := np.fromfile(self._facts, _FACTS, LINES)):
            offsets = np.zeros(len(facts) + 1, np.int32)
            np.cumsum(facts["bytes"], out=offsets[1:])
            data = self._lines.read(int(offsets[-1]))
            yield pa.StringArray.from_buffers(len(facts), pa.py_buffer(offsets), pa.py_buffer(data)), facts


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
        _, offsets_buffer, data = lines.buffers()
        offsets = np.frombuffer(offsets_buffer, np.int32, len(lines) + 1, lines.offset * 4)
        start = 0
        while start < len(lines):
            if self._file is None:
                self._begin()
            room = self._limit - self._bytes
            end = int(np.searchsorted(offsets, offsets[start] + room, "right")) - 1
            if end <= start and self._rows == 0:
                end = start + 1
            end = min(end, len(lines))
            if end > start:
                self._put(memoryview(data)[offsets[start] : offsets[end]], end - start)
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
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        self.finished.append((self._name(len(self.finished) + 1), self._rows, self._bytes, self._digest.hexdigest()))
