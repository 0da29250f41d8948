from dataclasses import replace
from decimal import Decimal

import pytest
from batches import batch_of, both, flat, page

from csvexport.report import Report
from csvexport.report.advertising import MOST_ROWS, advertising
from csvexport.report.wording import GAP, number
from csvexport.summary import TagTotal


def tagged(count, kind="orders"):
    """Orders of so many campaigns."""
    tags = tuple(
        TagTotal(kind, "PAID", "RUB", ("yandex", "cpc", f"campaign_{number:02}"), 1000 - number, Decimal(number))
        for number in range(count)
    )
    return replace(batch_of(kind), tags=tags)


def rows(summary):
    (found,) = advertising(summary)
    return [(row.status, row.source, row.medium, row.campaign, row.records, row.revenue) for row in found.rows]


def test_currencies_of_one_advertisement_are_one_row_and_the_most_frequent_come_first():
    assert rows(batch_of("orders")) == [
        ("PAID", "yandex", "cpc", "spring_sale", 190, (("RUB", Decimal("4000000.50")), ("KZT", Decimal(90000)))),
        ("IN_PROGRESS", "yandex", "cpc", "spring_sale", 150, (("RUB", Decimal(3000000)),)),
        ("measure_booked", "(not set)", "(not set)", "(not set)", 40, ()),
        ("PAID", "vk", "(not set)", "retarget", 20, (("RUB", Decimal(1160000)),)),
    ]


def test_the_table_is_in_both_reports():
    web, text = page(batch_of("orders")).text, flat(Report(batch_of("orders")).text())
    assert "Orders by status and advertisement This is what Metrica will show" in web
    assert "PAIDyandexcpcspring_sale1904 000 000.50 RUB90 000.00 KZT" in web
    assert "measure_booked(not set)(not set)(not set)40–" in web
    assert "ORDERS BY STATUS AND ADVERTISEMENT This is what Metrica will show" in text
    assert "PAID: yandex / cpc / spring_sale 190 orders revenue 4 000 000.50 RUB revenue 90 000.00 KZT" in text
    assert "measure_booked: (not set) / (not set) / (not set) 40 orders PAID: vk" in text


@pytest.mark.parametrize(("more", "records"), [(0, 0), (1, 950), (3, 2847)])
def test_fifty_rows_are_shown_and_the_rest_is_counted(more, records):
    (found,) = advertising(tagged(MOST_ROWS + more))
    assert (len(found.rows), found.more, found.records_of_more) == (50, more, records)
    for text in both(tagged(MOST_ROWS + more)):
        assert "campaign_49" in text
        assert "campaign_50" not in text
        said = f"and {more} more, together {number(records).replace(GAP, ' ')} orders"
        assert (said in text) is bool(more)


def test_each_kind_has_its_own_table():
    both_kinds = replace(batch_of("orders", "deals"), tags=(*tagged(2).tags, *tagged(1, "deals").tags))
    assert [(found.kind, len(found.rows)) for found in advertising(both_kinds)] == [("orders", 2), ("deals", 1)]
    for text in both(both_kinds):
        assert "orders by status and advertisement" in text.casefold()
        assert "deals by status and advertisement" in text.casefold()


def test_without_tags_there_is_only_the_table_of_statuses():
    for text in both(batch_of("deals")):
        assert "deals by status" in text.casefold()
        assert "advertisement" not in text
