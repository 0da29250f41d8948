"""What is delivered: the bytes that the batch's manifest tells of, and no others."""

import hashlib
from collections.abc import Iterator
from typing import Final

from csvexport.delivery import Deadline, Parcel
from csvexport.errors import DeliveryError

CHUNK: Final = 1 << 20
"""Bytes that are read at once."""


def read_parcel(parcel: Parcel, deadline: Deadline) -> Iterator[bytes]:
    """Give the bytes of a file, piece by piece; the last piece only when all of them are known to be right.

    Raises:
        DeliveryError: the file cannot be read, is not what was built, or the time is over; the message names no place.
    """
    digest, size, held = hashlib.sha256(), 0, b""
    for chunk in _chunks(parcel):
        deadline.left()
        digest.update(chunk)
        size += len(chunk)
        if size > parcel.size:
            break
        if held:
            yield held
        held = chunk
    if (size, digest.hexdigest()) != (parcel.size, parcel.sha256):
        raise DeliveryError(
            f"{parcel.path.name} was changed after it was built, and is not sent; discard the batch and build anew"
        )
    if held:
        yield held


def _chunks(parcel: Parcel) -> Iterator[bytes]:
    try:
        with parcel.path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise DeliveryError(f"{parcel.path.name} of the batch cannot be read: {error.strerror}") from error
