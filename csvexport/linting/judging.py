"""Judges files that are meant for Yandex, whoever wrote them, and writes corrected copies."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from csvexport.blocks import Block
from csvexport.linting.catalogue import CATALOGUE, Fault
from csvexport.linting.evidence import Evidence
from csvexport.linting.kinds import Kind
from csvexport.linting.leftovers import leftovers
from csvexport.linting.mending import mend, refuse_target, target_of
from csvexport.linting.opening import Look, look
from csvexport.linting.repeats import SIGHTS, Repeats
from csvexport.linting.rows import EXAMPLES, OWN_IDS, Found, Judged, Table, judge
from csvexport.masking import masked
from csvexport.progress import Progress, no_progress
from csvexport.scratch import scratch_folder
from csvexport.sources.beside import beside
from csvexport.sources.delimited import DelimitedFile, Piece
from csvexport.verdicts import Finding, Gravity, Sight, Verdict

ZONE: Final = "Europe/Moscow"
"""The zone of most counters; a file does not say its own."""


def this_moment() -> datetime:
    """Give the present moment, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Options:
    """What a command may set.

    Attributes:
        now: the moment of the judgement, aware; it decides what is future or old.
        zone: the counter's zone, in which dates of CRM data are written.
        limit: how many bytes a receiver takes, if other than known.
        progress: hears how far the reading of a file has come.
    """

    now: datetime = field(default_factory=this_moment)
    zone: str = ZONE
    limit: int | None = None
    progress: Progress = no_progress


def lint(paths: Sequence[Path], options: Options) -> tuple[Verdict, ...]:
    """Judge files, each by itself.

    Raises:
        SourceError: one of them cannot be opened or read.
        OutputError: temporary files cannot be written.
    """
    looks = [look(path, options.limit) for path in paths]
    return tuple(_judged(seen, options) for seen in looks)


def fix(paths: Sequence[Path], to: Path | None, options: Options) -> tuple[Verdict, ...]:
    """Write a corrected copy beside each file of which something can be corrected without guessing, and judge that.

    Args:
        paths: the files, which stay as they are.
        to: where the copy goes if there is only one file; else `NAME.fixed.csv` beside it.
        options: as in `lint`.

    Returns:
        What is to be said of each copy, or of the file if there is none.

    Raises:
        UsageError: a copy would take the place of another file.
        SourceError: one of the files cannot be opened or read.
        OutputError: a copy, or temporary files, cannot be written; nothing was left of it.
    """
    targets = [target_of(path) if to is None else to for path in paths]
    for number, target in enumerate(targets):
        refuse_target(target, targets[:number])
    looks = [look(path, options.limit) for path in paths]
    return tuple(_fixed(seen, target, options) for seen, target in zip(looks, targets, strict=True))


def _fixed(seen: Look, target: Path, options: Options) -> Verdict:
    before = _judged(seen, options)
    mended = {f.entry.code: f.count for f in before.findings if f.entry.is_mendable}
    if not mended:
        return before
    mend(seen, target, in_milliseconds=Fault.MILLISECONDS.text in mended)
    after = _judged(look(target, options.limit), options)
    return replace(after, path=before.path, mended=mended, copy=target)


def _judged(seen: Look, options: Options) -> Verdict:
    if seen.form is None or seen.kind is None:
        tally = _Tally()
        tally.remark(seen)
        return _verdict(seen, tally, None)
    with scratch_folder() as scratch:
        reading = _Reading(seen, seen.kind, options, scratch)
        reading.read()
        return _verdict(seen, reading.tally, reading)


class _Tally:
    """Counts faults, and keeps the first places of each."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Fault, str]] = Counter()
        self._sights: dict[tuple[Fault, str], list[Sight]] = {}

    def add(self, fault: Fault, column: str, count: int, sights: Iterable[Sight]) -> None:
        """Count a fault; its places come in the order of the file."""
        self._counts[fault, column] += count
        kept = self._sights.setdefault((fault, column), [])
        kept += [*sights][: EXAMPLES - len(kept)]

    def remark(self, seen: Look) -> None:
        """Count what a look at the file found."""
        for fault, sight in seen.remarks:
            self.add(fault, sight.column, 1, [sight])

    def drop(self, fault: Fault, column: str) -> None:
        """Forget a fault that turned out to be none."""
        self._counts.pop((fault, column), None)

    def total(self, fault: Fault) -> int:
        """How often a fault was found."""
        return sum(count for (other, _), count in self._counts.items() if other is fault)

    def findings(self) -> tuple[Finding, ...]:
        """Give the errors, then the warnings; of either those of the whole file first, then the most frequent."""
        faults = dict.fromkeys(fault for fault, _ in self._counts)
        found = [Finding(CATALOGUE[fault], self.total(fault), self._first(fault)) for fault in sorted(faults)]
        return tuple(sorted(found, key=_rank))

    def _first(self, fault: Fault) -> tuple[Sight, ...]:
        sights = [sight for key in self._counts if key[0] is fault for sight in self._sights[key]]
        return tuple(sorted(sights, key=lambda sight: sight.row or 0)[:EXAMPLES])


def _rank(finding: Finding) -> tuple[int, bool, int]:
    entry = finding.entry
    return list(Gravity).index(entry.gravity), not entry.is_whole, 0 if entry.is_whole else -finding.count


class _Piece(NamedTuple):
    """A piece, judged."""

    position: int
    judged: Judged
    leftovers: Sequence[Found]
    unread: int


class _Reading:
    """A file on its way: what its blocks add up to."""

    def __init__(self, seen: Look, kind: Kind, options: Options, scratch: Path) -> None:
        self.tally = _Tally()
        self.rows = self.refused = 0
        self._seen = seen
        self._options = options
        self._scratch = scratch
        self._source: DelimitedFile = seen.source()
        self._table = Table(
            kind=kind,
            columns={name: self._source.columns[place] for name, place in seen.columns.items()},
            now=int(options.now.timestamp()),
            zone=options.zone,
            expires=kind.is_for_conversion_center(seen.right_delimiter),
        )
        self._evidence: dict[str, Evidence] = {}
        self._used: Counter[str] = Counter()

    def read(self) -> None:
        """Read the file to its end."""
        self.tally.remark(self._seen)
        row = self._source.header_row + 1
        repeats = Repeats(self._scratch, "rows")
        try:
            for piece in self._pieces():
                self._take(piece, row, repeats)
                row += piece.judged.records
                self._options.progress(self.rows, piece.position, self._source.size)
            self._settle(repeats)
        finally:
            repeats.close()
        self._conclude()

    def _pieces(self) -> Iterator[_Piece]:
        """Judge the pieces beside the reader and yield them in order."""

        def parse(piece: Piece) -> tuple[int, Block, Sequence[Found]]:
            block = self._source.parse(piece, self._table.categories)
            return piece.position, block, leftovers(self._seen, piece, block)

        def work(parsed: tuple[int, Block, Sequence[Found]]) -> _Piece:
            position, block, found = parsed
            return _Piece(position, judge(self._table, block), found, len(block.bad))

        return beside(self._source.pieces(), parse, work)

    def _take(self, piece: _Piece, first_row: int, repeats: Repeats) -> None:
        judged = piece.judged
        for found in (*piece.leftovers, *judged.found):
            sights = [Sight(first_row + place, found.column, value) for place, value in found.sights]
            self.tally.add(found.fault, found.column, found.total, sights)
        self.rows += judged.rows + piece.unread
        self.refused += judged.refused + piece.unread
        for name, evidence in judged.evidence.items():
            self._evidence[name] = self._evidence.get(name, Evidence()).plus(evidence)
        self._used.update(judged.used)
        if judged.keyed is not None:
            repeats.add(judged.keyed, first_row, judged.records)

    def _settle(self, repeats: Repeats) -> None:
        """Count the rows that stand again further down."""
        count, rows = repeats.settle()
        own = [name for name in OWN_IDS if name in self._table.columns]
        if count:
            column = self._table.columns[own[0]] if own else ""
            fault = Fault.REPEATED_ID if own else Fault.DUPLICATE
            self.tally.add(fault, column, count, [Sight(row, column) for row in rows[:SIGHTS]])

    def _conclude(self) -> None:
        """Say what only the whole file can tell."""
        for name, evidence in self._evidence.items():
            column = self._table.columns[name]
            if not evidence.is_misplaced(self._table.kind.columns[name].sort):
                self.tally.drop(Fault.MISPLACED_IDENTIFIER, column)
            if evidence.is_damaged:
                said = f"{evidence.damage.suspicious:,} of {evidence.damage.long:,} long ones"
                self.tally.add(Fault.DAMAGED_COLUMN, column, 1, [Sight(None, column, said)])
        used = self._used - Counter()
        if len(used) > 1 and not self.tally.total(Fault.SEVERAL_IDENTIFIERS):
            columns = ", ".join(self._table.columns[name] for name in used)
            self.tally.add(Fault.MIXED_IDENTIFIERS, columns, 1, [Sight(None, columns)])
        if self.refused >= self.rows:
            said = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
            self.tally.add(Fault.NO_VALID_ROWS, "", 1, [Sight(None, "", said)])


def _verdict(seen: Look, tally: _Tally, reading: _Reading | None) -> Verdict:
    return Verdict(
        path=masked(seen.label),
        kind=None if seen.kind is None else seen.kind.name,
        receiver=None if seen.kind is None else seen.kind.receivers[seen.right_delimiter],
        rows=None if reading is None else reading.rows,
        refused=0 if reading is None else reading.refused,
        bytes=seen.size,
        encoding=None if seen.form is None else seen.form.encoding,
        delimiter=seen.delimiter or None,
        findings=tally.findings(),
    )


def verdicts_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Give verdicts as a program wants them; examples are cut short as in the terminal."""
    errors, warnings = (sum(verdict.count(gravity) for verdict in verdicts) for gravity in Gravity)
    return {"files": [_verdict_json(verdict) for verdict in verdicts], "errors": errors, "warnings": warnings}


def _verdict_json(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "path": verdict.path,
        "kind": verdict.kind,
        "receiver": verdict.receiver,
        "rows": verdict.rows,
        "refused": verdict.refused,
        "bytes": verdict.bytes,
        "encoding": verdict.encoding,
        "delimiter": verdict.delimiter,
        "findings": [_finding_json(finding) for finding in verdict.findings],
        "fixed": None if verdict.copy is None else masked(str(verdict.copy)),
        "mended": dict(verdict.mended),
    }


def _finding_json(finding: Finding) -> Mapping[str, Any]:
    entry = finding.entry
    return {
        "code": entry.code,
        "severity": entry.gravity,
        "count": finding.count,
        "title": entry.title,
        "remedy": entry.remedy,
        "yandex": entry.yandex,
        "fixable": entry.is_mendable,
        "examples": [{"row": sight.row, "column": sight.column, "value": sight.value} for sight in finding.sights],
    }
