"""What the tests of the linter share."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from csvexport.linting.judging import Options, lint

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def judge(tmp_path):
    """Judge a file that holds this text, or these bytes, at the moment of all tests."""

    def judge(content, name="file.csv", **options):
        path = Path(tmp_path / name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        (verdict,) = lint([path], Options(now=NOW, **options))
        return verdict

    return judge


@pytest.fixture
def found(judge):
    """The faults of a file as (count, row and column of the first) by code."""

    def found(content, **options):
        return {
            finding.entry.code: (finding.count, finding.sights[0].row, finding.sights[0].column)
            for finding in judge(content, **options).findings
        }

    return found
