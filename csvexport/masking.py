"""What of a cell may be seen: whole identifiers, phones and e-mails stay out of terminals, which end up in logs."""

import re
from typing import Final

_SHOWN: Final = 4
"""Characters of an identifier that are shown."""

# Phones and identifiers, but not dates.
_NUMBER: Final = re.compile(r"(?!\d{4}-\d\d-\d\d|\d\d-\d\d-\d{4})(?<!\d)\+?\d(?:[ ()-]*\d){9,}")
# From the beginning of a word to its end: else a long one would be read anew from each of its letters.
_EMAIL: Final = re.compile(r"(?<!\S)@*[^\s@]++@\S+")


def cut(text: str) -> str:
    """The beginning of a text, as long as may be seen of an identifier."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def masked(text: str) -> str:
    """A text with its e-mails, phones and identifiers cut short."""
    for pattern in (_NUMBER, _EMAIL):
        text = pattern.sub(lambda found: cut(found[0]), text)
    return text


def printable(text: str) -> str:
    """A text without what a terminal would obey instead of showing it."""
    return "".join(character if character.isprintable() else " " for character in text)
