"""Which goal, or which kind, takes which row: the profile's `when`, decided once per distinct text."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.profile import Condition
from csvexport.profile.patterns import Pattern
from csvexport.values.cells import trim
from csvexport.values.money import read_money

# Statuses and pipelines are few; a condition on amounts may see a million texts, of which only the recent are kept.
REMEMBERED = 1 << 16


class GoalMatcher:
    """The goals' conditions over a block.

    Attributes:
        columns: the columns that any condition looks at.
        unmet: what no row of the blocks so far has: by condition the values that no cell is, of one without values the
            condition itself, as "".
        untaken: the numbers of the goals that took no row so far.
    """

    def __init__(self, goals: Sequence[Sequence[Condition]]) -> None:
        """Compile the conditions of each goal; equal ones of several goals are decided once."""
        self._goals = [tuple(conditions) for conditions in goals]
        self._deciders = {condition: _decider(condition) for conditions in self._goals for condition in conditions}
        self.columns = frozenset(condition.column for condition in self._deciders)
        # Blocks only ever take something out of these, so that threads may share them.
        self.unmet = {condition: set(condition.values or condition.excluded or [""]) for condition in self._deciders}
        self.untaken = set(range(len(self._goals)))

    def matches(self, block: Block) -> NDArray[np.bool_]:
        """Tell which goal takes which row: bool, shape (goals, rows)."""
        categories = {name: block.categories(name) for name in self.columns}
        held: dict[Condition, NDArray[np.bool_]] = {}
        for condition, decide in self._deciders.items():
            indices, texts = categories[condition.column]
            table = np.fromiter(decide(texts), bool, len(texts))
            held[condition] = table[indices] if len(texts) else np.zeros(len(indices), bool)
            if self.unmet[condition]:
                self._meet(condition, held[condition], indices, texts)
        result = np.ones((len(self._goals), len(block.rows)), bool)
        for number, conditions in enumerate(self._goals):
            for condition in conditions:
                result[number] &= held[condition]
        for number in tuple(self.untaken):
            if result[number].any():
                self.untaken.discard(number)
        return result

    def _meet(
        self, condition: Condition, held: NDArray[np.bool_], indices: NDArray[np.int32], texts: Sequence[str]
    ) -> None:
        """Take out of `unmet` what rows of a block have."""
        unmet = self.unmet[condition]
        if condition.values is None and condition.excluded is None:
            if held.any():
                unmet.clear()
            return
        own = held if condition.excluded is None else ~held
        for index in np.flatnonzero(np.bincount(indices[own])).tolist():
            unmet.discard(trim(texts[index]).casefold())


def _decider(condition: Condition) -> Callable[[Sequence[str]], Iterable[bool]]:
    """Make the function that tells which of several texts fulfil a condition."""
    if condition.matches is not None:
        return _Finder(condition.matches).found_in
    return partial(map, lru_cache(REMEMBERED)(decider(condition)))


class _Finder:
    """Where a regular expression is found. It is made ready anew for each call, so that it is asked of many texts."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._known: dict[str, bool] = {}

    def found_in(self, texts: Sequence[str]) -> Iterable[bool]:
        """Tell in which texts it is found; threads may share this, since what is known stays true."""
        known = self._known
        new = [text for text in texts if text not in known]
        if new:
            kept = known if len(known) < REMEMBERED else {text: known[text] for text in texts if text in known}
            found = self._pattern.found_in([trim(text) for text in new])
            self._known = known = kept | dict(zip(new, found, strict=True))
        return map(known.__getitem__, texts)


def decider(condition: Condition) -> Callable[[str], bool]:
    """Make the function that tells whether a cell's text fulfils a condition.

    Texts are compared trimmed and without regard to case; `matches` sees the trimmed text; a text that is no amount is
    neither above a `min` nor below a `max`.
    """

    def decide(text: str) -> bool:
        trimmed = trim(text)
        if condition.values is not None:
            return trimmed.casefold() in condition.values
        if condition.excluded is not None:
            return trimmed.casefold() not in condition.excluded
        if condition.empty is not None:
            return (not trimmed) is condition.empty
        if condition.matches is not None:
            return condition.matches.found_in([trimmed])[0]
        return _within(trimmed, condition)

    return decide


def _within(text: str, condition: Condition) -> bool:
    sign, digits = (-1, text[1:]) if text[:1] in {"-", "−"} else (1, text)
    amount, _ = read_money(digits)
    if amount is None:
        return False
    amount *= sign
    above = condition.minimum is None or amount >= condition.minimum
    below = condition.maximum is None or amount <= condition.maximum
    return above and below
