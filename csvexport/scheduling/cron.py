"""A line for a user's crontab."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from csvexport.scheduling.job import Job
from csvexport.scheduling.units import Schedule, Unit
from csvexport.templating import filled


def plan(job: Job, to: Path | None) -> Schedule:
    """Write the line, and say how it is installed from the folder `to`, or from the terminal."""
    unit = Unit(f"csvexport-{job.name}.cron", filled("schedule.cron", {"job": job, "command": command(job.command)}))
    return Schedule((unit,), tuple(_hints(job, None if to is None else to / unit.name)))


def command(words: Sequence[str]) -> str:
    r"""Write a command as cron passes it on to the shell.

    An unescaped % would end it. Some crons, and not others, take a second backslash after a first one away, so no two
    of them are neighbours, and none has a % behind it.

    Example:
        `['run', '50% a']` becomes `run '50\% a'`
    """
    return shlex.join(words).replace("\\", "\\''").replace("%", "\\%")


def _hints(job: Job, file: Path | None) -> Iterator[str]:
    if file is None:
        yield "To install it, put the line into the crontab of the user who is to run it: crontab -e"
    else:
        yield f"To install it for the user who is to run it: (crontab -l; cat {shlex.quote(str(file))}) | crontab -"
    if job.variables:
        yield (
            f"The profile takes {', '.join(job.variables)} from the environment, which cron does not pass on: write "
            "file:PATH into the profile instead, or a line NAME=value for each above the command."
        )
