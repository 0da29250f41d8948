"""What commands take: arguments and options, each defined once, and how their texts are read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from csvexport.errors import UsageError
from csvexport.summary import NOTABLE

if TYPE_CHECKING:
    from csvexport.profile import Profile
    from csvexport.workflow import Options

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
    str | None,
    typer.Option(
        metavar="NAME", help="The user's name for an address: the name, env:NAME, file:PATH or credential:NAME."
    ),
]
PasswordOption = Annotated[
    str | None,
    typer.Option(metavar="WHERE", help="Where the password for it is: env:NAME, file:PATH or credential:NAME."),
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
BatchOption = Annotated[
    str | None,
    typer.Argument(
        metavar="[BATCH]", help="The batch: its name or its folder. Without it, of each kind the newest not yet sent."
    ),
]
BatchArgument = Annotated[str, typer.Argument(metavar="BATCH", help="The batch: its name or its folder.")]
ProfileNameArgument = Annotated[
    str | None, typer.Argument(metavar="[PROFILE]", help="Only the batches of this profile: its name or its file.")
]
NamedProfileArgument = Annotated[str, typer.Argument(metavar="PROFILE", help="The profile: its name or its file.")]
OlderThanOption = Annotated[
    int,
    typer.Option(
        "--older-than", metavar="DAYS", min=1, max=36_500, help="Batches that were built so many days ago are old."
    ),
]
UnsentOption = Annotated[
    bool, typer.Option("--unsent", help="Remove also what was only built, and neither delivered nor confirmed.")
]
AnywayOption = Annotated[
    bool, typer.Option("--force", help="Note it although some of its events were sent with another batch.")
]
PlanOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be removed; write nothing.")]
LastOption = Annotated[
    int | None,
    typer.Option(
        "--last", "-n", metavar="N", min=1, help="The newest so many batches of each profile; 20, or all with --json."
    ),
]
DestinationOption = Annotated[
    str | None, typer.Option("--to", metavar="NAME", help="Send to this of the profile's destinations only.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would go where; write nothing, ask no destination.")
]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="End with exit code 1, after all is done, on: empty (no row for any goal, or for a kind), warnings, "
        "or both, with a comma between.",
    ),
]
LogOption = Annotated[
    Path | None, typer.Option("--log", metavar="FILE", help="Append what happens to this file, as JSON Lines.")
]
WayOption = Annotated[
    Literal["cron", "systemd", "windows"], typer.Option("--as", help="The scheduler that is to call csvexport.")
]
EveryOption = Annotated[
    str, typer.Option(metavar="TIME", help="Time between two runs: minutes or hours that divide a day, or 1d.")
]
AtOption = Annotated[
    str | None,
    typer.Option(
        metavar="HH:MM", help="One of the moments at which they begin; without it, one that is the profile's own."
    ),
]
RunLogOption = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="The log that the runs write; without it, PROFILE.log in --out."),
]
UnitsOption = Annotated[
    Path | None, typer.Option("--to", metavar="DIR", help="Write into files in this folder, over none that is there.")
]
OutOption = Annotated[Path, typer.Option(metavar="DIR", help="Folder of all batches: DIR/PROFILE/BATCH.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors; ask nothing.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print examples and remedies, or reasons.")]


def load(path: Path) -> "Profile":
    """Read the profile."""
    from csvexport.profile import load_profile  # noqa: PLC0415 - heavy

    return load_profile(path)


def read_options(
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
        others["now"] = read_moment(now)
    return Options(exports=tuple(exports or ()), only=tuple(only or ()), **others)


def read_fail_on(text: str | None) -> frozenset[str]:
    """Read what `--fail-on` says: words of `NOTABLE`, with commas between."""
    words = [] if text is None else [word.strip() for word in text.split(",")]
    for word in words:
        if word not in NOTABLE:
            raise UsageError(
                f'--fail-on: "{word}" is none of {" and ".join(NOTABLE)}; write --fail-on {",".join(NOTABLE)}'
            )
    return frozenset(words)


def read_moment(text: str) -> datetime:
    """Read what `--now` says; gives it in UTC."""
    example = "2024-06-01T09:00:00Z or 2024-06-01T12:00:00+03:00"
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f'--now: "{text}" is no moment; write it as {example}') from None
    if moment.tzinfo is None:
        raise UsageError(f'--now: "{text}" lacks its offset from UTC; write it as {example}')
    return utc.replace(microsecond=0)


def read_zone(name: str | None) -> str | None:
    """Read what `--timezone` says."""
    from csvexport.profile.readers import read_timezone  # noqa: PLC0415 - heavy

    try:
        return None if name is None else read_timezone(name)
    except ValueError as error:
        raise UsageError(f"--timezone: {error}") from None
