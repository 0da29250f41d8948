"""What every destination does, whatever stands behind it."""

import os
import re
import stat
from dataclasses import replace

import pytest

from csvexport.delivery import Deadline, PassingError
from csvexport.errors import DeliveryError

FOLDERS = ["folder", "folder on another file system"]
SSH = ["OpenSSH", "asyncssh"]
DAV = ["WebDAV", "wsgidav"]
WEB = [*DAV, "PUT"]

OLD = b"id\n1\n2\n3\n"
NEW = b"id\n1\n"
LARGE = bytes(range(256)) * (3 << 12) + b"end"


@pytest.fixture(params=FOLDERS + SSH + WEB)
def place(request, make_place):
    return make_place(request.param)


def written(place, name):
    """By what can be told whether a file was written again."""
    found = (place.root / name).stat()
    return found.st_mtime_ns, found.st_ino


def make_older(place, name):
    """Move a file's time back, so that another one can be told from it."""
    moment = (place.root / name).stat().st_mtime - 100
    os.utime(place.root / name, (moment, moment))


@pytest.mark.parametrize("content", [b"", NEW, b"\r\n\x00\xff\xfe\n", LARGE], ids=["empty", "text", "binary", "large"])
def test_bytes_arrive_as_they_are(place, content):
    receipt = place.deliver("orders.csv", content)
    assert place.files() == {"orders.csv": content}
    assert not receipt.is_unchanged
    assert receipt.trace.size == len(content)
    assert receipt.trace.modified == int((place.root / "orders.csv").stat().st_mtime)
    assert receipt.checked in {"size", "checksum"}
    assert receipt.notes == ()


@pytest.mark.parametrize("name", ["заявки 5% (май).csv", "№ 1 #2+3&4.csv", "-rf", "a'b.csv", "1%20.csv"])
def test_a_file_has_the_name_that_it_was_given(place, name):
    place.deliver(name, NEW)
    assert place.files() == {name: NEW}


def test_missing_folders_are_made(place):
    place.deliver("выгрузки/20240601T090000Z-1a2b3c4d/orders.csv", NEW)
    place.deliver("выгрузки/20240602T090000Z-1a2b3c4d/orders.csv", OLD)
    assert place.files() == {
        "выгрузки/20240601T090000Z-1a2b3c4d/orders.csv": NEW,
        "выгрузки/20240602T090000Z-1a2b3c4d/orders.csv": OLD,
    }


def test_a_file_takes_the_place_of_an_older_one(place):
    place.deliver("orders.csv", OLD)
    assert not place.deliver("orders.csv", NEW).is_unchanged
    assert place.files() == {"orders.csv": NEW}


def test_several_files_go_over_one_connection(place):
    destination = place.opened()
    for number in range(3):
        destination.deliver(place.parcel(f"orders-{number}.csv", NEW * number), Deadline(60))
    destination.close()
    assert place.files() == {f"orders-{number}.csv": NEW * number for number in range(3)}


def test_what_is_there_is_not_written_again(place):
    trace = place.deliver("orders.csv", OLD).trace
    before = written(place, "orders.csv")
    receipt = place.deliver("orders.csv", OLD, trace)
    assert receipt.is_unchanged
    assert receipt.trace == trace
    assert written(place, "orders.csv") == before
    assert place.files() == {"orders.csv": OLD}


def test_what_somebody_else_wrote_there_is_replaced(place):
    trace = place.deliver("orders.csv", OLD).trace
    (place.root / "orders.csv").write_bytes(NEW)
    assert not place.deliver("orders.csv", OLD, trace).is_unchanged
    (place.root / "orders.csv").write_bytes(OLD[::-1])
    make_older(place, "orders.csv")
    assert not place.deliver("orders.csv", OLD, trace).is_unchanged
    assert place.files() == {"orders.csv": OLD}


def test_what_has_vanished_is_delivered_again(place):
    trace = place.deliver("orders.csv", OLD).trace
    (place.root / "orders.csv").unlink()
    assert not place.deliver("orders.csv", OLD, trace).is_unchanged
    assert place.files() == {"orders.csv": OLD}


def test_what_the_receiver_took_is_not_delivered_again(place):
    trace = replace(place.deliver("orders.csv", OLD).trace, is_taken=True)
    (place.root / "orders.csv").unlink()
    receipt = place.deliver("orders.csv", OLD, trace)
    assert (receipt.is_unchanged, receipt.trace) == (True, trace)
    assert place.files() == {}


@pytest.mark.parametrize("kind", FOLDERS + SSH + DAV)
def test_a_part_that_a_killed_run_left_is_gone_after_the_next(make_place, kind):
    place = make_place(kind)
    (place.root / ".orders.csv.part").write_bytes(LARGE)
    place.deliver("orders.csv", NEW)
    assert place.files() == {"orders.csv": NEW}


@pytest.mark.parametrize("content", [NEW, LARGE[:-1], b"x" * len(LARGE), LARGE + LARGE])
def test_a_file_that_is_not_what_was_built_is_not_delivered(place, content):
    place.deliver("orders.csv", OLD)
    parcel = place.parcel("orders.csv", LARGE)
    parcel.path.write_bytes(content)
    destination = place.opened()
    with pytest.raises(DeliveryError) as caught:
        destination.deliver(parcel, Deadline(60))
    destination.close()
    assert not isinstance(caught.value, PassingError)
    assert str(caught.value).startswith(f"{parcel.shown}: built.csv was changed after it was built")
    assert place.files() == {"orders.csv": OLD}


def test_a_file_that_is_no_more_is_not_delivered(place):
    parcel = place.parcel("orders.csv", NEW)
    parcel.path.unlink()
    destination = place.opened()
    with pytest.raises(DeliveryError, match=r"built.csv of the batch cannot be read: No such file") as caught:
        destination.deliver(parcel, Deadline(60))
    destination.close()
    assert not isinstance(caught.value, PassingError)
    assert place.files() == {}


def test_a_destination_can_be_closed_at_any_time(place):
    destination = place.opened()
    destination.close()
    destination.deliver(place.parcel("orders.csv", OLD), Deadline(60))
    destination.close()
    destination.close()
    destination.deliver(place.parcel("orders.csv", NEW), Deadline(60))
    destination.close()
    assert place.files() == {"orders.csv": NEW}


def test_a_folder_is_not_replaced_by_a_file(place):
    (place.root / "orders").mkdir()
    (place.root / "orders" / "may.csv").write_bytes(OLD)
    with pytest.raises(DeliveryError) as caught:
        place.deliver("orders", NEW)
    assert not isinstance(caught.value, PassingError)
    assert place.files() == {"orders/may.csv": OLD}


def test_nothing_is_delivered_when_the_time_is_over(place):
    parcel = place.parcel("orders.csv", NEW)
    destination = place.opened()
    with pytest.raises(DeliveryError, match="took longer than time_limit") as caught:
        destination.deliver(parcel, Deadline(0))
    destination.close()
    assert not isinstance(caught.value, PassingError)
    assert str(caught.value).startswith(f"{parcel.shown}: ")
    assert place.files() == {}


@pytest.mark.parametrize("kind", ["asyncssh", *WEB])
def test_a_wrong_login_is_not_tried_again_and_not_told(make_place, monkeypatch, kind):
    place = make_place(kind)
    monkeypatch.setenv("WRONG_PASSWORD", "swordfish")
    with pytest.raises(DeliveryError) as caught:
        place.deliver("orders.csv", NEW, **place.wrong_login)
    assert not isinstance(caught.value, PassingError)
    assert str(caught.value).startswith(f"{place.parcel('orders.csv', NEW).shown}: ")
    assert "swordfish" not in str(caught.value)
    assert place.files() == {}


@pytest.mark.parametrize("kind", SSH + WEB)
def test_a_server_that_is_not_there_may_be_there_later(make_place, unused_port, kind):
    place = make_place(kind)
    to = re.sub(r"(?<=:)[0-9]+", str(unused_port), place.to, count=1)
    with pytest.raises(PassingError):
        place.deliver("orders.csv", NEW, to=f"{to}/{{{{ file }}}}")


@pytest.mark.parametrize("kind", FOLDERS + SSH)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_files_have_the_permissions_of_the_profile(make_place, kind, mode):
    place = make_place(kind)
    place.deliver("orders.csv", OLD, mode=f"{mode:04o}")
    place.deliver("orders.csv", NEW, mode=f"{mode:04o}")
    assert stat.S_IMODE((place.root / "orders.csv").stat().st_mode) == mode
