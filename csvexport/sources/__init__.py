"""Sources: a CRM's exports, opened and read as blocks of text rows."""

import glob
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from csvexport.blocks import Block
from csvexport.errors import SourceError
from csvexport.profile import Profile, SourceSettings
from csvexport.sources.delimited import DelimitedFile
from csvexport.sources.forms import find_format
from csvexport.sources.packed import STDIN, standard_input, unpacked
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
        """Number of the header's row; the rows of the first block count from the next."""

    def pieces(self) -> Iterator[Any]:
        """Read the source once; each piece says as `position` how many bytes have been read so far."""

    def parse(self, piece: Any, categories: Collection[str]) -> Block:  # noqa: ANN401 - each source has its own
        """Turn a piece into a block; safe to call from several threads."""

    def facts(self, rows: int, left_out: Counter[str]) -> SourceFacts:
        """Describe the source after `pieces` has come to its end."""


def open_sources(profile: Profile, exports: Sequence[str], expected: Collection[str], scratch: Path) -> list[Source]:
    """Look at every source without reading it.

    Args:
        profile: whose `[source]` says where the sources are and what overrules looking.
        exports: paths from the command line, relative to the current folder; they stand instead of `source.path`.
        expected: columns that the profile names.
        scratch: a folder of the caller's, for what archives and standard input hold.

    Raises:
        SourceError: no source is named, or one cannot be read.
        OSError: the scratch folder cannot be written to.
    """
    if not exports and not profile.source.path:
        raise SourceError(
            f"{profile.path.name}: source.path names no export; name one, or give it: build PROFILE EXPORT"
        )
    folder = profile.path.parent
    named = [(path, Path(path)) for path in exports] or [
        found for path in profile.source.path for found in _found(folder, path)
    ]
    files = [file for label, path in named for file in _unpacked(label, path, scratch)]
    return [_open(path, label, profile.source, expected) for label, path in files]


def _found(folder: Path, pattern: str) -> list[tuple[str, Path]]:
    """Find the files that a path or a pattern means, sorted, each with the name that messages give it."""
    path = folder / Path(pattern).expanduser()
    if pattern == STDIN:
        return [(pattern, Path(pattern))]
    if not glob.has_magic(pattern) or path.exists():
        return [(pattern, path)]
    paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - patterns may be absolute
    files = [path for path in paths if path.is_file()]
    if not files:
        raise SourceError(f"{pattern}: no file matches in {folder.resolve()}; check source.path in the profile")
    return [(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path), path) for path in files]


def _unpacked(label: str, path: Path, scratch: Path) -> list[tuple[str, Path]]:
    """Find what to read in a file, or in standard input."""
    if label == STDIN:
        path = standard_input(scratch)
        label = "standard input"
    if path.is_dir():
        raise SourceError(f"{label}: this is a folder; name the file in it")
    if path.exists() and not path.is_file():
        raise SourceError(f"{label}: this is no regular file, and it must be read twice; save its content to a file")
    return unpacked(path, label, scratch)


def _open(path: Path, label: str, settings: SourceSettings, expected: Collection[str]) -> Source:
    try:
        form = settings.format or find_format(path)
        if form == "csv":
            return DelimitedFile(path, label, settings, expected)
        from csvexport.sources.workbook import Workbook  # noqa: PLC0415 - few exports need its library

        return Workbook(path, label, settings, expected, form)
    except OSError as error:
        raise SourceError(f"{label}: cannot be read: {error.strerror}") from error
