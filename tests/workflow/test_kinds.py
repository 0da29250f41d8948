"""One profile that makes all five kinds: each accounts for every row, alone and together."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csvexport.errors import UsageError
from csvexport.issues import REJECTED_COLUMNS
from csvexport.profile import load_profile
from csvexport.workflow import Options, build, check

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
WHOLE_FILE = 8 << 20
KINDS = ("conversions", "calls", "orders", "contacts", "deals")

EVENTS = """
timezone = "Europe/Moscow"
counter_timezone = "Asia/Yekaterinburg"
max_rejected = 1
[source]
path = "deals.csv"
delimiter = ","
encoding = "utf-8"
[identifiers]
ClientId = "cid"
UserId = "client"
[[goals]]
target = "created"
time = "created"
[[goals]]
target = "paid"
when = { status = "Оплачен" }
time = "changed"
price = "sum"
currency = { column = "money" }
[calls]
when = { talk = { empty = false } }
time = "created"
static = "static"
phone = "phone"
talk_duration = "talk"
tag = "name"
"""
ORDERS = """
[orders]
id = "id"
created = "created"
updated = "changed"
client = "client"
client_ids = "cid"
emails = "mail"
phones = "phone"
revenue = "sum"
cost = "cost"
status = "status"
utm = { source = "name" }
[orders.statuses]
"Новая" = "IN_PROGRESS"
"Оплачен" = "PAID"
"Замер" = "measure"
"""
CONTACTS = """
[contacts]
id = "client"
name = "name"
updated = "changed"
client_ids = "cid"
emails = "mail"
phones = "phone"
only_with_deals = true
format = "json"
attributes = { talk = { column = "talk", multivalued = true } }
"""
DEALS = """
[deals]
id = "id"
client = "client"
created = "created"
updated = "changed"
status = "status"
revenue = "sum"
currency = { column = "money" }
products = "name"
attributes = { expense = { column = "cost", type = "numeric" } }
[deals.statuses]
"Новая" = "IN_PROGRESS"
"Оплачен" = { id = "paid", type = "PAID", title = "Оплачен" }
[[deals.goals]]
target = "big"
when = { sum = { min = 100 } }
price = "cost"
"""
PROFILE = EVENTS + ORDERS + CONTACTS + DEALS

POOLS = {
    "id": ["A-1", "A-2", "A-3", 'A "4", x', "", "null"],
    "client": ["c1", "c2", "c;3", "", "undefined"],
    "created": [
        "2024-05-20 10:00:00",
        "20.05.2024",
        "2024-02-09 12:00:00",
        "2024-01-01",
        "2024-06-01",
        "2024-06-02",
        "x",
        "",
    ],
    "changed": ["", "2024-05-21 10:00:00", "22.05.2024", "вчера", "2024-05-21T07:00:00Z"],
    "status": ["Новая", "Оплачен", " ОПЛАЧЕН", "Замер", "Черновик", ""],
    "cid": [
        *("1706436776194551959", "1706436776194551958", "1706436776194551959, 1706436776194551958", "1,71642E+18"),
        *("", "undefined", "0"),
    ],
    "mail": ["a@example.ru", "A@example.ru; b@example.ru", "", "почта"],
    "phone": ["8 000 123-45-67", "+70001234567, 80007654321", "", "112"],
    "sum": ["100", "1 000,50", "", "-1", "x", "5 $", "9223372036855"],
    "cost": ["1", "0,5", "", "x"],
    "money": ["RUB", "usd", "", "тугрик"],
    "name": ["yandex", 'Кресло "Люкс": 2, Стол x3', "a;b\nc", "", "\u00a0x"],
    "talk": ["95", "1:35", "", "x"],
    "static": ["1", "нет", "", "?"],
}
ROW = {name: pool[0] for name, pool in POOLS.items()}

ROWS = st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in POOLS.items()})
SOURCES = st.lists(st.one_of(ROWS, ROWS, ROWS, st.sampled_from(["short", 'a "b" c'])), min_size=1, max_size=12)


def export(rows):
    """Write rows as a source; what is no dictionary is a line that cannot be read."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["note", *POOLS])
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            writer.writerow([number, *(row[name] for name in POOLS)])
        else:
            text.write(f"{row}\n")
    return text.getvalue()


class Shop:
    """A folder with a profile and a source, in which builds are made."""

    def __init__(self, folder, profile, text):
        self.folder = folder / "shop"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "deals.csv").write_text(text, encoding="utf-8", newline="")
        (self.folder / "profile.toml").write_text(profile, encoding="utf-8")
        self.options = Options(now=NOW, out=folder / "out")

    def check(self, **options):
        return check(load_profile(self.folder / "profile.toml"), replace(self.options, **options))

    def build(self, **options):
        """Give the outcome, and the files of the batch."""
        outcome = build(load_profile(self.folder / "profile.toml"), replace(self.options, **options))
        files = {path.name: path.read_bytes() for path in outcome.folder.iterdir()} if outcome.folder else {}
        return outcome, files


def records(data, delimiter=","):
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, strict=True))


def table(data, delimiter=","):
    header, *lines = records(data, delimiter)
    return [dict(zip(header, line, strict=True)) for line in lines]


def written(outcome, files):
    """Give the records of every file by kind, having seen that each has as many as the manifest says."""
    found = {kind: [] for kind in outcome.summary.counts}
    for facts in outcome.summary.files:
        data = files[facts.name]
        assert facts.bytes == len(data)
        if facts.kind == "schema":
            (entries,) = json.loads(data).values()
        elif facts.name.endswith(".json"):
            (entries,) = json.loads(data).values()
            found[facts.kind] += entries
        else:
            entries = table(data, ";" if facts.kind == "orders" else ",")
            found[facts.kind] += entries
        assert facts.rows == len(entries)
    return found


def assert_accounted(outcome, found):
    for kind, counts in outcome.summary.counts.items():
        assert counts.accepted + counts.skipped + counts.rejected == counts.matched
        assert counts.accepted == len(found[kind])
        assert all(count > 0 for count in counts.issues.values())
    summed = sum((Counter(counts.issues) for counts in outcome.summary.counts.values()), Counter())
    assert dict(outcome.summary.issues) == dict(summed)


def assert_fit_for_yandex(found):
    """See to what Yandex refuses or mistakes, in whatever was written."""
    for order in found["orders"]:
        assert order["order_status"] in {"PAID", "IN_PROGRESS", "measure"}
        # The counter's clock is two hours ahead of the profile's.
        assert "2024-02-09 14:00:00" <= order["create_date_time"] <= "2024-06-01 14:00:00"
        assert order["client_ids"] or order["emails_md5"] or order["phones_md5"]
        for name in ("emails_md5", "phones_md5"):
            assert all(len(value) == 32 for value in order[name].split(",") if value)
        for name in ("revenue", "cost"):
            assert not order[name] or 0 <= float(order[name]) <= 9223372036854
    clients = {deal["client_uniq_id"] for deal in found["deals"]}
    for deal in found["deals"]:
        assert deal["order_status"] in {"in_progress", "paid"}
        assert deal["client_type"] == "CONTACT"
        assert deal["create_date_time"] <= "2024-06-01 14:00:00"
    assert {contact["uniq_id"] for contact in found["contacts"]} <= clients
    for kind, name in (("orders", "id"), ("deals", "id"), ("contacts", "uniq_id")):
        ids = [record[name] for record in found[kind]]
        assert len(set(ids)) == len(ids)
        assert "" not in ids
    for event in [*found["conversions"], *found["calls"]]:
        assert 0 < int(event["DateTime"]) <= NOW.timestamp()
        who = next(iter(event.values()))
        assert who or event["StaticCall"] == "1"
        assert who not in {"0", "1", "undefined"}


def assert_rejected(outcome, files):
    """A rejected row has a line for each kind, one that cannot be read one for all."""
    lines = table(files["rejected.csv"]) if "rejected.csv" in files else []
    assert all(list(line) == [*REJECTED_COLUMNS, "note", *POOLS] for line in lines)
    of_kind = Counter(kind for line in lines for kind in line["kind"].split(" | "))
    for kind, counts in outcome.summary.counts.items():
        if kind == "conversions":  # of a row that makes two, both may be rejected
            assert of_kind[kind] <= counts.rejected <= 2 * of_kind[kind]
        else:
            assert of_kind[kind] == counts.rejected
    rows = [int(line["row"]) for line in lines]
    assert rows == sorted(rows)


@settings(max_examples=80)
@given(rows=SOURCES, piece=st.sampled_from([WHOLE_FILE, 1, 100, 400]))
@example(rows=[ROW], piece=WHOLE_FILE)
@example(rows=["short"], piece=WHOLE_FILE)
@example(rows=[ROW, ROW, {**ROW, "status": "Оплачен"}, {**ROW, "client": "c2", "status": "Черновик"}], piece=1)
def test_every_kind_accounts_for_every_row(rows, piece):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("csvexport.sources.delimited.PIECE_BYTES", piece)
        shop = Shop(Path(folder), PROFILE, export(rows))
        checked = shop.check()
        outcome, files = shop.build()
    assert list(outcome.summary.counts) == list(KINDS)
    assert (checked.summary.counts, checked.summary.issues) == (outcome.summary.counts, outcome.summary.issues)
    assert checked.refusal is None
    found = written(outcome, files)
    assert_accounted(outcome, found)
    assert_fit_for_yandex(found)
    assert (outcome.folder is not None) == any(found.values())
    if outcome.folder is not None:
        assert_rejected(outcome, files)
        manifest = json.loads(files["manifest.json"])
        assert {kind: counts["accepted"] for kind, counts in manifest["counts"].items()} == {
            kind: len(records) for kind, records in found.items()
        }


def uploads(files):
    others = {"manifest.json", "report.html", "report.txt", "keys-conversions.bin", "keys-calls.bin"}
    return {name: data for name, data in files.items() if name not in others}


@settings(max_examples=25)
@given(rows=SOURCES, piece=st.integers(1, 400))
def test_the_size_of_the_blocks_changes_no_file(rows, piece):
    batches = []
    for size in (WHOLE_FILE, piece):
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.setattr("csvexport.sources.delimited.PIECE_BYTES", size)
            outcome, files = Shop(Path(folder), PROFILE, export(rows)).build()
        batches.append((uploads(files), outcome.summary.counts, outcome.summary.days, outcome.summary.tags))
    assert batches[0] == batches[1]


@settings(max_examples=25)
@given(rows=SOURCES, only=st.sets(st.sampled_from(["conversions", "calls", "orders", "deals"]), min_size=1))
def test_a_kind_is_made_alike_alone_and_beside_the_others(rows, only):
    with TemporaryDirectory() as folder:
        shop = Shop(Path(folder), PROFILE, export(rows))
        together, all_files = shop.build()
        alone, files = shop.build(only=sorted(only))
    assert alone.summary.counts == {kind: together.summary.counts[kind] for kind in KINDS if kind in only}
    names = {facts.name for facts in together.summary.files if facts.kind in only}
    names |= {facts.name for facts in together.summary.files if facts.kind == "schema" and "CONTACT" not in facts.name}
    expected = {name: all_files[name] for name in names if "deals" in only or not name.endswith(".json")}
    assert {name: data for name, data in uploads(files).items() if name != "rejected.csv"} == expected
    assert alone.summary.files == tuple(facts for facts in together.summary.files if facts.name in expected)


@settings(max_examples=15)
@given(rows=SOURCES)
def test_the_same_input_gives_the_same_bytes(rows):
    batches = []
    for _ in range(2):
        with TemporaryDirectory() as folder:
            outcome, files = Shop(Path(folder), PROFILE, export(rows)).build()
            batches.append((outcome.folder and outcome.folder.name, files, outcome.summary))
    assert batches[0] == batches[1]


# What a command line asks for.


def test_a_kind_that_the_profile_does_not_make_is_refused(tmp_path):
    shop = Shop(tmp_path, EVENTS, export([ROW]))
    with pytest.raises(UsageError, match="the profile makes no orders; it makes conversions, calls"):
        shop.check(only=["orders"])


def test_batches_of_other_kinds_have_other_names(tmp_path):
    shop = Shop(tmp_path, PROFILE, export([ROW]))
    names = [shop.build(only=only)[0].folder.name for only in ([], ["orders"], ["deals"], ["orders", "deals"])]
    assert len(set(names)) == 4


def test_contacts_come_before_the_deals_that_name_them(tmp_path):
    outcome, _ = Shop(tmp_path, PROFILE, export([ROW])).build()
    assert [(facts.kind, facts.name) for facts in outcome.summary.files] == [
        ("conversions", "conversions-ClientId.csv"),
        ("calls", "calls-ClientId.csv"),
        ("orders", "orders.csv"),
        ("schema", "attributes-CONTACT.json"),
        ("contacts", "contacts.json"),
        ("schema", "order_statuses.json"),
        ("schema", "attributes-ORDER.json"),
        ("deals", "deals.csv"),
    ]


def test_one_kind_of_which_too_much_is_rejected_stops_all(tmp_path):
    profile = PROFILE.replace("max_rejected = 1", "max_rejected = 0.5")
    rows = [ROW, {**ROW, "sum": "x"}, {**ROW, "sum": "x", "id": "A-2"}]
    shop = Shop(tmp_path, profile, export(rows))
    refusal = shop.check().refusal
    assert refusal.startswith("2 of 3 orders (67%) would be rejected, more than max_rejected = 0.5 allows.")
    assert 'bad-price (the price cannot be read without guessing), first in deals.csv, row 3, column "sum"' in refusal
    assert shop.check(only=["conversions", "calls"]).refusal is None


# `rejected.csv` that comes back.


def back(shop, tmp_path, correct, **options):
    """Correct what a build rejected, and build that; `correct` takes a line and gives what becomes of it."""
    _, files = shop.build(**options)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    lines = table(files["rejected.csv"])
    writer.writerow(lines[0])
    writer.writerows(correct(line).values() for line in lines)
    path = tmp_path / "corrected.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return shop.build(exports=[str(path)], **options)


def test_each_corrected_line_becomes_a_record_of_its_own_kind_alone(tmp_path):
    """Row 2 is bad as a conversion, row 3 as a call and a conversion, row 4 as all; row 5 is good and does not come."""
    goal = '[[goals]]\ntarget = "paid"\ntime = "changed"\nprice = "sum"\n'
    profile = EVENTS.partition("[[goals]]")[0] + goal + "[calls]" + EVENTS.partition("[calls]")[2]
    filled = {**ROW, "changed": "2024-05-21", "static": "0"}
    rows = [filled | {"sum": "x"}, filled | {"cid": "", "client": ""}, "short", filled]
    shop = Shop(tmp_path, profile, export(rows))
    outcome, files = shop.build()
    assert [(line["row"], line["kind"]) for line in table(files["rejected.csv"])] == [
        ("2", "conversions"),
        ("3", "conversions"),
        ("3", "calls"),
        ("4", "conversions | calls"),
    ]
    assert outcome.summary.counts["calls"].accepted == 1  # rows 2 and 5 are one and the same call

    def correct(line):
        row = filled | {"sum": "7", "client": "c9", "cid": f"170643677619455190{line['row']}"}
        return line | row

    outcome, files = back(shop, tmp_path, correct)
    found = written(outcome, files)
    clients = [record["ClientId"][-1] for record in found["conversions"]]
    assert clients == ["2", "3", "4"]
    assert [record["ClientId"][-1] for record in found["calls"]] == ["3", "4"]
    counts = outcome.summary.counts
    assert (counts["conversions"].matched, counts["calls"].matched) == (3, 2)
    assert outcome.summary.issues == {}


def test_lines_that_nobody_corrected_are_rejected_again_as_what_they_were(tmp_path):
    rows = [
        ROW | {"created": "x", "changed": "2024-05-21"},
        ROW,
        "short",
        ROW | {"cid": "", "client": "", "static": "нет"},
    ]
    shop = Shop(tmp_path, EVENTS, export(rows))
    before, _ = shop.build()
    outcome, after = back(shop, tmp_path, lambda line: line)
    assert (outcome.folder, after, outcome.refusal) == (None, {}, None)
    rejected = {kind: counts.rejected for kind, counts in before.summary.counts.items()}
    assert rejected == {"conversions": 3, "calls": 3}
    # Of the row that cannot be read the cells are empty, so that it was no call.
    rejected = {kind: counts.rejected for kind, counts in outcome.summary.counts.items()}
    assert rejected == {"conversions": 3, "calls": 2}


def test_lines_that_nobody_corrected_stop_no_build(tmp_path):
    rows = [ROW, ROW | {"created": "x", "static": "0"}]
    profile = EVENTS.replace("max_rejected = 1", "max_rejected = 0.5")
    outcome, _ = back(Shop(tmp_path, profile, export(rows)), tmp_path, lambda line: line)
    assert outcome.summary.counts["calls"].rejected == 1
    assert outcome.refusal is None


def test_a_line_without_a_kind_is_read_as_all(tmp_path):
    shop = Shop(tmp_path, EVENTS, export([ROW, ROW | {"created": "x"}]))
    good = ROW | {"kind": "", "cid": "1706436776194551950"}
    outcome, _ = back(shop, tmp_path, lambda line: line | good)
    assert {kind: counts.matched for kind, counts in outcome.summary.counts.items()} == {"conversions": 2, "calls": 2}


@pytest.mark.parametrize("kinds", [ORDERS, CONTACTS.replace("only_with_deals = true", ""), DEALS], ids=KINDS[2:])
def test_snapshots_are_never_made_of_corrected_rows_alone(kinds, tmp_path):
    shop = Shop(tmp_path, EVENTS + kinds, export([ROW, ROW | {"created": "x", "changed": "x"}]))
    with pytest.raises(UsageError):
        back(shop, tmp_path, lambda line: line)
    outcome, _ = back(shop, tmp_path, lambda line: line | {"created": ROW["created"]}, only=["conversions", "calls"])
    assert outcome.folder is not None
    both = [str(shop.folder / "deals.csv"), str(tmp_path / "corrected.csv")]
    assert shop.check(exports=both).refusal is None
