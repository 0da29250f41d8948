"""`contacts` and `deals`: detailed CRM data as Metrica's CRM API takes it, in CSV or in JSON ([ct], [od], [st])."""

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

import pyarrow as pa

from csvexport.formats.files import LIMIT_BYTES, File
from csvexport.formats.lines import csv_lines, json_lists, json_records, json_texts

CONTACTS = "contacts"
DEALS = "deals"

# What the API calls them, in addresses and in bodies.
ENTITIES = {CONTACTS: "contacts", DEALS: "orders"}
ENTITY_TYPES = {CONTACTS: "CONTACT", DEALS: "ORDER"}

STATUS_TYPES = ("IN_PROGRESS", "PAID", "CANCELLED", "SPAM", "OTHER")


class Shape(Enum):
    """What a column holds, which JSON writes each in its own way."""

    TEXT = "text"
    LIST = "list"
    WRITTEN = "written"
    """JSON already, as numbers are."""


class Member(NamedTuple):
    """A column of a file.

    Attributes:
        name: as Metrica calls it.
        texts: the cells, "" where there is nothing.
        shape: what the cells hold.
    """

    name: str
    texts: pa.StringArray
    shape: Shape = Shape.TEXT


class Status(NamedTuple):
    """A status of the CRM as Metrica is told of it ([st])."""

    id: str
    title: str
    type: str
    goals: tuple[str, ...]


def file(kind: str, columns: Sequence[str], form: str, delimiter: str) -> File:
    """Give the file of `CONTACTS` or `DEALS`, with these columns, in the form `csv` or `json`."""
    if form == "json":
        header = f'{{"{ENTITIES[kind]}":[\n'.encode()
        return File(kind, None, f"{kind}.json", header, LIMIT_BYTES, footer=b"]}\n", joint=len(","))
    return File(kind, None, f"{kind}.csv", f"{delimiter.join(columns)}\n".encode(), LIMIT_BYTES)


def lines(members: Sequence[Member], form: str, delimiter: str) -> pa.StringArray:
    """Write records: lines of CSV, or JSON objects that follow each other."""
    if form == "json":
        return json_records([(member.name, _json(member)) for member in members])
    return csv_lines([member.texts for member in members], delimiter)


def _json(member: Member) -> pa.StringArray:
    match member.shape:
        case Shape.LIST:
            return json_lists(member.texts)
        case Shape.TEXT:
            return json_texts(member.texts)
    return member.texts


def statuses_body(statuses: Sequence[Status]) -> str:
    """Give the body of `POST …/schema/order_statuses`, which tells Metrica what the CRM's statuses mean ([st])."""
    entries = [
        {"id": status.id, "humanized": status.title, "type": status.type, "goal_action_ids": list(status.goals)}
        for status in statuses
    ]
    return _body({"order_statuses": entries})


def attributes_body(attributes: Sequence[Mapping[str, object]]) -> str:
    """Give the body of `POST …/schema/attributes?entity_type=…`, which announces columns of one's own."""
    return _body({"attributes": list(attributes)})


def _body(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
