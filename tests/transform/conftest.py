"""What the tests of transform share: a shop of one profile and its exports, built as the command line builds it."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from csvexport.profile import load_profile
from csvexport.summary import Counts
from csvexport.workflow import Options, Outcome, build

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Built:
    """What a build came to: its files as lists of cells by id type, without their headers."""

    outcome: Outcome
    files: dict[str, list[list[str]]]
    rejected: list[dict[str, str]]

    @property
    def counts(self) -> Counts:
        return self.outcome.summary.counts["conversions"]

    @property
    def issues(self) -> dict[str, int]:
        return {code.text: count for code, count in self.outcome.summary.issues.items()}

    def column(self, name: str, kind: str = "ClientId") -> list[str]:
        place = (kind, "Target", "DateTime", "Price", "Currency").index(name)
        return [cells[place] for cells in self.files.get(kind, [])]


def _records(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))


def _export(columns: dict[str, list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


@pytest.fixture
def shop(tmp_path):
    """Build a profile with exports: `shop(profile, {"deals.csv": columns or text})`; a lone export is `deals.csv`."""
    folder = tmp_path / "shop"
    folder.mkdir()

    def _build(profile, exports, **options):
        if "deals.csv" not in exports:
            exports = {"deals.csv": exports} if not any(name.endswith(".csv") for name in exports) else exports
        for name, export in exports.items():
            text = export if isinstance(export, str) else _export(export)
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="")
        (folder / "profile.toml").write_text(profile, encoding="utf-8")
        outcome = build(load_profile(folder / "profile.toml"), Options(now=NOW, **options))
        if outcome.folder is None:
            return Built(outcome, {}, [])
        files = {file.identifier: _records(outcome.folder / file.name)[1:] for file in outcome.summary.files}
        path = outcome.folder / "rejected.csv"
        header, *rows = _records(path) if path.exists() else [[]]
        return Built(outcome, files, [dict(zip(header, row, strict=True)) for row in rows])

    return _build
