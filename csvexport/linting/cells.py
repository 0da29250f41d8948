"""Cells as Yandex reads them: for each sort of column a reference, text to fault, and what is faultless at a glance.

Nothing is trimmed or tidied here as it is in a CRM's export: what stands in the cell is what Yandex gets.
"""

import re
from collections.abc import Callable, Collection
from hashlib import md5
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import distinct_texts, lengths, mask
from csvexport.formats import orders
from csvexport.issues import Code
from csvexport.linting.catalogue import Fault
from csvexport.linting.kinds import Sort
from csvexport.linting.moments import read_birth
from csvexport.profile.readers import TARGET
from csvexport.values.cells import trim
from csvexport.values.currencies import CURRENCIES
from csvexport.values.identifiers import Identifiers, Rule, read_identifier, read_identifiers
from csvexport.values.money import MAXIMUM

Reference = Callable[[str], Fault]
"""What is wrong with a cell; nothing if it is empty, since only the column knows what that means."""

PLATFORMS: Final = frozenset({"whatsapp", "telegram", "viber"})

_AMOUNT: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NEAR_STATUSES: Final = frozenset({"paid", "inprogress", "cancelled", "canceled", "spam"})
_DEAL_STATUS: Final = re.compile(r"[A-Za-z0-9_:-]{1,255}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_CALL_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_ADDRESS: Final = re.compile(r"[^\s.]+\.\S+")
_PHONE: Final = re.compile(r"[1-9][0-9]{6,14}")
# Of eleven digits: Russian mobile, regional and free numbers with the 8 of calls at home; no country code begins so.
_AT_HOME: Final = re.compile(r"8[389][0-9]{9}|9[0-9]{9}")
_EMAIL: Final = re.compile(r"[!#-'*+./0-9=?A-Z^_`a-z{|}~-]{1,64}@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*")
_HASH: Final = re.compile(r"[0-9A-Fa-f]{32}")
_PHONE_LIKE: Final = re.compile(r"\+?[0-9][0-9 ()-]{5,18}[0-9]")
_APART: Final = re.compile(r"[\s,;|/]+")
_ALLOWED: Final = frozenset({Fault.NONE, Fault.SUSPICIOUS_IDENTIFIER})

HASHED_NOTHING: Final = md5(b"", usedforsecurity=False).hexdigest()
"""What programs write that hash the empty cell."""

_IDENTIFIER_FAULTS: Final = {
    Code.NONE: Fault.NONE,
    Code.NO_IDENTIFIER: Fault.NONE,
    Code.BAD_IDENTIFIER: Fault.BAD_IDENTIFIER,
    Code.ROUNDED_IDENTIFIER: Fault.ROUNDED_IDENTIFIER,
    Code.FOREIGN_YCLID: Fault.FOREIGN_YCLID,
    Code.SUSPICIOUS_IDENTIFIER: Fault.SUSPICIOUS_IDENTIFIER,
}
_BY_CODE: Final = np.array([_IDENTIFIER_FAULTS.get(code, Fault.NONE) for code in Code], np.uint8)


def read_id(text: str, rule: Rule) -> Fault:
    """The reference of an identifier: as in an export, but with nothing around it."""
    identifier, code = read_identifier(text, rule)
    fault = _IDENTIFIER_FAULTS[code]
    if code in {Code.NONE, Code.SUSPICIOUS_IDENTIFIER, Code.NO_IDENTIFIER} and identifier != text:
        return Fault.STRAY_BLANKS if rule is Rule.TEXT or not identifier else Fault.BAD_IDENTIFIER
    return fault


class Ids(NamedTuple):
    """What a column of identifiers reads as.

    Attributes:
        read: the identifiers.
        codes: `Fault` of each row, uint8.
    """

    read: Identifiers
    codes: NDArray[np.uint8]

    @property
    def good(self) -> NDArray[np.bool_]:
        """The rows with an identifier that Metrica can take."""
        faultless: NDArray[np.bool_] = (self.codes == Fault.NONE) | (self.codes == Fault.SUSPICIOUS_IDENTIFIER)
        faultless &= lengths(self.read.text) > 0
        return faultless


def read_ids(column: pa.StringArray, rule: Rule) -> Ids:
    """The kernel: `read_id` over a column."""
    read = read_identifiers(column, rule)
    codes = _BY_CODE[read.codes]
    accepted = (codes == Fault.NONE) | (codes == Fault.SUSPICIOUS_IDENTIFIER)
    # Whatever the reading removes makes the cell shorter.
    stripped = accepted & (lengths(read.text) < lengths(column))
    emptied = stripped & (lengths(read.text) == 0)
    codes[stripped] = Fault.STRAY_BLANKS if rule is Rule.TEXT else Fault.BAD_IDENTIFIER
    codes[emptied] = Fault.STRAY_BLANKS
    return Ids(read, codes)


def read_target(text: str) -> Fault:
    """The reference of `Target`: the identifier of a JavaScript-event goal ([oc])."""
    if text and trim(text) != text:
        return Fault.STRAY_BLANKS
    if text.isascii() and text.isdecimal():
        return Fault.NUMERIC_TARGET
    return Fault.NONE if not text or re.fullmatch(TARGET, text) else Fault.BAD_TARGET


def read_amount(text: str) -> Fault:
    """The reference of amounts: digits and a dot ([oc], [so]), within what Yandex takes ([cc])."""
    if not text:
        return Fault.NONE
    if not _AMOUNT.fullmatch(text):
        return Fault.BAD_PRICE
    digits = text.lstrip("-0").partition(".")[0]
    if text.startswith("-") and text.strip("-0."):
        return Fault.NEGATIVE_PRICE
    # A number of so many digits is not worth computing.
    is_large = len(digits) > len(str(MAXIMUM)) or int(digits or "0") > MAXIMUM
    beyond = digits == str(MAXIMUM) and text.partition(".")[2].strip("0")
    return Fault.PRICE_TOO_LARGE if is_large or beyond else Fault.NONE


def read_currency_code(text: str) -> Fault:
    """The reference of currencies: a code of ISO 4217, in capitals."""
    if not text or text in CURRENCIES:
        return Fault.NONE
    return Fault.STRAY_BLANKS if trim(text) in CURRENCIES else Fault.BAD_CURRENCY


def read_status(text: str) -> Fault:
    """The reference of the status of a simple order: one of four words, or the identifier of a goal ([so])."""
    if not text or text in orders.STATUSES:
        return Fault.NONE
    if trim(text) != text:
        return Fault.STRAY_BLANKS
    is_near = re.sub(r"[\W_]", "", text.casefold()) in _NEAR_STATUSES
    if is_near or text == "OTHER" or not re.fullmatch(TARGET, text):
        return Fault.BAD_STATUS
    return Fault.SUSPICIOUS_STATUS if text.isdecimal() or not text.isascii() else Fault.NONE


def read_deal_status(text: str) -> Fault:
    """The reference of the status of a deal: the identifier of a mapped status ([st])."""
    return Fault.NONE if not text or _DEAL_STATUS.fullmatch(text) else Fault.BAD_STATUS


def read_phone(text: str) -> Fault:
    """The reference of one phone among others: digits with the country code ([md5])."""
    if _PHONE.fullmatch(text) and not _AT_HOME.fullmatch(text):
        return Fault.NONE
    return Fault.MISPLACED_CONTACT if _HASH.fullmatch(text) or "@" in text else Fault.BAD_PHONE


def read_email(text: str) -> Fault:
    """The reference of one e-mail address among others."""
    if _EMAIL.fullmatch(text):
        return Fault.NONE
    return Fault.MISPLACED_CONTACT if _HASH.fullmatch(text) or _PHONE_LIKE.fullmatch(text) else Fault.BAD_EMAIL


def read_hash(text: str) -> Fault:
    """The reference of one MD5 among others ([md5])."""
    if _HASH.fullmatch(text) and text.lower() != HASHED_NOTHING:
        return Fault.NONE
    return Fault.MISPLACED_CONTACT if "@" in text or _PHONE_LIKE.fullmatch(text) else Fault.BAD_HASH


def read_goal(text: str) -> Fault:
    """The reference of one goal among others, with or without an amount of its own: `goal_a:200` ([so])."""
    name, colon, amount = text.rpartition(":")
    if colon and _AMOUNT.fullmatch(amount):
        return read_amount(amount) if re.fullmatch(TARGET, name) else Fault.BAD_VALUE
    return Fault.NONE if re.fullmatch(TARGET, text) else Fault.BAD_VALUE


def in_list(read: Reference) -> Reference:
    """Make the reference of a value that of a list: values joined by commas alone ([so])."""

    def read_list(text: str) -> Fault:
        faults = [read(value) if value else Fault.BAD_LIST for value in text.split(",")] if text else []
        errors = [fault for fault in faults if fault not in _ALLOWED]
        if not errors:
            return max(faults, default=Fault.NONE)
        apart = [value for value in _APART.split(text) if value]
        if apart and all(read(value) in _ALLOWED for value in apart):
            return Fault.BAD_LIST if len(apart) > 1 or "," in text else Fault.STRAY_BLANKS
        return next((fault for fault in errors if fault is not Fault.BAD_LIST), Fault.BAD_LIST)

    return read_list


def fits(pattern: str, fault: Fault = Fault.BAD_VALUE) -> Reference:
    """Make the reference of a column whose cells look like this."""
    form = re.compile(pattern)
    return lambda text: Fault.NONE if not text or form.fullmatch(text) else fault


def one_of(values: Collection[str]) -> Reference:
    """Make the reference of a column that takes these texts."""
    return lambda text: Fault.NONE if not text or text in values else Fault.BAD_VALUE


REFERENCES: Final[dict[Sort, Reference]] = {
    Sort.NUMBER_IDS: in_list(lambda text: read_id(text, Rule.NUMBER)),
    Sort.TEXT_IDS: in_list(lambda text: read_id(text, Rule.TEXT)),
    Sort.TARGET: read_target,
    Sort.BIRTH: read_birth,
    Sort.AMOUNT: read_amount,
    Sort.CURRENCY: read_currency_code,
    Sort.STATUS: read_status,
    Sort.DEAL_STATUS: read_deal_status,
    Sort.CLIENT_TYPE: one_of({"CONTACT"}),
    Sort.PLATFORM: one_of(PLATFORMS),
    Sort.FLAG: one_of({"0", "1"}),
    Sort.SECONDS: fits(_SECONDS.pattern),
    Sort.CALL_PHONE: fits(_CALL_PHONE.pattern, Fault.BAD_PHONE),
    Sort.ADDRESS: fits(_ADDRESS.pattern),
    Sort.EMAILS: in_list(read_email),
    Sort.PHONES: in_list(read_phone),
    Sort.HASHES: in_list(read_hash),
    Sort.GOALS: in_list(read_goal),
}
"""The references of the sorts that need no more than a look at each cell."""

CATEGORIES: Final = frozenset(
    {
        *(Sort.TARGET, Sort.CURRENCY, Sort.STATUS, Sort.DEAL_STATUS),
        *(Sort.CLIENT_TYPE, Sort.PLATFORM, Sort.FLAG, Sort.GOALS),
    }
)
"""The sorts of columns that hold few different texts, each of which the reference reads."""

# Behind the fifteenth digit another one than zero has to stand. Of twenty digits not every number is an identifier.
_TAIL: Final = "|".join(f"0{{{zeros}}}[1-9][0-9]{{0,{3 - zeros}}}" for zeros in range(4))
_ONE_ID: Final = f"[1-9][0-9]{{0,14}}|[1-9][0-9]{{14}}(?:{_TAIL})"
_ONE_EMAIL: Final = "[a-z0-9][a-z0-9._-]{0,62}@(?:[a-z0-9]+[.])+[a-z]+"
# That of nothing begins with d41.
_ONE_HASH: Final = "(?:[0-9a-ce-f][0-9a-f]|d[0-35-9a-f])[0-9a-f]{30}"
_ONE_PHONE: Final = "[1-7][0-9]{9,14}"


def _in_list(one: str) -> str:
    return f"^(?:{one})(?:,(?:{one}))*$"


CANONICAL: Final[dict[Sort, str]] = {
    Sort.NUMBER_IDS: _in_list(_ONE_ID),
    Sort.AMOUNT: r"^[0-9]{1,12}(?:\.[0-9]+)?$",
    Sort.SECONDS: "^[0-9]{1,9}$",
    Sort.CALL_PHONE: "^[+][1-9][0-9]{6,14}$",
    Sort.EMAILS: _in_list(_ONE_EMAIL),
    Sort.PHONES: _in_list(_ONE_PHONE),
    Sort.HASHES: _in_list(_ONE_HASH),
}
"""By sort the texts, as a regular expression of Arrow's, that the reference is known to find faultless."""


def judge_cells(column: pa.StringArray, sort: Sort) -> NDArray[np.uint8]:
    """The kernel: the reference of a sort over a column, each distinct text that is not canonical once.

    Args:
        column: text without nulls.
        sort: one of those in `REFERENCES`.

    Returns:
        `Fault` of each row, uint8.
    """
    codes = np.zeros(len(column), np.uint8)
    others = lengths(column) > 0
    if sort in CANONICAL and others.any():
        others &= ~mask(pc.match_substring_regex(column, CANONICAL[sort]))
    rows = np.flatnonzero(others)
    if len(rows):
        distinct, which = distinct_texts(column, rows)
        codes[rows] = np.array([REFERENCES[sort](text) for text in distinct], np.uint8)[which]
    return codes
