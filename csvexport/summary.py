"""What one build found: the facts from which the manifest, the report and the terminal's summary are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Final, Self

from csvexport.issues import CATALOGUE, Code, Severity

NOTABLE: Final = ("empty", "warnings")
"""What a command may be told to fail on: no row is taken by any goal, or by a kind; anything that is warned of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """One file that was read.

    Attributes:
        path: as the profile or the command line names it.
        format: `csv`, `xlsx`, `xlsb`, `xls`, `ods`, `json`, `jsonl`, `xml` or `parquet`.
        encoding: of a CSV: `utf-8`, `cp1251`, `utf-16`, `koi8-r` or `cp866`.
        delimiter: of a CSV, one character.
        sheet: of a workbook, its name.
        records: of JSON and XML, the names on the way to the records, joined by dots; empty where they are the whole.
        rows: records read, the unreadable ones included; the header and what `left_out` counts are not among them.
        bytes: size of the file.
        sha256: of the file, in hex.
        left_out: lines that are no records, by what they are: `preamble`, `blank`, `header` (repeated), `total`.
        joined: of a source that was put to the rows of another: how many of those found nothing in it (`unmatched`),
            how many of its keys are `repeated`, and how many of its rows are `unreadable`; else None.
    """

    path: str
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    records: str | None = None
    rows: int
    bytes: int
    sha256: str
    left_out: Mapping[str, int]
    joined: Mapping[str, int] | None = None

    @property
    def remarks(self) -> str:
        """What is to be said of a joined source; empty for any other."""
        if self.joined is None:
            return ""
        said = {
            "unmatched": ("row", "found nothing in it"),
            "repeated": ("key", "repeated, of which the last row counts"),
            "unreadable": ("row", "unreadable"),
        }
        found = [(self.joined.get(what, 0), *words) for what, words in said.items()]
        return "; ".join(
            ["joined", *(f"{count:,} {noun}{'' if count == 1 else 's'} {rest}" for count, noun, rest in found if count)]
        )

    @property
    def form(self) -> str:
        """The file's form in words: `cp1251, semicolon`, or `xlsx, sheet "Deals"`, or `json, result.items`."""
        if self.delimiter is not None:
            words = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
            return f"{self.encoding}, {words.get(self.delimiter, self.delimiter)}"
        name = {"jsonl": "json lines"}.get(self.format, self.format)
        if self.sheet is not None:
            return f'{name}, sheet "{self.sheet}"'
        return f"{name}, {self.records}" if self.records else name


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file to upload.

    Attributes:
        name: file name inside the batch.
        kind: `conversions`, `calls`, `orders`, `contacts` or `deals`; `schema` for what the API is told once.
        identifier: the id type of the file: `Yclid`, `ClientId`, `UserId` or `PurchaseId`; None where it has none.
        rows: records in it.
        bytes: size of the file.
        sha256: of the file, in hex.
    """

    name: str
    kind: str
    identifier: str | None
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The accounting of one kind: `accepted + skipped + rejected == matched`.

    Attributes:
        rows: rows of the sources.
        matched: records that the rows would make, of conversions (row, goal) pairs; a row that cannot be read counts as
            one, since nobody can know its goals.
        accepted: those that became a line of a file.
        skipped: those left out on purpose.
        rejected: those that cannot be sent until the row is corrected.
        issues: how many of them have each issue (`no-goal` and `bad-row`: how many rows).
    """

    rows: int
    matched: int
    accepted: int
    skipped: int
    rejected: int
    issues: Mapping[Code, int]

    @property
    def taken(self) -> int:
        """Those of matched that are really of the kind: their status has a meaning, and a deal names the contact."""
        others = (Code.BAD_ROW, Code.UNKNOWN_STATUS, Code.NO_DEAL)
        return self.matched - sum(self.issues.get(code, 0) for code in others)

    @property
    def old(self) -> int:
        """Those of accepted that are too old for Metrica to match them."""
        return self.issues.get(Code.OUTSIDE_WINDOW, 0)


@dataclass(frozen=True, slots=True)
class Example:
    """One row that has an issue.

    Attributes:
        source: path of the source, as in `SourceFacts`.
        row: number of the row as a spreadsheet shows it; the first record of the file is 1.
        column: the source's column, or several joined by ", "; empty when the issue is the whole row's.
        value: the cell's text, shortened.
    """

    source: str
    row: int
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Something that the profile names and no row has.

    Attributes:
        places: where the profile names it: `goals[1].when.Status`.
        column: the source's column; empty where it is no column's.
        value: as the profile has it; None where there is none.
        problem: what is the matter, a clause.
        near: texts like the value that rows have, and how many rows have each.
        note: what else is to be said; may be empty.
    """

    MOST_SHOWN: ClassVar[int] = 3

    places: tuple[str, ...]
    column: str
    value: str | None
    problem: str
    near: tuple[tuple[str, int], ...] = ()
    note: str = ""

    @property
    def sentence(self) -> str:
        """All of it in one line, without a full stop."""
        shown = ", ".join(self.places[: self.MOST_SHOWN])
        more = len(self.places) - self.MOST_SHOWN
        place = f"{shown} and {more:,} more" if more > 0 else shown
        meant = ", or ".join(f'"{text}", {rows:,} row{"" if rows == 1 else "s"}' for text, rows in self.near)
        asked = f" (did you mean {meant}?)" if meant else ""
        return f"{place}: {self.problem}{asked}{f'; {self.note}' if self.note else ''}"


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one goal or status reached on one day (calendar of the profile's zone) in one currency.

    Attributes:
        kind: the kind of the records.
        day: the date.
        label: the goal's `Target`; of orders and deals the status, of calls `dynamic` or `static`.
        currency: ISO 4217 code.
        records: how many.
        revenue: sum of their prices, exact.
    """

    kind: str
    day: date
    label: str
    currency: str
    records: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class TagTotal:
    """Orders or deals of one status that one advertisement brought, in one currency.

    Attributes:
        kind: `orders` or `deals`.
        status: as Metrica calls it.
        currency: ISO 4217 code.
        tags: utm_source, utm_medium and utm_campaign, each "" where the row has none; () where the profile names none.
        records: how many.
        revenue: sum of their revenue, exact.
    """

    kind: str
    status: str
    currency: str
    tags: tuple[str, ...]
    records: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class MatchQuality:
    """By what Yandex can find the clients of the records that leave; its own words are good, medium and maximum.

    Attributes:
        records: all of them.
        client_id: those with a ClientID (of contacts: or a user id), with or without more.
        contact: those with a phone or an e-mail, with or without more.
        both: those with both.
        old: orders older than 21 days, which join no new visit.
    """

    COMBINATIONS: ClassVar[int] = 8

    records: int
    client_id: int
    contact: int
    both: int
    old: int

    @classmethod
    def of(cls, combinations: Sequence[int]) -> Self:
        """Sum up how many records have which combination of flags: 1 a ClientID, 2 a contact, 4 old."""

        def having(flags: int) -> int:
            return sum(count for number, count in enumerate(combinations) if number & flags == flags)

        return cls(sum(combinations), having(1), having(2), having(3), having(4))


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a reader of a batch may want to know.

    Attributes:
        profile: name of the profile.
        batch: name of the batch's folder.
        counter: number of the Metrica counter, if the profile gives one.
        timezone: the profile's zone.
        built_at: the moment of the build, aware, UTC.
        sources: the files read.
        files: the files written, in the order in which they are uploaded.
        counts: by kind, in the order of the files.
        issues: how often each issue occurred in all kinds together.
        examples: some rows of each issue, in the order of the source.
        days: by kind, then ordered by day, label and currency.
        tags: of orders and deals, those of the most records first.
        matching: by kind, for orders and contacts.
        delimiters: by kind, for orders, contacts and deals; orders with a semicolon are for the Conversion Center.
        destinations: by kind, the names of the destinations that the profile sends it to; of those that it sends.
        unmatched: what the profile names and no row has.
        is_rest: whether it was made of a `rejected.csv` alone, which need not hold anything of a kind.
        named_by: of conversions and calls, how many go by each id type, the preferred first.
    """

    profile: str
    batch: str
    counter: int | None
    timezone: str
    built_at: datetime
    sources: tuple[SourceFacts, ...]
    files: tuple[FileFacts, ...]
    counts: Mapping[str, Counts]
    issues: Mapping[Code, int]
    examples: Mapping[Code, tuple[Example, ...]]
    days: tuple[DayTotal, ...]
    tags: tuple[TagTotal, ...] = ()
    matching: Mapping[str, MatchQuality] = field(default_factory=dict)
    delimiters: Mapping[str, str] = field(default_factory=dict)
    destinations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unmatched: tuple[Unmatched, ...] = ()
    is_rest: bool = False
    named_by: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def empty(self) -> tuple[str, ...]:
        """The kinds of which no row was taken: by no goal, or neither by `when` nor by `statuses`."""
        if self.is_rest:
            return ()
        return tuple(kind for kind, counts in self.counts.items() if not counts.taken)

    @property
    def emptiness(self) -> str:
        """Of which kinds no row was taken, as a clause; empty if there are none."""
        if self.empty and not any(counts.rows for counts in self.counts.values()):
            return "no rows were read"
        said = ["no row matches any goal" if kind == "conversions" else f"[{kind}] takes no row" for kind in self.empty]
        return " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))

    @property
    def notable(self) -> dict[str, str]:
        """What `--fail-on` may wait for and there is: its word of `NOTABLE`, and a clause that says what there is."""
        warnings = [f"{count:,} {code.text}" for code, count in self.issues_of(Severity.WARNING)]
        warnings += [f"{len(self.unmatched):,} in the profile but not in the export"] * bool(self.unmatched)
        said = dict(zip(NOTABLE, (self.emptiness, ", ".join(warnings)), strict=True))
        return {word: clause for word, clause in said.items() if clause}

    def issues_of(self, severity: Severity) -> list[tuple[Code, int]]:
        """The issues of one severity that occurred, most frequent first."""
        found = [(code, count) for code, count in self.issues.items() if CATALOGUE[code].severity is severity]
        return sorted(found, key=lambda item: (-item[1], item[0]))
