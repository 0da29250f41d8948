"""What the tests of transform share: a shop of one profile and its exports, built as the command line builds it."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from csvexport.columns import text_column
from csvexport.formulas import unmarked
from csvexport.profile import load_profile
from csvexport.summary import Counts
from csvexport.workflow import Options, Outcome, build

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Built:
    """What a build came to: the files as bytes by name, those of conversions as lists of cells by id type."""

    outcome: Outcome
    texts: dict[str, bytes]
    files: dict[str, list[list[str]]]
    rejected: list[dict[str, str]]

    @property
    def counts(self) -> Counts:
        return self.outcome.summary.counts["conversions"]

    @property
    def issues(self) -> dict[str, int]:
        return {code.text: count for code, count in self.outcome.summary.issues.items()}

    def counts_of(self, kind: str) -> Counts:
        return self.outcome.summary.counts[kind]

    def issues_of(self, kind: str) -> dict[str, int]:
        return {code.text: count for code, count in self.outcome.summary.counts[kind].issues.items()}

    def column(self, name: str, kind: str = "ClientId") -> list[str]:
        place = (kind, "Target", "DateTime", "Price", "Currency").index(name)
        return [cells[place] for cells in self.files.get(kind, [])]

    def header(self, name: str) -> str:
        return self.texts[name].decode().partition("\n")[0]

    def table(self, name: str, delimiter: str = ",") -> list[dict[str, str]]:
        """Give a file's lines by the names of its columns; a file that is not there has none."""
        if name not in self.texts:
            return []
        header, *lines = records(self.texts[name], delimiter)
        return [dict(zip(header, line, strict=True)) for line in lines]

    def document(self, name: str) -> object:
        return json.loads(self.texts[name])


def records(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, strict=True))


def _export(columns: dict[str, list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def built(outcome: Outcome) -> Built:
    """Read what a build wrote."""
    if outcome.folder is None:
        return Built(outcome, {}, {}, [])
    texts = {path.name: path.read_bytes() for path in outcome.folder.iterdir()}
    files = {
        file.identifier: records(texts[file.name])[1:]
        for file in outcome.summary.files
        if file.kind == "conversions" and file.identifier
    }
    header, *rows = records(texts["rejected.csv"]) if "rejected.csv" in texts else [[]]
    returned = (unmarked(text_column(row)).to_pylist() for row in rows)
    return Built(outcome, texts, files, [dict(zip(header, row, strict=True)) for row in returned])


@pytest.fixture
def shop(tmp_path):
    """Build a profile with exports: `shop(profile, {"deals.csv": columns or text})`; a lone export is `deals.csv`."""
    folder = tmp_path / "shop"
    folder.mkdir()

    def _build(profile, exports, now=NOW, **options):
        if "deals.csv" not in exports:
            exports = {"deals.csv": exports} if not any(name.endswith(".csv") for name in exports) else exports
        for name, export in exports.items():
            text = export if isinstance(export, str) else _export(export)
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="")
        (folder / "profile.toml").write_text(profile, encoding="utf-8")
        return built(build(load_profile(folder / "profile.toml"), Options(now=now, **options)))

    return _build
