"""What SFTP servers make of a file: those that can all, and those that forbid some of it."""

import os
import stat
import struct
import threading
from hashlib import md5, sha256
from pathlib import Path

import pytest
from places import Place
from ssh_servers import Faults, asyncssh_server, openssh, paramiko_server

from csvexport.delivery import Deadline, PassingError
from csvexport.errors import DeliveryError

OLD = b"id\n1\n2\n3\n"
NEW = b"id\n1\n"
LARGE = bytes(range(256)) * (3 << 12) + b"end"


def at(server, folder):
    table = server.settings(to="")
    return Place(server.root, folder, table.pop("to"), table)


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def faulty(faults, tmp_path):
    """A place on a server whose faults are chosen by the test."""
    with asyncssh_server(tmp_path, faults) as server:
        yield at(server, tmp_path)


@pytest.fixture
def renamed():
    """What was renamed on the plain server, in turn."""
    return []


@pytest.fixture
def plain(renamed, tmp_path):
    """A place on a server that cannot rename a file over another."""
    with paramiko_server(tmp_path, renamed) as server:
        yield at(server, tmp_path)


@pytest.fixture
def full(tmp_path):
    with openssh(tmp_path) as server:
        yield at(server, tmp_path)


def refused(place, name, content, **changed):
    """Give the message of a delivery that no other try would bring further."""
    with pytest.raises(DeliveryError) as caught:
        place.deliver(name, content, **changed)
    assert not isinstance(caught.value, PassingError)
    assert str(caught.value).startswith(f"{place.parcel(name, content).shown}: ")
    return str(caught.value)


def test_a_file_keeps_its_name_on_a_server_that_renames_over_none(plain):
    assert plain.deliver("orders.csv", OLD).notes == ()
    receipt = plain.deliver("orders.csv", NEW)
    assert plain.files() == {"orders.csv": NEW}
    assert "cannot replace a file in one step" in receipt.notes[0]


def test_the_old_file_is_aside_only_between_two_renamings(plain, renamed):
    plain.deliver("orders.csv", OLD)
    renamed.clear()
    plain.deliver("orders.csv", NEW)
    assert renamed == [
        ("/.orders.csv.part", "/orders.csv"),
        ("/orders.csv", "/.orders.csv.old"),
        ("/.orders.csv.part", "/orders.csv"),
    ]


def test_the_old_file_is_put_back_when_a_run_was_killed_between_two_renamings(plain, renamed):
    (plain.root / ".orders.csv.old").write_bytes(OLD)
    (plain.root / ".orders.csv.part").write_bytes(NEW)
    receipt = plain.deliver("orders.csv", NEW)
    assert renamed[0] == ("/.orders.csv.old", "/orders.csv")
    assert plain.files() == {"orders.csv": NEW}
    assert not receipt.is_unchanged


def test_an_old_file_that_was_left_behind_is_not_shown_again(plain, renamed):
    (plain.root / ".orders.csv.old").write_bytes(OLD)
    plain.deliver("orders.csv", NEW)
    assert renamed == [("/.orders.csv.part", "/orders.csv")]
    assert plain.files() == {"orders.csv": NEW}


def test_an_old_file_that_was_left_beside_a_newer_one_does_not_take_its_place(plain):
    (plain.root / ".orders.csv.old").write_bytes(OLD[::-1])
    (plain.root / "orders.csv").write_bytes(OLD)
    plain.deliver("orders.csv", NEW)
    assert plain.files() == {"orders.csv": NEW}


def test_the_old_file_is_put_back_when_the_new_one_does_not_get_its_name(tmp_path):
    with paramiko_server(tmp_path, unmoved=("/.orders.csv.part",)) as server:
        place = at(server, tmp_path)
        (place.root / "orders.csv").write_bytes(OLD)
        assert "does not rename the file" in refused(place, "orders.csv", NEW)
        assert place.files() == {"orders.csv": OLD}


def test_a_server_that_forbids_renaming_is_answered_with_a_remedy(faulty, faults):
    faults.forbidden = {"rename"}
    message = refused(faulty, "orders.csv", NEW)
    assert "does not rename the file (Forbidden here); set in_place = true" in message
    assert faulty.files() == {}


def test_an_old_file_stays_when_renaming_is_forbidden(faulty, faults):
    faulty.deliver("orders.csv", OLD)
    faults.forbidden = {"rename"}
    refused(faulty, "orders.csv", NEW)
    assert faulty.files() == {"orders.csv": OLD}


def test_a_server_that_forbids_renaming_takes_files_in_place(faulty, faults):
    faults.forbidden = {"rename"}
    faulty.deliver("shop/orders.csv", LARGE, in_place=True)
    receipt = faulty.deliver("shop/orders.csv", NEW, in_place=True)
    assert faulty.files() == {"shop/orders.csv": NEW}
    assert (receipt.checked, receipt.notes) == ("size", ())


def test_a_file_that_is_taken_once_it_has_its_name_has_arrived(faulty, faults):
    faults.after["rename"] = Path.unlink
    trace = faulty.deliver("orders.csv", NEW).trace
    assert (trace.is_taken, trace.size) == (True, len(NEW))
    assert faulty.files() == {}
    assert faulty.deliver("orders.csv", NEW, trace).is_unchanged
    assert faulty.files() == {}


def test_a_server_that_takes_files_as_soon_as_they_are_closed_wants_them_in_place(faulty, faults):
    faults.after["close"] = Path.unlink
    message = refused(faulty, "orders.csv", NEW)
    assert "none is there under the hidden name that it should have until whole; set in_place = true" in message
    receipt = faulty.deliver("orders.csv", NEW, in_place=True)
    assert (receipt.trace.is_taken, receipt.checked) == (True, "size")


def test_a_file_that_was_never_seen_has_not_arrived(faulty, faults):
    faults.after["close"] = Path.unlink
    faults.forbidden = {"fstat"}
    message = refused(faulty, "orders.csv", NEW, in_place=True)
    assert "the server took the file, and shows none there; ask the receiver whether it arrived" in message
    receipt = faulty.deliver("orders.csv", NEW, in_place=True, takes_away=True)
    assert (receipt.trace.is_taken, receipt.checked) == (True, "answer")


def test_what_is_taken_away_at_once_and_lacked_bytes_has_not_arrived(faulty, faults):
    faults.after["close"] = Path.unlink
    faults.short = 1
    with pytest.raises(PassingError, match=rf"{len(NEW) - 1} bytes are there, and {len(NEW)} were sent"):
        faulty.deliver("orders.csv", NEW, in_place=True, takes_away=True)


def test_a_server_that_shows_nothing_is_believed(faulty, faults):
    faults.forbidden = {"stat"}
    receipt = faulty.deliver("a/b/orders.csv", LARGE)
    assert faulty.files() == {"a/b/orders.csv": LARGE}
    assert (receipt.checked, receipt.trace.size, receipt.trace.modified) == ("answer", len(LARGE), None)
    again = faulty.deliver("a/b/orders.csv", LARGE, receipt.trace)
    assert (again.is_unchanged, again.checked) == (True, "answer")


def test_a_server_that_shows_nothing_any_more_gets_the_file_again(faulty, faults):
    trace = faulty.deliver("orders.csv", OLD).trace
    faults.forbidden = {"stat"}
    assert not faulty.deliver("orders.csv", OLD, trace).is_unchanged


def test_an_old_file_that_may_not_be_written_to_in_place_stays(faulty, faults):
    faulty.deliver("orders.csv", OLD)
    faults.forbidden = {"open"}
    refused(faulty, "orders.csv", NEW, in_place=True)
    assert faulty.files() == {"orders.csv": OLD}


def test_permissions_that_a_server_does_not_set_are_noted(faulty, faults):
    faults.forbidden = {"setstat"}
    receipt = faulty.deliver("orders.csv", NEW, mode="0640")
    assert receipt.notes == ("the server did not set the permissions (Forbidden here)",)
    assert faulty.files() == {"orders.csv": NEW}


@pytest.mark.parametrize("content", [LARGE, b"x" * (1 << 15)], ids=["beginning", "end"])
def test_a_full_disk_is_told_of_and_the_part_removed(faulty, faults, content):
    faulty.deliver("orders.csv", OLD)
    faults.space = len(content) - 1
    message = refused(faulty, "orders.csv", content)
    assert "No space left on device" in message
    assert "disk may be full" in message
    assert faulty.files() == {"orders.csv": OLD}


def test_bytes_that_a_server_loses_are_missed(faulty, faults):
    faulty.deliver("orders.csv", OLD)
    faults.short = 1
    with pytest.raises(PassingError, match=rf"{len(NEW) - 1} bytes are there, and {len(NEW)} were sent"):
        faulty.deliver("orders.csv", NEW)
    with pytest.raises(PassingError, match="bytes are there"):
        faulty.deliver("straight.csv", NEW, in_place=True)
    assert faulty.files() == {"orders.csv": OLD}


def words(*told):
    return b"".join(struct.pack(">I", len(word)) + word for word in told)


@pytest.mark.parametrize("before", [(), (b"check-file",)], ids=["draft", "older draft"])
@pytest.mark.parametrize("content", [NEW, LARGE], ids=["small", "large"])
def test_the_checksum_of_a_server_that_computes_one_is_compared(tmp_path, before, content):
    with paramiko_server(tmp_path, answer=lambda seen: words(*before, b"sha256") + sha256(seen).digest()) as server:
        place = at(server, tmp_path)
        assert place.deliver("orders.csv", content).checked == "checksum"
        assert place.deliver("straight.csv", content, in_place=True).checked == "checksum"
        assert place.files() == {"orders.csv": content, "straight.csv": content}


def test_a_file_that_arrives_with_another_checksum_does_not_get_its_name(tmp_path):
    with paramiko_server(tmp_path, answer=lambda seen: words(b"sha256") + sha256(seen[:-1]).digest()) as server:
        place = at(server, tmp_path)
        (place.root / "orders.csv").write_bytes(OLD)
        with pytest.raises(PassingError, match="the server's checksum of the file is another than that of what was"):
            place.deliver("orders.csv", NEW)
        assert place.files() == {"orders.csv": OLD}


@pytest.mark.parametrize(
    "told",
    [words(b"sha256") + sha256(b"").digest(), words(b"md5") + md5(NEW, usedforsecurity=False).digest()],
    ids=["of nothing", "of another kind"],
)
def test_a_checksum_that_says_nothing_does_not_count(tmp_path, told):
    with paramiko_server(tmp_path, answer=lambda _: told) as server:
        assert at(server, tmp_path).deliver("orders.csv", NEW).checked == "size"


def test_a_server_that_computes_no_checksum_after_all_is_asked_once(tmp_path):
    asked = []
    with paramiko_server(tmp_path, answer=asked.append) as server:
        place = at(server, tmp_path)
        destination = place.opened()
        receipts = [destination.deliver(place.parcel(name, NEW), Deadline(60)) for name in ("first.csv", "second.csv")]
        destination.close()
    assert [receipt.checked for receipt in receipts] == ["size", "size"]
    assert asked == [NEW]


def test_a_folder_that_may_not_be_written_to_is_told_of(faulty, faults):
    faults.forbidden = {"open"}
    assert "gives no permission (Forbidden here)" in refused(faulty, "orders.csv", NEW)


def test_folders_that_may_not_be_made_are_told_of(faulty, faults):
    faults.forbidden = {"mkdir"}
    assert "the folder is not there, and the server does not make it" in refused(faulty, "a/b/orders.csv", NEW)
    assert faulty.files() == {}


def test_a_file_among_the_folders_is_told_of(full):
    (full.root / "drop").write_bytes(OLD)
    refused(full, "drop/orders.csv", NEW)
    assert full.files() == {"drop": OLD}


def test_a_part_that_cannot_be_removed_is_overwritten(faulty, faults):
    (faulty.root / ".orders.csv.part").write_bytes(LARGE)
    faults.forbidden = {"remove"}
    faulty.deliver("orders.csv", NEW)
    assert faulty.files() == {"orders.csv": NEW}


def test_a_file_does_not_have_the_permissions_of_a_part_that_was_left(full):
    part = full.root / ".orders.csv.part"
    part.touch(mode=0o777)
    part.chmod(0o777)
    full.deliver("orders.csv", NEW)
    assert stat.S_IMODE((full.root / "orders.csv").stat().st_mode) & 0o111 == 0


def test_a_link_at_the_place_of_the_part_is_not_followed(full, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_bytes(OLD)
    (full.root / ".orders.csv.part").symlink_to(outside)
    full.deliver("orders.csv", NEW)
    assert outside.read_bytes() == OLD
    assert full.files() == {"orders.csv": NEW}


def test_a_server_that_does_not_offer_sftp_is_told_of(tmp_path):
    with openssh(tmp_path, subsystem="other /bin/false") as server:
        assert "does not offer sftp to this user" in refused(at(server, tmp_path), "orders.csv", NEW)


def test_a_script_that_prints_before_sftp_begins_is_told_of(tmp_path):
    with openssh(tmp_path, subsystem="sftp /bin/echo Welcome to this server") as server:
        assert "a script that prints something" in refused(at(server, tmp_path), "orders.csv", NEW)


def test_a_delivery_that_failed_does_no_harm_to_the_next_over_the_same_destination(faulty, faults):
    destination = faulty.opened()
    destination.deliver(faulty.parcel("first.csv", OLD), Deadline(60))
    faults.forbidden = {"open"}
    with pytest.raises(DeliveryError):
        destination.deliver(faulty.parcel("second.csv", NEW), Deadline(60))
    faults.forbidden = set()
    destination.deliver(faulty.parcel("second.csv", NEW), Deadline(60))
    destination.close()
    assert faulty.files() == {"first.csv": OLD, "second.csv": NEW}


def test_no_thread_is_left(full):
    before = threading.enumerate()
    full.deliver("orders.csv", LARGE)
    refused(full, "orders.csv", NEW, host_key=f"SHA256:{'A' * 43}")
    assert threading.enumerate() == before


def test_a_reader_finds_a_whole_file_at_every_moment(full):
    contents = {b"old\n" * 70_000, b"newer\n" * 50_000}
    full.deliver("orders.csv", b"old\n" * 70_000)
    seen, over = set(), threading.Event()

    def read():
        while not over.is_set():
            seen.add((full.root / "orders.csv").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    destination = full.opened()
    for _ in range(5):
        for content in sorted(contents):
            destination.deliver(full.parcel("orders.csv", content), Deadline(60))
    destination.close()
    over.set()
    reader.join()
    assert seen <= contents


def test_what_has_another_size_under_its_own_name_has_not_arrived(faulty, faults):
    faults.after["rename"] = lambda path: os.truncate(path, 1)
    with pytest.raises(PassingError, match=rf"1 bytes are there, and {len(OLD)} were sent"):
        faulty.deliver("orders.csv", OLD)


def test_a_folder_is_not_moved_aside(plain):
    (plain.root / "orders").mkdir()
    assert "is a folder" in refused(plain, "orders", NEW)
    assert (plain.root / "orders").is_dir()
