"""What counts as sent of a profile, as a build needs to know it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

from csvexport.batch.compaction import Own, compact, covering
from csvexport.batch.keys import SentKeys, file_name
from csvexport.errors import LedgerError
from csvexport.ledger import Batch, Ledger, State
from csvexport.summary import FileFacts
from csvexport.transform.plan import SNAPSHOTS


@dataclass(frozen=True, slots=True)
class Sent:
    """What counts as sent.

    Attributes:
        keys: by kind of events, the keys of all that were sent.
        fingerprint: tells one state of these from another; empty where no events were sent, and nothing discarded.
        snapshots: by kind of snapshots, the batch that was sent last.
    """

    keys: Mapping[str, SentKeys] = field(default_factory=dict)
    fingerprint: str = ""
    snapshots: Mapping[str, Batch] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger, profile: str, kinds: Iterable[str]) -> Self:
        """Look up what was sent of some kinds.

        Raises:
            LedgerError: the ledger, or the keys of what was sent, are damaged or lost.
        """
        kinds = list(kinds)
        sent = {kind: batches for kind in kinds if (batches := ledger.sent(profile, kind))}
        events = {kind: batches for kind, batches in sent.items() if kind not in SNAPSHOTS}
        names = [f"{kind}/{batch.name}" for kind, batches in events.items() for batch in batches]
        # A batch that was discarded must not be taken for the one that is built in its stead.
        names += [
            f"{kind}/{batch.name}/discarded"
            for batch in ledger.batches(profile)
            for kind in kinds
            if batch.states.get(kind) is State.DISCARDED
        ]
        return cls(
            {kind: sent_keys(kind, batches) for kind, batches in events.items()},
            hashlib.sha256("\n".join(names).encode()).hexdigest() if names else "",
            {kind: batches[-1] for kind, batches in sent.items() if kind in SNAPSHOTS},
        )

    def same_as(self, files: Sequence[FileFacts]) -> str | None:
        """Name the batch that was sent with these very files, all of which are snapshots; None if something is new."""
        kinds = {file.kind for file in files} - {"schema"}
        if not kinds <= self.snapshots.keys() or any(not self._is_same(kind, files) for kind in kinds):
            return None
        return max(self.snapshots[kind].name for kind in kinds)

    def _is_same(self, kind: str, files: Sequence[FileFacts]) -> bool:
        before = {(file.name, file.sha256) for file in self.snapshots[kind].files if file.kind == kind}
        return before == {(file.name, file.sha256) for file in files if file.kind == kind}


NOTHING: Final = Sent()


def sent_keys(kind: str, batches: Sequence[Batch]) -> SentKeys:
    """Open the keys of the events of batches, given in the order in which they came to count."""
    return SentKeys(covering(batches[0].folder.parent, kind, _own(kind, batches)))


def _own(kind: str, batches: Iterable[Batch]) -> list[Own]:
    return [
        Own(
            batch.name,
            batch.folder / file_name(kind),
            sum(file.rows for file in batch.files if file.kind == kind),
        )
        for batch in batches
    ]


def repeated_events(ledger: Ledger, batch: Batch, kind: str) -> int:
    """Count a batch's events that were sent, worth the same, with another batch; a snapshot has none."""
    if kind in SNAPSHOTS:
        return 0
    others = [other for other in ledger.sent(batch.profile, kind) if other.name != batch.name]
    return sent_keys(kind, others).count(batch.folder / file_name(kind)) if others else 0


def compact_keys(ledger: Ledger, batch: Batch, kind: str) -> None:
    """Merge the keys of the events of many batches, now that one more came to count as sent, or no longer does."""
    # That only saves time later on; whoever needs keys that are gone says so.
    with suppress(LedgerError):
        if kind not in SNAPSHOTS:
            compact(batch.folder.parent, kind, _own(kind, ledger.sent(batch.profile, kind)))


def refuse_loss(ledger: Ledger, batch: Batch, kind: str) -> None:
    """See that the keys of all others are there if a batch no longer counts, since they may be merged with its own.

    Raises:
        LedgerError: the keys of a batch whose folder was removed would be lost.
    """
    if kind not in SNAPSHOTS:
        others = [other for other in ledger.sent(batch.profile, kind) if other.name != batch.name]
        covering(batch.folder.parent, kind, _own(kind, others))
