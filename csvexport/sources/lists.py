"""Which list in a JSON document holds the records, and where it begins."""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csvexport.errors import SourceError
from csvexport.profile.wording import some
from csvexport.sources.flattening import DEEPEST, NoRecordError, read_record
from csvexport.sources.structure import find_brackets, find_elements, find_quotes

SAMPLE_BYTES: Final = 1 << 20
"""How much of a document is looked at before a list is chosen, unless there is none in it."""

SAMPLE_RECORDS: Final = 1000
"""How many records are looked at for their columns."""

LONGEST_RECORD: Final = 64 << 20
"""No record is longer, nor is a text in a document; waiting for their end would fill the memory."""

_COLON: Final = re.compile(rb"\s*:\s*")
_BEGINNING: Final = re.compile(rb"\[\s*([{\]]?)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the records stand.

    Attributes:
        path: the names on the way to their list, joined by dots; empty where it is the whole document.
        start: offset of the first byte behind the list's bracket; 0 where the document is the one record.
        depth: how many brackets are open there.
        end: offset of the bracket that ends it, None where that was not looked for.
        is_empty: whether there are none.
        is_numbered: whether they stand in an object, under their numbers, as PHP writes a list with gaps.
    """

    path: str
    start: int
    depth: int
    end: int | None = None
    is_empty: bool = False
    is_numbered: bool = False


class _Buffer(NamedTuple):
    """A part of the document, cut behind a bracket, so that no text and no name is cut in two."""

    data: bytes
    offset: int
    quotes: NDArray[np.int64]
    places: list[int]
    depths: NDArray[np.int64]

    def name_before(self, place: int) -> str:
        """Give the name of the value that begins there; empty where it has none."""
        last = int(np.searchsorted(self.quotes, place)) - 1
        if last < 1 or not _COLON.fullmatch(self.data, int(self.quotes[last]) + 1, place):
            return ""
        text = self.data[int(self.quotes[last - 1]) : int(self.quotes[last]) + 1]
        try:
            return str(json.loads(text))
        except ValueError:
            # It is on no way to records, or the profile names it as it stands there.
            return text[1:-1].decode("utf-8", "replace")


class _Walk:
    """A walk through the objects of a document; of every list only its beginning is looked at, and its end."""

    def __init__(self, records: str | None) -> None:
        """Begin; `records` is the list that is wanted, if it is known."""
        self._wanted = records
        self.lists: list[Place] = []
        self._names: list[str] = []
        self._starts: list[int] = []
        self._skipped: int | None = None
        self.depth = 0

    def follow(self, buffer: _Buffer) -> None:
        """Go on through the next part."""
        number = 0
        while number < len(buffer.places):
            if self._skipped is not None:
                ends = np.flatnonzero(buffer.depths[number:] == self._skipped)
                if not len(ends):
                    break
                number += int(ends[0])
                self._leave(buffer.offset + buffer.places[number])
            elif buffer.data[buffer.places[number]] in b"[{":
                self._enter(buffer, buffer.places[number], int(buffer.depths[number]))
            else:
                self._close()
            number += 1
        if len(buffer.depths):
            self.depth = int(buffer.depths[-1])

    def _enter(self, buffer: _Buffer, place: int, depth: int) -> None:
        name = buffer.name_before(place)
        if buffer.data[place : place + 1] == b"{":
            path = ".".join(self._names[1:])
            if name.isdecimal() and self._names and self._wanted in {None, path}:
                self.lists.append(Place(path, self._starts[-1], depth - 1, is_numbered=True))
                self._skipped = depth - 2
                return
            if len(self._names) == DEEPEST:
                raise NoRecordError("it is nested too deeply")
            self._names.append(name)
            self._starts.append(buffer.offset + place + 1)
            return
        path = ".".join([*self._names, name][1:])
        beginning = _BEGINNING.match(buffer.data, place)
        first = beginning[1] if beginning else b""
        if first:
            self.lists.append(Place(path, buffer.offset + place + 1, depth, is_empty=first == b"]"))
        self._skipped = depth - 1

    def _leave(self, end: int) -> None:
        if self.lists and self.lists[-1].end is None:
            if self.lists[-1].is_numbered:
                self._close()
            self.lists[-1] = replace(self.lists[-1], end=end)
        self._skipped = None

    def _close(self) -> None:
        if not self._names:
            raise NoRecordError("a bracket is closed that was not opened")
        self._names.pop()
        self._starts.pop()


def find_list(file: BinaryIO, label: str, records: str | None, expected: Collection[str]) -> Place:
    """Find the records of a JSON document.

    Args:
        file: the document, UTF-8.
        label: how messages name it.
        records: the names on the way to the list, joined by dots; None: it is found by looking.
        expected: columns that the profile names; the list whose records have most of them is meant, and where none has
            any, the longest.

    Raises:
        SourceError: there is no such list, several are equally likely, or the document is cut off.
        OSError: the file cannot be read.
    """
    walk = _Walk(records)
    sample = b""
    for buffer in _buffers(file, label):
        sample = sample or buffer.data
        try:
            walk.follow(buffer)
        except NoRecordError as error:
            raise ill_formed(label, error) from None
        named = [place for place in walk.lists if place.path == records]
        if named:
            return named[0]
        if records is None and any(not place.is_empty for place in walk.lists):
            return _chosen(walk.lists, sample, label, frozenset(expected))
    if walk.depth:
        raise cut_off(label)
    if records is not None:
        there = some(place.path for place in walk.lists)
        raise SourceError(f'{label}: there is no list of objects "{records}"; the lists here: {there}')
    if walk.lists:
        return walk.lists[0]
    if sample.lstrip().startswith(b"["):
        raise SourceError(f"{label}: the list holds no objects; each record must be one, with the names of its columns")
    return Place("", 0, 0)


def cut_off(label: str) -> SourceError:
    """What to say of a document that ends too early."""
    return SourceError(f"{label}: the JSON is cut off; was the download or the export interrupted? Export it again")


def ill_formed(label: str, error: NoRecordError) -> SourceError:
    """What to say of a document that is none; the error says why."""
    return SourceError(
        f"{label}: this is no well-formed JSON ({error}); have the program that wrote it corrected, or export it again"
    )


def _buffers(file: BinaryIO, label: str) -> Iterator[_Buffer]:
    """Read a document in parts that each end behind a bracket."""
    rest, offset, depth = b"", 0, 0
    while True:
        chunk = file.read(SAMPLE_BYTES)
        data = rest + chunk
        text = np.frombuffer(data, np.uint8)
        quotes = find_quotes(text)
        places, depths = find_brackets(text, quotes)
        # What a list begins with may still be to come, so that the last bracket waits for the next part.
        whole = len(places) - 1 if chunk else len(places)
        if whole > 0 or not chunk:
            yield _Buffer(data, offset, quotes, places[: max(whole, 0)].tolist(), depths[: max(whole, 0)] + depth)
            cut = int(places[whole - 1]) + 1 if whole > 0 else len(data)
            depth += int(depths[whole - 1]) if whole > 0 else 0
            rest, offset = data[cut:], offset + cut
        else:
            rest = data
        if not chunk:
            return
        if len(rest) > LONGEST_RECORD:
            raise SourceError(f"{label}: a text is longer than {LONGEST_RECORD >> 20} MiB; this is no export")


def _chosen(lists: list[Place], sample: bytes, label: str, expected: frozenset[str]) -> Place:
    """Choose among the lists that begin in the first part of the document."""
    lists = [place for place in lists if not place.is_empty]
    found = [len(expected.intersection(_names(sample, place))) for place in lists]
    likely = [place for place, count in zip(lists, found, strict=True) if count == max(found)]
    if max(found) and len(likely) > 1:
        listed = some((place.path for place in likely), "or")
        raise SourceError(f"{label}: several lists have the columns of the profile; write source.records = {listed}")
    return max(likely, key=lambda place: (place.end or len(sample)) - place.start)


def _names(sample: bytes, place: Place) -> frozenset[str]:
    data = sample[place.start : place.end]
    starts, ends, *_ = find_elements(data)
    names: set[str] = set()
    for start, end in zip(starts[:SAMPLE_RECORDS].tolist(), ends[:SAMPLE_RECORDS].tolist(), strict=True):
        with suppress(NoRecordError):
            names.update(read_record(data[start:end]))
    return frozenset(names)
