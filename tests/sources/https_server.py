"""A real HTTP(S) server whose answers, and what goes wrong with them, are scripted by the test."""

import base64
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

LONG_AGO = formatdate(1_700_000_000, usegmt=True)

# What the tests fetch, and what the answers say of it.
SECRET = "hunter2"
TABLE = "yclid;at;sum\n" + "".join(f"{15241600726526878416 + row};2024-05-31 15:00:00;{row}\n" for row in range(500))
CONTENT = TABLE.encode("cp1251")
HALF = len(CONTENT) // 2
LOGIN_PAGE = b"<!DOCTYPE html>\n<html><body>Login"
ETAG = {"ETag": '"v1"'}
DATED = {"Last-Modified": LONG_AGO}
# A header of this text is sent as the moment of the answer, however long the tests before it took.
JUST_NOW = "just now"
RECENT = {"Last-Modified": JUST_NOW}
CREDENTIALS = {"Authorization": "Basic x", "X-Key": "k"}
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Answer:
    """What the server sends.

    `length`: how the end is told: "content-length", "chunked" or "" (by hanging up); `cut`: hang up after so many bytes
    of the body; `silent`: send nothing at all until the server stops.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: str = "content-length"
    cut: int | None = None
    silent: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked."""

    path: str
    headers: Message


class Server:
    """Answers each path by its script: one answer after another, the last one for ever."""

    def __init__(self, certificate: trustme.LeafCert | None) -> None:
        self.requests: list[Request] = []
        self.script: dict[str, list[Answer | Callable[[Request], Answer]]] = defaultdict(lambda: [Answer(status=404)])
        self.stopped = threading.Event()
        self._http = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_side": self}))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            # The handshake is the handler's, so that one that fails does not stop the others.
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://localhost:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=[0.01])
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everyone and end."""
        self.stopped.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        steps = self.script[request.path.partition("?")[0]]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        return step(request) if callable(step) else step

    def asked(self, name: str) -> list[str | None]:
        """What the requests said in a header, one after another."""
        return [request.headers[name] for request in self.requests]


class _Quiet(ThreadingHTTPServer):
    """Says nothing of clients that hang up, as they do when an answer is refused."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    server_side: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.server_side.answer(Request(self.path, self.headers))
        if answer.silent:
            self.server_side.stopped.wait()
            self.close_connection = True
            return
        headers = {"Connection": "close"} | dict(answer.headers)
        if answer.length == "content-length":
            headers.setdefault("Content-Length", str(len(answer.body)))
        elif answer.length:
            headers["Transfer-Encoding"] = answer.length
        self.send_response(answer.status)
        for name, text in headers.items():
            self.send_header(name, formatdate(usegmt=True) if text == JUST_NOW else text)
        self.end_headers()
        body = answer.body[: answer.cut]
        if answer.length == "chunked":
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part)
            body += b"0\r\n\r\n" if answer.cut is None else b""
        self.wfile.write(body)
        self.close_connection = True

    def do_CONNECT(self) -> None:
        """Answer as a proxy."""
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        pass


def ranged(content: bytes, headers: Mapping[str, str]) -> Callable[[Request], Answer]:
    """Answer as a server that sends the rest where the version is still the one that is asked for."""

    def answer(request: Request) -> Answer:
        wanted = request.headers["Range"]
        if wanted is None or request.headers["If-Range"] not in {headers.get("ETag"), headers.get("Last-Modified")}:
            return Answer(content, headers=headers)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        extent = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        return Answer(content[start:], 206, {**headers, **extent})

    return answer


def versioned(content: bytes, headers: Mapping[str, str]) -> Callable[[Request], Answer]:
    """Answer as a server that sends nothing where the version is the one that the client has."""

    def answer(request: Request) -> Answer:
        if "ETag" in headers:
            unchanged = request.headers["If-None-Match"] == headers["ETag"]
        else:
            unchanged = request.headers["If-Modified-Since"] == headers["Last-Modified"]
        return Answer(status=304, headers=headers) if unchanged else Answer(content, headers=headers)

    return answer


def guarded(user: str, password: str, content: bytes) -> Callable[[Request], Answer]:
    """Answer as a server that wants a login."""
    login = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"

    def answer(request: Request) -> Answer:
        return Answer(content) if request.headers["Authorization"] == login else Answer(b"<html>Login", 401)

    return answer


def redirect(location: str, status: int = 302) -> Answer:
    """Send elsewhere."""
    return Answer(LOGIN_PAGE, status, {"Location": location})
