"""A line to a server that breaks: cut after so many bytes, silent from then on, or refused at first."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class Wire:
    """A TCP proxy before a server, with the faults that are left.

    Attributes:
        to: the server's port.
        port: its own.
        cuts: for one connection after the other, after how many bytes to the server (positive) or from it (negative)
            it is cut; 0 for as soon as it is there.
        is_silent: whether connections fall silent where they would be cut.
        bytes_up: how many bytes went to the server, over all connections.
        bytes_down: how many came back.
    """

    to: int
    port: int = 0
    cuts: list[int] = field(default_factory=list)
    is_silent: bool = False
    bytes_up: int = 0
    bytes_down: int = 0

    def __post_init__(self):
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            cut = self.cuts.pop(0) if self.cuts else None
            if cut == 0:
                near.close()
                continue
            far = socket.create_connection((HOST, self.to))
            self._sockets += [near, far]
            up, down = (cut, None) if cut is None or cut > 0 else (None, -cut)
            for pair, most, is_up in (((near, far), up, True), ((far, near), down, False)):
                self._threads.append(threading.Thread(target=self._pump, args=(*pair, most, is_up)))
                self._threads[-1].start()

    def _pump(self, source, sink, most, is_up):
        passed = 0
        with suppress(OSError):
            while chunk := source.recv(1 << 16 if most is None else min(1 << 16, most - passed)):
                sink.sendall(chunk)
                passed += len(chunk)
                if is_up:
                    self.bytes_up += len(chunk)
                else:
                    self.bytes_down += len(chunk)
                if passed == most:
                    if self.is_silent:
                        return
                    break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Cut what connections there are."""
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()


@contextmanager
def wire(to: int) -> Iterator[Wire]:
    """Lay a line to a port of this machine."""
    laid = Wire(to)
    try:
        yield laid
    finally:
        laid.close()
