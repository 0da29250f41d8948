"""What the CRM API has to be told once: what the statuses mean, and which attributes records carry ([st])."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from csvexport.formats import crm
from csvexport.profile import Attribute, Profile
from csvexport.summary import FileFacts

KIND = "schema"


def schema_bodies(profile: Profile, kind: str, folder: Path) -> Iterator[FileFacts]:
    """Write the bodies of the requests that come before the records of a kind; only contacts and deals have any."""
    for name, text, entries in _bodies(profile, kind):
        data = text.encode()
        (folder / name).write_bytes(data)
        yield FileFacts(name, KIND, None, entries, len(data), hashlib.sha256(data).hexdigest())


def _bodies(profile: Profile, kind: str) -> Iterator[tuple[str, str, int]]:
    """Give names, texts and the number of entries in each."""
    if kind == crm.DEALS and profile.deals is not None:
        told = {status.id: status for status in profile.deals.statuses.values()}
        statuses = [crm.Status(status.id, status.title, status.type, status.goals) for status in told.values()]
        yield "order_statuses.json", crm.statuses_body(statuses), len(statuses)
    table = {crm.CONTACTS: profile.contacts, crm.DEALS: profile.deals}.get(kind)
    if table is not None and table.attributes:
        name = f"attributes-{crm.ENTITY_TYPES[kind]}.json"
        yield name, crm.attributes_body(list(_attributes(table.attributes))), len(table.attributes)


def _attributes(attributes: Mapping[str, Attribute]) -> Iterator[dict[str, object]]:
    for name, attribute in attributes.items():
        yield {
            "name": name,
            "type_name": attribute.type,
            "multivalued": attribute.multivalued,
            "humanized": attribute.title,
        }
