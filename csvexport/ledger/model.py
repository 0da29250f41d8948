"""What the ledger knows: batches, the states of their kinds, and the deliveries of their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """What became of one kind of a batch."""

    BUILT = "built"
    SENDING = "sending"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"

    @property
    def is_sent(self) -> bool:
        """Whether it counts as sent: it was delivered, or a person says that it was uploaded."""
        return self in {State.DELIVERED, State.CONFIRMED}

    @property
    def is_open(self) -> bool:
        """Whether it may yet be sent."""
        return self in {State.BUILT, State.SENDING}


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file of a batch that can be sent.

    Attributes:
        name: file name inside the batch.
        kind: `conversions`, `calls`, `orders`, `contacts` or `deals`.
        rows: records in it.
        bytes: size.
        sha256: in hex.
    """

    name: str
    kind: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch.

    Attributes:
        name: of its folder.
        profile: name of the profile.
        counter: number of the Metrica counter, if the profile gives one.
        built_at: the moment of the build, aware, UTC. It never decides what is newer, since a clock may be wrong.
        number: of the change that added the batch to the ledger; what was built later has a higher one.
        folder: where it lies, or lay.
        files: what can be sent of it.
        states: by kind, in the order of the files.
    """

    name: str
    profile: str
    counter: int | None
    built_at: datetime
    number: int
    folder: Path
    files: tuple[BatchFile, ...]
    states: Mapping[str, State]

    @property
    def under_way(self) -> list[str]:
        """The kinds that are on their way, in their order."""
        return [kind for kind, state in self.states.items() if state is State.SENDING]

    def rows(self, kind: str) -> int:
        """Count the rows of the files of a kind."""
        return sum(file.rows for file in self.files if file.kind == kind)


@dataclass(frozen=True, slots=True)
class Departure:
    """A file that is about to leave.

    Attributes:
        file: its name.
        kind: its kind.
        place: where it goes, as it may be shown.
        address: where it goes in full; only a digest of it is kept, since it may hold a key.
        sha256: of the file, in hex.
        size: bytes.
    """

    file: str
    kind: str
    place: str
    address: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a destination answered.

    Attributes:
        at: when the file arrived, aware, UTC.
        modified: its modification time there, Unix seconds; None where that is not known.
        version: what else names the version there; may be empty.
        is_taken: whether the receiver took it away at once.
        is_unchanged: whether the same content was there already.
        checked: by what was seen that it arrived whole.
        notes: what did not go as asked, but does no harm.
    """

    at: datetime
    modified: int | None = None
    version: str = ""
    is_taken: bool = False
    is_unchanged: bool = False
    checked: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A file on its way to a destination, or arrived there.

    Attributes:
        destination: name of the destination.
        file: name of the file.
        kind: its kind.
        place: where it goes, as it may be shown.
        address: SHA-256 of the whole address, in hex.
        sha256: of the file, in hex.
        size: bytes.
        began_at: when it left, aware, UTC.
        number: of the change with which it left; what left later has a higher one.
        arrival: what the destination answered; None while it is on its way.
    """

    destination: str
    file: str
    kind: str
    place: str
    address: str
    sha256: str
    size: int
    began_at: datetime
    number: int
    arrival: Arrival | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one kind of a batch.

    Attributes:
        state: the state.
        at: since when, aware, UTC; None: since the build.
        number: of the change with which it came to count as sent; 0 where it does not count.
    """

    state: State
    at: datetime | None = None
    number: int = 0
