"""Plans of deliveries: which files of a batch go where."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from csvexport.errors import DeliveryError, UsageError
from csvexport.ledger import Batch, BatchFile, Delivery, address_digest
from csvexport.profile import DeliverSettings, Profile
from csvexport.profile.wording import listed, suggestion


@dataclass(frozen=True, slots=True)
class Planned:
    """One file that goes to one place.

    Attributes:
        batch: name of the batch.
        destination: name of the destination.
        file: the file.
        to: the path at the destination, or the whole address, which is never shown.
        shown: how messages name the place.
    """

    batch: str
    destination: str
    file: BatchFile
    to: str
    shown: str

    @property
    def arrival(self) -> tuple[str, str, str]:
        """By what its arrival is known; see `arrivals`."""
        return self.destination, self.file.name, address_digest(self.to)


@dataclass(frozen=True, slots=True)
class Consignment:
    """What of a batch goes to one destination."""

    batch: Batch
    destination: DeliverSettings
    files: tuple[Planned, ...]


def arrivals(deliveries: Iterable[Delivery]) -> set[tuple[str, str, str]]:
    """Give destination, file and digest of the address of what has arrived."""
    return {(made.destination, made.file, made.address) for made in deliveries if made.arrival is not None}


def destinations(profile: Profile, to: str | None) -> list[DeliverSettings]:
    """Give the profile's destinations, or only the one of this name."""
    return [destination for destination in profile.deliver if to in {None, destination.name}]


def consignment(
    profile: Profile, batch: Batch, destination: DeliverSettings, kinds: Collection[str]
) -> Consignment | None:
    """Plan where the files of some kinds of a batch go at one destination; None where it takes none of them.

    Raises:
        DeliveryError: two files would go to one place.
        ProfileError: the destination's address is a secret that cannot be found.
    """
    files = [file for file in batch.files if file.kind in kinds and file.kind in destination.what]
    return Consignment(batch, destination, _placed(profile, batch, destination, files)) if files else None


def _placed(
    profile: Profile, batch: Batch, destination: DeliverSettings, files: Sequence[BatchFile]
) -> tuple[Planned, ...]:
    date = batch.built_at.astimezone(ZoneInfo(profile.timezone)).date().isoformat()
    placed: dict[str, Planned] = {}
    for file in files:
        values = {"batch": batch.name, "file": file.name, "date": date, "profile": profile.name, "kind": file.kind}
        to = destination.place(values, profile.path.parent)
        shown = destination.shown(to)
        if to in placed:
            raise DeliveryError(
                f"{destination.name}: {placed[to].file.name} and {file.name} would both go to {shown}; put"
                " {{ file }} into `to`"
            )
        placed[to] = Planned(batch.name, destination.name, file, to, shown)
    return tuple(placed.values())


def refuse_destination(profile: Profile, to: str | None) -> None:
    """See that there is something to send to.

    Raises:
        UsageError: the profile has no destination, or none of this name.
    """
    names = [destination.name for destination in profile.deliver]
    if not names:
        raise UsageError(
            f"{profile.path.name} has no [[deliver]], so there is nowhere to send to; upload the files by hand, then"
            " csvexport confirm BATCH"
        )
    if to is not None and to not in names:
        raise UsageError(f'--to: no destination is called "{to}"{suggestion(to, names)}; there is {listed(names)}')
