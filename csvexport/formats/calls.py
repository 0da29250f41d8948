"""`calls`: calls as Metrica's management API takes them ([calls])."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from csvexport.columns import repeated
from csvexport.formats.files import LIMIT_BYTES, File
from csvexport.formats.lines import csv_lines

KIND = "calls"

IDENTIFIERS = ("UserId", "ClientId", "Yclid")

# What may stand behind the identifier and the time.
OPTIONAL = (
    "StaticCall",
    "Price",
    "Currency",
    "PhoneNumber",
    "TalkDuration",
    "HoldDuration",
    "CallMissed",
    "Tag",
    "FirstTimeCaller",
    "URL",
    "CallTrackerURL",
)

_DELIMITER = ","


def file(identifier: str, columns: Sequence[str]) -> File:
    """Give the file of one id type, one of `IDENTIFIERS`, with these of the optional columns."""
    header = _DELIMITER.join((identifier, "DateTime", *columns))
    return File(KIND, identifier, f"{KIND}-{identifier}.csv", f"{header}\n".encode(), LIMIT_BYTES)


def traits(columns: Mapping[str, pa.StringArray]) -> pa.StringArray:
    """Give by what a call is known that has no identifier: its line, but for the price, which may change.

    Args:
        columns: `DateTime`, and those of `OPTIONAL` that the file has, in their order, by their names.
    """
    told = [column for name, column in columns.items() if name not in {"Price", "Currency"}]
    return csv_lines([repeated("", len(told[0])), *told], _DELIMITER)


def lines(columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """Write the columns of the header as lines; static calls may have an empty identifier."""
    return csv_lines(columns, _DELIMITER)
