"""What a person sees in the terminal: the progress bar and the summary of a build, within 80 columns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from csvexport.findings import Column, Findings
from csvexport.issues import CATALOGUE, Code, Severity
from csvexport.masking import cut, masked, printable
from csvexport.summary import Counts, Example, SourceFacts, Summary
from csvexport.verdicts import Finding, Gravity, Verdict

WIDTH = 80


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
_INDENT = (0, 0, 0, 2)

# Longer names are cut, so that the rest of the row has room.
_WIDEST_NAME = 26
_MOST_STATUSES = 30


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, int], None]]:
    """Show rows, bytes, rate and time left on stderr; gives the function to be told."""
    columns = (
        BarColumn(bar_width=16),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows=0, rate=0.0)

        def tell(rows: int, read: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0
            bar.update(task, completed=read, total=total, rows=rows, rate=rows / elapsed if elapsed else 0.0)

        yield tell


def _console() -> Console:
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def print_outcome(summary: Summary, folder: Path | None, refusal: str | None, *, checked: bool, verbose: bool) -> None:
    """Print the summary of a build or, `checked`, of a check on stdout."""
    console = _console()
    console.print(_headline(summary, folder, checked=checked))
    console.print()
    for table in (_sources(summary.sources), *_counts(summary), *_matching(summary)):
        console.print(table)
        console.print()
    if summary.issues:
        console.print(_issues(summary))
        console.print()
        if verbose:
            console.print(Group(*_details(summary)))
            console.print()
    if refusal:
        console.print(Text(refusal, style="red"))
    if folder is not None:
        console.print(_files(summary))
        console.print()
        console.print(_next_steps(summary, folder), soft_wrap=True)


def _headline(summary: Summary, folder: Path | None, *, checked: bool) -> Text:
    accepted = {kind: counts.accepted for kind, counts in summary.counts.items()}
    named = {kind: count for kind, count in accepted.items() if count or len(accepted) == 1}
    if folder is not None:
        ready = "is ready" if list(named.values()) == [1] else "are ready"
        said = f"{_listed(named)} {ready}{' to upload' if len(named) == 1 else ''}"
    elif checked:
        said = f"{_listed(named) or 'nothing'} would be sent"
    else:
        said = "nothing to send, so no batch was made"
    return Text(f"{summary.profile}: {said}", style="bold")


def _listed(counts: Mapping[str, int]) -> str:
    """Say how many there are of each kind: `81 conversions, 40 orders and 1 call`."""
    parts = [f"{count:,} {kind.removesuffix('s') if count == 1 else kind}" for kind, count in counts.items()]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table


def _sources(sources: tuple[SourceFacts, ...]) -> Table:
    table = _table()
    for source in sources:
        left_out = ", ".join(f"{count} {what}" for what, count in source.left_out.items())
        form = f"{printable(source.form)}, {source.rows:,} rows" + (f" (left out: {left_out})" if left_out else "")
        table.add_row(Text(printable(source.path)), Text("; ".join(filter(None, (form, source.remarks)))))
    return table


def _counts(summary: Summary) -> Iterator[RenderableType]:
    if len(summary.counts) == 1:
        ((kind, counts),) = summary.counts.items()
        yield _counts_of_one(kind, counts)
        return
    yield Text(f"{max((counts.rows for counts in summary.counts.values()), default=0):,} rows read")
    table = _table("", "matched", "accepted", "skipped", "rejected")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, counts in summary.counts.items():
        numbers = (counts.matched, counts.accepted, counts.skipped, counts.rejected)
        table.add_row(kind, *(f"{number:,}" for number in numbers))
    yield table


def _counts_of_one(kind: str, counts: Counts) -> Table:
    table = _table()
    matched = "pairs of a row and a goal" if kind == "conversions" else f"rows that [{kind}] takes"
    for name, count, meaning in (
        ("rows", counts.rows, "read"),
        ("matched", counts.matched, matched),
        ("accepted", counts.accepted, "will be sent"),
        ("skipped", counts.skipped, "left out on purpose"),
        ("rejected", counts.rejected, "cannot be sent until corrected"),
    ):
        table.add_row(name, Text(f"{count:,}", justify="right"), Text(meaning, style="dim"))
    return table


def _matching(summary: Summary) -> Iterator[RenderableType]:
    """Say by what the clients of orders and contacts can be found; a check does not know it."""
    table = _table()
    for kind, quality in summary.matching.items():
        ways = {
            "by ClientID" if kind == "orders" else "by an id": quality.client_id - quality.both,
            "by phone or e-mail": quality.contact - quality.both,
            "by both": quality.both,
            "by neither": quality.records - quality.client_id - quality.contact + quality.both,
        }
        said = ", ".join(f"{_share(count, quality.records)} {way}" for way, count in ways.items() if count)
        if said:
            table.add_row(f"clients of {kind}", said)
    if table.row_count:
        yield table


def _issues(summary: Summary) -> Table:
    table = _table("issue", "count", "what it means", "first in")
    table.columns[0].no_wrap = True
    table.columns[1].justify = "right"
    for severity in Severity:
        for code, _ in summary.issues_of(severity):
            issue = CATALOGUE[code]
            examples = summary.examples.get(code, ())
            first = f"row {examples[0].row}" if examples else ""
            table.add_row(Text(code.text, style=_STYLES[severity]), f"{_count(summary, code):,}", issue.title, first)
    return table


def _count(summary: Summary, code: Code) -> int:
    """How often an issue occurred; a row that cannot be read is the same row in every kind."""
    if code is Code.BAD_ROW:
        return max(counts.issues.get(code, 0) for counts in summary.counts.values())
    return summary.issues[code]


def _details(summary: Summary) -> Iterator[RenderableType]:
    """Say for each issue what to do, and where it stands."""
    for severity in Severity:
        for code, _ in summary.issues_of(severity):
            yield Text(code.text, style=_STYLES[severity])
            yield Padding(Text(CATALOGUE[code].remedy), _INDENT, expand=False)
            if len(summary.counts) > 1 and code is not Code.BAD_ROW:
                yield Padding(Text(_shares(summary, code)), _INDENT, expand=False)
            for example in summary.examples.get(code, ()):
                yield Padding(Text(_example(code, example), style="dim"), _INDENT, expand=False)


def _shares(summary: Summary, code: Code) -> str:
    """Say how often an issue occurred in each kind."""
    kinds = {kind: counts.issues[code] for kind, counts in summary.counts.items() if code in counts.issues}
    if code is Code.NO_GOAL:
        return ", ".join(f"{count:,} row{'' if count == 1 else 's'} for {kind}" for kind, count in kinds.items())
    return _listed(kinds)


def _example(code: Code, example: Example) -> str:
    place = f"{example.source}, row {example.row}" + (f", {example.column}" if example.column else "")
    value = _shown(code, example.value)
    return printable(f"{place}: {value}" if value else place)


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
    table = _table(*headings)
    table.columns[-2].justify = table.columns[-1].justify = "right"
    for file in summary.files:
        cells: dict[str, RenderableType] = {
            "file": Text(file.name),
            "kind": file.kind,
            "id type": file.identifier or "",
            "rows": f"{file.rows:,}",
            "bytes": f"{file.bytes:,}",
        }
        table.add_row(*(cells[heading] for heading in headings))
    return table


def _next_steps(summary: Summary, folder: Path) -> Text:
    only_conversions = all(file.kind == "conversions" for file in summary.files)
    steps = "the steps of the upload" if only_conversions else "what to do with each file"
    lines = [f"batch  {folder}", f"next   open its report.html: {steps}"]
    if any(counts.rejected for counts in summary.counts.values()):
        how = "build it behind the export" if summary.delimiters else "build that like an export"
        lines.append(f"       correct its rejected.csv and {how}")
    return Text("\n".join(lines))


def print_findings(findings: Findings, *, verbose: bool, statuses: bool, lacking: str | None) -> None:
    """Print what an export holds; with `statuses` also those, and what it is `lacking` to be sent."""
    console = _console()
    console.print(_sources(findings.sources))
    if findings.crm is not None:
        console.print(Text(f"It comes from {findings.crm.title}, as its columns show."))
    console.print()
    console.print(_columns(findings, console.width))
    console.print()
    if verbose:
        console.print(_reasons(findings))
        console.print()
    if findings.missing:
        names = printable(", ".join(findings.missing))
        console.print(Text(f"Only some of the files have these columns: {names}", style="yellow"))
        console.print()
    for column in findings.columns:
        if column.alarm:
            console.print(Text(printable(f"{column.name}: {column.alarm}"), style="bold red"))
            console.print()
    if findings.statuses and statuses:
        console.print(_statuses(findings))
        console.print()
    if lacking:
        console.print(Text(lacking, style="yellow"))
        console.print()


def _columns(findings: Findings, width: int) -> Table:
    table = _table("column", "holds", "filled", "distinct", "examples")
    rows = [
        (
            Text(printable(column.name)),
            Text(column.role or "", style="red" if column.alarm else ""),
            Text(_share(column.filled, findings.rows)),
            Text(f"{column.distinct:,}{'' if column.is_counted else '+'}"),
            Text(", ".join(column.examples), style="dim"),
        )
        for column in findings.columns
    ]
    # Only the examples give way where the table is too wide.
    left = width
    for number, column in enumerate(table.columns):
        column.no_wrap, column.overflow = True, "ellipsis"
        widest = max([len(str(column.header)), *(row[number].cell_len for row in rows)])
        column.width = max(min(widest, _WIDEST_NAME if column is not table.columns[-1] else left), 1)
        left -= column.width + 2
    table.columns[2].justify = table.columns[3].justify = "right"
    for row in rows:
        table.add_row(*row)
    return table


def _share(count: int, rows: int) -> str:
    """A share in percent, which is 0% or 100% only if it is none or all."""
    percent = round(100 * count / rows) if rows else 0
    return f"{min(max(percent, 1), 99)}%" if 0 < count < rows else f"{percent}%"


def _reasons(findings: Findings) -> Table:
    table = _table("column", "why it holds what it holds")
    table.columns[0].max_width = _WIDEST_NAME
    table.columns[0].no_wrap = True
    for column in findings.columns:
        table.add_row(Text(printable(column.name)), Text(_reason(column)))
    return table


def _reason(column: Column) -> str:
    if column.format:
        return f"{column.reason}; its times are written {column.format}"
    if column.needs_format:
        return f"{column.reason}; nothing tells whether the day or the month comes first"
    return column.reason


def _statuses(findings: Findings) -> Table:
    table = _table(printable(findings.status or ""), "rows", "")
    table.columns[1].justify = "right"
    for status in findings.statuses[:_MOST_STATUSES]:
        meaning = Text("paid" if status.is_paid else "", style="green")
        table.add_row(Text(printable(masked(status.text))), f"{status.rows:,}", meaning)
    left = len(findings.statuses) - _MOST_STATUSES
    if left > 0:
        table.add_row(Text(f"… and {left:,} more", style="dim"), "", "")
    return table


def print_start(profile: Path, summary: Summary, refusal: str | None) -> None:
    """Print that a profile was written, what a build by it would do, and what to do next."""
    console = _console()
    accepted = sum(counts.accepted for counts in summary.counts.values())
    rejected = sum(counts.rejected for counts in summary.counts.values())
    console.print(Text(f"{profile} is written.", style="bold"), soft_wrap=True)
    console.print()
    console.print(Text(f"check  {accepted:,} would be sent, {rejected:,} rejected"))
    if refusal:
        console.print(Padding(Text(refusal, style="red"), (0, 0, 0, 7), expand=False))
    for line in (
        "next   write the identifiers of the counter's goals into it, then",
        f"       csvexport check {profile}",
    ):
        console.print(Text(line), soft_wrap=True)


_GRAVITIES = {Gravity.ERROR: "red", Gravity.WARNING: "yellow"}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


def print_verdicts(verdicts: Sequence[Verdict], *, fixing: bool, verbose: bool) -> None:
    """Print what is wrong with files that are meant for Yandex; `fixing`: corrected copies were asked for."""
    console = _console()
    for number, verdict in enumerate(verdicts):
        if number:
            console.print()
        console.print(_judgement(verdict))
        for line in _file_lines(verdict, fixing=fixing):
            console.print(Text(printable(line)))
        if verdict.findings:
            console.print()
            console.print(_faults(verdict))
        if verdict.findings and verbose:
            console.print()
            console.print(Group(*_fault_details(verdict)))
        mendable = [finding.entry.code for finding in verdict.findings if finding.entry.is_mendable]
        if mendable and not fixing:
            console.print()
            console.print(Text(f"next  lint --fix writes a copy without {', '.join(mendable)}"))


def _judgement(verdict: Verdict) -> Text:
    """Say in a line how a file stands."""
    counts = {gravity: verdict.count(gravity) for gravity in Gravity}
    found = [f"{count:,} {gravity}{'' if count == 1 else 's'}" for gravity, count in counts.items() if count]
    if verdict.refused and verdict.rows:
        found.append(f"{verdict.refused:,} of {_rows(verdict.rows)} would be refused")
    style = next((_GRAVITIES[gravity] for gravity, count in counts.items() if count), "green")
    name = f"{verdict.path}, mended" if verdict.copy else verdict.path
    return Text(printable(f"{name}: {', '.join(found) or 'nothing is wrong with it'}"), style=f"bold {style}")


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _file_lines(verdict: Verdict, *, fixing: bool) -> Iterator[str]:
    """Say what a file is, and what became of it."""
    if verdict.kind is not None:
        yield f"{verdict.kind} for {verdict.receiver}"
    delimiter = _DELIMITERS.get(verdict.delimiter or "")
    rows = None if verdict.rows is None else _rows(verdict.rows)
    yield ", ".join(filter(None, (verdict.encoding, delimiter, rows, f"{verdict.bytes:,} bytes")))
    if verdict.copy is not None:
        mended = ", ".join(f"{code}{f' ({count:,})' if count > 1 else ''}" for code, count in verdict.mended.items())
        yield f"mended in {verdict.copy}: {mended}"
    elif fixing and verdict.findings:
        yield "nothing in it can be mended without guessing, so no copy was written"


def _faults(verdict: Verdict) -> Table:
    table = _table("code", "count", "what it means", "first in")
    table.columns[0].no_wrap = table.columns[3].no_wrap = True
    table.columns[1].justify = "right"
    for finding in verdict.findings:
        entry = finding.entry
        row = finding.sights[0].row if finding.sights else None
        first = "" if row is None else f"row {row}"
        title = Text(printable(": ".join(filter(None, (entry.title, _subjects(finding))))))
        table.add_row(Text(entry.code, style=_GRAVITIES[entry.gravity]), f"{finding.count:,}", title, first)
    return table


def _subjects(finding: Finding) -> str:
    """Say what a fault of the whole file is about: `Prise (did you mean "Price"?)`."""
    if not finding.entry.is_whole:
        return ""
    said = [
        f"{sight.column} ({sight.value})" if sight.column and sight.value else sight.column or sight.value
        for sight in finding.sights
    ]
    return "; ".join(filter(None, said))


def _fault_details(verdict: Verdict) -> Iterator[RenderableType]:
    """Say for each fault what to do, what Yandex says, and where it stands."""
    for finding in verdict.findings:
        entry = finding.entry
        yield Text(entry.code, style=_GRAVITIES[entry.gravity])
        yield Padding(Text(entry.remedy), _INDENT, expand=False)
        if entry.yandex:
            yield Padding(Text(f"Yandex: {entry.yandex}"), _INDENT, expand=False)
        for sight in finding.sights:
            place = ", ".join(filter(None, ("" if sight.row is None else f"row {sight.row}", sight.column)))
            said = ": ".join(filter(None, (place, sight.value)))
            if said and not entry.is_whole:
                yield Padding(Text(printable(said), style="dim"), _INDENT, expand=False)
