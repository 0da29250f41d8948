"""Servers that do their worst while an export is fetched: it ends in time, with the whole export or in plain words."""

import gzip
import time

import pytest
from hostile_http import BOMB, BROKEN, ETAG, SLOW, Talk, dripping, hostile, raw, unread

from csvexport.errors import SourceError
from csvexport.sources import download
from csvexport.sources.access import Access

CONTENT = "yclid;at;sum\n".encode("cp1251") + b"15241600726526878416;2024-05-31 15:00:00;1\n" * 2000
PATH = "/orders.csv"
LIMIT = 0.4
SLACK = 3.0
MEGABYTE = 1 << 20

pytestmark = pytest.mark.usefixtures("_system_trusts_nobody")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)


def fetched(address, scratch, *, limit=LIMIT, **asked):
    """Fetch; give the content, or what is said, when it is known to have ended in time and in plain words."""
    access = Access(**{"timeout": 1, "time_limit": limit, "max_bytes": MEGABYTE, **asked})
    began = time.monotonic()
    try:
        return download.download(f"{address}{PATH}", access, scratch)[1].read_bytes(), ""
    except SourceError as error:
        said = str(error)
        assert said.startswith(f"{address}{PATH}")
        assert said.isprintable()
        assert len(said) < 600
        return None, said
    finally:
        assert time.monotonic() - began < limit + SLACK


def served(deeds, scratch, **asked):
    with hostile(deeds) as (server, address):
        server.files[PATH] = CONTENT
        return fetched(address, scratch, **asked)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(CONTENT)
HALF = CONTENT[: len(CONTENT) // 2]


def redirecting(address):
    return raw(b"HTTP/1.1 302 There\r\nContent-Length: 0\r\nLocation: " + address + b"\r\n\r\n")


def falling_over(talk: Talk, request):
    """Send half of it, then another part than the one that is asked for."""
    talk.body(request)
    if "range" not in request.headers:
        talk.say(HEAD + f'ETag: "{ETAG}"\r\n\r\n'.encode() + HALF)
        raise ConnectionAbortedError
    talk.answer(206, {"ETag": f'"{ETAG}"', "Content-Range": f"bytes {'9' * 5000}-1/2"}, CONTENT[:99])


def moving_on(talk: Talk, request):
    """Send half of it, then the end of another version."""
    talk.body(request)
    if "range" not in request.headers:
        talk.say(HEAD + f'ETag: "{ETAG}"\r\n\r\n'.encode() + HALF)
        raise ConnectionAbortedError
    rest = CONTENT[len(HALF) :][::-1]
    where = f"bytes {len(HALF)}-{len(CONTENT) - 1}/{len(CONTENT)}"
    talk.answer(206, {"ETag": '"v2"', "Content-Range": where}, rest)


def breaking_off(talk: Talk, request):
    """Send some of it at a time, so that each try brings a little more."""
    talk.body(request)
    talk.say(HEAD + f'ETag: "{ETAG}"\r\n\r\n'.encode() + HALF[:9])
    talk.server.stopped.wait(0.05)
    talk.reset()


def moving(talk: Talk, request):
    """Send elsewhere, each time to another address."""
    redirecting(b"/orders.csv?%d" % time.monotonic_ns())(talk, request)


SLOW_BODIES = {
    "drips the content": dripping(HEAD + b"\r\n", b"a"),
    "drips and breaks off": breaking_off,
    "stops in the content": raw(HEAD + b"\r\n" + HALF, then="be silent"),
    "never ends": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\na;b;c\r\n", 0.001),
    "floods": dripping(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", CONTENT, 0),
    "is not ready for ever": raw(b"HTTP/1.1 202 Later\r\nContent-Length: 0\r\n\r\n"),
}

BROKEN_BODIES = {
    "cuts the content": raw(HEAD + b"\r\n" + HALF, then="hang up"),
    "resets in the content": raw(HEAD + b"\r\n" + HALF, then="reset"),
    "sends more than it said": raw(HEAD + b"\r\n" + CONTENT + b"GET / HTTP/1.1\r\n\r\n", then="hang up"),
    "says no length": raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + HALF, then="hang up"),
    "sends nothing": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "has no content": raw(b"HTTP/1.1 204 No\r\n\r\n"),
    "has not changed": raw(b"HTTP/1.1 304 Not\r\n\r\n"),
    "sends a part unasked": raw(
        b"HTTP/1.1 206 Part\r\nContent-Length: 3\r\nContent-Range: bytes 0-2/9\r\n\r\na;b", then="hang up"
    ),
    "knows no range": raw(b"HTTP/1.1 416 No\r\nContent-Range: bytes */0\r\nContent-Length: 0\r\n\r\n"),
    "sends another part": falling_over,
    "sends another version's part": moving_on,
    "packs badly": raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(HALF) + HALF),
    "packs and cuts": raw(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n" + gzip.compress(CONTENT)[:30]
    ),
    "packs a bomb": raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
    "packs in an unknown way": raw(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: \xff\x01br\r\nContent-Length: 9\r\n\r\n123456789"
    ),
    "claims a terabyte": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\na", then="be silent"),
    "redirects for ever": moving,
    "redirects far": redirecting(b"/" + b"a/" * 30_000),
    "redirects to a file": redirecting(b"file:///etc/passwd"),
    "redirects to a script": redirecting(b"javascript:alert(1)"),
    "redirects with a password": redirecting(b"https://a:b@localhost/"),
    "redirects to control characters": redirecting(b"http://localhost:1/\x1b[31m\x9b"),
    "redirects to a port that cannot be": redirecting(b"http://localhost:99999/"),
    "dates that cannot be": raw(
        b"HTTP/1.1 200 OK\r\nDate: Mon, 99999999999999999999 Jan 2001 00:00:00 GMT\r\nLast-Modified: "
        b"Fri, 31 Dec 9999 23:59:59 -2359\r\n" + HEAD.partition(b"\r\n")[2] + b"\r\n" + CONTENT
    ),
}

DEEDS = SLOW | BROKEN | SLOW_BODIES | BROKEN_BODIES


@pytest.mark.parametrize("name", DEEDS)
def test_an_export_comes_whole_or_not_at_all(scratch, name):
    content, said = served({("GET", None): DEEDS[name]}, scratch)
    # What is longer than it was said to be is as long as that.
    assert content in {None, CONTENT}
    assert said or content == CONTENT


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in BROKEN_BODIES else pytest.mark.soak) for name in DEEDS]
)
def test_what_goes_wrong_once_is_made_good_or_told(scratch, name):
    content, said = served({("GET", 0): DEEDS[name]}, scratch, limit=3.0)
    assert content in {None, CONTENT}
    assert said or content == CONTENT


@pytest.mark.soak
@pytest.mark.parametrize("name", DEEDS)
def test_it_holds_behind_a_redirect_and_a_login_and_for_what_is_kept(scratch, name):
    asked = {"headers": {"Authorization": "Basic eA=="}, "keys": "source.username and source.password"}
    deeds = {("GET", 0): redirecting(b"/orders.csv"), ("GET", 1): DEEDS[name], ("GET", 2): DEEDS[name]}
    for _ in range(2):
        content, said = served(deeds, scratch, limit=2.0, **asked)
        assert content in {None, CONTENT}
        assert said or content == CONTENT


@pytest.mark.parametrize("name", ["drips a header", "processes for ever", "drips the content", "never ends", "silent"])
def test_what_is_said_of_a_server_that_drips_is_that_it_took_too_long(scratch, name):
    _, said = served({("GET", None): DEEDS[name]}, scratch)
    assert said.endswith("took longer than source.time_limit = 0.4 seconds allow; raise it if the line is that slow")


def test_no_time_is_left_for_another_try(scratch, monkeypatch):
    monkeypatch.setattr(download, "FIRST_WAIT", 5.0)
    with hostile({("GET", None): unread("hang up")}) as (server, address):
        _, said = fetched(address, scratch)
    assert said.endswith("the connection broke off; 1 try failed, and source.time_limit leaves no time for another")
    assert len(server.asked) == 1
