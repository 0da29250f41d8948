"""What orders, contacts and deals share: an id of their own, times of the counter's clock, and one latest state."""

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import mask, mask_column, number_column, replace_texts, text_scalar
from csvexport.issues import Code
from csvexport.profile import CurrencyColumn, DealSettings, OrderSettings, Profile, TimeColumn
from csvexport.transform.accounts import Accounts
from csvexport.transform.amounts import Amounts, amounts_of, mark_other_currencies, read_currencies
from csvexport.transform.duplicates import Keys
from csvexport.transform.events import read_moments
from csvexport.transform.plan import Period, time_rule
from csvexport.transform.rejects import IS_ERROR
from csvexport.values.currencies import CURRENCIES
from csvexport.values.identifiers import Rule, read_identifiers
from csvexport.values.mixing import mixed, text_words
from csvexport.values.scalars import read_column, read_text
from csvexport.values.times import Times, Zone, read_times

# Texts of letters and printable ASCII with single blanks between words: what `read_text` leaves as it is.
_TIDY: Final = r"^(?:[!-~\pL]+(?: [!-~\pL]+)*)?$"


def read_ids(accounts: Accounts, column: str, missing: Code) -> pa.StringArray:
    """Read the records' own ids, which are the CRM's texts; an empty one is marked as `missing`."""
    ids = read_identifiers(accounts.text(column), Rule.TEXT)
    codes = ids.codes.copy()
    codes[codes == Code.NO_IDENTIFIER] = missing
    accounts.mark(column, codes)
    return ids.text


def read_client(accounts: Accounts, column: str) -> pa.StringArray:
    """Read the CRM's ids of clients, which records may be without; one that is none is marked and left out."""
    ids = read_identifiers(accounts.text(column), Rule.TEXT)
    accounts.mark(column, IS_ERROR[ids.codes] * (ids.codes != Code.NO_IDENTIFIER) * np.uint8(Code.BAD_VALUE))
    return ids.text


def read_texts(accounts: Accounts, column: str) -> pa.StringArray:
    """Read texts that may be empty: trimmed, on one line."""
    texts = accounts.text(column)
    others = np.flatnonzero(~mask(pc.match_substring_regex(texts, _TIDY)))
    return replace_texts(texts, others, read_column(texts.take(number_column(others)), read_text).texts)


class Clock:
    """The times of snapshots: how they are read and how they are written.

    Attributes:
        period: when the build is, and what of the sources it takes.
        zone: the profile's zone.
        counter: the counter's, in which times are written ([date]).
    """

    def __init__(self, profile: Profile, period: Period) -> None:
        """Take zones and period of a build."""
        self.period = period
        self.zone = Zone.named(profile.timezone)
        self.counter = Zone.named(profile.counter_timezone or profile.timezone)

    def created(
        self, accounts: Accounts, time: TimeColumn, window: int | None, status: NDArray[np.int16]
    ) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Read when the records were created, Unix seconds, and leave out what lies outside the period and the window.

        A date without a time of day is the end of that day, also today: it must be the same in every file.

        Args:
            accounts: the rows.
            time: the column.
            window: what is older by more than so many seconds is left out; None: nothing is.
            status: what the caller holds by record.

        Returns:
            The times of the records that are left, 0 where refused, and their `status`.
        """
        now, column = self.period.now, time.column
        created, unfinished = read_moments(accounts, column, time_rule(time, self.zone.name), now)
        left: tuple[NDArray[Any], ...] = (created, unfinished, status)
        left = accounts.skip(Code.OUTSIDE_PERIOD, column, self.period.outside(created), *left)
        if window is not None:
            left = accounts.skip(Code.TOO_OLD, column, (left[0] != 0) & (left[0] < now - window), *left)
        created, _, status = accounts.skip(Code.UNFINISHED_DAY, column, left[1], *left)
        return created, status

    def updated(self, accounts: Accounts, time: TimeColumn | None) -> NDArray[np.int64]:
        """Read when the records were changed last, Unix seconds: of one record the latest state goes.

        A time that cannot be read is refused, since nobody knows then which state is the latest. Where it is empty, the
        record is as it was made: 0, before any change, even one before the end of the day that a bare date of creation
        stands for.
        """
        if time is None:
            return np.zeros(len(accounts.rows), np.int64)
        unix, codes = self._times(accounts, time)
        codes[codes == Code.EMPTY_TIME] = Code.NONE
        accounts.mark(time.column, codes)
        return unix

    def moments(self, accounts: Accounts, time: TimeColumn | None) -> NDArray[np.int64]:
        """Read times that records may be without, Unix seconds; 0 where there is none or it cannot be read."""
        if time is None:
            return np.zeros(len(accounts.rows), np.int64)
        unix, codes = self._times(accounts, time)
        codes[codes == Code.EMPTY_TIME] = Code.NONE
        codes[IS_ERROR[codes]] = Code.BAD_VALUE
        accounts.mark(time.column, codes)
        return unix

    def _times(self, accounts: Accounts, time: TimeColumn) -> Times:
        return read_times(accounts.text(time.column), time_rule(time, self.zone.name))


def moment_texts(unix: NDArray[np.int64], zone: Zone) -> pa.StringArray:
    """Write times as the counter's clock shows them ([date]); "" where there is none."""
    return _where(unix != 0, zone.local_texts(_filled(unix)))


def date_texts(unix: NDArray[np.int64], zone: Zone) -> pa.StringArray:
    """Write dates; "" where there is none."""
    return _where(unix != 0, zone.local_dates(_filled(unix)))


def _filled(unix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put the latest time where there is none, so that no dates are spelled out from 1970 on."""
    return np.where(unix != 0, unix, unix.max(initial=1))


def _where(filled: NDArray[np.bool_], texts: pa.StringArray) -> pa.StringArray:
    if filled.all():
        return texts
    return pc.if_else(mask_column(filled), texts, text_scalar(""))


def values_of(created: NDArray[np.int64], *others: NDArray[np.signedinteger]) -> NDArray[np.uint64]:
    """Tell states of one record apart: the upper 32 bits by the time of its creation, the lower ones by the rest."""
    rest = np.zeros(len(created), np.uint64)
    for other in others:
        rest = mixed(rest ^ mixed(other.astype(np.uint64)))
    half = np.uint64(32)
    return (mixed(created.astype(np.uint64)) >> half) << half | rest >> half


def keys_of(ids: pa.StringArray) -> Keys:
    """Make the keys of records from their ids."""
    return Keys(*text_words(ids))


class Worth(NamedTuple):
    """What orders or deals are worth; currencies as indices into `CURRENCIES`."""

    revenue: Amounts
    cost: Amounts
    currencies: NDArray[np.int64]


class WorthReader:
    """Reads revenue, cost and currency.

    Attributes:
        columns: the column of the currency, if there is one.
    """

    def __init__(self, settings: OrderSettings | DealSettings, profile: Profile) -> None:
        """Take the columns."""
        self._settings = settings
        self._currency = settings.currency or profile.currency
        self._default = CURRENCIES.index(profile.currency)
        of_source = [self._currency.column] if isinstance(self._currency, CurrencyColumn) else []
        self.columns = frozenset(of_source)

    def read(self, accounts: Accounts) -> Worth:
        """Read them for all rows, and mark what is wrong."""
        settings = self._settings
        revenue, cost = amounts_of(settings.revenue, accounts), amounts_of(settings.cost, accounts)
        currencies = read_currencies(self._currency, accounts, self._default, revenue.micro >= 0)
        for spec, amounts in ((settings.revenue, revenue), (settings.cost, cost)):
            mark_other_currencies([(spec, None)], accounts, amounts.named, currencies)
        return Worth(revenue, cost, currencies)
