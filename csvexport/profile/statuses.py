"""The statuses of orders and deals: what Metrica knows, and what the source's mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, TypeAdapter

from csvexport.profile import readers
from csvexport.profile.annotations import Targets, Text, texts
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError, listed, shown, written

DealType = Literal["IN_PROGRESS", "PAID", "CANCELLED", "SPAM", "OTHER"]

DEAL_TYPES: tuple[DealType, ...] = get_args(DealType)
ORDER_STATUSES = tuple(status for status in DEAL_TYPES if status != "OTHER")

# An unknown status is the identifier of a goal to Metrica, so a misspelt one would be lost without a word.
_MISSPELT = readers.in_any_case("in[_-]?progress|paid|cancell?ed|spam|other")
_GOAL = rf"(?!(?:{_MISSPELT})$){readers.TARGET}"

_ORDER_STATUS_IS = (
    f"an order is {listed(ORDER_STATUSES)}, or reaches a JavaScript-event goal, written by its identifier"
)
_DEAL_STATUS_IS = (
    f"a deal's status is {listed(DEAL_TYPES)}, the identifier of a JavaScript-event goal, or "
    "{ type = …, title = …, goals = … }"
)

LONGEST_ID = 255
_ID = rf"[A-Za-z0-9_:-]{{1,{LONGEST_ID}}}"


def _read_status(value: object, statuses: tuple[str, ...], remedy: str) -> str:
    if not isinstance(value, str) or value in statuses:
        return readers.read_target(value, remedy=remedy)
    letters = re.sub(r"[\W_]", "", value).upper().replace("CANCELED", "CANCELLED")
    meant = next((status for status in DEAL_TYPES if status.replace("_", "") == letters), None)
    if meant in statuses:
        raise ProfileValueError(f"{shown(value)} is no status (did you mean {written(meant)}?); {remedy}")
    if meant:
        raise ProfileValueError(f"{shown(value)} is a status of deals alone; {remedy}")
    return readers.read_target(value, remedy=remedy)


def read_order_status(value: object) -> str:
    """Read an order's status as the file takes it: one of four, or the identifier of a goal ([so])."""
    return _read_status(value, ORDER_STATUSES, _ORDER_STATUS_IS)


def read_order_statuses(values: Mapping[str, str]) -> dict[str, str]:
    """Fold the source's statuses of orders."""
    return readers.read_meanings(values, '{ "Оплачен" = "PAID" }')


OrderStatus = Annotated[str, PlainValidator(read_order_status), texts(rf"{'|'.join(ORDER_STATUSES)}|{_GOAL}")]
OrderStatuses = Annotated[
    dict[str, OrderStatus], BeforeValidator(readers.read_table), AfterValidator(read_order_statuses)
]


def read_status_id(value: object) -> str:
    """Read the id of a deal's status ([st])."""
    if not isinstance(value, str) or not re.fullmatch(_ID, value):
        raise ProfileValueError(
            f"must be 1 to {LONGEST_ID} Latin letters, digits, hyphens, colons or underscores, not {shown(value)}"
        )
    return value


class DealStatusTable(Table):
    """What a deal's status means to Metrica."""

    id: Annotated[str, PlainValidator(read_status_id), texts(_ID)] | None = Field(
        None,
        description="What Metrica calls the status; without it the only goal of an `OTHER` one, else the type in lower "
        "case.",
        examples=["measure_booked"],
    )
    type: Annotated[DealType, BeforeValidator(readers.one_of(DEAL_TYPES))] = Field(
        description="What the status means to Metrica.", examples=["IN_PROGRESS"]
    )
    title: Text | None = Field(
        None, description="What reports call the status; without it what the source calls it.", examples=["Замер"]
    )
    goals: Targets = Field(
        (),
        description="The identifiers of JavaScript-event goals that a deal of this status reaches.",
        examples=[["measure_booked"]],
    )


@dataclass(frozen=True, slots=True)
class DealStatus:
    """A deal's status as Metrica is told of it ([st]).

    Attributes:
        id: what Metrica calls it.
        type: what it means.
        title: what reports call it.
        goals: the identifiers of the goals that a deal of this status reaches.
    """

    id: str
    type: DealType
    title: str
    goals: tuple[str, ...] = ()


def _read_deal_status(value: object) -> DealStatusTable:
    if isinstance(value, dict):
        return DealStatusTable.model_validate(value)
    status = _read_status(value, DEAL_TYPES, _DEAL_STATUS_IS)
    return DealStatusTable.model_validate(
        {"type": status} if status in DEAL_TYPES else {"type": "OTHER", "goals": status}
    )


_DEAL_STATUSES = TypeAdapter(dict[str, Annotated[DealStatusTable, PlainValidator(_read_deal_status)]])


def _status(text: str, table: DealStatusTable) -> DealStatus:
    goal = table.goals[0] if table.type == "OTHER" and len(table.goals) == 1 else ""
    name = table.id or (goal if re.fullmatch(_ID, goal) else table.type.lower())
    return DealStatus(name, table.type, table.title or text.strip() or name, table.goals)


def _read_deal_statuses(value: object) -> dict[str, DealStatus]:
    tables = _DEAL_STATUSES.validate_python(readers.read_table(value))
    statuses: dict[str, DealStatus] = {}
    first: dict[str, tuple[str, DealStatus]] = {}
    for text, table in tables.items():
        status = _status(text, table)
        other, known = first.setdefault(status.id, (text, status))
        if (known.type, known.goals) != (status.type, status.goals):
            raise ProfileValueError(
                f"{shown(other)} and {shown(text)} share the id {shown(status.id)}, but not type and goals; write "
                "another id for one of them, such as { id = …, type = … }"
            )
        # Metrica knows an id by one title.
        statuses[text] = known
    return readers.read_meanings(statuses, '{ "Оплачен" = "PAID" }')


DealStatuses = Annotated[
    dict[str, DealStatus],
    PlainValidator(
        _read_deal_statuses,
        json_schema_input_type=Annotated[
            dict[str, Annotated[str, texts(rf"{'|'.join(DEAL_TYPES)}|{_GOAL}")] | DealStatusTable],
            Field(json_schema_extra={"minProperties": 1}),
        ],
    ),
]
