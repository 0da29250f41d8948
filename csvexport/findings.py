"""What an inspection of an export found: what the terminal's tables and the starter profile are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from csvexport.summary import SourceFacts


class Role(StrEnum):
    """What a column holds, as the terminal and the JSON document call it."""

    CLIENT_ID = "ClientId"
    YCLID = "Yclid"
    USER_ID = "UserId"
    CREATED = "created time"
    PAID = "paid time"
    TIME = "time"
    STATUS = "status"
    PIPELINE = "pipeline"
    AMOUNT = "amount"
    CURRENCY = "currency"
    ORDER = "order id"
    CLIENT = "client id"
    PHONE = "phone"
    EMAIL = "email"
    PERSON = "person"


DATES = frozenset({Role.PAID, Role.CREATED, Role.TIME})
"""The roles of columns that hold times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the export.

    Attributes:
        name: as the export calls it.
        role: what it holds; None where nothing tells.
        reason: why it has this role, or none; a clause without a full stop.
        alarm: what is wrong with all that it holds, such as rounded identifiers; empty if nothing is.
        filled: rows in which it is not blank.
        distinct: how many different texts it holds.
        is_counted: whether `distinct` and `values` are all of them; else counting stopped there.
        values: trimmed text to rows, in the order of the export; may be personal, so it is never shown as it is.
        examples: some of the texts, as they may be shown.
        needs_format: whether times are written so that they are not read without a format.
        format: the format, if the values prove it.
        formats: those that would fit where the values prove none.
        decimal: the decimal mark of amounts, if they need one and the values prove it.
        is_ambiguous: whether some amounts can be read in two ways and nothing proves which.
    """

    name: str
    role: Role | None
    reason: str
    alarm: str = ""
    filled: int
    distinct: int
    is_counted: bool
    values: Mapping[str, int]
    examples: tuple[str, ...]
    needs_format: bool = False
    format: str | None = None
    formats: tuple[str, ...] = ()
    decimal: Literal[",", "."] | None = None
    is_ambiguous: bool = False

    @property
    def is_nested(self) -> bool:
        """Whether it stands below another name in JSON or XML."""
        return re.search(r"\S\.\S", self.name) is not None

    @property
    def is_readable(self) -> bool:
        """Whether its times can be read without guessing."""
        return self.format is not None or not self.needs_format


@dataclass(frozen=True, slots=True)
class Status:
    """One text of the status column.

    Attributes:
        text: as the export writes it, trimmed.
        rows: how many rows have it.
        is_paid: whether it certainly means that the client paid.
        filled: column to those of the rows in which it is not blank.
    """

    text: str
    rows: int
    is_paid: bool
    filled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Crm:
    """The CRM that the export seems to come from.

    Attributes:
        title: its name.
        hint: where Metrica's ClientID comes from there.
    """

    title: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found.

    Attributes:
        sources: the files; a folder or an archive may hold several.
        rows: rows of all files that could be read.
        unreadable: records that could not.
        columns: those that every file has, in the order of the first.
        missing: columns that only some of the files have.
        crm: the CRM, if it was recognised.
        status: name of the status column, if there is one.
        statuses: its texts, the most frequent first; upper and lower case make no difference.
    """

    sources: tuple[SourceFacts, ...]
    rows: int
    unreadable: int
    columns: tuple[Column, ...]
    missing: tuple[str, ...]
    crm: Crm | None
    status: str | None
    statuses: tuple[Status, ...]

    def of(self, role: Role) -> tuple[Column, ...]:
        """The columns of a role that are not all blank, the fullest first.

        Of times and amounts the record's own come before those of what it belongs to, such as `customer.createdAt`.
        """
        found = [column for column in self.columns if column.role is role and column.filled]
        owned = DATES | {Role.AMOUNT}
        return tuple(sorted(found, key=lambda column: (role in owned and column.is_nested, -column.filled)))
