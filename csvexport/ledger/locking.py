"""The lock on a profile's batches: one run is at work on them at a time, and others are told which, and until when."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from filelock import FileLock, Timeout

from csvexport.durable import PRIVATE_FILE, lock_in_folder, private_file
from csvexport.errors import BusyError, LedgerError, StuckError

LOCK: Final = ".lock"
HOLDER: Final = ".lock.json"

# Seconds that a change of the ledger waits for another process's, each of which takes milliseconds.
PATIENCE: Final = 30

# Seconds that a step may take which has no limit of its own, such as reading a large export from a slow disk.
UNLIMITED: Final = 6 * 3600

# Seconds beyond the limit of a step after which it is taken to hang: noting what was done takes moments.
GRACE: Final = 60


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is at work.

    Attributes:
        pid: number of the process.
        host: the machine.
        command: which of csvexport's.
        since: when it began, UTC, as ISO 8601 writes it.
        doing: what it is doing now; may be empty.
        until: when that must have ended, in seconds of the machine's monotonic clock, which no one can set.
    """

    pid: int
    host: str
    command: str
    since: str
    doing: str = ""
    until: float = float("inf")

    @classmethod
    def here(cls, command: str) -> Self:
        """Describe this process."""
        since = datetime.now(UTC).isoformat(" ", "seconds")
        return cls(os.getpid(), socket.gethostname(), command, since, until=time.monotonic() + UNLIMITED)

    @property
    def is_stuck(self) -> bool:
        """Whether it has been at its step for longer than that may take; of another machine's nobody can tell."""
        return self.host == socket.gethostname() and time.monotonic() > self.until

    def __str__(self) -> str:
        """Say it in words."""
        step = f", {self.doing}" if self.doing else ""
        return f"csvexport {self.command} (process {self.pid} on {self.host}{step}) since {self.since[:19]} UTC"


class Hold:
    """A lock that is held: others are told what is being done."""

    def __init__(self, folder: Path, command: str) -> None:
        """Tell that work begins."""
        self._path = folder / HOLDER
        self._holder = Holder.here(command)
        self._tell()

    def begin(self, doing: str, limit: float = UNLIMITED) -> None:
        """Tell others what is done from now on, and how many seconds it may take."""
        self._holder = replace(self._holder, doing=doing, until=time.monotonic() + limit + GRACE)
        self._tell()

    def _tell(self) -> None:
        # Only told to others, who look at it while the lock is held; a stale one misleads nobody.
        with suppress(OSError), open(self._path, "w", encoding="utf-8", opener=private_file) as file:
            file.write(json.dumps(asdict(self._holder)))

    def end(self) -> None:
        """Tell nothing any more."""
        with suppress(OSError):
            self._path.unlink()


@contextmanager
def guard(path: Path) -> Iterator[None]:
    """Keep `ledger rebuild` from replacing a ledger in the middle of a change, and changes from beginning meanwhile.

    Raises:
        LedgerError: another process does not let it go, or it cannot be locked.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE, mode=PRIVATE_FILE)
    try:
        lock.acquire()
    except Timeout:
        raise LedgerError(f"{path}: another csvexport does not let it go; try again") from None
    except OSError as error:
        raise LedgerError(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def profile_lock(out: Path, profile: str, command: str) -> Iterator[Hold]:
    """Keep other runs away from a profile's batches; the lock ends with the process, however that ends.

    Args:
        out: the folder of all batches.
        profile: name of the profile; its folder is made if it is not there.
        command: what others are told.

    Raises:
        BusyError: another run is at work; it says which one, and since when.
        StuckError: another run is at work, for longer than its limits allow.
        LedgerError: the folder cannot be written to.
    """
    folder = out / profile
    lock = FileLock(folder / LOCK, mode=PRIVATE_FILE)
    try:
        lock_in_folder(folder, lock, timeout=0)
    except Timeout:
        raise _busy(profile, folder) from None
    except OSError as error:
        raise LedgerError(f"{folder}: cannot be locked: {error.strerror}") from error
    try:
        hold = Hold(folder, command)
        try:
            yield hold
        finally:
            hold.end()
    finally:
        lock.release()


def _busy(profile: str, folder: Path) -> BusyError:
    """Say who holds the lock, as far as can be known."""
    try:
        holder = Holder(**json.loads((folder / HOLDER).read_text(encoding="utf-8")))
        if holder.is_stuck:
            return StuckError(
                f"{profile}: {holder} is at work on its batches, for longer than its limits allow, so that nothing is"
                " delivered; look at that process, and end it if it hangs: the next run finishes its work"
            )
    except (OSError, ValueError, TypeError):
        return BusyError(f"{profile}: another run is at work on its batches; nothing was done")
    return BusyError(f"{profile}: {holder} is at work on its batches; nothing was done")
