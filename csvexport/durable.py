"""Writing so that a power cut loses nothing, and nobody sees half of it."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from filelock import FileLock

_TRIES = 1000

# What file systems answer that cannot make the names in a folder durable.
_NO_SYNC: Final = frozenset({errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})

PRIVATE_FILE: Final = 0o600
"""Who may use what holds customers' data, or tells of it: its owner."""

PRIVATE_FOLDER: Final = 0o700


def lock_in_folder(folder: Path, lock: FileLock, timeout: float = -1) -> None:
    """Make a folder and take a lock whose file stands in it.

    A build that ends without a batch removes the folders that it made, as far as they are empty. The lock's file keeps
    this one; until it is there, the folder may vanish again.

    Args:
        folder: the folder, made with those above it.
        lock: the lock.
        timeout: how long to wait for another's hold, in seconds; below 0: as long as it takes.

    Raises:
        Timeout: another holds the lock.
        OSError: the folder or the lock's file cannot be made.
    """
    for _ in range(_TRIES):
        with suppress(FileNotFoundError, FileExistsError):  # the latter where it vanishes while it is looked at
            make_folder(folder, PRIVATE_FOLDER)
            lock.acquire(timeout=timeout)
            return
    make_folder(folder, PRIVATE_FOLDER)
    lock.acquire(timeout=timeout)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder with those above it, durably; one that is there already stays as it is.

    Args:
        folder: the folder.
        mode: the permissions of every folder that is made, less the umask.

    Raises:
        OSError: one of them cannot be made, or is a file.
    """
    try:
        folder.mkdir(mode)
    except FileNotFoundError:
        if folder.parent == folder:  # the working folder is gone
            raise
        make_folder(folder.parent, mode)
        folder.mkdir(mode, exist_ok=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    sync_folder(folder.parent)


def private_file(path: str, flags: int) -> int:
    """Open a file for `open(..., opener=private_file)`: if it is made, only its owner may use it."""
    return os.open(path, flags, PRIVATE_FILE)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where that can be asked for.

    Windows and some network drives have no such call, and a folder that may be written to and not read cannot be asked.

    Raises:
        OSError: they may not be durable, as the disk fails.
    """
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of a file durable.

    Raises:
        OSError: it may not be durable, as the disk fails.
    """
    # Windows flushes no file that is open for reading alone.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def replace_text(path: Path, text: str) -> None:
    """Put a text into a file's place, as UTF-8, in one step; only its owner may read it."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with open(part, "x", encoding="utf-8", newline="\n", opener=private_file) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
