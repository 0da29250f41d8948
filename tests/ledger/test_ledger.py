"""The ledger: what it knows survives a crash, a loss and a damage, and reading it writes nothing."""

import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import csvexport
from csvexport.errors import BusyError, LedgerError
from csvexport.ledger import Arrival, Departure, Ledger, State, profile_lock, rebuild

KINDS = ("conversions", "calls", "orders")
MOMENT = datetime(2024, 6, 1, 9, tzinfo=UTC)


def batch_folder(out, number=0, profile="shop", kinds=KINDS):
    """A batch as a build leaves it, with a file of each kind."""
    built_at = MOMENT + timedelta(minutes=number)
    folder = out / profile / f"{built_at:%Y%m%dT%H%M%SZ}-{number:08x}"
    folder.mkdir(parents=True)
    files = [
        {"name": f"{kind}.csv", "kind": kind, "identifier": None, "rows": number + 1, "bytes": 10, "sha256": "ab" * 32}
        for kind in kinds
    ]
    files.append(
        {"name": "order_statuses.json", "kind": "schema", "identifier": None, "rows": 1, "bytes": 1, "sha256": "c"}
    )
    manifest = {"version": 1, "batch": folder.name, "profile": profile, "counter": 1, "files": files}
    manifest["built_at"] = built_at.isoformat()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def departure(file, address="sftp://host/drop/"):
    return Departure(f"{file}.csv", file, "sftp://host/…", address + file, "ab" * 32, 10)


def arrival(**facts):
    return Arrival(at=datetime.now(UTC), checked="size", modified=1717232400, **facts)


def everything(ledger):
    """All that a ledger can be asked."""
    batches = ledger.batches()
    return (
        batches,
        [ledger.deliveries(batch) for batch in batches],
        [ledger.sent(profile, kind) for profile in ("shop", "agency") for kind in KINDS],
        [ledger.last(profile, "drop", "sftp://host/drop/" + kind) for profile in ("shop", "agency") for kind in KINDS],
    )


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in [folder, *folder.rglob("*")]}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def ledger(out):
    with Ledger.open(out) as ledger:
        yield ledger


def test_batch_is_built_then_sending_then_delivered(out, ledger):
    batch = ledger.add(batch_folder(out))
    assert batch.states == dict.fromkeys(KINDS, State.BUILT)
    assert [file.name for file in batch.files] == ["conversions.csv", "calls.csv", "orders.csv"]
    ledger.begin(batch, "drop", [departure("conversions")])
    assert ledger.batch("shop", batch.name).states == {
        "conversions": State.SENDING,
        "calls": State.BUILT,
        "orders": State.BUILT,
    }
    assert ledger.last("shop", "drop", "sftp://host/drop/conversions") is None
    ledger.receive(batch, "drop", "conversions.csv", arrival(notes=("a note",)))
    assert ledger.sent("shop", "conversions") == []
    ledger.settle(batch, "conversions", State.DELIVERED)
    assert [sent.name for sent in ledger.sent("shop", "conversions")] == [batch.name]
    (delivery,) = ledger.deliveries(batch)
    assert delivery.arrival.notes == ("a note",)
    assert ledger.last("shop", "drop", "sftp://host/drop/conversions") == delivery


def test_what_counts_as_sent_stands_in_the_order_in_which_it_came_to_count(out, ledger):
    first, second, third = (ledger.add(batch_folder(out, number)) for number in range(3))
    for batch in (second, third, first):
        ledger.settle(batch, "conversions", State.CONFIRMED)
    ledger.settle(third, "conversions", State.DISCARDED)
    assert [batch.name for batch in ledger.sent("shop", "conversions")] == [second.name, first.name]


def test_address_is_kept_as_a_digest_only(out, ledger):
    batch = ledger.add(batch_folder(out))
    ledger.begin(batch, "drop", [departure("conversions", "https://host/secret-key/")])
    ledger.receive(batch, "drop", "conversions.csv", arrival())
    assert all(b"secret-key" not in path.read_bytes() for path in out.rglob("*") if path.is_file())


@pytest.mark.parametrize("seed", range(8))
def test_ledger_that_was_lost_is_restored_from_the_folders(out, seed):
    chance = random.Random(seed)
    with Ledger.open(out) as ledger:
        batches = [ledger.add(batch_folder(out, number, chance.choice(["shop", "agency"]))) for number in range(12)]
        for _ in range(60):
            batch, kind = chance.choice(batches), chance.choice(KINDS)
            act(ledger, chance, batch, kind)
        before = everything(ledger)
    if seed % 2:
        (out / "ledger.sqlite").unlink()
    else:
        (out / "ledger.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(LedgerError, match="csvexport ledger rebuild --out"):
        Ledger.open(out)
    with pytest.raises(LedgerError, match="csvexport ledger rebuild --out"):
        Ledger.reading(out)
    rebuilt = rebuild(out)
    assert (rebuilt.batches, rebuilt.unreadable, rebuilt.kept is None) == (12, (), bool(seed % 2))
    with Ledger.open(out) as ledger:
        assert everything(ledger) == before
    with Ledger.reading(out) as ledger:
        assert everything(ledger) == before


def act(ledger, chance, batch, kind):
    """Have something happen to a batch."""
    match chance.randrange(3):
        case 0:
            ledger.begin(batch, "drop", [departure(kind)])
        case 1:
            if any(delivery.file == f"{kind}.csv" for delivery in ledger.deliveries(batch)):
                ledger.receive(batch, "drop", f"{kind}.csv", arrival(is_taken=chance.random() < 0.5))
        case 2:
            ledger.settle(
                batch, kind, chance.choice([State.DELIVERED, State.CONFIRMED, State.DISCARDED, State.SUPERSEDED])
            )


def test_what_a_folder_tells_and_the_ledger_missed_is_taken_over(out):
    with Ledger.open(out) as ledger:
        batch = ledger.add(batch_folder(out))
        ledger.settle(batch, "orders", State.DELIVERED)
    before = (out / "ledger.sqlite").read_bytes()
    with Ledger.open(out) as ledger:
        ledger.begin(batch, "drop", [departure("conversions")])
    batch_folder(out, 1)
    (out / "ledger.sqlite").write_bytes(before)
    with Ledger.open(out) as ledger:
        ledger.sync("shop")
        assert [dict(one.states)["conversions"] for one in ledger.batches("shop")] == [State.SENDING, State.BUILT]


def test_reading_writes_nothing_and_sees_what_is_written_meanwhile(out, ledger):
    batch = ledger.add(batch_folder(out))
    ledger.settle(batch, "orders", State.CONFIRMED)
    batch_folder(out, 1)
    before = snapshot(out)
    with Ledger.reading(out) as reading:
        assert [dict(one.states)["orders"] for one in reading.batches()] == [State.CONFIRMED, State.BUILT]
    assert snapshot(out) == before


def test_reading_where_nothing_was_built_makes_nothing(out):
    with Ledger.reading(out) as reading:
        assert reading.batches() == []
    assert not out.exists()


def test_ledger_of_a_newer_version_is_left_alone(out):
    Ledger.open(out).__exit__(None, None, None)
    connection = sqlite3.connect(out / "ledger.sqlite")
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    with pytest.raises(LedgerError, match="newer csvexport"):
        Ledger.open(out)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_ledger_that_cannot_be_written_is_told(out):
    Ledger.open(out).__exit__(None, None, None)
    (out / "ledger.sqlite").chmod(stat.S_IRUSR)
    with pytest.raises(LedgerError, match="cannot be read or written"):
        Ledger.open(out)


def test_manifest_that_is_damaged_stops_nobody_from_restoring_the_rest(out):
    with Ledger.open(out) as ledger:
        ledger.add(batch_folder(out))
    (batch_folder(out, 1) / "manifest.json").write_text("{")
    rebuilt = rebuild(out)
    assert rebuilt.batches == 1
    assert "manifest.json" in rebuilt.unreadable[0]


def test_folder_of_a_settled_batch_may_go(out, ledger):
    batch = ledger.add(batch_folder(out))
    ledger.settle(batch, "conversions", State.DELIVERED)
    shutil.rmtree(batch.folder)
    assert [sent.name for sent in ledger.sent("shop", "conversions")] == [batch.name]
    ledger.settle(batch, "conversions", State.DISCARDED)
    assert ledger.sent("shop", "conversions") == []


def test_deliveries_of_a_batch_stay_known_when_its_folder_goes(out, ledger):
    batch = ledger.add(batch_folder(out))
    ledger.begin(batch, "drop", [departure("conversions")])
    ledger.receive(batch, "drop", "conversions.csv", arrival())
    before = ledger.deliveries(batch)
    shutil.rmtree(batch.folder)
    ledger.settle(batch, "conversions", State.DISCARDED)
    assert ledger.deliveries(batch) == before


def test_what_is_settled_stays_so_when_more_of_it_leaves(out, ledger):
    batch = ledger.add(batch_folder(out))
    for kind, state in zip(KINDS, (State.DELIVERED, State.DISCARDED, State.SUPERSEDED), strict=True):
        ledger.settle(batch, kind, state)
        before = ledger.batch("shop", batch.name).states[kind]
        ledger.begin(batch, "drop", [departure(kind)])
        assert ledger.batch("shop", batch.name).states[kind] is before is state


def test_ledger_tells_nothing_that_its_record_does_not(out, ledger):
    batch = ledger.add(batch_folder(out))
    # Where the record is written to before it appears.
    (out / "shop" / ".records" / f".{batch.name}.json.part").mkdir()
    with pytest.raises(LedgerError, match=rf"{batch.name}\.json: what becomes of the batch cannot be noted"):
        ledger.begin(batch, "drop", [departure("conversions")])
    assert ledger.batch("shop", batch.name).states["conversions"] is State.BUILT
    assert ledger.deliveries(batch) == []
    (out / "shop" / ".records" / f".{batch.name}.json.part").rmdir()
    ledger.sync("shop")
    assert ledger.batch("shop", batch.name).states["conversions"] is State.BUILT


def test_what_was_under_way_is_taken_over_as_its_folder_tells_it(out):
    with Ledger.open(out) as ledger:
        batch = ledger.add(batch_folder(out, kinds=("orders",)))
        ledger.begin(batch, "drop", [departure("orders")])
    before = (out / "ledger.sqlite").read_bytes()
    with Ledger.open(out) as ledger:
        ledger.settle(batch, "orders", State.DELIVERED)
    (out / "ledger.sqlite").write_bytes(before)
    with Ledger.open(out) as ledger:
        ledger.sync("shop")
        assert ledger.batch("shop", batch.name).states == {"orders": State.DELIVERED}


def test_reading_sees_what_sqlite_has_not_merged_yet(out, ledger):
    batch = ledger.add(batch_folder(out))
    ledger.settle(batch, "orders", State.CONFIRMED)
    shutil.rmtree(batch.folder)
    with Ledger.reading(out) as reading:
        assert reading.batch("shop", batch.name).states["orders"] is State.CONFIRMED


def test_last_delivery_to_a_place_is_the_one_that_began_last(out, ledger):
    for number in range(3):
        batch = ledger.add(batch_folder(out, number))
        ledger.begin(batch, "drop", [departure("orders")])
        ledger.receive(batch, "drop", "orders.csv", arrival(version=str(number)))
    assert ledger.last("shop", "drop", "sftp://host/drop/orders").arrival.version == "2"
    assert ledger.last("shop", "other", "sftp://host/drop/orders") is None
    assert ledger.last("agency", "drop", "sftp://host/drop/orders") is None


def test_deliveries_are_told_in_the_order_in_which_they_began(out, ledger):
    batch = ledger.add(batch_folder(out))
    for kind in ("orders", "calls", "conversions"):
        ledger.begin(batch, "drop", [departure(kind)])
    assert [delivery.kind for delivery in ledger.deliveries(batch)] == ["orders", "calls", "conversions"]


def test_record_of_a_newer_version_is_left_alone(out, ledger):
    batch = ledger.add(batch_folder(out))
    ledger.settle(batch, "orders", State.DELIVERED)
    record = out / "shop" / ".records" / f"{batch.name}.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"version": 1000}))
    assert "newer csvexport" in rebuild(out).unreadable[0]


def test_ledger_that_was_there_is_kept_and_nothing_else_beside_the_new_one(out):
    with Ledger.open(out) as ledger:
        batch = ledger.add(batch_folder(out))
        ledger.settle(batch, "orders", State.DELIVERED)
    (out / "ledger.sqlite").write_bytes(b"garbage")
    # What somebody who was killed has left, and a rebuilding that was.
    for left in ("ledger.sqlite-wal", "ledger.sqlite-shm", ".ledger.sqlite.part", ".ledger.sqlite.part-wal"):
        (out / left).write_bytes(b"left")
    rebuilt = rebuild(out)
    assert rebuilt.kept.read_bytes() == b"garbage"
    assert {path.name for path in out.iterdir()} == {"shop", "ledger.sqlite", ".ledger.sqlite.lock", rebuilt.kept.name}
    with Ledger.open(out) as ledger:
        assert [sent.name for sent in ledger.sent("shop", "orders")] == [batch.name]


def test_where_there_are_no_batches_nothing_is_restored(out):
    with pytest.raises(LedgerError, match="holds no batches"):
        rebuild(out)
    assert not out.exists()


def test_lock_is_held_by_one_and_the_other_is_told_by_whom(out):
    batch_folder(out)
    with profile_lock(out, "shop", "run"):
        with pytest.raises(BusyError, match=rf"csvexport run \(process {os.getpid()} on .*\) since \d{{4}}-.* UTC"):
            profile_lock(out, "shop", "send").__enter__()
        with profile_lock(out, "agency", "run"):
            pass
        with pytest.raises(BusyError):
            rebuild(out)
    with profile_lock(out, "shop", "send"):
        pass


HOLD = """
import sys, time
from pathlib import Path
from csvexport.ledger import profile_lock
with profile_lock(Path(sys.argv[1]), "shop", "run"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_lock_dies_with_its_process(out, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(csvexport.__file__).parents[1]))
    with subprocess.Popen([sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"process {holder.pid} "):
            profile_lock(out, "shop", "send").__enter__()
        holder.send_signal(signal.SIGKILL)
    with profile_lock(out, "shop", "send"):
        pass


def test_folder_of_somebody_else_beside_the_batches_is_no_batch(out):
    batch_folder(out)
    (out / "notes" / "extension").mkdir(parents=True)
    (out / "notes" / "extension" / "manifest.json").write_text("{}")
    with Ledger.reading(out) as reading:
        assert [batch.profile for batch in reading.batches()] == ["shop"]
    assert rebuild(out).unreadable == ()
