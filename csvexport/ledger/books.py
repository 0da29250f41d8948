"""The ledger: what was built and delivered, kept in the folders of the batches and indexed in SQLite."""

import hashlib
import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

from csvexport.errors import LedgerError
from csvexport.ledger.database import Database
from csvexport.ledger.model import Arrival, Batch, Delivery, Departure, Standing, State
from csvexport.ledger.records import Record, batch_folders, merged_batches, readable, stamp

LEDGER: Final = "ledger.sqlite"

# What SQLite calls a database that is no file.
NOWHERE: Final = Path(":memory:")

# A copy of the ledger is taken anew while somebody writes to it; a transaction takes milliseconds.
COPIES: Final = 100


class Ledger:
    """What is known of all batches in a folder; use it in a `with` statement.

    Whoever changes something holds the lock of the profile (`profile_lock`); to add a batch needs none.
    """

    def __init__(self, out: Path, path: Path, stack: ExitStack) -> None:
        """Open the tables at `path`; use `open` or `reading`."""
        self._out = out
        self._stack = stack
        self._database = stack.enter_context(Database(path, out / LEDGER))
        self._known: dict[str | None, list[Record]] = {}

    @classmethod
    def open(cls, out: Path) -> Self:
        """Open the ledger of a folder to change it; it is made if there is none.

        Raises:
            LedgerError: it is damaged, lost, of a newer version, or cannot be written.
        """
        _refuse_loss(out)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"{out}: cannot be made: {error.strerror}") from error
        with ExitStack() as stack:
            ledger = cls(out, out / LEDGER, stack)
            ledger._stack = stack.pop_all()
        return ledger

    @classmethod
    def reading(cls, out: Path, names: Collection[str] | None = None) -> Self:
        """Open a copy of the ledger, as it is now; nothing in the folder is written, not even by SQLite.

        Args:
            out: the folder of all batches.
            names: the profiles of whose batches the folders are looked at for news; None: all.

        Raises:
            LedgerError: it is damaged, lost, of a newer version, or cannot be read.
        """
        _refuse_loss(out)
        with ExitStack() as stack:
            ledger = cls(out, _copy(out, stack) if (out / LEDGER).exists() else NOWHERE, stack)
            for profile in profiles(out) if names is None else names:
                ledger.sync(profile)
            ledger._stack = stack.pop_all()
        return ledger

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self._stack.close()

    def add(self, folder: Path) -> Batch:
        """Note a batch that was built; one that is known already stays as its record, or else the ledger, tells it."""
        profile = folder.parent.name
        self._take_over([folder], self._database.stamps(profile))
        (record,) = self._database.records(self._out, profile, folder.name)
        return record.batch()

    def sync(self, profile: str) -> None:
        """Take over what the folders of a profile tell and the ledger does not know yet, as after a crash."""
        parent, known = self._out / profile, self._database.stamps(profile)
        self._take_over([*batch_folders(parent, known), *(parent / name for name in known)], known)

    def _take_over(self, folders: Sequence[Path], known: Mapping[str, str]) -> None:
        """Store what folders tell; one without a record tells nothing of a batch that is known."""
        # Another process, or another part of this one, may have stored some of it.
        self._known.clear()
        news = [folder for folder in folders if _is_news(known.get(folder.name), stamp(folder))]
        if news:
            self._put([Record.read(folder) for folder in news])

    def batches(self, profile: str | None = None) -> list[Batch]:
        """Give the batches of a profile, or of all, oldest first."""
        return [record.batch() for record in self._records(profile)]

    def batch(self, profile: str, name: str) -> Batch | None:
        """Give one batch, None if there is none of this name."""
        return next((batch for batch in self.batches(profile) if batch.name == name), None)

    def deliveries(self, batch: Batch) -> list[Delivery]:
        """Give what was sent of a batch, in the order in which it left."""
        return self._database.deliveries(batch.profile, batch.name)

    def sent(self, profile: str, kind: str) -> list[Batch]:
        """Give the batches of which a kind counts as sent, in the order in which they came to count."""
        having = [record for record in self._records(profile) if kind in record.standings]
        counting = [record for record in having if record.standings[kind].state.is_sent]
        return [record.batch() for record in sorted(counting, key=lambda record: record.standings[kind].number)]

    def last(self, profile: str, destination: str, address: str) -> Delivery | None:
        """Give the last delivery to an address, if it arrived; None where it is not known what lies there.

        None as well for what the receiver took and was discarded since: whoever takes a batch back has it go again.
        """
        last, is_discarded = self._database.last(profile, destination, address_digest(address)) or (None, False)
        if last is None or last.arrival is None or (is_discarded and last.arrival.is_taken):
            return None
        return last

    def begin(self, batch: Batch, destination: str, files: Sequence[Departure]) -> None:
        """Note that files are about to leave; their kinds are on their way from now on.

        Raises:
            LedgerError: it cannot be noted, so that nothing may leave.
        """
        record, now = self._current(batch), datetime.now(UTC)
        deliveries = dict(record.deliveries)
        for leaving in files:
            deliveries[destination, leaving.file] = Delivery(
                destination=destination,
                file=leaving.file,
                kind=leaving.kind,
                place=leaving.place,
                address=address_digest(leaving.address),
                sha256=leaving.sha256,
                size=leaving.size,
                began_at=now,
            )
        kinds = {leaving.kind for leaving in files}
        standings = {
            kind: Standing(State.SENDING, now) if kind in kinds and standing.state is State.BUILT else standing
            for kind, standing in record.standings.items()
        }
        self._write(replace(record, deliveries=deliveries, standings=standings))

    def receive(self, batch: Batch, destination: str, file: str, arrival: Arrival) -> None:
        """Note that a file arrived."""
        record = self._current(batch)
        delivery = replace(record.deliveries[destination, file], arrival=arrival)
        self._write(replace(record, deliveries={**record.deliveries, (destination, file): delivery}))

    def settle(self, batch: Batch, kind: str, state: State) -> None:
        """Note what became of a kind of a batch."""
        record = self._current(batch)
        number = self._database.number(batch.profile) + 1 if state.is_sent else 0
        standing = Standing(state, datetime.now(UTC), number)
        self._write(replace(record, standings={**record.standings, kind: standing}))

    def _current(self, batch: Batch) -> Record:
        """Read what a batch's record tells, or, where there is none, what the ledger knows."""
        if stamp(batch.folder):
            return Record.read(batch.folder)
        (known,) = self._database.records(self._out, batch.profile, batch.name)
        made = {(delivery.destination, delivery.file): delivery for delivery in self.deliveries(batch)}
        return replace(known, deliveries=made)

    def _write(self, record: Record) -> None:
        """Store what became of a batch: first in its folder, from which the ledger can be restored."""
        self._put([record.write() if record.folder.is_dir() else record])

    def _put(self, records: Sequence[Record]) -> None:
        self._known.clear()
        self._database.put(records)

    def _records(self, profile: str | None) -> list[Record]:
        if profile not in self._known:
            self._known[profile] = self._database.records(self._out, profile)
        return self._known[profile]


def profiles(out: Path) -> list[str]:
    """Give the names of all profiles that have batches, or the merged keys of batches whose folders were removed.

    Raises:
        LedgerError: a folder cannot be looked into.
    """
    with readable(out), suppress(FileNotFoundError, NotADirectoryError):
        return sorted(folder.name for folder in out.iterdir() if batch_folders(folder) or any(merged_batches(folder)))
    return []


def _is_news(known: str | None, found: str) -> bool:
    """Tell by the stamps whether a folder tells what the ledger, which may not know the batch, has not stored."""
    return known is None or found not in {"", known}


def _refuse_loss(out: Path) -> None:
    """See that a ledger that once was is still there.

    Raises:
        LedgerError: batches tell of deliveries, and there is no ledger, or one without a byte.
    """
    with readable(out / LEDGER), suppress(FileNotFoundError, NotADirectoryError):
        if (out / LEDGER).stat().st_size:
            return
    for profile in profiles(out):
        for folder in batch_folders(out / profile):
            if stamp(folder):
                raise LedgerError(
                    f"{out / LEDGER} is lost, though {folder.name} tells of a delivery; csvexport ledger rebuild --out"
                    f" {out} restores it from the batches' folders"
                )


def _copy(out: Path, stack: ExitStack) -> Path:
    """Copy the ledger, and what SQLite has not merged into it yet, as they are at one moment; give the copy."""
    try:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="csvexport-")))
    except OSError as error:
        raise LedgerError(f"no folder for temporary files can be written to: {error.strerror}") from error
    for _ in range(COPIES):
        before = _stamps(out / LEDGER)
        for path in before:
            with readable(path), suppress(FileNotFoundError):
                shutil.copyfile(path, scratch / path.name)
        if before == _stamps(out / LEDGER):
            return scratch / LEDGER
        for path in before:
            (scratch / path.name).unlink(missing_ok=True)
    raise LedgerError(f"{out / LEDGER}: is written to all the time; try again")


def _stamps(path: Path) -> dict[Path, tuple[int, int, int]]:
    """Give by what a change of the ledger's files is seen; of those that there are."""
    stamps = {}
    for part in (path, path.with_name(f"{path.name}-wal")):
        with readable(part), suppress(FileNotFoundError):
            found = part.stat()
            stamps[part] = (found.st_ino, found.st_size, found.st_mtime_ns)
    return stamps


def address_digest(address: str) -> str:
    """Give by what an address is known, which may hold a key and is not kept itself."""
    return hashlib.sha256(address.encode()).hexdigest()
