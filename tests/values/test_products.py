import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.products import products_json, products_text, read_products


@pytest.mark.parametrize(
    ("cell", "products"),
    [
        ("Laptop X:1,Laptop Y:2", {"Laptop X": 1, "Laptop Y": 2}),  # Yandex's own sample ([od])
        ("Стол: 2, Стул x3; Кресло х4\nТумба × 5", {"Стол": 2, "Стул": 3, "Кресло": 4, "Тумба": 5}),
        ("Стол", {"Стол": 1}),
        ("Стол, Стол:2, стол", {"Стол": 3, "стол": 1}),
        (" Стол   письменный : 2 ,, ", {"Стол письменный": 2}),
        ("iPhone 12 x2", {"iPhone 12": 2}),
        ("Ключ 10:2", {"Ключ 10": 2}),
        ("", {}),
        (" ; ,\n", {}),
    ],
)
def test_products_are_names_and_how_many_of_each(cell, products):
    assert read_products(cell) == products


@pytest.mark.parametrize(
    "name",
    [
        *("Xerox 5", "Matrix3", "iPhone X", "Galaxy S9", "Доска 20x40", "Доска 20 x 40", "Доска 20×40", "x5", ":5"),
        *("Набор: 3 ложки", "Стол:0", "Стол x0", "Стол:1234567890", "Fox 7", "Тормоз 5"),
    ],
)
def test_what_only_looks_like_a_count_belongs_to_the_name(name):
    assert read_products(name) == {name: 1}


NAMES = st.text(st.characters(codec="utf-8", exclude_characters=",;\n"), max_size=12)
CELLS = st.lists(st.tuples(NAMES, st.none() | st.integers(1, 99)), max_size=4).map(
    lambda parts: ",".join(name if count is None else f"{name}:{count}" for name, count in parts)
)


@given(CELLS)
def test_both_forms_say_what_was_read(cell):
    products = read_products(cell)
    text, code = products_text(cell)
    assert code is Code.NONE
    assert text == ",".join(f"{name}:{count}" for name, count in products.items())
    written, code = products_json(cell)
    assert code is Code.NONE
    assert (json.loads(written) if written else {}) == products
    assert len(written.splitlines()) <= 1


@given(CELLS)
def test_what_is_written_is_read_again_alike(cell):
    text, _ = products_text(cell)
    assert read_products(text) == read_products(cell)


def test_nothing_sold_is_nothing_written():
    assert products_text("") == products_json(" ") == ("", Code.NONE)
