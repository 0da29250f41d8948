"""What the cells of a JSON record are: the reference."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NoReturn

# What an object of a list is called by, and what it says, where it does not say that by a property of this name.
_NAMES: Final = ("field_name", "name", "key", "code")
_VALUES: Final = ("values", "value")

_TOO_DEEP: Final = "it is nested too deeply"

DEEPEST: Final = 100
"""No export nests its objects and lists deeper."""


class NoRecordError(ValueError):
    """The text is no record; the message says why, and repeats nothing of it."""


def _no_constant(name: str) -> NoReturn:
    raise NoRecordError(f"{name} is no JSON; the program that wrote it should write null")


# Numbers stay what is written: through a double `12.50` would become 12.5, and an identifier lose its last digits.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant)


def decode(text: bytes) -> object:
    """Read JSON; objects, lists, texts, None, True and False, and numbers as the texts that they are.

    Raises:
        NoRecordError: this is no JSON, or no UTF-8.
    """
    try:
        return _DECODER.decode(text.decode())
    except UnicodeDecodeError:
        raise NoRecordError("it holds bytes that are no UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise NoRecordError(f"it is no JSON: {error.msg.lower()} at character {error.pos + 1}") from None
    except RecursionError:
        raise NoRecordError(_TOO_DEEP) from None


def read_record(text: bytes) -> dict[str, str]:
    """Read one record: the names of its columns and their cells.

    A nested object's names follow its own behind a dot; of a list the elements are joined by commas, and what several
    objects in it say under one name is as well; an object of a name and a value is a column of that name. An empty
    object or list has no cell, what is null has an empty one.

    Raises:
        NoRecordError: this is no JSON object, or it holds what is no text.
    """
    record = decode(text)
    if not isinstance(record, dict):
        raise NoRecordError("it is no object")
    cells = dict(_cells(record, ""))
    try:
        "".join(cells.values()).encode()
    except UnicodeEncodeError:
        raise NoRecordError("it holds half of a character, such as \\ud83d without its second half") from None
    return cells


def _cells(record: Mapping[str, Any], prefix: str, depth: int = 1) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        raise NoRecordError(_TOO_DEEP)
    for key, value in record.items():
        name = prefix + key
        if type(value) is str:
            yield name, value
        elif isinstance(value, dict):
            yield from _cells(value, name + ".", depth + 1)
        elif isinstance(value, list):
            yield from _listed(value, name, depth + 1)
        else:
            yield name, _word(value)


def _listed(values: Iterable[Any], name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Give the cells of a list, each once."""
    found: dict[str, list[str]] = {}
    for value in values:
        own, said = _named(value)
        for inner, cell in _cells({own: said}, f"{name}." if own else name, depth):
            found.setdefault(inner, []).append(cell)
    for inner, cells in found.items():
        yield inner, ",".join(cell for cell in cells if cell)


def _named(value: object) -> tuple[str, object]:
    """Give name and value of an object that has both, as `custom_fields_values` of amoCRM; else no name, and itself."""
    if isinstance(value, dict):
        own = next((value[key] for key in _NAMES if isinstance(value.get(key), str) and value[key]), "")
        said = next((value[key] for key in _VALUES if key in value), None)
        if own and said is not None:
            if isinstance(said, list):
                said = [item.get("value") if isinstance(item, dict) and "value" in item else item for item in said]
            return own, said
    return "", value


def _word(value: bool | None) -> str:  # noqa: FBT001 - what JSON holds
    return {True: "true", False: "false", None: ""}[value]
