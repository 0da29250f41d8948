"""What lies in the folder of batches is its owner's only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import csvexport

NOW = "2024-06-01T09:00:00Z"

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1

[source]
path = "deals.csv"

[identifiers]
ClientId = "client"

[[goals]]
target = "order_paid"
time = "paid_at"

[[deliver]]
name = "there"
what = "conversions"
to = "there/{{ batch }}/{{ file }}"
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_nobody_but_its_owner_reads_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(csvexport.__file__).parents[1]))
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    (tmp_path / "there").mkdir()
    rows = "client,paid_at\n1716642001234567891,2024-05-30 12:00:00\nx,2024-05-30 12:00:00\n"
    (tmp_path / "deals.csv").write_text(rows)
    for command in ("build", "run"):
        arguments = [sys.executable, "-m", "csvexport", command, "profile.toml", "--now", NOW, "--out", "new/out"]
        subprocess.run(arguments, check=True, capture_output=True, umask=0o022)
    found = [path for path in Path("new/out").rglob("*") if path.stat().st_mode & 0o077]
    assert [path.name for path in Path("new/out").rglob("rejected.csv")] == ["rejected.csv"]
    assert found == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_nobody_but_its_owner_reads_the_rejected_rows(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(csvexport.__file__).parents[1]))
    (tmp_path / "profile.toml").write_text(PROFILE.partition("[[deliver]]")[0], encoding="utf-8")
    (tmp_path / "deals.csv").write_text("client,paid_at\n1716642001234567891,2024-05-30 12:00:00\nx,2024-05-30\n")
    arguments = [sys.executable, "-m", "csvexport", "build", "profile.toml", "--now", NOW]
    subprocess.run(arguments, check=True, capture_output=True, umask=0o022)
    (path,) = Path("out").rglob("rejected.csv")
    assert not path.stat().st_mode & 0o077
