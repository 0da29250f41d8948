"""Rows of a block judged: text goes in; faults with a few of their places, keys and evidence come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import lengths, number_column, text_column
from csvexport.linting.catalogue import CATALOGUE, Fault
from csvexport.linting.cells import CATEGORIES, REFERENCES, Ids, judge_cells, read_ids
from csvexport.linting.evidence import SORTS, Evidence, weigh
from csvexport.linting.keys import keyed_events, keyed_records
from csvexport.linting.kinds import EVENT_IDENTIFIERS, STATIC, Kind, Sort
from csvexport.linting.moments import (
    Moments,
    judge_creation_times,
    judge_event_times,
    read_local_times,
    read_unix_times,
)
from csvexport.linting.repeats import Keyed
from csvexport.linting.showing import shown
from csvexport.transform.duplicates import Keys
from csvexport.values.identifiers import Damage, Rule, damage
from csvexport.values.mixing import text_words
from csvexport.verdicts import Gravity

EXAMPLES: Final = 5
"""How many places of a fault are named."""

_RULES: Final = {Sort.NUMBER_ID: Rule.NUMBER, Sort.YCLID: Rule.YCLID, Sort.TEXT_ID: Rule.TEXT}
_TIMES: Final = frozenset({Sort.UNIX, Sort.CREATED, Sort.TIME})
_HASHED: Final = {"emails": "emails_md5", "phones": "phones_md5"}

# What makes two calls or chats with one time of one visitor different.
_DISTINGUISHING: Final = ("Target", "PhoneNumber", "ChatUsername", "ChatUserID")
OWN_IDS: Final = ("id", "uniq_id")
"""The columns of the id that a record of CRM data has itself."""

_IS_ERROR: Final = np.array([bool(fault) and CATALOGUE[fault].gravity is Gravity.ERROR for fault in Fault])


class Found(NamedTuple):
    """A fault that a block has.

    Attributes:
        fault: what is wrong.
        column: in which column of the file, or several joined by ", "; empty: the row itself.
        total: how often.
        sights: place in the block and what may be seen of the cell, of the first ones.
    """

    fault: Fault
    column: str
    total: int
    sights: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """What rows are judged by.

    Attributes:
        kind: what they should be.
        columns: Yandex's name to that of the block's column.
        now: Unix seconds.
        zone: the counter's zone.
        expires: whether the receiver refuses old records.
    """

    kind: Kind
    columns: Mapping[str, str]
    now: int
    zone: str
    expires: bool

    @property
    def categories(self) -> frozenset[str]:
        """The columns that a source should deliver as dictionaries."""
        return frozenset(own for name, own in self.columns.items() if self.kind.columns[name].sort in CATEGORIES)


class Judged(NamedTuple):
    """What is to be said of a block.

    Attributes:
        records: how many it spans.
        rows: how many rows, without those that cannot be read.
        refused: how many of them have an error.
        found: the faults.
        keyed: the rows that can be compared.
        evidence: by Yandex's name of the column, those of identifiers.
        used: in how many rows each column of identifiers is filled.
    """

    records: int
    rows: int
    refused: int
    found: Sequence[Found]
    keyed: Keyed | None
    evidence: Mapping[str, Evidence]
    used: Mapping[str, int]


def judge(table: Table, block: Block) -> Judged:
    """Judge the rows of a block; safe to call from several threads."""
    return _Judging(table, block).judged()


class _Judging:
    """One block. Columns are called by Yandex's names, and columns of codes run over its rows."""

    def __init__(self, table: Table, block: Block) -> None:
        self._table = table
        self._block = block
        self._count = len(block.rows)
        self._found: list[Found] = []
        self._refused = np.zeros(self._count, np.bool_)
        self._texts: dict[str, pa.StringArray] = {}
        self._ids: dict[str, Ids] = {}
        self._times: Moments | None = None
        self._evidence: dict[str, Evidence] = {}

    def judged(self) -> Judged:
        for name in self._table.columns:
            self._look_at(name)
        self._look_at_groups()
        self._look_at_identifiers()
        self._look_at_contacts()
        identifiers = [name for name in EVENT_IDENTIFIERS if name in self._table.columns]
        used = {name: int(np.count_nonzero(self._filled(name))) for name in identifiers}
        refused = int(np.count_nonzero(self._refused))
        keyed = self._keyed() if self._count else None
        return Judged(self._block.records, self._count, refused, self._found, keyed, self._evidence, used)

    def _text(self, name: str) -> pa.StringArray:
        if name not in self._texts:
            self._texts[name] = self._block.text(self._table.columns[name])
        return self._texts[name]

    def _filled(self, name: str) -> NDArray[np.bool_]:
        return lengths(self._block.columns[self._table.columns[name]]) > 0

    def _look_at(self, name: str) -> None:
        """Judge a column."""
        column = self._table.kind.columns[name]
        codes = self._codes(name, column.sort)
        if column.empty:
            codes[~self._filled(name)] = column.empty
        self._mark(name, codes)
        if column.sort in SORTS:
            self._weigh(name, column.sort, codes)

    def _codes(self, name: str, sort: Sort) -> NDArray[np.uint8]:
        if sort in _RULES:
            self._ids[name] = read_ids(self._text(name), _RULES[sort])
            return self._ids[name].codes.copy()
        if sort in _TIMES:
            return self._time_codes(self._text(name), sort)
        if sort in CATEGORIES:
            indices, texts = self._block.categories(self._table.columns[name])
            return np.array([REFERENCES[sort](text) for text in texts], np.uint8)[indices]
        if sort in REFERENCES:
            return judge_cells(self._text(name), sort)
        return np.zeros(self._count, np.uint8)

    def _time_codes(self, column: pa.StringArray, sort: Sort) -> NDArray[np.uint8]:
        if sort is Sort.UNIX:
            self._times = read_unix_times(column)
            return self._event_times(self._times)
        moments = read_local_times(column, self._table.zone)
        if sort is Sort.CREATED:
            return judge_creation_times(moments, self._table.now, expires=self._table.expires)
        return moments.codes

    def _event_times(self, moments: Moments) -> NDArray[np.uint8]:
        codes = judge_event_times(moments, self._table.now)
        # A static call joins no visit anyhow.
        codes[(codes == Fault.OUTSIDE_WINDOW) & self._static()] = Fault.NONE
        return codes

    def _static(self) -> NDArray[np.bool_]:
        if STATIC not in self._table.columns:
            return np.zeros(self._count, np.bool_)
        indices, texts = self._block.categories(self._table.columns[STATIC])
        return np.array([text == "1" for text in texts], np.bool_)[indices]

    def _weigh(self, name: str, sort: Sort, codes: NDArray[np.uint8]) -> None:
        """Note what speaks against a whole column; whether it counts is known at the end of the file."""
        if name in self._ids:
            damaged = damage(self._ids[name].read)
        else:
            suspicious = codes == Fault.SUSPICIOUS_IDENTIFIER
            damaged = Damage(int(np.count_nonzero(self._filled(name))), int(np.count_nonzero(suspicious)))
        self._evidence[name], rows = weigh(self._text(name), sort, self._table.now, damaged)
        if len(rows):
            self._note(Fault.MISPLACED_IDENTIFIER, (name,), rows)

    def _look_at_groups(self) -> None:
        """See that one column of each group is filled."""
        for names, fault in self._table.kind.groups:
            there = [name for name in names if name in self._table.columns]
            # Where all of them are missing, the header has been told; but static calls need none.
            if there or STATIC in self._table.columns:
                filled = [self._filled(name) for name in there]
                empty = ~np.logical_or.reduce([self._static(), *filled])
                self._mark_rows(fault, there, empty)

    def _look_at_identifiers(self) -> None:
        there = [name for name in EVENT_IDENTIFIERS if name in self._table.columns]
        if len(there) > 1:
            filled = np.sum([self._filled(name) for name in there], axis=0)
            self._mark_rows(Fault.SEVERAL_IDENTIFIERS, there, filled > 1)

    def _look_at_contacts(self) -> None:
        for plain, hashed in _HASHED.items():
            if {plain, hashed} <= self._table.columns.keys():
                both = self._filled(plain) & self._filled(hashed)
                self._mark_rows(Fault.PLAIN_CONTACTS, [plain, hashed], both)

    def _mark(self, name: str, codes: NDArray[np.uint8]) -> None:
        """Count the faults of a column."""
        if not codes.any():
            return
        self._refused |= _IS_ERROR[codes]
        for fault in np.flatnonzero(np.bincount(codes)).tolist():
            if fault:
                self._note(Fault(fault), (name,), np.flatnonzero(codes == fault))

    def _mark_rows(self, fault: Fault, names: Sequence[str], rows: NDArray[np.bool_]) -> None:
        """Count a fault that lies between several columns."""
        if rows.any():
            self._refused |= rows & _IS_ERROR[fault]
            self._note(fault, names, np.flatnonzero(rows))

    def _note(self, fault: Fault, names: Sequence[str], rows: NDArray[np.intp]) -> None:
        """Keep a fault with its first places."""
        some = rows[:EXAMPLES]
        values = [""] * len(some)
        if len(names) == 1:
            cells = self._block.text(self._table.columns[names[0]], number_column(some)).to_pylist()
            values = [shown(cell, self._table.kind.columns[names[0]].sort) for cell in cells]
        column = ", ".join(self._table.columns[name] for name in names)
        sights = list(zip(self._block.rows[some].tolist(), values, strict=True))
        self._found.append(Found(fault, column, len(rows), sights))

    def _keyed(self) -> Keyed | None:
        """Give the rows that can be compared: events that name visitor and time, and whatever has an id of its own."""
        own = next((name for name in OWN_IDS if name in self._ids), None)
        if own is not None:
            return keyed_records(self._ids[own], self._block.rows)
        if self._times is None:
            return None
        sorts = {name: self._table.kind.columns[name].sort for name in EVENT_IDENTIFIERS if name in self._ids}
        ids = {name: (self._ids[name], _RULES[sort]) for name, sort in sorts.items()}
        others = [self._words(name) for name in _DISTINGUISHING if name in self._table.columns]
        return keyed_events(ids, self._static(), self._times.unix, others, self._block.rows)

    def _words(self, name: str) -> Keys:
        """Give 128 bits that tell the texts of a column apart."""
        indices, texts = self._block.categories(self._table.columns[name])
        low, high = text_words(text_column(texts))
        return Keys(low[indices], high[indices])
