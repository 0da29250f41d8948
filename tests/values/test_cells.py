import pytest

from csvexport.values.cells import BLANKS, trim, without_shell


def test_blanks_are_what_python_strips_and_more():
    whitespace = {chr(code) for code in range(0x110000) if chr(code).isspace()}
    assert whitespace < set(BLANKS)


@pytest.mark.parametrize("cell", ["\ufeff7", "\u00a07 ", "\u200b \u200b7\u2060", "\t7\r\n", "7"])
def test_what_nobody_sees_is_trimmed(cell):
    assert trim(cell) == "7"


@pytest.mark.parametrize("cell", ["7", "'7", ' ="7" ', '\'="7"', '=" 7"'])
def test_what_spreadsheets_put_around_text_is_removed(cell):
    assert without_shell(cell) == "7"
