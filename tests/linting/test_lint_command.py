"""`csvexport lint` as its users meet it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import csvexport
from csvexport.cli import app

NOW = "2024-06-01T09:00:00Z"
ID, TIME = "1716642001234567891", "1717059600"
CLEAN = f"ClientId,Target,DateTime,Price,Currency\n{ID},order_paid,{TIME},100.50,RUB\n"
WARNED = CLEAN.replace("order_paid", "12345")
WRONG = CLEAN.replace("RUB", "rub")
SEMICOLONS = CLEAN.replace(",", ";")
ORDERS = "id;create_date_time;emails;order_status\n1;2024-06-01 12:30;mail@example.com;PAID\n"


@pytest.fixture
def file(tmp_path):
    """Write a file beside which the command runs."""

    def file(content, name="file.csv"):
        (tmp_path / name).write_text(content, encoding="utf-8")
        return name

    return file


def lint(*arguments):
    return CliRunner().invoke(app, ["lint", *arguments, "--now", NOW], catch_exceptions=False)


def started(*arguments, folder):
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "csvexport", "lint", *arguments, "--now", NOW],
        capture_output=True,
        cwd=folder,
        env={"PYTHONPATH": str(Path(csvexport.__file__).parents[1]), "PYTHONUTF8": "1"},
        encoding="utf-8",
        check=False,
        timeout=600,
    )


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (CLEAN, (), 0),
        (WARNED, (), 0),
        (WRONG, (), 1),
        ("a;b\n1;2\n", (), 1),
        ("", (), 1),
        (SEMICOLONS, (), 1),
        (SEMICOLONS, ("--fix",), 0),
        (SEMICOLONS.replace("RUB", "rub"), ("--fix",), 1),
        (None, (), 3),
        (CLEAN, ("--to", "copy.csv"), 2),
        (CLEAN, ("--timezone", "Europe/Moskva"), 2),
    ],
)
def test_the_exit_code_says_how_the_files_stand(content, options, expected, file, tmp_path):
    if content is not None:
        file(content)
    done = started("file.csv", *options, folder=tmp_path)
    assert done.returncode == expected
    assert "Traceback" not in done.stderr
    assert bool(done.stderr) == (expected > 1)
    assert bool(done.stdout) == (expected < 2)


def test_a_clean_file_gets_a_reassuring_line(file):
    result = lint(file(CLEAN))
    assert result.stdout.splitlines() == [
        "file.csv: nothing is wrong with it",
        "conversions for Metrica, by its upload form or its API",
        f"utf-8, comma, 1 row, {len(CLEAN)} bytes",
    ]


def lines(result):
    """What was printed, without the blanks that fill a line."""
    return [line.rstrip() for line in result.stdout.splitlines()]


def test_faults_are_listed_within_80_columns(file):
    result = lint(file(WRONG.replace("Target", "target") + f"{ID},12345,{TIME},,\n"))
    assert lines(result) == [
        "file.csv: 2 errors, 1 warning, 1 of 2 rows would be refused",
        "conversions for Metrica, by its upload form or its API",
        "utf-8, comma, 2 rows, 132 bytes",
        "",
        "code            count  what it means                                    first in",
        "header-case         1  A column's name differs in upper and lower       row 1",
        "                       case, or by blanks: target (Target is right)",
        "bad-currency        1  The currency is no ISO 4217 code                 row 2",
        "numeric-target      1  The target looks like the number of a goal       row 3",
        "",
        "next  lint --fix writes a copy without header-case",
    ]


def test_verbose_says_what_to_do_what_yandex_says_and_where(file):
    result = lint(file(ORDERS), "--verbose")
    assert lines(result)[-4:] == [
        "future-time",
        "  Check the time zone; a date without a time of day is the end of that day.",
        "  Yandex: 'create_date_time' is from the future",
        "  row 2, create_date_time: 2024-06-01 12:30",
    ]
    assert all(len(line) <= 80 for line in lines(result))


def test_the_zone_is_the_counters(file):
    assert lint(file(ORDERS)).exit_code == 1
    assert lint(file(ORDERS), "--timezone", "Asia/Vladivostok").exit_code == 0


def test_several_files_are_judged_one_by_one(file):
    result = lint(file(CLEAN, "a.csv"), file(WRONG, "b.csv"), file(ORDERS, "c.csv"))
    assert result.exit_code == 1
    headlines = [line for line in lines(result) if ".csv: " in line]
    assert [line.partition(",")[0] for line in headlines] == [
        "a.csv: nothing is wrong with it",
        "b.csv: 2 errors",
        "c.csv: 2 errors",
    ]


def test_a_file_that_is_none_of_yandexs_is_called_by_its_columns(file):
    said = "The header is not that of a Metrica file: it is ID, Сумма"
    assert said in " ".join(lint(file("ID;Сумма\n1;2\n")).stdout.replace("row 1", "").split())


def test_one_document_tells_programs(file):
    result = lint(file(CLEAN, "a.csv"), file(WRONG, "b.csv"), "--json")
    document = json.loads(result.stdout)
    assert [given["path"] for given in document["files"]] == ["a.csv", "b.csv"]
    assert (result.exit_code, document["errors"], document["warnings"], result.stderr) == (1, 2, 0, "")


def test_programs_are_told_of_a_file_that_cannot_be_read():
    result = lint("missing.csv", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"].startswith("missing.csv: no such file")


def test_quiet_leaves_the_exit_code(file):
    result = lint(file(WRONG), "--quiet")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 1)


def test_a_corrected_copy_is_written_and_judged(file, tmp_path):
    result = lint(file(SEMICOLONS.replace("RUB", "rub")), "--fix")
    assert (tmp_path / "file.fixed.csv").read_text(encoding="utf-8") == WRONG
    assert (tmp_path / "file.csv").read_text(encoding="utf-8") == SEMICOLONS.replace("RUB", "rub")
    assert lines(result)[:4] == [
        "file.csv, mended: 2 errors, 1 of 1 row would be refused",
        "conversions for Metrica, by its upload form or its API",
        f"utf-8, comma, 1 row, {len(WRONG)} bytes",
        "mended in file.fixed.csv: wrong-delimiter",
    ]


def test_where_nothing_can_be_mended_that_is_said(file, tmp_path):
    result = lint(file(WRONG), "--fix")
    assert "nothing in it can be mended without guessing, so no copy was written" in lines(result)
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


def test_the_copy_goes_where_it_is_sent_and_never_over_another_file(file, tmp_path):
    name = file(SEMICOLONS)
    assert lint(name, "--fix", "--to", "copy.csv").exit_code == 0
    assert (tmp_path / "copy.csv").read_text(encoding="utf-8") == CLEAN
    again = lint(name, "--fix", "--to", "copy.csv")
    assert (again.exit_code, again.stderr) == (
        2,
        "copy.csv is there already; remove it, or name another file with --to\n",
    )
    assert lint(name, "--fix", "--to", name).exit_code == 2
    both = lint(name, file(CLEAN, "b.csv"), "--fix", "--to", "x.csv")
    assert (both.exit_code, both.stderr) == (2, "--to: it names the copy that --fix writes of one file\n")


def test_what_a_terminal_would_obey_is_not_printed(file):
    result = lint(file(f"ClientId,Target,DateTime,\x1b[31mred\n{ID},a,{TIME},\n"), "--verbose")
    assert "\x1b" not in result.stdout
