"""`check` and `build`: from the sources to a batch."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from csvexport.batch import Building, manifest
from csvexport.errors import CsvexportError, DataError, OutputError
from csvexport.journal import Journal
from csvexport.ledger import Batch, Ledger, refuse_stranger, take
from csvexport.profile import Profile
from csvexport.scratch import remedy, scratch_folder
from csvexport.summary import Summary
from csvexport.workflow.options import Options
from csvexport.workflow.run import Run
from csvexport.workflow.sent import Sent

UNHEARD: Final = Journal()

# So much of what the profile names in vain goes into the journal of one run.
MOST_NOTED: Final = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found and did.

    Attributes:
        summary: what was found.
        folder: the batch's folder; None when nothing was written.
        refusal: why the data must not be sent as it is, None when it may.
        same_as: the batch that was sent with all of this in it, where nothing is new; else None.
        clock: what is to be said of the clock; None: nothing.
    """

    summary: Summary
    folder: Path | None = None
    refusal: str | None = None
    same_as: str | None = None
    clock: str | None = None


def check(profile: Profile, options: Options) -> Outcome:
    """Find out what a build would do; nothing is written but temporary files.

    Raises:
        SourceError: a source cannot be read.
        ProfileError: a source lacks a column that the profile names.
        LedgerError: it cannot be known what was sent before.
        OutputError: the temporary files cannot be written.
    """
    sent = _sent(profile, options)
    with scratch_folder() as scratch:
        run = Run(profile, options, scratch, sent=sent)
        with run:
            run.read()
            run.settle()
        return Outcome(run.summary(()), refusal=run.refusal())


def build(profile: Profile, options: Options, journal: Journal = UNHEARD) -> Outcome:
    """Write a batch of what is new: no event that was sent before, and no snapshot if none has changed.

    Args:
        profile: the profile.
        options: what the command line changes.
        journal: hears of the batch.

    Returns:
        The outcome; without a folder when there is nothing to send.

    Raises:
        SourceError: a source cannot be read.
        ProfileError: a source lacks a column that the profile names.
        DataError: too many rows are rejected, or the identifiers are damaged; nothing was written.
        OutputError: the batch cannot be written; nothing was left.
        LedgerError: it cannot be known what was sent before, or not be noted what was built.
    """
    sent = _sent(profile, options)
    parent = options.out / profile.name
    with _output_errors(options.out), Building(parent) as building, ThreadPoolExecutor(1) as aside:
        aside.submit(import_module, "csvexport.report")  # takes a moment that reading leaves to spare
        run = Run(profile, options, building.scratch, building.batch, sent=sent)
        with run:
            run.read()
            run.settle()
            refusal = run.refusal()
            if refusal:
                raise DataError(f"{refusal}\nNothing was written.")
            summary = run.summary(run.write_files(building.batch) if run.accepted else ())
        _note_findings(summary, journal)
        files = [file for file in summary.files if not options.needed or file.kind in options.needed]
        same_as = sent.same_as(files) if files else None
        if not files or same_as is not None:
            journal.event("nothing-new", rejected=sum(counts.rejected for counts in summary.counts.values()))
            return Outcome(summary, same_as=same_as)
        durable = aside.submit(building.sync)
        from csvexport.report import Report  # noqa: PLC0415 - see above

        building.write("manifest.json", json.dumps(manifest(summary), ensure_ascii=False, indent=2) + "\n")
        report = Report(summary)
        building.write("report.html", report.html())
        building.write("report.txt", report.text())
        durable.result()
        take(options.out, profile.name, profile.path)
        folder = building.publish(summary.batch)
    with Ledger.open(options.out) as ledger:
        batch = ledger.add(folder)
    journal.event("built", batch=batch.name, rows={file.name: file.rows for file in batch.files})
    clock = _set_back(batch, sent)
    if clock is not None:
        journal.event("clock", batch=batch.name, problem=clock)
    return Outcome(summary, folder, clock=clock)


def _set_back(batch: Batch, sent: Sent) -> str | None:
    """Say that the clock stood later when the batch before was built; the next batch is held against this one."""
    if sent.latest is None or sent.latest <= batch.built_at:
        return None
    return (
        f"The batch before this one was built at {sent.latest:%Y-%m-%d %H:%M:%S} UTC, which is later than now"
        f" ({batch.built_at:%Y-%m-%d %H:%M:%S}): a clock was wrong. This batch counts as the newer one all the same."
    )


def _note_findings(summary: Summary, journal: Journal) -> None:
    """Note of which kinds no row was taken, and what the profile names and no row has."""
    if summary.empty:
        journal.event("empty", kinds=summary.empty, problem=summary.emptiness)
    for one in summary.unmatched[:MOST_NOTED]:
        journal.event("unmatched", places=one.places, problem=one.sentence)


def _sent(profile: Profile, options: Options) -> Sent:
    """Look up what was sent of the kinds that are to be made; nothing is written."""
    kinds = [kind for kind in profile.kinds if not options.only or kind in options.only]
    refuse_stranger(options.out, profile.name, profile.path)
    with Ledger.reading(options.out, [profile.name]) as ledger:
        return Sent.of(ledger, profile, kinds)


@contextmanager
def _output_errors(out: Path) -> Iterator[None]:
    """Map what the system says while a batch is written."""
    try:
        yield
    except CsvexportError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise OutputError(
            f"{out}: the batch cannot be written: {where}{error.strerror or error}; nothing was left behind;"
            f" {remedy(error)}name another folder of batches with --out"
        ) from error


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Give what a machine wants to know of an outcome: the manifest, with the folder and the refusal beside it."""
    folder = str(outcome.folder) if outcome.folder is not None else None
    said = {"folder": folder, "refusal": outcome.refusal, "same_as": outcome.same_as, "clock": outcome.clock}
    return manifest(outcome.summary) | said
