"""`[orders]`: which rows become simple orders."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, field_validator

from csvexport.profile import readers
from csvexport.profile.annotations import Column, SinceEnd
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
from csvexport.profile.statuses import OrderStatus, OrderStatuses
from csvexport.profile.tables import Mistake, Table
from csvexport.profile.wording import shown

Oversize = Literal["fail", "trim"]


class UtmColumns(Table):
    """The columns of the marks by which advertisements are told apart."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    source: Column | None = Field(None, description="The column of utm_source.", examples=["utm_source"])
    medium: Column | None = Field(None, description="The column of utm_medium.", examples=["utm_medium"])
    campaign: Column | None = Field(None, description="The column of utm_campaign.", examples=["utm_campaign"])

    @classmethod
    def mistakes_between(cls, table: Mapping[str, Any]) -> Iterable[Mistake]:
        """See that there is a column."""
        if not table:
            yield (), 'is empty; name at least one column, such as source = "utm_source"'


def _any_of(*keys: str) -> dict[str, JsonValue]:
    return {"anyOf": [{"required": [key]} for key in keys]}


def _is(key: str, value: JsonValue) -> dict[str, JsonValue]:
    return {"properties": {key: {"const": value}}, "required": [key]}


_ONLY_ROUBLES: Final = (
    'the file for the Conversion Center has no currency and means roubles; write currency = "RUB" here if the sums are '
    'roubles, or delimiter = "," for the API'
)


class OrderSettings(Table):
    """How rows become simple orders, for the Conversion Center of Direct or the API of Metrica ([so], [cc])."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["status", "statuses"]}, {"required": ["always"]}],
            "dependentRequired": {"status": ["statuses"], "statuses": ["status"]},
            "allOf": [
                {
                    "if": _is("contacts", "none"),
                    "then": {"required": ["client_ids"]},
                    "else": _any_of("client_ids", "emails", "phones"),
                },
                {
                    "if": _is("delimiter", ","),
                    "then": {"properties": {"on_oversize": False}},
                    "else": {"properties": {"goals": False, "currency": {"const": "RUB"}}},
                },
            ],
        }
    )

    id: Column = Field(description="The column of the order's id in the CRM.", examples=["ID"])
    created: Time = Field(
        description="The column of the time at which the order was made, or a table that says how it is read. It may "
        "never change.",
        examples=["Дата создания", {"column": "Created", "format": "%m/%d/%Y %H:%M", "timezone": "UTC"}],
    )
    updated: Updated | None = None
    since: SinceEnd | None = Field(
        None,
        description='Leaves out orders created before this date, or before "90d": so many days back from now.',
        examples=["2024-01-01", "90d"],
    )
    when: When = ()
    client: Column | None = Field(
        None,
        description="The column of the client's id in the CRM, which keeps the orders together.",
        examples=["ID клиента"],
    )
    client_ids: ClientIds = ()
    emails: Emails = ()
    phones: Phones = ()
    contacts: Contacts = "md5"
    revenue: Revenue | None = None
    cost: Cost | None = None
    currency: Currency | None = None
    status: Column | None = Field(
        None, description="The column of the order's status; `statuses` says what it means.", examples=["Статус"]
    )
    statuses: OrderStatuses = Field(
        default_factory=dict,
        json_schema_extra={"minProperties": 1},
        description="The source's statuses, and what each means: `PAID`, `IN_PROGRESS`, `CANCELLED`, `SPAM`, or the "
        "identifier of a JavaScript-event goal. Upper and lower case of the source's make no difference. A status that "
        "is not here leaves its rows out.",
        examples=[{"Новая": "IN_PROGRESS", "Оплачен": "PAID", "Замер назначен": "measure_booked"}],
    )
    always: OrderStatus | None = Field(
        None, description="The status of every row, instead of `status`.", examples=["PAID"]
    )
    goals: Annotated[tuple[OrderGoal, ...], BeforeValidator(list_of_rules("orders.goals"))] = Field(
        (),
        json_schema_extra={"minItems": 1},
        description="Rules that add goals to orders, one table each; for the API alone.",
        examples=[[{"target": "filial_1", "when": {"Филиал": "Центр"}}]],
    )
    delimiter: Delimiter = Field(
        ";",
        description='The character between two cells of the file: ";" for the Conversion Center, "," for the API.',
        examples=[";"],
    )
    on_oversize: Annotated[Oversize, BeforeValidator(readers.one_of(get_args(Oversize)))] = Field(
        "fail",
        description="What to do with a file that is too large for the Conversion Center: write nothing, or leave the "
        "oldest orders out.",
        examples=["trim"],
    )
    utm: UtmColumns | None = Field(
        None,
        description="Columns of advertising marks, by which the report counts orders; they do not leave.",
        examples=[{"source": "utm_source", "campaign": "utm_campaign"}],
    )

    _updated_is_not_created = field_validator("updated")(not_created)

    @classmethod
    def mistakes_between(cls, table: Mapping[str, Any]) -> Iterable[Mistake]:
        """See that every order has a status and a client who can be found, and that the receiver takes the columns."""
        yield from cls._mistakes_of_status(table)
        yield from cls._mistakes_of_client(table)
        yield from cls._mistakes_of_receiver(table)

    @classmethod
    def _mistakes_of_status(cls, table: Mapping[str, Any]) -> Iterator[Mistake]:
        if "always" in table:
            for key in ("status", "statuses"):
                if key in table:
                    yield (key,), "stands beside always, the status of every row; take one of them out"
        elif "status" not in table:
            when = " by statuses" if "statuses" in table else " unless always is there"
            yield ("status",), f"{cls.required('status', when)}; Yandex takes an order without a status for paid"
        elif "statuses" not in table:
            yield ("statuses",), cls.required("statuses", " by status")

    @classmethod
    def _mistakes_of_client(cls, table: Mapping[str, Any]) -> Iterator[Mistake]:
        contacts = () if table.get("contacts") == "none" else ("emails", "phones")
        if not table.keys() & {"client_ids", *contacts}:
            when = " unless emails or phones are there" if contacts else ' by contacts = "none"'
            yield ("client_ids",), f"{cls.required('client_ids', when)}; Yandex finds the client by them"

    @classmethod
    def _mistakes_of_receiver(cls, table: Mapping[str, Any]) -> Iterator[Mistake]:
        delimiter = table.get("delimiter", ";")
        if delimiter == "," and "on_oversize" in table:
            yield ("on_oversize",), 'is only for delimiter = ";", the file for the Conversion Center; take it out'
        if delimiter == ";" and "goals" in table:
            yield ("goals",), 'the file for the Conversion Center has no goals; write delimiter = "," for the API'
        if delimiter == ";" and table.get("currency", "RUB") != "RUB":
            yield ("currency",), _ONLY_ROUBLES

    @classmethod
    def mistakes_of_currency(cls, table: Mapping[str, Any], currency: object) -> Iterator[Mistake]:
        """See that sums without a currency of their own have the one that the receiver takes them for.

        Args:
            table: orders, as TOML gave them.
            currency: the profile's.
        """
        sums = table.keys() & {"revenue", "cost"} and "currency" not in table
        if sums and currency != "RUB" and table.get("delimiter", ";") == ";":
            yield ("currency",), f"is {shown(currency)}, the profile's, but {_ONLY_ROUBLES}"

    def columns(self) -> Iterator[tuple[str, str]]:
        """Give every column that orders read, and the key that names it."""
        yield from columns_of(self, "id", "created", "updated", "when", "client", "client_ids", "emails", "phones")
        yield from columns_of(self, "revenue", "cost", "currency", "status")
        yield from columns_of_goals(self.goals)
        for column, key in columns_of(self.utm, *UtmColumns.model_fields) if self.utm else ():
            yield column, f"utm.{key}"
