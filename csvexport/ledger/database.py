"""The ledger's tables in SQLite: one transaction for each change, and a copy in memory for whoever only reads.

No byte of the file is touched but through SQLite: a file that is open through it loses its locks when the same process
closes it again after having opened it otherwise.
"""

import json
import os
import shlex
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from csvexport.durable import PRIVATE_FILE
from csvexport.errors import LedgerError
from csvexport.ledger.locking import PATIENCE, guard
from csvexport.ledger.model import Arrival, BatchFile, Delivery, Standing, State
from csvexport.ledger.records import Record

# Each makes the tables of the next version out of those of the one before; the first makes them. None is ever changed.
# They are not STRICT, which SQLite before 3.37 does not know: Python is often linked with the system's older one.
MIGRATIONS: Final = (
    """
    CREATE TABLE batches (
        profile TEXT NOT NULL, name TEXT NOT NULL, counter INTEGER, built_at TEXT NOT NULL,
        PRIMARY KEY (profile, name)
    ) WITHOUT ROWID;
    CREATE TABLE files (
        profile TEXT NOT NULL, batch TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        rows INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (profile, batch, position),
        FOREIGN KEY (profile, batch) REFERENCES batches ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE TABLE states (
        profile TEXT NOT NULL, batch TEXT NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
        at TEXT, number INTEGER NOT NULL,
        PRIMARY KEY (profile, batch, position),
        FOREIGN KEY (profile, batch) REFERENCES batches ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE INDEX states_by_kind ON states (profile, kind, number);
    CREATE TABLE deliveries (
        profile TEXT NOT NULL, batch TEXT NOT NULL, destination TEXT NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL,
        place TEXT NOT NULL, address TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, began_at TEXT NOT NULL,
        PRIMARY KEY (profile, batch, destination, file),
        FOREIGN KEY (profile, batch) REFERENCES batches ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE INDEX deliveries_by_address ON deliveries (profile, destination, address, began_at);
    CREATE TABLE receipts (
        profile TEXT NOT NULL, batch TEXT NOT NULL, destination TEXT NOT NULL, file TEXT NOT NULL, at TEXT NOT NULL,
        modified INTEGER, version TEXT NOT NULL, is_taken INTEGER NOT NULL, is_unchanged INTEGER NOT NULL,
        checked TEXT NOT NULL, notes TEXT NOT NULL,
        PRIMARY KEY (profile, batch, destination, file),
        FOREIGN KEY (profile, batch, destination, file) REFERENCES deliveries ON DELETE CASCADE
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE batches ADD COLUMN stamp TEXT NOT NULL DEFAULT ''",
    # Changes are numbered within a profile, since what is newer must not depend on a clock.
    """
    CREATE TABLE profiles (name TEXT PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE numbered (
        profile TEXT NOT NULL, name TEXT NOT NULL, counter INTEGER, built_at TEXT NOT NULL, number INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (profile, name)
    ) WITHOUT ROWID;
    INSERT INTO numbered
        SELECT profile, name, counter, built_at, row_number() OVER (PARTITION BY profile ORDER BY built_at, name), 0
        FROM batches;
    DROP TABLE batches;
    ALTER TABLE numbered RENAME TO batches;
    ALTER TABLE deliveries ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
    UPDATE deliveries SET number = (
        SELECT count(*) FROM deliveries AS earlier
        WHERE earlier.profile = deliveries.profile AND earlier.began_at <= deliveries.began_at
    );
    DROP INDEX deliveries_by_address;
    CREATE INDEX deliveries_by_address ON deliveries (profile, destination, address, number);
    INSERT INTO profiles
        SELECT profile, max(number) FROM (
            SELECT profile, number FROM batches UNION ALL SELECT profile, number FROM states
            UNION ALL SELECT profile, number FROM deliveries
        ) GROUP BY profile;
    """,
)

_DELIVERIES: Final = """
    SELECT destination, file, kind, place, address, sha256, size, began_at, deliveries.number,
           receipts.at, modified, version, is_taken, is_unchanged, checked, notes,
           EXISTS (
               SELECT 1 FROM states WHERE states.profile = deliveries.profile AND states.batch = deliveries.batch
               AND states.kind = deliveries.kind AND state = 'discarded'
           )
    FROM deliveries LEFT JOIN receipts USING (profile, batch, destination, file)
"""

_OF_BATCH: Final = "WHERE (?1 IS NULL OR profile = ?1) AND (?2 IS NULL OR batch = ?2)"

# What SQLite says of a file that a killed process left in the middle of a change, and that may not be written to.
_UNFINISHED: Final = frozenset({sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY})


class Database:
    """One open ledger.

    Attributes:
        is_copy: whether it is a copy in memory, of which nothing is kept.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, is_copy: bool) -> None:
        """Take a connection over, and bring its tables up to this version; use `open` or `copied`."""
        self._path = path
        self._connection = connection
        self.is_copy = is_copy
        try:
            with self._mapped():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a ledger to change it, or make one, and bring its tables up to this version.

        Raises:
            LedgerError: it is damaged, of a newer version, or cannot be opened.
        """
        with _mapped(path), suppress(FileExistsError):
            # A file that is there is opened by SQLite alone.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))
        with _mapped(path):
            connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        return cls(path, connection, is_copy=False)

    @classmethod
    def copied(cls, path: Path) -> Self:
        """Copy a ledger into memory as it is at one moment, and bring the copy's tables up to this version.

        Of a file that is not there the copy is empty. Nothing is written, unless a killed process left the file in the
        middle of a change, which SQLite then takes back.

        Raises:
            LedgerError: it is damaged, of a newer version, or cannot be read.
        """
        with _mapped(path):
            connection = sqlite3.connect(":memory:", isolation_level=None)
            with suppress(FileNotFoundError):
                _copy(path, connection)
        return cls(path, connection, is_copy=True)

    def _prepare(self) -> None:
        run = self._connection.execute
        if run("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check")
        # Nothing of the ledger depends on a folder for temporary files, which may be full.
        run("PRAGMA temp_store = MEMORY")
        if not self.is_copy:
            run("PRAGMA journal_mode = DELETE")
            # With less, a power cut could bring a change back that was taken as made.
            run("PRAGMA synchronous = EXTRA")
        (version,) = run("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise LedgerError(f"{self._path} was written by a newer csvexport; use that one, or upgrade this")
        if version < len(MIGRATIONS):
            self._migrate()
        run("PRAGMA foreign_keys = ON")

    def _migrate(self) -> None:
        with self.change():
            # Another process may have done it meanwhile.
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            for number, script in enumerate(MIGRATIONS[version:], version + 1):
                for statement in filter(str.strip, script.split(";")):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {number:d}")

    def close(self) -> None:
        """Close it."""
        with self._mapped():
            self._connection.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make all that is stored within count at once, or nothing; no other process changes anything meanwhile.

        Raises:
            LedgerError: the ledger cannot be written, or another process does not let it go.
        """
        with self._mapped(), nullcontext() if self.is_copy else guard(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # Where the disk is full, SQLite has done it already.
                self._connection.rollback()
                raise

    def put(self, records: Iterable[Record]) -> None:
        """Store all that is known of batches; within `change`."""
        for record in records:
            self._connection.execute(
                "DELETE FROM batches WHERE profile = ? AND name = ?", (record.profile, record.name)
            )
            for table, rows in _rows(record).items():
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - our own names

    def changed(self, profile: str) -> int:
        """Give the number of the last change of a profile's batches that is stored; 0: there is none."""
        for (number,) in self._ask("SELECT changed FROM profiles WHERE name = ?", profile):
            return int(number)
        return 0

    def set_changed(self, profile: str, number: int) -> None:
        """Store the number of the last change of a profile's batches; within `change`."""
        self._connection.execute("INSERT OR REPLACE INTO profiles VALUES (?, ?)", (profile, number))

    def names(self, profile: str) -> set[str]:
        """Give the names of a profile's batches."""
        return {name for (name,) in self._ask("SELECT name FROM batches WHERE profile = ?", profile)}

    def records(self, out: Path, profile: str | None, name: str | None = None) -> list[Record]:
        """Give batches as they were built, those of a profile or a name if there is one, without their deliveries."""
        query = """
            SELECT profile, name, counter, built_at, number, changed FROM batches
            WHERE (?1 IS NULL OR profile = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY profile, number, name
        """
        with self._mapped():
            files, standings = self._files(profile, name), self._standings(profile, name)
            return [
                Record(
                    out / owner / batch,
                    owner,
                    batch,
                    counter,
                    datetime.fromisoformat(built_at),
                    tuple(files.get((owner, batch), ())),
                    standings.get((owner, batch), {}),
                    number=number,
                    changed=changed,
                )
                for owner, batch, counter, built_at, number, changed in self._ask(query, profile, name)
            ]

    def record(self, out: Path, profile: str, name: str) -> Record:
        """Give all that is known of a batch."""
        (known,) = self.records(out, profile, name)
        made = {(delivery.destination, delivery.file): delivery for delivery in self.deliveries(profile, name)}
        return replace(known, deliveries=made)

    def _files(self, profile: str | None, of: str | None) -> dict[tuple[str, str], list[BatchFile]]:
        """Give the files of each batch."""
        files: dict[tuple[str, str], list[BatchFile]] = {}
        query = f"SELECT profile, batch, name, kind, rows, bytes, sha256 FROM files {_OF_BATCH}"  # noqa: S608 - our own words
        for owner, batch, *facts in self._ask(query, profile, of):
            files.setdefault((owner, batch), []).append(BatchFile(*facts))
        return files

    def _standings(self, profile: str | None, of: str | None) -> dict[tuple[str, str], dict[str, Standing]]:
        """Give the states of the kinds of each batch."""
        standings: dict[tuple[str, str], dict[str, Standing]] = {}
        query = f"SELECT profile, batch, kind, state, at, number FROM states {_OF_BATCH}"  # noqa: S608 - our own words
        for owner, batch, kind, state, at, number in self._ask(query, profile, of):
            moment = None if at is None else datetime.fromisoformat(at)
            standings.setdefault((owner, batch), {})[kind] = Standing(State(state), moment, number)
        return standings

    def deliveries(self, profile: str, batch: str) -> list[Delivery]:
        """Give a batch's deliveries, in the order in which they began."""
        query = f"{_DELIVERIES} WHERE profile = ? AND batch = ? ORDER BY deliveries.number, file"
        with self._mapped():
            return [_delivery(row) for *row, _ in self._ask(query, profile, batch)]

    def last(self, profile: str, destination: str, address: str) -> tuple[Delivery, bool] | None:
        """Give the delivery to an address that began last, and whether its batch was discarded since."""
        query = f"""
            {_DELIVERIES} WHERE profile = ? AND destination = ? AND address = ? ORDER BY deliveries.number DESC LIMIT 1
        """
        with self._mapped():
            for *row, is_discarded in self._ask(query, profile, destination, address):
                return _delivery(row), bool(is_discarded)
        return None

    def _ask(self, query: str, *values: object) -> list[Any]:
        with self._mapped():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        with _mapped(self._path):
            yield

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def take_back(path: Path) -> None:
    """Have SQLite take back a change in the middle of which a process was killed, if the file is whole enough."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


def _copy(path: Path, target: sqlite3.Connection) -> None:
    """Copy a ledger that may not be written to, unless a killed process left it in the middle of a change.

    Raises:
        FileNotFoundError: there is none.
    """
    path.stat()
    try:
        _copy_opened(path, target, "ro")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) not in _UNFINISHED:
            raise
        _copy_opened(path, target, "rw")


def _copy_opened(path: Path, target: sqlite3.Connection, mode: str) -> None:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, timeout=PATIENCE, uri=True)) as source:
        # Waits so long and no longer; the copying itself would wait for ever.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema")
        source.backup(target)


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Put what SQLite says into words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
            # Our own words are not understood: the tables are not ours.
            raise damaged(path) from error
        raise LedgerError(f"{path}: cannot be read or written: {error}") from error
    except (sqlite3.DatabaseError, ValueError, TypeError) as error:
        # SQLite does not see a text that was changed; whoever reads it as a state or a moment does.
        raise damaged(path) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read or written: {error.strerror}") from error


def damaged(path: Path) -> LedgerError:
    """Say that a ledger is damaged, and what to do."""
    return LedgerError(
        f"{path} is damaged; csvexport ledger rebuild --out {shlex.quote(str(path.parent))} restores it from the"
        " batches' records"
    )


def _rows(record: Record) -> dict[str, list[tuple[object, ...]]]:
    """Give the rows of each table that tell of a batch."""
    key = (record.profile, record.name)
    deliveries = record.deliveries.values()
    return {
        "batches": [(*key, record.counter, record.built_at.isoformat(), record.number, record.changed)],
        "files": [
            (*key, position, file.name, file.kind, file.rows, file.bytes, file.sha256)
            for position, file in enumerate(record.files)
        ],
        "states": [
            (*key, position, kind, said.state.value, said.at and said.at.isoformat(), said.number)
            for position, (kind, said) in enumerate(record.standings.items())
        ],
        "deliveries": [
            (
                *key,
                made.destination,
                made.file,
                made.kind,
                made.place,
                made.address,
                made.sha256,
                made.size,
                made.began_at.isoformat(),
                made.number,
            )
            for made in deliveries
        ],
        "receipts": [
            (*key, made.destination, made.file, *_receipt(made.arrival))
            for made in deliveries
            if made.arrival is not None
        ],
    }


def _receipt(arrival: Arrival) -> tuple[object, ...]:
    return (
        arrival.at.isoformat(),
        arrival.modified,
        arrival.version,
        arrival.is_taken,
        arrival.is_unchanged,
        arrival.checked,
        json.dumps(arrival.notes),
    )


def _delivery(row: Sequence[Any]) -> Delivery:
    destination, file, kind, place, address, sha256, size, began_at, number, at, *said = row
    arrival = None
    if at is not None:
        modified, version, is_taken, is_unchanged, checked, notes = said
        arrival = Arrival(
            at=datetime.fromisoformat(at),
            modified=modified,
            version=version,
            is_taken=bool(is_taken),
            is_unchanged=bool(is_unchanged),
            checked=checked,
            notes=tuple(json.loads(notes)),
        )
    return Delivery(
        destination=destination,
        file=file,
        kind=kind,
        place=place,
        address=address,
        sha256=sha256,
        size=size,
        began_at=datetime.fromisoformat(began_at),
        number=number,
        arrival=arrival,
    )
