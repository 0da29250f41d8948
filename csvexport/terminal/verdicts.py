"""What is to be said of files that are meant for Yandex."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from csvexport.masking import masked
from csvexport.terminal.console import INDENT, borderless, plain, stdout_console
from csvexport.verdicts import Finding, Gravity, Verdict

_GRAVITIES = {Gravity.ERROR: "red", Gravity.WARNING: "yellow"}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


def print_verdicts(verdicts: Sequence[Verdict], *, fixing: bool, verbose: bool) -> None:
    """Print what is wrong with files that are meant for Yandex; `fixing`: corrected copies were asked for."""
    console = stdout_console()
    for number, verdict in enumerate(verdicts):
        if number:
            console.print()
        console.print(_judgement(verdict))
        for line in _file_lines(verdict, fixing=fixing):
            console.print(plain(line))
        if verdict.findings:
            console.print()
            console.print(_faults(verdict))
        if verdict.findings and verbose:
            console.print()
            console.print(Group(*_fault_details(verdict)))
        mendable = [finding.entry.code for finding in verdict.findings if finding.entry.is_mendable]
        if mendable and not fixing:
            console.print()
            console.print(plain(f"next  lint --fix writes a copy without {', '.join(mendable)}"))


def _judgement(verdict: Verdict) -> Text:
    """Say in a line how a file stands."""
    counts = {gravity: verdict.count(gravity) for gravity in Gravity}
    found = [f"{count:,} {gravity}{'' if count == 1 else 's'}" for gravity, count in counts.items() if count]
    if verdict.refused and verdict.rows:
        found.append(f"{verdict.refused:,} of {_rows(verdict.rows)} would be refused")
    style = next((_GRAVITIES[gravity] for gravity, count in counts.items() if count), "green")
    name = f"{verdict.path}, mended" if verdict.copy else verdict.path
    return plain(f"{name}: {', '.join(found) or 'nothing is wrong with it'}", style=f"bold {style}")


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
        yield f"mended in {masked(str(verdict.copy))}: {mended}"
    elif fixing and verdict.findings:
        yield "nothing in it can be mended without guessing, so no copy was written"


def _faults(verdict: Verdict) -> Table:
    table = borderless("code", "count", "what it means", "first in")
    table.columns[0].no_wrap = table.columns[3].no_wrap = True
    table.columns[1].justify = "right"
    for finding in verdict.findings:
        entry = finding.entry
        row = finding.sights[0].row if finding.sights else None
        first = "" if row is None else f"row {row}"
        title = plain(": ".join(filter(None, (entry.title, _subjects(finding)))))
        table.add_row(plain(entry.code, style=_GRAVITIES[entry.gravity]), f"{finding.count:,}", title, first)
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
        yield plain(entry.code, style=_GRAVITIES[entry.gravity])
        yield Padding(plain(entry.remedy), INDENT, expand=False)
        if entry.yandex:
            yield Padding(plain(f"Yandex: {entry.yandex}"), INDENT, expand=False)
        for sight in finding.sights:
            place = ", ".join(filter(None, ("" if sight.row is None else f"row {sight.row}", sight.column)))
            said = ": ".join(filter(None, (place, sight.value)))
            if said and not entry.is_whole:
                yield Padding(plain(said, style="dim"), INDENT, expand=False)
