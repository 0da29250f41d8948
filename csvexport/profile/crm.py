"""`[contacts]` and `[deals]`: which rows become the clients and orders of detailed CRM data."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator

from csvexport.profile import readers
from csvexport.profile.annotations import Column, Columns, Flag, SinceEnd
from csvexport.profile.attributes import AttributeOrColumn, attribute_names, columns_of_attributes, names_schema
from csvexport.profile.columns import Currency, Time, columns_of
from csvexport.profile.conditions import When
from csvexport.profile.events import list_of_rules
from csvexport.profile.snapshots import (
    ClientIds,
    Contacts,
    Cost,
    Delimiter,
    Emails,
    OrderGoal,
    Phones,
    Revenue,
    Updated,
    columns_of_goals,
    not_created,
)
from csvexport.profile.statuses import DealStatuses
from csvexport.profile.tables import Table

UploadFormat = Literal["csv", "json"]

# The files' own columns; no attribute can be called like one ([ct], [od]).
CONTACT_COLUMNS: Final = frozenset(
    {"uniq_id", "name", "create_date_time", "update_date_time", "birth_date", "client_ids", "user_ids"}
    | {"emails", "phones", "emails_md5", "phones_md5"}
)
DEAL_COLUMNS: Final = frozenset(
    {"id", "client_uniq_id", "client_type", "create_date_time", "order_status", "update_date_time"}
    | {"finish_date_time", "revenue", "cost", "currency", "goals", "products"}
)

_Format = Annotated[
    UploadFormat,
    BeforeValidator(readers.one_of(get_args(UploadFormat))),
    Field(description="The format of the file for the API.", examples=["csv"]),
]
_Delimiter = Annotated[Delimiter, Field(description="The character between two cells of a CSV file.", examples=[","])]


class ContactSettings(Table):
    """How rows become contacts: the clients of detailed CRM data ([ct])."""

    id: Column = Field(description="The column of the client's id in the CRM.", examples=["ID клиента"])
    when: When = ()
    name: Column | None = Field(None, description="The column of the client's name.", examples=["Клиент"])
    created: Time | None = Field(
        None,
        description="The column of the time at which the client was entered, or a table that says how it is read.",
        examples=["Дата создания"],
    )
    updated: Updated | None = None
    birth_date: Time | None = Field(
        None,
        description="The column of the date of birth, or a table that says how it is read.",
        examples=["Дата рождения", {"column": "Birthday", "format": "%m/%d/%Y"}],
    )
    client_ids: ClientIds = ()
    user_ids: Columns = Field(
        (), description="The column or columns of the site's own user ids.", examples=["ID пользователя"]
    )
    emails: Emails = ()
    phones: Phones = ()
    contacts: Contacts = "md5"
    attributes: Annotated[dict[str, AttributeOrColumn], BeforeValidator(attribute_names(CONTACT_COLUMNS))] = Field(
        default_factory=dict,
        json_schema_extra=names_schema(CONTACT_COLUMNS),
        description="Attributes of clients, and the column that holds each, or a table that says more.",
        examples=[{"age": {"column": "Возраст", "type": "numeric"}, "city": "Город"}],
    )
    only_with_deals: Flag = Field(
        False,  # noqa: FBT003 - the key's default
        description="Leaves out the clients who have no deal.",
        examples=[True],
    )
    format: _Format = "csv"
    delimiter: _Delimiter = ","

    def columns(self) -> Iterator[tuple[str, str]]:
        """Give every column that contacts read, and the key that names it."""
        yield from columns_of(self, "id", "when", "name", "created", "updated", "birth_date")
        yield from columns_of(self, "client_ids", "user_ids", "emails", "phones")
        yield from columns_of_attributes(self.attributes)


class DealSettings(Table):
    """How rows become deals: the orders of detailed CRM data ([od])."""

    id: Column = Field(description="The column of the deal's id in the CRM.", examples=["ID"])
    client: Column = Field(description="The column of the client's id, as contacts have it.", examples=["ID клиента"])
    created: Time = Field(
        description="The column of the time at which the deal was made, or a table that says how it is read.",
        examples=["Дата создания", {"column": "Created", "format": "%m/%d/%Y %H:%M", "timezone": "UTC"}],
    )
    updated: Updated | None = None
    since: SinceEnd | None = Field(
        None,
        description='Leaves out deals created before this date, or before "90d": so many days back from now.',
        examples=["2024-01-01", "90d"],
    )
    finished: Time | None = Field(
        None,
        description="The column of the time at which the deal was closed, or a table that says how it is read.",
        examples=["Дата закрытия"],
    )
    when: When = ()
    status: Column = Field(
        description="The column of the deal's status; `statuses` says what it means.", examples=["Статус"]
    )
    statuses: DealStatuses = Field(
        description="The source's statuses, and what each means: `IN_PROGRESS`, `PAID`, `CANCELLED`, `SPAM`, `OTHER`, "
        "the identifier of a JavaScript-event goal, or a table that says more. Upper and lower case of the source's "
        "make no difference. A status that is not here leaves its rows out.",
        examples=[
            {
                "Новая": "IN_PROGRESS",
                "Оплачен": "PAID",
                "Замер": {"id": "measure", "type": "IN_PROGRESS", "goals": ["measure_booked"]},
            }
        ],
    )
    revenue: Revenue | None = None
    cost: Cost | None = None
    currency: Currency | None = None
    goals: Annotated[tuple[OrderGoal, ...], BeforeValidator(list_of_rules("deals.goals"))] = Field(
        (),
        json_schema_extra={"minItems": 1},
        description="Rules that add goals to deals, one table each.",
        examples=[[{"target": "filial_1", "when": {"Филиал": "Центр"}}]],
    )
    products: Column | None = Field(None, description="The column of what was sold.", examples=["Товары"])
    attributes: Annotated[dict[str, AttributeOrColumn], BeforeValidator(attribute_names(DEAL_COLUMNS))] = Field(
        default_factory=dict,
        json_schema_extra=names_schema(DEAL_COLUMNS),
        description="Attributes of deals, and the column that holds each, or a table that says more.",
        examples=[{"manager": "Менеджер"}],
    )
    format: _Format = "csv"
    delimiter: _Delimiter = ","

    _updated_is_not_created = field_validator("updated")(not_created)

    def columns(self) -> Iterator[tuple[str, str]]:
        """Give every column that deals read, and the key that names it."""
        yield from columns_of(self, "id", "client", "created", "updated", "finished", "when", "status")
        yield from columns_of(self, "revenue", "cost", "currency")
        yield from columns_of_goals(self.goals)
        yield from columns_of(self, "products")
        yield from columns_of_attributes(self.attributes)
