"""Inputs that claim much, are cut or hold odd names: refused or read, with one message, in little memory."""

import gzip
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import fuzz_samples
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from csvexport.errors import SourceError
from csvexport.profile import SourceSettings
from csvexport.sources import confining, open_sources
from csvexport.sources.labels import label_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits of memory, pipes and names of bytes are POSIX's")

PROFILE = """timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers.ClientId = "ID"
[[goals]]
target = "paid"
time = "Дата оплаты"
"""
TABLE = "ID,Дата оплаты\n1706436776194551959,2024-05-20 10:00:00\n"
RECORD = '{"ID": "1706436776194551959", "Дата оплаты": "2024-05-20 10:00:00"}'


@pytest.fixture
def command(tmp_path):
    """Run a command; a traceback, or a death, is a fault whatever the test expects."""
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")

    def run(*arguments):
        done = subprocess.run(
            [Path(sys.executable).with_name("csvexport"), *arguments], capture_output=True, check=False, timeout=100
        )
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert "Traceback" not in said
        assert done.returncode in range(5), said
        return done.returncode, said

    return run


@pytest.fixture
def checked(command, tmp_path):
    """Check an export of this name and content; gives exit code and message."""

    def check(name, content):
        path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))  # noqa: PTH118 - a name of bytes
        Path(os.fsdecode(path)).write_bytes(content)
        return command("check", "profile.toml", name, "--now", "2024-06-01T00:00:00Z", "--quiet")

    return check


def refusal(path, **settings):
    with pytest.raises(SourceError) as caught:
        read(path, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def read(path, **settings):
    scratch = path.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    sources = open_sources(SourceSettings(**settings), path.parent, [str(path)], ["ID"], scratch)
    return sum(len(source.parse(piece, ()).rows) for source in sources for piece in source.pieces())


# Workbooks and Parquet, which are read by a process of its own


def with_stray_cell(cell):
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([fuzz_samples.HEADER, *fuzz_samples.ROWS]):
            sheet.write_row(row, 0, cells)
        sheet.write(cell, "x")
    return target.getvalue()


def with_part(part, old, new):
    """The workbook of the samples, with something else in one of its parts."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(fuzz_samples.xlsx())) as book,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed,
    ):
        for name in book.namelist():
            content = book.read(name)
            changed.writestr(name, content.replace(old, new) if part in name else content)
    return target.getvalue()


def packed_table(texts):
    target = io.BytesIO()
    pq.write_table(pa.table({"ID": texts}), target, compression="zstd")
    return target.getvalue()


LARGE = {
    "far.xlsx": lambda: with_stray_cell("XFD1048576"),
    "farther.xlsx": lambda: with_stray_cell("ZZ1048576"),
    "far.xlsb": lambda: fuzz_samples.xlsb((1048575, 16383)),
    "strings.xlsx": lambda: with_part("sharedStrings", b"</sst>", b"<si><t>" + b"a" * (450 << 20) + b"</t></si></sst>"),
    "repeated.parquet": lambda: packed_table(pa.chunked_array([pa.array(["x" * 1_000_000] * 100)] * 10)),
    "long.parquet": lambda: packed_table(["x" * (300 << 20)]),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_unfolds_beyond_its_size_is_refused_in_little_memory(tmp_path, name):
    (tmp_path / name).write_bytes(LARGE[name]())
    assert re.search(r"takes more than (25|26|3)\d+ MB of memory", refusal(tmp_path / name))


def test_a_stray_cell_in_reach_is_in_nobodys_way(tmp_path):
    (tmp_path / "deals.xlsx").write_bytes(with_stray_cell("A1048576"))
    assert read(tmp_path / "deals.xlsx") == len(fuzz_samples.ROWS) + 1


def test_categories_of_long_texts_are_refused(tmp_path):
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 40_000), pa.array(["x" * 10_000_000]))
    (tmp_path / "deals.parquet").write_bytes(packed_table(texts))
    assert "takes more than" in refusal(tmp_path / "deals.parquet")


def test_an_answer_that_never_comes_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(confining, "SECONDS", (0, 1 << 40))
    (tmp_path / "deals.xlsx").write_bytes(fuzz_samples.xlsx())
    assert "reading it takes longer than 0 seconds" in refusal(tmp_path / "deals.xlsx")


def test_a_process_that_died_is_told_and_the_next_file_has_another(tmp_path):
    for name in ("one.xlsx", "two.xlsx"):
        (tmp_path / name).write_bytes(fuzz_samples.xlsx())
    (source,) = open_sources(SourceSettings(), tmp_path, [str(tmp_path / "one.xlsx")], ["ID"], tmp_path)
    process = confining._running["workbooks"]  # noqa: SLF001 - killed here as a system short of memory would
    process._process.kill()  # noqa: SLF001
    process._process.wait()  # noqa: SLF001
    with pytest.raises(SourceError, match="the process that reads it has ended"):
        list(source.pieces())
    assert read(tmp_path / "two.xlsx") == len(fuzz_samples.ROWS)


def test_the_process_ends_with_the_last_file_and_sees_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", "hunter2")
    (tmp_path / "deals.xlsx").write_bytes(fuzz_samples.xlsx())
    sources = open_sources(SourceSettings(), tmp_path, [str(tmp_path / "deals.xlsx")], ["ID"], tmp_path)
    process = confining._running["workbooks"]._process  # noqa: SLF001 - nobody else knows of it
    assert b"hunter2" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    sources.clear()
    assert process.wait(10) is not None


def test_a_cut_old_workbook_is_refused_wherever_it_ends(tmp_path):
    whole = fuzz_samples.xls()
    for end in range(1024, len(whole), 1024):
        path = tmp_path / f"{end}.xls"
        path.write_bytes(whole[:end])
        with suppress(SourceError):
            assert read(path) <= len(fuzz_samples.ROWS)


# Names of bytes that are no text


@pytest.mark.parametrize(
    "sample", ["xlsx", "xls", "xlsb", "ods", "parquet", "xml", "zipped", "gzip", "zstd", "json", "jsonl"]
)
def test_a_file_of_any_form_may_be_called_anything(tmp_path, sample):
    content = {
        "gzip": gzip.compress(TABLE.encode()),
        "zstd": fuzz_samples.zstd(TABLE.encode()),
        "json": f"[{RECORD}]".encode(),
        "jsonl": f"{RECORD}\n{RECORD}\n".encode(),
    }
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), "имя".encode("cp1251"))))  # noqa: PTH118 - bytes
    path.write_bytes(content.get(sample) or getattr(fuzz_samples, sample)())
    assert read(path) > 0
    path.write_bytes(path.read_bytes()[:99])
    with suppress(SourceError):
        read(path)


def test_a_file_s_name_that_is_no_text_is_shown_escaped(checked, command, tmp_path):
    assert checked("имя.csv".encode("cp1251"), TABLE.encode())[0] == 0
    name = "имя.csv".encode("cp1251")
    code, said = command("build", "profile.toml", name, "--now", "2024-06-01T00:00:00Z")
    assert (code, "\\xe8\\xec\\xff.csv" in said) == (0, True)
    (manifest,) = tmp_path.glob("out/*/*/manifest.json")
    assert json.loads(manifest.read_bytes())["sources"][0]["path"] == "\\xe8\\xec\\xff.csv"
    for arguments in (["inspect", name, "--json"], ["lint", name, "--json"], ["inspect", name]):
        assert command(*arguments)[0] in {0, 1}
    assert command("init", name, "--to", "new.toml", "--yes")[0] == 2


def test_a_profile_s_name_that_is_no_text_is_refused(command, tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), "папка".encode("cp1251"))  # noqa: PTH118 - a name of bytes
    os.mkdir(folder)  # noqa: PTH102 - likewise
    Path(os.fsdecode(folder), "profile.toml").write_text(PROFILE, encoding="utf-8")
    code, said = command("check", os.path.join("папка".encode("cp1251"), b"profile.toml"))  # noqa: PTH118 - likewise
    assert (code, "holds bytes that are no text; rename it" in said) == (2, True)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("сделки.csv", "сделки.csv"),
        (os.fsdecode("я.csv".encode("cp1251")), "\\xff.csv"),
        ("a\x1b[31m\nb", "a\\x1b[31m\\x0ab"),
        ("a\u202eb", "a\\u202eb"),
        ("a\x9bb", "a\\x9bb"),
    ],
)
def test_a_label_can_be_encoded_and_printed(name, label):
    assert label_of(name) == label
    assert label.isprintable()


def test_members_of_an_archive_may_be_called_anything(checked):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("яя.csv", TABLE)
        archive.writestr("a\x1b[31m\n.csv", TABLE)
    assert checked("deals.zip", target.getvalue())[0] == 0
    code, said = checked("deals.zip", target.getvalue().replace("яя".encode(), b"\xff\xfe\xfd\xfc"))
    assert (code, "not UTF-8, as which it is marked" in said) == (3, True)


def test_a_column_of_parquet_may_be_called_by_no_text(checked):
    target = io.BytesIO()
    pq.write_table(pa.table({"ID": ["1"], "дата": ["2"]}), target, compression="none")
    code, said = checked("deals.parquet", target.getvalue().replace("дата".encode(), b"\xe4\xe0\xf2\xe0    "))
    assert (code, "the name of a column is not UTF-8 text" in said) == (3, True), said


# JSON that is none


@pytest.mark.parametrize(
    "text",
    [
        RECORD + "}",
        f'{{"ok": {{}}}}}}, "result": [{RECORD}]}}',
        f"{RECORD},{RECORD}",
        f"[{RECORD}],[{RECORD}]",
        f"[{RECORD[:-1]}]]",
        f"[{RECORD}}}",
        f'{{"result": [{RECORD}}}]',
        f'{{"result": [{RECORD}] "next": 1}}',
        f'{{"result" [{RECORD}]}}',
        f'{{"ok": tru, "result": [{RECORD}]}}',
        f'{{"result": [{RECORD}], "next": }}',
        f'{{"next": 1}},{{"result": [{RECORD}]}}',
        '[{"ID": ["1"}, "x": "2"]]',
        '{"a":' * 20_000 + "1" + "}" * 20_000,
    ],
    ids=lambda text: text[:40],
)
def test_json_that_is_none_is_refused_as_a_whole(checked, text):
    code, said = checked("deals.json", text.encode())
    assert (code, said.count("\n")) == (3, 1)


@pytest.mark.parametrize("line", [RECORD[:-1] + "]", f"{RECORD},{RECORD}", RECORD + "}", RECORD + ",", '{"a":' * 9999])
def test_a_line_that_is_no_json_is_set_aside(tmp_path, line):
    (tmp_path / "deals.jsonl").write_text(f"{RECORD}\n{line}\n{RECORD}\n", encoding="utf-8")
    assert read(tmp_path / "deals.jsonl", format="jsonl") == 2


@pytest.mark.parametrize("depth", [99, 100, 101, 5000])
def test_records_are_read_down_to_a_depth(tmp_path, depth):
    nested = '{"a":' * (depth - 1) + "1" + "}" * (depth - 1)
    (tmp_path / "deals.json").write_text(f'[{RECORD},{{"ID":"2","x":{nested}}}]', encoding="utf-8")
    assert read(tmp_path / "deals.json") == (2 if depth <= 100 else 1)


# Archives, texts and special files


@pytest.mark.parametrize("name", ["deals.csv.gz", "deals.zip", "deals.csv.zst"])
def test_an_archive_unpacks_to_no_more_than_the_profile_allows(tmp_path, name):
    content = TABLE.encode() + b"1,2\n" * (1 << 19)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
        archive.writestr("b.csv", TABLE)
    packed = {"gz": gzip.compress(content), "zip": target.getvalue(), "zst": fuzz_samples.zstd(content)}
    (tmp_path / name).write_bytes(packed[name.rpartition(".")[2]])
    assert "holds more than source.max_megabytes allows" in refusal(tmp_path / name, max_megabytes=1)
    assert read(tmp_path / name, max_megabytes=3) > 1 << 19


def test_a_zip_of_many_files_is_read_and_one_of_too_many_refused(tmp_path):
    for count in (300, 10_001, 100_000):
        with zipfile.ZipFile(tmp_path / f"{count}.zip", "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}", TABLE if count == 300 else b"")
    assert read(tmp_path / "300.zip") == 300
    assert "more than 10,000 files" in refusal(tmp_path / "10001.zip")
    assert "more than 10,000 files" in refusal(tmp_path / "100000.zip")


def test_a_zip_packed_in_an_unknown_way_is_told(tmp_path):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", TABLE)
    content = bytearray(target.getvalue())
    content[8] = content[content.find(b"PK\1\2") + 10] = 9
    (tmp_path / "a.zip").write_bytes(content)
    assert "packed in a way that cannot be read" in refusal(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wide.csv", "ID;" + ";".join(["a"] * 200_000)),
        ("wide.json", json.dumps([{f"k{record}_{key}": 1 for key in range(30)} for record in range(900)])),
        ("wide.xml", "<a><b><ID>1</ID></b><b>" + "".join(f"<k{n}>1</k{n}>" for n in range(20_000)) + "</b></a>"),
    ],
)
def test_a_table_has_so_many_columns(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert "there are more than 16,384 columns" in refusal(tmp_path / name)


def test_a_long_attribute_is_read_and_one_without_end_refused(tmp_path):
    for size in (20, 80):
        text = f'<a><b n="{"x" * (size << 20)}"><ID>1</ID></b><b><ID>2</ID></b></a>'
        (tmp_path / f"{size}.xml").write_text(text, encoding="utf-8")
    assert read(tmp_path / "20.xml") == 2
    assert "longer than 64 MiB" in refusal(tmp_path / "80.xml")


def test_what_is_no_regular_file_is_refused_before_it_is_opened(command, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for special in ("pipe", "/dev/zero"):
        assert command("check", special)[0] == 2
        assert command("check", "profile.toml", special)[0] == 3
        assert command("inspect", special)[0] == 3
        assert command("lint", special)[0] == 3


def test_a_sparse_file_is_refused_by_its_beginning(tmp_path):
    for name in ("a.csv", "a.json", "a.xml", "a.parquet"):
        content = {"csv": TABLE, "json": f"[{RECORD}]", "xml": "<a><b><ID>1</ID></b></a>", "parquet": "PAR1"}
        path = tmp_path / name
        path.write_text(content[path.suffix[1:]], encoding="utf-8")
        os.truncate(path, 1 << 40)
        refusal(path)
