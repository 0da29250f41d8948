"""What a person sees in the terminal: the progress bar and the summary of a build, within 80 columns."""

from collections.abc import Callable, Iterator
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
from csvexport.summary import Example, SourceFacts, Summary

WIDTH = 80


_STYLES = {Severity.REJECTED: "red", Severity.WARNING: "yellow", Severity.SKIPPED: "dim"}

# Whole identifiers stay out of terminals, which end up in logs.
_IDENTIFIER_CODES = frozenset(
    {
        Code.BAD_IDENTIFIER,
        Code.ROUNDED_IDENTIFIER,
        Code.FOREIGN_YCLID,
        Code.SUSPICIOUS_IDENTIFIER,
        Code.SECOND_IDENTIFIER,
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
    for table in (_sources(summary.sources), _counts(summary)):
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
    accepted = sum(counts.accepted for counts in summary.counts.values())
    rows = f"{accepted:,} conversion{'' if accepted == 1 else 's'}"
    if folder is not None:
        said = f"{rows} {'is' if accepted == 1 else 'are'} ready to upload"
    elif checked:
        said = f"{rows} would be sent"
    else:
        said = "nothing to send, so no batch was made"
    return Text(f"{summary.profile}: {said}", style="bold")


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


def _counts(summary: Summary) -> Table:
    table = _table()
    for counts in summary.counts.values():
        for name, count, meaning in (
            ("rows", counts.rows, "read"),
            ("matched", counts.matched, "pairs of a row and a goal"),
            ("accepted", counts.accepted, "will be sent"),
            ("skipped", counts.skipped, "left out on purpose"),
            ("rejected", counts.rejected, "cannot be sent until corrected"),
        ):
            table.add_row(name, Text(f"{count:,}", justify="right"), Text(meaning, style="dim"))
    return table


def _issues(summary: Summary) -> Table:
    table = _table("issue", "count", "what it means", "first in")
    table.columns[0].no_wrap = True
    table.columns[1].justify = "right"
    for severity in Severity:
        for code, count in summary.issues_of(severity):
            issue = CATALOGUE[code]
            examples = summary.examples.get(code, ())
            first = f"row {examples[0].row}" if examples else ""
            table.add_row(Text(code.text, style=_STYLES[severity]), f"{count:,}", issue.title, first)
    return table


def _details(summary: Summary) -> Iterator[RenderableType]:
    """Say for each issue what to do, and where it stands."""
    for severity in Severity:
        for code, _ in summary.issues_of(severity):
            yield Text(code.text, style=_STYLES[severity])
            yield Padding(Text(CATALOGUE[code].remedy), _INDENT, expand=False)
            for example in summary.examples.get(code, ()):
                yield Padding(Text(_example(code, example), style="dim"), _INDENT, expand=False)


def _example(code: Code, example: Example) -> str:
    place = f"{example.source}, row {example.row}" + (f", {example.column}" if example.column else "")
    value = _shown(code, example.value)
    return printable(f"{place}: {value}" if value else place)


def _shown(code: Code, value: str) -> str:
    """Give as much of a cell as may be seen."""
    if code in _IDENTIFIER_CODES:
        return cut(value)
    if code is Code.BAD_ROW:
        return value.partition(": ")[0]
    return masked(value)


def _files(summary: Summary) -> Table:
    table = _table("file", "id type", "rows", "bytes")
    table.columns[2].justify = table.columns[3].justify = "right"
    for file in summary.files:
        table.add_row(Text(file.name), file.identifier, f"{file.rows:,}", f"{file.bytes:,}")
    return table


def _next_steps(summary: Summary, folder: Path) -> Text:
    lines = [f"batch  {folder}", "next   open its report.html: the steps of the upload"]
    if any(counts.rejected for counts in summary.counts.values()):
        lines.append("       correct its rejected.csv and build that like an export")
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
    (counts,) = summary.counts.values()
    console.print(Text(f"{profile} is written.", style="bold"), soft_wrap=True)
    console.print()
    console.print(Text(f"check  {counts.accepted:,} would be sent, {counts.rejected:,} rejected"))
    if refusal:
        console.print(Padding(Text(refusal, style="red"), (0, 0, 0, 7), expand=False))
    for line in (
        "next   write the identifiers of the counter's goals into it, then",
        f"       csvexport check {profile}",
    ):
        console.print(Text(line), soft_wrap=True)
