"""Old batches can be removed, and nothing that they sent is forgotten."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from shops import PROFILE, deal
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.ledger import profile_lock, rebuild

CONVERSIONS = PROFILE.partition("[orders]")[0] + PROFILE[PROFILE.index("[[deliver]]") : PROFILE.rindex("[[deliver]]")]


def prune(shop, *arguments, code=0):
    """Remove what is old: all batches here were built in 2024."""
    return shop("prune", "profile.toml", *arguments, code=code)


def there(shop):
    """The names of the batches whose folders are there."""
    return sorted(path.name for path in (shop.folder / "out" / shop.name).glob("2*"))


def delivered(shop, *numbers):
    """Deliver the deals up to each of these numbers; give the names of the batches."""
    made = []
    for number in numbers:
        shop.export(*(deal(one) for one in range(1, number + 1)))
        made.append(shop.run()["build"]["folder"].rpartition("/")[2])
    return made


def test_what_a_removed_batch_sent_still_counts_as_sent(shop):
    *old, newest = delivered(shop, 2, 4, 6)
    done = prune(shop)
    assert [one["batch"] for one in done["removed"]] == old
    assert done["kept"] == []
    assert there(shop) == [newest]
    assert shop.run()["build"]["folder"] is None
    shop.export(deal(1, 250), *(deal(one) for one in range(2, 8)))
    shop.run()
    assert [row[0] for row in shop.dropped()][6:] == [str(10**18 + 1), str(10**18 + 7)]


def test_nor_does_a_restored_ledger_forget_it(shop):
    delivered(shop, 2, 4, 6)
    prune(shop)
    rebuild(shop.folder / "out")
    assert shop.run()["build"]["folder"] is None
    assert [found["folder"] is None for found in shop("history")["batches"]] == [True, True, False]


def test_nor_does_it_count_what_was_discarded_though_a_killed_run_left_its_keys(shop):
    first, *_ = delivered(shop, *range(1, 10))
    keys = shop.lying(".keys")
    shutil.copytree(keys, shop.folder / "before")
    shop("discard", first)
    shutil.copytree(shop.folder / "before", keys, dirs_exist_ok=True)
    prune(shop)
    rebuild(shop.folder / "out")
    shop.run()
    assert [row[0] for row in shop.dropped()] == [str(10**18 + number) for number in [*range(1, 10), 1]]


def test_batches_are_removed_again_and_again_without_being_forgotten(shop):
    for number in range(1, 12):
        delivered(shop, number)
        prune(shop)
        assert len(there(shop)) == 1
        assert shop.run()["build"]["folder"] is None
    assert [row[0] for row in shop.dropped()] == [str(10**18 + number) for number in range(1, 12)]


def test_what_was_never_sent_stays_unless_it_is_asked_for(shop):
    built = shop.batch()
    shop.export(deal(3))
    newest = shop.batch()
    done = prune(shop)
    assert done["removed"] == []
    assert done["kept"] == [{"batch": built, "reason": "its conversions were never sent"}]
    assert there(shop) == [built, newest]
    done = prune(shop, "--unsent")
    assert [one["batch"] for one in done["removed"]] == [built]
    assert shop.states(built) == {"conversions": "discarded", "orders": "superseded"}
    assert built not in shop.run()["left"]


def test_what_another_batch_sent_is_done_with(shop):
    shop.batch()
    shop.batch()
    (sent,) = delivered(shop, 2)
    assert len(prune(shop)["removed"]) == 2
    assert there(shop) == [sent]


def test_what_is_under_way_stays(shop):
    shop.block("drop")
    going = shop.run(code=4)["build"]["folder"].rpartition("/")[2]
    shop.batch()
    assert prune(shop)["kept"] == [{"batch": going, "reason": "its conversions are under way"}]
    shop.open("drop")
    shop.run()
    assert len(shop.dropped()) == 2


def test_only_what_is_old_enough_goes(shop):
    shop.profile(CONVERSIONS)
    (old,) = delivered(shop, 2)
    shop.now = datetime.now(UTC)
    recent = delivered(shop, 3, 4)
    assert [one["batch"] for one in prune(shop, "--older-than", 1)["removed"]] == [old]
    assert there(shop) == recent


def test_the_newest_batch_of_each_kind_stays(shop):
    (both,) = delivered(shop, 2)
    shop.profile(CONVERSIONS)
    (conversions,) = delivered(shop, 3)
    assert prune(shop)["removed"] == []
    assert there(shop) == [both, conversions]


def test_a_dry_run_says_the_same_and_removes_nothing(shop):
    delivered(shop, 2, 4)
    before = sorted((path, path.stat().st_mtime_ns) for path in (shop.folder / "out").rglob("*"))
    said = prune(shop, "--dry-run")
    assert sorted((path, path.stat().st_mtime_ns) for path in (shop.folder / "out").rglob("*")) == before
    done = prune(shop)
    assert said["removed"] == done["removed"]
    assert (said["dry_run"], done["dry_run"]) == (True, False)


def test_an_old_batch_is_held_against_those_that_were_removed(shop):
    old = shop.batch()
    shop.export(deal(1, 250), deal(2, 250))
    shop.run()
    shop.export(deal(3))
    shop.run()
    prune(shop)
    (refused,) = [one for one in shop("send", "profile.toml", old, code=4)["refused"] if one["what"] == "conversions"]
    assert "2 of its conversions were sent with a newer batch, at other prices" in refused["problem"]


def test_a_price_that_went_before_a_batch_was_built_does_not_hold_it_up(shop):
    delivered(shop, 2)
    shop.export(deal(1, 250))
    dearer = shop.batch()
    shop.export(deal(3))
    shop.run()
    assert shop("send", "profile.toml", dearer)["refused"] == []
    assert shop.states(dearer)["conversions"] == "delivered"


def test_what_was_removed_can_no_longer_be_taken_back(shop):
    first, *_ = delivered(shop, 2, 4, 6)
    prune(shop)
    assert "can no longer be taken back" in shop("discard", first, code=4)["error"]
    assert shop.run()["build"]["folder"] is None


def test_keys_that_are_lost_keep_every_batch(shop):
    first, *_ = delivered(shop, 2, 4, 6)
    (shop.lying(first) / "keys-conversions.bin").unlink()
    assert first in prune(shop, code=4)["error"]
    assert len(there(shop)) == 3


def test_a_profile_without_batches_has_nothing_to_be_removed(shop):
    assert prune(shop)["removed"] == []
    assert shop("prune", "nobody")["removed"] == []
    assert not (shop.folder / "out").exists()


@pytest.mark.parametrize("name", [".", "..", "", "out", "drop", "elsewhere"])
def test_what_is_no_profile_is_left_alone(shop, name):
    delivered(shop, 2, 4)
    before = sorted(shop.folder.rglob("*"))
    assert shop("prune", name)["removed"] == []
    assert shop("prune", str(shop.folder / name))["removed"] == []
    assert sorted(shop.folder.rglob("*")) == before


@pytest.mark.parametrize(("days", "code"), [(0, 2), (36_500, 0), (36_501, 2), (10**12, 2)])
def test_days_are_counted_within_a_century(shop, days, code):
    delivered(shop, 2)
    assert CliRunner().invoke(app, ["prune", "profile.toml", "--older-than", str(days)]).exit_code == code


def test_another_run_at_work_is_not_disturbed(shop):
    delivered(shop, 2, 4)
    with profile_lock(shop.folder / "out", shop.name, "run"):
        assert "csvexport run" in prune(shop, code=4)["error"]
    assert len(there(shop)) == 2


def test_the_journal_names_every_batch_that_was_removed(shop):
    *old, _ = delivered(shop, 2, 4, 6)
    prune(shop, "--log", "prune.log")
    events = [json.loads(line) for line in (shop.folder / "prune.log").read_text().splitlines()]
    assert [event["batch"] for event in events if event["event"] == "removed"] == old


def test_a_person_is_told_what_goes_and_what_stays(shop):
    built = shop.batch()
    delivered(shop, 3, 4)
    shutil.copytree(shop.lying(built), shop.folder / "kept")
    planned = CliRunner().invoke(app, ["prune", shop.name, "--dry-run"]).stdout
    assert "2 batches built before" in planned
    assert "would be removed" in planned
    assert f"  {built}  " in planned
    assert "2 batches built before" in CliRunner().invoke(app, ["prune", "profile.toml"]).stdout
    assert f"{built}  removed" in CliRunner().invoke(app, ["history"]).stdout
    assert "is done with" in CliRunner().invoke(app, ["prune", "profile.toml"]).stdout


def test_the_history_shows_the_newest_and_says_how_many_are_older(shop):
    *old, newest = delivered(shop, *range(1, 23))
    shown = CliRunner().invoke(app, ["history"]).stdout
    assert "2 older batches: csvexport history --last N" in shown
    assert [name in shown for name in (old[1], old[2], newest)] == [False, True, True]
    assert old[0] in CliRunner().invoke(app, ["history", "--last", "22"]).stdout
    assert len(shop("history")["batches"]) == 22
    few = shop("history", "--last", 3)
    assert ([one["batch"] for one in few["batches"]], few["older"]) == ([*old[-2:], newest], 19)
