"""Where the records of delimited text begin and end: the reference, record by record, and the check over a buffer.

What holds for both: a cell that begins with a quote ends at the next quote that is not doubled, and a delimiter or the
end of the line must follow; a quote inside a cell that does not begin with one is text. Everything works on bytes of an
encoding in which ASCII stands for itself.
"""

import re
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

QUOTE = ord('"')
NEWLINE = ord("\n")
RETURN = ord("\r")

# A record that goes on over line breaks for longer than this has a quote that nobody closed.
LONGEST_RECORD = 1 << 20


class Record(NamedTuple):
    """One record.

    Attributes:
        end: offset of the byte after it, its line break included.
        cells: its cells, quotes removed; None when the quoting is broken, and then `end` is the end of its first line.
    """

    end: int
    cells: list[bytes] | None


def read_record(data: bytes, start: int, delimiter: bytes, *, at_end: bool) -> Record | None:
    """Read the record that begins at `start`; what is found does not depend on how much follows it in `data`.

    Args:
        data: delimited text.
        start: offset of the record's first byte, below `len(data)`.
        delimiter: one byte.
        at_end: whether nothing follows `data` in the file.

    Returns:
        The record, or None when more data is needed to tell where it ends.
    """
    newline = data.find(b"\n", start)
    if newline < 0 and not at_end:
        return None
    line_end = newline + 1 if newline >= 0 else len(data)
    line = data[start:line_end]
    if b'"' not in line:
        return Record(line_end, line.removesuffix(b"\n").removesuffix(b"\r").split(delimiter))
    return _read_quoted(data, start, delimiter, at_end=at_end, line_end=line_end)


def _read_quoted(data: bytes, start: int, delimiter: bytes, *, at_end: bool, line_end: int) -> Record | None:
    """Read a record in whose first line a quote stands; `line_end` is the offset after that line."""
    limit = max(line_end, start + LONGEST_RECORD)
    pattern = _cell_pattern(delimiter)
    cells = []
    position = start
    while cell := pattern.match(data, position, limit):
        quoted, plain, ending = cell.groups()
        position = cell.end()
        if ending != delimiter:
            if not ending.endswith(b"\n") and not (at_end and position == len(data)):
                break
            plain = plain.removesuffix(b"\r") if quoted is None else plain
        cells.append(plain if quoted is None else quoted.replace(b'""', b'"'))
        if ending != delimiter:
            return Record(position, cells)
    return None if not at_end and len(data) < limit else Record(line_end, None)


@cache
def _cell_pattern(delimiter: bytes) -> re.Pattern[bytes]:
    """Match a cell and what ends it: the quoted cell's text, or the plain cell, and the delimiter or line break."""
    mark = re.escape(delimiter)
    return re.compile(rb'(?:"((?:[^"]++|"")*+)"|(?!")([^%b\n]*+))(%b|\r?\n|\r?\Z)' % (mark, mark))


def cut(data: bytes, delimiter: bytes, *, at_end: bool) -> tuple[int, bool]:
    """Find the end of the last record in `data`, supposing that every quote is where it belongs, and judge that.

    The judgement says whether every reader would find the same records up to that end: none is too long, line breaks
    are plain, and quotes proper. Quotes come in pairs. A pair is proper when it opens at the start of a cell and closes
    at the end of one (or continues behind a doubled quote), or when both stand inside one line in cells that do not
    begin with a quote.

    Returns:
        An offset behind a line break (or `len(data)` at the end of the file; 0 when no record ends in `data`), and
        whether the quoting up to there is beyond doubt.
    """
    text = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(text == QUOTE)
    end = len(data) if at_end else _last_break(data, quotes)
    inside = quotes[: np.searchsorted(quotes, end)]
    return end, end > 0 and _is_canonical(data, text[:end], inside, delimiter)


def _last_break(data: bytes, quotes: NDArray[np.intp]) -> int:
    """Give the offset behind the last line break outside quotes."""
    end = data.rfind(b"\n") + 1
    while end and np.searchsorted(quotes, end) & 1:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end


def _is_canonical(data: bytes, text: NDArray[np.uint8], quotes: NDArray[np.intp], delimiter: bytes) -> bool:
    """Judge the quoting of `text`, the beginning of `data`, in which quotes stand at these offsets."""
    if data.find(b"\r", 0, len(text)) >= 0 and not _returns_break_lines(text):
        return False
    if not len(quotes):
        return True
    if len(quotes) & 1 or not _ends_often(data, len(text), quotes):
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    before, after = text[opening - 1], _next_bytes(text, closing)
    before[opening == 0] = NEWLINE
    mark = delimiter[0]
    opens = (before == mark) | (before == NEWLINE) | (before == QUOTE)
    closes = (after == mark) | (after == NEWLINE) | (after == RETURN) | (after == QUOTE)
    proper = opens & closes
    if proper.all():
        return True
    rest = ~proper
    literal = ~opens[rest] & (text[closing[rest] - 1] != mark) & (after[rest] != QUOTE)
    return bool(literal.all()) and _within_lines(text, opening[rest], closing[rest])


def _ends_often(data: bytes, end: int, quotes: NDArray[np.intp]) -> bool:
    """Whether records up to `end` end so close to each other that none can be as long as `LONGEST_RECORD`."""
    step = LONGEST_RECORD // 2
    for start in range(0, end - step + 1, step):
        newline = data.find(b"\n", start, start + step)
        while newline >= 0 and np.searchsorted(quotes, newline) & 1:
            newline = data.find(b"\n", newline + 1, start + step)
        if newline < 0:
            return False
    return True


def _next_bytes(text: NDArray[np.uint8], positions: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Give the byte behind each position; behind the last byte of the text a line break."""
    following = text[np.minimum(positions + 1, len(text) - 1)]
    following[positions == len(text) - 1] = NEWLINE
    return following


def _returns_break_lines(text: NDArray[np.uint8]) -> bool:
    """Whether every carriage return belongs to a CRLF, since parsers disagree about a lone one."""
    returns = np.flatnonzero(text == RETURN)
    return bool((_next_bytes(text, returns) == NEWLINE).all())


def _within_lines(text: NDArray[np.uint8], first: NDArray[np.intp], last: NDArray[np.intp]) -> bool:
    """Whether no line break stands between the two offsets of any pair."""
    newlines = np.flatnonzero(text == NEWLINE)
    return bool((np.searchsorted(newlines, first) == np.searchsorted(newlines, last)).all())


def quoted_line(cells: list[bytes], delimiter: bytes) -> bytes:
    """Write a record so that its quoting is beyond doubt."""
    return delimiter.join(b'"' + cell.replace(b'"', b'""') + b'"' for cell in cells) + b"\n"
