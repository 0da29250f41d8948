"""Orders and calls beside slow models that read row by row.

The models stand on the references of each kind of value and on nothing else; they know no blocks, masks or spools.
"""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport.issues import CATALOGUE, Code, Severity
from csvexport.profile import load_profile
from csvexport.values.contacts import md5_of, read_email_cell, read_phone_cell
from csvexport.values.currencies import CURRENCIES, DOLLARS, read_currency
from csvexport.values.identifier_lists import read_identifier_list
from csvexport.values.identifiers import Rule, read_identifier
from csvexport.values.money import NAMED, money_text, named_currency, read_money
from csvexport.values.scalars import read_duration, read_flag, read_text
from csvexport.values.times import TimeRule, read_time
from csvexport.workflow import Options, build

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
ZONE, COUNTER = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
RULE = TimeRule("Europe/Berlin")
ERRORS = {code for code, issue in CATALOGUE.items() if issue.severity is Severity.REJECTED}
WHOLE_FILE = 8 << 20

TOP = """
timezone = "Europe/Berlin"
counter_timezone = "Asia/Kolkata"
max_rejected = 1
[source]
path = "deals.csv"
delimiter = ","
encoding = "utf-8"
"""

A, B = "1706436776194551959", "1706436776194551958"
POOLS = {
    "id": ["1", "2", " 1", "a;b", "", "null"],
    "created": [
        *(
            "2024-05-20 10:00:00",
            "20.05.2024",
            "2024-02-09 10:00:00",
            "2024-02-09 09:59:59",
            "2024-01-01",
            "2024-06-01",
        ),
        *("2024-06-01 11:00:00", "2024-06-01 11:00:01", "2024-03-31 02:30:00", "05/20/2024", ""),
    ],
    "changed": ["", "2024-05-21 10:00:00", "2024-05-21T08:00:00Z", "22.05.2024", "вчера"],
    "status": ["Новая", "Оплачен", " ОПЛАЧЕН", "Замер", "Черновик", ""],
    "cid": [A, f"{A},{B}", f"{B}; {A}", f"undefined, {A}", "1,71642E+18", "undefined", "", "12"],
    "mail": ["a@example.ru", "A@example.ru; b@example.ru", "", "почта", "почта, b@example.ru"],
    "phone": ["8 000 123-45-67", "+70001234567, 80007654321", "", "112"],
    "sum": ["100", "1 000,50", "", "-1", "x", "5 $", "7 ₽", "9223372036855", "0.1234567"],
    "cost": ["1", "0,5", "", "x", "5 €"],
    "money": ["RUB", "usd", "", "тугрик"],
    "branch": ["a", "b", ""],
    "talk": ["95", "1:35", "", "x"],
    "static": ["1", "нет", "", "?"],
    "tag": ["тег", " a,b\n", ""],
}
ROWS = st.lists(st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in POOLS.items()}), max_size=10)
PIECES = st.sampled_from([WHOLE_FILE, 1, 60, 300])


def made(profile, rows, piece):
    """Build; give what the manifest counts, and each file's lines by its name."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("csvexport.sources.delimited.PIECE_BYTES", piece)
        shop = Path(folder) / "shop"
        shop.mkdir()
        (shop / "profile.toml").write_text(TOP + profile, encoding="utf-8")
        with (shop / "deals.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["note", *POOLS], lineterminator="\n")
            writer.writeheader()
            writer.writerows({"note": "-"} | row for row in rows)
        outcome = build(load_profile(shop / "profile.toml"), Options(now=NOW, out=Path(folder) / "out"))
        paths = list(outcome.folder.glob("*.csv")) if outcome.folder else []
        texts = {path.name: path.read_bytes().decode() for path in paths}
    return outcome.summary, {name: list(csv.reader(io.StringIO(text, newline=""))) for name, text in texts.items()}


class Row:
    """A row while it is read: what was found wrong, each issue once."""

    def __init__(self, cells):
        self.cells = cells
        self.codes = set()

    def note(self, code):
        if code:
            self.codes.add(code)

    def moment(self, name):
        unix, code = read_time(self.cells[name], RULE)
        self.note(code)
        return unix

    def money(self, name, currency):
        amount, code = read_money(self.cells[name])
        named = NAMED[named_currency(self.cells[name])]
        self.note(code)
        if named not in {"", currency} and not (named == "$" and currency in DOLLARS):
            self.note(Code.BAD_CURRENCY)
        return "" if amount is None else money_text(amount)

    def currency(self, *, priced):
        number, code = read_currency(self.cells["money"], {})
        self.note(code)
        if number is None and not code and priced:
            self.note(Code.PRICE_WITHOUT_CURRENCY)
        return "RUB" if number is None else CURRENCIES[number]

    @property
    def is_rejected(self):
        return bool(self.codes & ERRORS)


# Orders.

ORDERS = """
[orders]
delimiter = ","
id = "id"
created = "created"
updated = "changed"
client_ids = "cid"
emails = "mail"
phones = "phone"
revenue = "sum"
cost = "cost"
currency = { column = "money" }
status = "status"
[orders.statuses]
"Новая" = "IN_PROGRESS"
"Оплачен" = "PAID"
"Замер" = "measure"
[[orders.goals]]
target = "all"
[[orders.goals]]
target = "own"
when = { branch = "a" }
price = "cost"
"""
HEADER = (
    "id,create_date_time,client_ids,emails_md5,phones_md5,order_status,revenue,cost,goals,currency".split(",")  # noqa: SIM905
)
MEANINGS = {"новая": "IN_PROGRESS", "оплачен": "PAID", "замер": "measure"}


def orders(rows):
    """Give the lines that go, and the counts of matched, skipped, rejected and of each issue."""
    states, issues, skipped, rejected = [], Counter(), 0, 0
    for cells in rows:
        row = Row(cells)
        left_out, order = _order(row)
        if left_out:
            skipped += 1
            issues[left_out] += 1
        else:
            issues.update(row.codes & ERRORS)
            rejected += row.is_rejected
            states += [] if row.is_rejected else [(*order, row.codes)]
    kept = {}
    for place, (line, rank, *_) in enumerate(states):
        if line[0] not in kept or rank >= kept[line[0]][0]:
            kept[line[0]] = rank, place
    for place, (line, _, what, codes) in enumerate(states):
        winner = kept[line[0]][1]
        if place == winner:
            issues.update(codes)
        else:
            same = what == states[winner][2]
            issues[Code.DUPLICATE if same else Code.SUPERSEDED] += 1
            issues[Code.CHANGED_CREATION] += what[0] != states[winner][2][0]
    lines = [states[place][0] for place in sorted(place for _, place in kept.values())]
    return lines, (len(rows), skipped + len(states) - len(lines), rejected), +issues


def _order(row):
    """Give why a row is left out, or its line, its rank, and what tells its state from others."""
    cells = row.cells
    status = MEANINGS.get(cells["status"].strip().casefold())
    if status is None:
        return Code.UNKNOWN_STATUS, None
    created = row.moment("created")
    if created is not None and created > NOW.timestamp():
        if len(cells["created"]) == len("yyyy-MM-dd"):
            return Code.UNFINISHED_DAY, None
        row.note(Code.FUTURE_TIME)
    rank, code = read_time(cells["changed"], RULE)
    row.note(Code.NONE if code is Code.EMPTY_TIME else code)
    number, code = read_identifier(cells["id"], Rule.TEXT)
    row.note(Code.NO_ORDER_ID if code is Code.NO_IDENTIFIER else code)
    currency = row.currency(priced=read_money(cells["sum"])[0] is not None)
    revenue, cost = row.money("sum", currency), row.money("cost", currency)
    client_ids, emails, phones = _clients(row)
    goals = ["all"]
    if cells["branch"] == "a":
        goals.append(f"own:{cost}" if cost else "own")
    text = "" if created is None else f"{datetime.fromtimestamp(created, COUNTER):%Y-%m-%d %H:%M:%S}"
    line = [number, text, client_ids, emails, phones, status, revenue, cost, ",".join(goals), currency]
    micro = [_micro(amount) for amount in (revenue, cost)]
    return None, (line, rank or 0, (created, rank, status, *micro))


def _micro(amount):
    whole, _, fraction = amount.partition(".")
    return int(f"{whole}{fraction[:6]:0<6}") if amount else None


def _clients(row):
    cells = row.cells
    client_ids, bad = read_identifier_list(cells["cid"], Rule.NUMBER)
    emails, code = read_email_cell(cells["mail"])
    row.note(code)
    phones, code = read_phone_cell(cells["phone"], "RU")
    row.note(code)
    found = client_ids or emails or phones
    if bad in ERRORS - {Code.NO_IDENTIFIER}:
        row.note(Code.SECOND_IDENTIFIER if found else bad)
    elif not found:
        row.note(Code.NO_CONTACT)
    return client_ids, ",".join(map(md5_of, emails)), ",".join(map(md5_of, phones))


@settings(max_examples=150)
@given(rows=ROWS, piece=PIECES)
def test_orders_are_what_the_rules_say_row_by_row(rows, piece):
    lines, numbers, issues = orders(rows)
    summary, files = made(ORDERS, rows, piece)
    counts = summary.counts["orders"]
    assert files.get("orders.csv", [HEADER]) == [HEADER, *lines]
    assert (counts.matched, counts.skipped, counts.rejected) == numbers
    assert counts.accepted == len(lines)
    assert dict(counts.issues) == dict(issues)
    days = Counter()
    for line in lines:
        moment = datetime.strptime(line[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=COUNTER)
        days[moment.astimezone(ZONE).date(), line[5], line[9]] += 1
    assert {(day.day, day.label, day.currency): day.records for day in summary.days} == dict(days)


def test_the_model_of_orders_is_no_echo():
    """The expectation of one row, by hand."""
    row = {name: pool[0] for name, pool in POOLS.items()} | {"cid": f"{B}; {A}", "sum": "1 000,50", "cost": "0,5"}
    lines, numbers, issues = orders([row, row | {"status": "Замер"}, row | {"status": ""}, row | {"sum": "-1"}])
    mail, phone = md5_of("a@example.ru"), md5_of("70001234567")
    assert lines == [
        ["1", "2024-05-20 13:30:00", f"{B},{A}", mail, phone, "measure", "1000.50", "0.50", "all,own:0.50", "RUB"]
    ]
    assert (numbers, issues) == (
        (4, 2, 1),
        {Code.SUPERSEDED: 1, Code.UNKNOWN_STATUS: 1, Code.NEGATIVE_PRICE: 1},
    )


# Calls.

CALLS = """
[identifiers]
ClientId = "cid"
UserId = "id"
[calls]
time = "created"
static = "static"
price = "sum"
currency = { column = "money" }
phone = "phone"
talk_duration = "talk"
tag = "tag"
"""
COLUMNS = ["DateTime", "StaticCall", "Price", "Currency", "PhoneNumber", "TalkDuration", "Tag"]


def calls(rows):
    """Give the lines that go by id type, and the counts of skipped, rejected and of each issue."""
    found, issues, rejected, waiting = {"ClientId": [], "UserId": []}, Counter(), 0, 0
    otherwise = set()  # who called, and when, of calls that go by their ClientId and have a UserId too
    for cells in rows:
        row = Row(cells)
        kind, line = _call(row)
        if Code.UNFINISHED_DAY in row.codes:
            waiting += 1
            continue
        issues.update(row.codes & ERRORS)
        rejected += row.is_rejected
        if not row.is_rejected:
            found[kind].append((line, row.codes))
            if kind == "ClientId" and line[0]:
                otherwise.add((read_identifier(cells["id"], Rule.TEXT)[0], line[1]))
    skipped = issues[Code.UNFINISHED_DAY] = waiting
    for kind, calls_found in found.items():
        lines = [line for line, _ in calls_found]
        # A call of nobody's is known by all of its line but the price.
        keys = [tuple(line[:2]) if line[0] else (*line[:3], *line[5:]) for line in lines]
        last = {key: place for place, key in enumerate(keys)}
        for place, key in enumerate(keys):
            winner = lines[last[key]]
            if last[key] != place:
                same = (_micro(lines[place][3]), lines[place][4]) == (_micro(winner[3]), winner[4])
                issues[Code.DUPLICATE if same else Code.SUPERSEDED] += 1
                skipped += 1
            elif kind == "UserId" and key in otherwise:
                issues[Code.SENT_BY_OTHER_IDENTIFIER] += 1
                skipped += 1
            else:
                issues.update(calls_found[place][1])
        found[kind] = [
            line
            for place, (line, key) in enumerate(zip(lines, keys, strict=True))
            if last[key] == place and not (kind == "UserId" and key in otherwise)
        ]
    return {kind: lines for kind, lines in found.items() if lines}, (skipped, rejected), +issues


def _call(row):
    cells = row.cells
    unix, code = read_time(cells["created"], TimeRule("Europe/Berlin", None, int(NOW.timestamp())))
    row.note(code)
    if unix is not None:
        is_future = unix > NOW.timestamp() and code is not Code.UNFINISHED_DAY
        row.note(Code.FUTURE_TIME if is_future else Code.NONE)
        row.note(Code.OUTSIDE_WINDOW if unix < (NOW - timedelta(days=21)).timestamp() else Code.NONE)
    flag, code = read_flag(cells["static"])
    row.note(code)
    kind, who = _caller(row, is_static=flag == "1")
    currency = row.currency(priced=read_money(cells["sum"])[0] is not None)
    price = row.money("sum", currency)
    phones, code = read_phone_cell(cells["phone"], "RU")
    row.note(code)
    talk, code = read_duration(cells["talk"])
    row.note(code)
    phone = f"+{phones[0]}" if phones else ""
    return kind, [who, str(unix), flag or "0", price, currency, phone, talk, read_text(cells["tag"])[0]]


def _caller(row, *, is_static):
    read = [read_identifier(row.cells["cid"], Rule.NUMBER), read_identifier(row.cells["id"], Rule.TEXT)]
    bad = [code for identifier, code in read if not identifier and code is not Code.NO_IDENTIFIER]
    for (identifier, _), kind, before in zip(read, ("ClientId", "UserId"), ([], bad[:1]), strict=True):
        if identifier:
            if before and not read[0][0] and read[0][1] is not Code.NO_IDENTIFIER:
                row.note(Code.SECOND_IDENTIFIER)
            return kind, identifier
    for code in bad or ([] if is_static else [Code.NO_IDENTIFIER]):
        row.note(Code.BAD_VALUE if is_static else code)
    return "ClientId", ""


@settings(max_examples=150)
@given(rows=ROWS, piece=PIECES)
def test_calls_are_what_the_rules_say_row_by_row(rows, piece):
    lines, numbers, issues = calls(rows)
    summary, files = made(CALLS, rows, piece)
    counts = summary.counts["calls"]
    expected = {f"calls-{kind}.csv": [[kind, *COLUMNS], *found] for kind, found in lines.items()}
    assert {name: found for name, found in files.items() if name != "rejected.csv"} == expected
    assert (counts.skipped, counts.rejected, counts.matched) == (*numbers, len(rows))
    assert dict(counts.issues) == dict(issues)


def test_the_model_of_calls_is_no_echo():
    """The expectation of three rows, by hand."""
    row = {name: pool[0] for name, pool in POOLS.items()} | {"static": "нет"}
    rows = [
        row,
        row | {"cid": "undefined", "id": "u,1"},
        row | {"cid": "", "id": "", "static": "1"},
        row | {"cid": "", "id": ""},
    ]
    lines, numbers, issues = calls(rows)
    rest = ["100.00", "RUB", "+70001234567", "95", "тег"]
    unix = str(int(datetime(2024, 5, 20, 8, tzinfo=UTC).timestamp()))
    assert lines == {
        "ClientId": [[A, unix, "0", *rest], ["", unix, "1", *rest]],
        "UserId": [["u,1", unix, "0", *rest]],
    }
    assert (numbers, issues) == ((0, 1), {Code.NO_IDENTIFIER: 1, Code.SECOND_IDENTIFIER: 1})
