"""A build that is killed at any moment leaves whole batches and hidden leftovers, which the next build removes."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import csvexport

ROWS = 200_000
KILLS = 12

PROFILE = """
timezone = "Europe/Moscow"

[source]
path = "deals.csv"

[identifiers]
ClientId = "client"
Yclid = "yclid"

[[goals]]
target = "order_paid"
time = "paid_at"
price = "sum"
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no such signals")


@pytest.fixture(autouse=True)
def _sources_in_reach(monkeypatch):
    """Processes run in other folders, and without an installed package where tests do."""
    monkeypatch.setenv("PYTHONPATH", str(Path(csvexport.__file__).parents[1]))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A profile and an export that takes a moment: two id types, and rows that are rejected or stand twice."""
    folder = tmp_path_factory.mktemp("crash") / "shop"
    folder.mkdir()
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    with (folder / "deals.csv").open("w", encoding="utf-8") as file:
        file.write("client,yclid,paid_at,sum\n")
        for row in range(ROWS):
            who = f"{10**18 + row - (row % 20 == 1)}," if row % 3 else f",{10**17 + row}"
            file.write(f"{who if row % 10 else ','},2024-05-30 12:00:00,{row % 1000}.50\n")
    return folder


def start(shop, number):
    """Begin the build of this number; each has a moment, and so a name, of its own."""
    moment = f"2024-06-01T09:00:{number:02}Z"
    command = [sys.executable, "-m", "csvexport", "build", str(shop / "profile.toml"), "--now", moment, "--quiet"]
    # Where the tests themselves run in the background, Ctrl+C is ignored, and would be by the build.
    return subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=heed_interrupts)  # noqa: PLW1509 - no threads here


def heed_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(pattern, process, known=()):
    """Wait until a path appears that was not known, or the process ends."""
    while set(Path("out/shop").glob(pattern)) <= set(known) and process.poll() is None:
        time.sleep(0.002)


def finish(process):
    with process:
        _, complaint = process.communicate(timeout=600)
    return process.returncode, complaint


def look():
    """Give the whole batches and the hidden names, having seen that there is nothing else."""
    batches, hidden = [], []
    for path in sorted(Path("out").iterdir()):
        assert path.name == "shop" or path.name.lstrip(".").startswith("ledger.sqlite")
    for path in sorted(Path("out/shop").iterdir()):
        if path.name in {".last-change", ".profile.json", ".records"}:
            continue
        if path.name.startswith("."):
            hidden.append(path)
        else:
            assert_whole(path)
            batches.append(path.name)
    return batches, hidden


def assert_whole(batch):
    manifest = json.loads((batch / "manifest.json").read_bytes())
    assert manifest["batch"] == batch.name
    files = {file["name"]: file["sha256"] for file in manifest["files"]}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in batch.glob("conversions-*.csv")}
    assert found == files
    assert {path.name for path in batch.iterdir()} == {
        *files,
        *("keys-conversions.bin", "rejected.csv", "manifest.json", "report.html", "report.txt"),
    }
    counts = manifest["counts"]["conversions"]
    assert counts["accepted"] == sum(file["rows"] for file in manifest["files"])
    assert counts["accepted"] + counts["skipped"] + counts["rejected"] == counts["matched"] == ROWS
    assert (batch / "rejected.csv").read_bytes().count(b"\n") == counts["rejected"] + 1
    assert b"</html>" in (batch / "report.html").read_bytes()[-100:]


def test_kill_9_at_any_moment_leaves_nothing_half_visible(shop):
    process = start(shop, 0)
    wait_for(".building-*", process)
    began = time.monotonic()
    assert finish(process) == (0, b"")
    took = time.monotonic() - began
    batches, hidden = look()
    assert (len(batches), hidden) == (1, [])

    survived = killed = 0
    for number in range(1, KILLS + 1):
        before, leftovers = look()
        process = start(shop, number)
        wait_for(".building-*", process, leftovers)
        time.sleep(took * (number - 1) / KILLS)
        process.kill()
        finish(process)
        batches, hidden = look()
        # The build that was killed before this one left its folder and its lock; they are gone by now.
        assert len([path for path in hidden if path.is_dir()]) <= 1
        assert set(before) <= set(batches)
        assert len(batches) - len(before) <= 1
        survived += len(batches) > len(before)
        killed += bool(hidden)
    assert killed > 0

    assert finish(start(shop, KILLS + 1)) == (0, b"")
    batches, hidden = look()
    assert len(batches) == survived + 2
    assert hidden == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", [".building-*", ".building-*/scratch/*.lines"], ids=["begun", "writing"])
def test_an_interrupted_build_leaves_nothing(moment, number, code, shop, tmp_path):
    process = start(shop, 0)
    wait_for(moment, process)
    process.send_signal(number)
    returned, complaint = finish(process)
    assert returned == code
    assert complaint == (b"Interrupted; nothing half written is visible.\n" if number == signal.SIGINT else b"")
    assert list(tmp_path.iterdir()) == []


def test_a_build_leaves_those_alone_that_are_running(shop):
    """Two builds of one moment and one of another, all at once."""
    processes = [start(shop, 1), start(shop, 1), start(shop, 2)]
    assert [finish(process) for process in processes] == [(0, b"")] * 3
    batches, hidden = look()
    assert [name.partition("-")[0] for name in batches] == ["20240601T090001Z", "20240601T090002Z"]
    assert hidden == []
