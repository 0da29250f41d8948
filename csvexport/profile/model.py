"""The profile's model: what each key means, which values it takes, and what they become.

Every key's description stands here once; the JSON Schema and README draw on it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from csvexport.profile import addresses, period, readers
from csvexport.profile.period import Since, Until
from csvexport.profile.readers import Decimals, Encoding
from csvexport.profile.secrets import REFERENCE, Secret
from csvexport.profile.wording import ProfileValueError, key_written, kind, shown, suggestion, written

IdentifierType = Literal["UserId", "ClientId", "Yclid", "PurchaseId"]
Format = Literal["csv", "xlsx", "xlsb", "xls", "ods", "json", "jsonl", "xml", "parquet"]
Delimiter = Literal[",", ";", "\t", "|"]


def _texts(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$"})


_COUNT = {"type": "integer", "minimum": 1}
_FILLED = WithJsonSchema({"type": "string", "pattern": r"\S"})

Count = Annotated[int, PlainValidator(readers.read_count), WithJsonSchema(_COUNT)]
Sheet = Annotated[
    int | str,
    PlainValidator(readers.read_sheet),
    WithJsonSchema({"anyOf": [_COUNT, {"type": "string", "pattern": r"\S"}]}),
]
Share = Annotated[
    float, PlainValidator(readers.read_share), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})
]
Flag = Annotated[bool, PlainValidator(readers.read_flag), WithJsonSchema({"type": "boolean"})]
Number = Annotated[Decimal, PlainValidator(readers.read_number), WithJsonSchema({"type": "number"})]
Timezone = Annotated[str, PlainValidator(readers.read_timezone), _FILLED]
CurrencyCode = Annotated[str, PlainValidator(readers.read_currency_code), _texts(readers.CURRENCY)]
Column = Annotated[str, PlainValidator(readers.read_column), _FILLED]
Target = Annotated[str, PlainValidator(readers.read_target), _texts(readers.TARGET)]
Pattern = Annotated[
    re.Pattern[str],
    PlainValidator(readers.read_pattern),
    _FILLED,
]
TimeFormat = Annotated[str, PlainValidator(readers.read_time_format), _FILLED]
Amount = Annotated[
    Decimal,
    PlainValidator(readers.read_amount),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": readers.LARGEST_PRICE}),
]
Columns = Annotated[
    tuple[str, ...],
    PlainValidator(readers.read_columns, json_schema_input_type=Column | Annotated[list[Column], Field(min_length=1)]),
]
_LOCAL = rf"(?!{addresses.URL})[^\u0000]*\S[^\u0000]*"
_Path = Annotated[str, _texts(f"{_LOCAL}|{addresses.ADDRESS}")]
Paths = Annotated[
    tuple[str, ...],
    PlainValidator(readers.read_paths, json_schema_input_type=_Path | Annotated[list[_Path], Field(min_length=1)]),
]
FilePath = Annotated[str, PlainValidator(readers.read_file_path), _texts(_LOCAL)]
Seconds = Annotated[
    float,
    PlainValidator(readers.read_seconds),
    WithJsonSchema({"type": "number", "minimum": 1, "maximum": readers.LONGEST_TIMEOUT}),
]
EncodingName = Annotated[
    Encoding,
    PlainValidator(readers.read_encoding),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(readers.ENCODINGS)},
                {"type": "string", "pattern": f"^(?:{'|'.join(readers.ENCODINGS.values())})$"},
            ]
        }
    ),
]
SecretReference = Annotated[Secret, PlainValidator(readers.read_secret), _texts(REFERENCE)]
Username = Annotated[Secret | str, PlainValidator(readers.read_username), _texts(rf"(?!env:|file:)[\s\S]+|{REFERENCE}")]
CellTexts = Annotated[
    tuple[str, ...],
    PlainValidator(
        readers.read_cell_texts,
        json_schema_input_type=str | bool | Number | Annotated[list[str | bool | Number], Field(min_length=1)],
    ),
]
_END = _texts(period.PATTERN)


class Table(BaseModel):
    """A table of the profile: knows its keys, and words every mistake as a sentence for the profile's writer."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict):
            raise ProfileValueError(f"must be a table, not {kind(value)}")
        try:
            return handler(value)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        raise ValidationError.from_exception_data(cls.__name__, [cls._mistake(detail) for detail in details])

    @classmethod
    def _mistake(cls, detail: ErrorDetails) -> InitErrorDetails:
        sentence = PydanticCustomError("mistake", cls._sentence(detail))
        # Pydantic would keep the value, which may be a secret.
        return InitErrorDetails(type=sentence, loc=detail["loc"], input=None)

    @classmethod
    def _sentence(cls, detail: ErrorDetails) -> str:
        fields = {field.alias or name: field for name, field in cls.model_fields.items()}
        key = str(detail["loc"][-1]) if detail["loc"] else ""
        match detail["type"]:
            case "value_error":
                return str(detail["ctx"]["error"])
            case "missing":
                example = next(iter(fields[key].examples or ()), "…")
                return f"is required, such as {key_written(key)} = {written(example)}"
            case "extra_forbidden":
                return f"unknown key{suggestion(key, fields) or '; the keys here are ' + ', '.join(fields)}"
        return detail["msg"]


# The keys that say how a server is asked; they stand for nothing where every path is local.
_OF_ADDRESSES = (*addresses.CREDENTIALS, "ca", "timeout", "max_megabytes")
_ANY_ADDRESS: dict[str, JsonValue] = {"type": "string", "pattern": f"^{addresses.URL}"}
_WITH_ADDRESS: JsonValue = {
    "properties": {"path": {"anyOf": [_ANY_ADDRESS, {"type": "array", "contains": _ANY_ADDRESS}]}}
}


_NEEDS_ADDRESS: dict[str, JsonValue] = {"dependentSchemas": dict.fromkeys(_OF_ADDRESSES, _WITH_ADDRESS)}


class ExportSettings(Table):
    """Where rows come from; what is left out is found by looking at the file."""

    model_config = ConfigDict(json_schema_extra=_NEEDS_ADDRESS)

    path: Paths = Field(
        (),
        description="The CRM's export, or a list of exports, relative to the profile; `*` and `?` stand for any "
        "characters. An export on a server is named by its http(s) address. Needed unless the command line names the "
        "exports.",
        examples=["deals.csv", ["2024/*.csv", "archive.csv"], "https://crm.example.ru/orders.csv"],
    )
    format: Annotated[Format, BeforeValidator(readers.one_of(get_args(Format), "this release reads"))] | None = Field(
        None, description="The files' format.", examples=["csv"]
    )
    sheet: Sheet | None = Field(
        None,
        description="The sheet of a workbook: its name, or its number, the first being 1.",
        examples=["Сделки", 2],
    )
    records: Annotated[str, PlainValidator(readers.read_records), _texts(readers.RECORDS)] | None = Field(
        None,
        description="Where in JSON or XML the records stand: the names on the way to their list, or to the repeated "
        "element, joined by dots.",
        examples=["result.items"],
    )
    encoding: EncodingName | None = Field(None, description="The files' encoding.", examples=["cp1251"])
    delimiter: Annotated[Delimiter, BeforeValidator(readers.one_of(get_args(Delimiter)))] | None = Field(
        None, description="The character between two cells.", examples=[";"]
    )
    header: Count | None = Field(
        None, description="The number of the row that names the columns; the first row is 1.", examples=[3]
    )
    username: Username | None = Field(
        None,
        description="The user's name for http(s) paths: the name itself, `env:NAME` or `file:PATH`.",
        examples=["crm"],
    )
    password: SecretReference | None = Field(
        None,
        description="Where the password for http(s) paths is found: `env:NAME`, an environment variable, or "
        "`file:PATH`, a file relative to the profile.",
        examples=["env:CRM_PASSWORD"],
    )
    headers: Annotated[dict[str, SecretReference], BeforeValidator(readers.read_headers)] = Field(
        default_factory=dict,
        json_schema_extra={"propertyNames": {"pattern": f"^(?:{readers.HEADER})$"}},
        description="Headers of the request for http(s) paths, each `env:NAME` or `file:PATH`.",
        examples=[{"X-Key": "env:CRM_KEY"}],
    )
    ca: FilePath | None = Field(
        None,
        description="A PEM file, relative to the profile, with the certificates of authorities that http(s) servers "
        "may have theirs from, besides those that the system trusts.",
        examples=["ca.pem"],
    )
    timeout: Seconds = Field(60, description="For how many seconds an http(s) server may be silent.", examples=[60])
    max_megabytes: Count = Field(
        4096,
        description="What is fetched from an http(s) path, and what it unpacks to, must not be larger.",
        examples=[4096],
    )

    @field_validator(*_OF_ADDRESSES)
    @classmethod
    def _of_addresses(cls, value: object, info: ValidationInfo) -> object:
        paths = info.data.get("path", ())
        remote = [path for path in paths if addresses.is_address(path)]
        if paths and not remote:
            raise ProfileValueError("is only for http(s) paths, and the path is a local file; take it out")
        if info.field_name in addresses.CREDENTIALS:
            addresses.refuse_exposure(remote)
        return value


class JoinSettings(ExportSettings):
    """A second source, whose columns are put to each row of the first by a key."""

    path: Paths = Field(
        description="The second export, or a list of exports, as `source.path`.", examples=["clients.json"]
    )
    on: Annotated[
        dict[str, str],
        PlainValidator(
            readers.read_join_key,
            json_schema_input_type=Annotated[
                dict[str, Column],
                Field(json_schema_extra={"minProperties": 1, "propertyNames": {"pattern": r"\S"}}),
            ],
        ),
    ] = Field(
        description="The key: the source's column = the column of the second export that must equal it.",
        examples=[{"clientUniqId": "id"}],
    )
    prefix: Annotated[str, PlainValidator(readers.read_prefix), WithJsonSchema({"type": "string"})] = Field(
        "", description="Stands before the names of the second export's columns.", examples=["client."]
    )


class SourceSettings(ExportSettings):
    """Where the rows come from, and what is put to them."""

    optional: Columns = Field(
        (),
        description="Columns that may be missing from an export, such as optional properties of JSON on a day on which "
        "no record has one; they are empty then.",
        examples=[["paidDateTime", "client.phone"]],
    )
    join: JoinSettings | None = Field(
        None,
        description="A second source, such as the clients beside the orders, whose columns are put to each row.",
        examples=[{"path": "clients.json", "on": {"clientUniqId": "id"}, "prefix": "client."}],
    )


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
    matches: Pattern | None = Field(
        None, description="A regular expression (Python's) is found in the cell.", examples=["(?i)^опл"]
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
    """What a column's cell must be for a goal to take the row. One of these is set, or both of the last two.

    Attributes:
        column: the source's column.
        values: the cell, trimmed and case folded, is one of these.
        excluded: the cell, trimmed and case folded, is none of these.
        empty: True: the cell is empty; False: it is filled.
        matches: `search` finds this in the cell.
        minimum: the cell is a number not less than this.
        maximum: the cell is a number not greater than this.
    """

    column: str
    values: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None
    empty: bool | None = None
    matches: re.Pattern[str] | None = None
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


class TimeColumn(Table):
    """The column of the conversion's time, and how it is read."""

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


class PriceColumn(Table):
    """The column of the conversion's price, and how it is read."""

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


class CurrencyColumn(Table):
    """The column of the price's currency, and how it is read."""

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
        """Goals that read the same column alike share the work; a dict alone has no hash."""
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


class Goal(Table):
    """A rule that makes conversions: every goal whose `when` holds makes one of the row."""

    target: Target = Field(
        description='The identifier of a "JavaScript event" goal of the counter, not its name.',
        examples=["order_paid"],
    )
    when: Annotated[
        tuple[Condition, ...],
        PlainValidator(
            _read_when,
            json_schema_input_type=Annotated[
                dict[str, CellTexts | ConditionTable], Field(json_schema_extra={"propertyNames": {"pattern": r"\S"}})
            ],
        ),
    ] = Field(
        (),
        description="Columns and what their cells must be, all at once: a value, a list of values, or a table with one "
        "of `not`, `empty`, `matches`, or `min` and `max`. Cells are compared trimmed, upper and lower case make no "
        "difference. Without it the goal takes every row.",
        examples=[{"Стадия сделки": ["Оплачен", "Выдан"]}, {"Сумма": {"min": 1000}}],
    )
    time: Annotated[TimeColumn, PlainValidator(_read_time, json_schema_input_type=Column | TimeColumn)] = Field(
        description="The column that holds the conversion's time, or a table that says how it is read.",
        examples=["Дата оплаты", {"column": "Paid", "format": "%m/%d/%Y %H:%M", "timezone": "UTC"}],
    )
    price: (
        Annotated[
            PriceColumn | Decimal, PlainValidator(_read_price, json_schema_input_type=Column | Amount | PriceColumn)
        ]
        | None
    ) = Field(
        None,
        description="The column that holds the price, a table that says how it is read, or one price for every row.",
        examples=["Сумма", 100, {"column": "Price", "decimal": ","}],
    )
    currency: (
        Annotated[
            CurrencyColumn | str,
            PlainValidator(_read_currency, json_schema_input_type=CurrencyCode | CurrencyColumn),
        ]
        | None
    ) = Field(
        None,
        description="The price's currency if it is not the profile's: an ISO 4217 code, or the column that holds it.",
        examples=["USD", {"column": "Валюта", "values": {"руб.": "RUB"}}],
    )

    def columns(self) -> Iterator[tuple[str, str]]:
        """Give every column that the goal reads, and the goal's key that names it."""
        for condition in self.when:
            yield condition.column, "when"
        yield self.time.column, "time"
        if isinstance(self.price, PriceColumn):
            yield self.price.column, "price"
        if isinstance(self.currency, CurrencyColumn):
            yield self.currency.column, "currency"


def _read_goals(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ProfileValueError(f"must be a list of tables, not {kind(value)}; write [[goals]], with two brackets")
    if not value:
        raise ProfileValueError("is empty; write at least one [[goals]]")
    return value


class Settings(Table):
    """How the exports of one CRM become conversions of one counter: the keys of the profile."""

    counter: Count | None = Field(None, description="The number of the Metrica counter.", examples=[2215573])
    timezone: Timezone = Field(
        description="The zone of the source's times, and of `since` and `until`: a name of the IANA list.",
        examples=["Europe/Moscow"],
    )
    currency: CurrencyCode = Field("RUB", description="The currency of prices that name none.", examples=["RUB"])
    since: Annotated[Since, PlainValidator(Since.parse), _END] | None = Field(
        None,
        description='Leaves out conversions before this date, or before "21d": so many days back from now.',
        examples=["2024-05-01", "21d"],
    )
    until: Annotated[Until, PlainValidator(Until.parse), _END] | None = Field(
        None,
        description='Leaves out conversions after this date, or after "1d": so many days back from now.',
        examples=["2024-05-31", "1d"],
    )
    max_rejected: Share = Field(
        0.5,
        description="The share of rejected rows above which nothing is written, since the profile or the export must "
        "be wrong.",
        examples=[0.5],
    )
    source: SourceSettings = Field(
        default_factory=SourceSettings, description="Where the rows come from.", examples=[{"path": "deals.csv"}]
    )
    identifiers: Annotated[
        tuple[IdentifierColumn, ...],
        PlainValidator(
            _read_identifiers,
            json_schema_input_type=Annotated[IdentifierTable, Field(json_schema_extra={"minProperties": 1})],
        ),
    ] = Field(
        description="Metrica's identifiers and the columns that hold them. The first that is filled names the row, in "
        "the order written here.",
        examples=[{"Yclid": "yclid", "ClientId": ["ClientID", "ClientID 2"]}],
    )
    goals: Annotated[tuple[Goal, ...], BeforeValidator(_read_goals)] = Field(
        json_schema_extra={"minItems": 1},
        description="The rules that make conversions, one table each.",
        examples=[[{"target": "order_paid", "time": "Дата оплаты"}]],
    )

    @field_validator("until")
    @classmethod
    def _not_before_since(cls, value: Until, info: ValidationInfo) -> Until:
        since = info.data.get("since")
        if since is not None and period.is_empty(since, value):
            raise ProfileValueError(f"{value} lies before since, {since}: the period is empty")
        return value


class Profile(Settings):
    """A profile that was read from a file, with every mistake ruled out that can be seen without the source.

    Attributes:
        path: the file.
        digest: SHA-256 of the file's bytes, in hexadecimal digits.
    """

    path: Path
    digest: str

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a profile from its file.

        Raises:
            ProfileError: the file cannot be read, or has mistakes; all of them are listed.
        """
        from csvexport.profile.loading import load_profile  # noqa: PLC0415 - loading stands on the model

        return cast("Self", load_profile(Path(path)))

    @property
    def name(self) -> str:
        """What the profile is called: its folder when the file is `profile.toml`, else the file without its ending."""
        folder = self.path.parent.resolve().name
        return folder if self.path.name == "profile.toml" and folder else self.path.stem

    def places(self) -> list[tuple[str, str]]:
        """Give every column that the profile names, and where: `("Дата оплаты", "goals[1].time")`."""
        named = [(column, f"identifiers.{item.type}") for item in self.identifiers for column in item.columns]
        for number, goal in enumerate(self.goals, 1):
            named += [(column, f"goals[{number}].{key}") for column, key in goal.columns()]
        return named
