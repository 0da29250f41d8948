"""Who converted: which of the profile's identifier columns names each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import number_column
from csvexport.issues import Code
from csvexport.transform.rejects import BETWEEN, Mark
from csvexport.values.identifiers import Damage, Identifiers, Rule, damage, read_identifiers

RULES = {"ClientId": Rule.NUMBER, "Yclid": Rule.YCLID, "UserId": Rule.TEXT, "PurchaseId": Rule.TEXT}


@dataclass(frozen=True, slots=True)
class Choice:
    """The identifier of each row.

    Attributes:
        slot: which of the identifier columns names the row, -1 for none, int8.
        columns: the identifiers read from each column.
        marks: what was found wrong.
        damage: by column of numbers, how many long ids look rounded.
    """

    slot: NDArray[np.int8]
    columns: Sequence[Identifiers]
    marks: Sequence[Mark]
    damage: Mapping[str, Damage]

    def texts(self, slots: Sequence[int], rows: NDArray[np.intp]) -> pa.StringArray:
        """Give the identifiers of rows that one of these slots names."""
        if len(slots) == 1:
            return self.columns[slots[0]].text.take(number_column(rows))
        count = len(self.slot)
        place = np.searchsorted(slots, self.slot[rows]) * count + rows
        return pa.concat_arrays([self.columns[slot].text for slot in slots]).take(number_column(place))


def choose(texts: Mapping[str, pa.StringArray], slots: Sequence[tuple[str, str]]) -> Choice:
    """Take for each row the first column that holds a good identifier.

    A row whose preferred identifier is bad is kept by a later good one, with a warning; a row without any good one is
    rejected for every bad one it has, or because none is filled.

    Args:
        texts: the source's columns.
        slots: id type and column, the preferred first.
    """
    rules = [RULES[kind] for kind, _ in slots]
    columns = [read_identifiers(texts[name], rule) for (_, name), rule in zip(slots, rules, strict=True)]
    count = len(columns[0].codes)
    slot = np.full(count, -1, np.int8)
    for number, column in enumerate(columns):
        good = (column.codes == Code.NONE) | (column.codes == Code.SUSPICIOUS_IDENTIFIER)
        slot[good & (slot < 0)] = number
    empty = np.logical_and.reduce([column.codes == Code.NO_IDENTIFIER for column in columns])
    names = [name for _, name in slots]
    marks = [Mark(BETWEEN.join(names), empty * np.uint8(Code.NO_IDENTIFIER))]
    marks += [Mark(name, _marks(number, columns[number].codes, slot)) for number, name in enumerate(names)]
    numeric = [
        (name, column) for name, column, rule in zip(names, columns, rules, strict=True) if rule is not Rule.TEXT
    ]
    return Choice(slot, columns, marks, {name: damage(column) for name, column in numeric})


def _marks(number: int, codes: NDArray[np.uint8], slot: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Mark what matters of a column's problems, given which column names the row."""
    marked = codes.copy()
    marked[codes == Code.NO_IDENTIFIER] = Code.NONE
    marked[(slot >= 0) & (slot < number)] = Code.NONE
    passed_over = (slot > number) & (marked != Code.NONE)
    marked[passed_over] = Code.SECOND_IDENTIFIER
    return marked
