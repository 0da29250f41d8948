"""Servers that do their worst at any step of a delivery by PUT: it ends in time, and nobody is told what is not so."""

import socket
import ssl
import time
import zlib

import pytest
from dav_server import PASSWORD
from hostile_http import BROKEN, SLOW, dripping, hostile, raw
from places import Place

from csvexport.delivery import Deadline, attempts, put
from csvexport.errors import DeliveryError

CONTENT = b"id\n" + b"1;2;3\n" * 20_000
LIMIT = 0.4
SLACK = 4.0

# How a server of TLS begins to greet, in a record of 16 KB.
UNENDED = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"

STEPS = [("MKCOL", None), ("PROPFIND", 0), ("PUT", 0), ("PUT", None), ("HEAD", 0), ("MOVE", None), ("HEAD", 1)]
EACH = [(method, None) for method in ("MKCOL", "PROPFIND", "PUT", "HEAD", "GET", "MOVE", "DELETE")]


@pytest.fixture
def at(tmp_path, ca, monkeypatch):
    """Make a destination of an address."""
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(put, "_CLEANING", 0.3)
    monkeypatch.setenv("DAV_PASSWORD", PASSWORD)
    table = {"username": "yandex", "password": "env:DAV_PASSWORD", "timeout": 1, "ca": str(ca)}
    return lambda address: Place(tmp_path, tmp_path, f"{address}/drop", table)


@pytest.fixture
def context(certificate):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def sent(place, *, content=CONTENT, limit=LIMIT, **changed):
    """Deliver; give the receipt, or what is said, when it is known to have ended in time and in plain words."""
    destination = place.opened(**changed)
    parcel = place.parcel("orders.csv", content, **changed)
    began = time.monotonic()
    try:
        return attempts.deliver(destination, parcel, 2, Deadline(limit)), ""
    except DeliveryError as error:
        said = str(error)
        assert said.startswith(f"{parcel.shown}: ")
        assert said.isprintable()
        assert len(said) < 500
        assert PASSWORD not in said
        return None, said
    finally:
        destination.close()
        assert time.monotonic() - began < limit + SLACK


def see_that_it_holds(server, receipt, *, in_place):
    """See that what is called delivered is there, and that nobody ever saw a part of it."""
    whole = server.files.get("/drop/orders.csv") == CONTENT
    assert receipt is None or whole or receipt.checked == "answer"
    assert in_place or set(server.shown) <= {CONTENT}


def every(*groups):
    return [(name, deed) for group in groups for name, deed in group.items()]


def number_of(name):
    return zlib.crc32(name.encode())


def cases(request_steps):
    """Each deed at one of the steps, or, in the long mode, at each."""
    for name, deed in every(SLOW, BROKEN):
        chosen = number_of(name) % len(request_steps)
        for number, step in enumerate(request_steps):
            marks = () if number == chosen else pytest.mark.soak
            yield pytest.param(deed, step, marks=marks, id=f"{name}-{step[0]}{'' if step[1] is None else step[1]}")


@pytest.mark.parametrize(("deed", "step"), [*cases(STEPS)])
def test_a_server_that_does_its_worst_at_one_step(at, deed, step):
    with hostile({step: deed}) as (server, address):
        receipt, _ = sent(at(address))
        see_that_it_holds(server, receipt, in_place=False)


@pytest.mark.soak
@pytest.mark.parametrize(("deed", "step"), [*cases([("PUT", 0), ("HEAD", 0), ("PUT", None), ("HEAD", None)])])
def test_a_server_that_does_its_worst_where_files_go_in_place(at, deed, step):
    with hostile({step: deed}) as (server, address):
        receipt, _ = sent(at(address), in_place=True)
        see_that_it_holds(server, receipt, in_place=True)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "deed"), every(SLOW, BROKEN))
def test_a_server_that_does_its_worst_whatever_it_is_asked(at, context, name, deed):  # noqa: ARG001 - the test's name
    for tls in (None, context):
        with hostile(dict.fromkeys(EACH, deed), context=tls) as (server, address):
            receipt, _ = sent(at(address))
            see_that_it_holds(server, receipt, in_place=False)


@pytest.mark.parametrize("step", [("PUT", None), ("HEAD", None), ("MOVE", None)])
def test_a_server_that_drips_over_tls_is_given_up(at, context, step):
    with hostile({step: SLOW["drips a header"]}, context=context) as (server, address):
        receipt, said = sent(at(address), in_place=step[0] == "HEAD")
        assert "took longer than time_limit = 0.4 seconds allow" in said or receipt.checked == "answer"
        see_that_it_holds(server, receipt, in_place=step[0] == "HEAD")


@pytest.mark.parametrize("name", ["drips a header", "processes for ever", "hints for ever", "reads slowly"])
def test_what_is_said_of_a_server_that_drips_is_that_it_took_too_long(at, name):
    with hostile({("PUT", None): SLOW[name]}) as (_, address):
        _, said = sent(at(address), content=CONTENT * 100)
        assert said.endswith("took longer than time_limit = 0.4 seconds allow; raise it if the line is that slow")


@pytest.mark.parametrize(
    "greeting",
    [
        lambda talk: talk.go_on(b"\x16"),
        lambda talk: (talk.say(UNENDED), talk.go_on(b"\x00")),
        lambda talk: talk.be_silent(),
        lambda talk: talk.go_on(b"HTTP/1.1 400 No TLS\r\n\r\n", pause=0),
    ],
    ids=["drips", "drips a record", "silent", "speaks no TLS"],
)
def test_a_handshake_that_never_ends_is_given_up(at, context, greeting):
    with hostile(greeting=greeting, context=context) as (_, address):
        receipt, said = sent(at(address))
        assert receipt is None
        assert "time_limit" in said or "there is no TLS connection" in said


def relaying(talk, request):
    """Answer as a proxy does that has reached the server, which never ends its handshake."""
    talk.body(request)
    talk.say(b"HTTP/1.1 200 Connected\r\n\r\n")
    talk.line.recv(1)
    talk.say(UNENDED)
    talk.go_on(b"\x00")


@pytest.mark.parametrize("deed", [relaying, dripping(b"HTTP/1.1 200 ", b"O"), raw(b"", then="be silent")])
@pytest.mark.parametrize("is_secure", [False, True])
def test_a_proxy_that_drips_is_given_up(at, context, monkeypatch, deed, is_secure):
    with hostile({("CONNECT", None): deed}, context=context if is_secure else None) as (server, address):
        monkeypatch.setenv("HTTPS_PROXY", address)
        if is_secure:
            monkeypatch.setenv("SSL_CERT_FILE", str(at("").folder / "ca.pem"))
        receipt, said = sent(at("https://files.example.com"), limit=0.9)
        assert receipt is None
        assert "time_limit" in said
        # On a busy machine the time may be over before the proxy is spoken to.
        assert {method for method, _ in server.asked} <= {"CONNECT"}


@pytest.mark.parametrize(
    "greeting",
    [
        lambda talk: talk.be_silent(),
        lambda talk: (talk.line.recv(99), talk.be_silent()),
        lambda talk: (talk.line.recv(99), talk.go_on(b"\x05")),
        lambda talk: (talk.line.recv(99), talk.say(b"HTTP/1.1 400 No\r\n\r\n")),
        lambda talk: (talk.line.recv(99), talk.say(b"\x05\x00"), talk.line.recv(99), talk.say(b"\x05\x00\x00\x09")),
    ],
    ids=["silent", "silent when asked", "drips", "HTTP", "nonsense"],
)
def test_a_socks_proxy_that_does_its_worst_is_given_up(at, monkeypatch, greeting):
    with hostile(greeting=greeting) as (_, address):
        monkeypatch.setenv("ALL_PROXY", address.replace("http", "socks5"))
        receipt, said = sent(at("https://files.example.com"))
        assert receipt is None
        assert "time_limit" in said or "the proxy does not speak SOCKS" in said


def test_a_name_service_that_is_silent_is_given_up(at, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1.5))
    _, said = sent(at("https://files.example.com"))
    assert "took longer than time_limit = 0.4 seconds allow" in said
    _, said = sent(at("https://files.example.com"), limit=2.2)
    assert "the address of the host was not found out in time" in said


def test_a_host_with_many_addresses_that_are_silent_is_given_up(at, monkeypatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for line in waiting:
            line.setblocking(False)  # noqa: FBT003 - the socket's own parameter
            line.connect_ex(("127.0.0.1", port))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", port)) for last in [1, *range(1, 99)]]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        receipt, _ = sent(at("https://files.example.com"))
        assert receipt is None
        for line in waiting:
            line.close()


def test_a_server_that_says_it_moved_a_file_and_did_not_has_not(at):
    with hostile({("MOVE", None): raw(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")}) as (server, address):
        receipt, said = sent(at(address), limit=20)
        assert receipt is None
        assert said.endswith(
            "the server said that it renamed the file, and did not; set in_place = true, and files are written under"
            " their own names"
        )
        assert server.files == {}
