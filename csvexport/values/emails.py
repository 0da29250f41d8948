"""E-mail addresses: Latin letters in lower case, nothing around them ([md5]), a domain as the name system knows it."""

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from csvexport.columns import lengths, mask, mask_column, text_scalar
from csvexport.issues import Code
from csvexport.values.cells import BLANKS, trim, without_shell
from csvexport.values.lists import Recognised, parts

_LONGEST: Final = 254
"""Characters of the longest address that mail can be sent to (RFC 5321)."""
_LONGEST_LOCAL: Final = 64
"""Characters before the @ (RFC 5321)."""

_QUOTED_NAME: Final = re.compile(rf'"[^"]*"[{BLANKS}]*(?=<)')
# Before the @ both are letters like others; no domain has them.
_BAR_AFTER_DOMAIN: Final = re.compile(r"(@[^@/|]*)[/|]")
_NAMED: Final = re.compile(r"[^<>]*+<([^<>]*+)>")
_LINK: Final = re.compile(r"mailto:([^?]*)(?:\?.*)?", re.IGNORECASE)
_BLANKS: Final = re.compile(rf"[{BLANKS}]+")
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN: Final = re.compile(r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-|[0-9]+\Z)[a-z0-9-]{2,63}(?<!-)")
_TWO_SCRIPTS: Final = re.compile(r"[A-Za-z][^.]*[\u0400-\u04ff]|[\u0400-\u04ff][^.]*[A-Za-z]")

# Plain addresses, none of whose parts can be too long.
_CANONICAL: Final = r"^[a-z0-9_%+-]+(?:\.[a-z0-9_%+-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$"
_LONGEST_CANONICAL: Final = 64


def read_email_cell(text: str) -> tuple[tuple[str, ...], Code]:
    """The reference: the addresses in a cell.

    Several stand between the marks of `lists.parts`, behind a domain also slashes or bars; blanks separate them only
    where nothing but addresses stands between. `mailto:`, a name before `<…>` and the dot that ends a domain are
    dropped, and a domain that is not ASCII is written as IDNA does (UTS 46). Letters other than Latin ones before the
    @, or among the Latin ones of a part of the domain, are refused: no hash of such an address ever matches.

    Args:
        text: the cell. Blanks around it, a spreadsheet's leading apostrophe and its `="…"` shell do not count.

    Returns:
        The distinct addresses in their order, with `BAD_EMAIL` where something else is in the cell too.
    """
    cell = _BAR_AFTER_DOMAIN.sub(r"\1,", _QUOTED_NAME.sub("", without_shell(text)))
    found = [_addresses(part) for part in parts(cell)]
    distinct = dict.fromkeys(address for part in found for address in part)
    return tuple(distinct), Code.NONE if all(found) else Code.BAD_EMAIL


def _addresses(part: str) -> tuple[str, ...]:
    """The addresses in a part; none if anything in it is none."""
    named = _NAMED.fullmatch(part)
    read = tuple(_address(spelling) for spelling in _BLANKS.split(trim(named[1]) if named else part))
    return read if all(read) else ()


def _address(spelling: str) -> str:
    link = _LINK.fullmatch(spelling)
    local, _, domain = (link[1] if link else spelling).rpartition("@")
    if len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        return ""
    domain = _ascii_domain(domain.removesuffix("."))
    address = f"{local}@{domain}".lower()
    return address if len(address) <= _LONGEST and _DOMAIN.fullmatch(domain) else ""


def _ascii_domain(domain: str) -> str:
    """A domain in lower case as the name system knows it; the empty text if it cannot be one."""
    if domain.isascii():
        return domain.lower()
    if len(domain) > _LONGEST or _TWO_SCRIPTS.search(domain):
        return ""
    import idna  # noqa: PLC0415 - slow to import, and hardly a build has such domains

    try:
        return idna.encode(domain, uts46=True).decode()
    except UnicodeError:
        return ""


def recognise_emails(column: pa.StringArray) -> Recognised:
    """The kernel: one plain address in a cell, in either case.

    Args:
        column: text without nulls.
    """
    lower = pc.ascii_lower(pc.utf8_trim(column, characters=BLANKS))
    known = mask(pc.match_substring_regex(lower, _CANONICAL)) & (lengths(lower) <= _LONGEST_CANONICAL)
    known |= lengths(lower) == 0
    others = np.flatnonzero(~known)
    texts = pc.if_else(mask_column(known), lower, text_scalar("")) if len(others) else lower
    return Recognised(texts, np.zeros(len(column), np.uint8), others)
