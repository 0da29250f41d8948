"""What everything in the terminal shares: its width, its tables, and the progress bar."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from csvexport.masking import printable
from csvexport.screen import drawing_on, harmless
from csvexport.summary import SourceFacts

WIDTH: Final = 80
INDENT: Final = (0, 0, 0, 2)


class _Console(Console):
    """Draws whatever it is given, but of no text in it what a terminal obeys."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Give the parts of the drawing."""
        for segment in super().render(renderable, options):
            is_harmless = segment.control or segment.text.isprintable()
            yield segment if is_harmless else Segment(harmless(segment.text), segment.style)


def plain(text: object, style: str = "") -> Text:
    """Make a text of what may come from outside: nothing in it is markup, and it is one line."""
    return Text(printable(str(text)), style=style)


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
    with Progress(
        *columns, console=_Console(file=drawing_on(sys.stderr), markup=False, emoji=False), transient=True
    ) as bar:
        task = bar.add_task("", total=None, rows=0, rate=0.0)

        def tell(rows: int, read: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0
            bar.update(task, completed=read, total=total, rows=rows, rate=rows / elapsed if elapsed else 0.0)

        yield tell


def stdout_console() -> Console:
    """Make the console of results, as wide as everything is that is printed."""
    console = _Console(file=drawing_on(sys.stdout), highlight=False, markup=False, emoji=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def borderless(*headings: str) -> Table:
    """Make a table without lines; without headings it shows none."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(plain(heading))
    return table


def source_table(sources: tuple[SourceFacts, ...]) -> Table:
    """Say what was read."""
    table = borderless()
    for source in sources:
        left_out = ", ".join(f"{count} {what}" for what, count in source.left_out.items())
        form = f"{source.form}, {source.rows:,} rows" + (f" (left out: {left_out})" if left_out else "")
        table.add_row(plain(source.path), plain("; ".join(filter(None, (form, source.remarks)))))
    return table


def share(count: int, rows: int) -> str:
    """A share in percent, which is 0% or 100% only if it is none or all."""
    percent = round(100 * count / rows) if rows else 0
    return f"{min(max(percent, 1), 99)}%" if 0 < count < rows else f"{percent}%"
