"""A command that is killed at any step loses nothing, sends nothing twice, and leaves nothing that the next one does
not clear up.
"""

import os
import random
import shutil
from pathlib import Path

import pytest
from killed_shops import KEPT, PROFILE, Shop, assert_all_is_well, deal, lines
from ssh_servers import openssh

from csvexport.ledger import rebuild

# What is done before the command that is killed, that command, and what is done after it. `BATCH` is the newest batch.
CASES = {
    "run": ([], ["run", "profile.toml"], [["run", "profile.toml"]]),
    "build": ([], ["build", "profile.toml"], [["run", "profile.toml"]]),
    "send": ([["build", "profile.toml"]], ["send", "profile.toml"], [["run", "profile.toml"]]),
    "confirm": ([["build", "profile.toml"]], ["confirm", "BATCH"], [["confirm", "BATCH"], ["run", "profile.toml"]]),
    "discard": ([["run", "profile.toml"]], ["discard", "BATCH"], [["discard", "BATCH"], ["run", "profile.toml"]]),
    "rebuild": ([], ["ledger", "rebuild"], [["ledger", "rebuild"], ["run", "profile.toml"]]),
    "prune": (
        [["run", "profile.toml"]],
        ["prune", "profile.toml"],
        [["prune", "profile.toml"], ["run", "profile.toml"]],
    ),
}

# Kills of each case in the short mode; the long one kills at every step.
KILLS = {"run": 6, "build": 3, "send": 4, "confirm": 2, "discard": 2, "rebuild": 2, "prune": 6}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no such signals")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A shop with a batch that was delivered and one that was confirmed by hand, and news in its export."""
    folder = tmp_path_factory.mktemp("kills") / "shop"
    folder.mkdir()
    (folder / "profile.toml").write_text(PROFILE.format(drop="drop", pickup="pickup", login=""), encoding="utf-8")
    before = Path.cwd()
    shop = Shop(folder)
    shop.export(*(deal(number) for number in range(1, 7)))
    shop(["run", "profile.toml"], 0)
    shop.export(*(deal(number) for number in range(1, 9)))
    shop(["build", "profile.toml"], 1)
    shop(["confirm", "BATCH"], 1)
    shop.export(deal(1, 250), *(deal(number) for number in range(2, 12)))
    os.chdir(before)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An OpenSSH server, which shows all that is on this machine."""
    with openssh(tmp_path_factory.mktemp("server")) as server:
        yield server


def over_sftp(server, folder):
    """The profile of a shop that delivers through a server into the very same folders."""
    address = server.address.removesuffix(str(server.root)) + str(folder)
    login = "\n".join(f'{key} = "{value}"' for key, value in server.login.items())
    return PROFILE.format(drop=f"{address}/drop", pickup=f"{address}/pickup", login=login)


def prepared(template, folder, case, profile=None):
    """A copy of the shop in which all is ready for the command that is to be killed."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    if profile is not None:
        (folder / "profile.toml").write_text(profile, encoding="utf-8")
    shop = Shop(folder)
    for arguments in CASES[case][0]:
        shop(arguments, 2)
    return shop


@pytest.mark.parametrize("case", sorted(CASES.keys() - {"prune"}))
def test_kill_9_at_any_step_loses_nothing_and_sends_nothing_twice(case, template, tmp_path, request):
    kill_at_steps(case, template, tmp_path / "shop", request)


@pytest.mark.parametrize("case", ["run", "send"])
def test_kill_9_at_any_step_over_sftp_does_neither(case, template, tmp_path, server, request):
    kill_at_steps(case, template, tmp_path / "shop", request, over_sftp(server, tmp_path / "shop"))


def test_kill_9_while_old_batches_are_removed_forgets_nothing(template, tmp_path, request):
    steps, numbers = steps_of("prune", template, tmp_path / "shop", request)
    for number in numbers:
        shop = prepared(template, tmp_path / "shop", "prune")
        killed = shop.killed(CASES["prune"][1], 3, number)
        where = f"prune, step {number} of {steps}\n{killed.stderr}"
        shop(["prune", "profile.toml"], 4)
        newest = max(batch["batch"] for batch in shop(["history"], 5)["batches"])
        batches = shop.folder / "out" / "shop"
        assert {path.name for path in batches.iterdir()} == {newest, *KEPT} - {".ledger.sqlite.lock"}, where
        shop.export(deal(1, 250), *(deal(number) for number in range(2, 13)))
        shop(["run", "profile.toml"], 4)
        fresh = max(batches.glob("2*"))
        assert {line[0] for file in fresh.glob("conv*.csv") for line in lines(file)} == {str(10**18 + 12)}, where
        rebuild(shop.folder / "out")
        assert shop(["run", "profile.toml"], 5)["build"]["folder"] is None, where


def steps_of(case, template, folder, request, profile=None):
    """Give how many steps a command has, and at which of them it is to be killed."""
    counted = prepared(template, folder, case, profile).killed(CASES[case][1], 3, 0)
    assert counted.returncode == 0, counted.stderr
    steps = int(counted.stdout)
    numbers = range(1, steps + 1)
    if not request.config.getoption("--soak"):
        numbers = sorted(random.Random(case).sample(numbers, KILLS[case]))
    return steps, numbers


def kill_at_steps(case, template, folder, request, profile=None):
    """Kill a command at many steps, or at every one, and go on each time."""
    steps, numbers = steps_of(case, template, folder, request, profile)
    survivors = 0
    for number in numbers:
        shop = prepared(template, folder, case, profile)
        killed = shop.killed(CASES[case][1], 3, number)
        survivors += killed.returncode != -9
        for arguments in CASES[case][2]:
            # What was decided before the kill cannot be decided again.
            shop(arguments, 4, codes=(0, 2) if arguments[0] in {"confirm", "discard"} else (0,))
        assert_all_is_well(shop, f"{case}, step {number} of {steps}\n{killed.stderr}")
    # A step more or less: threads take turns as they like.
    assert survivors <= len(numbers) // 5
