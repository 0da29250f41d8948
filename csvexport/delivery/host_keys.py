"""Which key an SSH server must show: by a fingerprint in the profile, or by what a file of known servers holds.

The files have the format of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain, hashed and bracketed names,
patterns with `*`, `?` and `!`, and the marker `@revoked`. Lines of `@cert-authority` are left out, since paramiko takes
no certificates of servers.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from csvexport.errors import DeliveryError, ProfileError
from csvexport.profile import Server, SshLogin
from csvexport.profile.paths import expanded

_DEFAULT_PORT: Final = 22
_SYSTEM: Final = Path("/etc/ssh/ssh_known_hosts")
_HASHED: Final = "|1|"


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's public key.

    Attributes:
        kind: its type, such as `ssh-ed25519`.
        blob: the key itself, as SSH transmits it.
    """

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The key's SHA-256, as `ssh-keygen -l` prints it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip('=')}"


class HostKeyError(DeliveryError):
    """A server shows a key that is not the one it should have, or none that is known."""


@dataclass(frozen=True, slots=True)
class KnownServer:
    """What is known of a server's keys.

    Attributes:
        keys: those that it may show, if there are any in a file.
        revoked: those that nobody may show any more.
        fingerprints: those of the profile; with them the files do not count.
        files: where was looked, for messages.
    """

    keys: tuple[HostKey, ...] = ()
    revoked: frozenset[bytes] = frozenset()
    fingerprints: tuple[str, ...] = ()
    files: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of the known keys, which the server is asked for before others."""
        return tuple(dict.fromkeys(key.kind for key in self.keys))

    def accepts(self, key: HostKey) -> bool:
        """Whether a key is the server's."""
        if self.fingerprints:
            return key.fingerprint in self.fingerprints
        return key in self.keys and key.blob not in self.revoked

    def refusal(self, shown: Sequence[HostKey]) -> HostKeyError:
        """Say why none of the keys that the server showed is accepted, and what to do."""
        seen = ", ".join(f"{key.kind} {key.fingerprint}" for key in shown)
        accept = f'host_key = "{shown[0].fingerprint}"'
        if any(key.blob in self.revoked for key in shown):
            return HostKeyError(f"the server shows a key that {self.files} marks as revoked: {seen}; ask its operator")
        if self.fingerprints:
            return HostKeyError(
                f"ANOTHER SERVER MAY HAVE TAKEN ITS PLACE: its key is {seen}, and not that of host_key; nothing is "
                f"sent. If its operator confirms the new key, write {accept}"
            )
        if self.keys:
            known = ", ".join(f"{key.kind} {key.fingerprint}" for key in self.keys)
            return HostKeyError(
                f"ANOTHER SERVER MAY HAVE TAKEN ITS PLACE: its key is {seen}, and {self.files} has {known}; nothing "
                f"is sent. If its operator confirms the new key, replace it there, or write {accept}"
            )
        return HostKeyError(
            f"the server is not known here (no key in {self.files}); it shows {seen}. If its operator confirms that "
            f"this is its key, write {accept}"
        )


def known_server(login: SshLogin, server: Server, folder: Path) -> KnownServer:
    """Look up what is known of a server.

    Args:
        login: the profile's, with `host_key` or `known_hosts`; without both the user's and the system's files count.
        server: the server.
        folder: the profile's; a relative path starts from it.

    Raises:
        ProfileError: the file that the profile names cannot be read.
    """
    if login.host_key:
        return KnownServer(fingerprints=tuple(login.host_key))
    if login.known_hosts is not None:
        files = [folder / expanded(login.known_hosts)]
    else:
        files = [path for path in (expanded("~/.ssh/known_hosts"), _SYSTEM) if path.is_file()]
    entries = [entry for path in files for entry in _entries(path) if entry.is_of(server)]
    return KnownServer(
        keys=tuple(entry.key for entry in entries if not entry.marker),
        revoked=frozenset(entry.key.blob for entry in entries if entry.marker == "@revoked"),
        files=" or ".join(map(str, files)) or "~/.ssh/known_hosts, which is not there",
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of a file of known servers."""

    marker: str
    names: Collection[str]
    key: HostKey

    def is_of(self, server: Server) -> bool:
        host = server.host.lower()
        name = host if server.port == _DEFAULT_PORT else f"[{host}]:{server.port}"
        if any(_matches(name, pattern[1:]) for pattern in self.names if pattern.startswith("!")):
            return False
        return any(_matches(name, pattern) for pattern in self.names)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith(_HASHED):
        salt, _, digest = pattern.removeprefix(_HASHED).partition("|")
        return _decoded(digest) == hmac.digest(_decoded(salt), name.encode(), "sha1")
    # The brackets around a host that has a port are no set of letters.
    return fnmatchcase(name, pattern.lower().replace("[", "[[]"))


def _entries(path: Path) -> Iterator[_Entry]:
    if path.exists() and not path.is_file():
        raise ProfileError([f"known_hosts: {path} is a folder, a device or a pipe; name a file"])
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ProfileError([f"known_hosts: {path} cannot be read: {error.strerror}"]) from error
    return _parsed(lines)


def _parsed(lines: Iterable[str]) -> Iterator[_Entry]:
    """Give the lines that hold a key; like OpenSSH, others are left out."""
    for line in lines:
        entry = re.match(r"\s*(?:(@\S+)\s+)?([^\s#@]\S*)\s+([a-z]\S*)\s+([A-Za-z0-9+/=]+)", line)
        if entry:
            marker, names, kind, blob = entry.groups()
            yield _Entry(marker or "", names.split(","), HostKey(kind, _decoded(blob)))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
