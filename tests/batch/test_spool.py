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
from csvexport.summary import DayTotal, FileFacts

HEADER = b"Yclid,Target\n"

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=12), max_size=40)


def name(part):
    return f"file-{part}.csv"


def column(lines):
    return pa.array([f"{line}\n" for line in lines], pa.string())


def add(spool, lines):
    zeros = np.zeros(len(lines), np.int16)
    spool.add(column(lines), zeros.astype(np.int32), zeros, zeros, zeros.astype(np.int64))


def spooled(folder, blocks, dropped, limit=10**9):
    """Write lines through a spool; give what `Parts` tells and what lies in the folder."""
    out = folder / "out"
    out.mkdir()
    spool, totals = Spool(folder, "Yclid"), Totals(["paid"], ["RUB"])
    for block in blocks:
        add(spool, block)
    parts = Parts(out, name, HEADER, limit)
    spool.write(parts, np.array(dropped, bool), totals)
    facts = parts.close("conversions", "Yclid")
    spool.close()
    return facts, {path.name: path.read_bytes() for path in out.iterdir()}, totals.days()


def written(lines):
    return "".join(f"{line}\n" for line in lines).encode()


def test_lines_come_back_in_order_without_the_dropped_ones(tmp_path):
    facts, files, _ = spooled(tmp_path, [["a", "b"], [], ["сумма", "d", "e"]], [0, 1, 0, 0, 1])
    assert files == {"file-1.csv": HEADER + "a\nсумма\nd\n".encode()}
    assert facts == [
        FileFacts("file-1.csv", "conversions", "Yclid", 3, 28, hashlib.sha256(files["file-1.csv"]).hexdigest())
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
    assert files == ({"file-1.csv": HEADER + written(kept)} if kept else {})
    assert sum(day.conversions for day in days) == len(kept)


@pytest.mark.parametrize("blocks", [[], [[]], [["a", "b"]]])
def test_without_lines_there_is_no_file(blocks, tmp_path):
    assert spooled(tmp_path, blocks, [1, 1][: sum(map(len, blocks))]) == ([], {}, ())


def test_a_column_may_be_a_slice(tmp_path):
    whole = column(["before", "first", "second", "behind"])
    zeros = np.zeros(2, np.int16)
    spool, parts = Spool(tmp_path, "Yclid"), Parts(tmp_path, name, HEADER, 100)
    spool.add(whole[1:3], zeros.astype(np.int32), zeros, zeros, zeros.astype(np.int64))
    spool.write(parts, np.zeros(2, bool), Totals(["paid"], ["RUB"]))
    parts.write(whole[3:])
    parts.close("conversions", "Yclid")
    spool.close()
    assert (tmp_path / "file-1.csv").read_bytes() == HEADER + b"first\nsecond\nbehind\n"


def test_totals_hear_of_the_lines_that_are_written(tmp_path):
    spool, totals = Spool(tmp_path, "Yclid"), Totals(["lead", "paid"], ["EUR", "RUB"])
    day, target, currency = np.array([0, 1, 1], np.int32), np.array([0, 1, 1], np.int16), np.array([1, 0, 0], np.int16)
    spool.add(column("abc"), day, target, currency, np.array([-1, 2_500_000, 7]))
    parts = Parts(tmp_path, name, HEADER, 100)
    spool.write(parts, np.array([False, False, True]), totals)
    parts.close("conversions", "Yclid")
    spool.close()
    found = [(str(each.day), each.target, each.currency, each.conversions, str(each.revenue)) for each in totals.days()]
    assert found == [("1970-01-01", "lead", "RUB", 1, "0"), ("1970-01-02", "paid", "EUR", 1, "2.5")]
    assert all(isinstance(each, DayTotal) for each in totals.days())


def parted(blocks, limit):
    """Write lines to parts; give what `Parts` tells and the files."""
    with TemporaryDirectory() as folder:
        parts = Parts(Path(folder), name, HEADER, limit)
        for block in blocks:
            parts.write(column(block))
        facts = parts.close("conversions", "Yclid")
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
    assert [(each.name, each.rows) for each in facts] == [("file-1.csv", 1), ("file-2.csv", 1), ("file-3.csv", 1)]
    assert files == {"file-1.csv": HEADER + b"a\n", "file-2.csv": HEADER + b"b\n", "file-3.csv": HEADER + b"c\n"}


def test_a_part_is_filled_to_the_last_byte():
    facts, _ = parted(["abcde"], len(HEADER) + 4)
    assert [(each.rows, each.bytes) for each in facts] == [(2, 17), (2, 17), (1, 15)]


def test_a_limit_may_be_larger_than_any_column():
    assert len(parted([["a"], ["b"]], 2**40)[0]) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("blocks", [1, 3])
def test_a_full_disk_is_told_of_whichever_block_meets_it(blocks, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LINES", 100)
    spool, totals = Spool(tmp_path, "Yclid"), Totals(["paid"], ["RUB"])
    for _ in range(blocks):
        add(spool, ["x" * 2000] * 100)
    parts = Parts(tmp_path, lambda _: "/dev/full", HEADER, 10**9)
    with pytest.raises(OSError, match="No space left"):
        spool.write(parts, np.zeros(blocks * 100, bool), totals)
    spool.close()
    with pytest.raises(OSError, match="No space left"):
        parts.close("conversions", "Yclid")
