"""Where batches go, and what is known of them: `send`, `run`, `confirm`, `discard`, `prune`, `history`, `ledger`."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from csvexport.cli.options import (
    AnywayOption,
    BatchArgument,
    BatchOption,
    DestinationOption,
    DryRunOption,
    ExportsArgument,
    FailOnOption,
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
    read_fail_on,
    read_options,
)
from csvexport.cli.talking import Talk, end_noticed, noticed, progress
from csvexport.errors import BusyError, DeliveryError, StuckError
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
    fail_on: FailOnOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Build what is new and deliver it: what a scheduler calls, as often as it likes."""
    talk = ctx.find_root().obj = Talk.logging(log, "run", profile, as_json=as_json, quiet=quiet, verbose=verbose)
    wanted = read_fail_on(fail_on)
    from csvexport.workflow import sending  # noqa: PLC0415 - heavy

    loaded = load(profile)
    try:
        with progress(talk) as bar:
            options = read_options(exports, None, None, None, now, progress=bar, out=out)
            done = sending.run(loaded, options, talk.journal)
    except BusyError as busy:
        _say_busy(busy, talk)
        if isinstance(busy, StuckError):
            raise typer.Exit(busy.exit_code) from None
        # The work is being done; a scheduler that calls every minute need not hear of it as a failure.
    else:
        _end(loaded.name, done, talk, wanted)


def _say_busy(busy: BusyError, talk: Talk) -> None:
    talk.journal.event("busy", problem=str(busy))
    if talk.as_json:
        say_json({"busy": str(busy)})
    elif not talk.quiet or isinstance(busy, StuckError):
        complain(busy)


def _end(profile: str, done: "Sending", talk: Talk, wanted: Collection[str] = ()) -> None:
    """Show what was done, and end with the exit code of what failed, or of what `--fail-on` waits for."""
    found = noticed(wanted, done.outcome.summary if done.outcome is not None else None)
    if talk.as_json:
        from csvexport.workflow.sending import sending_json  # noqa: PLC0415 - heavy

        say_json(sending_json(done) | {"failed_on": list(found)})
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_sending  # noqa: PLC0415 - slow to import

        print_sending(profile, done, verbose=talk.verbose)
    for line in done.failures():
        complain(masked(line))
    if done.problem is not None:
        raise typer.Exit(done.problem.exit_code)
    if done.has_failed:
        raise typer.Exit(DeliveryError.exit_code)
    end_noticed(found, talk)


def confirm(
    ctx: typer.Context,
    batch: BatchArgument,
    out: OutOption = Path("out"),
    force: AnywayOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say that you uploaded a batch: the next ones leave out what was in it."""
    talk = ctx.find_root().obj = Talk(as_json, quiet)
    from csvexport.workflow import deciding  # noqa: PLC0415 - heavy

    _show_decision(deciding.confirm(out, batch, force=force), talk)


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

    name = _profile_name(profile, out)
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
    records = deciding.history(out, None if profile is None else _profile_name(profile, out), shown)
    if talk.as_json:
        say_json(deciding.history_json(records))
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_history  # noqa: PLC0415 - slow to import

        print_history(records, verbose=talk.verbose)


def _profile_name(profile: str, out: Path) -> str:
    """Take the name of a profile, or read it from its file, whose batches those in the folder must be."""
    path = Path(profile)
    if path.suffix != ".toml":
        return profile
    from csvexport import ledger as room  # noqa: PLC0415 - heavy

    loaded = load(path)
    room.refuse_stranger(out, loaded.name, loaded.path)
    return loaded.name


ledger = typer.Typer(help="The record of what was built and delivered.", no_args_is_help=True, rich_markup_mode=None)


@ledger.command()
def adopt(
    ctx: typer.Context,
    profile: ProfileArgument,
    out: OutOption = Path("out"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say that a profile was moved: the batches of where it was are its own."""
    talk = ctx.find_root().obj = Talk(as_json, quiet)
    from csvexport import ledger as room  # noqa: PLC0415 - heavy

    loaded = load(profile)
    before = room.adopt(out, loaded.name, loaded.path)
    if talk.as_json:
        say_json({"profile": str(loaded.path.resolve()), "before": str(before) if before is not None else None})
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_adopted  # noqa: PLC0415 - slow to import

        print_adopted(loaded.name, loaded.path.resolve(), before)


@ledger.command()
def rebuild(
    ctx: typer.Context,
    out: OutOption = Path("out"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Restore a ledger that is lost or damaged, and lost keys of what was sent, from what lies beside it."""
    talk = ctx.find_root().obj = Talk(as_json, quiet)
    from csvexport.workflow.restoring import restore  # noqa: PLC0415 - heavy

    restored = restore(out)
    rebuilt = restored.ledger
    if talk.as_json:
        kept = str(rebuilt.kept) if rebuilt.kept is not None else None
        said = {"ledger": str(rebuilt.path), "batches": rebuilt.batches, "unreadable": list(rebuilt.unreadable)}
        say_json(said | {"kept": kept, "keys": list(restored.keys), "lost": list(restored.lost)})
    elif not talk.quiet:
        from csvexport.terminal.deliveries import print_restored  # noqa: PLC0415 - slow to import

        print_restored(restored)
