"""Lines to SFTP servers that break anywhere: the next try brings the file, and no part is ever shown."""

import re
import socket
import threading

import paramiko
import pytest
from places import Place
from ssh_servers import Faults, asyncssh_server, openssh
from wire import HOST, wire

from csvexport.delivery import Deadline, PassingError
from csvexport.delivery.attempts import deliver
from csvexport.errors import DeliveryError

OLD = b"id\n" + b"old\n" * 10_000
NEW = b"id\n" + b"newer\n" * 60_000
FEW, MANY = 12, 200


@pytest.fixture(params=["OpenSSH", "asyncssh"])
def server(request, tmp_path):
    with {"OpenSSH": openssh, "asyncssh": asyncssh_server}[request.param](tmp_path) as running:
        yield running


@pytest.fixture
def line(server):
    with wire(server.port) as laid:
        yield laid


def behind(line, server, folder):
    """Give the place that is reached over a line."""
    table = server.settings(to="")
    return Place(server.root, folder, re.sub(r"(?<=:)[0-9]+", str(line.port), table.pop("to")), table)


@pytest.fixture
def place(server, line, tmp_path):
    return behind(line, server, tmp_path)


def cuts_between(line, faults):
    """Choose places to cut at, over all that a delivery sends and gets: close together where little is said."""
    for number in range(faults):
        share = ((number // 2 + 0.5) / (faults / 2)) ** 2
        yield max(1, int(share * line.bytes_up)) if number % 2 else -max(1, int(share * line.bytes_down))


def test_a_file_arrives_over_a_line_that_breaks_anywhere(request, place, line):
    faults = MANY if request.config.getoption("--soak", default=False) else FEW
    target = place.root / "orders.csv"
    target.write_bytes(OLD)
    place.deliver("orders.csv", NEW)
    failed = 0
    for cut in list(cuts_between(line, faults)):
        target.write_bytes(OLD)
        destination = place.opened()
        line.cuts = [cut]
        try:
            destination.deliver(place.parcel("orders.csv", NEW), Deadline(60))
        except PassingError:
            failed += 1
            assert target.read_bytes() in {OLD, NEW}
            destination.deliver(place.parcel("orders.csv", NEW), Deadline(60))
        destination.close()
        assert place.files() == {"orders.csv": NEW}, cut
        assert not [*filter(is_of_a_connection, threading.enumerate())], cut
    # What is cut last is so when nothing is left to be said.
    assert failed > faults / 2


def test_a_server_that_refuses_connections_at_first_gets_the_file(place, line):
    line.cuts = [0, 0]
    failed = []
    destination = place.opened()
    deliver(destination, place.parcel("orders.csv", NEW), 5, Deadline(60), lambda error, _: failed.append(error))
    destination.close()
    assert len(failed) == 2
    assert place.files() == {"orders.csv": NEW}


def is_of_a_connection(thread):
    return isinstance(thread, (paramiko.Transport, threading.Timer))


def test_a_server_that_falls_silent_anywhere_is_given_up(request, place, line):
    place.deliver("orders.csv", OLD)
    faults = 60 if request.config.getoption("--soak", default=False) else 6
    step = line.bytes_down // (faults + 1)
    line.is_silent = True
    for cut in range(step, step * faults + 1, step):
        line.cuts = [-cut]
        with pytest.raises(
            PassingError, match=r"silent for|did not say within|closed the connection before|not answer the login"
        ):
            place.deliver("orders.csv", NEW, timeout=1)
        assert not [*filter(is_of_a_connection, threading.enumerate())]
    place.deliver("orders.csv", NEW)
    assert place.files() == {"orders.csv": NEW}


def test_no_delivery_takes_longer_than_it_may(place, line):
    line.cuts, line.is_silent = [100_000], True
    destination = place.opened()
    with pytest.raises(DeliveryError, match="took longer than time_limit = 2 seconds allow") as caught:
        destination.deliver(place.parcel("orders.csv", NEW), Deadline(2))
    destination.close()
    assert not isinstance(caught.value, PassingError)


@pytest.mark.parametrize("window", [1 << 21, 1 << 26])
def test_a_server_that_stops_reading_is_given_up(tmp_path, window):
    with asyncssh_server(tmp_path, window=window) as server, wire(server.port) as line:
        place = behind(line, server, tmp_path)
        line.cuts, line.is_silent = [1_000_000], True
        with pytest.raises(PassingError):
            # More than what the system keeps until it can be sent.
            place.deliver("orders.csv", NEW * 80, timeout=1)


def test_a_file_has_arrived_when_the_line_breaks_after_that(tmp_path):
    faults = Faults()
    with asyncssh_server(tmp_path, faults) as server, wire(server.port) as line:
        place = behind(line, server, tmp_path)
        faults.after["rename"] = lambda _: faults.after.setdefault("stat", lambda _: line.cut())
        destination = place.opened()
        receipt = destination.deliver(place.parcel("orders.csv", NEW), Deadline(60))
        assert (receipt.checked, receipt.trace.size, receipt.trace.modified) == ("answer", len(NEW), None)
        faults.after.clear()
        destination.deliver(place.parcel("orders.csv", OLD), Deadline(60))
        destination.close()
        assert place.files() == {"orders.csv": OLD}


def test_what_is_no_ssh_server_is_told_of(place):
    with socket.create_server((HOST, 0)) as listener:
        talker = threading.Thread(target=talk, args=(listener,))
        talker.start()
        to = re.sub(r"(?<=:)[0-9]+", str(listener.getsockname()[1]), place.to)
        with pytest.raises(DeliveryError, match="what answers there is no SSH server") as caught:
            place.deliver("orders.csv", NEW, to=f"{to}/orders.csv")
        talker.join()
    assert not isinstance(caught.value, PassingError)


def talk(listener):
    line, _ = listener.accept()
    with line:
        line.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 100)
        while line.recv(1 << 16):
            pass


def test_a_host_that_is_not_there_is_told_of(place):
    with pytest.raises(DeliveryError, match="there is no such host"):
        place.deliver("orders.csv", NEW, to="sftp://user@nowhere.invalid/orders.csv")
