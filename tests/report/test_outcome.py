import re
from dataclasses import replace
from pathlib import Path

import pytest
from batches import batch_of, everything, furniture_shop

from csvexport.issues import Code
from csvexport.report.accounting import headline
from csvexport.summary import Example
from csvexport.terminal import print_outcome, print_start
from csvexport.terminal.console import WIDTH
from csvexport.workflow import Outcome

FOLDER = Path("out/shop/20240601T090000Z-1a2b3c4d")


@pytest.fixture
def told(capsys):
    """What is printed of a batch; without a folder, of a check."""

    def told(summary, folder=FOLDER, *, checked=False, verbose=False):
        print_outcome(Outcome(summary, folder), checked=checked, verbose=verbose)
        return capsys.readouterr().out

    return told


def counted(summary, **accepted):
    """The batch with other numbers of accepted records."""
    counts = {kind: replace(summary.counts[kind], accepted=count, issues={}) for kind, count in accepted.items()}
    return replace(summary, counts=counts)


@pytest.mark.parametrize(
    ("accepted", "ready", "would"),
    [
        ({"conversions": 81}, "81 conversions are ready to upload", "81 conversions would be sent"),
        ({"conversions": 1}, "1 conversion is ready to upload", "1 conversion would be sent"),
        ({"conversions": 0}, "0 conversions are ready to upload", "0 conversions would be sent"),
        ({"orders": 1200}, "1,200 orders are ready to upload", "1,200 orders would be sent"),
        (
            {"conversions": 81, "orders": 40},
            "81 conversions and 40 orders are ready",
            "81 conversions and 40 orders would be sent",
        ),
        (
            {"conversions": 81, "calls": 12, "deals": 1},
            "81 conversions, 12 calls and 1 deal are ready",
            "81 conversions, 12 calls and 1 deal would be sent",
        ),
        ({"calls": 0, "orders": 1}, "1 order is ready to upload", "1 order would be sent"),
        ({"calls": 0, "orders": 0}, None, "nothing would be sent"),
    ],
)
def test_the_first_line_counts_every_kind(told, accepted, ready, would):
    summary = counted(everything(), **accepted)
    assert told(summary, None, checked=True).startswith(f"shop: {would}\n")
    if ready:
        assert told(summary).startswith(f"shop: {ready}\n")


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ({"conversions": 37}, "68 conversions are ready to upload, 37 of them too old to match"),
        ({"conversions": 68}, "68 conversions are ready to upload, all of them too old to match"),
        (
            {"conversions": 37, "calls": 1},
            "68 conversions (37 of them too old to match) and 1 call (too old to match) are ready",
        ),
        ({"calls": 1}, "1 call is ready to upload, too old to match"),
        ({"conversions": 37, "orders": 0}, "68 conversions (37 of them too old to match) and 5 orders are ready"),
    ],
)
def test_the_first_line_says_what_is_too_old_to_match(told, old, said):
    accepted = {"conversions": 68, "calls": 1, "orders": 5}
    summary = counted(everything(), **{kind: accepted[kind] for kind in old})
    counts = {kind: replace(counts, issues={Code.OUTSIDE_WINDOW: old[kind]}) for kind, counts in summary.counts.items()}
    assert told(replace(summary, counts=counts)).startswith(f"shop: {said}\n")
    would = re.sub("(are|is) ready( to upload)?", "would be sent", said)
    assert told(replace(summary, counts=counts), None, checked=True).startswith(f"shop: {would}\n")
    assert headline({kind: accepted[kind] for kind in old}, old) == said


def test_the_first_line_says_that_no_row_is_taken(told):
    summary = counted(everything(), conversions=0, orders=5)
    matched = {"conversions": 0, "orders": 5}
    counts = {kind: replace(counts, matched=matched[kind]) for kind, counts in summary.counts.items()}
    said = "5 orders are ready to upload; no row matches any goal"
    assert told(replace(summary, counts=counts)).startswith(f"shop: {said}\n")
    assert headline({"conversions": 0, "orders": 5}, {}, replace(summary, counts=counts).emptiness) == said


def test_nothing_of_any_kind_makes_no_batch(told):
    said = told(counted(everything(), conversions=0, orders=0), None)
    assert said.startswith("shop: nothing to send, so no batch was made\n")


def test_one_kind_is_counted_line_by_line(told):
    said = told(batch_of("orders"))
    assert re.search(r"^matched +431  rows that \[orders\] takes *$", said, re.MULTILINE)
    assert re.search(r"^accepted +400  will be sent *$", said, re.MULTILINE)
    assert re.search(r"^matched +1,296  pairs of a row and a goal *$", told(furniture_shop()), re.MULTILINE)


def test_several_kinds_are_counted_in_a_table(told):
    said = told(everything())
    assert "\n2,800 rows read\n" in said
    lines = [line.split() for line in said.splitlines()]
    assert ["matched", "accepted", "skipped", "rejected"] in lines
    for kind, counts in everything().counts.items():
        numbers = (counts.matched, counts.accepted, counts.skipped, counts.rejected)
        assert [kind, *(f"{number:,}" for number in numbers)] in lines


def test_files_say_their_kind_where_there_are_several(told):
    said = told(everything())
    assert re.search(r"^file +kind +id type +rows +bytes$", said, re.MULTILINE)
    assert re.search(r"^calls-Yclid.csv +calls +Yclid +12 +564$", said, re.MULTILINE)
    assert re.search(r"^orders.csv +orders +400 +18,800$", said, re.MULTILINE)
    assert re.search(r"^file +id type +rows +bytes$", told(furniture_shop()), re.MULTILINE)
    assert re.search(r"^file +rows +bytes$", told(batch_of("orders")), re.MULTILINE)


def test_by_what_clients_can_be_found_is_said_in_a_line(told):
    assert "\nclients of orders  55% by ClientID, 38% by phone or e-mail, 7% by both\n" in told(batch_of("orders"))
    said = " ".join(told(everything()).split())
    assert "clients of contacts 3% by an id, 89% by phone or e-mail, 5% by both, 3% by neither" in said
    assert "clients of" not in told(furniture_shop())


def test_a_row_that_cannot_be_read_counts_once(told):
    assert everything().issues[Code.BAD_ROW] == 5
    assert re.search(r"^bad-row +1  ", told(everything()), re.MULTILINE)


def test_details_say_how_often_in_each_kind(told):
    said = told(everything(), verbose=True)
    for line in ("31 conversions and 4 calls", "1,400 rows for conversions, 7 rows for orders, 90 rows for deals"):
        assert f"\n  {line}\n" in said
    assert "1 conversion, 1 call" not in said
    assert "31 conversions\n" not in told(furniture_shop(), verbose=True)


def test_the_next_step_depends_on_what_there_is(told):
    assert "open its report.html: the steps of the upload\n" in told(furniture_shop())
    assert "open its report.html: what to do with each file\n" in told(everything())


@pytest.mark.parametrize(
    ("code", "value"), [(Code.BAD_PHONE, "8 000 55 0"), (Code.BAD_EMAIL, "ivan.petrov(at)example")]
)
def test_nobodys_contact_is_printed_whole(told, code, value):
    summary = replace(
        batch_of("orders"), issues={code: 1}, examples={code: (Example("deals.csv", 3, "E-mail", value),)}
    )
    said = told(summary, verbose=True)
    assert f"deals.csv, row 3, E-mail: {value[:4]}…" in said
    assert value not in said


def test_everything_fits_the_terminal(told):
    for verbose in (False, True):
        _, *lines = told(everything(), verbose=verbose).splitlines()  # the first may be looked for as a whole
        assert max(map(len, lines)) <= WIDTH


def test_a_first_profile_sums_its_kinds_up(capsys):
    print_start(Path("profile.toml"), batch_of("conversions", "orders"), None)
    assert "check  1,634 would be sent, 42 rejected\n" in capsys.readouterr().out


def next_steps(text):
    return [line[7:] for line in text[text.index("\nnext") :].splitlines() if line]


def test_what_the_profile_delivers_is_sent_and_not_uploaded(told):
    summary = replace(batch_of("conversions", "orders"), destinations={"conversions": ("drop",), "orders": ("drop",)})
    assert next_steps(told(summary)) == [
        "csvexport send PROFILE delivers it to drop",
        "correct its rejected.csv and build it behind the export",
    ]


def test_the_rest_is_uploaded_and_confirmed_after_that(told):
    summary = replace(batch_of("conversions", "orders"), destinations={"orders": ("pickup", "copy")})
    assert next_steps(told(summary)) == [
        "csvexport send PROFILE delivers orders to pickup and copy",
        "open its report.html: the steps of the upload",
        "correct its rejected.csv and build it behind the export",
        f"then csvexport confirm {FOLDER}",
    ]
