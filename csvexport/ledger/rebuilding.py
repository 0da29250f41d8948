"""Restoring a ledger that is lost or damaged from what the batches' folders tell."""

import os
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from csvexport.durable import sync_file, sync_folder
from csvexport.errors import LedgerError
from csvexport.ledger.books import LEDGER, profiles
from csvexport.ledger.database import Database, take_back
from csvexport.ledger.deriving import derive
from csvexport.ledger.locking import guard, profile_lock

# What SQLite keeps beside a ledger in the middle of a change, and, with older versions of csvexport, while it is open.
_BESIDE = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a ledger was restored from.

    Attributes:
        path: the ledger.
        batches: how many batches it knows.
        unreadable: what is wrong with the other folders.
        kept: where the ledger that was there went; None where there was none.
    """

    path: Path
    batches: int
    unreadable: tuple[str, ...]
    kept: Path | None


def rebuild(out: Path) -> Rebuilt:
    """Restore the ledger of a folder from the batches in it; the one that was there is kept beside it.

    Raises:
        BusyError: a run is at work on the batches of a profile.
        LedgerError: the ledger cannot be written, or there is nothing to restore it from.
    """
    names = profiles(out)
    if not names:
        raise LedgerError(f"{out} holds no batches; name the folder of all batches with --out")
    path, part = out / LEDGER, out / f".{LEDGER}.part"
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(profile_lock(out, name, "ledger rebuild"))
        try:
            _remove(part)
            count, unreadable = _fill(part, [out / name for name in names])
            with guard(path):
                kept = _put_in_place(part, path)
        except OSError as error:
            raise LedgerError(f"{path}: cannot be written: {error.strerror}") from error
        finally:
            _remove(part)
    return Rebuilt(path, count, tuple(unreadable), kept)


def _fill(path: Path, profiles: list[Path]) -> tuple[int, list[str]]:
    """Make a ledger of the batches of profiles; give how many it knows, and what is wrong with the others."""
    unreadable = []
    with Database.open(path) as database, database.change():
        for profile in profiles:
            unreadable += derive(database, profile, with_known=True)
        return sum(len(database.names(profile.name)) for profile in profiles), unreadable


def _put_in_place(part: Path, path: Path) -> Path | None:
    """Put a new ledger into the place of the old one, in one step; give where that went."""
    kept = None
    if path.exists():
        take_back(path)
        kept = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}Z")
        _keep(path, kept)
    # What is left of a change of the old one must not be applied to the new one.
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            beside = path.with_name(path.name + suffix)
            beside.replace(kept.with_name(kept.name + suffix)) if kept is not None else beside.unlink()
    # Also when a power cut leaves the next step and not those before it.
    sync_folder(path.parent)
    part.replace(path)
    sync_folder(path.parent)
    return kept


def _keep(path: Path, kept: Path) -> None:
    """Give a ledger a second name, or copy it where the file system has no links."""
    kept.unlink(missing_ok=True)
    try:
        os.link(path, kept)
    except OSError:
        shutil.copyfile(path, kept)
        sync_file(kept)


def _remove(path: Path) -> None:
    for suffix in ("", *_BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.with_name(f".{path.name}.lock").unlink(missing_ok=True)
