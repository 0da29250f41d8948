import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.values.mixing import mixed, text_words

LARGEST = 2**64 - 1

SHORT = st.text(st.characters(codec="utf-8"), max_size=15).filter(lambda text: len(text.encode()) <= 15)
ANY = SHORT | st.text(st.characters(codec="utf-8"), min_size=8, max_size=40)


def words(texts):
    low, high = text_words(pa.array(texts, pa.string()))
    assert (low.dtype, high.dtype) == (np.uint64, np.uint64)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def unmixed(word):
    """Undo the mixing in plain numbers: MurmurHash3's steps backwards, by the inverses of its factors."""
    for factor in (0xC4CEB9FE1A85EC53, 0xFF51AFD7ED558CCD):
        word ^= word >> 33
        word = word * pow(factor, -1, 2**64) & LARGEST
    return word ^ word >> 33


@given(st.integers(0, LARGEST))
def test_mixing_can_be_undone_so_that_no_two_words_become_one(word):
    assert unmixed(int(mixed(np.array([word], np.uint64))[0])) == word


def test_mixing_leaves_the_words_that_it_was_given_as_they_are():
    given_words = np.arange(5, dtype=np.uint64)
    mixed(given_words)
    assert given_words.tolist() == [0, 1, 2, 3, 4]


@given(st.sets(SHORT, min_size=1, max_size=30))
def test_texts_of_up_to_15_bytes_can_be_read_from_their_words(texts):
    texts = sorted(texts)
    for text, (low, high) in zip(texts, words(texts), strict=True):
        upper = high ^ int(mixed(np.array([low], np.uint64))[0])
        lower = low ^ int(mixed(np.array([upper], np.uint64))[0])
        packed = np.array([lower, upper], "<u8").tobytes()
        assert packed[: packed[15]].decode() == text
        assert not any(packed[packed[15] : 15])


@given(st.sets(ANY, min_size=1, max_size=30))
def test_different_texts_have_different_words(texts):
    assert len(set(words(sorted(texts)))) == len(texts)


@given(st.lists(ANY, max_size=12), st.integers(0, 3), st.integers(0, 3))
def test_equal_texts_have_equal_words_wherever_they_stand(texts, before, behind):
    column = pa.array([*["x"] * before, *texts, *["сумма заказа"] * behind], pa.string())[before : before + len(texts)]
    low, high = text_words(column)
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == [words([text])[0] for text in texts]


@pytest.mark.parametrize("text", ["a", "x" * 15, "x" * 16, "x" * 17, "я" * 8])
def test_zeros_in_a_text_count(text):
    assert len(set(words([text, f"{text}\0", f"\0{text}", f"{text}\0\0"]))) == 4


def test_no_texts_have_no_words():
    assert words([]) == []
    assert len(set(words(["", ""]))) == 1
