"""Reads many JSON records at once, as long as they are plain: the kernel beside the reference (`flattening`).

Between two texts of a plain record stands one of a few things: a colon, a comma, a number or a word, brackets. So a
record is the texts in it and the kinds of the gaps behind them, which are judged once for each distinct spelling.
Records with lists of anything but texts, with a name twice, or with anything odd are left to the reference.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import (
    distinct_texts,
    is_utf_8,
    mask,
    number_column,
    numbers,
    repeated,
    replace_texts,
    slices,
    text_column,
)
from csvexport.sources.flattening import DEEPEST
from csvexport.sources.structure import Brackets, are_paired, find_brackets, find_marks

Offsets = NDArray[np.signedinteger]

_COLON, _COMMA, _SPACE, _BRACE = (ord(sign) for sign in ":, {")
_CONTROLS: Final = 0x20
_BREAK: Final = ord("\n")

# Where more stands between a key and its value, or behind a number, the reference reads the record.
_LONGEST_BLANK: Final = 4
_LONGEST_GAP: Final = 80

_BEHIND_WORDS: Final = np.zeros(256, np.bool_)
_BEHIND_WORDS[np.frombuffer(b" \t\r\n,{}[", np.uint8)] = True
_WORD: Final = r"^(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false|null)$"

# What may follow a backslash, and the digits behind a `u`; the first two of half a character are D8 to DF.
_MEANINGS: Final = np.zeros(256, np.bool_)
_MEANINGS[np.frombuffer(b'"\\/bfnrtu', np.uint8)] = True
_HEXADECIMAL: Final = np.zeros(256, np.bool_)
_HEXADECIMAL[np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)] = True
_HALVES: Final = np.frombuffer(b"dD", np.uint8)
_HALVES_NEXT: Final = np.frombuffer(b"89abcdefABCDEF", np.uint8)

# Fewer columns than this are sorted as short numbers, which is much faster.
_SHORT: Final = 1 << 15

# More distinct spellings of gaps than this are no layout.
_MOST_GAPS: Final = 4096


class _Gap(IntEnum):
    """What stands behind a text, or behind the number that follows it."""

    ODD = 0
    COLON = 1
    OBJECT = 2
    COMMA = 3
    NEXT = 4
    LAST = 5
    ODD_NEXT = 6
    ODD_LAST = 7
    LIST = 8
    LIST_COMMA = 9
    LIST_NEXT = 10
    LIST_LAST = 11


def _patterns(blank: str, between: str) -> dict[_Gap, re.Pattern[str]]:
    """Give the spellings of gaps; between two records stands what is between them, with blanks of this kind before."""
    behind = rf"{_BLANK}\{{{_BLANK}"
    spellings = {
        _Gap.COLON: _BLANK,
        _Gap.OBJECT: rf"{_BLANK}\{{{_BLANK}",
        _Gap.LIST: rf"{_BLANK}\[{_BLANK}",
        _Gap.COMMA: rf"{_BLANK}(\}}{_BLANK})*,{_BLANK}",
        _Gap.NEXT: rf"{blank}(\}}{blank})+{between}{behind}",
        _Gap.LAST: rf"{_BLANK}(\}}{_BLANK})+",
        _Gap.LIST_COMMA: rf"{_BLANK}\]{_BLANK}(\}}{_BLANK})*,{_BLANK}",
        _Gap.LIST_NEXT: rf"{blank}\]{blank}(\}}{blank})+{between}{behind}",
        _Gap.LIST_LAST: rf"{_BLANK}\]{_BLANK}(\}}{_BLANK})+",
        _Gap.ODD_NEXT: rf'[^"{{]*?([\]}}]{blank})+{between}{behind}',
        _Gap.ODD_LAST: rf'[^"{{]*?([\]}}]{_BLANK})+',
    }
    return {kind: re.compile(spelling) for kind, spelling in spellings.items()}


_BLANK: Final = r"[ \t\r\n]*"
_GOES_ON: Final = np.isin(np.arange(len(_Gap)), (_Gap.NEXT, _Gap.LIST_NEXT, _Gap.ODD_NEXT))
_ENDS_RECORD: Final = np.isin(np.arange(len(_Gap)), (_Gap.NEXT, _Gap.LIST_NEXT))
_ENDS_LIST: Final = np.isin(np.arange(len(_Gap)), (_Gap.LIST_COMMA, _Gap.LIST_NEXT, _Gap.LIST_LAST))
_LAST: Final = frozenset({_Gap.LAST, _Gap.LIST_LAST, _Gap.ODD_LAST})
_WANTS_NAME: Final = np.isin(np.arange(len(_Gap)), (_Gap.COMMA, _Gap.NEXT, _Gap.LAST))
_LINE_GAPS: Final = _patterns(r"[ \t\r]*", r"\n")
_LIST_GAPS: Final = _patterns(_BLANK, ",")


class _Texts(NamedTuple):
    """The texts of a piece.

    Attributes:
        opening, closing: offsets of the quotes around each.
        ends: offset of the next one's opening quote, or of the piece's end.
        records: which record each belongs to.
        depths: how many objects are open around it.
    """

    opening: Offsets
    closing: Offsets
    ends: Offsets
    records: Offsets
    depths: Offsets


def read_plain(data: bytes | memoryview, *, lines: bool) -> "PlainRecords | None":
    """Read the records of a piece.

    Args:
        data: the records, and what stands between them.
        lines: whether each record is a line; else they are elements of a list.

    Returns:
        The records; None when the reference must read the piece, since its records cannot be told apart beyond doubt.
    """
    text = np.frombuffer(data, np.uint8)
    quotes, *backslashes = find_marks(text)
    if len(quotes) < 2 or len(quotes) % 2 or not is_utf_8(data, len(data)):  # noqa: PLR2004 - a text has two
        return None
    places, depths = find_brackets(text, quotes)
    closing = np.flatnonzero(depths == 0)
    if not len(closing) or depths[-1] or depths.min() < 0 or depths.max() > DEEPEST:
        return None
    if not are_paired(text, Brackets(places, depths)):
        return None
    starts = places[np.concatenate([[0], closing[:-1] + 1])]
    ends = places[closing] + 1
    controls = np.flatnonzero(text < _CONTROLS)
    breaks = controls[text[controls] == _BREAK]
    if (text[starts] != _BRACE).any() or (lines and not _one_a_line(breaks, starts, ends)):
        return None
    opening = quotes[0::2].astype(np.int32)
    closing_quotes = quotes[1::2].astype(np.int32)
    without_text = opening[0] < starts[0] or opening[-1] < starts[-1]
    if without_text or not _is_beginning(data[: opening[0]], lines=lines):
        return None
    records = _spread(np.arange(len(starts), dtype=np.int32), np.searchsorted(opening, starts), len(opening))
    around = _spread(depths, np.searchsorted(opening, places), len(opening))
    texts = _Texts(opening, closing_quotes, np.append(opening[1:], np.int32(len(data))), records, around)
    judge = _Judge(data, text, texts, lines=lines)
    judge.judge_controls(controls)
    escaped = judge.judge_escapes(*backslashes)
    return judge.records(starts, ends, escaped)


def _spread(values: Offsets, begins: Offsets, count: int) -> Offsets:
    """Give each value to all places from where it begins to where the next one does."""
    return np.repeat(values, np.diff(np.append(begins, count)))


def _one_a_line(breaks: Offsets, starts: Offsets, ends: Offsets) -> bool:
    """Whether each record stands in a line of its own."""
    first, last = np.searchsorted(breaks, starts), np.searchsorted(breaks, ends)
    return bool((first == last).all() and (first[1:] > first[:-1]).all())


def _is_beginning(gap: bytes | memoryview, *, lines: bool) -> bool:
    return bool(re.fullmatch(rb"[ \t\r\n]*\{[ \t\r\n]*" if lines else rb"[ \t\r\n]*,?[ \t\r\n]*\{[ \t\r\n]*", gap))


class _Judge:
    """Judges one piece: what each of its texts is, and which records are not plain."""

    def __init__(self, data: bytes | memoryview, text: NDArray[np.uint8], texts: _Texts, *, lines: bool) -> None:
        self._data = data
        self._text = text
        self._texts = texts
        self._lines = lines
        count = len(texts.opening)
        self._gaps = np.zeros(count, np.int8)
        self._is_key = np.zeros(count, np.bool_)
        # Where the number or word behind a key begins and ends; both are the same where there is none.
        self._words = texts.closing + 1
        self._word_ends = self._words.copy()
        self._nothing = np.zeros(count, np.bool_)
        self._lists = self._nothing
        self._odd: list[Offsets] = []

    def records(self, starts: Offsets, ends: Offsets, escaped: NDArray[np.bool_] | None) -> "PlainRecords | None":
        """Give the records, None if what stands between two of them is odd."""
        if not self._judge_gaps() or not self._judge_order():
            return None
        keys = self._keys()
        if keys is None:
            return None
        odd = np.unique(np.concatenate([np.zeros(0, np.int64), *self._odd]))
        word_ends = np.where(self._nothing, self._words, self._word_ends)
        lists = np.append(np.flatnonzero(_ENDS_LIST[self._gaps] & ~self._is_key), 0) if self._lists.any() else None
        values = _Values(self._texts, self._gaps, self._words, word_ends, escaped, lists)
        return PlainRecords(self._data, values, keys, _Places(starts, ends, odd))

    def _judge_gaps(self) -> bool:
        """Tell the kind of every gap; False if there are too many."""
        begins, ends = self._texts.closing + 1, self._texts.ends
        lengths = ends - begins
        first = self._text.take(begins, mode="clip")
        self._is_key = (first == _COLON) & (lengths > 0)
        short = (lengths == 1) | ((lengths == 2) & (self._text.take(begins + 1, mode="clip") == _SPACE))  # noqa: PLR2004
        self._gaps[short & self._is_key] = _Gap.COLON
        self._gaps[short & (first == _COMMA)] = _Gap.COMMA
        rest = np.flatnonzero(self._gaps == _Gap.ODD)
        valued = rest[self._is_key[rest]]
        self._find_words(valued)
        others = rest[~self._is_key[rest]]
        return self._name_gaps(others, begins[others]) and self._name_gaps(valued, self._word_ends[valued])

    def _find_words(self, valued: Offsets) -> None:
        """Find the number or word behind each of these keys, and see that it is one."""
        text = self._text
        begins = self._texts.closing[valued] + 2
        for _ in range(_LONGEST_BLANK):
            begins += text.take(begins, mode="clip") == _SPACE
        ends = self._texts.ends[valued]
        # From the end on there is less to go through than from the beginning.
        active = np.arange(len(valued))
        for _ in range(_LONGEST_GAP):
            active = active[_BEHIND_WORDS[text[ends[active] - 1]]]
            if not len(active):
                break
            ends[active] -= 1
        ends = np.maximum(begins, ends)
        # An empty object or list says nothing, as null does.
        signs = text.take(begins, mode="clip").astype(np.int16) * 256 + text.take(begins + 1, mode="clip")
        empty = ((signs == _pair("{}")) | (signs == _pair("[]"))) & (ends <= begins + 2)
        ends = np.where(empty, begins + 2, ends)
        self._words[valued], self._word_ends[valued] = begins, ends
        words = np.flatnonzero((ends > begins) & ~empty)
        right = mask(pc.match_substring_regex(slices(self._data, begins[words], ends[words]), _WORD))
        self._odd.append(self._texts.records[valued[words[~right]]])
        self._nothing[valued] = empty | ((signs == _pair("nu")) & (ends == begins + len("null")))

    def _name_gaps(self, which: Offsets, begins: Offsets) -> bool:
        """Tell the kinds of some gaps by their spellings."""
        encoded = slices(self._data, begins, self._texts.ends[which]).dictionary_encode()
        spellings = encoded.dictionary.to_pylist()
        if len(spellings) > _MOST_GAPS:
            return False
        kinds = np.array([_kind(spelling, lines=self._lines) for spelling in spellings], np.int8)
        if len(which):
            self._gaps[which] = kinds[numbers(encoded.indices)]
        return True

    def _judge_order(self) -> bool:
        """See that names and values take turns, and records follow each other; False if the records cannot be told."""
        gaps, records, is_key = self._gaps, self._texts.records, self._is_key
        steps = np.diff(records)
        follows, last = gaps[:-1], int(gaps[-1])
        goes_on = _GOES_ON[follows]
        told_apart = not ((steps > 1) | ((steps == 1) & ~goes_on)).any()
        if not told_apart or last not in _LAST:
            return False
        has_word = self._word_ends > self._words
        opens = is_key & (gaps == _Gap.OBJECT) & ~has_word
        self._lists = is_key & (gaps == _Gap.LIST) & ~has_word
        inside = self._judge_lists(_ENDS_LIST[gaps] & ~is_key)
        goes_on = inside & (gaps == _Gap.COMMA)
        wants_text = (is_key & (gaps == _Gap.COLON)) | self._lists | goes_on
        wants_name = (_WANTS_NAME[gaps] & (~is_key | has_word) & ~inside) | (inside & _ENDS_LIST[gaps])
        wrong = ~(wants_text | wants_name | opens)
        wrong[:-1] |= _ENDS_RECORD[follows] & (steps == 0)
        wrong[:-1] |= goes_on[:-1] & (np.diff(self._texts.depths) != 0)
        wrong[1:] |= is_key[1:] == wants_text[:-1]
        wrong[0] |= not is_key[0]
        self._odd.append(records[wrong])
        return True

    def _judge_lists(self, ends: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell which texts are elements of a list, none of which is in another; records in which one is not are odd.

        Args:
            ends: whether a text is the last element of a list, if it is one.
        """
        if not self._lists.any():
            return np.zeros(len(ends), np.bool_)
        records = self._texts.records
        steps = self._lists.astype(np.int32) - ends
        behind = np.cumsum(steps, dtype=np.int32)
        before = behind - steps
        first = np.flatnonzero(np.diff(records, prepend=-1))
        base = before[first][records]
        last = np.append(first[1:], len(records)) - 1
        self._odd.append(records[((before - base) >> 1) != 0])
        self._odd.append(records[last[behind[last] != base[last]]])
        inside: NDArray[np.bool_] = before - base == 1
        return inside

    def judge_controls(self, controls: Offsets) -> None:
        """Find texts that hold control characters, which JSON writes with a backslash."""
        which = np.searchsorted(self._texts.opening, controls) - 1
        inside = (which >= 0) & (controls < self._texts.closing[which])
        self._odd.append(self._texts.records[which[inside]])

    def judge_escapes(self, backslashes: Offsets, signs: Offsets) -> NDArray[np.bool_] | None:
        """Find texts in which `signs`, those backslashes that speak of what follows, say nothing.

        Returns:
            Which texts hold backslashes; None where none does.
        """
        if not len(backslashes):
            return None
        meaning = self._text.take(signs + 1, mode="clip")
        codes = signs[meaning == ord("u")]
        digits = self._text.take(codes[:, None] + np.arange(2, 6), mode="clip")
        # Characters in two halves are left to the reference.
        halves = np.isin(digits[:, 0], _HALVES) & np.isin(digits[:, 1], _HALVES_NEXT)
        wrong = np.concatenate([signs[~_MEANINGS[meaning]], codes[~_HEXADECIMAL[digits].all(1) | halves]])
        self._odd.append(self._texts.records[self._texts_at(wrong)])
        escaped = np.zeros(len(self._texts.opening), np.bool_)
        escaped[self._texts_at(backslashes)] = True
        return escaped

    def _texts_at(self, places: Offsets) -> Offsets:
        """Give the text in which, or behind which, each place stands."""
        return np.maximum(np.searchsorted(self._texts.opening, places) - 1, 0)

    def _keys(self) -> "_Keys | None":
        """Tell which texts name which columns; None if two paths bear one name."""
        which = np.flatnonzero(self._is_key)
        if not len(which):
            return None
        encoded = slices(self._data, self._texts.opening[which] + 1, self._texts.closing[which]).dictionary_encode()
        spellings = [_unescaped(spelling) for spelling in encoded.dictionary.to_pylist()]
        if any(spelling is None for spelling in spellings):
            return None
        codes = numbers(encoded.indices).astype(np.int64)
        paths: dict[int, str] = {code: str(spelling) for code, spelling in enumerate(spellings)}
        depths = self._texts.depths[which]
        opens = (self._gaps[which] == _Gap.OBJECT) & (self._word_ends[which] == self._words[which])
        for depth in range(2, int(depths.max(initial=1)) + 1):
            self._go_deeper(codes, paths, depths, opens, depth)
        if len(set(paths.values())) < len(paths):
            return None
        records = self._texts.records[which]
        # Most records name their columns in one order.
        width = int(np.searchsorted(records, 1))
        count = int(self._texts.records[-1]) + 1
        regular = len(records) == width * count and len(np.unique(codes[:width])) == width
        if regular and (codes.reshape(-1, width) == codes[:width]).all() and (np.diff(records[::width]) == 1).all():
            by_path = {paths[code]: which[place::width] for place, code in enumerate(codes[:width].tolist())}
            return _Keys(by_path, regular=True)
        order = np.argsort(codes.astype(np.int16) if len(paths) < _SHORT else codes, kind="stable")
        ordered = codes[order]
        twice = (ordered[1:] == ordered[:-1]) & (records[order[1:]] == records[order[:-1]])
        self._odd.append(records[order[1:]][twice])
        bounds = np.searchsorted(ordered, np.arange(max(paths) + 2))
        return _Keys(
            {path: which[order[bounds[code] : bounds[code + 1]]] for code, path in paths.items()}, regular=False
        )

    @staticmethod
    def _go_deeper(
        codes: Offsets, paths: dict[int, str], depths: Offsets, opens: NDArray[np.bool_], depth: int
    ) -> None:
        """Put the name of the object before the names of the keys in it; codes and paths are changed."""
        at = np.flatnonzero(depths == depth)
        around = np.where(opens & (depths == depth - 1), np.arange(len(codes)), 0)
        parents = codes[np.maximum.accumulate(around)[at]]
        pairs, places = np.unique(parents * len(codes) + codes[at], return_inverse=True)
        first = max(paths) + 1
        for number, pair in enumerate(pairs.tolist()):
            parent, own = divmod(pair, len(codes))
            paths[first + number] = f"{paths[parent]}.{paths[own]}"
        codes[at] = first + places


class _Keys(NamedTuple):
    """Which texts name which columns.

    Attributes:
        by_path: for each column the numbers of the texts that name it, ascending.
        regular: whether every record names each of them, once.
    """

    by_path: Mapping[str, Offsets]
    regular: bool


class _Values(NamedTuple):
    """What stands behind each text.

    Attributes:
        texts: the texts.
        gaps: the kind of the gap behind it: what it names is the next text, or a list.
        words, word_ends: offsets of the number or word behind it, the same where that says nothing.
        escaped: whether a text holds backslashes; None where none does.
        list_ends: the last elements of the lists; None where there is no list.
    """

    texts: _Texts
    gaps: NDArray[np.int8]
    words: Offsets
    word_ends: Offsets
    escaped: NDArray[np.bool_] | None
    list_ends: Offsets | None


class _Places(NamedTuple):
    """Where the records stand, and which are not plain; see `PlainRecords`."""

    starts: Offsets
    ends: Offsets
    odd: Offsets


class PlainRecords:
    """Some records.

    Attributes:
        starts, ends: offsets of each record's first byte, and behind its last.
        odd: the numbers of the records that are not plain, ascending; what is read of them means nothing.
    """

    def __init__(self, data: bytes | memoryview, values: _Values, keys: _Keys, places: _Places) -> None:
        """Take what was judged."""
        self._data = data
        self._values = values
        self._keys = keys
        self.starts, self.ends, self.odd = places

    def cells(self, name: str, records: Offsets | None = None) -> pa.StringArray:
        """Give the cells of one column; those of all records, or of these, ascending."""
        keys = self._keys.by_path.get(name)
        if keys is None:
            return repeated("", len(self.starts) if records is None else len(records))
        if records is not None:
            keys, rows, count = self._narrowed(keys, records)
        else:
            rows, count = self._values.texts.records[keys], len(self.starts)
        following = np.minimum(keys + 1, len(self._values.texts.opening) - 1)
        gaps = self._values.gaps[keys]
        is_text = gaps == _Gap.COLON
        begins, ends = self._values.texts.opening[following] + 1, self._values.texts.closing[following]
        if not is_text.all():
            begins = np.where(is_text, begins, self._values.words[keys])
            ends = np.where(is_text, ends, self._values.word_ends[keys])
        if len(keys) < count or not self._keys.regular:
            begins, ends = _with_gaps(begins, ends, rows, count)
        column = slices(self._data, begins, ends)
        if self._values.escaped is not None:
            column = _without_escapes(column, rows[is_text & self._values.escaped[following]])
        if self._values.list_ends is None:
            return column
        is_list = (gaps == _Gap.LIST) & (self._values.words[keys] == self._values.word_ends[keys])
        listed = dict(zip(rows[is_list].tolist(), map(self._joined, keys[is_list].tolist()), strict=True))
        texts = [listed[row] for row in sorted(listed)]
        return replace_texts(column, np.array(sorted(listed), np.intp), text_column(texts))

    def _joined(self, key: int) -> str:
        """Join the elements of a list."""
        ends = self._values.list_ends
        if ends is None:
            raise AssertionError("what names a list is followed by one")
        last = int(ends[np.searchsorted(ends[:-1], key)])
        opening, closing = self._values.texts.opening, self._values.texts.closing
        places = range(key + 1, last + 1)
        texts = [bytes(self._data[opening[place] + 1 : closing[place]]).decode() for place in places]
        return ",".join(filter(None, [_unescaped(text) for text in texts]))

    def _narrowed(self, keys: Offsets, records: Offsets) -> tuple[Offsets, Offsets, int]:
        """Give the keys that stand in some records, and which of these each stands in."""
        if self._keys.regular:
            return keys[records], np.arange(len(records)), len(records)
        rows = np.searchsorted(records, self._values.texts.records[keys])
        found = records.take(rows, mode="clip") == self._values.texts.records[keys]
        return keys[found], rows[found], len(records)


def _with_gaps(begins: Offsets, ends: Offsets, rows: Offsets, count: int) -> tuple[Offsets, Offsets]:
    """Give every row a part of the text, an empty one to those that have none."""
    all_begins, all_ends = np.zeros(count, np.int64), np.zeros(count, np.int64)
    all_begins[rows], all_ends[rows] = begins, ends
    all_ends = np.maximum.accumulate(all_ends)
    return np.where(all_begins, all_begins, all_ends), all_ends


def _without_escapes(column: pa.StringArray, escaped: Offsets) -> pa.StringArray:
    """Give the column with what backslashes mean in some of its rows."""
    if not len(escaped):
        return column
    rows = np.unique(escaped)
    texts, which = distinct_texts(column, rows)
    plain = text_column([_unescaped(text) or "" for text in texts])
    return replace_texts(column, rows, plain.take(number_column(which.astype(np.int32))))


def _pair(signs: str) -> int:
    return ord(signs[0]) * 256 + ord(signs[1])


def _kind(spelling: str, *, lines: bool) -> _Gap:
    """Tell what a gap is, behind the number or word in it."""
    for kind, pattern in (_LINE_GAPS if lines else _LIST_GAPS).items():
        if pattern.fullmatch(spelling):
            return kind
    return _Gap.ODD


def _unescaped(text: str) -> str | None:
    """Read what stands between two quotes; None if it is no text."""
    if "\\" not in text:
        return text
    with suppress(ValueError):
        plain = str(json.loads(f'"{text}"'))
        plain.encode()
        return plain
    return None
