"""What systemd makes of the units: the very command and folders, and a service that may do little else."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from awkward import FOLDERS, FOUR, NAMES, PATHS
from hypothesis import assume, given
from hypothesis import strategies as st

from csvexport.errors import UsageError
from csvexport.scheduling import Wanted, schedule, write
from csvexport.scheduling.rhythm import Rhythm
from csvexport.scheduling.systemd import plan, unit_name

SFTP = 'to = "sftp://shop@files.example.ru/up/{{ batch }}/{{ file }}"'
ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def analyze():
    """Run systemd's own verifier."""
    if ANALYZE is None and not os.environ.get("CI"):
        pytest.skip("there is no systemd-analyze here")
    assert ANALYZE, "install systemd, whose verifier must have been asked"

    def analyze(*arguments):
        return subprocess.run(
            [ANALYZE, "--no-pager", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning", "SYSTEMD_COLORS": "0"},
        )

    return analyze


def settings(text):
    """Read the assignments of a unit by systemd.syntax(7), in order; none of its lines goes on."""
    assert not any(line.endswith("\\") for line in text.splitlines())
    lines = [line for line in text.splitlines() if line and line[0] not in "#;["]
    return [(key.strip(), value.strip()) for key, _, value in (line.partition("=") for line in lines)]


def value_of(text, key):
    [value] = [value for name, value in settings(text) if name == key]
    return value


def expanded(text):
    assert "%" not in text.replace("%%", ""), "a specifier"
    return text.replace("%%", "%")


def words(value):
    """Split into words by systemd.syntax(7): quotes open at the beginning of one only, and close at its end."""
    found = re.findall(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"\'\\]\S*))(?=\s|$)', value)
    assert re.fullmatch(r'(?:\s*(?:"(?:[^"\\]|\\.)*"|[^\s"\'\\][^\s\\]*)(?=\s|$))+', value)
    return [expanded(re.sub(r"\\(.)", unescaped, quoted) if quoted else bare) for quoted, bare in found]


def unescaped(escape):
    assert escape[1] in '\\"', "n, t, x and others would be control characters"
    return escape[1]


@given(FOUR, st.lists(PATHS, max_size=2))
def test_systemd_gets_every_word_and_folder_as_it_is(job, paths, drops):
    program, profile, out, log = paths
    assume(not re.search(r"[\"'\\]", str(program)))
    made = job(program=(str(program), "-P"), profile=profile, out=out, log=log, drops=tuple(drops))
    service = plan(made, None).units[0].text
    command = words(value_of(service, "ExecStart"))
    assert command[0][0] == ":", "no variable may be put in for a $"
    assert (command[0][1:], *command[1:]) == made.command
    assert words(value_of(service, "ReadWritePaths"))[: len(made.folders)] == [str(folder) for folder in made.folders]
    assert expanded(value_of(service, "WorkingDirectory")).rstrip("/") == str(profile.parent).rstrip("/")


@given(NAMES)
def test_units_are_called_after_the_profile_and_no_two_profiles_alike(job, name):
    assume(len(name.encode()) < 50)
    made = plan(job(name=name), None)
    service, timer = (unit.name for unit in made.units)
    assert service.removesuffix(".service") == timer.removesuffix(".timer")
    assert re.fullmatch(r"csvexport-[A-Za-z0-9:_.\\-]+\.service", service)
    stem = service.removesuffix(".service").removeprefix("csvexport-")
    raw = re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), stem)
    assert raw.encode("latin-1").decode() == name
    for unit in made.units:
        assert name in expanded(value_of(unit.text, "Description"))


@pytest.mark.skipif(shutil.which("systemd-escape") is None, reason="there is no systemd-escape here")
@pytest.mark.parametrize("name", ["shop", "my shop", "Магазин №1", "a.b_c:d", "50%", "a@b", "\\x20"])
def test_names_are_escaped_as_systemd_does(name):
    escaped = subprocess.run(["systemd-escape", name], capture_output=True, text=True, check=True).stdout.strip()
    assert unit_name(name) == f"csvexport-{escaped}"


def test_a_dash_stays_and_a_name_that_is_too_long_is_refused():
    assert unit_name("my-shop") == "csvexport-my-shop"
    assert unit_name("я" * 29)
    with pytest.raises(
        UsageError, match="is too long a name for a unit of systemd; call the profile something shorter"
    ):
        unit_name("я" * 30)


def test_secrets_are_given_and_everything_is_told_that_must_be_made(load, tmp_path):
    secrets = f'username = "env:SFTP_USER"\npassword = "credential:sftp"\n{SFTP.replace("shop@", "")}'
    done = schedule(load((SFTP, secrets), name="my shop.toml"), "systemd", Wanted(to=tmp_path / "my units"))
    service = done.units[0].text
    assert value_of(service, "LoadCredential") == "sftp:/etc/csvexport/sftp"
    assert value_of(service, "EnvironmentFile") == "/etc/csvexport/csvexport-my\\x20shop.env"
    hints = "\n".join(done.hints)
    assert f"mkdir -p {tmp_path / 'out'}\n" in hints
    files = ["/etc/csvexport/sftp", "/etc/csvexport/csvexport-my\\x20shop.env"]
    assert f"sudo touch {shlex.join(files)} && sudo chmod 600 {shlex.join(files)}" in hints
    assert "a line NAME=value for each of SFTP_USER." in hints
    units = [str(tmp_path / "my units" / f"csvexport-my\\x20shop.{kind}") for kind in ("service", "timer")]
    assert f"sudo install -m 644 {shlex.join(units)} /etc/systemd/system/" in hints
    assert "enable --now 'csvexport-my\\x20shop.timer'" in hints


def test_a_service_without_secrets_is_given_none_and_what_is_there_need_not_be_made(load, tmp_path):
    (tmp_path / "out").mkdir()
    done = schedule(load(), "systemd", Wanted())
    keys = {key for key, _ in settings(done.units[0].text)}
    assert keys.isdisjoint({"LoadCredential", "EnvironmentFile"})
    assert not any("mkdir" in hint or "secret" in hint for hint in done.hints)


def test_files_that_others_fetch_stay_readable_for_them(job, tmp_path):
    assert value_of(plan(job(), None).units[0].text, "UMask") == "0077"
    assert value_of(plan(job(drops=(tmp_path,)), None).units[0].text, "UMask") == "0022"


@pytest.mark.parametrize("key", ["profile", "exports", "drops", "out", "log", "program"])
def test_the_shared_folder_for_temporary_files_is_hidden_unless_it_is_needed(key, job):
    def has_own(**changes):
        service = plan(job(**changes), None).units[0].text
        has_own = ("PrivateTmp", "true") in settings(service)
        assert has_own != ({"/tmp", "/var/tmp"} < {*words(value_of(service, "ReadWritePaths"))}), "it needs one of them"
        return has_own

    path = Path("/var/tmp/x/y.csv")
    assert has_own()
    assert not has_own(**{key: {"program": (str(path),), "exports": (path,), "drops": (path,)}.get(key, path)})


@pytest.mark.parametrize("folder", ["shop", *FOLDERS])
def test_systemd_finds_nothing_wrong(folder, job, tmp_path, analyze):
    shop = tmp_path / folder
    # Systemd calls no program with one of these in its path.
    program = tmp_path / re.sub(r"[\"'\\]", "", folder) / "csvexport"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    made = job(
        name=folder,
        program=(str(program),),
        profile=shop / "profile.toml",
        out=shop / "out",
        log=shop / "logs" / "run.log",
        user="root",
        variables=("CRM_KEY",),
        credentials=("sftp",),
        drops=(shop / "drop",),
    )
    files = write(plan(made, None).units, tmp_path / "units")
    done = analyze("verify", *files)
    assert (done.returncode, done.stdout) == (0, "")
    program.unlink()
    done = analyze("verify", *files)
    assert done.returncode, "it was this file that systemd would have called"
    assert f"Command {program} is not executable" in done.stdout


@pytest.mark.parametrize("mark", ["'", '"', "\\"])
def test_a_program_that_systemd_would_not_call_is_refused(mark, job):
    with pytest.raises(UsageError, match="systemd calls no program with a quote or backslash in its path; install "):
        plan(job(program=(f"/opt/a{mark}b/csvexport",)), None)


def test_exposure_is_that_of_a_service_that_can_do_no_harm(job, tmp_path, analyze):
    for number, drops in enumerate([(), (tmp_path / "drop",)]):
        service, _ = write(plan(job(drops=drops), None).units, tmp_path / str(number))
        done = analyze("security", "--offline=true", "--threshold=20", service)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("every", "first"), [(1, 0), (15, 3), (60, 59), (360, 150), (1440, 390)])
def test_systemd_reads_the_moments_as_meant(every, first, job, analyze):
    timer = plan(job(rhythm=Rhythm(every=every, first=first)), None).units[1].text
    count = 1440 // every
    done = analyze(
        "calendar", "--base-time=2024-05-31 23:59:59 UTC", f"--iterations={count}", value_of(timer, "OnCalendar")
    )
    seen = re.findall(r"(?:Next elapse|Iter(?:ation|\.) #\d+): \w+ 2024-06-01 (\d\d):(\d\d):00 UTC", done.stdout)
    assert [int(hour) * 60 + int(minute) for hour, minute in seen] == [*range(first, 1440, every)]
