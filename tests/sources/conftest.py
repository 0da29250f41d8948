"""Servers from which exports are fetched, and ways to fetch them."""

import pytest
import trustme
from https_server import SECRET, Server

from csvexport.errors import SourceError
from csvexport.profile.addresses import shown_address
from csvexport.sources import download
from csvexport.sources.access import Access


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def started(authority):
    """Start servers, with a certificate that is good but for what is said."""
    servers = []

    def start(*names, tls=True, issuer=authority, **validity):
        server = Server(issuer.issue_cert(*names or ("localhost", "127.0.0.1"), **validity) if tls else None)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(started):
    return started()


@pytest.fixture
def _system_trusts_nobody(tmp_path, monkeypatch):
    """As on a machine whose store holds none of the authorities that sign for tests; loading those takes its time."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "0a1b2c3d.0").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "store"))


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def ca(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def fetched(ca, scratch, monkeypatch):
    """Fetch an address and give the content."""
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)

    def fetch(address, **asked):
        label, path = download.download(address, Access(**{"ca": ca, "timeout": 5, **asked}), scratch)
        assert label == shown_address(address)
        return path.read_bytes()

    return fetch


@pytest.fixture
def refusal(fetched):
    """Fetch an address in vain, and give what is said."""

    def refuse(address, **asked):
        with pytest.raises(SourceError) as caught:
            fetched(address, **asked)
        message = str(caught.value)
        assert "\n" not in message
        assert SECRET not in message
        return message.removeprefix(f"{shown_address(address)}: ")

    return refuse
