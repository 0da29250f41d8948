"""Sources: a CRM's exports, opened and read as blocks of text rows."""

import glob
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from csvexport.errors import SourceError
from csvexport.masking import masked, printable
from csvexport.profile import ExportSettings, SourceSettings
from csvexport.profile.addresses import CREDENTIALS, is_address, read_address, refuse_exposure
from csvexport.profile.paths import expanded
from csvexport.sources.delimited import DelimitedFile
from csvexport.sources.forms import find_format
from csvexport.sources.joining import JoinedSource, Lookup, with_access
from csvexport.sources.labels import label_of
from csvexport.sources.optional import CompletedSource
from csvexport.sources.packed import STDIN, standard_input, unpacked
from csvexport.sources.protocol import Source
from csvexport.summary import SourceFacts

__all__ = ["Source", "joined_facts", "open_sources"]

# Of a folder's files those that are none of its exports: hidden ones, and the locks that Excel leaves beside one.
_HIDDEN = (".", "~$")

MOST_COLUMNS: Final = 1 << 14
"""So many columns a table may have, as in a spreadsheet; memory and time grow with their number for every row."""


def open_sources(
    settings: SourceSettings, folder: Path, exports: Sequence[str], expected: Collection[str], scratch: Path
) -> list[Source]:
    """Look at every source without reading it.

    Args:
        settings: where the sources are, and what overrules looking.
        folder: the profile's; `settings.path` and files of secrets are relative to it.
        exports: paths and addresses from the command line, relative to the current folder; they stand instead of
            `settings.path`.
        expected: columns that the profile names.
        scratch: a folder of the caller's, for what is fetched, and for what archives and standard input hold.

    Raises:
        SourceError: no source is named, or one cannot be fetched or read.
        ProfileError: a secret is not where the profile says.
        OSError: the scratch folder cannot be written to.
    """
    if not exports and not settings.path:
        raise SourceError("source.path in the profile names no export; name one, or give it: build PROFILE EXPORT")
    if settings.join is None:
        sources = _opened(settings, folder, exports, expected, scratch)
        return [_completed(source, settings.optional) for source in sources]
    join = with_access(settings.join, settings)
    own = frozenset(name for name in expected if not join.prefix or not name.startswith(join.prefix))
    sources = _opened(settings, folder, exports, own.union(join.on), scratch)
    others = frozenset(name.removeprefix(join.prefix) for name in expected if name.startswith(join.prefix))
    lookup = Lookup(_opened(join, folder, (), others.union(join.on.values()), scratch), join)
    optional = [name for name in settings.optional if name not in lookup.columns]
    completed = [_completed(source, optional) for source in sources]
    # What comes back in a `rejected.csv` has the joined columns already.
    return [source if source.is_rejected_file else JoinedSource(source, lookup) for source in completed]


def joined_facts(sources: Iterable[Source]) -> list[SourceFacts]:
    """Describe what was joined to the sources, after they have been read."""
    lookups = dict.fromkeys(source.lookup for source in sources if isinstance(source, JoinedSource))
    return [facts for lookup in lookups for facts in lookup.facts()]


def _completed(source: Source, optional: Sequence[str]) -> Source:
    """Give the source every column that it may lack."""
    lacking = [name for name in optional if name not in source.columns]
    return CompletedSource(source, lacking) if lacking else source


def _opened(
    settings: ExportSettings, folder: Path, exports: Sequence[str], expected: Collection[str], scratch: Path
) -> list[Source]:
    """Look at every file of one source."""
    paths = exports or settings.path
    _refuse_exposure([_address(path) for path in paths if is_address(path)], settings)
    files = _told_apart(
        (_shown(label), file)
        for path in paths
        for label, file in _located(path, settings, folder, scratch, given=bool(exports))
    )
    return [_open(path, label, settings, expected) for label, path in files]


def _shown(label: str) -> str:
    """Name a file as every message does; its name may be somebody's phone, or made to act on a terminal."""
    return printable(masked(label))


def _address(named: str) -> str:
    try:
        return read_address(named)
    except ValueError as error:
        # Not shown, since it may hold a password.
        raise SourceError(f"an address among the exports: {error}") from None


def _refuse_exposure(remote: Sequence[str], settings: ExportSettings) -> None:
    """See that credentials can be sent; those of a profile are known to fit the addresses in it."""
    for key in CREDENTIALS:
        if getattr(settings, key):
            try:
                refuse_exposure(remote)
            except ValueError as error:
                raise SourceError(f"source.{key}: {error}") from None


def _told_apart(files: Iterable[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Give each file a name of its own; two addresses may differ in what is not shown of them."""
    found: dict[str, Path] = {}
    tries: dict[str, Iterator[int]] = {}
    for label, path in files:
        again = tries.setdefault(label, itertools.count(1))
        names = (label if number == 1 else f"{label} ({number})" for number in again)
        found[next(name for name in names if name not in found)] = path
    return list(found.items())


def _located(
    named: str, settings: ExportSettings, folder: Path, scratch: Path, *, given: bool
) -> list[tuple[str, Path]]:
    """Find, or fetch, what to read where a path means it; `given`: on the command line."""
    if is_address(named):
        from csvexport.sources.access import Access  # noqa: PLC0415 - few runs need it
        from csvexport.sources.download import download  # noqa: PLC0415 - likewise

        access = Access.of(settings, folder)
        label, path = download(named, access, scratch)
        return unpacked(path, label, scratch, access.max_bytes)
    try:
        found = _found(Path() if given else folder, named, is_pattern=not given)
        _refuse_special(found)
    except OSError as error:
        raise SourceError(f"{label_of(named)}: cannot be read: {error.strerror}") from error
    limit = settings.max_megabytes << 20
    return [file for name, path in found for file in _unpacked(label_of(name), path, scratch, limit)]


def _found(folder: Path, named: str, *, is_pattern: bool) -> list[tuple[str, Path]]:
    """Find the files that a path, a folder or a pattern means, sorted, each with the name that messages give it."""
    if named == STDIN:
        return [(named, Path(named))]
    path = folder / expanded(named)
    if path.is_dir():
        found = sorted(inner for inner in path.iterdir() if inner.is_file() and not inner.name.startswith(_HIDDEN))
        if not found:
            raise SourceError(f"{label_of(named)}: there is no file in this folder")
    elif is_pattern and glob.has_magic(named) and not path.exists():
        paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - patterns may be absolute
        found = [path for path in paths if path.is_file()]
        if not found:
            raise SourceError(f"{named}: no file matches in {folder.resolve()}; check source.path in the profile")
    else:
        return [(named, path)]
    return [(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path), path) for path in found]


def _refuse_special(found: Iterable[tuple[str, Path]]) -> None:
    """See that none of the paths is a pipe or a device, which ends when it likes and can be read but once."""
    for label, path in found:
        if label != STDIN and path.exists() and not path.is_file():
            raise SourceError(
                f"{label_of(label)}: this is no regular file, and it must be read twice; save its content to a file"
            )


def _unpacked(label: str, path: Path, scratch: Path, limit: int) -> list[tuple[str, Path]]:
    """Find what to read in a file, or in standard input."""
    if label == STDIN:
        path = standard_input(scratch, limit)
        label = "standard input"
    return unpacked(path, label, scratch, limit)


def _open(path: Path, label: str, settings: ExportSettings, expected: Collection[str]) -> Source:
    """Open a file as what it is, and see that it is a table."""
    source = _opened_as(path, label, settings, expected)
    if len(source.columns) > MOST_COLUMNS:
        raise SourceError(f"{label}: there are more than {MOST_COLUMNS:,} columns; this is no export")
    return source


def _opened_as(path: Path, label: str, settings: ExportSettings, expected: Collection[str]) -> Source:
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

            return ParquetTable(path, label, settings.max_megabytes << 20)
        from csvexport.sources.workbook import Workbook  # noqa: PLC0415

        return Workbook(path, label, settings, expected, form)
    except OSError as error:
        raise SourceError(f"{label}: cannot be read: {error.strerror}") from error
