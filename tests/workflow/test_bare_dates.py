"""What has a date but no time of day goes once, whenever and however often runs are called."""

import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet
import pytest
import xlsxwriter

PROFILE = """
timezone = "Europe/Moscow"
source.path = "{export}"
identifiers.ClientId = "cid"
[[goals]]
target = "paid"
time = {time}
price = "sum"
[calls]
time = {time}
price = "sum"
[[deliver]]
name = "drop"
what = ["conversions", "calls"]
to = "drop/{{{{ batch }}}}/{{{{ file }}}}"
"""
CID = "1706436776194551959"
COLUMNS = ("cid", "day", "sum")

# The first second of June 1 and of June 2 in Moscow.
BEGIN, END = datetime(2024, 5, 31, 21, tzinfo=UTC), datetime(2024, 6, 1, 21, tzinfo=UTC)
MIDDAY = datetime(2024, 6, 1, 9, tzinfo=UTC)
LAST_SECOND = datetime(2024, 6, 1, 20, 59, 58, tzinfo=UTC)
LATER = datetime(2024, 6, 2, 11, 30, tzinfo=UTC)
UNIX = "1717275599"


def write_csv(path, day, price):
    path.write_text(f"cid,day,sum\n{CID},{day},{price}\n", encoding="utf-8")


def write_json(path, day, price):
    path.write_text(json.dumps([{"cid": CID, "day": day, "sum": price}]), encoding="utf-8")


def write_xml(path, day, price):
    row = f"<row><cid>{CID}</cid><day>{day}</day><sum>{price}</sum></row>"
    path.write_text(f"<rows>{row}{row}</rows>", encoding="utf-8")


def write_parquet(path, day, price):
    columns = zip(COLUMNS, [CID, date.fromisoformat(day), str(price)], strict=True)
    pyarrow.parquet.write_table(pa.table({name: [value] for name, value in columns}), path)


def write_workbook(path, day, price):
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        sheet.write_string(1, 0, CID)
        sheet.write_datetime(1, 1, datetime.fromisoformat(day), book.add_format({"num_format": "dd.mm.yyyy"}))
        sheet.write_number(1, 2, price)


ANY = '"day"'
SLASHED = '{ column = "day", format = "%m/%d/%Y" }'
ZONED = '{ column = "day", format = "%Y-%m-%d %z" }'
FORMS = [
    pytest.param("deals.csv", write_csv, ANY, "2024-06-01", id="csv"),
    pytest.param("deals.csv", write_csv, ANY, "1.6.24", id="csv, a day of one digit"),
    pytest.param("deals.csv", write_csv, SLASHED, "06/01/2024", id="csv, by format"),
    pytest.param("deals.csv", write_csv, ZONED, "2024-06-01 +0300", id="csv, with an offset"),
    pytest.param("deals.json", write_json, ANY, "2024-06-01", id="json"),
    pytest.param("deals.xml", write_xml, ANY, "2024-06-01", id="xml"),
    pytest.param("deals.parquet", write_parquet, ANY, "2024-06-01", id="parquet"),
    pytest.param("deals.xlsx", write_workbook, ANY, "2024-06-01", id="xlsx"),
]


@pytest.mark.parametrize(("name", "write", "time", "day"), FORMS)
def test_an_event_of_today_goes_once_and_only_when_the_day_is_over(name, write, time, day, shop):
    shop.profile(PROFILE.format(export=name, time=time))
    for price, now in enumerate((BEGIN, MIDDAY, LAST_SECOND), 1):
        write(shop.folder / name, day, price)
        done = shop("run", "profile.toml", "--now", now.isoformat())["build"]
        for kind in ("conversions", "calls"):
            assert done["counts"][kind]["issues"]["unfinished-day"] == done["counts"][kind]["skipped"] > 0
    assert shop.dropped() == []
    for now in (END, LATER):
        shop("run", "profile.toml", "--now", now.isoformat())
        assert sorted(shop.dropped()) == [[CID, UNIX, "3.00", "RUB"], [CID, "paid", UNIX, "3.00", "RUB"]]


def test_a_price_that_changes_later_goes_under_the_same_time(shop):
    """So that Metrica puts it in the place of the one before."""
    shop.profile(PROFILE.format(export="deals.csv", time=ANY))
    for price, now in ((1, MIDDAY), (1, END), (2, LATER), (2, LATER.replace(hour=12)), (3, LATER.replace(hour=13))):
        write_csv(shop.folder / "deals.csv", "2024-06-01", price)
        shop("run", "profile.toml", "--now", now.isoformat())
    paid = [line for line in shop.dropped() if line[1] == "paid"]
    assert sorted(paid) == [[CID, "paid", UNIX, f"{price}.00", "RUB"] for price in (1, 2, 3)]
