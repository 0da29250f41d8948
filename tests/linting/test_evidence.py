"""Whole columns: identifiers of another type, and columns that a spreadsheet damaged."""

import random

import pytest

from csvexport.columns import text_column
from csvexport.linting.evidence import Evidence, weigh
from csvexport.linting.kinds import Sort
from csvexport.values.identifiers import Damage

NOW = 1717232400
TIME = "1717059600"

RANDOM = random.Random(7)
CLIENT_IDS = [f"{RANDOM.randrange(1500000000, NOW)}{RANDOM.randrange(10**8, 10**9)}" for _ in range(200)]
YCLIDS = [str(RANDOM.randrange(10**18, 2**64)) for _ in range(200)]


def is_misplaced(sort, *texts):
    return weigh(text_column(texts), sort, NOW)[0].is_misplaced(sort)


@pytest.mark.parametrize(
    ("sort", "texts", "expected"),
    [
        (Sort.NUMBER_ID, CLIENT_IDS, False),
        (Sort.YCLID, YCLIDS, False),
        (Sort.NUMBER_ID, YCLIDS, True),
        (Sort.YCLID, CLIENT_IDS, True),
        # A few yclids among what are ClientIds beyond doubt; a few ClientIds among yclids may be chance.
        (Sort.NUMBER_ID, CLIENT_IDS + YCLIDS[:10], True),
        (Sort.YCLID, YCLIDS + CLIENT_IDS[:10], False),
        (Sort.NUMBER_IDS, YCLIDS, True),
        # These are no yclids, though they have as many digits.
        (Sort.NUMBER_ID, [str(2**64 + number) for number in range(20)], False),
        (Sort.NUMBER_ID, [f"0{CLIENT_IDS[0]}"[:20].rjust(20, "0")] + [f"00{text}"[:20] for text in CLIENT_IDS], False),
        # Other numbers of up to 20 digits may be ClientIds of an app.
        (Sort.NUMBER_ID, [str(number) for number in range(1000)] + YCLIDS[:20], False),
        (Sort.NUMBER_ID, ["", *YCLIDS[:20], *[""] * 1000], True),
        (Sort.NUMBER_ID, [], False),
        (Sort.YCLID, ["", ""], False),
    ],
)
def test_a_column_is_judged_by_all_that_it_holds(sort, texts, expected):
    assert is_misplaced(sort, *texts) is expected


def test_no_single_identifier_decides():
    long = [yclid for yclid in YCLIDS if len(yclid) == 20]
    assert not is_misplaced(Sort.NUMBER_ID, *[long[0]] * 50)
    assert not is_misplaced(Sort.NUMBER_ID, *long[:2])
    assert is_misplaced(Sort.NUMBER_ID, *long[:3])
    assert not is_misplaced(Sort.YCLID, *[CLIENT_IDS[0]] * 50)


def test_what_begins_with_a_moment_before_metrica_or_to_come_is_no_client_id():
    old = [f"1230767999{number}" for number in range(100000000, 100000005)]
    late = [f"{NOW + 86400}{number}" for number in range(100000000, 100000005)]
    assert not is_misplaced(Sort.YCLID, *old)
    assert not is_misplaced(Sort.YCLID, *late)
    assert is_misplaced(Sort.YCLID, *[f"1230768000{number}" for number in range(100000000, 100000005)])
    assert is_misplaced(Sort.YCLID, *[f"{NOW + 86399}{number}" for number in range(100000000, 100000005)])


def test_the_rows_that_tell_are_named():
    texts = [CLIENT_IDS[0], "15241600726526878416", "", "18446744073709551615"]
    assert weigh(text_column(texts), Sort.NUMBER_ID, NOW)[1].tolist() == [1, 3]
    assert weigh(text_column(texts), Sort.YCLID, NOW)[1].tolist() == [0]


def test_evidence_of_blocks_adds_up():
    one, _ = weigh(text_column(CLIENT_IDS[:2]), Sort.YCLID, NOW, Damage(3, 1))
    other, _ = weigh(text_column(CLIENT_IDS[2:4]), Sort.YCLID, NOW, Damage(4, 2))
    whole = one.plus(other)
    assert (whole.filled, whole.client_ids, whole.yclids, whole.damage) == (4, 4, 0, Damage(7, 3))
    assert not one.is_misplaced(Sort.YCLID)
    assert whole.is_misplaced(Sort.YCLID)
    assert Evidence().plus(one) == one


@pytest.mark.parametrize(
    ("damage", "expected"),
    [(Damage(4, 3), True), (Damage(5, 3), True), (Damage(6, 3), False), (Damage(2, 2), False), (Damage(0, 0), False)],
)
def test_a_column_is_damaged_if_more_than_half_of_its_long_identifiers_look_rounded(damage, expected):
    assert Evidence(damage=damage).is_damaged is expected


def test_a_column_with_misplaced_identifiers_is_counted(found):
    rows = "".join(f"{yclid},a,{TIME}\n" for yclid in YCLIDS)
    told = found(f"ClientId,Target,DateTime\n{rows}")
    first = next(number for number, yclid in enumerate(YCLIDS, 2) if len(yclid) == 20)
    assert told["misplaced-identifier"] == (sum(len(yclid) == 20 for yclid in YCLIDS), first, "ClientId")


def test_a_lone_strange_identifier_is_not_told(found):
    rows = "".join(f"{client_id},a,{TIME}\n" for client_id in CLIENT_IDS[:9])
    assert found(f"ClientId,Target,DateTime\n{rows}15241600726526878416,a,{TIME}\n") == {}


def test_damage_of_lists_is_told(found):
    rows = "".join(f"{n};2024-05-30;17166420012345{n}0000;PAID\n" for n in range(3))
    told = found(f"id;create_date_time;client_ids;order_status\n{rows}")
    assert told["damaged-column"] == (1, None, "client_ids")
    assert told["suspicious-identifier"] == (3, 2, "client_ids")
    more = "".join(f"a{n};2024-05-30;{client_id};PAID\n" for n, client_id in enumerate(CLIENT_IDS[:4]))
    assert "damaged-column" not in found(f"id;create_date_time;client_ids;order_status\n{rows}{more}")
