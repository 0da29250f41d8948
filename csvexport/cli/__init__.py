"""The command line: parses, calls the workflow, prints, and picks the exit code.

Exit codes: 0 done · 1 data problems · 2 usage or profile · 3 a source cannot be read · 4 a batch cannot be written or
delivered · 130 interrupted. The heavy libraries are imported by the command that needs them, never by `--help`.
"""

from typing import Annotated

import typer

from csvexport import __version__
from csvexport.cli import building, delivering, looking, process, scheduling
from csvexport.cli.talking import INTERRUPTED, Boundary
from csvexport.screen import say

__all__ = ["INTERRUPTED", "app", "main"]

app = typer.Typer(
    cls=Boundary,
    help="Turn CRM exports into the offline conversion files that Yandex Metrica and Yandex Direct accept.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        say(f"csvexport {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


for command in (
    looking.inspect,
    looking.init,
    building.check,
    building.build,
    delivering.run,
    delivering.send,
    delivering.confirm,
    delivering.discard,
    delivering.prune,
    delivering.history,
    scheduling.schedule,
    looking.lint,
    building.schema,
):
    app.command()(command)
app.add_typer(delivering.ledger, name="ledger")


def main() -> None:
    """Run the command line."""
    process.run(app)
