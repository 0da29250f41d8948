"""What is no file as it lies there: gzip, zip and zstd archives, and standard input.

Its content is written to a folder of the caller's, from which it is read like any other export. Size and SHA-256 in the
manifest are those of the content, so that packing an export anew makes no other batch.
"""

import gzip
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Final, Protocol, TypeVar

import pyarrow as pa

from csvexport.errors import SourceError
from csvexport.sources.changes import refuse_change
from csvexport.sources.forms import LongListError, is_workbook, opened_zip
from csvexport.sources.labels import label_of

STDIN: Final = "-"
"""The path that stands for standard input."""

_CHUNK: Final = 1 << 20
_GZIP, _ZIP, _ZSTD = b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"

ARCHIVES: Final = (_GZIP, _ZIP, _ZSTD)
"""What archives begin with."""

MOST_FILES: Final = 10_000
"""So many files an archive may hold; each is opened as a source of its own."""

_IS_ENCRYPTED: Final = 1

_Result = TypeVar("_Result")


class _Stream(Protocol):
    """What an archive's reader gives."""

    def read(self, size: int, /) -> bytes:
        """Give so many bytes, fewer only at the end."""


def unpacked(path: Path, label: str, folder: Path, limit: int) -> list[tuple[str, Path]]:
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
        with path.open("rb") as file, _told(label, pa.CompressedInputStream, file, "zstd") as packed:
            found = [(label, _written(packed, folder, label, limit))]
    elif magic == _ZIP and not is_workbook(path):
        with path.open("rb") as file, _told(label, opened_zip, file) as archive:
            found = _members(archive, label, folder, limit)
    else:
        return [(label, path)]
    refuse_change(path, label, before)
    return found


def standard_input(folder: Path, limit: int) -> Path:
    """Write standard input, of at most so many bytes, to a file of the folder.

    Raises:
        SourceError: nothing is piped in, or too much.
        OSError: the file cannot be written.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise SourceError('"-" is standard input, and nothing is piped in: cat deals.csv | csvexport build PROFILE -')
    return _written(sys.stdin.buffer, folder, "standard input", limit, "it")


def _members(archive: zipfile.ZipFile, label: str, folder: Path, limit: int) -> list[tuple[str, Path]]:
    members = [member for member in archive.infolist() if not member.is_dir() and not _is_hidden(member.filename)]
    if not members:
        raise SourceError(f"{label}: the archive is empty; export it again")
    if len(members) > MOST_FILES:
        raise _too_many(label)
    found = []
    for member in members:
        name = label if len(members) == 1 else f"{label}/{label_of(member.filename)}"
        if member.flag_bits & _IS_ENCRYPTED:
            raise SourceError(f"{name}: the archive is encrypted; unpack it first")
        with _told(name, archive.open, member) as packed:
            found.append((name, _written(packed, folder, name, limit)))
        limit -= found[-1][1].stat().st_size
    return found


def _too_many(label: str) -> SourceError:
    return SourceError(f"{label}: the archive holds more than {MOST_FILES:,} files; is it the right one?")


def _is_hidden(name: str) -> bool:
    """Whether a system put the file beside the others, as macOS does."""
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in PurePosixPath(name).parts)


def _written(packed: _Stream, folder: Path, label: str, limit: int, what: str = "the archive") -> Path:
    """Write a stream to a file, whose name is none of the archive's."""
    size = 0
    with NamedTemporaryFile(dir=folder, prefix="source-", delete=False) as file:
        while chunk := _told(label, packed.read, _CHUNK):
            size += len(chunk)
            if size > limit:
                raise SourceError(
                    f"{label}: {what} holds more than source.max_megabytes allows; raise it if that is right"
                )
            file.write(chunk)
    return Path(file.name)


def _told(label: str, read: Callable[..., _Result], *arguments: object) -> _Result:
    """Call an archive's reader, and say of whatever it raises what that means."""
    try:
        return read(*arguments)
    except NotImplementedError as error:
        said = "the archive is packed in a way that cannot be read; unpack it first, or pack it as plain zip or gzip"
        raise SourceError(f"{label}: {said}") from error
    except UnicodeDecodeError:
        said = "the name of a file in the archive is not UTF-8, as which it is marked; unpack it first, or pack it anew"
        raise SourceError(f"{label}: {said}") from None
    except LongListError:
        raise _too_many(label) from None
    except Exception as error:
        # Python's, zlib's, lzma's and Arrow's readers have dozens of words for the same.
        raise SourceError(f"{label}: the archive is damaged or cut off; fetch it again") from error
