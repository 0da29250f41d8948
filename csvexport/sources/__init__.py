"""Sources: a CRM's exports, opened and read as blocks of text rows."""

import glob
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from csvexport.blocks import Block
from csvexport.errors import SourceError
from csvexport.profile import SourceSettings
from csvexport.sources.delimited import DelimitedFile
from csvexport.sources.forms import find_format
from csvexport.sources.packed import STDIN, standard_input, unpacked
from csvexport.summary import SourceFacts

# Of a folder's files those that are none of its exports: hidden ones, and the locks that Excel leaves beside a workbook.
_HIDDEN = (".", "~$")


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


def open_sources(
    settings: SourceSettings, folder: Path, exports: Sequence[str], expected: Collection[str], scratch: Path
) -> list[Source]:
    """Look at every source without reading it.

    Args:
        settings: where the sources are, and what overrules looking.
        folder: the profile's; `settings.path` and files of secrets are relative to it.
        exports: paths from the command line, relative to the current folder; they stand instead of `settings.path`.
        expected: columns that the profile names.
        scratch: a folder of the caller's, for what is fetched, and for what archives and standard input hold.

    Raises:
        SourceError: no source is named, or one cannot be read.
        ProfileError: a secret is not where the profile says.
        OSError: the scratch folder cannot be written to.
    """
    if not exports and not settings.path:
        raise SourceError("source.path in the profile names no export; name one, or give it: build PROFILE EXPORT")
    named = [found for path in exports for found in _found(Path(), path, is_pattern=False)] or [
        found for path in settings.path for found in _found(folder, path, is_pattern=True)
    ]
    files = [file for label, path in named for file in _unpacked(label, path, scratch)]
    return [_open(path, label, settings, expected) for label, path in files]


def _found(folder: Path, named: str, *, is_pattern: bool) -> list[tuple[str, Path]]:
    """Find the files that a path, a folder or a pattern means, sorted, each with the name that messages give it."""
    if named == STDIN:
        return [(named, Path(named))]
    path = folder / Path(named).expanduser()
    if path.is_dir():
        found = sorted(inner for inner in path.iterdir() if inner.is_file() and not inner.name.startswith(_HIDDEN))
        if not found:
            raise SourceError(f"{named}: there is no file in this folder")
    elif is_pattern and glob.has_magic(named) and not path.exists():
        paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - patterns may be absolute
        found = [path for path in paths if path.is_file()]
        if not found:
            raise SourceError(f"{named}: no file matches in {folder.resolve()}; check source.path in the profile")
    else:
        return [(named, path)]
    return [(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path), path) for path in found]


def _unpacked(label: str, path: Path, scratch: Path) -> list[tuple[str, Path]]:
    """Find what to read in a file, or in standard input."""
    if label == STDIN:
        path = standard_input(scratch)
        label = "standard input"
    if path.exists() and not path.is_file():
        raise SourceError(f"{label}: this is no regular file, and it must be read twice; save its content to a file")
    return unpacked(path, label, scratch)


def _open(path: Path, label: str, settings: SourceSettings, expected: Collection[str]) -> Source:
    """Open a file as what it is; few exports need the libraries of the other forms."""
    try:
        form = settings.format or find_format(path)
        if form == "csv":
            return DelimitedFile(path, label, settings, expected)
        if form in {"json", "jsonl"}:
            from csvexport.sources.objects import JsonFile  # noqa: PLC0415

            return JsonFile(path, label, settings, expected, form)
        if form == "xml":
            from csvexport.sources.markup import XmlFile  # noqa: PLC0415

            return XmlFile(path, label, settings, expected)
        if form == "parquet":
            from csvexport.sources.parquet import ParquetTable  # noqa: PLC0415

            return ParquetTable(path, label)
        from csvexport.sources.workbook import Workbook  # noqa: PLC0415

        return Workbook(path, label, settings, expected, form)
    except OSError as error:
        raise SourceError(f"{label}: cannot be read: {error.strerror}") from error
