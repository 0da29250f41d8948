import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from batches import batch_of, both, day_total, everything, file, flat, furniture_shop, page, source
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport import templating
from csvexport.charts import COLOURS
from csvexport.issues import CATALOGUE, Code
from csvexport.report import Report
from csvexport.report.accounting import headline
from csvexport.report.wording import WIDTH
from csvexport.summary import Counts, DayTotal, Example, MatchQuality, Summary, TagTotal
from csvexport.templating import template_dir

LONG_TARGET = "order_paid_in_the_showroom_on_leninsky_prospekt_with_delivery"
LONG_PATH = "C:\\Users\\Ольга Петрова\\" + "Выгрузки из CRM\\" * 12 + "deals.csv"


def columns(summary):
    """Columns of the widest line of `report.txt` that is no command."""
    return max(len(line) for line in Report(summary).text().splitlines() if not line.lstrip().startswith("curl "))


def nothing_of(summary):
    """The batch, had every row been rejected."""
    counts = {
        kind: replace(found, accepted=0, skipped=0, rejected=found.matched) for kind, found in summary.counts.items()
    }
    return replace(summary, files=(), days=(), tags=(), matching={}, counts=counts)


def edge_cases(summary):
    """The summary bent in every way in which a batch can be unusual."""
    targets = [LONG_TARGET, *(f"goal_{rank}" for rank in range(11))]
    yield "no issues", replace(summary, issues={}, examples={}, counts={"conversions": Counts(9, 9, 9, 0, 0, {})})
    yield "no prices", replace(summary, days=tuple(replace(day, revenue=Decimal(0)) for day in summary.days))
    yield "one day", replace(summary, days=summary.days[:1])
    yield (
        "three years",
        replace(summary, days=tuple(day_total(date(2021, 6, 1) + timedelta(days=day)) for day in range(1096))),
    )
    yield "twelve goals", replace(summary, days=tuple(day_total(label=target) for target in targets))
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
        replace(summary, files=(), days=(), counts={"conversions": Counts(40, 32, 0, 0, 32, {})}),
    )
    yield (
        "nothing at all",
        replace(summary, files=(), days=(), counts={"conversions": Counts(0, 0, 0, 0, 0, {})}, issues={}, examples={}),
    )
    yield "no counter", replace(summary, counter=None)
    yield "every issue", replace(summary, issues=dict.fromkeys(CATALOGUE, 1))
    yield "every kind", everything()
    yield "every kind, every issue", replace(everything(), issues=dict.fromkeys(CATALOGUE, 1))
    yield "every kind, nothing accepted", nothing_of(everything())
    yield "every kind, no counter", replace(everything(), counter=None)
    for kind in everything().counts:
        yield f"{kind} alone", batch_of(kind)
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
    assert columns(edge_case) <= WIDTH


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
        ({"conversions": 0}, "No conversion is ready to upload"),
        ({"conversions": 1}, "1 conversion is ready to upload"),
        ({"conversions": 12}, "12 conversions are ready to upload"),
        ({"deals": 2}, "2 deals are ready to upload"),
        ({"conversions": 81, "calls": 12, "orders": 40}, "81 conversions, 12 calls and 40 orders are ready"),
        ({"contacts": 1, "deals": 1}, "1 contact and 1 deal are ready"),
        ({"conversions": 0, "orders": 1}, "1 order is ready to upload"),
        ({"conversions": 0, "orders": 0}, "Nothing is ready to upload"),
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


def test_the_numbers_of_several_kinds_are_a_table():
    summary = batch_of("conversions", "orders")
    web, text = page(summary).text, flat(Report(summary).text())
    assert "2 800 rows read; every kind is made of the same rows." in web
    assert "MatchedAcceptedSkippedRejected conversions1 2961 2343032 orders4314002110" in web
    assert (
        "rows read 2 800 matched accepted skipped rejected conversions 1 296 1 234 30 32 orders 431 400 21 10" in text
    )


def test_the_table_of_numbers_says_where_the_rejected_rows_are():
    summary = batch_of("conversions", "orders")
    clean = replace(summary, counts={kind: replace(found, rejected=0) for kind, found in summary.counts.items()})
    assert "rejected is in rejected.csv." in flat(Report(summary).text())
    assert "nothing has to be corrected." in flat(Report(clean).text())
    assert ("class", "number bad") in page(summary).attributes
    assert ("class", "number good") in page(summary).attributes
    assert ("class", "number bad") not in page(clean).attributes


def test_matched_is_said_in_the_words_of_the_profile():
    for said in both(batch_of("orders")):
        assert "rows that [orders] takes" in said
        assert "goal that takes it" not in said
    for said in both(batch_of("conversions", "orders")):
        assert "rows that [orders] takes" not in said


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


def test_orders_and_deals_are_listed_by_status():
    summary = batch_of("orders", "deals")
    text = page(summary).text
    assert "Orders by status StatusOrdersRevenueFirst dayLast day PAID2105 250 000.50 RUB20 May 2024" in text
    assert "measure_booked40–28 May 2024" in text
    assert "All statuses4008 250 000.50 RUB1 May 202428 May 2024" in text
    assert "Deals by status StatusDealsRevenueFirst dayLast day paid250777.25 RUB" in text
    text = flat(Report(summary).text())
    assert "ORDERS BY STATUS PAID 210 orders, 20 May 2024 revenue 5 250 000.50 RUB IN_PROGRESS 150 orders" in text
    assert "All statuses revenue 8 250 000.50 RUB DEALS BY STATUS paid 250 deals, 3 May 2024" in text


def test_calls_are_listed_by_their_sort():
    web, text = both(batch_of("calls"))
    assert "Dynamic and static calls CallCallsFirst dayLast day dynamic3229 May 2024" in web
    assert "DYNAMIC AND STATIC CALLS dynamic 32 calls, 29 May 2024 static 8 calls" in text
    for said in (web, text):
        assert "No call has a price above zero" in said
        assert "Only dynamic calls join visits" in said


def test_every_kind_but_contacts_has_its_charts():
    html = Report(everything()).html()
    said = re.findall("<h3>(.*) per (?:day|week|month|quarter|year|decade)</h3>", html)
    assert said == [
        *("Conversions", "Revenue in RUB", "Revenue in KZT"),
        *("Calls", "Orders", "Revenue in RUB", "Deals", "Revenue in RUB"),
    ]
    text = page(everything()).text
    for heading in ("conversions happened", "calls happened", "orders were created", "deals were created"):
        assert f"When the {heading}" in text
    assert "20 May 2024: 210 orders PAID: 210" in text


def test_contacts_have_no_time_of_their_own():
    for said in both(everything()):
        assert "Jan 1970" not in said
    assert "Days     1 May 2024 to 31 May 2024\n" in Report(everything()).text()


def test_goals_of_one_kind_among_several_say_whose_they_are():
    assert "Conversions by goal" in page(everything()).text
    assert "Conversions by goal" not in page(furniture_shop()).text
    assert "\nBY GOAL\n" in Report(furniture_shop()).text()
    assert "\nCONVERSIONS BY GOAL\n" in Report(everything()).text()


def test_issues_come_with_remedy_count_and_examples(summary):
    web, text = page(summary).text, flat(Report(summary).text())
    for code, count in ((Code.BAD_TIME, "31 conversions"), (Code.BAD_ROW, "1 row"), (Code.NO_GOAL, "1 400 rows")):
        issue = CATALOGUE[code]
        assert f"{issue.title} {code.text}{count}".replace("`", "") in web
        assert issue.remedy.replace("`", "") in web
        assert f"{code.text}, {count}: {issue.title}. {issue.remedy}" in text
    assert "deals.csv124Дата оплатывчера 4" in web
    assert 'row 122, Дата оплаты: "вчера 2" (deals.csv)' in text
    assert "вчера 3" not in text


@pytest.mark.parametrize(
    ("code", "web", "text"),
    [
        (
            Code.BAD_TIME,
            "bad-time35 records 31 conversions, 4 calls",
            "bad-time, 35 records (31 conversions, 4 calls):",
        ),
        (Code.NO_CONTACT, "no-contact9 orders", "no-contact, 9 orders:"),
        (Code.BAD_ROW, "bad-row1 row", "bad-row, 1 row:"),
        (
            Code.NO_GOAL,
            "no-goal 1 400 rows for conversions, 7 rows for orders, 90 rows for deals",
            "no-goal, 1 400 rows for conversions, 7 rows for orders, 90 rows for deals:",
        ),
        (
            Code.SUPERSEDED,
            "superseded28 records 11 contacts, 17 deals",
            "superseded, 28 records (11 contacts, 17 deals):",
        ),
    ],
)
def test_issues_of_several_kinds_say_how_many_of_which(code, web, text):
    title = CATALOGUE[code].title.replace("`", "")
    assert f"{title} {web}" in page(everything()).text
    assert f"* {text}" in flat(Report(everything()).text())


def test_conversions_alone_are_said_to_be_old_by_their_own_count():
    for said in both(batch_of("conversions", "calls")):
        assert "140 conversions of this batch are older" in said
        assert "3 calls of this batch are older" in said


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
        days=(day_total(label=evil, revenue="1"), day_total(label=quote)),
    )
    counts = {kind: found for kind, found in everything().counts.items() if kind in {"conversions", "orders"}}
    summary = replace(
        summary,
        counts=counts,
        days=(*summary.days, day_total(label=evil, kind="orders")),
        tags=(TagTotal("orders", evil, "RUB", (evil, quote, evil), 1, Decimal(1)),),
    )
    parsed = page(summary)
    assert "script" not in parsed.tags
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    assert evil in parsed.text
    assert evil in Report(summary).text()


def test_the_page_needs_nothing_but_itself(edge_case):
    parsed = page(edge_case)
    html = re.sub("<pre><code>.*?</code></pre>", "", Report(edge_case).html())
    assert not {"script", "link", "img", "iframe", "a"} & set(parsed.tags)
    assert not {"src", "href", "style"} & {name for name, _ in parsed.attributes}
    assert not re.search(r"url\(|@import|https?:", html)


def test_every_colour_is_there_by_day_and_by_night(summary):
    html = Report(summary).html()
    for colour in range(COLOURS):
        assert len(re.findall(rf"--c{colour}: #[0-9a-f]{{6}};", html)) == 2
        assert f".c{colour} {{ fill: var(--c{colour});" in html


def test_a_long_period_says_how_it_is_grouped():
    text = page(EDGE_CASES["three years"]).text
    assert "each bar is a month" in text
    assert "Conversions per month" in text


def test_orders_without_revenue_say_so():
    orders = batch_of("orders")
    free = replace(orders, days=tuple(replace(day, revenue=Decimal(0)) for day in orders.days))
    for said in both(free):
        assert "No order has a sum above zero, so there is no revenue" in said


def test_a_batch_without_prices_says_so():
    free = EDGE_CASES["no prices"]
    assert "Revenue" not in page(free).text
    assert "no revenue" in page(free).text
    assert "no revenue" in Report(free).text()


def test_currencies_without_a_chart_are_pointed_out():
    said = "Revenue in other currencies is in the table below"
    assert said in page(EDGE_CASES["five currencies"]).text
    assert said not in page(furniture_shop()).text


def test_the_bars_of_the_page_say_their_numbers(summary):
    assert "31 May 2024: 234 conversions measure_booked: 34 lead_qualified: 200" in page(summary).text


def test_a_sum_of_many_digits_stays_exact(summary):
    days = tuple(day_total(label=target, revenue="9223372036854000000000000.000001") for target in "ab")
    assert "18 446 744 073 708 000 000 000 000.000002 RUB" in page(replace(summary, days=days)).text


TEXT = st.text(max_size=120)
KINDS = ("conversions", "calls", "orders", "contacts", "deals")
AMOUNTS = st.decimals(0, 10**15, places=2)
CURRENCIES = st.sampled_from(["RUB", "KZT", "EUR"])
DAYS = st.lists(
    st.builds(
        DayTotal,
        kind=st.sampled_from(KINDS),
        day=st.dates(date(1970, 1, 1), date(2030, 1, 1)),
        label=TEXT.filter(str.strip),
        currency=CURRENCIES,
        records=st.integers(0, 10**7),
        revenue=AMOUNTS,
    ),
    max_size=8,
).map(tuple)
TAGS = st.lists(
    st.builds(
        TagTotal,
        kind=st.sampled_from(["orders", "deals"]),
        status=TEXT,
        currency=CURRENCIES,
        tags=st.one_of(st.just(()), st.tuples(TEXT, TEXT, TEXT)),
        records=st.integers(1, 10**7),
        revenue=AMOUNTS,
    ),
    max_size=4,
).map(tuple)
MATCHING = st.dictionaries(
    st.sampled_from(["orders", "contacts"]),
    st.lists(st.integers(0, 10**7), min_size=8, max_size=8).map(MatchQuality.of),
)
SOURCES = st.lists(st.builds(source, path=TEXT.filter(str.strip), delimiter=st.sampled_from(",;\t|")), max_size=3).map(
    tuple
)
EXAMPLES = st.dictionaries(
    st.sampled_from(list(CATALOGUE)),
    st.lists(st.builds(Example, source=TEXT, row=st.integers(1, 10**9), column=TEXT, value=TEXT), max_size=4).map(
        tuple
    ),
)
COUNTS = st.lists(st.sampled_from(KINDS), min_size=1, unique=True).flatmap(
    lambda kinds: st.fixed_dictionaries(
        {
            kind: st.builds(
                lambda accepted, issues: Counts(accepted, accepted, accepted, 0, 0, issues),
                st.integers(0, 10**8),
                st.dictionaries(st.sampled_from(list(CATALOGUE)), st.integers(1, 10**8), max_size=3),
            )
            for kind in kinds
        }
    )
)


@settings(max_examples=40, deadline=None)
@given(days=DAYS, tags=TAGS, matching=MATCHING, sources=SOURCES, examples=EXAMPLES, counts=COUNTS)
def test_whatever_the_crm_holds_both_reports_are_well_formed_and_repeatable(  # noqa: PLR0913, PLR0917 - hypothesis calls it
    days, tags, matching, sources, examples, counts
):
    issues = dict.fromkeys(examples, 10)
    for found in counts.values():
        issues |= found.issues
    summary = Summary(
        profile="crm",
        batch="20240601T090000Z-1a2b3c4d",
        counter=None,
        timezone="Asia/Vladivostok",
        built_at=datetime(2024, 6, 1, tzinfo=UTC),
        sources=sources,
        files=tuple(file(f"{kind}.csv", "Yclid", found.accepted, kind) for kind, found in counts.items()),
        counts=counts,
        issues=issues,
        examples=examples,
        days=days,
        tags=tags,
        matching=matching,
    )
    html, text = Report(summary).html(), Report(summary).text()
    assert page(summary).tags.count("html") == 1
    assert columns(summary) <= WIDTH
    assert all(line.isprintable() for line in text.split("\n"))
    assert (html, text) == (Report(summary).html(), Report(summary).text())
    (html + text).encode()


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
