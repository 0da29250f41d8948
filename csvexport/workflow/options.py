"""What a command may set beside the profile."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from csvexport.profile import Since, Until
from csvexport.progress import Progress, no_progress


@dataclass(frozen=True, slots=True)
class Options:
    """What a command may set beside the profile.

    Attributes:
        exports: sources instead of the profile's.
        now: the moment of the build, aware; it decides what is future, old, or today.
        since: first moment, instead of the profile's.
        until: last moment, instead of the profile's.
        only: the kinds to make, each of which the profile has; empty: all that it has.
        needed: the kinds of which something must be new, or no batch is made; empty: all that are made.
        out: folder of all batches.
        limit: bytes that no file exceeds, besides its own limit.
        progress: hears how far the build has come.
    """

    exports: Sequence[str] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    since: Since | None = None
    until: Until | None = None
    only: Sequence[str] = ()
    needed: Sequence[str] = ()
    out: Path = Path("out")
    limit: int | None = None
    progress: Progress = no_progress
