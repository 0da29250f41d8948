"""Destinations of every kind, with the folders behind them, and files to deliver there."""

import hashlib
import socket
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from dav_server import PASSWORD, USER, dav_server
from ssh_servers import asyncssh_server, make_key, openssh
from wsgidav_server import wsgidav_server

from csvexport.delivery import Deadline, Destination, Parcel, Receipt, Trace
from csvexport.delivery.opening import open_destination
from csvexport.profile import DeliverSettings

WRONG_PASSWORD = {"password": "env:WRONG_PASSWORD"}
NAMES = {"batch": "20240601T090000Z-1a2b3c4d", "date": "2024-06-01", "profile": "shop", "kind": "orders"}


@dataclass(frozen=True)
class Place:
    """A destination, and the folder that is behind it.

    Attributes:
        root: the folder that the destination puts files to.
        folder: the profile's.
        to: the address of the root.
        table: what the profile has in `[[deliver]]` besides.
        wrong_login: what it would have instead with which nobody is let in.
    """

    root: Path
    folder: Path
    to: str
    table: dict[str, Any] = field(default_factory=dict)
    wrong_login: dict[str, Any] = field(default_factory=dict)

    def settings(self, **changed: object) -> DeliverSettings:
        table = {"name": "pickup", "what": "orders", "to": f"{self.to}/{{{{ file }}}}"} | self.table | changed
        return DeliverSettings.model_validate(table)

    def opened(self, **changed: object) -> Destination:
        return open_destination(self.settings(**changed), self.folder)

    def parcel(self, name: str, content: bytes, trace: Trace | None = None, **changed: object) -> Parcel:
        """A file of a batch that is to go to a path below the root."""
        path = self.folder / "built.csv"
        path.write_bytes(content)
        settings = self.settings(**changed)
        to = settings.place(NAMES | {"file": name}, self.folder)
        sha256 = hashlib.sha256(content).hexdigest()
        return Parcel(path=path, to=to, shown=settings.shown(to), size=len(content), sha256=sha256, trace=trace)

    def deliver(self, name: str, content: bytes, trace: Trace | None = None, **changed: object) -> Receipt:
        """Deliver a file over a connection of its own."""
        destination = self.opened(**changed)
        try:
            return destination.deliver(self.parcel(name, content, trace, **changed), Deadline(60))
        finally:
            destination.close()

    def files(self) -> dict[str, bytes]:
        """What is there, by path."""
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture
def ca(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def certificate(authority):
    return authority.issue_cert("localhost", "127.0.0.1")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def web_login(ca, monkeypatch):
    """The keys that log in to the WebDAV servers of the tests."""
    monkeypatch.setenv("DAV_PASSWORD", PASSWORD)
    return {"username": USER, "password": "env:DAV_PASSWORD", "ca": str(ca), "timeout": 20}


@pytest.fixture
def dav(root, certificate):
    with dav_server(root, certificate) as server:
        yield server


@pytest.fixture
def unused_port():
    """A port on which nobody listens, nor will as long as it is held."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def make_place(request, tmp_path, root):
    """Make a destination of a kind, and what it needs."""
    with ExitStack() as stack:

        def make(kind):
            if kind == "folder":
                return Place(root, tmp_path, str(root))
            if kind == "folder on another file system":
                return _elsewhere(stack, tmp_path)
            if kind == "OpenSSH":
                return _openssh(stack, tmp_path)
            if kind == "asyncssh":
                return _asyncssh(stack, tmp_path)
            url = _web(stack, kind, root, request)
            table = request.getfixturevalue("web_login") | {"in_place": kind == "PUT"}
            return Place(root, tmp_path, url, table, WRONG_PASSWORD)

        yield make


def _elsewhere(stack, folder):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == folder.stat().st_dev:
        pytest.skip("there is no second file system")
    root = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory)))
    return Place(root, folder, str(root))


def _openssh(stack, folder):
    server = stack.enter_context(openssh(folder))
    make_key(folder / "other")
    return Place(server.root, folder, server.address, {"timeout": 20} | server.login, {"key": str(folder / "other")})


def _asyncssh(stack, folder):
    server = stack.enter_context(asyncssh_server(folder))
    return Place(server.root, folder, server.address, {"timeout": 20} | server.login, WRONG_PASSWORD)


def _web(stack, kind, root, request):
    certificate = request.getfixturevalue("certificate")
    if kind == "wsgidav":
        return stack.enter_context(wsgidav_server(root, certificate))
    server = stack.enter_context(dav_server(root, certificate))
    server.is_store = kind == "PUT"
    return server.url
