"""How messages about deliveries begin, and what they say of files that are not there as they should be."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from csvexport.delivery import Parcel, PassingError
from csvexport.errors import DeliveryError

IN_PLACE: Final = "set in_place = true, and files are written under their own names"
"""What helps where a server keeps no hidden name, or does not rename."""

HIDDEN_ONE_GONE: Final = (
    f"the server took the file, and none is there under the hidden name that it should have until whole; {IN_PLACE}"
)

NEVER_SEEN: Final = (
    "the server took the file, and shows none there; ask the receiver whether it arrived. If it did, since files are "
    "taken away at once there, csvexport confirm the batch and set takes_away = true"
)

NOT_RENAMED: Final = f"the server said that it renamed the file, and did not; {IN_PLACE}"

OTHER_CHECKSUM: Final = "the server's checksum of the file is another than that of what was sent"


def wrong_size(seen: int, parcel: Parcel) -> PassingError:
    """Say that a file has not the size that it was sent with."""
    return PassingError(f"{seen:,} bytes are there, and {parcel.size:,} were sent")


@contextmanager
def naming_the_place(parcel: Parcel) -> Iterator[None]:
    """Begin the message of whatever fails within with the place where the file is to go."""
    try:
        yield
    except PassingError as error:
        raise PassingError(f"{parcel.shown}: {error}", error.wait) from error
    except DeliveryError as error:
        raise DeliveryError(f"{parcel.shown}: {error}") from error
