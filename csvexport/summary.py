"""What one build found: the facts from which the manifest, the report and the terminal's summary are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from csvexport.issues import CATALOGUE, Code, Severity


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
        kind: `conversions`.
        identifier: the id type of the file: `Yclid`, `ClientId`, `UserId` or `PurchaseId`.
        rows: lines below the header.
        bytes: size of the file.
        sha256: of the file, in hex.
    """

    name: str
    kind: str
    identifier: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The accounting of one kind: `accepted + skipped + rejected == matched`.

    Attributes:
        rows: rows of the sources.
        matched: (row, goal) pairs; a row that cannot be read counts as one, since nobody can know its goals.
        accepted: pairs that became a line of a file.
        skipped: pairs left out on purpose.
        rejected: pairs that cannot be sent until the row is corrected.
    """

    rows: int
    matched: int
    accepted: int
    skipped: int
    rejected: int


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
class DayTotal:
    """What one goal reached on one day (calendar of the profile's zone) in one currency.

    Attributes:
        day: the date.
        target: the goal's `Target`.
        currency: ISO 4217 code.
        conversions: how many.
        revenue: sum of their prices, exact.
    """

    day: date
    target: str
    currency: str
    conversions: int
    revenue: Decimal


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
        counts: by kind.
        issues: how many pairs (for `no-goal` and `bad-row`: rows) have each issue.
        examples: some rows of each issue, in the order of the source.
        days: ordered by day, target and currency.
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

    def issues_of(self, severity: Severity) -> list[tuple[Code, int]]:
        """The issues of one severity that occurred, most frequent first."""
        found = [(code, count) for code, count in self.issues.items() if CATALOGUE[code].severity is severity]
        return sorted(found, key=lambda item: (-item[1], item[0]))
