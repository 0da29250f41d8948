"""The ledger's tables in SQLite: an index of what the batches' folders tell, one transaction for each change."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from csvexport.errors import LedgerError
from csvexport.ledger.model import Arrival, BatchFile, Delivery, Standing, State
from csvexport.ledger.records import Record

# Seconds that a transaction waits for another process's, each of which takes milliseconds.
PATIENCE: Final = 30

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
)

_DELIVERIES: Final = """
    SELECT destination, file, kind, place, address, sha256, size, began_at,
           receipts.at, modified, version, is_taken, is_unchanged, checked, notes,
           EXISTS (
               SELECT 1 FROM states WHERE states.profile = deliveries.profile AND states.batch = deliveries.batch
               AND states.kind = deliveries.kind AND state = 'discarded'
           )
    FROM deliveries LEFT JOIN receipts USING (profile, batch, destination, file)
"""

_OF_BATCH: Final = "WHERE (?1 IS NULL OR profile = ?1) AND (?2 IS NULL OR batch = ?2)"


class Database:
    """One open ledger file."""

    def __init__(self, path: Path, original: Path | None = None) -> None:
        """Open a ledger, or make one, and bring its tables up to this version.

        Args:
            path: the file.
            original: what it is a copy of, for messages; None: it is no copy.

        Raises:
            LedgerError: it is damaged, of a newer version, or cannot be opened.
        """
        self._path = original or path
        with self._mapped():
            self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        try:
            with self._mapped():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA foreign_keys = ON")
        if run("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check")
        (version,) = run("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise LedgerError(f"{self._path} was written by a newer csvexport; use that one, or upgrade this")
        if version < len(MIGRATIONS):
            self._migrate()

    def _migrate(self) -> None:
        with self._transaction():
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

    def put(self, records: Iterable[Record]) -> None:
        """Store all that is known of batches, in one transaction."""
        with self._mapped(), self._transaction():
            for record in records:
                self._connection.execute(
                    "DELETE FROM batches WHERE profile = ? AND name = ?", (record.profile, record.name)
                )
                for table, rows in _rows(record).items():
                    for row in rows:
                        marks = ", ".join("?" * len(row))
                        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - our own names

    def stamps(self, profile: str) -> dict[str, str]:
        """Give the names of a profile's batches, and the stamp of the record that was last stored of each.

        Of a batch that is under way it is empty: what is acted upon is read in the folder itself.
        """
        query = """
            SELECT name, CASE WHEN max(state = 'sending') THEN '' ELSE stamp END FROM batches
            LEFT JOIN states ON states.profile = batches.profile AND batch = name
            WHERE batches.profile = ? GROUP BY name
        """
        return dict(self._ask(query, profile))

    def records(self, out: Path, profile: str | None, name: str | None = None) -> list[Record]:
        """Give batches, those of a profile or of a name if there is one, without their deliveries, oldest first."""
        query = """
            SELECT profile, name, counter, built_at, stamp FROM batches
            WHERE (?1 IS NULL OR profile = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY built_at, name, profile
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
                    stamp=stamp,
                )
                for owner, batch, counter, built_at, stamp in self._ask(query, profile, name)
            ]

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
        query = f"{_DELIVERIES} WHERE profile = ? AND batch = ? ORDER BY began_at, file"
        with self._mapped():
            return [_delivery(row) for *row, _ in self._ask(query, profile, batch)]

    def last(self, profile: str, destination: str, address: str) -> tuple[Delivery, bool] | None:
        """Give the delivery to an address that began last, and whether its batch was discarded since."""
        query = f"""
            {_DELIVERIES} WHERE profile = ? AND destination = ? AND address = ? ORDER BY began_at DESC LIMIT 1
        """
        with self._mapped():
            for *row, is_discarded in self._ask(query, profile, destination, address):
                return _delivery(row), bool(is_discarded)
        return None

    def number(self, profile: str) -> int:
        """Give the highest number of a profile's batches that came to count as sent."""
        ((number,),) = self._ask("SELECT coalesce(max(number), 0) FROM states WHERE profile = ?", profile)
        return int(number)

    def _ask(self, query: str, *values: object) -> list[Any]:
        with self._mapped():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # Where the disk is full, SQLite has done it already.
            self._connection.rollback()
            raise

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Put what SQLite says into words."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
                # Our own words are not understood: the tables are not ours.
                raise damaged(self._path) from error
            raise LedgerError(f"{self._path}: cannot be read or written: {error}") from error
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            # SQLite does not see a text that was changed; whoever reads it as a state or a moment does.
            raise damaged(self._path) from error

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def damaged(path: Path) -> LedgerError:
    """Say that a ledger is damaged, and what to do."""
    return LedgerError(
        f"{path} is damaged; csvexport ledger rebuild --out {path.parent} restores it from the batches' folders"
    )


def _rows(record: Record) -> dict[str, list[tuple[object, ...]]]:
    """Give the rows of each table that tell of a batch."""
    key = (record.profile, record.name)
    deliveries = record.deliveries.values()
    return {
        "batches": [(*key, record.counter, record.built_at.isoformat(), record.stamp)],
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
    destination, file, kind, place, address, sha256, size, began_at, at, *said = row
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
        arrival=arrival,
    )
