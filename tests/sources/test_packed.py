import gzip
import io
import os
import sys
import zipfile

import pyarrow as pa
import pytest
import xlsxwriter

from csvexport.errors import SourceError
from csvexport.profile import load_profile
from csvexport.sources import open_sources
from csvexport.sources.packed import unpacked

TABLE = "ID;Сумма\n" + "".join(f"r{row};{row}\n" for row in range(5000))
CONTENT = TABLE.encode("cp1251")


def zstd(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(content)
    return sink.getvalue().to_pybytes()


def zipped(files, kind=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


PACKED = {"gzip": gzip.compress(CONTENT), "zstd": zstd(CONTENT), "zip": zipped({"deals.csv": CONTENT})}


@pytest.fixture
def sources(tmp_path):
    """Open an export of this content, or what stands for it."""
    (tmp_path / "profile.toml").write_text(
        'timezone = "Europe/Moscow"\n[source]\npath = "export.csv"\n[identifiers]\nUserId = "ID"\n'
        '[[goals]]\ntarget = "paid"\ntime = "at"\n',
        encoding="utf-8",
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def open_export(content, *exports):
        (tmp_path / "export.csv").write_bytes(content)
        return open_sources(load_profile(tmp_path / "profile.toml").source, tmp_path, exports, ["ID"], scratch)

    return open_export


def cells(source):
    """The first column, read to the end."""
    found = []
    for piece in source.pieces():
        found += source.parse(piece, ()).text("ID").to_pylist()
    return found


@pytest.mark.parametrize("kind", PACKED)
def test_an_archive_is_read_as_what_it_holds(sources, kind):
    (source,) = sources(PACKED[kind])
    assert cells(source) == [f"r{row}" for row in range(5000)]
    assert (source.label, source.size) == ("export.csv", len(CONTENT))


def test_every_file_of_a_zip_is_a_source_but_for_those_that_systems_add(sources):
    files = {
        "май/deals.csv": "ID\n1\n",
        "june.csv": "ID\n2\n",
        "__MACOSX/._june.csv": "x",
        ".DS_Store": "x",
        "лето/": "",
    }
    found = {source.label: cells(source) for source in sources(zipped(files))}
    assert found == {"export.csv/май/deals.csv": ["1"], "export.csv/june.csv": ["2"]}


def test_the_names_that_a_russian_windows_wrote_are_read(sources):
    content = zipped({"deals.csv": "ID\n1\n", "names.csv": "ID\n2\n"}, zipfile.ZIP_STORED)
    content = content.replace(b"deals.csv", "сдел.csv".encode("cp866") + b"x")
    assert [source.label for source in sources(content)] == ["export.csv/сдел.csvx", "export.csv/names.csv"]


def test_a_workbook_is_no_archive_but_may_lie_in_one(sources, tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "deals.xlsx")
    book.add_worksheet().write_column(0, 0, ["ID", "r1"])
    book.close()
    content = (tmp_path / "deals.xlsx").read_bytes()
    assert unpacked(tmp_path / "deals.xlsx", "deals.xlsx", tmp_path, 1 << 20) == [
        ("deals.xlsx", tmp_path / "deals.xlsx")
    ]
    for packed in (gzip.compress(content), zipped({"deals.xlsx": content})):
        (source,) = sources(packed)
        assert cells(source) == ["r1"]


def test_a_name_in_an_archive_leads_nowhere_else(sources, tmp_path):
    (source,) = sources(zipped({"../../evil.csv": "ID\n1\n"}))
    assert cells(source) == ["1"]
    assert not list(tmp_path.parent.glob("evil.csv"))


def test_standard_input_is_read(sources, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CONTENT)))
    (source,) = sources(b"", "-")
    assert (source.label, len(cells(source))) == ("standard input", 5000)


# Bad input


def encrypted():
    content = bytearray(PACKED["zip"])
    for start in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[start] |= 1
    return bytes(content)


def damaged(kind):
    content = bytearray(PACKED[kind])
    content[len(content) // 2] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *((PACKED[kind][:-3], "the archive is damaged or cut off; fetch it again") for kind in PACKED),
        *(
            (PACKED[kind][: len(PACKED[kind]) // 2], "the archive is damaged or cut off; fetch it again")
            for kind in PACKED
        ),
        *((damaged(kind), "the archive is damaged or cut off; fetch it again") for kind in ("gzip", "zip")),
        (encrypted(), "the archive is encrypted; unpack it first"),
        (zipped({"__MACOSX/x": "x"}), "the archive is empty; export it again"),
        (gzip.compress(PACKED["gzip"]), "this is a gzip archive, not a CSV; export the table as CSV"),
    ],
)
def test_what_cannot_be_unpacked_is_told_as_such(sources, content, message):
    with pytest.raises(SourceError) as caught:
        [cells(source) for source in sources(content)]
    assert str(caught.value) == f"export.csv: {message}"


def test_nothing_is_piped_in(sources, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="nothing is piped in"):
        sources(b"", "-")


def test_an_archive_that_changes_while_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "export.csv.gz"
    path.write_bytes(PACKED["gzip"])
    opened = gzip.open

    def open_late(file):
        os.utime(file, ns=(1, 1))
        return opened(file)

    monkeypatch.setattr(gzip, "open", open_late)
    with pytest.raises(SourceError, match=r"^export.csv.gz: the file changed while it was read"):
        unpacked(path, "export.csv.gz", tmp_path, 1 << 20)
