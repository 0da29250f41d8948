"""`[source]`: where the rows come from."""

from typing import Annotated, get_args

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from csvexport.profile import addresses, readers
from csvexport.profile.annotations import (
    Column,
    Columns,
    Count,
    Delimiter,
    EncodingName,
    FilePath,
    Format,
    Paths,
    Seconds,
    SecretReference,
    Sheet,
    TimeLimit,
    Username,
    texts,
)
from csvexport.profile.tables import Table
from csvexport.profile.wording import ProfileValueError

# The keys that say how a server is asked; they stand for nothing where every path is local.
_OF_ADDRESSES = (*addresses.CREDENTIALS, "ca", "timeout", "time_limit")
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
    records: Annotated[str, PlainValidator(readers.read_records), texts(readers.RECORDS)] | None = Field(
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
        description="The user's name for http(s) paths: the name itself, or where it is found, as for `password`.",
        examples=["crm"],
    )
    password: SecretReference | None = Field(
        None,
        description="Where the password for http(s) paths is found: `env:NAME`, an environment variable; `file:PATH`, "
        "a file relative to the profile; or `credential:NAME`, a credential that systemd gives to the service.",
        examples=["env:CRM_PASSWORD"],
    )
    headers: Annotated[dict[str, SecretReference], BeforeValidator(readers.read_headers)] = Field(
        default_factory=dict,
        json_schema_extra={"propertyNames": {"pattern": f"^(?:{readers.HEADER})$"}},
        description="Headers of the request for http(s) paths; where each is found, as for `password`.",
        examples=[{"X-Key": "env:CRM_KEY"}],
    )
    ca: FilePath | None = Field(
        None,
        description="A PEM file, relative to the profile, with the certificates of authorities that http(s) servers "
        "may have theirs from, besides those that the system trusts.",
        examples=["ca.pem"],
    )
    timeout: Seconds = Field(60, description="For how many seconds an http(s) server may be silent.", examples=[60])
    time_limit: TimeLimit = Field(
        3600,
        description="How many seconds the fetching of an export from an http(s) server may take, all tries together.",
        examples=[3600],
    )
    max_megabytes: Count = Field(
        4096,
        description="What is fetched, what an archive unpacks to, and what a workbook or Parquet unfolds to in memory "
        "must not be larger.",
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
