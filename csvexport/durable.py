"""Writing so that a power cut loses nothing, and nobody sees half of it."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

_TRIES = 1000


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
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=timeout)
            return
    folder.mkdir(parents=True, exist_ok=True)
    lock.acquire(timeout=timeout)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; Windows and some network drives have no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that their names outlive a power cut.

    Raises:
        OSError: it cannot be made, or its name not be made durable.
    """
    try:
        folder.mkdir()
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    sync_folder(folder.parent)


def replace_text(path: Path, text: str) -> None:
    """Put a text into a file's place, as UTF-8, in one step."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
