"""The package: what a command imports, and what the wheel carries."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

NOW = "2024-06-01T09:00:00Z"
HEAVY = {"pandas", "pyarrow", "numpy", "pydantic"}
ROOT = Path(__file__).parents[1]

# Runs a command line, and tells on its last line which modules that took.
WATCHED = """
import sys
from csvexport.cli import app
try:
    app()
finally:
    print(*sorted(sys.modules))
"""


def imported(*arguments, **environment):
    """Give the modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    modules = imported(*arguments)
    assert "csvexport.cli" in modules
    assert modules & HEAVY == set()


@pytest.mark.parametrize("order", ["build", "check", "schema"])
def test_help_of_a_command_imports_nothing_heavy_of_ours(order):
    """Typer itself imports pydantic where it is installed."""
    assert imported(order, "--help") & HEAVY <= {"pydantic"}


@pytest.mark.parametrize("sample", ["amocrm", "bitrix24", "broken", "calltracking", "orders", "detailed"])
def test_a_build_imports_no_pandas(sample, samples):
    modules = imported("build", samples / sample / "profile.toml", "--now", NOW, "--quiet")
    assert "pyarrow" in modules
    assert "pandas" not in modules


@pytest.mark.parametrize(("sample", "needed"), [("bitrix24", False), ("calltracking", True), ("orders", True)])
def test_the_numbering_plans_of_the_world_are_imported_where_phones_are_read(sample, needed, samples):
    modules = imported("build", samples / sample / "profile.toml", "--now", NOW, "--quiet")
    assert ("phonenumbers" in modules) is needed


def test_an_import_of_the_package_imports_nothing_heavy():
    code = "import sys, csvexport; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert set(done.stdout.split()) & HEAVY == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network from what the checkout holds."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_what_a_build_needs_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    assert {"csvexport/py.typed", "csvexport/templates/report.html", "csvexport/templates/report.txt"} <= set(names)
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"csvexport"}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "csvexport").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of an environment into which only the wheel was installed; the libraries are this environment's."""
    folder = tmp_path_factory.mktemp("environment") / "v"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    paths = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = Path(
        subprocess.run([python, "-c", paths], capture_output=True, text=True, check=True).stdout.strip()
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    # Below the wheel on the path, and without the links of an editable install.
    libraries = {Path(path) for path in sys.path if path.endswith("site-packages")}
    (site_packages / "libraries.pth").write_text("".join(f"{path}\n" for path in libraries), encoding="utf-8")
    return python


def run(*command, cwd):
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )


def test_the_installed_wheel_builds_a_sample_with_the_sources_out_of_reach(installed, samples, tmp_path):
    where = run(installed, "-I", "-c", "import csvexport; print(csvexport.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parents[1])
    done = run(
        *(installed, "-I", "-m", "csvexport", "build", samples / "bitrix24" / "profile.toml", "--now", NOW, "--json"),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    batch = tmp_path / json.loads(done.stdout)["folder"]
    assert "</html>" in (batch / "report.html").read_text(encoding="utf-8")
    assert (batch / "conversions-Yclid.csv").read_bytes().startswith(b"Yclid,Target,DateTime,Price,Currency\n")


def test_the_installed_command_tells_its_version(installed, wheel, tmp_path):
    done = run(installed.with_name("csvexport"), "--version", cwd=tmp_path)
    assert done.stdout == f"csvexport {wheel.name.split('-')[1]}\n"
