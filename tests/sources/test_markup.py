import codecs
import csv
import hashlib
import io
import os
import tracemalloc
from collections import Counter
from datetime import UTC, datetime

import pytest

from csvexport.errors import SourceError
from csvexport.profile import SourceSettings, load_profile
from csvexport.sources import markup, open_sources
from csvexport.sources.markup import XmlFile
from csvexport.workflow import Options, build

HEAD = '<?xml version="1.0" encoding="{}"?>\n'


@pytest.fixture
def small(monkeypatch):
    """Take little at a time, so that a small document does as well as a large one."""
    monkeypatch.setattr(markup, "SAMPLES", (20_000,))
    monkeypatch.setattr(markup, "PIECE_BYTES", 20_000)


@pytest.fixture
def opened(tmp_path):
    """Write a document and open it, as a profile that names these columns does."""

    def open_document(text, *expected, encoding="utf-8", records=None, overruled=None):
        content = text if isinstance(text, bytes) else text.encode(encoding)
        (tmp_path / "orders.xml").write_bytes(content)
        settings = SourceSettings(records=records, encoding=overruled)
        return XmlFile(tmp_path / "orders.xml", "orders.xml", settings, expected)

    return open_document


def read(source):
    """Read all: the rows as dictionaries, by their number."""
    rows, first = {}, source.header_row + 1
    for piece in source.pieces():
        block = source.parse(piece, frozenset({"status"}))
        cells = zip(*(block.text(name).to_pylist() for name in source.columns), strict=True)
        for row, values in zip((block.rows + first).tolist(), cells, strict=True):
            rows[row] = dict(zip(source.columns, values, strict=True))
        first += block.records
    return rows


def only(source):
    """The one row."""
    (row,) = read(source).values()
    return row


# Cells


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ("<id>1</id><sum> 12,50\n</sum>", {"id": "1", "sum": "12,50"}),
        ("<id>1706436776194551959</id><sum/>", {"id": "1706436776194551959", "sum": ""}),
        ("<id>1</id><name>&lt;Рога &amp; копыта&gt; &#8470;1</name>", {"id": "1", "name": "<Рога & копыта> №1"}),
        ("<id>1</id><name><![CDATA[<b>&amp;]]> x</name>", {"id": "1", "name": "<b>&amp; x"}),
        ("<id>17<!-- - -->06<?page break?>43</id><a/>", {"id": "170643", "a": ""}),
        (
            "<id>1</id><client><phone>+7</phone><city><x>М</x></city></client>",
            {"client.phone": "+7", "client.city.x": "М"},
        ),
        ("<tag>a</tag><tag/><tag>b</tag>", {"tag": "a,b"}),
        ("<i><n>A</n><sum>1</sum></i><i><n>B</n></i>", {"i.n": "A,B", "i.sum": "1"}),
        ("<sum currency='RUB'>5</sum><client id='7'/>", {"sum": "5", "sum.currency": "RUB", "client.id": "7"}),
        ("<note>Звонить <b>после</b> шести</note><a/>", {"note": "Звонить шести", "note.b": "после"}),
        (
            "<x:id xmlns:x='u:x'>1</x:id><sum xmlns='u:y' x:c='R' xmlns:x='u:x'>2</sum>",
            {"id": "1", "sum": "2", "sum.c": "R"},
        ),
        (
            "<paid xsi:nil='true' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'/><id>1</id>",
            {"id": "1", "paid": ""},
        ),
    ],
)
def test_a_record_becomes_cells(opened, record, cells):
    row = only(opened(f"<orders><order>{record}</order></orders>", records="order"))
    assert {name: row[name] for name in cells} == cells
    assert set(row) - set(cells) <= {"id", "a"}


@pytest.mark.parametrize(
    ("pairs", "cells"),
    [
        (
            "<П><Наименование>Статус</Наименование><Значение>Оплачен</Значение></П><П><Тип>Дата</Тип><Значение/></П>",
            {"all.Статус": "Оплачен", "all.Дата": ""},
        ),
        (
            "<К><Тип>Телефон</Тип><Значение>1</Значение></К><К><Тип>Телефон</Тип><Значение>2</Значение></К>",
            {"all.Телефон": "1,2"},
        ),
        ("<f><Name>yclid</Name><Value>17</Value></f>", {"all.yclid": "17"}),
        ("<f key='yclid' value='17'/><f key='a' value=''/>", {"all.yclid": "17", "all.a": ""}),
        ("<f name='yclid'><value>17</value></f>", {"all.yclid": "17"}),
        ("<f name=' yclid '>17</f>", {"all.yclid": "17"}),
        ("<phone type='home'>+7</phone>", {"all.phone": "+7", "all.phone.type": "home"}),
        (
            "<f><name>A</name><value>1</value><sum>2</sum></f>",
            {"all.f.name": "A", "all.f.value": "1", "all.f.sum": "2"},
        ),
        ("<f><name/><value>1</value></f>", {"all.f.name": "", "all.f.value": "1"}),
        ("<f><name>A</name><type>B</type></f>", {"all.f.name": "A", "all.f.type": "B"}),
        ("<f><name>A</name><value c='R'>1</value></f>", {"all.f.name": "A", "all.f.value": "1", "all.f.value.c": "R"}),
        ("<f><name>A</name><value><v>1</v></value></f>", {"all.f.name": "A", "all.f.value.v": "1"}),
        ("<f name='A'/>", {"all.f.name": "A"}),
        ("<f key='A' value='1'>B</f>", {"all.f": "B", "all.f.key": "A", "all.f.value": "1"}),
        ("<f key='A' name='C'>B</f>", {"all.f": "B", "all.f.key": "A", "all.f.name": "C"}),
    ],
)
def test_a_name_beside_a_value_names_a_column(opened, pairs, cells):
    assert only(opened(f"<orders><order><all>{pairs}</all></order></orders>", records="order")) == cells


def test_the_record_itself_may_be_attributes_or_text_or_both(opened):
    text = "<orders><order id='1' status='paid'>100</order><order id='2'/></orders>"
    assert read(opened(text)) == {
        1: {"id": "1", "status": "paid", "order": "100"},
        2: {"id": "2", "status": "", "order": ""},
    }
    assert read(opened("<ids><id>5</id><id>6</id></ids>", records="id")) == {1: {"id": "5"}, 2: {"id": "6"}}
    assert only(opened("<o><r><name>A</name><value>1</value></r></o>", records="r")) == {"name": "A", "value": "1"}


def test_an_attribute_that_is_called_like_an_element_beside_it_has_a_mark(opened):
    text = "<orders><order id='1'/><order id='2'><id>17</id></order></orders>"
    assert read(opened(text)) == {1: {"id": "", "@id": "1"}, 2: {"id": "17", "@id": "2"}}
    inner = "<orders><order><client id='1'><id>A</id></client></order></orders>"
    assert only(opened(inner, records="order")) == {"client.@id": "1", "client.id": "A"}


def test_a_name_that_turns_out_to_be_two_things_late_rejects_its_row(opened, monkeypatch):
    monkeypatch.setattr(markup, "SAMPLES", (1 << 10,))
    orders = "<order id='1'/>" * 5000 + "<order id='2'><id>17</id></order>" + "<order id='3'/>"
    source = opened(f"<orders>{orders}</orders>", "id")
    blocks = [source.parse(piece, ()) for piece in source.pieces()]
    (bad,) = [bad for block in blocks for bad in block.bad]
    assert bad.row == 5000
    assert bad.text == '<order id="2"><id>17</id></order>'
    assert bad.reason == 'it has an attribute and an element "id", which no record above has'
    assert sum(len(block.rows) for block in blocks) == 5001


# Records

ITEMS = "<items><item><id>7</id><sum>1</sum></item><item><id>8</id><sum>2</sum></item></items>"
ORDER = f"<order><id>1</id><sum>3</sum><yclid>9</yclid>{ITEMS}</order>"


@pytest.mark.parametrize(
    ("text", "expected", "records", "count"),
    [
        (f"<orders>{ORDER * 3}</orders>", (), "order", 3),
        (f"<orders>{ORDER * 3}</orders>", ("id", "sum"), "order", 3),
        (f"<orders>{ORDER}</orders>", ("id", "yclid"), "order", 1),
        (f"<answer><ok>1</ok><data><orders>{ORDER * 3}</orders></data></answer>", ("id",), "data.orders.order", 3),
        (f"<answer><orders>{ORDER * 2}</orders><orders>{ORDER}</orders></answer>", ("yclid",), "orders.order", 3),
        (f"<a><leads><lead><id>1</id></lead></leads><orders>{ORDER}</orders></a>", ("id", "yclid"), "orders.order", 1),
        ("<a><o><id>1</id><i><id>2</id></i></o></a>", ("id",), "o", 1),
        ("<a><b x='1'/><b x='2'/><c x='1' y='2'/></a>", ("x", "y"), "c", 1),
        ("<order><id>1</id><sum>2</sum></order>", ("id", "sum"), "", 1),
        ("<a><n>1</n><n>2</n><o><id>1</id></o><o><id>2</id></o></a>", (), "o", 2),
    ],
)
def test_the_records_are_found_by_looking(opened, text, expected, records, count):
    source = opened(text, *expected)
    rows = read(source)
    facts = source.facts(len(rows), Counter())
    assert (facts.records, len(rows)) == (records, count)


@pytest.mark.parametrize(
    ("records", "rows"),
    [
        ("order.items.item", [("7", "1"), ("8", "2")] * 2),
        ("orders.order.items.item", [("7", "1"), ("8", "2")] * 2),
        (" order . items . item ", [("7", "1"), ("8", "2")] * 2),
        ("orders", [("1,1", "3,3")]),
    ],
)
def test_the_records_are_those_that_the_profile_names(opened, records, rows):
    source = opened(f"<orders>{ORDER * 2}</orders>", "id", records=records)
    wanted = ("id", "sum", "order.id", "order.sum")
    assert [tuple(row[name] for name in wanted if name in row) for row in read(source).values()] == rows


def test_records_behind_much_else_are_found(opened, monkeypatch):
    monkeypatch.setattr(markup, "SAMPLES", (10_000, 8 << 20))
    goods = "<good><name>Болт</name><price>1</price></good>" * 2000
    source = opened(f"<all><goods>{goods}</goods><orders>{ORDER * 2}</orders></all>", "id", "yclid")
    assert [row["yclid"] for row in read(source).values()] == ["9", "9"]


def test_a_single_order_is_not_taken_for_its_items(opened):
    text = f"<orders>{ORDER}</orders>"
    with pytest.raises(SourceError, match=r'records = "order" or "order\.items\.item"'):
        opened(text, "id", "sum")
    assert only(opened(text, "id", "sum", records="order"))["sum"] == "3"


def test_a_feed_with_lists_of_equal_standing_is_asked_for_its_records(opened):
    shop = "<currencies><c id='1'/><c id='2'/></currencies><offers><offer id='1'/><offer id='2'/></offers>"
    for expected in ([], ["id"]):
        with pytest.raises(SourceError) as caught:
            opened(f"<feed><shop>{shop}</shop></feed>", *expected)
        assert str(caught.value) == (
            "orders.xml: several elements may be the records; write which in [source]: "
            'records = "shop.currencies.c" or "shop.offers.offer"'
        )
    assert len(read(opened(f"<feed><shop>{shop}</shop></feed>", "id", records="shop.offers.offer"))) == 2


@pytest.mark.parametrize("text", ["<orders date='2024-05-31'/>", "<orders/>", "<orders><total>0</total></orders>"])
def test_a_day_without_orders_is_no_error_where_the_profile_names_the_records(opened, text):
    source = opened(text, "sum", "id", records="order")
    assert (source.columns, read(source)) == (("id", "sum"), {})


@pytest.mark.parametrize("text", ["<orders date='2024-05-31'/>", "<orders><total>0</total></orders>"])
def test_a_document_in_which_nothing_repeats_is_an_error_otherwise(opened, text):
    with pytest.raises(SourceError, match=r"orders\.xml: no element in this XML repeats, .* write source\.records"):
        opened(text, "id")


@pytest.mark.parametrize("records", ["ordr", "order.item", "data.order"])
def test_records_that_are_not_there_are_an_error_that_names_those_that_are(opened, records):
    with pytest.raises(SourceError) as caught:
        opened(f"<orders>{ORDER * 2}</orders>", "id", records=records)
    assert str(caught.value) == (
        f'orders.xml: there is no element "{records}", which source.records names; those here are "orders", "order",'
        ' "order.items", "order.items.item"'
    )


# Columns


def test_a_column_that_the_profile_names_is_looked_for_to_the_end_and_no_other(opened, monkeypatch):
    monkeypatch.setattr(markup, "SAMPLES", (1 << 10,))
    orders = "<o><id>1</id></o>" * 5000 + "<o><id>2</id><paid>x</paid><note>y</note></o>"
    assert opened(f"<orders>{orders}</orders>", "id", "paid").columns == ("id", "paid")
    assert opened(f"<orders>{orders}</orders>", "id", "sum").columns == ("id",)
    assert opened(f"<orders>{orders}</orders>", "id").columns == ("id",)
    rows = read(opened(f"<orders>{orders}</orders>", "id", "paid"))
    assert (rows[1], rows[5001]) == ({"id": "1", "paid": ""}, {"id": "2", "paid": "x"})


@pytest.mark.parametrize("size", [1, 20_000, 1 << 20])
def test_however_much_is_read_at_a_time(opened, monkeypatch, size):
    monkeypatch.setattr(markup, "PIECE_BYTES", size)
    orders = "".join(f"<o n='{row}'><id>{row}</id></o>\n" for row in range(4000))
    source = opened(f"<all>{orders}</all>", "id")
    assert read(source) == {row + 1: {"n": str(row), "id": str(row)} for row in range(4000)}
    positions = [piece.position for piece in source.pieces()]
    assert positions == sorted(positions)
    assert positions[-1] == source.size
    assert (len(positions) > 1) == (size < source.size)


def test_blank_records_are_left_out_and_counted(opened):
    source = opened("<orders><o><id>1</id></o><o/><o><id>3</id></o></orders>", "id")
    (piece,) = source.pieces()
    block = source.parse(piece, ())
    assert (block.rows.tolist(), block.records, block.left_out["blank"]) == ([0, 2], 3, 1)


def test_what_a_file_is_called_and_holds_stands_in_the_facts(opened, tmp_path):
    source = opened(f"<orders>{ORDER}</orders>", "id", "yclid")
    read(source)
    facts = source.facts(1, Counter(blank=1, total=0))
    content = (tmp_path / "orders.xml").read_bytes()
    assert (facts.path, facts.format, facts.form, facts.rows) == ("orders.xml", "xml", "xml, order", 1)
    assert (facts.bytes, facts.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert facts.left_out == {"blank": 1}


@pytest.mark.usefixtures("small")
def test_what_was_read_does_not_stay_in_memory(opened):
    part = "<o><id>1</id></o>" * 1000 + "<x><y><z/></y></x>" * 1000
    source = opened(f"<all>{part * 10}</all>", "id")
    tracemalloc.start()
    peaks = []
    for piece in source.pieces():
        peaks.append(tracemalloc.get_traced_memory()[0])
        del piece
    tracemalloc.stop()
    assert len(peaks) > 10
    assert max(peaks) < 3 * peaks[0]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "koi8-r", "utf-16", "cp866"])
def test_the_declared_encoding_is_read(opened, encoding):
    text = HEAD.format(encoding) + "<Заказы><Заказ Номер='1'><Имя>Жанна</Имя></Заказ><Заказ/></Заказы>"
    assert read(opened(text, "Номер", encoding=encoding))[1] == {"Номер": "1", "Имя": "Жанна"}


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("windows-1251", "utf-8-sig"), ("utf-16", "utf-8-sig"), ("utf-8", "utf-16"), ("windows-1251", "utf-16")],
)
def test_a_byte_order_mark_is_right_where_the_declaration_is_wrong(opened, declared, encoding):
    text = HEAD.format(declared) + "<Заказы><Заказ Номер='1'/><Заказ Номер='Ж'/></Заказы>"
    assert read(opened(text, "Номер", encoding=encoding))[2] == {"Номер": "Ж"}


def test_the_profile_overrules_the_encoding(opened):
    text = "<?xml version='1.0'?><Заказы><Заказ Номер='1'/><Заказ Номер='Ж'/></Заказы>"
    assert read(opened(text.encode("cp1251"), "Номер", overruled="cp1251"))[2] == {"Номер": "Ж"}


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_blank_lines_above_the_declaration_are_no_harm(opened, mark):
    text = mark + b"\r\n \n" + HEAD.format("utf-8").encode() + b"<orders><o id='1'/><o id='2'/>%s</orders>"
    assert len(read(opened(text % b"", "id"))) == 2
    for broken, place in ((text % b"</o>", "line 4, column 33"), (text.replace(b"<orders", b"<!"), "line 4, column 3")):
        with pytest.raises(SourceError, match=place):
            opened(broken, "id")


# Bad input


def refused(opened, text, *expected, **overrules):
    with pytest.raises(SourceError) as caught:
        read(opened(text, *expected, **overrules))
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("orders.xml: ")


WHOLE = f"<orders>{ORDER * 2000}</orders>"


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.3, 0.7, 0.99999])
@pytest.mark.usefixtures("small")
def test_a_document_that_is_cut_off(opened, share):
    text = WHOLE[: int(len(WHOLE) * share)]
    assert "the XML is cut off" in refused(opened, text, "id", "yclid")


def test_a_document_that_is_cut_in_a_letter(opened):
    assert "the XML is cut off" in refused(opened, "<a><o n='1'/><o n='2'/>Ж".encode()[:-1])


def test_what_is_not_well_formed_is_told_with_its_place(opened):
    for text, place in (
        ("<a>\n<o>&nbsp;</o></a>", "line 2, column 4: undefined entity"),
        ("<a><o>1 < 2</o></a>", "line 1, column 10: not well-formed (invalid token)"),
        ("<a><o n='1'/></a>\n<a/>", "line 2, column 1: junk after document element"),
        (b"<a><o>\xff</o></a>", "line 1, column 7: not well-formed (invalid token)"),
    ):
        assert refused(opened, text, records="o") == (
            f"this is no well-formed XML ({place}); have the program that wrote it corrected, or export it again"
        )


@pytest.mark.usefixtures("small")
def test_damage_far_into_a_document_is_found_while_it_is_read(opened):
    source = opened(WHOLE[:-9] + "</order></orders>", "id", "yclid")
    with pytest.raises(SourceError, match="no well-formed XML"):
        read(source)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]><a><o>&c;</o><o n="1"/></a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><o>&b;</o></a>',
        '<!DOCTYPE a [<!ENTITY % b "x">]><a><o n="1"/><o n="2"/></a>',
    ],
)
def test_entities_of_its_own_are_refused(opened, text):
    assert "declares entities of its own" in refused(opened, text)


def test_a_document_type_without_entities_is_no_harm(opened):
    text = '<!DOCTYPE a SYSTEM "a.dtd" [<!ELEMENT a ANY>]><a><o n="1"/><o n="2"/></a>'
    assert len(read(opened(text, "n"))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html xmlns='http://www.w3.org/1999/xhtml'><body><p>Вход &nbsp;</p></body></html>", "a web page"),
        ("<HTML><BODY></BODY></HTML>", "a web page"),
        ("<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>", "save it as xlsx"),
        ("<o:document xmlns:o='urn:oasis:names:tc:opendocument:xmlns:office:1.0'/>", "save it as xlsx"),
        (HEAD.format("klingon") + "<a/>", "names an encoding that cannot be read"),
        (HEAD.format("gb2312") + "<a/>", "names an encoding that cannot be read"),
        (HEAD.format("utf-16") + "<a/>", "encoding specified in XML declaration is incorrect"),
        ("<a>" * 200 + "</a>" * 200, "nested more than 100 deep"),
        (f"<a>{'<o>' * 200}{'</o>' * 200}</a>", "nested more than 100 deep"),
        (f"<a><o n='1'/><o n='2'/>{'<x>' * 200}{'</x>' * 200}</a>", "nested more than 100 deep"),
    ],
)
def test_what_is_no_list_of_records_is_told_as_what_it_is(opened, text, message):
    for records in (None, "o"):
        assert message in refused(opened, text, "n", records=records)


@pytest.mark.parametrize("text", ["<a><o><id>1</id>{}</o></a>", "<a><o><id>1</id></o>{}</a>"])
@pytest.mark.parametrize("inner", ["x" * 200_000, "<x/>" * 50_000])
def test_an_element_that_would_fill_the_memory(opened, monkeypatch, text, inner):
    monkeypatch.setattr(markup, "LONGEST_RECORD", 100_000)
    monkeypatch.setattr(markup, "SAMPLES", (1000,))
    if "o>{" in text and "<" in inner:
        assert len(read(opened(text.format(inner), "id"))) == 1
    else:
        assert "an element is longer than" in refused(opened, text.format(inner), "id")


@pytest.mark.usefixtures("small")
def test_a_file_that_changes_while_it_is_read(opened, tmp_path):
    pieces = opened(WHOLE, "id", "yclid").pieces()
    next(pieces)
    os.utime(tmp_path / "orders.xml", ns=(1, 1))
    with pytest.raises(SourceError, match="changed while it was read"):
        list(pieces)


def test_a_file_that_is_gone(opened, tmp_path):
    source = opened(WHOLE, "id", "yclid")
    (tmp_path / "orders.xml").unlink()
    with pytest.raises(SourceError, match=r"orders\.xml: cannot be read: No such file"):
        list(source.pieces())


# Builds

DOCUMENT = """
  <Документ>
    <Ид>{id}</Ид><Номер>{number}</Номер><Дата>2024-05-31</Дата><Время>{time}</Время>
    <ХозОперация>Заказ товара</ХозОперация><Роль>Продавец</Роль><Валюта>руб</Валюта><Курс>1</Курс><Сумма>{sum}</Сумма>
    <Контрагенты><Контрагент><Ид>7</Ид><Наименование>Покупатель</Наименование><Роль>Покупатель</Роль>
      <Контакты>
        <Контакт><Тип>Телефон</Тип><Значение>+7 900 000-00-01</Значение></Контакт>
        <Контакт><Тип>Почта</Тип><Значение>a@example.com</Значение></Контакт>
      </Контакты></Контрагент></Контрагенты>
    <Товары>
      <Товар><Ид>1</Ид><Наименование>Стол</Наименование><Сумма>1</Сумма></Товар>
      <Товар><Ид>2</Ид><Наименование>Стул</Наименование><Сумма>2</Сумма></Товар>
    </Товары>
    <ЗначенияРеквизитов>
      <ЗначениеРеквизита><Наименование>Статус заказа</Наименование><Значение>{status}</Значение></ЗначениеРеквизита>
      <ЗначениеРеквизита><Наименование>ClientID Метрики</Наименование><Значение>{client}</Значение></ЗначениеРеквизита>
      {paid}
    </ЗначенияРеквизитов>
    <Комментарий>Позвонить</Комментарий>
  </Документ>"""

PAID = "<ЗначениеРеквизита><Наименование>Дата оплаты</Наименование><Значение>{}</Значение></ЗначениеРеквизита>"

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1.0
[source]
path = "orders.xml"
[identifiers]
ClientId = "ЗначенияРеквизитов.ClientID Метрики"
[[goals]]
target = "order_paid"
when = { "ЗначенияРеквизитов.Статус заказа" = "Оплачен" }
time = "ЗначенияРеквизитов.Дата оплаты"
price = "Сумма"
"""


def commerce(*documents, encoding="windows-1251"):
    """An exchange of 1C's CommerceML."""
    body = "".join(
        DOCUMENT.format(**{"number": "01", "time": "14:05:09", "sum": "12500.50", "id": "a"} | document)
        for document in documents
    )
    root = 'КоммерческаяИнформация ВерсияСхемы="2.05" ДатаФормирования="2024-05-31"'
    return (HEAD.format(encoding) + f"<{root}>{body}\n</КоммерческаяИнформация>\n").encode(encoding)


def built(folder, profile=PROFILE):
    (folder / "profile.toml").write_text(profile, encoding="utf-8")
    return build(
        load_profile(folder / "profile.toml"), Options(now=datetime(2024, 6, 1, 9, tzinfo=UTC), out=folder / "out")
    )


def test_an_exchange_of_1c_becomes_columns(opened):
    (row,) = read(opened(commerce({"status": "Новый", "client": "1", "paid": ""}), "Номер", "Сумма")).values()
    assert row == {
        "Ид": "a",
        "Номер": "01",
        "Дата": "2024-05-31",
        "Время": "14:05:09",
        "ХозОперация": "Заказ товара",
        "Роль": "Продавец",
        "Валюта": "руб",
        "Курс": "1",
        "Сумма": "12500.50",
        "Контрагенты.Контрагент.Ид": "7",
        "Контрагенты.Контрагент.Наименование": "Покупатель",
        "Контрагенты.Контрагент.Роль": "Покупатель",
        "Контрагенты.Контрагент.Контакты.Телефон": "+7 900 000-00-01",
        "Контрагенты.Контрагент.Контакты.Почта": "a@example.com",
        "Товары.Товар.Ид": "1,2",
        "Товары.Товар.Наименование": "Стол,Стул",
        "Товары.Товар.Сумма": "1,2",
        "ЗначенияРеквизитов.Статус заказа": "Новый",
        "ЗначенияРеквизитов.ClientID Метрики": "1",
        "Комментарий": "Позвонить",
    }


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-8", "utf-16"])
def test_a_build_from_an_exchange_of_1c(tmp_path, encoding):
    documents = [
        {"status": "Оплачен", "client": "1706436776194551959", "paid": PAID.format("31.05.2024 14:05:09")},
        {"status": "Новый", "client": "1706436776194551960", "paid": ""},
        {"status": "Оплачен", "client": "1706436776194551961", "paid": ""},
        {"status": "Оплачен", "client": "1706436776194551962", "paid": PAID.format("31/05/2024"), "number": "04"},
    ]
    (tmp_path / "orders.xml").write_bytes(commerce(*documents, encoding=encoding))
    outcome = built(tmp_path)
    (line,) = (outcome.folder / "conversions-ClientId.csv").read_text().splitlines()[1:]
    assert line == "1706436776194551959,order_paid,1717153509,12500.50,RUB"
    rejected = csv.DictReader(io.StringIO((outcome.folder / "rejected.csv").read_text(encoding="utf-8")))
    assert [(row["row"], row["code"], row["Номер"]) for row in rejected] == [
        ("3", "empty-time", "01"),
        ("4", "bad-time", "04"),
    ]
    (facts,) = outcome.summary.sources
    assert (facts.format, facts.records, facts.rows) == ("xml", "Документ", 4)


def test_the_content_counts_and_not_the_name(tmp_path):
    (tmp_path / "orders.csv").write_bytes(commerce({"status": "Новый", "client": "1", "paid": ""}))
    (tmp_path / "profile.toml").write_text(PROFILE.replace("orders.xml", "orders.csv"), encoding="utf-8")
    profile = load_profile(tmp_path / "profile.toml")
    (source,) = open_sources(profile.source, tmp_path, (), ["Номер", "Сумма"], tmp_path)
    assert source.facts(1, Counter()).records == "Документ"
