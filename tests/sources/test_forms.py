import pytest

from csvexport.sources.forms import find_format


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b'<?xml version="1.0"?><orders/>', "xml"),
        (b'\xef\xbb\xbf\r\n<?xml version="1.0"?>', "xml"),
        ('<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"), "xml"),
        (b"<orders>\n<order/>", "xml"),
        (b"<crm:orders xmlns:crm='x'/>", "xml"),
        ("<КоммерческаяИнформация ВерсияСхемы='2.05'/>".encode(), "xml"),
        (b"<!-- May -->\n<orders/>", "xml"),
        (b'<!DOCTYPE yml_catalog SYSTEM "shops.dtd"><yml_catalog/>', "xml"),
        (b"<!DOCTYPE html><html/>", "csv"),
        (b"<html><body/></html>", "csv"),
        (b"  <TABLE border=1><tr>", "csv"),
        (b"<ID>;<Date>\n1;31.05.2024\n", "csv"),
        (b"<ID>,<Date>\n1,31.05.2024\n", "csv"),
        (b"<5;>6\n1;2\n", "csv"),
        (b'[{"a": 1}]', "json"),
        (b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        (b"PAR1\x15\x04", "parquet"),
        (b"PARE\x15\x04", "parquet"),
        (b"ID;Name\n1;<b>\n", "csv"),
        (b"", "csv"),
    ],
)
def test_the_form_of_a_file_is_told_by_how_it_begins(tmp_path, content, form):
    (tmp_path / "export.dat").write_bytes(content)
    assert find_format(tmp_path / "export.dat") == form
