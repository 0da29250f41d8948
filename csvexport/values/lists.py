"""Several values in one cell: where one ends and the next begins, and what a kernel makes of cells with one."""

import re
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.values.cells import BLANKS, trim

NOTHING: Final = frozenset({"", "-", "–", "—", "нет"})
"""What people write where there is nothing; casefolded. `null` and `undefined` are not among it: programs err there."""

_BETWEEN: Final = re.compile(
    rf"(?<![{BLANKS}])[{BLANKS}]++(?:или|or)[{BLANKS}]++|[,;\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]", re.IGNORECASE
)


class Recognised(NamedTuple):
    """What a kernel makes of the spellings that it knows."""

    texts: pa.StringArray
    """As the reference reads the cells, no nulls; the empty text in rows that are left to the reference."""
    codes: NDArray[np.uint8]
    """Likewise."""
    others: NDArray[np.intp]
    """The rows that are left to the reference."""


def parts(cell: str) -> list[str]:
    """What stands between commas, semicolons, tabs, line breaks, ` или ` and ` or `: trimmed, `NOTHING` left out."""
    trimmed = [trim(part) for part in _BETWEEN.split(cell)]
    return [part for part in trimmed if part.casefold() not in NOTHING]
