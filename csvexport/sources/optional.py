"""Columns that an export may leave out: optional properties on a day on which no record has one."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from csvexport.blocks import Block
from csvexport.columns import repeated
from csvexport.sources.protocol import Source
from csvexport.summary import SourceFacts


class _Empty:
    """A column without a filled cell."""

    def __init__(self, count: int) -> None:
        self._count = count

    def take(self, places: pa.Array | None) -> pa.StringArray:
        """Give the column, or so many rows of it as there are places."""
        return repeated("", self._count if places is None else len(places))


class CompletedSource:
    """A source with columns that it lacks, empty; see `Source`."""

    def __init__(self, source: Source, lacking: Collection[str]) -> None:
        """Put these columns behind the source's own."""
        self.label = source.label
        self.columns = (*source.columns, *lacking)
        self.size = source.size
        self.is_rejected_file = source.is_rejected_file
        self._source = source
        self._lacking = tuple(lacking)

    @property
    def header_row(self) -> int:
        """Number of the header's row."""
        return self._source.header_row

    def pieces(self) -> Iterator[Any]:
        """Read the source once."""
        return self._source.pieces()

    def parse(self, piece: Any, categories: Collection[str]) -> Block:  # noqa: ANN401 - each source has its own
        """Turn a piece into a block; safe to call from several threads."""
        block = self._source.parse(piece, categories)
        empty = _Empty(len(block.rows))
        columns = {name: block.columns[name] for name in block.columns} | dict.fromkeys(self._lacking, empty)
        return replace(block, columns=columns)

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the source."""
        return self._source.facts(rows, left_out)
