import base64
import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow.parquet.encryption import CryptoFactory, EncryptionConfiguration, KmsClient, KmsConnectionConfig

from csvexport.errors import SourceError
from csvexport.issues import REJECTED_COLUMNS
from csvexport.profile import load_profile
from csvexport.sources import open_sources, parquet
from csvexport.sources.forms import find_format
from csvexport.sources.parquet import ParquetTable, Piece, float_text
from csvexport.workflow import Options, build

MOMENT = datetime(2024, 5, 31, 14, 5, 9)
MOST = 1 << 30
FINER = MOMENT.replace(microsecond=120_000)


@pytest.fixture
def opened(tmp_path):
    """Write a table of these columns and open it."""

    def open_table(columns, **options):
        path = tmp_path / "deals.parquet"
        pq.write_table(pa.table(columns), path, **options)
        return ParquetTable(path, "deals.parquet", MOST)

    return open_table


def read(source):
    """Read all: columns of text, the rows' numbers, and the rows that cannot be read."""
    columns, rows, bad, first = {name: [] for name in source.columns}, [], [], source.header_row + 1
    for piece in source.pieces():
        block = source.parse(piece, frozenset({"status"}))
        for name in block.columns:
            columns[name] += block.text(name).to_pylist()
        rows += (block.rows + first).tolist()
        bad += [(row.row + first, row.text, row.reason) for row in block.bad]
        first += block.records
    return columns, rows, bad


# Values


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (pa.int8(), -5, "-5"),
        (pa.int64(), 1706436776194551959, "1706436776194551959"),
        (pa.uint64(), 14088358217176488025, "14088358217176488025"),
        (pa.float64(), 17.0, "17"),
        (pa.float64(), 2.0**53 - 1, "9007199254740991"),
        (pa.float64(), 2.0**53, "9.00719925474099E+15"),
        (pa.float64(), 1706436776194551959.0, "1.70643677619455E+18"),
        (pa.float64(), 12345.67, "12345.67"),
        (pa.float64(), 1e-7, "0.0000001"),
        (pa.float64(), float("nan"), ""),
        (pa.float64(), float("inf"), "inf"),
        (pa.float64(), -0.0, "0"),
        (pa.float32(), 12345.67, "12345.67"),
        (pa.float32(), 2.0**24 - 1, "16777215"),
        (pa.float32(), 2.0**24, "1.67772160000000E+07"),
        (pa.float16(), np.float16(0.1), "0.1"),
        (pa.decimal128(20, 2), Decimal("12345678901234567.50"), "12345678901234567.50"),
        (pa.decimal128(20, 0), Decimal(14088358217176488025), "14088358217176488025"),
        (pa.bool_(), True, "true"),
        (pa.bool_(), False, "false"),
        (pa.timestamp("s"), MOMENT, "2024-05-31 14:05:09"),
        (pa.timestamp("ns"), MOMENT, "2024-05-31 14:05:09"),
        (pa.timestamp("us"), FINER, "2024-05-31 14:05:09.120"),
        (pa.timestamp("us", "UTC"), MOMENT, "2024-05-31 14:05:09Z"),
        (pa.timestamp("ms", "Europe/Moscow"), FINER, "2024-05-31 14:05:09.120Z"),
        (pa.date32(), date(2024, 5, 31), "2024-05-31"),
        (pa.date64(), date(2024, 5, 31), "2024-05-31"),
        (pa.time32("ms"), time(9, 5), "09:05:00"),
        (pa.time64("us"), time(9, 5, 0, 120_000), "09:05:00.120"),
        (pa.string(), " Ромашка ", " Ромашка "),
        (pa.large_string(), "Ромашка", "Ромашка"),
        (pa.string_view(), "Ромашка", "Ромашка"),
        (pa.binary(), "Ромашка".encode(), "Ромашка"),
        (pa.binary(4), b"abcd", "abcd"),
        (pa.dictionary(pa.int8(), pa.string()), "Оплачен", "Оплачен"),
        (pa.list_(pa.int64()), [1, None, 3], "1,3"),
        (pa.list_(pa.string()), [], ""),
        (pa.list_(pa.float64()), [], ""),
        (pa.list_(pa.list_(pa.float64())), [], ""),
        (pa.list_(pa.int8(), 2), [1, 2], "1,2"),
        (pa.large_list(pa.timestamp("us")), [MOMENT, FINER], "2024-05-31 14:05:09.000,2024-05-31 14:05:09.120"),
        (pa.list_(pa.list_(pa.int8())), [[1, 2], [3]], "1,2,3"),
    ],
    ids=str,
)
def test_a_value_becomes_text_and_a_missing_one_is_empty(opened, kind, value, text):
    source = opened({"cell": pa.array([None, value, None], kind), "ID": ["1", "2", "3"]})
    assert read(source)[0] == {"cell": ["", text, ""], "ID": ["1", "2", "3"]}


def test_a_column_of_nulls_is_empty(opened):
    assert read(opened({"ID": ["1", "2"], "cell": pa.nulls(2)}))[0]["cell"] == ["", ""]


def test_a_uuid_is_written_as_people_write_it(opened):
    ids = [UUID(int=7), UUID(int=2**127)]
    source = opened({"id": pa.array([*(one.bytes for one in ids), None], pa.uuid()), "ID": ["1", "2", "3"]})
    assert read(source)[0]["id"] == [*map(str, ids), ""]


def test_json_is_text(opened):
    cells = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(['{"a": 1}']))
    assert read(opened({"cell": cells}))[0] == {"cell": ['{"a": 1}']}


def test_what_lies_inside_a_structure_is_named_behind_a_dot(opened):
    client = pa.array([{"phone": {"home": 79000000001}, "tags": ["a", "b"]}, None, {"phone": None, "tags": None}])
    items = pa.array([[{"sku": 1, "sum": 2.5}, {"sku": 2, "sum": None}], [], None])
    marks = pa.array([[("utm", "x"), ("yclid", "17")], None, []], pa.map_(pa.string(), pa.string()))
    columns, _, _ = read(opened({"ID": ["1", "2", "3"], "client": client, "items": items, "marks": marks}))
    assert columns == {
        "ID": ["1", "2", "3"],
        "client.phone.home": ["79000000001", "", ""],
        "client.tags": ["a,b", "", ""],
        "items.sku": ["1,2", "", ""],
        "items.sum": ["2.5", "", ""],
        "marks.key": ["utm,yclid", "", ""],
        "marks.value": ["x,17", "", ""],
    }


@given(st.floats(2.0**53, 1e300) | st.integers(2**53, 2**64).map(float))
@example(2.0**53)
def test_a_number_that_may_have_lost_digits_has_an_exponent(number):
    assert "E+" in float_text(np.float64(number), 2**53)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-(2.0**53) + 1, max_value=2.0**53 - 1))
def test_any_other_number_is_written_exactly_and_without_an_exponent(number):
    text = float_text(np.float64(number), 2**53)
    assert float(text) == number
    assert "e" not in text.lower()


@pytest.mark.parametrize("version", ["1.0", "2.6"])
def test_old_moments_of_96_bits_are_read(opened, version):
    source = opened({"at": pa.array([FINER])}, use_deprecated_int96_timestamps=True, version=version)
    assert read(source)[0] == {"at": ["2024-05-31 14:05:09.120"]}


# Tables


@pytest.mark.parametrize("size", [1, 7, 1000, 1001, 1 << 15])
def test_however_many_rows_are_read_at_a_time(opened, monkeypatch, size):
    monkeypatch.setattr(parquet, "ROWS", size)
    texts = [f"r{row}" if row % 5 else None for row in range(1000)]
    lists = [[row] * (row % 4) for row in range(1000)]
    source = opened(
        {"n": range(1000), "sum": [row / 8 for row in range(1000)], "text": texts, "list": lists}, row_group_size=300
    )
    columns, rows, _ = read(source)
    assert rows == list(range(1, 1001))
    assert columns["sum"] == [str(row / 8).removesuffix(".0") for row in range(1000)]
    assert columns["text"] == [text or "" for text in texts]
    assert columns["list"] == [",".join([str(row)] * (row % 4)) for row in range(1000)]
    positions = [piece.position for piece in source.pieces()]
    assert positions == sorted(positions)
    assert positions[-1] == source.size


def test_a_slice_of_a_table_is_read_like_a_table(opened):
    source = opened({"sum": [1.5, None, 2.5], "ok": [True, False, None], "list": [[1.5], [2, 3], None]})
    (piece,) = source.pieces()
    block = source.parse(Piece(piece.batch.slice(1), piece.position), ())
    cells = {name: block.text(name).to_pylist() for name in block.columns}
    assert cells == {"sum": ["", "2.5"], "ok": ["false", ""], "list": ["2,3", ""]}


def test_blank_rows_are_left_out_and_counted(opened):
    source = opened({"ID": ["1", None, "3"], "sum": [1.5, None, 2]})
    (piece,) = source.pieces()
    block = source.parse(piece, ())
    assert (block.rows.tolist(), block.records, block.left_out["blank"]) == ([0, 2], 3, 1)


def test_what_a_file_is_called_and_holds_stands_in_the_facts(opened, tmp_path):
    source = opened({"ID": ["1"]})
    read(source)
    facts = source.facts(1, Counter(blank=1, total=0))
    content = (tmp_path / "deals.parquet").read_bytes()
    assert (facts.path, facts.format, facts.form, facts.rows) == ("deals.parquet", "parquet", "parquet", 1)
    assert (facts.bytes, facts.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert facts.left_out == {"blank": 1}


def test_a_table_without_rows_is_an_empty_export(opened):
    assert read(opened({"ID": pa.array([], pa.int64()), "sum": pa.array([], pa.float64())})) == (
        {"ID": [], "sum": []},
        [],
        [],
    )


def test_names_are_trimmed_and_each_stands_once(opened):
    source = opened({" ID ": ["1"], "a": pa.array([{"b": 1}]), "a.b": ["2"]})
    assert read(source)[0] == {"ID": ["1"], "a.b": ["1"], "a.b (2)": ["2"]}


def test_rejected_rows_come_back(opened):
    source = opened({name: ["x"] for name in (*REJECTED_COLUMNS, "ID", "sum")})
    assert source.is_rejected_file
    assert read(source)[0] == {"ID": ["x"], "sum": ["x"]}


def test_bytes_that_are_no_text_reject_their_row(opened):
    cells = pa.array([b"good", b"n\xff", None, "Ж".encode()])
    broken = pa.array([[b"a", b"a"], [b"b"], [], [b"c", b"\xfe"]])
    columns, rows, bad = read(opened({"ID": ["1", "2", "3", "4"], "cell": cells, "list": broken}))
    assert rows == [1, 3]
    assert columns == {"ID": ["1", "3"], "cell": ["good", ""], "list": ["a,a", ""]}
    assert bad == [
        (2, "2,n\\xff,b", 'it holds bytes that are no UTF-8 text, in column "cell"'),
        (4, "4,Ж,c,\\xfe", 'it holds bytes that are no UTF-8 text, in column "list"'),
    ]


def test_text_that_a_program_left_broken_rejects_its_row(opened):
    offsets = pa.py_buffer(np.array([0, 1, 3], np.int32))
    broken = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"a\xd0\x28")])
    _, rows, bad = read(opened({"cell": broken}))
    assert (rows, bad) == ([1], [(2, "\\xd0(", 'it holds bytes that are no UTF-8 text, in column "cell"')])


PROFILE = """
timezone = "Europe/Moscow"
[source]
path = "deals.parquet"
[identifiers]
Yclid = "marks.yclid"
ClientId = "client"
[[goals]]
target = "paid"
when = { status = "Оплачен" }
time = "paid"
price = "sum"
"""

MARKS = pa.struct([("yclid", pa.uint64())])


def test_a_build_takes_ids_times_and_amounts_exactly(tmp_path):
    moments = [datetime(2024, 5, 31, 11, 5, second, tzinfo=UTC) for second in (9, 10, 11, 12)]
    table = pa.table(
        {
            "marks": pa.array([{"yclid": 14088358217176488025}, None, None, {"yclid": 7}], MARKS),
            "client": [None, 1706436776194551.0, 1706436776194551959.0, None],
            "status": pa.array(["Оплачен", "Оплачен", "Оплачен", "Новая"]).dictionary_encode(),
            "paid": pa.array(moments, pa.timestamp("us", "UTC")),
            "sum": pa.array([Decimal("10.50"), None, Decimal(7), Decimal(8)], pa.decimal128(9, 2)),
        }
    )
    pq.write_table(table, tmp_path / "deals.parquet")
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    outcome = build(
        load_profile(tmp_path / "profile.toml"), Options(now=datetime(2024, 6, 1, tzinfo=UTC), out=tmp_path / "out")
    )
    lines = {file.name: (outcome.folder / file.name).read_text().splitlines()[1:] for file in outcome.summary.files}
    assert lines == {
        "conversions-Yclid.csv": ["14088358217176488025,paid,1717153509,10.50,RUB"],
        "conversions-ClientId.csv": ["1706436776194551,paid,1717153510,,RUB"],
    }
    assert {code.text: count for code, count in outcome.summary.issues.items()} == {
        "rounded-identifier": 1,
        "no-goal": 1,
    }


def test_reading_needs_no_pandas(opened):
    opened({"ID": [1], "sum": [1.5], "at": [MOMENT], "list": [[1]], "part": [{"a": date(2024, 5, 31)}]})
    script = (
        "import sys; from pathlib import Path; from csvexport.sources.parquet import ParquetTable;"
        "source = ParquetTable(Path('deals.parquet'), 'x', 1 << 30);"
        "print([source.parse(piece, ()).records for piece in source.pieces()], 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[1] False\n"


# Bad input


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.parquet"
    rows = 3000
    table = pa.table({"ID": [f"r{row * 7919 % rows}" for row in range(rows)], "n": range(rows)})
    pq.write_table(table, path, row_group_size=1000, write_page_checksum=True)
    return path


def refused(path):
    with pytest.raises(SourceError) as caught:
        read(ParquetTable(path, path.name, MOST))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off(whole, share):
    content = whole.read_bytes()
    whole.write_bytes(content[: max(4, int(len(content) * share))])
    assert "no whole Parquet file" in refused(whole)


@pytest.mark.parametrize("place", [0.1, 0.5])
def test_a_file_with_a_damaged_page(whole, place):
    content = bytearray(whole.read_bytes())
    start = int(len(content) * place)
    content[start : start + 9] = b"\xa5" * 9
    whole.write_bytes(content)
    assert "no whole Parquet file" in refused(whole)


def test_a_digit_that_changed_on_the_disk(tmp_path):
    path = tmp_path / "worn.parquet"
    table = pa.table({"ID": ["1706436776194551959"]})
    pq.write_table(
        table, path, compression="none", use_dictionary=False, write_statistics=False, write_page_checksum=True
    )
    path.write_bytes(path.read_bytes().replace(b"551959", b"551958"))
    assert "no whole Parquet file" in refused(path)


class OpenKeys(KmsClient):
    """Keeps no secret: a key is wrapped by writing it out."""

    def __init__(self, _):
        super().__init__()

    def wrap_key(self, key, _):
        return base64.b64encode(key)

    def unwrap_key(self, key, _):
        return base64.b64decode(key)


@pytest.mark.parametrize("plain", [True, False])
def test_an_encrypted_file(tmp_path, plain):
    path = tmp_path / "secret.parquet"
    wanted = EncryptionConfiguration(footer_key="k", column_keys={"c": ["ID"]}, plaintext_footer=plain)
    properties = CryptoFactory(OpenKeys).file_encryption_properties(KmsConnectionConfig(), wanted)
    with pq.ParquetWriter(path, pa.schema([("ID", pa.string())]), encryption_properties=properties) as writer:
        writer.write_table(pa.table({"ID": ["1"]}))
    assert find_format(path) == "parquet"
    assert refused(path) == "secret.parquet: the Parquet is encrypted; write it without encryption"


def test_a_compression_that_cannot_be_read(tmp_path):
    path = tmp_path / "lzo.parquet"
    pq.write_table(pa.table({"ID": ["1"]}), path, compression="snappy")
    content = path.read_bytes()
    codec, snappy, lzo = b"\x19\x18\x02ID\x15", b"\x02", b"\x06"
    assert content.count(codec + snappy) == 1
    path.write_bytes(content.replace(codec + snappy, codec + lzo))
    assert "packed or typed in a way that cannot be read" in refused(path)


def test_a_table_without_columns(tmp_path):
    pq.write_table(pa.table({}), tmp_path / "none.parquet")
    assert refused(tmp_path / "none.parquet") == "none.parquet: the table has no columns; export it again"


def test_a_file_that_changes_while_it_is_read(whole, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 1000)
    pieces = ParquetTable(whole, "whole.parquet", MOST).pieces()
    next(pieces)
    os.utime(whole, ns=(1, 1))
    with pytest.raises(SourceError, match="changed while it was read"):
        list(pieces)


def test_a_file_that_is_gone(whole):
    source = ParquetTable(whole, "whole.parquet", MOST)
    whole.unlink()
    with pytest.raises(SourceError, match=r"whole\.parquet: cannot be read: No such file"):
        list(source.pieces())


def test_the_content_counts_and_not_the_name(whole, tmp_path):
    whole.rename(tmp_path / "export.csv")
    (tmp_path / "profile.toml").write_text(PROFILE.replace("deals.parquet", "export.csv"), encoding="utf-8")
    (source,) = open_sources(load_profile(tmp_path / "profile.toml").source, tmp_path, (), ["ID"], tmp_path)
    assert source.columns == ("ID", "n")
