"""`schedule`: has the machine call `run` by itself."""

from pathlib import Path

from csvexport.cli.options import (
    AtOption,
    EveryOption,
    OutOption,
    ProfileArgument,
    RunLogOption,
    UnitsOption,
    WayOption,
    load,
)
from csvexport.screen import complain, say


def schedule(
    profile: ProfileArgument,
    way: WayOption,
    every: EveryOption = "1h",
    at: AtOption = None,
    out: OutOption = Path("out"),
    log: RunLogOption = None,
    to: UnitsOption = None,
) -> None:
    """Print what a scheduler needs to call `run` by itself, and how it is installed."""
    from csvexport import scheduling  # noqa: PLC0415 - heavy

    made = scheduling.schedule(load(profile), way, scheduling.Wanted(every, at, out, log, to))
    if to is None:
        say(scheduling.printed(made.units), end="")
    else:
        for file in scheduling.write(made.units, to):
            say(file)
    for hint in made.hints:
        complain(hint)
