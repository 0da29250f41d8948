"""`[[goals]]` and `[calls]`: which rows become conversions and calls, which are events."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import Field

from csvexport.profile.annotations import Column, Target
from csvexport.profile.columns import Currency, Price, Time, YesNo, columns_of
from csvexport.profile.conditions import When
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError, kind


class Goal(Table):
    """A rule that makes conversions: every goal whose `when` holds makes one of the row."""

    target: Target = Field(
        description='The identifier of a "JavaScript event" goal of the counter, not its name.',
        examples=["order_paid"],
    )
    when: When = ()
    time: Time = Field(
        description="The column that holds the conversion's time, or a table that says how it is read.",
        examples=["Дата оплаты", {"column": "Paid", "format": "%m/%d/%Y %H:%M", "timezone": "UTC"}],
    )
    price: Price | None = Field(
        None,
        description="The column that holds the price, a table that says how it is read, or one price for every row.",
        examples=["Сумма", 100, {"column": "Price", "decimal": ","}],
    )
    currency: Currency | None = None

    def columns(self) -> Iterator[tuple[str, str]]:
        """Give every column that the goal reads, and the goal's key that names it."""
        return columns_of(self, "when", "time", "price", "currency")


class CallSettings(Table):
    """How rows become calls ([calls]); Metrica makes their goal itself."""

    when: When = ()
    time: Time = Field(
        description="The column that holds the time at which the call began, or a table that says how it is read.",
        examples=["Дата звонка", {"column": "Start", "format": "%m/%d/%Y %H:%M", "timezone": "UTC"}],
    )
    static: YesNo = Field(
        False,  # noqa: FBT003 - the key's default
        description="Whether the call came to a static number, which no visit belongs to: a column, a table that says "
        "how it is read, or `true` or `false` for every row.",
        examples=["Статический номер", True, {"column": "Номер", "yes": "статический", "no": "динамический"}],
    )
    price: Price | None = Field(
        None,
        description="The column that holds the call's price, a table that says how it is read, or one price for every "
        "row.",
        examples=["Сумма", 100, {"column": "Price", "decimal": ","}],
    )
    currency: Currency | None = None
    phone: Column | None = Field(
        None, description="The column of the caller's number, which leaves in full.", examples=["Номер клиента"]
    )
    talk_duration: Column | None = Field(
        None, description="The column that says for how long they talked.", examples=["Длительность разговора"]
    )
    hold_duration: Column | None = Field(
        None, description="The column that says for how long the caller waited.", examples=["Время ожидания"]
    )
    missed: YesNo | None = Field(
        None,
        description="Whether nobody answered: a column, a table that says how it is read, or `true` or `false` for "
        "every row.",
        examples=["Пропущен", {"column": "Статус звонка", "yes": "Пропущенный", "no": "Принятый"}],
    )
    tag: Column | None = Field(None, description="The column of a text that marks the call.", examples=["Тег"])
    first_time_caller: YesNo | None = Field(
        None,
        description="Whether the caller called for the first time: a column, a table that says how it is read, or "
        "`true` or `false` for every row.",
        examples=["Первый звонок", {"column": "Звонок", "yes": "первичный"}],
    )
    url: Column | None = Field(
        None, description="The column of the page from which was called.", examples=["Страница звонка"]
    )
    call_tracker_url: Column | None = Field(
        None, description="The column of the call's address in the call tracker.", examples=["Ссылка на звонок"]
    )

    def columns(self) -> Iterator[tuple[str, str]]:
        """Give every column that calls read, and the key that names it."""
        return columns_of(self, *type(self).model_fields)


def list_of_rules(place: str) -> Callable[[object], list[Any]]:
    """Make the reader of a list of tables, such as `[[goals]]`."""

    def read(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise ProfileValueError(
                f"must be a list of tables, not {kind(value)}; write [[{place}]], with two brackets"
            )
        if not value:
            raise ProfileValueError(f"is empty; write at least one [[{place}]]")
        return value

    return read
