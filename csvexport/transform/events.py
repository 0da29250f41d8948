"""Moments that have to have passed, and of conversions and calls those by which Metrica looks for the visit."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.formats.conversions import WINDOW_SECONDS
from csvexport.issues import Code
from csvexport.transform.accounts import Accounts
from csvexport.transform.rejects import IS_ERROR
from csvexport.values.times import TimeRule, read_times


class Moments(NamedTuple):
    """When what the rows tell of happened.

    Attributes:
        unix: Unix seconds, 0 where refused.
        unfinished: which are dates of today without a time of day. They stand for the end of the day, which is to come;
            any other moment of today, such as that of the build, would make another event of them in every batch.
    """

    unix: NDArray[np.int64]
    unfinished: NDArray[np.bool_]


def read_moments(
    accounts: Accounts, column: str, rule: TimeRule, now: int, pairs: NDArray[np.bool_] | None = None
) -> Moments:
    """Read the times of the rows, and mark what is wrong or lies in the future.

    Args:
        accounts: the rows.
        column: the column.
        rule: how it is read.
        now: the moment of the build, Unix seconds.
        pairs: the records for which this column is read, None: all.
    """
    unix, codes = read_times(accounts.text(column), replace(rule, now=now))
    unfinished = codes == Code.UNFINISHED_DAY
    codes[unfinished] = Code.NONE
    codes[~IS_ERROR[codes] & (unix > now) & ~unfinished] = Code.FUTURE_TIME
    accounts.mark(column, codes, pairs)
    return Moments(unix, unfinished)


def read_event_times(
    accounts: Accounts, column: str, rule: TimeRule, now: int, pairs: NDArray[np.bool_] | None = None
) -> Moments:
    """Do what `read_moments` does, and mark what is too old for Metrica to match."""
    moments = read_moments(accounts, column, rule, now, pairs)
    is_old = (moments.unix != 0) & (moments.unix < now - WINDOW_SECONDS)
    accounts.mark(column, is_old * np.uint8(Code.OUTSIDE_WINDOW), pairs)
    return moments
