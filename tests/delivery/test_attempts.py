import math
from pathlib import Path

import pytest

from csvexport.delivery import Deadline, Parcel, PassingError, Receipt, Trace, attempts
from csvexport.errors import DeliveryError

PARCEL = Parcel(path=Path("orders.csv"), to="/drop/orders.csv", shown="/drop/orders.csv", size=1, sha256="")
RECEIPT = Receipt(trace=Trace(1))
BROKEN = PassingError("/drop/orders.csv: the connection broke off")
REFUSED = DeliveryError("/drop/orders.csv: the login was refused")


class Scripted:
    """A destination of which each try ends as the test says, the last one's end being that of all that follow."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.happened = []

    def deliver(self, parcel, deadline):
        assert parcel is PARCEL
        deadline.left()
        self.happened.append("try")
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(end, Exception):
            raise end
        return end

    def close(self):
        self.happened.append("close")


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that are waited between tries, and are not waited here."""
    found = []
    monkeypatch.setattr("tenacity.nap.time.sleep", found.append)
    return found


def refusal(destination, tries=5, seconds=3600.0):
    """Deliver in vain, and give what is said at last."""
    with pytest.raises(DeliveryError) as caught:
        attempts.deliver(destination, PARCEL, tries, Deadline(seconds))
    assert not isinstance(caught.value, PassingError)
    return str(caught.value)


def test_what_arrives_is_tried_once(pauses):
    destination = Scripted(RECEIPT)
    assert attempts.deliver(destination, PARCEL, 5, Deadline(60)) is RECEIPT
    assert (destination.happened, pauses) == (["try"], [])


def test_what_may_pass_is_tried_again_over_a_new_connection_and_told(pauses):
    destination, heard = Scripted(BROKEN, BROKEN, RECEIPT), []
    told = attempts.deliver(destination, PARCEL, 3, Deadline(60), lambda *failure: heard.append(failure))
    assert told is RECEIPT
    assert destination.happened == ["try", "close", "try", "close", "try"]
    assert heard == [(BROKEN, pause) for pause in pauses]
    assert len(heard) == 2


def test_what_will_not_pass_is_not_tried_again(pauses):
    destination = Scripted(REFUSED)
    assert refusal(destination) == str(REFUSED)
    assert (destination.happened, pauses) == (["try"], [])


def test_it_ends_after_so_many_tries(pauses):
    destination = Scripted(BROKEN)
    assert refusal(destination) == f"{BROKEN}; 5 tries failed"
    assert destination.happened.count("try") == 5
    assert len(pauses) == 4
    assert refusal(Scripted(BROKEN), tries=1) == str(BROKEN)


def test_waits_double_up_to_a_minute_and_are_never_the_same(pauses):
    refusal(Scripted(BROKEN), tries=12)
    for number, pause in enumerate(pauses[:6]):
        assert 0.5 * 2**number <= pause <= 0.5 * 2**number + 0.5
    assert pauses[7:] == [60] * 4
    assert len({math.modf(pause)[0] for pause in pauses[:6]}) == 6


@pytest.mark.parametrize("seconds", [0, 7, 60])
def test_a_server_is_left_alone_for_as_long_as_it_asks(pauses, seconds):
    busy = PassingError("/drop/orders.csv: the server is busy", seconds)
    assert attempts.deliver(Scripted(busy, RECEIPT), PARCEL, 2, Deadline(3600)) is RECEIPT
    assert pauses == [seconds]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(pauses):
    busy = PassingError("/drop/orders.csv: the server is asked too often (429)", 3600)
    assert refusal(Scripted(busy), seconds=86_400) == (
        "/drop/orders.csv: the server is asked too often (429), and asks to be left alone for 3,600 s; send again then"
    )
    assert pauses == []


def test_no_try_is_waited_for_that_would_come_too_late(pauses):
    busy = PassingError("/drop/orders.csv: the server is busy", 30)
    assert refusal(Scripted(BROKEN, busy), seconds=20) == (
        "/drop/orders.csv: the server is busy; 2 tries failed, and time_limit leaves no time for another"
    )
    assert len(pauses) == 1


def test_the_time_may_be_over_before_the_first_try_has_failed(pauses):
    deadline = Deadline(0.001)

    class Slow(Scripted):
        def deliver(self, *_):
            while True:
                try:
                    deadline.left()
                except DeliveryError:
                    raise BROKEN from None

    with pytest.raises(DeliveryError) as caught:
        attempts.deliver(Slow(), PARCEL, 5, deadline)
    assert str(caught.value) == f"{BROKEN}; 1 try failed, and time_limit leaves no time for another"
    assert pauses == []
