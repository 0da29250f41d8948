"""The API of a home-made CRM, in small: serves the two files of this folder on this machine, behind a login.

CRM_PASSWORD=… python samples/custom-crm/server.py [--port 8123]
"""

import argparse
import base64
import hashlib
import hmac
import os
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(__file__).parent
FILES = {f"/{name}": FOLDER / name for name in ("orders.json", "clients.json")}
USER = "crm"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    login = ""

    def do_GET(self) -> None:
        """Send a file, unless the client has it already."""
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.login.encode()):
            self._answer(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="CRM"'})
            return
        path = FILES.get(self.path.partition("?")[0])
        if path is None:
            self._answer(HTTPStatus.NOT_FOUND, {})
            return
        content = path.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self._answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag})
        else:
            self._answer(HTTPStatus.OK, {"ETag": etag, "Content-Type": "application/json"}, content)

    def _answer(self, status: HTTPStatus, headers: dict[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until Ctrl+C."""
    parser = argparse.ArgumentParser(description="Serve orders.json and clients.json on this machine.")
    parser.add_argument("--port", type=int, default=8123, help="0 takes a free one (default: 8123)")
    port = parser.parse_args().port
    password = os.environ.get("CRM_PASSWORD")
    if not password:
        sys.exit("Set CRM_PASSWORD first: the password that the profile sends.")
    Handler.login = f"Basic {base64.b64encode(f'{USER}:{password}'.encode()).decode()}"
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
