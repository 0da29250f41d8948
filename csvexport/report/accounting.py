"""What became of the rows: the headline, the numbers of each kind, and the issues."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from csvexport.issues import CATALOGUE, Code, Issue, Severity
from csvexport.report.wording import counted, joined, number, singular
from csvexport.summary import Counts, Example, Summary

# Issues that befall a row before anybody can say which records it would have made.
OF_ROWS = frozenset({Code.NO_GOAL, Code.BAD_ROW})


@dataclass(frozen=True, slots=True)
class KindCounts:
    """The numbers of one kind.

    Attributes:
        kind: `conversions`, `calls`, `orders`, `contacts` or `deals`.
        counts: its accounting.
    """

    kind: str
    counts: Counts

    @property
    def matched(self) -> str:
        """What is counted as matched, in words."""
        if self.kind == "conversions":
            return "a row counts once for each goal that takes it"
        return f"rows that [{self.kind}] takes"


@dataclass(frozen=True, slots=True)
class IssueTotal:
    """One issue that occurred.

    Attributes:
        issue: its entry in the catalogue.
        count: how often, and what was counted; empty where each kind counts for itself.
        shares: how often in each kind; empty where `count` says all.
        examples: some of the rows.
    """

    issue: Issue
    count: str
    shares: str
    examples: tuple[Example, ...]


def headline(accepted: Mapping[str, int], old: Mapping[str, int] = MappingProxyType({}), empty: str = "") -> str:
    """The sentence that answers the reader's first question.

    Args:
        accepted: how many records of each kind go.
        old: how many of them are too old for Metrica to match them.
        empty: of which kinds no row was taken, a clause.
    """
    said = _ready(accepted, {kind: _too_old(count, accepted[kind]) for kind, count in old.items() if count})
    return f"{said}; {empty}" if empty else said


def _ready(accepted: Mapping[str, int], old: Mapping[str, str]) -> str:
    ready = {kind: counted(count, singular(kind)) for kind, count in accepted.items() if count}
    if not ready:
        return f"{'Nothing' if len(accepted) > 1 else f'No {singular(*accepted)}'} is ready to upload"
    if len(ready) > 1:
        parts = [f"{count} ({old[kind]})" if kind in old else count for kind, count in ready.items()]
        return f"{joined(parts)} are ready"
    remarks = "".join(f", {said}" for said in old.values())
    return f"{joined([*ready.values()])} {'is' if sum(accepted.values()) == 1 else 'are'} ready to upload{remarks}"


def _too_old(old: int, accepted: int) -> str:
    if accepted == 1:
        return "too old to match"
    return f"{'all' if old == accepted else number(old)} of them too old to match"


def issue_totals(summary: Summary, severity: Severity) -> list[IssueTotal]:
    """The issues of one severity that occurred, the most frequent first."""
    return [
        IssueTotal(CATALOGUE[code], *_said(summary, code, count), tuple(summary.examples.get(code, ())))
        for code, count in summary.issues_of(severity)
        if count
    ]


def _said(summary: Summary, code: Code, count: int) -> tuple[str, str]:
    """How often an issue occurred, and how often in each kind."""
    if len(summary.counts) == 1:
        return counted(count, "row" if code in OF_ROWS else singular(*summary.counts)), ""
    kinds = {kind: counts.issues[code] for kind, counts in summary.counts.items() if counts.issues.get(code)}
    match code, len(kinds):
        case Code.BAD_ROW, _:
            # The same rows in every kind.
            return counted(max(kinds.values(), default=count), "row"), ""
        case Code.NO_GOAL, _:
            return "", ", ".join(f"{counted(rows, 'row')} for {kind}" for kind, rows in kinds.items())
        case _, 1:
            (kind,) = kinds
            return counted(kinds[kind], singular(kind)), ""
    return counted(count, "record"), ", ".join(counted(found, singular(kind)) for kind, found in kinds.items())
