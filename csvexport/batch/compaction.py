"""Merged files of keys: however many batches were sent, a few files tell all that they held.

`.keys/` in the folder of a profile's batches holds merged files, each with a note of the batches that it covers. Eight
neighbours of about one size become one of the next level, and what is smaller than a newer neighbour is merged with it.
So there are at most seven files of each level, and a key is written anew only a few times for each level.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

from csvexport.batch.keys import FOLDER, RECORD, lost, merge
from csvexport.durable import PRIVATE_FOLDER, make_folder, replace_text
from csvexport.errors import LedgerError

# So many files of one level become one.
NEIGHBOURS: Final = 8

# Files of fewer records are all of the lowest level.
FEW: Final = 512


class Own(NamedTuple):
    """A batch that counts as sent, with its own file of keys.

    Attributes:
        batch: name of the batch.
        path: its file of keys of the kind in question.
        records: how many there are in it.
    """

    batch: str
    path: Path
    records: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file of keys, and the batches that it covers, oldest first; `is_merged` tells whether it lies in `.keys`."""

    batches: tuple[str, ...]
    path: Path
    records: int
    is_merged: bool


def covering(folder: Path, kind: str, sent: Sequence[Own]) -> list[Path]:
    """Give the files, newest first, that hold the keys of all batches that were sent.

    Args:
        folder: of the profile's batches.
        kind: of the events.
        sent: the batches, in the order in which they came to count.

    Raises:
        LedgerError: the keys of a batch are gone or damaged.
    """
    return [piece.path for piece in reversed(_pieces(folder, kind, sent))]


def compact(folder: Path, kind: str, sent: Sequence[Own]) -> None:
    """Merge neighbouring files of keys where there are many; the batches' own files stay.

    What this makes needless is removed by the next call: a reader may have chosen it, and not opened it yet.

    Args:
        folder: of the profile's batches, on which the caller holds the lock.
        kind: of the events.
        sent: the batches, in the order in which they came to count.

    Raises:
        LedgerError: the keys of a batch are gone or damaged, or there is no room for the merged ones.
    """
    pieces = _swept(folder, kind, sent)
    done: list[_Piece] = []
    for piece in pieces:
        done.append(piece)
        while (count := _crowd([_level(one.records) for one in done])) > 1:
            done[-count:] = [_merged(folder, kind, done[-count:])]


def absorb(folder: Path, kind: str, sent: Sequence[Own], going: Collection[str]) -> None:
    """Merge keys so that nobody needs the own files of some batches any more, which are about to be removed.

    Args:
        folder: of the profile's batches, on which the caller holds the lock.
        kind: of the events.
        sent: the batches, in the order in which they came to count.
        going: names of those that are about to be removed.

    Raises:
        LedgerError: the keys of a batch are gone or damaged, or there is no room for the merged ones.
    """
    pieces = _swept(folder, kind, sent)
    needed = [number for number, piece in enumerate(pieces) if not piece.is_merged and piece.batches[0] in going]
    if needed:
        _merged(folder, kind, pieces[needed[0] : needed[-1] + 1])


def holding(folder: Path, kind: str, sent: Sequence[Own], wanted: Collection[str]) -> list[Path]:
    """Give files, newest first, that hold the keys of some of the batches that were sent.

    They are the batches' own; of a batch that was removed it is a merged one, which holds keys of others too.

    Raises:
        LedgerError: the keys of a batch are gone or damaged.
    """
    own = {one.batch: one.path for one in sent if one.batch in wanted and one.path.exists()}
    removed = set(wanted) - own.keys()
    pieces = _pieces(folder, kind, sent) if removed else []
    merged = [piece.path for piece in pieces if not removed.isdisjoint(piece.batches)]
    return [*reversed(own.values()), *reversed(merged)]


def keyless(folder: Path, kind: str, sent: Sequence[Own]) -> set[str]:
    """Give the names of the batches that were sent and whose keys are in no file, neither merged nor their own."""
    merged = {name for piece in _serving(folder, kind, sent).values() for name in piece.batches}
    return {own.batch for own in sent if own.batch not in merged and not _is_whole(own)}


def _crowd(levels: Sequence[int]) -> int:
    """Tell how many of the last files are to become one; 1: none.

    Those below the level of the last one are, and all of its level if there are too many. So levels never rise from the
    oldest file to the newest.
    """
    last, before = levels[-1], levels[-2::-1]
    lower = sum(1 for _ in takewhile(lambda level: level < last, before))
    equal = sum(1 for _ in takewhile(lambda level: level == last, before))
    return equal + 1 if equal + 1 >= NEIGHBOURS else lower + 1


def _level(records: int) -> int:
    """Give the level of a file: eight times as many records are a level more."""
    return ((records // FEW).bit_length() + 2) // 3


def _pieces(folder: Path, kind: str, sent: Sequence[Own]) -> list[_Piece]:
    """Choose the files that cover all batches, oldest first: merged ones as far as they hold nothing else."""
    chosen = _serving(folder, kind, sent)
    covered = {name for piece in chosen.values() for name in piece.batches}
    for number, own in enumerate(sent):
        if own.batch not in covered:
            chosen[number] = _own_piece(own)
    return [chosen[start] for start in sorted(chosen)]


def _serving(folder: Path, kind: str, sent: Sequence[Own]) -> dict[int, _Piece]:
    """Choose merged files that hold nothing but batches that were sent, by the place of the first among these."""
    position = {own.batch: number for number, own in enumerate(sent)}
    chosen: dict[int, _Piece] = {}
    covered: set[str] = set()
    for piece in sorted(_merged_files(folder, kind), key=lambda piece: -len(piece.batches)):
        start = position.get(piece.batches[0], -1)
        names = tuple(own.batch for own in sent[start : start + len(piece.batches)]) if start >= 0 else ()
        if names == piece.batches and covered.isdisjoint(names):
            covered.update(names)
            chosen[start] = piece
    return chosen


def _swept(folder: Path, kind: str, sent: Sequence[Own]) -> list[_Piece]:
    """Choose the files that cover all batches, and remove the merged ones that do not serve any more.

    One that a killed run left, and that covers a discarded batch, would tell a restored ledger that this counts.
    """
    pieces = _pieces(folder, kind, sent)
    _sweep(folder, kind, {piece.path for piece in pieces if piece.is_merged})
    return pieces


def _own_piece(own: Own) -> _Piece:
    if not _is_whole(own):
        raise lost(own.path)
    return _Piece((own.batch,), own.path, own.records, is_merged=False)


def _is_whole(own: Own) -> bool:
    with suppress(OSError):
        return own.path.stat().st_size == own.records * RECORD.itemsize
    return False


def _merged_files(folder: Path, kind: str) -> Iterator[_Piece]:
    """Give the merged files of a kind that are whole."""
    for note in sorted((folder / FOLDER).glob(f"{kind}-*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(note.read_text(encoding="utf-8"))
            path = note.with_suffix(".bin")
            if path.stat().st_size == said["records"] * RECORD.itemsize:
                yield _Piece(tuple(said["batches"]), path, said["records"], is_merged=True)


def _merged(folder: Path, kind: str, pieces: Sequence[_Piece]) -> _Piece:
    """Merge neighbours; the file counts as soon as its note is there.

    Raises:
        LedgerError: as `compact`.
    """
    batches = tuple(batch for piece in pieces for batch in piece.batches)
    place = folder / FOLDER
    path = place / f"{kind}-{hashlib.sha256(' '.join(batches).encode()).hexdigest()[:16]}.bin"
    part = path.with_name(f".{path.name}.part")
    try:
        make_folder(place, PRIVATE_FOLDER)
        records = merge([piece.path for piece in reversed(pieces)], part)
        part.replace(path)
        replace_text(path.with_suffix(".json"), json.dumps({"records": records, "batches": batches}))
    except OSError as error:
        raise LedgerError(f"{place}: keys cannot be merged there: {error.strerror}") from error
    return _Piece(batches, path, records, is_merged=True)


def _sweep(folder: Path, kind: str, used: set[Path]) -> None:
    """Remove what was merged into larger files, and what a killed run left; Windows keeps what a reader has open."""
    if not (folder / FOLDER).is_dir():
        return
    for path in (folder / FOLDER).iterdir():
        if path.name.startswith((f"{kind}-", f".{kind}-")) and path.with_suffix(".bin") not in used:
            with suppress(OSError):
                path.unlink()
