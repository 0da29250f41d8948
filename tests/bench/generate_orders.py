"""Writes an export of orders as large as wanted: `generate_orders.py ROWS FILE [--seed N]`.

The same rows and seed give the same bytes. One order in twenty stands there two or three times, anywhere in the file,
each time in another state; one in fifty of these states was saved in the same second as the one before. Phones and
e-mails are distinct up to ten million rows, and nobody's: there is no code 000. One in a hundred of each is none.
"""

import argparse
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import numpy as np
import orders
import pyarrow as pa
import pyarrow.compute as pc
from generate import BAD_TIMES, CHUNK, CLOCKS, GROUPS, PADDED, PAIRS, Numbers, Table, Texts, join
from numpy.typing import NDArray

DAYS = 150
DISORDER = 3 * 86_400
SPAN = DAYS * 86_400 - DISORDER
FIRST = orders.LOCAL_NOW - timedelta(days=DAYS)
MIDNIGHT = FIRST.replace(hour=0, minute=0, second=0)
DATES = Table(f"{MIDNIGHT + timedelta(days=day):%d.%m.%Y} " for day in range(DAYS + 1))

STATUS_SHARES = dict(zip(orders.STATUSES, (0.17, 0.15, 0.43, 0.12, 0.05), strict=True)) | {orders.UNMAPPED: 0.08}
STATES = 3  # at most of one order

PHONES = 9_999_999  # all that seven digits can tell apart but 0000000
OPENINGS = Table(["+7 000 ", "8 (000) ", "7000", "8-000-", "+7(000)"])
HYPHENS = Table(["-", "-", "", "-", ""])
LOGINS = Table(["Ivan.Petrov", "maria_s", "SALES", "info", "User.Name", "k-orlova", "Order+", "buh.OOO"])
HOSTS = Table(["@example.com", "@Example.com", "@example.org", "@EXAMPLE.ORG", "@example.ru", "@Mail.Example.ru"])
BLANKS = Table(["", " "])

# What people and programs fill in where there is nothing to fill in.
BAD_SHARE = 0.01
BAD_PHONES = Table(["нет", "12345", "+7 000", "8 (000)"])
BAD_EMAILS = Table(["нет", "ivan@", "info@example", "no e-mail", "@example.com"])
BAD_CLIENT_IDS = Table(["undefined", "(not set)", "1.7E+18", "GA1.2"])


class Draws:
    """Random numbers that belong to what they are drawn for: an order's phone is the same wherever the order stands."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, subjects: Numbers, purpose: str) -> NDArray[np.uint64]:
        """Return 64 random bits for each subject (the SplitMix64 generator at the place of the subject)."""
        start = (crc32(f"{self.seed} {purpose}".encode()) << 32) % 2**64
        bits = (subjects.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))

    def below(self, limit: int, subjects: Numbers, purpose: str) -> Numbers:
        """Return whole numbers from 0 to `limit` - 1."""
        return (self(subjects, purpose) % np.uint64(limit)).astype(np.int64)

    def fractions(self, subjects: Numbers, purpose: str) -> NDArray[np.float64]:
        """Return numbers from 0 to 1, without 1."""
        return (self(subjects, purpose) >> np.uint64(11)) / 2**53

    def happens(self, share: float, subjects: Numbers, purpose: str) -> NDArray[np.bool_]:
        """Tell for which subjects something happens that happens to this share of them."""
        return self.fractions(subjects, purpose) < share


class Generator:
    """Makes an export chunk by chunk; holds which order stands in which row, and in which of its states."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rows = rows
        self.draws = Draws(seed)
        self.statuses = Table(STATUS_SHARES)
        self.bounds = np.cumsum(list(STATUS_SHARES.values()))[:-1]
        self.order, self.state = self._places()
        self.orders = 1 + int(self.order.max(initial=0))

    def _places(self) -> tuple[Numbers, Numbers]:
        """Lay out the rows: orders in their sequence, but every further state of one in any place."""
        numbers = np.arange(self.rows)
        repeated = self.draws.happens(0.05, numbers, "repeated")
        states = 1 + repeated * (1 + self.draws.below(STATES - 1, numbers, "states"))
        order = np.repeat(numbers, states)[: self.rows]
        state = numbers - np.repeat(np.cumsum(states) - states, states)[: self.rows]
        place = np.where(state > 0, self.draws.below(max(self.rows, 1), numbers, "place"), numbers)
        rows = np.argsort(place, kind="stable")
        return order[rows], state[rows]

    def write(self, path: Path) -> None:
        """Write the whole export."""
        with path.open("wb") as sink:
            sink.write((",".join(orders.COLUMNS) + "\n").encode())
            for start in range(0, self.rows, CHUNK):
                rows = slice(start, min(start + CHUNK, self.rows))
                sink.write(self._lines(self.order[rows], self.state[rows]).buffers()[2])

    def _lines(self, order: Numbers, state: Numbers) -> Texts:
        """Return the rows of these orders in these states, with their line breaks."""
        row = order * STATES + state
        created = self._created(order)
        cells = {
            orders.ORDER: join("A-", GROUPS[PADDED + order // 10**6], _six_digits(order % 10**6)),
            orders.CLIENT: join("C-", _digits(self.draws.below(max(self.orders // 2, 1), order, "client"))),
            orders.STATUS: self.statuses[np.searchsorted(self.bounds, self.draws.fractions(row, "status"), "right")],
            orders.CREATED: self._some(0.005, row, "bad time", _times(created), Table(BAD_TIMES)),
            orders.UPDATED: _times(self._updated(created, order, state)),
            orders.REVENUE: self._revenue(row),
            orders.COST: self._emptied(0.5, row, "cost", self._amounts(row, "cost")),
            orders.PHONE: self._contact(0.1, order, "phone", self.phones(order), BAD_PHONES),
            orders.EMAIL: self._contact(0.2, order, "email", self._emails(order), BAD_EMAILS),
            orders.CLIENT_ID: self._contact(0.6, order, "client id", self._client_ids(order), BAD_CLIENT_IDS),
        }
        return join(join(*(cells[column] for column in orders.COLUMNS), separator=","), "\n")

    def _created(self, order: Numbers) -> Numbers:
        """Return when orders were made, seconds since `FIRST`, in sequence but for some disorder."""
        return order * SPAN // self.orders + self.draws.below(DISORDER, order, "created")

    def _updated(self, created: Numbers, order: Numbers, state: Numbers) -> Numbers:
        """Return when orders came into their states, seconds since `FIRST`, before the moment of the build."""
        together = self.draws.happens(0.02, order * STATES + state, "together")
        state = state - (together & (state > 0))
        share = (state + self.draws.fractions(order * STATES + state, "updated")) / STATES
        return created + ((DAYS * 86_400 - created) * share).astype(np.int64)

    def _revenue(self, row: Numbers) -> Texts:
        """Return revenues, 5 % empty and 0.3 % negative."""
        sign = Table(["", "-"])[self.draws.happens(0.003, row, "negative").astype(np.int8)]
        return self._emptied(0.05, row, "revenue", join(sign, self._amounts(row, "revenue")))

    def _amounts(self, row: Numbers, purpose: str) -> Texts:
        """Return money: up to a million roubles, mostly far less, never nothing."""
        kopecks = (100 * np.exp(self.draws.fractions(row, f"{purpose} amount") * np.log(10**6))).astype(np.int64)
        return join(_digits(kopecks // 100), ".", PAIRS[kopecks % 100])

    def phones(self, order: Numbers) -> Texts:
        """Return phones in five spellings, a number of its own for each order."""
        number = (order * 7_654_321 + self.draws.seed) % PHONES + 1
        spelling = self.draws.below(len(OPENINGS), order, "spelling")
        hyphen = HYPHENS[spelling]
        groups = (GROUPS[PADDED + number // 10**4], PAIRS[number // 100 % 100], PAIRS[number % 100])
        return join(OPENINGS[spelling], groups[0], hyphen, groups[1], hyphen, groups[2])

    def _emails(self, order: Numbers) -> Texts:
        """Return addresses in small and capital letters, 3 % with a blank before and 3 % with one behind."""
        login = LOGINS[self.draws.below(len(LOGINS), order, "login")]
        host = HOSTS[self.draws.below(len(HOSTS), order, "host")]
        before, behind = (BLANKS[self.draws.happens(0.03, order, side).astype(np.int8)] for side in ("left", "right"))
        return join(before, login, _digits(order + 1), host, behind)

    def _client_ids(self, order: Numbers) -> Texts:
        """Return numbers of 18 or 19 digits."""
        longest = 10**18 + self.draws.below(8 * 10**18, order, "digits")
        return _digits(longest // np.where(self.draws.happens(0.5, order, "short"), 10, 1))

    def _contact(self, empty: float, order: Numbers, purpose: str, column: Texts, bad: Table) -> Texts:
        """Empty a share of the cells, and fill some with what is none."""
        return self._some(BAD_SHARE, order, f"bad {purpose}", self._emptied(empty, order, purpose, column), bad)

    def _emptied(self, share: float, subjects: Numbers, purpose: str, column: Texts) -> Texts:
        """Empty a share of the cells."""
        return self._some(share, subjects, f"no {purpose}", column, Table([""]))

    def _some(self, share: float, subjects: Numbers, purpose: str, column: Texts, table: Table) -> Texts:
        """Replace a share of the cells by some of the table's texts."""
        chosen = self.draws.happens(share, subjects, purpose)
        texts = table[self.draws.below(len(table), subjects[chosen], f"which {purpose}")]
        return pc.replace_with_mask(column, pa.array(chosen), texts)


def _times(seconds: Numbers) -> Texts:
    """Write moments, given in seconds since `FIRST`, as clocks in Moscow showed them."""
    since_midnight = seconds + int((FIRST - MIDNIGHT).total_seconds())
    return join(DATES[since_midnight // 86_400], CLOCKS[since_midnight % 86_400])


def _digits(numbers: Numbers) -> Texts:
    return pa.array(numbers).cast(pa.string())


def _six_digits(numbers: Numbers) -> Texts:
    return join(GROUPS[PADDED + numbers // 1000], GROUPS[PADDED + numbers % 1000])


def main() -> None:
    """Generate the export that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    Generator(arguments.rows, arguments.seed).write(arguments.file)


if __name__ == "__main__":
    main()
