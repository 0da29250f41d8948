"""A real WebDAV server over HTTPS, as dumb as they come, and with switches for what goes wrong with real ones.

It writes what is put straight under the name that is asked for, where everybody sees it grow, and moves a file over
whatever is there: what stays whole for its readers does so through what the client asks for.
"""

import base64
import os
import shutil
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, socket
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import trustme

USER = "yandex"
PASSWORD = "hunter2: сезам"
LOGIN = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"

EXPIRED = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
BAD_SIGNATURE = "<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code><Message>Check it</Message></Error>"

_PIECE = 1 << 14


@dataclass(frozen=True)
class Fault:
    """What a server answers instead of doing what it is asked.

    `after`: read so many bytes of the body first, and all of it by default; `keeps`: what was read is written all the
    same; `status` 0: no answer, it hangs up, or is silent until the server stops.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    after: int | None = None
    keeps: bool = False
    is_silent: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    target: str
    headers: Message


class DavServer:
    """Serves a folder.

    Attributes:
        faults: by method, one after the other; what comes after the last is served.
        always: by method, what is never served.
        query: what the address must have behind its "?" instead of a login, and good for PUT alone; None: a login.
        is_store: whether it shows a file only when it is whole, as Amazon's stores do.
        pause: seconds between two pieces of what is put.
        takes_away: whether a file that has a name without a dot is gone as soon as it is there.
        tells_size: whether HEAD says how large a file is.
    """

    def __init__(self, root: Path, certificate: trustme.LeafCert | None) -> None:
        self.root = root
        self.requests: list[Request] = []
        self.stopped = threading.Event()
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.always: dict[str, Fault] = {}
        self.query: str | None = None
        self.is_store = False
        self.pause = 0.0
        self.takes_away = False
        self.tells_size = True
        self._http = _Http(("127.0.0.1", 0), type("Handler", (_Handler,), {"dav": self}))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            # The handshake is the handler's, so that one that fails does not stop the others.
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://localhost:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=[0.01])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everyone and end."""
        self.stopped.set()
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()

    def asked(self, method: str) -> list[Request]:
        """What was asked with a method."""
        return [request for request in self.requests if request.method == method]

    def fault(self, method: str) -> Fault | None:
        return self.faults[method].pop(0) if self.faults[method] else self.always.get(method)


@contextmanager
def dav_server(root: Path, certificate: trustme.LeafCert | None) -> Iterator[DavServer]:
    """Serve a folder, over TLS if there is a certificate."""
    server = DavServer(root, certificate)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Http(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, *arguments: object) -> None:
        self._open: set[socket] = set()
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket, object]:
        client, address = super().get_request()
        self._open.add(client)
        return client, address

    def shutdown_request(self, request: socket) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for client in list(self._open):
            with suppress(OSError):
                client.shutdown(SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    dav: DavServer
    protocol_version = "HTTP/1.1"
    # An answer is one packet, and does not wait for the one before it to be acknowledged.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *arguments: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def __getattr__(self, name: str):
        """Serve every method in one way."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        self.dav.requests.append(Request(self.command, self.path, self.headers))
        path, _, query = self.path.partition("?")
        self.local = self.dav.root / unquote(path).strip("/")
        self.left = int(self.headers.get("Content-Length", 0))
        fault = self.dav.fault(self.command)
        if fault is not None:
            self._fail(fault)
        elif self.dav.query is not None and (query, self.command) != (self.dav.query, "PUT"):
            self._answer(403, body=BAD_SIGNATURE.encode())
        elif self.dav.query is None and self.headers["Authorization"] != LOGIN:
            self._answer(401, {"WWW-Authenticate": 'Basic realm="dav"'})
        else:
            getattr(self, f"_{self.command.lower()}", self._no_method)()

    def _fail(self, fault: Fault) -> None:
        body = self.rfile.read(self.left if fault.after is None else min(self.left, fault.after))
        self.left -= len(body)
        if fault.keeps:
            self.local.write_bytes(body)
        if fault.is_silent:
            self.dav.stopped.wait()
        self.close_connection = self.close_connection or not fault.status
        if fault.status:
            self._answer(fault.status, fault.headers, fault.text.encode())

    def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Answer; who has not read what was sent can only hang up then."""
        if self.left:
            self.close_connection = True
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _no_method(self) -> None:
        self._answer(405)

    def _head(self) -> None:
        self._get()

    def _get(self) -> None:
        try:
            with self.local.open("rb") as file:
                found, content = os.fstat(file.fileno()), file.read()
        except OSError:
            self._answer(404)
            return
        headers = {
            "Last-Modified": formatdate(found.st_mtime, usegmt=True),
            "ETag": f'"{found.st_mtime_ns:x}-{found.st_size:x}"',
            "Content-Length": str(found.st_size),
        }
        if not self.dav.tells_size:
            headers |= {"Content-Encoding": "gzip"}
        self._answer(200, headers, content)

    def _put(self) -> None:
        if "Content-Length" not in self.headers:
            self.close_connection = True
            self._answer(411)
        elif not self.local.parent.is_dir():
            self._answer(409)
        elif self.local.is_dir():
            self._answer(405)
        else:
            existed = self.local.exists()
            self._receive()
            if self.dav.takes_away and not self.local.name.startswith("."):
                self.local.unlink()
            self._answer(204 if existed else 201)

    def _receive(self) -> None:
        with ExitStack() as stack:
            hidden = self.dav.is_store and stack.enter_context(TemporaryDirectory(dir=self.dav.root.parent))
            path = Path(hidden) / "new" if hidden else self.local
            self._write(path)
            path.replace(self.local)

    def _write(self, path: Path) -> None:
        with path.open("wb", buffering=0) as file:
            while self.left:
                piece = self.rfile.read(min(self.left, _PIECE))
                if not piece:
                    raise ConnectionAbortedError
                file.write(piece)
                self.left -= len(piece)
                time.sleep(self.dav.pause)

    def _mkcol(self) -> None:
        if self.local.exists():
            self._answer(405)
        elif not self.local.parent.is_dir():
            self._answer(409)
        else:
            self.local.mkdir()
            self._answer(201)

    def _move(self) -> None:
        where = urlsplit(self.headers["Destination"])
        target = self.dav.root / unquote(where.path).strip("/")
        if where.netloc != self.headers["Host"]:
            self._answer(502)
        elif not self.local.is_file():
            self._answer(404)
        elif target.exists() and self.headers["Overwrite"] == "F":
            self._answer(412)
        else:
            existed = target.exists()
            if target.is_dir():
                # As RFC 4918 has it in 9.9.3.
                shutil.rmtree(target)
            os.replace(self.local, target)  # noqa: PTH105 - the same, and says what it is
            if self.dav.takes_away:
                target.unlink()
            self._answer(204 if existed else 201)

    def _delete(self) -> None:
        try:
            self.local.unlink()
        except OSError:
            self._answer(404)
        else:
            self._answer(204)

    def _propfind(self) -> None:
        self.rfile.read(self.left)
        self.left = 0
        if not self.local.exists():
            self._answer(404)
            return
        kind = "<D:collection/>" if self.local.is_dir() else ""
        told = (
            '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>x</D:href><D:propstat><D:prop>'
            f"<D:resourcetype>{kind}</D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
            "</D:response></D:multistatus>"
        )
        self._answer(207, {"Content-Type": "application/xml"}, told.encode())
