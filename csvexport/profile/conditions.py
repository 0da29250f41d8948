"""`when`: which rows a rule takes."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, ValidationInfo, field_validator

from csvexport.profile import readers
from csvexport.profile.annotations import CellTexts, Flag, Number, RegularExpression
from csvexport.profile.patterns import Pattern
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError, shown


class ConditionTable(Table):
    """A condition on a column: one of `not`, `empty`, `matches`, or `min` and `max`."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["not"]},
                {"required": ["empty"]},
                {"required": ["matches"]},
                {"anyOf": [{"required": ["min"]}, {"required": ["max"]}]},
            ]
        }
    )

    excluded: CellTexts | None = Field(
        None, alias="not", description="The cell is none of these values.", examples=[["Отказ", "Спам"]]
    )
    empty: Flag | None = Field(None, description="`true`: the cell is empty; `false`: it is filled.", examples=[False])
    matches: RegularExpression | None = Field(
        None,
        description="A regular expression is found in the cell; what it may hold, see README.",
        examples=["(?i)^опл"],
    )
    minimum: Number | None = Field(
        None, alias="min", description="The cell is this number or a greater one.", examples=[1000]
    )
    maximum: Number | None = Field(
        None, alias="max", description="The cell is this number or a smaller one.", examples=[50000]
    )

    @field_validator("maximum")
    @classmethod
    def _not_below_minimum(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        minimum = info.data.get("minimum")
        if minimum is not None and minimum > value:
            raise ProfileValueError(f"{shown(value)} is less than min, {shown(minimum)}")
        return value


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column's cell must be for a rule to take the row. One of these is set, or both of the last two.

    Attributes:
        column: the source's column.
        values: the cell, trimmed and case folded, is one of these.
        excluded: the cell, trimmed and case folded, is none of these.
        empty: True: the cell is empty; False: it is filled.
        matches: this is found anywhere in the cell.
        minimum: the cell is a number not less than this.
        maximum: the cell is a number not greater than this.
    """

    column: str
    values: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None
    empty: bool | None = None
    matches: Pattern | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None


def _read_condition(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"values": readers.read_cell_texts(value)}
    table = ConditionTable.model_validate(value)
    ways = {"min or max" if key in {"min", "max"} else key for key in value}
    if len(ways) != 1:
        found = " and ".join(sorted(ways)) or "nothing"
        raise ProfileValueError(f"must hold one of not, empty, matches, or min and max; it holds {found}")
    return dict(table)


_CONDITIONS = TypeAdapter(
    dict[
        str,
        Annotated[
            dict[str, Any],
            PlainValidator(_read_condition, json_schema_input_type=CellTexts | ConditionTable),
        ],
    ]
)


def _read_when(value: object) -> tuple[Condition, ...]:
    table = readers.read_table(value)
    conditions = _CONDITIONS.validate_python(table)
    return tuple(Condition(readers.read_column(column), **condition) for column, condition in conditions.items())


When = Annotated[
    tuple[Condition, ...],
    PlainValidator(
        _read_when,
        json_schema_input_type=Annotated[
            dict[str, CellTexts | ConditionTable], Field(json_schema_extra={"propertyNames": {"pattern": r"\S"}})
        ],
    ),
    Field(
        description="Columns and what their cells must be, all at once: a value, a list of values, or a table with one "
        "of `not`, `empty`, `matches`, or `min` and `max`. Cells are compared trimmed, upper and lower case make no "
        "difference. Without it every row is taken.",
        examples=[{"Стадия сделки": ["Оплачен", "Выдан"]}, {"Сумма": {"min": 1000}}],
    ),
]
