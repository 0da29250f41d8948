"""What is asked, and which answers make sense."""

import pytest

from csvexport.asking import read_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", [1]),
        ("3,1", [3, 1]),
        ("2-4", [2, 3, 4]),
        ("1; 3-4 2", [1, 3, 4, 2]),
        ("1,1-2,", [1, 2]),
        (" none ", []),
        ("NONE", []),
    ],
)
def test_numbers_are_read(text, numbers):
    assert read_numbers(text, 4) == numbers


@pytest.mark.parametrize("text", ["", "0", "5", "3-5", "4-2", "-1", "x", "1,x", "1.5", "оплачен", "99999999999"])
def test_what_is_no_number_of_the_list_is_refused(text):
    with pytest.raises(ValueError, match=r"there is no .*; the numbers are 1 to 4|write numbers from 1 to 4"):
        read_numbers(text, 4)
