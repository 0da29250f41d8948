"""Templates: where they are, and how they are filled in."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, select_autoescape


def template_dir() -> Path:
    """Where the templates are: inside the package when it is installed, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def filled(template: str, view: Mapping[str, object], filters: tuple[Callable[..., str], ...] = ()) -> str:
    """Fill a template in; a text is escaped where the template is a page, and there only.

    Args:
        template: the name of its file.
        view: what it knows, by the names that it uses.
        filters: functions that it may call, by their names.
    """
    return _environment(filters).get_template(template).render(view)


@cache
def _environment(filters: tuple[Callable[..., str], ...]) -> Environment:
    made = Environment(
        loader=FileSystemLoader(template_dir()),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_bytecode_cache(),
    )
    made.filters.update({function.__name__: function for function in filters})
    return made


def _bytecode_cache() -> FileSystemBytecodeCache | None:
    """Keep compiled templates where Python keeps this module compiled, if it may write there."""
    folder = Path(cache_from_source(__file__)).parent
    may_write = not sys.dont_write_bytecode and os.access(folder, os.W_OK)
    return FileSystemBytecodeCache(str(folder)) if may_write else None
