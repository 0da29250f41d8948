"""What was delivered, what is known of batches, and what was decided of one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from csvexport.terminal.console import INDENT, borderless, plain, stdout_console
from csvexport.terminal.outcome import print_outcome

if TYPE_CHECKING:
    from rich.console import Console

    from csvexport.ledger import Arrival, Delivery
    from csvexport.workflow.deciding import Decision, History, Record
    from csvexport.workflow.posting import Result
    from csvexport.workflow.pruning import Pruning
    from csvexport.workflow.restoring import Restored
    from csvexport.workflow.sending import Sending

_STYLES: Final = {
    "delivered": "green",
    "unchanged": "green",
    "confirmed": "green",
    "sending": "yellow",
    "failed": "red",
    "discarded": "dim",
    "superseded": "dim",
}
_CHECKED: Final = {
    "size": "its size was checked",
    "checksum": "its checksum was checked",
    "answer": "by the server's answer",
}
_STATES: Final = {
    "planned": "would be sent",
    "delivered": "delivered",
    "unchanged": "there already",
    "failed": "not delivered",
}


def print_sending(profile: str, sending: "Sending", *, verbose: bool) -> None:
    """Print what was built and delivered, or would be delivered."""
    console = stdout_console()
    if sending.outcome is not None:
        print_outcome(sending.outcome, checked=False, verbose=verbose, by_hand=False)
        if not sending.results:
            return
        console.print()
    console.print(plain(f"{profile}: {_headline(sending)}", style="bold"))
    for _, results in groupby(sending.results, lambda result: (result.planned.batch, result.planned.destination)):
        console.print()
        _print_consignment(console, list(results), verbose=verbose)
    for batch in sending.left:
        console.print()
        console.print(plain(f"{batch} holds what was never sent: csvexport send PROFILE {batch},"), soft_wrap=True)
        console.print(plain("or csvexport discard it, if a later batch has all of it."), soft_wrap=True)


def _headline(sending: "Sending") -> str:
    states = Counter(result.state for result in sending.results)
    said = [f"{_files(count)} {_STATES[state]}" for state, count in sorted(states.items())]
    return ", ".join(said) or "there is nothing to send"


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _print_consignment(console: "Console", results: "Sequence[Result]", *, verbose: bool) -> None:
    """Print what became of the files of one batch on their way to one destination."""
    planned = results[0].planned
    console.print(plain(f"{planned.batch} to {planned.destination}"))
    table = borderless("file", "rows", "bytes", "")
    table.columns[1].justify = table.columns[2].justify = "right"
    for result in results:
        file = result.planned.file
        state = plain(_STATES[result.state], style=_STYLES.get(result.state, ""))
        table.add_row(plain(file.name), f"{file.rows:,}", f"{file.bytes:,}", state)
    console.print(Padding(table, INDENT, expand=False))
    for line in (line for result in results for line in _details(result, verbose=verbose)):
        console.print(line, soft_wrap=True)


def _details(result: "Result", *, verbose: bool) -> "Iterator[Text]":
    yield _below(_from_here(result.planned.shown), "dim")
    if result.receipt is not None:
        for note in result.receipt.notes:
            yield _below(note, "yellow")
        if result.receipt.trace.is_taken and result.receipt.checked != "answer":
            yield _below("the receiver took it away at once", "dim")
        elif verbose and not result.receipt.is_unchanged:
            yield _below(f"in {result.seconds:.1f} s; {_CHECKED[result.receipt.checked]}", "dim")


def _from_here(place: str) -> str:
    """Name a file below the current folder as a person would type it."""
    path = Path(place)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else place


def _below(text: str, style: str) -> Text:
    """Indent a line that may be longer than the terminal is wide."""
    return plain(f"  {text}", style=style)


def print_history(history: "History", *, verbose: bool) -> None:
    """Print the batches of each profile, oldest first, and what became of them."""
    console = stdout_console()
    if not history.records:
        console.print("No batch was built here yet.")
    if history.older:
        line = f"{history.older:,} older batch{'' if history.older == 1 else 'es'}: csvexport history --last N"
        console.print(plain(line, style="dim"))
        console.print()
    for number, (profile, own) in enumerate(groupby(history.records, lambda record: record.batch.profile)):
        if number:
            console.print()
        console.print(plain(profile, style="bold"))
        for record in own:
            console.print(
                plain(record.batch.name).append("" if record.batch.folder.is_dir() else "  removed", style="dim")
            )
            console.print(Padding(_states(record), INDENT, expand=False))
            if verbose:
                for delivery in record.deliveries:
                    console.print(_below(_delivery(delivery), "dim"), soft_wrap=True)


def _states(record: "Record") -> Table:
    table = borderless()
    for justify in ("left", "right", "left", "left"):
        table.add_column(justify=justify, no_wrap=True)
    for kind, state in record.batch.states.items():
        table.add_row(
            kind,
            f"{record.batch.rows(kind):,}",
            plain(state.value, style=_STYLES.get(state.value, "")),
            _where(record, kind),
        )
    return table


def _where(record: "Record", kind: str) -> str:
    """Say where the files of a kind went, and when the last of them arrived."""
    last: dict[str, str] = {}
    for delivery in record.deliveries:
        if delivery.kind == kind:
            arrival = delivery.arrival
            last[delivery.destination] = (
                f" {arrival.at:%Y-%m-%d %H:%M} UTC{_unseen(arrival)}" if arrival else " not yet"
            )
    return ", ".join(f"{destination}{when}" for destination, when in last.items())


def _delivery(delivery: "Delivery") -> str:
    arrival = delivery.arrival
    when = f"{arrival.at:%Y-%m-%d %H:%M:%S} UTC{_unseen(arrival)}" if arrival is not None else "not yet"
    return f"{delivery.file} to {delivery.place}, {when}"


def _unseen(arrival: "Arrival") -> str:
    """Say so where nobody saw the file at its place."""
    return f" {_CHECKED['answer']}" if arrival.checked == "answer" else ""


def print_decision(decision: "Decision") -> None:
    """Print what a batch counts as from now on."""
    console = stdout_console()
    batch = decision.batch
    said = " and ".join(f"{batch.rows(kind):,} {kind}" for kind in decision.kinds)
    counts = "count as sent" if batch.states[decision.kinds[0]].is_sent else "do not count as sent"
    console.print(plain(f"{batch.profile}: {said} of {batch.name} {counts}", style="bold"), soft_wrap=True)
    for kind, count in decision.repeated.items():
        line = (
            f"{count:,} of its {kind} had been sent with another batch already, or are under way; Metrica keeps the"
            " last price of each."
        )
        console.print(plain(line, style="yellow"))


def print_pruning(pruning: "Pruning") -> None:
    """Print which batches were removed, or would be, and which old ones stay."""
    console = stdout_console()
    count, size = len(pruning.removed), sum(one.bytes for one in pruning.removed)
    batches = f"{count:,} batch{'' if count == 1 else 'es'} built before {pruning.before:%Y-%m-%d %H:%M} UTC"
    if not count:
        said = f"no batch built before {pruning.before:%Y-%m-%d %H:%M} UTC is done with"
    elif pruning.is_planned:
        said = f"{batches} would be removed, {size:,} bytes"
    else:
        said = f"{batches} {'was' if count == 1 else 'were'} removed, {size:,} bytes"
    console.print(plain(f"{pruning.profile}: {said}", style="bold"), soft_wrap=True)
    if pruning.is_planned:
        for one in pruning.removed:
            console.print(_below(f"{one.batch}  {one.bytes:,} bytes", "dim"))
    for kept in pruning.kept:
        console.print(_below(f"{kept.batch} stays: {kept.reason}", "yellow"), soft_wrap=True)


def print_adopted(profile: str, path: Path, before: Path | None) -> None:
    """Print whose batches those of a profile are from now on."""
    console = stdout_console()
    console.print(plain(f"the batches of {profile} are those of {path}"), soft_wrap=True)
    if before is not None and before != path:
        console.print(plain(f"and no longer of {before}", style="dim"), soft_wrap=True)


def print_restored(restored: "Restored") -> None:
    """Print what a ledger was restored from, and whose keys were."""
    console, rebuilt = stdout_console(), restored.ledger
    count = f"{rebuilt.batches:,} batch{'' if rebuilt.batches == 1 else 'es'}"
    console.print(plain(f"{rebuilt.path} was restored from {count}", style="bold"), soft_wrap=True)
    if rebuilt.kept is not None:
        console.print(plain(f"the one that was there is now {rebuilt.kept}"), soft_wrap=True)
    for name in restored.keys:
        console.print(plain(f"the keys of {name} were made anew from its files"), soft_wrap=True)
    for problem in (*rebuilt.unreadable, *restored.lost):
        console.print(plain(problem, style="yellow"), soft_wrap=True)
