"""`ledger rebuild`: the ledger is restored from the records of batches, and lost keys from the batches' own files."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from csvexport.batch import keys
from csvexport.durable import sync_file, sync_folder
from csvexport.ledger import Batch, Ledger, Rebuilt, profile_lock, rebuild
from csvexport.transform.plan import SNAPSHOTS
from csvexport.transform.rereading import keys_of_lines, worths_of_lines
from csvexport.workflow.sent import counter_of_keys, without_keys


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes:
        ledger: what the ledger was restored from.
        keys: names of the batches whose keys were made anew.
        lost: what is wrong with batches whose keys are gone, and cannot be made anew.
    """

    ledger: Rebuilt
    keys: tuple[str, ...]
    lost: tuple[str, ...]


def restore(out: Path) -> Restored:
    """Restore the ledger of a folder, and the keys of events that are gone or damaged.

    Args:
        out: the folder of all batches.

    Raises:
        BusyError: a run is at work on the batches of a profile.
        LedgerError: the ledger cannot be written, or there is nothing to restore it from.
    """
    rebuilt = rebuild(out)
    made: list[str] = []
    lost: list[str] = []
    with Ledger.reading(out, ()) as ledger:
        for profile in sorted({batch.profile for batch in ledger.batches()}):
            with profile_lock(out, profile, "ledger rebuild"):
                for batch, kind in _keyless(ledger, profile):
                    try:
                        _make(batch, kind, counter_of_keys(batch.counter, ledger.batches(profile)))
                        made.append(batch.name)
                    except (OSError, ValueError, KeyError, ArithmeticError, pa.ArrowException):
                        lost.append(f"{batch.folder}: the keys of its {kind} are gone, and its files are not whole")
    return Restored(rebuilt, tuple(made), tuple(lost))


def _keyless(ledger: Ledger, profile: str) -> list[tuple[Batch, str]]:
    """Give the batches that lack keys, each with the kind of events."""
    kinds = {kind: None for batch in ledger.batches(profile) for kind in batch.states if kind not in SNAPSHOTS}
    return [(batch, kind) for kind in kinds for batch in without_keys(ledger, profile, kind)]


def _make(batch: Batch, kind: str, counter: int | None) -> None:
    """Make the keys of a batch's events out of its files.

    Raises:
        OSError: a file is gone, or the keys cannot be written.
        ValueError, KeyError, ArithmeticError: a file is not what was built.
    """
    parts = [
        records
        for file in batch.files
        if file.kind == kind
        for records in _records(batch.folder / file.name, file.sha256, kind, counter)
    ]
    records = np.concatenate([np.empty(0, keys.RECORD), *parts])
    if len(records) != batch.rows(kind):
        raise ValueError
    path = batch.folder / keys.file_name(kind)
    part = path.with_name(f".{path.name}.part")
    keys.write(part, [records[keys.in_order(records)]])
    sync_file(part)
    part.replace(path)
    sync_folder(path.parent)


def _records(path: Path, sha256: str, kind: str, counter: int | None) -> Iterator[NDArray[np.void]]:
    """Read the records of keys out of a file of lines, some lines at a time."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise ValueError
    texts = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(_names(path), pa.string()),
        strings_can_be_null=False,
        quoted_strings_can_be_null=False,
    )
    with pa.csv.open_csv(
        path, parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=texts
    ) as lines:
        for block in lines:
            columns = dict(zip(block.schema.names, block.columns, strict=True))
            found = keys_of_lines(kind, columns, counter)
            records = np.empty(block.num_rows, keys.RECORD)
            records["first"], records["second"] = found.first, found.second
            records["worth"] = worths_of_lines(columns)
            yield records


def _names(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return file.readline().rstrip("\n").split(",")
