"""The README is true: its sessions are run, its profiles are loaded, and its tables are held against the program.

`pytest tests/test_readme.py --regenerate` writes the output of the sessions anew; look at the difference afterwards.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer.main

from csvexport.cli import INTERRUPTED, app
from csvexport.errors import CsvexportError
from csvexport.issues import CATALOGUE, Code
from csvexport.profile import Goal, Profile, profile_schema
from csvexport.screen import CLOSED_PIPE
from csvexport.transform.goals import decider
from csvexport.transform.identities import RULES
from csvexport.values.contacts import read_email_cell, read_phone_cell
from csvexport.values.identifiers import read_identifier
from csvexport.values.money import money_text, read_money
from csvexport.values.times import TimeRule, read_time

ROOT = Path(__file__).parents[1]

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")

# The moment of every build in the README, and the zone of its table of times.
NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
ZONE = "Europe/Moscow"

# The reader has the program installed; here it is run from the checkout.
SHELL = 'csvexport() { "$PYTHON" -m csvexport "$@"; }\n'

NONE = "–"
EMPTY = "an empty cell"


def blocks(language):
    """The fenced blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def tables(*headings):
    """The rows of all tables with these headings, each a list of its cells."""
    head = re.escape(f"| {' | '.join(headings)} |\n")
    bodies = re.findall(rf"^ *{head} *\|.*\n((?: *\|.*\n)*)", TEXT, re.MULTILINE)
    return [[_cells(line) for line in body.splitlines()] for body in bodies]


def _cells(line):
    return [cell.strip() for cell in line.strip(" |").split(" | ")]


def table(*headings):
    """The rows of the only table with these headings."""
    (rows,) = tables(*headings)
    return rows


def codes(cell):
    """What stands between backticks in a cell of a table."""
    return re.findall(r"`([^`]+)`", cell)


def cells(cell):
    """The source's cells that a cell of a table names."""
    return codes(cell) + [""] * (EMPTY in cell)


@pytest.fixture
def workplace(tmp_path, samples):
    """A folder as the reader has it: with the samples, and no batches."""
    shutil.copytree(samples, tmp_path / "samples", ignore=shutil.ignore_patterns("expected", "out"))
    return tmp_path


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "readme.toml"
        path.write_text(text, encoding="utf-8")
        return Profile.load(path)

    return load


def printed(text):
    """What was printed, without the blanks that end a line."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def output(command, folder):
    """What a reader sees of a command."""
    environment = os.environ | {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    done = subprocess.run(
        ["/bin/sh", "-c", SHELL + command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return printed(done.stdout)


def session(block, folder):
    """A session again, with the output that its commands give now."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{command}\n{output(command[2:], folder)}" for command in commands)


def shown(language, expected, request):
    """The blocks of a language, which `--regenerate` first makes what is expected."""
    found = blocks(language)
    if request.config.getoption("--regenerate"):
        text = README.read_text(encoding="utf-8")
        for block, new in zip(found, expected, strict=True):
            text = text.replace(f"```{language}\n{block}```", f"```{language}\n{new}```")
        README.write_text(text, encoding="utf-8")
        return expected
    return found


def test_sessions_show_what_the_program_prints(workplace, request):
    expected = [session(block, workplace) for block in blocks("console")]
    assert len(expected) == 8
    assert shown("console", expected, request) == expected


def test_sum_in_the_text_is_that_of_the_session():
    counts = dict(re.findall(r"^(accepted|skipped|rejected|matched) +(\d+)  ", blocks("console")[0], re.MULTILINE))
    assert "{accepted} + {skipped} + {rejected} = {matched}.".format(**counts) in TEXT


def test_first_profile_is_the_samples():
    assert blocks("toml")[0] == (ROOT / "samples/bitrix24/profile.toml").read_text(encoding="utf-8")


def test_profile_and_session_come_before_everything_else():
    beginning = TEXT.partition("\n## ")[0]
    assert re.findall(r"^```([a-z]+)$", beginning, re.MULTILINE) == ["toml", "console"]


@pytest.mark.parametrize("text", blocks("toml"))
def test_profiles_load(text, load):
    assert load(text).kinds


def test_library_snippet_prints_what_is_shown(workplace, monkeypatch, capsys, request):
    monkeypatch.chdir(workplace)
    (snippet,) = blocks("python")
    exec(compile(snippet, "README.md", "exec"), {})
    expected = [printed(capsys.readouterr().out)]
    assert shown("text", expected, request) == expected


def test_batch_holds_the_files_of_the_table(workplace):
    output(f"csvexport build samples/bitrix24/profile.toml --now {NOW:%Y-%m-%dT%H:%M:%SZ}", workplace)
    (batch,) = (workplace / "out" / "bitrix24").glob("2*")
    assert {codes(row[0])[0] for row in table("file", "what it is")} == {path.name for path in batch.iterdir()}


def test_upload_table_has_every_id_type():
    rows = table("file", "id type", "what identifies the visitor")
    assert {(codes(row[0])[0], row[1]) for row in rows} == {(f"conversions-{kind}.csv", kind) for kind in RULES}


# What stands for the names in a table of them.
NAMES = {"attributes": "NAME", "statuses": "STATUS"}

# Keys of tables that are described once, where they come first, and written everywhere else in the same way.
AGAIN = re.compile(
    r"source\.join\.(?!(path|on|prefix)$).*|deliver\.jump\.(?!(host|username)$).*"
    r"|(calls|orders|contacts|deals)\.(goals\.)?(when\.COLUMN\..*"
    r"|(time|created|updated|finished|birth_date)\.(column|format|timezone)"
    r"|(price|revenue|cost|currency)\.(column|decimal|values))"
    r"|calls\.(missed|first_time_caller)\..*"
    r"|deals\.(goals\.(target|when|price)|attributes\.NAME\..*)"
)


def keys(schema, definitions, path=""):
    """Every key of a JSON Schema as (path, its schema, whether it must be there); capitals stand for any name."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    for part in schema.get("anyOf", ()):
        yield from keys(part, definitions, path)
    yield from keys(schema["items"], definitions, path) if "items" in schema else ()
    if isinstance(schema.get("additionalProperties"), dict):
        name = NAMES.get(path.rpartition(".")[2], "COLUMN")
        yield from keys(schema["additionalProperties"], definitions, f"{path}.{name}")
    for name, inner in schema.get("properties", {}).items():
        place = f"{path}.{name}".strip(".")
        yield place, inner, name in schema.get("required", ())
        yield from keys(inner, definitions, place)


def default(schema, *, required):
    """What the table says of a key's default."""
    if required:
        return "required"
    return f"`{schema['default']}`" if schema.get("default") else NONE


def test_profile_table_has_every_key_and_its_default():
    schema = profile_schema()
    described = [key for key in keys(schema, schema["$defs"]) if not AGAIN.fullmatch(key[0])]
    expected = {path: default(inner, required=must) for path, inner, must in described}
    rows = [row for rows in tables("key", "meaning", "default") for row in rows]
    assert {codes(key)[0]: value for key, _, value in rows} == expected


@pytest.mark.parametrize(
    ("when", "taken", "left"), table("the column's `when`", "takes", "does not take"), ids=lambda cell: cell
)
def test_when_table_is_true(when, taken, left):
    (condition,) = Goal.model_validate(
        tomllib.loads(f'target = "t"\ntime = "T"\nwhen = {{ C = {codes(when)[0]} }}')
    ).when
    decide = decider(condition)
    assert {text: decide(text) for text in cells(taken)} == dict.fromkeys(cells(taken), True)
    assert {text: decide(text) for text in cells(left)} == dict.fromkeys(cells(left), False)


def _time(text, rule):
    unix, code = read_time(text, rule)
    return (
        code.text
        if unix is None or code is Code.UNFINISHED_DAY
        else f"{datetime.fromtimestamp(unix, ZoneInfo(ZONE)):%Y-%m-%d %H:%M:%S}"
    )


@pytest.mark.parametrize(("texts", "form", "read"), table("cell", "`format`", "is read as"), ids=lambda cell: cell)
def test_table_of_times_is_true(texts, form, read):
    rule = TimeRule(ZONE, None if form == NONE else codes(form)[0], int(NOW.timestamp()))
    assert {text: _time(text, rule) for text in codes(texts)} == dict.fromkeys(codes(texts), codes(read)[0])


def _price(text, decimal):
    value, code = read_money(text, decimal)
    return code.text if value is None else money_text(value)


@pytest.mark.parametrize(
    ("texts", "decimal", "written"), table("cell", "`decimal`", "is written as"), ids=lambda cell: cell
)
def test_table_of_prices_is_true(texts, decimal, written):
    mark = None if decimal == NONE else codes(decimal)[0].strip('"')
    assert {text: _price(text, mark) for text in codes(texts)} == dict.fromkeys(codes(texts), codes(written)[0])


def _identifier(text, kind):
    read, code = read_identifier(text, RULES[kind])
    return code.text if code else read


@pytest.mark.parametrize(("kinds", "texts", "result"), table("id type", "cell", "result"), ids=lambda cell: cell)
def test_table_of_identifiers_is_true(kinds, texts, result):
    pairs = [(kind, text) for kind in kinds.split(", ") for text in codes(texts)]
    assert {pair: _identifier(pair[1], pair[0]) for pair in pairs} == dict.fromkeys(pairs, codes(result)[0])


def _contact(text):
    """What is left of a cell that is read as phones or as e-mails, whichever of the two finds more in it."""
    read = {Code.BAD_PHONE: read_phone_cell(text, "RU"), Code.BAD_EMAIL: read_email_cell(text)}
    return max(((",".join(values), code) for values, code in read.values()), key=lambda found: found[0])


@pytest.mark.parametrize(("texts", "leaves"), table("phones and e-mails", "leave as"), ids=lambda cell: cell)
def test_table_of_contacts_is_true(texts, leaves):
    (expected,) = codes(leaves)
    for text in codes(texts):
        left, code = _contact(text)
        issues = {read_phone_cell(text, "RU")[1].text, read_email_cell(text)[1].text}
        assert (expected in issues) if not left else (left == expected and code is Code.NONE), text


def usage(name, command):
    """A command as the README writes it, without its options."""
    arguments = (param.metavar for param in command.params if param.param_type_name == "argument")
    return " ".join(("csvexport", name, *arguments))


def options(command):
    """The options of a command as the README writes them."""
    return {
        f"{spelling} {param.metavar}" if param.metavar else spelling
        for param in command.params
        if param.param_type_name == "option"
        for spelling in param.opts
    }


def commands(group, before=""):
    """Every command by its name, those of groups behind the group's."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield f"{before}{name}", command


def test_command_table_has_every_command():
    expected = [usage(name, command) for name, command in commands(typer.main.get_command(app))]
    assert [codes(row[0])[0] for row in table("command", "what it does")] == expected


def test_option_table_has_every_option_of_every_command():
    program = typer.main.get_command(app)
    expected = {name: options(command) for name, command in [*commands(program), ("csvexport", program)]}
    documented = {name: set() for name in expected}
    for spellings, of, _ in table("option", "of", "meaning"):
        for name in codes(of):
            documented[name] |= set(codes(spellings))
    assert documented == expected


def _subclasses(error):
    return {error}.union(*map(_subclasses, error.__subclasses__()))


def test_exit_codes_are_all_there():
    expected = {0, INTERRUPTED, CLOSED_PIPE, 128 + signal.SIGTERM} | {
        error.exit_code for error in _subclasses(CsvexportError)
    }
    assert {int(row[0]) for row in table("exit code", "meaning")} == expected


def test_issue_table_is_the_catalogue():
    expected = [[f"`{issue.code.text}`", issue.severity, issue.title] for issue in CATALOGUE.values()]
    assert table("code", "severity", "meaning") == expected
