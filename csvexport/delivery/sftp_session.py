"""The SFTP protocol, version 3 (draft-ietf-secsh-filexfer-02), with the extensions of OpenSSH: as much as is needed.

Paramiko's own client is not used: it does not see the errors of the last writes before a file is closed, nor of closing
it, and hides what the server can do and the code of its answer.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from csvexport.delivery import Deadline, PassingError
from csvexport.errors import DeliveryError

_VERSION: Final = 3

_INIT, _VERSION_ANSWER = 1, 2
_OPEN, _CLOSE, _WRITE, _FSTAT, _SETSTAT = 3, 4, 6, 8, 9
_REMOVE, _MKDIR, _STAT, _RENAME = 13, 14, 17, 18
_STATUS, _HANDLE, _ATTRIBUTES = 101, 102, 105
_EXTENDED, _EXTENDED_ANSWER = 200, 201

_OK: Final = 0
NO_SUCH_FILE: Final = 2
PERMISSION_DENIED: Final = 3
FAILURE: Final = 4
UNSUPPORTED: Final = 8
NO_SUCH_PATH: Final = 10
"""Codes of answers; some servers know those of later versions too."""

_WRITE_CREATE_TRUNCATE: Final = 0x02 | 0x08 | 0x10

# Which attributes follow, in their order.
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES = 1, 2, 4, 8

# What every server takes in one write; larger ones where it says that it does.
_COMMON_WRITE: Final = 1 << 15
_LARGEST_WRITE: Final = 1 << 18

# How many bytes are on their way before an answer is waited for.
_ON_THE_WAY: Final = 1 << 22

# An answer that is longer is none.
_LONGEST_ANSWER: Final = 1 << 20

# The same of the name that a server gives to an open file (draft-ietf-secsh-filexfer-02, section 6.2).
_LONGEST_HANDLE: Final = 256

_CHUNK: Final = 1 << 15

# By which servers tell that they compute checksums (draft-ietf-secsh-filexfer-extensions-00, section 3).
_CHECK_FILE: Final = frozenset({"check-file", "check-file-name"})


class Channel(Protocol):
    """What a session runs over."""

    def send(self, data: bytes, /) -> int:
        """Send at least a beginning; give how much that was, 0 at the end."""

    def recv(self, count: int, /) -> bytes:
        """Receive something; nothing at the end."""

    def settimeout(self, seconds: float, /) -> None:
        """Set how long the two may take, after which they raise TimeoutError."""


class StatusError(Exception):
    """The server did not do what it was asked for.

    Attributes:
        code: the protocol's.
        text: what the server says about it.
    """

    def __init__(self, code: int, text: str) -> None:
        """Keep both."""
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a server tells of a file; None for what it does not.

    Attributes:
        size: bytes.
        mode: type and permissions.
        modified: Unix seconds.
    """

    size: int | None = None
    mode: int | None = None
    modified: int | None = None


class SftpSession:
    """A conversation with an SFTP server.

    Every method raises `StatusError` where the server refuses, and `PassingError` where it is silent for too long or
    gone; after the latter the session is of no more use.

    Attributes:
        deadline: when what is under way must be done.
        extensions: the names of those that the server has.
        is_lost: whether the server was silent for too long, or is gone.
    """

    def __init__(self, channel: Channel, timeout: float, deadline: Deadline) -> None:
        """Say hello.

        Raises:
            PassingError: the server is silent for too long, or gone.
            DeliveryError: it does not speak SFTP.
        """
        self.deadline = deadline
        self.is_lost = False
        self._channel = channel
        self._timeout = timeout
        self._received = bytearray()
        self._number = 0
        self._awaited: set[int] = set()
        self._answers: dict[int, tuple[int, bytes]] = {}
        self._longest_write = _COMMON_WRITE
        self._send(struct.pack(">BI", _INIT, _VERSION))
        try:
            self.extensions = self._greeted()
        except PassingError as error:
            if self.is_lost:
                raise
            raise DeliveryError(
                "what the server runs for sftp does not speak it, or a script that prints something runs before it; "
                "have its operator look"
            ) from error
        self._has_checksums = not _CHECK_FILE.isdisjoint(self.extensions)
        if "limits@openssh.com" in self.extensions:
            self._ask_for_limits()

    def stat(self, path: str) -> Attributes:
        """Look at a file, or what a link leads to."""
        return _attributes(self._ask(_STAT, _text(path), _ATTRIBUTES))

    def mkdir(self, path: str) -> None:
        """Make a folder."""
        self._ask(_MKDIR, _text(path) + _with_mode(None))

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._ask(_REMOVE, _text(path))

    def set_mode(self, path: str, mode: int) -> None:
        """Set a file's permissions."""
        self._ask(_SETSTAT, _text(path) + _with_mode(mode))

    def rename(self, path: str, to: str) -> None:
        """Rename a file; servers differ in whether that replaces another."""
        self._ask(_RENAME, _text(path) + _text(to))

    def replace(self, path: str, to: str) -> None:
        """Rename a file over another, in one step."""
        self._ask(_EXTENDED, _text("posix-rename@openssh.com") + _text(path) + _text(to))

    def open(self, path: str, mode: int | None) -> bytes:
        """Open a file for writing, empty; give its handle."""
        fields = _text(path) + struct.pack(">I", _WRITE_CREATE_TRUNCATE) + _with_mode(mode)
        handle, _ = _string(self._ask(_OPEN, fields, _HANDLE))
        if len(handle) > _LONGEST_HANDLE:
            raise _nonsense()
        return handle

    def stat_open(self, handle: bytes) -> Attributes:
        """Look at a file that is open."""
        return _attributes(self._ask(_FSTAT, _string_of(handle), _ATTRIBUTES))

    def write(self, handle: bytes, chunks: Iterable[bytes]) -> None:
        """Write a file from its beginning.

        Many writes are on their way at a time; the answers to all of them are seen.
        """
        offset, behind = 0, list[int]()
        most = max(1, _ON_THE_WAY // self._longest_write)
        for chunk in chunks:
            for start in range(0, len(chunk), self._longest_write):
                piece = chunk[start : start + self._longest_write]
                head = _string_of(handle) + struct.pack(">QI", offset, len(piece))
                behind.append(self._request(_WRITE, head, piece))
                offset += len(piece)
                if len(behind) >= most:
                    self._answer_to(behind.pop(0))
        for number in behind:
            self._answer_to(number)

    def sync(self, handle: bytes) -> None:
        """Have what was written put on the disk, if the server can."""
        if "fsync@openssh.com" in self.extensions:
            self._ask(_EXTENDED, _text("fsync@openssh.com") + _string_of(handle))

    def close(self, handle: bytes) -> None:
        """Close a file."""
        self._ask(_CLOSE, _string_of(handle))

    def sha256(self, path: str) -> bytes | None:
        """Have the server compute the SHA-256 of a file; None if it does not."""
        if not self._has_checksums:
            return None
        # All of the file as one block.
        fields = _text("check-file-name") + _text(path) + _text("sha256") + struct.pack(">QQI", 0, 0, 0)
        try:
            name, digest = _string(self._ask(_EXTENDED, fields, _EXTENDED_ANSWER))
        except StatusError as error:
            # It may not have meant this when it told of it, and is not asked again; others refuse it for empty files.
            self._has_checksums = error.code != UNSUPPORTED
            return None
        # An older draft has this word before the name of the hash.
        if name == b"check-file":
            name, digest = _string(digest)
        return digest if name == b"sha256" else None

    def _greeted(self) -> frozenset[str]:
        kind, body = self._receive()
        if kind != _VERSION_ANSWER:
            raise _nonsense()
        names, body = set(), body[4:]
        while body:
            name, body = _string(body)
            _, body = _string(body)
            names.add(name.decode(errors="replace"))
        return frozenset(names)

    def _ask_for_limits(self) -> None:
        body = self._ask(_EXTENDED, _text("limits@openssh.com"), _EXTENDED_ANSWER)
        _packet, _read, write, _handles = _unpacked(">QQQQ", body)
        # 0 stands for no limit.
        self._longest_write = min(write, _LARGEST_WRITE) or _LARGEST_WRITE

    def _ask(self, kind: int, fields: bytes, wanted: int = _STATUS) -> bytes:
        return self._answer_to(self._request(kind, fields), wanted)

    def _request(self, kind: int, fields: bytes, data: bytes = b"") -> int:
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._send(struct.pack(">BI", kind, self._number) + fields, data)
        self._awaited.add(self._number)
        return self._number

    def _answer_to(self, number: int, wanted: int = _STATUS) -> bytes:
        """Give what follows the number in the answer to a request; answers may come in another order."""
        while number not in self._answers:
            kind, body = self._receive()
            (answered,) = _unpacked(">I", body)
            if answered not in self._awaited:
                raise _nonsense()
            self._awaited.remove(answered)
            self._answers[answered] = kind, body[4:]
        kind, body = self._answers.pop(number)
        if kind == _STATUS:
            _see_status(body)
        if kind != wanted:
            raise _nonsense()
        return body

    def _send(self, head: bytes, data: bytes = b"") -> None:
        head = struct.pack(">I", len(head) + len(data)) + head
        # As much as a packet of SSH takes is sent at once; no more than that is copied.
        first, sent = head + data[:_CHUNK], 0
        while sent < len(first):
            sent += self._sent(first[sent:])
        sent = _CHUNK
        while sent < len(data):
            sent += self._sent(data[sent : sent + _CHUNK])

    def _receive(self) -> tuple[int, bytes]:
        (size,) = struct.unpack(">I", self._read(4))
        if not 1 <= size <= _LONGEST_ANSWER:
            raise _nonsense()
        packet = self._read(size)
        return packet[0], packet[1:]

    def _read(self, count: int) -> bytes:
        while len(self._received) < count:
            with self._unbroken():
                received = self._channel.recv(_CHUNK)
            if not received:
                raise self._lost()
            self._received += received
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _sent(self, data: bytes) -> int:
        with self._unbroken():
            sent = self._channel.send(data)
        if not sent:
            raise self._lost()
        return sent

    @contextmanager
    def _unbroken(self) -> Iterator[None]:
        """Wait for the server as long as it may be silent, and say so if that is not enough."""
        seconds = self.deadline.left(self._timeout)
        self._channel.settimeout(seconds)
        try:
            yield
        except TimeoutError as error:
            self.is_lost = True
            # Tells of the end of the time if that is what it was.
            self.deadline.left()
            raise silent(seconds) from error
        except (OSError, EOFError) as error:
            self.is_lost = True
            self.deadline.left()
            raise self._lost() from error

    def _lost(self) -> PassingError:
        self.is_lost = True
        return PassingError("the connection broke off")


def silent(seconds: float) -> PassingError:
    """Say that the server did not answer for so many seconds."""
    return PassingError(f"the server has been silent for {seconds:g} s; raise timeout if it needs longer")


def _nonsense() -> PassingError:
    return PassingError("the server does not speak SFTP, or its answer is damaged")


def _unpacked(layout: str, body: bytes) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, body)
    except struct.error as error:
        raise _nonsense() from error


def _string(body: bytes) -> tuple[bytes, bytes]:
    """Take a string from the beginning; give it, and the rest."""
    (size,) = _unpacked(">I", body)
    if len(body) < 4 + size:
        raise _nonsense()
    return body[4 : 4 + size], body[4 + size :]


def _string_of(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _text(text: str) -> bytes:
    return _string_of(text.encode(errors="surrogateescape"))


def _with_mode(mode: int | None) -> bytes:
    return struct.pack(">I", 0) if mode is None else struct.pack(">II", _HAS_MODE, mode)


def _see_status(body: bytes) -> None:
    (code,) = _unpacked(">I", body)
    if code == _OK:
        return
    # Some servers leave the text out.
    text = _string(body[4:])[0] if body[4:] else b""
    raise StatusError(code, text.decode(errors="replace"))


def _attributes(body: bytes) -> Attributes:
    (flags,) = _unpacked(">I", body)
    found, position = dict[int, tuple[int, ...]](), 4
    for flag, layout in ((_HAS_SIZE, ">Q"), (_HAS_OWNER, ">II"), (_HAS_MODE, ">I"), (_HAS_TIMES, ">II")):
        if flags & flag:
            found[flag] = _unpacked(layout, body[position:])
            position += struct.calcsize(layout)
    (size,), (mode,) = found.get(_HAS_SIZE, (None,)), found.get(_HAS_MODE, (None,))
    return Attributes(size, mode, found.get(_HAS_TIMES, (None, None))[1])
