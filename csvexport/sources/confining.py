"""The other end of the confined processes, which read what libraries without bounds read: see `csvexport.confined`."""

import itertools
import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from csvexport.confined.serving import Why
from csvexport.errors import SourceError

MEMORY: Final = (256 << 20, 200)
"""How much memory the reading of a file may take: so many bytes, and so many for each of the file's own."""

SECONDS: Final = (60, 1 << 18)
"""How long an answer may take: so many seconds, and one more for so many bytes of the file."""

_CODE: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]); from csvexport.confined.serving import serve; "
    "serve(sys.argv[1])"
)

# What of the environment a process needs to begin; it holds secrets as well, which are no business of its.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")

# One store of memory and no more threads than needed, so that the limit of the address space is that of the memory.
_SETTINGS: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RUST_BACKTRACE": "0",
}

# What libraries print before they give up for want of memory.
_WANTS_MEMORY: Final = (b"memory allocation of", b"bad_alloc", b"out of memory", b"MemoryError")

_WORDS: Final = {
    Why.MEMORY: (
        "reading it takes more than {memory:,} MB of memory, as where a cell stands far below or beside the table, or "
        "one text is repeated without end; correct that, or export it as CSV{more}"
    ),
    Why.TIME: "reading it takes longer than {seconds:,} seconds, and it is but {size:,} bytes; export it as CSV",
    Why.SYSTEM: "cannot be read: {reason}",
}


class Refused(NamedTuple):
    """What a process says of a file that cannot be read."""

    why: Why
    reason: str = ""


class _Process:
    """A process that reads files by one library, as many as are open at a time."""

    def __init__(self, library: str) -> None:
        self._busy = threading.Lock()
        self.closed: list[int] = []
        path = json.dumps([os.path.abspath(folder) for folder in sys.path])  # noqa: PTH100 - the empty one is this folder
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | _SETTINGS
        self._process = subprocess.Popen(  # noqa: S603 - Python itself
            [sys.executable, "-I", "-S", "-c", _CODE, library, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        weakref.finalize(self, _end, self._process)

    @property
    def has_ended(self) -> bool:
        """Whether there is no process any more, since it was ended or ended itself."""
        return self._process.poll() is not None

    def ask(self, request: Mapping[str, Any], seconds: int) -> "tuple[Any, list[memoryview]] | Refused":
        """Send a request and wait for the answer, so long."""
        if self.has_ended:
            return Refused(Why.SYSTEM, "the process that reads it has ended with another file")
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        with self._busy:
            timer.start()
            try:
                closed = [self.closed.pop() for _ in range(len(self.closed))]
                return self._answered({**request, "seconds": seconds, "closed": closed})
            except (OSError, EOFError, ValueError):
                return Refused(Why.TIME) if late.is_set() else self._told_by_its_end()
            except BaseException:
                # Interrupted halfway, nobody will read the rest of the answer.
                self._process.kill()
                raise
            finally:
                timer.cancel()

    def _answered(self, request: Mapping[str, Any]) -> "tuple[Any, list[memoryview]] | Refused":
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise AssertionError("both were asked for")
        asked.write(json.dumps(request).encode() + b"\n")
        asked.flush()
        line = answers.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        said = json.loads(line)
        if "why" in said:
            return Refused(Why(said["why"]), said["reason"])
        content = memoryview(answers.read(sum(said["sizes"])))
        buffers = []
        for size in said["sizes"]:
            buffers.append(content[:size])
            content = content[size:]
        return said["value"], buffers

    def _told_by_its_end(self) -> Refused:
        """Say why the process ended without an answer."""
        errors = self._process.stderr
        self._process.kill()
        self._process.wait()
        said = errors.read() if errors is not None else b""
        return Refused(Why.MEMORY if any(words in said for words in _WANTS_MEMORY) else Why.DAMAGED)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process that nobody asks any more."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            if stream is not None:
                stream.close()


_numbers = itertools.count()
_running: "weakref.WeakValueDictionary[str, _Process]" = weakref.WeakValueDictionary()
_starting = threading.Lock()


def _process(library: str) -> _Process:
    """Give the process that reads by this library; one lives as long as a file that it has opened."""
    with _starting:
        process = _running.get(library)
        if process is None or process.has_ended:
            process = _running[library] = _Process(library)
        return process


class ConfinedFile:
    """A file that is read by a process of its own."""

    def __init__(
        self, library: str, path: Path, label: str, most: int, words: Mapping[Why, str], *arguments: object
    ) -> None:
        """Open a file.

        Args:
            library: the module of `csvexport.confined` that reads it.
            path: the file.
            label: how messages name it.
            most: bytes of memory that the reading may take, beside those of the process itself.
            words: what is said of a file that is damaged, encrypted, or in another way not to be read.
            arguments: what the module's `File` takes besides the path.

        Raises:
            SourceError: it cannot be opened, or not within the limits.
        """
        self._label = label
        self._words = {**_WORDS, **words}
        self._size = path.stat().st_size
        self._memory = MEMORY[0] + min(MEMORY[1] * self._size, most)
        # Of a small file no profile allows more.
        self._more = ", or raise source.max_megabytes" if MEMORY[1] * self._size > most else ""
        self._seconds = SECONDS[0] + self._size // SECONDS[1]
        try:
            self._process = _process(library)
        except OSError as error:
            raise SourceError(f"{label}: the process that reads it cannot be started: {error.strerror}") from error
        self._number = next(_numbers)
        # Nobody can be asked while Python cleans up, so that it is told with the next request.
        weakref.finalize(self, self._process.closed.append, self._number)
        self._ask({"open": [os.fspath(path), *arguments], "memory": self._memory})

    def call(self, name: str, *arguments: object) -> tuple[Any, list[memoryview]]:
        """Call a method of the module's `File`; gives the value and the buffers that it answers.

        Raises:
            SourceError: the file cannot be read, or not within the limits.
        """
        return self._ask({"call": name, "arguments": arguments})

    def _ask(self, request: Mapping[str, Any]) -> tuple[Any, list[memoryview]]:
        answer = self._process.ask({**request, "file": self._number}, self._seconds)
        if not isinstance(answer, Refused):
            return answer
        words = self._words[answer.why].format(
            memory=self._memory >> 20, more=self._more, seconds=self._seconds, size=self._size, reason=answer.reason
        )
        raise SourceError(f"{self._label}: {words}")
