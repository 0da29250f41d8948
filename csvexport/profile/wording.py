"""How mistakes are worded: values and places as the profile spells them, and what a misspelt word may have meant."""

import difflib
import json
import re
from collections.abc import Iterable
from datetime import date, time

from csvexport.masking import masked

# Longer values are cut in messages: a mistake is one line.
LONGEST_SHOWN = 60

# An export may have thousands of columns.
MOST_NAMES = 10

# Comparing a word with all others takes time that grows with its length; nobody mistypes a name of this length.
LONGEST_MISSPELT = 200

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

# Python refuses to write longer whole numbers in decimal digits; a hexadecimal TOML number may be such.
_LARGEST_DECIMAL = 10**40


class ProfileValueError(ValueError):
    """A value of the profile that cannot be; the text is a sentence for the person who wrote it."""


def written(value: object) -> str:
    """Write a value as TOML; what a terminal would not show, or would obey, is escaped."""
    match value:
        case list():
            return f"[{', '.join(written(item) for item in value)}]"
        case dict():
            return f"{{ {', '.join(f'{key_written(key)} = {written(item)}' for key, item in value.items())} }}"
        case str():
            quoted = json.dumps(value, ensure_ascii=False)
            return "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted)
    return _plainly_written(value)


def _plainly_written(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if abs(value) < _LARGEST_DECIMAL else hex(value)
        case date() | time():
            return value.isoformat()
    return str(value)


def key_written(key: str) -> str:
    """Write a key as TOML: in quotes if it needs them."""
    return key if _BARE_KEY.fullmatch(key) else written(key)


def _escaped(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number < 1 << 16 else f"\\U{number:08x}"


def shown(value: object) -> str:
    """Write a value for a message: as TOML, cut when it is long; of tables and lists only that they are such."""
    if isinstance(value, dict | list):
        return kind(value)
    if isinstance(value, str):
        return written(value if len(value) <= LONGEST_SHOWN else f"{value[: LONGEST_SHOWN - 1]}…")
    text = written(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def kind(value: object) -> str:
    """Name the kind of a TOML value, for messages that must not repeat the value."""
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case str():
            return "a text"
        case bool():
            return "true or false"
        case date() | time():
            return "a date"
    return "a number"


def listed(choices: Iterable[str]) -> str:
    """Write the values among which to choose: `"," or "."`."""
    *most, last = (written(choice) for choice in choices)
    return f"{', '.join(most)} or {last}" if most else last


def some(names: Iterable[str], word: str = "") -> str:
    """Write names that an export has, ten at most and how many more there are: `"id", "sum" and 2,990 more`.

    What looks like a phone, an e-mail or an identifier is cut short: a file without a header has its first row for one.

    Args:
        names: those of columns, sheets or elements.
        word: what stands before the last, such as "or"; without it a comma does.
    """
    every = list(names)
    first = [shown(masked(name)) for name in every[:MOST_NAMES]]
    if len(every) > MOST_NAMES:
        return f"{', '.join(first)} {word or 'and'} {len(every) - MOST_NAMES:,} more"
    if word and len(first) > 1:
        return f"{', '.join(first[:-1])} {word} {first[-1]}"
    return ", ".join(first) or "none"


def place(location: Iterable[int | str]) -> str:
    """Write where a value stands, `goals[2].time`; lists count from 1."""
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step if _BARE_KEY.fullmatch(step) else shown(step)}"
    return text.removeprefix(".")


def suggestion(word: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """Ask ` (did you mean "goals"?)` if a known word is near, without regard to case; else give "".

    Args:
        word: what was written.
        known: what could have been meant.
        cutoff: how alike the two must be, 1.0: equal but for case.
    """
    folded = {name.casefold(): name for name in known}
    near = (
        difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=cutoff) if len(word) < LONGEST_MISSPELT else []
    )
    return f" (did you mean {written(folded[near[0]])}?)" if near else ""


def near_texts(word: str, known: Iterable[str], most: int = 2) -> list[str]:
    """Give the texts that a word may have been meant to be, the nearest first, without regard to case.

    Args:
        word: what was written.
        known: what there is.
        most: how many at most.
    """
    folded = {name.casefold(): name for name in known if len(name) < LONGEST_MISSPELT}
    meant = word.strip().casefold()
    if not meant or len(meant) >= LONGEST_MISSPELT:
        return []
    near = difflib.get_close_matches(meant, folded, n=most, cutoff=0.6)
    near += [name for name in folded if name not in near and name and (meant in name or name in meant)]
    return [folded[name] for name in near[:most]]
