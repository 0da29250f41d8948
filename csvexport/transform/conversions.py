"""Rows to conversions: text goes in; lines, keys, facts and issues come out, and every row is accounted for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import BadRow, Block
from csvexport.columns import number_column
from csvexport.formats import conversions
from csvexport.issues import Code
from csvexport.profile import CurrencyColumn, PriceColumn
from csvexport.transform.duplicates import Keys, event_keys
from csvexport.transform.identities import RULES, Choice, choose
from csvexport.transform.plan import Plan, Specs
from csvexport.transform.rejects import BETWEEN, IS_ERROR, Mark, Rejected, rejected_rows
from csvexport.values.currencies import CURRENCIES, read_currency
from csvexport.values.identifiers import Damage, identifier_words
from csvexport.values.money import read_money_column, same_money
from csvexport.values.times import read_times

# How many rows of a block are kept as examples of one issue.
EXAMPLES = 5

_Number = TypeVar("_Number", np.int64, np.uint8)


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


class Lines(NamedTuple):
    """What goes into the file of one id type: its lines, and for each its key and its facts."""

    text: pa.StringArray
    keys: Keys
    facts: Facts


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a block, without the block, which is large.

    Attributes:
        records: how many records the block spans.
        read: how many of them are rows, those that cannot be read included.
        left_out: how many are no rows, by what they are.
        bad: those that cannot be read.
        matched: (row, goal) pairs; a row that cannot be read counts as one.
        skipped: pairs outside the period.
        rejected: pairs that cannot be sent; a row that cannot be read counts as one.
        issues: occurrences by `Code`, int64.
        lines: the accepted pairs by id type, in the order of the rows.
        rows: the rejected rows but for those that cannot be read.
        examples: a few rows of each issue.
        damage: by identifier column, how many long ids look rounded.
    """

    records: int
    read: int
    left_out: Mapping[str, int]
    bad: Sequence[BadRow]
    matched: int
    skipped: int
    rejected: int
    issues: NDArray[np.int64]
    lines: Mapping[str, Lines]
    rows: Rejected
    examples: Sequence[Example]
    damage: Mapping[str, Damage]


def convert(plan: Plan, block: Block, enough: Collection[Code] = ()) -> Converted:
    """Turn a block into conversions; of the issues in `enough` no examples are looked for."""
    return _Conversion(plan, block, enough).converted()


class _Prices(NamedTuple):
    """Prices by pair.

    Attributes:
        texts: prices as they are written, "" where there is none.
        places: where in `texts` the price of each pair stands.
        micro: in millionths, -1 where there is none.
        named: what stands beside them of their currency, as an index into `money.NAMED`.
    """

    texts: pa.StringArray
    places: NDArray[np.intp]
    micro: NDArray[np.int64]
    named: NDArray[np.uint8]


class _Conversion:
    """One block on its way. Columns run over the rows that a goal takes, or over the pairs of such a row and a goal."""

    def __init__(self, plan: Plan, block: Block, enough: Collection[Code]) -> None:
        matches = plan.matcher.matches(block)
        taken = np.logical_or.reduce(matches, axis=0)
        self._plan = plan
        self._block = block
        self._enough = enough
        self._untaken = np.flatnonzero(~taken)
        self._rows = np.flatnonzero(taken)
        self._places = number_column(self._rows)
        # A row's pairs stand together; this is `np.nonzero` in half the time.
        self._row, self._goal = np.divmod(np.flatnonzero(matches[:, self._rows].T), len(matches))
        self._texts: dict[str, pa.StringArray] = {}
        self._marks: list[Mark] = []

    def converted(self) -> Converted:
        """Read every value, mark what is wrong, and share the pairs out among accepted, skipped and rejected."""
        choice = choose({name: self._text(name) for _, name in self._plan.identifiers}, self._plan.identifiers)
        self._marks += choice.marks
        times = self._read_times()
        prices = self._read_prices()
        currencies = self._read_currencies(prices.micro)
        self._mark_other_currencies(prices.named, currencies)
        skipped = self._outside(times)
        codes = [self._codes(mark) for mark in self._marks]
        if skipped.any():
            codes = [marked * ~skipped for marked in codes]
        counts = np.stack([np.bincount(marked, minlength=len(Code)) for marked in codes])
        counts[:, Code.NONE] = 0
        rejected = np.zeros(len(self._row), bool)
        for marked, counted in zip(codes, counts, strict=True):
            if counted[IS_ERROR].any():
                rejected |= IS_ERROR[marked]
        accepted = np.flatnonzero(~(skipped | rejected))
        block, bad = self._block, len(self._block.bad)
        return Converted(
            records=block.records,
            read=len(block.rows) + bad,
            left_out=block.left_out,
            bad=block.bad,
            matched=len(self._row) + bad,
            skipped=int(skipped.sum()),
            rejected=int(rejected.sum()) + bad,
            issues=self._issues(codes, counts, skipped),
            lines=self._lines(choice, accepted, times, prices, currencies),
            rows=rejected_rows(block, self._rows, self._marks, self._row, rejected),
            examples=self._examples(codes, counts, skipped),
            damage=choice.damage,
        )

    def _text(self, name: str) -> pa.StringArray:
        if name not in self._texts:
            self._texts[name] = self._block.text(name, self._places)
        return self._texts[name]

    def _spread(self, column: NDArray[_Number]) -> NDArray[_Number]:
        """Give each pair what its row has; mostly each row has one pair, and nothing need be copied."""
        return column if len(self._row) == len(self._rows) else column[self._row]

    def _codes(self, mark: Mark) -> NDArray[np.uint8]:
        codes = self._spread(mark.codes)
        return codes if mark.pairs is None else codes * mark.pairs

    def _by_pair(self, columns: Sequence[NDArray[_Number]], specs: Specs[Any]) -> NDArray[_Number]:
        """Give each pair its value, from the columns by row that the distinct specs gave."""
        if len(columns) == 1:
            return self._spread(columns[0])
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

    def _read_prices(self) -> _Prices:
        """Read the prices by pair."""
        specs = self._plan.prices
        columns = []
        for number, spec in enumerate(specs.distinct):
            if isinstance(spec, PriceColumn):
                money = read_money_column(self._text(spec.column), spec.decimal)
                self._marks.append(Mark(spec.column, money.codes, specs.pairs(number, self._goal)))
            else:
                money = same_money(spec, len(self._rows))
            columns.append(money)
        firsts = np.cumsum([0, *(len(money.texts) for money in columns[:-1])])
        return _Prices(
            pa.concat_arrays([money.texts for money in columns]),
            self._by_pair([money.places + first for money, first in zip(columns, firsts, strict=True)], specs),
            self._by_pair([money.micro for money in columns], specs),
            self._by_pair([money.named for money in columns], specs),
        )

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

    def _mark_other_currencies(self, named: NDArray[np.uint8], currencies: NDArray[np.int64]) -> None:
        """Refuse a price beside which another currency stands than the one that it would be sent in."""
        other = ~self._plan.agreement[named, currencies]
        if not other.any():
            return
        specs = self._plan.prices
        codes = np.full(len(self._rows), Code.BAD_CURRENCY, np.uint8)
        for number, spec in enumerate(specs.distinct):
            if isinstance(spec, PriceColumn):
                pairs = specs.pairs(number, self._goal)
                self._marks.append(Mark(spec.column, codes, other if pairs is None else other & pairs))

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

    def _issues(
        self, codes: Sequence[NDArray[np.uint8]], counts: NDArray[np.int64], skipped: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Count the issues: by pair, but for rows that no goal takes or that cannot be read."""
        issues: NDArray[np.int64] = counts.sum(axis=0)
        # A pair that has an issue in several columns counts once.
        for code in np.flatnonzero(np.count_nonzero(counts, axis=0) > 1).tolist():
            issues[code] = np.count_nonzero(np.logical_or.reduce([marked == code for marked in codes]))
        issues[Code.OUTSIDE_PERIOD] = skipped.sum()
        issues[Code.NO_GOAL] = len(self._untaken)
        issues[Code.BAD_ROW] = len(self._block.bad)
        return issues

    def _lines(
        self,
        choice: Choice,
        accepted: NDArray[np.intp],
        times: NDArray[np.int64],
        prices: _Prices,
        currencies: NDArray[np.int64],
    ) -> dict[str, Lines]:
        """Write the accepted pairs, by id type."""
        slots = choice.slot[self._row[accepted]]
        result: dict[str, Lines] = {}
        for identifier, of_kind in self._plan.slots.items():
            pairs = accepted[np.logical_or.reduce([slots == slot for slot in of_kind])]
            if len(pairs):
                facts = Facts(
                    self._plan.target_of_goal[self._goal[pairs]],
                    currencies[pairs].astype(np.int16),
                    self._plan.zone.local_days(times[pairs]),
                    prices.micro[pairs],
                )
                texts = choice.texts(of_kind, self._row[pairs])
                amounts = prices.texts.take(number_column(prices.places[pairs]))
                result[identifier] = self._written(identifier, texts, times[pairs], amounts, facts)
        return result

    def _written(
        self, identifier: str, texts: pa.StringArray, times: NDArray[np.int64], amounts: pa.StringArray, facts: Facts
    ) -> Lines:
        """Write records of one id type."""
        targets = conversions.Labels(self._plan.targets, facts.target)
        currencies = conversions.Labels(CURRENCIES, facts.currency)
        low, high = identifier_words(texts, RULES[identifier])
        first, second = self._plan.seeds[identifier]
        keys = event_keys(low, high, times, Keys(first[facts.target], second[facts.target]))
        return Lines(conversions.lines(texts, targets, times, amounts, currencies), keys, facts)

    def _examples(
        self, codes: Sequence[NDArray[np.uint8]], counts: NDArray[np.int64], skipped: NDArray[np.bool_]
    ) -> list[Example]:
        """Give some rows of each issue of which there are not enough examples yet."""
        examples = [
            Example(Code.BAD_ROW, bad.row, "", f"{bad.reason}: {bad.text}") for bad in self._block.bad[:EXAMPLES]
        ]
        for mark, marked, counted in zip(self._marks, codes, counts, strict=True):
            for code in np.flatnonzero(counted).tolist():
                examples += self._examples_of(Code(code), mark.column, marked == code)
        times = BETWEEN.join(dict.fromkeys(column for column, _ in self._plan.times.distinct))
        examples += self._examples_of(Code.OUTSIDE_PERIOD, times, skipped)
        return sorted(examples, key=lambda example: example.row)

    def _examples_of(self, code: Code, column: str, pairs: NDArray[np.bool_]) -> Iterator[Example]:
        """Give some rows of these pairs, which have an issue."""
        if code in self._enough:
            return
        names = [name for name in column.split(BETWEEN) if name in self._block.columns]
        for row in dict.fromkeys(self._row[np.flatnonzero(pairs)[:EXAMPLES]].tolist()):
            cells = [self._text(name)[row].as_py() for name in names]
            value = BETWEEN.join(cells) if any(cells) else ""
            yield Example(code, int(self._block.rows[self._rows[row]]), column, value)
