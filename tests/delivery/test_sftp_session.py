"""What a server may answer by the SFTP protocol, though the servers at hand do not, and what it may not."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from csvexport.delivery import Deadline, PassingError
from csvexport.delivery.sftp_session import FAILURE, SftpSession, StatusError
from csvexport.errors import DeliveryError

VERSION = struct.pack(">BI", 2, 3)
CHUNK = 1 << 15


def status(number, code=0):
    return struct.pack(">BIIII", 101, number, code, 0, 0)


def packed(answer):
    return struct.pack(">I", len(answer)) + answer


@contextmanager
def talking(*answers):
    """Speak with a server that says hello, and when it was asked as often as there are answers, gives them."""
    near, far = socket.socketpair()

    def serve():
        stream = far.makefile("rb")
        for batch in ([VERSION], answers):
            for _ in batch:
                stream.read(struct.unpack(">I", stream.read(4))[0])
            far.sendall(b"".join(map(packed, batch)))
        stream.close()

    server = threading.Thread(target=serve)
    server.start()
    with near, far:
        yield SftpSession(near, 10, Deadline(60))
        server.join()


def test_answers_may_come_in_another_order():
    with talking(status(3), status(1), status(2)) as session:
        session.write(b"handle", [bytes(CHUNK)] * 3)


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_no_refusal_is_missed_in_whatever_order_they_come(refused):
    answers = [status(number, FAILURE if number == refused else 0) for number in (3, 1, 2)]
    with talking(*answers) as session, pytest.raises(StatusError) as caught:
        session.write(b"handle", [bytes(CHUNK)] * 3)
    assert caught.value.code == FAILURE


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"\x65", id="no number"),
        pytest.param(struct.pack(">BI", 101, 1), id="no code"),
        pytest.param(struct.pack(">BIII", 101, 1, 4, 99), id="a text that is cut off"),
        pytest.param(struct.pack(">BII", 102, 1, 0), id="a handle"),
        pytest.param(struct.pack(">BII", 101, 1, 0), id="no attributes"),
        pytest.param(struct.pack(">BII", 105, 1, 1), id="attributes that are cut off"),
    ],
)
def test_answers_that_are_none_are_refused(answer):
    with talking(answer) as session, pytest.raises((PassingError, StatusError)):
        session.stat("/orders.csv")


def test_attributes_may_be_missing():
    attributes = struct.pack(">BIIIIII", 105, 1, 2 | 8, 0, 0, 1_700_000_000, 1_700_000_001)
    with talking(attributes) as session:
        seen = session.stat("/orders.csv")
    assert (seen.size, seen.mode, seen.modified) == (None, None, 1_700_000_001)


def test_what_says_hello_otherwise_does_not_speak_sftp():
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"Welcome to this server\n")
        with pytest.raises(DeliveryError, match="does not speak it") as caught:
            SftpSession(near, 10, Deadline(60))
    assert not isinstance(caught.value, PassingError)
