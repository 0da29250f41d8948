"""The units of a profile, for the scheduler that the machine has."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from csvexport.errors import UsageError
from csvexport.profile import Profile
from csvexport.scheduling import cron, systemd, windows
from csvexport.scheduling.job import Job, Wanted
from csvexport.scheduling.units import Schedule

Way = Literal["cron", "systemd", "windows"]

_WAYS: Final[dict[Way, Callable[[Job, Path | None], Schedule]]] = {
    "cron": cron.plan,
    "systemd": systemd.plan,
    "windows": windows.plan,
}


def schedule(profile: Profile, way: Way, wanted: Wanted) -> Schedule:
    """Make what a scheduler needs to run a profile; nothing is written.

    Raises:
        UsageError: the profile cannot be run by it, or what is wanted cannot be.
        ProfileError: a destination's pattern leads to no place.
    """
    job = Job.of(profile, wanted)
    if job.credentials and way != "systemd":
        raise UsageError(
            f"{profile.path.name} takes credential:{job.credentials[0]}, which only systemd gives; schedule it --as "
            "systemd, or write file:PATH instead"
        )
    return _WAYS[way](job, wanted.to)
