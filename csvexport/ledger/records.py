"""What the ledger says of each batch, as a file in `.records` beside the batches' folders.

It is written in the transaction that changes the ledger, just before that is committed. Nothing is ever decided by it:
it is read where the ledger lacks it, because the ledger was lost, or is an older one, or the process was killed between
the two.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from csvexport.durable import PRIVATE_FOLDER, make_folder, private_file, replace_text
from csvexport.errors import LedgerError
from csvexport.ledger.model import Arrival, Batch, BatchFile, Delivery, Standing, State

VERSION: Final = 2
MANIFEST: Final = "manifest.json"

# The folder of the records, in the folder of a profile's batches. They outlive the batches' own folders.
RECORDS: Final = ".records"

# Where older versions kept the record: in the batch's own folder.
_OLD_RECORD: Final = "delivery.json"

# The number of the last change of a profile's batches, beside them: a ledger that has not reached it lacks something.
LAST: Final = ".last-change"

# Files of a batch that go with others, and have no state of their own.
_SCHEMA: Final = "schema"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a batch.

    Attributes:
        folder: where it lies, or lay.
        profile: name of the profile.
        name: of the batch.
        counter: number of the Metrica counter, if there is one.
        built_at: the moment of the build.
        files: what can be sent of it.
        standings: by kind.
        deliveries: by destination and file.
        number: of the change that added it to the ledger; 0: it was not added yet.
        changed: number of its last change; 0 likewise.
    """

    folder: Path
    profile: str
    name: str
    counter: int | None
    built_at: datetime
    files: tuple[BatchFile, ...]
    standings: Mapping[str, Standing]
    deliveries: Mapping[tuple[str, str], Delivery] = field(default_factory=dict)
    number: int = 0
    changed: int = 0

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read the record of a batch, or, where there is none yet, what its folder tells.

        Raises:
            LedgerError: it is damaged.
        """
        paths = (record_path(folder), folder / _OLD_RECORD, folder / MANIFEST)
        path = next((path for path in paths if path.exists()), paths[-1])
        try:
            said = json.loads(path.read_bytes())
            return _of_manifest(folder, said) if path.name == MANIFEST else _of_record(folder, said)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged"
            raise LedgerError(
                f"{path}: what the batch holds cannot be read: {reason}; restore it from a backup, or, only if nothing"
                " of the batch was ever sent, move it away"
            ) from error

    def batch(self) -> Batch:
        """Give the batch."""
        states = {kind: standing.state for kind, standing in self.standings.items()}
        return Batch(self.name, self.profile, self.counter, self.built_at, self.number, self.folder, self.files, states)

    def write(self) -> None:
        """Write the record to where it belongs, in one step.

        Raises:
            LedgerError: it cannot be written.
        """
        path = record_path(self.folder)
        try:
            make_folder(path.parent, PRIVATE_FOLDER)
            replace_text(path, self._text())
        except OSError as error:
            raise LedgerError(
                f"{path}: what becomes of the batch cannot be noted: {error.strerror}; nothing more was sent of it"
            ) from error

    def _text(self) -> str:
        said = {
            "version": VERSION,
            "number": self.number,
            "changed": self.changed,
            "counter": self.counter,
            "built_at": self.built_at.isoformat(),
            "files": [asdict(file) for file in self.files],
            "states": {
                kind: {"state": standing.state.value, "at": _written(standing.at), "number": standing.number}
                for kind, standing in self.standings.items()
            },
            "deliveries": [asdict(delivery) for delivery in self.deliveries.values()],
        }
        return json.dumps(said, ensure_ascii=False, indent=2, default=_written) + "\n"


def is_batch_name(name: str) -> bool:
    """Tell whether a folder of this name may be a batch: the moment of the build, and what went in."""
    return re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", name) is not None


def batch_folders(profile: Path, besides: Collection[str] = ()) -> list[Path]:
    """Give the folders of a profile's batches by their names, but for those of some names.

    Raises:
        LedgerError: a folder cannot be looked into.
    """
    with readable(profile), suppress(FileNotFoundError, NotADirectoryError), os.scandir(profile) as entries:
        found = (entry.name for entry in entries)
        names = sorted(name for name in found if name not in besides and is_batch_name(name))
        return [profile / name for name in names if (profile / name / MANIFEST).is_file()]
    return []


def record_path(folder: Path) -> Path:
    """Give where the record of the batch in a folder lies, also when that is gone."""
    return folder.parent / RECORDS / f"{folder.name}.json"


def recorded(profile: Path) -> list[Path]:
    """Give the folders of a profile's batches of which there are records, also those that were removed.

    Raises:
        LedgerError: the records cannot be looked into.
    """
    with readable(profile), suppress(FileNotFoundError, NotADirectoryError):
        paths = sorted((profile / RECORDS).iterdir())
        return [profile / path.stem for path in paths if path.suffix == ".json" and is_batch_name(path.stem)]
    return []


def last_change(profile: Path) -> int | None:
    """Give the number of the last change of a profile's batches; None where it is not known."""
    with readable(profile / LAST), suppress(FileNotFoundError, NotADirectoryError, ValueError):
        return int((profile / LAST).read_text(encoding="utf-8"))
    return None


def note_change(profile: Path, number: int) -> None:
    """Note that a change is about to be made, durably: else a power cut could leave the record without it.

    The ledger would then not learn of the record, and another ledger that is made of the records would say otherwise.
    Where the file is not there or empty, more is read, and nothing lost.

    Raises:
        LedgerError: it cannot be noted.
    """
    try:
        make_folder(profile, PRIVATE_FOLDER)
        with open(profile / LAST, "w", encoding="utf-8", opener=private_file) as file:
            file.write(str(number))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LedgerError(f"{profile / LAST}: cannot be written: {error.strerror}; nothing was changed") from error


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Put into words why a path cannot be read; that it is not there is left to the caller."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error


def _of_manifest(folder: Path, said: Mapping[str, Any]) -> Record:
    files = tuple(_file(file) for file in said["files"] if file["kind"] != _SCHEMA)
    standings = {file.kind: Standing(State.BUILT) for file in files}
    built_at = datetime.fromisoformat(said["built_at"])
    return Record(folder, folder.parent.name, folder.name, said["counter"], built_at, files, standings)


def _of_record(folder: Path, said: Mapping[str, Any]) -> Record:
    if said["version"] == 1:
        built = _of_manifest(folder, json.loads((folder / MANIFEST).read_bytes()))
    elif said["version"] == VERSION:
        built = _of_manifest(folder, said)
        built = replace(built, number=_whole(said["number"]), changed=_whole(said["changed"]))
    else:
        raise LedgerError(f"{record_path(folder)} was written by a newer csvexport; use that one")
    standings = {
        kind: Standing(State(of["state"]), _moment(of["at"]), _whole(of["number"]))
        for kind, of in said["states"].items()
    }
    deliveries = {(made["destination"], made["file"]): _delivery(made) for made in said["deliveries"]}
    return replace(built, standings={**built.standings, **standings}, deliveries=deliveries)


def _file(said: Mapping[str, Any]) -> BatchFile:
    name, kind, rows, size, sha256 = (said[key] for key in ("name", "kind", "rows", "bytes", "sha256"))
    if not all(isinstance(text, str) for text in (name, kind, sha256)):
        raise TypeError
    return BatchFile(name, kind, _whole(rows), _whole(size), sha256)


def _whole(number: object) -> int:
    if type(number) is not int or number < 0:
        raise TypeError
    return number


def _delivery(said: Mapping[str, Any]) -> Delivery:
    arrival = said["arrival"]
    if arrival is not None:
        arrival = Arrival(**arrival | {"at": datetime.fromisoformat(arrival["at"]), "notes": tuple(arrival["notes"])})
    facts = {"number": 0} | dict(said) | {"began_at": datetime.fromisoformat(said["began_at"]), "arrival": arrival}
    return Delivery(**facts)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
