"""What cron makes of the line: the very command, whatever is in its paths."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from awkward import FOLDERS, FOUR
from hypothesis import given

from csvexport.profile import load_profile
from csvexport.scheduling import Wanted, schedule
from csvexport.scheduling.cron import plan
from csvexport.scheduling.rhythm import Rhythm

VARIABLE = ('to = "sftp:', 'password = "env:SFTP_PASSWORD"\nto = "sftp:')

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no cron")


def line_of(schedule):
    *comments, line = schedule.units[0].text.splitlines()
    assert all(comment.startswith("# ") for comment in comments)
    return line


def as_cron_reads(line, *, joins_backslashes):
    """Give the five fields, and the command that the shell gets; some crons make one backslash of two."""
    *fields, command = line.split(" ", 5)
    passed, is_escaped = "", False
    for letter in command:
        if is_escaped and (letter == "%" or (joins_backslashes and letter == "\\")):
            passed = passed[:-1]
        assert is_escaped or letter != "%", "what follows would be taken for the command's input"
        passed += letter
        is_escaped = letter == "\\" and not is_escaped
    return fields, passed


@given(FOUR)
def test_the_shell_gets_every_word_as_it_is(job, paths):
    program, profile, out, log = paths
    made = job(program=(str(program), "-P"), profile=profile, out=out, log=log)
    for joins_backslashes in (True, False):
        _, command = as_cron_reads(line_of(plan(made, None)), joins_backslashes=joins_backslashes)
        assert tuple(shlex.split(command)) == made.command


def test_the_line_is_one_plain_line(job):
    done = plan(job(rhythm=Rhythm(every=15, first=3)), None)
    assert [unit.name for unit in done.units] == ["csvexport-shop.cron"]
    assert line_of(done) == (
        "3,18,33,48 * * * * /opt/csvexport/bin/csvexport run /srv/shop/profile.toml --out /srv/shop/out "
        "--log /srv/shop/out/shop.log --quiet"
    )
    assert all(len(line) <= 120 for line in done.units[0].text.splitlines()[:-1])


def test_hints_say_how_it_is_installed_and_which_secrets_are_missing(load):
    assert schedule(load(), "cron", Wanted()).hints == (
        "To install it, put the line into the crontab of the user who is to run it: crontab -e",
    )
    install, secrets = schedule(load(VARIABLE), "cron", Wanted(to=Path("my units"))).hints
    assert install.endswith(f"(crontab -l; cat '{Path('my units/csvexport-shop.cron')}') | crontab -")
    assert "takes SFTP_PASSWORD from the environment, which cron does not pass on" in secrets


@posix
@pytest.mark.parametrize("folder", FOLDERS)
def test_the_line_delivers_in_an_environment_that_has_nothing(folder, samples, tmp_path):
    shop = tmp_path / folder
    shop.mkdir()
    for file in (samples / "scheduled").iterdir():
        if file.is_file():
            (shop / file.name).write_bytes(file.read_bytes())
    done = schedule(load_profile(shop / "profile.toml"), "cron", Wanted(out=shop / "out"))
    _, command = as_cron_reads(line_of(done), joins_backslashes=True)
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert [file.name for file in (shop / "drop").glob("*/*")] == ["conversions-Yclid.csv"]
    assert (shop / "out" / f"{folder}.log").is_file()


def test_python_finds_the_program_and_not_what_lies_in_the_working_folder(load, tmp_path):
    (tmp_path / "csvexport.py").write_text("raise SystemExit('another')", "utf-8")
    command = [*schedule_program(load), "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("csvexport ")


def schedule_program(load):
    words = shlex.split(line_of(schedule(load(), "cron", Wanted())).split(" ", 5)[5])
    assert words[0] == sys.executable
    return words[: words.index("run")]
