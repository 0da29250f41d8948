"""What becomes of a block: for each kind its lines, its issues and its rejected rows, without the block itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import BadRow, Rejected
from csvexport.issues import CATALOGUE, Code, Severity
from csvexport.transform.duplicates import Keys
from csvexport.values.identifiers import Damage

FACTS = np.dtype(
    [
        ("label", np.int16),
        ("currency", np.int16),
        ("day", np.int32),
        ("micro", np.int64),
        ("tag", np.int32),
        ("flags", np.uint8),
    ]
)
"""What totals are made of: index of the goal or status in the kind's labels; index into `CURRENCIES`; days since
1970-01-01 in the profile's calendar; price in millionths, -1 where there is none; index into `Lines.tags`; `Flag`s."""

WARNINGS: Final = tuple(code for code in Code if code and CATALOGUE[code].severity is Severity.WARNING)
"""What may be said of a record that goes; a bit of `Judged.warnings` for each, the lowest for the first."""

HAS_CLIENT_ID = 1
HAS_CONTACT = 2
IS_OLD = 4

NO_FILE = 255

Tag = tuple[str, ...]


class Example(NamedTuple):
    """A row that has an issue.

    Attributes:
        code: the issue.
        row: the row's place in the block.
        column: the column, or several joined by " | ".
        value: the cell.
        lines: of a warning, the lines that the row became: the file, and the place among its lines of this block.
    """

    code: Code
    row: int
    column: str
    value: str
    lines: tuple[tuple[str, int], ...] = ()


class Others(NamedTuple):
    """The keys that events would have by their other identifiers; an event may have several of them.

    Attributes:
        lines: the events, as places among the lines of their file.
        types: the types of the other identifiers, as places among the kind's files; `NO_FILE`: what has that key is no
            other event of the same build.
        keys: the keys.
    """

    lines: NDArray[np.intp]
    types: NDArray[np.int64]
    keys: Keys


@dataclass(frozen=True, slots=True)
class Lines:
    """What goes into one file, an entry for each line.

    Attributes:
        text: the lines, line breaks included.
        keys: what tells one record from another.
        values: 64 bits that tell equal from unequal ones among records of one key.
        facts: what totals are made of, `FACTS`.
        records: the records that the lines were, as indices into the accounts', ascending.
        ranks: of records of one key the highest stays; None: the last.
        claims: of deals, the keys of their contacts.
        others: of events, the keys that they would have by other identifiers of theirs; None: they have no others.
        tags: distinct texts that `facts["tag"]` counts through.
    """

    text: pa.StringArray
    keys: Keys
    values: NDArray[np.uint64]
    facts: NDArray[np.void]
    records: NDArray[np.intp]
    ranks: NDArray[np.int64] | None = None
    claims: Keys | None = None
    others: Others | None = None
    tags: Sequence[Tag] = ((),)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a block's rows in one kind.

    Attributes:
        matched: records that the rows would make; a row that cannot be read counts as one.
        skipped: those that are left out on purpose.
        rejected: those that cannot be sent; a row that cannot be read counts as one.
        issues: occurrences by `Code`, int64; but for warnings, which count only if the record goes.
        warnings: by file, for each line the bits of its `WARNINGS`, uint16; a file without any is not there.
        lines: the accepted ones by the file they go to: its id type, or "" where there is one file.
        rows: the rejected rows but for those that cannot be read.
        examples: a few rows of each issue.
        damage: by identifier column, how many long ids look rounded.
    """

    matched: int
    skipped: int
    rejected: int
    issues: NDArray[np.int64]
    warnings: Mapping[str, NDArray[np.uint16]]
    lines: Mapping[str, Lines]
    rows: Rejected
    examples: Sequence[Example]
    damage: Mapping[str, Damage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a block, without the block, which is large.

    Attributes:
        records: how many records the block spans.
        read: how many of them are rows, those that cannot be read included.
        left_out: how many are no rows, by what they are.
        bad: those that cannot be read.
        kinds: what became of the rows, by kind.
        texts: by column that is watched, how many rows have which text; None: they are too many to be kept.
    """

    records: int
    read: int
    left_out: Mapping[str, int]
    bad: Sequence[BadRow]
    kinds: Mapping[str, Judged]
    texts: Mapping[str, Mapping[str, int] | None] = field(default_factory=dict)


def facts_of(count: int, **columns: NDArray[np.generic]) -> NDArray[np.void]:
    """Put facts together; what is not given is 0, and -1 for a price."""
    facts = np.zeros(count, FACTS)
    facts["micro"] = -1
    for name, column in columns.items():
        facts[name] = column
    return facts


def count_warnings(warnings: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Count the warnings of lines that go, given their bits: int64, by `Code`."""
    issues = np.zeros(len(Code), np.int64)
    sets = np.bincount(warnings, minlength=1 << len(WARNINGS))
    for bit, code in enumerate(WARNINGS):
        issues[code] = sets.reshape(-1, 2, 1 << bit)[:, 1].sum()
    return issues
