"""What `[orders]`, `[contacts]` and `[deals]` share: rows become records of the CRM, whose newest state counts."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationInfo

from csvexport.profile import readers
from csvexport.profile.annotations import Columns, Target
from csvexport.profile.columns import Price, Time, TimeColumn, columns_of
from csvexport.profile.conditions import When
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError, shown

ContactsForm = Literal["md5", "plain", "none"]
CellDelimiter = Literal[",", ";"]

Delimiter = Annotated[CellDelimiter, BeforeValidator(readers.one_of(get_args(CellDelimiter)))]

Updated = Annotated[
    Time,
    Field(
        description="The column of the time of the last change, or a table that says how it is read: of rows with one "
        "id the latest counts. Without it the last in the source does.",
        examples=["Дата изменения"],
    ),
]
ClientIds = Annotated[
    Columns, Field(description="The column or columns of Metrica's ClientID.", examples=["ClientID Метрики"])
]
Emails = Annotated[
    Columns, Field(description="The column or columns of e-mail addresses.", examples=[["E-mail", "E-mail 2"]])
]
Phones = Annotated[Columns, Field(description="The column or columns of phone numbers.", examples=["Телефон"])]
Contacts = Annotated[
    ContactsForm,
    BeforeValidator(readers.one_of(get_args(ContactsForm))),
    Field(description="How e-mails and phones leave: as their MD5, in plain text, or not at all.", examples=["md5"]),
]
Revenue = Annotated[
    Price,
    Field(
        description="The column that holds the revenue, a table that says how it is read, or one sum for every row.",
        examples=["Сумма", 100, {"column": "Price", "decimal": ","}],
    ),
]
Cost = Annotated[
    Price,
    Field(
        description="The column that holds the cost, a table that says how it is read, or one sum for every row.",
        examples=["Себестоимость", 100, {"column": "Cost", "decimal": ","}],
    ),
]


def not_created(value: TimeColumn | None, info: ValidationInfo) -> TimeColumn | None:
    """See that the time of the last change is not that of creation, which may never change ([so])."""
    created = info.data.get("created")
    if value and created and value.column == created.column:
        raise ProfileValueError(
            f"{shown(value.column)} is the column of created already, whose time must stay the same at every change"
        )
    return value


class OrderGoal(Table):
    """A rule that adds a goal to the records whose rows its `when` takes, besides the goal of the status."""

    target: Target = Field(
        description='The identifier of a "JavaScript event" goal of the counter, not its name.',
        examples=["filial_1"],
    )
    when: When = ()
    price: Price | None = Field(
        None,
        description="The column that holds the goal's own revenue, a table that says how it is read, or one price for "
        "every row.",
        examples=["Сумма", 100, {"column": "Price", "decimal": ","}],
    )

    def columns(self) -> Iterator[tuple[str, str]]:
        """Give every column that the goal reads, and the goal's key that names it."""
        return columns_of(self, "when", "price")


def columns_of_goals(goals: Iterable[OrderGoal]) -> Iterator[tuple[str, str]]:
    """Give every column that these goals read, and the key that names it: `goals[1].price`."""
    for number, goal in enumerate(goals, 1):
        for column, key in goal.columns():
            yield column, f"goals[{number}].{key}"
