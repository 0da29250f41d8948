"""`[[deliver]]`: where the files of a batch go."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from csvexport.profile import places, readers, ssh
from csvexport.profile.annotations import Attempts, FilePath, Flag, Mode, Seconds, SecretReference, TimeLimit
from csvexport.profile.places import PlaceSettings, Scheme
from csvexport.profile.secrets import SCHEMES, Secret
from csvexport.profile.ssh import JumpSettings, SshLogin
from csvexport.profile.tables import Mistake
from csvexport.profile.wording import ProfileValueError, shown

_SERVERS: Final[tuple[Scheme, ...]] = ("sftp", "http")

# The keys that not every destination has.
_ONLY_FOR: Final[dict[str, tuple[Scheme, ...]]] = {
    "username": _SERVERS,
    "password": _SERVERS,
    **dict.fromkeys(("key", "passphrase", "certificate", "host_key", "known_hosts", "jump"), ("sftp",)),
    "headers": ("http",),
    "ca": ("http",),
    "mode": ("folder", "sftp"),
    "in_place": _SERVERS,
    "takes_away": _SERVERS,
    "timeout": _SERVERS,
}
_WORDS: Final[dict[Scheme, str]] = {"folder": "a folder", "sftp": "an sftp address", "http": "an http(s) address"}

_SECRETS: Final = "|".join(SCHEMES)
_STARTS: Final[dict[Scheme, str]] = {
    "folder": rf"^(?!sftp://|[Hh][Tt][Tt][Pp][Ss]?://|{_SECRETS})",
    "sftp": "^sftp://",
    "http": rf"^(?:[Hh][Tt][Tt][Pp][Ss]?://|{_SECRETS})",
}


def _where(pattern: str, then: JsonValue) -> JsonValue:
    """Tell the JSON Schema what holds where `to` is such."""
    return {"if": {"properties": {"to": {"type": "string", "pattern": pattern}}, "required": ["to"]}, "then": then}


_BETWEEN: Final[dict[str, JsonValue]] = {
    **ssh.LOGIN,
    "allOf": [
        *places.BETWEEN,
        *(
            _where(start, {"properties": {key: False for key, schemes in _ONLY_FOR.items() if scheme not in schemes}})
            for scheme, start in _STARTS.items()
        ),
        _where("^sftp://[^/@]*@", {"properties": {"username": False}}),
        _where("^sftp://(?![^/@]*@)", {"required": ["username"]}),
    ],
}


class DeliverSettings(SshLogin, PlaceSettings):
    """A destination: what goes there, and how."""

    model_config = ConfigDict(json_schema_extra=_BETWEEN)

    jump: JumpSettings | None = Field(
        None,
        description="An SSH server through which the destination is reached.",
        examples=[{"host": "bastion.example.ru", "username": "yandex"}],
    )
    headers: Annotated[dict[str, SecretReference], BeforeValidator(readers.read_headers)] = Field(
        default_factory=dict,
        json_schema_extra={"propertyNames": {"pattern": f"^(?:{readers.HEADER})$"}},
        description="Headers of requests over http(s); where each is found, as for `password`.",
        examples=[{"Authorization": "file:token.txt"}],
    )
    ca: FilePath | None = Field(
        None,
        description="A PEM file, relative to the profile, with the certificates of authorities that an https server "
        "may have its own from, besides those that the system trusts.",
        examples=["ca.pem"],
    )
    mode: Mode | None = Field(
        None,
        description="The permissions of the files, in octal digits, where files go to a folder or over sftp.",
        examples=["0640"],
    )
    in_place: Flag = Field(
        False,  # noqa: FBT003 - the key's default
        description="`true`: files are written under their final names, for servers that forbid renaming or take a "
        "file away as soon as it is there. Without it a file gets its name when it is whole.",
        examples=[True],
    )
    takes_away: Flag = Field(
        False,  # noqa: FBT003 - the key's default
        description="`true`: the receiver takes files away as soon as they are there, so that one which was never seen "
        "there counts as delivered by the server's answer. Without it that is a failure.",
        examples=[True],
    )
    attempts: Attempts = Field(
        5,
        description="How often the delivery of a file is tried when the line breaks or the server is busy.",
        examples=[5],
    )
    timeout: Seconds = Field(60, description="For how many seconds a server may be silent.", examples=[60])
    time_limit: TimeLimit = Field(
        3600,
        description="How many seconds the delivery of a file may take, all tries together.",
        examples=[3600],
    )

    @classmethod
    def mistakes_between(cls, table: Mapping[str, Any]) -> Iterable[Mistake]:
        """See that every key is one of the way by which the files go, and that somebody logs in."""
        yield from super().mistakes_between(table)
        try:
            to = places.read_to(table.get("to"))
        except ProfileValueError:
            return
        scheme = places.scheme_of(to)
        for key, schemes in _ONLY_FOR.items():
            if key in table and scheme not in schemes:
                ways = " or ".join(_WORDS[way] for way in schemes)
                yield (key,), f"is only for {ways}, and `to` is {_WORDS[scheme]}; take it out"
        if scheme == "sftp":
            yield from cls._mistakes_of_user(table, to)

    @classmethod
    def _mistakes_of_user(cls, table: Mapping[str, Any], to: Secret | str) -> Iterator[Mistake]:
        in_address = ssh.sftp_address(str(to)).username is not None
        if in_address and "username" in table:
            yield ("username",), "stands in `to` already; take one of them out"
        if not in_address and "username" not in table:
            yield ("username",), cls.required("username", " unless `to` names the user, sftp://user@host/path")


def mistakes_of_destinations(rules: object, made: Collection[str]) -> Iterator[Mistake]:
    """See that every destination gets what there is, and has a name and a place of its own.

    Args:
        rules: `[[deliver]]`, as TOML gave it.
        made: the kinds that the profile makes.
    """
    first: dict[tuple[str, str], int] = {}
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        what, name = (rule.get("what"), rule.get("name")) if isinstance(rule, dict) else (None, None)
        for kind in what if isinstance(what, list) else [what]:
            if kind in readers.KINDS and kind not in made:
                yield (number, "what"), f"{shown(kind)} is not made by this profile, which makes {', '.join(made)}"
        # The name becomes that of a file, and some systems tell no case in those.
        names = {name.casefold()} if isinstance(name, str) else set()
        for key, values in (("name", names), ("to", places.sample_places(rule))):
            others = [first.setdefault((key, value), number) for value in values]
            if min(others, default=number) < number:
                yield (number, key), f"is that of deliver[{min(others) + 1}] too; each destination has its own"
