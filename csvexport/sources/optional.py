"""Columns that an export may leave out: optional properties on a day on which no record has one."""

from collections.abc import Collection, Mapping

import pyarrow as pa

from csvexport.blocks import Block, Deferred
from csvexport.columns import repeated
from csvexport.sources.protocol import Source, WidenedSource


class _Empty:
    """A column without a filled cell."""

    def __init__(self, count: int) -> None:
        self._count = count

    def take(self, places: pa.Array | None) -> pa.StringArray:
        """Give the column, or so many rows of it as there are places."""
        return repeated("", self._count if places is None else len(places))


class CompletedSource(WidenedSource):
    """A source with columns that it lacks, empty."""

    def __init__(self, source: Source, lacking: Collection[str]) -> None:
        """Put these columns behind the source's own."""
        super().__init__(source, lacking)
        self._lacking = tuple(lacking)

    def _more(self, block: Block) -> Mapping[str, Deferred]:
        return dict.fromkeys(self._lacking, _Empty(len(block.rows)))
