"""The catalogue of faults: everything that can be wrong with a file that is meant for Yandex, and what to do about it.

Where a fault is the same as an issue of a build (`csvexport.issues`), it has the same code.
"""

from enum import IntEnum
from typing import Final

from csvexport.verdicts import Entry, Gravity


class Fault(IntEnum):
    """A fault as the number that columns of marks (`numpy.uint8`) carry; 0 is "nothing wrong"."""

    NONE = 0
    NOT_CSV = 1
    UNKNOWN_KIND = 2
    TOO_LARGE = 3
    WRONG_ENCODING = 4
    BYTE_ORDER_MARK = 5
    WRONG_DELIMITER = 6
    LINE_ENDINGS = 7
    HEADER_ROW = 8
    HEADER_CASE = 9
    MISSING_COLUMN = 10
    REPEATED_COLUMN = 11
    ROW_NAME_COLUMN = 12
    UNKNOWN_COLUMN = 13
    API_ONLY_COLUMN = 14
    NO_VALID_ROWS = 15
    BAD_ROW = 16
    BROKEN_TEXT = 17
    REPEATED_HEADER = 18
    TOTALS_ROW = 19
    BLANK_ROW = 20
    NO_IDENTIFIER = 21
    BAD_IDENTIFIER = 22
    ROUNDED_IDENTIFIER = 23
    DAMAGED_COLUMN = 24
    SUSPICIOUS_IDENTIFIER = 25
    FOREIGN_YCLID = 26
    MISPLACED_IDENTIFIER = 27
    SEVERAL_IDENTIFIERS = 28
    MIXED_IDENTIFIERS = 29
    EMPTY_TIME = 30
    BAD_TIME = 31
    MILLISECONDS = 32
    FUTURE_TIME = 33
    TOO_OLD = 34
    OUTSIDE_WINDOW = 35
    BAD_PRICE = 36
    NEGATIVE_PRICE = 37
    PRICE_TOO_LARGE = 38
    BAD_CURRENCY = 39
    BAD_TARGET = 40
    NUMERIC_TARGET = 41
    BAD_STATUS = 42
    EMPTY_STATUS = 43
    SUSPICIOUS_STATUS = 44
    NO_CONTACT = 45
    BAD_PHONE = 46
    BAD_EMAIL = 47
    BAD_HASH = 48
    BAD_LIST = 49
    MISPLACED_CONTACT = 50
    PLAIN_CONTACTS = 51
    NO_ORDER_ID = 52
    REPEATED_ID = 53
    DUPLICATE = 54
    NO_CLIENT = 55
    MISSING_VALUE = 56
    BAD_VALUE = 57
    STRAY_BLANKS = 58

    @property
    def text(self) -> str:
        """The code as reports spell it: `bad-time`."""
        return self.name.lower().replace("_", "-")


_INVALID_IDENTIFIER: Final = "Invalid '<id_type>' identifier '<x>'"
_NOT_UTF_8: Final = "not UTF-8"


# What concerns the file or a column of it, not single rows.
_WHOLE: Final = frozenset(
    {
        *(Fault.NOT_CSV, Fault.UNKNOWN_KIND, Fault.TOO_LARGE, Fault.WRONG_ENCODING, Fault.BYTE_ORDER_MARK),
        *(Fault.WRONG_DELIMITER, Fault.LINE_ENDINGS, Fault.HEADER_ROW, Fault.HEADER_CASE, Fault.MISSING_COLUMN),
        *(Fault.REPEATED_COLUMN, Fault.ROW_NAME_COLUMN, Fault.UNKNOWN_COLUMN, Fault.API_ONLY_COLUMN),
        *(Fault.NO_VALID_ROWS, Fault.DAMAGED_COLUMN, Fault.MIXED_IDENTIFIERS),
    }
)


def _error(
    fault: Fault, title: str, remedy: str, yandex: str | None = None, *, mended: bool = False
) -> tuple[Fault, Entry]:
    return fault, Entry(fault.text, Gravity.ERROR, title, remedy, yandex, mended, fault in _WHOLE)


def _warning(fault: Fault, title: str, remedy: str) -> tuple[Fault, Entry]:
    return fault, Entry(fault.text, Gravity.WARNING, title, remedy, is_whole=fault in _WHOLE)


CATALOGUE: Final[dict[Fault, Entry]] = dict(
    [
        _error(
            Fault.NOT_CSV,
            "The file is no plain CSV",
            "Save the table as CSV: Yandex opens no workbook and no archive. JSON bodies are not judged here.",
        ),
        _error(
            Fault.UNKNOWN_KIND,
            "The header is not that of a Metrica file",
            "Name the columns as Yandex does: ClientId, Target, DateTime for conversions; ClientId, DateTime,"
            " PhoneNumber for calls; id, create_date_time, emails for orders; uniq_id, emails for contacts."
            " `csvexport init` starts a profile by which such files are made of a CRM's export.",
        ),
        _error(
            Fault.TOO_LARGE,
            "The file is larger than its receiver takes",
            "Split it, or leave old rows out: the Conversion Center takes 300 MB, everybody else 1 GB.",
            "over 300 MB",
        ),
        _error(
            Fault.WRONG_ENCODING,
            "The file is not UTF-8",
            "Save it as UTF-8, or let --fix do so; look at a Russian word in the copy.",
            _NOT_UTF_8,
            mended=True,
        ),
        _error(
            Fault.BYTE_ORDER_MARK,
            "A byte order mark stands before the header",
            "Save it as UTF-8 without BOM, or let --fix do so: the mark becomes part of the first column's name.",
            mended=True,
        ),
        _error(
            Fault.WRONG_DELIMITER,
            "The cells are separated by another character than Yandex expects",
            "Separate them by commas, those of orders for the Conversion Center by semicolons, or let --fix do so.",
            "wrong separator",
            mended=True,
        ),
        _error(
            Fault.LINE_ENDINGS,
            "The lines end in a lone carriage return",
            "Save it with the line ends of Windows or Unix, or let --fix do so.",
            mended=True,
        ),
        _error(
            Fault.HEADER_ROW,
            "The header is not the first line",
            "Remove what stands above the names of the columns.",
        ),
        _error(
            Fault.HEADER_CASE,
            "A column's name differs in upper and lower case, or by blanks",
            "Spell it exactly as Yandex does, or let --fix do so.",
            mended=True,
        ),
        _error(
            Fault.MISSING_COLUMN,
            "A column that Yandex needs is missing",
            "Add the column, or correct its name.",
        ),
        _error(
            Fault.REPEATED_COLUMN,
            "Two columns have one name",
            "Remove one of them: which of the two Yandex reads is not known.",
        ),
        _error(
            Fault.ROW_NAME_COLUMN,
            "The first column only numbers the rows",
            "Write the file without row names (R: row.names = FALSE; pandas: index=False), or let --fix drop them.",
            mended=True,
        ),
        _warning(
            Fault.UNKNOWN_COLUMN,
            "Yandex knows no column of this name",
            "Correct the name, or leave the column out.",
        ),
        _warning(
            Fault.API_ONLY_COLUMN,
            "Only the API takes this column, with or without semicolons",
            "Leave it out of the Conversion Center's file, which counts in roubles; or use the API.",
        ),
        _error(
            Fault.NO_VALID_ROWS,
            "No row is without an error",
            "Correct what is wrong with the rows; a file without rows is no use.",
            "no valid rows",
        ),
        _error(
            Fault.BAD_ROW,
            "The row cannot be read",
            "Correct the number of its cells, or its quotes: a cell that holds the separator needs them.",
        ),
        _error(
            Fault.BROKEN_TEXT,
            "Bytes of the row are no UTF-8 text",
            "Export the file anew: parts of it were written in another encoding, or were cut.",
            _NOT_UTF_8,
        ),
        _error(
            Fault.REPEATED_HEADER,
            "The header stands among the rows again",
            "Remove the line: files were joined without removing it.",
        ),
        _error(
            Fault.TOTALS_ROW,
            "The row is a total",
            "Remove the line.",
        ),
        _warning(
            Fault.BLANK_ROW,
            "The row is blank",
            "Remove the line: Yandex may count it among the broken ones.",
        ),
        _error(
            Fault.NO_IDENTIFIER,
            "No identifier is filled",
            "Fill UserId, ClientId, Yclid or PurchaseId, or leave the row out; only static calls do without.",
        ),
        _error(
            Fault.BAD_IDENTIFIER,
            "The identifier is not one that Metrica hands out",
            "Correct the cell: a ClientId or Yclid is a whole number from 1 to 18446744073709551615, with nothing"
            " around it and no zeros before it.",
            _INVALID_IDENTIFIER,
        ),
        _error(
            Fault.ROUNDED_IDENTIFIER,
            "A spreadsheet or a program rounded the identifier",
            "Export the column as text: the digits that were lost cannot be restored from this cell.",
            _INVALID_IDENTIFIER,
        ),
        _error(
            Fault.DAMAGED_COLUMN,
            "Most long identifiers end in zeros, so a spreadsheet rounded them",
            "Export the column as text and write the file anew: none of them will be found.",
        ),
        _warning(
            Fault.SUSPICIOUS_IDENTIFIER,
            "The identifier ends in zeros as if a spreadsheet had rounded it",
            "Compare a few with the CRM; if they differ there, export the column as text.",
        ),
        _error(
            Fault.FOREIGN_YCLID,
            "The yclid is Yahoo! Japan's, not Yandex's",
            "Leave the row out: this click was not paid for in Yandex Direct.",
        ),
        _error(
            Fault.MISPLACED_IDENTIFIER,
            "Yclids stand in the column of ClientIds, or the other way round",
            "Put them into the other column, in a file of their own: Metrica finds nobody by them here.",
        ),
        _warning(
            Fault.SEVERAL_IDENTIFIERS,
            "The row has identifiers of several types",
            "Keep one: which of them Metrica takes is not known.",
        ),
        _warning(
            Fault.MIXED_IDENTIFIERS,
            "The file mixes rows with identifiers of several types",
            "Write a file for each type: the upload form asks for the one type of the file.",
        ),
        _error(
            Fault.EMPTY_TIME,
            "The time is empty",
            "Fill the cell, or leave the row out.",
            "Empty 'create_date_time' value",
        ),
        _error(
            Fault.BAD_TIME,
            "The time is not written as Yandex reads it",
            "Write DateTime as Unix time in seconds; in CRM data write 2024-05-31 14:05:09 or 31.05.2024 14:05.",
            "Invalid date format '<x>'",
        ),
        _error(
            Fault.MILLISECONDS,
            "The time is in milliseconds",
            "Write whole seconds, the first ten digits, or let --fix do so.",
            mended=True,
        ),
        _error(
            Fault.FUTURE_TIME,
            "The time lies in the future",
            "Check the time zone; a date without a time of day is the end of that day.",
            "'create_date_time' is from the future",
        ),
        _error(
            Fault.TOO_OLD,
            "The order is older than 113 days",
            "Leave it out: what was sent in time keeps its state.",
            "'create_date_time' is older than 113 days",
        ),
        _warning(
            Fault.OUTSIDE_WINDOW,
            "It is older than 21 days, so Metrica is unlikely to match it",
            "Upload more often, or leave old rows out.",
        ),
        _error(
            Fault.BAD_PRICE,
            "The amount is not written as Yandex reads it",
            "Write digits and a dot only: 12345.67.",
            "Invalid '<revenue/cost>' value",
        ),
        _error(
            Fault.NEGATIVE_PRICE,
            "The amount is negative",
            "Leave returns out: Yandex takes no negative amount.",
            "'<revenue/cost>' value must be nonnegative",
        ),
        _error(
            Fault.PRICE_TOO_LARGE,
            "The amount is larger than Yandex takes",
            "Correct the cell; an identifier or a phone number may stand in it.",
            "'<revenue/cost>' value must not exceed 9223372036854",
        ),
        _error(
            Fault.BAD_CURRENCY,
            "The currency is no ISO 4217 code",
            "Write RUB, USD, EUR and the like: with an unknown code Metrica drops the amount as well.",
        ),
        _error(
            Fault.BAD_TARGET,
            "The target cannot be the identifier of a goal",
            'Write the identifier of a "JavaScript event" goal, such as order_paid, not its name.',
        ),
        _warning(
            Fault.NUMERIC_TARGET,
            "The target looks like the number of a goal",
            "Write the event's identifier, such as order_paid: by its number no goal is found.",
        ),
        _error(
            Fault.BAD_STATUS,
            "The status is none that Yandex takes",
            "Write PAID, IN_PROGRESS, CANCELLED or SPAM, in capitals and with two L, or the identifier of a goal;"
            " in deals the identifier of a status of yours: letters, digits, _, : and -.",
            "Invalid 'order_status' value",
        ),
        _warning(
            Fault.EMPTY_STATUS,
            "The status is empty, which counts as PAID",
            "Write a status, unless the order is paid.",
        ),
        _warning(
            Fault.SUSPICIOUS_STATUS,
            "The status looks like the CRM's own",
            "Write PAID, IN_PROGRESS, CANCELLED or SPAM, unless a goal of the counter really has this identifier.",
        ),
        _error(
            Fault.NO_CONTACT,
            "Nothing is filled by which the client could be found",
            "Fill client_ids, emails, phones or their hashes; in chats ChatUsername, ChatUserID or PhoneNumber.",
            "All columns with identifiers are empty",
        ),
        _error(
            Fault.BAD_PHONE,
            "The phone number is not written as Yandex reads it",
            "Write digits with the country code, 70001234567; in calls and chats with a plus, +70001234567.",
            _INVALID_IDENTIFIER,
        ),
        _error(
            Fault.BAD_EMAIL,
            "The e-mail address cannot be one",
            "Correct the cell: Latin letters before the @, a domain behind it, nothing around them.",
            _INVALID_IDENTIFIER,
        ),
        _error(
            Fault.BAD_HASH,
            "The hash is no MD5 of a contact",
            "Write the 32 hexadecimal digits of the MD5 of one normalised value; leave empty what is empty.",
            _INVALID_IDENTIFIER,
        ),
        _error(
            Fault.BAD_LIST,
            "The values of a list are not joined by commas alone",
            "Join them by commas without blanks, and put the cell in quotes.",
            _INVALID_IDENTIFIER,
        ),
        _error(
            Fault.MISPLACED_CONTACT,
            "A contact stands in another's column: plain among hashes, or the like",
            "Put it into its own column; personal data may have left unhashed.",
            _INVALID_IDENTIFIER,
        ),
        _warning(
            Fault.PLAIN_CONTACTS,
            "Plain contacts stand beside their hashes",
            "Leave the plain column out: the hashes are enough, and personal data stays at home.",
        ),
        _warning(
            Fault.NO_ORDER_ID,
            "The order has no id",
            "Fill the column id: without it orders double, and can never be updated.",
        ),
        _error(
            Fault.REPEATED_ID,
            "The id stands again further down",
            "Keep the latest row of each: Yandex applies rows of one id in random order.",
        ),
        _warning(
            Fault.DUPLICATE,
            "The same event stands again further down",
            "Keep one; if their prices differ, Metrica keeps one price.",
        ),
        _error(
            Fault.NO_CLIENT,
            "The deal names no client",
            "Fill client_uniq_id with the uniq_id of its contact.",
        ),
        _error(
            Fault.MISSING_VALUE,
            "A cell is empty that Yandex needs",
            "Fill the cell, or leave the row out.",
        ),
        _error(
            Fault.BAD_VALUE,
            "The value is none that the column takes",
            "Write 1 or 0 for yes and no, durations in whole seconds, whatsapp, telegram or viber in ChatPlatform,"
            " CONTACT in client_type, goal_a:200,goal_b in goals, whole addresses in URL.",
        ),
        _error(
            Fault.STRAY_BLANKS,
            "Blanks or a spreadsheet's marks stand around the value",
            "Remove them: Yandex takes them for a part of the value.",
        ),
    ]
)
