"""Where batches go: every kind of destination stands behind one method.

A destination puts one file where the profile says, so that a reader who polls that place finds the old file or the new
one, whole, and never a part or nothing. What it raises tells whether another try may do better.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from csvexport.deadline import Deadline
from csvexport.errors import DeliveryError

__all__ = ["Deadline", "Destination", "Parcel", "PassingError", "Receipt", "Trace"]


class PassingError(DeliveryError):
    """A delivery failed in a way that another try may not meet: a line that broke, a server that was busy.

    Attributes:
        wait: seconds that the server asks to be left alone for, if it does.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        """Keep what the server asks beside the message."""
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Trace:
    """By what a destination recognises the file that it was given before.

    Attributes:
        size: bytes.
        modified: modification time in Unix seconds as the destination tells it; None where it tells none.
        version: what else names the version there, such as an ETag; empty without it.
        is_taken: whether the receiver had moved the file away by the time it was looked at, so that nothing is to be
            expected there.
    """

    size: int
    modified: int | None = None
    version: str = ""
    is_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One file on its way.

    Attributes:
        path: the file in the batch.
        to: the path at the destination, or the whole address, which may hold a key and is never shown.
        shown: how messages name that place.
        size: bytes.
        sha256: in hex.
        trace: what was seen there after the very same content was delivered to this place as the last thing; else None.
    """

    path: Path
    to: str
    shown: str
    size: int
    sha256: str
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a destination answered.

    Attributes:
        trace: by what the file is recognised later.
        is_unchanged: whether the same content was there already, so that nothing was written.
        checked: by what was seen that it arrived whole: "checksum", "size", or "answer", which is the server's word.
        notes: sentences on what did not go as asked, but does no harm, such as permissions that could not be set.
        at: when it was delivered, aware, UTC.
    """

    trace: Trace
    is_unchanged: bool = False
    checked: str = "size"
    notes: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Destination(Protocol):
    """One place to which files go. It may hold a connection between two files."""

    def deliver(self, parcel: Parcel, deadline: Deadline) -> Receipt:
        """Put a file at its place, whole or not at all; over what is there.

        Messages of errors begin with `parcel.shown`, and say what happened and what to do.

        Raises:
            PassingError: another try may do better.
            DeliveryError: no other try will.
        """

    def close(self) -> None:
        """Let go of the connection, if there is one; the next `deliver` makes another."""
