"""A summary of which every text can be printed: what comes from a CRM or a command line may hold anything."""

from dataclasses import replace

from csvexport.masking import printable
from csvexport.summary import DayTotal, Example, SourceFacts, Summary, TagTotal, Unmatched


def printable_summary(summary: Summary) -> Summary:
    """The summary with every text that comes from outside made printable."""
    return replace(
        summary,
        profile=printable(summary.profile),
        sources=tuple(map(_source, summary.sources)),
        examples={code: tuple(map(_example, examples)) for code, examples in summary.examples.items()},
        days=tuple(map(_day, summary.days)),
        tags=tuple(map(_tag, summary.tags)),
        unmatched=tuple(map(_unmatched, summary.unmatched)),
    )


def _source(source: SourceFacts) -> SourceFacts:
    return replace(
        source,
        path=printable(source.path),
        sheet=source.sheet and printable(source.sheet),
        records=source.records and printable(source.records),
    )


def _example(example: Example) -> Example:
    return replace(
        example,
        source=printable(example.source),
        column=printable(example.column),
        value=printable(example.value),
    )


def _unmatched(one: Unmatched) -> Unmatched:
    return replace(
        one,
        places=tuple(map(printable, one.places)),
        problem=printable(one.problem),
        near=tuple((printable(text), rows) for text, rows in one.near),
        note=printable(one.note),
    )


def _day(day: DayTotal) -> DayTotal:
    return day if day.label.isprintable() else replace(day, label=printable(day.label))


def _tag(tag: TagTotal) -> TagTotal:
    if all(text.isprintable() for text in (tag.status, *tag.tags)):
        return tag
    return replace(tag, status=printable(tag.status), tags=tuple(map(printable, tag.tags)))
