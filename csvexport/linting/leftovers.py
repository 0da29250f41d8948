"""The records of a piece that are no rows: where they stand, and which of them are no text.

A source leaves out what is no row, since it does no harm in a CRM's export; here it goes to Yandex with the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import is_utf_8
from csvexport.linting.catalogue import Fault
from csvexport.linting.opening import Look, codec_of_pieces
from csvexport.linting.rows import EXAMPLES, Found
from csvexport.sources.delimited import Piece
from csvexport.sources.records import read_record
from csvexport.sources.tables import TOTALS

_FAULTS: Final = {"blank": Fault.BLANK_ROW, "header": Fault.REPEATED_HEADER, "total": Fault.TOTALS_ROW}


def leftovers(look: Look, piece: Piece, block: Block) -> list[Found]:
    """Find what of a piece is no row, or none that can be read; `block` is what the piece was parsed to."""
    return [*_left_out(look, piece, block), *_bad(look, piece, block)]


def _left_out(look: Look, piece: Piece, block: Block) -> list[Found]:
    kinds = {what: count for what, count in block.left_out.items() if count}
    if not kinds:
        return []
    stands = np.ones(block.records, np.bool_)
    stands[block.rows] = False
    stands[[bad.row for bad in block.bad]] = False
    places = np.flatnonzero(stands)
    if len(kinds) == 1:
        return [_found(_FAULTS[what], places) for what in kinds]
    records = _records_at(look, piece, places)
    told = np.array([_told(look, records[place]) for place in places.tolist()])
    return [_found(_FAULTS[what], places[told == what]) for what in kinds]


def _told(look: Look, cells: Sequence[bytes]) -> str:
    """Tell what a record is that is no row."""
    filled = [cell for cell in cells if cell.strip()]
    if not filled:
        return "blank"
    first = filled[0].decode(codec_of_pieces(look.form), "replace") if look.form else ""
    return "total" if TOTALS.fullmatch(first.strip().rstrip(" :")) else "header"


def _bad(look: Look, piece: Piece, block: Block) -> list[Found]:
    """Give the records that cannot be read; those apart whose bytes are no UTF-8 in a file that is else."""
    if not block.bad:
        return []
    broken: set[int] = set()
    places = np.array([bad.row for bad in block.bad], np.int64)
    if look.form and look.form.codec == "utf-8" and not is_utf_8(piece.data, piece.end):
        records = _records_at(look, piece, places)
        broken = {place for place, cells in records.items() if not _is_text(b"".join(cells))}
    rest = [(bad.row, bad.reason) for bad in block.bad if bad.row not in broken]
    found = [_found(Fault.BROKEN_TEXT, np.array(sorted(broken), np.int64))] if broken else []
    return [*found, Found(Fault.BAD_ROW, "", len(rest), rest[:EXAMPLES])] if rest else found


def _found(fault: Fault, places: NDArray[np.int64]) -> Found:
    return Found(fault, "", len(places), [(place, "") for place in places[:EXAMPLES].tolist()])


def _is_text(data: bytes) -> bool:
    return is_utf_8(data, len(data))


def _records_at(look: Look, piece: Piece, places: NDArray[np.int64]) -> Mapping[int, Sequence[bytes]]:
    """Read the records at some places of a piece; one with broken quoting is given as one cell."""
    wanted = set(places.tolist())
    found: dict[int, Sequence[bytes]] = {}
    position = number = 0
    delimiter = look.delimiter.encode()
    while position < piece.end and len(found) < len(wanted):
        record = read_record(piece.data, position, delimiter, at_end=True)
        if record is None:
            break
        if number in wanted:
            found[number] = record.cells or [piece.data[position : record.end]]
        position = record.end
        number += 1
    return found
