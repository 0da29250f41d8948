"""Parquet, by Arrow: its columns, and its rows as batches of Arrow's own."""

import os
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from csvexport.confined.serving import Answer, RefusalError, Why

BUFFER_BYTES: Final = 1 << 20
"""How much of each column is read at a time, since a row group may be larger than the memory."""

PART_BYTES: Final = 1 << 25
"""About how much is given at a time."""


class File:
    """One Parquet file."""

    def __init__(self, path: str) -> None:
        """Open a file.

        Raises:
            RefusalError: it is encrypted, cut off or damaged, or written in a way that cannot be read.
            OSError: the system cannot read it.
        """
        self._path = path
        with self._opened() as table:
            self._schema = table.schema_arrow

    def schema(self) -> Answer:
        """Give the columns, as Arrow writes a table without rows."""
        return Answer(None, [_stream(self._schema)])

    def begin(self, rows: int) -> Answer:
        """Begin to read, so many rows at a time."""
        self._batches = self._read(rows)
        return Answer()

    def go_on(self) -> Answer:
        """Read the rows that follow; gives how many the file has, and Arrow's stream of one batch, none at the end."""
        found = next(self._batches, None)
        return Answer(None) if found is None else Answer(found[0], [_stream(self._schema, found[1])])

    def _opened(self) -> pyarrow.parquet.ParquetFile:
        try:
            return pyarrow.parquet.ParquetFile(
                # Arrow would take a path for UTF-8, which it need not be.
                pa.OSFile(os.fsencode(self._path)),
                buffer_size=BUFFER_BYTES,
                coerce_int96_timestamp_unit="us",
                page_checksum_verification=True,
            )
        except UnicodeDecodeError:
            # Of values it is told which are no text; Arrow gives names only as texts.
            raise RefusalError(Why.NAMES) from None
        except (pa.ArrowException, OSError) as error:
            raise _refusal(error) from None

    def _read(self, rows: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        try:
            with self._opened() as table:
                count = table.metadata.num_rows
                for batch in table.iter_batches(rows, use_threads=False):
                    for part in _parts(batch):
                        yield count, part
        except (pa.ArrowException, OSError) as error:
            raise _refusal(error) from None


def _refusal(error: Exception) -> Exception:
    """Say what an error of Arrow's means, which tells some of them apart by their words alone."""
    # The system's own errors have a number; Arrow's have none.
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
        return error
    text = str(error)
    if "crypt" in text:
        return RefusalError(Why.ENCRYPTED)
    if isinstance(error, pa.ArrowNotImplementedError) or "supported" in text:
        return RefusalError(Why.UNSUPPORTED)
    return RefusalError(Why.DAMAGED)


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch of long texts, so that nobody has to hold more of it than need be."""
    rows = max(1, batch.num_rows * PART_BYTES // max(1, batch.nbytes))
    return (batch.slice(first, rows) for first in range(0, batch.num_rows, rows))


def _stream(schema: pa.Schema, *batches: pa.RecordBatch) -> pa.Buffer:
    target = pa.BufferOutputStream()
    with pa.ipc.new_stream(target, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return target.getvalue()
