"""`send` and `run`: what a person, or a scheduler, has delivered."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from csvexport.errors import CsvexportError, UsageError
from csvexport.journal import Journal
from csvexport.ledger import Batch, Ledger, State, profile_lock, refuse_stranger
from csvexport.profile import Profile
from csvexport.workflow.building import Outcome, build, outcome_json
from csvexport.workflow.locating import locate
from csvexport.workflow.options import Options
from csvexport.workflow.planning import arrivals, consignment, destinations, refuse_destination
from csvexport.workflow.posting import NOT_TRIED, Post, Refusal, Result, obstacle, strange_counter
from csvexport.workflow.sent import is_left


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What `send` or `run` did.

    Attributes:
        outcome: the build's, where there was one.
        results: what became of every file.
        refusals: what was not tried, and why.
        problem: what stopped the build, where it was stopped.
        batches: the batches that were touched, as they are now.
        left: batches with events that nobody has sent, nor is about to.
    """

    outcome: Outcome | None = None
    results: Sequence[Result] = ()
    refusals: Sequence[Refusal] = ()
    problem: CsvexportError | None = None
    batches: Sequence[Batch] = ()
    left: Sequence[str] = ()

    @property
    def has_failed(self) -> bool:
        """Whether something did not arrive, or was refused."""
        return bool(self.refusals) or any(result.problem for result in self.results)

    def failures(self) -> list[str]:
        """Say what did not go as it should, a line each."""
        lines = [f"{refusal.batch}: {refusal.what}: {refusal.problem}" for refusal in self.refusals]
        lines += [
            f"{result.planned.destination}: {result.problem}"
            for result in self.results
            if result.problem not in {None, NOT_TRIED}
        ]
        return [*lines, *([str(self.problem)] if self.problem is not None else [])]


def send(profile: Profile, out: Path, batch: str | None, to: str | None, journal: Journal) -> Sending:
    """Finish what is under way, then send a batch.

    Args:
        profile: the profile.
        out: the folder of all batches.
        batch: name or folder of the batch; None: of each kind the newest, if it was not sent yet.
        to: the name of the only destination to send to; None: all.
        journal: hears of every step.

    Raises:
        UsageError: there is no such batch or destination, or the batch has nothing to be sent.
        BusyError: another run is at work on the profile's batches.
        LedgerError: the ledger cannot be read or written.
    """
    out, name = _meant(profile, out, batch, to)
    refuse_stranger(out, profile.name, profile.path)
    with profile_lock(out, profile.name, "send") as hold, Ledger.open(out) as ledger:
        ledger.sync(profile.name)
        post = Post(profile, ledger, journal, hold, to)
        chosen = _chosen(profile, ledger, name)
        post.finish()
        for one, kinds in chosen:
            post.send(one, kinds)
        return replace(_sending(post, ledger, profile), left=_left(profile, ledger) if name is None else ())


def plan(profile: Profile, out: Path, batch: str | None, to: str | None) -> Sending:
    """Say what `send` would do; nothing is written, and no destination is asked.

    Raises:
        UsageError, LedgerError: as `send`.
    """
    out, name = _meant(profile, out, batch, to)
    refuse_stranger(out, profile.name, profile.path)
    with Ledger.reading(out, [profile.name]) as ledger:
        going = [(one, one.under_way) for one in ledger.batches(profile.name) if not strange_counter(profile, one)]
        refusals: list[Refusal] = []
        for one, kinds in _chosen(profile, ledger, name):
            problems = {kind: strange_counter(profile, one) or obstacle(ledger, one, kind) for kind in kinds}
            refusals += [Refusal(one.name, kind, problem) for kind, problem in problems.items() if problem is not None]
            going.append((one, [kind for kind, problem in problems.items() if problem is None]))
        results = [result for one, kinds in going for result in _planned(profile, ledger, one, kinds, to)]
        return Sending(results=results, refusals=refusals, left=_left(profile, ledger) if name is None else ())


def _planned(profile: Profile, ledger: Ledger, batch: Batch, kinds: Sequence[str], to: str | None) -> list[Result]:
    """Give the files of a batch that have not arrived yet."""
    arrived = arrivals(ledger.deliveries(batch))
    planned = [consignment(profile, batch, destination, kinds) for destination in destinations(profile, to)]
    files = [file for one in planned if one is not None for file in one.files]
    return [Result(planned=file) for file in files if file.arrival not in arrived]


def _meant(profile: Profile, out: Path, batch: str | None, to: str | None) -> tuple[Path, str | None]:
    """Give the folder of all batches and the name of the batch that are meant."""
    refuse_destination(profile, to)
    if batch is None:
        return out, None
    if Path(batch).name == batch:
        return out, batch
    found = locate(out, batch)
    if found.profile != profile.name:
        raise UsageError(f"{batch} is a batch of {found.profile}, and not of {profile.name}")
    return found.out, found.name


def _left(profile: Profile, ledger: Ledger) -> tuple[str, ...]:
    """Name the batches that hold events which no batch has brought to a destination, nor is about to."""
    return tuple(
        batch.name
        for batch in ledger.batches(profile.name)
        if any(is_left(ledger, batch, kind) for kind in profile.kinds if profile.destinations(kind))
    )


def _chosen(profile: Profile, ledger: Ledger, name: str | None) -> list[tuple[Batch, list[str]]]:
    """Give the batches to send, each with those of its kinds that are to go."""
    batches = ledger.batches(profile.name)
    taken = [kind for kind in profile.kinds if profile.destinations(kind)]
    if name is not None:
        return [_named(profile, batches, name, taken)]
    chosen: dict[str, tuple[Batch, list[str]]] = {}
    for kind in taken:
        having = [batch for batch in batches if batch.states.get(kind, State.DISCARDED) is not State.DISCARDED]
        if having and having[-1].states[kind] is State.BUILT:
            chosen.setdefault(having[-1].name, (having[-1], []))[1].append(kind)
    return sorted(chosen.values(), key=lambda item: item[0].name)


def _named(profile: Profile, batches: Sequence[Batch], name: str, taken: Sequence[str]) -> tuple[Batch, list[str]]:
    """Give the batch that the command line names, and those of its kinds that can go."""
    found = next((batch for batch in batches if batch.name == name), None)
    if found is None:
        raise UsageError(f"{profile.name} has no batch {name}; csvexport history lists them")
    kinds = [kind for kind in taken if found.states.get(kind) is State.BUILT]
    if not kinds and not found.under_way:
        states = ", ".join(f"{kind}: {state.value}" for kind, state in found.states.items())
        raise UsageError(f"{name} has nothing left that a destination takes ({states})")
    return found, kinds


def run(profile: Profile, options: Options, journal: Journal) -> Sending:
    """Finish what is under way, build a batch of what is new, and send it.

    Kinds that no destination takes are not built, and neither are events of which a batch could not be finished.

    Args:
        profile: the profile.
        options: of the build.
        journal: hears of every step.

    Raises:
        UsageError: the profile has no destination.
        BusyError: another run is at work on the profile's batches.
        LedgerError: the ledger cannot be read or written.
    """
    refuse_stranger(options.out, profile.name, profile.path)
    with profile_lock(options.out, profile.name, "run") as hold, Ledger.open(options.out) as ledger:
        ledger.sync(profile.name)
        post = Post(profile, ledger, journal, hold)
        post.finish()
        hold.begin("building")
        kinds = [kind for kind in profile.kinds if profile.destinations(kind) and kind not in post.blocked()]
        outcome, problem = None, None
        try:
            if kinds:
                outcome = build(profile, replace(options, only=_made(profile, kinds), needed=kinds), journal)
        except CsvexportError as error:
            problem = error
        if outcome is not None and outcome.folder is not None:
            post.send(ledger.add(outcome.folder), kinds)
        return _sending(post, ledger, profile, outcome, problem)


def _made(profile: Profile, kinds: Sequence[str]) -> Sequence[str]:
    """Give the kinds to make for these to be right: contacts may be those that a deal names."""
    needs_deals = "contacts" in kinds and profile.contacts is not None and profile.contacts.only_with_deals
    made = [kind for kind in profile.kinds if kind in kinds or (kind == "deals" and needs_deals)]
    return made if len(made) < len(profile.kinds) else ()


def _sending(
    post: Post, ledger: Ledger, profile: Profile, outcome: Outcome | None = None, problem: CsvexportError | None = None
) -> Sending:
    """Sum up, with the batches as they are now."""
    touched = {result.planned.batch for result in post.results} | {refusal.batch for refusal in post.refusals}
    batches = [batch for batch in ledger.batches(profile.name) if batch.name in touched]
    return Sending(outcome=outcome, results=post.results, refusals=post.refusals, problem=problem, batches=batches)


def sending_json(sending: Sending) -> dict[str, Any]:
    """Give what a machine wants to know of a sending."""
    return {
        "build": outcome_json(sending.outcome) if sending.outcome is not None else None,
        "deliveries": [_result_json(result) for result in sending.results],
        "refused": [asdict(refusal) for refusal in sending.refusals],
        "batches": {
            batch.name: {kind: state.value for kind, state in batch.states.items()} for batch in sending.batches
        },
        "left": list(sending.left),
        "error": str(sending.problem) if sending.problem is not None else None,
    }


def _result_json(result: Result) -> dict[str, Any]:
    planned, receipt = result.planned, result.receipt
    said: dict[str, Any] = {
        "batch": planned.batch,
        "destination": planned.destination,
        "file": planned.file.name,
        "kind": planned.file.kind,
        "place": planned.shown,
        "rows": planned.file.rows,
        "bytes": planned.file.bytes,
        "sha256": planned.file.sha256,
        "state": result.state,
    }
    if receipt is not None:
        said |= {
            "at": receipt.at.isoformat(timespec="seconds"),
            "seconds": round(result.seconds, 3),
            "checked": receipt.checked,
            "is_taken": receipt.trace.is_taken,
            "notes": list(receipt.notes),
        }
    return said | ({"problem": result.problem} if result.problem is not None else {})
