"""Currencies: ISO 4217 codes."""

from collections.abc import Mapping

from csvexport.issues import Code
from csvexport.profile import currency_codes

# Every code, sorted; columns of currencies hold indices into it.
CURRENCIES = currency_codes()

_NUMBERS = {code: number for number, code in enumerate(CURRENCIES)}


def read_currency(text: str, values: Mapping[str, str]) -> tuple[int | None, Code]:
    """Read a cell.

    Args:
        text: the cell.
        values: the source's own spellings, compared trimmed and without regard to case, and the codes that they mean.

    Returns:
        An index into `CURRENCIES` (None for an empty cell, or for what is no code: `bad-currency`), and the issue.
    """
    trimmed = text.strip()
    meant = {spelling.strip().casefold(): code for spelling, code in values.items()}
    code = meant.get(trimmed.casefold(), trimmed.upper())
    if not code:
        return None, Code.NONE
    number = _NUMBERS.get(code)
    return number, Code.NONE if number is not None else Code.BAD_CURRENCY
