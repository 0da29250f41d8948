"""The plan of a build: a profile made ready, so that every block is converted without looking at it again."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from csvexport.formats import conversions
from csvexport.profile import CurrencyColumn, Goal, Profile
from csvexport.transform.duplicates import Keys, seed
from csvexport.transform.goals import GoalMatcher
from csvexport.values.currencies import CURRENCIES, agreement
from csvexport.values.times import TimeRule, Zone

_Spec = TypeVar("_Spec")


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
        slots: by id type, the numbers of its columns among `identifiers`, in the profile's order.
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
        self.agreement = agreement()
        self.slots: dict[str, list[int]] = {
            kind: [slot for slot, (other, _) in enumerate(self.identifiers) if other == kind]
            for kind, _ in self.identifiers
        }
        self.seeds = {kind: self._seeds(profile.counter, kind) for kind in self.slots}
        readers = [spec.column for spec in self.currencies.distinct if isinstance(spec, CurrencyColumn)]
        self.categories = self.matcher.columns.union(readers)

    def _seeds(self, counter: int | None, identifier: str) -> Keys:
        """Give the seeds of the events of one id type, by target."""
        seeds = [seed(str(counter or ""), conversions.KIND, identifier, target) for target in self.targets]
        return Keys(*np.array(seeds, np.uint64).T.copy())


def _time_spec(goal: Goal, profile: Profile, now: int) -> tuple[str, TimeRule]:
    return goal.time.column, TimeRule(goal.time.timezone or profile.timezone, goal.time.format, now)
