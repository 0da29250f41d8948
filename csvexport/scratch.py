"""Folders for temporary files, and what to do where there is no room for them."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from csvexport.errors import CsvexportError, OutputError

# What the system says of a folder, and what that means.
_MEANINGS: Final = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "full"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "not writable"),
}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder for temporary files, which is removed at the end.

    Raises:
        OutputError: there is none, or it cannot be written to; it is said which one that is, and how to name another.
    """
    try:
        place = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise OutputError(
            "there is no temporary folder that can be written to; make room in one, or name one with TMPDIR"
        ) from error
    try:
        with tempfile.TemporaryDirectory(prefix="csvexport-") as folder:
            yield Path(folder)
    except CsvexportError:
        raise
    except OSError as error:
        if error.filename is not None and place not in Path(error.filename).parents:
            raise OutputError(f"{error.filename}: cannot be read or written: {error.strerror}") from error
        raise OutputError(
            f"{place}: the temporary folder {_state(error)}: {error.strerror or error};"
            f" {remedy(error)}name another folder with TMPDIR"
        ) from error


def _state(error: OSError) -> str:
    meaning = _MEANINGS.get(error.errno or 0)
    return f"is {meaning}" if meaning else "cannot be used"


def remedy(error: OSError) -> str:
    """Give what is to be done about a folder that cannot be written to, as the beginning of "or name another"."""
    meaning = _MEANINGS.get(error.errno or 0)
    if meaning == "full":
        return "make room there, or "
    return "give the user who runs csvexport permission there, or " if meaning else ""
