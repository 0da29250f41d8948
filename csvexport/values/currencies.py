"""Currencies: ISO 4217 codes."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from csvexport.issues import Code
from csvexport.profile import currency_codes
from csvexport.values.cells import trim
from csvexport.values.money import NAMED

# Every code, sorted; columns of currencies hold indices into it.
CURRENCIES = currency_codes()

# The same codes as numbers that no new currency changes: their letters.
LETTERS = np.array([int.from_bytes(code.encode(), "big") for code in CURRENCIES], np.uint64)

_NUMBERS = {code: number for number, code in enumerate(CURRENCIES)}


DOLLARS = frozenset(
    "AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD USD XCD".split()  # noqa: SIM905
)


@cache
def agreement() -> NDArray[np.bool_]:
    """Tell which currencies may be meant by what an amount says of its own: bool, shape (`NAMED`, `CURRENCIES`)."""
    return np.array(
        [[named in {"", code} or (named == "$" and code in DOLLARS) for code in CURRENCIES] for named in NAMED],
        np.bool_,
    )


def read_currency(text: str, values: Mapping[str, str]) -> tuple[int | None, Code]:
    """Read a cell.

    Args:
        text: the cell.
        values: the source's own spellings, compared trimmed and without regard to case, and the codes that they mean.

    Returns:
        An index into `CURRENCIES` (None for an empty cell, or for what is no code: `bad-currency`), and the issue.
    """
    trimmed = trim(text)
    meant = {trim(spelling).casefold(): code for spelling, code in values.items()}
    code = meant.get(trimmed.casefold(), trimmed.upper())
    if not code:
        return None, Code.NONE
    number = _NUMBERS.get(code)
    return number, Code.NONE if number is not None else Code.BAD_CURRENCY
