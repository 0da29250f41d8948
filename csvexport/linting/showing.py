"""How much of a file for Yandex may be seen: its identifiers and contacts are cut, whatever stands beside them."""

import re
from typing import Final

from csvexport.linting.kinds import Sort
from csvexport.masking import cut, masked, printable

LONGEST: Final = 40

# Of these an example shows the beginning only; a free text may be a person's name.
_PERSONAL: Final = frozenset(
    {
        *(Sort.FREE, Sort.NUMBER_ID, Sort.YCLID, Sort.TEXT_ID, Sort.NUMBER_IDS, Sort.TEXT_IDS),
        *(Sort.EMAILS, Sort.PHONES, Sort.HASHES, Sort.CALL_PHONE, Sort.BIRTH, Sort.ADDRESS),
    }
)


# Of these days, in seconds or milliseconds; no phone has ten digits and begins so.
_MOMENT: Final = re.compile(r"1[0-9]{9}(?:[0-9]{3})?")


def shown(cell: str, sort: Sort) -> str:
    """As much of a cell of this sort as may be seen, on one line."""
    if sort is Sort.UNIX and _MOMENT.fullmatch(cell):
        return cell
    return printable(cut(cell)) if sort in _PERSONAL else short(cell)


def short(text: str) -> str:
    """A text with its e-mails, phones and identifiers cut, on one line of bearable length."""
    plain = printable(masked(text))
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"
