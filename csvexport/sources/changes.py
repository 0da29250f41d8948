"""Whether a file is still what it was when it was looked at."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from csvexport.errors import SourceError

_Piece = TypeVar("_Piece")


def unchanged(pieces: Iterable[_Piece], path: Path, label: str, before: os.stat_result) -> Iterator[_Piece]:
    """Read a file to its end, and see that it did not change meanwhile; see `refuse_change`.

    Raises:
        SourceError: the file cannot be read to its end, or changed since it was looked at.
    """
    try:
        yield from pieces
        refuse_change(path, label, before)
    except OSError as error:
        raise SourceError(f"{label}: cannot be read: {error.strerror}") from error


def refuse_change(path: Path, label: str, before: os.stat_result) -> None:
    """See that a file did not change while it was read.

    Args:
        path: the file.
        label: how messages name it.
        before: what the system said of it at first.

    Raises:
        SourceError: size or modification time are others by now, or the file is gone.
    """
    try:
        after = path.stat()
    except OSError as error:
        raise SourceError(f"{label}: cannot be read: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceError(f"{label}: the file changed while it was read; wait until its export is complete")
