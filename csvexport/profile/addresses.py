"""Addresses: what stands for an export that is fetched over HTTP(S), and what must not be done with one."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from csvexport.profile.wording import ProfileValueError

# Not local: a "C:" is no scheme.
URL: Final = r"[A-Za-z][A-Za-z0-9+.-]+://"

CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f"
HOST: Final = rf"(?:\[[0-9A-Fa-f:.]+\]|[^ /?#@\\:\[\]{{}}{CONTROLS}]+)"
ADDRESS: Final = rf"[Hh][Tt][Tt][Pp][Ss]?://{HOST}(?::[0-9]{{1,5}})?(?:[/?#][^{CONTROLS}]*)?"

# Bitrix24 has the key to a webhook in the path, others have one in the link to a document.
_KEY: Final = re.compile(r"(?<=/)(?=[\w-]*?(?:\d|[^\W_]{16}))[\w-]{16,}+(?=/|$)", re.ASCII)

# The keys of `[source]` that log in to a server.
CREDENTIALS: Final = ("username", "password", "headers")

_PORTS: Final = {"http": 80, "https": 443}


def is_address(text: str) -> bool:
    """Whether this names something on a server, and not a local file."""
    return re.match(URL, text) is not None


def read_address(text: str, login: str = "source.username and source.password") -> str:
    """Read an address; no message repeats it, since it may hold a password.

    Args:
        text: the address.
        login: the keys that log in to its server.

    Raises:
        ProfileValueError: it is no http(s) address, or holds credentials.
    """
    if not re.match("https?:", text, re.IGNORECASE):
        raise ProfileValueError("an address begins with https:// or http://; other ways to a file are not known here")
    if "@" in re.split(r"[/?#\\]", text.partition("://")[2])[0]:
        raise ProfileValueError(f"the address holds a user's name or password; write them as {login}")
    if not re.fullmatch(ADDRESS, text) or not _is_whole(text):
        raise ProfileValueError("this is no address; it is written like https://crm.example.ru/export.csv")
    return text


def _is_whole(address: str) -> bool:
    """Whether host and port can be; some letters only look like those that end a host."""
    try:
        return bool(urlsplit(address).hostname) and urlsplit(address).port != 0
    except ValueError:
        return False


def shown_address(address: str) -> str:
    """Write an address for messages and the manifest, without what may be a key to the data: the query, parts of paths.

    Example:
        `https://crm.example.ru/orders.csv?…`
    """
    plain, mark, _ = address.partition("#")[0].partition("?")
    scheme, _, rest = plain.partition("://")
    return f"{scheme}://{_KEY.sub('…', rest)}{'?…' if mark else ''}"


def key_parts(address: str) -> frozenset[str]:
    """Give the parts of the path that `shown_address` hides."""
    return frozenset(_KEY.findall(address.partition("://")[2]))


def is_loopback(address: str) -> bool:
    """Whether the server is this machine, so that nothing travels through a network."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_exposure(addresses: Iterable[str]) -> None:
    """See that credentials can be sent to these addresses, which `read_address` has read.

    Raises:
        ProfileValueError: they would be readable on their way, or reach a server that they do not belong to.
    """
    origins = set()
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme == "http" and not is_loopback(address):
            raise ProfileValueError("would travel unencrypted over http; use https")
        origins.add((parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]))
    if len(origins) > 1:
        raise ProfileValueError("belongs to one server, and the paths name several; make a profile for each")
