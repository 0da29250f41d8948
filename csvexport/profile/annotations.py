"""The kinds of single values that keys of the profile take: how each is read, and what the JSON Schema says of it."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from csvexport.profile import addresses, readers
from csvexport.profile.patterns import Pattern
from csvexport.profile.period import PATTERN, Since
from csvexport.profile.readers import Encoding, Kind
from csvexport.profile.secrets import REFERENCE, SCHEMES, Secret

# Where a period begins.
SinceEnd = Annotated[
    Since, PlainValidator(Since.parse), WithJsonSchema({"type": "string", "pattern": f"^(?:{PATTERN})$"})
]

Format = Literal["csv", "xlsx", "xlsb", "xls", "ods", "json", "jsonl", "xml", "parquet"]
Delimiter = Literal[",", ";", "\t", "|"]


def texts(pattern: str) -> WithJsonSchema:
    """Tell the JSON Schema that a value is a text which this pattern matches whole."""
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
CountryCode = Annotated[str, PlainValidator(readers.read_country), texts(readers.COUNTRY)]
CurrencyCode = Annotated[str, PlainValidator(readers.read_currency_code), texts(readers.CURRENCY)]
Column = Annotated[str, PlainValidator(readers.read_column), _FILLED]
Target = Annotated[str, PlainValidator(readers.read_target), texts(readers.TARGET)]
Targets = Annotated[
    tuple[str, ...],
    PlainValidator(readers.read_targets, json_schema_input_type=Target | Annotated[list[Target], Field(min_length=1)]),
]
RegularExpression = Annotated[Pattern, PlainValidator(readers.read_pattern), _FILLED]
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
_Path = Annotated[str, texts(f"{_LOCAL}|{addresses.ADDRESS}")]
Paths = Annotated[
    tuple[str, ...],
    PlainValidator(readers.read_paths, json_schema_input_type=_Path | Annotated[list[_Path], Field(min_length=1)]),
]
FilePath = Annotated[str, PlainValidator(readers.read_file_path), texts(_LOCAL)]
Seconds = Annotated[
    float,
    PlainValidator(readers.read_seconds),
    WithJsonSchema({"type": "number", "minimum": 1, "maximum": readers.LONGEST_TIMEOUT}),
]
TimeLimit = Annotated[
    float,
    PlainValidator(readers.read_time_limit),
    WithJsonSchema({"type": "number", "minimum": 1, "maximum": readers.LONGEST_DELIVERY}),
]
Attempts = Annotated[
    int, PlainValidator(readers.read_attempts), WithJsonSchema(_COUNT | {"maximum": readers.MOST_ATTEMPTS})
]
Mode = Annotated[str, PlainValidator(readers.read_mode), texts(readers.MODE)]
Name = Annotated[str, PlainValidator(readers.read_name), texts(readers.NAME)]
_Fingerprint = Annotated[str, texts(readers.FINGERPRINT)]
Fingerprints = Annotated[
    tuple[str, ...],
    PlainValidator(
        readers.read_fingerprints,
        json_schema_input_type=_Fingerprint | Annotated[list[_Fingerprint], Field(min_length=1)],
    ),
]
Kinds = Annotated[
    tuple[str, ...],
    PlainValidator(readers.read_kinds, json_schema_input_type=Kind | Annotated[list[Kind], Field(min_length=1)]),
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
Text = Annotated[str, PlainValidator(readers.read_text), _FILLED]
SecretReference = Annotated[Secret, PlainValidator(readers.read_secret), texts(REFERENCE)]
Username = Annotated[
    Secret | str, PlainValidator(readers.read_username), texts(rf"(?!{'|'.join(SCHEMES)})[\s\S]+|{REFERENCE}")
]
CellTexts = Annotated[
    tuple[str, ...],
    PlainValidator(
        readers.read_cell_texts,
        json_schema_input_type=str | bool | Number | Annotated[list[str | bool | Number], Field(min_length=1)],
    ),
]
