"""What all kinds share of a build's plan: its moment and its period, and the distinct ways in which values are read."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.formats.files import File
from csvexport.issues import Code
from csvexport.profile import TimeColumn
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.results import Judged
from csvexport.values.times import TimeRule, Zone

_Spec = TypeVar("_Spec")


@dataclass(frozen=True, slots=True)
class Period:
    """When the build is, and what of the sources it takes.

    Attributes:
        now: the moment of the build, Unix seconds.
        since: first second of the period, None: open.
        until: last second of the period, None: open.
    """

    now: int
    since: int | None = None
    until: int | None = None

    def outside(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which times lie outside the period; a time that cannot be read (0) lies in no period."""
        outside = np.zeros(len(times), bool)
        if self.since is not None:
            outside |= times < self.since
        if self.until is not None:
            outside |= times > self.until
        outside &= times != 0
        return outside


SNAPSHOTS = frozenset({"orders", "contacts", "deals"})

# Events of which Metrica is assumed to count one that is sent again as another, also at another price; conversions it
# overwrites (metrica.md, section 10).
DOUBLING = frozenset({"calls"})


class Kind(ABC):
    """A kind of record, with its part of the profile made ready. No block changes it, so threads may share it.

    Attributes:
        name: `conversions`, `calls`, `orders`, `contacts` or `deals`.
        labels: what `facts["label"]` counts through: goals or statuses.
        zone: the zone of `facts["day"]`.
        categories: columns of few distinct texts, which a source should deliver as dictionaries.
        files: the files that its records go to, by the names that `Judged.lines` uses, in the order of the upload.
        is_claimed: whether only the records go that another kind names.
    """

    name: str
    labels: Sequence[str]
    zone: Zone
    categories: frozenset[str]
    files: Mapping[str, File]
    is_claimed: bool = False

    @property
    def is_snapshot(self) -> bool:
        """Whether records have states, of which the latest goes; else they are events."""
        return self.name in SNAPSHOTS

    @property
    def is_doubling(self) -> bool:
        """Whether a record that was sent must not go again, not even at another price."""
        return self.name in DOUBLING

    @abstractmethod
    def judge(self, block: Block, enough: Collection[Code] = ()) -> Judged:
        """Turn a block into records; of the issues in `enough` no examples are looked for."""

    @property
    @abstractmethod
    def rules(self) -> Sequence[GoalMatcher]:
        """Give what decides which rows are taken: the kind's own `when` or goals, then those of `[[KIND.goals]]`."""


class Specs(NamedTuple, Generic[_Spec]):
    """The distinct ways in which goals read a value (they mostly share one), and which goal reads it in which."""

    distinct: list[_Spec]
    of_goal: NDArray[np.intp]

    @classmethod
    def of(cls, specs: Sequence[_Spec]) -> "Specs[_Spec]":
        """Find the distinct ones among those of the goals, in their order."""
        distinct = list(dict.fromkeys(specs))
        return cls(distinct, np.array([distinct.index(spec) for spec in specs], np.intp))

    def pairs(self, number: int, goal: NDArray[np.intp]) -> NDArray[np.bool_] | None:
        """Tell which pairs read the value in the way of this number; None: all."""
        return None if len(self.distinct) == 1 else self.of_goal[goal] == number


def time_rule(time: TimeColumn, zone: str) -> TimeRule:
    """Give the rule by which a column of times is read, with the profile's zone."""
    return TimeRule(time.timezone or zone, time.format)
