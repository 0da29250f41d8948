"""Which column holds what, by its name and its texts together.

The texts win where the name lies, the name decides where the texts could be several things, and else nothing is said.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from csvexport.findings import DATES, Role
from csvexport.inspection.contents import SAMPLE, Content, IdKind, id_kinds
from csvexport.values.identifiers import Rule

MOST: Final = 0.9
"""The share of texts that must be of a kind when the name says nothing."""

HALF: Final = 0.5
"""The share that is enough when the name agrees."""

FEWEST: Final = 3
"""Fewer different texts prove nothing by themselves."""

MOST_STATUSES: Final = 100
"""A column with more different texts is no list of statuses."""

MOST_CURRENCIES: Final = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a column holds.

    Attributes:
        role: its role, None if nothing tells.
        reason: why; a clause.
        alarm: what is wrong with its texts, a sentence; empty if nothing is.
    """

    role: Role | None
    reason: str
    alarm: str = ""


def judge(named: Role | None, by: str, texts: tuple[str, ...], content: Content, *, counted: bool) -> Verdict:
    """Say what a column holds.

    Args:
        named: the role that its name promises, None for none.
        by: who says so: "its name", or the CRM.
        texts: its different texts, without blank ones.
        content: the same, to be judged.
        counted: whether those are all.
    """
    if not texts:
        return Verdict(named, f"by {by}; it is empty" if named else "it is empty")
    if named in {Role.CLIENT_ID, Role.YCLID}:
        return _identifier(named, by, texts)
    if named is None or named in _WEAK or not _FITS[named](content, len(texts) if counted else None):
        found = _by_content(content)
        if found is not None and found.role is not named:
            return found
        if named is not None and named not in _WEAK:
            return Verdict(None, f"{by} says {named}, but its values do not")
    return Verdict(named, f"by {by} and its values" if named not in _WEAK else f"by {by}") if named else _UNKNOWN


_UNKNOWN: Final = Verdict(None, "neither its name nor its values tell")

# What any text could be, so that texts of a clear kind overrule the name.
_WEAK: Final = frozenset({Role.USER_ID, Role.ORDER, Role.CLIENT, Role.PERSON})

_Fits = Callable[[Content, int | None], bool]


def _is_time(content: Content, distinct: int | None) -> bool:  # noqa: ARG001 - as the others
    return content.times >= HALF or content.slashed >= HALF or content.unix_times >= MOST


def _is_list(content: Content, distinct: int | None) -> bool:
    return distinct is not None and distinct <= MOST_STATUSES and content.times < HALF and content.slashed < HALF


_FITS: Final[Mapping[Role, _Fits]] = {
    Role.EMAIL: lambda content, _: content.emails >= HALF,
    Role.PHONE: lambda content, _: content.phones >= HALF,
    Role.AMOUNT: lambda content, _: content.amounts >= HALF and content.times < HALF,
    Role.CURRENCY: lambda content, distinct: (distinct or SAMPLE) <= MOST_CURRENCIES and content.times < HALF,
    Role.STATUS: _is_list,
    Role.PIPELINE: _is_list,
} | dict.fromkeys(DATES, _is_time)


def _by_content(content: Content) -> Verdict | None:
    if content.emails >= MOST:
        return Verdict(Role.EMAIL, "its values are e-mails")
    if content.client_ids >= MOST and len(content.texts) >= FEWEST:
        return Verdict(Role.CLIENT_ID, "its values begin with the moment of a visit, as Metrica's ClientIDs do")
    if content.phones >= MOST:
        return Verdict(Role.PHONE, "its values are phones")
    if content.times >= MOST or content.slashed >= MOST:
        return Verdict(Role.TIME, "its values are times")
    return None


def _identifier(named: Role, by: str, texts: tuple[str, ...]) -> Verdict:
    """Say whether a column that is called after an identifier of Metrica holds it."""
    kinds = id_kinds(texts, Rule.YCLID if named is Role.YCLID else Rule.NUMBER)
    numbers = sum(kinds[kind] for kind in ("good", "short", "rounded", "suspicious"))
    if numbers < len(texts) * HALF:
        whose = "Yahoo! Japan's" if kinds["foreign"] else "no identifiers of Metrica"
        return Verdict(None, f"{by} says {named}, but its values are {whose}")
    if kinds["short"] > numbers * HALF:
        role = Role.CLIENT if named is Role.CLIENT_ID else None
        return Verdict(role, f"{by} says {named}, but its numbers are too short: they are the CRM's own")
    return Verdict(named, f"by {by} and its values", _damage(kinds, len(texts)))


def _damage(kinds: Mapping[IdKind, int], count: int) -> str:
    """Say how much of the identifiers a spreadsheet has cut off, in a sentence; empty if nothing."""
    # A single one may end in zeros by chance.
    zeros = kinds["suspicious"] if kinds["suspicious"] >= FEWEST else 0
    damaged = kinds["rounded"] + zeros
    if not damaged:
        return ""
    how = " and ".join(
        said for said, number in (("look like 1.7E+18", kinds["rounded"]), ("end in zeros", zeros)) if number
    )
    all_of = "Have the CRM write the column as text, and do not open the export in a spreadsheet."
    return f"{damaged:,} of {count:,} identifiers {how}: a spreadsheet rounded them. {all_of}"
