"""A second source, such as the clients beside the orders, put to each row by its key.

The second source is read as a whole before the first row is; memory is bounded by its size.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import Block, Deferred
from csvexport.columns import number_column, numbers, text_column
from csvexport.errors import ProfileError, SourceError
from csvexport.profile import ExportSettings, JoinSettings
from csvexport.profile.addresses import CREDENTIALS, is_address, refuse_exposure
from csvexport.profile.wording import some, suggestion, written
from csvexport.sources.protocol import Source, WidenedSource
from csvexport.summary import SourceFacts

# Between the parts of a key of several columns; no export holds it.
_SEPARATOR: Final = "\x1f"


class Lookup:
    """The second source, in memory, by key.

    Attributes:
        columns: names of its columns, prefixed.
        on: the keys' columns in the first source.
    """

    def __init__(self, sources: Sequence[Source], settings: JoinSettings) -> None:
        """Read the second source.

        Args:
            sources: its files.
            settings: which columns are the key, and the prefix.

        Raises:
            SourceError: it cannot be read to its end.
            ProfileError: it lacks a column of the key.
        """
        self.on = tuple(settings.on)
        self._prefix = settings.prefix
        names = tuple(dict.fromkeys(name for source in sources for name in source.columns))
        _refuse_missing(settings.on.values(), names, sources[0].label)
        self.columns = tuple(settings.prefix + name for name in names)
        self._facts: list[SourceFacts] = []
        parts: dict[str, list[pa.StringArray]] = {name: [] for name in names}
        self._unreadable = 0
        for source in sources:
            self._read(source, parts)
        # Behind the last row stands an empty one, which is what a row without a match gets.
        self._cells = {name: pa.concat_arrays([*cells, text_column([""])]) for name, cells in parts.items()}
        keys = _keys([self._cells[name] for name in settings.on.values()])[:-1]
        # Of several rows with one key the last counts, as everywhere.
        self._rows = {key: row for row, key in enumerate(keys) if key}
        self._nothing = len(keys)
        self._repeated = sum(count > 1 for key, count in Counter(keys).items() if key)
        self._unmatched: list[int] = []

    def _read(self, source: Source, parts: Mapping[str, list[pa.StringArray]]) -> None:
        rows = 0
        left_out: Counter[str] = Counter()
        for piece in source.pieces():
            block = source.parse(piece, ())
            for name, cells in parts.items():
                count = len(block.rows)
                cells.append(block.text(name) if name in block.columns else text_column([""] * count))
            rows += len(block.rows) + len(block.bad)
            self._unreadable += len(block.bad)
            left_out.update(block.left_out)
        self._facts.append(source.facts(rows, left_out))

    def find(self, keys: Sequence[pa.StringArray]) -> NDArray[np.int32]:
        """Give for each row, whose keys these columns hold, the row here that has its key."""
        texts = _keys(keys)
        found = np.array([self._rows.get(text, self._nothing) for text in texts], np.int32)
        self._unmatched.append(int(np.count_nonzero(found == self._nothing)))
        return found

    def cells(self, name: str, rows: NDArray[np.int32]) -> pa.StringArray:
        """Give the cells of a column, prefixed, at rows that `find` gave."""
        return self._cells[name.removeprefix(self._prefix)].take(number_column(rows))

    def facts(self) -> list[SourceFacts]:
        """Describe the second source after the first has been read."""
        counts = {"unmatched": sum(self._unmatched), "repeated": self._repeated, "unreadable": self._unreadable}
        first, *others = self._facts
        return [replace(first, joined=counts), *(replace(one, joined={}) for one in others)]


class _Column:
    """A column of the second source, put to the rows of a block."""

    def __init__(self, lookup: Lookup, name: str, rows: NDArray[np.int32]) -> None:
        self._lookup = lookup
        self._name = name
        self._rows = rows

    def take(self, places: pa.Array | None) -> pa.StringArray:
        """Give the column, or the rows of it at these places, as text."""
        return self._lookup.cells(self._name, self._rows if places is None else self._rows[numbers(places)])


class JoinedSource(WidenedSource):
    """A source to whose rows those of a second one were put.

    Attributes:
        lookup: the second one.
    """

    def __init__(self, source: Source, lookup: Lookup) -> None:
        """Join.

        Raises:
            ProfileError: the source lacks a column of the key.
            SourceError: both have a column of one name.
        """
        _refuse_missing(lookup.on, source.columns, source.label)
        both = next((name for name in lookup.columns if name in source.columns), None)
        if both is not None:
            raise SourceError(
                f'{source.label}: the column "{both}" is in the joined source as well; give source.join another prefix'
            )
        super().__init__(source, lookup.columns)
        self.lookup = lookup

    def _more(self, block: Block) -> Mapping[str, Deferred]:
        rows = self.lookup.find([block.text(name) for name in self.lookup.on])
        return {name: _Column(self.lookup, name, rows) for name in self.lookup.columns}


def with_access(join: JoinSettings, settings: ExportSettings) -> JoinSettings:
    """Give the second source the credentials of the first, if it has none and both are on one server."""
    shared = {"ca", "timeout", "time_limit", "max_megabytes"}
    remote = [path for path in (*settings.path, *join.path) if is_address(path)]
    if not join.model_fields_set.intersection(CREDENTIALS):
        # On another server they would be known to someone whom they are none of the business of.
        with suppress(ValueError):
            refuse_exposure(remote)
            shared.update(CREDENTIALS)
    missing = {key for key in shared if key in settings.model_fields_set} - join.model_fields_set
    return join.model_copy(update={key: getattr(settings, key) for key in missing})


def _keys(columns: Sequence[pa.StringArray]) -> list[str]:
    """Give the key of each row, trimmed; empty if any part is, since what is missing equals nothing."""
    if len(columns) == 1:
        return [text.strip() for text in columns[0].to_pylist()]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    trimmed = ([part.strip() for part in parts] for parts in rows)
    return [_SEPARATOR.join(parts) if all(parts) else "" for parts in trimmed]


def _refuse_missing(wanted: Collection[str], columns: Sequence[str], label: str) -> None:
    mistakes = [
        f"source.join.on: {label} has no column {written(name)}{suggestion(name, columns)}"
        for name in wanted
        if name not in columns
    ]
    if mistakes:
        raise ProfileError([*mistakes, f"the columns of {label}: {some(columns)}"])
