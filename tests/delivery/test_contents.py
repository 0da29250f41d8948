import pytest

from csvexport.delivery import Deadline
from csvexport.delivery.contents import CHUNK, read_parcel
from csvexport.errors import DeliveryError


@pytest.fixture
def place(make_place):
    return make_place("folder")


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_is_given_in_pieces(place, size):
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    pieces = list(read_parcel(place.parcel("orders.csv", content), Deadline(60)))
    assert b"".join(pieces) == content
    assert len(pieces) == -(-size // CHUNK)


@pytest.mark.parametrize("size", [1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_no_reader_gets_as_many_bytes_as_were_built_if_they_are_others(place, size):
    parcel = place.parcel("orders.csv", b"x" * size)
    for content in (b"y" * size, b"x" * (size - 1), b"x" * (size + 1)):
        parcel.path.write_bytes(content)
        pieces = []
        with pytest.raises(DeliveryError, match=r"^built.csv was changed after it was built, and is not sent; "):
            pieces.extend(read_parcel(parcel, Deadline(60)))
        assert sum(map(len, pieces)) < size
