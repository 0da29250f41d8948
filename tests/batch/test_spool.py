import hashlib
import itertools
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.batch import spool as module
from csvexport.batch.spool import Parts, Spool
from csvexport.batch.totals import Totals
from csvexport.formats.files import File
from csvexport.summary import DayTotal, FileFacts
from csvexport.transform.results import FACTS, facts_of

HEADER = b"Yclid,Target\n"

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=12), max_size=40)


def form(limit=10**9, **more):
    return File("conversions", "Yclid", "file.csv", HEADER, limit, **more)


def name(part):
    return "file.csv" if part == 1 else f"file-{part}.csv"


def column(lines):
    return pa.array([f"{line}\n" for line in lines], pa.string())


def add(spool, lines):
    spool.add(column(lines), facts_of(len(lines)))


def totals_of(*labels):
    return Totals("conversions", labels or ("paid",), ["EUR", "RUB"])


def spooled(folder, blocks, dropped, limit=10**9, *, is_over=True, **more):
    """Write lines through a spool, over it or into new files; give what `Parts` tells and what lies in the folder."""
    out = folder / "out"
    out.mkdir()
    file = form(limit, **more)
    spool, totals = Spool(folder, "Yclid", FACTS, file), totals_of()
    for block in blocks:
        add(spool, block)
    parts = Parts(out, file, over=spool.path if is_over else None)
    spool.write(parts, np.array(dropped, bool), totals.add)
    facts = parts.close()
    spool.close()
    return facts, {path.name: path.read_bytes() for path in out.iterdir()}, totals.days()


def written(lines):
    return "".join(f"{line}\n" for line in lines).encode()


def test_lines_come_back_in_order_without_the_dropped_ones(tmp_path):
    facts, files, _ = spooled(tmp_path, [["a", "b"], [], ["сумма", "d", "e"]], [0, 1, 0, 0, 1])
    assert files == {"file.csv": HEADER + "a\nсумма\nd\n".encode()}
    assert facts == [
        FileFacts("file.csv", "conversions", "Yclid", 3, 28, hashlib.sha256(files["file.csv"]).hexdigest())
    ]


@given(st.lists(LINES, max_size=4), st.randoms(use_true_random=False), st.integers(1, 30), st.integers(1, 60))
def test_however_lines_are_added_and_read_back(blocks, random, at_a_time, size):
    lines = [line for block in blocks for line in block]
    dropped = [random.random() < 0.3 for _ in lines]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LINES", at_a_time)
        patch.setattr(module, "BYTES", size)
        _, files, days = spooled(Path(folder), blocks, dropped)
    kept = [line for line, gone in zip(lines, dropped, strict=True) if not gone]
    assert files == ({"file.csv": HEADER + written(kept)} if kept else {})
    assert sum(day.records for day in days) == len(kept)


@given(
    st.lists(LINES, max_size=5),
    st.randoms(use_true_random=False),
    st.integers(1, 20),
    st.integers(14, 120),
    st.sampled_from([{}, {"footer": b"]}\n", "joint": 1}]),
)
def test_files_written_over_a_spool_are_those_that_new_ones_would_be(blocks, random, at_a_time, limit, more):
    blocks = [[f",{line}" for line in block] for block in blocks]
    dropped = [random.random() < 0.1 for block in blocks for _ in block]
    with TemporaryDirectory() as one, TemporaryDirectory() as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LINES", at_a_time)
        over = spooled(Path(one), blocks, dropped, limit, **more)
        new = spooled(Path(other), blocks, dropped, limit, is_over=False, **more)
        assert over == new
        assert [path.name for path in Path(one).glob("*.lines")] == ([] if over[1] else ["Yclid.lines"])


@pytest.mark.parametrize("blocks", [[], [[]], [["a", "b"]]])
def test_without_lines_there_is_no_file(blocks, tmp_path):
    assert spooled(tmp_path, blocks, [1, 1][: sum(map(len, blocks))]) == ([], {}, ())


def test_a_column_may_be_a_slice(tmp_path):
    whole = column(["before", "first", "second", "behind"])
    spool, parts = Spool(tmp_path, "Yclid", FACTS, form()), Parts(tmp_path, form(100))
    spool.add(whole[1:3], facts_of(2))
    spool.write(parts, np.zeros(2, bool), totals_of().add)
    parts.write(whole[3:])
    parts.close()
    spool.close()
    assert (tmp_path / "file.csv").read_bytes() == HEADER + b"first\nsecond\nbehind\n"


def test_totals_hear_of_the_lines_that_are_written(tmp_path):
    spool, totals = Spool(tmp_path, "Yclid", FACTS, form()), totals_of("lead", "paid")
    day, label, currency = np.array([0, 1, 1]), np.array([0, 1, 1]), np.array([1, 0, 0])
    spool.add(column("abc"), facts_of(3, day=day, label=label, currency=currency, micro=np.array([-1, 2_500_000, 7])))
    parts = Parts(tmp_path, form(100))
    spool.write(parts, np.array([False, False, True]), totals.add)
    parts.close()
    spool.close()
    found = [(str(each.day), each.label, each.currency, each.records, str(each.revenue)) for each in totals.days()]
    assert found == [("1970-01-01", "lead", "RUB", 1, "0"), ("1970-01-02", "paid", "EUR", 1, "2.5")]
    assert all(isinstance(each, DayTotal) for each in totals.days())


def parted(blocks, limit, **more):
    """Write lines to parts; give what `Parts` tells and the files."""
    with TemporaryDirectory() as folder:
        parts = Parts(Path(folder), form(limit, **more))
        for block in blocks:
            parts.write(column(block))
        facts = parts.close()
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return facts, files


@given(st.lists(LINES, max_size=5), st.integers(0, 120))
def test_parts_stay_below_the_limit_and_make_up_the_whole(blocks, limit):
    facts, files = parted(blocks, limit)
    assert [each.name for each in facts] == [name(number + 1) for number in range(len(facts))]
    assert sorted(files) == sorted(each.name for each in facts)
    for each in facts:
        content = files[each.name]
        assert content.startswith(HEADER)
        assert (each.bytes, each.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert each.rows == content.count(b"\n") - 1 >= 1
        assert each.bytes <= limit or each.rows == 1
    whole = b"".join(files[each.name].removeprefix(HEADER) for each in facts)
    assert whole == b"".join(written(block) for block in blocks)


@given(st.lists(LINES, max_size=5), st.integers(30, 200))
def test_no_part_ends_before_it_must(blocks, limit):
    facts, files = parted(blocks, limit)
    for each, following in itertools.pairwise(facts):
        line = files[following.name].split(b"\n")[1]
        assert each.bytes + len(line) + 1 > limit


@pytest.mark.parametrize("blocks", [["abc"], ["a", "b", "c"], ["ab", "", "c"]])
def test_a_limit_below_one_line_gives_each_line_a_part(blocks):
    facts, files = parted(blocks, 1)
    assert [(each.name, each.rows) for each in facts] == [("file.csv", 1), ("file-2.csv", 1), ("file-3.csv", 1)]
    assert files == {"file.csv": HEADER + b"a\n", "file-2.csv": HEADER + b"b\n", "file-3.csv": HEADER + b"c\n"}


def test_a_part_is_filled_to_the_last_byte():
    facts, _ = parted(["abcde"], len(HEADER) + 4)
    assert [(each.rows, each.bytes) for each in facts] == [(2, 17), (2, 17), (1, 15)]


def test_a_limit_may_be_larger_than_any_column():
    assert len(parted([["a"], ["b"]], 2**40)[0]) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("blocks", [1, 3])
def test_a_full_disk_is_told_of_whichever_block_meets_it(blocks, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LINES", 100)
    spool = Spool(tmp_path, "Yclid", FACTS, form())
    for _ in range(blocks):
        add(spool, ["x" * 2000] * 100)
    parts = Parts(tmp_path, File("conversions", "Yclid", "/dev/full", HEADER, 10**9))
    with pytest.raises(OSError, match="No space left"):
        spool.write(parts, np.zeros(blocks * 100, bool), totals_of().add)
    spool.close()
    with pytest.raises(OSError, match="No space left"):
        parts.close()


JSON = {"footer": b"]}\n", "joint": 1}


@given(st.lists(LINES, max_size=5), st.integers(0, 120))
def test_parts_of_a_document_each_have_their_end_and_no_comma_before_their_first_record(blocks, limit):
    blocks = [[f",{line}" for line in block] for block in blocks]
    facts, files = parted(blocks, limit, **JSON)
    whole = b""
    for each in facts:
        content = files[each.name]
        assert (each.bytes, each.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert content.startswith(HEADER)
        assert content.endswith(b"]}\n")
        assert each.bytes <= limit or each.rows == 1
        whole += b"," + content.removeprefix(HEADER).removesuffix(b"]}\n")
    assert whole == b"".join(written(block) for block in blocks)
    assert sum(each.rows for each in facts) == sum(map(len, blocks))


def test_a_part_has_room_for_its_end():
    lines = [[",a", ",b", ",c"]]
    for limit, rows in [(len(HEADER) + 9, [2, 1]), (len(HEADER) + 8, [2, 1]), (len(HEADER) + 7, [1, 1, 1])]:
        facts, _ = parted(lines, limit, **JSON)
        assert [each.rows for each in facts] == rows
        assert [each.bytes for each in facts] == [len(HEADER) + 2 + 3 * count for count in rows]


def test_a_files_own_limit_holds_where_none_is_set_and_the_smaller_of_both_where_one_is(tmp_path):
    for number, (limit, rows) in enumerate([(None, [2, 1]), (10**9, [2, 1]), (len(HEADER) + 2, [1, 1, 1])]):
        folder = tmp_path / str(number)
        folder.mkdir()
        parts = Parts(folder, form(len(HEADER) + 4), limit)
        parts.write(column(["a", "b", "c"]))
        assert [each.rows for each in parts.close()] == rows


def test_a_spool_knows_what_its_lines_weigh(tmp_path):
    spool = Spool(tmp_path, "orders-", FACTS, form())
    assert spool.bytes == 0
    lines = ["a", "сумма", ""]
    facts = facts_of(3, day=np.array([3, 1, 2]))
    spool.add(column(lines), facts)
    spool.add(column(["last"]), facts_of(1))
    sizes, found = spool.sizes()
    assert sizes.tolist() == [2, 11, 1, 5]
    assert spool.bytes == sizes.sum()
    assert found["day"].tolist() == [3, 1, 2, 0]
    parts = Parts(tmp_path, form())
    spool.write(parts, np.array([False, True, False, False]), totals_of().add)
    parts.close()
    spool.close()
    assert (tmp_path / "file.csv").read_bytes() == HEADER + b"a\n\nlast\n"
