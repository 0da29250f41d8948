"""After a power cut at any step of a command, what was called built, delivered or confirmed is there.

The commands' system calls are recorded once, and replayed on a disk that forgets (`forgetful_disk`). Each cut leaves
several disks: nothing that was not synced, everything, the names without the content, other content in its place, and
parts at random. On each the next commands go on.
"""

import copy
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import system_calls
from forgetful_disk import Disk, Naming
from killed_shops import PROFILE, Shop, deal, lines, sha256

from csvexport.batch import compaction

pytestmark = pytest.mark.skipif(system_calls.refusal() is not None, reason=system_calls.refusal() or "")

# The command that is cut, and what is done before it. `BATCH` is the newest batch.
CASES = {
    "first": ["run", "profile.toml"],
    "run": ["run", "profile.toml"],
    "build": ["build", "profile.toml"],
    "send": ["send", "profile.toml"],
    "confirm": ["confirm", "BATCH"],
    "discard": ["discard", "BATCH"],
    "prune": ["prune", "profile.toml"],
    "rebuild": ["ledger", "rebuild"],
}
BEFORE = {
    "send": [["build", "profile.toml"]],
    "confirm": [["build", "profile.toml"]],
    "discard": [["run", "profile.toml"]],
    "prune": [["run", "profile.toml"]],
    "rebuild": [["run", "profile.toml"]],
}

# Cases in which no batch has orders: to give older ones up writes their records anew.
EVENTS = ("send",)

# In the short mode: the cases, the cuts of each, and the disks of each on which all goes on.
SHORT, CUTS, DISKS = ("first", "send", "rebuild", "prune"), 8, 1

# In the long mode, in which all cuts are looked at: the disks of each case on which all goes on.
LONG = 200

# Disks that each cut leaves by chance.
MIXES = 2


def nothing(_):
    """Nothing that was not synced is there."""


def everything(_):
    """All is there."""
    return bytes


def names(change):
    """Names are there, of content nothing."""
    return bytes if isinstance(change, Naming) else None


def zeros(change):
    """The size is there, of the content nothing."""
    return bytes if isinstance(change, Naming) else lambda data: bytes(len(data))


def contents(change):
    """Content is there, of names nothing."""
    return None if isinstance(change, Naming) else bytes


def latest(step):
    """The last change of names is there, and nothing that was done before it."""

    def survives(change):
        return bytes if change.step == step else None

    return survives


def mixed(seed):
    """Each change is there or not, by chance; the same at every cut, as if the disk took its time with some."""

    def survives(change):
        return bytes if random.Random(f"{seed} {change.step}").random() < 0.5 else None

    return survives


@dataclass(frozen=True)
class Left:
    """What a cut leaves.

    Attributes:
        files: the disk: the content of each path, None of a folder.
        cut: after which call.
        kind: what survived.
        where: that in words.
        is_told: whether the command had said what it did.
    """

    files: dict[str, bytes | None]
    cut: int
    kind: str
    where: str
    is_told: bool

    @property
    def digest(self):
        said = [(path, content and hashlib.sha256(content).digest()) for path, content in sorted(self.files.items())]
        return hashlib.sha256(repr((said, self.is_told)).encode()).digest()

    def write(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path, content in self.files.items():
            if content is None:
                (folder / path).mkdir()
            else:
                (folder / path).write_bytes(content)


class Cut:
    """A command that is recorded, and the state in which all ends when nothing happens."""

    def __init__(self, case, template, folder):
        self.case, self.folder, self.shop = case, folder / "shop", Shop(folder / "shop")
        if case == "first":
            self.folder.mkdir()
            for name in ("profile.toml", "deals.csv"):
                shutil.copy(template / name, self.folder)
        else:
            shutil.copytree(template, self.folder)
        if case in EVENTS:
            (self.folder / "profile.toml").write_text(events_only(PROFILE), encoding="utf-8")
        for arguments in BEFORE.get(case, ()):
            self.shop(arguments, 20)
        if case == "rebuild":
            leave_unfinished(self.folder / "out" / "ledger.sqlite")
        self.disk = Disk(self.folder)
        self.command = self.shop.command(CASES[case], 30)
        self.calls, said = system_calls.record(self.folder, [*self.command, "--json"], folder / "calls")
        assert said
        replayed = copy.deepcopy(self.disk)
        for call in self.calls:
            replayed.apply(call)
        assert replayed.after_cut(everything) == Disk(self.folder).after_cut(everything)
        self.batches = self.shop(["history"], 31)["batches"]
        self.finish()
        self.events = events(self.shop)
        assert len(self.events) == len(set(self.events))

    def finish(self):
        """Do what a person, or the next moment of the schedule, does after a cut."""
        if self.case in {"confirm", "discard", "prune"}:
            # What was decided before the cut cannot be decided again.
            self.shop(self.command, 40, codes=(0, 2))
        self.shop(["run", "profile.toml"], 41)

    def cuts(self):
        """Give some cuts: by chance, and after the last rename."""
        numbered = list(enumerate(self.calls, 1))
        renamed = [number for number, call in numbered if call.name.startswith("rename")]
        changing = [number for number, call in numbered if call.name not in {"openat", "read", "lseek"}]
        return {renamed[-1], *random.Random(self.case).sample(changing, CUTS)}

    def noted(self):
        """Give the cuts after a record was written, and the ledger was not yet."""
        names = ((number, call, call.arguments[0]) for number, call in enumerate(self.calls, 1))
        return [
            number
            for number, call, at in names
            if call.name == "fsync" and (system_calls.opened(at)[1] or "").endswith("/.records")
        ]

    def disks(self, cuts=None):
        """Give each disk that one of some cuts may leave, once; None: any cut."""
        disk, known = copy.deepcopy(self.disk), set()
        kinds = {kind.__name__: kind for kind in (nothing, everything, names, zeros, contents)}
        kinds |= {f"mix {seed}": mixed(f"{self.case} {seed}") for seed in range(MIXES)}
        is_told = False
        for number, call in enumerate(self.calls, 1):
            is_announcement = _is_announcement(call)
            is_told = is_told or is_announcement
            if not disk.apply(call) and not is_announcement and cuts is None:
                continue
            if cuts is not None and number not in cuts:
                continue
            last = max((naming.step for naming in disk.namings), default=0)
            for kind, survives in {**kinds, "latest": latest(last)}.items():
                where = f"{self.case}, {kind}, cut after {number} of {len(self.calls)}: {call.name}"
                left = Left(disk.after_cut(survives), number, kind, where, is_told)
                if left.digest not in known:
                    known.add(left.digest)
                    yield left

    def assert_kept(self, left):
        """See that a disk lacks nothing that somebody was told, or that the ledger says."""
        left.write(self.folder)
        batches = self.shop(["history"], 31)["batches"]
        assert not left.is_told or batches == self.batches, left.where
        assert_arrived(self.folder, batches, left.where)
        for batch in batches:
            if self.case != "prune":
                assert_whole(Path(batch["folder"]), left.where)

    def assert_goes_on(self, left):
        """See that the next commands bring all to where it belongs, once, also when the ledger is lost then."""
        self.finish()
        assert events(self.shop) == self.events, left.where
        batches = self.shop(["history"], 42)["batches"]
        assert_arrived(self.folder, batches, left.where)
        with closing(sqlite3.connect("out/ledger.sqlite")) as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)], left.where
        self.shop(["ledger", "rebuild"], 43)
        assert self.shop(["history"], 43)["batches"] == batches, left.where
        assert self.shop(["run", "profile.toml"], 44)["build"]["folder"] is None, left.where
        assert events(self.shop) == self.events, left.where


def _is_announcement(call):
    return call.name == "write" and system_calls.opened(call.arguments[0])[0] == 1


def events_only(profile):
    """Give a profile, filled in, without its orders and where these go."""
    kept, _, rest = profile.partition("[orders]")
    drop = rest[rest.index("[[deliver]]") : rest.rindex("[[deliver]]")]
    return (kept + drop).format(drop="drop", login="")


def leave_unfinished(path):
    """Leave a ledger as a process does that is killed in the middle of a large change.

    Its pages are of another size than those of a new one, so that they cannot be mistaken for each other.
    """
    script = """
import os, sqlite3, sys
ledger = sqlite3.connect(sys.argv[1], isolation_level=None)
ledger.execute("PRAGMA page_size = 512")
ledger.execute("VACUUM")
ledger.execute("PRAGMA cache_size = 1")
ledger.execute("BEGIN")
ledger.execute("UPDATE batches SET counter = 7")
ledger.execute("CREATE TABLE filler (content)")
ledger.execute("INSERT INTO filler VALUES (zeroblob(100000))")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert path.with_name(f"{path.name}-journal").stat().st_size


def events(shop):
    """Give what was brought to the destination or confirmed by hand, as often as it was, but for what was discarded."""
    sent = []
    for batch in shop(["history"], 50)["batches"]:
        state = batch["states"].get("conversions")
        folder = shop.folder / ("drop" if state != "confirmed" else "out/shop") / batch["batch"]
        if state in {"sending", "delivered", "confirmed"}:
            sent += [line for file in folder.glob("conv*.csv") for line in lines(file)]
    return sorted(sent)


def assert_arrived(folder, batches, where):
    """See that what the ledger says arrived is whole where it went."""
    pickup = [one for batch in batches for one in batch["deliveries"] if one["file"] == "orders.csv"]
    for batch in batches:
        for one in batch["deliveries"]:
            # Over what was picked up goes the next.
            later = [other["sha256"] for other in pickup[pickup.index(one) :]] if one in pickup else [one["sha256"]]
            if one["arrived_at"] is not None:
                assert (folder / one["place"]).exists(), (one, where)
                assert sha256(folder / one["place"]) in later, (one, where)


def assert_whole(batch, where):
    manifest = json.loads((batch / "manifest.json").read_bytes())
    assert {file["name"]: file["sha256"] for file in manifest["files"]} == {
        file["name"]: sha256(batch / file["name"]) for file in manifest["files"]
    }, where


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A shop with batches that were delivered, one that was confirmed by hand, and news in its export.

    One batch more that is sent, and their keys are merged.
    """
    folder = tmp_path_factory.mktemp("cuts") / "shop"
    folder.mkdir()
    (folder / "profile.toml").write_text(PROFILE.format(drop="drop", pickup="pickup", login=""), encoding="utf-8")
    before = Path.cwd()
    shop = Shop(folder)
    for number in range(1, compaction.NEIGHBOURS - 1):
        shop.export(*(deal(one) for one in range(1, number + 3)))
        shop(["run", "profile.toml"], number)
    shop.export(*(deal(one) for one in range(1, 10)))
    shop(["build", "profile.toml"], 8)
    shop(["confirm", "BATCH"], 9)
    shop.export(deal(1, 250), *(deal(one) for one in range(2, 12)))
    os.chdir(before)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_a_power_cut_at_any_step_loses_nothing_that_was_told(case, template, tmp_path, request):
    is_short = not request.config.getoption("--soak")
    if is_short and case not in SHORT:
        pytest.skip("in the long mode")
    cut = Cut(case, template, tmp_path)
    noted = cut.noted()[:1]
    disks = list(cut.disks({*cut.cuts(), *noted} if is_short else None))
    chosen = random.Random(case).sample(range(len(disks)), min(len(disks), DISKS if is_short else LONG))
    for number, left in enumerate(disks):
        cut.assert_kept(left)
        if number in chosen or (left.cut in noted and left.kind == "nothing"):
            cut.assert_goes_on(left)
