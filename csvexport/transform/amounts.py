"""What a record is worth: its prices and currencies, read for all rows at once."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import number_column, text_column
from csvexport.issues import Code
from csvexport.profile import CurrencyColumn, PriceColumn
from csvexport.transform.accounts import Accounts
from csvexport.values.currencies import CURRENCIES, agreement, read_currency
from csvexport.values.money import Money, read_money_column, same_money

AmountSpec = PriceColumn | Decimal | None


class Amounts(NamedTuple):
    """Amounts by record, as `values.money.Money`.

    Attributes:
        texts: amounts as they are written, "" where there is none.
        places: where in `texts` the amount of each record stands.
        micro: in millionths, -1 where there is none.
        named: what stands beside them of their currency, as an index into `money.NAMED`.
    """

    texts: pa.StringArray
    places: NDArray[np.intp]
    micro: NDArray[np.int64]
    named: NDArray[np.uint8]

    def written(self, records: NDArray[np.intp] | slice = slice(None)) -> pa.StringArray:
        """Give the amounts of some records as they are written."""
        return self.texts.take(number_column(self.places[records]))


def read_amounts(spec: AmountSpec, accounts: Accounts, pairs: NDArray[np.bool_] | None = None) -> Money:
    """Read the amounts of the rows, and mark what is wrong with them."""
    if not isinstance(spec, PriceColumn):
        return same_money(spec, len(accounts.rows))
    money = read_money_column(accounts.text(spec.column), spec.decimal)
    accounts.mark(spec.column, money.codes, pairs)
    return money


def amounts_of(spec: AmountSpec, accounts: Accounts, records: NDArray[np.bool_] | None = None) -> Amounts:
    """Read the amounts of records that are one to a row; what is wrong is marked for all `records`, None: for all."""
    money = read_amounts(spec, accounts, records)
    return Amounts(money.texts, money.places, money.micro, money.named)


def read_currencies(
    spec: CurrencyColumn | str,
    accounts: Accounts,
    default: int,
    priced: NDArray[np.bool_],
    pairs: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Read the currencies of the rows, as indices into `CURRENCIES`, and mark what is wrong with them.

    Args:
        spec: a code, or the column.
        accounts: the rows.
        default: what an empty cell means.
        priced: for each record whether it has a price, for which the currency matters.
        pairs: the records for which this spec is read, None: all.
    """
    if not isinstance(spec, CurrencyColumn):
        return np.full(len(accounts.rows), CURRENCIES.index(spec), np.int64)
    indices, texts = accounts.block.categories(spec.column)
    read = [read_currency(text, spec.values) for text in texts] or [(None, Code.NONE)]
    numbers = np.array([default if number is None else number for number, _ in read], np.int64)
    codes = np.array([code for _, code in read], np.uint8)
    empty = np.array([number is None and code is Code.NONE for number, code in read])
    of_row = indices[accounts.rows]
    accounts.mark(spec.column, codes[of_row], pairs)
    unpriced = empty[of_row] * np.uint8(Code.PRICE_WITHOUT_CURRENCY)
    accounts.mark(spec.column, unpriced, priced if pairs is None else priced & pairs)
    return numbers[of_row]


def mark_other_currencies(
    specs: Sequence[tuple[AmountSpec, NDArray[np.bool_] | None]],
    accounts: Accounts,
    named: NDArray[np.uint8],
    currencies: NDArray[np.int64],
) -> None:
    """Refuse amounts beside which another currency stands than the one that they would be sent in.

    Args:
        specs: where amounts come from, and the records for which each is read (None: all).
        accounts: the rows.
        named: what stands beside each record's amount, as an index into `money.NAMED`.
        currencies: what it would be sent in, as an index into `CURRENCIES`.
    """
    other = ~agreement()[named, currencies]
    if not other.any():
        return
    codes = np.full(len(accounts.rows), Code.BAD_CURRENCY, np.uint8)
    for spec, pairs in specs:
        if isinstance(spec, PriceColumn):
            accounts.mark(spec.column, codes, other if pairs is None else other & pairs)


def currency_texts(currencies: NDArray[np.int64]) -> pa.StringArray:
    """Give currencies as their codes."""
    return text_column(CURRENCIES).take(number_column(currencies))
