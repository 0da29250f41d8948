"""Attributes: columns of the source that contacts and deals carry beside Metrica's own."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator

from csvexport.profile import readers
from csvexport.profile.annotations import Column, Flag, Text
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError, shown

AttributeType = Literal["text", "numeric", "date", "datetime", "email"]

LONGEST_NAME = 255
NAME = rf"[A-Za-z][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}"


class Attribute(Table):
    """A column of the source that becomes an attribute, and what Metrica is told of it ([st])."""

    column: Column = Field(description="The column that holds the attribute.", examples=["Возраст"])
    type: Annotated[AttributeType, BeforeValidator(readers.one_of(get_args(AttributeType)))] = Field(
        "text", description="What the column holds.", examples=["numeric"]
    )
    multivalued: Flag = Field(
        False,  # noqa: FBT003 - the key's default
        description="Whether a cell may hold several values.",
        examples=[True],
    )
    title: Text | None = Field(
        None,
        validate_default=True,
        description="What reports call the attribute; without it the column's name.",
        examples=["Возраст клиента"],
    )

    @field_validator("title")
    @classmethod
    def _like_the_column(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value or info.data.get("column")


def _read_attribute(value: object) -> Attribute:
    if isinstance(value, dict):
        return Attribute.model_validate(value)
    if not isinstance(value, str):
        raise ProfileValueError(f"must be the name of a column, or {{ column = …, type = … }}, not {shown(value)}")
    return Attribute(column=readers.read_column(value))


AttributeOrColumn = Annotated[Attribute, PlainValidator(_read_attribute, json_schema_input_type=Column | Attribute)]


def attribute_names(taken: frozenset[str]) -> Callable[[object], dict[str, Any]]:
    """Make the reader of a table of attributes that sees to their names.

    Args:
        taken: the file's own columns, which no attribute can be called.
    """

    def read(value: object) -> dict[str, Any]:
        table = readers.read_table(value)
        for name in table:
            if name in taken:
                raise ProfileValueError(
                    f"{shown(name)} is a column of the file already; give the attribute another name"
                )
            if not re.fullmatch(NAME, name):
                raise ProfileValueError(
                    f"{shown(name)} is no name of an attribute: up to {LONGEST_NAME} Latin letters, digits and "
                    "underscores, the first a letter"
                )
        return table

    return read


def names_schema(taken: frozenset[str]) -> dict[str, Any]:
    """Tell the JSON Schema what attributes may be called."""
    return {"propertyNames": {"pattern": f"^(?!(?:{'|'.join(sorted(taken))})$){NAME}$"}}


def columns_of_attributes(attributes: Mapping[str, Attribute]) -> Iterator[tuple[str, str]]:
    """Give every column that holds an attribute, and the key that names it: `attributes.age`."""
    for name, attribute in attributes.items():
        yield attribute.column, f"attributes.{name}"
