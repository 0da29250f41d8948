"""The benchmark measures what it says: its exports are reproducible, and the tools it compares do the same job."""

import csv
import hashlib
import importlib
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa
import pytest

BENCH = Path(__file__).parent / "bench"
ROWS = 20_000

# Of the later state stands first; the states of A-2 were saved in one second; A-3 is a draft by now, after
# a cost that cannot be, and A-4 was given a revenue that cannot be. A-5 is exactly 113 days old, A-7 a second older.
EXPORT_OF_ORDERS = [
    "A-1,C-1,Оплачен,31.01.2025 10:00:00,31.01.2025 12:00:00,100.50,7.00,+7 000 123-45-67,,",
    "A-1,C-1,Новая,31.01.2025 10:00:00,31.01.2025 10:00:00,1.00,,+7 000 123-45-67,,",
    "A-2,C-2,Оплачен,31.01.2025 11:00:00,31.01.2025 12:00:00,1.00,,8 (000) 123-45-67,,",
    "A-2,C-2,Отказ,31.01.2025 11:00:00,31.01.2025 12:00:00,2.00,,8 (000) 123-45-67,,",
    "A-3,C-3,В работе,31.01.2025 12:00:00,31.01.2025 12:00:00,3.00,,70001234567,,",
    "A-3,C-3,Черновик,31.01.2025 12:00:00,31.01.2025 13:00:00,4.00,,70001234567,,",
    "A-4,C-4,Спам,31.01.2025 13:00:00,31.01.2025 13:00:00,,,8-000-123-45-67, User.Name1@Example.com ,",
    "A-5,C-5,Оплачен,11.10.2024 03:00:00,31.01.2025 13:00:00,5.00,0.00,+7(000)1234567,,1000000000000000017",
    "A-6,C-6,Оплачен,31.01.2025 14:00:00,31.01.2025 16:00:00,6.00,,,,17",
    "A-6,C-6,Новая,31.01.2025 14:00:00,31.01.2025 15:00:00,7.00,,,,17",
    "A-7,C-7,Оплачен,11.10.2024 02:59:59,31.01.2025 13:00:00,8.00,,,,17",
    "A-8,C-8,Оплачен,31.01.2025 15:00:00,31.01.2025 15:00:00,9.00,,,,",
    "A-9,C-9,Оплачен,31.02.2024 10:00:00,31.01.2025 15:00:00,10.00,,,,17",
    "A-4,C-4,Оплачен,31.01.2025 13:00:00,31.01.2025 14:00:00,-1.00,,8-000-123-45-67,,",
    "A-3,C-3,Оплачен,31.01.2025 12:00:00,31.01.2025 14:00:00,1.00,-1.00,70001234567,,",
]
PHONE_HASH = hashlib.md5(b"70001234567").hexdigest()
EMAIL_HASH = hashlib.md5(b"user.name1@example.com").hexdigest()
LINES_OF_ORDERS = [
    f"A-1;2025-01-31 10:00:00;C-1;;;{PHONE_HASH};PAID;100.50;7.00",
    f"A-2;2025-01-31 11:00:00;C-2;;;{PHONE_HASH};CANCELLED;2.00;",
    f"A-3;2025-01-31 12:00:00;C-3;;;{PHONE_HASH};IN_PROGRESS;3.00;",
    f"A-4;2025-01-31 13:00:00;C-4;;{EMAIL_HASH};{PHONE_HASH};SPAM;;",
    f"A-5;2024-10-11 03:00:00;C-5;1000000000000000017;;{PHONE_HASH};PAID;5.00;0.00",
    "A-6;2025-01-31 14:00:00;C-6;17;;;PAID;6.00;",
]


def moment(text):
    return datetime.strptime(text, "%d.%m.%Y %H:%M:%S")  # noqa: DTZ007 - the clocks of Moscow


def is_moment(text):
    try:
        return bool(moment(text))
    except ValueError:
        return False


def run(script, *arguments):
    command = [sys.executable, BENCH / script, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def digest_of_export(path, rows, encoding, seed):
    return digest_of(path, "generate.py", rows, encoding, path, "--seed", seed)


def digest_of(path, *command):
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    paths = {encoding: folder / f"{encoding}.csv" for encoding in ("utf8", "cp1251")}
    for encoding, path in paths.items():
        digest_of_export(path, ROWS, encoding, 1)
    return paths


@pytest.fixture(scope="module")
def rows_of_orders(tmp_path_factory):
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    digest_of(path, "generate_orders.py", ROWS, path)
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@pytest.fixture
def job(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("job")


@pytest.fixture
def orders(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("orders")


@pytest.mark.parametrize("encoding", ["utf8", "cp1251"])
def test_same_rows_encoding_and_seed_give_the_same_bytes(tmp_path, encoding):
    first, again, other = (digest_of_export(tmp_path / "export.csv", 2_000, encoding, seed=seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_encodings_hold_the_same_rows(exports, job):
    tables = []
    for encoding, path in exports.items():
        dialect = job.DIALECTS[encoding]
        with path.open(encoding=dialect.codec, newline="") as source:
            rows = csv.DictReader(source, delimiter=dialect.delimiter)
            tables.append([row | {job.BUDGET: row[job.BUDGET].replace(dialect.rouble, "")} for row in rows])
    utf8, cp1251 = tables
    assert len(utf8) == ROWS
    assert tuple(utf8[0]) == job.COLUMNS
    assert utf8 == cp1251


def test_same_rows_and_seed_give_the_same_orders(tmp_path):
    path = tmp_path / "orders.csv"
    first, again, other = (digest_of(path, "generate_orders.py", 2_000, path, "--seed", seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_another_seed_changes_every_cell_of_the_orders_but_their_ids(tmp_path):
    columns = []
    for seed in (7, 8):
        path = tmp_path / f"{seed}.csv"
        digest_of(path, "generate_orders.py", 2_000, path, "--seed", seed)
        with path.open(encoding="utf-8", newline="") as source:
            columns.append(dict(zip(next(rows := csv.reader(source)), zip(*rows, strict=True), strict=True)))
    first, second = columns
    assert all(set(first[column]) != set(second[column]) for column in first.keys() - {"order_id", "status"})
    assert set(first["order_id"]) & set(second["order_id"])
    assert first["status"] != second["status"]


def test_no_two_of_ten_million_orders_share_a_phone_and_none_has_zeros_alone(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    generator = importlib.import_module("generate_orders").Generator(rows=1, seed=1)
    # The step is coprime to the number of phones, or there were no inverse; it leads from phone to phone through all.
    lowest = -pow(7_654_321, -1, 9_999_999) % 9_999_999
    (before, first, last) = generator.phones(np.array([lowest - 1, lowest, 9_999_999 + lowest])).to_pylist()
    digits = [re.sub("[^0-9]", "", phone)[4:] for phone in (before, first, last)]
    assert digits == [f"{1 + 9_999_999 - 7_654_321:07}", "0000001", "0000001"]


def test_export_of_orders_has_the_rows_that_were_asked_for(rows_of_orders, orders):
    assert len(rows_of_orders) == ROWS
    assert tuple(rows_of_orders[0]) == orders.COLUMNS


def test_one_order_in_twenty_stands_there_in_several_states(rows_of_orders):
    states = Counter(row["order_id"] for row in rows_of_orders)
    assert set(states.values()) == {1, 2, 3}
    assert sum(count > 1 for count in states.values()) == pytest.approx(0.05 * len(states), rel=0.1)


def test_states_of_an_order_differ_in_nothing_that_may_not_change(rows_of_orders):
    lasting = ("client_id", "phone", "email", "client_id_metrica")
    kept = {(row["order_id"], *(row[column] for column in lasting)) for row in rows_of_orders}
    assert len(kept) == len({row["order_id"] for row in rows_of_orders})


def test_later_state_may_stand_before_or_behind_or_be_saved_in_the_same_second(rows_of_orders):
    seen, found = {}, Counter()
    for row in rows_of_orders:
        order, changed = row["order_id"], moment(row["updated"])
        if order in seen:
            found["before" if changed < seen[order] else "behind" if changed > seen[order] else "together"] += 1
        seen[order] = changed
    assert found["before"] > 100
    assert found["behind"] > 100
    assert found["together"] > 10


def test_orders_were_made_within_150_days_and_changed_since(rows_of_orders, orders):
    made = [(moment(row["created"]), moment(row["updated"])) for row in rows_of_orders if is_moment(row["created"])]
    assert len(made) == pytest.approx(0.995 * ROWS, rel=0.002)
    assert all(orders.LOCAL_NOW - timedelta(days=150) <= created <= updated for created, updated in made)
    assert max(updated for _, updated in made) < orders.LOCAL_NOW
    too_old = sum(created < orders.LOCAL_NOW - orders.WINDOW for created, _ in made)
    assert too_old == pytest.approx((150 - 113) / 150 * ROWS, rel=0.05)


def test_contacts_of_orders_are_distinct_and_come_in_many_spellings(rows_of_orders):
    phones = {row["order_id"]: row["phone"] for row in rows_of_orders if len(re.findall("[0-9]", row["phone"])) == 11}
    assert {re.sub("[0-9]", "1", phone) for phone in phones.values()} == {
        *("+1 111 111-11-11", "1 (111) 111-11-11", "11111111111", "1-111-111-11-11", "+1(111)1111111"),
    }
    normal = {re.sub("^8", "7", re.sub("[^0-9]", "", phone)) for phone in phones.values()}
    assert len(normal) == len(phones)
    assert all(re.fullmatch("7000[0-9]{7}", phone) and len(set(phone[1:])) > 1 for phone in normal)
    emails = {row["order_id"]: row["email"] for row in rows_of_orders if re.search("[^@]@.*[.]", row["email"])}
    assert len({email.strip().lower() for email in emails.values()}) == len(emails)
    assert any(email != email.lower() for email in emails.values())
    assert {(email[0] == " ", email[-1] == " ") for email in emails.values()} == set(product((True, False), repeat=2))
    ids = {row["client_id_metrica"] for row in rows_of_orders}
    assert {len(text) for text in ids if text.isdigit()} == {18, 19}


@pytest.mark.parametrize(
    ("column", "good"),
    [
        ("phone", r"(?:[^0-9]*[0-9]){11}"),
        ("email", r" ?[A-Za-z0-9._+-]+@[A-Za-z0-9.]+[.][A-Za-z]+ ?"),
        ("client_id_metrica", "[0-9]+"),
    ],
)
def test_one_contact_in_a_hundred_is_none(rows_of_orders, column, good):
    bad = sum(bool(row[column]) and not re.fullmatch(good, row[column]) for row in rows_of_orders)
    assert bad == pytest.approx(0.01 * ROWS, rel=0.3)


@pytest.mark.parametrize(
    ("column", "share"),
    [("phone", 0.9), ("email", 0.8), ("client_id_metrica", 0.4), ("revenue", 0.95), ("cost", 0.5), ("updated", 1)],
)
def test_cells_of_orders_are_filled_by_their_shares(rows_of_orders, column, share):
    assert sum(bool(row[column]) for row in rows_of_orders) == pytest.approx(share * ROWS, rel=0.05)


def test_some_orders_have_a_negative_revenue_or_a_status_without_a_name(rows_of_orders, orders):
    assert sum(row["revenue"].startswith("-") for row in rows_of_orders) == pytest.approx(0.003 * ROWS, rel=0.5)
    assert {row["status"] for row in rows_of_orders} == {*orders.STATUSES, orders.UNMAPPED}


def test_phones_to_hash_are_distinct_and_in_blocks(tmp_path):
    path, count = tmp_path / "phones.arrow", 65_536 + 10
    done = run("generate_phones.py", count, path)
    assert done.returncode == 0, done.stderr
    with pa.OSFile(str(path)) as file:
        phones = pa.ipc.open_file(file).read_all()["phone"]
    assert [len(block) for block in phones.chunks] == [65_536, 10]
    assert len({re.sub("[^0-9]", "", phone)[1:] for phone in phones.to_pylist()}) == count


@pytest.mark.parametrize("encoding", ["utf8", "cp1251"])
def test_peers_do_the_same_job(tmp_path, exports, encoding):
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    folders = [tmp_path / "polars", tmp_path / "duckdb"]
    done = [run(f"peer_{folder.name}.py", exports[encoding], encoding, folder) for folder in folders]
    assert [process.stderr for process in done] == ["", ""]
    polars, duckdb = (json.loads(process.stdout) for process in done)
    assert polars == duckdb
    assert polars["accepted"] == pytest.approx(0.51 * ROWS, rel=0.05)
    assert polars["rejected"] == pytest.approx(0.03 * 0.53 * ROWS, rel=0.2)
    assert polars["duplicates"] == pytest.approx(0.005 * 0.51 * ROWS, rel=0.5)
    compared = run("compare.py", *folders)
    assert compared.stdout == f"{polars['accepted']:,} accepted, {polars['rejected']:,} rejected\n", compared.stderr


def test_duckdb_makes_the_orders_that_the_job_describes(tmp_path, orders):
    pytest.importorskip("duckdb")
    export, folder = tmp_path / "export.csv", tmp_path / "duckdb"
    export.write_text("\n".join([",".join(orders.COLUMNS), *EXPORT_OF_ORDERS]) + "\n", encoding="utf-8")
    done = run("peer_duckdb_orders.py", export, folder)
    assert (done.stdout, done.stderr) == ("", "")
    header, *lines = (folder / "orders.csv").read_text(encoding="utf-8").splitlines()
    assert header == "id;create_date_time;client_uniq_id;client_ids;emails_md5;phones_md5;order_status;revenue;cost"
    assert lines == LINES_OF_ORDERS
    rejected = (folder / "rejected.csv").read_text(encoding="utf-8").splitlines()
    assert [line[:18] for line in rejected[1:]] == [
        *("no-contact,A-8,C-8", "bad-time,A-9,C-9,О", "negative-price,A-4", "negative-price,A-3"),
    ]


def test_duckdb_hashes_the_normal_form_of_phones(tmp_path):
    pytest.importorskip("duckdb")
    path = tmp_path / "phones.arrow"
    phones = ["+7 000 123-45-61", "8 (000) 123-45-62", "70001234563", "8-000-123-45-64", "+7(000)1234565"]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema({"phone": pa.string()})) as file:
        for block in (phones[:2], phones[2:]):
            file.write_batch(pa.record_batch({"phone": block}))
    done = run("hash_phones.py", "duckdb", path)
    hashes = "".join(hashlib.md5(f"7000123456{last}".encode()).hexdigest() for last in range(1, 6))
    assert done.stdout == f"5 hashes, checksum {crc32(hashes.encode()):08x}\n", done.stderr


def test_comparison_shows_what_differs(tmp_path):
    header = "Yclid,Target,DateTime,Price,Currency\n"
    for name, price in (("one", "1.00"), ("two", "1.0")):
        (tmp_path / name / "batch").mkdir(parents=True)
        conversions = tmp_path / name / "batch" / "conversions-Yclid.csv"
        conversions.write_text(f"{header}17,order_paid,1717153509,{price},RUB\n", encoding="utf-8")
    done = run("compare.py", tmp_path / "one", tmp_path / "two")
    assert done.returncode == 1
    assert "only in the first: 17,order_paid,1717153509,1.00,RUB" in done.stderr
    assert "only in the second: 17,order_paid,1717153509,1.0,RUB" in done.stderr


def test_comparison_shows_where_orders_stand_otherwise(tmp_path):
    header = "id;create_date_time;client_uniq_id;client_ids;emails_md5;phones_md5;order_status;revenue;cost"
    lines = [f"A-{number};2025-01-31 12:00:00;;17;;;PAID;;" for number in (1, 2, 3)]
    for name, order in (("one", [0, 1, 2]), ("two", [0, 2, 1])):
        (tmp_path / name).mkdir()
        orders = tmp_path / name / "orders.csv"
        orders.write_text("\n".join([header, *(lines[place] for place in order)]), encoding="utf-8")
    done = run("compare.py", tmp_path / "one", tmp_path / "two")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "accepted: 3 and 3",
        "the order differs from line 3 on: A-2;2025-01-31 12:00:00;;17;;;PAID;;",
    ]


def test_profile_of_orders_states_the_job(orders):
    profile = tomllib.loads(orders.profile(Path("выгрузка.csv")))
    assert profile["source"]["path"] == "выгрузка.csv"
    assert profile["orders"].pop("statuses") == orders.STATUSES
    assert sorted(profile["orders"].values()) == sorted(orders.COLUMNS)


def test_profile_states_the_job(job):
    profile = tomllib.loads(job.profile(Path("выгрузка.csv")))
    assert profile["source"]["path"] == "выгрузка.csv"
    assert {goal["when"]["Статус"]: goal["target"] for goal in profile["goals"]} == job.GOALS
    assert all(tuple(goal["when"]["Воронка"]) == job.PIPELINES for goal in profile["goals"])


def test_benchmark_prints_a_table_of_the_peers(tmp_path):
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    sizes = ("--rows", 1_000, "--orders", 2_000, 500, "--hashes", 3_000)
    done = run("run.py", *sizes, "--runs", 1, "--tools", "polars", "duckdb", "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    first_words = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert first_words == [
        *("1,000", "wall", "polars", "duckdb"),
        *("orders,", "wall", "duckdb"),
        *("orders,", "wall", "duckdb"),
        *("3,000", "wall", "duckdb"),
    ]
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"export-1000-utf8.csv", "orders-500.csv", "orders-2000.csv", "phones-3000.arrow"}


def test_benchmark_leaves_out_what_has_no_size():
    pytest.importorskip("duckdb")
    done = run("run.py", "--rows", "--orders", "--hashes", 0, "--runs", 1, "--tools", "polars", "duckdb")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(importlib.util.find_spec("csvexport.__main__") is None, reason="csvexport has no command line yet")
@pytest.mark.parametrize("encoding", ["utf8", "cp1251"])
def test_csvexport_and_peers_agree(encoding):
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    sizes = ("--rows", ROWS, "--orders", "--hashes", 0, "--workbook", 300, "--json", 300, "--starts", 1, "--sent", ROWS)
    done = run("run.py", *sizes, "--sftp", 0, "--runs", 1, "--encodings", encoding)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "csvexport" in done.stdout
    assert all(title in done.stdout for title in ("xlsx, 300 rows", "jsonl, 300 rows", "json, 300 rows"))


def test_csvexport_and_duckdb_make_the_same_orders_and_hashes():
    pytest.importorskip("duckdb")
    nothing_else = ("--rows", "--workbook", 0, "--json", 0, "--starts", 0, "--sent", 0, "--sftp", 0)
    done = run("run.py", *nothing_else, "--orders", ROWS, 5 * ROWS, "--hashes", 5 * ROWS, "--runs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  csvexport / duckdb: ") == 3
    assert f"csvexport's peak, {5 * ROWS:,} rows / {ROWS:,} rows: " in done.stdout
