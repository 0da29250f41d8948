import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport import report, templating
from csvexport.charts import COLOURS
from csvexport.issues import CATALOGUE, Code
from csvexport.report import (
    WIDTH,
    Report,
    counted,
    headline,
    left_out,
    money,
    number,
    paragraph,
    printable,
    size,
    tick_text,
)
from csvexport.summary import Counts, DayTotal, Example, FileFacts, SourceFacts, Summary
from csvexport.templating import template_dir

VOID = {"meta", "br"}
LONG_TARGET = "order_paid_in_the_showroom_on_leninsky_prospekt_with_delivery"
LONG_PATH = "C:\\Users\\Ольга Петрова\\" + "Выгрузки из CRM\\" * 12 + "deals.csv"


class Page(HTMLParser):
    """What a browser would make of a page: its text, its attributes, and whether its tags match."""

    def __init__(self, html):
        super().__init__()
        self.words, self.open, self.tags, self.attributes = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).replace(report.GAP, " ").split())


def page(summary):
    parsed = Page(Report(summary).html())
    assert parsed.open == []
    return parsed


def flat(text):
    return " ".join(text.split())


def day_total(day=date(2024, 5, 31), target="order_paid", conversions=1, revenue="0", currency="RUB"):
    return DayTotal(day, target, currency, conversions, Decimal(revenue))


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


def file(name="conversions-Yclid.csv", identifier="Yclid", rows=1000):
    return FileFacts(name, "conversions", identifier, rows, rows * 47, "a" * 64)


def furniture_shop():
    """A batch of a furniture shop: three goals, two id types, issues of every severity."""
    return Summary(
        profile="bitrix24",
        batch="20240601T090000Z-1a2b3c4d",
        counter=2215573,
        timezone="Europe/Moscow",
        built_at=datetime(2024, 6, 1, 9, 0, tzinfo=UTC),
        sources=(source(), source("deals-2.csv", delimiter="\t", encoding="utf-8", left_out={})),
        files=(file(), file("conversions-ClientId.csv", "ClientId", 234)),
        counts={"conversions": Counts(rows=2800, matched=1296, accepted=1234, skipped=30, rejected=32)},
        issues={Code.BAD_TIME: 31, Code.BAD_ROW: 1, Code.OUTSIDE_WINDOW: 140, Code.DUPLICATE: 30, Code.NO_GOAL: 1400},
        examples={
            Code.BAD_TIME: tuple(Example("deals.csv", 120 + row, "Дата оплаты", f"вчера {row}") for row in range(5)),
            Code.DUPLICATE: (Example("deals-2.csv", 7, "", "ООО «Ромашка»"),),
        },
        days=(
            day_total(date(2024, 5, 30), "order_paid", 1000, "12345678.90"),
            day_total(date(2024, 5, 31), "lead_qualified", 200),
            day_total(date(2024, 5, 31), "measure_booked", 34, "1000.5", "KZT"),
        ),
    )


def edge_cases(summary):
    """The summary bent in every way in which a batch can be unusual."""
    targets = [LONG_TARGET, *(f"goal_{rank}" for rank in range(11))]
    yield "no issues", replace(summary, issues={}, examples={}, counts={"conversions": Counts(9, 9, 9, 0, 0)})
    yield "no prices", replace(summary, days=tuple(replace(day, revenue=Decimal(0)) for day in summary.days))
    yield "one day", replace(summary, days=summary.days[:1])
    yield (
        "three years",
        replace(summary, days=tuple(day_total(date(2021, 6, 1) + timedelta(days=day)) for day in range(1096))),
    )
    yield "twelve goals", replace(summary, days=tuple(day_total(target=target) for target in targets))
    yield (
        "five currencies",
        replace(
            summary, days=tuple(day_total(revenue="1", currency=code) for code in ("BYN", "EUR", "KZT", "RUB", "USD"))
        ),
    )
    yield "many parts", replace(summary, files=tuple(file(f"conversions-Yclid-{part}.csv") for part in range(2, 40)))
    yield (
        "long paths",
        replace(
            summary,
            sources=(source(LONG_PATH), source(LONG_PATH + "2")),
            examples={Code.BAD_TIME: (Example(LONG_PATH, 1, "Очень длинное название столбца" * 5, "x" * 300),)},
        ),
    )
    yield (
        "nothing accepted",
        replace(summary, files=(), days=(), counts={"conversions": Counts(40, 32, 0, 0, 32)}),
    )
    yield (
        "nothing at all",
        replace(summary, files=(), days=(), counts={"conversions": Counts(0, 0, 0, 0, 0)}, issues={}, examples={}),
    )
    yield "no counter", replace(summary, counter=None)
    yield "every issue", replace(summary, issues=dict.fromkeys(CATALOGUE, 1))
    yield "no such delimiter", replace(summary, sources=(source(delimiter="~", left_out={"blank": 0, "other": 3}),))


EDGE_CASES = dict(edge_cases(furniture_shop()))


@pytest.fixture
def summary():
    return furniture_shop()


@pytest.fixture(params=EDGE_CASES)
def edge_case(request):
    return EDGE_CASES[request.param]


def test_every_edge_case_renders(edge_case):
    page(edge_case)
    assert max(map(len, Report(edge_case).text().splitlines())) <= WIDTH


def test_the_headline_says_what_is_ready_and_where_it_comes_from(summary):
    for text in (page(summary).text, flat(Report(summary).text())):
        assert "1 234 conversions are ready to upload" in text
        assert "bitrix24" in text
        assert "20240601T090000Z-1a2b3c4d" in text
        assert "2215573" in text
        assert "1 Jun 2024 12:00 (Europe/Moscow)" in text


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (0, "No conversion is ready to upload"),
        (1, "1 conversion is ready to upload"),
        (12, "12 conversions are ready to upload"),
    ],
)
def test_the_headline_counts(accepted, expected):
    assert headline(accepted) == expected


def test_the_accounting_is_shown(summary):
    assert "2 800rows read 1 296matched 1 234accepted 30skipped 32rejected" in page(summary).text
    assert "1 234 accepted + 30 skipped + 32 rejected = 1 296 matched" in page(summary).text
    text = flat(Report(summary).text())
    assert "rows read 2 800 matched 1 296" in text
    assert "accepted 1 234 in the files below skipped 30 left out on purpose rejected 32 in rejected.csv" in text


def test_the_steps_name_every_file_with_its_id_type(summary):
    text = page(summary).text
    assert "Settings → Upload data → Upload offline conversions [Настройка → Загрузка данных" in text
    assert "conversions-Yclid.csvYclid1 00047.0 kB" in text
    assert "conversions-ClientId.csvClientId23411.0 kB" in text
    text = flat(Report(summary).text())
    assert "Settings → Upload data → Upload offline conversions [Настройка → Загрузка данных" in text
    assert "conversions-Yclid.csv id type Yclid, 1 000 rows, 47.0 kB" in text
    assert "conversions-ClientId.csv id type ClientId, 234 rows, 11.0 kB" in text


def test_the_steps_say_what_metrica_expects(summary):
    for text in (page(summary).text, flat(Report(summary).text())):
        assert re.search("JavaScript event. whose identifier equals", text)
        assert "up to two hours" in text
        assert "no more than 21 days" in text
        assert "140 conversions of this batch are older" in text
        assert "Enter as the comment: 20240601T090000Z1a2b3c4d" in text


def test_rejected_rows_are_to_be_corrected_and_built_again(summary):
    for text in (page(summary).text, flat(Report(summary).text())):
        assert "csvexport build PROFILE.toml rejected.csv" in text


def test_nobody_is_sent_to_a_file_of_rejects_that_is_not_there():
    clean = EDGE_CASES["no issues"]
    for text in (page(clean).text, Report(clean).text()):
        assert "rejected.csv" not in text
        assert "None: every row" in text


def test_nobody_is_sent_to_upload_nothing():
    nothing = EDGE_CASES["nothing accepted"]
    for text in (page(nothing).text, Report(nothing).text()):
        assert "No conversion is ready to upload" in text
        assert "Upload offline conversions" not in text
        assert "rejected.csv" in text


def test_goals_are_listed_with_exact_revenue(summary):
    text = page(summary).text
    assert "order_paid1 00012 345 678.90 RUB30 May 202430 May 2024" in text
    assert "lead_qualified200–31 May 202431 May 2024" in text
    assert "All goals1 23412 345 678.90 RUB1 000.50 KZT30 May 202431 May 2024" in text
    text = flat(Report(summary).text())
    assert "order_paid 1 000 conversions, 30 May 2024 revenue 12 345 678.90 RUB" in text
    assert "All goals revenue 12 345 678.90 RUB revenue 1 000.50 KZT" in text


def test_issues_come_with_remedy_count_and_examples(summary):
    web, text = page(summary).text, flat(Report(summary).text())
    for code, count in ((Code.BAD_TIME, "31 conversions"), (Code.BAD_ROW, "1 row"), (Code.NO_GOAL, "1 400 rows")):
        issue = CATALOGUE[code]
        assert f"{issue.title} {code.text}{count}" in web
        assert issue.remedy.replace("`", "") in web
        assert f"{code.text}, {count}: {issue.title}. {issue.remedy}" in text
    assert "deals.csv124Дата оплатывчера 4" in web
    assert 'row 122, Дата оплаты: "вчера 2" (deals.csv)' in text
    assert "вчера 3" not in text


def test_issues_come_by_severity(summary):
    for text in (page(summary).text, Report(summary).text()):
        places = [text.index(word) for word in ("Rejected: ", "bad-time", "Warnings: ", "outside-window", "Skipped: ")]
        assert places == sorted(places)


def test_sources_are_described_in_words(summary):
    text = page(summary).text
    assert "deals.csv1 4001.2 MBcp1251, semicolon2 lines above the header, 1 line of totals3f1e3f1e3f1e…" in text
    assert "deals-2.csv1 4001.2 MButf-8, tab–" in text
    assert ("title", "3f1e" * 16) in page(summary).attributes
    text = flat(Report(summary).text())
    assert "1 400 rows, 1.2 MB, cp1251, semicolon; left out: 2 lines above the header, 1 line of totals" in text
    assert f"sha256 {'3f1e' * 16}" in text


def test_text_from_the_crm_stays_text(summary):
    evil = "<script>alert(1)</script>"
    quote = "\" onmouseover='alert(1)' x=\""
    summary = replace(
        summary,
        profile=evil,
        sources=(source(evil),),
        examples={Code.BAD_TIME: (Example(evil, 1, quote, evil),)},
        days=(day_total(target=evil, revenue="1"), day_total(target=quote)),
    )
    parsed = page(summary)
    assert "script" not in parsed.tags
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    assert evil in parsed.text
    assert evil in Report(summary).text()


def test_the_page_needs_nothing_but_itself(edge_case):
    parsed = page(edge_case)
    assert not {"script", "link", "img", "iframe", "a"} & set(parsed.tags)
    assert not {"src", "href", "style"} & {name for name, _ in parsed.attributes}
    assert not re.search(r"url\(|@import|https?:", Report(edge_case).html())


def test_every_colour_is_there_by_day_and_by_night(summary):
    html = Report(summary).html()
    for colour in range(COLOURS):
        assert len(re.findall(rf"--c{colour}: #[0-9a-f]{{6}};", html)) == 2
        assert f".c{colour} {{ fill: var(--c{colour});" in html


def test_a_long_period_says_how_it_is_grouped():
    text = page(EDGE_CASES["three years"]).text
    assert "each bar is a month" in text
    assert "Conversions per month" in text


def test_a_batch_without_prices_says_so():
    free = EDGE_CASES["no prices"]
    assert "Revenue" not in page(free).text
    assert "no revenue" in page(free).text
    assert "no revenue" in Report(free).text()


def test_the_bars_of_the_page_say_their_numbers(summary):
    assert "31 May 2024: 234 conversions measure_booked: 34 lead_qualified: 200" in page(summary).text


def test_a_sum_of_many_digits_stays_exact(summary):
    days = tuple(day_total(target=target, revenue="9223372036854000000000000.000001") for target in "ab")
    assert "18 446 744 073 708 000 000 000 000.000002 RUB" in page(replace(summary, days=days)).text


TEXT = st.text(max_size=120)
DAYS = st.lists(
    st.builds(
        DayTotal,
        day=st.dates(date(1970, 1, 1), date(2030, 1, 1)),
        target=TEXT.filter(str.strip),
        currency=st.sampled_from(["RUB", "KZT", "EUR"]),
        conversions=st.integers(0, 10**7),
        revenue=st.decimals(0, 10**15, places=2),
    ),
    max_size=8,
).map(tuple)
SOURCES = st.lists(st.builds(source, path=TEXT.filter(str.strip), delimiter=st.sampled_from(",;\t|")), max_size=3).map(
    tuple
)
EXAMPLES = st.dictionaries(
    st.sampled_from(list(CATALOGUE)),
    st.lists(st.builds(Example, source=TEXT, row=st.integers(1, 10**9), column=TEXT, value=TEXT), max_size=4).map(
        tuple
    ),
)


@settings(max_examples=40, deadline=None)
@given(days=DAYS, sources=SOURCES, examples=EXAMPLES, accepted=st.integers(0, 10**8))
def test_whatever_the_crm_holds_both_reports_are_well_formed_and_repeatable(days, sources, examples, accepted):
    summary = Summary(
        profile="crm",
        batch="20240601T090000Z-1a2b3c4d",
        counter=None,
        timezone="Asia/Vladivostok",
        built_at=datetime(2024, 6, 1, tzinfo=UTC),
        sources=sources,
        files=(file(rows=accepted),),
        counts={"conversions": Counts(accepted, accepted, accepted, 0, 0)},
        issues={code: 10 for code in examples},  # noqa: C420 - hypothesis hands out the keys
        examples=examples,
        days=days,
    )
    html, text = Report(summary).html(), Report(summary).text()
    assert page(summary).tags.count("html") == 1
    assert max(map(len, text.splitlines())) <= WIDTH
    assert all(line.isprintable() for line in text.split("\n"))
    assert (html, text) == (Report(summary).html(), Report(summary).text())
    (html + text).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Дата оплаты", "Дата оплаты"),
        ("two\r\nlines\tand a\u00a0space", "two  lines and a space"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("right\u202eleft", "right\ufffdleft"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_what_has_no_picture_is_replaced(text, expected):
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0.00"),
        ("12.3", "12.30"),
        ("1234567.89", "1 234 567.89"),
        ("0.1250", "0.125"),
        ("1E+6", "1 000 000.00"),
        ("123456789012345678901234567890.01", "123 456 789 012 345 678 901 234 567 890.01"),
    ],
)
def test_money_is_exact_and_grouped(value, expected):
    assert money(Decimal(value)).replace(report.GAP, " ") == expected


@given(st.decimals(0, 10**30, places=3))
def test_no_digit_of_money_is_lost(value):
    assert Decimal(money(value).replace(report.GAP, "")) == value


def test_numbers_are_grouped_by_a_space_that_does_not_break():
    assert number(1234567) == "1\u202f234\u202f567"
    assert counted(1, "row") == "1 row"
    assert counted(0, "row") == "0 rows"


@pytest.mark.parametrize(
    ("value", "top", "expected"),
    [
        ("0", "80", "0"),
        ("5000", "8000", "5 000"),
        ("5000", "20000", "5 k"),
        ("500000", "2000000", "0.5 M"),
        ("2E+6", "8E+6", "2 M"),
        ("5E+9", "1E+10", "5 bn"),
        ("0.02", "0.06", "0.02"),
        ("0", "2000000", "0"),
    ],
)
def test_ticks_are_short(value, top, expected):
    assert tick_text(Decimal(value), Decimal(top)).replace(report.GAP, " ") == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(1, "1 byte"), (999, "999 bytes"), (45678, "45.7 kB"), (10**9, "1.0 GB"), (10**6, "1.0 MB")]
)
def test_sizes_are_for_people(count, expected):
    assert size(count).replace(report.GAP, " ") == expected


def test_left_out_lines_are_named():
    assert left_out({"blank": 2, "total": 1, "header": 0, "other": 3}) == "2 blank lines, 1 line of totals, 3 other"


def test_a_paragraph_hangs_below_its_first_words():
    lines = paragraph("word " * 30, "  1. ").splitlines()
    assert lines[0].startswith("  1. word")
    assert all(line.startswith("     word") for line in lines[1:])


def test_templates_are_looked_for_in_the_package_first(tmp_path, monkeypatch):
    package = tmp_path / "csvexport"
    (tmp_path / "templates").mkdir()
    package.mkdir()
    monkeypatch.setattr(templating, "__file__", str(package / "templating.py"))
    assert template_dir() == tmp_path / "templates"
    (package / "templates").mkdir()
    assert template_dir() == package / "templates"


def test_the_templates_are_there():
    assert {"report.html", "report.txt"} <= {path.name for path in template_dir().iterdir()}
