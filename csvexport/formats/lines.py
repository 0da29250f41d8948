"""Lines of CSV and records of JSON, put together column by column."""

import json
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import (
    distinct_texts,
    join_where,
    lengths,
    mask,
    mask_column,
    number_column,
    offsets_and_bytes,
    replace_texts,
    text_column,
    text_scalar,
)

Column: TypeAlias = pa.StringArray | pa.StringScalar


class Labels(NamedTuple):
    """A column of few distinct texts: the texts, and for each row the index of its text."""

    texts: Sequence[str]
    indices: NDArray[np.int16]

    def column(self, end: str = "") -> Column:
        """Give the column of texts, each with `end` appended; where all rows have one text, that alone."""
        if len(self.indices) and (self.indices == self.indices[0]).all():
            return text_scalar(self.texts[self.indices[0]] + end)
        return text_column([text + end for text in self.texts]).take(number_column(self.indices))


def lines_of(columns: Sequence[Column], delimiter: str) -> pa.StringArray:
    """Join columns to lines; cells are quoted before, and the last column brings the line break."""
    return pc.binary_join_element_wise(*columns, text_scalar(delimiter))


def csv_lines(columns: Sequence[pa.StringArray], delimiter: str) -> pa.StringArray:
    """Write columns as lines of CSV, line break included; cells are quoted where they need it."""
    *first, last = (quoted(column, delimiter) for column in columns)
    ended = pc.binary_join_element_wise(last, text_scalar("\n"), text_scalar(""))
    return lines_of([*first, ended], delimiter)


def quoted(texts: pa.StringArray, delimiter: str) -> pa.StringArray:
    """Quote the cells that hold a delimiter, a quote or a line break.

    A comma asks for quotes whatever the delimiter is: it separates the values of a list, whose cell Yandex wants quoted
    ([so]).
    """
    _, data = offsets_and_bytes(texts)
    special = f'",\r\n{delimiter}'
    if not any((data == byte).any() for byte in set(special.encode())):
        return texts
    concerned = pc.match_substring_regex(texts, f"[{special}]")
    quote = text_scalar('"')
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(concerned, pc.binary_join_element_wise(quote, doubled, quote, text_scalar("")), texts)


def json_records(members: Sequence[tuple[str, pa.StringArray]]) -> pa.StringArray:
    r"""Write columns as JSON objects, `,{"id":"7"}\n`; what is empty is left out.

    Args:
        members: name and JSON values (`json_texts`, `json_lists` and the like), "" where there is none.
    """
    named = [(between(f"{json_text(name)}:", values, ""), lengths(values) > 0) for name, values in members]
    return between(",{", join_where(named, ","), "}\n")


def json_text(text: str) -> str:
    """Write a text as JSON; a line separator is escaped, so that a record stays on its line."""
    return json.dumps(text, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def json_texts(texts: pa.StringArray) -> pa.StringArray:
    """Write a column of texts as JSON; empty ones stay empty."""
    around = between('"', texts, '"')
    plain = mask(pc.match_substring_regex(texts, r'^[^"\\\x00-\x1f\x7f\x{2028}\x{2029}]+$'))
    others = np.flatnonzero(~plain)
    distinct, which = distinct_texts(texts, others)
    written = text_column([json_text(text) if text else "" for text in distinct]).take(number_column(which))
    return replace_texts(around, others, written)


def json_lists(lists: pa.StringArray) -> pa.StringArray:
    """Write a column of lists, values joined by commas that none of them holds, as JSON; empty ones stay empty."""
    return json_list(pc.replace_substring(json_texts(lists), ",", '","'))


def json_list(members: pa.StringArray) -> pa.StringArray:
    """Make JSON lists of a column of members joined by commas; empty ones stay empty."""
    return pc.if_else(mask_column(lengths(members) > 0), between("[", members, "]"), members)


def between(before: str, texts: pa.StringArray, after: str) -> pa.StringArray:
    """Put something before and behind each text."""
    return pc.binary_join_element_wise(text_scalar(before), texts, text_scalar(after), text_scalar(""))
