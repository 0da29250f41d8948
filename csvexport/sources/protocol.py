"""What every source is, whatever its form, and a source that has more columns than its own."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from csvexport.blocks import Block, Deferred
from csvexport.summary import SourceFacts


class Source(Protocol):
    """One export, whatever its form.

    Attributes:
        label: the path as the user gave it.
        columns: names of its columns.
        size: bytes of the file.
        is_rejected_file: whether this is a `rejected.csv` that comes back.
    """

    label: str
    columns: tuple[str, ...]
    size: int
    is_rejected_file: bool

    @property
    def header_row(self) -> int:
        """Number of the header's row, 0 where there is none; the rows of the first block count from the next."""

    def pieces(self) -> Iterator[Any]:
        """Read the source once; each piece says as `position` how many bytes have been read so far."""

    def parse(self, piece: Any, categories: Collection[str]) -> Block:  # noqa: ANN401 - each source has its own
        """Turn a piece into a block; safe to call from several threads."""

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the source after `pieces` has come to its end."""


class WidenedSource(ABC):
    """A source with columns behind its own; see `Source`."""

    def __init__(self, source: Source, columns: Collection[str]) -> None:
        """Put columns of these names behind the source's own, which have other names."""
        self.label = source.label
        self.columns = (*source.columns, *columns)
        self.size = source.size
        self.is_rejected_file = source.is_rejected_file
        self._source = source

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
        return replace(block, columns={**block.columns, **self._more(block)})

    @abstractmethod
    def _more(self, block: Block) -> Mapping[str, Deferred]:
        """Give the columns behind the block's own, in their order."""

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the source, as if it had no more than its own columns."""
        return self._source.facts(rows, left_out)
