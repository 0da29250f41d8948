"""`check`, `build` and `schema`: from the profile to the batch."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from csvexport.cli.options import (
    ExportsArgument,
    FailOnOption,
    JsonOption,
    LogOption,
    NowOption,
    OnlyOption,
    OutOption,
    ProfileArgument,
    QuietOption,
    SinceOption,
    UntilOption,
    VerboseOption,
    load,
    read_fail_on,
    read_options,
)
from csvexport.cli.talking import DATA_PROBLEMS, Talk, end_noticed, noticed, progress
from csvexport.screen import say_json

if TYPE_CHECKING:
    from csvexport.workflow import Outcome


def check(
    ctx: typer.Context,
    profile: ProfileArgument,
    exports: ExportsArgument = None,
    out: OutOption = Path("out"),
    only: OnlyOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    now: NowOption = None,
    fail_on: FailOnOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what a build would send and what is wrong; write nothing. Exit code 1 when rows are rejected."""
    talk = ctx.find_root().obj = Talk(as_json, quiet, verbose)
    wanted = read_fail_on(fail_on)
    from csvexport import workflow  # noqa: PLC0415 - heavy

    with progress(talk) as bar:
        outcome = workflow.check(load(profile), read_options(exports, only, since, until, now, progress=bar, out=out))
    _show(outcome, talk, wanted, checked=True)
    rejected = any(counts.rejected for counts in outcome.summary.counts.values())
    raise typer.Exit(DATA_PROBLEMS if rejected or outcome.refusal else 0)


def build(
    ctx: typer.Context,
    profile: ProfileArgument,
    exports: ExportsArgument = None,
    out: OutOption = Path("out"),
    log: LogOption = None,
    only: OnlyOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    now: NowOption = None,
    fail_on: FailOnOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a batch: the files to upload, rejected.csv, and a report."""
    talk = ctx.find_root().obj = Talk.logging(log, "build", profile, as_json=as_json, quiet=quiet, verbose=verbose)
    wanted = read_fail_on(fail_on)
    from csvexport import workflow  # noqa: PLC0415 - heavy

    with progress(talk) as bar:
        options = read_options(exports, only, since, until, now, progress=bar, out=out)
        outcome = workflow.build(load(profile), options, talk.journal)
    _show(outcome, talk, wanted)


def schema() -> None:
    """Print the JSON Schema of the profile, for editors."""
    from csvexport.profile import profile_schema  # noqa: PLC0415 - heavy

    say_json(profile_schema(), indent=2)


def _show(outcome: "Outcome", talk: Talk, wanted: Collection[str], *, checked: bool = False) -> None:
    """Show an outcome, and end with exit code 1 if there is what `--fail-on` waits for."""
    found = noticed(wanted, outcome.summary)
    if talk.as_json:
        from csvexport.workflow import outcome_json  # noqa: PLC0415 - heavy

        say_json(outcome_json(outcome) | {"failed_on": list(found)})
    elif not talk.quiet:
        from csvexport.terminal import print_outcome  # noqa: PLC0415 - slow to import

        print_outcome(outcome, checked=checked, verbose=talk.verbose)
    end_noticed(found, talk)
