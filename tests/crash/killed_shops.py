"""A folder with a profile, an export and batches, in which commands are killed, and what has to hold there after."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

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

# What lies beside the batches.
KEPT = {".keys", ".last-change", ".ledger.sqlite.lock", ".lock", ".profile.json", ".records"}


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
