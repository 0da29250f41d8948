"""A service of systemd, which may do little else, and its timer."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from csvexport.errors import UsageError
from csvexport.scheduling.job import Job
from csvexport.scheduling.units import Schedule, Unit
from csvexport.templating import filled

# Where the units are put, and the secrets that systemd hands to them.
_UNITS: Final = "/etc/systemd/system"
_SECRETS: Final = "/etc/csvexport"

_LONGEST_NAME: Final = 255
_SHARED: Final = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - PrivateTmp hides these


def plan(job: Job, to: Path | None) -> Schedule:
    """Write service and timer, and say how they are installed from the folder `to`, or from the terminal.

    Raises:
        UsageError: the profile's name is too long for that of a unit, or systemd would not call the program.
    """
    name = unit_name(job.name)
    if re.search(r"[\"'\\]", job.program[0]):
        raise UsageError(
            f"systemd calls no program with a quote or backslash in its path; install {job.program[0]} elsewhere"
        )
    shared = _SHARED if _needs_shared(job) else ()
    view = {"job": job, "name": name, "secrets": _SECRETS, "shared": shared, "writable": (*job.folders, *shared)}
    units = tuple(
        Unit(f"{name}.{kind}", filled(f"schedule.{kind}", view, (word, value))) for kind in ("service", "timer")
    )
    return Schedule(units, tuple(_hints(job, name, units, to)))


def unit_name(profile: str) -> str:
    r"""Name the units of a profile, escaped as by `systemd-escape`, but for the dash, which needs it only in paths.

    Example:
        `my shop` becomes `csvexport-my\x20shop`

    Raises:
        UsageError: it is too long.
    """
    name = "csvexport-" + re.sub(
        r"[^A-Za-z0-9:_.-]", lambda found: "".join(rf"\x{byte:02x}" for byte in found[0].encode()), profile
    )
    if len(f"{name}.service") > _LONGEST_NAME:
        raise UsageError(f'"{profile}" is too long a name for a unit of systemd; call the profile something shorter')
    return name


def word(text: str) -> str:
    """Write one word of a list, such as a command, with its specifiers taken literally."""
    if re.fullmatch(r"[A-Za-z0-9_./:=+,@-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value(escaped)}"'


def value(text: str) -> str:
    """Write what is the whole of a value, in which quotes mean nothing."""
    return text.replace("%", "%%")


def _needs_shared(job: Job) -> bool:
    """Whether something that it needs lies in a folder of which a service would otherwise have an empty one."""
    needed = (Path(job.program[0]), job.profile, *job.exports, *job.folders)
    return any(path.is_relative_to(tmp) for path in needed for tmp in _SHARED)


def _hints(job: Job, name: str, units: Sequence[Unit], to: Path | None) -> Iterator[str]:
    missing = [str(folder) for folder in job.folders if not folder.is_dir()]
    if missing:
        yield f"Make the folders in which it writes, as the user {job.user}: {shlex.join(('mkdir', '-p', *missing))}"
    yield from _hints_of_secrets(job, name)
    if to is None:
        yield f"Put the units into {_UNITS}; --to DIR writes them into files."
    else:
        files = [str(to / unit.name) for unit in units]
        yield f"To install them: sudo {shlex.join(('install', '-m', '644', *files, f'{_UNITS}/'))}"
    timer, service = (shlex.quote(f"{name}.{kind}") for kind in ("timer", "service"))
    yield f"Then: sudo systemctl daemon-reload && sudo systemctl enable --now {timer}"
    yield f"To try it at once: sudo systemctl start {service}; what it says: journalctl -u {service}"
    if job.user == "root":
        yield (
            "It runs as root, but without root's power over the files of others. Better run this command as the user "
            "who is to deliver."
        )


def _hints_of_secrets(job: Job, name: str) -> Iterator[str]:
    secrets = [f"{_SECRETS}/{credential}" for credential in job.credentials]
    variables = [f"{_SECRETS}/{name}.env"] if job.variables else []
    if secrets or variables:
        files = shlex.join(secrets + variables)
        yield (
            "Make the files of secrets, which only root can read: "
            f"sudo mkdir -p {_SECRETS} && sudo touch {files} && sudo chmod 600 {files}"
        )
    if secrets:
        yield f"Write into {', '.join(secrets)} the secret itself, and nothing else."
    if variables:
        yield f"Write into {variables[0]} a line NAME=value for each of {', '.join(job.variables)}."
