"""Sending what was built, and keeping the account of it.

What is under way is finished first, under its own name. Events are sent only if none of them was sent with another
batch; of snapshots only the newest goes.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

from csvexport.delivery import Deadline, Destination, Parcel, PassingError, Receipt, Trace
from csvexport.delivery.attempts import deliver
from csvexport.delivery.opening import open_destination
from csvexport.errors import CsvexportError, LedgerError
from csvexport.journal import Journal
from csvexport.ledger import Arrival, Batch, Departure, Hold, Ledger, State
from csvexport.profile import Profile
from csvexport.transform.plan import SNAPSHOTS
from csvexport.workflow.planning import Consignment, Planned, arrivals, consignment, destinations, refuse_destination
from csvexport.workflow.sent import compact_keys, outdated_events, refuse_keyless, repeated_events

NOT_TRIED: Final = "not tried, since the one before it failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one file on its way to one destination.

    Attributes:
        planned: the file and its place.
        receipt: what the destination answered; None where the file did not arrive, or was only planned.
        problem: why it did not arrive.
        seconds: how long the delivery took.
    """

    planned: Planned
    receipt: Receipt | None = None
    problem: str | None = None
    seconds: float = 0.0

    @property
    def state(self) -> str:
        """What became of it, in a word."""
        if self.receipt is None:
            return "failed" if self.problem else "planned"
        return "unchanged" if self.receipt.is_unchanged else "delivered"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something of a batch is not sent.

    Attributes:
        batch: name of the batch.
        what: the kind of its records, or the destination.
        problem: the reason.
    """

    batch: str
    what: str
    problem: str


class Post:
    """Sends files of one profile's batches; whoever uses it holds the profile's lock.

    Attributes:
        results: what became of every file, in the order in which they were tried.
        refusals: what was not tried, and why.
    """

    def __init__(self, profile: Profile, ledger: Ledger, journal: Journal, hold: Hold, to: str | None = None) -> None:
        """Begin.

        Args:
            profile: whose batches.
            ledger: where it is noted.
            journal: hears of every step.
            hold: the profile's lock, which tells other runs what is done.
            to: the name of the only destination to send to; None: all.

        Raises:
            UsageError: the profile has no destination, or none of this name.
        """
        refuse_destination(profile, to)
        self._profile = profile
        self._ledger = ledger
        self._journal = journal
        self._hold = hold
        self._to = to
        self.results: list[Result] = []
        self.refusals: list[Refusal] = []

    def blocked(self) -> frozenset[str]:
        """Give the kinds of events of which a batch is under way, so that no other may be sent."""
        return frozenset(under_way(self._batches()) - SNAPSHOTS)

    def _batches(self) -> list[Batch]:
        return self._ledger.batches(self._profile.name)

    def finish(self) -> None:
        """Finish what is under way."""
        for batch in self._batches():
            self._post(batch, batch.under_way)

    def send(self, batch: Batch, kinds: Sequence[str]) -> None:
        """Send some kinds of a batch, as far as it has them."""
        going = []
        for kind in kinds:
            if kind in batch.states:
                problem = obstacle(self._ledger, batch, kind)
                if problem is None:
                    going.append(kind)
                else:
                    self._refuse(batch, kind, problem)
        self._post(batch, going)

    def _refuse(self, batch: Batch, what: str, problem: str) -> None:
        self.refusals.append(Refusal(batch.name, what, problem))
        self._journal.event("refused", batch=batch.name, what=what, problem=problem)

    def _post(self, batch: Batch, kinds: Sequence[str]) -> None:
        """Send what has not arrived yet, and note what has arrived whole."""
        if not kinds:
            return
        stranger = strange_counter(self._profile, batch)
        if stranger is not None:
            self._refuse(batch, " and ".join(kinds), stranger)
            return
        for destination in destinations(self._profile, self._to):
            own = [kind for kind in kinds if kind in destination.what]
            try:
                planned = consignment(self._profile, batch, destination, own)
            except CsvexportError as error:
                self._begin(batch, own)
                self._refuse(batch, destination.name, str(error))
            else:
                if planned is not None:
                    self._send(planned)
        for kind in kinds:
            self._settle(batch, kind)

    def _begin(self, batch: Batch, kinds: Sequence[str]) -> None:
        """Note that kinds are under way, though it is not known where to: nothing else of them may overtake them."""
        for kind in kinds:
            if self._state(batch, kind) is State.BUILT:
                self._note(batch, kind, State.SENDING)

    def _state(self, batch: Batch, kind: str) -> State:
        """Give the state of a kind of a batch as it is now."""
        return next(now.states[kind] for now in self._batches() if now.name == batch.name)

    def _send(self, consigned: Consignment) -> None:
        """Send to one destination what has not arrived there yet."""
        batch, settings = consigned.batch, consigned.destination
        arrived = arrivals(self._ledger.deliveries(batch))
        waiting = [planned for planned in consigned.files if planned.arrival not in arrived]
        if not waiting:
            return
        # Before it is noted that something else is on its way there.
        traces = {planned: self._trace(planned) for planned in waiting}
        self._ledger.begin(batch, settings.name, [_departure(planned) for planned in waiting])
        self._supersede(batch, {planned.file.kind for planned in waiting})
        try:
            destination = open_destination(settings, self._profile.path.parent)
        except CsvexportError as error:
            self._fail(waiting, str(error).removeprefix(f"{settings.name}: "))
            return
        with closing(destination):
            while waiting and self._has_arrived(consigned, destination, waiting[0], traces[waiting[0]]):
                waiting.pop(0)
        self._fail(waiting[1:], NOT_TRIED)

    def _fail(self, files: Sequence[Planned], problem: str) -> None:
        for planned in files:
            self.results.append(Result(planned=planned, problem=problem))
            self._tell("failed", planned, problem=problem)

    def _has_arrived(
        self, consigned: Consignment, destination: Destination, planned: Planned, trace: Trace | None
    ) -> bool:
        """Deliver one file, and note its receipt."""
        batch, settings, file = consigned.batch, consigned.destination, planned.file
        parcel = Parcel(
            path=batch.folder / file.name,
            to=planned.to,
            shown=planned.shown,
            size=file.bytes,
            sha256=file.sha256,
            trace=trace,
        )
        self._tell("sending", planned, bytes=file.bytes)
        self._hold.begin(f"sending to {settings.name}", settings.time_limit)
        began = time.monotonic()
        try:
            deadline = Deadline(settings.time_limit)
            receipt = deliver(destination, parcel, settings.attempts, deadline, partial(self._retrying, planned))
        except CsvexportError as error:
            self._fail([planned], str(error))
            return False
        seconds = time.monotonic() - began
        self._ledger.receive(batch, planned.destination, file.name, _arrival(receipt))
        self.results.append(Result(planned=planned, receipt=receipt, seconds=seconds))
        what = "unchanged" if receipt.is_unchanged else "delivered"
        self._tell(what, planned, seconds=round(seconds, 3), checked=receipt.checked, notes=list(receipt.notes))
        return True

    def _trace(self, planned: Planned) -> Trace | None:
        """Give what was seen at a place, if this very content was the last that was delivered there."""
        last = self._ledger.last(self._profile.name, planned.destination, planned.to)
        if last is None or last.sha256 != planned.file.sha256:
            return None
        arrival = last.arrival
        return Trace(last.size, arrival.modified, arrival.version, arrival.is_taken) if arrival is not None else None

    def _retrying(self, planned: Planned, error: PassingError, wait: float) -> None:
        self._tell("retrying", planned, problem=str(error), wait=round(wait, 1))

    def _tell(self, event: str, planned: Planned, **facts: object) -> None:
        """Write to the journal what happened to a file."""
        self._journal.event(
            event,
            batch=planned.batch,
            destination=planned.destination,
            file=planned.file.name,
            place=planned.shown,
            **facts,
        )

    def _supersede(self, batch: Batch, kinds: set[str]) -> None:
        """Give older snapshots up, of which this one is a newer state."""
        for older in (other for other in self._batches() if other.number < batch.number):
            for kind in kinds & SNAPSHOTS:
                state = older.states.get(kind)
                if state is not None and state.is_open:
                    self._note(older, kind, State.SUPERSEDED)

    def _settle(self, batch: Batch, kind: str) -> None:
        """Note that a kind was delivered, if all its files have arrived wherever the profile sends it."""
        destinations = self._profile.destinations(kind)
        if not destinations:
            self._refuse(
                batch,
                kind,
                "is under way to a destination that the profile no longer has; csvexport confirm it if it arrived,"
                " else discard it",
            )
            return
        arrived = arrivals(self._ledger.deliveries(batch))
        try:
            planned = [consignment(self._profile, batch, destination, [kind]) for destination in destinations]
        except CsvexportError:
            # It was told above.
            return
        if all(file.arrival in arrived for one in planned if one is not None for file in one.files):
            self._note(batch, kind, State.DELIVERED)
            compact_keys(self._ledger, batch, kind)

    def _note(self, batch: Batch, kind: str, state: State) -> None:
        self._ledger.settle(batch, kind, state)
        self._journal.event(state.value if state is State.SUPERSEDED else "completed", batch=batch.name, kind=kind)


def under_way(batches: Iterable[Batch]) -> set[str]:
    """Give the kinds of which a batch is under way."""
    return {kind for batch in batches for kind in batch.under_way}


def strange_counter(profile: Profile, batch: Batch) -> str | None:
    """Say why a batch is not this profile's to send: it was built for another counter; None where it is."""
    if batch.counter in {None, profile.counter}:
        return None
    return (
        f"was built for the counter {batch.counter}, and the profile now says"
        f" {'none' if profile.counter is None else profile.counter}; set counter = {batch.counter} again to send it,"
        " or have the other counter's profile in a file of its own"
    )


def obstacle(ledger: Ledger, batch: Batch, kind: str) -> str | None:
    """Say why a kind of a batch must not be sent: no event goes twice, and no older state over a newer one.

    Raises:
        LedgerError: the keys of what was sent are gone or damaged.
    """
    gone = [file.name for file in batch.files if file.kind == kind and not (batch.folder / file.name).is_file()]
    if gone:
        return f"{' and '.join(gone)} of it cannot be found; build anew, and discard this one"
    if kind in SNAPSHOTS:
        later = [other for other in ledger.batches(batch.profile) if other.number > batch.number]
        newer = [other.name for other in later if _is_on_its_way(other, kind)]
        return f"{newer[-1]} is newer, and was sent or is under way" if newer else None
    return _obstacle_of_events(ledger, batch, kind)


def _obstacle_of_events(ledger: Ledger, batch: Batch, kind: str) -> str | None:
    if kind in under_way(ledger.batches(batch.profile)):
        return f"other {kind} are still under way; they have to arrive first"
    try:
        refuse_keyless(batch, kind)
    except LedgerError:
        return "the keys of its events are gone, so that they might go again later; build anew, and discard this one"
    repeated = repeated_events(ledger, batch, kind)
    if repeated:
        return f"{repeated:,} of its {kind} were sent with another batch since it was built; build anew, and discard it"
    outdated = outdated_events(ledger, batch, kind)
    if outdated:
        return f"{outdated:,} of its {kind} were sent with a newer batch, at other prices; build anew, and discard it"
    return None


def _is_on_its_way(batch: Batch, kind: str) -> bool:
    state = batch.states.get(kind)
    return state is not None and (state is State.SENDING or state.is_sent)


def _departure(planned: Planned) -> Departure:
    file = planned.file
    return Departure(file.name, file.kind, planned.shown, planned.to, file.sha256, file.bytes)


def _arrival(receipt: Receipt) -> Arrival:
    trace = receipt.trace
    return Arrival(
        at=receipt.at,
        modified=trace.modified,
        version=trace.version,
        is_taken=trace.is_taken,
        is_unchanged=receipt.is_unchanged,
        checked=receipt.checked,
        notes=receipt.notes,
    )
