"""How commands talk: results on stdout, the rest on stderr, and one place where errors become exit codes."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import typer
from typer.core import TyperGroup

from csvexport.errors import CsvexportError, ProfileError, UsageError
from csvexport.journal import Journal
from csvexport.progress import no_progress
from csvexport.screen import complain, say_json
from csvexport.summary import Summary

INTERRUPTED: Final = 130
DATA_PROBLEMS: Final = 1


@dataclass(slots=True)
class Talk:
    """How a command talks.

    Attributes:
        as_json: one JSON document on stdout instead of text.
        quiet: nothing but errors.
        verbose: examples and remedies of every issue.
        journal: hears of every step, for machines.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    journal: Journal = field(default_factory=Journal)

    @classmethod
    def logging(
        cls, log: Path | None, command: str, profile: Path | str, *, as_json: bool, quiet: bool, verbose: bool
    ) -> Self:
        """Begin a journal in this file, if it is to be kept.

        Raises:
            UsageError: the file cannot be written.
        """
        journal = Journal(log).bound(command=command, profile=str(profile))
        journal.event("began")
        return cls(as_json, quiet, verbose, journal)


class Boundary(TyperGroup):
    """The one place where errors become a message and an exit code; an unexpected one keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own class of contexts is not public
        """Run the command, and note its end in the journal."""
        ctx.obj = Talk()
        try:
            answer = self._bounded(ctx)
        except typer.Exit as end:
            ctx.obj.journal.event("ended", exit_code=end.exit_code)
            raise
        except SystemExit as end:
            ctx.obj.journal.event("ended", exit_code=end.code)
            raise
        ctx.obj.journal.event("ended", exit_code=0)
        return answer

    def _bounded(self, ctx: Any) -> Any:  # noqa: ANN401 - see above
        try:
            _refuse_lost_folder()
            return super().invoke(ctx)
        except CsvexportError as error:
            mistakes = error.mistakes if isinstance(error, ProfileError) else ()
            raise complaint(str(error), mistakes, error.exit_code, ctx.obj) from None
        except (KeyboardInterrupt, typer.Abort):
            raise complaint("Interrupted; nothing half written is visible.", (), INTERRUPTED, ctx.obj) from None


def noticed(wanted: Collection[str], summary: Summary | None) -> dict[str, str]:
    """Give what there is of what `--fail-on` waits for, and what is said of it."""
    return {} if summary is None else {word: said for word, said in summary.notable.items() if word in wanted}


def end_noticed(found: Mapping[str, str], talk: Talk) -> None:
    """Say what `--fail-on` was waiting for, and end with exit code 1 if there is any."""
    for word, said in found.items():
        talk.journal.event("noticed", what=word, said=said)
        complain(f"--fail-on {word}: {said}")
    if found:
        raise typer.Exit(DATA_PROBLEMS)


def _refuse_lost_folder() -> None:
    """See that the folder to which all relative paths belong is there; it may have been removed meanwhile."""
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            f"the working folder cannot be found: {error.strerror}; change into one that is there"
        ) from None


def complaint(message: str, mistakes: Sequence[str], exit_code: int, talk: Talk) -> typer.Exit:
    """Say what stopped the run, and give what ends it."""
    talk.journal.event("stopped", problem=message)
    if talk.as_json:
        say_json({"error": message, "mistakes": list(mistakes), "exit_code": exit_code})
    complain(message)
    return typer.Exit(exit_code)


@contextmanager
def progress(talk: Talk) -> Iterator[Any]:
    """Show a progress bar on stderr when that is a terminal."""
    if talk.quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from csvexport.terminal import progress_bar  # noqa: PLC0415 - slow to import

    with progress_bar() as bar:
        yield bar
