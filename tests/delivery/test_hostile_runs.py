"""What a run makes of a server that does its worst: it ends in time or when it is told to, and others may go on."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hostile_http import SLOW, hostile, raw
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.delivery import attempts

PROFILE = """
timezone = "Europe/Moscow"
source.path = "{source}"
{asked}
identifiers.ClientId = "cid"
[[goals]]
target = "paid"
time = "t"
[[deliver]]
name = "store"
what = "conversions"
to = "{address}/drop/{{{{ batch }}}}/{{{{ file }}}}"
timeout = 1
time_limit = 2
attempts = 2
{more}
"""
EXPORT = "cid,t\n1706436776194551951,2024-05-31 10:00:00\n"
LATE = 30


@pytest.fixture
def write(tmp_path):
    """Write an export, and a profile that sends what is in it to an address."""
    (tmp_path / "deals.csv").write_text(EXPORT)

    def written(address, more="", source="deals.csv", asked=""):
        text = PROFILE.format(address=address, more=more, source=source, asked=asked)
        (tmp_path / "profile.toml").write_text(text)

    return written


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.001)


RUN = ("run", "profile.toml", "--now", "2024-06-01T00:00:00Z")


def called(*arguments):
    """Call the command line; give the exit code, and what it prints on both streams."""
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert all(line.isprintable() for line in done.stderr.splitlines())
    return done.exit_code, done.stdout, done.stderr


def shorter(talk, request):
    """Keep five bytes less than were put."""
    talk.server.keep(request.path, talk.body(request)[:-5])
    talk.answer(201)


@pytest.mark.parametrize("in_place", ["", "in_place = true"])
def test_a_batch_of_which_the_server_keeps_less_is_not_delivered(write, in_place):
    with hostile({("PUT", None): shorter}) as (server, address):
        write(address, in_place)
        code, _, said = called(*RUN)
        assert (code, "76 bytes are there, and 81 were sent; 2 tries failed" in said) == (4, True)
        server.deeds.clear()
        assert called(*RUN)[0] == 0
        assert sorted(map(len, server.files.values())) == [81]


def test_a_batch_that_the_server_drops_is_not_delivered(write):
    with hostile({("PUT", None): raw(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")}) as (_, address):
        write(address, "in_place = true")
        code, _, said = called(*RUN)
        assert (code, "shows none there" in said) == (4, True)
        # What the message advises makes nothing go twice.
        batch = json.loads(called("history", "--json")[1])["batches"][0]["batch"]
        assert called("confirm", batch)[0] == 0
        write(address, "in_place = true\ntakes_away = true")
        code, out, _ = called(*RUN)
        assert (code, "already-sent" in out) == (0, True)


def test_the_history_says_what_nobody_saw(write):
    with hostile({("HEAD", None): raw(b"HTTP/1.1 403 No\r\n\r\n")}) as (_, address):
        write(address)
        assert called(*RUN)[0] == 0
        for options in ([], ["--verbose"]):
            assert "UTC by the server's answer" in called("history", *options)[1]
        delivery = json.loads(called("history", "--json")[1])["batches"][0]["deliveries"][0]
        assert delivery["checked"] == "answer"


def test_the_history_says_nothing_of_what_was_seen(write):
    with hostile() as (_, address):
        write(address)
        assert called(*RUN)[0] == 0
        assert "answer" not in called("history", "--verbose")[1]


@pytest.mark.parametrize("name", ["drips a header", "processes for ever"])
def test_a_run_that_meets_a_server_that_drips_lets_the_next_one_work(write, name):
    with hostile({("PUT", None): SLOW[name]}) as (server, address):
        write(address)
        code, _, said = called(*RUN)
        assert (code, "took longer than time_limit = 2 seconds allow" in said) == (4, True)
        server.deeds.clear()
        assert called(*RUN)[0] == 0


def test_an_export_that_drips_is_given_up(write):
    with hostile({("GET", None): SLOW["drips a header"]}) as (_, address):
        asked = "source.timeout = 1\nsource.time_limit = 2"
        write(address, source=f"{address}/deals.csv", asked=asked)
        code, _, said = called(*RUN)
        assert (code, "took longer than source.time_limit = 2 seconds allow" in said) == (3, True)


@pytest.mark.skipif(os.name != "posix", reason="the signals are POSIX's")
@pytest.mark.parametrize(("step", "number", "code"), [("GET", signal.SIGINT, 130), ("PUT", signal.SIGTERM, 143)])
def test_a_run_that_waits_for_a_server_ends_when_it_is_told_to(write, tmp_path, step, number, code):
    with hostile({(step, None): SLOW["drips a header"]}) as (server, address):
        write(address, source=f"{address}/deals.csv" if step == "GET" else "deals.csv")
        profile = tmp_path / "profile.toml"
        profile.write_text(profile.read_text().replace("time_limit = 2", "time_limit = 600"))
        command = [sys.executable, "-m", "csvexport", *RUN]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while step not in [method for method, _ in server.asked]:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, said = process.communicate(timeout=LATE)
        assert (process.returncode, "Traceback" in said) == (code, False)
