"""The use cases: what a command does, from the profile to the batch."""

import json
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from csvexport.batch import Building, Parts, RejectedFile, Spool, Totals, batch_name, manifest
from csvexport.errors import CsvexportError, DataError, OutputError
from csvexport.formats import conversions
from csvexport.issues import CATALOGUE, Code, Severity
from csvexport.profile import Profile, Since, Until, check_columns
from csvexport.sources import Source, joined_facts, open_sources
from csvexport.summary import Counts, Example, FileFacts, SourceFacts, Summary
from csvexport.transform.duplicates import DuplicateFinder, worth
from csvexport.transform.plan import Plan
from csvexport.transform.rows import Converted, Lines, convert
from csvexport.values.currencies import CURRENCIES

# Pieces are parsed and converted beside the reader, which cuts, hashes and writes. One more than two cores could use
# fills the time in which a thread waits for Python's lock.
WORKERS = 3

# How many examples of an issue a summary keeps, and how much of a cell.
EXAMPLES = 5
EXAMPLE_TEXT = 120

# A source whose long identifiers look rounded in more than this share was through a spreadsheet; one or two of them may
# end in zeros by chance.
DAMAGED_SHARE = 0.5
DAMAGED_AT_LEAST = 3


class Progress(Protocol):
    """Hears how far a build has come."""

    def __call__(self, rows: int, read: int, total: int) -> None:
        """Take the rows so far, the bytes read so far and the bytes that there are."""


def no_progress(rows: int, read: int, total: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a command may set beside the profile.

    Attributes:
        exports: sources instead of the profile's.
        now: the moment of the build, aware; it decides what is future, old, or today.
        since: first moment, instead of the profile's.
        until: last moment, instead of the profile's.
        out: folder of all batches.
        limit: bytes that no file exceeds.
        progress: hears how far the build has come.
    """

    exports: Sequence[str] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    since: Since | None = None
    until: Until | None = None
    out: Path = Path("out")
    limit: int = conversions.LIMIT_BYTES
    progress: Progress = no_progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found and did.

    Attributes:
        summary: what was found.
        folder: the batch's folder; None when nothing was written.
        refusal: why the data must not be sent as it is, None when it may.
    """

    summary: Summary
    folder: Path | None = None
    refusal: str | None = None


def check(profile: Profile, options: Options) -> Outcome:
    """Find out what a build would do; nothing is written but temporary files.

    Raises:
        SourceError: a source cannot be read.
        ProfileError: a source lacks a column that the profile names.
    """
    with _output_errors(Path(gettempdir()), "temporary files"), TemporaryDirectory(prefix="csvexport-") as scratch:
        run = _Run(profile, options, Path(scratch))
        with run:
            run.read()
            run.settle()
        return Outcome(run.summary(()), refusal=run.refusal())


def build(profile: Profile, options: Options) -> Outcome:
    """Write a batch.

    Returns:
        The outcome; without a folder when there is nothing to send.

    Raises:
        SourceError: a source cannot be read.
        ProfileError: a source lacks a column that the profile names.
        DataError: too many rows are rejected, or the identifiers are damaged; nothing was written.
        OutputError: the batch cannot be written; nothing was left.
    """
    parent = options.out / profile.name
    with _output_errors(parent, "the batch"), Building(parent) as building, ThreadPoolExecutor(1) as aside:
        aside.submit(import_module, "csvexport.report")  # takes a moment that reading leaves to spare
        run = _Run(profile, options, building.scratch, building.batch)
        with run:
            run.read()
            run.settle()
            refusal = run.refusal()
            if refusal:
                raise DataError(f"{refusal}\nNothing was written.")
            summary = run.summary(run.write_files(building.batch) if run.accepted else ())
        if not run.accepted:
            return Outcome(summary)
        durable = aside.submit(building.sync)
        from csvexport.report import Report  # noqa: PLC0415 - see above

        building.write("manifest.json", json.dumps(manifest(summary), ensure_ascii=False, indent=2) + "\n")
        report = Report(summary)
        building.write("report.html", report.html())
        building.write("report.txt", report.text())
        durable.result()
        return Outcome(summary, building.publish(summary.batch))


@contextmanager
def _output_errors(folder: Path, what: str) -> Iterator[None]:
    """Map what the system says while a batch is written."""
    try:
        yield
    except CsvexportError:
        raise
    except OSError as error:
        where = error.filename or folder
        raise OutputError(f"{where}: {what} cannot be written: {error.strerror}; nothing was left behind") from error


class _Run:
    """One pass over the sources: counts, spools and rejects, until the outcome is known."""

    def __init__(self, profile: Profile, options: Options, scratch: Path, batch: Path | None = None) -> None:
        """Open the sources and make the plan; without `batch` nothing is kept but what counting needs."""
        self._profile = profile
        self._options = options
        self._scratch = scratch
        expected = {column for column, _ in profile.places()}
        self._sources = open_sources(profile.source, profile.path.parent, options.exports, expected, scratch)
        for source in self._sources:
            check_columns(profile, source.columns, may_lack=not source.header_row)
        now, zone = options.now, ZoneInfo(profile.timezone)
        since, until = options.since or profile.since, options.until or profile.until
        self._period = tuple(str(bound) for bound in (options.since, options.until))
        self._plan = Plan(
            profile,
            int(now.timestamp()),
            since.bound(now, zone) if since else None,
            until.bound(now, zone) if until else None,
        )
        self._total = sum(source.size for source in self._sources)
        self._facts: list[SourceFacts] = []
        self._finders: dict[str, DuplicateFinder] = {}
        self._spools: dict[str, Spool] = {}
        self._dropped: dict[str, NDArray[np.bool_]] = {}
        self._totals = Totals(self._plan.targets, CURRENCIES)
        self._rejected_file: RejectedFile | None = None
        if batch is not None:
            columns = dict.fromkeys(name for source in self._sources for name in source.columns)
            self._rejected_file = RejectedFile(batch, conversions.KIND, tuple(columns))
        self._rows = self._matched = self._outside = self._rejected = 0
        self._judged = self._condemned = 0
        self._issues = np.zeros(len(Code), np.int64)
        self._examples: dict[Code, list[Example]] = {}
        # Blocks are taken in order, so that of an issue in here no block that is still to come can add an example.
        self._enough: set[Code] = set()
        self._damage: Counter[tuple[str, str]] = Counter()
        self._long: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for finder in self._finders.values():
            finder.close()
        for spool in self._spools.values():
            spool.close()
        if self._rejected_file is not None:
            self._rejected_file.close()

    @property
    def accepted(self) -> int:
        """Pairs that go; known after `settle`."""
        dropped = self._issues[Code.DUPLICATE] + self._issues[Code.SUPERSEDED]
        return int(self._matched - self._outside - self._rejected - dropped)

    def read(self) -> None:
        """Read every source to its end."""
        before = 0
        for source in self._sources:
            row = source.header_row + 1
            rows = 0
            left_out: Counter[str] = Counter()
            for position, converted in self._converted(source):
                self._take(source.label, row, converted)
                self._judge(source, converted)
                row += converted.records
                rows += converted.read
                left_out.update(converted.left_out)
                self._options.progress(self._rows + rows, before + position, self._total)
            before += source.size
            self._rows += rows
            self._facts.append(source.facts(rows, left_out))
        self._facts += joined_facts(self._sources)

    def _converted(self, source: Source) -> Iterator[tuple[int, Converted]]:
        """Convert a source's blocks beside the reader and yield them in order, with the bytes read up to each."""

        def work(box: list[Any]) -> Converted:
            # Taken out of its box, the piece does not outlive its parsing.
            return convert(self._plan, source.parse(box.pop(), self._plan.categories), self._enough)

        with ThreadPoolExecutor(WORKERS) as pool:
            pending: deque[tuple[int, Future[Converted]]] = deque()
            for piece in source.pieces():
                pending.append((piece.position, pool.submit(work, [piece])))
                if len(pending) > WORKERS:
                    position, future = pending.popleft()
                    yield position, future.result()
            for position, future in pending:
                yield position, future.result()

    def _take(self, label: str, first_row: int, converted: Converted) -> None:
        """Account for a block whose first record has this number."""
        self._matched += converted.matched
        self._outside += converted.skipped
        self._rejected += converted.rejected
        self._issues += converted.issues
        for identifier, lines in converted.lines.items():
            self._keep(identifier, lines)
        for column, damage in converted.damage.items():
            self._long[label, column] += damage.long
            self._damage[label, column] += damage.suspicious
        for code, row, column, value in converted.examples:
            kept = self._examples.setdefault(code, [])
            if len(kept) < EXAMPLES:
                kept.append(Example(label, first_row + row, column, _shortened(value)))
            else:
                self._enough.add(code)
        if self._rejected_file is not None:
            self._reject(self._rejected_file, label, first_row, converted)

    def _judge(self, source: Source, converted: Converted) -> None:
        """Count for `max_rejected`; a `rejected.csv` that comes back may well hold rows that nobody corrected."""
        if not source.is_rejected_file:
            self._judged += converted.matched - converted.skipped
            self._condemned += converted.rejected

    def _keep(self, identifier: str, lines: Lines) -> None:
        if identifier not in self._finders:
            self._finders[identifier] = DuplicateFinder(self._scratch, identifier)
            if self._rejected_file is not None:
                self._spools[identifier] = Spool(self._scratch, identifier)
        facts = lines.facts
        self._finders[identifier].add(lines.keys, worth(facts.micro, facts.currency))
        if identifier in self._spools:
            self._spools[identifier].add(lines.text, facts.day, facts.target, facts.currency, facts.micro)

    @staticmethod
    def _reject(file: RejectedFile, label: str, first_row: int, converted: Converted) -> None:
        bad = [(first_row + bad.row, bad.text, bad.reason) for bad in converted.bad]
        rejected = converted.rows
        file.add(label, rejected.rows + first_row, rejected.says, rejected.cells, bad)

    def settle(self) -> None:
        """Find the duplicates."""
        for identifier, finder in self._finders.items():
            dropped = finder.settle()
            self._dropped[identifier] = dropped.mask
            self._issues[Code.DUPLICATE] += dropped.duplicates
            self._issues[Code.SUPERSEDED] += dropped.superseded

    def refusal(self) -> str | None:
        """Say why the data must not be sent as it is, None when it may."""
        return self._damaged() or self._too_many()

    def _damaged(self) -> str | None:
        for (label, column), suspicious in self._damage.items():
            long = self._long[label, column]
            if suspicious >= DAMAGED_AT_LEAST and suspicious > long * DAMAGED_SHARE:
                return (
                    f'{label}: {suspicious:,} of {long:,} long identifiers in column "{column}" end in zeros, as if a'
                    " spreadsheet had rounded them; their last digits are lost. Export the column as text."
                )
        return None

    def _too_many(self) -> str | None:
        share = self._condemned / self._judged if self._judged else 0.0
        if share <= self._profile.max_rejected:
            return None
        errors = [code for code in Code if code and CATALOGUE[code].severity is Severity.REJECTED]
        code = max(errors, key=lambda code: int(self._issues[code]))
        example = self._examples[code][0]
        column = f', column "{example.column}"' if example.column else ""
        title = CATALOGUE[code].title
        return (
            f"{self._condemned:,} of {self._judged:,} conversions ({share:.0%}) would be rejected, more than"
            f" max_rejected = {self._profile.max_rejected:g} allows. Most often: {code.text}"
            f" ({title[0].lower()}{title[1:]}), first in {example.source}, row {example.row}{column}."
            f" {CATALOGUE[code].remedy}"
        )

    def write_files(self, folder: Path) -> tuple[FileFacts, ...]:
        """Write the files to upload."""
        files: list[FileFacts] = []
        for identifier in dict.fromkeys(kind for kind, _ in self._plan.identifiers):
            if identifier in self._spools:
                name = partial(conversions.file_name, identifier)
                parts = Parts(folder, name, conversions.header(identifier), self._options.limit)
                self._spools[identifier].write(parts, self._dropped[identifier], self._totals)
                files += parts.close(conversions.KIND, identifier)
        return tuple(files)

    def summary(self, files: tuple[FileFacts, ...]) -> Summary:
        """Sum up what was found."""
        profile = self._profile
        skipped = self._matched - self.accepted - self._rejected
        counts = Counts(self._rows, self._matched, self.accepted, skipped, self._rejected)
        return Summary(
            profile=profile.name,
            batch=batch_name(self._options.now, profile.digest, self._facts, self._period),
            counter=profile.counter,
            timezone=profile.timezone,
            built_at=self._options.now,
            sources=tuple(self._facts),
            files=files,
            counts={conversions.KIND: counts},
            issues={code: int(self._issues[code]) for code in Code if self._issues[code]},
            examples={code: tuple(rows) for code, rows in sorted(self._examples.items())},
            days=self._totals.days(),
        )


def _shortened(text: str) -> str:
    return text if len(text) <= EXAMPLE_TEXT else f"{text[: EXAMPLE_TEXT - 1]}…"


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Give what a machine wants to know of an outcome: the manifest, with the folder and the refusal beside it."""
    folder = str(outcome.folder) if outcome.folder is not None else None
    return manifest(outcome.summary) | {"folder": folder, "refusal": outcome.refusal}
