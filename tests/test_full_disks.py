"""A full disk is named as what it is: the temporary folder, or that of the batches."""

import gzip
import os
import subprocess
import sys
import tempfile

import pytest

from csvexport.errors import OutputError
from csvexport.scratch import scratch_folder
from csvexport.sources import cache

PROFILE = """
timezone = "Europe/Moscow"
source.path = "deals.csv.gz"
identifiers.Yclid = "yclid"

[[goals]]
target = "order_paid"
time = "paid"
price = "sum"
"""

NOW = "2024-06-01T09:00:00Z"
ROWS = 20_000


@pytest.fixture
def small(tmp_path):
    """A disk of 64 KB."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)]
    try:
        if sys.platform != "linux" or subprocess.run(mounting, capture_output=True, check=False).returncode:
            pytest.skip("no disk can be mounted here")
    except OSError:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def export(tmp_path):
    """An export that has to be unpacked, beside its profile."""
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    rows = (f"{10**17 + row},2024-05-30 12:00:00,1\n" for row in range(ROWS))
    path = tmp_path / "deals.csv.gz"
    path.write_bytes(gzip.compress(("yclid,paid,sum\n" + "".join(rows)).encode()))
    return path


def run(*arguments, **settings):
    command = [sys.executable, "-m", "csvexport", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    "arguments", [("check", "profile.toml", "--now", NOW), ("inspect", "deals.csv.gz")], ids=["check", "inspect"]
)
@pytest.mark.usefixtures("export")
def test_a_full_temporary_folder(arguments, small):
    done = run(*arguments, env=os.environ | {"TMPDIR": str(small)})
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        f"{small}: the temporary folder is full: No space left on device; make room there, or name another folder"
        " with TMPDIR\n"
    )
    assert list(small.iterdir()) == []


def test_a_full_temporary_folder_while_standard_input_is_kept(small, export):
    text = gzip.decompress(export.read_bytes()).decode()
    done = run("init", "-", "--to", "new.toml", input=text, env=os.environ | {"TMPDIR": str(small)})
    assert done.returncode == 4
    assert done.stderr.startswith(f"{small}: the temporary folder is full: ")


@pytest.mark.usefixtures("export")
def test_a_full_temporary_folder_hinders_no_build(small):
    done = run("build", "profile.toml", "--now", NOW, "--quiet", env=os.environ | {"TMPDIR": str(small)})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("export")
def test_a_full_folder_of_batches(small):
    done = run("build", "profile.toml", "--now", NOW, "--out", small / "out")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(f"{small}/out: the batch cannot be written: ")
    assert done.stderr.endswith(
        "No space left on device; nothing was left behind; make room there, or name another folder of batches with"
        " --out\n"
    )
    assert list(small.iterdir()) == []


def test_a_full_cache_costs_no_more_than_fetching_again(small, tmp_path, monkeypatch):
    content = tmp_path / "fetched"
    content.write_bytes(bytes(200_000))
    cache.store("https://shop.example/deals.csv", content, cache.Version("etag"))
    assert cache.find("https://shop.example/deals.csv", tmp_path / "found") is not None

    monkeypatch.setenv("XDG_CACHE_HOME", str(small))
    cache.store("https://shop.example/deals.csv", content, cache.Version("etag"))
    assert cache.find("https://shop.example/deals.csv", tmp_path / "other") is None
    assert [path.name for path in small.rglob("*") if path.is_file()] == []


def test_a_temporary_folder_that_is_gone(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with (
        pytest.raises(OutputError, match=r"gone: the temporary folder cannot be used: No such file.*TMPDIR$"),
        scratch_folder(),
    ):
        pass


def test_no_temporary_folder_at_all(monkeypatch):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(OutputError, match="TMPDIR"), scratch_folder():
        pass
