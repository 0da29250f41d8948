"""The command line: parses, calls the workflow, prints, and picks the exit code.

Exit codes: 0 done · 1 data problems · 2 usage or profile · 3 a source cannot be read · 4 the batch cannot be written ·
130 interrupted. The heavy libraries are imported by the command that needs them, never by `--help`.
"""

import ctypes
import gc
import io
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from csvexport import __version__
from csvexport.errors import CsvexportError, ProfileError, UsageError
from csvexport.progress import no_progress

if TYPE_CHECKING:
    from csvexport.findings import Findings
    from csvexport.profile import Profile
    from csvexport.workflow import Options, Outcome

INTERRUPTED = 130

# Options of glibc's mallopt; the bytes to keep are more than the blocks of a build that are alive at one time.
GLIBC_TRIM_THRESHOLD, GLIBC_MMAP_THRESHOLD, GLIBC_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 1 << 28

# What libraries take from the environment when they are imported: numpy starts a thread for each core, which spins, for
# algebra of which there is none here; pydantic looks through all that is installed for plugins.
LIBRARIES = {"OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}

# New objects after which Python looks for cycles; nothing here makes many of those.
COLLECT_AFTER = 100_000
DATA_PROBLEMS = 1


@dataclass(slots=True)
class Talk:
    """How a command talks.

    Attributes:
        as_json: one JSON document on stdout instead of text.
        quiet: nothing but errors.
        verbose: examples and remedies of every issue.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


class Boundary(TyperGroup):
    """The one place where errors become a message and an exit code; an unexpected one keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own class of contexts is not public
        """Run the command."""
        ctx.obj = Talk()
        try:
            return super().invoke(ctx)
        except CsvexportError as error:
            mistakes = error.mistakes if isinstance(error, ProfileError) else ()
            raise _complaint(str(error), mistakes, error.exit_code, ctx.obj) from None
        except (KeyboardInterrupt, typer.Abort):
            raise _complaint("Interrupted; nothing was left behind.", (), INTERRUPTED, ctx.obj) from None


def _complaint(message: str, mistakes: Sequence[str], exit_code: int, talk: Talk) -> typer.Exit:
    """Say what stopped the run, and give what ends it."""
    if talk.as_json:
        _echo_json({"error": message, "mistakes": list(mistakes), "exit_code": exit_code})
    typer.echo(message, err=True)
    return typer.Exit(exit_code)


def _echo_json(document: Mapping[str, Any]) -> None:
    """Print a document, in ASCII where stdout is not UTF-8, as a redirected one on Windows."""
    is_utf_8 = sys.stdout.encoding.casefold().replace("-", "") == "utf8"
    typer.echo(json.dumps(document, ensure_ascii=not is_utf_8))


app = typer.Typer(
    cls=Boundary,
    help="Turn CRM exports into the offline conversion files that Yandex Metrica and Yandex Direct accept.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ProfileArgument = Annotated[Path, typer.Argument(metavar="PROFILE", help="The profile, a TOML file.")]
ExportsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[EXPORT]...", help="Exports to read instead of the profile's source.path; - is standard input."
    ),
]
ExportArgument = Annotated[
    str, typer.Argument(metavar="EXPORT", help="The export: a file, a folder, an address; - is standard input.")
]
ToOption = Annotated[Path, typer.Option(metavar="FILE", help="Where the profile goes.")]
TimezoneOption = Annotated[
    str | None, typer.Option(metavar="ZONE", help="The zone of the export's times, such as Europe/Moscow.")
]
UsernameOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The user's name for an address: the name, env:NAME or file:PATH.")
]
PasswordOption = Annotated[
    str | None, typer.Option(metavar="WHERE", help="Where the password for it is: env:NAME or file:PATH.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, take what is likely.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a profile that is there.")]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Leave out what happened before: 2024-05-01, or 21d for days back from now."),
]
UntilOption = Annotated[
    str | None, typer.Option(metavar="DATE", help="Leave out what happened after: 2024-05-31, or 1d.")
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND", help="Make only this of the profile's kinds, such as orders; may be repeated."),
]
NowOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Build as if it were this moment: 2024-06-01T09:00:00Z."),
]
FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Files for Yandex: conversions, calls, orders and the like.")
]
FixOption = Annotated[
    bool, typer.Option("--fix", help="Write a corrected copy, NAME.fixed.csv, where that takes no guessing.")
]
CopyOption = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where the copy of --fix goes.")]
MomentOption = Annotated[
    str | None, typer.Option("--now", metavar="TIME", help="Judge as if it were this moment: 2024-06-01T09:00:00Z.")
]
CounterZoneOption = Annotated[
    str, typer.Option("--timezone", metavar="ZONE", help="The counter's zone, in which dates of CRM data are written.")
]
OutOption = Annotated[Path, typer.Option(metavar="DIR", help="Folder of all batches: DIR/PROFILE/BATCH.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors; ask nothing.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print examples and remedies, or reasons.")]


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"csvexport {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def check(
    ctx: typer.Context,
    profile: ProfileArgument,
    exports: ExportsArgument = None,
    only: OnlyOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what a build would send and what is wrong; write nothing. Exit code 1 when rows are rejected."""
    talk = ctx.find_root().obj = Talk(as_json, quiet, verbose)
    from csvexport import workflow  # noqa: PLC0415 - heavy

    with _progress(talk) as progress:
        outcome = workflow.check(_load(profile), _options(exports, only, since, until, now, progress=progress))
    _show(outcome, talk, checked=True)
    rejected = any(counts.rejected for counts in outcome.summary.counts.values())
    raise typer.Exit(DATA_PROBLEMS if rejected or outcome.refusal else 0)


@app.command()
def build(
    ctx: typer.Context,
    profile: ProfileArgument,
    exports: ExportsArgument = None,
    out: OutOption = Path("out"),
    only: OnlyOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a batch: the files to upload, rejected.csv, and a report."""
    talk = ctx.find_root().obj = Talk(as_json, quiet, verbose)
    from csvexport import workflow  # noqa: PLC0415 - heavy

    with _progress(talk) as progress:
        options = _options(exports, only, since, until, now, progress=progress, out=out)
        outcome = workflow.build(_load(profile), options)
    _show(outcome, talk)


@app.command()
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
    with at_hand(export) as (path, label), _progress(talk) as progress:
        findings = look(path, progress, label, login)
    if talk.as_json:
        _echo_json(findings_json(findings) | {"lack": lack(findings)})
    else:
        _show_findings(findings, talk, lacking=lack(findings))


@app.command()
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

    zone = _zone(timezone)
    login = looking.read_login(username, password, export)
    saving.refuse_target(to, force=force)
    named = saving.path_in_profile(export, to)
    with looking.at_hand(export) as (path, label):
        with _progress(talk) as progress:
            findings = looking.look(path, progress, label, login)
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


def _zone(name: str | None) -> str | None:
    from csvexport.profile.readers import read_timezone  # noqa: PLC0415 - heavy

    try:
        return None if name is None else read_timezone(name)
    except ValueError as error:
        raise UsageError(f"--timezone: {error}") from None


def _may_ask(talk: Talk, *, yes: bool) -> bool:
    """Whether somebody sits there to answer."""
    return not (yes or talk.as_json or talk.quiet) and sys.stdin.isatty() and sys.stdout.isatty()


def _first_check(profile: Path, exports: tuple[str, ...], talk: Talk) -> "Outcome":
    """Find out what a build by the new profile would do."""
    from csvexport import workflow  # noqa: PLC0415 - heavy

    with _progress(talk) as progress:
        return workflow.check(_load(profile), workflow.Options(exports=exports, progress=progress))


def _show_findings(findings: "Findings", talk: Talk, *, statuses: bool = True, lacking: str | None = None) -> None:
    if not talk.as_json and not talk.quiet:
        from csvexport.terminal import print_findings  # noqa: PLC0415 - slow to import

        print_findings(findings, verbose=talk.verbose, statuses=statuses, lacking=lacking)


def _nothing_to_send(findings: "Findings", message: str, talk: Talk) -> typer.Exit:
    """Say why there is no profile, beside the findings, and give what ends the run."""
    if talk.as_json:
        from csvexport.inspection.looking import findings_json  # noqa: PLC0415 - heavy

        _echo_json(findings_json(findings) | {"profile": None, "error": message, "exit_code": DATA_PROBLEMS})
    typer.echo(message, err=True)
    return typer.Exit(DATA_PROBLEMS)


def _show_start(findings: "Findings", profile: Path, outcome: "Outcome", talk: Talk) -> None:
    if talk.as_json:
        from csvexport.inspection.looking import findings_json  # noqa: PLC0415 - heavy
        from csvexport.workflow import outcome_json  # noqa: PLC0415 - heavy

        checked = outcome_json(outcome)
        said = {key: checked[key] for key in ("counts", "issues", "refusal")}
        _echo_json(findings_json(findings) | {"profile": str(profile), "check": said})
    elif not talk.quiet:
        from csvexport.terminal import print_start  # noqa: PLC0415 - slow to import

        print_start(profile, outcome.summary, outcome.refusal)


@app.command()
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

    moment = judging.this_moment() if now is None else _moment(now)
    with _progress(talk) as progress:
        options = judging.Options(now=moment, zone=_zone(timezone) or judging.ZONE, progress=progress)
        verdicts = judging.fix(files, to, options) if fix else judging.lint(files, options)
    if talk.as_json:
        _echo_json(judging.verdicts_json(verdicts))
    elif not talk.quiet:
        from csvexport.terminal import print_verdicts  # noqa: PLC0415 - slow to import

        print_verdicts(verdicts, fixing=fix, verbose=talk.verbose)
    raise typer.Exit(DATA_PROBLEMS if any(verdict.count(Gravity.ERROR) for verdict in verdicts) else 0)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the profile, for editors."""
    from csvexport.profile import profile_schema  # noqa: PLC0415 - heavy

    typer.echo(json.dumps(profile_schema(), ensure_ascii=False, indent=2))


def _load(path: Path) -> "Profile":
    from csvexport.profile import load_profile  # noqa: PLC0415 - heavy

    return load_profile(path)


def _options(
    exports: list[str] | None,
    only: list[str] | None,
    since: str | None,
    until: str | None,
    now: str | None,
    **others: Any,  # noqa: ANN401
) -> "Options":
    """Read the options that several commands share."""
    from csvexport.profile import Since, Until  # noqa: PLC0415 - heavy
    from csvexport.profile.period import is_empty  # noqa: PLC0415 - heavy
    from csvexport.workflow import Options  # noqa: PLC0415 - heavy

    try:
        if since is not None:
            others["since"] = Since.parse(since)
        if until is not None:
            others["until"] = Until.parse(until)
    except ValueError as error:
        raise UsageError(f"{'--until' if 'since' in others or since is None else '--since'}: {error}") from error
    if since is not None and until is not None and is_empty(others["since"], others["until"]):
        raise UsageError(f"--until: {until} lies before --since, {since}: the period is empty")
    if now is not None:
        others["now"] = _moment(now)
    return Options(exports=tuple(exports or ()), only=tuple(only or ()), **others)


def _moment(text: str) -> datetime:
    example = "2024-06-01T09:00:00Z or 2024-06-01T12:00:00+03:00"
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f'--now: "{text}" is no moment; write it as {example}') from None
    if moment.tzinfo is None:
        raise UsageError(f'--now: "{text}" lacks its offset from UTC; write it as {example}')
    return utc.replace(microsecond=0)


@contextmanager
def _progress(talk: Talk) -> Iterator[Any]:
    """Show a progress bar on stderr when that is a terminal."""
    if talk.quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from csvexport.terminal import progress_bar  # noqa: PLC0415 - slow to import

    with progress_bar() as progress:
        yield progress


def _show(outcome: "Outcome", talk: Talk, *, checked: bool = False) -> None:
    if talk.as_json:
        from csvexport.workflow import outcome_json  # noqa: PLC0415 - heavy

        _echo_json(outcome_json(outcome))
    elif not talk.quiet:
        from csvexport.terminal import print_outcome  # noqa: PLC0415 - slow to import

        print_outcome(outcome.summary, outcome.folder, outcome.refusal, checked=checked, verbose=talk.verbose)


def _terminate(number: int, frame: object) -> None:  # noqa: ARG001 - a signal handler's signature
    """Unwind, so that a build that a scheduler ends removes what it began."""
    raise SystemExit(128 + number)


def _tune() -> None:
    """Set what a process of one command can do without."""
    # Python would look for cycles all along the imports: a tenth of the time of a small build.
    gc.set_threshold(COLLECT_AFTER)
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    _keep_memory()


def _keep_memory() -> None:
    """Have glibc keep the memory that a block used for the next one, whichever thread needs it.

    It would give every large piece back to the system and have it zeroed again: a tenth of the time of a big build.
    With a store for each thread it would keep three times as much. Other systems' libraries have no such setting.
    """
    with suppress(AttributeError, OSError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        for option in (GLIBC_TRIM_THRESHOLD, GLIBC_MMAP_THRESHOLD):
            set_option(option, KEPT_BYTES)
        set_option(GLIBC_ARENA_MAX, 1)


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, _terminate)
    _tune()
    for stream in (sys.stdout, sys.stderr):
        # A console or a pipe on Windows may know no Cyrillic; that must not end a build.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except SystemExit as end:
        _leave(end.code)


def _leave(code: object) -> NoReturn:
    """End the process without tearing the interpreter down; every file is closed and every lock released by now.

    Arrow's reading threads may still be letting go of Python's memory when the interpreter takes itself apart. A build
    that had done its work was once seen not to end on a busy machine.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()
