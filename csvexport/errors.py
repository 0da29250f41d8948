"""The exception tree: what stops a run, and the exit code that it ends with.

    CsvexportError
    ├── UsageError       2  the command line asks for something that cannot be
    ├── ProfileError     2  the profile has mistakes; all of them are listed
    ├── SourceError      3  a source cannot be read
    ├── DataError        1  the data must not be sent: too many rows rejected, identifiers damaged
    ├── OutputError      4  the batch cannot be written: no space, no permission
    ├── DeliveryError    4  a batch cannot be delivered
    └── LedgerError      4  what is known of batches and deliveries cannot be read or written
        └── BusyError    4  another run is at work on the profile's batches
            └── StuckError  4  and has been for longer than its limits allow

A problem with a single row is no exception; it is an issue (`issues.py`).
"""

from collections.abc import Sequence
from typing import ClassVar

from csvexport.masking import masked


class CsvexportError(Exception):
    """Base of every error that csvexport raises on purpose: one message that says what, where and what to do.

    Names of columns, of files and of whatever else an export holds may be somebody's phone or e-mail: in every message,
    what looks like one is cut short.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        """Keep the message."""
        super().__init__(masked(message))


class UsageError(CsvexportError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class ProfileError(CsvexportError):
    """The profile has mistakes.

    Attributes:
        mistakes: one line each, `profile.toml: goals[2].time: no column "..."`.
    """

    exit_code = 2

    def __init__(self, mistakes: Sequence[str]) -> None:
        """Keep the mistakes one by one beside the message that joins them."""
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(map(masked, mistakes))


class SourceError(CsvexportError):
    """A source cannot be read."""

    exit_code = 3


class DataError(CsvexportError):
    """The source can be read, but what is in it must not be sent."""

    exit_code = 1


class OutputError(CsvexportError):
    """The batch cannot be written."""

    exit_code = 4


class DeliveryError(CsvexportError):
    """A batch cannot be delivered."""

    exit_code = 4


class LedgerError(CsvexportError):
    """What is known of batches and deliveries is damaged, lost, or cannot be written."""

    exit_code = 4


class BusyError(LedgerError):
    """Another run is at work on the profile's batches."""


class StuckError(BusyError):
    """Another run is at work on the profile's batches, and has been for longer than its limits allow."""
