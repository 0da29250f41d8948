"""The accounts of a block in one kind: what is wrong, what is left out, what goes; all marks end up in one `Judged`."""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import number_column, selection
from csvexport.issues import BETWEEN, Code
from csvexport.transform.rejects import IS_ERROR, Mark, rejected_rows
from csvexport.transform.results import WARNINGS, Example, Judged, Lines
from csvexport.values.identifiers import Damage

# How many rows of a block are kept as examples of one issue.
EXAMPLES = 5

# For each code its bit among the warnings.
_BITS = np.zeros(len(Code), np.uint16)
_BITS[list(WARNINGS)] = 1 << np.arange(len(WARNINGS))

_Number = TypeVar("_Number", np.int64, np.uint8, np.bool_)


class _Skip(NamedTuple):
    """Records that are left out on purpose; `rows` are places among the block's rows."""

    code: Code
    column: str
    rows: NDArray[np.intp]


class _Settled(NamedTuple):
    """Codes by mark and record, how often each mark has each code, and which records have an error."""

    codes: list[NDArray[np.uint8]]
    counts: NDArray[np.int64]
    rejected: NDArray[np.bool_]


class Accounts:
    """The rows of a block that one kind takes, while they are read.

    A row makes one record or, as (row, goal) pairs, several. What is skipped is no longer among them.

    Attributes:
        block: the block.
        rows: the rows that the kind takes, as places among the block's rows.
        row: for each record its row, as an index into `rows`.
    """

    def __init__(
        self,
        block: Block,
        kind: str,
        matched: NDArray[np.bool_],
        enough: Collection[Code],
        row: NDArray[np.intp] | None = None,
    ) -> None:
        """Begin.

        Args:
            block: the block.
            kind: the kind's name.
            matched: which of the block's rows the kind takes, if they are meant for it.
            enough: issues of which no examples are needed.
            row: for each record its row, as an index into those taken; None: each makes one.
        """
        meant = block.meant_for(kind)
        self.block = block
        self.rows = np.flatnonzero(matched & meant)
        self._untaken = int(np.count_nonzero(meant)) - len(self.rows)
        self._enough = enough
        self._by_row = row is None
        self._is_spread = row is not None and len(row) != len(self.rows)
        self.row = np.arange(len(self.rows)) if row is None else row
        self._marks: list[Mark] = []
        self._skips: list[_Skip] = []
        self._texts: dict[str, pa.StringArray] = {}
        self._choice = selection(self.rows, len(self.block.rows))

    def spread(self, column: NDArray[_Number]) -> NDArray[_Number]:
        """Give each record what its row has; mostly each row makes one, and nothing need be copied."""
        return column[self.row] if self._is_spread else column

    def text(self, name: str) -> pa.StringArray:
        """Give a column of the source, an entry for each of `rows`."""
        if name not in self._texts:
            self._texts[name] = self.block.text(name, self._choice)
        return self._texts[name]

    def mark(self, column: str, codes: NDArray[np.uint8], pairs: NDArray[np.bool_] | None = None) -> None:
        """Note what a look at a column found; see `Mark`."""
        self._marks.append(Mark(column, codes, pairs))

    def skip(
        self, code: Code, column: str, which: NDArray[np.bool_], *arrays: NDArray[Any]
    ) -> tuple[NDArray[Any], ...]:
        """Leave records out on purpose.

        Args:
            code: why.
            column: the column, or several joined by " | ", that is the reason.
            which: a flag for each record.
            arrays: whatever the caller holds by record.

        Returns:
            The arrays without the records that are left out.
        """
        if not which.any():
            return arrays
        self._skips.append(_Skip(code, column, self.rows[self.row[which]]))
        keep = ~which
        if self._by_row:
            self.rows = self.rows[keep]
            self.row = np.arange(len(self.rows))
            self._marks = [Mark(mark.column, mark.codes[keep], _kept(mark.pairs, keep)) for mark in self._marks]
            self._texts.clear()
            self._choice = selection(self.rows, len(self.block.rows))
        else:
            self.row = self.row[keep]
            self._is_spread = True
            self._marks = [Mark(mark.column, mark.codes, _kept(mark.pairs, keep)) for mark in self._marks]
        return tuple(array[keep] for array in arrays)

    def accepted(self) -> NDArray[np.intp]:
        """Give the records without an error, as indices."""
        return np.flatnonzero(~self._settled.rejected)

    def judged(self, lines: Mapping[str, Lines], damage: Mapping[str, Damage] | None = None) -> Judged:
        """Close the accounts; `lines` are those of the accepted records."""
        bad = self.block.bad
        codes, counts, rejected = self._settled
        skipped = sum(len(skip.rows) for skip in self._skips)
        return Judged(
            matched=len(self.row) + skipped + len(bad),
            skipped=skipped,
            rejected=int(np.count_nonzero(rejected)) + len(bad),
            issues=self._issues(codes, counts),
            warnings=self._warnings(lines, codes, counts),
            lines=lines,
            rows=rejected_rows(self.block, self.rows, self._marks, self.row, rejected),
            examples=self._examples(lines, codes, counts),
            damage=damage or {},
        )

    @cached_property
    def _settled(self) -> _Settled:
        """What all marks come to; once it is asked for, no mark and no skip may follow."""
        codes = [self._codes(mark) for mark in self._marks]
        counts = self._counts(codes)
        rejected = np.zeros(len(self.row), bool)
        for marked, counted in zip(codes, counts, strict=True):
            if counted[IS_ERROR].any():
                rejected |= IS_ERROR[marked]
        return _Settled(codes, counts, rejected)

    def _codes(self, mark: Mark) -> NDArray[np.uint8]:
        """Give the codes of a mark by record."""
        codes = self.spread(mark.codes)
        return codes if mark.pairs is None else codes * mark.pairs

    @staticmethod
    def _counts(codes: list[NDArray[np.uint8]]) -> NDArray[np.int64]:
        """Count the codes of each mark: int64, shape (marks, codes)."""
        counts = np.zeros((len(codes), len(Code)), np.int64)
        for number, marked in enumerate(codes):
            counts[number] = np.bincount(marked, minlength=len(Code))
        counts[:, Code.NONE] = 0
        return counts

    def _issues(self, codes: list[NDArray[np.uint8]], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the issues: by record, but for rows that the kind does not take or that cannot be read."""
        issues: NDArray[np.int64] = counts.sum(axis=0)
        # A record that has an issue in several columns counts once.
        for code in np.flatnonzero(np.count_nonzero(counts, axis=0) > 1).tolist():
            issues[code] = np.count_nonzero(np.logical_or.reduce([marked == code for marked in codes]))
        # What is said of a record that goes is counted when it is known which do.
        issues[list(WARNINGS)] = 0
        for skip in self._skips:
            issues[skip.code] += len(skip.rows)
        issues[Code.NO_GOAL] = self._untaken
        issues[Code.BAD_ROW] = len(self.block.bad)
        return issues

    def _warnings(
        self, lines: Mapping[str, Lines], codes: list[NDArray[np.uint8]], counts: NDArray[np.int64]
    ) -> dict[str, NDArray[np.uint16]]:
        """Give the warnings of each line, by file; see `Judged`."""
        warned = [marked for marked, counted in zip(codes, counts, strict=True) if counted[list(WARNINGS)].any()]
        if not warned:
            return {}
        bits = np.bitwise_or.reduce([_BITS[marked] for marked in warned])
        of_lines = {file: bits[its.records] for file, its in lines.items()}
        return {file: found for file, found in of_lines.items() if found.any()}

    def _examples(
        self, lines: Mapping[str, Lines], codes: list[NDArray[np.uint8]], counts: NDArray[np.int64]
    ) -> list[Example]:
        """Give some rows of each issue of which there are not enough examples yet."""
        examples = [
            Example(Code.BAD_ROW, bad.row, "", f"{bad.reason}: {bad.text}") for bad in self.block.bad[:EXAMPLES]
        ]
        for mark, marked, counted in zip(self._marks, codes, counts, strict=True):
            for code in np.flatnonzero(counted).tolist():
                if code in self._enough:
                    continue
                if code in WARNINGS:
                    examples += self._examples_of_lines(Code(code), mark.column, marked == code, lines)
                else:
                    first = self.row[np.flatnonzero(marked == code)[:EXAMPLES]]
                    examples += self._examples_of(Code(code), mark.column, self.rows[first])
        for skip in self._skips:
            if skip.code not in self._enough:
                examples += self._examples_of(skip.code, skip.column, skip.rows[:EXAMPLES])
        return sorted(examples, key=lambda example: example.row)

    def _examples_of_lines(
        self, code: Code, column: str, which: NDArray[np.bool_], lines: Mapping[str, Lines]
    ) -> Iterator[Example]:
        """Give rows that became lines, as examples of a warning that these records bear."""
        became: dict[int, list[tuple[str, int]]] = {}
        for file, its in lines.items():
            for place in np.flatnonzero(which[its.records])[:EXAMPLES].tolist():
                row = int(self.rows[self.row[its.records[place]]])
                became.setdefault(row, []).append((file, place))
        rows = np.array(sorted(became)[:EXAMPLES], np.intp)
        for row, example in zip(rows.tolist(), self._examples_of(code, column, rows), strict=True):
            yield example._replace(lines=tuple(became[row]))

    def _examples_of(self, code: Code, column: str, rows: NDArray[np.intp]) -> Iterator[Example]:
        """Give rows of the block, which have an issue, as examples of it."""
        places = np.array(list(dict.fromkeys(rows.tolist())), np.int64)
        names = [name for name in column.split(BETWEEN) if name in self.block.columns]
        cells = [self.block.text(name, number_column(places)).to_pylist() for name in names]
        for number, place in enumerate(places.tolist()):
            texts = [column[number] for column in cells]
            yield Example(code, int(self.block.rows[place]), column, BETWEEN.join(texts) if any(texts) else "")


def _kept(pairs: NDArray[np.bool_] | None, keep: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    return None if pairs is None else pairs[keep]
