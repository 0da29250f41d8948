"""A command that is killed at any step loses nothing, sends nothing twice, and leaves nothing that the next one does
not clear up.
"""

import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from ssh_servers import openssh
from typer.testing import CliRunner

import csvexport
from csvexport.cli import app
from csvexport.ledger import rebuild

HERE = Path(__file__).parent

PROFILE = """
timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers.Yclid = "yclid"
identifiers.ClientId = "client"

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
to = "{drop}/{{{{ batch }}}}/{{{{ file }}}}"
{login}

[[deliver]]
name = "pickup"
what = "orders"
to = "{pickup}/orders.csv"
{login}
"""

HEADER = "id,created,paid,sum,phone,yclid,client\n"

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

# What lies beside the batches.
KEPT = {".keys", ".last-change", ".ledger.sqlite.lock", ".lock", ".profile.json", ".records"}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no such signals")


def deal(number, price=100):
    """A row; every third names its visitor by ClientId."""
    who = f",{10**18 + number}" if number % 3 == 0 else f"{10**17 + number},"
    paid, phone = f"2024-05-{number % 9 + 21} 12:00:{number % 60:02}", f"+7 000 111-22-{number % 90 + 10}"
    return f"{number},2024-05-20 10:00:00,{paid},{price},{phone},{who}\n"


class Shop:
    """A folder with a profile, an export, and batches."""

    def __init__(self, folder):
        self.folder = folder

    def export(self, *deals):
        (self.folder / "deals.csv").write_text(HEADER + "".join(deals), encoding="utf-8")

    def command(self, arguments, at):
        """Give the arguments of a command at a moment, with the batch's name in it."""
        batch = max((path.name for path in (self.folder / "out" / "shop").glob("2*")), default="")
        moment = ["--now", f"2024-06-01T09:{at:02}:00Z"] if arguments[0] in {"run", "build"} else []
        return [batch if argument == "BATCH" else argument for argument in arguments] + moment

    def __call__(self, arguments, at, codes=(0,)):
        """Run a command that is not killed; give what it says."""
        os.chdir(self.folder)
        done = CliRunner().invoke(app, [*self.command(arguments, at), "--json"])
        assert done.exit_code in codes, done.output
        return json.loads(done.stdout)

    def killed(self, arguments, at, number):
        """Run a command that is killed at a step, if it has so many; give what it printed."""
        command = [sys.executable, str(HERE / "steps.py"), str(number), *self.command(arguments, at), "--quiet"]
        environment = os.environ | {
            "PYTHONPATH": str(Path(csvexport.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


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


def assert_all_is_well(shop, where):
    """See that what the export asks for was sent once, that the files are whole, and that nothing is left over."""
    out = shop.folder / "out"
    batches = shop(["history"], 5)["batches"]
    assert_sent_once(batches, where)
    assert_delivered_whole(shop, batches, where)
    hidden = {path.name for path in shop.folder.rglob(".*")} - KEPT
    assert not hidden, (hidden, where)
    assert not list(out.glob("ledger.sqlite-*")), where
    with closing(sqlite3.connect(out / "ledger.sqlite")) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)], where
    rebuild(out)
    assert shop(["history"], 5)["batches"] == batches, where


def lines(path):
    """Who did what when, and at which price, of a file of conversions."""
    return {tuple(line.split(",")[:4]) for line in path.read_text(encoding="utf-8").splitlines()[1:]}


def assert_sent_once(batches, where):
    sent = [batch for batch in batches if batch["states"].get("conversions") in {"delivered", "confirmed"}]
    assert not [batch for batch in batches if "sending" in batch["states"].values()], where
    carried = [line for batch in sent for file in Path(batch["folder"]).glob("conv*.csv") for line in lines(file)]
    assert len(carried) == len(set(carried)), where
    # The old price of the first deal was sent as well, in its time.
    assert sorted(line[0] for line in carried) == sorted(
        [str(10**17 + 1), *(str(10**18 + n) if n % 3 == 0 else str(10**17 + n) for n in range(1, 12))]
    ), where
    assert {line[3] for line in carried if line[0] == str(10**17 + 1)} == {"100.00", "250.00"}, where


def assert_delivered_whole(shop, batches, where):
    for batch in batches:
        for delivery in batch["deliveries"]:
            if delivery["file"].startswith("conv"):
                assert sha256(local(delivery["place"])) == delivery["sha256"], where
    delivered = [batch for batch in batches if batch["states"].get("orders") == "delivered"]
    newest = delivered[-1]["folder"]
    assert sha256(shop.folder / "pickup" / "orders.csv") == sha256(Path(newest) / "orders.csv"), where
    dropped = {path.parent.name for path in (shop.folder / "drop").glob("*/*.csv")}
    assert dropped == {
        batch["batch"] for batch in batches if batch["deliveries"] and batch["states"].get("conversions")
    }, where


def local(place):
    """Where a file of the shop is, whichever way it came there."""
    return Path("/" + place.partition("://")[2].partition("/")[2] if "://" in place else place)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
