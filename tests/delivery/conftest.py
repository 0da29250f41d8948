"""Destinations of every kind."""

import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from dav_server import PASSWORD, USER, dav_server
from places import Place
from ssh_servers import asyncssh_server, make_key, openssh
from wsgidav_server import wsgidav_server

WRONG_PASSWORD = {"password": "env:WRONG_PASSWORD"}


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
