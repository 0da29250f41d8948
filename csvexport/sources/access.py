"""How servers are asked for exports: with which credentials, trusting whom, and within which limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from csvexport.profile import ExportSettings
from csvexport.profile.paths import expanded
from csvexport.web import Login

KEYS: Final = "source."
"""How messages begin the names of the profile's keys."""


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How servers are asked. What is printed of it shows nothing.

    Attributes:
        headers: sent to the servers that the profile names, those that log in among them.
        keys: the profile's keys that log in, as a message names them; empty without any.
        ca: a PEM file with certificates that are trusted beside the system's.
        timeout: seconds for which a server may be silent.
        time_limit: seconds that the fetching of one export may take, all tries together.
        max_bytes: what is fetched, and what it unpacks to, must not be larger.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    keys: str = ""
    ca: Path | None = None
    timeout: float = 60.0
    time_limit: float = 3600.0
    max_bytes: int = 4096 << 20

    @classmethod
    def of(cls, settings: ExportSettings, folder: Path) -> "Access":
        """Look the secrets up.

        Args:
            settings: the profile's.
            folder: the profile's; paths of secrets and certificates are relative to it.

        Raises:
            ProfileError: a secret is not where the profile says, or cannot be sent.
        """
        login = Login.of(settings, folder, KEYS)
        ca = folder / expanded(settings.ca) if settings.ca is not None else None
        return cls(
            headers=login.headers,
            keys=login.keys,
            ca=ca,
            timeout=settings.timeout,
            time_limit=settings.time_limit,
            max_bytes=settings.max_megabytes << 20,
        )
