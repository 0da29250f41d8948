"""Rows to calls: each row that `[calls]` takes is one call ([calls])."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import mask, mask_column, number_column, repeated, replace_texts, text_column, text_scalar
from csvexport.formats import calls
from csvexport.issues import Code
from csvexport.profile import CurrencyColumn, FlagColumn, Profile
from csvexport.transform.accounts import Accounts
from csvexport.transform.amounts import (
    Amounts,
    amounts_of,
    currency_texts,
    mark_other_currencies,
    read_currencies,
)
from csvexport.transform.duplicates import Keys, event_keys, seed, worth
from csvexport.transform.events import read_event_times
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.identities import RULES, Choice, Slots, choose
from csvexport.transform.others import joined, other_keys
from csvexport.transform.plan import Kind, Period, time_rule
from csvexport.transform.results import NO_FILE, Judged, Lines, Others, facts_of
from csvexport.values.contacts import read_phones
from csvexport.values.currencies import CURRENCIES
from csvexport.values.identifiers import identifier_words
from csvexport.values.mixing import text_words
from csvexport.values.scalars import Reference, read_address, read_column, read_duration, read_flag, read_text
from csvexport.values.times import Zone

LABELS: Final = ("dynamic", "static")
STATIC: Final = LABELS.index("static")


class Calls(Kind):
    """The profile's `[calls]` made ready."""

    def __init__(self, profile: Profile, period: Period) -> None:
        """Make a profile ready that has calls, and whose columns the sources have."""
        if profile.calls is None:
            raise AssertionError("the profile has calls")
        self.name = calls.KIND
        self.settings = profile.calls
        self.period = period
        self.zone = Zone.named(profile.timezone)
        self.country = profile.country
        self.labels = LABELS
        self.matcher = GoalMatcher([self.settings.when])
        self.time = time_rule(self.settings.time, profile.timezone)
        self.currency = self.settings.currency or profile.currency
        self.default_currency = CURRENCIES.index(profile.currency)
        self.slots = Slots.of(profile.identifiers, calls.IDENTIFIERS)
        self.seeds = {kind: seed(str(profile.counter or ""), self.name, kind) for kind in self.slots.by_type}
        own = {self.currency.column} if isinstance(self.currency, CurrencyColumn) else frozenset()
        self.categories = self.matcher.columns.union(own)
        self.columns = tuple(self._columns())
        self.files = {identifier: calls.file(identifier, self.columns) for identifier in self.slots.by_type}

    def _columns(self) -> Iterator[str]:
        """Give the optional columns of the files, in their order: those that the profile names."""
        settings = self.settings
        named = {
            "StaticCall": settings.static is not False,
            "Price": settings.price is not None,
            "Currency": settings.price is not None,
            "PhoneNumber": settings.phone is not None,
            "TalkDuration": settings.talk_duration is not None,
            "HoldDuration": settings.hold_duration is not None,
            "CallMissed": settings.missed is not None,
            "Tag": settings.tag is not None,
            "FirstTimeCaller": settings.first_time_caller is not None,
            "URL": settings.url is not None,
            "CallTrackerURL": settings.call_tracker_url is not None,
        }
        return (name for name in calls.OPTIONAL if named[name])

    @property
    def rules(self) -> Sequence[GoalMatcher]:
        """Give what decides which rows are taken."""
        return (self.matcher,)

    def judge(self, block: Block, enough: Collection[Code] = ()) -> Judged:
        """Turn a block into calls; of the issues in `enough` no examples are looked for."""
        matched = self.matcher.matches(block)[0]
        return _Calls(self, Accounts(block, self.name, matched, enough)).judged()


class _Values(NamedTuple):
    """What calls are written from, but for their identifiers: Unix seconds, the optional columns, and the facts."""

    times: NDArray[np.int64]
    optional: Sequence[pa.StringArray]
    facts: NDArray[np.void]


class _Calls:
    """The calls of one block on their way; columns run over the rows that `[calls]` takes."""

    def __init__(self, plan: Calls, accounts: Accounts) -> None:
        self._plan = plan
        self._accounts = accounts

    def judged(self) -> Judged:
        """Read every value, mark what is wrong, and write the calls that go."""
        plan, accounts = self._plan, self._accounts
        column = plan.settings.time.column
        times, unfinished = read_event_times(accounts, column, plan.time, plan.period.now)
        times, unfinished = accounts.skip(Code.OUTSIDE_PERIOD, column, plan.period.outside(times), times, unfinished)
        (times,) = accounts.skip(Code.UNFINISHED_DAY, column, unfinished, times)
        static = self._flags(plan.settings.static)
        is_static = mask(pc.equal(static, text_scalar("1")))
        static = text_column(["0", "1"]).take(number_column(is_static.astype(np.int32)))
        choice = choose(plan.slots, accounts, is_static)
        amounts = amounts_of(plan.settings.price, accounts)
        currencies = read_currencies(plan.currency, accounts, plan.default_currency, amounts.micro >= 0)
        mark_other_currencies([(plan.settings.price, None)], accounts, amounts.named, currencies)
        day = plan.zone.local_days(times)
        facts = facts_of(len(times), label=is_static, currency=currencies, day=day, micro=amounts.micro)
        values = _Values(times, list(self._optional(static, amounts, currencies)), facts)
        accepted = accounts.accepted()
        lines = {
            identifier: self._lines(identifier, choice, accepted[own], values)
            for identifier, own in self._by_type(choice.slot[accepted])
            if len(own)
        }
        return accounts.judged(lines, choice.damage)

    def _optional(
        self, static: pa.StringArray, amounts: Amounts, currencies: NDArray[np.int64]
    ) -> Iterator[pa.StringArray]:
        """Give the optional columns of the files, in their order."""
        settings = self._plan.settings
        readers: dict[str, Callable[[], pa.StringArray]] = {
            "StaticCall": lambda: static,
            "Price": amounts.written,
            "Currency": lambda: currency_texts(currencies),
            "PhoneNumber": self._phones,
            "TalkDuration": lambda: self._read(settings.talk_duration, read_duration),
            "HoldDuration": lambda: self._read(settings.hold_duration, read_duration),
            "CallMissed": lambda: self._flags(settings.missed),
            "Tag": lambda: self._read(settings.tag, read_text),
            "FirstTimeCaller": lambda: self._flags(settings.first_time_caller),
            "URL": lambda: self._read(settings.url, read_address),
            "CallTrackerURL": lambda: self._read(settings.call_tracker_url, read_address),
        }
        return (readers[name]() for name in self._plan.columns)

    def _flags(self, spec: FlagColumn | bool | None) -> pa.StringArray:  # noqa: FBT001 - the profile's own value
        """Read yes and no as "1" and "0"."""
        if isinstance(spec, FlagColumn):
            return self._read(spec.column, partial(read_flag, yes=spec.yes, no=spec.no))
        return repeated(str(int(bool(spec))), len(self._accounts.rows))

    def _read(self, column: str | None, read: Reference) -> pa.StringArray:
        """Read a column of small values; what cannot be read is marked and left out."""
        if column is None:
            raise AssertionError("only columns that the profile names are read")
        values = read_column(self._accounts.text(column), read)
        self._accounts.mark(column, values.codes)
        return values.texts

    def _phones(self) -> pa.StringArray:
        """Read the number that called, `+70123456789`; of several the first."""
        column = self._plan.settings.phone
        if column is None:
            raise AssertionError("only columns that the profile names are read")
        phones = read_phones(self._accounts.text(column), self._plan.country)
        self._accounts.mark(column, phones.codes)
        return pc.replace_substring_regex(phones.text, "^([0-9]+).*$", r"+\1")

    def _by_type(self, slots: NDArray[np.int8]) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Share calls out by id type; one without an identifier goes into the file of the preferred type."""
        for number, (identifier, own) in enumerate(self._plan.slots.by_type.items()):
            nobodys = [-1] if number == 0 else []
            yield identifier, np.flatnonzero(np.isin(slots, [*own, *nobodys]))

    def _lines(self, identifier: str, choice: Choice, rows: NDArray[np.intp], values: _Values) -> Lines:
        """Write the calls of one id type."""
        named = choice.slot[rows] >= 0
        own = self._plan.slots.by_type[identifier]
        texts = replace_texts(repeated("", len(rows)), np.flatnonzero(named), choice.texts(own, rows[named]))
        unix = number_column(values.times[rows]).cast(pa.string())
        optional = [column.take(number_column(rows)) for column in values.optional]
        text = calls.lines([texts, unix, *optional])
        kept = values.facts[rows]
        worths = worth(np.ascontiguousarray(kept["micro"]), np.ascontiguousarray(kept["currency"]))
        times = values.times[rows]

        def keys_of(identifier: str, texts: pa.StringArray, calls: NDArray[np.intp]) -> Keys:
            return self._keys(identifier, *identifier_words(texts, RULES[identifier]), times[calls])

        keys = self._keys(identifier, *self._words(identifier, texts, named, self._traits(times, optional)), times)
        nameless = self._nameless(np.flatnonzero(named & (kept["label"] == STATIC)), rows, values)
        others = joined([*other_keys(self._plan.slots, choice, rows, keys_of), *nameless])
        return Lines(text, keys, worths, kept, rows, others=others)

    def _nameless(self, named: NDArray[np.intp], rows: NDArray[np.intp], values: _Values) -> Iterator[Others]:
        """Give the keys that static calls would have without their identifiers, which may have been filled in later."""
        if len(named):
            times = values.times[rows[named]]
            columns = [column.take(number_column(rows[named])) for column in values.optional]
            words = text_words(self._traits(times, columns))
            keys = self._keys(next(iter(self._plan.slots.by_type)), *words, times)
            yield Others(named, np.full(len(named), NO_FILE), keys)

    def _traits(self, times: NDArray[np.int64], optional: Sequence[pa.StringArray]) -> pa.StringArray:
        """Give what tells calls without an identifier apart: see `calls.traits`."""
        unix = number_column(times).cast(pa.string())
        return calls.traits({"DateTime": unix, **dict(zip(self._plan.columns, optional, strict=True))})

    @staticmethod
    def _words(
        identifier: str, texts: pa.StringArray, named: NDArray[np.bool_], traits: pa.StringArray
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Give 128 bits by which calls are known; one without an identifier is known by all else that is said of it."""
        low, high = np.zeros((2, len(named)), np.uint64)
        low[named], high[named] = identifier_words(texts.filter(mask_column(named)), RULES[identifier])
        if not named.all():
            low[~named], high[~named] = text_words(traits.filter(mask_column(~named)))
        return low, high

    def _keys(
        self, identifier: str, low: NDArray[np.uint64], high: NDArray[np.uint64], times: NDArray[np.int64]
    ) -> Keys:
        """Make the keys of calls that are known by these words."""
        first, second = (np.full(len(times), word, np.uint64) for word in self._plan.seeds[identifier])
        return event_keys(low, high, times, Keys(first, second))
