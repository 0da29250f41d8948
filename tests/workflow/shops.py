"""A shop whose export grows, and the commands that are called for it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from csvexport.cli import app

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

    def build(self, *arguments, minutes=1):
        """Build a batch some minutes later; give the outcome."""
        self.now += timedelta(minutes=minutes)
        return self("build", "profile.toml", "--now", self.now.isoformat(), *arguments)

    def batch(self, *arguments, minutes=1):
        """Build a batch; give its name."""
        return Path(self.build(*arguments, minutes=minutes)["folder"]).name

    def lying(self, batch):
        """The folder of a batch."""
        return self.folder / "out" / self.name / batch

    def block(self, name):
        """Let nothing arrive below this name until it is opened."""
        (self.folder / name).write_text("no folder")

    def open(self, name):
        (self.folder / name).unlink()

    def journal(self, command, *arguments, code=0):
        """Run a command; give the lines of its journal."""
        (self.folder / "run.log").unlink(missing_ok=True)
        self(command, "profile.toml", *arguments, "--log", "run.log", code=code)
        return [json.loads(line) for line in (self.folder / "run.log").read_text().splitlines()]

    def dropped(self):
        """The yclids and prices of every file that was dropped, in order of the files."""
        files = sorted(self.folder.glob("drop/*/*.csv"))
        return [line.split(",") for file in files for line in file.read_text().splitlines()[1:]]

    def states(self, batch=None):
        """The states of all batches by name, or of one."""
        found = {entry["batch"]: entry["states"] for entry in self("history")["batches"]}
        return found if batch is None else found[batch]
