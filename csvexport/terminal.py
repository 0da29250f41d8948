"""What a person sees in the terminal: the progress bar and the summary of a build, within 80 columns."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from csvexport.issues import CATALOGUE, Code, Severity
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
_SHOWN_OF_IDENTIFIER = 4

# What a column that the profile takes for another may hold: e-mails, phones and identifiers, but not dates.
_PERSONAL = re.compile(
    r"[^\s@]+@[^\s@]+|(?!\d{4}-\d\d-\d\d|\d\d-\d\d-\d{4})(?<!\d)\+?\d(?:[ ()-]*\d){9,}",
)

_INDENT = (0, 0, 0, 2)


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


def print_outcome(summary: Summary, folder: Path | None, refusal: str | None, *, checked: bool, verbose: bool) -> None:
    """Print the summary of a build or, `checked`, of a check on stdout."""
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
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
        form = f"{_printable(source.form)}, {source.rows:,} rows"
        table.add_row(Text(_printable(source.path)), Text(form + (f" (left out: {left_out})" if left_out else "")))
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
    return _printable(f"{place}: {value}" if value else place)


def _shown(code: Code, value: str) -> str:
    """Give as much of a cell as may be seen."""
    if code in _IDENTIFIER_CODES:
        return _cut(value)
    if code is Code.BAD_ROW:
        return value.partition(": ")[0]
    return _PERSONAL.sub(lambda found: _cut(found[0]), value)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_OF_IDENTIFIER else f"{text[:_SHOWN_OF_IDENTIFIER]}…"


def _printable(text: str) -> str:
    """Replace what a terminal would obey instead of showing it."""
    return "".join(character if character.isprintable() else " " for character in text)


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
