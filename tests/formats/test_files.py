"""The files of each kind: how they are called, how they begin and end, how large they may be."""

import json

import pyarrow as pa
import pytest

from csvexport.formats import calls, conversions, crm, orders
from csvexport.formats.crm import Member, Shape, Status

GIGABYTE = 10**9


def column(*texts):
    return pa.array(texts, pa.string())


def test_calls_have_one_id_type_and_the_time_before_the_rest():
    for identifier in calls.IDENTIFIERS:
        file = calls.file(identifier, calls.OPTIONAL)
        assert (file.kind, file.identifier, file.name(1)) == ("calls", identifier, f"calls-{identifier}.csv")
        assert file.header.decode() == (
            f"{identifier},DateTime,StaticCall,Price,Currency,PhoneNumber,TalkDuration,HoldDuration,CallMissed,Tag,"
            "FirstTimeCaller,URL,CallTrackerURL\n"
        )
        assert (file.limit, file.oversize) == (GIGABYTE, "part")
    assert "PurchaseId" not in calls.IDENTIFIERS
    assert calls.file("Yclid", ()).header == b"Yclid,DateTime\n"


def test_orders_for_the_conversion_center_are_one_file_below_its_limit():
    file = orders.file(("id", "create_date_time", "order_status"), ";", "fail")
    assert file.header == b"id;create_date_time;order_status\n"
    assert (file.name(1), file.identifier) == ("orders.csv", None)
    assert (file.limit, file.oversize) == (300_000_000, "fail")
    assert orders.file(("id",), ";", "trim").oversize == "trim"


def test_orders_for_the_api_may_have_parts():
    file = orders.file(orders.COLUMNS, ",", "fail")
    assert file.header == (
        b"id,create_date_time,client_uniq_id,client_ids,emails,phones,emails_md5,phones_md5,order_status,revenue,cost,"
        b"goals,currency\n"
    )
    assert (file.limit, file.oversize) == (GIGABYTE, "part")
    assert [file.name(part) for part in (1, 2, 11)] == ["orders.csv", "orders-2.csv", "orders-11.csv"]


def test_windows_and_limits_are_those_of_yandex():
    assert orders.WINDOW_SECONDS == 113 * 86400
    assert conversions.WINDOW_SECONDS == 21 * 86400
    assert orders.KEPT_DAYS == 3
    assert orders.STATUSES == ("PAID", "IN_PROGRESS", "CANCELLED", "SPAM")


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("kind", [crm.CONTACTS, crm.DEALS])
def test_contacts_and_deals_as_csv(kind, delimiter):
    file = crm.file(kind, ("id", "age"), "csv", delimiter)
    assert (file.header.decode(), file.footer, file.joint) == (f"id{delimiter}age\n", b"", 0)
    assert (file.name(1), file.name(2), file.limit) == (f"{kind}.csv", f"{kind}-2.csv", GIGABYTE)


@pytest.mark.parametrize(("kind", "entity"), [(crm.CONTACTS, "contacts"), (crm.DEALS, "orders")])
def test_contacts_and_deals_as_json(kind, entity):
    file = crm.file(kind, ("id", "age"), "json", ",")
    assert (file.name(1), file.name(2), file.limit) == (f"{kind}.json", f"{kind}-2.json", GIGABYTE)
    members = [
        Member("id", column("1", "2")),
        Member("emails", column("a@example.ru,b@example.ru", ""), Shape.LIST),
        Member("revenue", column("1000.50", "0.00"), Shape.WRITTEN),
        Member("goals", column('[{"goal_action_id":"g"}]', ""), Shape.WRITTEN),
        Member("age", column("", '3"3')),
    ]
    text = "".join(crm.lines(members, "json", ",").to_pylist())
    document = json.loads(file.header.decode() + text[file.joint :] + file.footer.decode())
    assert document == {
        entity: [
            {
                "id": "1",
                "emails": ["a@example.ru", "b@example.ru"],
                "revenue": 1000.5,
                "goals": [{"goal_action_id": "g"}],
            },
            {"id": "2", "revenue": 0.0, "age": '3"3'},
        ]
    }


def test_members_are_cells_in_csv_whatever_their_shape():
    members = [
        Member("id", column("1")),
        Member("emails", column("a@example.ru,b@example.ru"), Shape.LIST),
        Member("revenue", column("1000.50"), Shape.WRITTEN),
    ]
    assert crm.lines(members, "csv", ";").to_pylist() == ['1;"a@example.ru,b@example.ru";1000.50\n']


def test_the_body_that_tells_what_statuses_mean():
    statuses = [Status("new", "Новый", "IN_PROGRESS", ("g",)), Status("paid", 'Опл"ачен', "PAID", ())]
    assert json.loads(crm.statuses_body(statuses)) == {
        "order_statuses": [
            {"id": "new", "humanized": "Новый", "type": "IN_PROGRESS", "goal_action_ids": ["g"]},
            {"id": "paid", "humanized": 'Опл"ачен', "type": "PAID", "goal_action_ids": []},
        ]
    }
    assert "Новый" in crm.statuses_body(statuses)


def test_the_body_that_announces_attributes():
    attribute = {"name": "age", "type_name": "numeric", "multivalued": False, "humanized": "Возраст"}
    assert json.loads(crm.attributes_body([attribute])) == {"attributes": [attribute]}
