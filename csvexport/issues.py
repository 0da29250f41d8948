"""The catalogue of issues: everything that can be wrong with a row, what it is called and what to do about it.

An issue is a value, never an exception: kernels mark rows with a `Code`, the accounting counts them, reports print the
title and the remedy. What stops a whole run lives in `errors.py`.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

# What `rejected.csv` says of a row before the row's own columns; a source that begins so is such a file, corrected.
REJECTED_COLUMNS = ("source", "row", "kind", "code", "column", "value", "remedy")

# Between several problems of one row: in a cell of `rejected.csv` and in the report.
BETWEEN = " | "


class Severity(StrEnum):
    """What an issue does to its row."""

    REJECTED = "rejected"
    WARNING = "warning"
    SKIPPED = "skipped"


class Code(IntEnum):
    """An issue as the number that columns of marks (`numpy.uint8`) carry; 0 is "nothing wrong"."""

    NONE = 0
    NO_IDENTIFIER = 1
    BAD_IDENTIFIER = 2
    ROUNDED_IDENTIFIER = 3
    FOREIGN_YCLID = 4
    EMPTY_TIME = 5
    BAD_TIME = 6
    FUTURE_TIME = 7
    BAD_PRICE = 8
    NEGATIVE_PRICE = 9
    BAD_CURRENCY = 10
    BAD_ROW = 11
    SUSPICIOUS_IDENTIFIER = 12
    SECOND_IDENTIFIER = 13
    OVERLAPPING_TIME = 14
    MISSING_TIME = 15
    OUTSIDE_WINDOW = 16
    PRICE_WITHOUT_CURRENCY = 17
    NO_GOAL = 18
    OUTSIDE_PERIOD = 19
    DUPLICATE = 20
    SUPERSEDED = 21
    NO_ORDER_ID = 22
    NO_CLIENT = 23
    NO_CONTACT = 24
    BAD_PHONE = 25
    BAD_EMAIL = 26
    BAD_VALUE = 27
    CHANGED_CREATION = 28
    UNKNOWN_STATUS = 29
    TOO_OLD = 30
    UNFINISHED_DAY = 31
    NO_DEAL = 32
    OVERSIZE = 33
    ALREADY_SENT = 34
    SENT_BY_OTHER_IDENTIFIER = 35

    @property
    def text(self) -> str:
        """The code as profiles, reports and manifests spell it: `bad-time`."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Issue:
    """One entry of the catalogue.

    Attributes:
        code: the issue.
        severity: what it does to the row.
        title: what is wrong, in a few words that need no context.
        remedy: what the reader can do about it, as an instruction.
    """

    code: Code
    severity: Severity
    title: str
    remedy: str


def _issue(code: Code, severity: Severity, title: str, remedy: str) -> tuple[Code, Issue]:
    return code, Issue(code, severity, title, remedy)


CATALOGUE: dict[Code, Issue] = dict(
    [
        _issue(
            Code.NO_IDENTIFIER,
            Severity.REJECTED,
            "No identifier is filled",
            "Fill one of the columns named under [identifiers]; without it Metrica cannot find the visitor.",
        ),
        _issue(
            Code.BAD_IDENTIFIER,
            Severity.REJECTED,
            "The identifier is not one that Metrica hands out",
            "Correct the cell: a ClientId or Yclid is a whole number from 1 to 18446744073709551615, without zeros"
            " before it.",
        ),
        _issue(
            Code.ROUNDED_IDENTIFIER,
            Severity.REJECTED,
            "A spreadsheet or a program rounded the identifier",
            "Export the column as text: the digits that were lost cannot be restored from this cell.",
        ),
        _issue(
            Code.FOREIGN_YCLID,
            Severity.REJECTED,
            "The yclid is Yahoo! Japan's, not Yandex's",
            "Nothing to correct: this click was not paid for in Yandex Direct.",
        ),
        _issue(
            Code.EMPTY_TIME,
            Severity.REJECTED,
            "The time is empty",
            "Fill the cell, or restrict the goal with `when` to rows in which it is filled.",
        ),
        _issue(
            Code.BAD_TIME,
            Severity.REJECTED,
            "The time cannot be read without guessing",
            'Correct the cell, or give its format: time = { column = "...", format = "%m/%d/%Y %H:%M" }.',
        ),
        _issue(
            Code.FUTURE_TIME,
            Severity.REJECTED,
            "The time lies in the future",
            "Correct the cell: Metrica refuses what has not happened yet. If all times are hours ahead, `timezone` is"
            " wrong; but what was sent goes again when its time becomes another.",
        ),
        _issue(
            Code.BAD_PRICE,
            Severity.REJECTED,
            "The price cannot be read without guessing",
            'Correct the cell; for a lone separator as in 1,234 set price = { column = "...", decimal = "," }.',
        ),
        _issue(
            Code.NEGATIVE_PRICE,
            Severity.REJECTED,
            "The price is negative",
            "Leave returns out with `when`, or correct the cell; Metrica takes no negative price.",
        ),
        _issue(
            Code.BAD_CURRENCY,
            Severity.REJECTED,
            "The currency is no ISO 4217 code, or another one stands beside the price",
            'Correct the cell, or the goal: currency = "USD" or { column = "...", values = { "руб." = "RUB" } }.',
        ),
        _issue(
            Code.BAD_ROW,
            Severity.REJECTED,
            "The row cannot be read",
            "Correct the row in the export: the number of its cells, its quotes, or the bytes that are no text.",
        ),
        _issue(
            Code.SUSPICIOUS_IDENTIFIER,
            Severity.WARNING,
            "The identifier ends in zeros as if a spreadsheet had rounded it",
            "Compare a few with the CRM; if they differ there, export the column as text.",
        ),
        _issue(
            Code.SECOND_IDENTIFIER,
            Severity.WARNING,
            "The preferred identifier is bad, so the next good one was used",
            "Correct the preferred column, or move it down under [identifiers].",
        ),
        _issue(
            Code.OVERLAPPING_TIME,
            Severity.WARNING,
            "The clock showed this time twice, so the first of the two was taken",
            "Nothing, unless the hour matters: then export times with their offset from UTC, from the first batch on."
            " What was sent goes again when its time becomes another.",
        ),
        _issue(
            Code.MISSING_TIME,
            Severity.WARNING,
            "The clock skipped this time, so the moment of the jump was taken",
            "Check `timezone` before anything is sent: the CRM may write its dates in another zone. What was sent goes"
            " again when its time becomes another.",
        ),
        _issue(
            Code.OUTSIDE_WINDOW,
            Severity.WARNING,
            "It is older than 21 days, so Metrica is unlikely to match it",
            "Upload more often, or leave old rows out with `since`.",
        ),
        _issue(
            Code.PRICE_WITHOUT_CURRENCY,
            Severity.WARNING,
            "The price has no currency, so the profile's was taken",
            "Fill the currency column, or set `currency` in the profile to what an empty cell means.",
        ),
        _issue(
            Code.NO_GOAL,
            Severity.SKIPPED,
            "No goal takes the row, or `when` leaves it out",
            "Nothing, if the row is not meant to be sent; else check `when` under [[goals]] or the kind.",
        ),
        _issue(
            Code.OUTSIDE_PERIOD,
            Severity.SKIPPED,
            "The time lies outside since and until",
            "Nothing, if that is meant; else change `since` or `until`.",
        ),
        _issue(
            Code.DUPLICATE,
            Severity.SKIPPED,
            "The same stands in the source again",
            "Nothing: it goes once.",
        ),
        _issue(
            Code.SUPERSEDED,
            Severity.SKIPPED,
            "A later state of the same stands in the source",
            "Nothing, if the later one is right: the last price of a conversion, the latest state of an order.",
        ),
        _issue(
            Code.NO_ORDER_ID,
            Severity.REJECTED,
            "The id of the record itself is empty",
            "Fill the column that `id` names: without it Yandex doubles a record, and can never update it.",
        ),
        _issue(
            Code.NO_CLIENT,
            Severity.REJECTED,
            "The deal names no client",
            "Fill the column that `client` names: Metrica takes no deal without its contact.",
        ),
        _issue(
            Code.NO_CONTACT,
            Severity.REJECTED,
            "The order has neither a ClientID nor a phone or an e-mail",
            "Fill one of the columns of `client_ids`, `emails` and `phones`; by them Yandex finds the client.",
        ),
        _issue(
            Code.BAD_PHONE,
            Severity.WARNING,
            "A phone number cannot be one, so it is left out",
            "Correct the cell; a number without its country code is read as one of `country`.",
        ),
        _issue(
            Code.BAD_EMAIL,
            Severity.WARNING,
            "An e-mail address cannot be one, so it is left out",
            "Correct the cell: Latin letters before the @, a domain behind it.",
        ),
        _issue(
            Code.BAD_VALUE,
            Severity.WARNING,
            "A value beside the main ones cannot be read, so it is left out",
            "Correct the cell: a duration as 95 or 1:35, yes or no, a number, a date from 1970 on; or see README.",
        ),
        _issue(
            Code.CHANGED_CREATION,
            Severity.WARNING,
            "Rows of one order say that it was created at different times",
            "See that `created` names the time of creation: Yandex forbids that it ever changes.",
        ),
        _issue(
            Code.UNKNOWN_STATUS,
            Severity.SKIPPED,
            "The status stands nowhere under `statuses`",
            "Nothing, if such rows are not meant to be sent; else write the status under `statuses`.",
        ),
        _issue(
            Code.TOO_OLD,
            Severity.SKIPPED,
            "The order is older than 113 days, so Yandex would refuse it",
            "Nothing: what was sent in time keeps its state.",
        ),
        _issue(
            Code.UNFINISHED_DAY,
            Severity.SKIPPED,
            "It is of today without a time of day, which stands for the end of the day",
            "Nothing: it goes as soon as the day is over.",
        ),
        _issue(
            Code.NO_DEAL,
            Severity.SKIPPED,
            "No deal names the contact",
            "Nothing, if that is meant; else take `only_with_deals` out.",
        ),
        _issue(
            Code.OVERSIZE,
            Severity.SKIPPED,
            "The order was left out to keep the file below 300 MB",
            "Nothing: it is among the oldest; or leave old orders out with `since` under [orders].",
        ),
        _issue(
            Code.ALREADY_SENT,
            Severity.SKIPPED,
            "It was sent before, with the same price",
            "Nothing: it goes again when its price changes.",
        ),
        _issue(
            Code.SENT_BY_OTHER_IDENTIFIER,
            Severity.SKIPPED,
            "It goes, or went before, by another identifier of the same row",
            "Nothing: it counts once. If its price has changed since, write the identifier by which it went first above"
            " the others under [identifiers], and it goes again by that one.",
        ),
    ]
)
