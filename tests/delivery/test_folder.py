import errno
import os
import resource
import stat
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from csvexport.delivery import Deadline, PassingError
from csvexport.errors import DeliveryError

OLD, NEW = b"id\n1\n2\n", b"id\n1\n3\n"
LARGE = bytes(range(256)) * (3 << 12)
NOBODY = 65534


@pytest.fixture
def place(make_place):
    return make_place("folder")


def refusal(place, name, content=NEW, **changed):
    """Deliver in vain, and give what is said, and whether another try may do better."""
    with pytest.raises(DeliveryError) as caught:
        place.deliver(name, content, **changed)
    start = f"{place.parcel(name, content, **changed).shown}: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start), isinstance(caught.value, PassingError)


@contextmanager
def mounted(folder, *arguments):
    """Mount something; only root can."""
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def without_rights():
    """As a user who has none; root becomes one."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_place(make_place):
    """A destination of which the folders are everybody's to look into."""
    place = make_place("folder")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "served"
        root.mkdir()
        folder.chmod(0o777)
        root.chmod(0o777)
        yield type(place)(root, folder, str(root))


def test_the_same_content_is_not_written_again_though_its_receipt_was_lost(place):
    place.deliver("orders.csv", NEW)
    before = (place.root / "orders.csv").stat()
    receipt = place.deliver("orders.csv", NEW)
    after = (place.root / "orders.csv").stat()
    assert (receipt.is_unchanged, receipt.checked) == (True, "checksum")
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert not place.deliver("orders.csv", OLD).is_unchanged
    assert place.files() == {"orders.csv": OLD}


def test_a_part_goes_though_nothing_needs_to_be_written(place):
    place.deliver("orders.csv", NEW)
    (place.root / ".orders.csv.part").write_bytes(LARGE)
    assert place.deliver("orders.csv", NEW).is_unchanged
    assert place.files() == {"orders.csv": NEW}


def test_a_relative_path_starts_from_the_folder_of_the_profile(place, tmp_path):
    place.deliver("orders.csv", NEW, to="drop/{{ date }}/")
    assert (tmp_path / "drop" / "2024-06-01" / "orders.csv").read_bytes() == NEW


def test_without_a_mode_files_have_the_permissions_of_all_new_files(place):
    mask = os.umask(0o027)
    try:
        place.deliver("orders.csv", NEW)
    finally:
        os.umask(mask)
    assert stat.S_IMODE((place.root / "orders.csv").stat().st_mode) == 0o640


def test_a_part_is_never_readable_for_more_users_than_the_file(place):
    parcel = place.parcel("orders.csv", NEW)
    parcel.path.unlink()
    os.mkfifo(parcel.path)
    with ThreadPoolExecutor() as pool:
        delivered = pool.submit(place.opened(mode="0600").deliver, parcel, Deadline(60))
        # Opens when the destination has begun to read, and waits for the rest.
        with parcel.path.open("wb") as source:
            assert stat.S_IMODE((place.root / ".orders.csv.part").stat().st_mode) == 0o600
            source.write(NEW)
        delivered.result()
    assert place.files() == {"orders.csv": NEW}


def test_a_link_to_a_folder_is_followed(place, tmp_path):
    (tmp_path / "share").mkdir()
    (place.root / "link").symlink_to(tmp_path / "share", target_is_directory=True)
    place.deliver("link/orders.csv", NEW)
    assert (tmp_path / "share" / "orders.csv").read_bytes() == NEW


def test_what_a_part_links_to_is_not_written(place, tmp_path):
    (tmp_path / "other").write_bytes(OLD)
    (place.root / ".orders.csv.part").symlink_to(tmp_path / "other")
    place.deliver("orders.csv", NEW)
    assert (tmp_path / "other").read_bytes() == OLD
    assert place.files() == {"orders.csv": NEW}


def test_a_folder_at_the_place_is_told(place):
    (place.root / "orders").mkdir()
    assert refusal(place, "orders") == ("is a folder; name a file in `to`, or end it with / for their own names", False)


def test_a_file_on_the_way_is_told(place):
    (place.root / "drop").write_bytes(OLD)
    assert refusal(place, "drop/orders.csv") == ("a part of the path is a file and no folder; check `to`", False)
    assert refusal(place, "drop/2024/orders.csv") == ("a part of the path is a file and no folder; check `to`", False)


def test_a_name_that_is_too_long_is_told(place):
    assert refusal(place, "a" * 300) == ("the name is too long for the file system; shorten it in `to`", False)


def test_a_folder_that_may_not_be_written_to_is_told(open_place):
    open_place.root.chmod(0o555)
    with without_rights():
        assert refusal(open_place, "orders.csv") == (
            "there is no permission; give it to the user who runs csvexport",
            False,
        )
    assert open_place.files() == {}


def test_a_file_that_may_not_be_read_is_replaced(open_place):
    (open_place.root / "orders.csv").write_bytes(OLD)
    (open_place.root / "orders.csv").chmod(0)
    with without_rights():
        open_place.deliver("orders.csv", NEW)
        assert open_place.files() == {"orders.csv": NEW}


def test_what_cannot_be_written_whole_leaves_what_was_there(place):
    place.deliver("orders.csv", OLD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    parcel = place.parcel("orders.csv", LARGE)
    destination = place.opened()
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(LARGE) // 2, hard))
    try:
        with pytest.raises(DeliveryError, match="the file is larger than the file system allows"):
            destination.deliver(parcel, Deadline(60))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert place.files() == {"orders.csv": OLD}


def test_a_full_disk_leaves_what_was_there(place):
    with mounted(place.root, "-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        place.deliver("orders.csv", OLD)
        assert refusal(place, "orders.csv", LARGE) == ("there is no space left; make room there", False)
        assert place.files() == {"orders.csv": OLD}


def test_a_file_system_that_can_only_be_read_is_told(place):
    with mounted(place.root, "-t", "tmpfs", "-o", "ro", "tmpfs"):
        assert refusal(place, "orders.csv") == (
            "the file system can only be read; have it mounted for writing",
            False,
        )


def test_a_file_that_is_held_for_now_may_be_replaced_later(place):
    (place.root / "orders.csv").write_bytes(OLD)
    (place.root / "other").write_bytes(OLD)
    with mounted(place.root / "orders.csv", "--bind", str(place.root / "other")):
        assert refusal(place, "orders.csv") == ("the file system is in trouble: Device or resource busy", True)
    assert place.files() == {"orders.csv": OLD, "other": OLD}


def test_what_is_no_file_is_not_replaced_by_one(place):
    os.mkfifo(place.root / "pipe")
    message, is_passing = refusal(place, "pipe", b"")
    assert (message, is_passing) == (
        "is a device or a pipe, which no file takes the place of; name a file in `to`",
        False,
    )
    assert stat.S_ISFIFO((place.root / "pipe").stat().st_mode)


@pytest.fixture
def synced(monkeypatch):
    """What was made durable, in turn."""
    paths, sync = [], os.fsync

    def note(descriptor):
        paths.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return paths


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing tells what is synced")
def test_every_name_on_the_way_to_a_file_is_made_durable(place, synced):
    place.deliver("a/b/c/orders.csv", OLD)
    folders = [place.root, place.root / "a", place.root / "a" / "b", place.root / "a" / "b" / "c"]
    assert synced == [*folders[:3], folders[3] / ".orders.csv.part", folders[3]]
    synced.clear()
    place.deliver("a/b/d/orders.csv", OLD)
    assert synced[:1] == [place.root / "a" / "b"]
    synced.clear()
    # As after a run that was killed before it noted that it had put the file there.
    assert place.deliver("a/b/d/orders.csv", OLD).is_unchanged
    assert synced == [place.root / "a" / "b" / "d" / "orders.csv", place.root / "a" / "b" / "d"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.ENOTSUP])
def test_a_share_that_cannot_make_names_durable_gets_the_file(place, monkeypatch, number):
    refuse_folders(monkeypatch, number)
    place.deliver("a/b/orders.csv", NEW)
    assert place.files() == {"a/b/orders.csv": NEW}


def test_a_name_that_the_disk_does_not_take_is_none_that_has_arrived(place, monkeypatch):
    refuse_folders(monkeypatch, errno.EIO)
    message, is_passing = refusal(place, "orders.csv")
    assert (message, is_passing) == ("the file system is in trouble: Input/output error", True)


def refuse_folders(monkeypatch, number):
    """Let no folder be synced."""
    sync = os.fsync

    def refuse(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)


def test_a_file_that_has_another_size_under_its_own_name_has_not_arrived(place, monkeypatch):
    replace = Path.replace

    def cut(path, target):
        replace(path, target)
        os.truncate(target, 1)

    monkeypatch.setattr(Path, "replace", cut)
    assert refusal(place, "orders.csv") == (f"1 bytes are there, and {len(NEW)} were sent", True)
