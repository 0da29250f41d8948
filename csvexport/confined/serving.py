"""The loop of a confined process: reads requests from its standard input, and writes answers to its standard output.

A request is a line of JSON, and so is an answer, behind which the buffers that it counts follow.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from importlib import import_module
from typing import Any, BinaryIO, NamedTuple


class Why(StrEnum):
    """Why a file cannot be read."""

    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported"
    NAMES = "names"
    MEMORY = "memory"
    TIME = "time"
    SYSTEM = "system"


class RefusalError(Exception):
    """A file cannot be read.

    Attributes:
        why: the reason.
    """

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class Answer(NamedTuple):
    """What a reader answers: a value for JSON, and buffers of bytes behind it."""

    value: Any = None
    buffers: Sequence[Any] = ()


def serve(library: str) -> None:
    """Answer until the other end closes; `library` is the module beside this one whose `File` reads."""
    # Ctrl+C reaches all processes of a terminal; the other end tells this one when to go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    opener = import_module(f"csvexport.confined.{library}").File
    files: dict[int, Any] = {}
    memory: dict[int, int] = {}
    _limit("RLIMIT_CORE", 0)
    own = _address_space()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        for number in request["closed"]:
            files.pop(number, None)
            memory.pop(number, None)
        if "open" in request:
            memory[request["file"]] = request["memory"]
            _limit("RLIMIT_AS", own + sum(memory.values()) if own else None)
        _limit("RLIMIT_CPU", int(sum(os.times()[:2])) + request["seconds"])
        value, buffers = _answered(opener, files, request)
        _write(sys.stdout.buffer, value, buffers)


def _answered(
    opener: Callable[..., Any], files: dict[int, Any], request: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Sequence[Any]]:
    """Do what is asked, and map whatever a library raises; a panic of Rust is no `Exception`."""
    why, reason = Why.DAMAGED, ""
    number = request["file"]
    try:
        if "open" in request:
            files[number] = None
            files[number] = opener(*request["open"])
            return {"value": None, "sizes": []}, []
        answer = getattr(files[number], request["call"])(*request["arguments"])
        return {"value": answer.value, "sizes": [len(buffer) for buffer in answer.buffers]}, answer.buffers
    except RefusalError as error:
        why = error.why
    except MemoryError:
        why = Why.MEMORY
    except OSError as error:
        # Libraries raise it of damaged files as well, then without a number.
        why, reason = (Why.SYSTEM, os.strerror(error.errno)) if error.errno is not None else (why, reason)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001, S110 - whatever else a library raises says that it could not read the file
        pass
    return {"why": why, "reason": reason}, []


def _write(stream: BinaryIO, value: Mapping[str, Any], buffers: Sequence[bytes | memoryview]) -> None:
    stream.write(json.dumps(value).encode() + b"\n")
    stream.writelines(buffers)
    stream.flush()


def _address_space() -> int:
    """Give the bytes that this process takes up already; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib takes a while to import
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _limit(name: str, value: int | None) -> None:
    """Set a limit of this process, where the system has such a one."""
    if os.name != "posix" or value is None:
        return
    import resource  # noqa: PLC0415 - Windows has none

    number = getattr(resource, name)
    hard = resource.getrlimit(number)[1]
    resource.setrlimit(number, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
