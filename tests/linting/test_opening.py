"""What a file is, told by its beginning."""

import codecs
import gzip

import pytest
import xlsxwriter

from csvexport.errors import SourceError
from csvexport.formats import calls, conversions, orders
from csvexport.linting.kinds import CALLS, CHATS, CONTACT_CARDS, CONVERSIONS, DEALS, KINDS, ORDERS, recognise
from csvexport.linting.opening import look

ID, TIME = "1716642001234567891", "1717059600"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("ClientId,Target,DateTime,Price,Currency", CONVERSIONS),
        ("Yclid,Target,DateTime", CONVERSIONS),
        ("USERID,target,datetime", CONVERSIONS),
        ("PurchaseId,Target,DateTime", CONVERSIONS),
        ("ClientId,DateTime", CONVERSIONS),
        ("DateTime", CONVERSIONS),
        ("ClientId,DateTime,StaticCall", CALLS),
        ("DateTime,PhoneNumber,TalkDuration", CALLS),
        ("ClientId,DateTime,Price,Currency,URL", CALLS),
        ("ClientId,DateTime,ChatPlatform,PhoneNumber", CHATS),
        (
            "id,create_date_time,client_uniq_id,client_ids,emails,phones,order_status,revenue,cost,goals,currency",
            ORDERS,
        ),
        ("id,create_date_time,emails_md5,phones_md5,order_status,revenue,cost", ORDERS),
        ("create_date_time,emails", ORDERS),
        ("uniq_id,name,emails,phones", CONTACT_CARDS),
        ("uniq_id,create_date_time,client_ids,emails,phones,возраст", CONTACT_CARDS),
        ("id,client_uniq_id,client_type,create_date_time,order_status,revenue", DEALS),
        ("id,client_uniq_id,client_type,create_date_time,order_status,finish_date_time,goals", DEALS),
        ("id,name,phones,emails,currency,price", None),
        ("ID,Сумма,yclid", None),
        ("a", None),
    ],
)
def test_the_header_tells_the_kind(header, kind):
    assert recognise(header.split(",")) is kind


def test_every_column_that_a_build_writes_is_known():
    assert CALLS.columns.keys() == {*calls.IDENTIFIERS, "DateTime", *calls.OPTIONAL}
    assert ORDERS.columns.keys() == {*orders.COLUMNS}
    assert CONVERSIONS.columns.keys() == {*conversions.IDENTIFIERS, "Target", "DateTime", "Price", "Currency"}
    for kind in KINDS:
        assert kind.columns.keys() >= {*kind.needed, *(name for names, _ in kind.groups for name in names)}


@pytest.mark.parametrize(
    ("kind", "delimiter", "columns", "right", "limit"),
    [
        (CONVERSIONS, ";", (), ",", 1_000_000_000),
        (ORDERS, ";", (), ";", 300_000_000),
        (ORDERS, ",", (), ",", 1_000_000_000),
        (ORDERS, "\t", ("revenue",), ";", 300_000_000),
        (ORDERS, "\t", ("goals",), ",", 1_000_000_000),
        (DEALS, ";", (), ";", 1_000_000_000),
        (DEALS, "|", (), ",", 1_000_000_000),
    ],
)
def test_the_delimiter_tells_the_receiver(kind, delimiter, columns, right, limit):
    assert kind.right_delimiter(delimiter, columns) == right
    assert kind.limit(right) == limit
    assert kind.receivers[right]


def test_orders_with_commas_are_the_apis(judge):
    rows = ["id,create_date_time,emails,order_status", "7,2024-01-30,mail@example.com,PAID"]
    verdicts = [judge("".join(f"{row}\n".replace(",", mark) for row in rows)) for mark in ",;"]
    assert [verdict.receiver for verdict in verdicts] == [
        "Metrica, by its CRM API (simple orders)",
        "the Conversion Center of Yandex Direct",
    ]
    # Only the Conversion Center refuses what is older than 113 days.
    assert [[finding.entry.code for finding in verdict.findings] for verdict in verdicts] == [
        [],
        ["no-valid-rows", "too-old"],
    ]


def said(judge, content, **options):
    """What is said of the first fault."""
    return judge(content, **options).findings[0].sights[0].value


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("ID;Сумма\n1;2\n", "it is ID, Сумма"),
        (";".join("abcdefghij") + "\n1;2;3;4;5;6;7;8;9;0\n", "it is a, b, c, d, e, f, g, h and 2 more"),
        (f"{ID},order_paid,{TIME}\n", "the first line is a row, not the names of the columns"),
        ("Иван,mail@example.com\nПётр,mail2@example.com\n", "the first line is a row, not the names of the columns"),
        (
            "source,row,kind,code,column,value,remedy,ClientId,DateTime\na,2,b,c,d,e,f,1,2\n",
            "this is a rejected.csv of csvexport; correct it and build it",
        ),
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ('{"orders": []}', "JSON"),
        ("<?xml version='1.0'?><a><b/></a>", "XML"),
        (gzip.compress(b"ClientId,Target,DateTime\n"), "an archive"),
        ("<html><body>", "a web page, not a CSV; was the login to the CRM lost during the download?"),
        (b"%PDF-1.7 ...", "a PDF, not a CSV; export the table as CSV"),
        (bytes(range(32)) * 9, "no text file; export the table as CSV"),
    ],
)
def test_a_file_that_is_none_of_yandexs_is_called_by_its_name(content, expected, judge):
    value = said(judge, content)
    assert value.removeprefix("this is ") == expected.removeprefix("this is ")
    verdict = judge(content)
    assert (verdict.kind, verdict.receiver, verdict.rows) == (None, None, None)
    assert [finding.entry.code for finding in verdict.findings] in (["unknown-kind"], ["not-csv"])


def test_a_workbook_is_called_one(tmp_path):
    path = tmp_path / "orders.csv"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write(0, 0, "ClientId")
    ((fault, sight),) = look(path).remarks
    assert (fault.text, sight.value) == ("not-csv", "a workbook (xlsx)")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-le", "koi8-r", "cp866"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_are_seen(codec, delimiter, line_end, judge):
    lines = ["uniq_id,NAME,emails", "7,Ирина Обычная,mail@example.com", "8,Олег Простой,mail2@example.com", ""]
    verdict = judge(line_end.join(lines).replace(",", delimiter).encode(codec))
    plain = codec.removesuffix("-sig").removesuffix("-le")
    assert (verdict.kind, verdict.rows, verdict.encoding, verdict.delimiter) == ("contacts", 2, plain, delimiter)
    codes = {finding.entry.code for finding in verdict.findings}
    assert codes == {"header-case"} | {
        code
        for code, is_there in {
            "byte-order-mark": codec == "utf-8-sig",
            "wrong-encoding": plain != "utf-8",
            "wrong-delimiter": delimiter in "\t|",
            "line-endings": line_end == "\r",
        }.items()
        if is_there
    }


def test_utf_8_in_another_encodings_clothes_is_seen_far_below(found):
    rows = "".join(f"{number},Name,mail@example.com\n" for number in range(60_000))
    content = f"uniq_id,name,emails\n{rows}60000,Ирина,mail@example.com\n".encode("cp1251")
    assert len(content) > 1 << 20
    assert found(content) == {"wrong-encoding": (1, None, "")}


def test_a_header_below_other_lines_is_found_and_told(judge):
    text = f"Отчёт\n\nClientId,Target,DateTime\n{ID},a,{TIME}\n{ID},b,\n"
    verdict = judge(text)
    assert [(f.entry.code, f.sights[0].row) for f in verdict.findings] == [("header-row", 3), ("empty-time", 5)]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("ClientId,Target,DateTime,Prise", [("unknown-column", "Prise", 'did you mean "Price"?')]),
        ("ClientId,Target,DateTime,manager", [("unknown-column", "manager", "")]),
        ("ClientId,Target,DateTime,", [("unknown-column", "Column 4", "")]),
        ("ClientId,Target,DateTime,datetime", [("repeated-column", "DateTime", "")]),
        ("clientid,Target,DateTime,ClientId", [("repeated-column", "ClientId", "")]),
        ("ClientId,TARGET,DateTime, Price", [("header-case", "TARGET", "Target is right")] * 1),
    ],
)
def test_names_of_columns_are_told(header, told, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f"{header}\n{ID},a,{TIME},1\n", encoding="utf-8")
    remarks = [(fault.text, sight.column, sight.value) for fault, sight in look(path).remarks]
    assert remarks[: len(told)] == told


def test_an_exact_name_wins_over_one_in_another_case(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f"clientid,Target,DateTime,ClientId\n1,a,{TIME},2\n", encoding="utf-8")
    assert look(path).columns["ClientId"] == 3


def test_of_a_single_column_no_delimiter_is_wrong(found):
    assert found(f"Yclid\n{ID}\n") == {"missing-column": (2, 1, "Target")}
    assert found("uniq_id\n7\n") == {}


def test_attributes_of_ones_own_are_no_fault(found):
    assert found("uniq_id,emails,favourite_colour,возраст\n7,mail@example.com,red,30\n") == {}


def test_rows_that_end_in_a_delimiter_are_told(judge):
    verdict = judge(f"ClientId,Target,DateTime\n{ID},a,{TIME},\n{ID},b,{TIME},\n")
    (finding,) = verdict.findings
    assert (finding.entry.code, finding.sights[0].value) == ("unknown-column", "every row ends in a delimiter")


@pytest.mark.parametrize(
    ("numbers", "is_numbered"),
    [(["1", "2", "3"], True), (["0", "1"], True), (["1"], True), (["2", "3"], False), (["1", "3"], False), ([], False)],
)
def test_row_names_are_told_by_their_numbers(numbers, is_numbered, found):
    rows = "".join(f"{number},{ID},goal{number},{TIME}\n" for number in numbers)
    told = found(f'"","ClientId","Target","DateTime"\n{rows}')
    assert ("row-name-column" in told) is is_numbered
    assert ("unknown-column" in told) is not is_numbered


def test_static_calls_need_no_identifier(found):
    assert found(f"DateTime,StaticCall,PhoneNumber\n{TIME},1,+70001234567\n") == {}
    assert found(f"DateTime,StaticCall,PhoneNumber\n{TIME},1,+70001234567\n{TIME},0,+70001234568\n") == {
        "no-identifier": (1, 3, "")
    }
    assert "missing-column" in found(f"DateTime,PhoneNumber\n{TIME},+70001234567\n")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.csv", "missing.csv: no such file; check the path"),
        (".", "this is a folder; name the files in it"),
        ("/dev/null", "this is no regular file; save its content to a file"),
    ],
)
def test_what_cannot_be_read_is_an_error(path, message, tmp_path):
    with pytest.raises(SourceError, match=message):
        look(tmp_path / path)


def test_a_mark_of_utf_16_is_no_byte_order_mark_of_utf_8(found):
    text = f"ClientId,Target,DateTime\n{ID},a,{TIME}\n"
    assert found(codecs.BOM_UTF16_BE + text.encode("utf-16-be")) == {"wrong-encoding": (1, None, "")}
