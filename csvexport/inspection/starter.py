"""The profile to start with: sends what certainly is a conversion, and shows in comments what else could be one.

Nothing in it is a guess. Where the export does not tell, its goal asks for a status that there is not, so that nothing
is sent before a person has chosen.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from csvexport.findings import Column, Findings, Role, Status
from csvexport.inspection.contents import currency_of
from csvexport.inspection.looking import NO_LOGIN, Login
from csvexport.masking import printable
from csvexport.profile.wording import key_written, some, written
from csvexport.sources.packed import STDIN
from csvexport.templating import filled

DEFAULT_ZONE: Final = "Europe/Moscow"

MOST_STATUSES: Final = 30
"""More goals in comments than these are read by nobody."""

PLACEHOLDER: Final = "…"
"""Stands where a person has to choose; no export writes it."""

_WIDTH: Final = 100
_MARGIN: Final = 36
_MOST_PIPELINES: Final = 5

# The forms whose records have no header, so that what none of them has is not there at all.
_WITH_PROPERTIES: Final = frozenset({"json", "jsonl", "xml"})

# What a status leads to, for the names of goals that only stand there to be changed.
_TARGETS: Final = (
    (r"\bне\b|отказ|отмен|закрыт|спам|lost|cancel|reject|spam|дубл", "lead_lost"),
    (r"нов|неразобран|new", "lead_created"),
    (r"квалиф|qualif", "lead_qualified"),
    (r"договор|contract", "contract_signed"),
    (r"счет|invoice", "invoice_sent"),
    (r"замер|встреч|запис|meeting|measure|booked", "meeting_booked"),
    (r"выдан|доставлен|получен|deliver", "order_delivered"),
)
PAID: Final = "order_paid"
EVERY_ROW: Final = "lead_created"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decides.

    Attributes:
        timezone: the zone of the export's times.
        is_certain: whether the person named it.
        targets: status to the goal that it reaches; others are left as comments.
        every_row: the goal of every row, where there is no status.
    """

    timezone: str
    is_certain: bool
    targets: Mapping[str, str]
    every_row: str = EVERY_ROW


def default_choices(findings: Findings, timezone: str | None = None) -> Choices:
    """What stands in the profile when nobody is asked: the statuses that certainly mean that the client paid."""
    targets = {status.text: PAID for status in findings.statuses if status.is_paid}
    return Choices(timezone or DEFAULT_ZONE, timezone is not None, targets)


def default_target(status: Status) -> str:
    """A name for the goal that a status reaches."""
    if status.is_paid:
        return PAID
    folded = status.text.casefold().replace("ё", "е")
    return next((target for words, target in _TARGETS if re.search(words, folded)), "status_reached")


def lack(findings: Findings) -> str | None:
    """Say what the export lacks so that nothing of it can be sent, and what to do; None when it lacks nothing."""
    if not findings.rows:
        return "The export has no rows. Export it again with some."
    if not _identifiers(findings):
        where = f" {findings.crm.hint}" if findings.crm else " Have the site pass it to the CRM with the lead."
        return f"No column holds a ClientID of Metrica or a yclid, so that nobody could be recognised.{where}"
    if not _times(findings):
        return "No column holds a time, and every conversion needs one. Add the time of the payment to the export."
    return None


def starter_profile(findings: Findings, path: str, choices: Choices, name: str, login: Login = NO_LOGIN) -> str:
    """Write the profile.

    Args:
        findings: what the export holds; `lack` says that it lacks nothing.
        path: the export as `source.path` names it.
        choices: what a person decided.
        name: the profile's file, for the comment that says what to do next.
        login: what the server of an address wants to know, as the profile names it.
    """
    goals = _Goals(findings, choices)
    several = [kind for kind, _ in _identifiers(findings)]
    view = {
        "title": findings.crm.title if findings.crm else None,
        "name": printable(name),
        "source": _source_lines(findings, path, login),
        "choices": choices,
        "identifiers": _identifier_lines(findings),
        "notes": list(_notes(findings)),
        "goals": list(goals.active()),
        "others": list(goals.others()),
        "left": max(0, len(findings.statuses) - len(choices.targets) - MOST_STATUSES),
        "ids": several if len(several) > 1 else [],
        "names_no_currency": bool(findings.of(Role.AMOUNT)) and not findings.of(Role.CURRENCY),
    }
    return filled("profile.toml", view, (written, commented, aside))


def commented(text: str) -> str:
    """A text as lines of comments."""
    return "\n".join(textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False))


def aside(line: str, comment: str) -> str:
    """A line with a comment behind it, where the eye finds it."""
    return f"{line.ljust(_MARGIN - 2)}  # {comment}" if comment else line


def _source_lines(findings: Findings, path: str, login: Login) -> list[str]:
    """Say where the export is, and what of it must not be looked for every day anew."""
    keys = {"path": written(path)}
    keys |= {key: written(value) for key, value in login.keys().items()}
    records = {facts.records or "" for facts in findings.sources}
    if len(records) == 1 and "" not in records:
        keys["records"] = written(records.pop())
    optional = _optional(findings)
    if optional:
        keys["optional"] = written(optional)
    comments = {
        "path": "standard input; write the export's path to do without" if path == STDIN else "",
        "optional": "on some days no record may have them",
    }
    width = max(map(len, keys))
    return [aside(f"{key:{width}} = {value}", comments.get(key, "")) for key, value in keys.items()]


def _optional(findings: Findings) -> list[str]:
    """Give the columns that goals may name, of records that leave out what they do not know."""
    if not any(facts.format in _WITH_PROPERTIES for facts in findings.sources):
        return []
    roles = (Role.AMOUNT, Role.CURRENCY)
    named = {column.name for _, column in _identifiers(findings)} | {column.name for column in _times(findings)}
    named |= {column.name for role in roles for column in findings.of(role)[:1]} | {findings.status or ""}
    return [column.name for column in findings.columns if column.name in named and column.filled < findings.rows]


def _identifiers(findings: Findings) -> list[tuple[Role, Column]]:
    """Give Metrica's identifiers and the fullest column of each."""
    return [(role, findings.of(role)[0]) for role in (Role.CLIENT_ID, Role.YCLID) if findings.of(role)]


def _identifier_lines(findings: Findings) -> list[str]:
    found = _identifiers(findings)
    width = max(len(role) for role, _ in found)
    lines = [f"{role:{width}} = {written(column.name)}" for role, column in found]
    for role, first in found:
        more = [column.name for column in findings.of(role) if column is not first]
        if more:
            lines.append(f"# {role} = {written([first.name, *more])}  # takes the first that is filled")
    users = findings.of(Role.USER_ID)
    if users:
        line = f"# UserId = {written(users[0].name)}"
        lines.append(aside(line, "only if the site sends this very id to Metrica as UserID"))
    return lines


def _notes(findings: Findings) -> Iterator[str]:
    """Say what a person should know of the export."""
    for column in findings.columns:
        if column.alarm and column.role is not None:
            yield f"{written(column.name)}: {column.alarm}"
    personal = [written(column.name) for role in (Role.PHONE, Role.EMAIL) for column in findings.of(role)]
    if personal:
        yield f"Conversions need no phones and no e-mails: {', '.join(personal)} {_stay(len(personal))} where they are."
    if findings.missing:
        yield f"Only some of the files have these columns, so that they are not used: {some(findings.missing)}."
    pipelines = findings.of(Role.PIPELINE)
    if pipelines:
        values = some(pipelines[0].values)
        name = key_written(pipelines[0].name)
        yield f"To send the deals of one pipeline only, add {name} = … to the goals' when; there are {values}."


def _stay(count: int) -> str:
    return "stays" if count == 1 else "stay"


def _times(findings: Findings) -> list[Column]:
    """Give the columns of times, the likeliest to be meant first."""
    return [column for role in (Role.PAID, Role.CREATED, Role.TIME) for column in findings.of(role)]


class _Time(NamedTuple):
    """The time of a goal.

    Attributes:
        column: where it stands.
        may_lack: whether some of the goal's rows lack it.
        doubt: why a person has to look at it first, as sentences; empty if it is certain.
    """

    column: Column
    may_lack: bool
    doubt: str


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of the profile.

    Attributes:
        comment: what to know of it; may be empty.
        aside: what stands behind its first line; may be empty.
        lines: its keys, aligned, then what may stand there instead as comments.
    """

    comment: str
    aside: str
    lines: Sequence[str]


class _Goals:
    """The goals of the profile."""

    def __init__(self, findings: Findings, choices: Choices) -> None:
        self._findings = findings
        self._choices = choices
        self._ids = _identifiers(findings)

    def active(self) -> Iterator[Goal]:
        """Give the goals that send, or the one that would if a person chose."""
        chosen: dict[str, list[Status]] = {}
        for status in self._findings.statuses:
            if status.text in self._choices.targets:
                chosen.setdefault(self._choices.targets[status.text], []).append(status)
        if chosen:
            for target, statuses in chosen.items():
                yield from self._for_each_id(target, statuses, self._time(statuses))
        elif self._findings.status is not None:
            yield self._waiting(
                f"No status certainly means a conversion, so that this goal takes nothing yet: write yours for"
                f" {written(PLACEHOLDER)}, or take a goal from below."
            )
        else:
            yield from self._for_each_id(self._choices.every_row, (), self._time(()))

    def others(self) -> Iterator[Goal]:
        """Give the goals of the other statuses, for the comments."""
        others = [status for status in self._findings.statuses if status.text not in self._choices.targets]
        for status in others[:MOST_STATUSES]:
            when = self._status_is([status]) | self._id_is(0)
            rows = f"{status.rows:,} row{'' if status.rows == 1 else 's'}"
            yield self._goal(default_target(status), when, self._time([status]), aside_=rows)

    def _for_each_id(self, target: str, statuses: Sequence[Status], time: _Time) -> Iterator[Goal]:
        """Give the goal once for each identifier: a row without any could only be rejected."""
        if time.doubt:
            yield self._waiting(time.doubt, target, self._status_is(statuses) | self._id_is(0))
            return
        for number in range(len(self._ids)):
            comment = ""
            if number:
                first, other = self._ids[0][0], self._ids[1][0]
                comment = f"The same for the rows that have no {first}, but a {other}."
            elif not statuses:
                comment = "The export has no status, so that every row with an identifier is a conversion."
            yield self._goal(target, self._status_is(statuses) | self._id_is(number), time, comment)

    def _waiting(self, why: str, target: str = PAID, meant: Mapping[str, str] | None = None) -> Goal:
        """Give a goal that takes nothing until a person has chosen; `meant`: the rows that it is for, if known."""
        statuses = {status.text.casefold() for status in self._findings.statuses}
        placeholder = PLACEHOLDER
        while placeholder in statuses:
            placeholder += PLACEHOLDER
        column = self._findings.status or self._ids[0][1].name
        when = {column: written(placeholder)}
        if self._findings.status is not None:
            when |= self._id_is(0)
        goal = self._goal(target, when, self._time(())._replace(may_lack=False), why)
        if meant is None:
            return goal
        return replace(goal, lines=[*goal.lines, aside(f"# when = {_conditions(meant)}", "once the time is right")])

    def _status_is(self, statuses: Sequence[Status]) -> dict[str, str]:
        if not statuses or self._findings.status is None:
            return {}
        texts = [status.text for status in statuses]
        return {self._findings.status: written(texts[0] if len(texts) == 1 else texts)}

    def _id_is(self, number: int) -> dict[str, str]:
        """Say that this identifier is filled, and none before."""
        names = [column.name for _, column in self._ids]
        return dict.fromkeys(names[:number], "{ empty = true }") | {names[number]: "{ empty = false }"}

    def _time(self, statuses: Sequence[Status]) -> _Time:
        """Choose the time of a goal: the first that most of its rows have, that of the payment before others."""
        columns = _times(self._findings)
        rows = sum(status.rows for status in statuses) if statuses else self._findings.rows
        readable = [column for column in columns if column.is_readable]
        filled = {column.name: self._filled(column, statuses) for column in readable}
        chosen = next((column for column in readable if 2 * filled[column.name] >= rows), None)
        chosen = chosen or next((column for column in readable if filled[column.name]), None)
        if chosen is None:
            return _Time(columns[0], may_lack=False, doubt=self._order_doubt(columns[0]))
        others = [written(column.name) for column in self._findings.of(Role.TIME) if column is not chosen]
        doubt = ""
        if chosen.role is Role.TIME and others:
            doubt = (
                "It is not certain which of the times is that of the conversion, so that this goal takes nothing yet:"
                f" choose among {written(chosen.name)}, {', '.join(others)}, then put in the when below."
            )
        return _Time(chosen, filled[chosen.name] < rows, doubt)

    @staticmethod
    def _filled(column: Column, statuses: Sequence[Status]) -> int:
        return sum(status.filled.get(column.name, 0) for status in statuses) if statuses else column.filled

    @staticmethod
    def _order_doubt(column: Column) -> str:
        return (
            f"Nothing in {written(column.name)} tells whether the day or the month comes first, so that this goal takes"
            " nothing yet: choose the time's format, then put in the when below."
        )

    def _goal(self, target: str, when: Mapping[str, str], time: _Time, comment: str = "", aside_: str = "") -> Goal:
        if time.may_lack:
            when = {**when, time.column.name: "{ empty = false }"}
        keys = {"target": written(target), "when": _conditions(when), "time": _time_value(time.column)}
        keys |= self._money()
        width = max(map(len, keys))
        lines = [f"{key:{width}} = {value}" for key, value in keys.items()]
        return Goal(comment, aside_, [*lines, *self._alternatives(time.column)])

    def _money(self) -> dict[str, str]:
        amounts = self._findings.of(Role.AMOUNT)
        if not amounts or amounts[0].is_ambiguous:
            return {}
        amount = amounts[0]
        price = written(amount.name)
        if amount.decimal:
            price = f"{{ column = {price}, decimal = {written(amount.decimal)} }}"
        return {"price": price} | self._currency()

    def _currency(self) -> dict[str, str]:
        """Name the column of the currency, unless it only holds what is the default."""
        for column in self._findings.of(Role.CURRENCY):
            codes = {text: currency_of(text) for text in column.values}
            if set(column.values) != {"RUB"}:
                meant = {text: code for text, code in codes.items() if code and text.upper() != code}
                values = f", values = {written(meant)}" if meant else ""
                return {"currency": f"{{ column = {written(column.name)}{values} }}"}
        return {}

    def _alternatives(self, time: Column) -> Iterator[str]:
        """Give the keys that a person has to choose between, as comments."""
        if not time.is_readable:
            for form in time.formats:
                first = "the day comes first" if form.startswith("%d") else "the month comes first"
                line = f"# time = {{ column = {written(time.name)}, format = {written(form)} }}"
                yield aside(line, f"if {first}")
        for amount in self._findings.of(Role.AMOUNT)[:1]:
            if amount.is_ambiguous:
                line = f'# price = {{ column = {written(amount.name)}, decimal = "," }}'
                yield aside(line, 'or ".": amounts such as 1,234 can be read in two ways')


def _conditions(when: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{key_written(name)} = {condition}' for name, condition in when.items())} }}"


def _time_value(column: Column) -> str:
    name = written(column.name)
    return f"{{ column = {name}, format = {written(column.format)} }}" if column.format else name
