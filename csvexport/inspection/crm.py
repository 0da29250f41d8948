"""Which CRM an export comes from, by the headers that `presets` know, and what is known of that CRM."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from csvexport.findings import Role
from csvexport.inspection.names import means_paid


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of the exports of one CRM.

    Attributes:
        title: the CRM's name.
        hint: where Metrica's ClientID comes from there.
        marks: sets of headers, folded; an export that has all of one set is the CRM's.
        roles: header, folded, to what stands below it.
        paid: what statuses that certainly mean that the client paid look like, besides those known anyway.
        formats: how times are written there.
    """

    title: str
    hint: str
    marks: tuple[frozenset[str], ...]
    roles: Mapping[str, Role]
    paid: re.Pattern[str] | None
    formats: tuple[str, ...]

    def role(self, column: str) -> Role | None:
        """What a column of this name holds, if that is known."""
        return self.roles.get(_folded(column))

    def is_paid(self, status: str) -> bool:
        """Whether a status certainly means that the client paid."""
        return bool(self.paid and self.paid.fullmatch(status)) or means_paid(status)


UNKNOWN = Preset("", "", (), {}, None, ())
"""What is known where no CRM was recognised."""


def recognised(columns: Collection[str]) -> Preset:
    """The CRM that has most headers in common with these, else `UNKNOWN`."""
    names = frozenset(map(_folded, columns))
    found = [(len(mark), preset) for preset in presets() for mark in preset.marks if mark <= names]
    return max(found, key=lambda item: item[0])[1] if found else UNKNOWN


@cache
def presets() -> tuple[Preset, ...]:
    """All that are known, in the order of their files' names."""
    folder = files("csvexport") / "presets"
    texts = {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".toml")}
    return tuple(_preset(tomllib.loads(texts[name])) for name in sorted(texts))


def _preset(data: Mapping[str, Any]) -> Preset:
    paid = "|".join(f"(?:{pattern})" for pattern in data["paid"])
    return Preset(
        title=data["title"],
        hint=data["hint"],
        marks=tuple(frozenset(map(_folded, mark)) for mark in data["marks"]),
        roles={_folded(header): Role(role) for header, role in data["roles"].items()},
        paid=re.compile(paid, re.IGNORECASE) if paid else None,
        formats=tuple(data["formats"]),
    )


def _folded(header: str) -> str:
    return header.strip().casefold()
