"""A batch while it is built: a hidden folder that becomes the batch in one step or leaves nothing behind."""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock

from csvexport.durable import PRIVATE_FILE, PRIVATE_FOLDER, lock_in_folder, sync_file, sync_folder

_PREFIX = ".building-"
_LOCK_SUFFIX = ".lock"


class Building:
    """A folder beside the batches; use it in a `with` statement.

    Files of the batch go to `batch`, files that only the build needs to `scratch`. `publish` makes the batch appear. At
    the end, whatever was not published is removed. What a killed build left is removed by the next build: each holds a
    lock that dies with its process.

    Attributes:
        batch: the folder that becomes the batch.
        scratch: a folder for the build's own files.
    """

    def __init__(self, parent: Path) -> None:
        """Prepare a build in `parent`, the folder of the profile's batches, which is made if it is not there."""
        self._parent = parent
        self._made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
        self._root = parent / f"{_PREFIX}{secrets.token_hex(6)}"
        self._lock = FileLock(_lock_path(self._root), mode=PRIVATE_FILE)
        self.batch = self._root / "batch"
        self.scratch = self._root / "scratch"

    def __enter__(self) -> Self:
        """Make the folders."""
        try:
            sweep(self._parent)
            lock_in_folder(self._parent, self._lock)
            for folder in (self._root, self.batch, self.scratch):
                folder.mkdir(PRIVATE_FOLDER)
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove what was not published, and the folders made for it as far as nothing else is in them."""
        self._clear()

    def _clear(self) -> None:
        _remove(self._root, self._lock)
        for folder in self._made:
            with suppress(OSError):
                folder.rmdir()

    def write(self, name: str, text: str) -> None:
        """Write a small file of the batch, as UTF-8."""
        (self.batch / name).write_text(text, encoding="utf-8", newline="\n")

    def sync(self) -> None:
        """Make the batch's files durable, and their owner's alone, as far as they are written; `publish` does both."""
        for path in list(self.batch.iterdir()):
            path.chmod(PRIVATE_FILE)
            sync_file(path)

    def publish(self, name: str) -> Path:
        """Make the batch appear under its name, whole and durable.

        Returns:
            The batch's folder. When a batch of this name is there already, it was made from the same input, and stays.
        """
        final = self._parent / name
        self.sync()
        sync_folder(self.batch)
        try:
            self.batch.rename(final)
        except OSError:
            if not final.is_dir():
                raise
        # Also where the batch is another build's, which may not have come so far yet.
        sync_folder(self._parent)
        return final


def remove_batch(folder: Path) -> None:
    """Remove a batch: its folder vanishes in one step. What is left of it if that is cut short, `sweep` removes.

    Raises:
        OSError: it stays as it is.
    """
    root = folder.with_name(f"{_PREFIX}{secrets.token_hex(6)}")
    lock = FileLock(_lock_path(root), mode=PRIVATE_FILE)
    lock.acquire()
    try:
        folder.rename(root)
        sync_folder(folder.parent)
    finally:
        _remove(root, lock)


def sweep(parent: Path) -> None:
    """Remove what killed runs left; what cannot be removed, as another user's, hinders nobody."""
    for root in parent.glob(f"{_PREFIX}*"):
        folder = root.with_suffix("") if root.suffix == _LOCK_SUFFIX else root
        lock = FileLock(_lock_path(folder), mode=PRIVATE_FILE)
        with suppress(OSError):
            lock.acquire(timeout=0)
            _remove(folder, lock)


def _remove(root: Path, lock: FileLock) -> None:
    """Remove a build and its lock.

    The lock's file goes while the lock is held: whoever waits for it then notices, and makes a new one. After the
    release it might be another's already. Windows removes no open file, so there a removed lock is nobody's.
    """
    shutil.rmtree(root, ignore_errors=True)
    if os.name == "nt":
        lock.release()
    with suppress(OSError):
        _lock_path(root).unlink()
    lock.release()


def _lock_path(root: Path) -> Path:
    return root.with_name(f"{root.name}{_LOCK_SUFFIX}")
