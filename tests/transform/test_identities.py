"""Who converted: which identifier names a row, and what happens to bad ones."""

import pytest

from csvexport.errors import DataError
from csvexport.profile import load_profile
from csvexport.workflow import Options, check

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
source.path = "deals.csv"
identifiers = {identifiers}
[[goals]]
target = "paid"
time = "at"
when = {{ note = {{ not = "лишнее" }} }}
"""

A, B, C = "1716642001234567891", "1716642001234567892", "1716642001234567893"
BOTH = '{ ClientId = "client", Yclid = "yclid" }'


def rows(**columns):
    """Give an export with these columns; every row has a time of its own."""
    count = len(next(iter(columns.values())))
    times = [f"2024-05-30 12:{number // 60:02}:{number % 60:02}" for number in range(count)]
    return {"at": times, "note": ["-"] * count, **columns}


def build(shop, identifiers, **columns):
    return shop(PROFILE.format(identifiers=identifiers), rows(**columns))


def test_every_id_type_gets_a_file_of_its_own(shop):
    identifiers = '{ PurchaseId = "order", UserId = "user", Yclid = "yclid", ClientId = "client" }'
    built = build(
        shop,
        identifiers,
        client=[A, "", "", "", A],
        yclid=["", "15241600726526878416", "", "", ""],
        user=["", "", "u-7", "", "u-8"],
        order=["", "", "", "№ 5", ""],
    )
    assert {kind: [cells[0] for cells in lines] for kind, lines in built.files.items()} == {
        "ClientId": [A],
        "Yclid": ["15241600726526878416"],
        "UserId": ["u-7", "u-8"],
        "PurchaseId": ["№ 5"],
    }
    assert [file.name for file in built.outcome.summary.files] == [
        f"conversions-{kind}.csv" for kind in ("PurchaseId", "UserId", "Yclid", "ClientId")
    ]


def test_no_file_is_made_for_an_id_type_that_names_no_row(shop):
    built = build(shop, BOTH, client=[A, B], yclid=["17", ""])
    assert list(built.files) == ["ClientId"]
    assert built.issues == {}


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        (BOTH, {"ClientId": [A, B], "Yclid": ["13"]}),
        ('{ Yclid = "yclid", ClientId = "client" }', {"Yclid": ["11", "13"], "ClientId": [B]}),
    ],
)
def test_the_first_that_is_filled_names_the_row_in_the_order_of_the_profile(identifiers, expected, shop):
    built = build(shop, identifiers, client=[A, B, ""], yclid=["11", " ", "13"])
    assert {kind: [cells[0] for cells in lines] for kind, lines in built.files.items()} == expected
    assert built.issues == {}


def test_several_columns_may_hold_one_id_type(shop):
    built = build(shop, '{ ClientId = ["client", "client2"] }', client=[A, "", "x", ""], client2=[B, B, C, ""])
    assert built.column("ClientId") == [A, B, C]
    assert built.issues == {"no-identifier": 1, "second-identifier": 1}


def test_the_same_visitor_in_two_columns_is_one_visitor(shop):
    profile = PROFILE.format(identifiers='{ ClientId = ["client", "client2"] }')
    export = rows(client=[A, ""], client2=["", A]) | {"at": ["2024-05-30 12:00:00"] * 2}
    built = shop(profile, export)
    assert built.column("ClientId") == [A]
    assert built.issues == {"duplicate": 1}


def test_one_number_as_two_id_types_is_two_events(shop):
    export = rows(client=["123", ""], yclid=["", "123"]) | {"at": ["2024-05-30 12:00:00"] * 2}
    built = shop(PROFILE.format(identifiers=BOTH), export)
    assert (built.column("ClientId"), built.column("Yclid", "Yclid")) == (["123"], ["123"])


@pytest.mark.parametrize("bad", ["undefined", "0", "1.71664E+18", "1716642001234567891.0", "12 345", "x" * 30])
def test_a_bad_preferred_identifier_gives_way_to_a_good_one_with_a_warning(bad, shop):
    built = build(shop, BOTH, client=[bad, A, ""], yclid=["11", bad, "13"])
    assert {kind: [cells[0] for cells in lines] for kind, lines in built.files.items()} == {
        "Yclid": ["11", "13"],
        "ClientId": [A],
    }
    assert built.issues == {"second-identifier": 1}
    assert built.rejected == []
    (code,) = built.outcome.summary.examples
    (example,) = built.outcome.summary.examples[code]
    assert (code.text, example.row, example.column) == ("second-identifier", 2, "client")


def test_a_row_without_a_good_identifier_is_rejected_for_each_bad_one(shop):
    built = build(
        shop,
        BOTH,
        client=[A, "", "undefined", "", "1.7E+18", "0"],
        yclid=["", " ", "", "YJAD.17.x", "YJAD.17.x", "12 345"],
    )
    assert [(row["row"], row["code"], row["column"], row["value"]) for row in built.rejected] == [
        ("3", "no-identifier", "client | yclid", ""),
        ("4", "bad-identifier", "client", "undefined"),
        ("5", "foreign-yclid", "yclid", "YJAD.17.x"),
        ("6", "rounded-identifier | foreign-yclid", "client | yclid", "1.7E+18 | YJAD.17.x"),
        ("7", "bad-identifier | rounded-identifier", "client | yclid", "0 | 12 345"),
    ]
    assert (built.counts.matched, built.counts.accepted, built.counts.rejected) == (6, 1, 5)


def test_no_digit_of_an_identifier_changes(shop):
    cells = [A, f" {B} ", f"'{C}", '="123"', "124", "12345678901234567890", "9007199254740993", "5.0"]
    built = build(shop, '{ ClientId = "client" }', client=cells)
    assert built.column("ClientId") == [
        *(A, B, C, "123", "124", "12345678901234567890", "9007199254740993", "5"),
    ]
    assert built.issues == {}


@pytest.mark.parametrize("identifier", ["ClientId", "Yclid"])
def test_what_metrica_cannot_hold_or_could_take_for_another_is_refused(identifier, shop):
    cells = ["18446744073709551615", "18446744073709551616", "99999999999999999999", A, f"0{A[1:]}", '="00123"']
    built = build(shop, f'{{ {identifier} = "client" }}', client=cells)
    assert built.column(identifier, identifier) == ["18446744073709551615", A]
    assert built.issues == {"bad-identifier": 4}


def test_texts_that_name_visitors_are_written_to_the_letter(shop):
    texts = ["u,1", 'кли"ент', "a b", "007", "1e5", "=1+1", "ё" * 300, "a;b"]
    built = build(shop, '{ UserId = "user" }', user=[*texts, "null", "1.7E+17"])
    assert built.column("UserId", "UserId") == texts
    assert built.issues == {"bad-identifier": 1, "rounded-identifier": 1}


# Identifiers that a spreadsheet has rounded.


def rounded(count):
    return [f"{171664200123456 + number}0000" for number in range(count)]


def whole(count):
    return [str(1716642001234567891 + number) for number in range(count)]


def test_an_identifier_that_ends_in_zeros_is_sent_with_a_warning(shop):
    built = build(shop, '{ ClientId = "client" }', client=[*rounded(2), *whole(2)])
    assert built.column("ClientId") == [*rounded(2), *whole(2)]
    assert built.issues == {"suspicious-identifier": 2}


def test_a_source_whose_long_identifiers_are_rounded_is_refused(shop, tmp_path):
    with pytest.raises(DataError) as refusal:
        build(shop, '{ ClientId = "client" }', client=[*rounded(6), *whole(5), *["12", "15"] * 10])
    assert str(refusal.value).startswith(
        'deals.csv: 6 of 11 long identifiers in column "client" end in zeros, as if a spreadsheet had rounded them;'
    )
    assert "Export the column as text." in str(refusal.value)
    assert not (tmp_path / "out").exists()
    profile = load_profile(tmp_path / "shop" / "profile.toml")
    assert check(profile, Options()).refusal == str(refusal.value).removesuffix("\nNothing was written.")


@pytest.mark.parametrize(
    "client",
    [[*rounded(5), *whole(5)], rounded(2), [*rounded(1) * 9, *whole(3)]],
    ids=["half of them", "two of two", "one visitor often"],
)
def test_a_few_that_end_in_zeros_are_no_reason_to_refuse(client, shop):
    assert build(shop, '{ ClientId = "client" }', client=client).counts.accepted == len(client)


def test_rounded_identifiers_of_a_text_column_are_nobodys_business(shop):
    assert build(shop, '{ UserId = "user" }', user=rounded(20)).issues == {}


def test_rows_that_no_goal_takes_have_no_say(shop):
    export = rows(client=[*rounded(9), A]) | {"note": [*["лишнее"] * 9, ""]}
    built = shop(PROFILE.format(identifiers='{ ClientId = "client" }'), export)
    assert built.column("ClientId") == [A]
    assert built.issues == {"no-goal": 9}
