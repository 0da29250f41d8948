"""How messages about deliveries begin."""

from collections.abc import Iterator
from contextlib import contextmanager

from csvexport.delivery import Parcel, PassingError
from csvexport.errors import DeliveryError


@contextmanager
def naming_the_place(parcel: Parcel) -> Iterator[None]:
    """Begin the message of whatever fails within with the place where the file is to go."""
    try:
        yield
    except PassingError as error:
        raise PassingError(f"{parcel.shown}: {error}", error.wait) from error
    except DeliveryError as error:
        raise DeliveryError(f"{parcel.shown}: {error}") from error
