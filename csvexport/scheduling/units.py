"""The files that a scheduler is given, printed or written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from csvexport.errors import OutputError, UsageError


@dataclass(frozen=True, slots=True)
class Unit:
    """A file that a scheduler is given.

    Attributes:
        name: of the file.
        text: what is in it.
        encoding: in which it is written; printed, it may be in any.
    """

    name: str
    text: str
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a scheduler is given, and how.

    Attributes:
        units: the files.
        hints: lines for a person: how they are installed, and what has to be there.
    """

    units: tuple[Unit, ...]
    hints: tuple[str, ...]


def printed(units: Sequence[Unit]) -> str:
    """Give the units as one text; of several, a line tells the file's name of each."""
    if len(units) == 1:
        return units[0].text
    return "\n".join(f"# {unit.name}\n{unit.text}" for unit in units)


def write(units: Sequence[Unit], folder: Path) -> tuple[Path, ...]:
    """Write the units into a folder, which is made if it is not there.

    Returns:
        Their files. One that was there already, and the same, is left alone.

    Raises:
        UsageError: another one is there; nothing was written.
        OutputError: a file cannot be written.
    """
    contents = {folder / unit.name: unit.text.encode(unit.encoding) for unit in units}
    try:
        missing = [path for path, content in contents.items() if not _is_there(path, content)]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            with path.open("xb") as file:
                file.write(contents[path])
    except OSError as error:
        raise OutputError(f"--to: {error.filename or folder} cannot be written: {error.strerror}") from error
    return tuple(contents)


def _is_there(path: Path, content: bytes) -> bool:
    if not os.path.lexists(path):
        return False
    if not path.is_file() or path.read_bytes() != content:
        raise UsageError(f"--to: {path} is there already, and another; remove it first, or name another folder")
    return True
