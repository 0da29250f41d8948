"""SSH and SFTP servers that do their worst at any step: it ends in time, and nobody is told what is not so."""

import os
import re
import socket
import struct
import threading
import time
import zlib
from contextlib import suppress

import pytest
from hostile_sftp import (
    ATTRS,
    CLOSE,
    DENIED,
    EXTENDED,
    FAILED,
    FSTAT,
    HANDLE,
    INIT,
    MKDIR,
    OPEN,
    REMOVE,
    STAT,
    STATUS,
    VERSION,
    WRITE,
    hostile_sftp,
    packet,
    status,
    text,
)
from places import Place
from ssh_servers import PASSWORD, asyncssh_server

from csvexport.delivery import Deadline, attempts, sftp
from csvexport.errors import DeliveryError

CONTENT = b"id\n" + b"1;2;3\n" * 20_000
LIMIT = 0.6
SLACK = 6.0
NAME = "/orders.csv"


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Make a destination of an address and the fingerprint of its server."""
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(sftp, "_CLEANING", 0.3)
    monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
    table = {"password": "env:SFTP_PASSWORD", "timeout": 1}
    return lambda address, key=f"SHA256:{'A' * 43}": Place(tmp_path, tmp_path, address, table | {"host_key": key})


def sent(place, *, limit=LIMIT, **changed):
    """Deliver; give the receipt, or what is said, when it is known to have ended in time and in plain words."""
    destination = place.opened(**changed)
    parcel = place.parcel("orders.csv", CONTENT, **changed)
    began = time.monotonic()
    try:
        return attempts.deliver(destination, parcel, 2, Deadline(limit)), ""
    except DeliveryError as error:
        said = str(error)
        assert said.startswith(f"{parcel.shown}: ")
        assert said.isprintable()
        assert len(said) < 600
        assert PASSWORD not in said
        return None, said
    finally:
        destination.close()
        assert time.monotonic() - began < limit + SLACK


def see_that_it_holds(state, receipt, *, in_place):
    """See that what is called delivered is there, and that nobody ever saw a part of it."""
    whole = state.files.get(NAME) == CONTENT
    assert receipt is None or whole or receipt.checked == "answer"
    assert in_place or set(state.shown) <= {CONTENT}


def saying(make, then="go on"):
    """Answer so, whatever is asked, and then go on, be silent, or hang up."""

    def deed(talk, number, _body):
        talk.say(make(number))
        if then == "be silent":
            talk.be_silent()
        if then == "hang up":
            talk.hang_up()

    return deed


def dripping(head, drop, pause=0.02):
    """Begin an answer, and never end it."""

    def deed(talk, number, _body):
        talk.say(head(number))
        talk.go_on(drop(number), pause=pause)

    return deed


def lying(talk, number, _body):
    """Say that it is done."""
    talk.say(status(number, 0))


def having(size):
    """Show a file of another size."""
    return saying(lambda number: packet(ATTRS, struct.pack(">IIQ", number, 1, size)))


NONE = lambda _number: b""  # noqa: E731 - shorter so

DEEDS = {
    "silent": saying(NONE, "be silent"),
    "hangs up": saying(NONE, "hang up"),
    "drips": dripping(NONE, lambda _: b"\x00"),
    "drips an answer": dripping(lambda number: struct.pack(">IBI", 9999, STATUS, number), lambda _: b"a"),
    "answers others": dripping(NONE, lambda number: status(number + 1000, 0)),
    "floods with answers to others": dripping(NONE, lambda number: status(number + 1000, 0) * 999, 0),
    "floods with large ones": dripping(NONE, lambda number: status(number + 9, 0, b"a" * 99_999), 0),
    "answers the one before": saying(lambda number: status(number - 1, 0)),
    "answers twice": saying(lambda number: status(number, 0) * 2),
    "nothing in it": saying(lambda _: struct.pack(">I", 0), "be silent"),
    "of 4 GB": saying(lambda _: b"\xff" * 4, "be silent"),
    "of 1 MB, cut": saying(lambda _: struct.pack(">I", 1 << 20) + b"a" * 999, "hang up"),
    "garbage": saying(lambda _: bytes(range(256)) * 99, "be silent"),
    "no number": saying(lambda _: packet(STATUS, b"\x00"), "be silent"),
    "no code": saying(lambda number: packet(STATUS, struct.pack(">I", number))),
    "of an unknown kind": saying(lambda number: packet(222, struct.pack(">I", number) + b"a" * 9)),
    "another kind": saying(lambda number: packet(HANDLE, struct.pack(">I", number) + text(b"a"))),
    "attributes, cut": saying(lambda number: packet(ATTRS, struct.pack(">II", number, 15))),
    "a handle of 1 MB": saying(lambda number: packet(HANDLE, struct.pack(">I", number) + text(b"a" * 999_999))),
    "a text that is longer than it is": saying(
        lambda number: packet(STATUS, struct.pack(">III", number, FAILED, 1 << 30) + b"a")
    ),
    "control characters": saying(lambda number: status(number, FAILED, b"\x1b[31m\x07\x9b\xff\r\nfull" * 999)),
    "denies": saying(lambda number: status(number, DENIED, b"\x1b]0;x\x07")),
    "is full": saying(lambda number: status(number, 14, b"No space")),
    "lies": lying,
    "shows less": having(len(CONTENT) - 5),
    "shows more": having(len(CONTENT) + 5),
    "shows 2^64": having((1 << 64) - 1),
    "extensions without end": saying(
        lambda _: packet(VERSION, struct.pack(">I", 3) + text(b"\x1b[31m") * 9999 + b"\xff\xff\xff\xff")
    ),
    "another version": saying(lambda _: packet(VERSION, struct.pack(">I", 99))),
}
STEPS = [
    *[(INIT, 0), (STAT, 0), (OPEN, 0), (WRITE, 0), (WRITE, 2), (CLOSE, 0), (STAT, 1), (EXTENDED, 0), (STAT, 2)],
    *[(OPEN, None), (WRITE, None), (CLOSE, None), (EXTENDED, None), (REMOVE, None), (STAT, None)],
]


def cases(steps):
    """Each deed at one of the steps, or, in the long mode, at each."""
    for name, deed in DEEDS.items():
        chosen = zlib.crc32(name.encode()) % len(steps)
        for number, step in enumerate(steps):
            yield pytest.param(
                deed, step, marks=() if number == chosen else pytest.mark.soak, id=f"{name}-{step[0]}-{step[1]}"
            )


@pytest.mark.parametrize(("deed", "step"), [*cases(STEPS)])
def test_a_server_that_does_its_worst_at_one_step(at, deed, step):
    with hostile_sftp({step: deed}) as (state, address, key):
        receipt, _ = sent(at(address, key))
        see_that_it_holds(state, receipt, in_place=False)


@pytest.mark.soak
@pytest.mark.parametrize(("deed", "step"), [*cases([(WRITE, 0), (FSTAT, None), (CLOSE, 0), (STAT, 1), (MKDIR, None)])])
def test_a_server_that_does_its_worst_where_files_go_in_place(at, deed, step):
    with hostile_sftp({step: deed}) as (state, address, key):
        receipt, _ = sent(at(address, key), in_place=True)
        see_that_it_holds(state, receipt, in_place=True)


def dropping(talk, number, _body):
    """Take what is written, and keep nothing of it."""
    talk.say(status(number, 0))


@pytest.mark.parametrize("in_place", [False, True])
def test_a_server_that_drops_what_it_took_has_not_got_it(at, in_place):
    with hostile_sftp({(WRITE, None): dropping}) as (state, address, key):
        receipt, said = sent(at(address, key), in_place=in_place, limit=20)
        assert receipt is None
        assert f"0 bytes are there, and {len(CONTENT):,} were sent" in said
        assert state.files == {}


def test_a_server_that_says_it_renamed_a_file_and_did_not_has_not(at):
    with hostile_sftp({(EXTENDED, None): lying}) as (state, address, key):
        receipt, said = sent(at(address, key), limit=20)
        assert receipt is None
        assert "the server said that it renamed the file, and did not; set in_place = true" in said
        assert state.files == {}


def test_a_file_that_stays_where_it_was_is_not_the_new_one(at):
    with hostile_sftp({(EXTENDED, None): lying}) as (state, address, key):
        state.files[NAME] = bytearray(CONTENT[::-1])
        receipt, said = sent(at(address, key), limit=20)
        assert receipt is None
        assert "the server said that it renamed the file, and did not" in said
        assert state.files == {NAME: CONTENT[::-1]}


def test_answers_that_nobody_asked_for_are_not_collected(at):
    with hostile_sftp({(STAT, None): DEEDS["floods with large ones"]}) as (_, address, key):
        _, said = sent(at(address, key), limit=20)
        assert "the server does not speak SFTP, or its answer is damaged; 2 tries failed" in said


def forever(say, pause=0.02, then=None):
    """Greet, and go on for ever."""

    def greet(line):
        line.sendall(say)
        while True:
            time.sleep(pause)
            line.sendall(say[-1:] if then is None else then)

    return greet


IGNORED = struct.pack(">IBB", 12, 10, 2) + struct.pack(">I", 0) + b"\x00" * 10
GREETINGS = {
    "silent": lambda line: line.recv(1 << 16) and time.sleep(2),
    "hangs up": lambda line: line.close(),
    "drips a banner": forever(b"SSH-2.0-a"),
    "drips lines": forever(b"Welcome\r\n", 0.05, b"Welcome\r\n"),
    "floods lines": forever(b"Welcome\r\n", 0, b"Welcome\r\n" * 999),
    "an endless line": forever(b"a", 0, b"a" * 65536),
    "no text": forever(b"\xff\xfe\x00\r\n", 0.02, b"\xff\r\n"),
    "control characters": forever(b"\x1b[31m\x07\r\n" * 200),
    "an old version": lambda line: (line.sendall(b"SSH-1.5-\x1b[31m\r\n"), line.recv(99)),
    "drips keys": forever(b"SSH-2.0-a\r\n", 0.02, b"\x00"),
    "messages for ever": forever(b"SSH-2.0-a\r\n", 0.01, IGNORED),
    "floods messages": forever(b"SSH-2.0-a\r\n", 0, IGNORED * 99),
    "a packet of 4 GB": lambda line: (line.sendall(b"SSH-2.0-a\r\n" + b"\xff" * 99), line.recv(99), time.sleep(2)),
    "garbage": lambda line: (line.sendall(b"SSH-2.0-a\r\n" + os.urandom(9999)), line.recv(99), time.sleep(2)),
    "HTTP": lambda line: (line.sendall(b"HTTP/1.1 400 No\r\n\r\n" * 99), line.recv(99)),
}


@pytest.mark.parametrize("name", GREETINGS)
def test_a_server_that_does_its_worst_before_anybody_logged_in(at, name):
    with hostile_sftp(greeting=GREETINGS[name]) as (_, address, _key):
        receipt, _ = sent(at(address))
        assert receipt is None
    # One that paramiko began as the connection was ended keeps no process.
    assert not [found for found in threading.enumerate() if isinstance(found, threading.Timer) and not found.daemon]


class Dripping:
    """A line to a server whose answers drip from some byte on."""

    def __init__(self, to, start):
        self._to, self._start = to, start
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.down = 0
        self._lines = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._lines += [near, far]
                for pump in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._pump, args=pump, daemon=True).start()

    def _pump(self, source, sink, is_down):
        with suppress(OSError):
            while chunk := source.recv(1 if is_down and self.down >= self._start else 1 << 12):
                sink.sendall(chunk)
                if is_down:
                    self.down += len(chunk)
                    time.sleep(0.05 if self.down >= self._start else 0)
            sink.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        for line in [self._listener, *self._lines]:
            line.close()


@pytest.mark.parametrize(
    "start", [pytest.param(start, marks=() if start % 1000 == 0 else pytest.mark.soak) for start in range(0, 5000, 200)]
)
def test_a_real_server_whose_answers_drip_from_anywhere_on_is_given_up(at, tmp_path, start):
    with asyncssh_server(tmp_path) as server:
        line = Dripping(server.port, start)
        place = at(re.sub(r"(?<=:)[0-9]+", str(line.port), server.address), server.login["host_key"])
        receipt, said = sent(place)
        line.close()
        content = (server.root / "orders.csv").read_bytes() if (server.root / "orders.csv").exists() else None
        assert content in {None, CONTENT}
        assert "time_limit" in said or "timeout" in said or content == CONTENT
        assert receipt is None or content == CONTENT
