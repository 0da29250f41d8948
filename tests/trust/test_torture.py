"""Eight processes at once run any command in one folder of batches for six profiles; some are killed, some are slow."""

import collections
import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

import csvexport

PROCESSES, DELIVERED, BY_HAND = 8, 4, 2

# Seconds of the short mode and of the long one.
SHORT, LONG = 45, 1800

PROFILE = """
timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers.Yclid = "yclid"

[[goals]]
target = "order_paid"
time = "paid"
"""

DELIVER = """
[[deliver]]
name = "drop"
what = "conversions"
to = "drop/{{ batch }}/{{ file }}"
"""

HEADER = "yclid,paid\n"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(csvexport.__file__).parents[1])}

# What lies in the folder of a profile's batches besides these.
KEPT = {".keys", ".last-change", ".lock", ".profile.json", ".records"}


def csvexport_command(*arguments):
    return [sys.executable, "-m", "csvexport", *arguments]


class Client:
    """A profile with an export that grows."""

    def __init__(self, folder, *, is_delivered):
        self.folder = folder
        self.is_delivered = is_delivered
        self.events = []
        self.lock = threading.Lock()
        folder.mkdir()
        (folder / "profile.toml").write_text(PROFILE + (DELIVER if is_delivered else ""), encoding="utf-8")
        self.sell()

    @property
    def profile(self):
        return f"{self.folder.name}/profile.toml"

    def sell(self):
        with self.lock:
            self.events.append(str(10**18 + len(self.events)))
            part = self.folder / "deals.part"
            part.write_text(self.export(), encoding="utf-8")
            part.replace(self.folder / "deals.csv")

    def export(self):
        rows = [
            f"{event},2024-05-{number % 9 + 21} 12:00:{number % 60:02}\n" for number, event in enumerate(self.events)
        ]
        return HEADER + "".join(rows)


class Torture:
    """What runs until the time is over."""

    def __init__(self, folder, seconds):
        self.folder = folder
        self.until = time.monotonic() + seconds
        self.clients = [
            Client(folder / f"client{number}", is_delivered=number < DELIVERED) for number in range(DELIVERED + BY_HAND)
        ]
        self.problems = []
        self.ended = collections.Counter()

    def work(self, seed):
        chance = random.Random(seed)
        while time.monotonic() < self.until and not self.problems:
            client = chance.choice(self.clients)
            if chance.random() < 0.2:
                client.sell()
            self.act(chance, client)

    def act(self, chance, client):
        """Run some command, and kill it at times."""
        exports = "slow" if chance.random() < 0.1 else "quick"
        moment = ["--now", "2024-06-01T09:00:00Z"]
        commands = [
            ["build", client.profile, *moment],
            ["check", client.profile, *moment],
            ["history"],
            ["prune", client.profile, "--older-than", "1"],
            ["ledger", "rebuild"],
            ["schedule", client.profile, "--as", "cron"],
        ]
        if client.is_delivered:
            commands += [["run", client.profile, *moment]] * 4 + [["send", client.profile]]
        else:
            commands += [[chance.choice(["confirm", "confirm", "discard"]), str(self.some_batch(chance, client))]] * 3
        command = chance.choice(commands)
        if exports == "slow" and command[0] in {"run", "build"}:
            command.insert(2, "-")
        with subprocess.Popen(
            csvexport_command(*command, "--quiet"),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            if "-" in command:
                self.feed(process, client.export())
            said = self.end(chance, process)
        self.ended[command[0], process.returncode] += 1
        if process.returncode not in {0, 1, 2, 3, 4, -signal.SIGKILL} or "Traceback" in said or "damaged" in said:
            self.problems.append(f"{' '.join(command)}: {process.returncode}\n{said}")

    def some_batch(self, chance, client):
        return chance.choice([*(self.folder / "out" / client.folder.name).glob("2*"), "none"])

    def feed(self, process, export):
        try:
            process.stdin.write(export[: len(export) // 2])
            process.stdin.flush()
            time.sleep(1)
            process.stdin.write(export[len(export) // 2 :])
            process.stdin.close()
        except BrokenPipeError:
            process.stdin = None

    def end(self, chance, process):
        if chance.random() < 0.2:
            time.sleep(chance.random() * 2.5)
            process.send_signal(signal.SIGKILL)
        try:
            return process.communicate(timeout=300)[1]
        except ValueError:  # its standard input is closed
            return process.stderr.read()


def run(folder, *arguments, code=0):
    done = subprocess.run(
        csvexport_command(*arguments), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, (arguments, done.stdout, done.stderr)
    return done.stdout


def events_in(files):
    found = collections.Counter()
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            found.update(row["Yclid"] for row in csv.DictReader(file))
    return found


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such signals")
def test_many_processes_and_profiles_in_one_folder_lose_nothing_and_send_nothing_twice(tmp_path, request):
    torture = Torture(tmp_path, LONG if request.config.getoption("--soak") else SHORT)
    workers = [threading.Thread(target=torture.work, args=(seed,)) for seed in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(dict(sorted(torture.ended.items())))
    assert not torture.problems, torture.problems[0]
    for client in torture.clients:
        if client.is_delivered:
            assert_delivered_once(tmp_path, client)
        else:
            assert_counted_once(tmp_path, client)
    with closing(sqlite3.connect(tmp_path / "out" / "ledger.sqlite")) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    before = json.loads(run(tmp_path, "history", "--json"))
    run(tmp_path, "ledger", "rebuild")
    assert json.loads(run(tmp_path, "history", "--json")) == before
    assert_no_litter(tmp_path / "out", torture.clients)


def assert_delivered_once(folder, client):
    for _ in range(2):
        run(folder, "run", client.profile, "--now", "2024-06-01T10:00:00Z")
    assert events_in(client.folder.glob("drop/*/*.csv")) == dict.fromkeys(client.events, 1)


def assert_counted_once(folder, client):
    """What is left is built and confirmed; then each event counts once."""
    for name in sorted(path.name for path in (folder / "out" / client.folder.name).glob("2*")):
        states = next(
            batch["states"]
            for batch in json.loads(run(folder, "history", "--json"))["batches"]
            if (batch["batch"], batch["profile"]) == (name, client.folder.name)
        )
        if states["conversions"] == "built":
            run(folder, "discard", f"out/{client.folder.name}/{name}")
    built = json.loads(run(folder, "build", client.profile, "--json", "--now", "2024-06-01T10:00:00Z"))["folder"]
    if built is not None:
        run(folder, "confirm", built)
    again = json.loads(run(folder, "build", client.profile, "--json", "--now", "2024-06-01T11:00:00Z"))
    assert again["folder"] is None
    assert again["counts"]["conversions"]["issues"]["already-sent"] == len(client.events)


def assert_no_litter(out, clients):
    names = {path.name for path in out.iterdir() if ".damaged-" not in path.name}
    assert names == {"ledger.sqlite", ".ledger.sqlite.lock", *(client.folder.name for client in clients)}
    for client in clients:
        hidden = {path.name for path in (out / client.folder.name).glob(".*")}
        assert hidden <= KEPT, hidden
        assert not list((out / client.folder.name).glob(".records/.*"))
        assert not list((client.folder / "drop").rglob(".*"))
