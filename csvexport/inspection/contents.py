"""What the texts of a column look like, whatever the column is called; the references of `values` judge each text."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from csvexport.issues import Code
from csvexport.profile import currency_codes
from csvexport.profile.readers import CURRENCY_HABITS
from csvexport.values.identifiers import Rule, read_identifier
from csvexport.values.money import DecimalMark, read_money
from csvexport.values.times import TimeRule, read_time

SAMPLE: Final = 200
"""How many different texts are judged."""

SHORTEST_ID: Final = 14
"""Digits of the shortest ClientId or yclid in use; a CRM's own numbers are shorter."""

_PHONE: Final = re.compile(r"(?:\+|8|7)[ (-]*[0-9](?:[ ()-]*[0-9]){9,13}")
_EMAIL: Final = re.compile(r"[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]+")
_UNIX: Final = re.compile(r"[0-9]{9,13}")

# A ClientId is the moment of the first visit in Unix seconds, from 2009 on, and random digits.
_CLIENT_ID: Final = re.compile(r"(?:1[2-9]|2[0-2])[0-9]{14,18}")

_SLASHED: Final = re.compile(
    r"(?:[0-9]{1,2}(?P<mark>[/-])[0-9]{1,2}(?P=mark)(?P<year>[0-9]{4}|[0-9]{2})|(?P<first>[0-9]{4})/[0-9]{1,2}/[0-9]{1,2})"
    r"(?P<time>(?P<blank>,? |T)[0-9]{1,2}:[0-9]{2}(?P<second>:[0-9]{2})?(?P<half> ?[AaPp][Mm])?)?"
)

_ANY: Final = TimeRule("UTC")


@dataclass(frozen=True)
class Content:
    """Some different texts of a column, none of them blank.

    Attributes:
        texts: the texts.
        day_first: whether a slashed date anywhere in the column must begin with the day.
        month_first: whether one must begin with the month.
    """

    texts: tuple[str, ...]
    day_first: bool = False
    month_first: bool = False

    @cached_property
    def _sample(self) -> tuple[str, ...]:
        step = max(1, len(self.texts) // SAMPLE)
        return self.texts[::step][:SAMPLE]

    def share(self, is_one: Callable[[str], bool]) -> float:
        """The share of the texts that are such; 0.0 if there are none."""
        return sum(map(is_one, self._sample)) / len(self._sample) if self._sample else 0.0

    @cached_property
    def emails(self) -> float:
        """The share of e-mails."""
        return self.share(lambda text: bool(_EMAIL.fullmatch(text)))

    @cached_property
    def phones(self) -> float:
        """The share of phones."""
        return self.share(lambda text: bool(_PHONE.fullmatch(text.lstrip("'"))))

    @cached_property
    def client_ids(self) -> float:
        """The share of what can only be a ClientId: it begins with the moment of a visit."""
        return self.share(lambda text: bool(_CLIENT_ID.fullmatch(text.lstrip("'"))))

    @cached_property
    def times(self) -> float:
        """The share of times that need no format and are not bare numbers."""
        return self.share(lambda text: not _UNIX.fullmatch(text) and read_time(text, _ANY)[0] is not None)

    @cached_property
    def unix_times(self) -> float:
        """The share of what may be Unix time, or any other number of that length."""
        return self.share(lambda text: bool(_UNIX.fullmatch(text)) and read_time(text, _ANY)[0] is not None)

    @cached_property
    def slashed(self) -> float:
        """The share of times that need a format."""
        return self.share(lambda text: bool(_SLASHED.fullmatch(text)))

    @cached_property
    def amounts(self) -> float:
        """The share of amounts, also of those that can be read in two ways."""
        return self.share(lambda text: any(_is_amount(text, mark) for mark in (None, ",", ".")))

    @cached_property
    def currencies(self) -> float:
        """The share of texts that name a currency."""
        return self.share(lambda text: currency_of(text) is not None)

    def decimal(self) -> tuple[DecimalMark | None, bool]:
        """The decimal mark of amounts, if they need one and only one fits, and whether most need one and several would.

        Where few need one it is left to the person who meets them.
        """
        unclear = [text for text in self._sample if not _is_amount(text, None) and _is_amount(text, ",")]
        if not unclear:
            return None, False
        amounts = [text for text in self._sample if _is_amount(text, ",") or _is_amount(text, ".")]
        marks: tuple[DecimalMark, ...] = (",", ".")
        fitting = [mark for mark in marks if all(_is_amount(text, mark) for text in amounts)]
        return (fitting[0], False) if len(fitting) == 1 else (None, 2 * len(unclear) > len(amounts))

    def formats(self, known: Collection[str]) -> tuple[str, ...]:
        """The formats that slashed times may have; one only where the values, or what is known of the CRM, prove it.

        Args:
            known: formats that the CRM is known to write.
        """
        shapes = [match for text in self._sample if (match := _SLASHED.fullmatch(text))]
        if not shapes:
            return ()
        clock = _clock(shapes[0])
        dates = _dates(shapes[0], day_first=self.day_first, month_first=self.month_first)
        found = [date + clock for date in dates]
        certain = [form for form in found if form in known]
        return tuple(form for form in certain or found if self.share(_reads(form)) >= self.slashed / 2)


def _reads(form: str) -> Callable[[str], bool]:
    rule = TimeRule("UTC", form)
    return lambda text: read_time(text, rule)[0] is not None


def _clock(shape: re.Match[str]) -> str:
    if not shape["time"]:
        return ""
    seconds = ":%S" if shape["second"] else ""
    half = " %p" if (shape["half"] or "").startswith(" ") else "%p"
    return shape["blank"] + (f"%I:%M{seconds}{half}" if shape["half"] else f"%H:%M{seconds}")


def _dates(shape: re.Match[str], *, day_first: bool, month_first: bool) -> list[str]:
    """The orders that a date may have; none where some values prove the one and some the other."""
    if shape["first"]:
        return ["%Y/%m/%d"]
    mark, year = shape["mark"], "%Y" if len(shape["year"]) == len("yyyy") else "%y"
    orders = {f"%d{mark}%m{mark}{year}": not month_first, f"%m{mark}%d{mark}{year}": not day_first}
    return [order for order, may_be in orders.items() if may_be]


def _is_amount(text: str, mark: DecimalMark | None) -> bool:
    amount, code = read_money(text, mark)
    return amount is not None or code is Code.NEGATIVE_PRICE


def currency_of(text: str) -> str | None:
    """The ISO 4217 code that a text means: `RUB` of "rub", "руб." and "₽"; None if that is not certain."""
    capitals = text.strip().rstrip(".").upper()
    code = CURRENCY_HABITS.get(capitals, capitals)
    return code if code in currency_codes() else None


IdKind = Literal["good", "short", "rounded", "suspicious", "foreign", "bad"]


def id_kinds(texts: Collection[str], rule: Rule) -> dict[IdKind, int]:
    """How many of the texts are good identifiers of Metrica, and how many are something else, by what they are."""
    found: dict[IdKind, int] = dict.fromkeys(("good", "short", "rounded", "suspicious", "foreign", "bad"), 0)
    for text in texts:
        found[_id_kind(text, rule)] += 1
    return found


def _id_kind(text: str, rule: Rule) -> IdKind:
    identifier, code = read_identifier(text, rule)
    kinds: dict[Code, IdKind] = {
        Code.ROUNDED_IDENTIFIER: "rounded",
        Code.SUSPICIOUS_IDENTIFIER: "suspicious",
        Code.FOREIGN_YCLID: "foreign",
        Code.NONE: "good" if len(identifier) >= SHORTEST_ID else "short",
    }
    return kinds.get(code, "bad")
