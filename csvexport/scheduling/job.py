"""The job that a scheduler is given: which program runs what, as whom, and when."""

import getpass
import os
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from csvexport.errors import UsageError
from csvexport.profile import Profile
from csvexport.scheduling.reach import drops, exports, secret_names
from csvexport.scheduling.rhythm import Rhythm

# Control characters, bytes that are no text, and what XML cannot hold.
_UNWRITABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line wants.

    Attributes:
        every: time between two runs: `15m`, `2h`, `1d`.
        at: one of the moments of a day at which they begin, `HH:MM`.
        out: folder of all batches.
        log: file of the journal; without it, one beside the profile's batches.
        to: folder into which the units are written; None: they are printed.
    """

    every: str = "1h"
    at: str | None = None
    out: Path = Path("out")
    log: Path | None = None
    to: Path | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What runs, as whom, when, and what it needs; all paths are absolute.

    Attributes:
        name: the profile's name.
        program: how csvexport is called: its path, or Python's and arguments.
        profile: the profile's file.
        out: folder of all batches.
        log: file of the journal.
        rhythm: when it runs.
        user: who runs it.
        variables: names of the environment's variables that hold secrets.
        credentials: names of systemd's credentials that hold secrets.
        exports: local files that it reads.
        drops: folders below which it delivers files.
    """

    name: str
    program: tuple[str, ...]
    profile: Path
    out: Path
    log: Path
    rhythm: Rhythm
    user: str
    variables: tuple[str, ...]
    credentials: tuple[str, ...]
    exports: tuple[Path, ...]
    drops: tuple[Path, ...]

    @classmethod
    def of(cls, profile: Profile, wanted: Wanted) -> Self:
        """Make the job of a profile.

        Raises:
            UsageError: a run of the profile needs what a scheduler cannot give, or a path cannot be written down.
            ProfileError: a destination's pattern leads to no place.
        """
        _see_that_it_can_run(profile)
        out = wanted.out.resolve()
        # Not in the folder of the batches, in which the ledger's rebuilding looks for nothing else.
        log = wanted.log.resolve() if wanted.log else out / f"{profile.name}.log"
        job = cls(
            name=profile.name,
            program=_program(),
            # The name stays, even if it is that of a link: the profile is called after it.
            profile=profile.path.parent.resolve() / profile.path.name,
            out=out,
            log=log,
            rhythm=Rhythm.parse(wanted.every, wanted.at, profile.name),
            user=_user(),
            variables=secret_names(profile, "env"),
            credentials=secret_names(profile, "credential"),
            exports=exports(profile),
            drops=drops(profile),
        )
        _see_that_it_can_be_written(job)
        return job

    @property
    def command(self) -> tuple[str, ...]:
        """What is run, word by word."""
        options = ("--out", str(self.out), "--log", str(self.log), "--quiet")
        return (*self.program, "run", str(self.profile), *options)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders in which it writes, none of which lies in another."""
        return _outermost((self.out, self.log.parent, *self.drops))

    @property
    def title(self) -> str:
        """What the scheduler's lists show; the name is not its end, where a backslash would mean something."""
        return f'csvexport for "{self.name}"'


def _see_that_it_can_run(profile: Profile) -> None:
    name = profile.path.name
    if not profile.deliver:
        raise UsageError(f"{name} has no [[deliver]], so that a run has nowhere to send to; name a destination in it")
    if not profile.source.path or "-" in profile.source.path:
        raise UsageError(f"{name} does not name its export, and a scheduler gives none; write it as source.path")


def _see_that_it_can_be_written(job: Job) -> None:
    for text in (*job.command, *map(str, job.folders)):
        if _UNWRITABLE.search(text):
            shown = _UNWRITABLE.sub("�", text)
            raise UsageError(f"{shown} holds an invisible character that schedulers take for another; rename it")


def _program() -> tuple[str, ...]:
    """Tell how this program is called from anywhere: as it was now, if that was by its own name."""
    called = shutil.which(sys.argv[0]) if Path(sys.argv[0]).stem == "csvexport" else None
    # Of a module, Python would look for all its imports in the working directory first.
    return (sys.executable, "-P", "-m", "csvexport") if called is None else (str(Path(called).absolute()),)


def _user() -> str:
    if sys.platform == "win32":
        return "\\".join((*filter(None, [os.environ.get("USERDOMAIN")]), getpass.getuser()))
    import pwd  # noqa: PLC0415 - Windows has none

    try:
        # Not what the environment says: it may be that of whoever called su.
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _outermost(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Leave out what lies in another folder."""
    kept: list[Path] = []
    for folder in sorted(set(folders)):
        if not any(folder.is_relative_to(other) for other in kept):
            kept.append(folder)
    return tuple(kept)
