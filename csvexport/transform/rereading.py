"""What the lines of conversions and calls are known by, read back out of their files."""

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import mask_column, text_column
from csvexport.formats import calls, conversions
from csvexport.transform.duplicates import Keys, event_keys, seed, worth
from csvexport.transform.identities import RULES
from csvexport.values.currencies import CURRENCIES
from csvexport.values.identifiers import identifier_words
from csvexport.values.mixing import text_words
from csvexport.values.money import money_micro


def keys_of_lines(kind: str, columns: Mapping[str, pa.StringArray], counter: int | None) -> Keys:
    """Give the keys of events as they were made when the lines were written.

    Args:
        kind: `conversions` or `calls`.
        columns: the columns of the lines by their names, the first of which is the id type's; no nulls.
        counter: that the keys are made with.

    Raises:
        KeyError, ValueError: these are no such lines.
    """
    identifier = next(iter(columns))
    times = columns["DateTime"].cast(pa.int64()).to_numpy(zero_copy_only=False)
    texts = columns[identifier]
    named = np.array([bool(text) for text in texts.to_pylist()], np.bool_)
    low, high = np.zeros((2, len(texts)), np.uint64)
    low[named], high[named] = identifier_words(texts.filter(mask_column(named)), RULES[identifier])
    if not named.all():
        traits = calls.traits({name: column for name, column in columns.items() if name != identifier})
        low[~named], high[~named] = text_words(traits.filter(mask_column(~named)))
    return event_keys(low, high, times, _seeds(kind, identifier, columns, counter))


def _seeds(kind: str, identifier: str, columns: Mapping[str, pa.StringArray], counter: int | None) -> Keys:
    """Give the seed of each line."""
    common = (str(counter or ""), kind, identifier)
    if kind != conversions.KIND:
        return Keys(*(np.full(len(columns[identifier]), word, np.uint64) for word in seed(*common)))
    targets = columns["Target"].dictionary_encode()
    seeds = np.array([seed(*common, target) for target in targets.dictionary.to_pylist()], np.uint64).reshape(-1, 2)
    places = targets.indices.to_numpy(zero_copy_only=False)
    return Keys(*seeds[places].T.copy())


def worths_of_lines(columns: Mapping[str, pa.StringArray]) -> NDArray[np.uint64]:
    """Give what events are worth, as `duplicates.worth`.

    Raises:
        ValueError, ArithmeticError: an amount or a currency is none.
    """
    count = len(next(iter(columns.values())))
    nothing = text_column([""] * count)
    prices, currencies = columns.get("Price", nothing).to_pylist(), columns.get("Currency", nothing).to_pylist()
    micro = {price: money_micro(Decimal(price)) if price else -1 for price in set(prices)}
    places = {code: CURRENCIES.index(code or "RUB") for code in set(currencies)}
    return worth(
        np.array([micro[price] for price in prices], np.int64),
        np.array([places[code] for code in currencies], np.int16),
    )
