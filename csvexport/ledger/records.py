"""What became of a batch, as its own folder tells it: `delivery.json` beside the manifest.

It is written before the ledger is, so that the ledger can always be restored from the folders.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from csvexport.durable import replace_text
from csvexport.errors import LedgerError
from csvexport.ledger.model import Arrival, Batch, BatchFile, Delivery, Standing, State

VERSION: Final = 1
MANIFEST: Final = "manifest.json"
RECORD: Final = "delivery.json"

# Where the merged keys of what was sent lie, in the folder of a profile's batches.
KEYS: Final = ".keys"

# Files of a batch that go with others, and have no state of their own.
_SCHEMA: Final = "schema"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a batch.

    Attributes:
        folder: where it lies.
        profile: name of the profile.
        name: of the batch.
        counter: number of the Metrica counter, if there is one.
        built_at: the moment of the build.
        files: what can be sent of it.
        standings: by kind.
        deliveries: by destination and file.
        stamp: of the file that told it; see `stamp`.
    """

    folder: Path
    profile: str
    name: str
    counter: int | None
    built_at: datetime
    files: tuple[BatchFile, ...]
    standings: Mapping[str, Standing]
    deliveries: Mapping[tuple[str, str], Delivery] = field(default_factory=dict)
    stamp: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read a batch's manifest, and what became of it.

        Raises:
            LedgerError: one of the two is damaged.
        """
        seen = stamp(folder)
        try:
            built = cls._of_manifest(folder, _read(folder / MANIFEST))
            return replace(_completed(built, _read(folder / RECORD)), stamp=seen) if seen else built
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged"
            raise LedgerError(
                f"{folder}: what this batch holds cannot be read: {reason}; restore {MANIFEST} and {RECORD} from a"
                " backup, or move the folder away"
            ) from error

    @classmethod
    def _of_manifest(cls, folder: Path, manifest: Mapping[str, Any]) -> "Record":
        files = tuple(_file(said) for said in manifest["files"] if said["kind"] != _SCHEMA)
        standings = {file.kind: Standing(State.BUILT) for file in files}
        built_at = datetime.fromisoformat(manifest["built_at"])
        return cls(folder, folder.parent.name, folder.name, manifest["counter"], built_at, files, standings)

    def batch(self) -> Batch:
        """Give the batch."""
        states = {kind: standing.state for kind, standing in self.standings.items()}
        return Batch(self.name, self.profile, self.counter, self.built_at, self.folder, self.files, states)

    def write(self) -> "Record":
        """Write what became of the batch, in one step; give the record with the stamp that it has now.

        Raises:
            LedgerError: it cannot be written, or the folder is gone.
        """
        said = {
            "version": VERSION,
            "states": {
                kind: {"state": standing.state.value, "at": _written(standing.at), "number": standing.number}
                for kind, standing in self.standings.items()
            },
            "deliveries": [asdict(delivery) for delivery in self.deliveries.values()],
        }
        text = json.dumps(said, ensure_ascii=False, indent=2, default=_written) + "\n"
        try:
            replace_text(self.folder / RECORD, text)
        except OSError as error:
            raise LedgerError(
                f"{self.folder / RECORD}: what becomes of the batch cannot be noted: {error.strerror}; nothing more was"
                " sent of it"
            ) from error
        return replace(self, stamp=stamp(self.folder))


def is_batch_name(name: str) -> bool:
    """Tell whether a folder of this name may be a batch: the moment of the build, and what went in."""
    return re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", name) is not None


def batch_folders(profile: Path, besides: Collection[str] = ()) -> list[Path]:
    """Give the folders of a profile's batches, but for those of some names.

    Raises:
        LedgerError: a folder cannot be looked into.
    """
    with readable(profile), suppress(FileNotFoundError, NotADirectoryError):
        folders = (folder for folder in profile.iterdir() if is_batch_name(folder.name) and folder.name not in besides)
        return sorted(folder for folder in folders if (folder / MANIFEST).is_file())
    return []


def stamp(folder: Path) -> str:
    """Tell one state of a batch's record from every other without reading it; empty where there is no record.

    Raises:
        LedgerError: the folder cannot be looked into.
    """
    with readable(folder), suppress(FileNotFoundError, NotADirectoryError):
        found = (folder / RECORD).stat()
        # Each is a new file, so that the inode differs though the clock may not have moved on.
        return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"
    return ""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Put into words why a path cannot be read; that it is not there is left to the caller."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error


def merged_batches(profile: Path) -> Iterator[tuple[str, list[str]]]:
    """Give, for each merged file of keys, the kind of the events and the batches that it covers, oldest first.

    The folders of such batches may have been removed; what they sent must still count.
    """
    for note in sorted((profile / KEYS).glob("*-*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield note.name.partition("-")[0], [str(name) for name in _read(note)["batches"]]


def of_removed_folder(folder: Path, numbers: Mapping[str, int]) -> Record:
    """Make the record of a batch whose folder was removed, of which only the keys of what it sent are left.

    Args:
        folder: where it lay.
        numbers: by kind of events, as in `Standing`.
    """
    built_at = datetime.strptime(folder.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    standings = {kind: Standing(State.DELIVERED, built_at, number) for kind, number in numbers.items()}
    return Record(folder, folder.parent.name, folder.name, None, built_at, (), standings)


def _read(path: Path) -> Any:  # noqa: ANN401 - whatever stands there
    return json.loads(path.read_bytes())


def _file(said: Mapping[str, Any]) -> BatchFile:
    name, kind, rows, size, sha256 = (said[key] for key in ("name", "kind", "rows", "bytes", "sha256"))
    if not all(isinstance(text, str) for text in (name, kind, sha256)) or not all(type(n) is int for n in (rows, size)):
        raise TypeError
    return BatchFile(name, kind, rows, size, sha256)


def _completed(built: Record, record: Mapping[str, Any]) -> Record:
    """Give a batch as its record goes on to tell it."""
    if record["version"] != VERSION:
        raise LedgerError(f"{built.folder / RECORD} was written by a newer csvexport; use that one")
    standings = {
        kind: Standing(State(said["state"]), _moment(said["at"]), said["number"])
        for kind, said in record["states"].items()
    }
    deliveries = {(said["destination"], said["file"]): _delivery(said) for said in record["deliveries"]}
    return replace(built, standings={**built.standings, **standings}, deliveries=deliveries)


def _delivery(said: Mapping[str, Any]) -> Delivery:
    arrival = said["arrival"]
    if arrival is not None:
        arrival = Arrival(**arrival | {"at": datetime.fromisoformat(arrival["at"]), "notes": tuple(arrival["notes"])})
    return Delivery(**dict(said) | {"began_at": datetime.fromisoformat(said["began_at"]), "arrival": arrival})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
