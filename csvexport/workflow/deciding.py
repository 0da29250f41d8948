"""`confirm`, `discard` and `history`: what a person says of batches, and what is known of them."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csvexport.errors import UsageError
from csvexport.ledger import Batch, Delivery, Ledger, State, profile_lock
from csvexport.workflow.locating import locate
from csvexport.workflow.sent import compact_keys, refuse_keyless, refuse_loss, repeated_events


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a batch.

    Attributes:
        batch: the batch as it is now.
        kinds: the kinds that it was decided of.
        repeated: by kind, how many of its events had been sent, worth the same, with another batch, or are under way.
    """

    batch: Batch
    kinds: tuple[str, ...]
    repeated: dict[str, int]


def confirm(out: Path, batch: str, *, force: bool = False) -> Decision:
    """Note that a person uploaded a batch: its events count as sent.

    Args:
        out: the folder of all batches.
        batch: its name, or the path of its folder.
        force: whether that is noted although some of its events were sent with another batch.

    Raises:
        UsageError: there is no such batch, nothing of it is left to confirm, or its events were sent with another.
        BusyError: another run is at work on the profile's batches.
        LedgerError: the ledger cannot be read or written.
    """
    return _decide(out, batch, State.CONFIRMED, "confirm", force=force)


def discard(out: Path, batch: str) -> Decision:
    """Note that a batch does not count: what it holds will be in the next one.

    Raises:
        UsageError, BusyError, LedgerError: as `confirm`.
    """
    return _decide(out, batch, State.DISCARDED, "discard")


def _decide(out: Path, name: str, state: State, command: str, *, force: bool = False) -> Decision:
    out, profile, name = locate(out, name)
    with profile_lock(out, profile, command), Ledger.open(out) as ledger:
        ledger.sync(profile)
        batch = ledger.batch(profile, name)
        if batch is None:
            raise UsageError(f"{profile} has no batch {name}; csvexport history lists them")
        kinds = tuple(kind for kind, before in batch.states.items() if _may_become(before, state))
        if not kinds:
            states = ", ".join(f"{kind}: {before.value}" for kind, before in batch.states.items())
            raise UsageError(f"there is nothing to {command} in {name} ({states})")
        for kind in kinds:
            if state is State.DISCARDED:
                refuse_loss(ledger, batch, kind)
            else:
                refuse_keyless(batch, kind)
        repeated = {} if state is State.DISCARDED else _repeated(ledger, batch, kinds)
        if repeated and not force:
            raise UsageError(_already_sent(batch, repeated))
        for kind in kinds:
            ledger.settle(batch, kind, state)
            compact_keys(ledger, batch, kind)
        return Decision(ledger.batch(profile, name) or batch, kinds, repeated)


def _may_become(before: State, after: State) -> bool:
    """Tell whether a person can decide this: anything can be taken back, what is settled cannot be confirmed."""
    return before is not State.DISCARDED if after is State.DISCARDED else before.is_open


def _already_sent(batch: Batch, repeated: Mapping[str, int]) -> str:
    folder = shlex.quote(str(batch.folder))
    said = " and ".join(f"{count:,} of its {batch.rows(kind):,} {kind}" for kind, count in repeated.items())
    return (
        f"{batch.name}: {said} were sent with another batch already, or are under way, so nothing was noted. If you"
        f" did upload this batch, csvexport confirm {folder} --force says so; if you did not, csvexport discard"
        f" {folder}, and the next batch has what else it holds"
    )


def _repeated(ledger: Ledger, batch: Batch, kinds: Sequence[str]) -> dict[str, int]:
    counts = {kind: repeated_events(ledger, batch, kind) for kind in kinds}
    return {kind: count for kind, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a batch."""

    batch: Batch
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What is known of batches.

    Attributes:
        records: oldest first.
        older: how many older ones were left out.
    """

    records: tuple[Record, ...]
    older: int


def history(out: Path, profile: str | None, last: int | None = None) -> History:
    """List batches; nothing is written.

    Args:
        out: the folder of all batches.
        profile: the name of the only profile to be considered; None: all.
        last: how many of the newest of each profile are listed; None: all.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    with Ledger.reading(out, None if profile is None else [profile]) as ledger:
        by_profile: dict[str, list[Batch]] = {}
        batches = ledger.batches(profile)
        for batch in batches:
            by_profile.setdefault(batch.profile, []).append(batch)
        newest = [batch for own in by_profile.values() for batch in own[-(last or len(own)) :]]
        return History(
            tuple(Record(batch, tuple(ledger.deliveries(batch))) for batch in newest), len(batches) - len(newest)
        )


def history_json(history: History) -> dict[str, Any]:
    """Give what a machine wants to know of batches."""
    return {
        "batches": [_batch_json(record.batch) | {"deliveries": _deliveries(record)} for record in history.records],
        "older": history.older,
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    """Give what a machine wants to know of a decision."""
    return _batch_json(decision.batch) | {"kinds": list(decision.kinds), "repeated": decision.repeated}


def _batch_json(batch: Batch) -> dict[str, Any]:
    return {
        "batch": batch.name,
        "profile": batch.profile,
        "built_at": batch.built_at.isoformat(timespec="seconds"),
        "folder": str(batch.folder) if batch.folder.is_dir() else None,
        "states": {kind: state.value for kind, state in batch.states.items()},
    }


def _deliveries(record: Record) -> list[dict[str, Any]]:
    return [_delivery(delivery) for delivery in record.deliveries]


def _delivery(delivery: Delivery) -> dict[str, Any]:
    arrival = delivery.arrival
    said: dict[str, Any] = {
        "destination": delivery.destination,
        "file": delivery.file,
        "kind": delivery.kind,
        "place": delivery.place,
        "bytes": delivery.size,
        "sha256": delivery.sha256,
        "began_at": delivery.began_at.isoformat(timespec="seconds"),
        "arrived_at": arrival.at.isoformat(timespec="seconds") if arrival is not None else None,
    }
    if arrival is not None:
        said |= {"checked": arrival.checked, "is_taken": arrival.is_taken, "notes": list(arrival.notes)}
    return said
