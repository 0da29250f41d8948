"""Trying again: what a broken line or a busy server kept from arriving, a later try may bring there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, cast

from csvexport.delivery import Deadline, Destination, Parcel, PassingError, Receipt
from csvexport.errors import DeliveryError

if TYPE_CHECKING:
    from tenacity import RetryCallState

FIRST_WAIT = 0.5
"""Seconds before the second try, and up to as many more; they double with each try."""

LONGEST_WAIT: Final = 60.0
"""Seconds that are waited at most; a server that asks for more is not tried again."""


def deliver(
    destination: Destination,
    parcel: Parcel,
    attempts: int,
    deadline: Deadline,
    retrying: Callable[[PassingError, float], None] | None = None,
) -> Receipt:
    """Deliver a file, and try again where that may help.

    Args:
        destination: where it goes; its connection is closed after each try that failed.
        parcel: the file.
        attempts: how often it is tried at most.
        deadline: when it must be there; no try is waited for that would begin later.
        retrying: hears, before each wait, why a try failed, and how many seconds are waited.

    Raises:
        DeliveryError: it has not arrived, and nothing more is to be tried now.
    """
    # Not above, since the command line imports this and few runs deliver anything.
    from tenacity import Retrying, retry_if_exception_type  # noqa: PLC0415

    tries = _Tries(destination, attempts, deadline, retrying)
    retry = Retrying(
        retry=retry_if_exception_type(PassingError),
        wait=_pause,
        stop=tries.are_over,
        before_sleep=tries.prepare_next,
        retry_error_callback=tries.give_up,
    )
    return retry(destination.deliver, parcel, deadline)


@dataclass(frozen=True, slots=True)
class _Tries:
    """What happens between the tries of one delivery."""

    destination: Destination
    attempts: int
    deadline: Deadline
    retrying: Callable[[PassingError, float], None] | None

    def are_over(self, state: "RetryCallState") -> bool:
        """Whether the one that failed was the last."""
        wait = state.upcoming_sleep
        return state.attempt_number >= self.attempts or wait > LONGEST_WAIT or not self._has_time(wait)

    def _has_time(self, wait: float) -> bool:
        try:
            return self.deadline.left() > wait
        except DeliveryError:
            return False

    def prepare_next(self, state: "RetryCallState") -> None:
        """Let go of the connection, which may be in no good state, and tell."""
        self.destination.close()
        if self.retrying is not None:
            self.retrying(_failure(state), state.upcoming_sleep)

    def give_up(self, state: "RetryCallState") -> NoReturn:
        """Say why the last one failed, and why it was the last."""
        error, tries, wait = _failure(state), state.attempt_number, state.upcoming_sleep
        failed = f"; {tries} {'try' if tries == 1 else 'tries'} failed"
        if wait > LONGEST_WAIT:
            why = f", and asks to be left alone for {wait:,.0f} s; send again then"
        elif tries < self.attempts:
            why = f"{failed}, and time_limit leaves no time for another"
        else:
            why = failed if tries > 1 else ""
        raise DeliveryError(f"{error}{why}") from error


def _failure(state: "RetryCallState") -> PassingError:
    # Nothing else is tried again.
    return cast("PassingError", state.outcome and state.outcome.exception())


def _pause(state: "RetryCallState") -> float:
    """Say how long to wait before the next try."""
    from tenacity import wait_exponential_jitter  # noqa: PLC0415 - as above

    asked = _failure(state).wait
    if asked is not None:
        return asked
    return wait_exponential_jitter(multiplier=FIRST_WAIT, jitter=FIRST_WAIT, max=LONGEST_WAIT)(state)
