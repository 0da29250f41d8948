"""The command: units on stdout or in files, and what a person has to do on stderr."""

import shlex

import pytest
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.profile import load_profile
from csvexport.scheduling import Wanted, printed
from csvexport.scheduling import schedule as made


@pytest.fixture
def shop(load):
    return load().path


def schedule(*arguments):
    """Run the command inside this process."""
    return CliRunner().invoke(app, ["schedule", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.parametrize("way", ["cron", "systemd", "windows"])
def test_stdout_has_the_units_alone_and_stderr_how_they_are_installed(way, shop):
    done = schedule(shop, "--as", way)
    expected = made(load_profile(shop), way, Wanted())
    assert (done.exit_code, done.stdout) == (0, printed(expected.units))
    assert done.stderr.splitlines() == [*expected.hints]


def test_every_option_is_heeded(shop, tmp_path):
    done = schedule(
        shop, "--as", "cron", "--every", "12h", "--at", "18:05", "--out", "batches", "--log", "logs/run.log"
    )
    minutes, hours, *_, command = done.stdout.splitlines()[-1].split(" ", 5)
    assert (minutes, hours) == ("5", "6,18")
    words = shlex.split(command)
    assert words[words.index("run") :] == [
        "run",
        str(shop),
        "--out",
        str(tmp_path / "batches"),
        "--log",
        str(tmp_path / "logs" / "run.log"),
        "--quiet",
    ]


def test_scheduling_writes_nothing_but_the_units_that_it_names(shop, tmp_path):
    before = {*tmp_path.rglob("*")}
    schedule(shop, "--as", "systemd")
    assert {*tmp_path.rglob("*")} == before
    done = schedule(shop, "--as", "systemd", "--to", "units")
    files = [tmp_path / line for line in done.stdout.splitlines()]
    assert {*tmp_path.rglob("*")} - before == {tmp_path / "units", *files}
    assert [file.name for file in files] == ["csvexport-shop.service", "csvexport-shop.timer"]
    assert "sudo install -m 644 units/csvexport-shop.service units/csvexport-shop.timer" in done.stderr


def test_units_that_are_there_stay_and_the_exit_code_tells(shop, tmp_path):
    assert schedule(shop, "--as", "systemd", "--at", "06:10", "--to", "units").exit_code == 0
    before = (tmp_path / "units" / "csvexport-shop.timer").read_bytes()
    assert schedule(shop, "--as", "systemd", "--at", "06:10", "--to", "units").exit_code == 0
    done = schedule(shop, "--as", "systemd", "--at", "06:11", "--to", "units")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "csvexport-shop.timer is there already, and another" in done.stderr
    assert (tmp_path / "units" / "csvexport-shop.timer").read_bytes() == before


def test_what_cannot_be_scheduled_is_told_in_a_line_and_prints_no_unit(load, shop):
    for wrong in (("--as", "cron", "--every", "7m"), ("--as", "cron", "--at", "noon"), ("--as", "launchd"), ()):
        done = schedule(shop, *wrong)
        assert (done.exit_code, done.stdout) == (2, ""), wrong
    export = load(('source.path = "deals.csv"', "")).path
    done = schedule(export, "--as", "cron")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
