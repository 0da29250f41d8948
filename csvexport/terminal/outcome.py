"""The summary of a check or a build."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from csvexport.issues import CATALOGUE, Code, Severity
from csvexport.masking import cut, masked
from csvexport.summary import Counts, Example, Summary
from csvexport.terminal.console import INDENT, borderless, plain, share, source_table, stdout_console

if TYPE_CHECKING:
    from csvexport.workflow import Outcome

# What the profile names in vain is cut off here where nobody asks for more.
_MOST_UNMATCHED = 10

_STYLES = {Severity.REJECTED: "red", Severity.WARNING: "yellow", Severity.SKIPPED: "dim"}

# Whole identifiers, phones and e-mails stay out of terminals, which end up in logs, also where they are none.
_PERSONAL_CODES = frozenset(
    {
        Code.BAD_IDENTIFIER,
        Code.ROUNDED_IDENTIFIER,
        Code.FOREIGN_YCLID,
        Code.SUSPICIOUS_IDENTIFIER,
        Code.SECOND_IDENTIFIER,
        Code.BAD_PHONE,
        Code.BAD_EMAIL,
        Code.BAD_VALUE,
    }
)


def print_outcome(outcome: "Outcome", *, checked: bool, verbose: bool, by_hand: bool = True) -> None:
    """Print the summary of a build or, `checked`, of a check on stdout.

    Args:
        outcome: of the command.
        checked: whether nothing was to be written.
        verbose: whether to say of every issue what to do, and where it stands.
        by_hand: whether a person is to go on with the batch.
    """
    console, summary = stdout_console(), outcome.summary
    console.print(_headline(outcome, checked=checked), soft_wrap=True)
    console.print()
    for table in (source_table(summary.sources), *_counts(summary), *_matching(summary)):
        console.print(table)
        console.print()
    if summary.issues:
        console.print(_issues(summary))
        console.print()
        if verbose:
            console.print(Group(*_details(summary)))
            console.print()
    if summary.unmatched:
        most = len(summary.unmatched) if verbose else _MOST_UNMATCHED
        console.print(_unmatched(summary, most), soft_wrap=True)
        console.print()
    if outcome.clock:
        console.print(plain(outcome.clock, style="yellow"))
        console.print()
    if outcome.refusal:
        console.print(plain(outcome.refusal, style="red"))
    if outcome.folder is not None:
        console.print(_files(summary))
        console.print()
        console.print(_next_steps(summary, outcome.folder, by_hand=by_hand), soft_wrap=True)
    for note in _notes(summary):
        console.print(plain(note), soft_wrap=True)


def _headline(outcome: "Outcome", *, checked: bool) -> Text:
    summary = outcome.summary
    accepted = {kind: counts.accepted for kind, counts in summary.counts.items()}
    named = {kind: count for kind, count in accepted.items() if count or len(accepted) == 1}
    old = {kind: said for kind in named if (said := _too_old(summary.counts[kind]))}
    # Beside several kinds each says for itself what is too old.
    listed = _listed(named, {kind: f" ({said})" for kind, said in old.items()} if len(named) > 1 else {})
    rest = "".join(f", {said}" for said in old.values()) if len(named) == 1 else ""
    if outcome.folder is not None:
        ready = "is ready" if list(named.values()) == [1] else "are ready"
        said = f"{listed} {ready}{' to upload' if len(named) == 1 else ''}{rest}"
    elif checked:
        said = f"{listed or 'nothing'} would be sent{rest}"
    elif outcome.same_as is not None:
        said = f"nothing is new since {outcome.same_as}, so no batch was made"
    else:
        said = "nothing to send, so no batch was made"
    empty = f"; {summary.emptiness}" if summary.emptiness else ""
    return plain(f"{summary.profile}: {said}{empty}", style="bold")


def _too_old(counts: Counts) -> str:
    if not counts.old:
        return ""
    if counts.accepted == 1:
        return "too old to match"
    return f"{'all' if counts.old == counts.accepted else f'{counts.old:,}'} of them too old to match"


def _listed(counts: Mapping[str, int], remarks: Mapping[str, str] = MappingProxyType({})) -> str:
    """Say how many there are of each kind, and what else of it: `81 conversions, 40 orders and 1 call`."""
    parts = [
        f"{count:,} {kind.removesuffix('s') if count == 1 else kind}{remarks.get(kind, '')}"
        for kind, count in counts.items()
    ]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _counts(summary: Summary) -> Iterator[RenderableType]:
    if len(summary.counts) == 1:
        ((kind, counts),) = summary.counts.items()
        yield _counts_of_one(kind, counts)
        return
    yield plain(f"{max((counts.rows for counts in summary.counts.values()), default=0):,} rows read")
    table = borderless("", "matched", "accepted", "skipped", "rejected")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, counts in summary.counts.items():
        numbers = (counts.matched, counts.accepted, counts.skipped, counts.rejected)
        table.add_row(kind, *(f"{number:,}" for number in numbers))
    yield table


def _counts_of_one(kind: str, counts: Counts) -> Table:
    table = borderless()
    matched = "pairs of a row and a goal" if kind == "conversions" else f"rows that [{kind}] takes"
    for name, count, meaning in (
        ("rows", counts.rows, "read"),
        ("matched", counts.matched, matched),
        ("accepted", counts.accepted, "will be sent"),
        ("skipped", counts.skipped, "left out on purpose"),
        ("rejected", counts.rejected, "cannot be sent until corrected"),
    ):
        table.add_row(name, Text(f"{count:,}", justify="right"), plain(meaning, style="dim"))
    return table


def _matching(summary: Summary) -> Iterator[RenderableType]:
    """Say by what the clients of orders and contacts can be found; a check does not know it."""
    table = borderless()
    for kind, quality in summary.matching.items():
        ways = {
            "by ClientID" if kind == "orders" else "by an id": quality.client_id - quality.both,
            "by phone or e-mail": quality.contact - quality.both,
            "by both": quality.both,
            "by neither": quality.records - quality.client_id - quality.contact + quality.both,
        }
        said = ", ".join(f"{share(count, quality.records)} {way}" for way, count in ways.items() if count)
        if said:
            table.add_row(f"clients of {kind}", said)
    if table.row_count:
        yield table


def _issues(summary: Summary) -> Table:
    table = borderless("issue", "count", "what it means", "first in")
    table.columns[0].no_wrap = True
    table.columns[1].justify = "right"
    for severity in Severity:
        for code, _ in summary.issues_of(severity):
            issue = CATALOGUE[code]
            examples = summary.examples.get(code, ())
            first = f"row {examples[0].row}" if examples else ""
            table.add_row(plain(code.text, style=_STYLES[severity]), f"{_count(summary, code):,}", issue.title, first)
    return table


def _count(summary: Summary, code: Code) -> int:
    """How often an issue occurred; a row that cannot be read is the same row in every kind."""
    if code is Code.BAD_ROW:
        return max(counts.issues.get(code, 0) for counts in summary.counts.values())
    return summary.issues[code]


def _unmatched(summary: Summary, most: int) -> Text:
    """Say what the profile names and no row has, each on a line."""
    lines = [one.sentence for one in summary.unmatched[:most]]
    more = len(summary.unmatched) - len(lines)
    lines += [f"and {more:,} more, which --verbose shows"] * bool(more)
    said = [plain("The profile names what the export does not hold:")]
    return Text("\n").join([*said, *(plain(f"  {line}", style="yellow") for line in lines)])


def _details(summary: Summary) -> Iterator[RenderableType]:
    """Say for each issue what to do, and where it stands."""
    for severity in Severity:
        for code, _ in summary.issues_of(severity):
            yield plain(code.text, style=_STYLES[severity])
            yield Padding(plain(CATALOGUE[code].remedy), INDENT, expand=False)
            if len(summary.counts) > 1 and code is not Code.BAD_ROW:
                yield Padding(plain(_shares(summary, code)), INDENT, expand=False)
            for example in summary.examples.get(code, ()):
                yield Padding(plain(_example(code, example), style="dim"), INDENT, expand=False)


def _shares(summary: Summary, code: Code) -> str:
    """Say how often an issue occurred in each kind."""
    kinds = {kind: counts.issues[code] for kind, counts in summary.counts.items() if code in counts.issues}
    if code is Code.NO_GOAL:
        return ", ".join(f"{count:,} row{'' if count == 1 else 's'} for {kind}" for kind, count in kinds.items())
    return _listed(kinds)


def _example(code: Code, example: Example) -> str:
    place = f"{example.source}, row {example.row}" + (f", {example.column}" if example.column else "")
    value = _shown(code, example.value)
    return f"{place}: {value}" if value else place


def _shown(code: Code, value: str) -> str:
    """Give as much of a cell as may be seen."""
    if code in _PERSONAL_CODES:
        return cut(value)
    if code is Code.BAD_ROW:
        return value.partition(": ")[0]
    return masked(value)


def _files(summary: Summary) -> Table:
    identified = [file.identifier is not None for file in summary.files]
    several = len({file.kind for file in summary.files}) > 1
    headings = ["file", *["kind"] * several, *["id type"] * any(identified), "rows", "bytes"]
    table = borderless(*headings)
    table.columns[-2].justify = table.columns[-1].justify = "right"
    for file in summary.files:
        cells: dict[str, RenderableType] = {
            "file": plain(file.name),
            "kind": file.kind,
            "id type": file.identifier or "",
            "rows": f"{file.rows:,}",
            "bytes": f"{file.bytes:,}",
        }
        table.add_row(*(cells[heading] for heading in headings))
    return table


def _next_steps(summary: Summary, folder: Path, *, by_hand: bool) -> Text:
    """Say where the batch is, and what a person is to do with it if `run` does not go on with it."""
    lines = []
    kinds = dict.fromkeys(file.kind for file in summary.files)
    delivered = [kind for kind in kinds if kind in summary.destinations]
    if by_hand and delivered:
        places = dict.fromkeys(name for kind in delivered for name in summary.destinations[kind])
        what = "it" if len(delivered) == len(kinds) else " and ".join(delivered)
        lines.append(f"csvexport send PROFILE delivers {what} to {' and '.join(places)}")
    rest = [kind for kind in kinds if kind not in summary.destinations]
    if by_hand and rest:
        steps = "the steps of the upload" if rest == ["conversions"] else "what to do with each file"
        lines.append(f"open its report.html: {steps}")
    if any(counts.rejected for counts in summary.counts.values()):
        how = "build it behind the export" if summary.delimiters else "build that like an export"
        lines.append(f"correct its rejected.csv and {how}")
    if by_hand and rest:
        lines.append(f"then csvexport confirm {folder}")
    margins = [*["next   "] * bool(lines), *["       "] * (len(lines) - 1)]
    return Text("\n").join(map(plain, [f"batch  {folder}", *map(str.__add__, margins, lines)]))


def _notes(summary: Summary) -> Iterator[str]:
    """Say how many events go by an identifier that another one may take the place of."""
    for kind, counts in summary.named_by.items():
        lesser = {identifier: count for identifier, count in list(counts.items())[1:] if count}
        if lesser:
            yield (f"note   {sum(lesser.values()):,} of {sum(counts.values()):,} {kind} go by {' or '.join(lesser)}:")
            yield (f"       keep it in the row when {next(iter(counts))} is filled in, or they go again")


def print_start(profile: Path, summary: Summary, refusal: str | None) -> None:
    """Print that a profile was written, what a build by it would do, and what to do next."""
    console = stdout_console()
    accepted = sum(counts.accepted for counts in summary.counts.values())
    rejected = sum(counts.rejected for counts in summary.counts.values())
    console.print(plain(f"{profile} is written.", style="bold"), soft_wrap=True)
    console.print()
    console.print(plain(f"check  {accepted:,} would be sent, {rejected:,} rejected"))
    if refusal:
        console.print(Padding(plain(refusal, style="red"), (0, 0, 0, 7), expand=False))
    for line in (
        "next   write the identifiers of the counter's goals into it, then",
        f"       csvexport check {profile}",
    ):
        console.print(plain(line), soft_wrap=True)
