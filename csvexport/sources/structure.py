"""The structure of JSON: where its texts and brackets stand, found over a whole buffer at once.

Whatever stands between two quotes is a text, and only a backslash takes a quote its meaning; everything else about JSON
can be told from where the quotes and brackets are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

QUOTE = ord('"')
BACKSLASH = ord("\\")

# Curly and square brackets are one bit apart.
_LOWER = np.uint8(0x20)
_OPENING, _CLOSING = ord("{"), ord("}")


class Brackets(NamedTuple):
    """The brackets outside texts, in their order.

    Attributes:
        places: their offsets (int64).
        depths: how many are open behind each (int64), relative to the buffer's beginning.
    """

    places: NDArray[np.int64]
    depths: NDArray[np.int64]


def find_quotes(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Find the quotes (offsets, int64) that begin and end texts; the buffer begins outside of one."""
    return find_marks(text)[0]


def find_marks(text: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the quotes that begin and end texts, the backslashes, and those of them that say how the next sign is meant.

    Offsets, int64; the buffer begins outside of a text.
    """
    quotes = np.flatnonzero(text == QUOTE)
    backslashes = np.flatnonzero(text == BACKSLASH)
    if not len(backslashes):
        return quotes, backslashes, backslashes
    # Of several in a row every second one is itself meant.
    numbers = np.arange(len(backslashes))
    first = np.where(np.diff(backslashes, prepend=-2) == 1, 0, numbers)
    speaking = backslashes[(numbers - np.maximum.accumulate(first)) % 2 == 0]
    places = np.minimum(np.searchsorted(quotes, speaking + 1), max(len(quotes) - 1, 0))
    literal = places[quotes[places] == speaking + 1] if len(quotes) else places[:0]
    return np.delete(quotes, literal), backslashes, speaking


def find_brackets(text: NDArray[np.uint8], quotes: NDArray[np.int64], *, inside: bool = False) -> Brackets:
    """Find the brackets outside texts.

    Args:
        text: the buffer.
        quotes: those that begin and end texts.
        inside: whether the buffer begins inside a text.
    """
    folded = text | _LOWER
    places = np.flatnonzero((folded == _OPENING) | (folded == _CLOSING))
    places = places[np.searchsorted(quotes, places) % 2 == inside]
    steps = np.where(folded[places] == _OPENING, 1, -1)
    return Brackets(places, np.cumsum(steps))


def find_elements(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], int | None]:
    """Find the objects and lists in a list's text, which begins behind the list's bracket or behind an element.

    Returns:
        The offsets of those that are whole: of their first bytes, and behind their last ones; and the offset of the
        bracket that ends the list, None if it is not in `data`.
    """
    text = np.frombuffer(data, np.uint8)
    places, depths = find_brackets(text, find_quotes(text))
    behind = np.flatnonzero(depths < 0)
    end = int(places[behind[0]]) if len(behind) else None
    if end is not None:
        places, depths = places[: behind[0]], depths[: behind[0]]
    closing = np.flatnonzero(depths == 0)
    opening = np.concatenate([[0], closing[:-1] + 1]) if len(closing) else closing
    return places[opening], places[closing] + 1, end
