"""What a scheduler and a person rely on: everything is delivered, nothing twice, and what failed is finished first."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.ledger import profile_lock

PROFILE = """
counter = 2215573
timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers.Yclid = "yclid"

[[goals]]
target = "order_paid"
time = "paid"
price = "sum"

[orders]
id = "id"
created = "created"
phones = "phone"
revenue = "sum"
always = "PAID"

[[deliver]]
name = "drop"
what = "conversions"
to = "drop/{{ batch }}/{{ file }}"

[[deliver]]
name = "pickup"
what = "orders"
to = "pickup/orders.csv"
"""

HEADER = "id,created,paid,sum,phone,yclid\n"


def deal(number, price=100):
    paid, phone = f"2024-05-{number % 9 + 21} 12:00:{number % 60:02}", f"+7 000 111-22-{number % 90 + 10}"
    return f"{number},2024-05-20 10:00:00,{paid},{price},{phone},{10**18 + number}\n"


@pytest.fixture
def shop(tmp_path):
    """A shop whose export grows."""
    return Shop(tmp_path)


class Shop:
    def __init__(self, folder):
        self.folder = folder
        self.now = datetime(2024, 6, 1, 9, tzinfo=UTC)
        self.profile(PROFILE)
        self.export(deal(1), deal(2))

    def profile(self, text):
        (self.folder / "profile.toml").write_text(text, encoding="utf-8")
        self.name = self.folder.name

    def export(self, *deals):
        (self.folder / "deals.csv").write_text(HEADER + "".join(deals), encoding="utf-8")

    def __call__(self, command, *arguments, code=0):
        """Run a command as a machine does; give its JSON document."""
        done = CliRunner().invoke(app, [command, *map(str, arguments), "--json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def run(self, *, code=0):
        """A minute later, a scheduler calls."""
        self.now += timedelta(minutes=1)
        return self("run", "profile.toml", "--now", self.now.isoformat(), code=code)

    def build(self, *arguments):
        self.now += timedelta(minutes=1)
        return self("build", "profile.toml", "--now", self.now.isoformat(), *arguments)

    def dropped(self):
        """The yclids and prices of every file that was dropped, in order of the files."""
        files = sorted(self.folder.glob("drop/*/*.csv"))
        return [line.split(",") for file in files for line in file.read_text().splitlines()[1:]]

    def states(self, batch=None):
        """The states of all batches by name, or of one."""
        found = {entry["batch"]: entry["states"] for entry in self("history")["batches"]}
        return found if batch is None else found[batch]


def test_run_delivers_what_is_new_and_nothing_twice(shop):
    first = shop.run()
    assert [(made["destination"], made["file"], made["state"]) for made in first["deliveries"]] == [
        ("drop", "conversions-Yclid.csv", "delivered"),
        ("pickup", "orders.csv", "delivered"),
    ]
    assert [row[0] for row in shop.dropped()] == [str(10**18 + 1), str(10**18 + 2)]

    again = shop.run()
    assert again["build"]["folder"] is None
    assert again["deliveries"] == []
    assert again["build"]["issues"]["already-sent"] == 2

    shop.export(deal(1), deal(2), deal(3))
    shop.run()
    assert [row[0] for row in shop.dropped()] == [str(10**18 + number) for number in (1, 2, 3)]
    assert len(shop.folder.joinpath("pickup/orders.csv").read_text().splitlines()) == 4


def test_conversion_goes_again_when_its_price_changes_and_again_when_it_changes_back(shop):
    for price in (100, 250, 100):
        shop.export(deal(1, price), deal(2))
        shop.run()
    prices = [row[3] for row in shop.dropped() if row[0] == str(10**18 + 1)]
    assert prices == ["100.00", "250.00", "100.00"]
    assert [row[0] for row in shop.dropped()].count(str(10**18 + 2)) == 1


def test_what_was_only_built_does_not_count_as_sent(shop):
    built = shop.build()
    assert shop.states(Path(built["folder"]).name) == {"conversions": "built", "orders": "built"}
    assert shop.build()["counts"]["conversions"]["accepted"] == 2


def test_unchanged_snapshot_makes_no_batch_and_keeps_its_modification_time(shop):
    shop.run()
    before = shop.folder.joinpath("pickup/orders.csv").stat()
    again = shop.run()
    assert again["build"]["folder"] is None
    assert again["build"]["same_as"] in shop.states()
    shop.export(deal(1), deal(2), deal(4))
    shop("discard", shop.run()["build"]["batch"])
    assert shop.run()["deliveries"][1]["state"] == "unchanged"
    assert before.st_mtime_ns < shop.folder.joinpath("pickup/orders.csv").stat().st_mtime_ns


def test_delivery_that_failed_is_finished_first_under_its_own_name(shop):
    (shop.folder / "drop").write_text("no folder")
    failed = shop.run(code=4)
    batch = failed["build"]["batch"]
    assert [made["state"] for made in failed["deliveries"]] == ["failed", "delivered"]
    assert shop.states(batch) == {"conversions": "sending", "orders": "delivered"}

    # Orders go on, conversions wait for those that are under way.
    shop.export(deal(1), deal(2), deal(3))
    later = shop.run(code=4)
    assert list(later["build"]["counts"]) == ["orders"]
    assert [made["batch"] == batch for made in later["deliveries"]] == [True, False]

    (shop.folder / "drop").unlink()
    last = shop.run()
    assert last["deliveries"][0]["batch"] == batch
    assert shop.states(batch)["conversions"] == "delivered"
    assert [row[0] for row in shop.dropped()] == [str(10**18 + number) for number in (1, 2, 3)]


def test_older_snapshot_never_goes_over_a_newer_one(shop):
    (shop.folder / "pickup").write_text("no folder")
    first = shop.run(code=4)["build"]["batch"]
    shop.export(deal(1), deal(2), deal(3))
    second = shop.run(code=4)["build"]["batch"]
    (shop.folder / "pickup").unlink()
    done = shop.run()
    assert {made["batch"] for made in done["deliveries"]} == {second}
    assert shop.states(first)["orders"] == "superseded"
    assert len(shop.folder.joinpath("pickup/orders.csv").read_text().splitlines()) == 4


def test_send_takes_the_newest_batch_and_refuses_events_that_went_with_another(shop):
    first = Path(shop.build()["folder"]).name
    second = Path(shop.build()["folder"]).name
    planned = shop("send", "profile.toml", "--dry-run")
    assert {(made["batch"], made["state"]) for made in planned["deliveries"]} == {(second, "planned")}
    assert not shop.folder.joinpath("drop").exists()
    shop("send", "profile.toml")
    assert shop.states(second) == {"conversions": "delivered", "orders": "delivered"}
    assert shop("send", "profile.toml")["deliveries"] == []

    refused = shop("send", "profile.toml", first, code=4)
    assert [item["what"] for item in refused["refused"]] == ["conversions"]
    assert shop.states(first) == {"conversions": "built", "orders": "superseded"}
    assert len(shop.dropped()) == 2


def test_confirmed_batch_counts_as_sent_and_a_discarded_one_does_not(shop):
    batch = Path(shop.build()["folder"]).name
    confirmed = shop("confirm", batch)
    assert confirmed["states"] == {"conversions": "confirmed", "orders": "confirmed"}
    assert shop.build()["folder"] is None
    shop("discard", shop.folder / "out" / shop.name / batch)
    assert shop.build()["counts"]["conversions"]["accepted"] == 2


def test_confirming_what_went_with_another_batch_is_told(shop):
    first, second = (Path(shop.build()["folder"]).name for _ in range(2))
    assert shop("confirm", first)["repeated"] == {}
    assert shop("confirm", second)["repeated"] == {"conversions": 2}


def test_send_to_one_destination_leaves_the_other_kind_alone(shop):
    batch = Path(shop.build()["folder"]).name
    shop("send", "profile.toml", "--to", "pickup")
    assert shop.states(batch) == {"conversions": "built", "orders": "delivered"}
    shop("send", "profile.toml", "--to", "nowhere", code=2)


def test_kind_with_two_destinations_is_delivered_when_both_have_it(shop):
    shop.profile(
        PROFILE + '\n[[deliver]]\nname = "archive"\nwhat = "conversions"\nto = "archive/{{ batch }}-{{ file }}"\n'
    )
    (shop.folder / "archive").write_text("no folder")
    batch = shop.run(code=4)["build"]["batch"]
    assert shop.states(batch)["conversions"] == "sending"
    (shop.folder / "archive").unlink()
    done = shop.run()
    assert [(made["destination"], made["state"]) for made in done["deliveries"]] == [("archive", "delivered")]
    assert len(shop.dropped()) == 2


def test_run_beside_another_says_who_is_at_work_and_ends_well(shop):
    with profile_lock(shop.folder / "out", shop.name, "send"):
        done = CliRunner().invoke(app, ["run", "profile.toml"])
        assert done.exit_code == 0
        assert f"process {os.getpid()}" in done.stderr
        assert "csvexport send" in done.stderr
        assert "process" in shop("run", "profile.toml")["busy"]
        shop("send", "profile.toml", code=4)
    assert not shop.folder.joinpath("drop").exists()


def test_reading_commands_write_nothing(shop):
    shop.run()
    before = {path: path.stat().st_mtime_ns for path in shop.folder.rglob("*")}
    shop("history")
    shop("check", "profile.toml", "--now", shop.now.isoformat())
    shop("send", "profile.toml", "--dry-run")
    assert {path: path.stat().st_mtime_ns for path in shop.folder.rglob("*")} == before


def test_folder_of_a_batch_may_go_once_its_keys_are_merged(shop):
    for number in range(3, 15):
        shop.export(*(deal(one) for one in range(1, number)))
        shop.run()
    shutil.rmtree(next(iter(sorted(path for path in (shop.folder / "out" / shop.name).glob("2*")))))
    assert shop.run()["build"]["folder"] is None


def test_profile_without_destinations_cannot_be_run_or_sent(shop):
    shop.profile(PROFILE.partition("[[deliver]]")[0])
    for command in ("run", "send"):
        assert "[[deliver]]" in shop(command, "profile.toml", code=2)["error"]


def test_journal_tells_every_step_with_batch_and_destination(shop):
    done = CliRunner().invoke(
        app, ["run", "profile.toml", "--now", shop.now.isoformat(), "--quiet", "--log", "run.log"]
    )
    assert (done.exit_code, done.output) == (0, "")
    lines = [json.loads(line) for line in Path("run.log").read_text().splitlines()]
    told = [(line["event"], line.get("destination")) for line in lines]
    assert told == [
        ("began", None),
        ("built", None),
        ("sending", "drop"),
        ("delivered", "drop"),
        ("sending", "pickup"),
        ("delivered", "pickup"),
        ("completed", None),
        ("completed", None),
        ("ended", None),
    ]
    assert len({line["batch"] for line in lines if "batch" in line}) == 1


def test_missing_secret_is_told_before_anything_is_noted(shop):
    secret = 'what = "orders"\nto = "env:ORDERS_URL"\n'
    shop.profile(PROFILE.replace('what = "orders"\nto = "pickup/orders.csv"\n', secret))
    done = shop.run(code=4)
    assert done["refused"][0]["what"] == "pickup"
    assert done["refused"][0]["problem"].startswith("env:ORDERS_URL")
    assert shop.states(done["build"]["batch"]) == {"conversions": "delivered", "orders": "built"}


def test_missing_password_is_told_with_its_destination_once(shop):
    shop.profile(PROFILE.replace('"pickup/orders.csv"', '"sftp://shop@localhost/orders.csv"\npassword = "env:NONE"'))
    done = CliRunner().invoke(app, ["run", "profile.toml", "--now", shop.now.isoformat(), "--quiet"])
    assert done.exit_code == 4
    assert done.stderr == "pickup: env:NONE: the environment variable NONE is not set\n"


def test_two_runs_at_the_same_moment_deliver_once(shop):
    command = [sys.executable, "-m", "csvexport", "run", "profile.toml", "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(shop.dropped()) == 2
    assert all("busy" in one or one["build"] for one in said)
