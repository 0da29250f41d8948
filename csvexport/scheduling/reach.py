"""What a run of a profile needs and touches besides the profile: secrets, exports, folders."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from csvexport.profile import Profile, Secret
from csvexport.profile.addresses import is_address
from csvexport.profile.paths import expanded

# Two batches that have nothing in common, not even the first digit of the date.
_BATCHES: Final = (
    {"batch": "20240601T090000Z-1a2b3c4d", "date": "2024-06-01"},
    {"batch": "19991231T235959Z-f0e0d0c0", "date": "1999-12-31"},
)


def secret_names(profile: Profile, scheme: str) -> tuple[str, ...]:
    """Name the secrets of one scheme, `env` or `credential`, that a run looks up; each once."""
    references = (secret.reference for secret in _secrets((profile.source, profile.deliver)))
    parts = (reference.partition(":") for reference in references)
    return tuple(dict.fromkeys(name for kind, _, name in parts if kind == scheme))


def _secrets(value: object) -> Iterator[Secret]:
    match value:
        case Secret():
            yield value
        case BaseModel():
            for _, inner in value:
                yield from _secrets(inner)
        case dict():
            yield from _secrets(tuple(value.values()))
        case tuple():
            for inner in value:
                yield from _secrets(inner)


def exports(profile: Profile) -> tuple[Path, ...]:
    """Give the local files that the profile reads; `*` and `?` stand in them."""
    join = profile.source.join
    paths = (*profile.source.path, *(join.path if join else ()))
    return tuple(_absolute(profile, path) for path in paths if not is_address(path))


def _absolute(profile: Profile, path: str) -> Path:
    return Path(os.path.normpath(profile.path.parent.resolve() / expanded(path)))


def drops(profile: Profile) -> tuple[Path, ...]:
    """Give the folders below which the profile's destinations put files on this machine, whatever the batch.

    Raises:
        ProfileError: a pattern leads elsewhere, or to the home of nobody.
    """
    return tuple(
        _drop([settings.place(batch | _of_kind(kind, profile), profile.path.parent) for batch in _BATCHES])
        for settings in profile.deliver
        if settings.scheme == "folder"
        for kind in settings.what
    )


def _of_kind(kind: str, profile: Profile) -> dict[str, str]:
    return {"kind": kind, "file": f"{kind}.csv", "profile": profile.name}


def _drop(places: list[str]) -> Path:
    return Path(os.path.commonpath([Path(place).parent.resolve() for place in places]))
