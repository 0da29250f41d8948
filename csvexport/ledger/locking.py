"""The lock on a profile's batches: one run is at work on them at a time."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from filelock import FileLock, Timeout

from csvexport.durable import lock_in_folder
from csvexport.errors import BusyError, LedgerError

LOCK: Final = ".lock"
HOLDER: Final = ".lock.json"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is at work.

    Attributes:
        pid: number of the process.
        host: the machine.
        command: which of csvexport's.
        since: when it began, UTC, as ISO 8601 writes it.
    """

    pid: int
    host: str
    command: str
    since: str

    @classmethod
    def here(cls, command: str) -> Self:
        """Describe this process."""
        return cls(os.getpid(), socket.gethostname(), command, datetime.now(UTC).isoformat(" ", "seconds"))

    def __str__(self) -> str:
        """Say it in words."""
        return f"csvexport {self.command} (process {self.pid} on {self.host}) since {self.since[:19]} UTC"


@contextmanager
def profile_lock(out: Path, profile: str, command: str) -> Iterator[None]:
    """Keep other runs away from a profile's batches; the lock ends with the process, however that ends.

    Args:
        out: the folder of all batches.
        profile: name of the profile; its folder is made if it is not there.
        command: what others are told.

    Raises:
        BusyError: another run is at work; it says which one, and since when.
        LedgerError: the folder cannot be written to.
    """
    folder = out / profile
    lock = FileLock(folder / LOCK)
    try:
        lock_in_folder(folder, lock, timeout=0)
    except Timeout:
        raise BusyError(f"{profile}: {_holder(folder)} is at work on its batches; nothing was done") from None
    except OSError as error:
        raise LedgerError(f"{folder}: cannot be locked: {error.strerror}") from error
    try:
        # Only told to others, who look at it while the lock is held; a stale one misleads nobody.
        with suppress(OSError):
            (folder / HOLDER).write_text(json.dumps(asdict(Holder.here(command))), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    """Say who holds the lock, as far as can be known."""
    with suppress(OSError, ValueError, TypeError):
        return str(Holder(**json.loads((folder / HOLDER).read_text(encoding="utf-8"))))
    return "another run"
