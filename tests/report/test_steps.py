import shlex
from dataclasses import replace

import pytest
from batches import FILES, batch_of, both, everything, file, flat, furniture_shop, page

from csvexport.issues import Code
from csvexport.report import Report
from csvexport.report.commands import API, command_for
from csvexport.report.steps import routes

CRM = f"{API}/cdp/api/v1/counter/2215573"
CALLS = f"{API}/management/v1/counter/2215573/offline_conversions/upload_calls?comment=20240601T090000Z1a2b3c4d"


def delimited(summary, **delimiters):
    return replace(summary, delimiters=dict(summary.delimiters) | delimiters)


def requested(summary):
    """(file, address) of the commands of a batch, in their order."""
    found = [step.commands for route in routes(summary) for step in route.steps]
    return [(command.file.name, shlex.split(command.line)[-1]) for commands in found for command in commands]


def said(summary):
    return [step.text for route in routes(summary) for step in route.steps]


def test_each_file_goes_one_way():
    ways = {route.name: [file.name for file in route.files] for route in routes(everything())}
    assert list(ways) == ["upload", "api", "pickup"]
    assert ways["upload"] == ["conversions-Yclid.csv", "conversions-ClientId.csv"]
    assert ways["pickup"] == ["orders.csv"]
    assert sum(map(len, ways.values())) == len(everything().files)


def test_schemas_come_first_and_deals_after_their_contacts():
    assert [name for name, _ in requested(everything())] == [
        *("attributes-CONTACT.json", "order_statuses.json", "attributes-ORDER.json"),
        *("calls-Yclid.csv", "calls-ClientId.csv"),
        *("contacts.csv", "contacts-2.csv", "deals.json"),
    ]


@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        (FILES["calls"][0], ["-F", "file=@calls-Yclid.csv", CALLS]),
        (
            FILES["orders"][0],
            ["-F", "file=@orders.csv", f"{CRM}/data/simple_orders?merge_mode=SAVE&delimiter_type=COMMA"],
        ),
        (
            FILES["contacts"][1],
            ["-F", "file=@contacts.csv", f"{CRM}/data/contacts/csv?merge_mode=SAVE&delimiter_type=SEMICOLON"],
        ),
        (
            file("deals.csv", None, kind="deals"),
            ["-F", "file=@deals.csv", f"{CRM}/data/orders/csv?merge_mode=SAVE&delimiter_type=COMMA"],
        ),
        (
            FILES["deals"][2],
            [
                *("-H", "Content-Type: application/json", "--data-binary", "@deals.json"),
                f"{CRM}/data/orders/json?merge_mode=SAVE",
            ],
        ),
        (
            FILES["deals"][0],
            [
                *("-H", "Content-Type: application/json", "--data-binary", "@order_statuses.json"),
                f"{CRM}/schema/order_statuses",
            ],
        ),
        (
            FILES["contacts"][0],
            [
                *("-H", "Content-Type: application/json", "--data-binary", "@attributes-CONTACT.json"),
                f"{CRM}/schema/attributes?entity_type=CONTACT",
            ],
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_command_sends_its_file_where_metrica_takes_it(sent, arguments):
    summary = delimited(everything(), orders=",", contacts=";")
    line = command_for(summary, sent).line
    assert shlex.split(line) == ["curl", "-H", "Authorization: OAuth $METRICA_TOKEN", *arguments]
    assert "\n" not in line


def test_no_command_is_broken_into_lines():
    summary = everything()
    lines = [command.line for route in routes(summary) for step in route.steps for command in step.commands]
    assert page(summary).commands == lines
    assert [line.strip() for line in Report(summary).text().splitlines() if "curl" in line] == lines


def test_what_is_sent_by_commands_needs_a_token():
    for text in both(batch_of("calls")):
        assert "metrika:offline_data" in text
        assert "METRICA_TOKEN" in text
    for text in both(batch_of("conversions", "orders")):
        assert "METRICA_TOKEN" not in text


def test_a_profile_without_counter_leaves_its_place_open():
    nowhere = replace(batch_of("calls"), counter=None)
    assert "/counter/COUNTER/offline_conversions/" in requested(nowhere)[0][1]
    for text in both(nowhere):
        assert "Write the counter's number for COUNTER." in text
    for text in both(batch_of("calls")):
        assert "COUNTER" not in text


def test_old_calls_are_counted():
    young = replace(batch_of("calls"), counts={"calls": replace(everything().counts["calls"], issues={})})
    assert "3 calls of this batch are older" in " ".join(said(batch_of("calls")))
    assert "are older" not in " ".join(said(young))


@pytest.mark.parametrize(
    ("kinds", "orders"),
    [
        (("contacts", "deals"), ["Send the contacts, before the deals", "Send the deals as soon as the contacts"]),
        (("contacts",), ["Send the contacts."]),
        (("deals",), ["Send the deals. Metrica takes no deal whose contact it does not know yet."]),
    ],
)
def test_contacts_are_sent_before_deals(kinds, orders):
    sentences = [text for text in said(batch_of(*kinds)) if text.startswith("Send")]
    assert len(sentences) == len(orders)
    assert all(text.startswith(beginning) for text, beginning in zip(sentences, orders, strict=True))


@pytest.mark.parametrize(
    ("schemas", "told"),
    [
        (FILES["deals"][:1], "Tell Metrica what the statuses mean:"),
        (FILES["contacts"][:1], "Tell Metrica which attributes there are:"),
        (FILES["deals"][:2], "Tell Metrica what the statuses mean and which attributes there are:"),
    ],
    ids=["statuses", "attributes", "both"],
)
def test_what_metrica_is_told_is_named(schemas, told):
    assert said(replace(batch_of("deals"), files=(*schemas, FILES["deals"][2])))[1].startswith(told)


@pytest.mark.parametrize(
    ("kinds", "calls", "data"), [(("calls",), True, False), (("deals",), False, True), (("calls", "deals"), True, True)]
)
def test_the_answers_to_look_for_are_those_of_the_kinds(kinds, calls, data):
    answers = said(batch_of(*kinds))[-1]
    assert ("`line_quantity`" in answers, "`api_validation_status`" in answers) == (calls, data)


def test_orders_with_semicolons_are_fetched_by_direct():
    for text in both(batch_of("orders")):
        assert "Conversion Center [Директ → Центр конверсий]" in text
        assert "orders.csv 400 rows, 18.8 kB" in text
        assert "at least once a day" in text
        assert "half written" in text
        assert "curl" not in text


def test_orders_with_commas_are_sent_through_the_api():
    for text in both(delimited(batch_of("orders"), orders=",")):
        assert "data/simple_orders?merge_mode=SAVE&delimiter_type=COMMA" in text
        assert "Conversion Center" not in text


def test_orders_are_for_direct_unless_the_summary_says_more():
    assert [route.name for route in routes(replace(batch_of("orders"), delimiters={}))] == ["pickup"]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_statuses_that_are_goals_have_to_be_there(delimiter):
    orders = delimited(batch_of("orders"), orders=delimiter)
    for text in both(orders):
        assert "Check that this goal exists in the counter 2215573" in text
        assert "letter by letter: measure_booked" in text
    plain = replace(orders, days=tuple(day for day in orders.days if day.label == "PAID"))
    for text in both(plain):
        assert "Check that" not in text


def test_statuses_of_deals_and_goals_of_conversions_are_none_of_the_orders():
    steps = [step for route in routes(everything()) for step in route.steps]
    assert [step.goals for step in steps if step.goals] == [("measure_booked",)]


@pytest.mark.parametrize(("size", "is_said"), [(240_000_000, False), (240_000_001, True), (299_999_999, True)])
def test_a_file_that_may_soon_be_too_large_says_so(size, is_said):
    full = replace(batch_of("orders"), files=(replace(FILES["orders"][0], bytes=size),))
    for text in both(full):
        assert ("MB of the 300 MB that Yandex takes" in text) is is_said


def test_a_large_file_for_the_api_has_more_room():
    large = replace(batch_of("orders"), files=(replace(FILES["orders"][0], bytes=299_999_999),))
    for text in both(delimited(large, orders=",")):
        assert "300 MB" not in text


@pytest.mark.parametrize("kind", ["conversions", "calls"])
def test_events_are_to_be_confirmed_once_they_were_sent_by_hand(kind):
    summary = batch_of(kind)
    assert f"csvexport confirm {summary.batch}" in flat(Report(summary).text())
    assert f"csvexport confirm {summary.batch}" in page(summary).text


def test_several_ways_have_headings_and_begin_at_one():
    text = flat(Report(everything()).text())
    for heading in (
        "Conversions: upload them in Metrica 1. Check",
        "Calls, contacts and deals: send them through the Metrica API 1. Get",
        "Orders: have Yandex Direct fetch them 1. Check",
        "Rejected rows: correct them Correct rejected.csv",
    ):
        assert heading in text
    assert page(everything()).tags.count("ol") == 3
    assert page(everything()).text.count("Correct rejected.csv") == 1


@pytest.mark.parametrize(
    ("kinds", "number"), [(("conversions",), 6), (("calls",), 4), (("orders",), 5), (("contacts", "deals"), 6)]
)
def test_on_one_way_the_rejected_rows_are_the_last_step(kinds, number):
    summary = batch_of(*kinds)
    assert f"  {number}. Correct rejected.csv" in Report(summary).text()
    assert "Rejected rows: correct them" not in Report(summary).text()
    parsed = page(summary)
    assert parsed.tags.count("ol") == 1
    assert "upload them in Metrica" not in parsed.text


def test_where_nothing_goes_the_rejected_rows_are_the_only_step():
    nothing = replace(furniture_shop(), files=(), days=())
    assert "There is nothing to upload.\n  1. Correct rejected.csv" in Report(nothing).text()
    assert page(nothing).tags.count("ol") == 1


def test_goals_of_other_kinds_are_none_of_the_upload():
    text = Report(batch_of("conversions", "orders")).text()
    assert "IN_PROGRESS" not in text[: text.index("CONVERSIONS BY GOAL")]


def test_only_the_calls_own_issues_count():
    summary = batch_of("calls", "orders")
    assert summary.issues[Code.OUTSIDE_WINDOW] == 3
    other = replace(summary, issues={Code.OUTSIDE_WINDOW: 77})
    assert "3 calls of this batch are older" in " ".join(said(other))


def delivered(summary, **destinations):
    return replace(summary, destinations=destinations)


def test_what_the_profile_delivers_is_not_to_be_sent_by_hand():
    summary = delivered(batch_of("conversions", "orders"), conversions=("partner", "archive"), orders=("pickup",))
    assert [route.name for route in routes(summary)] == ["deliver"]
    for text in both(summary):
        assert "these files: conversions to partner and archive and orders to pickup." in text
        assert "csvexport send PROFILE.toml" in text
        assert "Do not upload by hand as well" in text
        assert "Check that each of these goals exists" in text
        assert "order_paid" in text
        assert "within 21 days" in text
        assert "Conversion Center [Директ → Центр конверсий]" in text
        assert "conversions-ClientId.csv" in text
        for by_hand in ("Settings → Upload data", "csvexport confirm", "half written", "curl"):
            assert by_hand not in text


def test_what_it_does_not_deliver_comes_behind_and_is_confirmed_after_that():
    summary = delivered(batch_of("conversions", "orders"), orders=("pickup",))
    assert [route.name for route in routes(summary)] == ["deliver", "upload"]
    for text in both(summary):
        assert text.index("orders to pickup") < text.index("Deliver before you confirm this batch")
        assert text.index("Deliver before you confirm this batch") < text.index("csvexport confirm")
        assert "this file: orders" in text


def test_contacts_alone_are_neither_fetched_nor_matched_by_days():
    for text in both(delivered(batch_of("contacts"), contacts=("drop",))):
        assert "csvexport history tells what has arrived where." in text
        assert "21 days" not in text
        assert "Conversion Center" not in text
