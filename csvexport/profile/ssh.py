"""SSH servers: how they are addressed, logged in to, and known to be the right ones."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, JsonValue, PlainValidator

from csvexport.profile import readers
from csvexport.profile.addresses import CONTROLS, HOST
from csvexport.profile.annotations import FilePath, Fingerprints, SecretReference, Username, texts
from csvexport.profile.tables import Mistake, Table
from csvexport.profile.wording import ProfileValueError

_USER: Final = rf"[^ /?#@\\:\[\]{{}}{CONTROLS}]+"
SFTP: Final = rf"sftp://(?:({_USER})@)?({HOST})(?::([0-9]{{1,5}}))?(/[^{CONTROLS}]*)"
_SERVER: Final = rf"({HOST})(?::([0-9]{{1,5}}))?"
_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Server:
    """An SSH server.

    Attributes:
        host: its name or IP address, an IPv6 one without brackets.
        port: a port of TCP.
    """

    host: str
    port: int = 22


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """`sftp://USERNAME@HOST:PORT/PATH`.

    Attributes:
        server: the server.
        path: from the root of what the server shows, letter for letter.
        username: who logs in; None where the address does not say.
    """

    server: Server
    path: str
    username: str | None = None


def sftp_address(text: str) -> SftpAddress:
    """Read the address of a file on an SFTP server; no message repeats it, since it may hold a password.

    Raises:
        ProfileValueError: it is none.
    """
    parts = re.fullmatch(SFTP, text)
    if ":" in text.partition("://")[2].partition("/")[0].rpartition("@")[0]:
        raise ProfileValueError('the address holds a password; take it out and write password = "env:NAME"')
    if not parts:
        raise ProfileValueError("this is no address; it is written like sftp://user@files.example.ru/upload/orders.csv")
    username, host, port, path = parts.groups()
    return SftpAddress(_server(host, port), path, username)


def ssh_server(text: str) -> Server:
    """Read a server's name, which may have a port behind it.

    Raises:
        ProfileValueError: it is none.
    """
    parts = re.fullmatch(_SERVER, text)
    if not parts:
        raise ProfileValueError(
            'must be the name of a server, such as "bastion.example.ru" or "[::1]:2222"; who logs in is another key'
        )
    return _server(*parts.groups())


def _server(host: str, port: str | None) -> Server:
    number = int(port or 22)
    if not 1 <= number <= _LAST_PORT:
        raise ProfileValueError(f"the port must be a number from 1 to {_LAST_PORT}")
    return Server(host.strip("[]"), number)


def _read_server(value: object) -> str:
    text = readers.read_text(value)
    ssh_server(text)
    return text


LOGIN: Final[dict[str, JsonValue]] = {
    "dependentRequired": {"passphrase": ["key"], "certificate": ["key"]},
    "not": {"required": ["host_key", "known_hosts"]},
}


class SshLogin(Table):
    """How a server is logged in to, and how it is known to be the right one."""

    username: Username | None = Field(
        None,
        description="The user's name: the name itself, or where it is found, as for `password`.",
        examples=["yandex"],
    )
    password: SecretReference | None = Field(
        None,
        description="Where the password is found: `env:NAME`, an environment variable; `file:PATH`, a file relative to "
        "the profile; or `credential:NAME`, a credential that systemd gives to the service.",
        examples=["env:SFTP_PASSWORD", "credential:sftp"],
    )
    key: FilePath | None = Field(
        None,
        description="The file of the private key that logs in to an SSH server, relative to the profile; `~` is the "
        "home folder. Without key and password the keys of the running ssh-agent are tried.",
        examples=["~/.ssh/id_ed25519"],
    )
    passphrase: SecretReference | None = Field(
        None, description="Where the passphrase of `key` is found, as for `password`.", examples=["env:KEY_PASSPHRASE"]
    )
    certificate: FilePath | None = Field(
        None,
        description="The file of the certificate of `key`; without it the file beside the key that ends in "
        "`-cert.pub`, if there is one.",
        examples=["~/.ssh/yandex-cert.pub"],
    )
    host_key: Fingerprints = Field(
        (),
        description="The fingerprint of the SSH server's key, or a list of fingerprints, as `ssh-keygen -l` prints "
        "them. A server with another key is refused.",
        examples=["SHA256:uNiVztksCsDhcc0u9e8BrVXcUBMcRWcDBCdwPvxNzbY"],
    )
    known_hosts: FilePath | None = Field(
        None,
        description="The file of the keys of known SSH servers; without it and `host_key`, the user's and the "
        "system's.",
        examples=["known_hosts"],
    )

    @classmethod
    def mistakes_between(cls, table: Mapping[str, Any]) -> Iterable[Mistake]:
        """See that what belongs to a key has one, and that servers are known in one way."""
        yield from super().mistakes_between(table)
        for key in ("passphrase", "certificate"):
            if key in table and "key" not in table:
                yield ("key",), cls.required("key", f" by {key}")
        if "host_key" in table and "known_hosts" in table:
            yield ("known_hosts",), "stands beside host_key, which is enough to know the server; take one of them out"


class JumpSettings(SshLogin):
    """An SSH server through which another is reached."""

    model_config = ConfigDict(json_schema_extra=LOGIN)

    username: Username = Field(
        description="The user's name on this server: the name itself, or where it is found, as for `password`.",
        examples=["yandex"],
    )
    host: Annotated[str, PlainValidator(_read_server), texts(_SERVER)] = Field(
        description="The server's name or IP address, and its port behind a colon if that is not 22; an IPv6 address "
        "stands in brackets.",
        examples=["bastion.example.ru", "[2001:db8::7]:2222"],
    )

    @property
    def server(self) -> Server:
        """The server's name and port."""
        return ssh_server(self.host)
