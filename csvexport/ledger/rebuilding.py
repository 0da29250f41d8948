"""Restoring a ledger that is lost or damaged from what the batches' folders tell."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from csvexport.durable import sync_folder
from csvexport.errors import LedgerError
from csvexport.ledger.books import LEDGER, profiles
from csvexport.ledger.database import Database
from csvexport.ledger.locking import profile_lock
from csvexport.ledger.records import Record, batch_folders, merged_batches, of_removed_folder

# What SQLite keeps beside a ledger while somebody has it open, or where somebody was killed.
_BESIDE = ("-wal", "-shm")


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
    part = out / f".{LEDGER}.part"
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(profile_lock(out, name, "ledger rebuild"))
        try:
            _remove(part)
            count, unreadable = _fill(part, [out / name for name in names])
            kept = _put_in_place(part, out / LEDGER)
        except OSError as error:
            raise LedgerError(f"{out / LEDGER}: cannot be written: {error.strerror}") from error
    return Rebuilt(out / LEDGER, count, tuple(unreadable), kept)


def _fill(path: Path, profiles: Sequence[Path]) -> tuple[int, list[str]]:
    """Make a ledger of the batches of profiles; give how many it knows, and what is wrong with the others."""
    count, unreadable = 0, []
    with Database(path) as database:
        for profile in profiles:
            known: dict[str, Record] = {}
            for folder in batch_folders(profile):
                try:
                    known[folder.name] = Record.read(folder)
                except LedgerError as error:
                    unreadable.append(str(error))
            records = [*known.values(), *_removed(profile, known)]
            database.put(records)
            count += len(records)
    return count, unreadable


def _removed(profile: Path, known: Mapping[str, Record]) -> Iterator[Record]:
    """Give the batches whose folders were removed after their keys had been merged."""
    numbers: dict[str, dict[str, int]] = {}
    for kind, names in merged_batches(profile):
        number = 0
        for name in names:
            if name in known:
                number = known[name].standings[kind].number
            else:
                # Of equal numbers the batch that was built first comes first.
                numbers.setdefault(name, {})[kind] = number
    return (of_removed_folder(profile / name, by_kind) for name, by_kind in numbers.items())


def _put_in_place(part: Path, path: Path) -> Path | None:
    """Put a new ledger into the place of the old one; give where that went."""
    kept = None
    if path.exists():
        kept = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}Z")
        path.rename(kept)
    for suffix in _BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    part.rename(path)
    sync_folder(path.parent)
    return kept


def _remove(path: Path) -> None:
    for suffix in ("", *_BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
