"""Reads a profile and reports every mistake in it at once, each with its place."""

import hashlib
import re
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from csvexport.errors import ProfileError
from csvexport.profile.model import Profile, Settings
from csvexport.profile.regular import IrregularError, regular_bytes
from csvexport.profile.wording import place, some, suggestion, written

# What stands behind the commonest of tomllib's messages.
TOML_REMEDIES = {
    "Invalid initial character for a key part": "a key with other letters than Latin ones needs quotes",
    "Invalid statement": "a key with other letters than Latin ones needs quotes",
    "Unescaped '\\' in a string": "write a path with / or between single quotes",
    "Invalid hex value": "write a path with / or between single quotes",
}

# Profiles of a hundred goals are a tenth as large.
LARGEST = 1 << 20

# The parser takes time that grows with the square of a key's parts.
_LONG_KEY = re.compile(r"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}""")


def load_profile(path: Path) -> Profile:
    """Read a profile.

    Raises:
        ProfileError: it cannot be read, is no TOML, or has mistakes; all that can be told apart are listed.
    """
    name = path.name or str(path)
    content = _content(path, name)
    settings = _settings(_toml(content, name), name)
    profile = Profile.model_construct(path=path, digest=hashlib.sha256(content).hexdigest(), **dict(settings))
    try:
        profile.name.encode()
    except UnicodeEncodeError:
        # Batches are filed under it, and it stands in each.
        raise ProfileError(
            [f"{name}: its own name, or its folder's, holds bytes that are no text; rename it"]
        ) from None
    return profile


def check_columns(profile: Profile, columns: Sequence[str], *, may_lack: bool = False) -> None:
    """See that the source has every column that the profile names.

    Args:
        profile: the profile.
        columns: the columns that the source has.
        may_lack: whether its records have properties, which may be left out, and no header.

    Raises:
        ProfileError: columns are missing; a line for each place that names one, and one with the columns there are.
    """
    name = profile.path.name
    known = frozenset(columns)
    mistakes = [
        f"{name}: {where}: no column {written(column)}{suggestion(column, columns)}"
        for column, where in profile.places()
        if column not in known
    ]
    if mistakes:
        hint = ["a column that an export may leave out is listed in source.optional"] if may_lack else []
        raise ProfileError(
            [*mistakes, *(f"{name}: {line}" for line in (f"the columns of the source: {some(columns)}", *hint))]
        )


def _content(path: Path, name: str) -> bytes:
    if path.is_dir():
        raise ProfileError([f"{name}: is a folder; name the profile in it, such as {path / 'profile.toml'}"])
    try:
        content = regular_bytes(path, LARGEST)
    except FileNotFoundError:
        raise ProfileError([f"{name}: there is no such file in {path.absolute().parent}"]) from None
    except IrregularError as error:
        raise ProfileError([f"{name}: {error}"]) from None
    except OSError as error:
        raise ProfileError([f"{name}: cannot be read: {error.strerror}"]) from error
    if content is None:
        raise ProfileError([f"{name}: is larger than {LARGEST:,} bytes; is this the profile?"])
    return content


def _toml(content: bytes, name: str) -> dict[str, Any]:
    """Parse; numbers with a point or an exponent become exact decimals."""
    text = _text(content, name)
    long = _LONG_KEY.search(text)
    if long:
        line = text.count("\n", 0, long.start()) + 1
        raise ProfileError([f"{name}: line {line}: a key has too many parts, joined by dots; a profile's have a few"])
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        problem = _toml_problem(str(error), text)
    except RecursionError:
        problem = "tables or lists are nested too deeply"
    except (ValueError, ArithmeticError):
        problem = "a number has too many digits"
    raise ProfileError([f"{name}: {problem}"])


def _text(content: bytes, name: str) -> str:
    try:
        # Notepad puts a byte order mark before the text.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    raise ProfileError([f"{name}: line {line}: is not UTF-8; save the profile in this encoding"])


def _toml_problem(message: str, text: str) -> str:
    """Put the place that `tomllib` names at its message's end before the message."""
    parts = re.fullmatch(r"(?P<what>.*) \(at (?:(?P<where>line \d+, column \d+)|end of document)\)", message, re.DOTALL)
    if not parts:
        return message
    *lines, last = text.split("\n")
    where = parts["where"] or f"line {len(lines) + 1}, column {len(last) + 1}"
    return f"{where}: {parts['what']}; {TOML_REMEDIES.get(parts['what'], 'this is not TOML')}"


def _settings(data: dict[str, Any], name: str) -> Settings:
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        mistakes = [f"{name}: {place(detail['loc'])}: {detail['msg']}" for detail in error.errors()]
    # Raised here and not above, so that the error does not carry pydantic's.
    raise ProfileError(mistakes)
