"""What is no file as it lies there: gzip, zip and zstd archives, and standard input.

Its content is written to a folder of the caller's, from which it is read like any other export. Size and SHA-256 in the
manifest are those of the content, so that packing an export anew makes no other batch.
"""

import gzip
import math
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final, Protocol, TypeVar

import pyarrow as pa

from csvexport.errors import SourceError
from csvexport.sources.changes import refuse_change
from csvexport.sources.forms import is_workbook

STDIN: Final = "-"
"""The path that stands for standard input."""

_CHUNK: Final = 1 << 20
_GZIP, _ZIP, _ZSTD = b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"

ARCHIVES: Final = (_GZIP, _ZIP, _ZSTD)
"""What archives begin with."""

# What Python's, zlib's and Arrow's readers raise where an archive is cut off or damaged.
_BROKEN: Final = (EOFError, OSError, zlib.error, zipfile.BadZipFile)

_Result = TypeVar("_Result")


class _Stream(Protocol):
    """What an archive's reader gives."""

    def read(self, size: int, /) -> bytes:
        """Give so many bytes, fewer only at the end."""


def unpacked(path: Path, label: str, folder: Path, limit: float = math.inf) -> list[tuple[str, Path]]:
    """Unpack an archive, told by its content; a workbook is none, although it is a zip.

    Args:
        path: the file.
        label: how messages name it.
        folder: where the content goes, under names that are free.
        limit: bytes that the content of an archive must not exceed.

    Returns:
        What to read instead, each with the name that messages give it; the file itself if it is no archive.

    Raises:
        SourceError: the file cannot be read or changed meanwhile, or the archive is damaged, cut off, encrypted,
            empty or too large.
        OSError: the content cannot be written.
    """
    try:
        before = path.stat()
        with path.open("rb") as file:
            magic = file.read(len(_ZIP))
    except FileNotFoundError as error:
        raise SourceError(f"{label}: no such file; check the path (looked for {path.absolute()})") from error
    except OSError as error:
        raise SourceError(f"{label}: cannot be read: {error.strerror}") from error
    if magic.startswith(_GZIP):
        with _told(label, gzip.open, path) as packed:
            found = [(label, _written(packed, folder, label, limit))]
    elif magic == _ZSTD:
        with _told(label, pa.CompressedInputStream, str(path), "zstd") as packed:
            found = [(label, _written(packed, folder, label, limit))]
    elif magic == _ZIP and not is_workbook(path):
        # Where a name is not marked as UTF-8, a Russian Windows has written it.
        with _told(label, partial(zipfile.ZipFile, metadata_encoding="cp866"), path) as archive:
            found = _members(archive, label, folder, limit)
    else:
        return [(label, path)]
    refuse_change(path, label, before)
    return found


def standard_input(folder: Path) -> Path:
    """Write standard input to a file of the folder.

    Raises:
        SourceError: nothing is piped in.
        OSError: the file cannot be written.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise SourceError('"-" is standard input, and nothing is piped in: cat deals.csv | csvexport build PROFILE -')
    return _written(sys.stdin.buffer, folder, "standard input")


def _members(archive: zipfile.ZipFile, label: str, folder: Path, limit: float) -> list[tuple[str, Path]]:
    members = [member for member in archive.infolist() if not member.is_dir() and not _is_hidden(member.filename)]
    if not members:
        raise SourceError(f"{label}: the archive is empty; export it again")
    # What is read of a member is never more than the archive says.
    _refuse_large(sum(member.file_size for member in members), limit, label)
    found = []
    for member in members:
        name = label if len(members) == 1 else f"{label}/{member.filename}"
        with _told(name, archive.open, member) as packed:
            found.append((name, _written(packed, folder, name)))
    return found


def _is_hidden(name: str) -> bool:
    """Whether a system put the file beside the others, as macOS does."""
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in PurePosixPath(name).parts)


def _written(packed: _Stream, folder: Path, label: str, limit: float = math.inf) -> Path:
    """Write a stream to a file, whose name is none of the archive's."""
    target = folder / f"source-{sum(1 for _ in folder.glob('source-*'))}"
    size = 0
    with target.open("wb") as file:
        while chunk := _told(label, packed.read, _CHUNK):
            size += len(chunk)
            _refuse_large(size, limit, label)
            file.write(chunk)
    return target


def _refuse_large(size: int, limit: float, label: str) -> None:
    if size > limit:
        raise SourceError(
            f"{label}: the archive holds more than source.max_megabytes allows; raise it if that is right"
        )


def _told(label: str, read: Callable[..., _Result], *arguments: object) -> _Result:
    """Call an archive's reader, and say of whatever it raises what that means."""
    try:
        return read(*arguments)
    except RuntimeError as error:
        raise SourceError(f"{label}: the archive is encrypted; unpack it first") from error
    except _BROKEN as error:
        raise SourceError(f"{label}: the archive is damaged or cut off; fetch it again") from error
