"""What only a whole column can tell: whether its identifiers are of another type, or came out of a spreadsheet.

A ClientId is the moment of the first visit, ten digits of Unix time, and up to nine random digits; it never has twenty.
A Yclid is a number of 64 bits: nearly every second one has twenty digits, and one in forty looks like a ClientId.
"""

from typing import Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import lengths, mask, mask_column, number_column, numbers, text_scalar
from csvexport.linting.kinds import Sort
from csvexport.values.identifiers import HIGHEST, LONGEST, Damage

_CLIENT_ID_DIGITS: Final = (18, 19)
_MOMENT_DIGITS: Final = 10

_FIRST_VISITS: Final = 1230768000
"""2009-01-01: there was no Metrica before."""

_DAY: Final = 86400

ENOUGH: Final = 3
"""So many different identifiers have to speak for a verdict, so that no single visitor and no chance decides."""

YCLID_SHARE: Final = 0.25
CLIENT_ID_SHARE: Final = 0.5
DAMAGED_SHARE: Final = 0.5

_LOOKED_AT: Final = 1000
_UNDAMAGED: Final = Damage(0, 0)

SORTS: Final = frozenset({Sort.NUMBER_ID, Sort.YCLID, Sort.NUMBER_IDS})
"""The sorts of columns that may hold another's identifiers."""


class Evidence(NamedTuple):
    """What speaks for and against a column.

    Attributes:
        filled: cells that are not empty.
        yclids: those that can only be a Yclid.
        client_ids: those that are likely a ClientId.
        telling: some different texts among those of them that belong elsewhere, at most `ENOUGH`.
        damage: how many long identifiers there are, and how many look rounded.
    """

    filled: int = 0
    yclids: int = 0
    client_ids: int = 0
    telling: frozenset[str] = frozenset()
    damage: Damage = _UNDAMAGED

    def plus(self, other: Self) -> "Evidence":
        """Put the evidence of another block to this."""
        telling = sorted(self.telling | other.telling)[:ENOUGH]
        damage = Damage(self.damage.long + other.damage.long, self.damage.suspicious + other.damage.suspicious)
        return Evidence(
            self.filled + other.filled,
            self.yclids + other.yclids,
            self.client_ids + other.client_ids,
            frozenset(telling),
            damage,
        )

    def is_misplaced(self, sort: Sort) -> bool:
        """Whether the column, which should be of this sort, holds identifiers that belong elsewhere."""
        if len(self.telling) < ENOUGH:
            return False
        if sort is Sort.YCLID:
            return self.client_ids > self.filled * CLIENT_ID_SHARE
        # Among what are ClientIds beyond doubt, a few are told as well.
        return self.yclids >= self.filled * YCLID_SHARE or self.client_ids > self.filled * CLIENT_ID_SHARE

    @property
    def is_damaged(self) -> bool:
        """Whether a spreadsheet had the column."""
        long, suspicious = self.damage
        return suspicious >= ENOUGH and suspicious > long * DAMAGED_SHARE


def weigh(
    column: pa.StringArray, sort: Sort, now: int, damage: Damage = _UNDAMAGED
) -> tuple[Evidence, NDArray[np.intp]]:
    """Look at a column.

    Args:
        column: the cells.
        sort: what they should be, one of `SORTS`.
        now: Unix seconds; no visit is later.
        damage: what is known of its rounded identifiers.

    Returns:
        The evidence, and the rows whose identifiers belong elsewhere if the column does hold such.
    """
    digits = mask(pc.ascii_is_decimal(column))
    long = lengths(column)
    # Of texts of one length the order is that of the numbers.
    within = pc.and_(pc.greater_equal(column, text_scalar("1")), pc.less_equal(column, text_scalar(HIGHEST)))
    yclids = digits & (long == LONGEST) & mask(within)
    client_ids = _client_ids(column, digits & np.isin(long, _CLIENT_ID_DIGITS), now)
    rows = np.flatnonzero(client_ids if sort is Sort.YCLID else yclids)
    some = column.take(number_column(rows[:_LOOKED_AT])).to_pylist()
    filled, of_yclids, of_client_ids = (int(np.count_nonzero(found)) for found in (long > 0, yclids, client_ids))
    return Evidence(filled, of_yclids, of_client_ids, frozenset(sorted(set(some))[:ENOUGH]), damage), rows


def _client_ids(column: pa.StringArray, candidates: NDArray[np.bool_], now: int) -> NDArray[np.bool_]:
    """Which of the candidates begin with the moment of a visit."""
    begins = pc.utf8_slice_codeunits(column.filter(mask_column(candidates)), 0, _MOMENT_DIGITS)
    moments = numbers(pc.cast(begins, pa.int64()))
    found = candidates.copy()
    found[candidates] = (moments >= _FIRST_VISITS) & (moments < now + _DAY)
    return found
