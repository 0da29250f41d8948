from hashlib import md5

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.values.contacts import read_emails, read_phones
from csvexport.values.hashes import counts, hashed, md5_of

# Yandex's own (metrica.md, section 7), which it matches contacts by.
VECTORS = {
    "mail@yandex.ru": "3c56ff8fef0f6c65b36b2d25720fe276",
    "79995551111": "f09f2c3d48f31e2a802944ade2e5aec5",
    "mail@example.com": "7daf6c79d4802916d83f6266e24850af",
    "mail2@example.com": "058ce6327d6846327dc71d572a04a206",
    "79991234567": "c523d04542feb526ea83dc33a4dc6aea",
}
assert {value: md5_of(value) for value in VECTORS} == VECTORS
assert hashed(pa.array(list(VECTORS))).to_pylist() == list(VECTORS.values())

values = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), min_size=1, max_size=200)
short_values = st.text(st.characters(codec="ascii", exclude_characters=","), min_size=1, max_size=56)
lists = st.lists(short_values | values, max_size=4)


def by_reference(rows):
    return [",".join(md5(value.encode()).hexdigest() for value in row) for row in rows]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("+7 (999) 555-11-11", "79995551111"),
        ("8 999 555 11 11 доб. 5", "79995551111"),
        ("'8(999)123-45-67", "79991234567"),
        ("007 999 123 45 67", "79991234567"),
        ("79991234567.0", "79991234567"),
        (" Mail@Yandex.ru\u00a0", "mail@yandex.ru"),
        ("Имя <MAIL@example.com>", "mail@example.com"),
        ("mailto:mail2@Example.COM.", "mail2@example.com"),
    ],
)
def test_an_ugly_spelling_has_the_hash_that_yandex_computes(cell, value):
    column = pa.array([cell, "", cell])
    contacts = read_emails(column) if "@" in value else read_phones(column, "RU")
    assert hashed(contacts.text).to_pylist() == [VECTORS[value], "", VECTORS[value]]


@given(st.lists(lists, max_size=6), st.integers(0, 6))
@example([["a" * 55], ["a" * 56], ["ё" * 28, "b"], [], ["c" * 64] * 3], 1)
@example([[], [], []], 0)
@example([], 0)
def test_the_kernel_hashes_each_value_as_hashlib_does(rows, start):
    column = pa.array([",".join(row) for row in rows], pa.string()).slice(start)
    result = hashed(column)
    result.validate(full=True)
    assert (result.type, result.null_count) == (pa.string(), 0)
    assert result.to_pylist() == by_reference(rows[start:])
    assert counts(column).tolist() == [len(row) for row in rows[start:]]


@pytest.mark.parametrize("several", [False, True])
def test_any_number_of_values_of_every_length_is_hashed(several):
    rows = [[f"{number}{'x' * (number % 70)}"] + ["y", "z"] * (several and number % 3) for number in range(40_000)]
    assert hashed(pa.array([",".join(row) for row in rows])).to_pylist() == by_reference(rows)
