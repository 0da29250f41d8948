"""What an export holds."""

from rich.table import Table

from csvexport.findings import Column, Findings
from csvexport.masking import masked
from csvexport.profile.wording import some
from csvexport.terminal.console import borderless, plain, share, source_table, stdout_console

# Longer names are cut, so that the rest of the row has room.
_WIDEST_NAME = 26
_MOST_STATUSES = 30


def print_findings(findings: Findings, *, verbose: bool, statuses: bool, lacking: str | None) -> None:
    """Print what an export holds; with `statuses` also those, and what it is `lacking` to be sent."""
    console = stdout_console()
    console.print(source_table(findings.sources))
    if findings.crm is not None:
        console.print(plain(f"It comes from {findings.crm.title}, as its columns show."))
    console.print()
    console.print(_columns(findings, console.width))
    console.print()
    if verbose:
        console.print(_reasons(findings))
        console.print()
    if findings.missing:
        names = some(findings.missing)
        console.print(plain(f"Only some of the files have these columns: {names}", style="yellow"))
        console.print()
    for column in findings.columns:
        if column.alarm:
            console.print(plain(f"{masked(column.name)}: {column.alarm}", style="bold red"))
            console.print()
    if findings.statuses and statuses:
        console.print(_statuses(findings))
        console.print()
    if lacking:
        console.print(plain(lacking, style="yellow"))
        console.print()


def _columns(findings: Findings, width: int) -> Table:
    table = borderless("column", "holds", "filled", "distinct", "examples")
    rows = [
        (
            plain(masked(column.name)),
            plain(column.role or "", style="red" if column.alarm else ""),
            plain(share(column.filled, findings.rows)),
            plain(f"{column.distinct:,}{'' if column.is_counted else '+'}"),
            plain(", ".join(column.examples), style="dim"),
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


def _reasons(findings: Findings) -> Table:
    table = borderless("column", "why it holds what it holds")
    table.columns[0].max_width = _WIDEST_NAME
    table.columns[0].no_wrap = True
    for column in findings.columns:
        table.add_row(plain(masked(column.name)), plain(_reason(column)))
    return table


def _reason(column: Column) -> str:
    if column.format:
        return f"{column.reason}; its times are written {column.format}"
    if column.needs_format:
        return f"{column.reason}; nothing tells whether the day or the month comes first"
    return column.reason


def _statuses(findings: Findings) -> Table:
    table = borderless(masked(findings.status or ""), "rows", "")
    table.columns[1].justify = "right"
    for status in findings.statuses[:_MOST_STATUSES]:
        meaning = plain("paid" if status.is_paid else "", style="green")
        table.add_row(plain(masked(status.text)), f"{status.rows:,}", meaning)
    left = len(findings.statuses) - _MOST_STATUSES
    if left > 0:
        table.add_row(plain(f"… and {left:,} more", style="dim"), "", "")
    return table
