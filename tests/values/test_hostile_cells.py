"""Cells of thousands of characters are read in a moment, whatever they repeat: no expression of ours goes back."""

import signal

import pytest

from csvexport.inspection.names import means_paid, named_role
from csvexport.linting.opening import _ROW_LIKE
from csvexport.masking import masked
from csvexport.profile import Condition
from csvexport.profile.addresses import key_parts, shown_address
from csvexport.sources.detection import NUMBER
from csvexport.sources.tables import TOTALS
from csvexport.transform.goals import _within
from csvexport.values.emails import read_email_cell
from csvexport.values.identifier_lists import read_identifier_list
from csvexport.values.identifiers import Rule, read_identifier
from csvexport.values.money import named_currency, read_money
from csvexport.values.phones import read_phone_cell
from csvexport.values.products import products_json, products_text
from csvexport.values.scalars import read_address, read_duration, read_flag, read_number, read_several, read_text
from csvexport.values.times import TimeRule, read_time

LENGTH = 20_000
MOMENTS = 30
"""Seconds for all that one reader is asked; it takes one or two, and a reader that goes back some minutes."""

UNITS = ["a", "я", "1", "0", " ", "\u00a0", ".", ",", "-", "@", "/", "(", "+", '"', "'", "{", ":", "\\", "<", "=", "|"]
UNITS += [
    "1 ",
    "1,",
    "1.",
    "a.",
    "a@",
    "a-",
    "a ",
    " x ",
    "- ",
    "(1",
    "a@b.",
    "00 ",
    "1:",
    ", ",
    "a,b ",
    "%7b",
    "-1",
    ";a",
]
AROUND = [("", "!"), ("1", ""), ("a@", " x 5")]

READERS = {
    "money": read_money,
    "currency beside money": named_currency,
    "money of a condition": lambda cell: _within(cell, Condition("A", minimum=1)),
    "time": lambda cell: read_time(cell, TimeRule("Europe/Moscow")),
    "time by a format": lambda cell: read_time(cell, TimeRule("Europe/Moscow", "%d %B %Y  %H:%M:%S.%f %z")),
    "number": lambda cell: read_identifier(cell, Rule.NUMBER),
    "yclid": lambda cell: read_identifier(cell, Rule.YCLID),
    "text": lambda cell: read_identifier(cell, Rule.TEXT),
    "numbers": lambda cell: read_identifier_list(cell, Rule.NUMBER),
    "texts": lambda cell: read_identifier_list(cell, Rule.TEXT),
    "products": products_text,
    "products as JSON": products_json,
    "flag": read_flag,
    "duration": read_duration,
    "line": read_text,
    "address": read_address,
    "decimal": read_number,
    "decimals": lambda cell: read_several(cell, read_number),
    "masked": masked,
    "shown address": lambda cell: shown_address(f"https://example.ru/{cell}"),
    "keys of an address": lambda cell: key_parts(f"https://example.ru/{cell}"),
    "role of a column": named_role,
    "paid status": means_paid,
    "number in a header": NUMBER.fullmatch,
    "row that is no header": _ROW_LIKE.fullmatch,
    "totals": TOTALS.fullmatch,
    "phones": lambda cell: read_phone_cell(cell, "RU"),
    "emails": read_email_cell,
}


@pytest.fixture
def moments():
    """Ends a test that hangs, where the system can."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def end(*_):
        raise TimeoutError("a cell keeps it busy")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(MOMENTS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("moments")
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_no_long_cell_keeps_a_reader_busy(read):
    for unit in UNITS:
        body = unit * (LENGTH // len(unit))
        for start, end in AROUND:
            read(f"{start}{body}{end}")
