r"""Regular expressions of the profile, found by RE2, which Arrow carries, in time that grows with the cell alone.

RE2's `\d`, `\w` and `\s` know Latin letters only, so that they are spelled out as what they mean in Python.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from csvexport.masking import printable
from csvexport.profile.wording import LONGEST_SHOWN, ProfileValueError, shown

# What stands for a class between the brackets of another one.
_SPACE: Final = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_NO_SPACE: Final = (
    r"\x00-\x08\x0e-\x1b\x21-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}"
    r"\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}"
)
_WORD: Final = r"\pL\pN_"
# Of the connecting punctuation (Pc) all but the underscore.
_NO_WORD: Final = (
    r"\pC\pM\pS\pZ\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}"
    r"\x{203f}\x{2040}\x{2054}\x{fe33}\x{fe34}\x{fe4d}-\x{fe4f}\x{ff3f}"
)
_CLASSES: Final = {
    r"\d": r"\p{Nd}",
    r"\D": r"\P{Nd}",
    r"\s": _SPACE,
    r"\S": _NO_SPACE,
    r"\w": _WORD,
    r"\W": _NO_WORD,
}
_BARE: Final = {
    name: f"[^{_CLASSES[name.lower()]}]" if name.isupper() else f"[{spelled}]" for name, spelled in _CLASSES.items()
}

_TOKEN: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|\[\^?\]?|\{[0-9]*(?:,[0-9]*)?\}|.", re.DOTALL)
_IN_CLASS: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|\[:\^?[a-z]+:\]|.", re.DOTALL)

# What RE2 takes as the number of times.
_MOST_REPEATED: Final = 1000

# What RE2 says of what it does not take, by its beginning, and what to do.
_REMEDIES: Final = {
    "invalid perl operator": "write it without looking ahead or behind, and without flags but i, m and s; what must not"
    " stand in the cell can be said by `not`",
    "invalid escape sequence": "write it without references back to a group; the character itself may stand there",
    "bad repetition operator": "write it without *+, ++ and ?+",
    "invalid repetition size": "nothing may be repeated more than 1,000 times, repetitions inside of it included",
    "pattern too large": "repeat less, or name fewer characters",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression.

    Attributes:
        written: as the profile has it.
        spelled: as RE2 takes it.
    """

    written: str
    spelled: str

    @classmethod
    def read(cls, text: str) -> "Pattern":
        """Read one.

        Raises:
            ProfileValueError: it is none, or one that only an engine reads which may never end.
        """
        pattern = cls(text, "".join(_spelled(text)))
        try:
            pattern.found_in([""])
        except ValueError as error:
            reason = str(error).removeprefix("Invalid regular expression: ")
            remedy = next((advice for start, advice in _REMEDIES.items() if reason.startswith(start)), "")
            raise _refusal(text, printable(reason)[:LONGEST_SHOWN], remedy) from None
        return pattern

    def found_in(self, texts: Sequence[str]) -> list[bool]:
        """Tell in which texts it is found anywhere; Python's lock is free meanwhile."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and most profiles have no pattern
        import pyarrow.compute as pc  # noqa: PLC0415 - likewise

        # `pyarrow.array` would import pandas.
        cells = [text.encode() for text in texts]
        offsets = array("i", accumulate(map(len, cells), initial=0))
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(cells))]
        column = pa.Array.from_buffers(pa.string(), len(cells), buffers)
        found: list[bool] = pc.match_substring_regex(column, self.spelled).to_pylist()
        return found


def _refusal(text: str, reason: str, remedy: str) -> ProfileValueError:
    if not remedy:
        return ProfileValueError(f"{shown(text)} is no regular expression: {reason}")
    return ProfileValueError(f"{shown(text)} is a regular expression that is not taken here: {reason}; {remedy}")


def _spelled(text: str) -> Iterator[str]:
    """Give the parts of an expression as RE2 takes them."""
    place, is_class = 0, False
    while place < len(text):
        token = (_IN_CLASS if is_class else _TOKEN).match(text, place)
        if token is None:
            raise AssertionError("any character is a token")
        part, place = token[0], token.end()
        if len(part) > 1 and part[0] == "\\":
            yield _escape(text, part, is_class=is_class)
        elif len(part) > 1 and part[0] == "{":
            yield _repetition(text, part)
        else:
            is_class = part != "]" if is_class else part[0] == "["
            yield part


def _repetition(text: str, part: str) -> str:
    """Give how often something may be repeated; RE2 takes what is no such count to the letter, without a word."""
    if any(len(count) > len(str(_MOST_REPEATED)) for count in part[1:-1].split(",")):
        raise _refusal(text, part, _REMEDIES["invalid repetition size"])
    return part.replace("{,", "{0,")


def _escape(text: str, part: str, *, is_class: bool) -> str:
    """Give what stands for an escaped character, or refuse it."""
    character, digits = part[1], part[2:]
    if part in _CLASSES:
        return _CLASSES[part] if is_class else _BARE[part]
    if digits:
        return f"\\x{{{digits}}}"
    if is_class and character == "b":
        return r"\x08"
    if character in "bB":
        raise _refusal(text, part, r"write (?:^|\W) for the beginning of a word, and (?:\W|$) for its end")
    if character in "123456789QEC":
        raise _refusal(text, part, _REMEDIES["invalid escape sequence"])
    if character == "Z":
        return r"\z"
    return part if character.isascii() else character
