"""What a machine that reads the log relies on: whole lines of JSON, and nothing personal in them."""

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.errors import UsageError
from csvexport.journal import Journal

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


def lines(path):
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_a_line_tells_when_what_and_who(tmp_path):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    Journal(tmp_path / "run.log").event("delivered", batch="B1", rows=3, is_unchanged=False, wait=1.5, problem=None)
    [line] = lines(tmp_path / "run.log")
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "delivered",
        "pid": os.getpid(),
        "batch": "B1",
        "rows": 3,
        "is_unchanged": False,
        "wait": 1.5,
        "problem": None,
    }
    written = datetime.fromisoformat(json.loads((tmp_path / "run.log").read_text())["at"])
    assert before <= written <= datetime.now(UTC)


def test_lines_are_added_to_what_is_there(tmp_path):
    for name in ("began", "ended"):
        Journal(tmp_path / "run.log").event(name)
    assert [line["event"] for line in lines(tmp_path / "run.log")] == ["began", "ended"]


def test_bound_facts_stand_in_each_line_and_in_no_other_s(tmp_path):
    journal = Journal(tmp_path / "run.log")
    shop = journal.bound(profile="shop", batch="B1").bound(batch="B2")
    shop.event("sending", destination="drop")
    shop.event("delivered", profile="other")
    journal.event("ended")
    told = [{key: line[key] for key in line.keys() - {"at", "pid", "event"}} for line in lines(tmp_path / "run.log")]
    assert told == [{"profile": "shop", "batch": "B2", "destination": "drop"}, {"profile": "other", "batch": "B2"}, {}]


def test_a_journal_without_a_file_keeps_nothing(tmp_path):
    Journal().bound(profile="shop").event("began")
    Journal(None).event("ended")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("called +7 000 111-22-33 twice", "called +7 0… twice"),
        ("anna@example.ru", "anna…"),
        ("id 1234567890123456789", "id 1234…"),
        (["1234567890123456789"], ["1234…"]),
        ({"ids": ("1234567890123456789", 7)}, {"ids": ["1234…", 7]}),
        (ValueError("no 1234567890123456789"), "no 1234…"),
        (Path("out") / "20240601T090000Z-12345678", str(Path("out/20240601T090000Z-12345678"))),
        (datetime(2024, 6, 1, 9, tzinfo=UTC), "2024-06-01T09:00:00+00:00"),
        ("from 2024-06-01T09:00:00", "from 2024-06-01T09:00:00"),
        ("sftp://shop@files.example.ru/up/a.csv: lost", "sftp://shop@files.example.ru/up/a.csv: lost"),
        ("sftp://s@a.ru/x sftp://t@b.ru/y anna@example.ru", "sftp://s@a.ru/x sftp://t@b.ru/y anna…"),
        ("sftp://70001112233@a.ru/70001112233.csv", "sftp://7000…@a.ru/7000….csv"),
        ("sftp://a/x anna@example.ru", "sftp://a/x anna…"),
    ],
)
def test_facts_of_every_kind_are_written_and_what_is_personal_is_cut_short(fact, told, tmp_path):
    Journal(tmp_path / "run.log").bound(bound=fact).event("x", fact=fact)
    assert [(line["fact"], line["bound"]) for line in lines(tmp_path / "run.log")] == [(told, told)]


@given(st.text())
def test_any_text_is_one_printable_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("log") / "run.log"
    Journal(path).event("x", text=f"<{text}>\x1b[2J\x9b\u2028\udcff\n")
    [line] = path.read_text("ascii").removesuffix("\n").split("\n")
    assert line.isprintable()
    if not any(letter in "@0123456789" for letter in text):
        assert json.loads(line)["text"] == f"<{text}>\x1b[2J\x9b\u2028\udcff\n"


@posix
def test_the_file_is_its_owner_s_only_and_the_folder_is_made(tmp_path):
    path = tmp_path / "logs" / "shop" / "run.log"
    Journal(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    Journal(path).event("began")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640, "an administrator may have let others read it"


def test_a_file_that_was_renamed_is_begun_anew(tmp_path):
    path = tmp_path / "run.log"
    journal = Journal(path)
    journal.event("began")
    path.rename(tmp_path / "run.log.1")
    journal.event("ended")
    assert [lines(file)[0]["event"] for file in (tmp_path / "run.log.1", path)] == ["began", "ended"]


def test_the_file_stays_the_same_when_the_process_moves_elsewhere(tmp_path, monkeypatch):
    journal = Journal(Path("run.log"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    journal.event("began")
    assert len(lines(tmp_path / "run.log")) == 1


@pytest.mark.parametrize("name", ["folder", "file/run.log"])
def test_a_log_that_cannot_be_written_is_refused_at_the_start(name, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=rf"^--log: {name} cannot be written: .+; name a file in a folder that you"):
        Journal(Path(name))


@posix
def test_a_log_that_fails_later_warns_once_and_stops_nothing(tmp_path, capsys):
    path = tmp_path / "logs" / "run.log"
    journal = Journal(path)
    path.unlink()
    path.mkdir()
    journal.bound(batch="B1").event("sending")
    journal.event("delivered")
    said = capsys.readouterr().err
    assert said == f"The log {path} lacks lines, since it cannot be written: Is a directory\n"
    path.rmdir()
    journal.event("ended")
    assert [line["event"] for line in lines(path)] == ["ended"], "it is written again as soon as that is possible"


def test_a_line_that_found_room_for_a_part_spoils_no_other(tmp_path, capsys):
    resource = pytest.importorskip("resource", reason="Windows limits no files")
    path = tmp_path / "run.log"
    journal = Journal(path)
    journal.event("began")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
    try:
        journal.event("sending")
        journal.event("delivered")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    journal.event("ended")
    first, torn, last = path.read_text().splitlines()
    assert [json.loads(line)["event"] for line in (first, last)] == ["began", "ended"]
    assert len(torn) == 20
    assert capsys.readouterr().err.count("lacks lines") == 1


def test_lines_of_processes_at_work_at_once_never_mix(tmp_path):
    path = tmp_path / "run.log"
    program = (
        "import sys; from pathlib import Path; from csvexport.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1])).bound(who=sys.argv[2])\n"
        "for number in range(300): journal.event('x', number=number, text=f'{sys.argv[2]} ' * 3000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, path, who]) for who in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    told = lines(path)
    assert sorted((line["who"], line["number"]) for line in told) == [(who, n) for who in "abc" for n in range(300)]
    assert all(line["text"] == f"{line['who']} " * 3000 for line in told)
