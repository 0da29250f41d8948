import hashlib
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import pytest

from csvexport.batch import building as module
from csvexport.batch.building import Building

KILLS = 20

# Loads nothing but the module, so that many processes start within a short time.
PROGRAM = """
import hashlib, importlib.util, itertools, json, os, sys
from pathlib import Path
from threading import Event

spec = importlib.util.spec_from_file_location("building", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
Building, parent = module.Building, Path(sys.argv[2])


def write(building, size):
    text = "a line\\n" * size
    building.write("conversions.csv", text)
    (building.scratch / "keys").write_text(text)
    building.write("manifest.json", json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest()}))


def forever(name):
    for number in itertools.count():
        with Building(parent) as building:
            write(building, number % 7 * 1000)
            building.publish(f"{name}-{number}")
        if not number:
            print("begun", flush=True)


def hold(name):
    with Building(parent) as building:
        write(building, 10)
        print("holding", flush=True)
        sys.stdin.readline()
        building.publish(name)


def rounds(name, count):
    for number in range(int(count)):
        with Building(parent) as building:
            write(building, 1)
            if number % 2:
                building.publish(f"{name}-{number}")


globals()[sys.argv[3]](*sys.argv[4:])
"""


@contextmanager
def process(parent, *arguments):
    """Another process that builds; it is killed at the end, if it still runs."""
    command = [sys.executable, "-c", PROGRAM, module.__file__, str(parent), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def names(parent):
    return sorted(path.name for path in parent.iterdir()) if parent.exists() else []


def visible(parent):
    return [name for name in names(parent) if not name.startswith(".")]


@pytest.fixture
def parent(tmp_path):
    return tmp_path / "out" / "shop"


def test_a_batch_appears_whole_and_only_when_it_is_published(parent):
    with Building(parent) as building:
        building.write("manifest.json", "{}\n")
        (building.batch / "conversions-Yclid.csv").write_bytes(b"1\n")
        (building.scratch / "spool").write_bytes(b"2\n")
        assert visible(parent) == []
        folder = building.publish("20240601T090000Z-1a2b3c4d")
        assert names(folder) == ["conversions-Yclid.csv", "manifest.json"]
    assert folder == parent / "20240601T090000Z-1a2b3c4d"
    assert names(parent) == ["20240601T090000Z-1a2b3c4d"]
    assert (folder / "manifest.json").read_bytes() == b"{}\n"


def test_text_is_written_as_utf_8_with_plain_line_breaks(parent):
    with Building(parent) as building:
        building.write("report.txt", "Сумма\n1\r\n")
        assert (building.batch / "report.txt").read_bytes() == "Сумма\n1\r\n".encode()


@pytest.mark.parametrize("error", [RuntimeError, OSError, KeyboardInterrupt, SystemExit])
def test_a_build_that_fails_leaves_nothing(error, tmp_path, parent):
    with pytest.raises(error), Building(parent) as building:  # noqa: PT012
        building.write("manifest.json", "{}")
        (building.scratch / "deep").mkdir()
        raise error
    assert names(tmp_path) == []


def test_a_build_that_publishes_nothing_leaves_nothing(tmp_path, parent):
    with Building(parent) as building:
        building.write("manifest.json", "{}")
    assert names(tmp_path) == []


def test_folders_that_were_there_stay(tmp_path, parent):
    parent.parent.mkdir()
    with Building(parent):
        pass
    assert names(tmp_path) == ["out"]
    assert names(parent.parent) == []


def test_a_build_that_is_interrupted_while_it_begins_leaves_nothing(tmp_path, parent, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "sweep", interrupt)
    with pytest.raises(KeyboardInterrupt), Building(parent):
        pass
    assert names(tmp_path) == []


def test_where_no_folder_can_be_nothing_is_left(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OSError, match="out"), Building(tmp_path / "out" / "shop"):
        pass
    assert names(tmp_path) == ["out"]


def test_the_first_batch_of_a_name_stays(parent):
    for text in ("first", "second"):
        with Building(parent) as building:
            building.write("manifest.json", text)
            folder = building.publish("batch")
    assert names(parent) == ["batch"]
    assert (folder / "manifest.json").read_text() == "first"


def test_a_batch_does_not_take_the_place_of_a_file(parent):
    with pytest.raises(OSError, match="batch"), Building(parent) as building:  # noqa: PT012
        (parent / "batch").write_text("a file")
        building.publish("batch")
    assert names(parent) == ["batch"]


def test_two_builds_do_not_disturb_each_other(parent):
    with Building(parent) as one:
        one.write("manifest.json", "one")
        with Building(parent) as other:
            other.write("manifest.json", "other")
            other.publish("other")
        with pytest.raises(RuntimeError), Building(parent):
            raise RuntimeError
        with Building(parent) as rival:
            rival.write("manifest.json", "rival")
            one.publish("one")
            rival.publish("one")
    assert names(parent) == ["one", "other"]
    assert (parent / "one" / "manifest.json").read_text() == "one"


def test_many_builds_at_once_do_not_disturb_each_other(parent):
    def build(number):
        with Building(parent) as building:
            building.write("manifest.json", str(number))
            return building.publish(f"batch-{number % 30}")

    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(build, range(60)))
    assert names(parent) == sorted({folder.name for folder in folders})
    assert [int((folder / "manifest.json").read_text()) % 30 for folder in folders] == [*range(30), *range(30)]


def test_processes_that_build_at_once_do_not_disturb_each_other(parent):
    with process(parent, "rounds", "one", "60") as one, process(parent, "rounds", "other", "60") as other:
        assert one.wait(30) == other.wait(30) == 0
    assert names(parent) == sorted(f"{name}-{number}" for name in ("one", "other") for number in range(1, 60, 2))


def test_a_folder_that_others_remove_while_it_is_empty_is_made_again(parent):
    done = Event()

    def remove():
        while not done.wait(0.0001):
            for folder in (parent, parent.parent):
                with suppress(OSError):
                    folder.rmdir()

    with ThreadPoolExecutor(1) as pool:
        removing = pool.submit(remove)
        try:
            for _ in range(100):
                with Building(parent) as building:
                    building.write("manifest.json", "{}")
        finally:
            done.set()
    removing.result()


def test_what_a_killed_build_left_is_swept_by_the_next(parent):
    with process(parent, "hold", "never") as running:
        assert running.stdout.readline() == "holding\n"
        running.kill()
        running.wait()
    left = names(parent)
    assert left
    assert all(name.startswith(".") for name in left)
    with Building(parent):
        assert not set(left) & set(names(parent))


def test_a_build_that_runs_elsewhere_is_not_swept(parent):
    with process(parent, "hold", "held") as running:
        assert running.stdout.readline() == "holding\n"
        for name in ("one", "other"):
            with Building(parent) as building:
                building.publish(name)
        running.communicate("\n", timeout=30)
        assert running.returncode == 0
    assert names(parent) == ["held", "one", "other"]
    assert names(parent / "held") == ["conversions.csv", "manifest.json"]


def test_what_cannot_be_swept_hinders_no_build(parent):
    (parent / ".building-123.lock" / "not a lock").mkdir(parents=True)
    with Building(parent) as building:
        building.publish("batch")
    assert visible(parent) == ["batch"]


def assert_whole(batch):
    text = (batch / "conversions.csv").read_bytes()
    assert json.loads((batch / "manifest.json").read_text()) == {"sha256": hashlib.sha256(text).hexdigest()}
    assert names(batch) == ["conversions.csv", "manifest.json"]


def test_a_kill_at_any_instant_leaves_whole_batches_or_hidden_names(parent):
    generator = random.Random(1)
    leftovers = 0
    for number in range(KILLS):
        with process(parent, "forever", f"run{number}") as running:
            assert running.stdout.readline() == "begun\n"
            time.sleep(generator.uniform(0, 0.02))
        for name in visible(parent):
            assert_whole(parent / name)
        leftovers += len(visible(parent)) < len(names(parent))
    assert leftovers
    assert len(visible(parent)) >= KILLS
    with Building(parent):
        pass
    assert names(parent) == visible(parent)


@pytest.mark.skipif(os.name == "nt", reason="Windows makes names durable by itself")
def test_names_are_made_durable_after_what_they_name(parent, monkeypatch):
    synced = []
    sync, rename = os.fsync, Path.rename

    def note_sync(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    def note_rename(path, target):
        synced.append("renamed")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    with Building(parent) as building:
        building.write("manifest.json", "{}")
        batch = building.publish("batch")
    file, *folders = (path.stat().st_ino for path in (batch / "manifest.json", batch, *batch.parents[:3]))
    assert synced == [*reversed(folders[2:]), file, folders[0], "renamed", folders[1]]
