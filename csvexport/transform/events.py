"""What conversions and calls share: a moment that has passed, and by which Metrica looks for the visit."""

import numpy as np
from numpy.typing import NDArray

from csvexport.formats.conversions import WINDOW_SECONDS
from csvexport.issues import Code
from csvexport.transform.accounts import Accounts
from csvexport.transform.rejects import IS_ERROR
from csvexport.values.times import TimeRule, read_times


def read_event_times(
    accounts: Accounts, column: str, rule: TimeRule, pairs: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Read the times of the rows, Unix seconds, 0 where refused, and mark what is wrong, in the future, or old.

    Args:
        accounts: the rows.
        column: the column.
        rule: how it is read; what is later than its `now` lies in the future.
        pairs: the records for which this column is read, None: all.
    """
    unix, codes = read_times(accounts.text(column), rule)
    good = ~IS_ERROR[codes]
    codes[good & (unix > rule.now)] = Code.FUTURE_TIME
    accounts.mark(column, codes, pairs)
    accounts.mark(column, (good & (unix < rule.now - WINDOW_SECONDS)) * np.uint8(Code.OUTSIDE_WINDOW), pairs)
    return unix
