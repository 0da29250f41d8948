"""The journal of `--log`: what a run did, a line of JSON for each step, for machines to read."""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from csvexport.errors import UsageError
from csvexport.masking import masked
from csvexport.screen import complain


class Journal:
    """Appends events to a file; one without a file keeps nothing.

    Several processes may write to one file, whose lines stay whole. It is opened for each line, so that it may be
    renamed at any time, as log rotation does. When it can no longer be written, a warning goes to stderr once, and the
    run goes on: a delivery is worth more than its record.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, which is made for its owner's eyes only, with its folder, if it is not there.

        Raises:
            UsageError: it cannot be written.
        """
        self._file = None if path is None else _File(path)
        self._facts: dict[str, object] = {}

    def bound(self, **facts: object) -> Self:
        """Give a journal of the same file each of whose lines says this too."""
        journal = type(self)()
        journal._file, journal._facts = self._file, self._facts | facts  # noqa: SLF001 - it is one of this class
        return journal

    def event(self, name: str, /, **facts: object) -> None:
        """Write down that something happened.

        Args:
            name: what, in one word.
            facts: what there is to know of it. Identifiers, phones and e-mails in texts are cut short.
        """
        if self._file is None:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        known = {key: _plain(fact) for key, fact in (self._facts | facts).items()}
        # In ASCII, a terminal that shows the file finds nothing in it to obey.
        line = json.dumps({"at": now, "event": name, "pid": os.getpid()} | known)
        self._file.append(line.encode() + b"\n")


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._is_torn = False
        self._has_failed = False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(self._open())
        except OSError as error:
            raise UsageError(
                f"--log: {path} cannot be written: {error.strerror}; name a file in a folder that you may write to"
            ) from error

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, line: bytes) -> None:
        """Append a line in one write, which no other process's can split."""
        try:
            descriptor = self._open()
            try:
                # A line that found room for its beginning only must not spoil the next one.
                text = b"\n" + line if self._is_torn else line
                self._is_torn = os.write(descriptor, text) < len(text)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._warn(error.strerror)
        else:
            if self._is_torn:
                self._warn("there is no room for a whole line")

    def _warn(self, reason: str | None) -> None:
        if not self._has_failed:
            self._has_failed = True
            complain(f"The log {self._path} lacks lines, since it cannot be written: {reason}")


def _plain(fact: object) -> object:
    """Make a fact what JSON can hold."""
    match fact:
        case None | bool() | int() | float():
            return fact
        case datetime():
            return fact.isoformat()
        case Mapping():
            return {str(key): _plain(value) for key, value in fact.items()}
        case str():
            return masked(fact)
        case Iterable():
            return [_plain(value) for value in fact]
    return masked(str(fact))
