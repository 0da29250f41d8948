"""Rows to conversions: times, prices, currencies, periods and sources, as a build writes them."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from csvexport.blocks import Block
from csvexport.errors import ProfileError, SourceError
from csvexport.issues import Code
from csvexport.profile import load_profile
from csvexport.transform.kinds import convert, kinds_of
from csvexport.transform.plan import Period

NOW = 1717232400  # 2024-06-01 09:00 UTC, 12:00 in Moscow
DAY = 86400

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
{more}
source.path = "deals.csv"
identifiers = {{ ClientId = "client" }}
[[goals]]
target = "paid"
{goal}
"""


def profile(goal='time = "at"', more=""):
    return PROFILE.format(goal=goal, more=more)


def rows(**columns):
    """Give an export with these columns; every row is another visitor's."""
    count = len(next(iter(columns.values())))
    default = {"client": [str(1716642001234567891 + number) for number in range(count)]}
    return default | {"at": ["2024-05-30 12:00:00"] * count} | columns


# Times.


def times(shop, goal, **columns):
    built = shop(profile(goal), rows(**columns))
    return built, built.column("DateTime")


def test_times_are_read_in_the_profiles_zone(shop):
    cells = [
        "2024-05-30 12:00:00",
        "30.05.2024 12:00",
        "2024-05-30T09:00:00Z",
        "2024-05-30T12:00:00+03:00",
        "1717059600",
    ]
    built, found = times(shop, 'time = "at"', at=cells)
    assert found == ["1717059600"] * 5
    assert built.issues == {}


def test_a_time_column_may_have_its_own_format_and_zone(shop):
    goal = 'time = { column = "at", format = "%m/%d/%Y %I:%M %p", timezone = "America/New_York" }'
    built, found = times(shop, goal, at=["05/30/2024 12:00 PM", "05/30/2024 12:00 AM", "2024-05-30 12:00:00"])
    assert found == ["1717084800", "1717041600"]
    assert built.issues == {"bad-time": 1}


def test_a_bare_date_is_the_end_of_its_day_and_waits_until_the_day_is_over(shop):
    cells = ["2024-05-31", "31.05.2024", "2024-06-01"]
    built, found = times(shop, 'time = "at"', at=cells)
    assert found == ["1717189199", "1717189199"]
    assert built.issues == {"unfinished-day": 1}
    assert (built.counts.matched, built.counts.skipped, built.counts.rejected) == (3, 1, 0)
    later = shop(profile(), rows(at=cells), now=datetime(2024, 6, 1, 21, tzinfo=UTC))
    assert later.column("DateTime") == ["1717189199", "1717189199", "1717275599"]
    assert later.issues == {}


def test_what_waits_needs_no_correction_yet(shop):
    export = rows(at=["2024-06-01"] * 2, sum=["x", "1"]) | {"client": ["y", ""]}
    built = shop(profile('time = "at"\nprice = "sum"'), export)
    assert built.issues == {"unfinished-day": 2}
    assert built.rejected == []


def test_each_goal_waits_for_the_day_of_its_own_column(shop):
    # In Vladivostok it is 19:00 of June 1, in Honolulu 23:00 of May 31.
    goal = """time = { column = "at", timezone = "Asia/Vladivostok" }
[[goals]]
target = "far"
time = { column = "at", timezone = "Pacific/Honolulu" }"""
    built = shop(profile(goal), rows(at=["2024-05-31", "2024-06-01"]))
    assert [cells[1:3] for cells in built.files["ClientId"]] == [["paid", "1717163999"]]
    assert built.issues == {"unfinished-day": 2, "future-time": 1}
    (example, _) = built.outcome.summary.examples[Code.UNFINISHED_DAY]
    assert (example.row, example.column, example.value) == (2, "at", "2024-05-31")


def test_what_has_not_happened_yet_is_rejected(shop):
    built, found = times(shop, 'time = "at"', at=["2024-06-01 12:00:00", "2024-06-01 12:00:01", "2024-06-02"])
    assert found == [str(NOW)]
    assert built.issues == {"future-time": 2}


def test_what_is_older_than_21_days_is_sent_with_a_warning(shop):
    built, found = times(shop, 'time = "at"', at=["2024-05-11 12:00:00", "2024-05-11 11:59:59"])
    assert found == [str(NOW - 21 * DAY), str(NOW - 21 * DAY - 1)]
    assert built.issues == {"outside-window": 1}


def test_clocks_that_jump_are_read_with_a_warning(shop):
    goal = 'time = { column = "at", timezone = "Europe/Berlin" }'
    built, found = times(shop, goal, at=["2023-10-29 02:30:00", "2024-03-31 02:30:00"])
    assert found == ["1698539400", "1711846800"]
    assert built.issues == {"overlapping-time": 1, "missing-time": 1, "outside-window": 2}


def test_goals_may_read_one_column_in_two_ways(shop):
    goal = """time = { column = "at", format = "%d/%m/%Y" }
[[goals]]
target = "american"
time = { column = "at", format = "%m/%d/%Y" }"""
    built = shop(profile(goal), rows(at=["04/05/2024", "13/05/2024", "05/13/2024"]))
    assert [cells[1:3] for cells in built.files["ClientId"]] == [
        ["paid", "1714856399"],
        ["american", "1712350799"],
        ["paid", "1715633999"],
        ["american", "1715633999"],
    ]
    assert [(row["row"], row["column"], row["value"]) for row in built.rejected] == [
        ("3", "at", "13/05/2024"),
        ("4", "at", "05/13/2024"),
    ]


# Periods.


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("since = 2024-05-30", ["2024-05-30 00:00:00", "2024-05-30 23:59:59", "2024-05-31 00:00:00"]),
        ("until = 2024-05-30", ["2024-05-29 23:59:59", "2024-05-30 00:00:00", "2024-05-30 23:59:59"]),
        ("since = 2024-05-30\nuntil = 2024-05-30", ["2024-05-30 00:00:00", "2024-05-30 23:59:59"]),
        ('since = "2d"', ["2024-05-30 23:59:59", "2024-05-31 00:00:00"]),
        ('until = "2d"', ["2024-05-29 23:59:59", "2024-05-30 00:00:00"]),
    ],
)
def test_the_days_of_the_period_are_those_of_the_profiles_zone(more, expected, shop):
    cells = ["2024-05-29 23:59:59", "2024-05-30 00:00:00", "2024-05-30 23:59:59", "2024-05-31 00:00:00"]
    export = rows(at=cells)
    built = shop(profile(more=more), export)
    who = dict(zip(export["client"], cells, strict=True))
    assert [who[client] for client in built.column("ClientId")] == expected
    assert built.issues == {"outside-period": 4 - len(expected)}
    assert built.counts.skipped == 4 - len(expected)


def test_what_lies_outside_the_period_needs_no_correction(shop):
    export = rows(at=["2024-04-30", "2024-05-30", "x"], sum=["x", "1", "1"]) | {"client": ["y", "17", "18"]}
    built = shop(profile('time = "at"\nprice = "sum"', "since = 2024-05-01"), export)
    assert built.issues == {"outside-period": 1, "bad-time": 1}
    assert [row["row"] for row in built.rejected] == ["4"]


def test_a_future_that_lies_outside_the_period_is_skipped(shop):
    built = shop(profile(more="until = 2024-06-01"), rows(at=["2024-05-30", "2024-07-01"]))
    assert built.issues == {"outside-period": 1}


# Prices and currencies.


def prices(shop, goal, **columns):
    built = shop(profile(f'time = "at"\n{goal}'), rows(**columns))
    return built, [cells[3:] for cells in built.files["ClientId"]]


def test_prices_are_written_exactly(shop):
    cells = ["100", "12 345,67 ₽", "12,345.67", "1.234,56", "0", "0,005", "0.10000000001", "1e3", "9223372036854", ""]
    built, found = prices(shop, 'price = "sum"', sum=cells)
    assert [price for price, _ in found] == [
        *("100.00", "12345.67", "12345.67", "1234.56", "0.00", "0.005", "0.10000000001", "9223372036854.00", ""),
    ]
    assert built.issues == {"bad-price": 1}


def test_without_a_price_the_cell_is_empty(shop):
    _, found = prices(shop, "", sum=["5"])
    assert found == [["", "RUB"]]


@pytest.mark.parametrize(
    ("price", "expected"), [("300", "300.00"), ("0", "0.00"), ("99.9", "99.90"), ("0.125", "0.125"), ("1e3", "1000.00")]
)
def test_one_price_for_every_row(price, expected, shop):
    _, found = prices(shop, f"price = {price}", sum=["7", ""])
    assert found == [[expected, "RUB"]] * 2


@pytest.mark.parametrize(
    ("decimal", "expected"),
    [(None, ["12.50", "12.50"]), (",", ["1.234", "1234.00", "12.50"]), (".", ["1234.00", "1.234", "12.50"])],
)
def test_a_lone_separator_before_three_digits_is_ambiguous_unless_the_mark_is_known(decimal, expected, shop):
    setting = f', decimal = "{decimal}"' if decimal else ""
    built, found = prices(shop, f'price = {{ column = "sum"{setting} }}', sum=["1,234", "1.234", "12,50", "12.50"])
    assert [price for price, _ in found] == expected
    assert built.issues == {"bad-price": 4 - len(expected)}


def test_the_currency_is_the_goals_or_the_profiles(shop):
    assert prices(shop, 'price = "sum"\ncurrency = "KZT"', sum=["5"])[1] == [["5.00", "KZT"]]
    built = shop(profile('time = "at"\nprice = 5', 'currency = "USD"'), rows(sum=["1"]))
    assert [cells[3:] for cells in built.files["ClientId"]] == [["5.00", "USD"]]


def test_a_currency_column_is_read_row_by_row(shop):
    built, found = prices(
        shop,
        'price = "sum"\ncurrency = { column = "money", values = { "руб." = "RUB", "у.е." = "USD" } }',
        sum=["1"] * 7,
        money=["RUB", "eur", " Руб. ", "У.Е.", "", "доллар", "RUBLES"],
    )
    assert found == [["1.00", currency] for currency in ("RUB", "EUR", "RUB", "USD", "RUB")]
    assert built.issues == {"price-without-currency": 1, "bad-currency": 2}


def test_an_empty_currency_matters_only_beside_a_price(shop):
    goal = 'price = "sum"\ncurrency = { column = "money" }'
    built, found = prices(shop, goal, sum=["1", "", "", "x"], money=["", "", "EUR", ""])
    assert found == [["1.00", "RUB"], ["", "RUB"], ["", "EUR"]]
    assert built.issues == {"price-without-currency": 1, "bad-price": 1}


def test_an_empty_currency_may_be_given_a_meaning(shop):
    goal = 'price = "sum"\ncurrency = { column = "money", values = { "" = "BYN" } }'
    built, found = prices(shop, goal, sum=["1"], money=[" "])
    assert found == [["1.00", "BYN"]]
    assert built.issues == {}


def test_a_price_is_not_sent_in_another_currency_than_stands_beside_it(shop):
    goal = 'price = "sum"\ncurrency = { column = "money" }'
    cells = {"sum": ["5 ₽", "5 ₽", "$5", "$5", "5 €", "5"], "money": ["RUB", "USD", "CAD", "EUR", "EUR", "USD"]}
    built, found = prices(shop, goal, **cells)
    assert found == [["5.00", currency] for currency in ("RUB", "CAD", "EUR", "USD")]
    assert built.issues == {"bad-currency": 2}
    assert [(row["column"], row["value"]) for row in built.rejected] == [("sum", "5 ₽"), ("sum", "$5")]


def test_goals_with_other_prices_and_currencies_do_not_mix(shop):
    goal = """time = "at"
price = "sum"
[[goals]]
target = "fixed"
time = "at"
price = 7
currency = "USD"
[[goals]]
target = "comma"
time = "at"
price = { column = "sum", decimal = "," }
currency = { column = "money" }
[[goals]]
target = "none"
time = "at"
when = { money = { empty = false } }"""
    built = shop(profile(goal), rows(sum=["1,234", "5"], money=["EUR", ""]))
    first, second = rows(sum=["", ""])["client"]
    assert [[cells[0], cells[1], *cells[3:]] for cells in built.files["ClientId"]] == [
        [first, "fixed", "7.00", "USD"],
        [first, "comma", "1.234", "EUR"],
        [first, "none", "", "RUB"],
        [second, "paid", "5.00", "RUB"],
        [second, "fixed", "7.00", "USD"],
        [second, "comma", "5.00", "RUB"],
    ]
    assert built.issues == {"bad-price": 1, "price-without-currency": 1}


# Duplicates.


def test_of_one_event_the_last_row_goes(shop):
    export = rows(sum=["1", "2", "2", "3"]) | {"client": ["17", "17", "18", "17"]}
    built = shop(profile('time = "at"\nprice = "sum"'), export)
    assert [cells[::3] for cells in built.files["ClientId"]] == [["18", "2.00"], ["17", "3.00"]]
    assert built.issues == {"superseded": 2}
    built = shop(profile('time = "at"\nprice = "sum"'), export | {"sum": ["3", "3.00", "2", "3,0"]})
    assert [cells[::3] for cells in built.files["ClientId"]] == [["18", "2.00"], ["17", "3.00"]]
    assert built.issues == {"duplicate": 2}


def test_another_time_or_another_target_is_another_event(shop):
    goal = 'time = "at"\n[[goals]]\ntarget = "paid2"\ntime = "at"'
    export = rows(at=["2024-05-30 12:00:00", "2024-05-30 12:00:01"]) | {"client": ["17", "17"]}
    built = shop(profile(goal), export)
    assert len(built.files["ClientId"]) == 4
    assert built.issues == {}


def test_a_rejected_row_does_not_supersede_a_good_one(shop):
    export = rows(sum=["1", "x"]) | {"client": ["17", "17"]}
    built = shop(profile('time = "at"\nprice = "sum"'), export)
    assert [cells[::3] for cells in built.files["ClientId"]] == [["17", "1.00"]]
    assert built.issues == {"bad-price": 1}


# Sources.


LIST = profile().replace('"deals.csv"', '["late.csv", "2024/*.csv"]')


def test_sources_may_be_a_list_and_a_glob(shop):
    exports = {
        "2024/b.csv": "at;client\n2024-05-30;3\n",
        "2024/a.csv": "client,at,more\n2,2024-05-30,x\n",
        "late.csv": "client\tat\n1\t2024-05-30\n",
        "2024/c.txt": "client,at\n4,2024-05-30\n",
    }
    built = shop(LIST, exports)
    assert built.column("ClientId") == ["1", "2", "3"]
    assert [(source.path, source.rows) for source in built.outcome.summary.sources] == [
        ("late.csv", 1),
        ("2024/a.csv", 1),
        ("2024/b.csv", 1),
    ]


def test_one_event_in_two_sources_goes_once(shop):
    export = "client,at\n17,2024-05-30\n"
    built = shop(LIST, {"late.csv": export, "2024/a.csv": export})
    assert built.column("ClientId") == ["17"]
    assert built.issues == {"duplicate": 1}


def test_every_source_needs_the_columns_of_the_profile(shop, tmp_path):
    with pytest.raises(ProfileError, match=r'goals\[1\].time: no column "at"'):
        shop(LIST, {"late.csv": "client,at\n17,2024-05-30\n", "2024/a.csv": "client,paid\n17,2024-05-30\n"})
    assert not (tmp_path / "out").exists()


def test_a_pattern_that_no_file_matches_is_a_mistake(shop):
    with pytest.raises(SourceError, match="no file matches"):
        shop(LIST, {"late.csv": "client,at\n17,2024-05-30\n"})


# Blocks, as sources and the library hand them over.


@pytest.fixture
def kinds(tmp_path):
    path = tmp_path / "profile.toml"
    goal = 'time = "at"\nprice = "sum"\ncurrency = { column = "money" }\nwhen = { status = "оплачен" }'
    path.write_text(profile(goal), encoding="utf-8")
    return kinds_of(load_profile(path), lambda _: Period(NOW))


COLUMNS = {
    "client": ["17", "x", "18", "19"],
    "at": ["30.05.2024"] * 4,
    "sum": ["1", "2", "3", "4 ₽"],
    "money": ["RUB", "RUB", "EUR", ""],
    "status": ["оплачен", "Оплачен ", "отказ", "оплачен"],
}


def block(columns, codec="utf-8"):
    count = len(next(iter(columns.values())))
    return Block(columns, codec, np.arange(count), count)


def judged(kinds, columns, codec="utf-8"):
    converted = convert(kinds, block(columns, codec), {"conversions": ()})
    assert list(converted.kinds) == ["conversions"]
    return converted.kinds["conversions"]


def what(converted):
    lines = {kind: lines.text.to_pylist() for kind, lines in converted.lines.items()}
    says = [column.to_pylist() for column in converted.rows.says]
    cells = [column.to_pylist() for column in converted.rows.cells.values()]
    counts = converted.matched, converted.skipped, converted.rejected
    return lines, converted.rows.rows.tolist(), says, cells, counts, converted.issues.tolist()


def test_a_block_is_converted_alike_in_every_form_of_its_columns(kinds):
    plain = {name: pa.array(cells, pa.string()) for name, cells in COLUMNS.items()}
    expected = what(judged(kinds, plain))
    assert expected[0] == {
        "ClientId": ["17,paid,1717102799,1.00,RUB\n", "19,paid,1717102799,4.00,RUB\n"],
    }
    assert expected[4] == (3, 0, 1)
    categories = {name: column.dictionary_encode() for name, column in plain.items()}
    sliced = {name: pa.concat_arrays([column[:2], column])[2:] for name, column in plain.items()}
    encoded = {name: pa.array([cell.encode() for cell in cells], pa.binary()) for name, cells in COLUMNS.items()}
    latin = {name: [cell.replace("₽", "руб.").encode("cp1251") for cell in cells] for name, cells in COLUMNS.items()}
    cyrillic = {name: pa.array(cells, pa.binary()) for name, cells in latin.items()}
    assert what(judged(kinds, categories)) == expected
    assert what(judged(kinds, sliced)) == expected
    assert what(judged(kinds, encoded)) == expected
    assert what(judged(kinds, cyrillic, "cp1251"))[0] == expected[0]


def test_a_block_without_rows_comes_to_nothing(kinds):
    empty = {name: pa.array([], pa.string()) for name in COLUMNS}
    lines, rejected, _, _, counts, issues = what(judged(kinds, empty))
    assert (lines, rejected, counts) == ({}, [], (0, 0, 0))
    assert not any(issues)


def test_a_block_of_which_no_goal_takes_a_row_is_counted(kinds):
    columns = {name: pa.array(cells, pa.string()) for name, cells in COLUMNS.items()}
    columns["status"] = pa.array(["новая"] * 4, pa.string())
    converted = judged(kinds, columns)
    assert (converted.matched, converted.lines) == (0, {})
    assert converted.issues[Code.NO_GOAL] == 4
