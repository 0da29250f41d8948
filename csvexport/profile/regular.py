"""Small files that a profile is, or that it names: read whole, if they are files at all."""

import os
import stat
from pathlib import Path


class IrregularError(ValueError):
    """A path is a pipe or a device, which may have no end, or may never begin; the message says so."""


def regular_bytes(path: Path, most: int) -> bytes | None:
    """Give the content of a file of at most so many bytes; None if there is more.

    Raises:
        IrregularError: it is no regular file.
        OSError: it cannot be read.
    """
    refuse_irregular(path.stat())
    with path.open("rb") as file:
        # What the path leads to may have changed meanwhile.
        refuse_irregular(os.fstat(file.fileno()))
        content = file.read(most + 1)
    return content if len(content) <= most else None


def refuse_irregular(found: os.stat_result) -> None:
    """See that something is a regular file.

    Raises:
        IrregularError: it is none.
    """
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise IrregularError(f"this is {what}; name a file")
