"""Tells whether tools did the same job: `compare.py FOLDER...`, each what one tool wrote for one export.

Equal are the lines of the files to upload, sorted if their order is free, and the number of rejected rows. Prints the
counts, or the first differences with exit code 1. A process of its own, so that its memory does not count as that of
the tools: a child's peak on Linux is never below its parent's.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CONVERSIONS, ORDERS = "conversions-Yclid*.csv", "orders*.csv"
HEADERS = {
    CONVERSIONS: b"Yclid,Target,DateTime,Price,Currency",
    ORDERS: b"id;create_date_time;client_uniq_id;client_ids;emails_md5;phones_md5;order_status;revenue;cost",
}


class Outcome(NamedTuple):
    """What a tool made of an export: the lines that it would upload, and how many rows it rejected."""

    lines: list[bytes]
    rejected: int


def outcome(folder: Path) -> Outcome:
    """Read what a tool wrote, in the folder itself or in the folder of a batch below it."""
    lines = [*sorted(read_lines(folder, CONVERSIONS)), *read_lines(folder, ORDERS)]
    return Outcome(lines, sum(map(count_rows, folder.rglob("rejected.csv"))))


def read_lines(folder: Path, pattern: str) -> list[bytes]:
    """Read the lines of the files of one kind, without their headers."""
    lines: list[bytes] = []
    for path in sorted(folder.rglob(pattern)):
        header, *rest = path.read_bytes().splitlines()
        if header != HEADERS[pattern]:
            sys.exit(f"{path}: the header is {header!r}")
        lines += rest
    return lines


def count_rows(path: Path) -> int:
    """Count the rows of a CSV file whose cells may hold line breaks, without its header."""
    with path.open(encoding="utf-8-sig", newline="") as source:
        return sum(1 for _ in csv.reader(source)) - 1


def differences(first: Outcome, second: Outcome) -> list[str]:
    """Return what differs, for a person to read; empty where the outcomes are equal."""
    found = []
    if first.rejected != second.rejected:
        found.append(f"rejected: {first.rejected:,} and {second.rejected:,}")
    if first.lines != second.lines:
        found.append(f"accepted: {len(first.lines):,} and {len(second.lines):,}")
        found += [f"only in the first: {line.decode()}" for line in sample(first.lines, second.lines)]
        found += [f"only in the second: {line.decode()}" for line in sample(second.lines, first.lines)]
        found += order_differs(first.lines, second.lines)
    return found


def order_differs(lines: Sequence[bytes], others: Sequence[bytes]) -> list[str]:
    """Tell where the same lines stand in another order."""
    if sorted(lines) != sorted(others):
        return []
    place = next(place for place, (line, other) in enumerate(zip(lines, others, strict=True)) if line != other)
    return [f"the order differs from line {place + 2:,} on: {lines[place].decode()}"]


def sample(lines: Sequence[bytes], others: Sequence[bytes]) -> list[bytes]:
    """Return a few lines that the others lack."""
    return sorted(set(lines).difference(others))[:3]


def main() -> None:
    """Compare the outcomes in the folders of the command line with the first of them."""
    first_folder, *other_folders = map(Path, sys.argv[1:])
    first = outcome(first_folder)
    for folder in other_folders:
        if found := differences(first, outcome(folder)):
            sys.exit("\n".join([f"{first_folder.name} and {folder.name} differ", *found]))
    print(f"{len(first.lines):,} accepted, {first.rejected:,} rejected")


if __name__ == "__main__":
    main()
