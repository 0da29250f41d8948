"""Where batches go, and what is known of them: `send`, `run`, `confirm`, `discard`, `prune`, `history`, `ledger`."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from csvexport.cli.options import (
    BatchArgument,
    BatchOption,
    DestinationOption,
    DryRunOption,
    ExportsArgument,
    JsonOption,
    LastOption,
    LogOption,
    NamedProfileArgument,
    NowOption,
    OlderThanOption,
    OutOption,
    PlanOption,
    ProfileArgument,
    ProfileNameArgument,
    QuietOption,
    UnsentOption,
    VerboseOption,
    load,
    read_options,
)
from csvexport.cli.talking import Talk, progress
from csvexport.errors import BusyError, DeliveryError
from csvexport.masking import masked
from csvexport.screen import complain, say_json

if TYPE_CHECKING:
    from csvexport.workflow.deciding import Decision
    from csvexport.workflow.sending import Sending


# Batches that the history shows where nobody asks for more.
SHOWN: Final = 20


def send(
    ctx: typer.Context,
    profile: ProfileArgument,
    batch: BatchOption = None,
    to: DestinationOption = None,
    dry_run: DryRunOption = False,
    out: OutOption = Path("out"),
    log: LogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Deliver a batch to where the profile's [[deliver]] says, after whatever an earlier run left unfinished."""
    talk = ctx.find_root().obj = Talk.logging(log, "send", profile, as_json=as_json, quiet=quiet, verbose=verbose)
    from csvexport.workflow import sending  # noqa: PLC0415 - heavy

    loaded = load(profile)
    done = sending.plan(loaded, out, batch, to) if dry_run else sending.send(loaded, out, batch, to, talk.journal)
    _end(loaded.name, done, talk)


def run(
    ctx: typer.Context,
    profile: ProfileArgument,
    exports: ExportsArgument = None,
    out: OutOption = Path("out"),
    now: NowOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Build what is new and deliver it: what a scheduler calls, as often as it likes."""
    talk = ctx.find_root().obj = Talk.logging(log, "run", profile, as_json=as_json, quiet=quiet, verbose=verbose)
    from csvexport.workflow import sending  # noqa: PLC0415 - heavy

    loaded = load(profile)
    try:
        with progress(talk) as bar:
            options = read_options(exports, None, None, None, now, progress=bar, out=out)
            done = sending.run(loaded, options, talk.journal)
    except BusyError as busy:
        # The work is being done; a scheduler that calls every minute need not hear of it as a failure.
        _say_busy(busy, talk)
    else:
        _end(loaded.name, done, talk)


def _say_busy(busy: BusyError, talk: Talk) -> None:
    talk.journal.event("busy", problem=str(busy))
    if talk.as_json:
        say_json({"busy": str(busy)})
    elif not talk.quiet:
        complain(busy)


def _end(profile: str, done: "Sending", talk: Talk) -> None:
    """Show what was done, and end with the exit code of what failed."""
    if talk.as_json:
        from csvexport.workflow.sending import sending_json  # noqa: PLC0415 - heavy

        say_json(sending_json(done))
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_sending  # noqa: PLC0415 - slow to import

        print_sending(profile, done, verbose=talk.verbose)
    for line in done.failures():
        complain(masked(line))
    if done.problem is not None:
        raise typer.Exit(done.problem.exit_code)
    if done.has_failed:
        raise typer.Exit(DeliveryError.exit_code)


def confirm(
    ctx: typer.Context,
    batch: BatchArgument,
    out: OutOption = Path("out"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say that you uploaded a batch: the next ones leave out what was in it."""
    talk = ctx.find_root().obj = Talk(as_json, quiet)
    from csvexport.workflow import deciding  # noqa: PLC0415 - heavy

    _show_decision(deciding.confirm(out, batch), talk)


def discard(
    ctx: typer.Context,
    batch: BatchArgument,
    out: OutOption = Path("out"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say that a batch does not count: the next one takes in what was in it."""
    talk = ctx.find_root().obj = Talk(as_json, quiet)
    from csvexport.workflow import deciding  # noqa: PLC0415 - heavy

    _show_decision(deciding.discard(out, batch), talk)


def _show_decision(decision: "Decision", talk: Talk) -> None:
    if talk.as_json:
        from csvexport.workflow.deciding import decision_json  # noqa: PLC0415 - heavy

        say_json(decision_json(decision))
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_decision  # noqa: PLC0415 - slow to import

        print_decision(decision)


def prune(
    ctx: typer.Context,
    profile: NamedProfileArgument,
    days: OlderThanOption = 90,
    unsent: UnsentOption = False,
    dry_run: PlanOption = False,
    out: OutOption = Path("out"),
    log: LogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Remove old batches that are done with; what they sent still counts as sent."""
    talk = ctx.find_root().obj = Talk.logging(log, "prune", profile, as_json=as_json, quiet=quiet, verbose=False)
    from csvexport.workflow import pruning  # noqa: PLC0415 - heavy

    name = _profile_name(profile)
    rule = pruning.Rule.older_than(days, unsent=unsent)
    done = pruning.plan_pruning(out, name, rule) if dry_run else pruning.prune(out, name, rule, talk.journal)
    if talk.as_json:
        say_json(pruning.pruning_json(done))
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_pruning  # noqa: PLC0415 - slow to import

        print_pruning(done)


def history(
    ctx: typer.Context,
    profile: ProfileNameArgument = None,
    last: LastOption = None,
    out: OutOption = Path("out"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List the batches, and what became of each; write nothing."""
    talk = ctx.find_root().obj = Talk(as_json, quiet, verbose)
    from csvexport.workflow import deciding  # noqa: PLC0415 - heavy

    shown = last if last is not None or as_json else SHOWN
    records = deciding.history(out, None if profile is None else _profile_name(profile), shown)
    if talk.as_json:
        say_json(deciding.history_json(records))
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_history  # noqa: PLC0415 - slow to import

        print_history(records, verbose=talk.verbose)


def _profile_name(profile: str) -> str:
    """Take the name of a profile, or read it from its file."""
    path = Path(profile)
    return load(path).name if path.suffix == ".toml" else profile


ledger = typer.Typer(help="The record of what was built and delivered.", no_args_is_help=True, rich_markup_mode=None)


@ledger.command()
def rebuild(
    ctx: typer.Context,
    out: OutOption = Path("out"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Restore a ledger that is lost or damaged from the folders of the batches."""
    talk = ctx.find_root().obj = Talk(as_json, quiet)
    from csvexport import ledger as room  # noqa: PLC0415 - heavy

    rebuilt = room.rebuild(out)
    if talk.as_json:
        kept = str(rebuilt.kept) if rebuilt.kept is not None else None
        said = {"ledger": str(rebuilt.path), "batches": rebuilt.batches, "unreadable": list(rebuilt.unreadable)}
        say_json(said | {"kept": kept})
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_rebuilt  # noqa: PLC0415 - slow to import

        print_rebuilt(rebuilt)
