"""What is wrong with a cell: each reference by examples, and the kernels held equal to the references."""

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.columns import text_column
from csvexport.linting.catalogue import Fault
from csvexport.linting.cells import CANONICAL, CATEGORIES, REFERENCES, judge_cells, read_id, read_ids
from csvexport.linting.kinds import KINDS, Sort
from csvexport.values.identifiers import Rule

ID = "1716642001234567891"
MD5 = "7daf6c79d4802916d83f6266e24850af"

CELLS = {
    Sort.NUMBER_IDS: {
        Fault.NONE: ["1", ID, f"{ID},12", "18446744073709551615", "100000000000000000"[:15], "1000000000000000001"],
        Fault.SUSPICIOUS_IDENTIFIER: ["1716642001234560000", f"{ID},1716642001234560000", "1000000000000000"],
        Fault.BAD_IDENTIFIER: [
            *("0", "12a", f"{ID}x", "123456789012345678901", "12.0", f"1716642001234560000,{ID}x"),
            *("18446744073709551616", f"{ID},99999999999999999999", f"0{ID}", f"{ID},012", "00000000000000012345"),
        ],
        Fault.ROUNDED_IDENTIFIER: ["1.7E+18", f"{ID}.0"],
        Fault.BAD_LIST: [f"{ID}, 12", f"{ID};12", f"{ID}|12", f"{ID},", f",{ID}", f"{ID} 12", ","],
        Fault.STRAY_BLANKS: [f" {ID}", f"{ID}\n"],
    },
    Sort.TEXT_IDS: {
        Fault.NONE: ["u 1", "u1,u2"],
        Fault.BAD_LIST: ["u1,,u2", "u1, u2"],
        Fault.BAD_IDENTIFIER: ["null"],
        Fault.STRAY_BLANKS: [" u1"],
    },
    Sort.TARGET: {
        Fault.NONE: ["order_paid", "заказ", "a-b.c", "5a"],
        Fault.NUMERIC_TARGET: ["1", "12345678"],
        Fault.BAD_TARGET: ["order paid", "a,b", "a" * 256],
        Fault.STRAY_BLANKS: [" order_paid", "order_paid\u200b"],
    },
    Sort.AMOUNT: {
        Fault.NONE: ["0", "0.5", "00.10", "12345.678901", "9223372036854", "9223372036854.00", "-0", "-0.00"],
        Fault.BAD_PRICE: ["1,5", "1 000", "5 ₽", "+5", ".5", "5.", "1e3", "1.2.3", " 5", "--5", "NaN", "٣"],
        Fault.NEGATIVE_PRICE: ["-1", "-0.01", "-99999999999999999"],
        Fault.PRICE_TOO_LARGE: ["9223372036855", "9223372036854.1", "9" * 5000],
    },
    Sort.CURRENCY: {
        Fault.NONE: ["RUB", "USD"],
        Fault.BAD_CURRENCY: ["rub", "RUR", "₽", "643"],
        Fault.STRAY_BLANKS: ["RUB ", "\u00a0USD"],
    },
    Sort.STATUS: {
        Fault.NONE: ["PAID", "IN_PROGRESS", "CANCELLED", "SPAM", "order_paid", "other", "paid_1"],
        Fault.BAD_STATUS: ["paid", "Paid", "in progress", "InProgress", "CANCELED", "cancelled", "OTHER", "a b"],
        Fault.SUSPICIOUS_STATUS: ["Оплачен", "143"],
        Fault.STRAY_BLANKS: ["PAID "],
    },
    Sort.DEAL_STATUS: {Fault.NONE: ["new", "C1:WON", "a-b_c", "1"], Fault.BAD_STATUS: ["a b", "Новая", "a" * 256]},
    Sort.CLIENT_TYPE: {Fault.NONE: ["CONTACT"], Fault.BAD_VALUE: ["contact", "COMPANY"]},
    Sort.PLATFORM: {Fault.NONE: ["whatsapp", "telegram", "viber"], Fault.BAD_VALUE: ["WhatsApp", "vk"]},
    Sort.FLAG: {Fault.NONE: ["0", "1"], Fault.BAD_VALUE: ["2", "true", "да", "1.0"]},
    Sort.SECONDS: {Fault.NONE: ["0", "95"], Fault.BAD_VALUE: ["-1", "1:35", "9.5", "95 s"]},
    Sort.CALL_PHONE: {
        Fault.NONE: ["+70001234567", "+4420712345"],
        Fault.BAD_PHONE: ["70001234567", "+7 000 123-45-67", "+0001234567", "+7000", "+7000123456789012"],
    },
    Sort.ADDRESS: {
        Fault.NONE: ["https://example.ru/a?b=c", "example.ru", "http://пример.рф/"],
        Fault.BAD_VALUE: ["home", "https://example.ru/a b", ".ru", "a."],
    },
    Sort.EMAILS: {
        Fault.NONE: ["mail@example.com", "Mail@Example.com", "a+b@example.co.uk,c@example.ru", "a@пример.рф"],
        Fault.BAD_EMAIL: [
            "mail",
            "mail@example",
            "почта@example.ru",
            "a@b@example.ru",
            "a@example.123",
            "a@-example.ru",
        ],
        Fault.BAD_LIST: ["a@example.ru, b@example.ru", "a@example.ru;b@example.ru", "a@example.ru,"],
        Fault.STRAY_BLANKS: [" a@example.ru"],
        Fault.MISPLACED_CONTACT: [MD5, "70001234567", "+7 000 123-45-67", f"a@example.ru,{MD5}"],
    },
    Sort.PHONES: {
        Fault.NONE: ["70001234567", "70001234567,4420712345", "84951234567", "380441234567"],
        Fault.BAD_PHONE: ["+70001234567", "89001234567", "88001234567", "9001234567", "7 000 123-45-67", "123", "нет"],
        Fault.BAD_LIST: ["70001234567, 70001234568", "70001234567;70001234568"],
        Fault.STRAY_BLANKS: ["70001234567 "],
        Fault.MISPLACED_CONTACT: [MD5, "mail@example.com"],
    },
    Sort.HASHES: {
        Fault.NONE: [MD5, MD5.upper(), f"{MD5},058ce6327d6846327dc71d572a04a206", "d" * 32, "d3" * 16, "d41d" * 8],
        Fault.BAD_HASH: [MD5[1:], "g" * 32, "d41d8cd98f00b204e9800998ecf8427e", f"0x{MD5}", "-"],
        Fault.BAD_LIST: [f"{MD5}, {MD5}", f"{MD5};{MD5}"],
        Fault.MISPLACED_CONTACT: ["mail@example.com", "70001234567", "+7 (000) 123-45-67"],
    },
    Sort.GOALS: {
        Fault.NONE: ["a", "a:200", "a:200,b", "a:b:1.5", "a:b"],
        Fault.BAD_LIST: ["a, b", "a;b", "a:200,"],
        Fault.BAD_VALUE: [":200", '"a"', 'a"b:5'],
        Fault.NEGATIVE_PRICE: ["a:-5"],
    },
    Sort.BIRTH: {
        Fault.NONE: ["1965-02-03", "03.02.1965", "03.02.65", "1965-02-03 00:00:00"],
        Fault.BAD_TIME: ["1965", "3.2.1965", "1965-02-30", "1865-02-03", "1965-02-03T00:00", "1965-02-03 x", "0"],
    },
}


@pytest.mark.parametrize("sort", CELLS)
def test_a_cell_has_the_fault_that_it_has(sort):
    told = {text: REFERENCES[sort](text) for texts in CELLS[sort].values() for text in texts}
    assert told == {text: fault for fault, texts in CELLS[sort].items() for text in texts}


def test_every_sort_has_its_examples():
    assert CELLS.keys() == REFERENCES.keys()
    used = {column.sort for kind in KINDS for column in kind.columns.values()}
    assert used - REFERENCES.keys() == {
        *(Sort.FREE, Sort.NUMBER_ID, Sort.YCLID, Sort.TEXT_ID, Sort.UNIX, Sort.CREATED, Sort.TIME)
    }
    assert REFERENCES.keys() > CATEGORIES
    assert REFERENCES.keys() > CANONICAL.keys()


@pytest.mark.parametrize("sort", REFERENCES)
def test_an_empty_cell_has_no_fault_of_its_own(sort):
    assert REFERENCES[sort]("") is Fault.NONE


PARTS = st.sampled_from(
    [
        *(
            "0",
            "1",
            "7",
            "12",
            "000",
            ".",
            ",",
            "-",
            "+",
            " ",
            "\n",
            "\u00a0",
            ":",
            ";",
            "@",
            "a",
            "d",
            "A",
            "ё",
            "e",
            "_",
        ),
        *(ID, "1716642001234560000", "10000000000000000000", "9223372036854", MD5, "mail@example.com", "70001234567"),
        *("89001234567", "+70001234567", "d41d8cd98f00b204e9800998ecf8427e", "RUB", "PAID", "1.7E+18", "'", '="1"'),
    ]
)
EVERY_EXAMPLE = sorted({text for faults in CELLS.values() for texts in faults.values() for text in texts})
TEXTS = st.lists(PARTS, max_size=4).map("".join) | st.sampled_from(EVERY_EXAMPLE) | st.text(max_size=8)
COLUMNS = st.lists(TEXTS, max_size=12)


@pytest.mark.parametrize("sort", REFERENCES)
@given(COLUMNS)
@example(EVERY_EXAMPLE)
def test_kernel_and_reference_are_equal(sort, texts):
    expected = [REFERENCES[sort](text) for text in texts]
    assert judge_cells(text_column(texts), sort).tolist() == expected


@pytest.mark.parametrize("sort", CANONICAL)
@given(COLUMNS)
@example(EVERY_EXAMPLE)
def test_what_is_canonical_is_faultless(sort, texts):
    # RE2's $ is the end of the text, Python's may stand before a line break.
    pattern = re.compile(CANONICAL[sort].removesuffix("$"))
    assert {REFERENCES[sort](text) for text in texts if pattern.fullmatch(text)} <= {Fault.NONE}


@pytest.mark.parametrize("sort", CANONICAL)
def test_usual_cells_are_canonical(sort):
    usual = {
        Sort.NUMBER_IDS: [ID, f"{ID},{ID}", "1716642001234567890", "17166420012345678"],
        Sort.AMOUNT: ["0", "12345.67"],
        Sort.SECONDS: ["95"],
        Sort.CALL_PHONE: ["+70001234567"],
        Sort.EMAILS: ["mail@example.com", "a.b@mail.example.ru,c@example.ru"],
        Sort.PHONES: ["70001234567,70001234568"],
        Sort.HASHES: [MD5, f"{MD5},{MD5}", "d" * 32],
    }
    pattern = re.compile(CANONICAL[sort])
    assert all(map(pattern.fullmatch, usual[sort]))


IDENTIFIERS = {
    ("12", Rule.NUMBER): Fault.NONE,
    ("", Rule.NUMBER): Fault.NONE,
    (" ", Rule.NUMBER): Fault.STRAY_BLANKS,
    (" 12", Rule.NUMBER): Fault.BAD_IDENTIFIER,
    ('="12"', Rule.NUMBER): Fault.BAD_IDENTIFIER,
    ("012", Rule.NUMBER): Fault.BAD_IDENTIFIER,
    ("012", Rule.TEXT): Fault.NONE,
    ("18446744073709551615", Rule.YCLID): Fault.NONE,
    ("18446744073709551616", Rule.YCLID): Fault.BAD_IDENTIFIER,
    ("18446744073709551616", Rule.TEXT): Fault.NONE,
    ("12.0", Rule.YCLID): Fault.BAD_IDENTIFIER,
    ("YJAD.1", Rule.YCLID): Fault.FOREIGN_YCLID,
    ("YJAD.1", Rule.NUMBER): Fault.BAD_IDENTIFIER,
    ("YJAD.1", Rule.TEXT): Fault.NONE,
    ("u 1", Rule.TEXT): Fault.NONE,
    ("'u", Rule.TEXT): Fault.STRAY_BLANKS,
    ("\u200b", Rule.TEXT): Fault.STRAY_BLANKS,
    ("1.2E+5", Rule.TEXT): Fault.ROUNDED_IDENTIFIER,
    ("1716642001234560000", Rule.NUMBER): Fault.SUSPICIOUS_IDENTIFIER,
    ("1716642001234560000 ", Rule.NUMBER): Fault.BAD_IDENTIFIER,
}


@pytest.mark.parametrize(("text", "rule"), IDENTIFIERS)
def test_identifiers_stand_alone_in_their_cells(text, rule):
    assert read_id(text, rule) is IDENTIFIERS[text, rule]


@pytest.mark.parametrize("rule", Rule)
@given(COLUMNS)
@example([text for text, _ in IDENTIFIERS])
def test_kernel_and_reference_of_identifiers_are_equal(rule, texts):
    read = read_ids(text_column(texts), rule)
    assert read.codes.tolist() == [read_id(text, rule) for text in texts]
    good = {Fault.NONE, Fault.SUSPICIOUS_IDENTIFIER}
    kept = [bool(text) and read_id(text, rule) in good for text in texts]
    assert read.good.tolist() == kept
    assert [text for text, keep in zip(read.read.text.to_pylist(), kept, strict=True) if keep] == [
        text for text, keep in zip(texts, kept, strict=True) if keep
    ]
    assert read.codes.dtype == np.uint8
