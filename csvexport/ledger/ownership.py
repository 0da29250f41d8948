"""Whose batches a folder holds: two profiles of one name that share a folder of batches must not send each other's."""

import json
import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Final

from csvexport.durable import replace_text
from csvexport.errors import LedgerError, UsageError
from csvexport.ledger.books import LEDGER
from csvexport.ledger.locking import guard, profile_lock
from csvexport.ledger.records import readable

OWNER: Final = ".profile.json"


def refuse_stranger(out: Path, profile: str, path: Path) -> None:
    """See that the folder of a profile's batches is not another's.

    Args:
        out: the folder of all batches.
        profile: name of the profile.
        path: the profile's file.

    Raises:
        UsageError: it holds the batches of another profile of this name.
        LedgerError: it is not known whose they are.
    """
    owner = _owner(out / profile)
    if owner is not None and owner != path.resolve():
        raise UsageError(
            f"{out / profile} holds the batches of another profile of this name, {owner}, and no other may send them."
            " Keep the two apart: have each its own folder of batches with --out DIR, or rename this profile's folder"
            f" or file. If it is that very profile, moved: csvexport ledger adopt {shlex.quote(str(path))} --out"
            f" {shlex.quote(str(out))}"
        )


def take(out: Path, profile: str, path: Path) -> None:
    """Note whose batches the folder holds, if nobody did yet.

    Raises:
        UsageError, LedgerError: as `refuse_stranger`.
        OSError: it cannot be noted.
    """
    if _owner(out / profile) is None:
        # Two profiles may build their first batch at one moment.
        with guard(out / LEDGER):
            if _owner(out / profile) is None:
                _note(out / profile, path)
    refuse_stranger(out, profile, path)


def adopt(out: Path, profile: str, path: Path) -> Path | None:
    """Note that a profile was moved, and give where it was; None where it was not noted.

    Raises:
        UsageError: the profile whose batches they are is still where it was.
        BusyError: another run is at work on the batches.
        LedgerError: it cannot be noted, or is not known whose they are.
    """
    if not (out / profile).is_dir():
        raise UsageError(f"{out} holds no batches of {profile}")
    with profile_lock(out, profile, "ledger adopt"):
        owner = _owner(out / profile)
        if owner is not None and owner != path.resolve() and owner.exists():
            raise UsageError(
                f"{owner} is still there, and {out / profile} holds its batches; have each profile its own folder of"
                " batches with --out DIR"
            )
        try:
            _note(out / profile, path)
        except OSError as error:
            raise LedgerError(f"{out / profile / OWNER}: cannot be written: {error.strerror}") from error
        return owner


def _owner(folder: Path) -> Path | None:
    """Give the profile whose batches a folder holds, None where nobody noted it."""
    path = folder / OWNER
    with readable(path), suppress(FileNotFoundError, NotADirectoryError):
        try:
            return (folder / str(json.loads(path.read_bytes())["profile"])).resolve()
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LedgerError(
                f"{path}: is damaged, so that it is not known whose batches these are; restore it from a backup, or"
                " remove it if no other profile has this name"
            ) from error
    return None


def _note(folder: Path, path: Path) -> None:
    owner = str(path.resolve())
    with suppress(ValueError):  # on another drive of Windows
        # Whoever moves the batches together with the profile need not say so.
        owner = os.path.relpath(owner, folder.resolve())
    replace_text(folder / OWNER, json.dumps({"profile": owner}, indent=2) + "\n")
