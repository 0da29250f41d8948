"""`calls`: calls as Metrica's management API takes them ([calls])."""

from collections.abc import Sequence

import pyarrow as pa

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


def lines(columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """Write the columns of the header as lines; static calls may have an empty identifier."""
    return csv_lines(columns, _DELIMITER)
