"""The one way to a terminal: whatever a person is to see, on stdout or stderr, goes through here.

Names and values of an export, of files and of servers' answers may hold what a terminal obeys instead of showing it.
Here every character without a picture is replaced, or escaped where a program reads the text. No other module writes to
either stream.
"""

import errno
import io
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO, cast

from csvexport.errors import OutputError
from csvexport.masking import printable

CLOSED_PIPE: Final = 141
"""The exit code where whoever read the output left before its end, as `head` does: 128 and the number of SIGPIPE."""

_LAYOUT: Final = frozenset("\n\t")
_BREAKS: Final = re.compile(r"([\n\t])")


def say(text: object, end: str = "\n") -> None:
    """Print a text on stdout; its line breaks stay."""
    _write(sys.stdout, harmless(str(text)) + end)


def complain(text: object) -> None:
    """Print a text on stderr; its line breaks stay."""
    _write(sys.stderr, harmless(str(text)) + "\n")


def say_json(document: Mapping[str, Any], indent: int | None = None) -> None:
    """Print a document on stdout, in ASCII where that is not UTF-8, as a redirected one on Windows."""
    is_utf_8 = sys.stdout.encoding.casefold().replace("-", "") == "utf8"
    text = json.dumps(document, ensure_ascii=not is_utf_8, indent=indent)
    _write(sys.stdout, "\n".join(map(_escaped, text.split("\n"))) + "\n")


def ask(question: str, default: str) -> str:
    """Ask somebody who sits at the terminal; an empty answer is the default.

    Raises:
        Abort: no answer comes; typer's own.
    """
    import typer  # noqa: PLC0415 - the journal needs none

    answer: str = typer.prompt(printable(question), default=default)
    return answer


def harmless(text: str) -> str:
    """The text without what a terminal obeys; its line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(part if part in _LAYOUT else printable(part) for part in _BREAKS.split(text))


def _escaped(line: str) -> str:
    """Escape in a line of JSON what has no picture."""
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


class Guarded(io.TextIOWrapper):
    """A standard stream on which nothing arrives that a terminal would obey, whoever writes.

    So does what libraries and the interpreter print by themselves, such as mistakes in the command line. When it can no
    longer be written, the command goes on: what it does counts for more than what it says.

    Attributes:
        failure: why it could not be written; None if it could.
    """

    failure: OSError | None = None

    def write(self, text: str, /) -> int:
        """Write a text, made harmless."""
        return self.draw(harmless(text))

    def draw(self, text: str) -> int:
        """Write a text as it is."""
        if self.failure is None:
            try:
                super().write(text)
            except OSError as error:
                self.failure = error
        return len(text)

    def flush(self) -> None:
        """Write what was kept back."""
        if self.failure is None:
            try:
                super().flush()
            except OSError as error:
                self.failure = error


class _Drawing:
    """A standard stream on which commands pass."""

    def __init__(self, stream: TextIO) -> None:
        """Draw on this stream."""
        self._stream = stream
        self.write = stream.draw if isinstance(stream, Guarded) else stream.write

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        """Be that stream in all else."""
        return getattr(self._stream, name)


def drawing_on(stream: TextIO) -> TextIO:
    """Give a standard stream to rich, whose own commands a terminal is to obey; it makes its texts harmless itself."""
    return cast("TextIO", _Drawing(stream))


def guard_streams() -> None:
    """Put a guard before stdout and stderr; stand in for standard streams that the process was started without.

    Else the next file to be opened would take the number of such a stream, and what is printed would go into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # Written to, one that can only be read fails as a closed one does.
            descriptor = os.open(os.devnull, os.O_RDONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            stream = io.TextIOWrapper(io.FileIO(number, "w" if number else "r"), encoding="utf-8")
        # A console or a pipe on Windows may know no Cyrillic; that must not end a build.
        if number and isinstance(stream, io.TextIOWrapper):
            is_line_by_line = stream.line_buffering
            encoding = stream.encoding
            stream = Guarded(stream.detach(), encoding, errors="replace", line_buffering=is_line_by_line)
        setattr(sys, name, stream)


def end_streams(code: int) -> int:
    """Write out what the streams keep back; gives the exit code, which says also that stdout could not be written.

    Args:
        code: the exit code that the command ended with; one that tells of a failure stays.
    """
    sys.stdout.flush()
    failure = sys.stdout.failure if isinstance(sys.stdout, Guarded) else None
    if failure is None:
        sys.stderr.flush()
        return code
    if failure.errno == errno.EPIPE:
        return code or CLOSED_PIPE
    complain(f"stdout cannot be written: {failure.strerror}; what the command did is done")
    return code or OutputError.exit_code
