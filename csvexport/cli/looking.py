"""`inspect`, `init` and `lint`: what a file holds, and what it is worth."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from csvexport.cli.options import (
    CopyOption,
    CounterZoneOption,
    ExportArgument,
    FilesArgument,
    FixOption,
    ForceOption,
    JsonOption,
    MomentOption,
    PasswordOption,
    QuietOption,
    TimezoneOption,
    ToOption,
    UsernameOption,
    VerboseOption,
    YesOption,
    load,
    read_moment,
    read_zone,
)
from csvexport.cli.talking import DATA_PROBLEMS, Talk, progress
from csvexport.errors import UsageError
from csvexport.screen import complain, say_json

if TYPE_CHECKING:
    from csvexport.findings import Findings
    from csvexport.workflow import Outcome


def inspect(
    ctx: typer.Context,
    export: ExportArgument,
    username: UsernameOption = None,
    password: PasswordOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what an export holds; write nothing."""
    talk = ctx.find_root().obj = Talk(as_json, quiet, verbose)
    from csvexport.inspection.looking import at_hand, findings_json, look, read_login  # noqa: PLC0415 - heavy
    from csvexport.inspection.starter import lack  # noqa: PLC0415 - heavy

    login = read_login(username, password, export)
    with at_hand(export) as (path, label), progress(talk) as bar:
        findings = look(path, bar, label, login)
    if talk.as_json:
        say_json(findings_json(findings) | {"lack": lack(findings)})
    else:
        _show_findings(findings, talk, lacking=lack(findings))


def init(
    ctx: typer.Context,
    export: ExportArgument,
    to: ToOption = Path("profile.toml"),
    timezone: TimezoneOption = None,
    username: UsernameOption = None,
    password: PasswordOption = None,
    yes: YesOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Look at an export and write a profile to start with; ask what it should say when this is a terminal."""
    talk = ctx.find_root().obj = Talk(as_json, quiet, verbose)
    from csvexport.inspection import looking, saving, starter  # noqa: PLC0415 - heavy

    zone = read_zone(timezone)
    login = looking.read_login(username, password, export)
    saving.refuse_target(to, force=force)
    named = saving.path_in_profile(export, to)
    with looking.at_hand(export) as (path, label):
        with progress(talk) as bar:
            findings = looking.look(path, bar, label, login)
        lacking = starter.lack(findings)
        asks = not lacking and _may_ask(talk, yes=yes)
        _show_findings(findings, talk, statuses=not asks)
        if lacking:
            raise _nothing_to_send(findings, f"{lacking} No profile was written.", talk)
        choices = starter.default_choices(findings, zone)
        if asks:
            from csvexport import asking  # noqa: PLC0415 - imports what was imported above

            choices = asking.choices(findings, zone)
        saving.save(to, starter.starter_profile(findings, named, choices, str(to), saving.login_in_profile(login, to)))
        outcome = _first_check(to, () if label is None else (path,), talk)
    _show_start(findings, to, outcome, talk)
    raise typer.Exit(DATA_PROBLEMS if outcome.refusal else 0)


def _may_ask(talk: Talk, *, yes: bool) -> bool:
    """Whether somebody sits there to answer."""
    return not (yes or talk.as_json or talk.quiet) and sys.stdin.isatty() and sys.stdout.isatty()


def _first_check(profile: Path, exports: tuple[str, ...], talk: Talk) -> "Outcome":
    """Find out what a build by the new profile would do."""
    from csvexport import workflow  # noqa: PLC0415 - heavy

    with progress(talk) as bar:
        return workflow.check(load(profile), workflow.Options(exports=exports, progress=bar))


def _show_findings(findings: "Findings", talk: Talk, *, statuses: bool = True, lacking: str | None = None) -> None:
    if not talk.as_json and not talk.quiet:
        from csvexport.terminal import print_findings  # noqa: PLC0415 - slow to import

        print_findings(findings, verbose=talk.verbose, statuses=statuses, lacking=lacking)


def _nothing_to_send(findings: "Findings", message: str, talk: Talk) -> typer.Exit:
    """Say why there is no profile, beside the findings, and give what ends the run."""
    if talk.as_json:
        from csvexport.inspection.looking import findings_json  # noqa: PLC0415 - heavy

        say_json(findings_json(findings) | {"profile": None, "error": message, "exit_code": DATA_PROBLEMS})
    complain(message)
    return typer.Exit(DATA_PROBLEMS)


def _show_start(findings: "Findings", profile: Path, outcome: "Outcome", talk: Talk) -> None:
    if talk.as_json:
        from csvexport.inspection.looking import findings_json  # noqa: PLC0415 - heavy
        from csvexport.workflow import outcome_json  # noqa: PLC0415 - heavy

        checked = outcome_json(outcome)
        said = {key: checked[key] for key in ("counts", "issues", "refusal")}
        say_json(findings_json(findings) | {"profile": str(profile), "check": said})
    elif not talk.quiet:
        from csvexport.terminal import print_start  # noqa: PLC0415 - slow to import

        print_start(profile, outcome.summary, outcome.refusal)


def lint(
    ctx: typer.Context,
    files: FilesArgument,
    fix: FixOption = False,
    to: CopyOption = None,
    now: MomentOption = None,
    timezone: CounterZoneOption = "Europe/Moscow",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Judge files that are meant for Yandex, whoever wrote them. Exit code 1 when one has errors."""
    talk = ctx.find_root().obj = Talk(as_json, quiet, verbose)
    if to is not None and (not fix or len(files) > 1):
        raise UsageError("--to: it names the copy that --fix writes of one file")
    from csvexport.linting import judging  # noqa: PLC0415 - heavy
    from csvexport.verdicts import Gravity  # noqa: PLC0415 - imported by the above

    moment = judging.this_moment() if now is None else read_moment(now)
    with progress(talk) as bar:
        options = judging.Options(now=moment, zone=read_zone(timezone) or judging.ZONE, progress=bar)
        verdicts = judging.fix(files, to, options) if fix else judging.lint(files, options)
    if talk.as_json:
        say_json(judging.verdicts_json(verdicts))
    elif not talk.quiet:
        from csvexport.terminal import print_verdicts  # noqa: PLC0415 - slow to import

        print_verdicts(verdicts, fixing=fix, verbose=talk.verbose)
    raise typer.Exit(DATA_PROBLEMS if any(verdict.count(Gravity.ERROR) for verdict in verdicts) else 0)
