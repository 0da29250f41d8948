"""Good samples of everything that is read, from which the fuzzed inputs are made."""

import io
import json
import struct
import zipfile
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import xlwt

HEADER = ("ID", "Дата оплаты", "Сумма", "Телефон")
ROWS = [
    (str(1706436776194551959 + 7919 * row), f"2024-05-{1 + row % 28:02} 10:00:00", f"{row},50", f"заметка; {row}")
    for row in range(40)
]
RECORDS = [dict(zip(HEADER, row, strict=True)) for row in ROWS]


def csv_text(delimiter=";"):
    lines = [HEADER, *ROWS]
    return "\r\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in line) for line in lines)


def xlsx():
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Сделки")
        date = book.add_format({"num_format": "dd.mm.yyyy"})
        for row, cells in enumerate([HEADER, *ROWS]):
            sheet.write_row(row, 0, cells)
            sheet.write_datetime(row, 4, datetime(2024, 5, 31), date)
            sheet.write_formula(row, 5, "=A1", None, "#N/A")
            sheet.write_number(row, 6, 1.5 * row)
    return target.getvalue()


def xls():
    target = io.BytesIO()
    book = xlwt.Workbook()
    sheet = book.add_sheet("Сделки")
    for row, cells in enumerate([HEADER, *ROWS]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
        sheet.write(row, 5, 1.5 * row)
    book.save(target)
    return target.getvalue()


def _record(kind, content=b""):
    """Write a record of xlsb: its kind and its length in groups of seven bits, and its content."""
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    return head + bytes([len(content) & 127 | 128, len(content) >> 7]) + content


def _wide(text):
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(last=(41, 3)):
    """Write a binary workbook; `last` is the place of a cell below and beside the table."""
    rows = [_record(148, struct.pack("<4I", 0, last[0], 0, last[1])), _record(145)]
    for number, cells in [*enumerate([HEADER, *ROWS]), (last[0], None)]:
        rows.append(_record(0, struct.pack("<IIHHBI", number, 0, 300, 0, 0, 0)))
        placed = [(last[1], "x")] if cells is None else enumerate(cells)
        rows += [_record(6, struct.pack("<II", column, 0) + _wide(cell)) for column, cell in placed]
    sheet = [_record(129), *rows, _record(146), _record(130)]
    bundle = struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Сделки")
    book = [_record(131), _record(143), _record(156, bundle), _record(144), _record(132)]
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.bin", b"".join(book))
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship'
            f' Id="rId1" Type="{relation}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.bin", b"".join(sheet))
    return target.getvalue()


def ods(after=""):
    """Write an open document; `after` stands behind the last row."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        f"<table:table-row>{''.join(map(cell.format, cells))}</table:table-row>" for cells in [HEADER, *ROWS]
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{space}:office:1.0"'
            f' xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0"><office:body><office:spreadsheet>'
            f'<table:table table:name="Сделки">{rows}{after}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    return target.getvalue()


def parquet(**options):
    target = io.BytesIO()
    columns = {name: [row[place] for row in ROWS] for place, name in enumerate(HEADER)}
    columns["sum"] = [1.5 * row for row in range(len(ROWS))]
    columns["at"] = [datetime(2024, 5, 31)] * len(ROWS)
    columns["tags"] = [["a", None, "b"]] * len(ROWS)
    columns["client"] = [{"id": row, "kind": "x"} for row in range(len(ROWS))]
    table = pa.table(columns)
    table = table.append_column("status", pa.array(["paid", "new"] * 20).dictionary_encode())
    pq.write_table(table, target, row_group_size=16, **options)
    return target.getvalue()


def xml():
    names = ("id", "date", "sum", "phone")
    orders = "".join(
        f'<order n="{number}">'
        + "".join(f"<{name}>{cell}</{name}>" for name, cell in zip(names, row, strict=True))
        + "<props><prop><name>Статус</name><value>Оплачен</value></prop></props></order>\n"
        for number, row in enumerate(ROWS)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<catalog xmlns="urn:x"><orders>{orders}</orders></catalog>'.encode()
    )


def zipped():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("май/deals.csv", csv_text().encode("cp1251"))
        archive.writestr("june.json", json.dumps(RECORDS))
    return target.getvalue()


def zstd(content):
    target = pa.BufferOutputStream()
    with pa.CompressedOutputStream(target, "zstd") as packed:
        packed.write(content)
    return target.getvalue().to_pybytes()


PROFILE = """# A profile with something of everything.
timezone = "Europe/Moscow"
counter = 123
since = "21d"
max_rejected = 0.05
[source]
path = ["deals.csv", "https://crm.example.ru/orders.csv?a=1"]
password = "file:secret.txt"
username = 'crm'
headers = { X-Key = "env:CRM_KEY" }
optional = ["Сумма"]
[identifiers]
ClientId = "ID"
[[goals]]
target = "order_paid"
time = "Дата оплаты"
price = { column = "Сумма", decimal = "," }
when = { "Статус" = ["Оплачен", "Закрыт"], "Сумма" = { min = 1 } }
[[goals]]
target = 'call'
time = { column = "Дата", format = "%d.%m.%Y", timezone = "UTC" }
when."Имя" = { matches = "^A.*(b|c)+$" }
"""
