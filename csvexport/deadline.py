"""The end of the time that something may take."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from csvexport.errors import CsvexportError, DeliveryError


class Deadline:
    """The end of the time that one delivery, or the fetching of one export, may take, all its tries together.

    Whatever waits for a server waits no longer than `left` says, and asks anew before it waits again: so that a server
    which sends a byte now and then is given up like one that is silent.
    """

    def __init__(
        self, seconds: float, key: str = "time_limit", failed: Callable[[str], CsvexportError] = DeliveryError
    ) -> None:
        """Begin now.

        Args:
            seconds: how long it may take.
            key: the profile's key that says so.
            failed: makes of a message what is raised when the time is over.
        """
        self._seconds = seconds
        self._key = key
        self._failed = failed
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """Give the seconds that are left, at most so many, for use as a time-out.

        Raises:
            CsvexportError: none are left; it is a `DeliveryError` unless said otherwise.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise self._failed(
                f"took longer than {self._key} = {self._seconds:g} seconds allow; raise it if the line is that slow"
            )
        return min(left, most)

    @contextmanager
    def ending(self, cut: Callable[[], object], grace: float = 0.0) -> Iterator[None]:
        """End what goes on within when the time is over, where it takes no time-out.

        Args:
            cut: ends it; called from another thread.
            grace: how many seconds later it is called.

        Raises:
            CsvexportError: no time is left to begin.
        """
        timer = threading.Timer(self.left() + grace, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
