"""What is run: everything by its whole path, and only what a scheduler can run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from csvexport.errors import UsageError
from csvexport.profile import load_profile
from csvexport.scheduling import Wanted, schedule
from csvexport.scheduling.job import Job

ADDRESS = 'source.path = "https://crm.example.ru/deals.csv"'
SFTP = 'to = "sftp://shop@files.example.ru/up/{{ batch }}/{{ file }}"'
DELIVER = f'[[deliver]]\nname = "drop"\nwhat = "conversions"\n{SFTP}'
LOCAL = 'source.path = "deals.csv"'

SECRETS = """
password = "env:CRM_USER"
jump = { host = "bastion.example.ru", username = "shop", key = "key", passphrase = "env:JUMP" }

[orders]
id = "id"
created = "created"
phones = "phone"
always = "PAID"

[[deliver]]
name = "put"
what = "orders"
to = "credential:put"
"""

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")


def test_every_path_is_whole_and_the_log_lies_beside_the_batches(load, tmp_path):
    job = Job.of(load(), Wanted())
    assert (job.name, job.profile, job.out) == ("shop", tmp_path / "shop" / "profile.toml", tmp_path / "out")
    assert job.log == tmp_path / "out" / "shop.log"
    assert job.command[len(job.program) :] == (
        "run",
        str(tmp_path / "shop" / "profile.toml"),
        "--out",
        str(tmp_path / "out"),
        "--log",
        str(tmp_path / "out" / "shop.log"),
        "--quiet",
    )
    assert job.folders == (tmp_path / "out",)


def test_paths_start_from_where_the_command_is_called(load, tmp_path, monkeypatch):
    load()
    monkeypatch.chdir(tmp_path / "shop")
    job = Job.of(load(), Wanted(out=Path("../batches"), log=Path("logs/run.log")))
    assert (job.out, job.log) == (tmp_path / "batches", tmp_path / "shop" / "logs" / "run.log")
    assert job.folders == (tmp_path / "batches", tmp_path / "shop" / "logs")


@posix
def test_a_linked_profile_keeps_the_name_of_the_link(load, tmp_path):
    load(name="common.toml")
    (tmp_path / "link").symlink_to(tmp_path / "shop")
    (tmp_path / "shop" / "north.toml").symlink_to("common.toml")
    job = Job.of(load_profile(Path("link/north.toml")), Wanted())
    assert (job.name, job.profile) == ("north", tmp_path / "shop" / "north.toml")


@posix
@pytest.mark.parametrize("called", ["by its path", "by a relative path", "through PATH"])
def test_the_program_is_the_one_that_was_called(called, load, tmp_path):
    load()
    program = tmp_path / "my bin" / "csvexport"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "from pathlib import Path; from csvexport.profile import load_profile\n"
        "from csvexport.scheduling.job import Job, Wanted\n"
        "print(*Job.of(load_profile(Path('shop/profile.toml')), Wanted()).program, sep='\\n')",
        "utf-8",
    )
    program.chmod(0o755)
    command = {"by its path": program, "by a relative path": Path("my bin/csvexport"), "through PATH": "csvexport"}
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/usr/bin/env", command[called]], env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [str(program)]


def test_a_program_under_another_name_is_called_through_python(load):
    assert Job.of(load(), Wanted()).program == (sys.executable, "-P", "-m", "csvexport")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            DELIVER,
            "",
            "profile.toml has no [[deliver]], so that a run has nowhere to send to; name a destination in it",
        ),
        (LOCAL, "", "profile.toml does not name its export, and a scheduler gives none; write it as source.path"),
        (LOCAL, 'source.path = "-"', "profile.toml does not name its export, and a scheduler gives none"),
    ],
)
def test_a_profile_that_no_scheduler_can_run_is_refused(old, new, said, load):
    with pytest.raises(UsageError, match=re.escape(said)):
        Job.of(load((old, new)), Wanted())


@pytest.mark.parametrize("letter", ["\n", "\x1b", "\x7f", "\u2028", "\udcff"])
def test_a_path_that_schedulers_would_misread_is_refused(letter, load, tmp_path):
    with pytest.raises(UsageError, match="a�b holds an invisible character that schedulers take for another; rename"):
        Job.of(load(), Wanted(out=tmp_path / f"a{letter}b"))


def test_secrets_are_found_wherever_the_profile_names_them(load):
    profile = load(
        (LOCAL, f'{ADDRESS}\nsource.username = "env:CRM_USER"\nsource.password = "credential:crm"'),
        ("identifiers.Yclid", 'source.headers = { "X-Key" = "env:CRM_KEY", "X-Two" = "file:two" }\nidentifiers.Yclid'),
        (SFTP, f"{SFTP}\n{SECRETS}"),
    )
    job = Job.of(profile, Wanted())
    assert job.variables == ("CRM_USER", "CRM_KEY", "JUMP")
    assert job.credentials == ("crm", "put")


def test_a_credential_is_only_for_systemd(load):
    profile = load((SFTP, f'{SFTP}\npassword = "credential:sftp"'))
    for way in ("cron", "windows"):
        with pytest.raises(
            UsageError, match="takes credential:sftp, which only systemd gives; schedule it --as systemd"
        ):
            schedule(profile, way, Wanted())
    assert "LoadCredential=sftp:/etc/csvexport/sftp" in schedule(profile, "systemd", Wanted()).units[0].text


@pytest.mark.parametrize(
    ("to", "folder"),
    [
        ("drop/{{ batch }}/{{ file }}", "shop/drop"),
        ("drop/new-{{ batch }}/{{ file }}", "shop/drop"),
        ("../elsewhere/{{ date[:4] }}/{{ batch }}/{{ file }}", "elsewhere"),
        ("{{ batch[:2] }}/{{ batch }}{{ file }}", "shop"),
        ("drop/{{ profile }}/{{ kind }}/{{ batch }}{{ file }}", "shop/drop/shop/conversions"),
        ("out/{{ batch }}/", "shop/out"),
    ],
)
def test_the_folder_that_a_destination_writes_to_is_the_same_for_every_batch(to, folder, load, tmp_path):
    job = Job.of(load((SFTP, f'to = "{to}"')), Wanted())
    assert job.drops == (tmp_path / folder,)
    assert set(job.folders) == {tmp_path / "out", tmp_path / folder}


def test_every_destination_on_this_machine_has_its_folder(samples):
    profile = load_profile(samples / "scheduled" / "profile.toml")
    assert Job.of(profile, Wanted()).drops == (samples / "scheduled" / "drop", samples / "scheduled" / "pickup")


@posix
def test_a_linked_folder_is_the_one_behind_the_link(load, tmp_path):
    profile = load((SFTP, 'to = "drop/{{ batch }}/{{ file }}"'))
    (tmp_path / "shop" / "drop").symlink_to(tmp_path / "real")
    assert Job.of(profile, Wanted()).drops == (tmp_path / "real",)
    (tmp_path / "shop" / "drop").unlink()
    (tmp_path / "shop" / "drop").symlink_to(tmp_path / "a\x7fb")
    with pytest.raises(UsageError, match="a�b holds an invisible character"):
        Job.of(profile, Wanted())


def test_a_folder_in_another_is_not_named_twice(load, tmp_path):
    job = Job.of(load((SFTP, 'to = "drop/{{ batch }}/"')), Wanted(out=tmp_path / "shop"))
    assert job.folders == (tmp_path / "shop",)


def test_local_exports_are_known_and_those_on_servers_are_left_out(load, tmp_path):
    paths = 'source.path = ["../in/*.csv", "/data/a.csv", "https://crm.example.ru/deals.csv"]'
    join = '[source.join]\npath = "clients.csv"\non = { a = "b" }\n\n[[goals]]'
    profile = load((LOCAL, paths), ("[[goals]]", join))
    assert Job.of(profile, Wanted()).exports == (
        tmp_path / "in" / "*.csv",
        Path("/data/a.csv"),
        tmp_path / "shop" / "clients.csv",
    )
