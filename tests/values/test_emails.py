import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.issues import Code
from csvexport.values.contacts import read_emails
from csvexport.values.emails import read_email_cell, recognise_emails

SPELLINGS = [
    *(
        "mail@example.ru",
        "Mail@Example.RU",
        " mail@example.ru ",
        "\u200bmail@example.ru\u00a0",
        "\ufeffmail@example.ru\r\n",
    ),
    *("'mail@example.ru", '="mail@example.ru"', "mailto:mail@example.ru", "MAILTO:mail@example.ru?subject=a@b.ru"),
    *("<mail@example.ru>", "Имя <mail@example.ru>", "И. Имя< MAIL@example.ru >", '"Имя, И." <mail@example.ru>'),
    *(
        "a@example.org <mail@example.ru>",
        "mail@example.ru.",
        "mail@example.ru, -",
        "нет; mail@example.ru",
        ",mail@example.ru;;",
    ),
    *("mail@example.ru, Mail@example.ru", "mail@ｅxample.ru", "mail@example。ru"),
]


@pytest.mark.parametrize("cell", SPELLINGS)
def test_the_spellings_of_one_address_are_one_address(cell):
    assert read_email_cell(cell) == (("mail@example.ru",), Code.NONE)


@pytest.mark.parametrize("cell", ["", " ", "\ufeff", "-", "–", "—", "нет", "Нет", ",", '=""'])
def test_an_empty_cell_is_no_address_and_no_issue(cell):
    assert read_email_cell(cell) == ((), Code.NONE)


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("mail@пример.рф", "mail@xn--e1afmkfd.xn--p1ai"),
        ("MAIL@ПРИМЕР.РФ.", "mail@xn--e1afmkfd.xn--p1ai"),
        ("mail@XN--E1AFMKFD.xn--p1ai", "mail@xn--e1afmkfd.xn--p1ai"),
        ("mail@müller.example", "mail@xn--mller-kva.example"),
        ("mail@пример.example.ru", "mail@xn--e1afmkfd.example.ru"),
        ("a.b+c_d-e%f@sub.example.org", "a.b+c_d-e%f@sub.example.org"),
        ("o'neil!#$&*=?^`{}~@example.org", "o'neil!#$&*=?^`{}~@example.org"),
        ("a/b|c@example.org", "a/b|c@example.org"),
        ("1@1.example", "1@1.example"),
        ("a@a--b.c1", "a@a--b.c1"),
        (f"{'a' * 64}@{'b' * 63}.ru", f"{'a' * 64}@{'b' * 63}.ru"),
        (f"a@{'b.' * 125}ru", f"a@{'b.' * 125}ru"),
    ],
)
def test_an_address_is_what_the_name_system_makes_of_it(cell, address):
    assert read_email_cell(cell) == ((address,), Code.NONE)


REFUSED = [
    *("почта@example.ru", "mаil@example.ru", "mail\u200b@example.ru", "\u212aelvin@example.ru", "почта@пример.рф"),
    *("mail@exаmple.ru", "mail@example.rу", "mail@еxample.ru", "mail@пример..рф", "mail@-пример.рф", "mail@при_мер.рф"),
    *(
        "mail",
        "mail@",
        "@example.ru",
        "@",
        "mail@example",
        "mail@example.r",
        "mail@example.12",
        "mail@192.0.2.1",
        "mail@[192.0.2.1]",
    ),
    *(
        "a..b@example.ru",
        ".a@example.ru",
        "a.@example.ru",
        "a@@example.ru",
        "a@b@example.ru",
        "a@example..ru",
        "a@.example.ru",
    ),
    *(
        "a@-example.ru",
        "a@example-.ru",
        "a@example.-ru",
        "a@example.ru-",
        "a@exa_mple.ru",
        "a@example.ru..",
        "a@example.r u",
    ),
    *(
        "john doe@example.ru",
        "почта: a@example.ru",
        "a@example.ru Имя",
        '"a b"@example.ru',
        "(a@example.ru)",
        "<a@example.ru",
        "<>",
    ),
    *(
        "a@example.ru>",
        "<<a@example.ru>>",
        "a@example.ru?subject=x",
        "null",
        "undefined",
        "n/a",
        "не указан",
        "mailto:",
        "+70001234567",
    ),
    *(f"{'a' * 65}@example.ru", f"a@{'b' * 64}.ru", f"ab@{'b.' * 125}ru", f"a@{'ё' * 300}.рф", f"a@{'ё' * 63}.рф"),
]


@pytest.mark.parametrize("cell", REFUSED)
def test_what_is_no_address_is_refused(cell):
    assert read_email_cell(cell) == ((), Code.BAD_EMAIL)


@pytest.mark.parametrize(
    "between", [",", ", ", " ;", "/", " / ", "|", "\n", "\r\n", "\t", " или ", " or ", " ", "\u00a0"]
)
def test_several_addresses_stand_in_one_cell(between):
    addresses = ("b@example.ru", "a@example.ru", "c@example.ru")
    assert read_email_cell(between.join(addresses)) == (addresses, Code.NONE)


@pytest.mark.parametrize(
    "cell", ["a@example.ru, почта@example.ru", "нет данных;a@example.ru", "Имя, И. <a@example.ru>"]
)
def test_a_good_address_beside_a_bad_one_is_kept(cell):
    assert read_email_cell(cell) == (("a@example.ru",), Code.BAD_EMAIL)


def test_cells_of_any_length_are_read_in_no_time():
    for cell in (" ", "a ", "<", "< ", '"', "@", "@/", "a@", "a.", "a@b.", "\u0430\u0300", "mailto:"):
        assert read_email_cell(f"я{cell * 50_000}я") == ((), Code.BAD_EMAIL)


addresses = st.one_of(
    st.from_regex(r"[A-Za-z0-9._%+-]{1,8}@[A-Za-z0-9.-]{1,8}\.[A-Za-z0-9]{1,3}", fullmatch=True),
    st.from_regex(r"[a-z]{60,66}@[a-z]{60,64}\.ru", fullmatch=True),
    st.emails(),
    st.builds("{}@{}.рф".format, st.text("abя", max_size=3), st.text(max_size=5)),
)
cells = st.one_of(
    addresses,
    st.builds(
        "{}{}{}".format,
        st.sampled_from([" ", "'", "<", "mailto:", "\u00a0", "\u200b"]),
        addresses,
        st.sampled_from(" >.\n"),
    ),
    st.lists(addresses, max_size=3).map(",".join),
    st.text("ab@.- <>,/", max_size=12),
    st.text(max_size=8),
    st.sampled_from([*SPELLINGS, *REFUSED, "", "-"]),
)


@st.composite
def columns(draw):
    """A column that may be empty and may begin in the midst of its buffers."""
    texts = draw(st.lists(cells, max_size=12))
    start = draw(st.integers(0, len(texts)))
    stop = draw(st.integers(start, len(texts)))
    return pa.array(texts, pa.string()).slice(start, stop - start)


def by_kernel(column):
    emails = read_emails(column)
    emails.text.validate(full=True)
    assert (emails.text.type, emails.text.null_count, emails.codes.dtype) == (pa.string(), 0, np.uint8)
    return emails.text.to_pylist(), emails.codes.tolist()


def by_reference(column):
    read = [read_email_cell(cell) for cell in column.to_pylist()]
    return [",".join(found) for found, _ in read], [code for _, code in read]


@given(columns())
def test_kernel_and_reference_agree_on_any_text(column):
    assert by_kernel(column) == by_reference(column)


def test_kernel_and_reference_agree_on_every_example():
    column = pa.array([*SPELLINGS, *REFUSED, "", "-", "a@b.ru", f"{'a' * 52}@example.com", f"{'a' * 53}@example.com"])
    assert by_kernel(column) == by_reference(column)


def test_plain_addresses_are_canonical():
    column = pa.array(["Mail@Example.com", " a.b+c@sub.my-example.org\n", "", f"{'a' * 52}@example.com"])
    recognised = recognise_emails(column)
    assert recognised.texts.to_pylist() == [text.strip().lower() for text in column.to_pylist()]
    assert len(recognised.others) == 0


@given(addresses)
def test_a_normal_form_is_read_as_itself(cell):
    for address in read_email_cell(cell)[0]:
        assert read_email_cell(address) == ((address,), Code.NONE)
