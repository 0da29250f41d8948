"""A file for Yandex looked at before it is read: what it is, and what its beginning alone gets wrong."""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from csvexport.errors import SourceError
from csvexport.linting.catalogue import Fault
from csvexport.linting.kinds import API_ONLY, KNOWN, STATIC, Kind, fold, recognise
from csvexport.linting.showing import short
from csvexport.masking import masked
from csvexport.profile import ExportSettings
from csvexport.profile.wording import suggestion
from csvexport.sources.delimited import DelimitedFile
from csvexport.sources.detection import DELIMITERS, LINE_BREAKS, SAMPLE_BYTES, Form, detect
from csvexport.sources.forms import find_format
from csvexport.sources.labels import label_of
from csvexport.sources.packed import ARCHIVES
from csvexport.sources.records import read_record
from csvexport.sources.tables import HEADER_WITHIN
from csvexport.verdicts import Sight

# What programs call a column of row names: R, R when it has to, pandas, pandas when it has to.
_ROW_NAMES: Final = frozenset({"", "X", "Unnamed: 0", "row.names", "index"})
_NUMBERED: Final = 20

_FORMS: Final = {"json": "JSON", "jsonl": "JSON", "xml": "XML", "parquet": "a Parquet file"}
_WORDS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

# What of a strange header may be looked at: words, but no numbers and nothing personal.
_MOST_NAMES: Final = 8
_ROW_LIKE: Final = re.compile(r"[\s.,:+/-]*+\d[\d\s.,:+/-]*+|.*@.*")


class Remark(NamedTuple):
    """A fault that concerns the file."""

    fault: Fault
    sight: Sight


@dataclass(frozen=True, slots=True)
class Look:
    """What a file is.

    Attributes:
        path: the file.
        label: how messages name it.
        size: bytes.
        form: encoding, delimiter, header; None where it is no delimited text.
        kind: None where it is none that Yandex takes.
        header: the cells of its header, to the letter.
        columns: Yandex's name to place in the header, of those that it has.
        numbered: whether the first column only numbers the rows.
        remarks: what is wrong so far.
        expected: columns by which the header is found.
    """

    path: Path
    label: str
    size: int
    form: Form | None
    kind: Kind | None
    header: tuple[str, ...]
    columns: Mapping[str, int]
    numbered: bool
    remarks: tuple[Remark, ...]
    expected: frozenset[str] = frozenset()

    @property
    def delimiter(self) -> str:
        """Its delimiter; "" where it is no delimited text."""
        return self.form.delimiter.decode() if self.form else ""

    @property
    def right_delimiter(self) -> str:
        """The delimiter that it should have."""
        return self.kind.right_delimiter(self.delimiter, self.columns) if self.kind else self.delimiter

    def source(self) -> DelimitedFile:
        """Open it as a source of rows."""
        return DelimitedFile(self.path, self.label, ExportSettings(), self.expected)


def look(path: Path, limit: int | None = None) -> Look:
    """Look at a file.

    Args:
        path: the file.
        limit: how many bytes its receiver takes, if other than known.

    Raises:
        SourceError: it cannot be opened or read.
    """
    label = label_of(str(path))
    try:
        if path.exists() and not path.is_file():
            what = "a folder; name the files in it" if path.is_dir() else "no regular file; save its content to a file"
            raise SourceError(f"{label}: this is {what}")
        size = path.stat().st_size
        with path.open("rb") as file:
            sample = file.read(SAMPLE_BYTES)
        refusal = _refusal(path, sample)
        if refusal:
            return _no_table(path, label, size, Remark(Fault.NOT_CSV, Sight(None, "", refusal)))
        return _look_at_text(path, label, size, sample, limit)
    except FileNotFoundError as error:
        raise SourceError(f"{label}: no such file; check the path (looked for {path.absolute()})") from error
    except OSError as error:
        raise SourceError(f"{label}: cannot be read: {error.strerror}") from error


def _refusal(path: Path, sample: bytes) -> str | None:
    """Say what a file is instead of a CSV; None if it may be one."""
    form = find_format(path)
    if form in _FORMS:
        return _FORMS[form]
    if form != "csv":
        return f"a workbook ({form})"
    return "an archive" if sample.startswith(ARCHIVES) else None


def _no_table(path: Path, label: str, size: int, remark: Remark) -> Look:
    return Look(path, label, size, None, None, (), {}, numbered=False, remarks=(remark,))


def _look_at_text(path: Path, label: str, size: int, sample: bytes, limit: int | None) -> Look:
    if not sample.strip():
        return _no_table(path, label, size, Remark(Fault.UNKNOWN_KIND, Sight(None, "", "the file is empty")))
    expected = _names_in(sample)
    try:
        form = detect(path, label, ExportSettings(), expected)
    except SourceError as error:
        said = str(error).removeprefix(f"{label}: ")
        return _no_table(path, label, size, Remark(Fault.NOT_CSV, Sight(None, "", said)))
    records = [*_records(beginning(sample, form), form)]
    header = tuple(records[form.header - 1])
    kind = recognise(header) if not form.heading.hidden else None
    numbered = kind is not None and _is_numbered(header, records[form.header :])
    columns = _places(header, kind) if kind else {}
    known = Look(path, label, size, form, kind, header, columns, numbered, (), expected)
    return replace(known, remarks=tuple(_remarks(known, limit)))


def _names_in(sample: bytes) -> frozenset[str]:
    """Give what looks like a column of Yandex's among the first lines, as it is spelled there."""
    folded = frozenset(map(fold, KNOWN))
    text = sample[: 1 << 16].replace(b"\0", b"").decode("latin-1")
    cells = re.split(rf"[\r\n{re.escape(b''.join(DELIMITERS).decode())}]", text, maxsplit=40 * HEADER_WITHIN)
    trimmed = {cell.strip().strip('"').strip() for cell in cells}
    return KNOWN | {cell for cell in trimmed if fold(cell) in folded}


def beginning(sample: bytes, form: Form) -> bytes:
    """Give the beginning of the text as a source's pieces give the rest: UTF-16 as UTF-8, line feeds between lines."""
    text = sample[form.mark :]
    if form.encoding == "utf-16":
        text = codecs.getincrementaldecoder(form.codec)("replace").decode(text).encode()
    return text.translate(LINE_BREAKS) if form.returns_only else text


def codec_of_pieces(form: Form) -> str:
    """The codec of what a source's pieces hold."""
    return "utf-8" if form.encoding == "utf-16" else form.codec


def _records(text: bytes, form: Form) -> Iterator[list[str]]:
    """Give the records up to the header and some below it, to the letter."""
    position = 0
    codec = codec_of_pieces(form)
    for _ in range(form.header + _NUMBERED):
        record = read_record(text, position, form.delimiter, at_end=True) if position < len(text) else None
        if record is None:
            return
        yield [cell.decode(codec, "replace") for cell in record.cells or []]
        position = record.end


def _places(header: Sequence[str], kind: Kind) -> dict[str, int]:
    """Find the columns of a kind in a header; of two alike the first, an exact one before any other."""
    places: dict[str, int] = {}
    for name in kind.columns:
        alike = [place for place, cell in enumerate(header) if fold(cell) == fold(name)]
        exact = [place for place in alike if header[place] == name]
        if alike:
            places[name] = (exact or alike)[0]
    return places


def _is_numbered(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first column holds nothing but the numbers of the rows, as R and pandas write them."""
    cells = [row[0].strip() for row in rows if any(map(str.strip, row))]
    if header[0].strip() not in _ROW_NAMES or not cells:
        return False
    return any(cells == [str(start + number) for number in range(len(cells))] for start in (0, 1))


def _remarks(look: Look, limit: int | None) -> Iterator[Remark]:
    """Say what is wrong with the file as a whole and with its header."""
    form, kind = look.form, look.kind
    if form is None:
        return
    if kind is None:
        yield Remark(Fault.UNKNOWN_KIND, Sight(form.header, "", _header_in_words(look)))
        return
    most = kind.limit(look.right_delimiter) if limit is None else limit
    if look.size > most:
        yield Remark(Fault.TOO_LARGE, Sight(None, "", f"{look.size:,} bytes, {most:,} are taken"))
    if form.encoding != "utf-8":
        yield Remark(Fault.WRONG_ENCODING, Sight(None, "", form.encoding))
    elif form.mark:
        yield Remark(Fault.BYTE_ORDER_MARK, Sight(1))
    # Of a single column nobody can tell what would separate it from others.
    if look.delimiter != look.right_delimiter and len(look.header) > 1:
        words = f"{_WORDS[look.delimiter]} instead of {_WORDS[look.right_delimiter]}"
        yield Remark(Fault.WRONG_DELIMITER, Sight(form.header, "", words))
    if form.returns_only:
        yield Remark(Fault.LINE_ENDINGS, Sight(None))
    if form.header > 1:
        yield Remark(Fault.HEADER_ROW, Sight(form.header))
    yield from _remarks_on_names(look, form, kind)
    yield from _remarks_on_absence(look, form, kind)


def _header_in_words(look: Look) -> str:
    """Say what a header is that names no column of Yandex's; cells that may be a row's are not repeated."""
    names = [name.strip() for name in look.header]
    if look.form and look.form.heading.hidden:
        return "this is a rejected.csv of csvexport; correct it and build it"
    if any(_ROW_LIKE.fullmatch(name) or masked(name) != name for name in names if name):
        return "the first line is a row, not the names of the columns"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"it is {', '.join(map(short, names[:_MOST_NAMES]))}{more}"


def _remarks_on_names(look: Look, form: Form, kind: Kind) -> Iterator[Remark]:
    named = {place: name for name, place in look.columns.items()}
    known = {fold(name): name for name in kind.columns}
    for place, (cell, own) in enumerate(zip(look.header, form.heading.names, strict=False)):
        shown = short(own)
        if place == 0 and look.numbered:
            yield Remark(Fault.ROW_NAME_COLUMN, Sight(form.header, shown))
        elif place in named and cell != named[place]:
            yield Remark(Fault.HEADER_CASE, Sight(form.header, shown, f"{named[place]} is right"))
        elif place not in named and fold(cell) in known:
            yield Remark(Fault.REPEATED_COLUMN, Sight(form.header, known[fold(cell)]))
        elif place not in named:
            meant = suggestion(cell.strip(), kind.columns.keys() - look.columns.keys()).strip(" ()")
            if meant or not kind.is_open or not cell.strip():
                yield Remark(Fault.UNKNOWN_COLUMN, Sight(form.header, shown, meant))
    if len(form.heading.names) > len(look.header):
        yield Remark(Fault.UNKNOWN_COLUMN, Sight(form.header, form.heading.names[-1], "every row ends in a delimiter"))


def _remarks_on_absence(look: Look, form: Form, kind: Kind) -> Iterator[Remark]:
    for name in kind.needed:
        if name not in look.columns:
            yield Remark(Fault.MISSING_COLUMN, Sight(form.header, name))
    for names, _ in kind.groups:
        # Of calls the static ones need no identifier.
        if look.columns.keys().isdisjoint({*names, STATIC}):
            yield Remark(Fault.MISSING_COLUMN, Sight(form.header, " or ".join(names)))
    for name, column in kind.columns.items():
        if (
            name not in look.columns
            and name not in kind.needed
            and column.empty
            in {
                Fault.NO_ORDER_ID,
                Fault.EMPTY_STATUS,
            }
        ):
            yield Remark(column.empty, Sight(form.header, name, "there is no such column"))
    if kind.is_for_conversion_center(look.right_delimiter):
        for name in sorted(API_ONLY.intersection(look.columns)):
            yield Remark(Fault.API_ONLY_COLUMN, Sight(form.header, name))
