import itertools
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csvexport.transform import duplicates
from csvexport.transform.duplicates import DuplicateFinder, Keys, event_keys, is_among, seed, worth
from csvexport.values.currencies import LETTERS
from csvexport.values.identifiers import Rule, identifier_words

LARGEST = 2**64 - 1

# Few enough that they repeat, from both ends and from several files, and with equal halves.
HALVES = st.sampled_from([0, 1, 2, 2**60, 2**63, LARGEST - 1, LARGEST]) | st.integers(0, LARGEST)
VALUES = st.integers(0, 2) | st.sampled_from([1 << 32, (1 << 32) + 1, 5 << 40])
EVENTS = st.lists(st.tuples(HALVES, HALVES, st.integers(0, 2)), max_size=60)


def expected(events):
    """Tell what a dictionary tells: which events go, and how many have the value of the one that stays or another."""
    last = {}
    for place, (first, second, value) in enumerate(events):
        last[first, second] = (place, value)
    dropped = [last[first, second][0] != place for place, (first, second, _) in enumerate(events)]
    superseded = sum(last[first, second][1] != value for first, second, value in events)
    return dropped, sum(dropped) - superseded, superseded


def add(finder, events):
    table = np.array(events, np.uint64).reshape(-1, 3)
    finder.add(Keys(table[:, 0], table[:, 1]), table[:, 2])


def settled(parts, portion=duplicates.PORTION, chunk=duplicates.CHUNK):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "PORTION", portion)
        patch.setattr(duplicates, "CHUNK", chunk)
        finder = DuplicateFinder(Path(folder), "ClientId")
        for events in parts:
            add(finder, events)
        result = finder.settle()
        finder.close()
    return result.mask.tolist(), result.same, result.other


def parted(events, cuts):
    bounds = [0, *sorted(cut % (len(events) + 1) for cut in cuts), len(events)]
    return [events[start:end] for start, end in itertools.pairwise(bounds)]


@given(EVENTS, st.lists(st.integers(0, 60), max_size=5), st.integers(1, 20), st.integers(1, 20))
def test_of_equal_keys_the_last_stays(events, cuts, portion, chunk):
    parts = parted(events, cuts)
    assert settled(parts) == settled(parts, portion, chunk) == expected(events)


@settings(max_examples=20)
@given(EVENTS)
def test_events_may_come_one_by_one(events):
    assert settled([[event] for event in events]) == expected(events)


def test_no_events_are_no_duplicates():
    assert settled([]) == settled([[]]) == ([], 0, 0)


def test_all_equal():
    assert settled([[(7, 7, 1)] * 50]) == ([True] * 49 + [False], 49, 0)


def test_none_equal():
    assert settled([[(number * 2**58, number, 0) for number in range(64)]]) == ([False] * 64, 0, 0)


def test_only_another_value_supersedes():
    events = [(5, 5, 1), (5, 5, 2), (5, 5, 1), (5, 5, 2)]
    assert settled([events]) == ([True, True, True, False], 1, 2)


@pytest.mark.parametrize("shared", [0, 1, LARGEST])
def test_keys_that_share_one_half_are_different(shared):
    others = [0, 1, 2**32, 2**63, LARGEST]
    for events in ([(shared, other, 0) for other in others], [(other, shared, 0) for other in others]):
        assert settled([events]) == ([False] * 5, 0, 0)
        assert settled([events, events]) == ([True] * 5 + [False] * 5, 5, 0)


@pytest.mark.parametrize(("portion", "chunk"), [(1 << 20, 1 << 16), (1 << 7, 1 << 5), (1 << 5, 1 << 7)])
def test_many_keys_among_which_some_repeat_and_some_share_a_half(portion, chunk):
    generator = np.random.default_rng(1)
    first = generator.integers(0, LARGEST, 6_000, np.uint64, endpoint=True)
    second = generator.integers(0, LARGEST, 6_000, np.uint64, endpoint=True)
    repeated, source = generator.choice(6_000, (2, 900), replace=False)
    first[repeated], second[repeated[:600]] = first[source], second[source[:600]]
    values = generator.integers(0, 2, 6_000)
    events = list(zip(first.tolist(), second.tolist(), values.tolist(), strict=True))
    assert settled([events[start : start + 500] for start in range(0, 6_000, 500)], portion, chunk) == expected(events)


def test_very_many_keys_may_share_a_half(tmp_path):
    second = np.arange(100_000, dtype=np.uint64) << np.uint64(44)
    finder = DuplicateFinder(tmp_path, "ClientId")
    for values in (second, second * np.uint64(0)):
        finder.add(Keys(np.zeros(100_000, np.uint64), second), values)
    dropped = finder.settle()
    finder.close()
    assert (dropped.same, dropped.other) == (1, 99_999)
    assert dropped.mask[:100_000].all()
    assert not dropped.mask[100_000:].any()


@pytest.mark.parametrize(("portion", "part"), [(1 << 20, 4), (1 << 15, 7)])
def test_memory_stays_far_below_what_the_keys_take(portion, part, tmp_path, monkeypatch):
    monkeypatch.setattr(duplicates, "PORTION", portion)
    monkeypatch.setattr(duplicates, "CHUNK", 1 << 13)
    count, block = 3_000_000, 50_000
    generator = np.random.default_rng(1)
    values, again = np.zeros(block, np.uint64), np.zeros((2, 500), np.uint64)
    finder = DuplicateFinder(tmp_path, "ClientId")
    tracemalloc.start()
    try:
        for number in range(count // block):
            keys = generator.integers(0, LARGEST, (2, block), np.uint64)
            if number % 10 == 9:
                keys[:, :500] = again
            again = keys[:, -500:]
            finder.add(Keys(*keys), values)
        dropped = finder.settle()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    finder.close()
    assert dropped.same == dropped.mask.sum() == 3_000
    assert peak < count * 24 / part


def test_the_files_lie_in_the_folder_that_was_given(tmp_path):
    finder = DuplicateFinder(tmp_path, "Yclid")
    add(finder, [(1, 1, 1)])
    finder.close()
    assert all(path.name.startswith("Yclid") for path in tmp_path.iterdir())
    assert sum(path.stat().st_size for path in tmp_path.iterdir())


def mixed(words):
    """Mix as MurmurHash3 does, in plain numbers."""
    word = int(words[0])
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        word = (word ^ word >> 33) * factor & LARGEST
    return np.array([word ^ word >> 33], np.uint64)


def keys_of(numbers, times, *parts):
    low, high = identifier_words(pa.array(numbers, pa.string()), Rule.NUMBER)
    first, second = seed(*parts)
    seeds = Keys(np.full(len(low), first, np.uint64), np.full(len(low), second, np.uint64))
    keys = event_keys(low, high, np.array(times, np.int64), seeds)
    return list(zip(keys.first.tolist(), keys.second.tolist(), strict=True))


NUMBERS = st.integers(0, LARGEST).map(str)
TIMES = st.integers(0, 2**40 - 1)


@given(st.sets(st.tuples(NUMBERS | st.sampled_from(["1", "10", "100"]), TIMES | st.just(0)), min_size=1, max_size=50))
def test_numbers_and_times_never_collide(pairs):
    numbers, times = zip(*pairs, strict=True)
    assert len(set(keys_of(numbers, times, "goal"))) == len(pairs)


@given(st.integers(0, LARGEST), st.integers(0, 255), TIMES, st.text(max_size=5))
def test_a_key_can_be_undone(low, high, time, goal):
    first, second = (np.array([half], np.uint64) for half in seed(goal))
    words = (np.array([word], np.uint64) for word in (low, high))
    left, right = event_keys(*words, np.array([time]), Keys(first, second))
    for _ in range(2):
        right = right ^ mixed(left)
        left = left ^ mixed(right)
    assert (left ^ first).tolist() == [low]
    assert (right ^ second).tolist() == [(time << 8) + high]


def test_neighbouring_numbers_and_times_never_collide():
    pairs = list(itertools.product(range(10**17, 10**17 + 200), range(1_717_200_000, 1_717_200_200)))
    numbers, times = zip(*pairs, strict=True)
    assert len(set(keys_of(map(str, numbers), times, "goal"))) == len(pairs)


@given(NUMBERS, TIMES)
def test_equal_events_have_equal_keys(number, time):
    one, other = keys_of([number, number], [time, time], "goal")
    assert one == other


@given(NUMBERS, TIMES, st.text(max_size=5), st.text(max_size=5))
def test_another_goal_is_another_event(number, time, one, other):
    same = keys_of([number], [time], "1", one) == keys_of([number], [time], "1", other)
    assert same == (one == other)


def test_seeds_tell_where_a_part_ends():
    seeds = [seed(), seed("ab"), seed("a", "b"), seed("", "ab"), seed("ab", ""), seed("ba")]
    assert len(set(seeds)) == 6
    assert all(0 <= half <= LARGEST for halves in seeds for half in halves)


PRICES = st.integers(-1, 2**63 - 1)
CURRENCIES = st.integers(0, len(LETTERS) - 1)


@given(st.sets(st.tuples(PRICES | st.integers(-1, 3), CURRENCIES), min_size=1, max_size=50))
def test_worth_tells_prices_and_currencies_apart(pairs):
    prices, currencies = zip(*pairs, strict=True)
    values = worth(np.array(prices, np.int64), np.array(currencies, np.int16))
    assert values.dtype == np.uint64
    assert len(set(values.tolist())) == len(pairs)


# Snapshots, of which the latest state stays.

RANKS = st.sampled_from([0, 0, 1, 2, 2**40, 2**62])
STATES = st.lists(st.tuples(HALVES, HALVES, VALUES, RANKS), max_size=60)


def latest(states):
    """Tell what a dictionary tells: which states go; and of how many the value, or its upper half, is another."""
    best = {}
    for place, (first, second, value, rank) in enumerate(states):
        if (first, second) not in best or rank >= best[first, second][0]:
            best[first, second] = (rank, place, value)
    kept = {place for _, place, _ in best.values()}
    unlike = [value ^ best[first, second][2] for first, second, value, _ in states]
    dropped = [place not in kept for place in range(len(states))]
    other, half = sum(map(bool, unlike)), sum(bool(one >> 32) for one in unlike)
    return dropped, sum(dropped) - other, other, half


def ranked(parts, portion=duplicates.PORTION, chunk=duplicates.CHUNK):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "PORTION", portion)
        patch.setattr(duplicates, "CHUNK", chunk)
        finder = DuplicateFinder(Path(folder), "orders-", ranked=True)
        for states in parts:
            first, second, values, ranks = zip(*states, strict=True) if states else ((), (), (), ())
            keys = Keys(np.array(first, np.uint64), np.array(second, np.uint64))
            finder.add(keys, np.array(values, np.uint64), np.array(ranks, np.int64))
        result = finder.settle()
        finder.close()
    return result.mask.tolist(), *result[1:]


@given(STATES, st.lists(st.integers(0, 60), max_size=5), st.integers(1, 20), st.integers(1, 20))
def test_of_equal_keys_the_last_of_the_highest_rank_stays(states, cuts, portion, chunk):
    parts = parted(states, cuts)
    assert ranked(parts) == ranked(parts, portion, chunk) == latest(states)


def test_the_latest_state_stays_wherever_it_stands():
    old, new, same = (5, 5, 1, 10), (5, 5, 2, 20), (5, 5, 3, 20)
    assert ranked([[old, new]])[0] == [True, False]
    assert ranked([[new, old]])[0] == [False, True]
    assert ranked([[new], [old], [same]])[0] == [True, True, False]
    assert ranked([[same], [new], [old]])[0] == [True, False, True]


def test_values_may_differ_in_their_lower_half_alone():
    high = 1 << 32
    states = [(1, 1, 7, 0), (1, 1, 7 | high, 0), (1, 1, 8, 0), (1, 1, 7, 0)]
    assert ranked([states]) == ([True, True, True, False], 1, 2, 1)


@settings(max_examples=20)
@given(EVENTS)
def test_without_ranks_the_order_alone_counts(events):
    states = [(*event, 0) for event in events]
    assert ranked([states])[:3] == expected(events)


WORDS = st.lists(st.integers(0, 3) | st.integers(0, LARGEST), max_size=30)


@given(WORDS, WORDS, st.sampled_from([1, 2, 1 << 22]))
def test_keys_are_found_among_others(own, wanted, bits):
    """In a key both words are mixed, so that one first word has one second."""
    one, other = (Keys(np.array(words, np.uint64), mixed_all(words)) for words in (own, [*wanted, *own[:2]]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "MOST_BITS", bits)
        found = is_among(one, other)
    assert found.tolist() == [word in {*wanted, *own[:2]} for word in own]


def mixed_all(words):
    return np.array([int(mixed([word])[0]) for word in words], np.uint64)
