"""The ledger: what was built and delivered, in `ledger.sqlite`, which is the truth.

Each change is one transaction, which also writes the batch's record beside the folders (`records`). From these `derive`
stores what a ledger lacks: all of it where the ledger was lost, and what came later where it is an older one.
"""

import hashlib
import shlex
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from csvexport.durable import PRIVATE_FOLDER, make_folder
from csvexport.errors import LedgerError
from csvexport.ledger.database import Database
from csvexport.ledger.deriving import derive, last_number
from csvexport.ledger.model import Arrival, Batch, Delivery, Departure, Standing, State
from csvexport.ledger.records import Record, batch_folders, last_change, note_change, readable, recorded

LEDGER: Final = "ledger.sqlite"


class Ledger:
    """What is known of all batches in a folder; use it in a `with` statement.

    Whoever changes something holds the lock of the profile (`profile_lock`); to add a batch needs none.
    """

    def __init__(self, out: Path, database: Database) -> None:
        """Take a database over; use `open` or `reading`."""
        self._out = out
        self._database = database
        self._known: dict[str | None, list[Record]] = {}

    @classmethod
    def open(cls, out: Path) -> Self:
        """Open the ledger of a folder to change it; it is made if there is none.

        Raises:
            LedgerError: it is damaged, lost, of a newer version, or cannot be written.
        """
        _refuse_loss(out)
        try:
            make_folder(out, PRIVATE_FOLDER)
        except OSError as error:
            raise LedgerError(f"{out}: cannot be made: {error.strerror}") from error
        return cls(out, Database.open(out / LEDGER))

    @classmethod
    def reading(cls, out: Path, names: Collection[str] | None = None) -> Self:
        """Open a copy of the ledger, as it is now; nothing in the folder is written.

        Args:
            out: the folder of all batches.
            names: the profiles of whose batches the folders are looked at for news; None: all.

        Raises:
            LedgerError: it is damaged, lost, of a newer version, or cannot be read.
        """
        _refuse_loss(out)
        ledger = cls(out, Database.copied(out / LEDGER))
        try:
            for profile in profiles(out) if names is None else names:
                ledger.sync(profile)
        except BaseException:
            ledger.__exit__()
            raise
        return ledger

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._database.close()

    def add(self, folder: Path) -> Batch:
        """Note a batch that was built; one that is known already stays as the ledger knows it.

        Raises:
            LedgerError: it cannot be noted.
        """
        profile = folder.parent.name
        self.sync(profile)
        (record,) = self._database.records(self._out, profile, folder.name)
        return record.batch()

    def sync(self, profile: str) -> None:
        """Store what the folders of a profile tell and the ledger lacks, such as a batch whose build was killed.

        Raises:
            LedgerError: a record is damaged, or it cannot be stored.
        """
        folder = self._out / profile
        # Another process, or another part of this one, may have stored something.
        self._known.clear()
        if not self._lacks_changes(profile) and not batch_folders(folder, self._database.names(profile)):
            return
        with self._database.change():
            # Another process may have done it meanwhile.
            unreadable = derive(self._database, folder, with_known=self._lacks_changes(profile))
            if unreadable:
                raise LedgerError(unreadable[0])

    def _lacks_changes(self, profile: str) -> bool:
        """Tell whether a change of a profile's batches was noted that the ledger does not have."""
        noted, reached = last_change(self._out / profile), self._database.changed(profile)
        if noted is None:
            return reached > 0 and (self._out / profile).is_dir()
        return noted > reached

    def batches(self, profile: str | None = None) -> list[Batch]:
        """Give the batches of a profile, or of all, each profile's as they were built."""
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
        now = datetime.now(UTC)
        kinds = {leaving.kind for leaving in files}

        def begun(record: Record, number: int) -> Record:
            leaving = {(destination, file.file): _leaving(destination, file, now, number) for file in files}
            standings = {
                kind: Standing(State.SENDING, now) if kind in kinds and standing.state is State.BUILT else standing
                for kind, standing in record.standings.items()
            }
            return replace(record, deliveries={**record.deliveries, **leaving}, standings=standings)

        self._change(batch, begun)

    def receive(self, batch: Batch, destination: str, file: str, arrival: Arrival) -> None:
        """Note that a file arrived.

        Raises:
            LedgerError: it cannot be noted.
        """

        def received(record: Record, _: int) -> Record:
            delivery = replace(record.deliveries[destination, file], arrival=arrival)
            return replace(record, deliveries={**record.deliveries, (destination, file): delivery})

        self._change(batch, received)

    def settle(self, batch: Batch, kind: str, state: State) -> None:
        """Note what became of a kind of a batch.

        Raises:
            LedgerError: it cannot be noted.
        """

        def settled(record: Record, number: int) -> Record:
            standing = Standing(state, datetime.now(UTC), number if state.is_sent else 0)
            return replace(record, standings={**record.standings, kind: standing})

        self._change(batch, settled)

    def _change(self, batch: Batch, change: Callable[[Record, int], Record]) -> None:
        """Change what is known of a batch, given that and the change's number."""
        profile = batch.profile
        self._known.clear()
        with self._database.change():
            number = last_number(self._database, self._out / profile) + 1
            record = replace(change(self._database.record(self._out, profile, batch.name), number), changed=number)
            note_change(self._out / profile, number)
            record.write()
            self._database.put([record])
            self._database.set_changed(profile, number)

    def _records(self, profile: str | None) -> list[Record]:
        if profile not in self._known:
            self._known[profile] = self._database.records(self._out, profile)
        return self._known[profile]


def profiles(out: Path) -> list[str]:
    """Give the names of all profiles that have batches, or records of batches whose folders were removed.

    Raises:
        LedgerError: a folder cannot be looked into.
    """
    with readable(out), suppress(FileNotFoundError, NotADirectoryError):
        return sorted(folder.name for folder in out.iterdir() if recorded(folder) or batch_folders(folder))
    return []


def _leaving(destination: str, file: Departure, now: datetime, number: int) -> Delivery:
    return Delivery(
        destination=destination,
        file=file.file,
        kind=file.kind,
        place=file.place,
        address=address_digest(file.address),
        sha256=file.sha256,
        size=file.size,
        began_at=now,
        number=number,
    )


def _refuse_loss(out: Path) -> None:
    """See that a ledger that once was is still there.

    Raises:
        LedgerError: there are records of batches, and there is no ledger, or one without a byte.
    """
    with readable(out / LEDGER), suppress(FileNotFoundError, NotADirectoryError):
        if (out / LEDGER).stat().st_size:
            return
    for profile in profiles(out):
        if recorded(out / profile):
            raise LedgerError(
                f"{out / LEDGER} is lost, though {profile} has batches that it knew; csvexport ledger rebuild --out"
                f" {shlex.quote(str(out))} restores it from their records"
            )


def address_digest(address: str) -> str:
    """Give by what an address is known, which may hold a key and is not kept itself."""
    return hashlib.sha256(address.encode()).hexdigest()
