"""The tally of one kind during a build: counts, examples, spooled lines, and at the end what goes into the files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.batch import Parts, Spool, Totals, keys
from csvexport.batch.keys import SentKeys
from csvexport.formats import orders
from csvexport.formats.files import File
from csvexport.issues import CATALOGUE, Code, Severity
from csvexport.masking import masked
from csvexport.summary import Counts, DayTotal, Example, FileFacts, MatchQuality, TagTotal
from csvexport.transform.duplicates import BUCKETS, Keys, is_among
from csvexport.transform.others import RecordFile, drop_others
from csvexport.transform.plan import Kind
from csvexport.transform.results import FACTS, Judged, Lines, Tag, count_warnings
from csvexport.values.currencies import CURRENCIES

# How many examples of an issue a summary keeps, and how much of a cell.
EXAMPLES: Final = 5
EXAMPLE_TEXT: Final = 120

# Advertisements that the report tells apart; the rest counts together.
MOST_TAGS: Final = 10_000
OTHER_TAGS: Final = "…"

# A source whose long identifiers look rounded in more than this share was through a spreadsheet; one or two of them may
# end in zeros by chance.
DAMAGED_SHARE: Final = 0.5
DAMAGED_AT_LEAST: Final = 3


class _Slot(RecordFile):
    """The lines of one file on their way."""

    def __init__(self, folder: Path, name: str, kind: Kind, *, is_spooled: bool) -> None:
        """Keep what is needed in files of the folder."""
        stem = f"{kind.name}-{name}"
        super().__init__(folder, stem, list(kind.files).index(name), ranked=kind.is_snapshot)
        self.spool = Spool(folder, stem, FACTS, kind.files[name]) if is_spooled else None
        self.claims: list[Keys] = []
        self.keys: list[Keys] = []
        self.warnings: list[tuple[int, NDArray[np.uint16]]] = []

    def warned(self) -> NDArray[np.uint16]:
        """Give the warnings of the lines that go; known when it is known what is dropped."""
        kept = [bits[~self.dropped[first : first + len(bits)]] for first, bits in self.warnings]
        return np.concatenate([np.zeros(0, np.uint16), *kept])

    def close(self) -> None:
        """Close the files."""
        super().close()
        if self.spool is not None:
            self.spool.close()


class _Example(NamedTuple):
    """A row as it is shown, and of a warning the lines that it became: the file, and the place among its lines."""

    shown: Example
    lines: tuple[tuple[str, int], ...]


class Tally:
    """Counts one kind.

    Attributes:
        kind: the kind.
        matched: records that the rows would make.
        rejected: those that cannot be sent.
        enough: issues of which there are enough examples.
    """

    def __init__(self, kind: Kind, folder: Path, batch: Path | None, sent: SentKeys | None) -> None:
        """Begin.

        Args:
            kind: the kind.
            folder: where the lines are spooled, if they are to be written, or if their size matters.
            batch: where the files go; None: nothing is written.
            sent: the keys of the events that were sent before; None: none were.
        """
        self.kind = kind
        self._batch = batch
        self._sent = sent
        self.matched = self.rejected = 0
        # Blocks are taken in order, so that of an issue in here no block that is still to come can add an example.
        self.enough: set[Code] = set()
        self._examples: dict[Code, list[_Example]] = {}
        self.issues = np.zeros(len(Code), np.int64)
        self._folder = folder
        # What may have to be cut down is weighed even where nothing is written.
        self._is_spooled = batch is not None or any(file.oversize != "part" for file in kind.files.values())
        self._too_large: tuple[str, int, int] | None = None
        self._outside = self._judged = self._condemned = 0
        self._slots: dict[str, _Slot] = {}
        self._tags: dict[Tag, int] = {}
        self._totals = Totals(kind.name, kind.labels, CURRENCIES)
        self._damage: Counter[tuple[str, str]] = Counter()
        self._long: Counter[tuple[str, str]] = Counter()

    def close(self) -> None:
        """Close all files."""
        for slot in self._slots.values():
            slot.close()

    def take(self, label: str, first_row: int, judged: Judged, *, is_returned: bool) -> None:
        """Account for a block.

        Args:
            label: the source.
            first_row: number of the block's first record.
            judged: what became of it.
            is_returned: whether it comes from a `rejected.csv`, which may well hold rows that nobody corrected.
        """
        self.matched += judged.matched
        self._outside += judged.skipped
        self.rejected += judged.rejected
        self.issues += judged.issues
        if not is_returned:
            self._judged += judged.matched - judged.skipped
            self._condemned += judged.rejected
        firsts = {name: slot.finder.count for name, slot in self._slots.items()}
        for name, lines in judged.lines.items():
            self._keep(name, lines)
            if name in judged.warnings:
                self._slots[name].warnings.append((firsts.get(name, 0), judged.warnings[name]))
        for column, damage in judged.damage.items():
            self._long[label, column] += damage.long
            self._damage[label, column] += damage.suspicious
        for example in judged.examples:
            kept = self._examples.setdefault(example.code, [])
            if len(kept) < EXAMPLES:
                places = tuple((name, firsts.get(name, 0) + place) for name, place in example.lines)
                shown = Example(label, first_row + example.row, masked(example.column), _shortened(example.value))
                kept.append(_Example(shown, places))
            else:
                self.enough.add(example.code)

    def _keep(self, name: str, lines: Lines) -> None:
        if name not in self._slots:
            self._slots[name] = _Slot(self._folder, name, self.kind, is_spooled=self._is_spooled)
        slot = self._slots[name]
        slot.add(lines)
        if slot.spool is not None:
            slot.spool.add(lines.text, self._with_tags(lines))
        if lines.claims is not None:
            slot.claims.append(lines.claims)
        if self.kind.is_claimed:
            slot.keys.append(lines.keys)

    def _with_tags(self, lines: Lines) -> NDArray[np.void]:
        """Give the facts with tags that are numbered through the whole build."""
        if lines.tags == ((),):
            self._tags.setdefault((), 0)
            return lines.facts
        numbers = [self._number(tag) for tag in lines.tags]
        lines.facts["tag"] = np.array(numbers, np.int32)[lines.facts["tag"]]
        return lines.facts

    def _number(self, tag: Tag) -> int:
        if tag not in self._tags and len(self._tags) >= MOST_TAGS:
            tag = (OTHER_TAGS,) * len(tag)
        return self._tags.setdefault(tag, len(self._tags))

    @property
    def accepted(self) -> int:
        """Records that go; known after `settle`."""
        return self.matched - self._outside - self.rejected - self._dropped

    @property
    def _dropped(self) -> int:
        return sum(int(np.count_nonzero(slot.dropped)) for slot in self._slots.values())

    def claims(self) -> Keys:
        """Give the keys of what the records that go name; known after `settle`."""
        parts = [(slot, _joined(slot.claims)) for slot in self._slots.values()]
        return _joined([Keys(keys.first[~slot.dropped], keys.second[~slot.dropped]) for slot, keys in parts])

    def settle(self, limit: int | None, today: int, claims: Keys | None) -> None:
        """Find what is not to be written.

        Args:
            limit: bytes that no file exceeds, besides its own limit.
            today: the day of the build, as in the facts.
            claims: keys of the records that are wanted, for a kind that is claimed.
        """
        for name, slot in self._slots.items():
            dropped = slot.settle()
            self.issues[Code.DUPLICATE] += dropped.same
            self.issues[Code.SUPERSEDED] += dropped.other
            if self.kind.is_snapshot:
                self.issues[Code.CHANGED_CREATION] += dropped.other_half
            if self.kind.is_claimed and claims is not None:
                self._drop(slot, ~is_among(_joined(slot.keys), claims), Code.NO_DEAL)
            if self.kind.files[name].oversize != "part":
                self._fit(slot, self.kind.files[name], limit, today)
        if self._slots and not self.kind.is_snapshot:
            self._leave_out_sent()
        for slot in self._slots.values():
            self.issues += count_warnings(slot.warned())

    def _leave_out_sent(self) -> None:
        """Drop the events that were sent before, and write the keys of the others beside the files."""
        sent = self._sent or SentKeys(())
        slots = list(self._slots.values())
        have_others = any(slot.others is not None for slot in slots)
        if self._sent is not None and (have_others or self._batch is None):
            for _ in self._unsent(sent):
                pass
        if have_others:
            was_sent = partial(_was_sent, self._sent) if self._sent is not None else None
            self.issues[Code.SENT_BY_OTHER_IDENTIFIER] += drop_others(slots, was_sent)
        if self._batch is not None:
            keys.write(self._batch / keys.file_name(self.kind.name), self._unsent(sent))

    def _unsent(self, sent: SentKeys) -> Iterator[NDArray[np.void]]:
        """Drop what was sent, and give the records of the other events, in the order of their keys."""
        slots = list(self._slots.values())
        for number in range(BUCKETS):
            parts = [slot.left(number) for slot in slots]
            records = np.concatenate(parts)
            order = keys.in_order(records)
            own = np.empty(len(records), keys.RECORD)
            own["first"], own["second"], own["worth"] = (records[name][order] for name in ("first", "second", "value"))
            repeated = sent.sent(own, at_any_worth=self.kind.is_doubling)
            self.issues[Code.ALREADY_SENT] += np.count_nonzero(repeated)
            before = np.zeros(len(records), np.bool_)
            before[order] = repeated
            ends = np.cumsum([len(part) for part in parts])[:-1]
            for slot, part, again in zip(slots, parts, np.split(before, ends), strict=True):
                slot.dropped[part["ordinal"][again]] = True
            yield own[~repeated]

    def _drop(self, slot: _Slot, more: NDArray[np.bool_], code: Code) -> None:
        self.issues[code] += np.count_nonzero(more & ~slot.dropped)
        slot.dropped |= more

    def _fit(self, slot: _Slot, file: File, limit: int | None, today: int) -> None:
        """Leave out the oldest records of a file that would be too large, or note that it is."""
        allowed = file.limit if limit is None else min(limit, file.limit)
        if slot.spool is None or len(file.header) + slot.spool.bytes <= allowed:
            return
        lengths, facts = slot.spool.sizes()
        excess = len(file.header) + int(lengths[~slot.dropped].sum(dtype=np.int64)) - allowed
        if excess > 0 and file.oversize == "trim":
            candidates = np.flatnonzero(~slot.dropped & (facts["day"] < today - orders.KEPT_DAYS))
            oldest = candidates[np.argsort(facts["day"][candidates], kind="stable")]
            freed = np.cumsum(lengths[oldest], dtype=np.int64)
            enough = min(int(np.searchsorted(freed, excess)) + 1, len(oldest))
            more = np.zeros(len(slot.dropped), bool)
            more[oldest[:enough]] = True
            self._drop(slot, more, Code.OVERSIZE)
            excess -= int(freed[enough - 1]) if enough else 0
        if excess > 0:
            self._too_large = (file.name(1), allowed + excess, allowed)

    def refusal(self, max_rejected: float) -> str | None:
        """Say why the data must not be sent as it is, None when it may."""
        said = self._damaged() or self._too_many(max_rejected) or self._oversize()
        return said and masked(said)

    def _oversize(self) -> str | None:
        if self._too_large is None:
            return None
        name, size, allowed = self._too_large
        return (
            f"{name} would have {size:,} bytes, and Yandex takes no more than {allowed:,}. Leave old orders out with"
            ' `since` under [orders], or set on_oversize = "trim" there to leave the oldest out that are more than'
            f" {orders.KEPT_DAYS} days old."
        )

    def _damaged(self) -> str | None:
        for (label, column), suspicious in self._damage.items():
            long = self._long[label, column]
            if suspicious >= DAMAGED_AT_LEAST and suspicious > long * DAMAGED_SHARE:
                return (
                    f'{label}: {suspicious:,} of {long:,} long identifiers in column "{column}" end in zeros, as if a'
                    " spreadsheet had rounded them; their last digits are lost. Export the column as text."
                )
        return None

    def _too_many(self, max_rejected: float) -> str | None:
        share = self._condemned / self._judged if self._judged else 0.0
        if share <= max_rejected:
            return None
        errors = [code for code in Code if code and CATALOGUE[code].severity is Severity.REJECTED]
        code = max(errors, key=lambda code: int(self.issues[code]))
        example = self._examples[code][0].shown
        column = f', column "{example.column}"' if example.column else ""
        title = CATALOGUE[code].title
        return (
            f"{self._condemned:,} of {self._judged:,} {self.kind.name} ({share:.0%}) would be rejected, more than"
            f" max_rejected = {max_rejected:g} allows. Most often: {code.text}"
            f" ({title[0].lower()}{title[1:]}), first in {example.source}, row {example.row}{column}."
            f" {CATALOGUE[code].remedy}"
        )

    def write_files(self, folder: Path, limit: int | None) -> Iterator[FileFacts]:
        """Write the files to upload."""
        for name, file in self.kind.files.items():
            slot = self._slots.get(name)
            if slot is not None and slot.spool is not None:
                parts = Parts(folder, file, limit, slot.spool.path)
                slot.spool.write(parts, slot.dropped, self._totals.add)
                yield from parts.close()

    def examples(self) -> dict[Code, list[Example]]:
        """Give some rows of each issue, of a warning those that go; known after `settle`."""
        found = {
            code: [one.shown for one in kept if not one.lines or any(self._goes(*line) for line in one.lines)]
            for code, kept in self._examples.items()
        }
        return {code: rows for code, rows in found.items() if rows}

    def _goes(self, name: str, line: int) -> bool:
        return not self._slots[name].dropped[line]

    def counts(self, rows: int) -> Counts:
        """Sum up, given the rows of all sources."""
        skipped = self.matched - self.accepted - self.rejected
        issues = {code: int(self.issues[code]) for code in Code if self.issues[code]}
        return Counts(rows, self.matched, self.accepted, skipped, self.rejected, issues)

    def named_by(self) -> Mapping[str, int]:
        """Count what goes into each file, in the order of the files."""
        left = {name: int(np.count_nonzero(~slot.dropped)) for name, slot in self._slots.items()}
        return {name: left.get(name, 0) for name in self.kind.files}

    def days(self) -> tuple[DayTotal, ...]:
        """Give what was written by day."""
        return self._totals.days()

    def tags(self) -> tuple[TagTotal, ...]:
        """Give what was written by status and advertisement."""
        return self._totals.tags(list(self._tags))

    def match_quality(self) -> MatchQuality | None:
        """Give by what the clients of what was written can be found."""
        return self._totals.match_quality()


def _joined(keys: Sequence[Keys]) -> Keys:
    nothing = np.zeros(0, np.uint64)
    return Keys(
        np.concatenate([nothing, *(part.first for part in keys)]),
        np.concatenate([nothing, *(part.second for part in keys)]),
    )


def _was_sent(sent: SentKeys, asked: Keys) -> NDArray[np.bool_]:
    """Tell which keys, in any order, were sent at any worth."""
    records = np.zeros(len(asked.first), keys.RECORD)
    records["first"], records["second"] = asked
    order = keys.in_order(records)
    records = records[order]
    # Of equal ones only one is looked for.
    is_new = np.ones(len(records), np.bool_)
    is_new[1:] = records[["first", "second"]][1:] != records[["first", "second"]][:-1]
    found = np.zeros(len(records), np.bool_)
    found[order] = sent.sent(records[is_new], at_any_worth=True)[np.cumsum(is_new) - 1]
    return found


def _shortened(text: str) -> str:
    return text if len(text) <= EXAMPLE_TEXT else f"{text[: EXAMPLE_TEXT - 1]}…"
