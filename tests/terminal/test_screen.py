"""Nothing of an export's acts on a terminal or names a person there, and output that fails ends in no traceback."""

import ast
import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import csvexport
from csvexport.screen import CLOSED_PIPE, harmless, say_json

PACKAGE = Path(csvexport.__file__).parent
NOW = "2024-06-01T09:00:00Z"

PROFILE = """
timezone = "Europe/Moscow"

[source]
path = "exports/*.csv"

[identifiers]
ClientId = "client"

[[goals]]
target = "order_paid"
when = { status = "paid" }
time = "paid_at"
"""

# A title of the window, a colour, the direction of writing, a line break of another kind, an escape of one character.
EVIL = "\x1b]0;owned\x07\x1b[6m\u202eevil\u2066\u2028\x9b2J\x7f"
PERSONS = ("+79991234567", "ivan@example.com", "1716642001234567891")


@pytest.fixture(autouse=True)
def _sources_in_reach(monkeypatch):
    """Processes run without an installed package where tests do."""
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))


@pytest.fixture
def shop(tmp_path):
    """An export whose file, columns and values are hostile, and whose header names people."""
    folder = tmp_path / "shop"
    folder.mkdir()
    header = ["client", "status", "paid_at", f"c{EVIL}", f"[link=http://evil]{EVIL}", *PERSONS]
    rows = [
        ["1716642001234567891", "paid", "2024-05-30 12:00:00", EVIL, EVIL, "x", "y", "z"],
        [f"bad{EVIL}", "paid", f"2024{EVIL}", EVIL, f"=1{EVIL}", "x", "y", "z"],
        ["1716642001234567892", f"neu{EVIL}", "", "", "", "x", "y", "z"],
    ]
    # With too many of these it would be no text.
    rows += [["1716642001234567893", "new", *["long " * 20] * 6]] * 40
    (folder / "exports").mkdir()
    with (folder / "exports" / f"ivan@example.com{EVIL}+79991234567.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    text = f"max_rejected = 1\n{PROFILE}"
    (folder / "profile.toml").write_text(text, encoding="utf-8")
    (folder / "wrong.toml").write_text(text.replace("paid_at", "ivan@example.org"), encoding="utf-8")
    return folder


def command(*arguments):
    return [sys.executable, "-m", "csvexport", *map(str, arguments)]


def in_a_terminal(*arguments, width=80, answers=b""):
    """Run a command with all streams a terminal; give its code and what the terminal saw."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
        command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm"}
    ) as process:
        os.close(theirs)
        os.write(ours, answers)
        seen = b""
        while True:
            try:
                seen += os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
        os.close(ours)
        return process.wait(600), seen.decode()


# What rich itself says: colours, the cursor, and erasing the line of the progress bar.
OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|[0-9]*[AK]|1G)")


def assert_harmless(seen):
    for line in OURS.sub("", seen).replace("\r", "").replace("\t", "").split("\n"):
        assert line.isprintable(), line
    assert "6m" not in re.findall(r"\x1b\[([0-9;]*m)", seen)
    assert "\x1b]" not in seen


def assert_anonymous(seen):
    for person in PERSONS:
        assert person not in seen


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "shop/profile.toml", "--verbose", "--now", NOW), 1),
        (("check", "shop/wrong.toml"), 2),
        (("build", "shop/profile.toml", "--verbose", "--now", NOW), 0),
        (("run", "shop/profile.toml", "--now", NOW, "--log", "log"), 2),
        (("inspect", "shop/exports", "--verbose"), 0),
        (("init", "shop/exports", "--yes", "--to", "new.toml"), 1),
        (("lint", "HOSTILE", "--verbose"), 1),
        (("history", EVIL), 0),
        (("schedule", f"{EVIL}.toml", "--as", "cron"), 2),
        ((f"--{EVIL}",), 2),
        ((EVIL,), 2),
        (("check", f"no{EVIL}.toml"), 2),
        (("send", "shop/profile.toml", EVIL), 2),
        (("confirm", EVIL), 2),
    ],
    ids=lambda value: value[0].replace(EVIL, "EVIL") if isinstance(value, tuple) else None,
)
def test_no_command_shows_a_terminal_what_it_obeys_or_anybody_what_is_personal(arguments, code, shop):
    (export,) = shop.glob("exports/*.csv")
    ended, seen = in_a_terminal(*(export.relative_to(Path.cwd()) if word == "HOSTILE" else word for word in arguments))
    assert "Traceback" not in seen
    assert ended == code
    assert_harmless(seen)
    assert_anonymous(seen)
    if Path("log").exists():
        text = Path("log").read_text()
        assert text.isascii()
        assert_anonymous(text)


def test_questions_show_nothing_that_a_terminal_obeys(shop):
    rows = [("1716642001234567891", f"{EVIL} {PERSONS[0]}", "30.05.2024 12:00:00"), ("1716642001234567892", "paid", "")]
    with (shop / "asked.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("ClientID", f"Статус {EVIL}", "Дата оплаты"), *rows * 9])
    code, seen = in_a_terminal("init", "shop/asked.csv", "--to", "new.toml", answers=b"\n" * 9)
    assert code == 0
    assert "mean a conversion?" in seen
    assert_harmless(seen)
    assert_anonymous(seen)


@pytest.mark.usefixtures("shop")
def test_the_report_names_nobody_and_shows_nothing_raw():
    subprocess.run(command("build", "shop/profile.toml", "--now", NOW), check=True, capture_output=True)
    for name in ("report.txt", "report.html", "manifest.json"):
        (path,) = Path("out").glob(f"*/*/{name}")
        text = path.read_text(encoding="utf-8")
        assert all(letter.isprintable() or letter in "\n\t\u202f\u00a0" for letter in text)
        assert_anonymous(text)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("command_of", ["check", "inspect"])
def test_json_escapes_what_a_terminal_obeys_and_stays_json(command_of):
    export = ["shop/exports"] if command_of == "inspect" else ["shop/profile.toml", "--now", NOW]
    done = subprocess.run(command(command_of, *export, "--json"), capture_output=True, check=False)
    assert done.stdout.decode().removesuffix("\n").isprintable()
    assert json.loads(done.stdout)


@given(st.dictionaries(st.text(), st.text(st.characters())))
def test_whatever_json_holds_is_escaped_and_comes_back(document):
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(stream):
        say_json(document)
    text = stream.buffer.getvalue().decode()
    assert text.removesuffix("\n").isprintable()
    assert json.loads(text) == document


@given(st.text())
def test_harmless_keeps_lines_and_nothing_without_a_picture(text):
    assert all(letter.isprintable() or letter in "\n\t" for letter in harmless(text))
    assert harmless(text).count("\n") == text.count("\n")


def _writes(tree):
    """Where a module may write to a terminal by itself."""
    for node in ast.walk(tree):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in {"echo", "secho", "prompt", "print", "input", "__stdout__", "__stderr__"} or (
            isinstance(node, ast.Attribute) and name == "write" and ast.unparse(node.value).startswith("sys.")
        ):
            yield node.lineno, ast.unparse(node)


def test_one_module_writes_to_the_terminal():
    found = {
        f"{path.relative_to(PACKAGE)}:{line}": said
        for path in PACKAGE.rglob("*.py")
        if path.name != "screen.py"
        for line, said in _writes(ast.parse(path.read_text(encoding="utf-8")))
        if not (path.parent.name == "terminal" and said == "console.print")
    }
    assert found == {}


def test_rich_draws_through_the_one_console():
    console = ast.parse((PACKAGE / "terminal" / "console.py").read_text(encoding="utf-8"))
    made = [node for node in ast.walk(console) if isinstance(node, ast.Call) and ast.unparse(node.func) == "_Console"]
    assert len(made) == 2
    for node in made:
        assert {"markup=False", "emoji=False"} <= {ast.unparse(word) for word in node.keywords}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and path.parent.name == "terminal":
                assert ast.unparse(node.func) not in {"Console", "rich.print", "Text.from_markup", "Text.from_ansi"}


# Streams that cannot be written, and other places that are not as they should be.


@pytest.fixture
def plain(tmp_path):
    (tmp_path / "profile.toml").write_text(PROFILE.replace("exports/*", "deals"), encoding="utf-8")
    (tmp_path / "deals.csv").write_text("client,status,paid_at\n1716642001234567891,paid,2024-05-30 12:00:00\n")
    return tmp_path


CHECK = ("check", "profile.toml", "--now", NOW)


def shell(redirected, *arguments, **settings):
    line = f'exec "$@" {redirected}'
    return subprocess.run(["sh", "-c", line, "sh", *command(*arguments)], capture_output=True, check=False, **settings)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("arguments", [CHECK, (*CHECK, "--json"), ("--help",), ("inspect", "deals.csv"), ("schema",)])
@pytest.mark.parametrize(("redirected", "reason"), [(">/dev/full", b"No space left"), (">&-", b"Bad file descriptor")])
def test_output_that_cannot_be_written_is_told_and_ends_with_4(redirected, reason, arguments):
    done = shell(redirected, *arguments)
    assert done.returncode == 4
    assert done.stderr.startswith(b"stdout cannot be written: " + reason)
    assert done.stderr.count(b"\n") == 1


@pytest.mark.usefixtures("plain")
def test_a_build_whose_output_cannot_be_written_is_done_all_the_same():
    assert shell(">/dev/full", "build", "profile.toml", "--now", NOW).returncode == 4
    assert len(list(Path("out").glob("*/*/manifest.json"))) == 1


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "<&-"])
def test_other_streams_that_are_closed_or_full_change_nothing(redirected):
    done = shell(redirected, *CHECK)
    assert done.returncode == 0
    assert b"1 conversion would be sent" in done.stdout
    assert shell(redirected, "check", "none.toml").returncode == 2


@pytest.mark.usefixtures("plain")
def test_all_streams_closed():
    assert shell("<&- >&- 2>&-", "build", "profile.toml", "--now", NOW).returncode == 4
    for path in Path("out").rglob("*"):
        assert not path.is_file() or b"would be" not in path.read_bytes()


@pytest.mark.usefixtures("plain")
def test_a_reader_that_leaves_is_no_mistake():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command("schema"), stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (CLOSED_PIPE, b"")


@pytest.mark.usefixtures("plain")
def test_a_working_folder_that_is_gone_is_told():
    done = subprocess.run(
        ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", *command(*CHECK)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"the working folder cannot be found: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "environment", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_neither_a_home_nor_a_locale_is_needed(environment):
    environment |= {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(command(*CHECK), env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_home_that_nobody_knows_is_told(plain):
    done = subprocess.run(command("inspect", "~nobody-of-this-name/deals.csv"), capture_output=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(b"~nobody-of-this-name/deals.csv: no such file")
    (plain / "profile.toml").write_text(PROFILE.replace("exports/*", "~nobody-of-this-name/deals"), encoding="utf-8")
    done = subprocess.run(command(*CHECK), capture_output=True, check=False)
    assert done.returncode == 3
    assert done.stderr.count(b"\n") == 1


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("width", [0, 1, 3])
@pytest.mark.parametrize("arguments", [CHECK, ("inspect", "deals.csv", "--verbose"), ("lint", "deals.csv")])
def test_a_terminal_without_width_breaks_nothing(arguments, width):
    code, seen = in_a_terminal(*arguments, width=width)
    assert "Traceback" not in seen
    assert code == (arguments[0] == "lint")


def test_a_list_of_names_ends_with_how_many_more_there_are(plain):
    names = ",".join(f"column{number}" for number in range(3000))
    (plain / "deals.csv").write_text(f"{names}\n{',' * 2999}\n")
    done = subprocess.run(command(*CHECK), capture_output=True, check=False)
    assert done.returncode == 2
    assert b'"column9" and 2,990 more' in done.stderr
    assert b"column10" not in done.stderr
