"""Templates, which are files of ours, and patterns, which stand in profiles: how they are filled in."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateRuntimeError,
    Undefined,
    meta,
    select_autoescape,
)
from jinja2.sandbox import SandboxedEnvironment


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


def pattern_names(text: str) -> frozenset[str]:
    """Give the names that a pattern, such as `/drop/{{ batch }}/{{ file }}`, must be given values for.

    Raises:
        ValueError: it is no pattern; the text is a sentence that says why.
    """
    try:
        return frozenset(meta.find_undeclared_variables(_patterns(str).parse(text)))
    except TemplateError as error:
        raise ValueError(f"is no Jinja2 pattern: {error.message}") from None
    except RecursionError:
        raise ValueError("is no Jinja2 pattern: it is nested too deeply") from None


def filled_pattern(text: str, values: Mapping[str, str], written: Callable[[str], str] = str) -> str:
    """Fill a pattern in; it can reach nothing but these values.

    Args:
        text: the pattern.
        values: by the names that it may use.
        written: makes of what an expression gives, after all its filters, what is put into the text; may raise
            ValueError.

    Raises:
        ValueError: it cannot be filled in; the text is a sentence that says why.
    """
    try:
        return _patterns(written).from_string(text).render(values)
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001 - a pattern is a program: whatever it raises is its writer's to mend
        raise ValueError(f"cannot be filled in: {error}") from None


@cache
def _patterns(written: Callable[[str], str]) -> SandboxedEnvironment:
    def put(value: object) -> str:
        if not isinstance(value, str | int | Undefined):
            raise TemplateRuntimeError("an expression gives no text")
        return written(str(value))

    made = SandboxedEnvironment(undefined=StrictUndefined, finalize=put)
    # Functions such as range, which no path needs, would pass for names that have values.
    made.globals.clear()
    return made
