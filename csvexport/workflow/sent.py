"""What counts as sent of a profile, as a build needs to know it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from csvexport.batch.compaction import Own, absorb, compact, covering, holding, keyless
from csvexport.batch.keys import SentKeys, file_name
from csvexport.errors import CsvexportError, LedgerError
from csvexport.ledger import Batch, Ledger, State
from csvexport.profile import Profile
from csvexport.summary import FileFacts
from csvexport.transform.plan import DOUBLING, SNAPSHOTS
from csvexport.workflow.planning import arrivals, consignment


@dataclass(frozen=True, slots=True)
class Sent:
    """What counts as sent.

    Attributes:
        keys: by kind of events, the keys of all that were sent.
        fingerprint: tells one state of these from another; empty where no events were sent, and nothing discarded.
        snapshots: by kind of snapshots, the batch that stands wherever the profile sends them, or is on its way there.
        counter: that the keys of events are made with; see `counter_of_keys`.
        latest: the moment of the last build, as the clock stood then; None where nothing was built.
    """

    keys: Mapping[str, SentKeys] = field(default_factory=dict)
    fingerprint: str = ""
    snapshots: Mapping[str, Batch] = field(default_factory=dict)
    counter: int | None = None
    latest: datetime | None = None

    @classmethod
    def of(cls, ledger: Ledger, profile: Profile, kinds: Iterable[str]) -> Self:
        """Look up what was sent of some kinds.

        Raises:
            LedgerError: the ledger, or the keys of what was sent, are damaged or lost.
        """
        kinds = list(kinds)
        batches = ledger.batches(profile.name)
        events = {kind: sent for kind in kinds if kind not in SNAPSHOTS and (sent := ledger.sent(profile.name, kind))}
        names = [f"{kind}/{batch.name}" for kind, sent in events.items() for batch in sent]
        # A batch that was discarded must not be taken for the one that is built in its stead.
        names += [
            f"{kind}/{batch.name}/discarded"
            for batch in batches
            for kind in kinds
            if batch.states.get(kind) is State.DISCARDED
        ]
        standing = {kind: _standing(ledger, profile, kind, batches) for kind in kinds if kind in SNAPSHOTS}
        return cls(
            {kind: sent_keys(kind, sent) for kind, sent in events.items()},
            hashlib.sha256("\n".join(names).encode()).hexdigest() if names else "",
            {kind: batch for kind, batch in standing.items() if batch is not None},
            counter_of_keys(profile.counter, batches),
            batches[-1].built_at if batches else None,
        )

    def same_as(self, files: Sequence[FileFacts]) -> str | None:
        """Name the batch that stands with these very files, all of which are snapshots; None if something is new."""
        kinds = {file.kind for file in files} - {"schema"}
        if not kinds <= self.snapshots.keys() or any(not self._is_same(kind, files) for kind in kinds):
            return None
        return max(self.snapshots[kind].name for kind in kinds)

    def _is_same(self, kind: str, files: Sequence[FileFacts]) -> bool:
        before = {(file.name, file.sha256) for file in self.snapshots[kind].files if file.kind == kind}
        return before == {(file.name, file.sha256) for file in files if file.kind == kind}


def counter_of_keys(counter: int | None, batches: Sequence[Batch]) -> int | None:
    """Give the counter that the keys of a profile's events are made with.

    It is the profile's. Where that was given only after the first batch was built, or taken out again, it is the first
    batch's: the events stay the same.

    Args:
        counter: the profile's; None: it gives none.
        batches: the profile's, as they were built.
    """
    first = batches[0].counter if batches else counter
    return first if counter is None or first is None else counter


def _standing(ledger: Ledger, profile: Profile, kind: str, batches: Sequence[Batch]) -> Batch | None:
    """Find the batch whose snapshot a new one would only repeat; None where it is not known what stands."""
    left = [batch for batch in batches if batch.states.get(kind) not in {None, State.BUILT, State.SUPERSEDED}]
    if not left or left[-1].states[kind] is State.DISCARDED:
        return None
    newest = left[-1]
    is_told = newest.states[kind] in {State.SENDING, State.CONFIRMED}
    is_there = is_told or _is_everywhere(ledger, profile, kind, newest)
    return newest if is_there else None


def _is_everywhere(ledger: Ledger, profile: Profile, kind: str, batch: Batch) -> bool:
    """Tell whether the snapshot arrived wherever the profile now sends it."""
    arrived = arrivals(ledger.deliveries(batch))
    try:
        planned = [consignment(profile, batch, destination, [kind]) for destination in profile.destinations(kind)]
    except CsvexportError:
        return False
    return all(file.arrival in arrived for one in planned if one is not None for file in one.files)


def sent_keys(kind: str, batches: Sequence[Batch]) -> SentKeys:
    """Open the keys of the events of batches, given in the order in which they came to count."""
    return SentKeys(covering(batches[0].folder.parent, kind, _own(kind, batches)))


def _own(kind: str, batches: Iterable[Batch]) -> list[Own]:
    return [
        Own(
            batch.name,
            batch.folder / file_name(kind),
            batch.rows(kind),
        )
        for batch in batches
    ]


def repeated_events(ledger: Ledger, batch: Batch, kind: str) -> int:
    """Count a batch's events that were sent with another batch, or are under way; a snapshot has none.

    What was sent at another price counts only where that must not go either.

    Raises:
        LedgerError: the keys of a batch are gone or damaged.
    """
    if kind in SNAPSHOTS:
        return 0
    leaving = [one for one in ledger.batches(batch.profile) if kind in one.under_way]
    others = [one for one in (*ledger.sent(batch.profile, kind), *leaving) if one.name != batch.name]
    if not others:
        return 0
    return sent_keys(kind, others).count(batch.folder / file_name(kind), at_any_worth=kind in DOUBLING)


def is_left(ledger: Ledger, batch: Batch, kind: str) -> bool:
    """Tell whether a batch holds events that were neither sent nor discarded, nor sent with another; no snapshot."""
    if kind in SNAPSHOTS or batch.states.get(kind) is not State.BUILT:
        return False
    try:
        return repeated_events(ledger, batch, kind) < batch.rows(kind)
    except LedgerError:
        return True


def outdated_events(ledger: Ledger, batch: Batch, kind: str) -> int:
    """Count a batch's events that were sent with one that was built later, whatever they were worth in that.

    Raises:
        LedgerError: the keys of a batch are gone or damaged.
    """
    sent = ledger.sent(batch.profile, kind)
    later = [one.name for one in sent if one.number > batch.number]
    if not later:
        return 0
    files = SentKeys(holding(batch.folder.parent, kind, _own(kind, sent), later))
    return files.count(batch.folder / file_name(kind), at_any_worth=True)


def without_keys(ledger: Ledger, profile: str, kind: str) -> list[Batch]:
    """Give the batches that were sent, or may yet be, and have no keys of a kind of events."""
    sent = ledger.sent(profile, kind)
    names = keyless(sent[0].folder.parent, kind, _own(kind, sent)) if sent else set()
    for batch in ledger.batches(profile):
        if kind in batch.states and batch.states[kind].is_open:
            names |= keyless(batch.folder.parent, kind, _own(kind, [batch]))
    return [batch for batch in ledger.batches(profile) if batch.name in names]


def refuse_keyless(batch: Batch, kind: str) -> None:
    """See that a batch has its keys, without which it could not count as sent.

    Raises:
        LedgerError: they are gone or damaged.
    """
    if kind not in SNAPSHOTS:
        covering(batch.folder.parent, kind, _own(kind, [batch]))


def compact_keys(ledger: Ledger, batch: Batch, kind: str) -> None:
    """Merge the keys of the events of many batches, now that one more came to count as sent, or no longer does."""
    # That only saves time later on; whoever needs keys that are gone says so.
    with suppress(LedgerError):
        if kind not in SNAPSHOTS:
            compact(batch.folder.parent, kind, _own(kind, ledger.sent(batch.profile, kind)))


def absorb_keys(ledger: Ledger, profile: str, kind: str, going: Sequence[Batch]) -> None:
    """Merge the keys of the events of batches that are about to be removed, so that they go on to count as sent.

    Raises:
        LedgerError: keys are gone or damaged, or there is no room for the merged ones.
    """
    if kind not in SNAPSHOTS and going:
        absorb(going[0].folder.parent, kind, _own(kind, ledger.sent(profile, kind)), {batch.name for batch in going})


def refuse_loss(ledger: Ledger, batch: Batch, kind: str) -> None:
    """See that no keys are lost if a batch no longer counts: those of others may be merged with its own.

    Raises:
        LedgerError: the keys of a batch whose folder was removed would be lost.
    """
    if kind in SNAPSHOTS:
        return
    sent = ledger.sent(batch.profile, kind)
    try:
        covering(batch.folder.parent, kind, _own(kind, sent))
    except LedgerError:
        # They are lost already.
        return
    others = [other for other in sent if other.name != batch.name]
    try:
        covering(batch.folder.parent, kind, _own(kind, others))
    except LedgerError as error:
        removed = [other.name for other in others if not other.folder.is_dir()]
        is_only = batch.folder.is_dir() and len(removed) == 1
        raise LedgerError(
            f"{batch.name} can no longer be taken back: its {kind} are remembered together with those of batches whose"
            " folders were removed"
            + (f"; csvexport discard {removed[0]} first, so that what it sent goes again" if is_only else "")
        ) from error
