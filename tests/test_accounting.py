"""Every row is accounted for: builds of random tables beside a slow model that reads row by row.

The model stands on the references of each kind of value and on nothing else; it knows no blocks, masks or spools.
"""

import csv
import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csvexport import workflow
from csvexport.columns import text_column
from csvexport.formulas import unmarked
from csvexport.issues import CATALOGUE, REJECTED_COLUMNS, Code, Severity
from csvexport.profile import Since, Until, load_profile
from csvexport.values.currencies import CURRENCIES, DOLLARS, read_currency
from csvexport.values.identifiers import Rule, read_identifier
from csvexport.values.money import NAMED, money_text, named_currency, read_money
from csvexport.values.times import TimeRule, read_time

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")  # its clock jumps
RULES = {"ClientId": Rule.NUMBER, "Yclid": Rule.YCLID, "UserId": Rule.TEXT, "PurchaseId": Rule.TEXT}
GOOD = {Code.NONE, Code.SUSPICIOUS_IDENTIFIER}
WINDOW = timedelta(days=21)
WHOLE_FILE = 8 << 20
ERRORS = {code for code, issue in CATALOGUE.items() if issue.severity is Severity.REJECTED}
WARNINGS = {code for code in Code if code and CATALOGUE[code].severity is Severity.WARNING}


# What a profile says, in a form from which both the TOML and the model are made.


@dataclass(frozen=True)
class Goal:
    """A goal: `when` is a list of (column, operator, value)."""

    target: str
    when: tuple[tuple[str, str, object], ...] = ()
    time: tuple[str, str | None, str | None] = ("paid", None, None)
    price: tuple[str, str | None] | Decimal | None = None
    currency: tuple[str, tuple[tuple[str, str], ...]] | str | None = None

    def toml(self) -> str:
        column, form, zone = self.time
        lines = ["[[goals]]", f"target = {json.dumps(self.target)}"]
        lines.append("time = " + _inline(column=column, format=form, timezone=zone))
        if self.when:
            lines.append(f"when = {{ {', '.join(_condition(*condition) for condition in self.when)} }}")
        if isinstance(self.price, tuple):
            lines.append("price = " + _inline(column=self.price[0], decimal=self.price[1]))
        elif self.price is not None:
            lines.append(f"price = {self.price}")
        if isinstance(self.currency, tuple):
            values = "".join(f", {json.dumps(spelling)} = {json.dumps(code)}" for spelling, code in self.currency[1])
            table = f", values = {{ {values[2:]} }}" if values else ""
            lines.append(f"currency = {{ column = {json.dumps(self.currency[0])}{table} }}")
        elif self.currency is not None:
            lines.append(f"currency = {json.dumps(self.currency)}")
        return "\n".join(lines)


def _inline(**items: str | None) -> str:
    return "{ " + ", ".join(f"{key} = {json.dumps(text)}" for key, text in items.items() if text is not None) + " }"


def _condition(column: str, operator: str, value: object) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return f"{column} = {written}" if operator == "is" else f"{column} = {{ {operator} = {written} }}"


@dataclass(frozen=True)
class Case:
    """A profile and its sources: each source a tuple of columns and a list of records.

    A record is a row (a dictionary), None (a blank line) or a text (a line that has too few cells).
    """

    identifiers: tuple[tuple[str, tuple[str, ...]], ...]
    goals: tuple[Goal, ...]
    sources: tuple[tuple[tuple[str, ...], tuple[dict[str, str] | str | None, ...]], ...]
    since: str | None = None
    until: str | None = None
    in_profile: bool = True
    piece: int = WHOLE_FILE

    def toml(self) -> str:
        period = [(name, text) for name, text in (("since", self.since), ("until", self.until)) if text]
        paths = [f"source{number}.csv" for number in range(len(self.sources))]
        return "\n".join(
            [
                'timezone = "Europe/Berlin"',
                "max_rejected = 1",
                *(f"{name} = {json.dumps(text)}" for name, text in period if self.in_profile),
                "[source]",
                f"path = {json.dumps(paths)}",
                'delimiter = ","',
                'encoding = "utf-8"',
                "[identifiers]",
                *(f"{kind} = {json.dumps(columns)}" for kind, columns in self.identifiers),
                *(goal.toml() for goal in self.goals),
                "",
            ]
        )

    def write(self, folder: Path) -> Path:
        for number, (columns, records) in enumerate(self.sources):
            with (folder / f"source{number}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(columns)
                for record in records:
                    if isinstance(record, dict):
                        writer.writerow([record[name] for name in columns])
                    else:
                        file.write(f"{record or ''}\n")
        path = folder / "profile.toml"
        path.write_text(self.toml(), encoding="utf-8")
        return path


# The model.


@dataclass
class Expected:
    """What a build must come to."""

    rows: int = 0
    matched: int = 0
    outside: int = 0
    rejected: int = 0
    issues: Counter[Code] = field(default_factory=Counter)
    repeated: Counter[Code] = field(default_factory=Counter)
    places: dict[Code, set[tuple[str, int]]] = field(default_factory=dict)
    lines: dict[str, list[tuple[tuple[str, str, int], tuple[str, str]]]] = field(default_factory=dict)
    rejects: list[tuple[str, ...]] = field(default_factory=list)
    warnings: dict[str, list[Counter[Code]]] = field(default_factory=dict)
    dropped: int = 0

    def issue(self, code: Code, place: tuple[str, int]) -> None:
        self.issues[code] += 1
        self.places.setdefault(code, set()).add(place)

    def count(self, found: Counter[Code]) -> None:
        """Count what was found of a pair, each once, and beside that how often more it has it."""
        self.issues.update(found.keys())
        self.repeated.update(found - Counter(found.keys()))


@dataclass(frozen=True)
class Look:
    """What was found in one column (or in all identifiers together)."""

    column: str
    text: str
    codes: tuple[Code, ...]


def model(case: Case) -> Expected:
    """Do row by row what a build does in columns."""
    expected = Expected()
    for number, (columns, records) in enumerate(case.sources):
        for row, record in enumerate(records, 2):
            if record is None:
                continue
            expected.rows += 1
            if isinstance(record, dict):
                _model_row(case, expected, record, columns, (f"source{number}.csv", row))
            else:
                expected.matched += 1
                expected.rejected += 1
                expected.issue(Code.BAD_ROW, (f"source{number}.csv", row))
                expected.rejects.append((f"source{number}.csv", str(row), "bad-row", "", record))
    for kind in expected.lines:
        _drop(expected, kind)
    return expected


def _model_row(case, expected, record, columns, place):
    goals = [goal for goal in case.goals if all(_holds(record[name], *condition) for name, *condition in goal.when)]
    if not goals:
        expected.issue(Code.NO_GOAL, place)
    who, identifiers = _identify(case, record)
    problems: dict[tuple[object, ...], Look] = {}
    for goal in goals:
        expected.matched += 1
        moment, times = _time(goal, record)
        price, prices = _price(goal, record)
        currency, currencies = _currency(goal, record, priced=price is not None)
        if moment is not None and not _within(case, moment):
            expected.outside += 1
            expected.issue(Code.OUTSIDE_PERIOD, place)
            continue
        if Code.UNFINISHED_DAY in times.codes:
            expected.outside += 1
            expected.issue(Code.UNFINISHED_DAY, place)
            continue
        looks = {
            **{("id", look.column): look for look in identifiers},
            ("time", *goal.time): times,
            ("price", goal.price): prices,
            ("currency", goal.currency): currencies,
            ("beside", goal.price): _beside(goal, record, currency),
        }
        found = Counter(code for look in looks.values() for code in look.codes)
        for code in found:
            expected.places.setdefault(code, set()).add(place)
        expected.count(Counter({code: count for code, count in found.items() if code in ERRORS}))
        errors = {key: look for key, look in looks.items() if ERRORS.intersection(look.codes)}
        if errors:
            expected.rejected += 1
            problems |= errors
        else:
            kind, identifier = who
            line = (identifier, goal.target, moment), ("" if price is None else money_text(price), currency)
            expected.lines.setdefault(kind, []).append(line)
            expected.warnings.setdefault(kind, []).append(found)
    if problems:
        expected.rejects.append((*_says(case, problems, place), *(record[name] for name in columns)))


def _holds(text, operator, value):
    cell = text.strip()
    match operator:
        case "is":
            return cell.casefold() in {item.casefold() for item in value}
        case "not":
            return cell.casefold() not in {item.casefold() for item in value}
        case "empty":
            return (cell == "") == value
        case "matches":
            return re.search(value, cell) is not None
    amount, _ = read_money(cell.removeprefix("-"))
    if amount is None:
        return False
    amount = -amount if cell.startswith("-") else amount
    return amount >= value if operator == "min" else amount <= value


def _identify(case, record):
    """Give id type and identifier of a row (None: there is none), and what was found on the way."""
    read = [
        (kind, name, *read_identifier(record[name], RULES[kind])) for kind, names in case.identifiers for name in names
    ]
    if all(code is Code.NO_IDENTIFIER for *_, code in read):
        return None, [Look(" | ".join(name for _, name, _, _ in read), "", (Code.NO_IDENTIFIER,))]
    looks = []
    for kind, name, identifier, code in read:
        if code in GOOD:
            passed_over = [Look(look.column, look.text, (Code.SECOND_IDENTIFIER,)) for look in looks]
            return (kind, identifier), [*passed_over, Look(name, record[name], (code,) if code else ())]
        if code is not Code.NO_IDENTIFIER:
            looks.append(Look(name, record[name], (code,)))
    return None, looks


def _time(goal, record):
    column, form, zone = goal.time
    unix, code = read_time(record[column], TimeRule(zone or "Europe/Berlin", form, int(NOW.timestamp())))
    codes = [code] if code else []
    if unix is not None and unix > NOW.timestamp() and code is not Code.UNFINISHED_DAY:
        codes = [Code.FUTURE_TIME]
    if unix is not None and unix < (NOW - WINDOW).timestamp():
        codes.append(Code.OUTSIDE_WINDOW)
    return unix, Look(column, record[column], tuple(codes))


def _price(goal, record):
    if not isinstance(goal.price, tuple):
        return goal.price, Look("", "", ())
    column, decimal = goal.price
    price, code = read_money(record[column], decimal)
    return price, Look(column, record[column], (code,) if code else ())


def _currency(goal, record, *, priced):
    if not isinstance(goal.currency, tuple):
        return goal.currency or "RUB", Look("", "", ())
    column, values = goal.currency
    number, code = read_currency(record[column], dict(values))
    if number is None and not code and priced:
        code = Code.PRICE_WITHOUT_CURRENCY
    return "RUB" if number is None else CURRENCIES[number], Look(column, record[column], (code,) if code else ())


def _beside(goal, record, currency):
    """See that no other currency stands beside the price than the one that it would be sent in."""
    if not isinstance(goal.price, tuple):
        return Look("", "", ())
    text = record[goal.price[0]]
    named = NAMED[named_currency(text)]
    agrees = named in {"", currency} or (named == "$" and currency in DOLLARS)
    return Look(goal.price[0], text, () if agrees else (Code.BAD_CURRENCY,))


def _within(case, moment):
    local = datetime.fromtimestamp(moment, ZONE)
    if case.since and (
        moment < NOW.timestamp() - int(case.since[:-1]) * 86400
        if case.since.endswith("d")
        else local.date() < date.fromisoformat(case.since)
    ):
        return False
    return not case.until or local.date() <= date.fromisoformat(case.until)


def _says(case, problems, place):
    """Give source, row, code, column and value of a rejected row: identifiers first, then as the goals come."""
    order = [("id", " | ".join(name for _, names in case.identifiers for name in names))]
    order += [("id", name) for _, names in case.identifiers for name in names]
    order += [("time", *goal.time) for goal in case.goals]
    order += [("price", goal.price) for goal in case.goals]
    order += [("currency", goal.currency) for goal in case.goals]
    order += [("beside", goal.price) for goal in case.goals]
    looks = [problems[key] for key in dict.fromkeys(order) if key in problems]
    codes = " | ".join(next(code.text for code in look.codes if code in ERRORS) for look in looks)
    source, row = place
    return source, str(row), codes, " | ".join(look.column for look in looks), " | ".join(look.text for look in looks)


def _drop(expected, kind):
    """Of lines with one key leave the last."""
    lines = expected.lines[kind]
    last = dict(lines)
    places = {key: number for number, (key, _) in enumerate(lines)}
    for number, (key, worth) in enumerate(lines):
        if places[key] == number:
            expected.count(expected.warnings[kind][number])
        else:
            same = _micro(worth) == _micro(last[key])
            expected.issues[Code.DUPLICATE if same else Code.SUPERSEDED] += 1
            expected.dropped += 1
    expected.lines[kind] = [line for number, line in enumerate(lines) if places[line[0]] == number]


def _micro(worth):
    price, currency = worth
    return int(Decimal(price) * 1_000_000) if price else None, currency


# The strategies: few distinct texts, so that they meet.

NUMBERS = ["1716642001234567891", "1716642001234567892", " 1716642001234567891 ", "'1716642001234567892", "12", "012"]
NO_NUMBERS = ["", "", "0", "undefined", "1.71664E+18", "1716642001234567891.0", "123456789012345678901", "YJAD.17.ab"]
ROUNDED = ["1716642001234560000"]
TEXTS = ["u-1", "u-2 ", "клиент, 7", 'кл"иент', "", "", "null", "1.7E+17"]
TIMES = [
    *("2024-05-30 12:00:00", "30.05.2024 12:00", "2024-05-30T12:00:00+02:00", "30.05.2024", "2024-06-01", "1717063200"),
    *("2024-05-11 10:59:59", "2024-05-11 11:00:00", "2024-01-15 10:00", "2023-10-29 02:30:00", "2024-03-31 02:30:00"),
    *("", "31.04.2024", "05/30/2024", "2024-06-01 11:00:01", "2024-06-02 12:00:00", "скоро"),
]
AMERICAN = ["05/30/2024 12:00", "05/30/2024 10:00", "05/29/2024 23:30", "06/02/2024 12:00", "2024-05-30 12:00:00", ""]
PRICES = [
    *("100", "100.00", "1 234,50", "99,5", "1,234", "-5", "-0,01", "даром", "", "0", "9" * 14, "0.1234567"),
    *("100 ₽", "100 €", "$100", "-5 USD"),
]
MONEYS = ["RUB", "usd", " EUR ", "руб.", "РУБ.", "", "тугрик"]
STATUSES = ["paid", " PAID ", "new", "refund", "Оплачен", ""]

COLUMNS = {
    "client": NUMBERS + NO_NUMBERS,
    "client2": NUMBERS + NO_NUMBERS,
    "yclid": NUMBERS + NO_NUMBERS,
    "user": TEXTS,
    "paid": TIMES,
    "american": AMERICAN,
    "sum": PRICES,
    "money": MONEYS,
    "status": STATUSES,
}

IDENTIFIERS = {"ClientId": [("client",), ("client", "client2")], "Yclid": [("yclid",)], "UserId": [("user",)]}
CONDITIONS = [
    ("status", "is", ["paid"]),
    ("status", "is", ["Paid", "оплачен"]),
    ("status", "not", ["refund", "new"]),
    ("status", "empty", True),
    ("status", "empty", False),
    ("status", "matches", "^(?i:p)"),
    ("sum", "min", 100),
    ("sum", "max", 99),
    ("sum", "min", -1),
]
GOALS = st.builds(
    Goal,
    target=st.sampled_from(["order_paid", "order_any"]),
    when=st.lists(st.sampled_from(CONDITIONS), max_size=2, unique_by=lambda condition: condition[0]).map(tuple),
    time=st.sampled_from(
        [
            ("paid", None, None),
            ("paid", None, "UTC"),
            ("american", "%m/%d/%Y %H:%M", None),
            ("american", "%m/%d/%Y %H:%M", "UTC"),
        ]
    ),
    price=st.sampled_from([None, ("sum", None), ("sum", ","), ("sum", "."), Decimal(300), Decimal("0.5")]),
    currency=st.sampled_from([None, "USD", ("money", ()), ("money", (("руб.", "RUB"), ("", "EUR")))]),
)


@st.composite
def cases(draw):
    """A profile with one to three goals, and one or two sources whose columns come in any order."""
    kinds = draw(st.lists(st.sampled_from(sorted(IDENTIFIERS)), min_size=1, unique=True))
    # Where a file comes in several blocks, an identifier that looks rounded counts once in each.
    piece = draw(st.sampled_from([WHOLE_FILE, 1, 40, 200, 1000]))
    pools = dict(COLUMNS)
    if piece == WHOLE_FILE:
        pools["client"] = [*pools["client"], *ROUNDED]
    rows = st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in pools.items()})
    records = st.lists(st.one_of(rows, rows, rows, rows, st.sampled_from([None, "short", 'a "b" c'])), max_size=12)
    return Case(
        identifiers=tuple((kind, draw(st.sampled_from(IDENTIFIERS[kind]))) for kind in kinds),
        goals=tuple(draw(st.lists(GOALS, min_size=1, max_size=3))),
        sources=tuple(draw(_source(records, number)) for number in range(draw(st.integers(1, 2)))),
        since=draw(st.sampled_from([None, None, "2024-05-30", "21d", "2023-10-29"])),
        until=draw(st.sampled_from([None, None, "2024-05-30"])),
        in_profile=draw(st.booleans()),
        piece=piece,
    )


@st.composite
def _source(draw, records, number):
    order = draw(st.permutations(sorted(COLUMNS)))
    # A name of its own and a cell that is never empty, so that no row passes for a blank one.
    own = f"note {number}"
    numbered = [
        {**record, own: f'строка "{place}", {number}'} if isinstance(record, dict) else record
        for place, record in enumerate(draw(records))
    ]
    return (own, *order), tuple(numbered)


# What a build came to.


def build(case, folder):
    """Build a case; give its outcome and the batch's files."""
    shop = folder / "shop"
    shop.mkdir()
    profile = load_profile(case.write(shop))
    period = {}
    if not case.in_profile:
        period = {
            "since": Since.parse(case.since) if case.since else None,
            "until": Until.parse(case.until) if case.until else None,
        }
    options = workflow.Options(now=NOW, out=folder / "out", **period)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("csvexport.sources.delimited.PIECE_BYTES", case.piece)
        checked = workflow.check(profile, options)
        outcome = workflow.build(profile, options)
    assert (checked.summary.counts, checked.summary.issues) == (outcome.summary.counts, outcome.summary.issues)
    assert checked.refusal is None
    files = {path.name: path.read_bytes() for path in outcome.folder.iterdir()} if outcome.folder else {}
    return outcome, files


def records_of(data):
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def assert_accounted(case, expected, outcome):
    counts = outcome.summary.counts["conversions"]
    skipped = expected.outside + expected.dropped
    accepted = sum(map(len, expected.lines.values()))
    assert (counts.rows, counts.matched, counts.rejected) == (expected.rows, expected.matched, expected.rejected)
    assert (counts.accepted, counts.skipped) == (accepted, skipped)
    assert counts.accepted + counts.skipped + counts.rejected == counts.matched
    # Of an issue that a pair has in two columns it is open whether it counts once or twice.
    assert dict(outcome.summary.issues) in (dict(expected.issues), dict(expected.issues + expected.repeated))
    assert sum(source.rows for source in outcome.summary.sources) == expected.rows
    assert [source.path for source in outcome.summary.sources] == [f"source{i}.csv" for i in range(len(case.sources))]


def assert_files(expected, files):
    found = {name: records_of(data) for name, data in files.items() if name.startswith("conversions-")}
    assert found == {
        f"conversions-{kind}.csv": [
            [kind, "Target", "DateTime", "Price", "Currency"],
            *([identifier, target, str(moment), *worth] for (identifier, target, moment), worth in lines),
        ]
        for kind, lines in expected.lines.items()
    }


def assert_rejected(case, expected, files):
    if not expected.rejects:
        assert "rejected.csv" not in files
        return
    header, *found = (unmarked(text_column(record)).to_pylist() for record in records_of(files["rejected.csv"]))
    columns = tuple(dict.fromkeys(name for names, _ in case.sources for name in names))
    assert header == [*REJECTED_COLUMNS, *columns]
    for cells, wanted in zip(found, expected.rejects, strict=True):
        source, row, kind, code, column, value, remedy, *own = cells
        assert (source, row, code, column, value) == wanted[:5]
        assert kind == "conversions"
        assert all(CATALOGUE[_code(one)].remedy in remedy for one in code.split(" | "))
        names = case.sources[int(source[len("source")])][0]
        cells_of = dict(zip(names, wanted[5:], strict=True)) if wanted[5:] else {}
        assert own == [cells_of.get(name, "") for name in columns]


def _code(text):
    return Code[text.upper().replace("-", "_")]


def assert_examples(expected, outcome):
    """Examples are of rows that have the issue, and any issue that a row has comes with one."""
    for code, examples in outcome.summary.examples.items():
        assert {(one.source, one.row) for one in examples} <= expected.places[code]
    shown = {code for code in outcome.summary.issues if code not in {Code.DUPLICATE, Code.SUPERSEDED, Code.NO_GOAL}}
    # Of what goes only with a warning all that was kept as examples may have been dropped.
    assert shown - WARNINGS <= set(outcome.summary.examples) <= shown


def assert_days(expected, outcome):
    days: dict[tuple[date, str, str], list[Decimal]] = {}
    for lines in expected.lines.values():
        for (_, target, moment), (price, currency) in lines:
            key = datetime.fromtimestamp(moment, ZONE).date(), target, currency
            days.setdefault(key, []).append(Decimal(_micro((price or "0", currency))[0]) / 1_000_000)
    found = {(total.day, total.label, total.currency): total for total in outcome.summary.days}
    assert {key: (total.records, total.revenue) for key, total in found.items()} == {
        key: (len(prices), sum(prices)) for key, prices in days.items()
    }


ROW = {
    "client": "1716642001234567891",
    "client2": "",
    "yclid": "",
    "user": "",
    "paid": "2024-05-30 12:00:00",
    "american": "05/30/2024 12:00",
    "sum": "100",
    "money": "RUB",
    "status": "paid",
    "note 0": "1",
}
PLAIN = Case(
    identifiers=(("ClientId", ("client",)),),
    goals=(Goal("order_paid", price=("sum", None)),),
    sources=((tuple(ROW), (ROW,)),),
)


def rows(*changes):
    """The plain case with a row for each of these changes."""
    return replace(PLAIN, sources=((tuple(ROW), tuple({**ROW, **change} for change in changes)),))


@settings(max_examples=120)
@given(case=cases())
@example(case=PLAIN)
@example(case=replace(PLAIN, sources=((tuple(ROW), ()),)))
@example(case=rows({}, {"sum": "100.00"}, {"sum": "200"}, {"sum": "100"}))
@example(case=rows({}, {"client": " 1716642001234567891", "paid": "30.05.2024 12:00"}))
@example(case=rows({"sum": "0.1234567"}, {"sum": "0.1234568"}))
@example(case=replace(rows({"sum": "x", "american": "x"}), goals=(Goal("a"), Goal("b", price=("sum", None)))))
@example(case=replace(rows({}, {}), goals=(Goal("a"), Goal("a", price=Decimal(5)), Goal("a", price=("sum", None)))))
def test_a_build_comes_to_what_the_rules_say_row_by_row(case):
    expected = model(case)
    with TemporaryDirectory() as folder:
        outcome, files = build(case, Path(folder))
    assert_accounted(case, expected, outcome)
    assert (outcome.folder is not None) == any(expected.lines.values())
    assert_files(expected, files)
    if outcome.folder is not None:
        assert_rejected(case, expected, files)
    assert_examples(expected, outcome)
    assert_days(expected, outcome)


@settings(max_examples=30)
@given(case=cases(), piece=st.integers(1, 300))
def test_the_size_of_the_blocks_changes_nothing(case, piece):
    case = replace(case, sources=tuple((columns, _without_rounded(records)) for columns, records in case.sources))
    batches = []
    for size in (WHOLE_FILE, piece):
        with TemporaryDirectory() as folder:
            outcome, files = build(replace(case, piece=size), Path(folder))
        kept = {name: data for name, data in files.items() if not name.startswith("report.")}
        batches.append((replace(outcome.summary, examples={}), kept))
    assert batches[0] == batches[1]


def _without_rounded(records):
    return tuple(
        {**record, "client": ""} if isinstance(record, dict) and record["client"] in ROUNDED else record
        for record in records
    )


@settings(max_examples=30)
@given(case=cases(), data=st.data())
def test_the_order_of_the_columns_changes_no_file_and_no_count(case, data):
    permuted = replace(
        case, sources=tuple((tuple(data.draw(st.permutations(columns))), records) for columns, records in case.sources)
    )
    results = []
    for one in (case, permuted):
        with TemporaryDirectory() as folder:
            outcome, files = build(one, Path(folder))
        kept = {name: data for name, data in files.items() if name.startswith("conversions-")}
        results.append((kept, outcome.summary.counts, outcome.summary.issues, outcome.summary.days))
    assert results[0] == results[1]


def test_the_model_is_no_echo():
    """The expectation of the plain case, by hand."""
    expected = model(PLAIN)
    moment = int(datetime.combine(date(2024, 5, 30), time(10), UTC).timestamp())
    assert expected.lines == {"ClientId": [(("1716642001234567891", "order_paid", moment), ("100.00", "RUB"))]}
    assert (expected.rows, expected.matched, expected.rejected) == (1, 1, 0)
