"""The kinds of files that Yandex takes, by their columns ([oc], [calls], [so], [ct], [od])."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from csvexport.formats import calls, conversions, orders
from csvexport.formats.files import LIMIT_BYTES
from csvexport.linting.catalogue import Fault
from csvexport.values.cells import trim


class Sort(Enum):
    """What the cells of a column hold."""

    FREE = auto()
    """Any text."""
    NUMBER_ID = auto()
    YCLID = auto()
    TEXT_ID = auto()
    NUMBER_IDS = auto()
    TEXT_IDS = auto()
    TARGET = auto()
    UNIX = auto()
    CREATED = auto()
    TIME = auto()
    BIRTH = auto()
    AMOUNT = auto()
    CURRENCY = auto()
    STATUS = auto()
    DEAL_STATUS = auto()
    CLIENT_TYPE = auto()
    PLATFORM = auto()
    FLAG = auto()
    SECONDS = auto()
    CALL_PHONE = auto()
    ADDRESS = auto()
    EMAILS = auto()
    PHONES = auto()
    HASHES = auto()
    GOALS = auto()


class Column(NamedTuple):
    """A column.

    Attributes:
        sort: what its cells hold.
        empty: what it is called if one of them is empty.
    """

    sort: Sort
    empty: Fault = Fault.NONE


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: as profiles and reports call it.
        columns: by their names.
        needed: columns that must be there.
        groups: groups of columns of which one must be there, and one filled in each row, else it is this fault.
        receivers: who takes the file, by its delimiter; the first one is that of a file with another.
        is_open: whether columns of any other name may be there.
    """

    name: str
    columns: Mapping[str, Column]
    needed: tuple[str, ...]
    groups: tuple[tuple[tuple[str, ...], Fault], ...]
    receivers: Mapping[str, str]
    is_open: bool = False

    def limit(self, delimiter: str) -> int:
        """How many bytes its receiver takes at most."""
        return orders.PICKUP_LIMIT_BYTES if self.is_for_conversion_center(delimiter) else LIMIT_BYTES

    def is_for_conversion_center(self, delimiter: str) -> bool:
        """Whether Direct's Conversion Center is its receiver."""
        return self.name == orders.KIND and delimiter == orders.CONVERSION_CENTER

    def right_delimiter(self, delimiter: str, columns: Iterable[str]) -> str:
        """The delimiter that a file of these columns should have: its own if its receiver takes that."""
        if delimiter in self.receivers:
            return delimiter
        if self.name == orders.KIND and not API_ONLY.isdisjoint(columns):
            return ","
        return next(iter(self.receivers))


API_ONLY: Final = frozenset({"goals", "currency"})
"""Columns of orders that the Conversion Center does not know ([so])."""

EVENT_IDENTIFIERS: Final = conversions.IDENTIFIERS
"""The columns of conversions, calls and chats that may name the visitor."""

STATIC: Final = "StaticCall"
"""The column that tells calls which join no visit, and so need no identifier."""

CONTACTS: Final = ("client_ids", "emails", "phones", "emails_md5", "phones_md5")
CHAT_CONTACTS: Final = ("ChatUsername", "ChatUserID", "PhoneNumber")

_IDENTIFIERS: Final = {
    "UserId": Column(Sort.TEXT_ID),
    "ClientId": Column(Sort.NUMBER_ID),
    "Yclid": Column(Sort.YCLID),
    "PurchaseId": Column(Sort.TEXT_ID),
}
_UNIX: Final = {"DateTime": Column(Sort.UNIX, Fault.EMPTY_TIME)}
_PRICE: Final = {"Price": Column(Sort.AMOUNT), "Currency": Column(Sort.CURRENCY)}
_PEOPLE: Final = {
    "client_ids": Column(Sort.NUMBER_IDS),
    "emails": Column(Sort.EMAILS),
    "phones": Column(Sort.PHONES),
    "emails_md5": Column(Sort.HASHES),
    "phones_md5": Column(Sort.HASHES),
}
_AMOUNTS: Final = {"revenue": Column(Sort.AMOUNT), "cost": Column(Sort.AMOUNT)}
_GOALS: Final = {"goals": Column(Sort.GOALS), "currency": Column(Sort.CURRENCY)}

_WEB: Final = {",": "Metrica, by its upload form or its API"}
_API: Final = {",": "Metrica, by its API"}
_CRM_API: Final = {",": "Metrica, by its CRM API", ";": "Metrica, by its CRM API"}

CONVERSIONS: Final = Kind(
    conversions.KIND,
    _IDENTIFIERS | {"Target": Column(Sort.TARGET, Fault.MISSING_VALUE)} | _UNIX | _PRICE,
    ("Target", "DateTime"),
    ((conversions.IDENTIFIERS, Fault.NO_IDENTIFIER),),
    _WEB,
)
CALLS: Final = Kind(
    calls.KIND,
    {name: _IDENTIFIERS[name] for name in calls.IDENTIFIERS}
    | _UNIX
    | {STATIC: Column(Sort.FLAG)}
    | _PRICE
    | {
        "PhoneNumber": Column(Sort.CALL_PHONE),
        "TalkDuration": Column(Sort.SECONDS),
        "HoldDuration": Column(Sort.SECONDS),
        "CallMissed": Column(Sort.FLAG),
        "Tag": Column(Sort.FREE),
        "FirstTimeCaller": Column(Sort.FLAG),
        "URL": Column(Sort.ADDRESS),
        "CallTrackerURL": Column(Sort.ADDRESS),
    },
    ("DateTime",),
    ((calls.IDENTIFIERS, Fault.NO_IDENTIFIER),),
    _API,
)
# What the optional columns of chats are called is not known.
CHATS: Final = Kind(
    "chats",
    _IDENTIFIERS
    | _UNIX
    | {
        "ChatPlatform": Column(Sort.PLATFORM, Fault.MISSING_VALUE),
        "ChatUsername": Column(Sort.FREE),
        "ChatUserID": Column(Sort.FREE),
        "PhoneNumber": Column(Sort.CALL_PHONE),
    },
    ("DateTime", "ChatPlatform"),
    ((conversions.IDENTIFIERS, Fault.NO_IDENTIFIER), (CHAT_CONTACTS, Fault.NO_CONTACT)),
    _API,
    is_open=True,
)
ORDERS: Final = Kind(
    orders.KIND,
    {
        "id": Column(Sort.TEXT_ID, Fault.NO_ORDER_ID),
        "create_date_time": Column(Sort.CREATED, Fault.EMPTY_TIME),
        "client_uniq_id": Column(Sort.TEXT_ID),
    }
    | _PEOPLE
    | {"order_status": Column(Sort.STATUS, Fault.EMPTY_STATUS)}
    | _AMOUNTS
    | _GOALS,
    ("create_date_time",),
    ((CONTACTS, Fault.NO_CONTACT),),
    {";": "the Conversion Center of Yandex Direct", ",": "Metrica, by its CRM API (simple orders)"},
)
CONTACT_CARDS: Final = Kind(
    "contacts",
    {
        "uniq_id": Column(Sort.TEXT_ID, Fault.MISSING_VALUE),
        "name": Column(Sort.FREE),
        "create_date_time": Column(Sort.CREATED),
        "update_date_time": Column(Sort.TIME),
        "birth_date": Column(Sort.BIRTH),
        "user_ids": Column(Sort.TEXT_IDS),
    }
    | _PEOPLE,
    ("uniq_id",),
    (),
    _CRM_API,
    is_open=True,
)
DEALS: Final = Kind(
    "deals",
    {
        "id": Column(Sort.TEXT_ID, Fault.MISSING_VALUE),
        "client_uniq_id": Column(Sort.TEXT_ID, Fault.NO_CLIENT),
        "client_type": Column(Sort.CLIENT_TYPE, Fault.MISSING_VALUE),
        "create_date_time": Column(Sort.CREATED, Fault.EMPTY_TIME),
        "order_status": Column(Sort.DEAL_STATUS, Fault.MISSING_VALUE),
        "update_date_time": Column(Sort.TIME),
        "finish_date_time": Column(Sort.TIME),
        "products": Column(Sort.FREE),
    }
    | _AMOUNTS
    | _GOALS,
    ("id", "client_uniq_id", "client_type", "create_date_time", "order_status"),
    (),
    _CRM_API,
    is_open=True,
)

KINDS: Final = (CONVERSIONS, CALLS, CHATS, ORDERS, DEALS, CONTACT_CARDS)
"""In the order in which one wins that has as many of a header's columns as another."""

KNOWN: Final = frozenset(name for kind in KINDS for name in kind.columns)
"""The columns of all kinds."""

_ANYBODYS: Final = frozenset(
    {"id", "name", "currency", "cost", "revenue", "goals", "products", "phones", "emails", "price", "tag", "url"}
)
"""Names, folded, that other files have as well."""


def fold(name: str) -> str:
    """A column's name without what `header-case` forgives."""
    return trim(name).casefold()


def recognise(names: Iterable[str]) -> Kind | None:
    """Tell the kind of a file by its header: the one with most of the columns; None if it is none of Yandex's.

    A single column of many says nothing: a CRM's own export may well have a `yclid`.
    """
    folded = frozenset(map(fold, names))
    found = [len(folded.intersection(map(fold, kind.columns))) for kind in KINDS]
    most = max(found)
    telling = folded.intersection(map(fold, KNOWN)) - _ANYBODYS
    return KINDS[found.index(most)] if telling and (most > 1 or len(folded) == 1) else None
