"""What the profile names and no row has: a value, a condition, a goal, a second export."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from csvexport.blocks import Block
from csvexport.masking import masked
from csvexport.profile import Condition, CurrencyColumn, DealSettings, FlagColumn, OrderSettings, Profile
from csvexport.profile.readers import CellText
from csvexport.profile.wording import LONGEST_SHOWN, key_written, near_texts
from csvexport.summary import Unmatched
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.plan import Kind
from csvexport.values.cells import trim, without_shell

# Of a column with more distinct texts, or with longer ones, none is kept.
MOST_TEXTS: Final = 1000
LONGEST_TEXT: Final = 1000

NO_ROW_HAS: Final = "no row has {}"

# A column of so few distinct texts, or in which each stands in so many rows, holds statuses and the like, no persons.
FEW: Final = 20
FEW_FOR_MANY_ROWS: Final = 100
MOST_SHOWN: Final = 3
ROWS_OF_EACH: Final = 2


class Texts:
    """How many rows have which text, by column, of columns with few distinct texts."""

    def __init__(self, columns: Iterable[str]) -> None:
        """Watch these columns."""
        # Threads that look at blocks only read it.
        self._counts: dict[str, Counter[str] | None] = {column: Counter() for column in columns}

    def look(self, block: Block) -> dict[str, Mapping[str, int] | None]:
        """Give the texts in a block, of columns that are still watched; threads may share this."""
        return {column: block.counts(column, MOST_TEXTS) for column, kept in self._counts.items() if kept is not None}

    def add(self, texts: Mapping[str, Mapping[str, int] | None]) -> None:
        """Count what was found in a block."""
        for column, found in texts.items():
            kept = self._counts[column]
            if kept is None:
                continue
            if found is not None and all(len(text) <= LONGEST_TEXT for text in found):
                kept.update(found)
            if found is None or len(kept) > MOST_TEXTS or any(len(text) > LONGEST_TEXT for text in found):
                self._counts[column] = None

    def of(self, column: str) -> Mapping[str, int] | None:
        """Give the texts of a column as they are compared, the most frequent first; None where they are too many."""
        counts = self._counts.get(column)
        if counts is None:
            return None
        spelled: dict[str, str] = {}
        rows: Counter[str] = Counter()
        for text, count in counts.most_common():
            rows[spelled.setdefault(trim(text).casefold(), trim(text))] += count
        return dict(rows.most_common())


def watched(profile: Profile, kinds: Iterable[str]) -> set[str]:
    """Give the columns whose texts are compared with values of the profile."""
    whens = {
        condition.column
        for kind in kinds
        for _, _, when in _rules(profile, kind)
        for condition in when
        if condition.values is not None or condition.excluded is not None
    }
    return whens | {column for kind in kinds for _, column, _ in _tables(profile, kind)}


def find_unmatched(profile: Profile, kinds: Sequence[Kind], texts: Texts) -> tuple[Unmatched, ...]:
    """Find what no row has, in the order of the profile; what several places name alike stands there once."""
    found: dict[tuple[str, str | None, str], list[str]] = {}
    for kind in kinds:
        for place, column, value, problem in _missing(profile, kind, texts):
            found.setdefault((column, value, problem), []).append(masked(place))
    return tuple(_unmatched(tuple(places), *what, texts) for what, places in found.items())


def _missing(profile: Profile, kind: Kind, texts: Texts) -> Iterator[tuple[str, str, str | None, str]]:
    """Give place, column, value (None where there is none), and what is the matter, with {} for the value."""
    for place, matcher, number, when in _matched(profile, kind):
        for condition in when:
            yield from _missing_of_condition(place, condition, matcher.unmet[condition])
        if when and number in matcher.untaken:
            yield place, "", None, "no row is taken"
    for place, column, values in _tables(profile, kind.name):
        there = texts.of(column)
        if there is not None:
            # Yes and no are also read in what spreadsheets put around text.
            folded = {spelling.casefold() for text in there for spelling in (text, without_shell(text))}
            yield from ((place, column, _written(value), NO_ROW_HAS) for value in values if value not in folded)


def _missing_of_condition(
    place: str, condition: Condition, unmet: Collection[str]
) -> Iterator[tuple[str, str, str | None, str]]:
    here = f"{place}.when.{key_written(condition.column)}"
    if condition.values is not None or condition.excluded is not None:
        key = "" if condition.excluded is None else ".not"
        values = [value for value in condition.values or condition.excluded or () if value in unmet]
        yield from ((f"{here}{key}", condition.column, _written(value), NO_ROW_HAS) for value in values)
    elif unmet and condition.matches is not None:
        yield f"{here}.matches", condition.column, condition.matches.written, "no row's cell matches {}"
    elif unmet and condition.empty is not None:
        yield f"{here}.empty", condition.column, None, f"no row has it {'empty' if condition.empty else 'filled'}"
    elif unmet:
        bounds = {"min": condition.minimum, "max": condition.maximum}
        written = " and ".join(f"{key} = {bound}" for key, bound in bounds.items() if bound is not None)
        yield here, condition.column, None, f"no row has a number by {written}"


def _matched(profile: Profile, kind: Kind) -> Iterator[tuple[str, GoalMatcher, int, Sequence[Condition]]]:
    """Give the rules of a kind: place, the matcher that knows it, its number there, and its conditions."""
    numbers = dict.fromkeys(range(len(kind.rules)), 0)
    for place, which, when in _rules(profile, kind.name):
        yield place, kind.rules[which], numbers[which], when
        numbers[which] += 1


def _rules(profile: Profile, kind: str) -> Iterator[tuple[str, int, Sequence[Condition]]]:
    """Give place and conditions of each rule, and which of `Kind.rules` knows it."""
    if kind == "conversions":
        yield from ((f"goals[{number}]", 0, goal.when) for number, goal in enumerate(profile.goals, 1))
        return
    table = getattr(profile, kind)
    yield kind, 0, table.when
    for number, goal in enumerate(getattr(table, "goals", ()), 1):
        yield f"{kind}.goals[{number}]", 1, goal.when


def _tables(profile: Profile, kind: str) -> Iterator[tuple[str, str, Collection[str]]]:
    """Give place, column and texts of what says what the texts of a column mean."""
    goals = {f"goals[{number}]": goal for number, goal in enumerate(profile.goals, 1)}
    tables = goals if kind == "conversions" else {kind: getattr(profile, kind)}
    for place, table in tables.items():
        for key in ("static", "missed", "first_time_caller", "currency"):
            spec = getattr(table, key, None)
            if isinstance(spec, FlagColumn):
                yield f"{place}.{key}.yes", spec.column, spec.yes or ()
                yield f"{place}.{key}.no", spec.column, spec.no or ()
            elif isinstance(spec, CurrencyColumn):
                yield f"{place}.{key}.values", spec.column, spec.values
        if isinstance(table, OrderSettings | DealSettings) and table.status:
            yield f"{place}.statuses", table.status, table.statuses


def _written(value: str) -> str:
    return value.written if isinstance(value, CellText) else value


def _unmatched(places: tuple[str, ...], column: str, value: str | None, problem: str, texts: Texts) -> Unmatched:
    """Say what is the matter, and what rows have instead, without what personal data may be seen by."""
    is_compared = problem == NO_ROW_HAS
    problem = problem if value is None else problem.replace("{}", _quoted(value))
    near, note = _instead(value, texts.of(column)) if value is not None and is_compared else ((), "")
    return Unmatched(places, masked(column), value if value is None else masked(value), problem, near, note)


def _instead(value: str, there: Mapping[str, int] | None) -> tuple[tuple[tuple[str, int], ...], str]:
    """Give the texts of a column that are like a value, with their rows; else say which stand there."""
    if there is None:
        return (), f"the column holds more than {MOST_TEXTS:,} texts, or long ones"
    filled = {text: rows for text, rows in there.items() if text}
    rows = sum(filled.values())
    if len(filled) > max(FEW, min(FEW_FOR_MANY_ROWS, rows // ROWS_OF_EACH)):
        return (), ""
    near = near_texts(value, filled)
    if near:
        return tuple((masked(text), filled[text]) for text in near), ""
    # One that stands in one row only may be anything.
    often = [f"{_quoted(text)} ({rows:,})" for text, rows in filled.items() if rows >= ROWS_OF_EACH][:MOST_SHOWN]
    more = len(filled) - len(often)
    rest = f" and {more:,} other text{'' if more == 1 else 's'}" if more else ""
    return (), f"rows have {', '.join(often)}{rest}" if often else ""


def _quoted(text: str) -> str:
    return f'"{masked(text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…")}"'
