"""Looks at an export: reads it once, counts what its columns hold, and says what that is."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from csvexport.errors import SourceError, UsageError
from csvexport.findings import DATES, Column, Crm, Findings, Role, Status
from csvexport.inspection.contents import Content
from csvexport.inspection.crm import UNKNOWN, Preset, recognised
from csvexport.inspection.names import named_role
from csvexport.inspection.roles import judge
from csvexport.inspection.tallies import Tallies, Tally
from csvexport.masking import cut, masked, printable
from csvexport.profile import Secret, SourceSettings
from csvexport.profile.addresses import is_address
from csvexport.profile.readers import read_secret, read_username
from csvexport.progress import Progress
from csvexport.scratch import scratch_folder
from csvexport.sources import Source, open_sources
from csvexport.sources.packed import STDIN, standard_input
from csvexport.summary import SourceFacts

EXAMPLES: Final = 3
LONGEST_EXAMPLE: Final = 40

# Of these an example shows the beginning only.
_IDENTIFYING: Final = frozenset({Role.CLIENT_ID, Role.YCLID, Role.USER_ID, Role.PHONE, Role.EMAIL})


_Part = TypeVar("_Part")


class Login(NamedTuple):
    """What the server of an address wants to know.

    Attributes:
        username: the name, or a reference to it.
        password: a reference to the password.
    """

    username: str | Secret | None = None
    password: Secret | None = None

    def keys(self) -> dict[str, str]:
        """Give the keys of `[source]` that say it."""
        return {key: str(value) for key, value in self._asdict().items() if value is not None}


NO_LOGIN: Final = Login()


def read_login(username: str | None, password: str | None, export: str) -> Login:
    """Read the login that the command line gives for an export.

    Raises:
        UsageError: it is none, or the export is none that a server sends.
    """
    return Login(
        _option("--username", read_username, username, export), _option("--password", read_secret, password, export)
    )


def _option(name: str, read: Callable[[object], _Part], text: str | None, export: str) -> _Part | None:
    if text is None:
        return None
    if not is_address(export):
        raise UsageError(f"{name}: the export is no address, so that no server asks for it; leave it out")
    try:
        return read(text)
    except ValueError as error:
        # The message does not repeat what was written, which may be the password itself.
        raise UsageError(f"{name}: {error}") from None


def look(export: str, progress: Progress, label: str | None = None, login: Login = NO_LOGIN) -> Findings:
    """Read an export and say what it holds.

    Args:
        export: a path or an address.
        progress: hears how far the reading has come.
        label: what the findings call it, if not by its path.
        login: what the server of an address wants to know; files of secrets are relative to the current folder.

    Raises:
        SourceError: the export cannot be read, or its files have no column in common.
        ProfileError: a secret is not where the login says.
        OutputError: what an archive holds cannot be written to a temporary file.
    """
    try:
        with scratch_folder() as scratch:
            settings = SourceSettings.model_validate(login.keys())
            sources = open_sources(settings, Path(), [export], (), scratch)
            findings = inspect(sources, progress)
    except SourceError as error:
        raise _explained(error, export, label) from None
    if label is None:
        return findings
    named = tuple(replace(facts, path=facts.path.replace(export, label)) for facts in findings.sources)
    return replace(findings, sources=named)


@contextmanager
def at_hand(export: str) -> Iterator[tuple[str, str | None]]:
    """Have an export where it can be read more than once; standard input is kept in a temporary file meanwhile.

    Gives:
        Where it is, and what to call it if not by that.

    Raises:
        SourceError: nothing is piped in.
        OutputError: the temporary file cannot be written.
    """
    if export != STDIN:
        yield export, None
        return
    with scratch_folder() as folder:
        yield str(standard_input(folder, SourceSettings().max_megabytes << 20)), "standard input"


def _explained(error: SourceError, export: str, label: str | None) -> SourceError:
    """Say also how a command without a profile is told."""
    said = str(error) if label is None else str(error).replace(export, label)
    if is_address(export) and "source.username" in said:
        said += "; here they are given as --username and --password"
    return SourceError(said)


def inspect(sources: Sequence[Source], progress: Progress) -> Findings:
    """Read sources, which together are one export, and say what they hold; see `look`."""
    shared, missing = _columns(sources)
    preset = recognised(shared)
    named = {name: preset.role(name) or named_role(name) for name in shared}
    tallies = Tallies(shared, [name for name, role in named.items() if role is Role.STATUS])
    facts, unreadable = _read(sources, tallies, progress)
    columns = tuple(_column(name, tally, preset) for name, tally in tallies.columns.items())
    status = _status_column(columns, preset)
    return Findings(
        sources=tuple(facts),
        rows=tallies.rows,
        unreadable=unreadable,
        columns=columns,
        missing=missing,
        crm=None if preset is UNKNOWN else Crm(preset.title, preset.hint),
        status=status.name if status else None,
        statuses=_statuses(status, tallies, preset) if status else (),
    )


def _columns(sources: Sequence[Source]) -> tuple[list[str], tuple[str, ...]]:
    """Give the columns that all sources have, and those that only some have."""
    everywhere = frozenset.intersection(*(frozenset(source.columns) for source in sources))
    if not everywhere and len(sources) > 1:
        labels = " and ".join(source.label for source in sources[:2])
        raise SourceError(f"{labels} have no column in common; look at them one by one")
    every = dict.fromkeys(name for source in sources for name in source.columns)
    return [name for name in every if name in everywhere], tuple(name for name in every if name not in everywhere)


def _read(sources: Sequence[Source], tallies: Tallies, progress: Progress) -> tuple[list[SourceFacts], int]:
    """Count everything; gives what the sources are, and how many records cannot be read."""
    total = sum(source.size for source in sources)
    facts, before, unreadable = [], 0, 0
    for source in sources:
        rows = bad = 0
        left_out: Counter[str] = Counter()
        for piece in source.pieces():
            block = source.parse(piece, ())
            tallies.take(block)
            rows += len(block.rows)
            bad += len(block.bad)
            left_out.update(block.left_out)
            progress(tallies.rows, before + piece.position, total)
        before += source.size
        unreadable += bad
        facts.append(source.facts(rows + bad, left_out))
    return facts, unreadable


def _column(name: str, tally: Tally, preset: Preset) -> Column:
    texts = tuple(tally.values)
    content = Content(texts, day_first=tally.day_first > 0, month_first=tally.month_first > 0)
    known = preset.role(name)
    by = preset.title if known else "its name"
    verdict = judge(known or named_role(name), by, texts, content, counted=tally.is_counted)
    more: dict[str, Any] = {}
    if verdict.role in DATES and content.slashed > content.times:
        formats = content.formats(preset.formats)
        certain = formats[0] if len(formats) == 1 else None
        more = {"needs_format": True, "format": certain, "formats": () if certain else formats}
    elif verdict.role is Role.AMOUNT:
        more["decimal"], more["is_ambiguous"] = content.decimal()
    return Column(
        name=name,
        role=verdict.role,
        reason=verdict.reason,
        alarm=verdict.alarm,
        filled=tally.filled,
        distinct=len(texts),
        is_counted=tally.is_counted,
        values=tally.values,
        examples=tuple(shown(text, verdict.role) for text in texts[:EXAMPLES]),
        **more,
    )


def shown(text: str, role: Role | None) -> str:
    """As much of a cell as may be seen, on one line."""
    if role in _IDENTIFYING:
        return printable(cut(text))
    if role is Role.PERSON:
        return printable(f"{text[:1]}…")
    plain = printable(masked(text))
    return plain if len(plain) <= LONGEST_EXAMPLE else f"{plain[: LONGEST_EXAMPLE - 1]}…"


def _status_column(columns: Iterable[Column], preset: Preset) -> Column | None:
    """Choose among the columns of statuses: the CRM's, else the first that says who paid, else the first."""
    found = [column for column in columns if column.role is Role.STATUS and column.filled]
    known = [column for column in found if preset.role(column.name) is Role.STATUS]
    telling = [column for column in found if any(map(preset.is_paid, column.values))]
    return next(iter([*known, *telling, *found]), None)


def _statuses(column: Column, tallies: Tallies, preset: Preset) -> tuple[Status, ...]:
    """Give the statuses; those that differ in upper and lower case only are one, as `when` sees them."""
    spelled: dict[str, str] = {}
    rows: Counter[str] = Counter()
    filled: dict[str, Counter[str]] = {}
    for text, count in column.values.items():
        first = spelled.setdefault(text.casefold(), text)
        rows[first] += count
        filled.setdefault(first, Counter()).update(tallies.by_status[column.name].get(text, {}))
    return tuple(Status(text, count, preset.is_paid(text), filled[text]) for text, count in rows.most_common())


def findings_json(findings: Findings) -> dict[str, Any]:
    """Give the findings as a program wants them; examples are cut short as in the terminal."""
    return {
        "sources": [
            {"path": facts.path, "format": facts.format, "form": facts.form, "rows": facts.rows}
            for facts in findings.sources
        ],
        "rows": findings.rows,
        "unreadable": findings.unreadable,
        "crm": findings.crm and findings.crm.title,
        "columns": [_column_json(column, findings.rows) for column in findings.columns],
        "missing": [masked(name) for name in findings.missing],
        "status": findings.status and masked(findings.status),
        "statuses": [
            {"text": shown(status.text, None), "rows": status.rows, "paid": status.is_paid}
            for status in findings.statuses
        ],
    }


def _column_json(column: Column, rows: int) -> Mapping[str, Any]:
    return {
        "name": masked(column.name),
        "role": column.role,
        "reason": column.reason,
        "alarm": column.alarm or None,
        "filled": round(column.filled / rows, 4) if rows else 0.0,
        "distinct": column.distinct,
        "distinct_is_all": column.is_counted,
        "format": column.format,
        "formats": list(column.formats),
        "examples": list(column.examples),
    }
