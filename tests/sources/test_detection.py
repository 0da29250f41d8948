import codecs
import gzip
import io
import json
import os
import zipfile

import numpy as np
import pytest

from csvexport.errors import SourceError
from csvexport.issues import REJECTED_COLUMNS
from csvexport.profile import SourceSettings
from csvexport.sources import detection
from csvexport.sources.detection import detect

DEALS = """Название;Стадия сделки;Сумма, руб;Дата оплаты
Гардеробная «Север» № 1;Замер проведён;56 000,00;06.05.2024 09:50
Прихожая;Отказ;63 510,30;06.05.2024 11:14
"""

ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 with a mark": ("utf-8", codecs.BOM_UTF8),
    "cp1251": ("cp1251", b""),
    "utf-16-le": ("utf-16-le", b""),
    "utf-16-be": ("utf-16-be", b""),
    "utf-16-le with a mark": ("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16-be with a mark": ("utf-16-be", codecs.BOM_UTF16_BE),
    "koi8-r": ("koi8-r", b""),
    "cp866": ("cp866", b""),
}


@pytest.fixture
def look(tmp_path):
    """Write an export and look at it."""

    def look_at(content, *expected, **settings):
        path = tmp_path / "export.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return detect(path, "export.csv", SourceSettings(**settings), expected)

    return look_at


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_encoding_is_found_by_looking(look, name):
    codec, mark = ENCODINGS[name]
    form = look(mark + DEALS.encode(codec, "replace"))
    assert (form.codec, form.mark) == (codec, len(mark))
    assert form.encoding == ("utf-16" if codec.startswith("utf-16") else codec)
    assert form.heading.names == ("Название", "Стадия сделки", "Сумма, руб", "Дата оплаты")


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("spell", [str, str.upper, str.lower])
@pytest.mark.parametrize("text", ["Дата оплаты;Сумма;Статус", "Отчёт по сделкам;Телефон", "Ответственный;Воронка;ID"])
def test_a_header_is_enough_to_tell_the_cyrillic_encodings_apart(look, codec, spell, text):
    assert look(spell(text).encode(codec)).codec == codec


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("header", ["ID", "да", "НЕТ", "№", "КУХНЯ", "ъыьэ"])
def test_expected_columns_decide_between_encodings_where_the_text_cannot(look, codec, header):
    content = f"{header};Ы\n1;2\n".encode(codec, "replace")
    assert look(content, content.decode(codec).partition(";")[0], "Ы").codec == codec


def test_a_lone_russian_word_is_taken_for_the_usual_encoding(look):
    assert look("id;status\n1;да\n".encode("cp1251")).codec == "cp1251"


def test_ascii_is_utf_8(look):
    assert look("id;name\n1;a\n").codec == "utf-8"


def test_a_few_spoilt_bytes_do_not_turn_utf_8_into_something_else(look):
    assert look(DEALS.encode() + b"\xff\xfe;1;2;3\n").codec == "utf-8"


def test_replacement_characters_in_the_export_do_not_turn_utf_8_into_something_else(look):
    assert look("id;name\n1;" + 50 * "\ufffd" + "\n").codec == "utf-8"


def test_utf_8_may_be_cut_in_a_character_by_the_end_of_the_sample(look, monkeypatch):
    for size in (180, 181):
        monkeypatch.setattr(detection, "SAMPLE_BYTES", size)
        assert look(DEALS).codec == "utf-8"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "cp866", "utf-8"])
def test_text_that_turns_russian_below_the_first_mebibyte_decides(look, newline, codec):
    above = f"id;status{newline}" + f"1;new{newline}" * 200_000
    below = f"2;Замер проведён{newline}" * 50_000
    form = look(above.encode() + below.encode(codec))
    assert (form.codec, form.heading.names, form.returns_only) == (codec, ("id", "status"), newline == "\r")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_delimiter_is_found_by_looking(look, delimiter, quote):
    rows = [["id", "name", "sum"], ["1", "Иван Петров", "12"], ["2", "", "7"]]
    text = "".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) + "\n" for row in rows)
    assert look(text).delimiter == delimiter.encode()


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("id;Сумма\n1;12,50\n2;3,10\n", b";"),
        ("Сумма;НДС\n12,50;2,50\n3,10;0,60\n", b";"),
        ("Сумма, руб;НДС, руб\n12,50;2,50\n3,10;0,60\n", b";"),
        ("Отчёт, май\nМенеджер: Иванов, Пётр\nid;Сумма\n" + "1;12,50\n" * 30, b";"),
        ("Отчёт, май\nМенеджер: Иванов, Пётр\nid;Сумма\n" + "1;12,50\n" * 30 + "broken\n", b";"),
        ("id\tСумма\tНДС\n1\t12,50\t2,50\n", b"\t"),
        ("id|Сумма, руб\n1|12,50\n2|3,10\n", b"|"),
        ('"a,b";"c,d"\n"1,5";"2,5"\n', b";"),
        ('"a;b","c;d"\n"1;5","2;5"\n', b","),
        ("id,tags\n1,a;b\n2,c;d\n3,e\n", b","),
        ("id,name\n1,a|b\n2,c|d\n", b","),
        ("id,name\n" + "1,a;b\n" * 30, b","),
        ("id;note\n1;one\nbroken\n" + "2;two, three\n" * 4, b";"),
        ("id,name,note\n1,a\n2,b,c\n3,d,e\n4,f,g\n", b","),
        ("id;note\n1;one\n2;two\n3;three, four\n4;five, six\n", b";"),
    ],
)
def test_the_delimiter_is_found_among_other_signs(look, text, delimiter):
    assert look(text).delimiter == delimiter


@pytest.mark.parametrize(
    ("text", "expected", "delimiter", "columns"),
    [
        ("Сумма, руб;Дата\n12,50;1\n", ["Сумма, руб"], b";", ("Сумма, руб", "Дата")),
        ("a;b,c;d\n1;2,3;4\n", ["c;d"], b",", ("a;b", "c;d")),
        ("Комментарий\nда, конечно\nнет, спасибо\n", ["Комментарий"], b";", ("Комментарий",)),
        ("Комментарий\nда; конечно\nнет; спасибо\n", ["Комментарий"], b"\t", ("Комментарий",)),
    ],
)
def test_expected_columns_decide_between_delimiters(look, text, expected, delimiter, columns):
    form = look(text, *expected)
    assert (form.delimiter, form.heading.names) == (delimiter, columns)


@pytest.mark.parametrize("text", ["id\n1\n2\n", "id\n", "id", '"id"\n"1"\n'])
def test_a_single_column_is_a_table(look, text):
    form = look(text)
    assert (form.heading.names, form.header) == (("id",), 1)


PREAMBLE = "Отчёт по сделкам\nПериод: май, 2024\n\nID;Сумма;Дата\n1;2;3\n4;5;6\n7;8;9\n10;11;12\n13;14;15\n"


@pytest.mark.parametrize("expected", [[], ["Сумма"], ["Сумма", "nowhere"]])
def test_the_header_is_found_below_a_preamble(look, expected):
    form = look(PREAMBLE, *expected)
    assert (form.header, form.heading.names) == (4, ("ID", "Сумма", "Дата"))


@pytest.mark.parametrize("expected", [[], ["Сумма"]])
def test_a_preamble_may_be_filled_up_with_empty_cells(look, expected):
    form = look(";;\n" + PREAMBLE.replace("сделкам\n", 'сделкам;"";""\n'), *expected)
    assert form.header == 5


def test_of_repeated_headers_the_first_is_the_header(look):
    assert look("a;b\n1;2\na;b\n", "a", "b").header == 1


def test_the_header_is_where_most_expected_columns_stand(look):
    assert look("Сумма;1\nID;Сумма\n1;2\n", "ID", "Сумма").header == 2


def test_settings_overrule_what_looking_finds(look):
    form = look("a,b;c\n1,2;3\n", encoding="cp1251", delimiter=",", header=2)
    assert (form.encoding, form.delimiter, form.header, form.heading.names) == ("cp1251", b",", 2, ("1", "2;3"))


def test_a_header_far_below_may_be_named(look):
    assert look("x\n" * 300 + "a;b\n1;2\n", header=301).heading.names == ("a", "b")


def test_a_header_that_the_file_does_not_reach_is_refused(look):
    with pytest.raises(SourceError, match=r"^export.csv: source.header is 3, but the file has fewer rows$"):
        look("a;b\n1;2\n", header=3)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (DEALS.encode("cp1251"), "utf-8"),
        (DEALS.encode("utf-16"), "utf-8"),
        (DEALS.encode("utf-16"), "cp1251"),
        (codecs.BOM_UTF8 + DEALS.encode(), "koi8-r"),
        (DEALS.encode(), "utf-16"),
        (b"id;name\n1;2\n", "utf-16"),
    ],
)
def test_an_encoding_that_cannot_be_is_refused(look, content, encoding):
    with pytest.raises(SourceError, match=f"^export.csv: this is not {encoding}; leave source.encoding out"):
        look(content, encoding=encoding)


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_encoding_that_is_named_is_taken(look, name):
    codec, mark = ENCODINGS[name]
    encoding = "utf-16" if codec.startswith("utf-16") else codec
    form = look(mark + DEALS.encode(codec, "replace"), encoding=encoding)
    assert (form.codec, form.mark) == (codec, len(mark))


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("a;b;a;a", ("a", "b", "a (2)", "a (3)")),
        ("a;a;a (2)", ("a", "a (2)", "a (2) (2)")),
        ("a;;b;c;", ("a", "Column 2", "b", "c", "Column 5")),
        (" a ;\tb\t;c\u00a0", ("a", "b", "c")),
        ('" a ";"b\nc";"d ""e"""', ("a", "b\nc", 'd "e"')),
    ],
)
def test_columns_are_named_once_each(look, header, columns):
    assert look(header + "\n" + ";".join("x" * len(columns)) + "\n").heading.names == columns


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ("1;2;\n3;4;\n", ("a", "b", "Column 3")),
        ("1;2;\n3;4\n5;6;\n", ("a", "b", "Column 3")),
        ("1;2;\n3;4;\n\n\n\n", ("a", "b", "Column 3")),
        ("1;2;\n3;4;5\n6;7;\n", ("a", "b")),
        ("1;2\n3;4;\n5;6\n", ("a", "b")),
    ],
)
def test_a_delimiter_at_the_end_of_every_row_makes_a_column(look, rows, columns):
    assert look("a;b\n" + rows, "a").heading.names == columns


@pytest.mark.parametrize(
    ("text", "returns_only"),
    [
        ("a;b\r1;2\r", True),
        ('a;b\r"1\n1";2\r', True),
        ("a;b\n1;2\n", False),
        ("a;b\r\n1;2\r\n", False),
        ('a;b\n"1\r1";2\n', False),
        ("a;b", False),
    ],
)
def test_lines_that_end_in_a_lone_return_are_recognised(look, text, returns_only):
    form = look(text)
    assert (form.returns_only, form.heading.names) == (returns_only, ("a", "b"))


def test_names_keep_their_line_breaks_where_lines_end_in_a_lone_return(look):
    assert look('"Дата\nоплаты";"b\r\nc"\r1;2\r', "Дата\nоплаты").heading.names == ("Дата\nоплаты", "b\r\nc")


OURS = ",".join(REJECTED_COLUMNS)


@pytest.mark.parametrize(
    "content",
    [
        f"{OURS},value,ID\nd.csv,7,conversions,bad-time,Дата,x,y,1,2\n".encode(),
        f"{OURS},value,ID\nd.csv,7,conversions,bad-time,Дата,x,y,1,2\n".replace(",", ";").encode("cp1251"),
        codecs.BOM_UTF8 + f"{OURS},value,ID\n".replace(",", ";").encode(),
        codecs.BOM_UTF16_LE + f'"{OURS}\tvalue\tID\r\n'.replace(",", "\t").replace('"', "").encode("utf-16-le"),
        f"{OURS},value,ID\n".replace(",", '","').replace("source", '"source').replace("\n", '"\n').encode(),
    ],
)
def test_a_rejected_file_is_recognised_and_the_settings_do_not_speak_of_it(look, content):
    form = look(content, delimiter="|", encoding="koi8-r", header=5)
    assert (form.header, form.heading.hidden, form.heading.names[7:]) == (1, 7, ("value", "ID"))
    assert len(set(form.heading.names)) == 9


def test_a_file_that_merely_begins_so_is_no_rejected_file(look):
    assert look("source,row\n1,2\n").heading.hidden == 0
    assert look(f"{OURS}2,ID\n" + 8 * "1," + "\n").heading.hidden == 0


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


PAGE = "<!DOCTYPE html>\n<html><body>Вход</body></html>"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zipped(), "a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "an old workbook (xls)"),
        (gzip.compress(DEALS.encode()), "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
        (b"Rar!\x1a\x07\x00", "a RAR archive"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"SQLite format 3\0\x10", "an SQLite database"),
        (PAGE.encode(), "a web page"),
        (b"\xef\xbb\xbf\r\n <html lang='ru'>", "a web page"),
        (PAGE.encode("utf-16"), "a web page"),
        (b'<meta http-equiv="Content-type" content="text/html"><table><tr><td>ID', "an HTML table under another name"),
        (b"<table border=1><tr><td>1</td></tr></table>", "an HTML table under another name"),
        (b'<?xml version="1.0"?>\n<yml_catalog/>', "XML"),
        (codecs.BOM_UTF8 + b'<?xml version="1.0"?>', "XML"),
        (json.dumps([{"id": 1}]).encode(), "JSON"),
        (json.dumps({"deals": [1]}, indent=1).encode(), "JSON"),
    ],
)
def test_what_is_no_csv_is_refused_by_its_name(look, content, what):
    with pytest.raises(SourceError) as caught:
        look(content)
    assert str(caught.value).startswith(f"export.csv: this is {what}, not a CSV; ")


@pytest.mark.parametrize(
    "content",
    [
        np.random.default_rng(1).bytes(20_000),
        np.arange(2000, dtype=np.int32).tobytes(),
        bytes(1000),
        b"\x89PNG\r\n\x1a\n" + np.random.default_rng(2).bytes(3000),
    ],
)
def test_what_is_no_text_is_refused(look, content):
    with pytest.raises(SourceError, match=r"^export.csv: this is no text file; export the table as CSV$"):
        look(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b" \r\n\t\r\n  ",
        b";;;\n;;;\n",
        codecs.BOM_UTF8,
        codecs.BOM_UTF8 + b"\r\n",
        codecs.BOM_UTF16_LE,
        codecs.BOM_UTF16_BE + "\r\n ".encode("utf-16-be"),
    ],
)
def test_a_file_without_text_is_refused(look, content):
    with pytest.raises(SourceError, match=r"^export.csv: the file is empty; export it again$"):
        look(content)


def test_a_line_without_end_is_refused(look, monkeypatch):
    monkeypatch.setattr(detection, "SAMPLE_BYTES", 1000)
    with pytest.raises(
        SourceError, match=r"^export.csv: the first line does not end within 1000 bytes; this is no CSV$"
    ):
        look(2000 * "a;")


def test_many_blank_lines_may_come_first(look):
    assert look(500 * "\n" + "a;b\n").heading.names == ("Column 1",)
    assert look(30 * "\n" + "a;b\n1;2\n").heading.names == ("a", "b")


def test_a_few_control_characters_do_not_make_a_text_binary(look):
    assert look(DEALS + "a\0;b;c;d\n" + "\x1a").heading.names[0] == "Название"


def test_a_header_that_looks_like_markup_is_none(look):
    assert look("<TICKER>;<DATE>\nSBER;20240501\n").heading.names == ("<TICKER>", "<DATE>")


def test_an_unclosed_quote_above_the_header_costs_its_line_only(look):
    assert look('"Отчёт\nID;Сумма\n1;2\n', "ID").header == 2


def test_a_file_that_cannot_be_opened_raises_what_the_system_says(tmp_path):
    with pytest.raises(FileNotFoundError):
        detect(tmp_path / "nowhere.csv", "nowhere.csv", SourceSettings(), ())
    with pytest.raises(OSError, match=os.strerror(21)):
        detect(tmp_path, "folder", SourceSettings(), ())
