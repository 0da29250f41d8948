"""The job of the benchmark, described once for the generator, for csvexport and for its peers.

Of a CRM export keep the rows in one of two pipelines whose status is a goal. Of each keep the yclid (trimmed, 1 to 20
digits), the moment (local Moscow time, as Unix seconds) and the price (a number with two decimals); drop exact
duplicates of (yclid, target, moment). What cannot be read goes to a second file: the reason, then the row's own cells.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ORDER, TIME, STATUS, PIPELINE, YCLID = "ID заказа", "Дата создания", "Статус", "Воронка", "yclid"
CLIENT, PHONE, EMAIL, BUDGET, TITLE = "ClientId", "Телефон", "Email", "Бюджет", "Название"
COLUMNS = (ORDER, TIME, STATUS, PIPELINE, YCLID, CLIENT, PHONE, EMAIL, BUDGET, TITLE)

GOALS = {
    "Новая заявка": "lead_new",
    "Квалифицирован": "lead_qualified",
    "Счёт выставлен": "invoice_sent",
    "Оплачен": "order_paid",
    "Выдан": "order_done",
}
PIPELINES = ("Розница", "Опт")
ZONE = "Europe/Moscow"
TIME_FORMAT = "%d.%m.%Y %H:%M:%S"
TIME_LENGTH = len("31.05.2024 14:05:09")
CURRENCY = "RUB"
NOW = "2025-02-01T00:00:00Z"  # later than every generated time, so that no row is refused for lying in the future

CONVERSIONS_NAME, REJECTED_NAME = "conversions-Yclid.csv", "rejected.csv"


class Dialect(NamedTuple):
    """How an export is written; `rouble` differs because cp1251 has no rouble sign."""

    codec: str
    delimiter: str
    rouble: str


DIALECTS = {"utf8": Dialect("utf-8", ",", "₽"), "cp1251": Dialect("cp1251", ";", "руб.")}


class Task(NamedTuple):
    """What a peer is given: the export as UTF-8, its delimiter, and where to write."""

    export: Path
    delimiter: str
    conversions: Path
    rejected: Path


@contextmanager
def task() -> Iterator[Task]:
    """Yield the task that the command line `EXPORT utf8|cp1251 OUTDIR` describes.

    Neither peer reads cp1251 as it is, so such an export is first rewritten as UTF-8, inside the measured time.
    """
    export, encoding, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    dialect = DIALECTS[encoding]
    readable = export if dialect.codec == "utf-8" else _transcode(export, dialect.codec, folder / "export-utf8.csv")
    try:
        yield Task(readable, dialect.delimiter, folder / CONVERSIONS_NAME, folder / REJECTED_NAME)
    finally:
        if readable != export:
            readable.unlink()


def _transcode(export: Path, codec: str, target: Path) -> Path:
    """Write the export as UTF-8 to `target`; `codec` has one byte per character, so blocks may end anywhere.

    Blocks that fit the processor's cache go twice as fast as large ones.
    """
    with export.open("rb") as source, target.open("wb") as sink:
        while block := source.read(1 << 16):
            sink.write(block.decode(codec).encode())
    return target


def print_counts(*, accepted: int, rejected: int, duplicates: int) -> None:
    """Print what a peer did, as one JSON document."""
    print(json.dumps({"accepted": accepted, "rejected": rejected, "duplicates": duplicates}))


def profile(export: Path) -> str:
    """Return the job as a csvexport profile (TOML) that reads `export`."""
    goals = [
        f"""
[[goals]]
target = {_toml(target)}
when = {{ {_toml(STATUS)} = {_toml(status)}, {_toml(PIPELINE)} = {_toml(PIPELINES)} }}
time = {_toml(TIME)}
price = {_toml(BUDGET)}
"""
        for status, target in GOALS.items()
    ]
    return f"""timezone = {_toml(ZONE)}
currency = {_toml(CURRENCY)}

[source]
path = {_toml(export.as_posix())}

[identifiers]
Yclid = {_toml(YCLID)}
{"".join(goals)}"""


def _toml(value: str | tuple[str, ...]) -> str:
    """Write a value as TOML, whose strings and lists of strings are spelled as in JSON."""
    return json.dumps(value, ensure_ascii=False)
