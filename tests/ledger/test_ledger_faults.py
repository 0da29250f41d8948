"""What goes wrong around a ledger is told with its cause, hinders nobody else, and is healed from the folders."""

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import csvexport
from csvexport.errors import LedgerError
from csvexport.ledger import Arrival, Departure, Ledger, State, rebuild
from csvexport.ledger.database import MIGRATIONS, Database

KINDS = ("conversions", "calls", "orders")
MOMENT = datetime(2024, 6, 1, 9, tzinfo=UTC)
NOBODY = 65534


def batch_folder(out, number=0, profile="shop"):
    """A batch as a build leaves it."""
    built_at = MOMENT + timedelta(minutes=number)
    folder = out / profile / f"{built_at:%Y%m%dT%H%M%SZ}-{number:08x}"
    folder.mkdir(parents=True)
    files = [{"name": f"{kind}.csv", "kind": kind, "rows": 1, "bytes": 10, "sha256": "ab" * 32} for kind in KINDS]
    manifest = {"version": 1, "batch": folder.name, "counter": 1, "built_at": built_at.isoformat(), "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def departure(kind):
    return Departure(f"{kind}.csv", kind, "sftp://host/…", f"sftp://host/drop/{kind}", "ab" * 32, 10)


def record(batch):
    """Where what the ledger says of a batch stands as a file."""
    return batch.folder.parent / ".records" / f"{batch.name}.json"


def states(out, profile="shop", opening=Ledger.reading):
    with opening(out) as ledger:
        if opening == Ledger.open:
            ledger.sync(profile)
        return [dict(batch.states) for batch in ledger.batches(profile)]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def delivered(out):
    """A batch that was delivered; the ledger is closed."""
    with Ledger.open(out) as ledger:
        batch = ledger.add(batch_folder(out))
        for kind in KINDS:
            ledger.settle(batch, kind, State.DELIVERED)
    return batch


@pytest.mark.parametrize("opening", [Ledger.open, Ledger.reading])
@pytest.mark.parametrize("content", [b"garbage" * 1000, b"", None], ids=["garbage", "empty", "lost"])
def test_damage_and_loss_name_the_ledger_and_the_folder_to_restore(out, delivered, opening, content):
    path = out / "ledger.sqlite"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        LedgerError, match=rf"^{re.escape(str(path))} is (damaged|lost).* --out {re.escape(str(out))} "
    ) as told:
        opening(out)
    assert "csvexport-" not in str(told.value).replace(str(out), "")
    assert rebuild(out).batches == 1
    assert states(out) == [dict.fromkeys(KINDS, State.DELIVERED)]
    assert delivered.folder.is_dir()


def test_ledger_of_a_newer_version_is_named_when_it_is_only_read(out, delivered):
    with sqlite3.connect(out / "ledger.sqlite") as connection:
        connection.execute("PRAGMA user_version = 1000")
    connection.close()
    with pytest.raises(LedgerError, match=re.escape(f"{out / 'ledger.sqlite'} was written by a newer csvexport")):
        Ledger.reading(out)
    assert delivered.folder.is_dir()


def test_database_with_the_tables_of_another_program_is_told_as_damaged(out):
    out.mkdir()
    with sqlite3.connect(out / "ledger.sqlite") as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.close()
    with Ledger.open(out) as ledger, pytest.raises(LedgerError, match="is damaged; csvexport ledger rebuild"):
        ledger.batches()


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_of_any_kind_ends_in_a_traceback(out, seed):
    with Ledger.open(out) as ledger:
        for number in range(4):
            batch = ledger.add(batch_folder(out, number))
            ledger.begin(batch, "drop", [departure(kind) for kind in KINDS])
            ledger.receive(batch, "drop", "orders.csv", Arrival(at=datetime.now(UTC), notes=("a note",)))
            for kind in KINDS:
                ledger.settle(batch, kind, State.DELIVERED)
    whole, chance, told = (out / "ledger.sqlite").read_bytes(), random.Random(seed), 0
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(8):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        (out / "ledger.sqlite").write_bytes(damaged[: chance.choice([len(whole), chance.randrange(len(whole))])])
        try:
            with Ledger.reading(out) as ledger:
                for batch in ledger.batches():
                    ledger.deliveries(batch)
                ledger.last("shop", "drop", "sftp://host/drop/orders")
        except LedgerError as error:
            told += 1
            assert str(out / "ledger.sqlite") in str(error)  # noqa: PT017 - not each damage can be seen
    assert told > 20


def test_tables_of_every_version_are_brought_up_to_this_one(out, tmp_path):
    with Ledger.open(tmp_path / "new"):
        pass
    folder = batch_folder(out)
    for version in range(1, len(MIGRATIONS) + 1):
        (out / "ledger.sqlite").unlink(missing_ok=True)
        with sqlite3.connect(out / "ledger.sqlite") as connection:
            for script in MIGRATIONS[:version]:
                connection.executescript(script)
            connection.execute(f"PRAGMA user_version = {version}")
            numbers = {"number": 1, "changed": 1} if version > 2 else {}
            columns = {"profile": "shop", "name": folder.name, "built_at": MOMENT.isoformat(), **numbers}
            connection.execute(
                f"INSERT INTO batches ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                [*columns.values()],
            )
            connection.execute(
                "INSERT INTO states VALUES ('shop', ?, 0, 'orders', 'confirmed', NULL, 1)", [folder.name]
            )
        connection.close()
        with Ledger.open(out) as ledger:
            assert [batch.name for batch in ledger.sent("shop", "orders")] == [folder.name]
        assert tables(out) == tables(tmp_path / "new")


def tables(out):
    """The columns of all tables, and the version."""
    with sqlite3.connect(out / "ledger.sqlite") as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY name")]
        found = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
        version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return found, version


@pytest.mark.parametrize("opening", [Ledger.open, Ledger.reading])
@pytest.mark.parametrize("state", [State.CONFIRMED, State.DISCARDED, State.SUPERSEDED])
def test_decision_that_a_crash_kept_from_the_ledger_is_taken_over(out, delivered, state, opening):
    before = (out / "ledger.sqlite").read_bytes()
    with Ledger.open(out) as ledger:
        ledger.settle(delivered, "orders", state)
    (out / "ledger.sqlite").write_bytes(before)
    assert states(out, opening=opening) == [dict.fromkeys(KINDS, State.DELIVERED) | {"orders": state}]


def test_batch_without_its_record_stays_as_the_ledger_knows_it(out, delivered):
    record(delivered).unlink()
    assert states(out, opening=Ledger.open) == [dict.fromkeys(KINDS, State.DELIVERED)]
    with Ledger.open(out) as ledger:
        assert ledger.add(delivered.folder).states == dict.fromkeys(KINDS, State.DELIVERED)
        ledger.settle(delivered, "orders", State.DISCARDED)
    expected = dict.fromkeys(KINDS, State.DELIVERED) | {"orders": State.DISCARDED}
    assert states(out) == [expected]
    rebuild(out)
    assert states(out) == [expected]


def test_file_that_is_under_way_stays_so_without_the_record(out):
    with Ledger.open(out) as ledger:
        batch = ledger.add(batch_folder(out))
        ledger.begin(batch, "drop", [departure("orders")])
        record(batch).unlink()
        ledger.sync("shop")
        assert ledger.batch("shop", batch.name).states["orders"] is State.SENDING
        assert [delivery.file for delivery in ledger.deliveries(batch)] == ["orders.csv"]


def test_folders_that_tell_nothing_new_are_neither_read_nor_stored_again(out, delivered):
    with Ledger.open(out) as ledger:
        ledger.add(batch_folder(out, 1))
        ledger.settle(delivered, "orders", State.CONFIRMED)
    before = (out / "ledger.sqlite").read_bytes()
    for told in (*out.glob("shop/*/manifest.json"), *out.glob("shop/.records/*")):
        told.write_text("{", encoding="utf-8")
    with Ledger.open(out) as ledger:
        ledger.sync("shop")
    assert (out / "ledger.sqlite").read_bytes() == before


def test_batches_whose_folders_were_removed_still_count_after_a_rebuild_in_the_order_of_their_confirming(out):
    with Ledger.open(out) as ledger:
        batches = [ledger.add(batch_folder(out, number)) for number in range(3)]
        for batch in (batches[1], batches[0], batches[2]):
            ledger.settle(batch, "conversions", State.CONFIRMED)
        before = ledger.batches("shop")
    for batch in batches:
        shutil.rmtree(batch.folder)
    assert rebuild(out).batches == 3
    with Ledger.reading(out) as ledger:
        assert ledger.batches("shop") == before
        assert [batch.name for batch in ledger.sent("shop", "conversions")] == [
            batches[number].name for number in (1, 0, 2)
        ]


def test_what_an_older_version_left_in_the_folders_is_read(out):
    folder = batch_folder(out)
    said = {"version": 1, "states": {"orders": {"state": "confirmed", "at": None, "number": 7}}, "deliveries": []}
    (folder / "delivery.json").write_text(json.dumps(said))
    assert rebuild(out).batches == 1
    with Ledger.open(out) as ledger:
        assert [batch.name for batch in ledger.sent("shop", "orders")] == [folder.name]
        later = ledger.add(batch_folder(out, 1))
        ledger.settle(later, "orders", State.CONFIRMED)
        assert [batch.name for batch in ledger.sent("shop", "orders")] == [folder.name, later.name]


def killed(*_):
    raise KeyboardInterrupt


def test_kill_between_the_record_and_the_ledger_makes_the_change_count_once(out, delivered, monkeypatch):
    with Ledger.open(out) as ledger:
        batch = ledger.add(batch_folder(out, 1))
        monkeypatch.setattr(Database, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            ledger.settle(batch, "orders", State.CONFIRMED)
        monkeypatch.undo()
    assert states(out)[1]["orders"] is State.CONFIRMED
    assert states(out, opening=Ledger.open)[1]["orders"] is State.CONFIRMED
    assert delivered.name != batch.name


def test_batch_that_another_open_ledger_added_can_be_added_again(out):
    with Ledger.open(out) as ledger, Ledger.open(out) as other:
        assert ledger.batches("shop") == []
        batch = other.add(batch_folder(out))
        assert ledger.add(batch.folder) == batch
        assert ledger.batches("shop") == [batch]


def test_damaged_batch_of_one_profile_does_not_stop_another(out):
    with Ledger.open(out) as ledger:
        ledger.add(batch_folder(out))
    (batch_folder(out, profile="agency") / "manifest.json").write_text("{")
    with Ledger.reading(out, ["shop"]) as ledger:
        assert [batch.profile for batch in ledger.batches()] == ["shop"]
    with pytest.raises(LedgerError, match=r"agency.*only if nothing of the batch was ever sent, move it away"):
        Ledger.reading(out)


@pytest.mark.parametrize(("fact", "value"), [("rows", None), ("bytes", "10"), ("sha256", 7), ("rows", True)])
def test_manifest_with_a_wrong_fact_is_blamed_itself(out, fact, value):
    folder = batch_folder(out)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][0][fact] = value
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(
        LedgerError, match=f"^{re.escape(str(folder / 'manifest.json'))}: what the batch holds cannot be read"
    ):
        states(out)
    assert [line.startswith(str(folder)) for line in rebuild(out).unreadable] == [True]


GROW = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_ledger_faults import batch_folder
from csvexport.errors import LedgerError
from csvexport.ledger import Ledger, State
out = Path(sys.argv[1])
with Ledger.open(out) as ledger:
    first = ledger.add(batch_folder(out))
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        for number in range(1, 1000):
            ledger.add(batch_folder(out, number))
    except LedgerError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ledger.settle(first, "orders", State.CONFIRMED)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no files")
def test_ledger_that_cannot_grow_says_why_and_works_again_once_it_can(out, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(csvexport.__file__).parents[1]))
    command = [sys.executable, "-c", GROW, str(out), str(Path(__file__).parent)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.match(
        rf"{re.escape(str(out / 'ledger.sqlite'))}: cannot be read or written: (disk I/O error|.*full)", said
    )
    assert states(out)[0]["orders"] is State.CONFIRMED
    assert len(states(out)) == len(list((out / "shop").glob("2*")))


CLOSED = """
import os, sys
from pathlib import Path
from csvexport.errors import LedgerError
from csvexport.ledger import Ledger, profile_lock, rebuild
os.chdir(sys.argv[1])
out = Path("out")
os.setuid(int(sys.argv[2]))
def opened(out):
    ledger = Ledger.open(out)
    ledger.sync("shop")
    return ledger
for act in (Ledger.reading, opened, rebuild, lambda out: profile_lock(out, "shop", "run").__enter__()):
    try:
        act(out).batches("shop")
    except LedgerError as error:
        print(error)
    else:
        print("worked")
"""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("closed", "mode", "lines"),
    [
        ("shop", 0o700, r"(\S+: cannot be .*\n){4}"),
        (".", 0o700, r"(\S+: cannot be .*\n){4}"),
        ("ledger.sqlite", 0o600, r"(\S+: cannot be .*\n){4}"),
        (".", 0o755, r"worked\nworked\n(\S+: cannot be .*\n){2}"),
    ],
)
def test_folder_of_another_user_is_told_and_read_where_it_may_be(delivered, monkeypatch, closed, mode, lines):
    monkeypatch.setenv("PYTHONPATH", str(Path(csvexport.__file__).parents[1]))
    # Somebody else may not pass through the folders of the tests.
    with tempfile.TemporaryDirectory() as elsewhere:
        Path(elsewhere).chmod(0o755)
        assert_told(Path(shutil.move(delivered.folder.parents[1], elsewhere)), closed, mode, lines)


def assert_told(out, closed, mode, lines):
    for path in (out, *out.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (out / closed).chmod(mode)
    command = [sys.executable, "-c", CLOSED, str(out.parent), str(NOBODY)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(lines, said), said
