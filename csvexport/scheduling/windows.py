"""A task of Windows' Task Scheduler."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from subprocess import list2cmdline
from xml.sax.saxutils import escape

from csvexport.errors import UsageError
from csvexport.scheduling.job import Job
from csvexport.scheduling.units import Schedule, Unit
from csvexport.templating import filled


def plan(job: Job, to: Path | None) -> Schedule:
    """Write the task, and say how it is installed from the folder `to`, or from the terminal.

    Raises:
        UsageError: Windows would put something else in the place of a part of a path.
    """
    name = f"csvexport-{job.name}"
    arguments = list2cmdline(job.command[1:])
    _see_that_nothing_is_put_in(f"{job.command[0]} {arguments}")
    unit = Unit(f"{name}.xml", filled("schedule.xml", {"job": job, "arguments": arguments}, (xml,)), encoding="utf-16")
    return Schedule((unit,), tuple(_hints(job, name, unit.name if to is None else str(to / unit.name))))


def xml(text: str) -> str:
    """Write a text in ASCII, so that a task which is redirected to a file is the same in every code page."""
    return escape(text).encode("ascii", "xmlcharrefreplace").decode()


def _see_that_nothing_is_put_in(command: str) -> None:
    """See that there is nothing for which the Task Scheduler has another meaning; neither can be escaped."""
    found = re.search(r"%[^%\s\\/]+%|\$\(Arg[0-9]+\)", command)
    if found:
        raise UsageError(f"Windows would put something else in the place of {found[0]}; rename the folder or file")


def _hints(job: Job, name: str, file: str) -> Iterator[str]:
    yield (
        "To install it, as an administrator: "
        + list2cmdline(("schtasks", "/Create", "/TN", name, "/XML", file))
        + " (the file is what --to DIR writes, or this text)"
    )
    yield (
        "It runs whether or not the user is logged on, and no password is stored. If it needs a share of the network, "
        f"add {list2cmdline(('/RU', job.user, '/RP', '*'))}, which stores one."
    )
    if job.variables:
        yield (
            f"The profile takes {', '.join(job.variables)} from the environment: set them for the user {job.user} with "
            "setx NAME value, or write file:PATH into the profile instead."
        )
    if os.name != "nt":
        yield "The paths are those of this machine, which has no Task Scheduler: run this command on the one that has."
