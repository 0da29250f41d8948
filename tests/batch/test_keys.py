"""Keys of events: what was sent is known exactly, however many batches there are, merged or not."""

import json
import random
import shutil
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport.batch import keys
from csvexport.batch.compaction import Own, compact, covering
from csvexport.batch.keys import RECORD, SentKeys, file_name, in_order, merge
from csvexport.errors import LedgerError

# Few first halves, so that many keys share one.
KEYS = st.tuples(st.integers(0, 6), st.integers(0, 3))
BATCHES = st.lists(st.dictionaries(KEYS, st.integers(0, 2), max_size=12), min_size=1, max_size=8)


def records(events):
    """Records of a dictionary from keys to worths, sorted."""
    found = np.array([(first << 60, second, worth) for (first, second), worth in events.items()], RECORD)
    return found[in_order(found)]


def written(path, events):
    records(events).tofile(path)
    return path


def own(folder, number, events, found=None):
    """A batch that was sent, with its keys: those of the events, or records that are given."""
    batch = folder / f"batch-{number:05}"
    batch.mkdir(exist_ok=True)
    path = batch / file_name("conversions")
    found = records(events) if found is None else found
    found.tofile(path)
    return Own(batch.name, path, len(found))


@contextmanager
def sizes(**constants):
    """Chunks so small that a few records are many, or files so large that they are mapped."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in constants.items():
            patch.setattr(keys, name, value)
        yield


SIZES = st.fixed_dictionaries(
    {
        "CHUNK": st.integers(1, 5) | st.just(keys.CHUNK),
        "FEW": st.integers(0, 3) | st.just(keys.FEW),
        "SMALL": st.sampled_from([1, keys.SMALL]),
    }
)


@given(BATCHES, st.dictionaries(KEYS, st.integers(0, 2), max_size=20), SIZES)
def test_an_event_was_sent_if_the_last_batch_that_held_it_had_the_same_worth(tmp_path_factory, sent, asked, constants):
    with sizes(**constants):
        assert_known(tmp_path_factory.mktemp("keys"), sent, asked)


def assert_known(folder, sent, asked):
    files = [written(folder / f"{number}.bin", events) for number, events in enumerate(sent)]
    last = {key: worth for events in sent for key, worth in events.items()}
    expected = {key for key, worth in asked.items() if last.get(key) == worth}
    asking = records(asked)
    mask = SentKeys(files[::-1]).sent(asking)
    assert {(int(one["first"]) >> 60, int(one["second"])) for one in asking[mask]} == expected
    assert SentKeys(files[::-1]).count(written(folder / "asked.bin", asked)) == len(expected)

    merge(files[::-1], folder / "merged.bin")
    merged = np.fromfile(folder / "merged.bin", RECORD)
    assert merged.tobytes() == records(last).tobytes()


def test_few_among_many_are_found_as_surely(tmp_path):
    numbers = np.sort(np.random.default_rng(1).integers(0, 1 << 63, 50_000, np.uint64) << np.uint64(1))
    many = np.zeros(len(numbers), RECORD)
    many["first"], many["worth"] = numbers, 7
    many.tofile(tmp_path / "many.bin")
    asked = many[[0, 1, 25_000, 49_999]].copy()
    asked["worth"][1] = 8
    strangers = asked.copy()
    strangers["first"] += np.uint64(1)
    both = np.concatenate([asked, strangers])
    both = both[in_order(both)]
    assert len(both) * keys.FEW < len(many)
    found = SentKeys([tmp_path / "many.bin"]).sent(both)
    assert found.tolist() == [True, False, False, False, True, False, True, False]


def test_many_batches_are_covered_by_few_files_that_know_the_same(tmp_path):
    chance = random.Random(5)
    sent, last = [], {}
    most = rewritten = 0
    for number in range(300):
        events = {(chance.randrange(16), chance.randrange(1000)): chance.randrange(3) for _ in range(20)}
        last |= events
        sent.append(own(tmp_path, number, events))
        before = set((tmp_path / ".keys").glob("*.bin"))
        compact(tmp_path, "conversions", sent)
        rewritten += sum(path.stat().st_size for path in set((tmp_path / ".keys").glob("*.bin")) - before)
        most = max(most, len(covering(tmp_path, "conversions", sent)))
    assert most < 40
    assert rewritten < 9 * 300 * 20 * RECORD.itemsize
    assert SentKeys(covering(tmp_path, "conversions", sent)).sent(records(last)).all()
    changed = {key: worth + 1 for key, worth in last.items()}
    assert not SentKeys(covering(tmp_path, "conversions", sent)).sent(records(changed)).any()
    assert {path.suffix for path in (tmp_path / ".keys").iterdir()} == {".bin", ".json"}


@settings(max_examples=20)
@given(st.lists(st.sampled_from([0, 1, 20, 511, 512, 5_000]), min_size=1, max_size=60))
def test_there_are_few_files_of_a_size_whatever_the_batches_are(tmp_path_factory, counts):
    folder = tmp_path_factory.mktemp("keys")
    sent = []
    for number, count in enumerate(counts):
        found = np.zeros(count, RECORD)
        found["first"], found["worth"] = np.arange(count) << 40, number
        found["second"] = number
        sent.append(own(folder, number, {}, found))
        compact(folder, "conversions", sent)
        lengths = [path.stat().st_size // RECORD.itemsize for path in covering(folder, "conversions", sent)]
        assert sum(lengths) == sum(counts[: number + 1])
        levels = [next(level for level in range(9) if length < 512 * 8**level) for length in lengths]
        assert all(newer <= older for newer, older in pairwise(levels))
        assert all(levels.count(level) < 8 for level in levels)


STEPS = st.lists(
    st.tuples(st.sampled_from([*["send"] * 6, "discard", "clear"]), st.integers(0, 99)), min_size=9, max_size=40
)


def oldest(files):
    """The batches that the oldest of the chosen files covers, if it is a merged one."""
    is_merged = files and files[-1].parent.name == keys.FOLDER
    return json.loads(files[-1].with_suffix(".json").read_text())["batches"] if is_merged else []


@settings(max_examples=40)
@given(STEPS)
def test_sending_and_discarding_leave_known_what_counts(tmp_path_factory, steps):
    """Nothing is discarded of what is merged with a batch whose folder is gone."""
    folder = tmp_path_factory.mktemp("keys")
    sent, held, gone = [], {}, False
    for number, (step, chance) in enumerate(steps):
        covered = oldest(covering(folder, "conversions", sent))
        first = len(covered) if gone else 0
        if step == "send":
            events = {(chance % 5, key): chance % 2 for key in range(chance % 4 + 1)}
            sent.append(own(folder, number, events))
            held[sent[-1].batch] = events
        elif step == "discard" and len(sent) > first:
            sent.pop(first + chance % (len(sent) - first))
        elif step == "clear" and covered:
            shutil.rmtree(folder / covered[0], ignore_errors=True)
            gone = True
        compact(folder, "conversions", sent)
        last = {key: worth for one in sent for key, worth in held[one.batch].items()}
        asked = records({(first, key): 1 for first in range(5) for key in range(4)})
        expected = [last.get((int(one["first"]) >> 60, int(one["second"]))) == 1 for one in asked]
        assert SentKeys(covering(folder, "conversions", sent)).sent(asked).tolist() == expected


def test_what_a_reader_chose_is_there_when_it_reads(tmp_path):
    sent = [own(tmp_path, number, {(number % 7, number): 1}) for number in range(70)]
    asked = records({(number % 7, number): 1 for number in range(8)})
    compact(tmp_path, "conversions", sent[:8])
    (chosen,) = covering(tmp_path, "conversions", sent[:8])
    with sizes(SMALL=1):
        opened = SentKeys([chosen])
    compact(tmp_path, "conversions", sent[:15])
    assert chosen.exists()
    assert covering(tmp_path, "conversions", sent[:15]) != [chosen]
    assert SentKeys([chosen]).sent(asked).all()
    compact(tmp_path, "conversions", sent[:15])
    assert not chosen.exists()
    assert opened.sent(asked).all()
    with pytest.raises(LedgerError, match="run the command again"):
        SentKeys([chosen])


def test_keys_of_a_discarded_batch_are_forgotten_though_they_were_merged(tmp_path):
    sent = [own(tmp_path, number, {(number, 0): 1}) for number in range(9)]
    compact(tmp_path, "conversions", sent)
    assert len(covering(tmp_path, "conversions", sent)) == 2
    left = [one for one in sent if one.batch != "batch-00003"]
    asked = records({(number, 0): 1 for number in range(9)})
    assert SentKeys(covering(tmp_path, "conversions", left)).sent(asked).tolist() == [n != 3 for n in range(9)]


def test_folder_of_a_merged_batch_may_go_and_of_no_other(tmp_path):
    sent = [own(tmp_path, number, {(number, 0): 1}) for number in range(9)]
    compact(tmp_path, "conversions", sent)
    shutil.rmtree(tmp_path / "batch-00002")
    assert len(covering(tmp_path, "conversions", sent)) == 2
    shutil.rmtree(tmp_path / "batch-00008")
    with pytest.raises(LedgerError, match=r"batch-00008.* gone or damaged.*csvexport ledger rebuild"):
        covering(tmp_path, "conversions", sent)


def test_keys_that_were_cut_off_are_told(tmp_path):
    one = own(tmp_path, 1, {(1, 1): 1, (2, 2): 2})
    one.path.write_bytes(one.path.read_bytes()[:24])
    with pytest.raises(LedgerError, match="gone or damaged"):
        covering(tmp_path, "conversions", [one])
    one.path.write_bytes(b"123")
    with pytest.raises(LedgerError, match="gone or damaged"):
        SentKeys([one.path])


def test_what_a_killed_run_left_counts_for_nothing_and_goes(tmp_path):
    sent = [own(tmp_path, number, {(number, 0): 1}) for number in range(9)]
    folder = tmp_path / keys.FOLDER
    folder.mkdir()
    (folder / ".conversions-1234.bin.part").write_bytes(b"x")
    (folder / "conversions-1234.bin").write_bytes(b"y")
    (folder / "conversions-5678.json").write_text(json.dumps({"records": 1, "batches": ["batch-00000"]}))
    (folder / "calls-1234.bin").write_bytes(b"z")
    compact(tmp_path, "conversions", sent)
    names = {path.name for path in folder.iterdir()}
    assert len(names) == 3
    assert "calls-1234.bin" in names
    assert SentKeys(covering(tmp_path, "conversions", sent)).sent(records({(3, 0): 1})).all()


@pytest.mark.parametrize("damage", ["cut off", "no note", "half a note", "another note"])
def test_merged_keys_that_are_damaged_are_read_from_the_batches_again(tmp_path, damage):
    sent = [own(tmp_path, number, {(number % 7, number): 1}) for number in range(9)]
    compact(tmp_path, "conversions", sent)
    (merged,) = (tmp_path / keys.FOLDER).glob("*.bin")
    note = merged.with_suffix(".json")
    match damage:
        case "cut off":
            merged.write_bytes(merged.read_bytes()[:-24])
        case "no note":
            note.unlink()
        case "half a note":
            note.write_text(note.read_text()[:20])
        case "another note":
            note.write_text("[]")
    assert covering(tmp_path, "conversions", sent) == [one.path for one in reversed(sent)]
    compact(tmp_path, "conversions", sent)
    assert len(covering(tmp_path, "conversions", sent)) == 2
    asked = records({(number % 7, number): 1 for number in range(9)})
    assert SentKeys(covering(tmp_path, "conversions", sent)).sent(asked).all()


def test_first_and_last_of_all_possible_keys_are_merged_and_found(tmp_path):
    largest = (1 << 64) - 1
    every = np.array([(0, 0, 1), (0, largest, 2), (largest, 0, 3), (largest, largest, 4)], RECORD)
    for number, one in enumerate(every):
        one.tofile(tmp_path / f"{number}.bin")
    with sizes(CHUNK=1):
        assert merge([tmp_path / f"{number}.bin" for number in range(4)], tmp_path / "merged.bin") == 4
        assert (tmp_path / "merged.bin").read_bytes() == every.tobytes()
        assert SentKeys([tmp_path / "merged.bin"]).sent(every).all()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_merge_that_finds_no_room_leaves_nothing(tmp_path):
    one = own(tmp_path, 1, {(1, 1): 1})
    target = tmp_path / "merged.bin"
    target.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        merge([one.path], target)
    assert not target.is_symlink()


def test_nothing_sent_is_no_file(tmp_path):
    assert covering(tmp_path, "conversions", []) == []
    assert not SentKeys(()).sent(records({(1, 1): 1})).any()
    compact(tmp_path, "conversions", [])
    assert list(tmp_path.iterdir()) == []
