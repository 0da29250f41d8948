"""Attributes: columns of one's own that contacts and deals carry beside Metrica's ([ct], [od])."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import text_column
from csvexport.formats.crm import Member, Shape
from csvexport.issues import Code
from csvexport.profile import Attribute
from csvexport.transform.accounts import Accounts
from csvexport.transform.snapshots import Clock, date_texts, moment_texts
from csvexport.values.contacts import read_emails
from csvexport.values.scalars import read_column, read_number, read_several, read_text
from csvexport.values.times import TimeRule, read_times


def read_attributes(attributes: Mapping[str, Attribute], accounts: Accounts, clock: Clock) -> Iterator[Member]:
    """Read the attributes of the rows; what cannot be read as its type is marked and left out.

    In JSON each is a property of its record, as it is a column of CSV; Yandex has a list `attribute_values` besides, of
    which no page says what stands in it.

    Args:
        attributes: by name.
        accounts: the rows.
        clock: how times are read and written.
    """
    for name, attribute in attributes.items():
        texts, codes = _read(attribute, accounts.text(attribute.column), clock)
        accounts.mark(attribute.column, codes)
        yield Member(name, texts, Shape.LIST if attribute.multivalued else Shape.TEXT)


def _read(attribute: Attribute, column: pa.StringArray, clock: Clock) -> tuple[pa.StringArray, NDArray[np.uint8]]:
    match attribute.type:
        case "email":
            emails = read_emails(column)
            return emails.text if attribute.multivalued else _firsts(emails.text), emails.codes
        case "date" | "datetime":
            bare = attribute.type == "date"
            if attribute.multivalued:
                return read_column(column, partial(read_several, read=partial(_read_time, clock=clock, bare=bare)))
            return _read_times(column, clock, bare=bare)
    reference = read_number if attribute.type == "numeric" else read_text
    return read_column(column, partial(read_several, read=reference) if attribute.multivalued else reference)


def _firsts(lists: pa.StringArray) -> pa.StringArray:
    """Give of each list the first value."""
    return pc.replace_substring_regex(lists, ",.*$", "")


def _read_time(text: str, clock: Clock, *, bare: bool) -> tuple[str, Code]:
    texts, codes = _read_times(text_column([text]), clock, bare=bare)
    return texts[0].as_py(), Code(int(codes[0]))


def _read_times(column: pa.StringArray, clock: Clock, *, bare: bool) -> tuple[pa.StringArray, NDArray[np.uint8]]:
    unix, codes = read_times(column, TimeRule(clock.zone.name))
    bad = (unix == 0) & (codes != Code.EMPTY_TIME)
    texts = date_texts(unix, clock.zone) if bare else moment_texts(unix, clock.counter)
    return texts, bad * np.uint8(Code.BAD_VALUE)
