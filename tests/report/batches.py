"""Batches of an invented furniture shop, of one kind and of all, and what a browser makes of their reports."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

from csvexport.issues import Code
from csvexport.report import Report
from csvexport.report.wording import GAP
from csvexport.summary import Counts, DayTotal, Example, FileFacts, MatchQuality, SourceFacts, Summary, TagTotal

VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser would make of a page: its text, its attributes, and whether its tags match."""

    def __init__(self, html):
        super().__init__()
        self.words, self.open, self.tags, self.attributes, self.commands = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "pre":
            self.commands.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if "pre" in self.open:
            self.commands[-1] += data

    @property
    def text(self):
        return " ".join("".join(self.words).replace(GAP, " ").split())


def page(summary):
    parsed = Page(Report(summary).html())
    assert parsed.open == []
    return parsed


def flat(text):
    return " ".join(text.split())


def both(summary):
    """The text of the page and that of `report.txt`, each on one line and without the marks around code."""
    return page(summary).text, flat(Report(summary).text()).replace("`", "")


def day_total(day=date(2024, 5, 31), label="order_paid", records=1, revenue="0", **more):
    facts = {"kind": "conversions", "currency": "RUB"} | more
    return DayTotal(day=day, label=label, records=records, revenue=Decimal(revenue), **facts)


def source(path="deals.csv", **changes):
    facts = SourceFacts(
        path=path,
        format="csv",
        encoding="cp1251",
        delimiter=";",
        rows=1400,
        bytes=1_234_567,
        sha256="3f1e" * 16,
        left_out={"preamble": 2, "total": 1},
    )
    return replace(facts, **changes)


def file(name="conversions-Yclid.csv", identifier="Yclid", rows=1000, kind="conversions", **changes):
    return replace(FileFacts(name, kind, identifier, rows, rows * 47, "a" * 64), **changes)


def furniture_shop():
    """Conversions alone: three goals, two id types, issues of every severity."""
    issues = {Code.BAD_TIME: 31, Code.BAD_ROW: 1, Code.OUTSIDE_WINDOW: 140, Code.DUPLICATE: 30, Code.NO_GOAL: 1400}
    return Summary(
        profile="bitrix24",
        batch="20240601T090000Z-1a2b3c4d",
        counter=2215573,
        timezone="Europe/Moscow",
        built_at=datetime(2024, 6, 1, 9, 0, tzinfo=UTC),
        sources=(source(), source("deals-2.csv", delimiter="\t", encoding="utf-8", left_out={})),
        files=(file(), file("conversions-ClientId.csv", "ClientId", 234)),
        counts={"conversions": Counts(2800, matched=1296, accepted=1234, skipped=30, rejected=32, issues=issues)},
        issues=issues,
        examples={
            Code.BAD_TIME: tuple(Example("deals.csv", 120 + row, "Дата оплаты", f"вчера {row}") for row in range(5)),
            Code.DUPLICATE: (Example("deals-2.csv", 7, "", "ООО «Ромашка»"),),
        },
        days=(
            day_total(date(2024, 5, 30), "order_paid", 1000, "12345678.90"),
            day_total(date(2024, 5, 31), "lead_qualified", 200),
            day_total(date(2024, 5, 31), "measure_booked", 34, "1000.5", currency="KZT"),
        ),
    )


FILES = {
    "conversions": (file(), file("conversions-ClientId.csv", "ClientId", 234)),
    "calls": (file("calls-Yclid.csv", "Yclid", 12, "calls"), file("calls-ClientId.csv", "ClientId", 28, "calls")),
    "orders": (file("orders.csv", None, 400, "orders"),),
    "contacts": (
        file("attributes-CONTACT.json", None, 2, "schema"),
        file("contacts.csv", None, 300, "contacts"),
        file("contacts-2.csv", None, 80, "contacts"),
    ),
    "deals": (
        file("order_statuses.json", None, 5, "schema"),
        file("attributes-ORDER.json", None, 1, "schema"),
        file("deals.json", None, 350, "deals"),
    ),
}
ISSUES = {
    "conversions": furniture_shop().issues,
    "calls": {Code.BAD_TIME: 4, Code.BAD_ROW: 1, Code.OUTSIDE_WINDOW: 3, Code.BAD_VALUE: 2},
    "orders": {Code.NO_CONTACT: 9, Code.BAD_ROW: 1, Code.UNKNOWN_STATUS: 20, Code.TOO_OLD: 1, Code.NO_GOAL: 7},
    "contacts": {Code.NO_ORDER_ID: 3, Code.BAD_ROW: 1, Code.SUPERSEDED: 11, Code.BAD_PHONE: 5},
    "deals": {Code.NO_CLIENT: 4, Code.BAD_ROW: 1, Code.SUPERSEDED: 17, Code.NO_GOAL: 90},
}
COUNTS = {
    "conversions": furniture_shop().counts["conversions"],
    "calls": Counts(2800, matched=45, accepted=40, skipped=0, rejected=5, issues=ISSUES["calls"]),
    "orders": Counts(2800, matched=431, accepted=400, skipped=21, rejected=10, issues=ISSUES["orders"]),
    "contacts": Counts(2800, matched=395, accepted=380, skipped=11, rejected=4, issues=ISSUES["contacts"]),
    "deals": Counts(2800, matched=372, accepted=350, skipped=17, rejected=5, issues=ISSUES["deals"]),
}
DAYS = (
    *furniture_shop().days,
    day_total(date(2024, 5, 29), "dynamic", 32, kind="calls"),
    day_total(date(2024, 5, 30), "static", 8, kind="calls"),
    day_total(date(2024, 5, 1), "IN_PROGRESS", 150, "3000000", kind="orders"),
    day_total(date(2024, 5, 20), "PAID", 210, "5250000.50", kind="orders"),
    day_total(date(2024, 5, 28), "measure_booked", 40, kind="orders"),
    day_total(date(1970, 1, 1), "contacts", 380, kind="contacts"),
    day_total(date(2024, 5, 2), "new", 100, kind="deals"),
    day_total(date(2024, 5, 3), "paid", 250, "777.25", kind="deals"),
)
TAGS = (
    TagTotal("orders", "PAID", "RUB", ("yandex", "cpc", "spring_sale"), 160, Decimal("4000000.50")),
    TagTotal("orders", "IN_PROGRESS", "RUB", ("yandex", "cpc", "spring_sale"), 150, Decimal(3000000)),
    TagTotal("orders", "PAID", "KZT", ("yandex", "cpc", "spring_sale"), 30, Decimal(90000)),
    TagTotal("orders", "measure_booked", "RUB", ("", "", ""), 40, Decimal(0)),
    TagTotal("orders", "PAID", "RUB", ("vk", "", "retarget"), 20, Decimal(1160000)),
    TagTotal("deals", "paid", "RUB", (), 250, Decimal("777.25")),
    TagTotal("deals", "new", "RUB", (), 100, Decimal(0)),
)
MATCHING = {
    "orders": MatchQuality(400, client_id=248, contact=180, both=28, old=52),
    "contacts": MatchQuality(380, client_id=30, contact=360, both=20, old=0),
}


def batch_of(*kinds):
    """What a profile makes that makes these kinds, which are in their order."""
    return replace(
        furniture_shop(),
        profile="shop",
        files=tuple(file for kind in kinds for file in FILES[kind]),
        counts={kind: COUNTS[kind] for kind in kinds},
        issues={code: found for code in Code if (found := sum(ISSUES[kind].get(code, 0) for kind in kinds))},
        examples=furniture_shop().examples if "conversions" in kinds else {},
        days=tuple(day for day in DAYS if day.kind in kinds),
        tags=tuple(tag for tag in TAGS if tag.kind in kinds),
        matching={kind: quality for kind, quality in MATCHING.items() if kind in kinds},
        delimiters={
            kind: ";" if kind == "orders" else "," for kind in kinds if kind in {"orders", "contacts", "deals"}
        },
    )


def everything():
    """A batch of every kind."""
    return batch_of(*COUNTS)
