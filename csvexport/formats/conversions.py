"""`conversions`: offline conversions as Metrica's web UI and management API take them ([oc], [up], [help])."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import number_column
from csvexport.formats.files import LIMIT_BYTES, File
from csvexport.formats.lines import Labels, lines_of, quoted

KIND = "conversions"

# One id type per file: the web UI asks for the file's type, and which of several ids in a row would win is unknown.
IDENTIFIERS = ("UserId", "ClientId", "Yclid", "PurchaseId")

# A conversion joins a visit only within this many days before Metrica processes the file ([par]).
WINDOW_SECONDS = 21 * 86400

_DELIMITER = ","


def file(identifier: str) -> File:
    """Give the file of one id type, one of `IDENTIFIERS`."""
    header = f"{identifier},Target,DateTime,Price,Currency\n".encode()
    return File(KIND, identifier, f"{KIND}-{identifier}.csv", header, LIMIT_BYTES)


def lines(
    identifiers: pa.StringArray,
    targets: Labels,
    times: NDArray[np.int64],
    prices: pa.StringArray,
    currencies: Labels,
) -> pa.StringArray:
    """Write records as lines of the file, line break included.

    Args:
        identifiers: opaque texts; quoted where they hold a comma, a quote or a line break.
        targets: need no quotes; the profile admits no others.
        times: Unix time in seconds.
        prices: plain decimals with a dot; "" where there is none.
        currencies: ISO 4217 codes.
    """
    columns = [
        quoted(identifiers, _DELIMITER),
        targets.column(),
        number_column(times).cast(pa.string()),
        prices,
        currencies.column("\n"),
    ]
    return lines_of(columns, _DELIMITER)
