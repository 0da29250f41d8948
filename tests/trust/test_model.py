"""Whatever is done in whatever order, by people who also follow every advice: each event arrives once at each price."""

import csv
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shops import HEADER, PROFILE, deal
from typer.testing import CliRunner

import csvexport
from csvexport.cli import app

# What messages tell to run, and of which batches they say that they are to be discarded and built anew.
ADVICE = re.compile(r"csvexport (ledger rebuild|discard|confirm|send)(?: PROFILE)?(?: ((?:\S+/)?\d{8}T\d{6}Z-\w{8}))?")
REFUSED = re.compile(r'"batch": "(\S+)", "what": "\w+", "problem": "[^"]*(?:build anew|discard it)[^"]*"')

STEPS = Path(__file__).parents[1] / "crash" / "steps.py"

# Steps of a test in the short mode, and in the long one.
SHORT, LONG = 60, 500


class Model:
    """What should have arrived. An event is a yclid."""

    def __init__(self):
        self.counting = []  # (batch, {event: price}), in the order in which they came to count
        self.forced = set()  # events of which a person said that they were uploaded twice
        self.problems = []

    def counted(self):
        """The last price of each event that counts as sent."""
        return {event: price for _, events in self.counting for event, price in events.items()}

    def arrived(self, batch, events):
        """A file arrived: none of its events may count as sent at this price already."""
        before = self.counted()
        twice = {
            event: price for event, price in events.items() if before.get(event) == price and event not in self.forced
        }
        if twice:
            self.problems.append(f"{batch} brings again: {twice}")
        self.counting.append((batch, events))

    def confirmed(self, batch, events):
        if batch not in dict(self.counting):
            self.counting.append((batch, events))

    def discarded(self, batch):
        self.counting = [(name, events) for name, events in self.counting if name != batch]


class World:
    """A shop, what is done in it at random, and the model beside it."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.chance = random.Random(seed)
        self.model = Model()
        self.now = datetime(2024, 6, 1, 9, tzinfo=UTC)
        self.prices = {1: 100}
        self.seen = set()
        self.log = []
        (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
        self.write()

    def write(self):
        rows = [deal(number, price) for number, price in self.prices.items()]
        (self.folder / "deals.csv").write_text(HEADER + "".join(rows), encoding="utf-8")

    def command(self, *arguments):
        """Run a command in this process; give its exit code and what it said."""
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exception is None or isinstance(done.exception, SystemExit), (done.exception, self.log)
        self.log.append(f"{' '.join(arguments)} -> {done.exit_code}")
        self.look()
        return done.exit_code, done.output

    def look(self):
        """Tell the model what has arrived."""
        out = self.folder / "out" / self.folder.name
        for folder in sorted(self.folder.glob("drop/*"), key=lambda path: (number_of(out, path.name), path.name)):
            if folder.name not in self.seen and list(folder.glob("conv*.csv")):
                self.seen.add(folder.name)
                self.model.arrived(folder.name, events_of(folder))

    def moment(self):
        """Mostly a minute later; at times a clock jumps."""
        jump = self.chance.choice([0, 0, 0, 0, 0, 40 * 1440, -40 * 1440])
        self.now += timedelta(minutes=1)
        return ["--now", (self.now + timedelta(minutes=jump)).isoformat()]

    def batches(self):
        code, said = self.command("history")
        assert code == 0, (said, self.log)
        return json.loads(said)["batches"]

    def some_batch(self):
        names = [batch["batch"] for batch in self.batches()]
        return self.chance.choice(names) if names else None

    # What may happen.

    def sell(self):
        self.prices[max(self.prices) + 1] = 100
        self.write()

    def change_price(self):
        self.prices[self.chance.choice(list(self.prices))] = self.chance.choice([100, 200, 300])
        self.write()

    def build(self):
        self.command("build", "profile.toml", *self.moment())

    def run(self):
        code, said = self.command("run", "profile.toml", *self.moment())
        if code == 0 and not (self.folder / "drop").is_file():
            counted = self.model.counted()
            want = {str(10**18 + number): f"{price}.00" for number, price in self.prices.items()}
            assert {event: counted.get(event) for event in want} == want, (said, self.log)
        self.follow(said)

    def send(self):
        self.follow(self.command("send", "profile.toml")[1])

    def send_one(self):
        if batch := self.some_batch():
            self.follow(self.command("send", "profile.toml", batch)[1])

    def confirm(self):
        if batch := self.some_batch():
            events = events_of(self.folder / "out" / self.folder.name / batch)
            code, said = self.command("confirm", batch)
            if code == 2 and "--force" in said and self.chance.random() < 0.5:
                self.model.forced |= events.keys()
                code, said = self.command("confirm", batch, "--force")
            if code == 0 and "conversions" in json.loads(said)["kinds"]:
                self.model.confirmed(batch, events)

    def discard(self):
        if (batch := self.some_batch()) and self.chance.random() < 0.3:
            code, said = self.command("discard", batch)
            if code == 0 and "conversions" in json.loads(said)["kinds"]:
                self.model.discarded(batch)

    def prune(self):
        self.command("prune", "profile.toml", "--older-than", "1", *self.chance.choice([[], ["--unsent"]]))

    def rebuild(self):
        if (self.folder / "out" / self.folder.name).exists():
            assert self.command("ledger", "rebuild")[0] in {0, 4}, self.log

    def lose_ledger(self):
        """The ledger is lost, or an old one is put back; the message says what to do."""
        ledger = self.folder / "out" / "ledger.sqlite"
        if not ledger.exists():
            return
        if (self.folder / "backup").exists() and self.chance.random() < 0.5:
            shutil.copyfile(self.folder / "backup", ledger)
            self.log.append("an old ledger is put back")
        else:
            shutil.copyfile(ledger, self.folder / "backup")
            ledger.unlink()
            self.log.append("the ledger is lost")
        self.follow(self.command("run", "profile.toml", *self.moment())[1])

    def lose_keys(self):
        keys = list((self.folder / "out").rglob("keys-*.bin"))
        if keys:
            self.chance.choice(keys).unlink()
            self.log.append("keys are lost")
            self.follow(self.command("run", "profile.toml", *self.moment())[1])

    def block(self):
        drop = self.folder / "drop"
        if drop.is_file():
            drop.unlink()
            (self.folder / "drop.aside").rename(drop)
        elif drop.is_dir():
            drop.rename(self.folder / "drop.aside")
            drop.write_text("no folder")

    def kill(self):
        """A command is killed at a random step."""
        batch = self.some_batch()
        commands = [["run", "profile.toml", *self.moment()], ["send", "profile.toml"], ["ledger", "rebuild"]]
        commands.append(["prune", "profile.toml", "--older-than", "1"])
        if batch is not None:
            commands.append(["confirm", batch])
        command = self.chance.choice(commands)
        environment = os.environ | {
            "PYTHONPATH": str(Path(csvexport.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        step = str(self.chance.randrange(1, 400))
        subprocess.run(
            [sys.executable, STEPS, step, *command, "--quiet"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            check=False,
        )
        self.log.append(f"{' '.join(command)} killed at {step}")
        self.look()
        if command[0] == "confirm":
            state = next(found for found in self.batches() if found["batch"] == batch)["states"].get("conversions")
            if state == "confirmed":
                self.model.confirmed(batch, events_of(self.folder / "out" / self.folder.name / batch))

    def follow(self, said):
        """Do what a message says, as a person would who knows nothing better. The model is told of no decision."""
        self.log += [f"  {line}" for line in said.splitlines() if "csvexport" in line or "discard" in line]
        for command, batch in ADVICE.findall(said):
            arguments = command.split()
            if command in {"discard", "confirm"} and not batch:
                continue
            self.command(*arguments, *(["profile.toml"] if command == "send" else []), *([batch] if batch else []))
        for batch in REFUSED.findall(said):
            self.command("discard", batch)
            self.build()


def number_of(out, batch):
    """The place of a batch in the order in which they were built."""
    try:
        return json.loads((out / ".records" / f"{batch}.json").read_text())["number"]
    except (OSError, ValueError):
        return sys.maxsize


def events_of(folder):
    """Yclids and prices of the conversions in a folder."""
    found = {}
    for path in sorted(folder.glob("conversions*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found |= {row["Yclid"]: row["Price"] for row in csv.DictReader(file)}
    return found


WEIGHTS = {
    "sell": 8,
    "change_price": 6,
    "build": 8,
    "run": 12,
    "send": 3,
    "send_one": 3,
    "confirm": 5,
    "discard": 3,
    "prune": 3,
    "rebuild": 2,
    "lose_ledger": 2,
    "lose_keys": 1,
    "block": 3,
    "kill": 2,
}


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such signals")
@pytest.mark.parametrize("seed", range(20))
def test_random_steps_and_followed_advice_send_each_event_once_at_each_price(tmp_path, monkeypatch, request, seed):
    is_long = request.config.getoption("--soak")
    if seed >= 3 and not is_long:
        pytest.skip("a sample is enough here")
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path, seed)
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    for _ in range(LONG if is_long else SHORT):
        (name,) = world.chance.choices(names, weights)
        getattr(world, name)()
        assert not world.model.problems, "\n".join([*world.model.problems, *world.log])
    if (tmp_path / "drop").is_file():
        world.block()
    for _ in range(3):
        world.run()
    assert world.command("run", "profile.toml", *world.moment())[0] == 0, "\n".join(world.log)
    assert not world.model.problems, "\n".join([*world.model.problems, *world.log])
    with closing(sqlite3.connect(tmp_path / "out" / "ledger.sqlite")) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
