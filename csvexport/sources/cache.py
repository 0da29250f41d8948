"""Exports kept from the last time, so that what has not changed on its server is not fetched again.

They lie in the user's own cache folder and only the user can read them. Each has its name by all that the server's
answer may depend on, the login among it, so that nobody is served what another was sent. The names are made with a
random key, and tell nothing of the secrets that went in. What is damaged is not used, and a folder that cannot be read
or written costs no more than fetching again.
"""

import hashlib
import hmac
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from platformdirs import user_cache_dir

KEPT_DAYS: Final = 30
"""An export that was fetched longer ago goes when another one comes."""

_DAY: Final = 86400
_KEY_BYTES: Final = 32


class Version(NamedTuple):
    """By what a server tells versions of an export.

    Attributes:
        etag: its ETag, quotes and all; empty without one.
        modified: its Last-Modified, where that moment can have no second version; else empty.
    """

    etag: str = ""
    modified: str = ""


UNKNOWN: Final = Version()
"""The version of what a server does not tell versions of."""


def name_of(address: str, headers: Mapping[str, str], *more: object) -> str | None:
    """Name an export by all that the answer to a request may depend on.

    Args:
        address: where it is fetched.
        headers: what is sent, but for what asks whether it has changed, or for a part of it.
        more: what else decides who answers; anything of which JSON can be made.

    Returns:
        A name that tells nothing of what it was made of; None where none can be made.
    """
    sent = sorted((name.lower(), text) for name, text in headers.items())
    try:
        return hmac.digest(_key(), json.dumps([address, sent, more]).encode(), "sha256").hex()
    except OSError:
        return None


def find(name: str, target: Path) -> Version | None:
    """Look an export up.

    Args:
        name: that of the request, as `name_of` gives it.
        target: what the content becomes, a name that is free.

    Returns:
        Which version it is; None, and no file, where there is none to be used.
    """
    facts, content = _paths(name)
    try:
        etag, modified, size, sha256 = json.loads(facts.read_text(encoding="utf-8"))
        _copy(content, target)
        if (size, sha256) == (target.stat().st_size, _sha256(target)):
            return Version(str(etag), str(modified))
    except (OSError, ValueError, TypeError):
        pass
    target.unlink(missing_ok=True)
    return None


def store(name: str, path: Path, version: Version) -> None:
    """Keep an export; a reader meanwhile finds the old one, the new one, or none.

    Args:
        name: that of the request, as `name_of` gives it.
        path: the content.
        version: which version it is.
    """
    with suppress(OSError):
        facts, content = _paths(name)
        _own(facts.parent)
        _remove_old(facts.parent)
        beside = facts.with_name(f".{secrets.token_hex(16)}")
        try:
            _copy(path, beside)
            beside.replace(content)
            with new_file(beside) as file:
                file.write(json.dumps([*version, path.stat().st_size, _sha256(path)]).encode())
            beside.replace(facts)
        finally:
            beside.unlink(missing_ok=True)


def _home() -> Path:
    return Path(user_cache_dir("csvexport", appauthor=False))


def _own(folder: Path) -> None:
    """Make a folder that nobody else can look into.

    Raises:
        OSError: it cannot be made, or is another user's, who could put anything into it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _key() -> bytes:
    """Give the key of this user's names; it is made when there is none.

    Raises:
        OSError: it cannot be read or made.
    """
    path = _home() / "key"
    _own(path.parent)
    with suppress(FileNotFoundError):
        key = path.read_bytes()
        if len(key) == _KEY_BYTES:
            return key
    beside = path.with_name(f".{secrets.token_hex(16)}")
    try:
        with new_file(beside) as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path.read_bytes()


def _paths(name: str) -> tuple[Path, Path]:
    """Name the file of facts and that of the content."""
    folder = _home() / "exports"
    return folder / f"{name}.json", folder / name


def _copy(path: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the two lie on different disks."""
    try:
        target.hardlink_to(path)
    except OSError:
        with path.open("rb") as source, new_file(target) as copy:
            shutil.copyfileobj(source, copy, 1 << 20)


def new_file(path: Path) -> BinaryIO:
    """Make a file that only the user can read, and open it for writing."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_old(folder: Path) -> None:
    latest = time.time() - KEPT_DAYS * _DAY
    for path in folder.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < latest:
                path.unlink()
