"""A reader that fetches a file without pause, while it is delivered again and again, finds it whole each time."""

import json
import subprocess
import sys
from contextlib import contextmanager

import polling_reader
import pytest
from dav_server import LOGIN
from polling_reader import make_content

from csvexport.delivery import Deadline
from csvexport.profile import sftp_address

NAME = "orders.csv"


@pytest.fixture
def deliveries(request):
    return 1000 if request.config.getoption("--soak") else 40


@contextmanager
def polled(*way):
    """Have a reader fetch by some way, until the end; what it has found is in the list then."""
    command = [sys.executable, polling_reader.__file__, json.dumps(way)]
    found = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "ready\n"
        try:
            yield found
        finally:
            answer, _ = reader.communicate()
            found.append(json.loads(answer))


def deliver_twice_each(place, numbers):
    """Deliver each version, and once more as a run does that knows what it delivered last."""
    destination = place.opened()
    for number in numbers:
        content = make_content(number)
        receipt = destination.deliver(place.parcel(NAME, content), Deadline(60))
        again = destination.deliver(place.parcel(NAME, content, receipt.trace), Deadline(60))
        assert (receipt.is_unchanged, again.is_unchanged) == (False, True)
    destination.close()


def way_of(place, kind, by):
    """How the reader fetches what is delivered to a place."""
    if by == "local":
        return ("local", str(place.root / NAME))
    if kind == "WebDAV":
        return ("http", f"{place.to}/{NAME}", place.table["ca"], LOGIN)
    address = sftp_address(f"{place.to}/{NAME}")
    return ("sftp", address.server.host, address.server.port, address.username, place.table["key"], address.path)


@pytest.mark.parametrize(
    ("kind", "by"),
    [("folder", "local"), ("OpenSSH", "local"), ("OpenSSH", "protocol"), ("WebDAV", "local"), ("WebDAV", "protocol")],
)
def test_a_reader_never_finds_a_part_or_nothing(make_place, deliveries, kind, by):
    place = make_place(kind)
    place.deliver(NAME, make_content(0))
    with polled(*way_of(place, kind, by)) as found:
        deliver_twice_each(place, range(1, deliveries + 1))
    (seen,) = found
    assert seen["wrong"] == []
    assert seen["moved"] == []
    # It did look meanwhile.
    assert len(seen["versions"]) > deliveries / 20
    assert place.files() == {NAME: make_content(deliveries)}


def test_the_reader_does_notice_a_part(make_place, dav, web_login, tmp_path):
    kind = type(make_place("folder"))
    place = kind(dav.root, tmp_path, dav.url, web_login | {"in_place": True})
    place.deliver(NAME, make_content(3))
    dav.pause = 0.01
    with polled("local", str(place.root / NAME)) as found:
        place.deliver(NAME, make_content(6))
    assert found[0]["wrong"]
