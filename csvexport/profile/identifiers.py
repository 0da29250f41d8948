"""`[identifiers]`: Metrica's identifiers, and the columns that hold them."""

from dataclasses import dataclass
from typing import Annotated, Literal, cast

from pydantic import Field, PlainValidator

from csvexport.profile import readers
from csvexport.profile.annotations import Columns
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError

IdentifierType = Literal["UserId", "ClientId", "Yclid", "PurchaseId"]


class IdentifierTable(Table):
    """Metrica's identifiers and the columns that hold them; the first that is filled names the row, as written."""

    user_id: Columns | None = Field(
        None, alias="UserId", description="The column or columns of the site's own user ids.", examples=["ID клиента"]
    )
    client_id: Columns | None = Field(
        None,
        alias="ClientId",
        description="The column or columns of Metrica's ClientID.",
        examples=["ClientID Метрики"],
    )
    yclid: Columns | None = Field(
        None, alias="Yclid", description="The column or columns of Yandex Direct's yclid.", examples=["yclid"]
    )
    purchase_id: Columns | None = Field(
        None,
        alias="PurchaseId",
        description="The column or columns of the ids of purchases that e-commerce sent.",
        examples=["Номер заказа"],
    )


@dataclass(frozen=True, slots=True)
class IdentifierColumn:
    """An identifier of Metrica and where it stands.

    Attributes:
        type: what Metrica calls it.
        columns: the columns that hold it, in the order in which they are looked at.
    """

    type: IdentifierType
    columns: tuple[str, ...]


def _read_identifiers(value: object) -> tuple[IdentifierColumn, ...]:
    table = IdentifierTable.model_validate(value)
    columns = table.model_dump(by_alias=True, exclude_unset=True)
    if not columns:
        raise ProfileValueError('is empty; name at least one column, such as Yclid = "yclid"')
    # The model has the order of its fields; the profile's own order is what counts.
    return tuple(IdentifierColumn(cast("IdentifierType", name), columns[name]) for name in readers.read_table(value))


Identifiers = Annotated[
    tuple[IdentifierColumn, ...],
    PlainValidator(
        _read_identifiers,
        json_schema_input_type=Annotated[IdentifierTable, Field(json_schema_extra={"minProperties": 1})],
    ),
]
