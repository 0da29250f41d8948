"""What of a text from outside may be seen: no whole identifier, phone or e-mail, and nothing that a terminal obeys."""

import re
from typing import Final

_SHOWN: Final = 4
"""Characters of an identifier that are shown."""

# Days, and the moments in names of files, are no numbers of anybody's.
_MOMENT: Final = (
    r"(?<!\d)(?:(?:19|20)\d\d-\d\d-\d\d|\d\d-\d\d-(?:19|20)\d\d"
    r"|(?:19|20)\d\d[01]\d[0-3]\d[T _-]?[0-2]\d[0-5]\d[0-5]\d)(?!\d)"
)
_BETWEEN: Final = "[ \t\u00a0\u2007\u2009\u202f()\u00ad\u2010-\u2015\u2212-]*"
_NUMBER: Final = re.compile(
    rf"(?P<moment>{_MOMENT})"
    rf"|\+ ?\d(?:(?:[./]|{_BETWEEN})\d){{9,}}"
    rf"|(?<!\d)\d(?:{_BETWEEN}\d){{9,}}"
    # With points between its parts, a number might be an address of the network; a mobile phone's is none.
    r"|(?<![\d.])(?:[78][ .(]{0,2})?9\d\d[ .)]{1,2}\d{3}[ .-]\d\d[ .-]\d\d(?!\d)"
)

# From the beginning of a word to its end: else a long one would be read anew from each of its letters.
_BREAKS: Final = r"""\s"'«»“”„<>(),;:/\\|=\[\]{}"""
_EMAIL: Final = re.compile(rf"(?<![^{_BREAKS}])(?!…@)[@＠]*[^@＠{_BREAKS}]++[@＠][^{_BREAKS}]+")
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s:]*+:[^/@\s]*+@")

# Who logs in to an SFTP server; with the @ behind it this would pass for an e-mail, and hide the whole address.
_LOGIN: Final = re.compile(r"(sftp://[^/\s:]+)@")


def cut(text: str) -> str:
    """The beginning of a text, as long as may be seen of an identifier."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def masked(text: str) -> str:
    """A text with its e-mails, phones and identifiers cut short."""
    if text.isascii() and not any(mark in text for mark in "@0123456789"):
        return text
    parts = _LOGIN.split(text)
    logins = [f"{_masked(login)}@" for login in parts[1::2]]
    return "".join(_masked(before) + login for before, login in zip(parts[::2], [*logins, ""], strict=True))


def _masked(text: str) -> str:
    text = _NUMBER.sub(lambda found: found[0] if found["moment"] else cut(found[0]), text)
    return _EMAIL.sub(lambda found: cut(found[0]), _PASSWORD.sub("…@", text))


def printable(text: str) -> str:
    """A text on one line: blanks of all kinds as spaces, everything else that has no picture as U+FFFD.

    It may have held line breaks, what a terminal would obey, marks that turn the writing, half a character.
    """
    return text if text.isprintable() else "".join(map(_picture, text))


def _picture(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
