"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

settings.register_profile("csvexport", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("csvexport")


def pytest_addoption(parser):
    parser.addoption("--regenerate", action="store_true", help="write the samples' expected output anew")
    parser.addoption("--soak", action="store_true", help="long mode: all kills, deliveries and faults, not a sample")


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: only in the long mode")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--soak"):
        long = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.fixture
def samples():
    """The folder of the samples."""
    return ROOT / "samples"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    """No test sees the variables, the zone or the folder of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("CSVEXPORT", "CRM_", "METRICA_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
