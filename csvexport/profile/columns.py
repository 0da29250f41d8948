"""Columns of times, prices, currencies, and of yes and no: how each is read."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator

from csvexport.profile import readers
from csvexport.profile.annotations import Amount, CellTexts, Column, CurrencyCode, TimeFormat, Timezone
from csvexport.profile.conditions import Condition
from csvexport.profile.readers import Decimals
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError, shown


class TimeColumn(Table):
    """A column of times, and how it is read."""

    column: Column = Field(description="The column that holds the time.", examples=["Дата оплаты"])
    format: TimeFormat | None = Field(
        None,
        description="How the column writes a time, as Python's strptime takes it; `%s` is Unix seconds. Without it "
        "ISO 8601, dd.MM.yyyy and Unix time are read.",
        examples=["%m/%d/%Y %H:%M"],
    )
    timezone: Timezone | None = Field(
        None, description="The zone of this column's times; without it the profile's.", examples=["UTC"]
    )


def _read_time(value: object) -> TimeColumn:
    if isinstance(value, dict):
        return TimeColumn.model_validate(value)
    if not isinstance(value, str):
        raise ProfileValueError(f"must be the name of a column, or {{ column = …, format = … }}, not {shown(value)}")
    return TimeColumn(column=readers.read_column(value))


Time = Annotated[TimeColumn, PlainValidator(_read_time, json_schema_input_type=Column | TimeColumn)]


class PriceColumn(Table):
    """A column of prices, and how it is read."""

    column: Column = Field(description="The column that holds the price.", examples=["Сумма"])
    decimal: Annotated[Decimals, BeforeValidator(readers.one_of(get_args(Decimals)))] | None = Field(
        None,
        description="The decimal separator; needed when the column holds prices such as 1,234, which can be read in "
        "two ways.",
        examples=[","],
    )


def _read_price(value: object) -> PriceColumn | Decimal:
    if isinstance(value, dict):
        return PriceColumn.model_validate(value)
    if isinstance(value, str):
        return PriceColumn(column=readers.read_column(value))
    if isinstance(value, bool | list) or not isinstance(value, int | Decimal):
        raise ProfileValueError(
            f"must be the name of a column, a number, or {{ column = …, decimal = … }}, not {shown(value)}"
        )
    return readers.read_amount(value)


Price = Annotated[
    PriceColumn | Decimal, PlainValidator(_read_price, json_schema_input_type=Column | Amount | PriceColumn)
]


class CurrencyColumn(Table):
    """A column of currencies, and how it is read."""

    column: Column = Field(description="The column that holds the currency.", examples=["Валюта"])
    values: Annotated[
        dict[str, CurrencyCode],
        BeforeValidator(readers.read_table),
        AfterValidator(readers.read_currency_values),
    ] = Field(
        default_factory=dict,
        json_schema_extra={"minProperties": 1},
        description="What the column writes for a currency, and the ISO 4217 code it means; upper and lower case make "
        "no difference.",
        examples=[{"руб.": "RUB"}],
    )

    def __hash__(self) -> int:
        """Rules that read the same column alike share the work; a dict alone has no hash."""
        return hash((self.column, frozenset(self.values.items())))


def _read_currency(value: object) -> CurrencyColumn | str:
    if isinstance(value, dict):
        return CurrencyColumn.model_validate(value)
    if not isinstance(value, str):
        raise ProfileValueError(f'must be a code such as "RUB", or {{ column = …, values = … }}, not {shown(value)}')
    try:
        return readers.read_currency_code(value)
    except ValueError as error:
        raise ProfileValueError(f"{error}; a column is written {{ column = {shown(value)} }}") from None


Currency = Annotated[
    CurrencyColumn | str,
    PlainValidator(_read_currency, json_schema_input_type=CurrencyCode | CurrencyColumn),
    Field(
        description="The price's currency if it is not the profile's: an ISO 4217 code, or a table that names the "
        "column which holds it.",
        examples=["USD", {"column": "Валюта", "values": {"руб.": "RUB"}}],
    ),
]


class FlagColumn(Table):
    """A column of yes and no, and how it is read."""

    column: Column = Field(description="The column that says yes or no.", examples=["Пропущен"])
    yes: CellTexts | None = Field(
        None,
        description="What the column writes for yes, one text or several; upper and lower case make no difference. "
        "Without it the usual words and numbers are read.",
        examples=["Пропущенный", ["Пропущенный", "Сброшен"]],
    )
    no: CellTexts | None = Field(
        None, description="What the column writes for no, in the same way.", examples=["Принятый", ["Принятый", ""]]
    )

    @field_validator("no")
    @classmethod
    def _not_yes(cls, value: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        both = [text for text in value or () if text in (info.data.get("yes") or ())]
        if both:
            raise ProfileValueError(f"{shown(both[0])} is yes already; upper and lower case make no difference")
        return value


def _read_flag_column(value: object) -> FlagColumn | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return FlagColumn.model_validate(value)
    if not isinstance(value, str):
        raise ProfileValueError(
            f"must be the name of a column, true, false, or {{ column = …, yes = … }}, not {shown(value)}"
        )
    return FlagColumn(column=readers.read_column(value))


YesNo = Annotated[
    FlagColumn | bool, PlainValidator(_read_flag_column, json_schema_input_type=Column | bool | FlagColumn)
]


def columns_of(table: Table, *keys: str) -> Iterator[tuple[str, str]]:
    """Give the columns that keys of a table name, each with its key.

    Args:
        table: the table.
        keys: the keys, in the order wanted; a price for all rows, a code of a currency and the like name no column.
    """
    for key in keys:
        value = getattr(table, key)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, TimeColumn | PriceColumn | CurrencyColumn | FlagColumn | Condition):
                yield item.column, key
            elif isinstance(item, str) and key != "currency":
                yield item, key
