"""What a ledger lacks is derived from the records in the folders: a part of it, or all where it was lost."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from csvexport.errors import LedgerError
from csvexport.ledger.database import Database
from csvexport.ledger.records import Record, batch_folders, last_change, note_change, record_path, recorded


def derive(database: Database, profile: Path, *, with_known: bool) -> list[str]:
    """Store what the folders of a profile tell and the ledger lacks; within a change of the database.

    A batch that the ledger does not know is taken as its folder tells it. Of one that it knows, a record counts if it
    is of a later change than the last that the ledger has.

    Args:
        database: the ledger's.
        profile: the folder of the profile's batches.
        with_known: whether batches that the ledger knows are looked at too.

    Returns:
        What is wrong with folders that cannot be read, of which nothing was stored.

    Raises:
        LedgerError: a record cannot be written, or a folder not be looked into.
    """
    known, reached = database.names(profile.name), database.changed(profile.name)
    unreadable: list[str] = []
    folders = {*batch_folders(profile), *recorded(profile)} if with_known else batch_folders(profile, known)
    told = [record for record in _told(sorted(folders), unreadable) if _is_news(record, known, reached)]
    number = max(last_number(database, profile), *map(_highest, told), 0)
    found = []
    for record in told:
        # A build may have been killed before it was noted what it built.
        if record.number:
            found.append(record)
        else:
            number += 1
            found.append(replace(record, number=number, changed=number))
    if not database.is_copy:
        unwritten = [] if last_change(profile) is not None else _unwritten(database, profile, known)
        note_change(profile, number)
        for record in (*found, *unwritten):
            record.write()
    database.put(found)
    database.set_changed(profile.name, number)
    return unreadable


def _is_news(record: Record, known: Collection[str], reached: int) -> bool:
    return record.name not in known or record.changed > reached


def _unwritten(database: Database, profile: Path, known: Iterable[str]) -> Iterator[Record]:
    """Give the batches of which an older version, or somebody who cleared up, left no record."""
    for name in known:
        if not record_path(profile / name).exists():
            yield database.record(profile.parent, profile.name, name)


def last_number(database: Database, profile: Path) -> int:
    """Give the highest number that a change of a profile's batches had, as far as anybody noted it."""
    return max(database.changed(profile.name), last_change(profile) or 0)


def _told(folders: Iterable[Path], unreadable: list[str]) -> Iterator[Record]:
    """Read what the records of batches tell, or else their folders."""
    for folder in folders:
        try:
            yield Record.read(folder)
        except LedgerError as error:
            unreadable.append(str(error))


def _highest(record: Record) -> int:
    """Give the highest number in a record, which an older version may have counted otherwise."""
    numbers = [standing.number for standing in record.standings.values()]
    numbers += [delivery.number for delivery in record.deliveries.values()]
    return max(record.number, record.changed, *numbers, 0)
