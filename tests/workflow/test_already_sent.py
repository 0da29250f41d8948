"""Events that a batch carried which counts as sent are left out, as exactly as a dictionary would tell."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport.batch.keys import RECORD
from csvexport.errors import LedgerError
from csvexport.issues import Code
from csvexport.profile import load_profile
from csvexport.workflow import Options, build, check
from csvexport.workflow.deciding import confirm, discard
from csvexport.workflow.restoring import restore

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
source.path = "deals.csv"

[identifiers]
Yclid = "yclid"
ClientId = "client"

[[goals]]
target = "lead"
time = "time"

[[goals]]
target = "paid"
when = { sum = { empty = false } }
time = "time"
price = "sum"
currency = { column = "money" }

[calls]
when = { static = { empty = false } }
time = "time"
price = "sum"
static = "static"
"""
HEADER = ("yclid", "client", "time", "sum", "money", "static")
KINDS = ("conversions", "calls")

CELLS = {
    "yclid": st.sampled_from(["", "1", "2"]),
    "client": st.sampled_from(["", "1", "3"]),
    "time": st.sampled_from(["2024-05-20 10:00:00", "2024-05-20 10:00:01", "x"]),
    "sum": st.sampled_from(["", "5", "5.00", "6", "x"]),
    "money": st.sampled_from(["RUB", "USD"]),
    "static": st.sampled_from(["", "no", "yes"]),
}
EXPORTS = st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=10)
DECISIONS = st.sampled_from(["confirm", "confirm", "discard", "leave"])


class Shop:
    """A folder with a profile and an export, in which a build a minute is made."""

    def __init__(self, folder):
        self.folder = folder
        self.now = datetime(2024, 6, 1, 9, tzinfo=UTC)
        (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")

    def export(self, rows):
        with (self.folder / "deals.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows])

    def options(self):
        return Options(now=self.now, out=self.folder / "out")

    def build(self):
        self.now += timedelta(minutes=1)
        return build(load_profile(self.folder / "profile.toml"), self.options())

    def check(self):
        return check(load_profile(self.folder / "profile.toml"), self.options())

    def confirm(self, outcome):
        return confirm(self.folder / "out", outcome.folder.name)

    def discard(self, outcome):
        return discard(self.folder / "out", outcome.folder.name)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def events(folder, kind):
    """What a batch holds of a kind: by id type, identifier, target and time the rest of the line."""
    found = {}
    for path in folder.glob(f"{kind}-*.csv") if folder is not None else ():
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                worth = (line["Price"], line["Currency"])
                identifier = line.get("Yclid") or line.get("ClientId")
                # A call of nobody's is known by all of its line but the price.
                traits = [name for name in line if name not in {"Price", "Currency"}]
                known_by = ("Target", "DateTime") if identifier else traits
                key = (path.name, identifier, *(line.get(name) for name in known_by))
                assert key not in found
                found[key] = worth
    return found


def told(rows, kind):
    """What an export tells of a kind, row by row: an event's key, its worth, and the keys by its other identifiers."""
    for yclid, client, time, cell, money, static in rows:
        unix = {"2024-05-20 10:00:00": "1716188400", "2024-05-20 10:00:01": "1716188401"}.get(time)
        price = f"{float(cell):.2f}" if cell not in {"", "x"} else cell
        owners = [(f"{kind}-Yclid.csv", yclid), (f"{kind}-ClientId.csv", client)]
        owners = [(name, identifier) for name, identifier in owners if identifier]
        if kind == "conversions":
            goals = [("lead", ("", "RUB")), *([("paid", (price, money))] if price else [])]
            for target, worth in goals if unix and owners else ():
                if worth[0] != "x":
                    first, *others = [(*owner, target, unix) for owner in owners]
                    yield first, worth, others, []
        elif static and unix and price != "x":
            flag = str(int(static == "yes"))
            nameless = ("calls-Yclid.csv", None, "", unix, flag)
            keys = [(*owner, None, unix) for owner in owners]
            if keys:
                yield keys[0], (price, "RUB"), keys[1:], [nameless] if static == "yes" else []
            elif static == "yes":
                yield nameless, (price, "RUB"), [], []


def expected(rows, kind, sent):
    """Give what goes of an export, given what was sent, and how many were sent already, by their own or by another."""
    whole, others, nameless = {}, {}, {}
    for key, worth, others_of_row, nameless_of_row in told(rows, kind):
        whole[key] = worth
        others.setdefault(key, set()).update(others_of_row)
        nameless.setdefault(key, set()).update(nameless_of_row)
    beside = set().union(*others.values())
    # Metrica overwrites the price of a conversion, and counts a call twice.
    again = {key for key, worth in whole.items() if key in sent and (kind == "calls" or sent[key] == worth)}
    otherwise = {key for key in whole if key in beside or (others[key] | nameless[key]) & sent.keys()} - sent.keys()
    return {key: whole[key] for key in whole.keys() - again - otherwise}, len(again), len(otherwise)


def assert_keys(folder, kind, count):
    """The file of keys holds a record for each line, sorted."""
    path = folder / f"keys-{kind}.bin"
    assert path.exists() == bool(count)
    if count:
        records = np.fromfile(path, RECORD)
        keys = list(zip(records["first"].tolist(), records["second"].tolist(), strict=True))
        assert len(keys) == count
        assert keys == sorted(set(keys))


@settings(max_examples=15)
@given(st.lists(st.tuples(EXPORTS, DECISIONS), min_size=2, max_size=5))
def test_what_is_left_out_is_what_was_sent_with_the_same_worth_or_by_another_identifier(steps):
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        shop, beside = Shop(Path(one)), Shop(Path(other))
        sent = {kind: {} for kind in KINDS}
        for rows, decision in steps:
            shop.export(rows)
            beside.export(rows)
            checked, outcome, everything = shop.check(), shop.build(), beside.build()
            for kind in KINDS:
                new = events(outcome.folder, kind)
                left, again, otherwise = expected(rows, kind, sent[kind])
                assert new == left
                assert events(everything.folder, kind) == expected(rows, kind, {})[0]
                counts = outcome.summary.counts[kind]
                assert checked.summary.counts[kind] == counts
                assert counts.issues.get(Code.ALREADY_SENT, 0) == again
                assert counts.issues.get(Code.SENT_BY_OTHER_IDENTIFIER, 0) == otherwise
                assert counts.accepted + counts.skipped + counts.rejected == counts.matched
                if outcome.folder is not None:
                    assert_keys(outcome.folder, kind, len(new))
                    if decision == "confirm":
                        sent[kind] |= new
            if outcome.folder is not None and decision != "leave":
                getattr(shop, decision)(outcome)


ROW = ("1", "", "2024-05-20 10:00:00", "5", "RUB", "")


def test_a_discarded_batch_gives_back_what_was_sent_before_it(shop):
    dear = (*ROW[:3], "6", *ROW[4:])
    shop.export([ROW])
    shop.confirm(shop.build())
    shop.export([dear])
    second = shop.build()
    shop.confirm(second)
    assert shop.build().folder is None
    shop.export([ROW])
    assert shop.check().summary.counts["conversions"].accepted == 1
    shop.discard(second)
    assert shop.check().summary.counts["conversions"].accepted == 0


def test_the_same_build_beside_nothing_that_was_sent_has_the_same_name_and_keys(shop, tmp_path):
    shop.export([ROW, ("", "3", *ROW[2:])])
    (tmp_path / "again").mkdir()
    again = Shop(tmp_path / "again")
    again.export([ROW, ("", "3", *ROW[2:])])
    one, two = shop.build().folder, again.build().folder
    assert one.name == two.name
    assert (one / "keys-conversions.bin").read_bytes() == (two / "keys-conversions.bin").read_bytes()


def test_a_build_after_something_was_sent_has_another_name(shop, tmp_path):
    shop.export([ROW])
    shop.confirm(shop.build())
    (tmp_path / "again").mkdir()
    again = Shop(tmp_path / "again")
    again.now = shop.now
    for one in (shop, again):
        one.export([ROW, ("2", *ROW[1:])])
    first, second = shop.build().folder, again.build().folder
    assert first.name.partition("-")[0] == second.name.partition("-")[0]
    assert first.name != second.name


def test_a_kind_of_which_all_was_sent_has_no_file_of_keys(shop):
    shop.export([ROW])
    shop.confirm(shop.build())
    shop.export([(*ROW[:5], "yes")])
    outcome = shop.build()
    assert {kind: counts.accepted for kind, counts in outcome.summary.counts.items()} == {"conversions": 0, "calls": 1}
    assert {path.name for path in outcome.folder.glob("keys-*")} == {"keys-calls.bin"}


def test_a_check_writes_nothing(shop):
    shop.export([ROW])
    shop.confirm(shop.build())
    before = {path: path.stat().st_mtime_ns for path in shop.folder.rglob("*")}
    assert shop.check().summary.issues[Code.ALREADY_SENT] == 2
    assert {path: path.stat().st_mtime_ns for path in shop.folder.rglob("*")} == before


@pytest.mark.parametrize("damage", [None, b"", b"half"])
def test_keys_that_are_gone_stop_a_build_until_they_are_made_anew_from_the_files(shop, damage):
    shop.export([ROW])
    sent = shop.build()
    shop.confirm(sent)
    keys = sent.folder / "keys-conversions.bin"
    before = keys.read_bytes()
    keys.unlink()
    if damage is not None:
        keys.write_bytes(damage)
    for command in (shop.build, shop.check):
        with pytest.raises(LedgerError, match=r"csvexport ledger rebuild --out \S+ makes them anew") as told:
            command()
        assert "discard" not in str(told.value)
    restored = restore(shop.folder / "out")
    assert restored.keys == (sent.folder.name,)
    assert keys.read_bytes() == before
    assert shop.build().folder is None


@settings(max_examples=30)
@given(EXPORTS)
def test_keys_made_anew_are_those_that_the_build_made(rows):
    with TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        shop.export(rows)
        built = shop.build()
        if built.folder is None:
            return
        keys = {path: path.read_bytes() for path in built.folder.glob("keys-*.bin")}
        for path in keys:
            path.unlink()
        restore(shop.folder / "out")
        assert {path: path.read_bytes() for path in built.folder.glob("keys-*.bin")} == keys


def test_keys_are_not_made_of_files_that_were_changed(shop):
    shop.export([ROW])
    sent = shop.build()
    shop.confirm(sent)
    (sent.folder / "keys-conversions.bin").unlink()
    (sent.folder / "conversions-Yclid.csv").write_text("Yclid,Target,DateTime,Price,Currency\n", encoding="utf-8")
    restored = restore(shop.folder / "out")
    assert (restored.keys, len(restored.lost)) == ((), 1)
    with pytest.raises(LedgerError, match="gone or damaged"):
        shop.build()
