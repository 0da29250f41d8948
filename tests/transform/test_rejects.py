"""`rejected.csv`: which rows stand in it, and what it says of them."""

import csv
import io

import pytest

from csvexport.issues import CATALOGUE, REJECTED_COLUMNS, Code

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
source.path = {paths}
identifiers = {{ ClientId = "client" }}
[[goals]]
target = "paid"
time = "at"
price = "sum"
currency = {{ column = "money" }}
"""

ONE = PROFILE.format(paths='"deals.csv"')
GOOD = "17,2024-05-30 12:00,100,RUB\n"
HEADER = "client,at,sum,money\n"


def says(built):
    return [(row["source"], row["row"], row["code"], row["column"], row["value"]) for row in built.rejected]


def test_a_batch_without_rejected_rows_has_no_such_file(shop):
    built = shop(ONE, HEADER + GOOD)
    assert not (built.outcome.folder / "rejected.csv").exists()


def test_every_problem_of_a_row_is_told_at_once(shop):
    built = shop(ONE, f"{HEADER}{GOOD}undefined,31.06.2024,-5,тугрик\n")
    (row,) = built.rejected
    assert list(row) == [*REJECTED_COLUMNS, "client", "at", "sum", "money"]
    assert row["kind"] == "conversions"
    assert says(built) == [
        (
            *("deals.csv", "3", "bad-identifier | bad-time | negative-price | bad-currency"),
            *("client | at | sum | money", "undefined | 31.06.2024 | -5 | тугрик"),
        )
    ]
    codes = (Code.BAD_IDENTIFIER, Code.BAD_TIME, Code.NEGATIVE_PRICE, Code.BAD_CURRENCY)
    assert row["remedy"] == " | ".join(CATALOGUE[code].remedy for code in codes)


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        (",2024-05-30,1,RUB", Code.NO_IDENTIFIER, "client"),
        ("x,2024-05-30,1,RUB", Code.BAD_IDENTIFIER, "client"),
        ("1.7E+17,2024-05-30,1,RUB", Code.ROUNDED_IDENTIFIER, "client"),
        ("17,,1,RUB", Code.EMPTY_TIME, "at"),
        ("17,05/30/2024,1,RUB", Code.BAD_TIME, "at"),
        ("17,2024-06-02,1,RUB", Code.FUTURE_TIME, "at"),
        ("17,2024-05-30,x,RUB", Code.BAD_PRICE, "sum"),
        ("17,2024-05-30,-1,RUB", Code.NEGATIVE_PRICE, "sum"),
        ("17,2024-05-30,1,XYZ", Code.BAD_CURRENCY, "money"),
        ("17,2024-05-30,1 €,USD", Code.BAD_CURRENCY, "sum"),
    ],
)
def test_each_error_is_told_with_its_column_its_value_and_its_remedy(line, code, column, shop):
    built = shop(ONE, f"{HEADER}{GOOD}{line}\n")
    (row,) = built.rejected
    cells = dict(zip(HEADER.strip().split(","), line.split(","), strict=True))
    assert (row["code"], row["column"], row["value"]) == (code.text, column, cells[column])
    assert row["remedy"] == CATALOGUE[code].remedy
    assert {name: row[name] for name in cells} == cells
    assert built.issues == {code.text: 1}


def test_warnings_reject_no_row_and_are_not_told(shop):
    warned = "17,2024-03-30 12:00,100,\n"
    built = shop(ONE, f"{HEADER}{warned}x,2024-03-30 12:00,100,\n")
    assert [row["code"] for row in built.rejected] == ["bad-identifier"]
    assert built.issues == {"bad-identifier": 1, "outside-window": 1, "price-without-currency": 1}


def test_rows_keep_their_cells_to_the_letter(shop):
    cells = ['Зая"вка', "две\nстроки", "a,b;c\td", "  пробелы ", "=1+1", "'0123", "ё", ""]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = [f"поле {number}" for number in range(len(cells))]
    writer.writerow([*HEADER.strip().split(","), *names])
    writer.writerow([*GOOD.strip().split(","), *cells])
    writer.writerow([*("", "2024-05-30", "1", "RUB"), *cells])
    (row,) = shop(ONE, text.getvalue()).rejected
    assert [row[name] for name in names] == cells


def test_rows_are_numbered_as_a_spreadsheet_shows_them(shop):
    """Above the header stand two lines, between the rows a blank one, a repeated header and a cell of two lines."""
    export = (
        "Отчёт,,,,\n"
        "за май,,,,\n"
        "client,at,sum,money,note\n"
        "17,2024-05-30,1,RUB,\n"
        ",2024-05-30,1,RUB,row 5\n"
        "\n"
        "client,at,sum,money,note\n"
        '18,2024-05-30,1,RUB,"две\nстроки"\n'
        ",2024-05-30,1,RUB,row 9\n"
        "19,2024-05-30\n"
        ",2024-05-30,1,RUB,row 11\n"
    )
    built = shop(ONE, export)
    assert [(row["row"], row["note"]) for row in built.rejected] == [
        *(("5", "row 5"), ("9", "row 9"), ("10", ""), ("11", "row 11")),
    ]
    assert (built.counts.rows, built.counts.accepted, built.counts.rejected) == (6, 2, 4)


def test_rows_that_cannot_be_read_are_shown_as_they_stand(shop):
    export = f'{HEADER}{GOOD}"17"x,2024-05-30,1,RUB\n17,2024-05-30,1,RUB,5\n18;2024\n,2024-05-30,1,RUB\n'
    built = shop(ONE, export)
    assert says(built) == [
        ("deals.csv", "3", "bad-row", "", '"17"x,2024-05-30,1,RUB'),
        ("deals.csv", "4", "bad-row", "", "17,2024-05-30,1,RUB,5"),
        ("deals.csv", "5", "bad-row", "", "18;2024"),
        ("deals.csv", "6", "no-identifier", "client", ""),
    ]
    assert built.rejected[1]["remedy"] == f"It has 5 cells, the header has 4. {CATALOGUE[Code.BAD_ROW].remedy}"
    assert [row["client"] for row in built.rejected] == [""] * 4
    assert built.issues == {"bad-row": 3, "no-identifier": 1}
    assert (built.counts.rows, built.counts.matched, built.counts.rejected) == (5, 5, 4)


def test_sources_with_other_columns_share_one_file(shop):
    profile = PROFILE.format(paths='["a.csv", "b.csv"]')
    exports = {
        "a.csv": f"manager,{HEADER}Иванов,{GOOD}Петров,,2024-05-30,1,RUB\n",
        "b.csv": "money,sum,at,client,city\nRUB,1,2024-05-30,x,Казань\n",
    }
    built = shop(profile, exports)
    assert list(built.rejected[0]) == [*REJECTED_COLUMNS, "manager", "client", "at", "sum", "money", "city"]
    assert [(row["source"], row["row"], row["manager"], row["city"], row["client"]) for row in built.rejected] == [
        ("a.csv", "3", "Петров", "", ""),
        ("b.csv", "2", "", "Казань", "x"),
    ]


def test_columns_may_bear_the_names_of_the_files_own(shop):
    profile = ONE.replace('"at"', '"value"')
    built = shop(profile, "client,value,sum,money,code\n17,2024-05-30,1,RUB,a\n17,never,1,RUB,b\n")
    path = built.outcome.folder / "rejected.csv"
    header, row = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    assert header == [*REJECTED_COLUMNS, "client", "value", "sum", "money", "code"]
    assert row[7:] == ["17", "never", "1", "RUB", "b"]


TWO = """
timezone = "Europe/Moscow"
max_rejected = 1
since = 2024-05-01
source.path = "deals.csv"
identifiers = { ClientId = "client" }
[[goals]]
target = "created"
time = "created"
price = "sum"
[[goals]]
target = "paid"
time = "paid"
"""


def test_a_row_stands_there_once_with_the_problems_of_the_goals_that_rejected_it(shop):
    export = (
        "client,created,paid,sum\n"
        "17,2024-05-30,2024-05-31,1\n"
        "18,2024-05-30,,1\n"  # paid fails
        "19,x,y,x\n"  # both fail
        "20,2024-04-30,y,x\n"  # created lies outside the period, so that its price does not matter
    )
    built = shop(TWO, export)
    assert says(built) == [
        ("deals.csv", "3", "empty-time", "paid", ""),
        ("deals.csv", "4", "bad-time | bad-time | bad-price", "created | paid | sum", "x | y | x"),
        ("deals.csv", "5", "bad-time", "paid", "y"),
    ]
    assert (built.counts.matched, built.counts.accepted) == (8, 3)
    assert (built.counts.skipped, built.counts.rejected) == (1, 4)
