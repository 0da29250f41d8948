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

# Below this depth brackets are sorted as short numbers, which is much faster.
_SHORT = 1 << 15


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


def are_paired(text: NDArray[np.uint8], brackets: Brackets) -> bool:
    """Whether each of these brackets, all of which are closed again, is closed by one of its own kind."""
    kinds = text[brackets.places]
    # Within a level opening and closing ones take turns.
    levels = brackets.depths + (kinds | _LOWER == _CLOSING)
    if len(levels) and levels.max() > 1:
        kinds = kinds[np.argsort(levels.astype(np.int16) if levels.max() < _SHORT else levels, kind="stable")]
    return bool((kinds[1::2] - kinds[0::2] == _CLOSING - _OPENING).all())


class Elements(NamedTuple):
    """The objects and lists in a list that are whole.

    Attributes:
        starts, ends: offsets (int64) of their first bytes, and behind their last ones.
        closing: offset of the bracket that ends the list, None if it was not reached.
        are_paired: whether each bracket in them is closed by one of its own kind.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    closing: int | None
    are_paired: bool


def find_elements(data: bytes) -> Elements:
    """Find the elements in a list's text, which begins behind the list's bracket or behind an element."""
    text = np.frombuffer(data, np.uint8)
    places, depths = find_brackets(text, find_quotes(text))
    behind = np.flatnonzero(depths < 0)
    end = int(places[behind[0]]) if len(behind) else None
    if end is not None:
        places, depths = places[: behind[0]], depths[: behind[0]]
    closing = np.flatnonzero(depths == 0)
    opening = np.concatenate([[0], closing[:-1] + 1]) if len(closing) else closing
    whole = int(closing[-1]) + 1 if len(closing) else 0
    paired = are_paired(text, Brackets(places[:whole], depths[:whole]))
    return Elements(places[opening], places[closing] + 1, end, paired)
