import re
from re import _constants as kinds
from re import _parser as parser

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.contacts import read_phones
from csvexport.values.phone_shapes import LEADING, recognise_phones
from csvexport.values.phones import read_phone_cell

SAMPLE = "70001234567"

SPELLINGS = [
    *(
        "+7 000 123-45-67",
        "+70001234567",
        "+7(000)1234567",
        "+7 (000) 123 45 67",
        "(+7 000) 123-45-67",
        "+ 7 000 1234567",
    ),
    *("8 (000) 123-45-67", "80001234567", "8-000-123-45-67", "8.000.123.45.67", "(8000)1234567", "8 000 123–45−67"),
    *("007 000 123-45-67", "00 7 000 123 45 67", "0070001234567", "8 10 7 000 123 45 67"),
    *("70001234567", "7 (000) 123-45-67", "0001234567", "000 123-45-67", "+7 8 000 123-45-67"),
    *(" +70001234567 ", "\u00a08\u00a0000\u202f123\u00a045\u200967", "\u200e+70001234567\u200b", "\ufeff80001234567\n"),
    *("'+7 000 123-45-67", '="+70001234567"', '="80001234567"', "tel:+70001234567"),
    *("70001234567.0", "80001234567.00", "70001234567,0", "0001234567.0"),
    *(
        "80001234567 доб. 12",
        "80001234567, доб. 12",
        "80001234567 (доб.12)",
        "80001234567 добавочный 1234",
        "80001234567#12",
    ),
    *("80001234567 вн. 5", "80001234567 внутр. №5", "80001234567 ext 5", "80001234567 Ext. 5", "80001234567;ext=5"),
    *("80001234567 extension: 5", "8 (000) 1234567x12", "80001234567 х 12", "80001234567 # 1234567"),
    *(
        "80001234567,",
        ";80001234567;;",
        "80001234567, -",
        "—, 80001234567",
        "80001234567 / Нет",
        "80001234567,+70001234567",
    ),
]


@pytest.mark.parametrize("cell", SPELLINGS)
def test_the_spellings_of_one_number_are_one_number(cell):
    assert read_phone_cell(cell, "RU") == ((SAMPLE,), Code.NONE)


@pytest.mark.parametrize("cell", ["", " ", "\ufeff", "-", "–", "—", "нет", "НЕТ", "- / -", ",", '=""', "'"])
def test_an_empty_cell_is_no_number_and_no_issue(cell):
    assert read_phone_cell(cell, "RU") == ((), Code.NONE)


REFUSED = [
    *("112", "0890", "900", "123-45-67", "123456789", "800012345678", "80001234567123", "+7000123456", "+700012345678"),
    *(
        "+8 000 123-45-67",
        "+80001234567",
        "+8 (800) 555-35-35",
        "(+8) 8005553535",
        "+ 8-880-5553535",
        "+ 999 000 1234567",
    ),
    *(
        "7.0001234567E+10",
        "7,000123E+10",
        "7E10",
        "8-000-FLOWERS",
        "тел. 80001234567",
        "80001234567 Иван",
        "8OOO1234567",
    ),
    *(
        "undefined",
        "null",
        "n/a",
        "не указан",
        "+",
        "()",
        "++70001234567",
        "+7+0001234567",
        "8 000 +1234567",
        "+",
        "tel:",
    ),
    *(
        "0000000",
        "0000000000",
        "+7 000 000-00-00",
        "80000000000",
        "1111111",
        "11111111111",
        "+7 111 111-11-11",
        "71111111111",
    ),
    *(
        "８０００１２３４５６７",
        "٨٠٠٠١٢٣٤٥٦٧",
        "8:000:1234567",
        "8_000_1234567",
        "12025550143",
        "00",
        "000",
        "+0070001234567",
    ),
    *("80001234567.5", "80001234567.05", "доб. 12", "#12", "8000123456#12345677", "80001234567 доб.", "9" * 400),
    *("8 000 123 45 67 8 000 123 45 68", "8000123 4567000 123", "80001234567 80001234568 5"),
]


@pytest.mark.parametrize("cell", REFUSED)
def test_what_is_no_number_or_has_to_be_guessed_is_refused(cell):
    assert read_phone_cell(cell, "RU") == ((), Code.BAD_PHONE)


@pytest.mark.parametrize(
    "between",
    [",", ", ", ";", "/", " / ", "|", "\n", "\r\n", "\x85", "\u2028", "\t", " или ", "\u00a0ИЛИ\n", " or ", " "],
)
@pytest.mark.parametrize(("one", "other"), [("80001234567", "80001234568"), ("+70001234567", "+7 (000) 123-45-68")])
def test_several_numbers_stand_in_one_cell(between, one, other):
    assert read_phone_cell(f"{one}{between}{other}", "RU") == (("70001234567", "70001234568"), Code.NONE)


def test_a_number_after_two_zeros_is_not_taken_for_the_decimals_of_the_one_before():
    assert read_phone_cell("80001234567,0070001234568", "RU") == (("70001234567", "70001234568"), Code.NONE)


@pytest.mark.parametrize("cell", ["80001234567, 112", "112/80001234567", "нет данных; 80001234567", "80001234567/68"])
def test_a_good_number_beside_a_bad_one_is_kept(cell):
    assert read_phone_cell(cell, "RU") == ((SAMPLE,), Code.BAD_PHONE)


def test_digits_that_could_be_one_number_or_two_are_refused():
    assert read_phone_cell("4930231 250012", "DE") == (("4930231250012",), Code.NONE)
    assert read_phone_cell("4930231 2500012", "DE") == ((), Code.BAD_PHONE)
    assert read_phone_cell("4930231, 2500012", "DE") == (("4930231", "492500012"), Code.NONE)


def test_a_number_has_no_more_digits_than_international_ones_may_have():
    assert read_phone_cell("+49 30 23125 0001234", "RU") == ((), Code.BAD_PHONE)


@pytest.mark.parametrize("cell", ["+7 999 999-99-99", "+7 777 777-77-77"])
def test_one_digit_over_and_over_is_a_number_where_somebody_may_have_it(cell):
    assert read_phone_cell(cell, "RU") == ((re.sub("[^0-9]", "", cell),), Code.NONE)


@pytest.mark.parametrize(
    ("cell", "country", "number"),
    [
        ("+1 202 555-0143", "RU", "12025550143"),
        ("001 202 555 0143", "RU", "12025550143"),
        ("8 10 1 202 555 0143", "RU", "12025550143"),
        ("011 7 000 123-45-67", "US", SAMPLE),
        ("(202) 555-0143", "US", "12025550143"),
        ("+44 (0)20 7946 0018", "RU", "442079460018"),
        ("020 7946 0018", "GB", "442079460018"),
        ("8 000 123-45-67", "KZ", SAMPLE),
        ("+49 30 23125 000123", "RU", "493023125000123"),
        ("8 800 555-35-35", "RU", "78005553535"),
    ],
)
def test_a_country_has_its_own_prefixes(cell, country, number):
    assert read_phone_cell(cell, country) == ((number,), Code.NONE)


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_example_numbers_of_every_country_are_read_however_they_are_written(country):
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(country, kind)
        if not number:  # Tristan da Cunha has no mobiles
            continue
        normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
        for style in (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164):
            assert read_phone_cell(phonenumbers.format_number(number, style), "RU") == ((normal,), Code.NONE)
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        assert read_phone_cell(written, country) == ((normal,), Code.NONE)


@given(st.text("0123456789", min_size=10, max_size=10), st.sampled_from(["RU", "KZ"]))
@example("0000000001", "RU")
def test_a_normal_form_is_read_as_itself(national, country):
    (number,), _ = read_phone_cell(f"+7{national}", country) if len(set(national)) > 1 else ((SAMPLE,), Code.NONE)
    assert read_phone_cell(number, country) == ((number,), Code.NONE)


def test_cells_of_any_length_are_read_in_no_time():
    for cell in (
        " " * 50_000,
        "(" * 50_000,
        "1 " * 50_000,
        "1" + "," * 50_000 + "x",
        "1" + " " * 50_000 + "x",
        "+" * 50_000,
    ):
        assert read_phone_cell(f"a{cell}a", "RU") == ((), Code.BAD_PHONE)


# --- the kernel ---

CANONICAL = ["+7 000 {}-{}-{}", "+7000{}{}{}", "8 (000) {}-{}-{}", "8000{}{}{}", "7000{}{}{}", "+7 (000) {} {} {}"]

digits = st.text("0123456789", max_size=15)
numbers = st.one_of(
    digits,
    st.builds(
        "{}{}".format, st.sampled_from(["+", "+7", "8", "7", "00", "007", "810", "+375", "80", "375", "0"]), digits
    ),
    st.from_regex(
        r"(\+7|8|7|\+375|80)[ \u00a0]?\(?[0-9]{2,3}\)?[ \u00a0-]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2}", fullmatch=True
    ),
    st.from_regex(r"\(?\+?[0-9]{1,3}( [0-9]{7,8}){1,2}", fullmatch=True),
    st.from_regex(r"(\+7|8)([0-9])\2{8,10}[0-9]?", fullmatch=True),
)
cells = st.one_of(
    numbers,
    st.lists(numbers, min_size=2, max_size=3).map(" ".join),
    st.lists(numbers, min_size=2, max_size=3).map(",".join),
    st.text("0123456789+-() .", max_size=20),
    st.text(max_size=8),
    st.sampled_from([*SPELLINGS, *REFUSED, "", "-"]),
)
countries = st.sampled_from([*LEADING, "GB", "CN"])


@st.composite
def columns(draw):
    """A column that may be empty and may begin in the midst of its buffers."""
    texts = draw(st.lists(cells, max_size=12))
    start = draw(st.integers(0, len(texts)))
    stop = draw(st.integers(start, len(texts)))
    return pa.array(texts, pa.string()).slice(start, stop - start)


def by_reference(column, country):
    read = [read_phone_cell(cell, country) for cell in column.to_pylist()]
    return [",".join(found) for found, _ in read], [code for _, code in read]


def by_kernel(column, country):
    phones = read_phones(column, country)
    phones.text.validate(full=True)
    assert (phones.text.type, phones.text.null_count, phones.codes.dtype) == (pa.string(), 0, np.uint8)
    return phones.text.to_pylist(), phones.codes.tolist()


@given(columns(), countries)
def test_kernel_and_reference_agree_on_any_text(column, country):
    assert by_kernel(column, country) == by_reference(column, country)


@pytest.mark.parametrize("country", [*LEADING, "GB"])
def test_kernel_and_reference_agree_on_every_example(country):
    column = pa.array(
        [*SPELLINGS, *REFUSED, "", "-", "+7 999 999-99-99", "777 777 77 77", *(str(n) * 10 for n in range(10))]
    )
    assert by_kernel(column, country) == by_reference(column, country)


@given(st.lists(numbers, min_size=1, max_size=4), st.randoms(use_true_random=False), st.sampled_from(sorted(LEADING)))
def test_numbers_of_the_same_shape_keep_their_own_digits(spellings, random, country):
    texts = [re.sub("[0-9]", lambda _: str(random.randrange(10)), text) for text in spellings for _ in range(3)]
    leads = [re.sub("[0-9]", lambda _: str(random.randrange(10)), text[-4:]) for text in spellings for _ in range(3)]
    column = pa.array([*texts, *(text[:-4] + lead for text, lead in zip(spellings * 3, leads, strict=True))])
    assert by_kernel(column, country) == by_reference(column, country)


@pytest.mark.parametrize("country", sorted(LEADING))
def test_kernel_and_reference_agree_whatever_the_leading_digits(country):
    own = str(phonenumbers.country_code_for_region(country))
    random = np.random.default_rng(len(own))
    heads = ["+", f"+{own}", own, "8", "0", "80", "+8", "00", f"00{own}", "810", f"+{own}8", f"{own}0", f"+{own}80", ""]
    spellings = [f"{head}{lead}" for head in heads for lead in range(10, 100)]
    for count in range(7, 14):
        tails = random.integers(10 ** (count - 3), size=len(spellings)).tolist()
        column = pa.array([f"{text}{tail:0{count - 3}}" for text, tail in zip(spellings, tails, strict=True)])
        assert by_kernel(column, country) == by_reference(column, country)


@pytest.mark.parametrize("cell", CANONICAL)
def test_of_canonical_spellings_the_reference_sees_the_shape_alone(cell):
    column = pa.array([cell.format(f"{number:03}", 45, 67) for number in range(100, 110)] + [""])
    recognised = recognise_phones(column, "RU")
    assert recognised.texts.to_pylist() == [*(f"7000{number}4567" for number in range(100, 110)), ""]
    assert len(recognised.others) == 0


@pytest.mark.parametrize("country", sorted(LEADING))
def test_the_example_numbers_of_a_known_country_are_canonical(country):
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    styles = [phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL]
    written = [phonenumbers.format_number(number, style) for style in styles]
    assert len(recognise_phones(pa.array([text.replace(".", " ") for text in written]), country).others) == 0


@pytest.mark.parametrize("country", ["RU", "GB"])
def test_foreign_numbers_are_canonical_behind_a_plus(country):
    column = pa.array(
        ["+1 202-555-0143", "+44 7700 900123", "+49 30 23125000", "+998 00 123 45 67", "+375 29 491-19-11"]
    )
    recognised = recognise_phones(column, country)
    assert recognised.texts.to_pylist() == [re.sub("[^0-9]", "", text) for text in column.to_pylist()]
    assert len(recognised.others) == 0


def positions(items):
    """Every sequence of sets of characters that a parsed pattern allows."""
    if not items:
        return {()}
    (kind, value), rest = items[0], items[1:]
    if kind is kinds.SUBPATTERN:
        heads = positions(list(value[3]))
    elif kind is kinds.BRANCH:
        heads = set().union(*(positions(list(branch)) for branch in value[1]))
    elif kind is kinds.MAX_REPEAT:
        least, most, inner = value
        heads = repetitions(positions(list(inner)), least, most)
    else:
        heads = {(characters(kind, value),)}
    return {head + tail for head in heads for tail in positions(rest)}


def repetitions(inner, least, most):
    heads, all_heads = {()}, set()
    for count in range(most + 1):
        if count >= least:
            all_heads |= heads
        heads = {head + more for head in heads for more in inner}
    return all_heads


def characters(kind, value):
    if kind is kinds.LITERAL:
        return frozenset(chr(value))
    if kind is kinds.RANGE:
        return frozenset(map(chr, range(value[0], value[1] + 1)))
    if kind is kinds.IN:
        return frozenset().union(*(characters(*item) for item in value))
    assert (kind, value) == (kinds.CATEGORY, kinds.CATEGORY_DIGIT)
    return frozenset("0123456789")


def places_looked_at(pattern):
    """Up to which digit a pattern of digits asks for more than that there is one."""
    sequences = positions(list(parser.parse(pattern)))
    return max(
        place
        for sequence in sequences
        for place in range(len(sequence) + 1)
        if not place or len(sequence[place - 1]) < 10
    )


@pytest.mark.parametrize(("country", "leading"), LEADING.items())
def test_the_leading_digits_decide_by_the_librarys_own_metadata(country, leading):
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    prefix = metadata.national_prefix_for_parsing or ""
    longest_prefix = max(map(len, positions(list(parser.parse(prefix)))))
    in_pattern = places_looked_at(metadata.general_desc.national_number_pattern)
    assert (re.compile(prefix).groups, metadata.national_prefix_transform_rule) == (0, None)
    assert metadata.international_prefix in {"00", "810", "011"}
    assert leading == len(str(metadata.country_code)) + longest_prefix + in_pattern


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_what_begins_with_no_digit_of_a_prefixs_pattern_is_no_prefix(country):
    prefix = phonenumbers.PhoneMetadata.metadata_for_region(country).national_prefix_for_parsing or ""
    assert set(re.sub("[0-9]", "", prefix)) <= set("|?[]()$:{},-\\d")
    assert not prefix or re.search(r"[\\-]", prefix) or not re.match(prefix, "")
