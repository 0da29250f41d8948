"""A batch belongs to its profile and counter, whatever another profile is called, and newer is what was built later."""

import json
import shutil
import time

import pytest
from shops import PROFILE, Shop, deal
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.ledger import profile_lock

COMMANDS = [
    ["run", "profile.toml"],
    ["build", "profile.toml"],
    ["check", "profile.toml"],
    ["send", "profile.toml"],
    ["send", "profile.toml", "--dry-run"],
    ["prune", "profile.toml"],
    ["history", "profile.toml"],
]


@pytest.fixture
def clients(tmp_path, monkeypatch):
    """Two clients' profiles of one name; the batches of both lie in one folder, and the first was there before."""
    shops = []
    for name in ("a", "b"):
        folder = tmp_path / name / "crm"
        folder.mkdir(parents=True)
        shops.append(Shop(folder))
    monkeypatch.chdir(tmp_path / "a" / "crm")
    shops[0].block("drop")
    assert shops[0]("run", "profile.toml", "--out", tmp_path / "out", "--now", "2024-06-01T09:00:00Z", code=4)
    return shops


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_batches_of_another_profile_of_this_name_are_left_alone(clients, tmp_path, monkeypatch, command):
    monkeypatch.chdir(clients[1].folder)
    said = clients[1](*command, "--out", tmp_path / "out", code=2)["error"]
    assert str(tmp_path / "a" / "crm" / "profile.toml") in said
    assert "--out DIR" in said
    assert not (clients[1].folder / "drop").exists()
    assert clients[1]("run", "profile.toml", "--now", "2024-06-01T09:00:00Z")["deliveries"]


def test_profile_that_was_moved_is_told_and_goes_on(clients, tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.chdir(clients[1].folder)
    assert "is still there" in clients[1]("ledger", "adopt", "profile.toml", "--out", out, code=2)["error"]
    moved = tmp_path / "moved" / "crm"
    shutil.move(tmp_path / "a" / "crm", moved)
    monkeypatch.chdir(moved)
    shop = clients[0]
    said = shop("run", "profile.toml", "--out", out, code=2)["error"]
    assert f"csvexport ledger adopt profile.toml --out {out}" in said
    assert shop("ledger", "adopt", "profile.toml", "--out", out)["before"].endswith("a/crm/profile.toml")
    (moved / "drop").unlink()
    assert shop("run", "profile.toml", "--out", out, "--now", "2024-06-01T09:05:00Z")["deliveries"]


def test_profile_that_was_moved_together_with_its_batches_goes_on(shop, tmp_path_factory, monkeypatch):
    shop.run()
    moved = tmp_path_factory.mktemp("elsewhere") / shop.folder.name
    shutil.copytree(shop.folder, moved)
    monkeypatch.chdir(moved)
    # The file of orders goes to where the profile is now; what was sent stays sent.
    assert {file["kind"] for file in shop.run()["build"]["files"]} == {"orders"}


def test_batch_of_another_counter_is_not_sent(shop):
    shop.block("drop")
    batch = shop.run(code=4)["build"]["batch"]
    shop.open("drop")
    shop.profile(PROFILE.replace("2215573", "3326684"))
    refused = shop.run(code=4)["refused"]
    assert [(item["batch"], "2215573" in item["problem"]) for item in refused] == [(batch, True)]
    assert not shop.dropped()
    shop.profile(PROFILE)
    shop.run()
    assert len(shop.dropped()) == 2


@pytest.mark.parametrize("first", ["counter = 2215573", ""])
def test_counter_that_is_added_or_taken_out_makes_nothing_go_again(shop, first):
    without = PROFILE.replace("counter = 2215573", "")
    profiles = [PROFILE, without] if first else [without, PROFILE]
    for number, profile in enumerate((*profiles, *profiles), 1):
        shop.profile(profile)
        shop.export(*(deal(own) for own in range(1, number + 1)))
        shop.run()
    assert len(shop.dropped()) == 4


def test_clock_that_ran_ahead_once_stops_nothing_and_is_told_once(shop):
    shop("run", "profile.toml", "--now", "2024-06-21T09:00:00Z")
    clocks = []
    for number in range(3, 6):
        shop.export(*(deal(own) for own in range(1, number + 1)))
        clocks.append(shop.run()["build"]["clock"])
        assert f"\n{number};".encode() in (shop.folder / "pickup" / "orders.csv").read_bytes()
    assert len(shop.dropped()) == 5
    assert [clock is not None for clock in clocks] == [True, False, False]
    assert shop.run()["build"]["folder"] is None


def test_run_that_finds_another_hanging_says_so_with_exit_code_4(shop, monkeypatch):
    shop.run()
    with profile_lock(shop.folder / "out", shop.folder.name, "run") as hold:
        hold.begin("sending to drop", 5)
        assert "busy" in shop.run()
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 100)
        done = CliRunner().invoke(app, ["run", "profile.toml", "--json"])
        assert done.exit_code == 4
        assert "longer than its limits allow" in json.loads(done.stdout)["busy"]


@pytest.mark.parametrize("forged", ["[]", '{"pid": "\\u001b[2J"}', "\\xff", '{"pid": [], "until": "x"}', "9" * 5000])
def test_forged_note_of_who_is_at_work_is_no_traceback(shop, forged):
    shop.run()
    with profile_lock(shop.folder / "out", shop.folder.name, "run"):
        (shop.folder / "out" / shop.folder.name / ".lock.json").write_text(forged, encoding="utf-8")
        assert "busy" in shop.run()


@pytest.mark.parametrize("forged", ["", "{}", "[]", "\x00", '{"profile": 7}'])
def test_forged_note_of_whose_batches_these_are_is_no_traceback(shop, forged):
    shop.run()
    (shop.folder / "out" / shop.folder.name / ".profile.json").write_text(forged, encoding="utf-8")
    assert CliRunner().invoke(app, ["run", "profile.toml"]).exit_code in {2, 4}
