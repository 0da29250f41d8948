"""An SSH server whose SFTP keeps files in memory, and at one step does the worst that it can.

What it answers there it writes itself: no library stands between what is sent and who has to bear it.
"""

import posixpath
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import paramiko
from ssh_servers import HOST, PASSWORD, USER

INIT, VERSION, OPEN, CLOSE, WRITE, FSTAT, SETSTAT = 1, 2, 3, 4, 6, 8, 9
REMOVE, MKDIR, STAT, RENAME, STATUS, HANDLE, ATTRS, EXTENDED = 13, 14, 17, 18, 101, 102, 105, 200

OK, MISSING, DENIED, FAILED = 0, 2, 3, 4

PAUSE = 0.02

Deed = Callable[["Talk", int, bytes], object]


def text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def packet(kind: int, body: bytes) -> bytes:
    return text(bytes([kind]) + body)


def status(number: int, code: int, said: bytes = b"So") -> bytes:
    return packet(STATUS, struct.pack(">II", number, code) + text(said) + text(b""))


def cut_text(body: bytes) -> tuple[bytes, bytes]:
    (size,) = struct.unpack_from(">I", body)
    return body[4 : 4 + size], body[4 + size :]


@dataclass
class SftpState:
    """What the server keeps, and what it does.

    Attributes:
        deeds: by kind of packet and its number among those of its kind (from 0; None: each), what it does instead.
        extensions: those that it tells of.
        files: what it keeps, by path.
        shown: every content that a file without a dot before its name ever had when it was closed or renamed.
    """

    deeds: dict[tuple[int, int | None], Deed] = field(default_factory=dict)
    extensions: tuple[bytes, ...] = (b"posix-rename@openssh.com",)
    files: dict[str, bytearray] = field(default_factory=dict)
    shown: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stopped = threading.Event()
        self._numbers: dict[int, Iterator[int]] = {}

    def deed(self, kind: int) -> Deed | None:
        number = next(self._numbers.setdefault(kind, count()))
        return self.deeds.get((kind, number)) or self.deeds.get((kind, None))

    def show(self, path: str) -> None:
        if not posixpath.basename(path).startswith("."):
            self.shown.append(bytes(self.files[path]))


class Talk:
    """One session, as the server sees it."""

    def __init__(self, channel: paramiko.Channel, state: SftpState) -> None:
        self.channel = channel
        self.state = state
        self.path = ""

    def say(self, data: bytes) -> None:
        self.channel.sendall(data)

    def go_on(self, data: bytes, *, pause: float = PAUSE) -> None:
        """Say something again and again, until the client hangs up or the server stops."""
        while not self.state.stopped.wait(pause):
            self.say(data)

    def be_silent(self) -> None:
        self.state.stopped.wait()

    def hang_up(self) -> None:
        self.channel.get_transport().close()
        raise EOFError

    def serve(self) -> None:
        while True:
            size = struct.unpack(">I", self._read(4))[0]
            data = self._read(size)
            kind, body = data[0], data[1:]
            deed = self.state.deed(kind)
            if deed is not None:
                deed(self, struct.unpack_from(">I", body)[0], body[4:])
            else:
                self.do(kind, struct.unpack_from(">I", body)[0], body[4:])

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            received = self.channel.recv(size - len(data))
            if not received:
                raise EOFError
            data += received
        return data

    def do(self, kind: int, number: int, body: bytes) -> None:
        """Do what is asked, as a server does."""
        files = self.state.files
        if kind == INIT:
            self.say(
                packet(VERSION, struct.pack(">I", 3) + b"".join(text(n) + text(b"1") for n in self.state.extensions))
            )
            return
        name, rest = cut_text(body)
        if kind == EXTENDED:
            old, rest = cut_text(rest)
            self._rename(number, old.decode(), cut_text(rest)[0].decode())
        elif kind == RENAME:
            self._rename(number, name.decode(), cut_text(rest)[0].decode())
        elif kind == OPEN:
            self.path = name.decode()
            files[self.path] = bytearray()
            self.say(packet(HANDLE, struct.pack(">I", number) + text(b"handle")))
        elif kind == WRITE:
            (offset,) = struct.unpack_from(">Q", rest)
            data = cut_text(rest[8:])[0]
            files[self.path][offset : offset + len(data)] = data
            self.say(status(number, OK))
        elif kind in {STAT, FSTAT}:
            path = self.path if kind == FSTAT else name.decode()
            found = files.get(path)
            told = struct.pack(">IIQII", number, 1 | 8, len(found or b""), 0, 1717232400)
            self.say(packet(ATTRS, told) if found is not None else status(number, MISSING))
        elif kind == REMOVE:
            self.say(status(number, OK if files.pop(name.decode(), None) is not None else MISSING))
        else:
            if kind == CLOSE:
                self.state.show(self.path)
            self.say(status(number, OK))

    def _rename(self, number: int, old: str, new: str) -> None:
        files = self.state.files
        if old not in files:
            self.say(status(number, MISSING))
            return
        files[new] = files.pop(old)
        self.state.show(new)
        self.say(status(number, OK))


class _Subsystem(paramiko.SubsystemHandler):
    def __init__(self, channel, name, server, state):
        super().__init__(channel, name, server)
        self._state = state

    def start_subsystem(self, _name, _transport, channel):
        with suppress(EOFError, OSError, paramiko.SSHException):
            Talk(channel, self._state).serve()


class _Doorkeeper(paramiko.ServerInterface):
    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL if (username, password) == (USER, PASSWORD) else paramiko.AUTH_FAILED

    def get_allowed_auths(self, _username):
        return "password"

    def check_channel_request(self, _kind, _chanid):
        return paramiko.OPEN_SUCCEEDED


@contextmanager
def hostile_sftp(
    deeds: dict[tuple[int, int | None], Deed] | None = None, greeting: Callable[[socket.socket], object] | None = None
) -> Iterator[tuple[SftpState, str, str]]:
    """Run a server; give what it keeps, its address, and the fingerprint of its key.

    Args:
        deeds: what it does, and when.
        greeting: what it does with a connection instead of speaking SSH.
    """
    state, key = SftpState(deeds or {}), paramiko.ECDSAKey.generate()
    transports: list[paramiko.Transport] = []

    def serve(listener):
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            if greeting is not None:
                threading.Thread(target=_greet, args=(greeting, line), daemon=True).start()
                continue
            transport = paramiko.Transport(line)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", _Subsystem, state)
            transports.append(transport)
            with suppress(EOFError, OSError, paramiko.SSHException):
                transport.start_server(threading.Event(), _Doorkeeper())

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield state, f"sftp://{USER}@{HOST}:{listener.getsockname()[1]}", key.fingerprint
        finally:
            state.stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for transport in transports:
                transport.packetizer.complete_handshake()
                transport.close()
                transport.join(5)


def _greet(greeting, line):
    with suppress(OSError), line:
        greeting(line)
