"""`orders`: simple orders, as Direct's Conversion Center fetches them and Metrica's CRM API takes them ([so], [cc])."""

from collections.abc import Sequence
from typing import Final, Literal

import pyarrow as pa

from csvexport.formats.files import LIMIT_BYTES, File
from csvexport.formats.lines import csv_lines

KIND = "orders"

COLUMNS = (
    "id",
    "create_date_time",
    "client_uniq_id",
    "client_ids",
    "emails",
    "phones",
    "emails_md5",
    "phones_md5",
    "order_status",
    "revenue",
    "cost",
    "goals",
    "currency",
)
"""In the order in which they are written; those that a profile does not name are left out."""

STATUSES = ("PAID", "IN_PROGRESS", "CANCELLED", "SPAM")
"""What `order_status` may be besides the identifier of a goal."""

CONVERSION_CENTER = ";"
"""The delimiter of the Conversion Center; with a comma the file is for the API."""

WINDOW_SECONDS: Final = 113 * 86400
"""The Conversion Center refuses what is older ([cc])."""

PICKUP_LIMIT_BYTES: Final = 300_000_000
"""The Conversion Center takes no larger file ([cc]); read as the smaller of the two meanings of 300 MB."""

KEPT_DAYS: Final = 3
"""So many days have to be kept correct in the file ([cc])."""


def file(columns: Sequence[str], delimiter: str, oversize: Literal["trim", "fail"]) -> File:
    """Give the file with these of `COLUMNS`; the Conversion Center polls one path, so that it has no second part."""
    header = f"{delimiter.join(columns)}\n".encode()
    if delimiter == CONVERSION_CENTER:
        return File(KIND, None, f"{KIND}.csv", header, PICKUP_LIMIT_BYTES, oversize=oversize)
    return File(KIND, None, f"{KIND}.csv", header, LIMIT_BYTES)


def lines(columns: Sequence[pa.StringArray], delimiter: str) -> pa.StringArray:
    """Write the columns of the header as lines; lists are joined by commas and get quoted."""
    return csv_lines(columns, delimiter)
