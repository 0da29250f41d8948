"""The library's face: sources and results as pandas DataFrames whose columns are Arrow's.

from csvexport import Profile, convert, read_source

profile = Profile.load("profile.toml")
result = convert(profile, pandas.concat(read_source(profile)))
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from csvexport.blocks import Block, Rejected
from csvexport.columns import mask_column
from csvexport.formats import conversions
from csvexport.issues import Code
from csvexport.profile import Profile, check_columns
from csvexport.scratch import scratch_folder
from csvexport.sources import open_sources
from csvexport.transform.conversions import Conversions as ConversionKind
from csvexport.transform.others import RecordFile, drop_others
from csvexport.transform.plan import Period
from csvexport.transform.results import Judged, Lines, count_warnings


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


def read_source(profile: Profile, *exports: str | Path) -> Iterator[pd.DataFrame]:
    """Read the profile's sources, or these exports, block by block.

    Args:
        profile: its `[source]` says where the exports are, relative to the profile.
        exports: paths that stand instead of `source.path`, relative to the current folder.

    Yields:
        Frames of text columns (`ArrowDtype(string)`); the index is the number of each row as a spreadsheet shows it.
        `frame.attrs["bad_rows"]` lists what cannot be read, and so is not in the frame: (row, text, reason).

    Raises:
        SourceError: a source cannot be read.
        ProfileError: a source lacks a column that the profile names.
    """
    paths = [str(export) for export in exports]
    expected = {column for column, _ in profile.places()}
    with scratch_folder() as scratch:
        for source in open_sources(profile.source, profile.path.parent, paths, expected, scratch):
            check_columns(profile, source.columns, may_lack=not source.header_row)
            row = source.header_row + 1
            for piece in source.pieces():
                block = source.parse(piece, frozenset())
                yield _frame(block, row)
                row += block.records


def _frame(block: Block, first: int) -> pd.DataFrame:
    """Give a block as a frame; `first` is the number of its first row."""
    frame = _text_frame({name: block.text(name) for name in block.columns})
    frame.index = pd.Index(block.rows + first, name="row")
    frame.attrs["bad_rows"] = [(first + bad.row, bad.text, bad.reason) for bad in block.bad]
    return frame


def _text_frame(columns: Mapping[str, pa.StringArray]) -> pd.DataFrame:
    return pa.table(dict(columns)).to_pandas(types_mapper=pd.ArrowDtype)


def convert(profile: Profile, frame: pd.DataFrame, now: datetime | None = None) -> Conversions:
    """Turn the rows of a frame into conversions, as a build does with a whole source.

    Duplicates are found within the frame, so frames that belong together are joined first: `pd.concat`. Unlike a build
    it gives what there is, however much of it is rejected.

    Args:
        profile: which columns become what.
        frame: the columns that the profile names must be text; a missing value counts as an empty cell. Numbers are
            refused, since what a float made of an identifier cannot be seen any more.
        now: the moment that decides what is future or old, aware; None: this moment.

    Raises:
        ProfileError: the frame lacks a column that the profile names.
        TypeError: a column that the profile names is no text.
        ValueError: the profile has no goals, `now` has no zone, or two columns bear a name that the profile names.
    """
    if not profile.goals:
        raise ValueError("the profile has no goals, and conversions are all that convert makes; build makes the rest")
    check_columns(profile, [name for name in frame.columns if isinstance(name, str)])
    columns = {name: _text(frame, name) for name, _ in profile.places()}
    block = Block(columns, "utf-8", np.arange(len(frame)), len(frame))
    kind = ConversionKind(profile, _period(profile, now or datetime.now(UTC)))
    converted = kind.judge(block)
    files, settled = _files(kind, converted)
    issues = converted.issues + settled
    return Conversions(
        files, _rejected(converted.rows, frame), {code.text: int(issues[code]) for code in Code if issues[code]}
    )


def _period(profile: Profile, now: datetime) -> Period:
    if now.tzinfo is None:
        raise ValueError(f"now, {now}, has no zone; write datetime(..., tzinfo=UTC)")
    zone = ZoneInfo(profile.timezone)
    since = profile.since.bound(now, zone) if profile.since else None
    until = profile.until.bound(now, zone) if profile.until else None
    return Period(int(now.timestamp()), since, until)


def _text(frame: pd.DataFrame, name: str) -> pa.StringArray:
    """Give a column of a frame as text without nulls."""
    column = frame[name]
    if isinstance(column, pd.DataFrame):
        raise ValueError(f'the frame has {column.shape[1]} columns "{name}"; rename all but one')  # noqa: TRY004
    if pd.api.types.is_string_dtype(column.dtype):
        # A column of objects may hold anything.
        with suppress(pa.ArrowTypeError):
            text = pa.array(column.fillna(""), pa.string())
            return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    raise TypeError(
        f'column "{name}" holds {column.dtype}, not text: read the source with dtype=str, so that no digit of an'
        " identifier is lost"
    )


def _files(kind: ConversionKind, converted: Judged) -> tuple[dict[str, pd.DataFrame], NDArray[np.int64]]:
    """Give the lines of each id type, each event once, and the issues: what the others are, and warnings."""
    files: dict[str, pd.DataFrame] = {}
    issues = np.zeros(len(Code), np.int64)
    with scratch_folder() as folder, ExitStack() as stack:
        records = [
            stack.enter_context(closing(RecordFile(folder, identifier, list(kind.files).index(identifier))))
            for identifier in converted.lines
        ]
        for record, lines in zip(records, converted.lines.values(), strict=True):
            record.add(lines)
            dropped = record.settle()
            issues[Code.DUPLICATE] += dropped.same
            issues[Code.SUPERSEDED] += dropped.other
        issues[Code.SENT_BY_OTHER_IDENTIFIER] += drop_others(records)
        for record, (identifier, lines) in zip(records, converted.lines.items(), strict=True):
            files[identifier] = _lines(identifier, lines, ~record.dropped)
            if identifier in converted.warnings:
                issues += count_warnings(converted.warnings[identifier][~record.dropped])
    return files, issues


def _lines(identifier: str, lines: Lines, keep: NDArray[np.bool_]) -> pd.DataFrame:
    text = "".join(lines.text.filter(mask_column(keep)).to_pylist())
    types = {name: pa.string() for name in (identifier, "Target", "Price", "Currency")} | {"DateTime": pa.int64()}
    table = pyarrow.csv.read_csv(
        pa.BufferReader(conversions.file(identifier).header + text.encode()),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _rejected(rejected: Rejected, frame: pd.DataFrame) -> pd.DataFrame:
    says = _text_frame(dict(zip(("code", "column", "value", "remedy"), rejected.says, strict=True)))
    own = frame.iloc[rejected.rows]
    says.index = own.index
    return pd.concat([says, own], axis=1)
