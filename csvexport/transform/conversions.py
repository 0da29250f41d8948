"""Rows to conversions: every goal that takes a row makes one, so that what is counted are (row, goal) pairs."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.formats import conversions
from csvexport.formats.lines import Labels
from csvexport.issues import BETWEEN, Code
from csvexport.profile import CurrencyColumn, Profile
from csvexport.transform.accounts import Accounts
from csvexport.transform.amounts import Amounts, mark_other_currencies, read_amounts, read_currencies
from csvexport.transform.duplicates import Keys, event_keys, seed, worth
from csvexport.transform.events import Moments, read_event_times
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.identities import RULES, Choice, Slots, choose
from csvexport.transform.others import joined, other_keys
from csvexport.transform.plan import Kind, Period, Specs, time_rule
from csvexport.transform.results import Judged, Lines, facts_of
from csvexport.values.currencies import CURRENCIES
from csvexport.values.identifiers import identifier_words
from csvexport.values.times import Zone

_Number = TypeVar("_Number", np.int64, np.uint8, np.bool_)


class Conversions(Kind):
    """The profile's goals made ready."""

    def __init__(self, profile: Profile, period: Period) -> None:
        """Make a profile ready that has goals, and whose columns the sources have."""
        goals = profile.goals
        self.name = conversions.KIND
        self.period = period
        self.zone = Zone.named(profile.timezone)
        self.matcher = GoalMatcher([goal.when for goal in goals])
        self.slots = Slots.of(profile.identifiers)
        self.files = {identifier: conversions.file(identifier) for identifier in self.slots.by_type}
        self.labels = tuple(dict.fromkeys(goal.target for goal in goals))
        self.target_of_goal = np.array([self.labels.index(goal.target) for goal in goals], np.int16)
        self.times = Specs.of([(goal.time.column, time_rule(goal.time, profile.timezone)) for goal in goals])
        self.prices = Specs.of([goal.price for goal in goals])
        self.currencies = Specs.of([goal.currency or profile.currency for goal in goals])
        self.default_currency = CURRENCIES.index(profile.currency)
        self.seeds = {kind: self._seeds(profile.counter, kind) for kind in self.slots.by_type}
        readers = [spec.column for spec in self.currencies.distinct if isinstance(spec, CurrencyColumn)]
        self.categories = self.matcher.columns.union(readers)

    def _seeds(self, counter: int | None, identifier: str) -> Keys:
        """Give the seeds of the events of one id type, by target."""
        seeds = [seed(str(counter or ""), self.name, identifier, target) for target in self.labels]
        return Keys(*np.array(seeds, np.uint64).T.copy())

    @property
    def rules(self) -> Sequence[GoalMatcher]:
        """Give what decides which rows are taken."""
        return (self.matcher,)

    def judge(self, block: Block, enough: Collection[Code] = ()) -> Judged:
        """Turn a block into conversions; of the issues in `enough` no examples are looked for."""
        return _Conversion(self, block, enough).judged()


class _Values(NamedTuple):
    """What conversions are written from, but for their identifiers.

    Attributes:
        records: which they are, as indices into the accounts'.
        times: Unix seconds.
        amounts: as they are written.
        facts: what totals are made of.
    """

    records: NDArray[np.intp]
    times: NDArray[np.int64]
    amounts: pa.StringArray
    facts: NDArray[np.void]


class _Conversion:
    """One block on its way. Columns run over the rows that a goal takes, or over the pairs of such a row and a goal."""

    def __init__(self, plan: Conversions, block: Block, enough: Collection[Code]) -> None:
        matches = plan.matcher.matches(block) & block.meant_for(plan.name)
        taken = np.logical_or.reduce(matches, axis=0)
        # A row's pairs stand together; this is `np.nonzero` in half the time.
        row, self._goal = np.divmod(np.flatnonzero(matches[:, taken].T), len(matches))
        self._plan = plan
        self._accounts = Accounts(block, plan.name, taken, enough, row)

    def judged(self) -> Judged:
        """Read every value, mark what is wrong, and share the pairs out among accepted, skipped and rejected."""
        plan, accounts = self._plan, self._accounts
        choice = choose(plan.slots, accounts)
        times, unfinished = self._read_times()
        amounts = self._read_amounts()
        currencies = self._read_currencies(amounts.micro)
        pairs = [(spec, plan.prices.pairs(number, self._goal)) for number, spec in enumerate(plan.prices.distinct)]
        mark_other_currencies(pairs, accounts, amounts.named, currencies)
        columns = BETWEEN.join(dict.fromkeys(column for column, _ in plan.times.distinct))
        kept = np.arange(len(times))
        kept, unfinished = accounts.skip(Code.OUTSIDE_PERIOD, columns, plan.period.outside(times), kept, unfinished)
        (kept,) = accounts.skip(Code.UNFINISHED_DAY, columns, unfinished, kept)
        lines = self._lines(choice, kept, times, amounts, currencies)
        return accounts.judged(lines, choice.damage)

    def _by_pair(self, columns: Sequence[NDArray[_Number]], specs: Specs[Any]) -> NDArray[_Number]:
        """Give each pair its value, from the columns by row that the distinct specs gave."""
        if len(columns) == 1:
            return self._accounts.spread(columns[0])
        return np.stack(columns)[specs.of_goal[self._goal], self._accounts.row]

    def _read_times(self) -> Moments:
        """Read the times by pair."""
        specs, now = self._plan.times, self._plan.period.now
        columns = [
            read_event_times(self._accounts, column, rule, now, specs.pairs(number, self._goal))
            for number, (column, rule) in enumerate(specs.distinct)
        ]
        return Moments(
            self._by_pair([moments.unix for moments in columns], specs),
            self._by_pair([moments.unfinished for moments in columns], specs),
        )

    def _read_amounts(self) -> Amounts:
        """Read the prices by pair."""
        specs = self._plan.prices
        columns = [
            read_amounts(spec, self._accounts, specs.pairs(number, self._goal))
            for number, spec in enumerate(specs.distinct)
        ]
        firsts = np.cumsum([0, *(len(money.texts) for money in columns[:-1])])
        return Amounts(
            pa.concat_arrays([money.texts for money in columns]),
            self._by_pair([money.places + first for money, first in zip(columns, firsts, strict=True)], specs),
            self._by_pair([money.micro for money in columns], specs),
            self._by_pair([money.named for money in columns], specs),
        )

    def _read_currencies(self, micro: NDArray[np.int64]) -> NDArray[np.int64]:
        """Read the currencies by pair, as indices into `CURRENCIES`."""
        plan = self._plan
        columns = [
            read_currencies(
                spec, self._accounts, plan.default_currency, micro >= 0, plan.currencies.pairs(number, self._goal)
            )
            for number, spec in enumerate(plan.currencies.distinct)
        ]
        return self._by_pair(columns, plan.currencies)

    def _lines(
        self,
        choice: Choice,
        kept: NDArray[np.intp],
        times: NDArray[np.int64],
        amounts: Amounts,
        currencies: NDArray[np.int64],
    ) -> dict[str, Lines]:
        """Write the accepted ones of the pairs that were kept, by id type."""
        accepted = self._accounts.accepted()
        rows, places = self._accounts.row[accepted], kept[accepted]
        slots = choice.slot[rows]
        result: dict[str, Lines] = {}
        for identifier, of_type in self._plan.slots.by_type.items():
            which = np.flatnonzero(np.logical_or.reduce([slots == slot for slot in of_type]))
            if len(which):
                own = places[which]
                facts = facts_of(
                    len(own),
                    label=self._plan.target_of_goal[self._goal[own]],
                    currency=currencies[own],
                    day=self._plan.zone.local_days(times[own]),
                    micro=amounts.micro[own],
                )
                values = _Values(accepted[which], times[own], amounts.written(own), facts)
                result[identifier] = self._written(identifier, choice, rows[which], values)
        return result

    def _written(self, identifier: str, choice: Choice, rows: NDArray[np.intp], values: _Values) -> Lines:
        """Write records of one id type, given with their rows."""
        plan = self._plan
        texts = choice.texts(plan.slots.by_type[identifier], rows)
        records, times, amounts, facts = values
        target, currency = np.ascontiguousarray(facts["label"]), np.ascontiguousarray(facts["currency"])

        def keys_of(identifier: str, texts: pa.StringArray, lines: NDArray[np.intp] | slice = slice(None)) -> Keys:
            low, high = identifier_words(texts, RULES[identifier])
            first, second = plan.seeds[identifier]
            return event_keys(low, high, times[lines], Keys(first[target[lines]], second[target[lines]]))

        return Lines(
            text=conversions.lines(texts, Labels(plan.labels, target), times, amounts, Labels(CURRENCIES, currency)),
            keys=keys_of(identifier, texts),
            values=worth(np.ascontiguousarray(facts["micro"]), currency),
            facts=facts,
            records=records,
            others=joined(other_keys(plan.slots, choice, rows, keys_of)),
        )
