"""What Windows makes of the task: the very command, in the form that its schema asks for."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from awkward import FOUR, NAMES
from hypothesis import assume, given

from csvexport.errors import UsageError
from csvexport.scheduling import Wanted, schedule, write
from csvexport.scheduling.rhythm import Rhythm
from csvexport.scheduling.windows import plan

SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def task(schedule):
    return ET.fromstring(schedule.units[0].text)


def text(element, path):
    return element.find("/".join(f"{SPACE}{name}" for name in path.split("/"))).text


def children(element, path="."):
    found = element.find("/".join(f"{SPACE}{name}" if name != "." else name for name in path.split("/")))
    return [child.tag.removeprefix(SPACE) for child in found]


def arguments(line):
    """Split a command line as CommandLineToArgvW does."""
    words, word, is_quoted = [], None, False
    for backslashes, quote, letter in re.findall(r'(\\*)(?:(")|([^\\"])|$)', line):
        if quote:
            word = (word or "") + "\\" * (len(backslashes) // 2)
            if len(backslashes) % 2:
                word += '"'
            else:
                is_quoted = not is_quoted
            continue
        if backslashes:
            word = (word or "") + backslashes
        if letter in {" ", "\t"} and not is_quoted:
            words += [] if word is None else [word]
            word = None
        elif letter:
            word = (word or "") + letter
    return words + ([] if word is None else [word])


@given(NAMES, FOUR)
def test_windows_gets_every_word_as_it_is(job, name, paths):
    program, profile, out, log = paths
    made = job(name=name, program=(str(program), "-P"), profile=profile, out=out, log=log, user="SHOP\\Анна & Co")
    assume(not re.search(r"%[^%\s\\/]+%|\$\(Arg", " ".join(made.command)))
    done = plan(made, None)
    assert done.units[0].text.isascii()
    found = task(done)
    assert (text(found, "Actions/Exec/Command"), *arguments(text(found, "Actions/Exec/Arguments"))) == made.command
    assert text(found, "Actions/Exec/WorkingDirectory") == str(profile.parent)
    assert text(found, "Principals/Principal/UserId") == "SHOP\\Анна & Co"
    assert name in text(found, "RegistrationInfo/Description")


@pytest.mark.parametrize("folder", ["%TEMP%", "a %ProgramFiles(x86)% b", "$(Arg0)"])
def test_a_path_in_which_windows_would_put_something_else_is_refused(folder, job):
    with pytest.raises(UsageError, match=r"^Windows would put something else in the place of .+; rename the folder or"):
        plan(job(out=Path("/srv") / folder), None)
    assert plan(job(out=Path("/srv/50% and 60%/$(Arg)")), None)


@pytest.mark.parametrize("every", [15, 1440])
def test_the_task_has_the_elements_of_the_schema_in_their_order(every, job):
    found = task(plan(job(rhythm=Rhythm(every=every, first=3)), None))
    assert (found.tag, found.get("version")) == (f"{SPACE}Task", "1.2")
    assert children(found) == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    repetition = ["Repetition"] if every == 15 else []
    assert children(found, "Triggers/CalendarTrigger") == ["StartBoundary", *repetition, "ScheduleByDay"]
    assert children(found, "Principals/Principal") == ["UserId", "LogonType", "RunLevel"]
    assert children(found, "Actions/Exec") == ["Command", "Arguments", "WorkingDirectory"]
    principal = found.find(f"{SPACE}Principals/{SPACE}Principal").get("id")
    assert found.find(f"{SPACE}Actions").get("Context") == principal


def test_it_repeats_all_day_and_two_never_run_at_once(job):
    found = task(plan(job(rhythm=Rhythm(every=120, first=63)), None))
    trigger = "Triggers/CalendarTrigger"
    assert text(found, f"{trigger}/StartBoundary") == "2024-01-01T01:03:00"
    assert text(found, f"{trigger}/Repetition/Interval") == "PT120M"
    assert text(found, f"{trigger}/Repetition/Duration") == "P1D"
    assert text(found, f"{trigger}/ScheduleByDay/DaysInterval") == "1"
    assert text(found, "Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text(found, "Settings/StartWhenAvailable") == "true"


def test_the_file_is_what_schtasks_reads(load, tmp_path):
    done = schedule(load(folder="Магазин"), "windows", Wanted(to=tmp_path / "my units"))
    [file] = write(done.units, tmp_path / "my units")
    assert file.name == "csvexport-Магазин.xml"
    assert file.read_bytes()[:2] in {b"\xff\xfe", b"\xfe\xff"}
    found = ET.parse(file).getroot()
    assert str(tmp_path / "Магазин") == text(found, "Actions/Exec/WorkingDirectory")
    assert f'schtasks /Create /TN csvexport-Магазин /XML "{file}"' in done.hints[0]


def test_variables_that_hold_secrets_are_told(load):
    variable = ('to = "sftp:', 'password = "env:SFTP_PASSWORD"\nto = "sftp:')
    assert "takes SFTP_PASSWORD from the environment: set" in "\n".join(
        schedule(load(variable), "windows", Wanted()).hints
    )
