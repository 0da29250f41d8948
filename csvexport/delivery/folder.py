"""Files delivered to a folder: on this machine, on another file system, or on a share of the network."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from csvexport.delivery import Deadline, Parcel, PassingError, Receipt, Trace
from csvexport.delivery.contents import CHUNK, read_parcel
from csvexport.delivery.wording import naming_the_place, wrong_size
from csvexport.durable import make_folder, sync_file, sync_folder
from csvexport.errors import DeliveryError
from csvexport.profile import DeliverSettings

_PERMISSION: Final = "there is no permission; give it to the user who runs csvexport"
_NO_FOLDER: Final = "a part of the path is a file and no folder; check `to`"

# What stays in the way until somebody does something about it, and what to do.
_LASTING: Final = {
    "ENOSPC": "there is no space left; make room there",
    "EDQUOT": "the user's quota is used up; make room there, or have it raised",
    "EROFS": "the file system can only be read; have it mounted for writing",
    "EACCES": _PERMISSION,
    "EPERM": _PERMISSION,
    "EFBIG": "the file is larger than the file system allows; send it to another",
    "ENAMETOOLONG": "the name is too long for the file system; shorten it in `to`",
    "ENOTDIR": _NO_FOLDER,
    "EEXIST": _NO_FOLDER,
}

# What happens on a share of the network, and passes.
_PASSING: Final = {
    *("EAGAIN", "EBUSY", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "EINTR", "EIO"),
    *("ENETDOWN", "ENETRESET", "ENETUNREACH", "ENOTCONN", "EREMOTEIO", "ESTALE", "ETIMEDOUT"),
}


class FolderDestination:
    """Copies files to paths, where they appear whole and in one step."""

    def __init__(self, settings: DeliverSettings) -> None:
        """Take from the profile how it is done."""
        self._mode = int(settings.mode, 8) if settings.mode is not None else None

    def deliver(self, parcel: Parcel, deadline: Deadline) -> Receipt:
        """Put a file at its place, unless the same content is there already.

        Raises:
            PassingError: a share of the network is in trouble, or another program holds the file.
            DeliveryError: the file cannot be written, or is not what was built.
        """
        target = Path(parcel.to)
        part = target.with_name(f".{target.name}.part")
        with naming_the_place(parcel), _told():
            if target.is_dir():
                raise DeliveryError("is a folder; name a file in `to`, or end it with / for their own names")
            if target.exists() and not target.is_file():
                raise DeliveryError("is a device or a pipe, which no file takes the place of; name a file in `to`")
            try:
                return _unchanged(target, parcel, deadline) or self._delivered(target, part, parcel, deadline)
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def _delivered(self, target: Path, part: Path, parcel: Parcel, deadline: Deadline) -> Receipt:
        make_folder(target.parent)
        part.unlink(missing_ok=True)
        self._write(part, parcel, deadline)
        notes = self._set_mode(part)
        size = part.stat().st_size
        if size != parcel.size:
            raise wrong_size(size, parcel)
        _replace(part, target)
        seen = _seen(target)
        if seen is not None and seen.size != parcel.size:
            raise wrong_size(seen.size, parcel)
        return Receipt(trace=seen or Trace(parcel.size, is_taken=True), notes=notes)

    def _write(self, part: Path, parcel: Parcel, deadline: Deadline) -> None:
        with open(part, "xb", opener=self._opened) as file:
            file.writelines(read_parcel(parcel, deadline))
            file.flush()
            os.fsync(file.fileno())

    def _opened(self, path: str, flags: int) -> int:
        # Never readable for more users than in the end.
        return os.open(path, flags, self._mode or 0o666)

    def _set_mode(self, part: Path) -> tuple[str, ...]:
        """Overrule the umask, where the file system knows permissions; else give a note."""
        try:
            if self._mode is not None:
                part.chmod(self._mode)
        except OSError as error:
            return (f"the permissions could not be set: {error.strerror}",)
        return ()


@contextmanager
def _told() -> Iterator[None]:
    """Say of what the system refuses what that means."""
    try:
        yield
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        if name in _PASSING:
            raise PassingError(f"the file system is in trouble: {error.strerror}") from error
        raise DeliveryError(_LASTING.get(name, f"cannot be written: {error.strerror}")) from error


def _unchanged(target: Path, parcel: Parcel, deadline: Deadline) -> Receipt | None:
    """Give a receipt if nothing needs to be written."""
    if parcel.trace is not None and parcel.trace.is_taken:
        return Receipt(trace=parcel.trace, is_unchanged=True, checked="answer")
    seen = _seen(target)
    if seen is not None and seen == parcel.trace:
        return Receipt(trace=seen, is_unchanged=True)
    # The receipt of an earlier delivery may have been lost; whoever polls should not see the time move for nothing.
    if seen is not None and seen.size == parcel.size and _sha256(target, deadline) == parcel.sha256:
        _sync(target)
        return Receipt(trace=seen, is_unchanged=True, checked="checksum")
    return None


def _sync(target: Path) -> None:
    """Make durable what another delivery brought, which may have been killed before it did."""
    with suppress(PermissionError):  # where it may only be replaced
        sync_file(target)
    sync_folder(target.parent)


def _seen(target: Path) -> Trace | None:
    """Look at what is there; None where nothing is."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    return Trace(found.st_size, int(found.st_mtime))


def _sha256(path: Path, deadline: Deadline) -> str:
    """Hash a file; empty where it may only be replaced, and not read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                deadline.left()
                digest.update(chunk)
    except PermissionError:
        return ""
    return digest.hexdigest()


def _replace(part: Path, target: Path) -> None:
    try:
        part.replace(target)
    except PermissionError as error:
        if os.name == "nt":
            raise PassingError("another program holds the file, so that it cannot be replaced") from error
        raise
    sync_folder(target.parent)
