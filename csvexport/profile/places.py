"""Where a destination puts files: a path or an address, or a pattern of one."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from pydantic import Field, JsonValue, PlainValidator

from csvexport.errors import ProfileError
from csvexport.profile import readers
from csvexport.profile.addresses import CONTROLS, HOST, key_parts, read_address, refuse_exposure
from csvexport.profile.annotations import Kinds, Name, texts
from csvexport.profile.secrets import FORMS, REFERENCE, SCHEMES, Secret
from csvexport.profile.ssh import SFTP, sftp_address
from csvexport.profile.tables import Mistake, Table
from csvexport.profile.wording import ProfileValueError, kind, listed, shown, suggestion

Scheme = Literal["folder", "sftp", "http"]

# Kinds of which each batch has only what is new; of the others it has everything, in place of the batch before.
EVENTS: Final = ("conversions", "calls")

# What a pattern may name, and a value that each might have.
_VALUES: Final = {
    "batch": "20240601T090000Z-1a2b3c4d",
    "file": "conversions-Yclid.csv",
    "date": "2024-06-01",
    "profile": "shop",
    "kind": "conversions",
}

_FILE: Final = "{{ file }}"
_NO_BATCH: Final = (
    "must hold {{{{ batch }}}} for {}: each batch has only what is new, and would replace the one before, which nobody "
    'may have fetched yet; such as "/drop/{{{{ batch }}}}/{{{{ file }}}}"'
)
_EXPRESSION: Final = re.compile(r"\{\{(?:(?!\{\{).)*?\}\}|\{%(?:(?!\{%).)*?%\}|\{#(?:(?!\{#).)*?#\}")

# A drive of Windows is no scheme.
_SCHEME: Final = "[A-Za-z][A-Za-z0-9+.-]+:"
_HTTP: Final = "[Hh][Tt][Tt][Pp][Ss]?://"
# How scp writes a place; as a path it would be a strange one.
_SCP: Final = r"[^/\\]+@[^/\\]+:"

# Separates parts of a path somewhere, or can be in none.
_NO_PART: Final = re.compile(rf"[\\{CONTROLS}\ud800-\udfff]")

_END: Final = rf"(?:[^{CONTROLS}]*[^\s{CONTROLS}])?"
_PORT: Final = "(?::[0-9]{1,5})?"
_LOOPBACK: Final = rf"(?:{readers.in_any_case('localhost')}|127(?:\.[0-9]{{1,3}}){{3}}|\[::1\])"
_FORMS: Final = "|".join(
    (
        REFERENCE,
        rf"(?!{_SCHEME}|{_SCP})[^\s{CONTROLS}]{_END}",
        rf"(?={SFTP}$)[^\s]{_END}",
        rf"(?=[Hh][Tt][Tt][Pp](?:[Ss]://{HOST}|://{_LOOPBACK}){_PORT}/[^?#]*$)[^\s]{_END}",
    )
)

# What is told of the pattern between keys, as far as a regular expression sees it.
_WRITTEN: Final = rf"^(?!{'|'.join(SCHEMES)})(?:[\s\S]*/$|[\s\S]*\{{[^}}]*\b"
_NAMED: Final[dict[str, JsonValue]] = {
    "batch": {"pattern": r"\{[^}]*\bbatch\b"},
    "file": {"pattern": rf"{_WRITTEN}file\b)"},
    "file or kind": {"pattern": rf"{_WRITTEN}(?:file|kind)\b)"},
}
_AN_EVENT: Final[JsonValue] = {"enum": [*EVENTS]}
BETWEEN: Final[list[JsonValue]] = [
    {
        "if": {"properties": {"what": {"anyOf": [_AN_EVENT, {"type": "array", "contains": _AN_EVENT}]}}},
        "then": {"properties": {"to": {"allOf": [_NAMED["batch"], _NAMED["file"]]}}},
    },
    {
        "if": {"properties": {"what": {"type": "array", "minItems": 2}}},
        "then": {"properties": {"to": _NAMED["file or kind"]}},
    },
]


def read_to(value: object) -> Secret | str:
    """Read where files go; no message repeats it, since it may hold a password.

    Raises:
        ProfileValueError: it is neither a path, nor an address, nor a reference to one.
    """
    if not isinstance(value, str):
        raise ProfileValueError(f"must be a text in quotes, not {kind(value)}")
    if value.startswith("file://"):
        raise ProfileValueError("a path is written without file://")
    if re.fullmatch(REFERENCE, value):
        return Secret(value)
    if value.startswith(SCHEMES):
        raise ProfileValueError(f"a secret address is written as {FORMS}")
    if not value.strip():
        raise ProfileValueError("must not be empty")
    if value != value.strip() or not value.isprintable():
        raise ProfileValueError("has blanks around it, or an invisible character within")
    if "{" in _start(value):
        raise ProfileValueError("has a pattern outside of the path")
    _see_the_server(value)
    _see_the_pattern(value)
    return value


def _see_the_server(to: str) -> None:
    start = _start(to)
    match scheme_of(to):
        case "sftp":
            _see_sftp(to)
        case "http":
            read_address(f"{start}/", "username and password")
            refuse_exposure([start])
            if re.search(r"[?#]", to):
                raise ProfileValueError(
                    f"has a query, which may be a key; write where the whole address is found: {FORMS}"
                )
            if not to.removeprefix(start).startswith("/"):
                raise ProfileValueError("names no file; end it with / for files under their own names")
        case "folder":
            _see_folder(to)


def _see_sftp(to: str) -> None:
    path = sftp_address(to).path
    if path.startswith("/~"):
        raise ProfileValueError("the path begins at the root of what the server shows; write it without ~")
    if re.search("%[0-9A-Fa-f]{2}", _EXPRESSION.sub("", path)):
        raise ProfileValueError("the path is taken letter for letter; write the letter that stands behind a % as it is")


def _see_folder(to: str) -> None:
    if re.match(_SCHEME, to):
        raise ProfileValueError(
            "begins with a way that is not known here; files go to a path, to sftp://user@host/path, to "
            f"https://host/path, or to a secret address written as {FORMS}"
        )
    if re.match(_SCP, to):
        raise ProfileValueError("looks like a path on a server; write it as sftp://user@host/path")


def _see_the_pattern(to: str) -> None:
    unknown = sorted(names_in(to) - _VALUES.keys())
    if unknown:
        raise ProfileValueError(
            f"{shown(unknown[0])} is unknown in a pattern, which may hold {listed(_VALUES)}"
            f"{suggestion(unknown[0], _VALUES)}"
        )
    _filled(to, _VALUES)


def _start(to: str) -> str:
    """Give what is before the path: scheme and server; nothing for a local path."""
    start = re.match(r"[A-Za-z]+://[^/\\?#]*", to)
    return start[0] if start else ""


def _pattern(to: str) -> str:
    """Give the pattern of the path; a folder's holds files under their own names."""
    path = to.removeprefix(_start(to))
    return path + _FILE if path.endswith(("/", os.sep)) else path


def scheme_of(to: Secret | str) -> Scheme:
    """Tell by which way files go there."""
    if isinstance(to, Secret) or re.match(_HTTP, to):
        return "http"
    return "sftp" if to.startswith("sftp://") else "folder"


def names_in(to: str) -> frozenset[str]:
    """Give the names in the pattern of a place.

    Raises:
        ProfileValueError: it is no pattern.
    """
    from csvexport.templating import pattern_names  # noqa: PLC0415 - few profiles have patterns, and Jinja2 is slow

    try:
        return pattern_names(_pattern(to))
    except ValueError as error:
        raise ProfileValueError(str(error)) from None


def _filled(to: str, values: Mapping[str, str]) -> str:
    """Fill the pattern of a place in.

    Raises:
        ProfileValueError: it cannot be, or the values would lead elsewhere.
    """
    from csvexport.templating import filled_pattern  # noqa: PLC0415 - as above

    put: Callable[[str], str] = _encoded if scheme_of(to) == "http" else _whole
    try:
        path = filled_pattern(_pattern(to), values, put)
    except ValueError as error:
        raise ProfileValueError(str(error)) from None
    start = _start(to)
    parts = path.split("/")
    checked = parts[1:] if start else parts[-1:]
    if not {"", ".", ".."}.isdisjoint(checked):
        raise ProfileValueError('names no file, or has an empty part, "." or ".." in its path')
    return start + path


def _whole(value: str) -> str:
    """See that a value stays where it is put: that it is one part of a path or several, and leads to no other."""
    if _NO_PART.search(value) or not {"", ".", ".."}.isdisjoint(value.split("/")):
        raise ValueError(f"cannot hold {shown(value)}")
    return value


def _encoded(value: str) -> str:
    return quote(_whole(value))


def sample_places(rule: object) -> frozenset[str]:
    """Give places at which files of one batch would be; none for a table that has mistakes.

    Args:
        rule: a table of `[[deliver]]`, as TOML gave it.
    """
    table = rule if isinstance(rule, dict) else {}
    try:
        kinds, to = readers.read_kinds(table.get("what")), read_to(table.get("to"))
        if isinstance(to, Secret):
            return frozenset({str(to)})
        return frozenset(_filled(to, _VALUES | {"file": f"{kind}.csv", "kind": kind}) for kind in kinds)
    except ProfileValueError:
        return frozenset()


def _secret_place(to: Secret, folder: Path) -> str:
    address = to.resolve(folder)
    try:
        read_address(address, "username and password")
        refuse_exposure([address])
    except ProfileValueError as error:
        raise ProfileError([f"{to}: {error}"]) from None
    return address


class PlaceSettings(Table):
    """What goes where."""

    name: Name = Field(
        description="What the destination is called in messages and in the history: Latin letters, digits, dots, "
        "dashes and underscores.",
        examples=["pickup"],
    )
    what: Kinds = Field(
        description="The kind of records that go there, or a list of kinds: `conversions`, `calls`, `orders`, "
        "`contacts`, `deals`.",
        examples=["orders", ["contacts", "deals"]],
    )
    to: Annotated[Secret | str, PlainValidator(read_to), texts(_FORMS)] = Field(
        description="Where the files go: a path, relative to the profile; `sftp://user@host/path`; "
        "`https://host/path`; or where the address of a single file is found, if it is a secret: `env:NAME`, "
        "`file:PATH` or `credential:NAME`. The path may hold `{{ batch }}`, `{{ file }}`, `{{ date }}`, "
        "`{{ profile }}` and `{{ kind }}`; one that ends with `/` is a folder. Conversions and calls need "
        "`{{ batch }}`, since each batch has only what is new.",
        examples=[
            "sftp://yandex@files.example.ru/upload/orders.csv",
            "https://dav.example.ru/metrica/{{ batch }}/{{ file }}",
            "drop/{{ date }}/",
            "env:UPLOAD_ADDRESS",
        ],
    )

    @classmethod
    def mistakes_between(cls, table: Mapping[str, Any]) -> Iterable[Mistake]:
        """See that no file would take the place of another that is still needed."""
        yield from super().mistakes_between(table)
        try:
            kinds, to = readers.read_kinds(table.get("what")), read_to(table.get("to"))
        except ProfileValueError:
            return
        if not isinstance(to, Secret):
            yield from _mistakes_of_names(kinds, names_in(to))
        elif len(kinds) > 1 or kinds[0] in EVENTS:
            snapshots = (kind for kind in readers.KINDS if kind not in EVENTS)
            yield ("what",), f"must be {listed(snapshots)}, since a secret address is that of a single file"

    @property
    def scheme(self) -> Scheme:
        """By which way the files go."""
        return scheme_of(self.to)

    def place(self, values: Mapping[str, str], folder: Path) -> str:
        """Give the place of one file.

        Args:
            values: `batch`, `file`, `date`, `profile` and `kind`.
            folder: the profile's; a relative path starts from it.

        Returns:
            An absolute path, or the whole address, `sftp://…` or `https://…`, which may be a secret.

        Raises:
            ProfileError: the values would lead elsewhere, or the secret that is the address is not there.
        """
        if isinstance(self.to, Secret):
            return _secret_place(self.to, folder)
        try:
            place = _filled(self.to, values)
            if self.scheme == "folder":
                path = Path(place).expanduser() if self.to.startswith("~") else Path(place)
                return str(folder.resolve() / path)
        except (ValueError, RuntimeError) as error:
            raise ProfileError([f"{self.name}: to: {error}"]) from None
        return place

    def shown(self, place: str) -> str:
        """Write a place that `place` gave for messages, without what may be a key."""
        if isinstance(self.to, Secret):
            return str(self.to)
        if self.scheme != "http":
            return place
        keys = key_parts(self.to)
        return "/".join("…" if part in keys else part for part in place.split("/"))


def _mistakes_of_names(kinds: Iterable[str], names: frozenset[str]) -> Iterator[Mistake]:
    events = [kind for kind in kinds if kind in EVENTS]
    if events and "batch" not in names:
        yield ("to",), _NO_BATCH.format(" and ".join(events))
    elif events and "file" not in names:
        yield ("to",), f"must hold {_FILE} for {' and '.join(events)}, which have a file for each type of identifiers"
    elif len([*kinds]) > 1 and not names & {"file", "kind"}:
        yield ("to",), "must hold {{ file }} or {{ kind }}, since several kinds go there"
