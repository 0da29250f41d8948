"""Writes a CRM export as large and as untidy as wanted: `generate.py ROWS utf8|cp1251 FILE [--seed N]`.

The same rows, encoding and seed give the same bytes; the two encodings hold the same rows. About half of the rows
match the job (`job.py`), 3 % of all are dirty, 0.5 % repeat an earlier row in everything but order and title.
The dirty values are such that every reader refuses them: no spelling that one tool takes and another does not.
"""

import argparse
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TypeAlias

import job
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

CHUNK = 250_000
FIRST_DAY = date(2023, 1, 1)
DAYS = 730
FIRST_ORDER = 10_000_000
NBSP = "\u00a0"

GOAL_SHARES = dict(zip(job.GOALS, (0.18, 0.10, 0.08, 0.16, 0.14), strict=True))
STATUS_SHARES = GOAL_SHARES | {"Взят в работу": 0.12, "Отказ": 0.12, "Отложен": 0.04, "Дубль": 0.03, "Возврат": 0.03}
PIPELINE_SHARES = dict(zip(job.PIPELINES, (0.6, 0.2), strict=True)) | {"Повторные продажи": 0.12, "Архив": 0.08}

EXPONENT_IDS = ("1.23E+17", "1,23457E+18", "9.87654E+18", "1.7E+19")
GARBAGE_IDS = ("undefined", "null", "-", "нет", "YJAD.1700000000.AbCd", "12345 67890")
BAD_TIMES = ("", "вчера", "31.02.2024 10:00:00", "00.00.0000 00:00:00", "31.05.2024 25:61:00")

Texts: TypeAlias = pa.StringArray
Numbers: TypeAlias = NDArray[np.int64]


class Table:
    """A short list of texts from which columns are taken by number."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = pa.array(texts, pa.string())

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, numbers: NDArray[np.integer]) -> Texts:
        return self.texts.take(pa.array(numbers))


EMPTY = 0
PLAIN, PADDED = 1, 1001  # where 0…999 begin in GROUPS as "7", and as "007"
GROUPS = Table(["", *map(str, range(1000)), *(f"{number:03}" for number in range(1000))])
PAIRS = Table(f"{number:02}" for number in range(100))
CENTS = Table([*(f"{number:02}" for number in range(100)), ""])
NO_CENTS = 100
DATES = Table(f"{FIRST_DAY + timedelta(days=day):%d.%m.%Y} " for day in range(DAYS))
CLOCKS = Table(f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(86_400))


def join(*parts: Texts | str, separator: str = "") -> Texts:
    """Join columns and constants, row by row."""
    return pc.binary_join_element_wise(*parts, separator)


def quoted(text: str, delimiter: str) -> str:
    """Quote a cell where the CSV dialect needs it."""
    if any(character in text for character in (delimiter, '"', "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text


class Generator:
    """Makes an export chunk by chunk; holds the random state and what earlier chunks left to be repeated."""

    def __init__(self, rows: int, encoding: str, seed: int) -> None:
        self.rows = rows
        self.dialect = job.DIALECTS[encoding]
        self.random = np.random.default_rng(seed)
        self.names = self._names()
        self.statuses, self.pipelines = Table(STATUS_SHARES), Table(PIPELINE_SHARES)
        self.earlier: list[Texts] = []

    def write(self, path: Path) -> None:
        """Write the whole export."""
        with path.open("wb") as sink:
            sink.write((self.dialect.delimiter.join(job.COLUMNS) + "\n").encode(self.dialect.codec))
            for start in range(0, self.rows, CHUNK):
                sink.write(self._chunk(start, min(CHUNK, self.rows - start)))

    def _chunk(self, start: int, count: int) -> bytes:
        delimiter = self.dialect.delimiter
        events = self._repeat(self._events(start, count))
        orders = pa.array(FIRST_ORDER + start + np.arange(count)).cast(pa.string())
        names = self.names[self.random.integers(0, len(self.names), count)]
        lines = join(join(orders, events, names, separator=delimiter), "\n")
        text = lines.buffers()[2]
        return text if self.dialect.codec == "utf-8" else text.to_pybytes().decode().encode(self.dialect.codec)

    def _events(self, start: int, count: int) -> Texts:
        """Return all cells of a row but the first and the last, joined: what a duplicate repeats."""
        return join(
            self._times(start, count),
            self.statuses[self._choose(STATUS_SHARES, count)],
            self.pipelines[self._choose(PIPELINE_SHARES, count)],
            self._yclids(count),
            self._clients(count),
            self._phones(count),
            self._emails(count),
            self._budgets(count),
            separator=self.dialect.delimiter,
        )

    def _repeat(self, events: Texts) -> Texts:
        """Replace 0.5 % of the rows by earlier ones: two of three from this chunk, one from any chunk before."""
        count = len(events)
        copies = np.flatnonzero(self.random.random(count) < 0.005)
        copies = copies[copies > 0]
        sources = np.arange(count)
        sources[copies] = self.random.integers(0, copies)
        if self.earlier:
            kept = pa.concat_arrays(self.earlier)
            sources[copies[::3]] = count + self.random.integers(0, len(kept), len(copies[::3]))
            repeated = pa.concat_arrays([events, kept]).take(pa.array(sources))
        else:
            repeated = events.take(pa.array(sources))
        self.earlier.append(events.take(pa.array(self.random.integers(0, count, 1 + count // 200))))
        return repeated

    def _names(self) -> Table:
        """Return titles of deals: 4 % need quotes, one in a thousand holds a line break."""
        firms = ("Ромашка", "Вектор", "СтройДом", "ТехноМир", "Сириус", "Лотос", "Гранит", "Дельта", "Орион", "Парус")
        quotable = ['ООО "{} {}"', 'Поставка "под ключ", {} {}', "Сделка, {}; {}", "Сделка; {}, {}"]
        titles = (quotable + ["Сделка {} {}"] * 96) * 10
        titles[4] = "Сделка {}\nзвонить после обеда, {}"
        texts = (titles[number % 1000].format(firms[number // 100 % 10], number) for number in range(20_000))
        return Table(quoted(text, self.dialect.delimiter) for text in texts)

    def _times(self, start: int, count: int) -> Texts:
        """Return local times, newest first with some disorder, as CRMs list their deals."""
        age = (start + np.arange(count)) / self.rows
        days = np.clip((1 - age) * DAYS + self.random.normal(0, 3, count), 0, DAYS - 1).astype(np.int32)
        seconds = np.clip(self.random.normal(50_400, 14_000, count), 0, 86_399).astype(np.int32)
        return self._soil(join(DATES[days], CLOCKS[seconds]), 0.006, BAD_TIMES)

    def _yclids(self, count: int) -> Texts:
        """Return numbers of 17 to 20 digits, 0.3 % of them with a blank behind."""
        longest = self.random.integers(10**19, 2**64 - 1, count, dtype=np.uint64)
        shorter = np.array([1, 10, 100, 1000], np.uint64)[self.random.integers(0, 4, count)]
        digits = pa.array(longest // shorter).cast(pa.string())
        blank = Table(["", " "])[(self.random.random(count) < 0.003).astype(np.int8)]
        ids = self._soil(join(digits, blank), 0.010, [""])
        ids = self._soil(ids, 0.005, EXPONENT_IDS)
        return self._soil(ids, 0.003, GARBAGE_IDS)

    def _clients(self, count: int) -> Texts:
        visit = self.random.integers(1_500_000_000, 1_735_000_000, count)
        return pa.array(visit * 10**8 + self.random.integers(0, 10**8, count)).cast(pa.string())

    def _phones(self, count: int) -> Texts:
        """Return phones in three spellings."""
        spelling = self.random.integers(0, 3, count)
        opening = Table(["+7 (", "8 ", "7"])[spelling], Table([") ", " ", ""])[spelling]
        blank = Table(["-", " ", ""])[spelling]
        prefix, middle = self.random.integers(900, 1000, count), self.random.integers(0, 1000, count)
        last = self.random.integers(0, 10_000, count)
        number = (GROUPS[PADDED + middle], blank, PAIRS[last // 100], blank, PAIRS[last % 100])
        return join(opening[0], GROUPS[PADDED + prefix], opening[1], *number)

    def _emails(self, count: int) -> Texts:
        logins = Table(["ivanov", "petrova", "Sale.s", "info", "a.smirnov", "USER", "kate_"])
        hosts = Table(["@mail.ru", "@yandex.ru", "@gmail.com", "@Ya.RU", "@company.ru"])
        number = self.random.integers(0, 1000, count)
        emails = join(
            logins[self.random.integers(0, len(logins), count)],
            GROUPS[PLAIN + number],
            hosts[self.random.integers(0, len(hosts), count)],
        )
        return self._soil(emails, 0.05, [""])

    def _budgets(self, count: int) -> Texts:
        """Return money in five spellings, 0.3 % negative and 0.3 % no number at all."""
        rouble = self.dialect.rouble
        spellings = self.random.choice(5, count, p=(0.6, 0.2, 0.05, 0.1, 0.05))
        blank = Table([" ", NBSP, " ", "", ""])
        point = Table([",", ",", "", ".", ","])
        suffix = Table([f" {rouble}", f"{NBSP}{rouble}", f" {rouble}", "", ""])
        quote = Table(['"' if comma == self.dialect.delimiter else "" for comma in (",", ",", "", ".", ",")])
        sign = Table(["", "-"])[(self.random.random(count) < 0.003).astype(np.int8)]
        roubles, cents = self._amounts(count)
        text = join(
            quote[spellings],
            sign,
            _grouped(roubles, blank.texts, spellings),
            point[spellings],
            CENTS[np.where(spellings == 2, NO_CENTS, cents)],
            suffix[spellings],
            quote[spellings],
        )
        return self._soil(text, 0.003, ("по договору", f"12 34x,00 {rouble}", "уточнить"))

    def _amounts(self, count: int) -> tuple[Numbers, Numbers]:
        """Return roubles (1 to 999,999,999) and kopecks: round sums mostly, else log-normal around 20,000."""
        round_sums = self.random.integers(1, 5000, count) * 100
        uneven = np.clip(np.exp(self.random.normal(9.9, 1.3, count)), 1, 999_999_999).astype(np.int64)
        is_round = self.random.random(count) < 0.5
        cents = self.random.integers(0, 100, count)
        return np.where(is_round, round_sums, uneven), np.where(is_round, 0, cents)

    def _choose(self, shares: dict[str, float], count: int) -> NDArray[np.integer]:
        return self.random.choice(len(shares), count, p=list(shares.values()))

    def _soil(self, column: Texts, share: float, values: Sequence[str]) -> Texts:
        """Replace a share of the cells by some of the values."""
        chosen = self.random.random(len(column)) < share
        table = Table(quoted(value, self.dialect.delimiter) for value in values)
        replacements = table[self.random.integers(0, len(table), int(chosen.sum()))]
        return pc.replace_with_mask(column, pa.array(chosen), replacements)


def _grouped(roubles: Numbers, blanks: Texts, spellings: Numbers) -> Texts:
    """Write whole numbers below a milliard in groups of three digits, with the blank of each row's spelling between."""
    millions, thousands, units = roubles // 10**6, roubles // 1000 % 1000, roubles % 1000
    no_blank = len(blanks)
    blank = Table([*blanks.to_pylist(), ""])
    return join(
        GROUPS[np.where(millions, PLAIN + millions, EMPTY)],
        blank[np.where(millions, spellings, no_blank)],
        GROUPS[np.where(millions, PADDED, np.where(thousands, PLAIN, EMPTY)) + np.where(roubles >= 1000, thousands, 0)],
        blank[np.where(roubles >= 1000, spellings, no_blank)],
        GROUPS[np.where(roubles >= 1000, PADDED, PLAIN) + units],
    )


def main() -> None:
    """Generate the export that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("encoding", choices=job.DIALECTS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    Generator(arguments.rows, arguments.encoding, arguments.seed).write(arguments.file)


if __name__ == "__main__":
    main()
