"""Files put to an SFTP server.

A file is written beside its place under a hidden name, and gets its own when it is whole: in one step where the server
can replace files (posix-rename@openssh.com), so that a reader finds the old file or the new one at every moment. Other
servers have the old file moved aside first, and for that moment there is none; a note on the receipt says so.
"""

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from csvexport.delivery import Deadline, Parcel, PassingError, Receipt, Trace
from csvexport.delivery.contents import read_parcel
from csvexport.delivery.host_keys import known_server
from csvexport.delivery.sftp_session import (
    FAILURE,
    NO_SUCH_FILE,
    NO_SUCH_PATH,
    PERMISSION_DENIED,
    UNSUPPORTED,
    Attributes,
    SftpSession,
    StatusError,
)
from csvexport.delivery.ssh import Connection, Target
from csvexport.delivery.ssh_logins import Login
from csvexport.delivery.wording import (
    HIDDEN_ONE_GONE,
    IN_PLACE,
    NEVER_SEEN,
    NOT_RENAMED,
    OTHER_CHECKSUM,
    naming_the_place,
    wrong_size,
)
from csvexport.errors import DeliveryError, ProfileError
from csvexport.masking import printable
from csvexport.profile import DeliverSettings, sftp_address

# How long it is tried to take away what was put in vain.
_CLEANING: Final = 5.0

_UNREPLACED: Final = (
    "the server cannot replace a file in one step, so that there was none for a moment; a reader may have missed it"
)

_REPLACE: Final = "posix-rename@openssh.com"

# What a server answers where nothing is.
_MISSING: Final = frozenset({NO_SUCH_FILE, NO_SUCH_PATH})

# What later versions of the protocol have for it, some servers use.
_FULL: Final = frozenset({14, 15})

# ProFTPD before 1.3.8 gives it for every file.
_SHA256_OF_NOTHING: Final = hashlib.sha256().digest()

_UNSEEN: Final = Attributes()
"""What is known of a file that the server does not let be looked at."""


class SftpDestination:
    """Puts files to a server over SFTP."""

    def __init__(self, settings: DeliverSettings, folder: Path) -> None:
        """Look up what is needed to be let in; nothing is connected yet.

        Args:
            settings: the profile's.
            folder: the profile's; paths of secrets and keys are relative to it.

        Raises:
            ProfileError: a secret, a key or a file of known servers is not where the profile says, or cannot be used.
        """
        try:
            self._targets = _targets(settings, folder)
        except ProfileError as error:
            raise ProfileError([f"{settings.name}: {mistake}" for mistake in error.mistakes]) from error
        self._mode = int(settings.mode, 8) if settings.mode is not None else None
        self._is_straight = settings.in_place
        self._takes_away = settings.takes_away
        self._timeout = settings.timeout
        self._connection: Connection | None = None
        self._session: SftpSession | None = None

    def deliver(self, parcel: Parcel, deadline: Deadline) -> Receipt:
        """Put a file to its place, unless what was put there last is there still, and was the same.

        Raises:
            PassingError: the server cannot be reached, or the connection broke off.
            DeliveryError: it refuses the login or the file, is not known, or the file is not what was built.
        """
        with naming_the_place(parcel), self._closed_on_errors():
            if parcel.trace is not None and parcel.trace.is_taken:
                return Receipt(trace=parcel.trace, is_unchanged=True, checked="answer")
            connection, session = self._opened(deadline)
            made = _Delivery(session, parcel, self._mode, is_straight=self._is_straight, takes_away=self._takes_away)
            # The session ends by itself, and clears away what it began; but the library below it knows of no deadline.
            with deadline.ending(connection.cut, grace=_CLEANING):
                receipt = made.made()
            if session.is_lost:
                self.close()
            return receipt

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._session = None

    @contextmanager
    def _closed_on_errors(self) -> Iterator[None]:
        """Begin anew after whatever failed, in which the two sides may have lost each other."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _opened(self, deadline: Deadline) -> tuple[Connection, SftpSession]:
        if self._connection is None or self._session is None:
            self._connection = Connection(self._targets, self._timeout, deadline)
            channel = self._connection.open_subsystem("sftp", deadline)
            with deadline.ending(self._connection.cut):
                self._session = SftpSession(channel, self._timeout, deadline)
        self._session.deadline = deadline
        return self._connection, self._session


def _targets(settings: DeliverSettings, folder: Path) -> list[Target]:
    address = sftp_address(str(settings.to))
    login = Login.of(settings, folder, address.username)
    targets = [Target(address.server, login, known_server(settings, address.server, folder))]
    jump = settings.jump
    if jump is not None:
        try:
            through = Target(jump.server, Login.of(jump, folder), known_server(jump, jump.server, folder))
        except ProfileError as error:
            raise ProfileError([f"jump.{mistake}" for mistake in error.mistakes]) from error
        targets.insert(0, through)
    return targets


class _Delivery:
    """One file on its way over a session."""

    def __init__(
        self, session: SftpSession, parcel: Parcel, mode: int | None, *, is_straight: bool, takes_away: bool
    ) -> None:
        self._takes_away = takes_away
        self._session = session
        self._parcel = parcel
        self._mode = mode
        self._path = sftp_address(parcel.to).path
        self._part = self._path if is_straight else _hidden(self._path, "part")
        self._old = _hidden(self._path, "old")
        self._is_begun = False
        self._before: Attributes | None = None
        self._notes: list[str] = []

    def made(self) -> Receipt:
        """Deliver the file, unless it is there."""
        self._before = seen = self._look(self._path)
        if seen is not None and seen.mode is not None and stat.S_ISDIR(seen.mode):
            raise DeliveryError("is a folder; name a file in `to`, or end it with / for their own names")
        trace = self._parcel.trace
        if trace is not None and trace.modified is None and seen == _UNSEEN:
            return Receipt(trace=trace, is_unchanged=True, checked="answer")
        if trace is not None and seen is not None and (seen.size, seen.modified) == (trace.size, trace.modified):
            return Receipt(trace=trace, is_unchanged=True)
        if self._part != self._path:
            self._prepare(seen)
        try:
            return self._delivered()
        except DeliveryError:
            self._remove_part()
            raise

    def _look(self, path: str) -> Attributes | None:
        """Look at a file; None where nothing is."""
        try:
            return self._session.stat(path)
        except StatusError as error:
            return None if error.code in _MISSING else _UNSEEN

    def _prepare(self, seen: Attributes | None) -> None:
        """Clear away what a run that was killed left.

        If it was killed while there was no file, the old one is put back, for the time until the new one is there.
        """
        if seen is None and _REPLACE not in self._session.extensions and self._look(self._part) is not None:
            with suppress(StatusError):
                self._session.rename(self._old, self._path)
        with suppress(StatusError):
            self._session.remove(self._part)

    def _delivered(self) -> Receipt:
        written = self._write()
        self._set_mode()
        part = self._look(self._part)
        if part is None and self._part != self._path:
            raise DeliveryError(HIDDEN_ONE_GONE)
        checked = self._check(written if part is None else part, is_there=part is not None)
        if self._part == self._path:
            return self._receipt(checked, part)
        self._rename()
        try:
            found = self._look(self._path)
        except DeliveryError:
            # It has arrived, whatever comes of looking at it; but that it has its name is the server's word.
            checked, found = "answer", _UNSEEN
        return self._receipt(checked, found)

    def _write(self) -> Attributes:
        """Write the file; give what is seen of it before it is closed, from when on a receiver may take it away."""
        handle = self._open()
        self._is_begun = True
        with _told():
            self._session.write(handle, read_parcel(self._parcel, self._session.deadline))
            try:
                self._session.sync(handle)
            except StatusError as error:
                # Some file systems know no such thing.
                if error.code == FAILURE:
                    raise
            written = _UNSEEN
            if self._part == self._path:
                with suppress(StatusError):
                    written = self._session.stat_open(handle)
            self._session.close(handle)
        return written

    def _open(self) -> bytes:
        # Never readable for more users than in the end.
        with suppress(StatusError):
            return self._session.open(self._part, self._mode)
        self._make_folder(_above(self._part))
        with _told():
            return self._session.open(self._part, self._mode)

    def _make_folder(self, path: str) -> None:
        """Make a folder, and those above it that are not there; what else comes, opening the file tells."""
        try:
            self._session.mkdir(path)
        except StatusError as error:
            if error.code in _MISSING and path != "/":
                self._make_folder(_above(path))
                with suppress(StatusError):
                    self._session.mkdir(path)

    def _set_mode(self) -> None:
        """Overrule the server's umask; it may not allow that."""
        try:
            if self._mode is not None:
                self._session.set_mode(self._part, self._mode)
        except StatusError as error:
            if error.code not in _MISSING:
                self._notes.append(f"the server did not set the permissions{_quoted(error)}")

    def _check(self, seen: Attributes, *, is_there: bool) -> str:
        """See that the file has arrived whole; give by what that was seen."""
        if seen.size not in {None, self._parcel.size}:
            raise wrong_size(seen.size or 0, self._parcel)
        digest = self._session.sha256(self._part) if is_there else None
        if digest is None or digest == _SHA256_OF_NOTHING:
            return "answer" if seen.size is None else "size"
        if digest.hex() != self._parcel.sha256:
            raise PassingError(OTHER_CHECKSUM)
        return "checksum"

    def _rename(self) -> None:
        """Give the file its own name."""
        try:
            if _REPLACE in self._session.extensions:
                self._session.replace(self._part, self._path)
            else:
                self._rename_in_steps()
        except StatusError as error:
            if error.code in _MISSING and self._look(self._part) is None:
                raise DeliveryError(HIDDEN_ONE_GONE) from error
            raise DeliveryError(f"the server does not rename the file{_quoted(error)}; {IN_PLACE}") from error

    def _rename_in_steps(self) -> None:
        """Rename over a file without a call for it: at no moment is the only copy lost, though it may be aside."""
        try:
            self._session.rename(self._part, self._path)
        except StatusError:
            if self._look(self._path) is None:
                raise
            self._exchange()
        with suppress(StatusError):
            self._session.remove(self._old)

    def _exchange(self) -> None:
        # There is a file, so that one that was moved aside before is a leftover.
        with suppress(StatusError):
            self._session.remove(self._old)
        self._session.rename(self._path, self._old)
        try:
            self._session.rename(self._part, self._path)
        except StatusError:
            self._session.rename(self._old, self._path)
            raise
        self._notes.append(_UNREPLACED)

    def _receipt(self, checked: str, found: Attributes | None) -> Receipt:
        """Tell what is there now.

        Args:
            checked: by what was seen that the file arrived whole.
            found: what is seen of it under its own name; None if nothing is there.

        Raises:
            PassingError: what is there is not what was sent.
            DeliveryError: nothing is there, and never was to be seen.
        """
        size = self._parcel.size
        self._refuse_unmoved(found)
        if found is not None:
            if found.size not in {None, size}:
                raise wrong_size(found.size or 0, self._parcel)
            return Receipt(trace=Trace(size, found.modified), checked=checked, notes=tuple(self._notes))
        if checked == "answer" and not self._takes_away:
            raise DeliveryError(NEVER_SEEN)
        return Receipt(trace=Trace(size, is_taken=True), checked=checked, notes=tuple(self._notes))

    def _refuse_unmoved(self, found: Attributes | None) -> None:
        """See that the file is not still hidden, where none is seen under its name, or what could be the one before."""
        if self._part == self._path or found == _UNSEEN or found not in {None, self._before}:
            return
        if self._look(self._part) not in {None, _UNSEEN}:
            raise DeliveryError(NOT_RENAMED)

    def _remove_part(self) -> None:
        if self._session.is_lost or not self._is_begun:
            return
        self._session.deadline = Deadline(_CLEANING)
        with suppress(StatusError, DeliveryError):
            self._session.remove(self._part)


@contextmanager
def _told() -> Iterator[None]:
    """Say of what the server refuses what that means."""
    try:
        yield
    except StatusError as error:
        quoted = _quoted(error)
        if error.code == PERMISSION_DENIED:
            text = f"the server gives no permission{quoted}; have its operator let the user write there"
        elif error.code in _MISSING:
            text = f"the folder is not there, and the server does not make it{quoted}; check `to`"
        elif error.code in _FULL:
            text = f"there is no space left on the server{quoted}; have its operator make room"
        elif error.code == UNSUPPORTED:
            text = f"the server cannot do that{quoted}"
        else:
            text = f"the file could not be written{quoted}; the server's disk may be full, or a quota used up"
        raise DeliveryError(text) from error


def _quoted(error: StatusError) -> str:
    """Write what the server said for a message, in brackets behind it."""
    said = " ".join(printable(error.text[:200]).split())
    return f" ({said})" if said else ""


def _hidden(path: str, purpose: str) -> str:
    """Give the hidden name beside a file's."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.{purpose}"


def _above(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0] or "/"
