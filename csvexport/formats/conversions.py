"""`conversions`: offline conversions as Metrica's web UI and management API take them ([oc], [up], [help])."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import number_column, offsets_and_bytes, text_column, text_scalar

KIND = "conversions"

# One id type per file: the web UI asks for the file's type, and which of several ids in a row would win is unknown.
IDENTIFIERS = ("UserId", "ClientId", "Yclid", "PurchaseId")

# A conversion joins a visit only within this many days before Metrica processes the file ([par]).
WINDOW_SECONDS = 21 * 86400

# 1 GB ([help]); read as the smaller of its two meanings.
LIMIT_BYTES = 1_000_000_000


class Labels(NamedTuple):
    """A column of few distinct texts: the texts, and for each row the index of its text."""

    texts: Sequence[str]
    indices: NDArray[np.int16]

    def column(self, end: str = "") -> pa.StringArray | pa.StringScalar:
        """Give the column of texts, each with `end` appended; where all rows have one text, that alone."""
        if len(self.indices) and (self.indices == self.indices[0]).all():
            return text_scalar(self.texts[self.indices[0]] + end)
        return text_column([text + end for text in self.texts]).take(number_column(self.indices))


def header(identifier: str) -> bytes:
    """Give the first line of a file of one id type, one of `IDENTIFIERS`."""
    return f"{identifier},Target,DateTime,Price,Currency\n".encode()


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
    return pc.binary_join_element_wise(
        _quoted(identifiers),
        targets.column(),
        number_column(times).cast(pa.string()),
        prices,
        currencies.column("\n"),
        text_scalar(","),
    )


def _quoted(texts: pa.StringArray) -> pa.StringArray:
    _, data = offsets_and_bytes(texts)
    if not any((data == byte).any() for byte in b'",\r\n'):
        return texts
    special = pc.match_substring_regex(texts, '[",\r\n]')
    quote = text_scalar('"')
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise(quote, doubled, quote, text_scalar("")), texts)


def file_name(identifier: str, part: int) -> str:
    """Name a file; the first part has no number: `conversions-Yclid.csv`, `conversions-Yclid-2.csv`."""
    return f"{KIND}-{identifier}.csv" if part == 1 else f"{KIND}-{identifier}-{part}.csv"
