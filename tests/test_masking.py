import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.masking import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna anna@example.com, call back", "Anna anna…, call back"),
        ("+7 (000) 111-22-33", "+7 (…"),
        ("79990001122@example.ru", "7999…"),
        ("yclid 17166123456789012345 of 2024-05-31 12:00:00", "yclid 1716… of 2024-05-31 12:00:00"),
        ("9816( 107003+1@example.com", "9816…"),
        ("31-05-2024", "31-05-2024"),
        ("paid: 12 345.60", "paid: 12 345.60"),
        ("@channel and a@ b", "@channel and a@ b"),
        ("+7.900.000.00.01, 8 900\u00a0000\u201100\u201101", "+7.9…, 8 90…"),
        ("8.900.000.00.01 is none of 192.168.100.100", "8.90… is none of 192.168.100.100"),
        ('no column "anna@example.com"; there are "ID", "Телефон 2"', 'no column "anna…"; there are "ID", "Телефон 2"'),
        ("exports/anna@example.com.csv", "exports/anna…"),
        ("+70001112233.csv", "+700….csv"),
        ("deals_20240601120000.csv", "deals_20240601120000.csv"),
        ("deals-2024-05-01-2024-05-31.csv", "deals-2024-05-01-2024-05-31.csv"),
        ("2024-05-41 12:00:00", "2024-05-41 12:00:00"),
        ("20240601T090000Z-12345678", "20240601T090000Z-12345678"),
        ("clients.79990001122.name", "clients.7999….name"),
        ("sftp://shop@example.com/in", "sftp://shop@example.com/in"),
        ("sftp://shop@example.com@example.org/in", "sftp://shop…@example.org/in"),
        ("https://user:word@example.com/x", "https://…@example.com/x"),
        ("utm_source, yclid, Сумма, руб. (10 000 000)", "utm_source, yclid, Сумма, руб. (10 000 000)"),
    ],
)
def test_emails_phones_and_identifiers_are_cut_short(text, shown):
    assert masked(text) == shown


@given(st.text(" ,;a1"), st.from_regex(r"[a-z]{5}[a-z.]{0,9}@[a-z]{2,9}\.[a-z]{2,4}", fullmatch=True), st.text(" ,;a1"))
def test_no_email_is_seen_whatever_stands_around_it(before, email, behind):
    assert email not in masked(f"{before}{email}{behind}")


@pytest.mark.parametrize("part", ["a", "a.", "@", "a@", "1-", "1 ", "1-((", "7"])
def test_a_long_text_is_read_but_once(part):
    # Were it read anew from each of its letters, this would not end today.
    assert len(masked(part * 1_000_000)) <= len(part) * 1_000_000
