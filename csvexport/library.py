"""The library's face: sources and results as pandas DataFrames whose columns are Arrow's.

from csvexport import Profile, convert, read_source

profile = Profile.load("profile.toml")
for frame in read_source(profile):
    result = convert(profile, frame)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import mask_column
from csvexport.formats import conversions
from csvexport.issues import Code
from csvexport.profile import Profile, check_columns
from csvexport.sources import open_sources
from csvexport.transform.duplicates import DuplicateFinder, worth
from csvexport.transform.rejects import Rejected
from csvexport.transform.rows import Converted, Lines, Plan
from csvexport.transform.rows import convert as convert_block


@dataclass(frozen=True, slots=True)
class Conversions:
    """What became of a frame.

    Attributes:
        files: by id type the lines of its file: columns of text `Yclid` (or the other id type), `Target`, `Price` and
            `Currency`, and `DateTime` in Unix seconds (int64).
        rejected: the rows that cannot be sent, indexed as in the frame, with `code`, `column`, `value` and `remedy`
            before their own columns.
        issues: occurrences by code: `{"bad-time": 12}`.
    """

    files: dict[str, pd.DataFrame]
    rejected: pd.DataFrame
    issues: dict[str, int]


def read_source(profile: Profile, *exports: str) -> Iterator[pd.DataFrame]:
    """Read the profile's sources, or these exports, block by block.

    Yields:
        Frames of text columns (`ArrowDtype(string)`); the index is the number of each row as a spreadsheet shows it.
        `frame.attrs["bad_rows"]` lists what cannot be read: (row, text, reason).

    Raises:
        SourceError: a source cannot be read.
        ProfileError: a source lacks a column that the profile names.
    """
    for source in open_sources(profile, exports, {column for column, _ in profile.places()}):
        check_columns(profile, source.columns)
        row = source.header_row + 1
        for piece in source.pieces():
            block = source.parse(piece, frozenset())
            yield _frame({name: block.text(name) for name in block.columns}, block.rows + row, block, row)
            row += block.records


def _frame(columns: dict[str, pa.StringArray], rows: NDArray[np.int64], block: Block, first: int) -> pd.DataFrame:
    table = pa.table(columns)
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    frame.index = pd.Index(rows, name="row")
    frame.attrs["bad_rows"] = [(first + bad.row, bad.text, bad.reason) for bad in block.bad]
    return frame


def convert(profile: Profile, frame: pd.DataFrame, now: datetime | None = None) -> Conversions:
    """Turn the rows of a frame into conversions, as a build does with a whole source.

    Args:
        profile: which columns become what.
        frame: columns of text; a missing value counts as an empty cell. Columns of numbers are refused, since what a
            float made of an identifier cannot be seen any more.
        now: the moment that decides what is future or old, aware; None: this moment.

    Raises:
        ProfileError: the frame lacks a column that the profile names.
        TypeError: a column that the profile names is no text.
    """
    check_columns(profile, list(frame.columns))
    moment = now or datetime.now(UTC)
    zone = ZoneInfo(profile.timezone)
    plan = Plan(
        profile,
        int(moment.timestamp()),
        profile.since.bound(moment, zone) if profile.since else None,
        profile.until.bound(moment, zone) if profile.until else None,
    )
    columns = {str(name): _text(frame[name]) for name in frame.columns}
    block = Block(columns, "utf-8", np.arange(len(frame)), len(frame))
    converted = convert_block(plan, block)
    files, dropped = _files(converted)
    issues = converted.issues + dropped
    return Conversions(
        files,
        _rejected(converted.rows, list(columns), frame.index),
        {code.text: int(issues[code]) for code in Code if issues[code]},
    )


def _text(series: pd.Series) -> pa.StringArray:
    """Give a column of a frame as text without nulls."""
    if not pd.api.types.is_string_dtype(series.dtype):
        raise TypeError(
            f'column "{series.name}" holds {series.dtype}, not text: read the source with dtype=str, so that no digit'
            " of an identifier is lost"
        )
    column = pa.array(series.fillna(""), pa.string())
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _files(converted: Converted) -> tuple[dict[str, pd.DataFrame], NDArray[np.int64]]:
    """Give the lines of each id type without duplicates, and the issues that those are."""
    files: dict[str, pd.DataFrame] = {}
    issues = np.zeros(len(Code), np.int64)
    for identifier, lines in converted.lines.items():
        with TemporaryDirectory(prefix="csvexport-") as folder:
            finder = DuplicateFinder(Path(folder), identifier)
            finder.add(lines.keys, worth(lines.facts.micro, lines.facts.currency))
            dropped = finder.settle()
            finder.close()
        issues[Code.DUPLICATE] += dropped.duplicates
        issues[Code.SUPERSEDED] += dropped.superseded
        files[identifier] = _lines(identifier, lines, ~dropped.mask)
    return files, issues


def _lines(identifier: str, lines: Lines, keep: NDArray[np.bool_]) -> pd.DataFrame:
    text = "".join(lines.text.filter(mask_column(keep)).to_pylist())
    types = {name: pa.string() for name in (identifier, "Target", "Price", "Currency")} | {"DateTime": pa.int64()}
    table = pyarrow.csv.read_csv(
        pa.BufferReader(conversions.header(identifier) + text.encode()),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _rejected(rejected: Rejected, columns: Sequence[str], index: pd.Index) -> pd.DataFrame:
    names = ("code", "column", "value", "remedy")
    cells = rejected.cells or [pa.array([], pa.string())] * len(columns)
    table = pa.table([*rejected.says, *cells], [*names, *columns])
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    frame.index = index[rejected.rows]
    return frame
