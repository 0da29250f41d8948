"""The process of one command: its signals, its memory and its end."""

import ctypes
import gc
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from csvexport.screen import end_streams, guard_streams

# Options of glibc's mallopt; the bytes to keep are more than the blocks of a build that are alive at one time.
GLIBC_TRIM_THRESHOLD, GLIBC_MMAP_THRESHOLD, GLIBC_ARENA_MAX = -1, -3, -8
KEPT_BYTES: Final = 1 << 28

# What libraries take from the environment when they are imported: numpy starts a thread for each core, which spins, for
# algebra of which there is none here; pydantic looks through all that is installed for plugins.
LIBRARIES: Final = {"OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}

# New objects after which Python looks for cycles; nothing here makes many of those.
COLLECT_AFTER: Final = 1_000_000


def _terminate(number: int, frame: object) -> None:  # noqa: ARG001 - a signal handler's signature
    """Unwind, so that a build that a scheduler ends removes what it began."""
    raise SystemExit(128 + number)


def _tune() -> None:
    """Set what a process of one command can do without."""
    # Python would look for cycles all along the imports: a tenth of the time of a small build.
    gc.set_threshold(COLLECT_AFTER)
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    _keep_memory()


def _keep_memory() -> None:
    """Have glibc keep the memory that a block used for the next one, whichever thread needs it.

    It would give every large piece back to the system and have it zeroed again: a tenth of the time of a big build.
    With a store for each thread it would keep three times as much. Other systems' libraries have no such setting.
    """
    with suppress(AttributeError, OSError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        for option in (GLIBC_TRIM_THRESHOLD, GLIBC_MMAP_THRESHOLD):
            set_option(option, KEPT_BYTES)
        set_option(GLIBC_ARENA_MAX, 1)


def run(app: Callable[[], object]) -> None:
    """Run the command line in a process of its own, and end that."""
    signal.signal(signal.SIGTERM, _terminate)
    _tune()
    guard_streams()
    try:
        app()
    except SystemExit as end:
        _leave(end.code)


def _leave(code: object) -> NoReturn:
    """End the process without tearing the interpreter down; every file is closed and every lock released by now.

    Arrow's reading threads may still be letting go of Python's memory when the interpreter takes itself apart. A build
    that had done its work was once seen not to end on a busy machine.
    """
    os._exit(end_streams(code if isinstance(code, int) else 0 if code is None else 1))
