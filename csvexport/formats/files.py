"""What the files of all kinds have in common: a name, a beginning, an end and a limit."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

# 1 GB ([help]); read as the smaller of its two meanings.
LIMIT_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class File:
    """One file to upload, of which there may be several parts.

    Attributes:
        kind: the kind of its records.
        identifier: the id type that the file is for, if it is for one.
        first_name: name of the first part.
        header: what every part begins with.
        limit: bytes that no part exceeds.
        footer: what every part ends with.
        joint: bytes that stand between two records, and so are left out of the first of each part.
        oversize: what becomes of more than the limit: it goes into another `part`, the oldest records are left out
            (`trim`), or nothing is written (`fail`).
    """

    kind: str
    identifier: str | None
    first_name: str
    header: bytes
    limit: int
    footer: bytes = b""
    joint: int = 0
    oversize: Literal["part", "trim", "fail"] = "part"

    def name(self, part: int) -> str:
        """Name a part; the first has no number: `conversions-Yclid.csv`, `conversions-Yclid-2.csv`."""
        path = PurePath(self.first_name)
        return self.first_name if part == 1 else f"{path.stem}-{part}{path.suffix}"
