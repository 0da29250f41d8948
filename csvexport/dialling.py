"""Finding out where a host is, within a time: the system's own call for it takes none."""

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from csvexport.deadline import Deadline

_Line = TypeVar("_Line")

# How long is waited for the thread that has told what it found; it has nothing left to do.
_ENDING: Final = 1.0


class SlowNamesError(TimeoutError):
    """The address of a host was not found out in time."""


def dial(host: str, port: int, patience: float, deadline: Deadline, connect: Callable[[str, float], _Line]) -> _Line:
    """Connect to the first address of a host that answers.

    Args:
        host: its name or IP address.
        port: the port.
        patience: seconds for which the name service, and each address, may be silent.
        deadline: when all must be done.
        connect: connects to an IP address within so many seconds; what it raises has the next address tried.

    Returns:
        What `connect` made.

    Raises:
        SlowNamesError: the host's address was not found out in time.
        OSError: the host has none.
        UnicodeError: its name cannot be.
    """
    addresses = _resolved(host, port, deadline.left(patience))
    for address in addresses[:-1]:
        # What the last one raises is told.
        with suppress(Exception):
            return connect(address, deadline.left(patience))
    return connect(addresses[-1], deadline.left(patience))


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """Find the IP addresses of a host; a thread that goes on after the time does no harm, and keeps no process."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()
    thread = threading.Thread(target=_resolve, args=(host, port, answers), daemon=True)
    thread.start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise SlowNamesError(f"the address of the host was not found out within {seconds:g} s") from None
    thread.join(_ENDING)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _resolve(host: str, port: int, answers: "queue.SimpleQueue[list[str] | Exception]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        wanted = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        # As numbers, with the interface where they need one.
        answers.put(list(dict.fromkeys(socket.getnameinfo(address, wanted)[0] for *_, address in found)))
    except Exception as error:  # noqa: BLE001 - raised again where it was asked for
        answers.put(error)
