"""One pass over the sources: every block is parsed and converted beside the reader, and accounted for in order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np

from csvexport.batch import RejectedFile, batch_name
from csvexport.blocks import Block
from csvexport.errors import UsageError
from csvexport.issues import Code
from csvexport.profile import Profile, check_columns
from csvexport.sources import Source, joined_facts, open_sources
from csvexport.sources.beside import beside
from csvexport.summary import Example, FileFacts, SourceFacts, Summary, Unmatched
from csvexport.transform.kinds import convert, kinds_of
from csvexport.transform.plan import SNAPSHOTS, Period
from csvexport.transform.results import Converted
from csvexport.workflow.options import Options
from csvexport.workflow.schemas import schema_bodies
from csvexport.workflow.sent import Sent
from csvexport.workflow.tally import EXAMPLES, Tally
from csvexport.workflow.unmatched import Texts, find_unmatched, watched


class Run:
    """Counts, spools and rejects, until the outcome is known; use it in a `with` statement."""

    def __init__(
        self, profile: Profile, options: Options, scratch: Path, batch: Path | None = None, *, sent: Sent
    ) -> None:
        """Open the sources and make the plan.

        Args:
            profile: the profile.
            options: what the command line changes.
            scratch: a folder for what only the run needs.
            batch: where the files go; None: nothing is kept but what counting needs.
            sent: what was sent before.
        """
        _refuse_kinds(profile, options.only)
        self._profile = profile
        self._options = options
        expected = {column for column, _ in profile.places()}
        self._sources = open_sources(profile.source, profile.path.parent, options.exports, expected, scratch)
        self._is_rest = all(source.is_rejected_file for source in self._sources)
        if self._is_rest:
            _refuse_rest(profile, options.only)
        for source in self._sources:
            check_columns(profile, source.columns, may_lack=not source.header_row)
        keyed = profile.model_copy(update={"counter": sent.counter})
        self._kinds = kinds_of(keyed, self._period, options.only)
        self._categories = frozenset().union(*(kind.categories for kind in self._kinds))
        self._texts = Texts(watched(profile, [kind.name for kind in self._kinds]))
        self._sent = sent
        self._tallies = {kind.name: Tally(kind, scratch, batch, sent.keys.get(kind.name)) for kind in self._kinds}
        self._total = sum(source.size for source in self._sources)
        self._rows = self._bad = 0
        self._facts: list[SourceFacts] = []
        self._rejected_file: RejectedFile | None = None
        if batch is not None:
            columns = dict.fromkeys(name for source in self._sources for name in source.columns)
            self._rejected_file = RejectedFile(batch, tuple(columns))

    def _period(self, kind: str) -> Period:
        """Give the period of a kind: a snapshot has a beginning of its own, and must hold what is older than news."""
        profile, options = self._profile, self._options
        now, zone = options.now, ZoneInfo(profile.timezone)
        if kind in SNAPSHOTS:
            table = {"orders": profile.orders, "deals": profile.deals}.get(kind)
            since, until = options.since or (table.since if table else None), options.until
        else:
            since, until = options.since or profile.since, options.until or profile.until
        return Period(
            int(now.timestamp()),
            since.bound(now, zone) if since else None,
            until.bound(now, zone) if until else None,
        )

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close all files."""
        for tally in self._tallies.values():
            tally.close()
        if self._rejected_file is not None:
            self._rejected_file.close()

    @property
    def accepted(self) -> int:
        """Records that go; known after `settle`."""
        return sum(tally.accepted for tally in self._tallies.values())

    def read(self) -> None:
        """Read every source to its end."""
        before = 0
        for source in self._sources:
            row = source.header_row + 1
            rows = 0
            left_out: Counter[str] = Counter()
            for position, converted in self._converted(source):
                self._take(source, row, converted)
                row += converted.records
                rows += converted.read
                self._bad += len(converted.bad)
                left_out.update(converted.left_out)
                self._options.progress(self._rows + rows, before + position, self._total)
            before += source.size
            self._rows += rows
            self._facts.append(source.facts(rows, left_out))
        self._facts += joined_facts(self._sources)

    def _converted(self, source: Source) -> Iterator[tuple[int, Converted]]:
        """Convert a source's blocks beside the reader and yield them in order, with the bytes read up to each."""
        enough = {name: tally.enough for name, tally in self._tallies.items()}

        def parse(piece: Any) -> tuple[int, Block]:  # noqa: ANN401 - each source has its own
            return piece.position, source.parse(piece, self._categories)

        def work(parsed: tuple[int, Block]) -> tuple[int, Converted]:
            position, block = parsed
            texts = {} if source.is_rejected_file else self._texts.look(block)
            return position, replace(convert(self._kinds, block, enough), texts=texts)

        return beside(source.pieces(), parse, work)

    def _take(self, source: Source, first_row: int, converted: Converted) -> None:
        """Account for a block whose first record has this number."""
        self._texts.add(converted.texts)
        for name, judged in converted.kinds.items():
            self._tallies[name].take(source.label, first_row, judged, is_returned=source.is_rejected_file)
        if self._rejected_file is not None:
            bad = [(first_row + bad.row, bad.text, bad.reason) for bad in converted.bad]
            rejected = {name: judged.rows for name, judged in converted.kinds.items()}
            self._rejected_file.add(source.label, first_row, rejected, bad)

    def settle(self) -> None:
        """Find what is not to be written: duplicates, earlier states, what no deal names, what would be too large."""
        claims = None
        # Deals come first, since contacts may have to be named by one.
        for tally in sorted(self._tallies.values(), key=lambda tally: tally.kind.is_claimed):
            today = int(tally.kind.zone.local_days(np.array([int(self._options.now.timestamp())]))[0])
            tally.settle(self._options.limit, today, claims)
            if tally.kind.name == "deals":
                claims = tally.claims()

    def refusal(self) -> str | None:
        """Say why the data must not be sent as it is, None when it may."""
        refusals = (tally.refusal(self._profile.max_rejected) for tally in self._tallies.values())
        return next(filter(None, refusals), None)

    def write_files(self, folder: Path) -> tuple[FileFacts, ...]:
        """Write the files to upload, and before those of contacts and deals what the API has to be told once."""
        files: list[FileFacts] = []
        for name, tally in self._tallies.items():
            if tally.accepted:
                files += schema_bodies(self._profile, name, folder)
                files += tally.write_files(folder, self._options.limit)
        return tuple(files)

    def summary(self, files: tuple[FileFacts, ...]) -> Summary:
        """Sum up what was found."""
        profile, tallies = self._profile, self._tallies
        issues = sum((tally.issues for tally in tallies.values()), np.zeros(len(Code), np.int64))
        settings = [str(bound) for bound in (self._options.since, self._options.until)]
        settings += [*self._options.only, *filter(None, [self._sent.fingerprint])]
        matching = {name: tally.match_quality() for name, tally in tallies.items()}
        return Summary(
            profile=profile.name,
            batch=batch_name(self._options.now, profile.digest, self._facts, settings),
            counter=profile.counter,
            timezone=profile.timezone,
            built_at=self._options.now,
            sources=tuple(self._facts),
            files=files,
            counts={name: tally.counts(self._rows) for name, tally in tallies.items()},
            issues={code: int(issues[code]) for code in Code if issues[code]},
            examples=self._examples(),
            days=tuple(day for tally in tallies.values() for day in tally.days()),
            tags=tuple(tag for tally in tallies.values() for tag in tally.tags()),
            matching={name: quality for name, quality in matching.items() if quality is not None},
            delimiters={name: mark for name, mark in _delimiters(profile).items() if name in tallies},
            named_by={name: tally.named_by() for name, tally in tallies.items() if not tally.kind.is_snapshot},
            destinations={
                name: tuple(each.name for each in found) for name in tallies if (found := profile.destinations(name))
            },
            unmatched=self._unmatched(),
            is_rest=self._is_rest,
        )

    def _unmatched(self) -> tuple[Unmatched, ...]:
        """Find what the profile names and no row has, if there are rows that should have it."""
        readable = self._rows - self._bad
        if self._is_rest or not readable:
            return ()
        found = find_unmatched(self._profile, self._kinds, self._texts)
        lost = [facts for facts in self._facts if facts.joined and facts.joined.get("unmatched") == readable]
        joined = [Unmatched(("source.join",), "", None, f"no row finds anything in {facts.path}") for facts in lost]
        return (*joined, *found)

    def _examples(self) -> dict[Code, tuple[Example, ...]]:
        """Give some rows of each issue of any kind, each row once."""
        examples: dict[Code, dict[Example, None]] = {}
        for tally in self._tallies.values():
            for code, rows in tally.examples().items():
                examples.setdefault(code, {}).update(dict.fromkeys(rows))
        return {code: tuple(rows)[:EXAMPLES] for code, rows in sorted(examples.items())}


def _refuse_rest(profile: Profile, only: Sequence[str]) -> None:
    """Refuse to make a snapshot of nothing but corrected rows, which would stand instead of all that there is."""
    kinds = [kind for kind in profile.kinds if (not only or kind in only)]
    snapshots = [kind for kind in kinds if kind in SNAPSHOTS]
    if snapshots:
        others = "".join(f" --only {kind}" for kind in kinds if kind not in SNAPSHOTS)
        raise UsageError(
            f"A rejected.csv alone would make {' and '.join(snapshots)} of its rows only, and they replace what was"
            " sent before: name the export too, before it, such as csvexport build PROFILE EXPORT rejected.csv"
            + (f"; or make the rest alone with{others}" if others else "")
        )


def _delimiters(profile: Profile) -> dict[str, str]:
    tables = {"orders": profile.orders, "contacts": profile.contacts, "deals": profile.deals}
    return {name: table.delimiter for name, table in tables.items() if table is not None}


def _refuse_kinds(profile: Profile, only: Sequence[str]) -> None:
    """Refuse to make kinds that the profile has not, or contacts without the deals that choose them."""
    unknown = next((kind for kind in only if kind not in profile.kinds), None)
    if unknown is not None:
        raise UsageError(f"--only: the profile makes no {unknown}; it makes {', '.join(profile.kinds)}")
    chosen = profile.contacts is not None and profile.contacts.only_with_deals
    if chosen and "contacts" in only and "deals" not in only:
        raise UsageError("--only: contacts need deals beside them, since contacts.only_with_deals is set")
