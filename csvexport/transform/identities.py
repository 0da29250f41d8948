"""Who converted: which of the profile's identifier columns names each row."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import number_column
from csvexport.issues import BETWEEN, Code
from csvexport.profile import IdentifierColumn
from csvexport.transform.accounts import Accounts
from csvexport.transform.rejects import IS_ERROR
from csvexport.values.identifiers import Damage, Identifiers, Rule, damage, read_identifiers

RULES = {"ClientId": Rule.NUMBER, "Yclid": Rule.YCLID, "UserId": Rule.TEXT, "PurchaseId": Rule.TEXT}


class Slots(NamedTuple):
    """The profile's identifier columns.

    Attributes:
        columns: id type and column, the preferred first.
        by_type: by id type, in the profile's order, the numbers of its columns.
    """

    columns: tuple[tuple[str, str], ...]
    by_type: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, identifiers: Sequence[IdentifierColumn], types: Collection[str] = tuple(RULES)) -> "Slots":
        """Take those of some id types."""
        columns = tuple((item.type, column) for item in identifiers if item.type in types for column in item.columns)
        by_type: dict[str, list[int]] = {
            kind: [slot for slot, (other, _) in enumerate(columns) if other == kind] for kind, _ in columns
        }
        return cls(columns, by_type)


@dataclass(frozen=True, slots=True)
class Choice:
    """The identifier of each row.

    Attributes:
        slot: which of the identifier columns names the row, -1 for none, int8.
        columns: the identifiers read from each column.
        damage: by column of numbers, how many long ids look rounded.
    """

    slot: NDArray[np.int8]
    columns: Sequence[Identifiers]
    damage: Mapping[str, Damage]

    def good(self, number: int) -> NDArray[np.bool_]:
        """Tell which rows have a good identifier in the column of this number."""
        return _is_good(self.columns[number].codes)

    def texts(self, slots: Sequence[int], rows: NDArray[np.intp]) -> pa.StringArray:
        """Give the identifiers of rows that one of these slots names."""
        if len(slots) == 1:
            return self.columns[slots[0]].text.take(number_column(rows))
        count = len(self.slot)
        place = np.searchsorted(slots, self.slot[rows]) * count + rows
        return pa.concat_arrays([self.columns[slot].text for slot in slots]).take(number_column(place))


def choose(slots: Slots, accounts: Accounts, free: NDArray[np.bool_] | None = None) -> Choice:
    """Take for each row the first column that holds a good identifier, and mark what is wrong.

    A row whose preferred identifier is bad is kept by a later good one, with a warning; a row without any good one is
    rejected for every bad one it has, or because none is filled.

    Args:
        slots: the identifier columns.
        accounts: the rows.
        free: the rows that may be without an identifier, such as static calls; a bad one is left out of them.
    """
    rules = [RULES[kind] for kind, _ in slots.columns]
    names = [name for _, name in slots.columns]
    columns = [read_identifiers(accounts.text(name), rule) for name, rule in zip(names, rules, strict=True)]
    slot = np.full(len(columns[0].codes), -1, np.int8)
    for number, column in enumerate(columns):
        slot[_is_good(column.codes) & (slot < 0)] = number
    empty = np.logical_and.reduce([column.codes == Code.NO_IDENTIFIER for column in columns])
    bound = np.ones(len(slot), bool) if free is None else ~free
    accounts.mark(BETWEEN.join(names), (empty & bound) * np.uint8(Code.NO_IDENTIFIER))
    for number, (name, column) in enumerate(zip(names, columns, strict=True)):
        marked = _marks(number, column.codes, slot)
        marked[~bound & IS_ERROR[marked]] = Code.BAD_VALUE
        accounts.mark(name, marked)
    numeric = [
        (name, column) for name, column, rule in zip(names, columns, rules, strict=True) if rule is not Rule.TEXT
    ]
    return Choice(slot, columns, {name: damage(column) for name, column in numeric})


def _is_good(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which codes are those of a good identifier."""
    good: NDArray[np.bool_] = (codes == Code.NONE) | (codes == Code.SUSPICIOUS_IDENTIFIER)
    return good


def _marks(number: int, codes: NDArray[np.uint8], slot: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Mark what matters of a column's problems, given which column names the row."""
    marked = codes.copy()
    marked[codes == Code.NO_IDENTIFIER] = Code.NONE
    marked[(slot >= 0) & (slot < number)] = Code.NONE
    passed_over = (slot > number) & (marked != Code.NONE)
    marked[passed_over] = Code.SECOND_IDENTIFIER
    return marked
