"""An event goes by one of its identifiers; it does not go again when its row gets another one."""

import pytest
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.issues import CATALOGUE, Code

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
source.path = "deals.csv"
[identifiers]
{identifiers}
{kinds}
[[deliver]]
name = "drop"
what = {what}
to = "drop/{{{{ batch }}}}/{{{{ file }}}}"
"""
GOAL = """
[[goals]]
target = "paid"
time = "at"
price = "sum"
"""
CALLS = """
[calls]
time = "at"
price = "sum"
static = "static"
"""
CLIENT_FIRST = 'ClientId = "cid"\nYclid = "yclid"'
YCLID_FIRST = 'Yclid = "yclid"\nClientId = "cid"'
A, B = "1706436776194551959", "1706436776194551958"
Y, Z = "14088358217176488025", "14088358217176488026"
AT, UNIX = "2024-05-30 12:00:00", "1717059600"
CODE = Code.SENT_BY_OTHER_IDENTIFIER


def profile(identifiers=CLIENT_FIRST, kinds=GOAL):
    what = [kind for kind, table in (("conversions", GOAL), ("calls", CALLS)) if table in kinds]
    return PROFILE.format(identifiers=identifiers, kinds=kinds, what=what)


def row(cid="", yclid="", price=100, **cells):
    cells = {"at": AT, "static": "0", "cid2": ""} | cells
    return f"{cid},{yclid},{cells['at']},{price},{cells['static']},{cells['cid2']}\n"


def export(shop, *rows):
    (shop.folder / "deals.csv").write_text("cid,yclid,at,sum,static,cid2\n" + "".join(rows), encoding="utf-8")


def ran(shop, *rows):
    """Run with these rows; give the lines that were dropped by now, and what the run told."""
    export(shop, *rows)
    counts = shop.run()["build"]["counts"]
    told = {kind: count["issues"].get(CODE.text, 0) for kind, count in counts.items()}
    for count in counts.values():
        assert count["accepted"] + count["skipped"] + count["rejected"] == count["matched"]
    return sorted(shop.dropped()), sum(told.values())


def line(identifier, price="100.00"):
    return [identifier, "paid", UNIX, price, "RUB"]


@pytest.fixture(autouse=True)
def _in_the_shop(monkeypatch, shop):
    monkeypatch.chdir(shop.folder)


@pytest.mark.parametrize(
    "first", ["", "undefined", "1,70644E+18", f"0{A[1:]}"], ids=["empty", "none", "rounded", "zero"]
)
def test_what_went_by_its_yclid_does_not_go_by_a_client_id_that_comes_later(first, shop):
    shop.profile(profile())
    assert ran(shop, row(first.replace(",", "."), Y)) == ([line(Y)], 0)
    assert ran(shop, row(A, Y)) == ([line(Y)], 1)
    assert ran(shop, row(A, Y), row(B, Z)) == (sorted([line(Y), line(B)]), 1)
    assert ran(shop, row(A, Y), row(B, Z)) == (sorted([line(Y), line(B)]), 1)


def test_a_new_price_goes_by_the_identifier_by_which_it_went_as_the_remedy_says(shop):
    shop.profile(profile())
    ran(shop, row("", Y), row(B, Z))
    assert ran(shop, row(A, Y, 200), row(B, Z)) == (sorted([line(Y), line(B)]), 1)
    assert "write the identifier by which it went first above the others" in CATALOGUE[CODE].remedy
    shop.profile(profile(YCLID_FIRST))
    everything = sorted([line(Y), line(B), line(Y, "200.00")])
    assert ran(shop, row(A, Y, 200), row(B, Z)) == (everything, 1)
    assert ran(shop, row(A, Y, 200), row(B, Z)) == (everything, 1)


def test_a_price_that_changes_goes_again_by_the_identifier_that_was_sent_even_beside_another(shop):
    """What went twice before this was known keeps both its prices right."""
    shop.profile(profile())
    ran(shop, row("", Y))
    ran(shop, row("", Y), row(A))
    assert ran(shop, row(A, Y, 200)) == (sorted([line(Y), line(A), line(A, "200.00")]), 0)


def test_a_batch_that_was_discarded_does_not_count(shop):
    shop.profile(profile())
    export(shop, row("", Y))
    first = shop.batch()
    shop("confirm", first)
    export(shop, row(A, Y))
    assert shop.build()["folder"] is None
    shop("discard", first)
    done = shop.build()
    assert [(file["identifier"], file["rows"]) for file in done["files"]] == [("ClientId", 1)]


@pytest.mark.parametrize("rows", [(row("", Y), row(A, Y)), (row(A, Y), row("", Y)), (row(A, Y), row("", Y, 50))])
def test_of_two_rows_of_one_export_the_one_with_the_preferred_identifier_goes(rows, shop):
    shop.profile(profile())
    assert ran(shop, *rows) == ([line(A)], 1)
    assert ran(shop, *rows) == ([line(A)], 1)
    assert shop("check", "profile.toml", "--now", shop.now.isoformat(), code=0)["issues"][CODE.text] == 1


def test_any_row_of_an_event_may_have_had_the_other_identifier(shop):
    shop.profile(profile())
    ran(shop, row("", Y))
    assert ran(shop, row(A, Y), row(A)) == ([line(Y)], 1)


def test_an_event_goes_on_by_its_own_identifier_when_its_price_changes_beside_a_row_with_both(shop):
    shop.profile(profile())
    ran(shop, row("", Y))
    assert ran(shop, row("", Y, 200), row(A, Y, 200)) == (sorted([line(Y), line(Y, "200.00")]), 1)


def test_another_column_of_the_same_type_is_another_identifier_too(shop):
    shop.profile(profile('ClientId = ["cid", "cid2"]'))
    assert ran(shop, row(cid2=B)) == ([line(B)], 0)
    assert ran(shop, row(A, cid2=B)) == ([line(B)], 1)


def test_rows_that_name_each_other_in_two_columns_of_one_type_do_not_drop_each_other(shop):
    shop.profile(profile('ClientId = ["cid", "cid2"]'))
    assert ran(shop, row(A, cid2=B), row(B, cid2=A)) == (sorted([line(A), line(B)]), 0)
    assert ran(shop, row(A, cid2=B), row(B, cid2=A)) == (sorted([line(A), line(B)]), 0)


def test_another_time_is_another_event(shop):
    shop.profile(profile())
    ran(shop, row("", Y))
    dropped, told = ran(shop, row(A, Y, at="2024-05-30 12:00:01"))
    assert (len(dropped), told) == (2, 0)


def test_calls_go_once_too_and_static_ones_that_had_no_identifier(shop):
    shop.profile(profile(kinds=CALLS))
    assert ran(shop, row("", Y), row(static="1", price=7)) == (
        sorted([[Y, UNIX, "0", "100.00", "RUB"], ["", UNIX, "1", "7.00", "RUB"]]),
        0,
    )
    dropped, told = ran(shop, row(A, Y), row(B, static="1", price=7))
    assert (len(dropped), told) == (2, 2)
    # Metrica would count it twice.
    dropped, told = ran(shop, row(A, Y), row(B, static="1", price=8))
    assert (len(dropped), told) == (2, 2)


def test_what_has_lost_the_identifier_by_which_it_went_goes_again(shop):
    """As README says: nothing in the row tells what it was."""
    shop.profile(profile())
    ran(shop, row("", Y))
    assert ran(shop, row(A)) == (sorted([line(A), line(Y)]), 0)


def test_a_check_and_a_build_say_how_many_go_by_another_identifier_than_the_preferred(shop):
    shop.profile(profile(kinds=GOAL + CALLS))
    export(shop, row("", Y), row(A, Z), row(B, ""))
    for command in ("check", "build"):
        said = CliRunner().invoke(app, [command, "profile.toml", "--now", shop.now.isoformat()]).stdout
        for kind in ("conversions", "calls"):
            note = f"note   1 of 3 {kind} go by Yclid:\n       keep it in the row when ClientId is filled in"
            assert said.count(note) == 1


@pytest.mark.parametrize("rows", [(row(A, Y),), (row(A),)])
def test_where_all_go_by_the_preferred_identifier_nothing_is_to_be_said(rows, shop):
    shop.profile(profile())
    export(shop, *rows)
    assert "note " not in CliRunner().invoke(app, ["build", "profile.toml", "--now", shop.now.isoformat()]).stdout
