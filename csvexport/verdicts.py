"""What was found in a file that is meant for Yandex: what the terminal's tables and the JSON document are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Gravity(StrEnum):
    """What a fault does to its file, as the terminal and the JSON document call it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the catalogue of faults.

    Attributes:
        code: as reports spell it: `bad-time`.
        gravity: what it does to the file.
        title: what is wrong, in a few words that need no context.
        remedy: what the reader can do about it, as an instruction.
        yandex: Yandex's own words for it, if there are some ([cc]).
        is_mendable: whether a corrected copy can be written without guessing.
        is_whole: whether it concerns the file or a column of it, not single rows.
    """

    code: str
    gravity: Gravity
    title: str
    remedy: str
    yandex: str | None = None
    is_mendable: bool = False
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """One place where a fault was seen.

    Attributes:
        row: number of the row as a spreadsheet shows it, the first record of the file being 1; None: the whole file.
        column: the file's column, or several joined by ", "; empty where the fault is the whole row's.
        value: as much of the cell as may be seen, or what the fault is about; may be empty.
    """

    row: int | None
    column: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of a file.

    Attributes:
        entry: the fault.
        count: how often it is there.
        sights: the first places, in the order of the file.
    """

    entry: Entry
    count: int
    sights: tuple[Sight, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said of one file.

    Attributes:
        path: as the command line names it.
        kind: `conversions`, `calls`, `chats`, `orders`, `contacts` or `deals`; None where it is none of these.
        receiver: who takes such a file, in words.
        rows: its rows, those that cannot be read included; None where it was not read.
        refused: how many of the rows have an error.
        bytes: its size.
        encoding: as sources name it; None where it is no text.
        delimiter: one character; None where it is no table.
        findings: the errors first, then the warnings; of either those of the whole file first, then the most frequent.
        mended: code to count of what is right in the copy and was wrong in the file.
        copy: the corrected copy, to which all but the path then belongs; None where none was written.
    """

    path: str
    kind: str | None = None
    receiver: str | None = None
    rows: int | None = None
    refused: int = 0
    bytes: int
    encoding: str | None = None
    delimiter: str | None = None
    findings: tuple[Finding, ...]
    mended: Mapping[str, int] = field(default_factory=dict)
    copy: Path | None = None

    def count(self, gravity: Gravity) -> int:
        """How often something of this gravity was found."""
        return sum(finding.count for finding in self.findings if finding.entry.gravity is gravity)
