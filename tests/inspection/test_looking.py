"""What is found in an export, and how much of it may be seen."""

import json

import pytest

from csvexport.errors import SourceError
from csvexport.inspection.looking import findings_json, look, shown
from csvexport.progress import no_progress


def test_columns_are_counted(look_at):
    findings = look_at(["a", "b", "c"], ["1", " ", "x"], ["1", "\u200b", "y"], ["2", "z", "x"])
    assert [(column.name, column.filled, column.distinct) for column in findings.columns] == [
        ("a", 3, 2),
        ("b", 1, 1),
        ("c", 3, 2),
    ]
    assert (findings.rows, findings.unreadable, findings.status, findings.crm) == (3, 0, None, None)


def test_counting_different_texts_ends_at_a_thousand_and_counting_rows_does_not(look_at):
    rows = [[str(number), "x" if number % 2 else ""] for number in range(2001)]
    number, other = look_at(["n", "other"], *rows).columns
    assert (number.distinct, number.is_counted, number.filled) == (1000, False, 2001)
    assert (other.distinct, other.is_counted, other.filled) == (1, True, 1000)


def test_exactly_a_thousand_are_counted(look_at):
    (column,) = look_at(["n"], *([str(number)] for number in range(1000))).columns
    assert (column.distinct, column.is_counted) == (1000, True)


def test_blanks_are_not_counted_behind_the_thousandth_text_either(look_at, monkeypatch):
    monkeypatch.setattr("csvexport.sources.delimited.PIECE_BYTES", 1 << 12)
    rows = [[f"text {number}" if number < 1500 else "\u00a0", "x"] for number in range(3000)]
    column, _ = look_at(["n", "x"], *rows).columns
    assert (column.filled, column.distinct) == (1500, 1000)


def test_statuses_are_counted_without_regard_to_case_and_know_which_columns_are_filled(look_at):
    rows = [["Оплачен", "1", ""], ["ОПЛАЧЕН ", "", ""], ["Новая", "", "2"], ["", "3", "3"], ["Оплачен", "4", "4"]]
    findings = look_at(["Статус", "a", "b"], *rows)
    paid, new = findings.statuses
    assert (paid.text, paid.rows, paid.is_paid) == ("Оплачен", 3, True)
    assert (paid.filled["a"], paid.filled["b"], paid.filled["Статус"]) == (2, 1, 3)
    assert (new.text, new.rows, new.is_paid, new.filled["a"]) == ("Новая", 1, False, 0)


def test_records_that_cannot_be_read_are_counted_apart(tmp_path):
    (tmp_path / "deals.csv").write_text("a,b\n1,2\n1,2,3\n1,2\n", encoding="utf-8")
    findings = look("deals.csv", no_progress)
    assert (findings.rows, findings.unreadable, findings.sources[0].rows) == (2, 1, 3)


def test_the_files_of_a_folder_are_one_export(look_at):
    look_at(["ID", "Статус", "old"], ["1", "Новая", ""], name="many/a.csv")
    look_at(["ID", "Статус", "new"], ["2", "Новая", ""], name="many/b.csv")
    findings = look("many", no_progress)
    assert [column.name for column in findings.columns] == ["ID", "Статус"]
    assert findings.missing == ("old", "new")
    assert (findings.rows, findings.statuses[0].rows) == (2, 2)
    assert [facts.path for facts in findings.sources] == ["many/a.csv", "many/b.csv"]


def test_files_without_a_common_column_are_no_export(look_at):
    look_at(["a", "b"], ["1", "2"], name="many/a.csv")
    look_at(["c", "d"], ["1", "2"], name="many/b.csv")
    with pytest.raises(SourceError, match=r"many/a.csv and many/b.csv have no column in common"):
        look("many", no_progress)


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        ("Телефон", "+7 900 000-00-01", "+7 9…"),
        ("E-mail", "somebody@example.com", "some…"),
        ("ClientID", "1716642001234567891", "1716…"),
        ("Контакт", "Анна Петрова", "А…"),
        ("Комментарий", "звонить +7 900 000-00-01 Анне", "звонить +7 9… Анне"),
        ("Комментарий", "x\x1b[31mred\n", "x\ufffd[31mred"),
        ("Комментарий", "слово " * 20, "слово слово слово слово слово слово сло…"),
        ("Дата", "31.05.2024 10:00:00", "31.05.2024 10:00:00"),
    ],
)
def test_examples_show_no_more_than_may_be_seen(name, text, seen, column):
    found = column(name, text)
    assert found.examples == (seen,)
    document = json.dumps(findings_json(look("deals.csv", no_progress)), ensure_ascii=False)
    assert seen in json.loads(document)["columns"][1]["examples"]
    if seen != text:
        assert text not in document


def test_a_status_is_shown_like_any_other_text():
    assert shown("позвонить somebody@example.com", None) == "позвонить some…"


def test_a_login_is_explained_where_no_profile_can_name_it():
    with pytest.raises(SourceError) as caught:
        look("https://crm:secret@crm.example.ru/deals.csv", no_progress)
    assert "source.username" in str(caught.value)
    assert "here they are given as --username and --password" in str(caught.value)
    assert "secret" not in str(caught.value)
