"""`prune`: old batches that are done with are removed; what they sent is remembered."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from csvexport.batch import remove_batch, sweep
from csvexport.errors import OutputError
from csvexport.journal import Journal
from csvexport.ledger import Batch, Ledger, State, profile_lock, profiles
from csvexport.transform.plan import SNAPSHOTS
from csvexport.workflow.sent import absorb_keys, is_left


@dataclass(frozen=True, slots=True)
class Rule:
    """Which batches may go.

    Attributes:
        before: batches that were built before this moment are old, aware.
        unsent: whether also those go that were only built.
    """

    before: datetime
    unsent: bool = False

    @classmethod
    def older_than(cls, days: int, *, unsent: bool) -> Self:
        """Count so many days back from now."""
        return cls(datetime.now(UTC) - timedelta(days=days), unsent)


@dataclass(frozen=True, slots=True)
class Removed:
    """A batch that was removed, or would be.

    Attributes:
        batch: its name.
        bytes: what its files took.
    """

    batch: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch that is old enough, and stays.

    Attributes:
        batch: its name.
        reason: why it stays, a part of a sentence.
    """

    batch: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was removed, or would be.

    Attributes:
        profile: name of the profile.
        before: batches that were built before this moment are old, aware, UTC.
        is_planned: whether nothing was removed yet.
        removed: oldest first.
        kept: oldest first.
    """

    profile: str
    before: datetime
    is_planned: bool
    removed: tuple[Removed, ...]
    kept: tuple[Kept, ...]


def prune(out: Path, profile: str, rule: Rule, journal: Journal) -> Pruning:
    """Remove the old batches of a profile that are done with; their records stay.

    A batch is done with when each of its kinds was sent, confirmed, discarded or superseded, or holds nothing that
    another batch did not send. The newest batch that has a kind stays in any case: it tells whether something is new.

    Args:
        out: the folder of all batches.
        profile: the name of the profile.
        rule: which batches may go.
        journal: hears of each.

    Raises:
        BusyError: another run is at work on the profile's batches.
        LedgerError: the ledger or the keys of what was sent cannot be read or written; nothing was removed.
        OutputError: a batch cannot be removed; those before it were.
    """
    # What is no profile must not get a lock: `.` and `/etc` are folders too.
    if profile not in profiles(out):
        return Pruning(profile, rule.before, is_planned=False, removed=(), kept=())
    with profile_lock(out, profile, "prune"), Ledger.open(out) as ledger:
        sweep(out / profile)
        ledger.sync(profile)
        going, kept = _chosen(ledger, profile, rule)
        for kind in {kind: None for batch in going for kind in batch.states}:
            absorb_keys(ledger, profile, kind, going)
        for batch in going:
            _give_up(ledger, batch)
        removed = tuple(_remove(batch, journal) for batch in going)
        return Pruning(profile, rule.before, is_planned=False, removed=removed, kept=tuple(kept))


def plan_pruning(out: Path, profile: str, rule: Rule) -> Pruning:
    """Say what `prune` would do; nothing is written.

    Raises:
        LedgerError: as `prune`.
    """
    with Ledger.reading(out, [profile]) as ledger:
        going, kept = _chosen(ledger, profile, rule)
        removed = tuple(Removed(batch.name, _size(batch)) for batch in going)
        return Pruning(profile, rule.before, is_planned=True, removed=removed, kept=tuple(kept))


def _chosen(ledger: Ledger, profile: str, rule: Rule) -> tuple[list[Batch], list[Kept]]:
    """Share the old batches out among those that go and those that stay."""
    batches = [batch for batch in ledger.batches(profile) if batch.folder.is_dir()]
    newest = {kind: batch.name for batch in batches for kind in batch.states}
    going, kept = [], []
    for batch in batches:
        if batch.built_at < rule.before and batch.name not in newest.values():
            reason = _reason(ledger, batch, unsent=rule.unsent)
            if reason is None:
                going.append(batch)
            else:
                kept.append(Kept(batch.name, reason))
    return going, kept


def _reason(ledger: Ledger, batch: Batch, *, unsent: bool) -> str | None:
    """Say why a batch must stay, None if it is done with."""
    if batch.under_way:
        return f"its {' and '.join(batch.under_way)} are under way"
    left = [] if unsent else [kind for kind in batch.states if is_left(ledger, batch, kind)]
    return f"its {' and '.join(left)} were never sent" if left else None


def _give_up(ledger: Ledger, batch: Batch) -> None:
    """Note that what was only built will never be sent."""
    for kind, state in batch.states.items():
        if state is State.BUILT:
            ledger.settle(batch, kind, State.SUPERSEDED if kind in SNAPSHOTS else State.DISCARDED)


def _remove(batch: Batch, journal: Journal) -> Removed:
    removed = Removed(batch.name, _size(batch))
    try:
        remove_batch(batch.folder)
    except OSError as error:
        raise OutputError(f"{batch.folder}: cannot be removed: {error.strerror}") from error
    journal.event("removed", batch=removed.batch, bytes=removed.bytes)
    return removed


def _size(batch: Batch) -> int:
    return sum(path.stat().st_size for path in batch.folder.iterdir() if path.is_file())


def pruning_json(pruning: Pruning) -> dict[str, Any]:
    """Give what a machine wants to know of a pruning."""
    return {
        "profile": pruning.profile,
        "before": pruning.before.isoformat(timespec="seconds"),
        "dry_run": pruning.is_planned,
        "removed": [{"batch": one.batch, "bytes": one.bytes} for one in pruning.removed],
        "kept": [{"batch": one.batch, "reason": one.reason} for one in pruning.kept],
    }
