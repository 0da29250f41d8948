from dataclasses import replace

import pytest
from batches import MATCHING, batch_of, both, everything, flat, page

from csvexport.report import Report
from csvexport.report.matching import matchings
from csvexport.summary import MatchQuality


def quality_of(**more):
    return MatchQuality(**{"records": 400, "client_id": 300, "contact": 300, "both": 250, "old": 0} | more)


def matched(kind="orders", **more):
    return replace(batch_of(kind), matching={kind: quality_of(**more)})


def parts(summary):
    (found,) = matchings(summary)
    return {part.by: (part.records, part.quality) for part in found.parts}


def test_each_order_is_found_in_one_way_and_yandex_has_a_word_for_it():
    assert parts(batch_of("orders")) == {
        "ClientID, and phone or e-mail": (28, "maximum"),
        "ClientID alone": (220, "good"),
        "phone or e-mail alone": (152, "medium"),
    }


def test_contacts_may_have_a_user_id_or_nothing():
    assert parts(batch_of("contacts")) == {
        "ClientID or user id, and phone or e-mail": (20, "maximum"),
        "ClientID or user id alone": (10, "good"),
        "phone or e-mail alone": (340, "medium"),
        "neither": (10, ""),
    }


def test_the_parts_make_up_the_bar():
    for found in matchings(everything()):
        assert sum(part.records for part in found.parts) == found.records
        end = 0
        for part in found.parts:
            assert part.x == pytest.approx(end, abs=0.002)
            end = part.x + part.width
        assert end == pytest.approx(100, abs=0.01)
        assert len({part.colour for part in found.parts}) == len(found.parts)


def test_shares_and_counts_are_shown():
    web, text = page(everything()).text, flat(Report(everything()).text())
    assert "ClientID, and phone or e-mail287%maximum ClientID alone22055%good" in web
    assert "neither103%–" in web
    assert "HOW YANDEX CAN FIND THE CLIENTS found by orders share Yandex calls it" in text
    assert "ClientID alone 220 55% good phone or e-mail alone 152 38% medium" in text


@pytest.mark.parametrize(
    ("changes", "advised"),
    [
        ({}, []),
        ({"client_id": 200, "both": 150}, []),
        ({"contact": 200, "both": 150}, []),
        ({"client_id": 199, "both": 150}, ["ClientID: let the site's forms pass it to the CRM"]),
        ({"contact": 199, "both": 150}, ["phone or an e-mail: name the columns of both"]),
        ({"client_id": 10, "contact": 10, "both": 0}, ["ClientID: let", "phone or an e-mail: name"]),
        ({"old": 1}, ["1 order (1%) is older than 21 days: it joins no new visit, and only corrects what was sent"]),
        ({"old": 100}, ["100 orders (25%) are older than 21 days: they join no new visit, and only correct what"]),
    ],
)
def test_advice_is_given_where_something_lacks(changes, advised):
    summary = matched(**changes)
    (found,) = matchings(summary)
    assert len(found.advice) == len(advised)
    for text in both(summary):
        for words in advised:
            assert words in text


def test_a_check_knows_nothing_of_the_clients():
    nothing = replace(everything(), matching={kind: MatchQuality(0, 0, 0, 0, 0) for kind in MATCHING})
    for summary in (nothing, batch_of("conversions", "deals")):
        for text in both(summary):
            assert "find the clients" not in text.casefold()
