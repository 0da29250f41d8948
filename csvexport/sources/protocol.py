"""What every source is, whatever its form."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Protocol

from csvexport.blocks import Block
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
