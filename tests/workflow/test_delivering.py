"""What a scheduler and a person rely on: everything is delivered, nothing twice, and what failed is finished first."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from shops import PROFILE, deal
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.ledger import profile_lock

# Calls beside conversions, and contacts beside orders.
WIDE = (
    PROFILE.replace('what = "conversions"', 'what = ["conversions", "calls"]')
    + """
[calls]
when = { id = ["2", "3"] }
time = "paid"

[contacts]
id = "id"
created = "created"
phones = "phone"

[[deliver]]
name = "people"
what = "contacts"
to = "people/contacts.csv"
"""
)


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
    assert ";100.00" in shop.folder.joinpath("pickup/orders.csv").read_text().splitlines()[1]
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
    assert "were sent with another batch already" in shop("confirm", second, code=2)["error"]
    assert shop.states(second)["conversions"] == "built"
    assert shop("confirm", second, "--force")["repeated"] == {"conversions": 2}


def test_confirming_what_is_under_way_with_another_batch_is_refused(shop):
    shop.block("drop")
    under_way = shop.run(code=4)["build"]["batch"]
    built = shop.batch("--only", "conversions")
    assert "under way" in shop("confirm", built, code=2)["error"]
    shop.open("drop")
    shop.run()
    assert shop.states(under_way)["conversions"] == "delivered"
    assert len(shop.dropped()) == 2


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
    (shop.folder / "out" / "ledger.sqlite").unlink()
    shop("ledger", "rebuild")
    assert shop.run()["build"]["folder"] is None


def test_discarding_is_refused_where_the_keys_of_others_would_be_lost(shop):
    for number in range(3, 15):
        shop.export(*(deal(one) for one in range(1, number)))
        shop.run()
    first, second, *_ = sorted(path for path in (shop.folder / "out" / shop.name).glob("2*"))
    shutil.rmtree(first)
    assert f"csvexport discard {first.name}" in shop("discard", second, code=4)["error"]
    assert shop.states(second.name)["conversions"] == "delivered"
    shop("discard", first.name)
    assert shop.run()["build"]["counts"]["conversions"]["accepted"] == 2


def test_batch_that_was_discarded_is_not_taken_for_the_one_built_in_its_stead(shop):
    moment = ("build", "profile.toml", "--now", shop.now.isoformat())
    first = Path(shop(*moment)["folder"]).name
    assert Path(shop(*moment)["folder"]).name == first
    shop("discard", first)
    second = Path(shop(*moment)["folder"]).name
    assert second != first
    assert shop.states(second)["conversions"] == "built"


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


def test_missing_secret_hinders_no_other_destination(shop):
    secret = 'what = "orders"\nto = "env:ORDERS_URL"\n'
    shop.profile(PROFILE.replace('what = "orders"\nto = "pickup/orders.csv"\n', secret))
    done = shop.run(code=4)
    assert done["refused"][0]["what"] == "pickup"
    assert done["refused"][0]["problem"].startswith("env:ORDERS_URL")
    assert shop.states(done["build"]["batch"]) == {"conversions": "delivered", "orders": "sending"}


def test_missing_password_is_told_with_its_destination_once(shop):
    shop.profile(PROFILE.replace('"pickup/orders.csv"', '"sftp://shop@localhost/orders.csv"\npassword = "env:NONE"'))
    done = CliRunner().invoke(app, ["run", "profile.toml", "--now", shop.now.isoformat(), "--quiet"])
    assert done.exit_code == 4
    assert done.stderr == "pickup: env:NONE: the environment variable NONE is not set\n"
    (batch,) = shop("history")["batches"]
    assert batch["states"] == {"conversions": "delivered", "orders": "sending"}
    assert [(one["destination"], one["arrived_at"] is not None) for one in batch["deliveries"]] == [
        ("drop", True),
        ("pickup", False),
    ]


def test_two_runs_at_the_same_moment_deliver_once(shop):
    command = [sys.executable, "-m", "csvexport", "run", "profile.toml", "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(shop.dropped()) == 2
    assert all("busy" in one or one["build"] for one in said)


@pytest.mark.parametrize("state", ["delivered", "sending", "confirmed"])
def test_older_state_is_refused_once_a_newer_one_went(shop, state):
    shop("confirm", shop.batch("--only", "orders"))
    shop.export(deal(1))
    older = shop.batch("--only", "orders", minutes=30)
    shop.export(deal(1), deal(2), deal(3))
    # The clock is set back, which makes nothing older.
    newer = shop.batch("--only", "orders", minutes=-10)
    if state == "confirmed":
        shop("confirm", newer)
    elif state == "sending":
        shop.block("pickup")
        shop("send", "profile.toml", code=4)
    else:
        shop("send", "profile.toml")
    if state == "confirmed":
        refused = shop("send", "profile.toml", older, code=4)["refused"]
        assert [(item["batch"], item["what"]) for item in refused] == [(older, "orders")]
        assert refused[0]["problem"].startswith(newer)
    else:
        assert "(orders: superseded)" in shop("send", "profile.toml", older, code=2)["error"]
    assert shop.states(newer)["orders"] == state


def test_newer_state_gives_up_older_ones_of_its_own_kind_only(shop):
    shop.profile(WIDE)
    oldest = shop.batch()
    older, newer = shop.batch("--only", "orders"), shop.batch("--only", "orders")
    shop("send", "profile.toml", older)
    assert shop.states(oldest) == {
        "conversions": "built",
        "calls": "built",
        "orders": "superseded",
        "contacts": "built",
    }
    assert shop.states(newer)["orders"] == "built"
    assert {made["kind"] for made in shop("send", "profile.toml")["deliveries"]} == {
        *("conversions", "calls", "orders", "contacts")
    }
    assert shop.states(older)["orders"] == "delivered"


def test_what_was_delivered_stays_so_when_a_newer_state_goes(shop):
    first = shop.run()["build"]["batch"]
    shop.export(deal(1), deal(2), deal(3))
    shop.run()
    assert shop.states(first) == {"conversions": "delivered", "orders": "delivered"}


def test_of_two_batches_of_one_second_one_goes(shop):
    first = shop.batch("--only", "orders")
    shop.export(deal(1), deal(2), deal(3))
    second = shop.batch("--only", "orders", minutes=0)
    (sent,) = shop("send", "profile.toml")["deliveries"]
    states = {batch: shop.states(batch)["orders"] for batch in (first, second)}
    assert states.pop(sent["batch"]) == "delivered"
    assert list(states.values()) == ["superseded"]


def test_only_the_kind_that_is_under_way_waits(shop):
    shop.profile(
        WIDE.replace('["conversions", "calls"]', '"conversions"')
        + '\n[[deliver]]\nname = "phone"\nwhat = "calls"\nto = "phone/{{ batch }}/{{ file }}"\n'
    )
    shop.block("drop")
    shop.run(code=4)
    shop.export(deal(1), deal(2), deal(3))
    later = shop.run(code=4)
    assert set(later["build"]["counts"]) == {"calls", "orders", "contacts"}
    assert {made["kind"]: made["state"] for made in later["deliveries"]} == {
        "conversions": "failed",
        "calls": "delivered",
        "orders": "delivered",
        "contacts": "delivered",
    }


def test_batch_waits_while_other_conversions_are_under_way(shop):
    shop.block("drop")
    first = shop.run(code=4)["build"]["batch"]
    shop.export(deal(3))
    second = shop.batch()
    sent = shop("send", "profile.toml", code=4)
    assert [(item["batch"], item["what"]) for item in sent["refused"]] == [(second, "conversions")]
    assert sent["batches"] == {
        first: {"conversions": "sending", "orders": "delivered"},
        second: {"conversions": "built", "orders": "delivered"},
    }
    shop.open("drop")
    shop("send", "profile.toml", second)
    assert [made["conversions"] for made in shop.states().values()] == ["delivered", "delivered"]
    assert len(shop.dropped()) == 3


def test_what_is_under_way_is_finished_oldest_first(shop):
    shop.profile(WIDE)
    shop.block("drop")
    first = shop.run(code=4)["build"]["batch"]
    shop.block("pickup.new")
    shop.profile(WIDE.replace("pickup/", "pickup.new/"))
    shop.export(deal(1), deal(2), deal(3))
    second = shop.run(code=4)["build"]["batch"]
    shop.open("drop")
    shop.open("pickup.new")
    done = shop("send", "profile.toml")
    assert [(made["batch"], made["kind"]) for made in done["deliveries"]] == [
        (first, "conversions"),
        (first, "calls"),
        (second, "orders"),
    ]


def test_server_that_failed_is_not_asked_again_for_the_next_file(shop):
    shop.profile(WIDE)
    shop.block("drop")
    done = CliRunner().invoke(app, ["run", "profile.toml", "--now", shop.now.isoformat(), "--json"])
    failed = [made for made in json.loads(done.stdout)["deliveries"] if made["state"] == "failed"]
    assert [made["file"] for made in failed] == ["conversions-Yclid.csv", "calls-Yclid.csv"]
    assert failed[1]["problem"].startswith("not tried")
    assert "not tried" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    shop.open("drop")
    shop.run()
    assert set(shop.states().popitem()[1].values()) == {"delivered"}


def test_destination_that_cannot_be_used_hinders_no_other(shop):
    shop.profile(WIDE.replace('"pickup/orders.csv"', '"env:ORDERS_URL"'))
    done = shop.run(code=4)
    assert [item["what"] for item in done["refused"]] == ["pickup"]
    assert [made["destination"] for made in done["deliveries"]] == ["drop", "drop", "people"]
    assert list(done["batches"].values()) == [
        {"conversions": "delivered", "calls": "delivered", "orders": "sending", "contacts": "delivered"}
    ]


def test_what_is_under_way_is_finished_though_the_export_is_missing(shop):
    shop.block("drop")
    batch = shop.run(code=4)["build"]["batch"]
    shop.open("drop")
    (shop.folder / "deals.csv").unlink()
    done = shop.run(code=3)
    assert [(made["batch"], made["state"]) for made in done["deliveries"]] == [(batch, "delivered")]
    assert "deals.csv" in done["error"]
    assert shop.states(batch)["conversions"] == "delivered"


def test_destination_that_was_taken_out_while_something_is_under_way_is_told(shop):
    shop.block("drop")
    batch = shop.run(code=4)["build"]["batch"]
    orders = PROFILE[PROFILE.index('[[deliver]]\nname = "pickup"') :]
    shop.profile(PROFILE.partition("[[deliver]]")[0] + orders)
    done = shop.run(code=4)
    assert [(item["batch"], item["what"]) for item in done["refused"]] == [(batch, "conversions")]
    assert done["batches"][batch]["conversions"] == "sending"
    shop("confirm", batch)
    assert shop.run()["refused"] == []


def test_run_builds_no_kind_that_no_destination_takes(shop):
    shop.profile(PROFILE[: PROFILE.index('[[deliver]]\nname = "pickup"')])
    done = shop.run()
    assert list(done["build"]["counts"]) == ["conversions"]
    shop.build()
    assert shop("send", "profile.toml")["deliveries"] == []


def test_send_names_what_is_left_of_a_batch(shop):
    batch = shop.run()["build"]["batch"]
    error = shop("send", "profile.toml", batch, code=2)["error"]
    assert f"{batch} has nothing left" in error
    assert "conversions: delivered, orders: delivered" in error
    assert "csvexport history" in shop("send", "profile.toml", "20200101T000000Z-00000000", code=2)["error"]


def test_send_finishes_the_batch_it_is_told(shop):
    shop.block("drop")
    batch = shop.run(code=4)["build"]["batch"]
    shop.open("drop")
    shop("send", "profile.toml", shop.lying(batch))
    assert shop.states(batch)["conversions"] == "delivered"


def test_send_takes_up_no_older_batch_when_the_newest_was_sent(shop):
    older, newer = shop.batch(), shop.batch()
    shop("confirm", newer)
    assert shop("send", "profile.toml")["deliveries"] == []
    shop("discard", newer)
    assert {made["batch"] for made in shop("send", "profile.toml")["deliveries"]} == {older}


def test_dry_run_names_what_is_under_way_and_has_not_arrived(shop):
    shop.profile(
        PROFILE + '\n[[deliver]]\nname = "archive"\nwhat = "conversions"\nto = "archive/{{ batch }}-{{ file }}"\n'
    )
    shop.block("archive")
    batch = shop.run(code=4)["build"]["batch"]
    planned = shop("send", "profile.toml", "--dry-run")["deliveries"]
    assert [(made["batch"], made["destination"], made["state"]) for made in planned] == [(batch, "archive", "planned")]
    assert shop("send", "profile.toml", "--dry-run", "--to", "drop")["deliveries"] == []
    shop("send", "profile.toml", "--dry-run", "--to", "nowhere", code=2)


def test_date_of_a_place_is_that_of_the_profiles_zone(shop):
    shop.profile(PROFILE.replace("{{ batch }}/", "{{ date }}/{{ batch }}/"))
    shop.now = datetime(2024, 5, 31, 21, 30, tzinfo=UTC)
    shop.run()
    assert [path.name for path in (shop.folder / "drop").iterdir()] == ["2024-06-01"]


def test_batch_of_one_name_in_two_profiles_is_named_by_its_folder(shop):
    (shop.folder / "a b.toml").write_text(PROFILE, encoding="utf-8")
    batch = shop.batch()
    shop("build", "a b.toml", "--now", shop.now.isoformat())
    error = shop("confirm", batch, code=2)["error"]
    assert f"out/a b/{batch}" in error
    assert f"out/{shop.name}/{batch}" in error
    assert shop("confirm", f"out/a b/{batch}")["profile"] == "a b"
    for profile in ("a b", "a b.toml"):
        (found,) = shop("history", profile)["batches"]
        assert (found["profile"], found["states"]["conversions"]) == ("a b", "confirmed")
    assert [found["states"]["conversions"] for found in shop("history", shop.name)["batches"]] == ["built"]


def test_batch_is_confirmed_by_its_folder_from_anywhere(shop, monkeypatch):
    batch = shop.batch()
    monkeypatch.chdir(shop.folder / "out")
    shop("confirm", f"{shop.name}/{batch}/")
    monkeypatch.chdir(shop.folder)
    assert shop.states(batch)["orders"] == "confirmed"


def test_what_is_settled_cannot_be_confirmed_and_what_is_discarded_not_discarded(shop):
    batch = shop.run()["build"]["batch"]
    assert "nothing to confirm" in shop("confirm", batch, code=2)["error"]
    shop("discard", batch)
    for command in ("confirm", "discard"):
        assert "conversions: discarded" in shop(command, batch, code=2)["error"]


def test_batch_under_way_can_be_confirmed_by_hand(shop):
    shop.block("drop")
    batch = shop.run(code=4)["build"]["batch"]
    decided = shop("confirm", batch)
    assert decided["kinds"] == ["conversions"]
    assert decided["states"] == {"conversions": "confirmed", "orders": "delivered"}
    assert shop.run()["deliveries"] == []


def test_corrected_rows_of_a_batch_that_was_sent_go_once(shop):
    good = [deal(number) for number in range(1, 9)]
    shop.export(*good, deal(9, "abc"))
    rejected = shop.lying(shop.run()["build"]["batch"]) / "rejected.csv"
    text = rejected.read_text(encoding="utf-8-sig").replace('"abc"', '"77"')
    (shop.folder / "corrected.csv").write_text(text, encoding="utf-8")
    shop.build("corrected.csv", "--only", "conversions")
    shop("send", "profile.toml")
    shop.export(*good, deal(9, 77))
    shop.run()
    assert sorted(int(row[0]) - 10**18 for row in shop.dropped()) == list(range(1, 10))


def test_history_tells_of_every_delivery(shop):
    shop.block("drop")
    shop.run(code=4)
    (batch,) = shop("history")["batches"]
    told = {made["destination"]: made for made in batch["deliveries"]}
    assert told["drop"]["arrived_at"] is None
    assert told["pickup"]["arrived_at"] >= told["pickup"]["began_at"]
    assert (told["pickup"]["file"], told["pickup"]["kind"]) == ("orders.csv", "orders")
    plain = CliRunner().invoke(app, ["history"]).stdout
    assert "drop not yet" in plain
    assert "sending" in plain


def test_journal_tells_what_failed_was_given_up_and_refused(shop):
    shop.block("drop")
    shop.block("pickup")
    failed = shop.journal("run", "--now", shop.now.isoformat(), code=4)
    assert [line["event"] for line in failed].count("failed") == 2
    assert failed[-1]["exit_code"] == 4
    shop.export(deal(1), deal(2), deal(3))
    shop.build()
    shop.open("pickup")
    sent = shop.journal("send", code=4)
    assert [line["kind"] for line in sent if line["event"] == "superseded"] == []
    assert [line["what"] for line in sent if line["event"] == "refused"] == ["conversions"]


def test_journal_tells_that_nothing_is_new_and_who_is_busy_and_what_stopped_a_run(shop):
    shop.run()
    assert [line["event"] for line in shop.journal("run", "--now", shop.now.isoformat())] == [
        *("began", "nothing-new", "ended")
    ]
    with profile_lock(shop.folder / "out", shop.name, "send"):
        assert [line["event"] for line in shop.journal("run")] == ["began", "busy", "ended"]
        stopped = shop.journal("send", code=4)
    assert [line["event"] for line in stopped] == ["began", "stopped", "ended"]
    assert stopped[-1]["exit_code"] == 4
    shop.export(deal(3))
    built = shop.journal("build", "--now", shop.now.isoformat())
    assert built[1]["rows"] == {"conversions-Yclid.csv": 1, "orders.csv": 1}


def test_kind_with_two_files_is_delivered_when_both_have_arrived(shop):
    text = PROFILE.replace('identifiers.Yclid = "yclid"', 'identifiers = { Yclid = "yclid", ClientId = "id" }')
    shop.profile(text.replace("{{ batch }}/{{ file }}", "{{ file }}/{{ batch }}.csv"))
    shop.export(deal(1), deal(2).rpartition(",")[0] + ",\n")
    (shop.folder / "drop").mkdir()
    shop.block("drop/conversions-ClientId.csv")
    batch = shop.run(code=4)["build"]["batch"]
    assert shop.states(batch)["conversions"] == "sending"
    shop.open("drop/conversions-ClientId.csv")
    (made,) = shop.run()["deliveries"]
    assert (made["batch"], made["file"]) == (batch, "conversions-ClientId.csv")
    assert shop.states(batch)["conversions"] == "delivered"


def test_what_a_folder_tells_is_believed_where_the_ledger_missed_it(shop):
    """As after a crash between the two records."""
    batch = shop.batch()
    ledger = shop.folder / "out" / "ledger.sqlite"
    before = ledger.read_bytes()
    shop("send", "profile.toml")
    ledger.write_bytes(before)
    assert "nothing left" in shop("send", "profile.toml", batch, code=2)["error"]
    ledger.write_bytes(before)
    assert shop.run()["deliveries"] == []
    assert len(shop.dropped()) == 2


def test_what_a_folder_tells_to_be_under_way_is_finished_where_the_ledger_missed_it(shop):
    batch = shop.batch()
    ledger = shop.folder / "out" / "ledger.sqlite"
    before = ledger.read_bytes()
    shop.block("drop")
    shop("send", "profile.toml", code=4)
    ledger.write_bytes(before)
    shop.open("drop")
    shop.export(deal(1), deal(2), deal(3))
    assert shop.run()["deliveries"][0]["batch"] == batch
    assert len(shop.dropped()) == 3


def test_run_builds_nothing_while_all_it_could_build_has_to_wait(shop):
    shop.profile(PROFILE[: PROFILE.index("[orders]")] + PROFILE[PROFILE.index("[[deliver]]") :].partition("\n\n")[0])
    shop.block("drop")
    shop.run(code=4)
    shop.export(deal(1), deal(2), deal(3))
    again = shop.run(code=4)
    assert again["build"] is None
    assert list(again["batches"]) == list(shop.states())


def test_batches_go_oldest_first_and_only_those_that_went_are_told(shop):
    shop.profile(WIDE)
    shop.run()
    shop.export(deal(1), deal(2), deal(3))
    older = shop.batch()
    shop.export(deal(1), deal(2), deal(3), deal(4))
    newer = shop.batch("--only", "orders")
    sent = shop("send", "profile.toml")
    assert [made["batch"] for made in sent["deliveries"]] == [older, older, older, newer]
    assert list(sent["batches"]) == [older, newer]
    assert {"at", "seconds", "checked", "is_taken", "notes"} <= sent["deliveries"][0].keys()


def test_what_stopped_a_run_and_what_was_refused_are_told_a_person(shop):
    shop.block("drop")
    batch = shop.run(code=4)["build"]["batch"]
    (shop.folder / "deals.csv").unlink()
    orders = PROFILE[PROFILE.index('[[deliver]]\nname = "pickup"') :]
    shop.profile(PROFILE.partition("[[deliver]]")[0] + orders)
    refused, stopped = CliRunner().invoke(app, ["run", "profile.toml", "--quiet"]).stderr.splitlines()
    assert refused.startswith(f"{batch}: conversions: ")
    assert "deals.csv" in stopped


class Inbox(BaseHTTPRequestHandler):
    """A server that is busy at first, and takes away at once what it is given."""

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201 if self.server.is_ready else 503)
        if not self.server.is_ready:
            self.send_header("Retry-After", "0")
        self.server.is_ready = True
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self):
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def inbox():
    """The address of a server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Inbox) as server:
        server.is_ready = False
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_second_try_and_a_receiver_that_takes_files_away_are_told(shop, inbox):
    shop.profile(PROFILE.replace('"pickup/orders.csv"', f'"{inbox}/orders.csv"\nin_place = true\ntakes_away = true'))
    told = [line for line in shop.journal("run", "--now", shop.now.isoformat()) if line.get("destination") == "pickup"]
    assert [line["event"] for line in told] == ["sending", "retrying", "delivered"]
    assert "503" in told[1]["problem"]
    (batch,) = shop("history")["batches"]
    assert batch["states"]["orders"] == "delivered"
    assert [(made["destination"], made["is_taken"]) for made in batch["deliveries"]] == [
        ("drop", False),
        ("pickup", True),
    ]


def test_unchanged_file_is_recognised_by_what_was_seen_there(shop):
    """The account of a new delivery hides the one before it, so that every destination is asked for the content."""
    shop("discard", shop.run()["build"]["batch"])
    made = shop.run()["deliveries"][1]
    assert (made["file"], made["state"], made["checked"]) == ("orders.csv", "unchanged", "size")


def test_file_that_waits_for_its_server_is_not_built_anew_while_nothing_changes(shop):
    shop.block("pickup")
    for _ in range(3):
        shop.run(code=4)
    assert len(shop.states()) == 1


def test_no_batch_is_built_time_and_again_for_a_destination_that_cannot_be_used(shop):
    shop.profile(PROFILE.replace('"pickup/orders.csv"', '"env:ORDERS_URL"'))
    for _ in range(3):
        shop.run(code=4)
    assert len(shop.states()) == 1


def test_snapshot_that_was_taken_back_is_replaced_by_what_was_there_before(shop):
    shop.run()
    shop.export(deal(1, 999), deal(2))
    shop("discard", shop.run()["build"]["batch"])
    shop.export(deal(1), deal(2))
    shop.run()
    assert "999" not in shop.folder.joinpath("pickup/orders.csv").read_text()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("pickup/", "elsewhere/"), id="moved"),
        pytest.param(
            lambda text: f'{text}\n[[deliver]]\nname = "too"\nwhat = "orders"\nto = "elsewhere/orders.csv"', id="new"
        ),
    ],
)
def test_snapshot_goes_to_a_place_that_does_not_have_it_yet(shop, change):
    shop.run()
    shop.profile(change(PROFILE))
    shop.run()
    assert shop.folder.joinpath("elsewhere/orders.csv").exists()


def test_dry_run_tells_what_send_would_refuse(shop):
    older = shop.batch()
    shop.batch()
    shop("send", "profile.toml")
    planned = shop("send", "profile.toml", older, "--dry-run", code=4)
    assert [item["what"] for item in planned["refused"]] == ["conversions"]


def test_old_price_is_not_sent_over_a_newer_one(shop):
    older = shop.batch()
    shop.export(deal(1, 250), deal(2, 250))
    shop.batch()
    shop("send", "profile.toml")
    shop("send", "profile.toml", older, code=4)
    assert [row[3] for row in shop.dropped()] == ["250.00", "250.00"]


def test_send_leaves_no_batch_of_conversions_behind_unsaid(shop):
    first = shop.batch()
    shop.export(deal(3))
    second = shop.batch()
    told = CliRunner().invoke(app, ["send", "profile.toml"])
    states = [shop.states(batch)["conversions"] for batch in (first, second)]
    assert states == ["delivered", "delivered"] or first in told.output


def test_folder_that_is_no_batch_is_left_alone(shop):
    batch = shop.run()["build"]["batch"]
    before = set(shop.folder.rglob("*"))
    shop("discard", f"out/{shop.name}", code=2)
    shop("confirm", f"drop/{batch}", code=2)
    assert set(shop.folder.rglob("*")) == before


def test_batch_is_sent_by_its_folder_wherever_that_lies(shop):
    batch = shop.batch("--out", "elsewhere")
    assert shop("send", "profile.toml", f"elsewhere/{shop.name}/{batch}")["deliveries"]


def test_batch_whose_files_are_gone_is_refused_before_it_is_under_way(shop):
    batch = shop.batch()
    shutil.rmtree(shop.lying(batch))
    shop("send", "profile.toml", code=4)
    assert shop.states(batch) == {"conversions": "built", "orders": "built"}


@pytest.mark.parametrize("command", [("confirm",), ("send", "profile.toml")])
def test_batch_without_its_keys_is_refused_before_it_counts(shop, command):
    """It is one of an older csvexport, or somebody has cleared the folder."""
    batch = shop.batch()
    (shop.lying(batch) / "keys-conversions.bin").unlink()
    shop(*command, batch, code=4)
    assert shop.states(batch)["conversions"] == "built"
    assert shop.build()["counts"]["conversions"]["accepted"] == 2


def test_contacts_that_deals_choose_are_delivered_though_deals_are_not(shop):
    shop.profile(
        """
timezone = "Europe/Moscow"
source.path = "deals.csv"

[contacts]
id = "id"
created = "created"
phones = "phone"
only_with_deals = true

[deals]
id = "id"
client = "id"
created = "created"
status = "sum"
statuses = { "100" = "IN_PROGRESS" }

[[deliver]]
name = "people"
what = "contacts"
to = "people/contacts.csv"
"""
    )
    assert [made["kind"] for made in shop.run()["deliveries"]] == ["contacts"]


def test_damaged_batch_of_another_profile_stops_nobody(shop):
    (shop.folder / "other.toml").write_text(PROFILE, encoding="utf-8")
    folder = Path(shop("build", "other.toml", "--now", shop.now.isoformat())["folder"])
    (folder / "manifest.json").write_text("{")
    shop.run()


def test_profile_in_a_hidden_folder_is_restored_too(shop):
    (shop.folder / ".crm").mkdir()
    (shop.folder / ".crm" / "profile.toml").write_text(PROFILE.replace('"deals.csv"', '"../deals.csv"'))
    shop("run", ".crm/profile.toml", "--now", shop.now.isoformat())
    (shop.folder / "out" / "ledger.sqlite").unlink()
    done = CliRunner().invoke(app, ["ledger", "rebuild", "--json"])
    assert json.loads(done.stdout)["batches"] == 1


def test_batches_whose_keys_are_gone_can_be_discarded_one_after_the_other(shop):
    """Each is refused since the keys of the other are gone."""
    batches = []
    for number in (1, 2):
        shop.export(deal(number))
        batches.append(shop.run()["build"]["batch"])
    for batch in batches:
        (shop.lying(batch) / "keys-conversions.bin").unlink()
    assert batches[0] in shop("build", "profile.toml", "--now", shop.now.isoformat(), code=4)["error"]
    for batch in batches:
        shop("discard", batch)
    assert shop.build()["counts"]["conversions"]["accepted"] == 1


def test_snapshot_goes_though_nothing_else_is_new(shop):
    shop.run()
    shop.export(deal(1), deal(2).replace("2024-05-20 10", "2024-05-20 11"))
    done = shop.run()
    assert [(made["file"], made["state"]) for made in done["deliveries"]] == [("orders.csv", "delivered")]
    assert "2024-05-20 11:00:00" in shop.folder.joinpath("pickup/orders.csv").read_text()


def test_address_that_is_a_key_is_never_told(shop, inbox, monkeypatch):
    monkeypatch.setenv("ORDERS_URL", f"{inbox}/a1b2c3d4e5/orders.csv")
    shop.profile(PROFILE.replace('"pickup/orders.csv"', '"env:ORDERS_URL"\ntakes_away = true'))
    planned = shop("send", "profile.toml", shop.batch(), "--dry-run")
    told = [planned, shop.journal("send"), shop("history"), CliRunner().invoke(app, ["history", "--verbose"]).output]
    assert all("env:ORDERS_URL" in json.dumps(one) for one in told)
    assert "a1b2c3d4e5" not in json.dumps(told)
    assert all(b"a1b2c3d4e5" not in path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())


def test_unchanged_contacts_with_attributes_make_no_batch(shop):
    shop.profile(
        WIDE.replace(
            'phones = "phone"\n\n[[deliver]]', 'phones = "phone"\nattributes = { spent = "sum" }\n\n[[deliver]]'
        )
    )
    assert {file["kind"] for file in shop.run()["build"]["files"]} > {"schema", "contacts"}
    assert shop.run()["build"]["folder"] is None
    assert shop.build()["folder"] is None


def test_batch_that_the_ledger_missed_can_be_confirmed(shop):
    shop.build()
    ledger = shop.folder / "out" / "ledger.sqlite"
    before = ledger.read_bytes()
    batches = shop.batch(), shop.batch()
    ledger.write_bytes(before)
    for name in (batches[0], shop.lying(batches[1])):
        assert shop("confirm", name, "--force")["states"]["orders"] == "confirmed"


def test_one_snapshot_that_changed_is_enough_for_a_batch(shop):
    shop.profile(WIDE)
    snapshots = ("--only", "orders", "--only", "contacts")
    shop.build(*snapshots)
    shop("send", "profile.toml")
    assert shop.build(*snapshots)["folder"] is None
    shop.export(deal(1, 250), deal(2))
    assert shop.build(*snapshots)["folder"] is not None


def test_batches_are_listed_oldest_first(shop):
    batches = [shop.batch() for _ in range(3)]
    assert [found["batch"] for found in shop("history")["batches"]] == batches


def test_nothing_is_decided_while_a_run_is_at_work(shop):
    batch = shop.batch()
    with profile_lock(shop.folder / "out", shop.name, "run"):
        for command in ("confirm", "discard"):
            assert "csvexport run" in shop(command, batch, code=4)["error"]
    assert shop.states(batch) == {"conversions": "built", "orders": "built"}


def test_journal_tells_what_was_there_already_and_what_was_given_up(shop):
    older = shop.batch()
    first = shop.journal("run", "--now", (shop.now + timedelta(minutes=1)).isoformat())
    assert [(line["batch"], line["kind"]) for line in first if line["event"] == "superseded"] == [(older, "orders")]
    completed = next(line["batch"] for line in first if line["event"] == "completed")
    shop("discard", completed)
    again = shop.journal("run", "--now", (shop.now + timedelta(minutes=2)).isoformat())
    assert [line["destination"] for line in again if line["event"] == "unchanged"] == ["pickup"]


def test_file_that_its_receiver_took_goes_again_when_it_is_taken_back(shop, inbox):
    shop.profile(PROFILE.replace('"pickup/orders.csv"', f'"{inbox}/orders.csv"\nin_place = true\ntakes_away = true'))
    first = shop.run()
    assert first["deliveries"][1]["is_taken"]
    shop("discard", first["build"]["batch"])
    assert [made["state"] for made in shop.run()["deliveries"]] == ["delivered", "delivered"]


def test_history_of_what_was_only_built_names_its_kinds_whole(shop):
    shop.batch("--only", "conversions")
    assert "conversions  2  built" in CliRunner().invoke(app, ["history"]).output
