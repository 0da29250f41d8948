"""Who hears how far a reading has come."""

from typing import Protocol


class Progress(Protocol):
    """Hears how far a reading has come."""

    def __call__(self, rows: int, read: int, total: int) -> None:
        """Take the rows so far, the bytes read so far and the bytes that there are."""


def no_progress(rows: int, read: int, total: int) -> None:
    """Say nothing."""
