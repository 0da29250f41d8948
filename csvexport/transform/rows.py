"""Rows to conversions: text goes in; lines, keys, facts and issues come out, and every row is accounted for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import mask_column, number_column, repeated
from csvexport.formats import conversions
from csvexport.issues import Code
from csvexport.profile import CurrencyColumn, Goal, PriceColumn, Profile
from csvexport.transform.duplicates import Keys, event_keys, seed
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.identities import Choice, choose
from csvexport.transform.rejects import BETWEEN, IS_ERROR, Mark, Rejected, rejected_rows
from csvexport.values.currencies import CURRENCIES, read_currency
from csvexport.values.identifiers import Damage, identifier_words
from csvexport.values.money import MICRO, money_text, read_money_column
from csvexport.values.times import TimeRule, Zone, read_times

# How many rows of a block are kept as examples of one issue.
EXAMPLES = 5

_Spec = TypeVar("_Spec")


class Example(NamedTuple):
    """A row that has an issue; `row` is its place in the block."""

    code: Code
    row: int
    column: str
    value: str


class Facts(NamedTuple):
    """What totals are made of, an entry for each line.

    Attributes:
        target: index into `Plan.targets`, int16.
        currency: index into `CURRENCIES`, int16.
        day: days since 1970-01-01 in the profile's calendar, int32.
        micro: price in millionths, -1 where there is none, int64.
    """

    target: NDArray[np.int16]
    currency: NDArray[np.int16]
    day: NDArray[np.int32]
    micro: NDArray[np.int64]

    def at(self, places: NDArray[np.intp]) -> "Facts":
        """Give the facts of some lines."""
        return Facts(self.target[places], self.currency[places], self.day[places], self.micro[places])


class Lines(NamedTuple):
    """What goes into the file of one id type: its lines, and for each its key and its facts."""

    text: pa.StringArray
    keys: Keys
    facts: Facts


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a block.

    Attributes:
        block: the block.
        matched: (row, goal) pairs; a row that cannot be read counts as one.
        skipped: pairs outside the period.
        rejected: pairs that cannot be sent; a row that cannot be read counts as one.
        issues: occurrences by `Code`, int64.
        lines: the accepted pairs by id type, in the order of the rows.
        rows: the rejected rows; those that cannot be read stand in `block.bad`.
        examples: a few rows of each issue.
        damage: by identifier column, how many long ids look rounded.
    """

    block: Block
    matched: int
    skipped: int
    rejected: int
    issues: NDArray[np.int64]
    lines: Mapping[str, Lines]
    rows: Rejected
    examples: Sequence[Example]
    damage: Mapping[str, Damage]


class Specs(NamedTuple, Generic[_Spec]):
    """The distinct ways in which goals read a value (they mostly share one), and which goal reads it in which."""

    distinct: list[_Spec]
    of_goal: NDArray[np.intp]

    def pairs(self, number: int, goal: NDArray[np.intp]) -> NDArray[np.bool_] | None:
        """Tell which pairs read the value in the way of this number; None: all."""
        return None if len(self.distinct) == 1 else self.of_goal[goal] == number


def _specs(specs: Sequence[_Spec]) -> Specs[_Spec]:
    distinct = list(dict.fromkeys(specs))
    return Specs(distinct, np.array([distinct.index(spec) for spec in specs], np.intp))


class Plan:
    """A profile made ready for a build. No block changes it, so threads may share it.

    Attributes:
        targets: the distinct targets of the goals.
        categories: columns of few distinct texts, which a source should deliver as dictionaries.
    """

    def __init__(self, profile: Profile, now: int, since: int | None, until: int | None) -> None:
        """Make a profile ready whose columns the sources have.

        Args:
            profile: the profile.
            now: the moment of the build, Unix seconds.
            since: first second of the period, None: open.
            until: last second of the period, None: open.
        """
        goals = profile.goals
        self.now = now
        self.since = since
        self.until = until
        self.zone = Zone.named(profile.timezone)
        self.matcher = GoalMatcher(goals)
        self.identifiers = tuple((item.type, column) for item in profile.identifiers for column in item.columns)
        self.targets = tuple(dict.fromkeys(goal.target for goal in goals))
        self.target_of_goal = np.array([self.targets.index(goal.target) for goal in goals], np.int16)
        self.times = _specs([_time_spec(goal, profile, now) for goal in goals])
        self.prices = _specs([goal.price for goal in goals])
        self.currencies = _specs([goal.currency or profile.currency for goal in goals])
        self.default_currency = CURRENCIES.index(profile.currency)
        self.seeds = {kind: self._seeds(profile.counter, kind) for kind, _ in self.identifiers}
        readers = [spec.column for spec in self.currencies.distinct if isinstance(spec, CurrencyColumn)]
        self.categories = self.matcher.columns.union(readers)

    def _seeds(self, counter: int | None, identifier: str) -> NDArray[np.uint64]:
        """Give the seeds of the events of one id type: uint64, shape (targets, 2)."""
        seeds = [seed(str(counter or ""), conversions.KIND, identifier, target) for target in self.targets]
        return np.array(seeds, np.uint64)


def _time_spec(goal: Goal, profile: Profile, now: int) -> tuple[str, TimeRule]:
    return goal.time.column, TimeRule(goal.time.timezone or profile.timezone, goal.time.format, now)


def convert(plan: Plan, block: Block) -> Converted:
    """Turn a block into conversions."""
    return _Conversion(plan, block).converted()


class _Conversion:
    """One block on its way. Columns run over the rows that a goal takes, or over the pairs of such a row and a goal."""

    def __init__(self, plan: Plan, block: Block) -> None:
        matches = plan.matcher.matches(block)
        taken = np.logical_or.reduce(matches, axis=0)
        self._plan = plan
        self._block = block
        self._mask = mask_column(taken)
        self._untaken = np.flatnonzero(~taken)
        self._rows = np.flatnonzero(taken)
        self._row, self._goal = np.nonzero(matches[:, self._rows].T)
        self._texts: dict[str, pa.StringArray] = {}
        self._marks: list[Mark] = []

    def converted(self) -> Converted:
        """Read every value, mark what is wrong, and share the pairs out among accepted, skipped and rejected."""
        choice = choose({name: self._text(name) for _, name in self._plan.identifiers}, self._plan.identifiers)
        self._marks += choice.marks
        times = self._read_times()
        prices, micro = self._read_prices()
        currencies = self._read_currencies(micro)
        skipped = self._outside(times)
        codes = [mark.by_pair(self._row) for mark in self._marks]
        rejected = np.zeros(len(self._row), bool)
        for marked in codes:
            rejected |= IS_ERROR[marked]
        rejected &= ~skipped
        accepted = np.flatnonzero(~(skipped | rejected))
        facts = self._facts(times, currencies, micro)
        bad = len(self._block.bad)
        return Converted(
            block=self._block,
            matched=len(self._row) + bad,
            skipped=int(skipped.sum()),
            rejected=int(rejected.sum()) + bad,
            issues=self._counts(codes, skipped),
            lines=dict(self._lines(choice, accepted, times, prices, facts)),
            rows=rejected_rows(self._block, self._rows, self._marks, self._row, rejected),
            examples=self._examples(codes, skipped),
            damage=choice.damage,
        )

    def _text(self, name: str) -> pa.StringArray:
        if name not in self._texts:
            self._texts[name] = self._block.text(name, self._mask)
        return self._texts[name]

    def _by_pair(self, columns: Sequence[NDArray[np.int64]], specs: Specs[Any]) -> NDArray[np.int64]:
        """Give each pair its value, from the columns by row that the distinct specs gave."""
        if len(columns) == 1:
            return columns[0][self._row]
        return np.stack(columns)[specs.of_goal[self._goal], self._row]

    def _read_times(self) -> NDArray[np.int64]:
        """Read the times by pair, Unix seconds; 0 where refused."""
        plan = self._plan
        columns = []
        for number, (column, rule) in enumerate(plan.times.distinct):
            unix, codes = read_times(self._text(column), rule)
            good = ~IS_ERROR[codes]
            codes[good & (unix > plan.now)] = Code.FUTURE_TIME
            old = good & (unix < plan.now - conversions.WINDOW_SECONDS)
            pairs = plan.times.pairs(number, self._goal)
            self._marks.append(Mark(column, codes, pairs))
            self._marks.append(Mark(column, old * np.uint8(Code.OUTSIDE_WINDOW), pairs))
            columns.append(unix)
        return self._by_pair(columns, plan.times)

    def _outside(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which pairs have a time outside the period; a time that cannot be read lies in no period."""
        plan = self._plan
        outside = np.zeros(len(times), bool)
        if plan.since is not None:
            outside |= times < plan.since
        if plan.until is not None:
            outside |= times > plan.until
        outside &= times != 0
        return outside

    def _read_prices(self) -> tuple[pa.StringArray, NDArray[np.int64]]:
        """Read the prices by pair: texts as they are written, and millionths; "" and -1 where there is none."""
        specs = self._plan.prices
        count = len(self._rows)
        texts, micros = [], []
        for number, spec in enumerate(specs.distinct):
            if isinstance(spec, PriceColumn):
                money = read_money_column(self._text(spec.column), spec.decimal)
                self._marks.append(Mark(spec.column, money.codes, specs.pairs(number, self._goal)))
                texts.append(money.text)
                micros.append(money.micro)
            else:
                texts.append(repeated("" if spec is None else money_text(spec), count))
                micros.append(np.full(count, -1 if spec is None else int(spec * MICRO), np.int64))
        places = self._row if len(texts) == 1 else specs.of_goal[self._goal] * count + self._row
        return pa.concat_arrays(texts).take(number_column(places)), self._by_pair(micros, specs)

    def _read_currencies(self, micro: NDArray[np.int64]) -> NDArray[np.int64]:
        """Read the currencies by pair, as indices into `CURRENCIES`."""
        specs = self._plan.currencies
        columns = []
        for number, spec in enumerate(specs.distinct):
            if isinstance(spec, CurrencyColumn):
                pairs = specs.pairs(number, self._goal)
                columns.append(self._currency_column(spec, pairs, priced=micro >= 0))
            else:
                columns.append(np.full(len(self._rows), CURRENCIES.index(spec), np.int64))
        return self._by_pair(columns, specs)

    def _currency_column(
        self, spec: CurrencyColumn, pairs: NDArray[np.bool_] | None, *, priced: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        indices, texts = self._block.categories(spec.column)
        read = [read_currency(text, spec.values) for text in texts] or [(None, Code.NONE)]
        numbers = np.array([self._plan.default_currency if n is None else n for n, _ in read], np.int64)
        codes = np.array([code for _, code in read], np.uint8)
        empty = np.array([n is None and code is Code.NONE for n, code in read])
        of_row = indices[self._rows]
        self._marks.append(Mark(spec.column, codes[of_row], pairs))
        unpriced = empty[of_row] * np.uint8(Code.PRICE_WITHOUT_CURRENCY)
        self._marks.append(Mark(spec.column, unpriced, priced if pairs is None else priced & pairs))
        return numbers[of_row]

    def _facts(self, times: NDArray[np.int64], currencies: NDArray[np.int64], micro: NDArray[np.int64]) -> Facts:
        return Facts(
            self._plan.target_of_goal[self._goal],
            currencies.astype(np.int16),
            self._plan.zone.local_days(times),
            micro,
        )

    def _counts(self, codes: Sequence[NDArray[np.uint8]], skipped: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count the issues: by pair, but for rows that no goal takes or that cannot be read."""
        issues = np.zeros(len(Code), np.int64)
        for marked in codes:
            issues += np.bincount(marked[~skipped], minlength=len(Code))
        issues[Code.NONE] = 0
        issues[Code.OUTSIDE_PERIOD] = skipped.sum()
        issues[Code.NO_GOAL] = len(self._untaken)
        issues[Code.BAD_ROW] = len(self._block.bad)
        return issues

    def _lines(
        self,
        choice: Choice,
        accepted: NDArray[np.intp],
        times: NDArray[np.int64],
        prices: pa.StringArray,
        facts: Facts,
    ) -> Sequence[tuple[str, Lines]]:
        """Write the accepted pairs, by id type."""
        plan = self._plan
        slots = choice.slot[self._row[accepted]]
        result: dict[str, Lines] = {}
        for identifier in dict.fromkeys(kind for kind, _ in plan.identifiers):
            of_kind = [number for number, (kind, _) in enumerate(plan.identifiers) if kind == identifier]
            chosen = accepted if len(of_kind) == len(plan.identifiers) else accepted[np.isin(slots, of_kind)]
            if not len(chosen):
                continue
            texts = choice.texts(of_kind, self._row[chosen])
            own = facts.at(chosen)
            low, high = identifier_words(texts, choice.rules[of_kind[0]])
            seeds = plan.seeds[identifier][own.target]
            keys = event_keys(low, high, times[chosen], Keys(seeds[:, 0], seeds[:, 1]))
            text = conversions.lines(
                texts,
                conversions.Labels(plan.targets, own.target),
                times[chosen],
                prices.take(number_column(chosen)),
                conversions.Labels(CURRENCIES, own.currency),
            )
            result[identifier] = Lines(text, keys, own)
        return list(result.items())

    def _examples(self, codes: Sequence[NDArray[np.uint8]], skipped: NDArray[np.bool_]) -> list[Example]:
        examples = []
        for mark, marked in zip(self._marks, codes, strict=True):
            present = np.flatnonzero(marked * ~skipped)
            for code in np.unique(marked[present]).tolist():
                rows = self._row[present[marked[present] == code][:EXAMPLES]]
                examples += [self._example(Code(code), mark.column, row) for row in dict.fromkeys(rows.tolist())]
        outside = dict.fromkeys(self._row[np.flatnonzero(skipped)[:EXAMPLES]].tolist())
        column = BETWEEN.join(dict.fromkeys(column for column, _ in self._plan.times.distinct))
        examples += [self._example(Code.OUTSIDE_PERIOD, column, row) for row in outside]
        examples += [
            Example(Code.BAD_ROW, bad.row, "", f"{bad.reason}: {bad.text}") for bad in self._block.bad[:EXAMPLES]
        ]
        return examples

    def _example(self, code: Code, column: str, row: int) -> Example:
        names = [name for name in column.split(BETWEEN) if name in self._block.columns]
        cells = [self._text(name)[row].as_py() for name in names]
        value = BETWEEN.join(cells) if any(cells) else ""
        return Example(code, int(self._block.rows[self._rows[row]]), column, value)
