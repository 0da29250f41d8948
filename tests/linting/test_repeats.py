"""Rows that stand in a file twice."""

import csv
import io
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csvexport.linting.repeats import Keyed, Repeats
from csvexport.sources import delimited
from csvexport.transform.duplicates import Keys

ID, OTHER_ID = "1716642001234567891", "1716642001234567892"
TIME, TIME_2 = "1717059600", "1717063200"


def keyed(words, places):
    return Keyed(Keys(np.array(words, np.uint64), np.zeros(len(words), np.uint64)), np.array(places, np.int64))


def test_rows_are_named_across_blocks_and_what_is_no_row_between_them(tmp_path):
    repeats = Repeats(tmp_path, "rows")
    repeats.add(keyed([1, 2, 3], [0, 2, 3]), 2, 5)
    repeats.add(keyed([], []), 7, 4)
    repeats.add(keyed([2, 4, 2, 1], [1, 2, 3, 4]), 11, 5)
    assert repeats.settle() == (3, [2, 4, 12])
    repeats.close()


def test_only_the_first_rows_are_named(tmp_path):
    repeats = Repeats(tmp_path, "rows")
    for block in range(4):
        repeats.add(keyed([7, 7, 7], [0, 1, 2]), 2 + 3 * block, 3)
    assert repeats.settle() == (11, [2, 3, 4, 5, 6])
    repeats.close()


def conversions(*rows, header="ClientId,UserId,Target,DateTime,Price"):
    return "".join(f"{line}\n" for line in (header, *rows))


@pytest.mark.parametrize(
    ("row", "is_same"),
    [
        (f"{ID},,a,{TIME},1", True),
        (f"{ID},,a,{TIME},2", True),
        (f"{ID},u,a,{TIME},1", False),
        (f"{OTHER_ID},,a,{TIME},1", False),
        (f",{ID},a,{TIME},1", False),
        (f"{ID},,b,{TIME},1", False),
        (f"{ID},,a,{TIME_2},1", False),
        (f"{ID},,a,{TIME}000,1", True),
        (f"{ID},,a,,1", False),
        (f"0,,a,{TIME},1", False),
    ],
)
def test_two_conversions_are_one_if_visitor_goal_and_time_are(row, is_same, found):
    told = found(conversions(f"{ID},,a,{TIME},1", row))
    assert told.get("duplicate") == ((1, 2, "") if is_same else None)


def test_rows_without_what_names_them_are_not_compared(found):
    assert "duplicate" not in found(conversions(f",,a,{TIME},", f",,a,{TIME},", f"{ID},,a,x,", f"{ID},,a,x,"))


@pytest.mark.parametrize(
    ("row", "is_same"),
    [
        (f",{TIME},1,+70001234567,", True),
        (f",{TIME},1,+70001234568,", False),
        (f"{ID},{TIME},1,+70001234567,", False),
    ],
)
def test_static_calls_are_compared_by_time_and_phone(row, is_same, found):
    calls = conversions(f",{TIME},1,+70001234567,x", row, header="ClientId,DateTime,StaticCall,PhoneNumber,Tag")
    assert ("duplicate" in found(calls)) is is_same


def test_chats_are_compared_by_whom_they_were_with(found):
    header = "ClientId,DateTime,ChatPlatform,ChatUsername,ChatUserID"
    one, other = f"{ID},{TIME},viber,x,y", f"{ID},{TIME},viber,y,x"
    assert found(conversions(one, other, header=header)) == {}
    assert found(conversions(one, other, one, header=header)) == {"duplicate": (1, 2, "")}
    assert found(conversions(one, f"{ID},{TIME},viber,x,z", header=header)) == {}


def test_one_text_may_be_the_identifier_of_two_types(found):
    header = "UserId,PurchaseId,Target,DateTime"
    assert "duplicate" not in found(conversions(f"u,,a,{TIME}", f",u,a,{TIME}", header=header))


def test_orders_are_compared_by_their_ids(found):
    header = "id;create_date_time;emails;order_status"
    rows = [f"{own};2024-05-30;mail@example.com;PAID" for own in ("1", "01", "a", "A", "длинный номер заказа", "a")]
    assert found(conversions(*rows, header=header)) == {"repeated-id": (1, 4, "id")}


IDS = st.sampled_from(["1", "2", "12", "a", "b", "a much longer id", "a much longer ib", ""])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(IDS, max_size=30))
def test_repeated_ids_are_counted_whatever_the_blocks(judge, ids):
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(
        [["id", "create_date_time", "emails", "order_status"]]
        + [[own, "2024-05-30", "mail@example.com", "PAID"] for own in ids]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "PIECE_BYTES", 128)
        verdict = judge(text.getvalue())
    told = {finding.entry.code: finding for finding in verdict.findings}.get("repeated-id")
    counts = Counter(filter(None, ids))
    again = [row for row, own in enumerate(ids, 2) if own and own in ids[row - 1 :]]
    assert (told.count if told else 0) == sum(counts.values()) - len(counts) == len(again)
    assert [sight.row for sight in told.sights] == again[:5] if told else not again
