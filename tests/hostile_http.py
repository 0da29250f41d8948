"""An HTTP server that keeps files in memory and serves them, and at one step does the worst that it can.

What it does there it does on the bare socket: no library stands between what is sent and who has to bear it.
"""

import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

PAUSE = 0.02
"""Seconds between two bytes of a server that drips."""

ETAG = "v1"


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class Talk:
    """One connection, as the server sees it."""

    def __init__(self, line: socket.socket, server: "HostileServer") -> None:
        self.line = line
        self.server = server
        self._reader = line.makefile("rb")

    def request(self) -> Request | None:
        """Read what is asked, without what is sent along; None at the end."""
        words = self._reader.readline().split()
        if len(words) < 2:
            return None
        headers = {}
        while (line := self._reader.readline().strip()) and b":" in line:
            name, _, text = line.decode("latin-1").partition(":")
            headers[name.lower()] = text.strip()
        return Request(words[0].decode(), urlsplit(words[1].decode()).path, headers)

    def body(self, request: Request) -> bytes:
        """Read what is sent along."""
        return self._reader.read(int(request.headers.get("content-length", 0)))

    def say(self, data: bytes) -> None:
        self.line.sendall(data)

    def answer(self, status: int, headers: dict[str, object] | None = None, body: bytes = b"") -> None:
        """Answer as one should."""
        told = {"Content-Length": len(body)} | (headers or {})
        head = "".join(f"{name}: {text}\r\n" for name, text in told.items())
        self.say(f"HTTP/1.1 {status} So\r\n{head}\r\n".encode("latin-1") + body)

    def go_on(self, data: bytes, *, pause: float = PAUSE) -> None:
        """Say something again and again, until the client hangs up or the server stops."""
        while not self.server.stopped.wait(pause):
            self.say(data)

    def be_silent(self) -> None:
        self.server.stopped.wait()

    def reset(self) -> None:
        """Break the line off, so that the client hears of it as an error."""
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError


Deed = Callable[[Talk, Request], object]


@dataclass
class HostileServer:
    """A server that runs.

    Attributes:
        deeds: by method and number of the request with it (from 0; None: each), what it does instead of serving.
        greeting: what it does as soon as somebody connects.
        files: what it keeps, by path.
        asked: the methods and paths that it was asked with.
        shown: every content that a file without a dot before its name ever had.
    """

    deeds: dict[tuple[str, int | None], Deed] = field(default_factory=dict)
    greeting: Callable[[Talk], object] | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stopped = threading.Event()
        self._lines: list[socket.socket] = []
        self._numbers: dict[str, Iterator[int]] = {}

    def _deed(self, method: str) -> Deed | None:
        number = next(self._numbers.setdefault(method, count()))
        return self.deeds.get((method, number)) or self.deeds.get((method, None))

    def serve(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            self._lines.append(line)
            threading.Thread(target=self._talk, args=(line, context), daemon=True).start()

    def _talk(self, line: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError, ValueError), line:
            if self.greeting is not None:
                self.greeting(Talk(line, self))
            with line if context is None else context.wrap_socket(line, server_side=True) as secured:
                self._serve(Talk(secured, self))

    def _serve(self, talk: Talk) -> None:
        while request := talk.request():
            self.asked.append((request.method, request.path))
            deed = self._deed(request.method)
            if deed is not None:
                deed(talk, request)
            else:
                serve(talk, request)

    def stop(self) -> None:
        self.stopped.set()
        for line in self._lines:
            with suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)

    def keep(self, path: str, content: bytes) -> None:
        self.files[path] = content
        if not path.rpartition("/")[2].startswith("."):
            self.shown.append(content)


def serve(talk: Talk, request: Request) -> None:
    """Do what is asked, as a WebDAV server does."""
    server, content = talk.server, talk.body(request)
    match request.method:
        case "PUT":
            server.keep(request.path, content)
            talk.answer(201)
        case "MOVE" if request.path in server.files:
            server.keep(urlsplit(request.headers["destination"]).path, server.files.pop(request.path))
            talk.answer(201)
        case "HEAD" if request.path in server.files:
            talk.answer(200, {"Content-Length": len(server.files[request.path])})
        case "GET" if request.path in server.files:
            talk.answer(200, {"ETag": f'"{ETAG}"'}, server.files[request.path])
        case "DELETE" if server.files.pop(request.path, None) is not None:
            talk.answer(204)
        case "MKCOL":
            talk.answer(201)
        case _:
            talk.answer(404)


@contextmanager
def hostile(
    deeds: dict[tuple[str, int | None], Deed] | None = None,
    greeting: Callable[[Talk], object] | None = None,
    context: ssl.SSLContext | None = None,
) -> Iterator[tuple[HostileServer, str]]:
    """Run a server; give it, and its address."""
    server = HostileServer(deeds or {}, greeting)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.serve, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield server, f"{'https' if context else 'http'}://localhost:{listener.getsockname()[1]}"
        finally:
            server.stop()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def raw(data: bytes, *, then: str = "go on") -> Deed:
    """Take what is sent, say this, and then go on, be silent, hang up, or break the line off."""

    def deed(talk: Talk, request: Request) -> None:
        talk.body(request)
        talk.say(data)
        end(talk, then)

    return deed


def end(talk: Talk, then: str) -> None:
    if then == "hang up":
        raise ConnectionAbortedError
    if then == "reset":
        talk.reset()
    if then == "be silent":
        talk.be_silent()


def dripping(head: bytes, drop: bytes, pause: float = PAUSE) -> Deed:
    """Take what is sent, begin an answer, and never end it."""

    def deed(talk: Talk, request: Request) -> None:
        talk.body(request)
        talk.say(head)
        talk.go_on(drop, pause=pause)

    return deed


def unread(then: str) -> Deed:
    """Do not even take what is sent."""
    return lambda talk, _request: end(talk, then)


def slow_reader(talk: Talk, request: Request) -> None:
    """Take what is sent byte by byte."""
    left = int(request.headers.get("content-length", 0))
    while left and talk.line.recv(1) and not talk.server.stopped.is_set():
        left -= 1
        time.sleep(PAUSE)


BOMB = gzip.compress(bytes(1 << 24))
_PLAIN = b"HTTP/1.1 200 OK\r\n"

SLOW: dict[str, Deed] = {
    "silent": raw(b"", then="be silent"),
    "silent in the status": raw(b"HTTP/1.1 2", then="be silent"),
    "silent in the header": raw(_PLAIN + b"Content-Len", then="be silent"),
    "drips a status": dripping(b"HTTP/1.1 200 ", b"O"),
    "drips a header": dripping(_PLAIN + b"X: ", b"a"),
    "drips headers": dripping(_PLAIN, b"X: a\r\n", 0.2),
    "drips a body": dripping(_PLAIN + b"Content-Length: 99999\r\n\r\n", b"a"),
    "drips chunks": dripping(_PLAIN + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "drips the size of a chunk": dripping(_PLAIN + b"Transfer-Encoding: chunked\r\n\r\n", b"0", 0.2),
    "drips without end": dripping(_PLAIN + b"Connection: close\r\n\r\n", b"a"),
    "processes for ever": dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "hints for ever": dripping(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
    "continues for ever": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0001),
    "reads nothing": unread("be silent"),
    "reads slowly": slow_reader,
}
"""What never ends by itself."""

BROKEN: dict[str, Deed] = {
    "hangs up": raw(b"", then="hang up"),
    "hangs up unread": unread("hang up"),
    "resets": raw(b"", then="reset"),
    "resets unread": unread("reset"),
    "resets in the header": raw(_PLAIN + b"Content-", then="reset"),
    "cuts the status": raw(b"HTTP/1.1 20", then="hang up"),
    "cuts the header": raw(_PLAIN + b"Content-Length: 5", then="hang up"),
    "garbage": raw(bytes(range(256)) * 8, then="hang up"),
    "an SSH server": raw(b"SSH-2.0-OpenSSH_9.9\r\n", then="be silent"),
    "a TLS alert": raw(b"\x15\x03\x03\x00\x02\x02\x28", then="hang up"),
    "endless line": dripping(b"HTTP/1.1 200 ", b"a" * 65536, 0),
    "endless header": dripping(_PLAIN + b"X: ", b"a" * 65536, 0),
    "endless headers": dripping(_PLAIN, b"X: a\r\n" * 9999, 0),
    "no HTTP": raw(b"ICY 200 OK\r\n\r\n", then="hang up"),
    "HTTP of the future": raw(b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "status of four digits": raw(b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    "status 999": raw(b"HTTP/1.1 999 \x1b[31mNo\x07\r\nContent-Length: 0\r\n\r\n"),
    "switches protocols": raw(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", then="be silent"),
    "length twice": raw(_PLAIN + b"Content-Length: 0\r\nContent-Length: 9\r\n\r\n"),
    "negative length": raw(_PLAIN + b"Content-Length: -1\r\n\r\n"),
    "length in words": raw(_PLAIN + b"Content-Length: many\r\n\r\n"),
    "length of 5000 digits": raw(_PLAIN + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", then="hang up"),
    "length and chunks": raw(_PLAIN + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunk of no size": raw(_PLAIN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\na\r\n", then="hang up"),
    "chunk of a huge size": raw(
        _PLAIN + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\na", then="hang up"
    ),
    "cut in a chunk": raw(_PLAIN + b"Transfer-Encoding: chunked\r\n\r\nff\r\na", then="hang up"),
    "unknown transfer": raw(_PLAIN + b"Transfer-Encoding: gzip, rot13\r\n\r\na", then="hang up"),
    "bad names of headers": raw(_PLAIN + b"X Y\x00: \x1b[2J\r\n\r\n", then="hang up"),
    "redirects to itself": raw(b"HTTP/1.1 307 There\r\nLocation: \r\nContent-Length: 0\r\n\r\n"),
    "redirects to nowhere": raw(b"HTTP/1.1 302 There\r\nLocation: https://.\x1b[31m./\r\nContent-Length: 0\r\n\r\n"),
    "redirects to a name that cannot be": raw(
        b"HTTP/1.1 302 There\r\nLocation: https://.example.com/\r\nContent-Length: 0\r\n\r\n"
    ),
    "wants a login": raw(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="\x1b[31m"\r\nContent-Length: 0\r\n\r\n'),
    "asks for ages": raw(b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 400 + b"\r\nContent-Length: 0\r\n\r\n"),
    "asks for a date that cannot be": raw(
        b"HTTP/1.1 503 No\r\nRetry-After: Mon, 99999999999999999999 Jan 2001 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"
    ),
    "fails with control characters": raw(
        b"HTTP/1.1 400 \x1b]0;x\x07\r\nContent-Length: 9\r\n\r\n\x1b[31m\x07\x00\x9b\r\n"
    ),
    "fails with a bomb": raw(
        b"HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB
    ),
}
"""What ends, and is no answer, or none of use."""
