from functools import partial

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.scalars import (
    NO,
    YES,
    read_address,
    read_column,
    read_duration,
    read_flag,
    read_number,
    read_several,
    read_text,
)

BAD = ("", Code.BAD_VALUE)


def good(text):
    return text, Code.NONE


# Yes and no.


@pytest.mark.parametrize("cell", ["1", "да", "Да", " ДА ", "yes", "Y", "TRUE", "истина", "Д", "+", "x", "on", "'1"])
def test_yes_in_russian_and_english(cell):
    assert read_flag(cell) == good("1")


@pytest.mark.parametrize("cell", ["0", "нет", "НЕТ", "no", "N", "False", "ложь", "н", "-", "–", "—", "off", '="0"'])
def test_no_in_russian_and_english(cell):
    assert read_flag(cell) == good("0")


def test_no_word_means_yes_and_no():
    assert not YES & NO


@pytest.mark.parametrize("cell", ["", " ", "\u00a0"])
def test_an_empty_flag_says_nothing(cell):
    assert read_flag(cell) == good("")


@pytest.mark.parametrize("cell", ["2", "1.0", "может быть", "да нет", "null", "yes!"])
def test_what_is_neither_yes_nor_no_is_refused(cell):
    assert read_flag(cell) == BAD


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        ({"yes": ("пропущен", "сброшен")}, {"Пропущен": "1", " СБРОШЕН ": "1", "принят": "0", "да": "0", "": "0"}),
        ({"no": ("принят", "")}, {"Принят": "0", "": "0", "пропущен": "1", "нет": "1"}),
        ({"yes": ("a",), "no": ("b", "")}, {"A": "1", "b": "0", " ": "0"}),
        ({"yes": ("",), "no": ("b",)}, {"": "1", "b": "0"}),
    ],
)
def test_a_column_may_have_its_own_words_for_yes_and_no(words, cells):
    assert {cell: read_flag(cell, **words) for cell in cells} == {cell: good(text) for cell, text in cells.items()}


def test_where_both_words_are_known_any_other_is_refused():
    assert read_flag("да", yes=("a",), no=("b",)) == BAD
    assert read_flag("", yes=("a",), no=("b",)) == good("")


# Durations.


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        *(("95", 95), ("0", 0), ("00", 0), ("86400", 86400), ("95.9", 95), ("95,9", 95), ("'95", 95), (" 95 ", 95)),
        *(("1:35", 95), ("01:35", 95), ("0:00", 0), ("90:00", 5400), ("1440:00", 86400), ("1:35.9", 95)),
        *(("00:01:35", 95), ("0:01:35", 95), ("1:00:00", 3600), ("24:00:00", 86400), ("01:02:03,5", 3723)),
        *(("0.0", 0), ("0,00", 0)),
    ],
)
def test_durations_are_whole_seconds(cell, seconds):
    assert read_duration(cell) == good(str(seconds))


@pytest.mark.parametrize("cell", ["", "  "])
def test_an_empty_duration_says_nothing(cell):
    assert read_duration(cell) == good("")


@pytest.mark.parametrize(
    "cell",
    [
        *("-5", "86401", "1440:01", "24:00:01", "25:00:00", "1:60", "0:60:00", "1:5", "1:2:3", "1:35 мин", "95 с"),
        *("1e3", "1 000", "1:35:", ":35", "12345:00", "100:00:00", "9999999", "abc", "٩٥"),
    ],
)
def test_what_may_be_no_duration_is_refused(cell):
    assert read_duration(cell) == BAD


@pytest.mark.parametrize("cell", ["0.00109953703703704", "0,0011", "0.5", "00.5"])
def test_a_part_of_a_day_is_not_taken_for_no_seconds(cell):
    assert read_duration(cell) == BAD


@given(st.integers(0, 86400))
def test_every_spelling_of_a_duration_is_read_alike(seconds):
    minutes, hours = seconds // 60, seconds // 3600
    spellings = [str(seconds), f"{minutes}:{seconds % 60:02}", f"{hours:02}:{minutes % 60:02}:{seconds % 60:02}"]
    assert [read_duration(spelling) for spelling in spellings] == [good(str(seconds))] * 3


# Texts, addresses and numbers.


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (" Иван  Петров\n", "Иван Петров"),
        ("a\r\nb\tc", "a b c"),
        ("a\u00a0b\u2028c\x85d", "a b c d"),
        ("\ufeff\u200bтег\u200b", "тег"),
        ('="007"', '="007"'),
        ("", ""),
    ],
)
def test_texts_stand_on_one_line(cell, text):
    assert read_text(cell) == good(text)


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_is_tidied_once_for_all(text):
    tidy, _ = read_text(text)
    assert read_text(tidy)[0].split() == tidy.split(" ") or not tidy
    assert not set("\r\n\t\v\f\x85\u2028\u2029") & set(tidy)


@pytest.mark.parametrize(
    "cell", ["https://example.ru/?utm_source=yandex&a=b,c", "example.ru", "//example.ru/путь", "http://127.0.0.1:80/"]
)
def test_addresses_stay_as_they_are(cell):
    assert read_address(f" {cell} ") == good(cell)


@pytest.mark.parametrize("cell", ["прямой заход", "-", "example ru.", "localhost", "нет"])
def test_what_is_no_address_is_refused(cell):
    assert read_address(cell) == BAD
    assert read_address("") == good("")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        *(("33", "33"), ("-5", "-5"), ("1,5", "1.5"), ("1.50", "1.50"), ("1 000 000,25", "1000000.25"), ("007", "007")),
        *(("1\u00a0000", "1000"), ("'5", "5"), ("", ""), ("9" * 18 + "." + "9" * 18,) * 2),
    ],
)
def test_numbers_have_a_dot_and_no_blanks(cell, number):
    assert read_number(cell) == good(number)


@pytest.mark.parametrize(
    "cell", ["1,000.5", "1.000,5", "x", "12 %", "1e5", "+5", "--5", ".5", "5.", "1/2", "9" * 19, "٣"]
)
def test_what_may_be_no_number_is_refused(cell):
    assert read_number(cell) == BAD


# Several values in one cell.


@pytest.mark.parametrize(
    ("read", "cell", "expected"),
    [
        (read_text, "a, b;c\nd", good("a,b,c,d")),
        (read_text, " a ,, a ; ", good("a")),
        (read_text, "", good("")),
        (read_number, "1;2; 3", good("1,2,3")),
        (read_number, "1;x;3", ("1,3", Code.BAD_VALUE)),
        (read_number, "x", BAD),
    ],
)
def test_several_values_are_read_one_by_one_and_kept_once(read, cell, expected):
    assert read_several(cell, read) == expected


# Columns.

CELLS = st.lists(
    st.sampled_from(["", "1", "да", "0:95", "1:35", " 1:35 ", "a,b", "1,5", "x.ru", "\u00a0", "нет", "a\nb"])
    | st.text(st.characters(codec="utf-8"), max_size=5),
    max_size=20,
)


@pytest.mark.parametrize(
    "read", [read_flag, read_duration, read_text, read_address, read_number, partial(read_several, read=read_number)]
)
@given(cells=CELLS, start=st.integers(0, 3))
def test_a_column_is_read_as_its_cells_are(read, cells, start):
    column = pa.array(cells, pa.string()).slice(start)
    written = read_column(column, read)
    assert list(zip(written.texts.to_pylist(), written.codes.tolist(), strict=True)) == [
        read(cell) for cell in column.to_pylist()
    ]
    assert (written.texts.type, written.texts.null_count) == (pa.string(), 0)


def test_each_distinct_text_of_a_column_is_read_once():
    seen = []

    def note(text):
        seen.append(text)
        return text, Code.NONE

    assert read_column(pa.array(["a", "b", "a", "a"]), note).texts.to_pylist() == ["a", "b", "a", "a"]
    assert seen == ["a", "b"]
