import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.cells import BLANKS
from csvexport.values.identifiers import (
    PLACEHOLDERS,
    Identifiers,
    Rule,
    damage,
    identifier_words,
    read_identifier,
    read_identifiers,
)

NONE, SUSPICIOUS = Code.NONE, Code.SUSPICIOUS_IDENTIFIER
EMPTY, BAD, ROUNDED = Code.NO_IDENTIFIER, Code.BAD_IDENTIFIER, Code.ROUNDED_IDENTIFIER

WHOLE = st.one_of(st.integers(1, 2**64 - 1), st.integers(2**64 - 1000, 2**64 - 1), st.integers(1, 999))
DIGITS = st.one_of(
    st.text("0123456789", min_size=1, max_size=20), st.integers(2**64 - 1000, 2**64 + 1000).map(str), WHOLE.map(str)
)
BLANK = st.sampled_from(["", " ", "\u00a0", "\u202f", "\u200b", "\ufeff", "\t"])
SPELLINGS = st.one_of(
    DIGITS,
    st.text("0123456789", max_size=24),
    st.builds("{}{}".format, st.text("123456789", min_size=13, max_size=17), st.text("0", max_size=6)),
    st.builds("{}{}{}".format, BLANK, DIGITS, BLANK),
    st.builds("{}{}{}".format, DIGITS, BLANK, DIGITS),
    st.builds("{}{}{}".format, DIGITS, st.sampled_from(".,"), st.text("0", max_size=4)),
    st.builds("{}.{}{}{}".format, DIGITS, DIGITS, st.sampled_from(["E+", "e", "E-", "E"]), st.integers(0, 30)),
    st.builds("{}{}{}".format, DIGITS, st.sampled_from(["E+", "e", "E-", "E"]), st.integers(0, 30)),
    st.builds('="{}"'.format, DIGITS),
    st.builds("'{}".format, DIGITS),
    st.sampled_from(sorted(PLACEHOLDERS)).flatmap(lambda word: st.sampled_from([word, word.upper(), f" {word}"])),
    st.builds("YJAD.{}".format, st.text(max_size=3)),
    st.from_regex(r"[A-Za-z0-9_@.+:/'=\-]{1,14}", fullmatch=True),
    st.text(max_size=12),
)


@st.composite
def columns(draw, texts):
    """A column that may be empty and may begin in the midst of its buffers."""
    cells = draw(st.lists(texts, max_size=12))
    start = draw(st.integers(0, len(cells)))
    stop = draw(st.integers(start, len(cells)))
    return pa.array(cells, pa.string()).slice(start, stop - start)


NUMBERS = [
    ("1772125921407670123", ("1772125921407670123", NONE)),
    ("7", ("7", NONE)),
    ("007", ("", BAD)),
    ("9999999999999999999", ("9999999999999999999", NONE)),
    ("17999999999999999999", ("17999999999999999999", NONE)),
    ("18446744073709551615", ("18446744073709551615", NONE)),
    ("18446744073709551616", ("", BAD)),
    ("18500000000000000000", ("", BAD)),
    ("20000000000000000000", ("", BAD)),
    ("99999999999999999999", ("", BAD)),
    ("'99999999999999999999", ("", BAD)),
    ("01706436776194551959", ("", BAD)),
    ("+1706436776194551959", ("", BAD)),
    ("01706436776194551959.0", ("", ROUNDED)),
    ("0123.0", ("", BAD)),
    ("\ufeff 1772125921407670123\u00a0\u200b", ("1772125921407670123", NONE)),
    ("'1772125921407670123", ("1772125921407670123", NONE)),
    ('="123"', ("123", NONE)),
    (' =" 123 " ', ("123", NONE)),
    ('="00123"', ("", BAD)),
    ("", ("", EMPTY)),
    (" \u00a0\ufeff", ("", EMPTY)),
    ("'", ("", EMPTY)),
    ('=""', ("", EMPTY)),
    ("1.77212592140768E+18", ("", ROUNDED)),
    ("1,23457E+18", ("", ROUNDED)),
    ("1.23e17", ("", ROUNDED)),
    ("1E+17", ("", ROUNDED)),
    ("123.0", ("123", NONE)),
    ("123,00", ("123", NONE)),
    ("9007199254740991.0", ("9007199254740991", NONE)),
    ("9007199254740992.0", ("", ROUNDED)),
    ("1772125921407670467.0", ("", ROUNDED)),
    ("1" * 5000 + ".0", ("", ROUNDED)),
    ("1234000.000", ("1234000", NONE)),
    ("0.0", ("", BAD)),
    ("12345 6789", ("", ROUNDED)),
    ("12\u00a0345\u202f678", ("", ROUNDED)),
    ("12 345,00", ("", ROUNDED)),
    ("0", ("", BAD)),
    ("00000000000000000000", ("", BAD)),
    ("123456789012345678901", ("", BAD)),
    ("123.5", ("", BAD)),
    ("-5", ("", BAD)),
    ("١٢٣", ("", BAD)),
    ("１２３", ("", BAD)),
    ("undefined", ("", BAD)),
    ("GA1.2.1234.5678", ("", BAD)),
    ("=123", ("", BAD)),
    ("1772125921407670000", ("1772125921407670000", SUSPICIOUS)),
    ("1234567890123450", ("1234567890123450", SUSPICIOUS)),
    ("1234567890123451", ("1234567890123451", NONE)),
    ("12345678901234510", ("12345678901234510", NONE)),
    ("12345678901234500010", ("12345678901234500010", NONE)),
    ("123456789012340", ("123456789012340", NONE)),
    ("00123456789012340", ("", BAD)),
    ("001234567890123450", ("", BAD)),
    ("17721259214076700001", ("17721259214076700001", NONE)),
]


@pytest.mark.parametrize("rule", [Rule.NUMBER, Rule.YCLID])
@pytest.mark.parametrize(("cell", "expected"), NUMBERS)
def test_a_number_is_read_to_the_letter_or_refused(cell, rule, expected):
    assert read_identifier(cell, rule) == expected


@pytest.mark.parametrize("cell", ["1,000", "12.000", "999,000"])
def test_a_float_that_may_be_a_thousand_in_groups_is_not_guessed(cell):
    assert read_identifier(cell, Rule.NUMBER) == ("", BAD)


@pytest.mark.parametrize("cell", ["YJAD.1714034567.abc", "yjad", " YJad123"])
def test_yahoo_japan_click_ids_are_named_only_where_they_occur(cell):
    assert read_identifier(cell, Rule.YCLID) == ("", Code.FOREIGN_YCLID)
    assert read_identifier(cell, Rule.NUMBER) == ("", BAD)


OWN_TEXTS = [
    ("user-17", ("user-17", NONE)),
    (" Иван Петров ", ("Иван Петров", NONE)),
    ("0", ("0", NONE)),
    ("12345678901234567890123", ("12345678901234567890123", NONE)),
    ("1772125921407670000", ("1772125921407670000", NONE)),
    ("x" * 1000, ("x" * 1000, NONE)),
    ('="00123"', ("00123", NONE)),
    ("'00123", ("00123", NONE)),
    ("123.0", ("123.0", NONE)),
    ("12e5", ("12e5", NONE)),
    ("1234567890123e12", ("1234567890123e12", NONE)),
    ("1.23E-5", ("1.23E-5", NONE)),
    ("a.2E+17", ("a.2E+17", NONE)),
    ("1.23E+17", ("", ROUNDED)),
    ("1,23457e18", ("", ROUNDED)),
    ("1E+17", ("", ROUNDED)),
    ("a\nb", ("", BAD)),
    ("a\tb", ("", BAD)),
    ("a\u2028b", ("", BAD)),
    ("", ("", EMPTY)),
    *((word, ("", BAD)) for word in sorted(PLACEHOLDERS)),
    ("NULL", ("", BAD)),
    ("(Not Set)", ("", BAD)),
    ("nan1", ("nan1", NONE)),
]


@pytest.mark.parametrize(("cell", "expected"), OWN_TEXTS)
def test_a_text_is_the_sites_own_unless_it_cannot_be_one(cell, expected):
    assert read_identifier(cell, Rule.TEXT) == expected


@given(WHOLE.map(str), st.sampled_from(Rule), st.sampled_from(["{}", " {} ", '="{}"', "'{}"]))
def test_no_digit_ever_changes(digits, rule, spelling):
    assert read_identifier(spelling.format(digits), rule)[0] == digits


@given(DIGITS, st.sampled_from([Rule.NUMBER, Rule.YCLID]))
def test_a_number_is_taken_if_metrica_can_hold_it_and_no_zeros_stand_before_it(digits, rule):
    is_good = digits == str(int(digits)) and 0 < int(digits) < 2**64
    assert bool(read_identifier(digits, rule)[0]) is is_good


@pytest.mark.parametrize("length", range(1, 21))
def test_identifiers_of_every_length_and_count_of_leading_zeros_come_back_to_the_letter_or_are_refused(length):
    texts = [("0" * zeros + "17765432109876543219")[:length] for zeros in range(length)]
    assert read_identifiers(pa.array(texts), Rule.TEXT).text.to_pylist() == texts
    for rule in (Rule.NUMBER, Rule.YCLID):
        assert read_identifiers(pa.array(texts), rule).text.to_pylist() == [texts[0], *[""] * (length - 1)]


# What stands around a number, or is put into it, by people, spreadsheets and programs.
SHELLS = st.sampled_from(
    [
        *(
            "{}",
            " {}",
            "{}\u00a0",
            "\u200b{}\ufeff",
            "'{}",
            "' {}",
            '="{}"',
            '=" {} "',
            '\'="{}"',
            "{}.0",
            "{},0",
            "{}.00",
        ),
        *(
            "0{}",
            "000{}",
            "00{}.0",
            "+{}",
            "-{}",
            "{}.",
            "{}e0",
            "{}E+0",
            '"{}"',
            "={}",
            "id{}",
            "{}L",
            "{};",
            "#{}",
            "0x{}",
        ),
    ]
)
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@given(WHOLE, st.lists(SHELLS, min_size=2, max_size=6), st.booleans(), st.sampled_from([Rule.NUMBER, Rule.YCLID]))
def test_one_number_has_one_key_however_it_is_spelled(number, shells, wide, rule):
    spelled = [shell.format(number) for shell in shells]
    column = pa.array([*spelled, spelled[0].translate(WIDE) if wide else spelled[0]])
    texts, _ = read_identifiers(column, rule)
    accepted = texts.filter(pc.not_equal(texts, ""))
    assert set(accepted.to_pylist()) <= {str(number)}
    low, high = identifier_words(accepted, rule)
    assert len(set(zip(low.tolist(), high.tolist(), strict=True))) <= 1


@given(columns(SPELLINGS), st.sampled_from([Rule.NUMBER, Rule.YCLID]))
def test_accepted_texts_of_one_value_have_one_key(column, rule):
    texts, _ = read_identifiers(column, rule)
    accepted = texts.filter(pc.not_equal(texts, ""))
    low, high = identifier_words(accepted, rule)
    keys = {}
    for text, *key in zip(accepted.to_pylist(), low.tolist(), high.tolist(), strict=True):
        assert keys.setdefault(int(text), key) == key
    assert len({tuple(key) for key in keys.values()}) == len(keys)


def by_reference(column, rule):
    return [read_identifier(text, rule) for text in column.to_pylist()]


def by_kernel(column, rule):
    identifiers = read_identifiers(column, rule)
    identifiers.text.validate(full=True)
    assert (identifiers.text.type, identifiers.text.null_count) == (pa.string(), 0)
    assert identifiers.codes.dtype == np.uint8
    return list(zip(identifiers.text.to_pylist(), identifiers.codes.tolist(), strict=True))


@given(columns(SPELLINGS), st.sampled_from(Rule))
def test_kernel_and_reference_agree_on_any_text(column, rule):
    assert by_kernel(column, rule) == by_reference(column, rule)


@pytest.mark.parametrize("rule", Rule)
def test_kernel_and_reference_agree_on_every_example(rule):
    column = pa.array([cell for cell, _ in NUMBERS + OWN_TEXTS])
    assert by_kernel(column, rule) == by_reference(column, rule)


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("cell", ["", *sorted(PLACEHOLDERS), *BLANKS, "1E+17", "1.2E+17", "1,2e3", "'1", '="1"', "x y"])
def test_kernel_and_reference_agree_on_every_cell_that_is_not_to_be_taken(cell, rule):
    column = pa.array(["1", cell, "a" + cell, cell + "a", cell * 5])
    assert by_kernel(column, rule) == by_reference(column, rule)


@given(st.lists(WHOLE, max_size=8))
def test_words_hold_the_value_and_the_length(numbers):
    """Ledgers keep them."""
    low, high = identifier_words(pa.array(["7", *map(str, numbers)], pa.string()).slice(1), Rule.NUMBER)
    assert (low.dtype, high.dtype) == (np.uint64, np.uint64)
    assert (low.tolist(), high.tolist()) == (numbers, [len(str(number)) << 3 for number in numbers])


@given(st.lists(st.text(min_size=1), max_size=8))
def test_words_tell_texts_apart(texts):
    low, high = identifier_words(pa.array(["x", *texts], pa.string()).slice(1), Rule.TEXT)
    assert (low.dtype, high.dtype) == (np.uint64, np.uint64)
    assert len(set(zip(low.tolist(), high.tolist(), strict=True))) == len(set(texts))


def test_words_of_a_text_do_not_change_between_releases():
    """Ledgers keep them."""
    low, high = identifier_words(pa.array(["user-17"]), Rule.TEXT)
    assert (low.tolist(), high.tolist()) == ([12_160_481_739_472_708_410], [11_266_470_105_928_599_476])


def read(texts: list[str]) -> Identifiers:
    return read_identifiers(pa.array(texts, pa.string()), Rule.NUMBER)


def test_damage_counts_long_identifiers_once_when_many_look_rounded():
    good = [f"177212592140767012{i}" for i in range(3)]
    rounded = ["1772125921407670000", "2772125921407670000"]
    assert damage(read([*good * 4, *rounded * 3, "123", ""])) == (5, 2)


def test_damage_counts_rows_while_few_look_rounded():
    assert damage(read(["1772125921407670123"] * 9 + ["1772125921407670000"])) == (10, 1)


def test_an_empty_column_is_not_damaged():
    assert damage(read([])) == (0, 0)


def test_short_identifiers_cannot_be_damaged():
    assert damage(read(["100000000000000", "1.77E+18"])) == (0, 0)
