"""Small values beside the main ones: yes and no, and durations."""

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import numbers, text_column
from csvexport.issues import Code
from csvexport.values.cells import trim, without_shell

YES: Final = frozenset({"1", "да", "yes", "y", "true", "+", "истина", "д", "on", "✓", "x"})
NO: Final = frozenset({"0", "нет", "no", "n", "false", "-", "ложь", "н", "off", "–", "—"})

LONGEST_SECONDS: Final = 86400
"""No call lasts longer than a day."""

_DURATION: Final = re.compile(
    r"(?:(?P<hours>[0-9]{1,2}):(?=[0-9]{2}:[0-9]{2}))?(?P<minutes>[0-9]{1,4}):(?P<seconds>[0-5][0-9])(?:[.,][0-9]+)?"
    r"|(?!0+[.,]0*[1-9])(?P<bare>[0-9]{1,6})(?:[.,][0-9]+)?"
)
_MINUTE: Final = 60
_HOUR: Final = 3600


Reference = Callable[[str], tuple[str, Code]]


class Written(NamedTuple):
    """What a column of small values reads as.

    Attributes:
        texts: as they are written to a file, no nulls; "" where the cell is empty or cannot be read.
        codes: `NONE`, or `BAD_VALUE` where it cannot be read.
    """

    texts: pa.StringArray
    codes: NDArray[np.uint8]


def read_flag(text: str, yes: Collection[str] | None = None, no: Collection[str] | None = None) -> tuple[str, Code]:
    """The reference: "1" for yes, "0" for no, "" for an empty cell.

    Args:
        text: the cell.
        yes: what means yes, casefolded; all else then means no, unless `no` is given too. None with `no`: all else.
        no: what means no, casefolded.
    """
    cell = without_shell(text).casefold()
    if yes is None and no is None:
        if not cell:
            return "", Code.NONE
        yes, no = YES, NO
    is_yes = cell in yes if yes is not None else no is not None and cell not in no
    is_no = cell in no if no is not None else not is_yes
    if is_yes or is_no:
        return ("1" if is_yes else "0"), Code.NONE
    return "", Code.NONE if not cell else Code.BAD_VALUE


def read_duration(text: str) -> tuple[str, Code]:
    """The reference: whole seconds; `95`, `1:35`, `00:01:35`; fractions of a second are cut.

    Minutes and seconds are read where two numbers stand, since that is what call trackings write. A fraction below one
    is refused: it is rather a spreadsheet's part of a day.
    """
    cell = without_shell(text)
    if not cell:
        return "", Code.NONE
    found = _DURATION.fullmatch(cell)
    if not found:
        return "", Code.BAD_VALUE
    if found["bare"]:
        seconds = int(found["bare"])
    else:
        minutes = int(found["minutes"])
        if found["hours"] and minutes >= _MINUTE:
            return "", Code.BAD_VALUE
        seconds = int(found["hours"] or 0) * _HOUR + minutes * _MINUTE + int(found["seconds"])
    return (str(seconds), Code.NONE) if seconds <= LONGEST_SECONDS else ("", Code.BAD_VALUE)


def read_text(text: str) -> tuple[str, Code]:
    """The reference: a text on one line, its blanks trimmed."""
    return " ".join(trim(text).split()), Code.NONE


def read_address(text: str) -> tuple[str, Code]:
    """The reference: an address of the web, as it stands; anything else is left out."""
    cell = without_shell(text)
    if not cell or (re.fullmatch(r"\S+", cell) and "." in cell):
        return cell, Code.NONE
    return "", Code.BAD_VALUE


def read_number(text: str) -> tuple[str, Code]:
    """The reference: a decimal number with a dot, as it stands but for blanks and a decimal comma."""
    cell = re.sub(r"\s", "", without_shell(text)).replace(",", ".")
    if not cell:
        return "", Code.NONE
    return (cell, Code.NONE) if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", cell) else ("", Code.BAD_VALUE)


def read_several(text: str, read: Reference) -> tuple[str, Code]:
    """The reference of a list: values between commas or semicolons, each read by `read`, joined by commas."""
    values = [read(part) for part in re.split("[,;\n]", text)]
    code = next((code for _, code in values if code), Code.NONE)
    return ",".join(dict.fromkeys(value for value, _ in values if value)), code


def read_column(column: pa.StringArray, read: Reference) -> Written:
    """Read a column by a reference, each distinct text once.

    Args:
        column: no nulls.
        read: the reference.
    """
    encoded = column.dictionary_encode()
    results = [read(text) for text in encoded.dictionary.to_pylist()]
    texts = text_column([text for text, _ in results]).take(encoded.indices)
    codes = np.array([code for _, code in results], np.uint8)
    return Written(texts, codes[numbers(encoded.indices)] if results else np.zeros(len(column), np.uint8))
