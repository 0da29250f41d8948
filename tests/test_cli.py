"""The command line as its users meet it: what is printed where, what is written, and which code the run ends with."""

import csv
import hashlib
import io
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import xlsxwriter
from typer.testing import CliRunner

import csvexport
from csvexport.cli import app
from csvexport.formats import conversions

NOW = "2024-06-01T09:00:00Z"
SAMPLES = ("amocrm", "bitrix24", "broken", "calltracking")
WIDTH = 80

MANIFEST_KEYS = ["version", "batch", "profile", "counter", "built_at", "sources", "files", "counts", "issues"]
MANIFEST_KEYS += ["unmatched", "empty", "match_quality"]

PROFILE = """
timezone = "Europe/Moscow"
since = 2024-05-20

[source]
path = "deals.csv"

[identifiers]
ClientId = "client"
Yclid = "yclid"

[[goals]]
target = "order_paid"
when = { status = "paid" }
time = "paid_at"
price = "sum"
"""

DEALS = """\
deal,client,yclid,status,paid_at,sum
1,1716642001234567891,,paid,2024-05-30 12:00:00,100.50
2,1716642001234567892,,paid,30.05.2024 13:00,"1 200,00"
3,1716642001234567893,,new,,
4,,15241600726526878416,paid,2024-05-31 15:00:00,
"""


HEADER = DEALS.partition("\n")[0]


@pytest.fixture(autouse=True)
def _sources_in_reach(monkeypatch):
    """Processes run in other folders, and without an installed package where tests do."""
    monkeypatch.setenv("PYTHONPATH", str(Path(csvexport.__file__).parents[1]))


@pytest.fixture
def shop(tmp_path):
    """A profile and an export in which nothing is wrong."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    (folder / "deals.csv").write_text(DEALS, encoding="utf-8")
    return folder


def run(*arguments):
    """Run a command inside this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def build(shop, *arguments):
    return run("build", shop / "profile.toml", "--now", NOW, *arguments)


def check(shop, *arguments):
    return run("check", shop / "profile.toml", "--now", NOW, *arguments)


def command(*arguments):
    return [sys.executable, "-m", "csvexport", *map(str, arguments)]


def start(*arguments, **settings):
    """Run a command as a process of its own."""
    return subprocess.run(command(*arguments), capture_output=True, check=False, timeout=600, **settings)


def listing(folder):
    """Every path below a folder with what is in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def the_batch(out="out"):
    (batch,) = [path for path in Path(out).glob("*/*") if not path.name.startswith(".")]
    return batch


def assert_complaint(result, exit_code, *said):
    """One clear message on stderr, the right code, nothing on stdout."""
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for text in said:
        assert text in result.stderr


def test_build_writes_the_files_and_says_so(shop):
    result = build(shop)
    assert result.exit_code == 0
    assert result.stderr == ""
    batch = the_batch()
    assert result.stdout.startswith("shop: 3 conversions are ready to upload\n")
    assert f"batch  {batch}\n" in result.stdout
    assert {path.name for path in batch.iterdir()} == {
        *("conversions-ClientId.csv", "conversions-Yclid.csv"),
        *("keys-conversions.bin", "manifest.json", "report.html", "report.txt"),
    }
    assert (batch / "conversions-ClientId.csv").read_bytes() == (
        conversions.file("ClientId").header
        + b"1716642001234567891,order_paid,1717059600,100.50,RUB\n"
        + b"1716642001234567892,order_paid,1717063200,1200.00,RUB\n"
    )
    assert (batch / "conversions-Yclid.csv").read_bytes() == (
        conversions.file("Yclid").header + b"15241600726526878416,order_paid,1717156800,,RUB\n"
    )


def test_check_says_what_a_build_would_do(shop):
    result = check(shop)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.startswith("shop: 3 conversions would be sent\n")
    assert "no-goal" in result.stdout


def test_check_exits_with_1_when_rows_are_rejected(shop):
    with (shop / "deals.csv").open("a", encoding="utf-8") as file:
        file.write("5,,,paid,2024-05-31 10:00:00,\n")
    result = check(shop)
    assert result.exit_code == 1
    assert "no-identifier" in result.stdout
    assert build(shop).exit_code == 0


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("options", [[], ["--verbose"], ["--json"], ["--quiet"]])
def test_check_writes_nothing_anywhere(sample, options, samples, tmp_path, monkeypatch):
    scratch = tmp_path / "temporary"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    folder = tmp_path / "copy"
    shutil.copytree(samples / sample, folder)
    before = listing(tmp_path)
    check(folder, *options)
    assert listing(tmp_path) == before


def test_schema_prints_a_json_schema():
    result = run("schema")
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"timezone", "goals", "identifiers"} <= set(schema["properties"])


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("order", ["check", "build"])
def test_json_is_one_document_with_the_manifest(order, sample, samples):
    result = run(order, samples / sample / "profile.toml", "--now", NOW, "--json")
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    said = json.loads(result.stdout)
    assert list(said) == [*MANIFEST_KEYS, "folder", "refusal", "same_as", "clock", "failed_on"]
    assert (said["refusal"], said["same_as"]) == (None, None)
    if order == "check":
        assert said["folder"] is None
        assert said["files"] == []
    else:
        manifest = json.loads((Path(said["folder"]) / "manifest.json").read_bytes())
        assert {key: said[key] for key in MANIFEST_KEYS} == manifest


def test_the_manifest_tells_the_truth(shop):
    build(shop)
    batch = the_batch()
    manifest = json.loads((batch / "manifest.json").read_bytes())
    assert list(manifest) == MANIFEST_KEYS
    assert manifest["batch"] == batch.name
    assert manifest["built_at"] == "2024-06-01T09:00:00+00:00"
    export = (shop / "deals.csv").read_bytes()
    (source,) = manifest["sources"]
    assert (source["path"], source["rows"], source["bytes"]) == ("deals.csv", 4, len(export))
    assert source["sha256"] == hashlib.sha256(export).hexdigest()
    for file in manifest["files"]:
        data = (batch / file["name"]).read_bytes()
        assert file["name"] == f"conversions-{file['identifier']}.csv"
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert (file["bytes"], file["rows"]) == (len(data), data.count(b"\n") - 1)
    counts = {"rows": 4, "matched": 3, "accepted": 3, "skipped": 0, "rejected": 0, "issues": {"no-goal": 1}}
    assert manifest["counts"] == {"conversions": counts}
    assert manifest["issues"] == {"no-goal": 1}


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [(["missing.toml"], 2), (["profile.toml", "missing.csv"], 3), (["profile.toml", "--since", "soon"], 2)],
)
@pytest.mark.parametrize("order", ["check", "build"])
def test_json_is_one_document_also_on_errors(order, arguments, exit_code, shop, monkeypatch):
    monkeypatch.chdir(shop)
    result = run(order, *arguments, "--json")
    assert result.exit_code == exit_code
    assert result.stdout.count("\n") == 1
    said = json.loads(result.stdout)
    assert (list(said), said["exit_code"]) == (["error", "mistakes", "exit_code"], exit_code)
    assert result.stderr == said["error"] + "\n"


def test_json_lists_every_mistake_of_a_profile(shop):
    (shop / "profile.toml").write_text(PROFILE.replace("Europe/Moscow", "Moscow").replace('"order_paid"', '"a b"'))
    said = json.loads(build(shop, "--json").stdout)
    assert len(said["mistakes"]) == 2
    assert said["error"] == "\n".join(said["mistakes"])


def test_only_the_kinds_that_are_asked_for_are_made(samples):
    result = run("build", samples / "orders" / "profile.toml", "--now", NOW, "--only", "orders", "--json")
    said = json.loads(result.stdout)
    assert list(said["counts"]) == ["orders"]
    assert [file["name"] for file in said["files"]] == ["orders.csv"]


@pytest.mark.parametrize(
    ("sample", "kinds", "complaint"),
    [
        ("bitrix24", ["orders"], "--only: the profile makes no orders; it makes conversions"),
        ("detailed", ["contacts"], "--only: contacts need deals beside them, since contacts.only_with_deals is set"),
    ],
)
def test_kinds_that_cannot_be_made_are_refused(sample, kinds, complaint, samples):
    only = [word for kind in kinds for word in ("--only", kind)]
    result = run("build", samples / sample / "profile.toml", "--now", NOW, *only)
    assert_complaint(result, 2, complaint)
    assert not Path("out").exists()


def test_a_snapshot_of_nothing_but_corrected_rows_is_refused(samples):
    run("build", samples / "orders" / "profile.toml", "--now", NOW)
    rejected = the_batch() / "rejected.csv"
    alone = run("build", samples / "orders" / "profile.toml", rejected, "--now", NOW)
    assert_complaint(alone, 2, "A rejected.csv alone would make orders of its rows only")
    assert "--only conversions" in alone.stderr
    assert run("check", samples / "orders" / "profile.toml", rejected, "--only", "conversions").exit_code == 1
    export = samples / "orders" / "orders.csv"
    beside = json.loads(
        run("build", samples / "orders" / "profile.toml", export, rejected, "--now", NOW, "--json").stdout
    )
    assert beside["counts"]["orders"]["accepted"] == 100


@pytest.mark.parametrize("order", ["check", "build"])
def test_quiet_prints_nothing_on_success(order, shop):
    result = run(order, shop / "profile.toml", "--now", NOW, "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_quiet_still_says_what_went_wrong(shop):
    result = run("build", shop / "nothing.toml", "--quiet")
    assert_complaint(result, 2, "nothing.toml: there is no such file")


def test_verbose_gives_places_and_remedies(samples):
    short = check(samples / "broken").stdout
    result = check(samples / "broken", "--verbose").stdout
    assert "export.csv, row 8, paid_at: 05/31/2024\n" in _unpadded(result)
    assert "time = { column = " in result
    assert "time = { column = " not in short
    # Square brackets are what a profile's writer looks for, and no markup.
    assert "under [[goals]]\n  or the kind.\n" in _unpadded(result)


def _unpadded(text):
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("order", ["check", "build"])
@pytest.mark.parametrize("options", [[], ["--verbose"]])
def test_every_line_fits_80_columns(order, options, sample, samples):
    result = run(order, samples / sample / "profile.toml", "--now", NOW, *options)
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= WIDTH


def test_a_refusal_names_what_to_look_at(samples, shop):
    text = (samples / "broken" / "profile.toml").read_text(encoding="utf-8")
    (shop / "profile.toml").write_text(text.replace("max_rejected = 1", "max_rejected = 0.1"), encoding="utf-8")
    export = samples / "broken" / "export.csv"
    result = check(shop, export)
    assert result.exit_code == 1
    assert "max_rejected = 0.1 allows" in " ".join(result.stdout.split())
    assert json.loads(check(shop, export, "--json").stdout)["refusal"]
    assert_complaint(build(shop, export), 1, "max_rejected = 0.1 allows", "Nothing was written.")
    assert json.loads(build(shop, export, "--json").stdout)["exit_code"] == 1


# What must not leave the house.


SECRETS = [
    *("1716642001234567891", "15241600726526878416", "+7 (999) 123-45-67", "79991234567", "client@example.com"),
    "open sesame",
]


def test_verbose_shows_no_secret_and_no_whole_identifier(shop, monkeypatch):
    """Every kind of personal text in every column, as a wrong profile would have it."""
    monkeypatch.setenv("CRM_PASSWORD", SECRETS[-1])
    columns = ["client", "yclid", "status", "paid_at", "sum"]
    good = ["1716642001234567892", "", "paid", "2024-05-30 12:00:00", "5"]
    lines = [",".join(columns), *(",".join(good) for _ in range(20)), ",".join(SECRETS[:5]) + ",6,7"]
    lines += [",".join([*good[:place], secret, *good[place + 1 :]]) for secret in SECRETS[:5] for place in range(5)]
    (shop / "deals.csv").write_text("\n".join(lines), encoding="utf-8")
    profile = PROFILE.replace('path = "deals.csv"', 'password = "env:CRM_PASSWORD"').replace("since = 2024-05-20", "")
    (shop / "profile.toml").write_text(profile.replace('sum"', 'sum"\ncurrency = { column = "status" }', 1))
    for options in (["--verbose"], ["--json"], []):
        for result in (check(shop, shop / "deals.csv", *options), build(shop, shop / "deals.csv", *options)):
            assert [secret for secret in SECRETS if secret in result.output] == []


def test_verbose_shows_dates_and_amounts_as_they_are(shop):
    wrong = ["05/31/2024 12:00", "2024-05-41 12:00:00", "31-05-2024 12:00:00"]
    rows = [f"{number},1716642001234567891,,paid,{text},5" for number, text in enumerate(wrong)]
    (shop / "deals.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    result = check(shop, "--verbose")
    assert [text for text in wrong if text not in result.stdout] == []


def test_verbose_shows_no_control_characters(shop):
    (shop / "deals.csv").write_text(f"{DEALS}5,17,,paid,\x1b[2Jred\x07,1\n", encoding="utf-8")
    result = check(shop, "--verbose")
    assert "bad-time" in result.stdout
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


# The moment and the period.


@pytest.mark.parametrize(
    "moment",
    ["2024-06-01T09:00:00Z", "2024-06-01T12:00:00+03:00", "2024-06-01 09:00:00+00:00", "2024-06-01T09:00:00.999Z"],
)
def test_now_takes_any_spelling_of_a_moment(moment, shop):
    result = run("build", shop / "profile.toml", "--now", moment, "--json")
    assert json.loads(result.stdout)["built_at"] == "2024-06-01T09:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        *("2024-06-01", "2024-06-01T09:00:00", "now", "", "2024-06-01T25:00:00Z", "171723240"),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"),
    ],
)
def test_now_refuses_what_is_no_moment(text, shop):
    result = run("build", shop / "profile.toml", "--now", text)
    assert_complaint(result, 2, f'--now: "{text}"', "write it as 2024-06-01T09:00:00Z")


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        (["--since", "2024-05-31"], 1),
        (["--until", "2024-05-30"], 2),
        (["--since", "2024-05-30", "--until", "2024-05-30"], 2),
        (["--since", "1d"], 1),
        (["--until", "1d"], 2),
        (["--since", "30d"], 3),
        (["--since", "0001-01-01", "--until", "9999-12-31"], 3),
        (["--until", "2024-05-01"], 0),
    ],
)
def test_since_and_until_stand_instead_of_the_profiles(options, accepted, shop):
    said = json.loads(check(shop, *options, "--json").stdout)
    assert said["counts"]["conversions"]["accepted"] == accepted
    assert said["issues"].get("outside-period", 0) == 3 - accepted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--since", "yesterday"], '--since: must be a date such as 2024-05-31, or days back from now such as "21d"'),
        (["--until", "2024-02-30"], "--until: the calendar has no day 2024-02-30"),
        (["--since", "21d", "--until", "01.05.2024"], "--until: must be a date"),
        (["--since", "05/01/2024", "--until", "1d"], "--since: must be a date"),
        (["--since", "2024-06-01", "--until", "2024-05-31"], "--until: 2024-05-31 lies before --since, 2024-06-01"),
        (["--since", "1d", "--until", "2d"], "--until: 2d lies before --since, 1d"),
    ],
)
def test_since_and_until_refuse_what_is_no_date(options, message, shop):
    assert_complaint(check(shop, *options), 2, message)


# The batch.


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_same_moment_gives_the_same_bytes_and_the_same_name(sample, samples, tmp_path):
    for out in ("one", "two"):
        assert build(samples / sample, "--out", tmp_path / out).exit_code == 0
    first, second = listing(tmp_path / "one"), listing(tmp_path / "two")
    assert first == second
    assert any(name.endswith("report.html") for name in first)


def test_building_twice_into_one_folder_leaves_one_batch(shop):
    first = build(shop)
    before = listing(Path("out"))
    second = build(shop)
    assert second.stdout == first.stdout
    assert listing(Path("out")) == before


def test_another_export_another_period_and_another_moment_make_other_batches(shop):
    profile = shop / "profile.toml"
    names = {json.loads(build(shop, *options, "--json").stdout)["batch"] for options in ([], ["--since", "1d"])}
    names.add(json.loads(run("build", profile, "--now", "2024-06-01T09:00:01Z", "--json").stdout)["batch"])
    (shop / "deals.csv").write_text(DEALS + "5,17,,paid,2024-05-31 10:00:00,\n", encoding="utf-8")
    names.add(json.loads(build(shop, "--json").stdout)["batch"])
    profile.write_text(PROFILE.replace("order_paid", "paid"), encoding="utf-8")
    names.add(json.loads(build(shop, "--json").stdout)["batch"])
    assert len(names) == 5
    assert {path.name for path in Path("out/shop").glob("[!.]*")} == names


def test_out_is_made_with_its_parents(shop, tmp_path):
    out = tmp_path / "a" / "b"
    assert build(shop, "--out", out).exit_code == 0
    assert the_batch(out).parent == out / "shop"
    assert not Path("out").exists()


def test_exports_of_the_command_line_stand_instead_of_the_profiles(shop, tmp_path):
    export = tmp_path / "other.csv"
    export.write_text(f"{HEADER}\n9,123,,paid,2024-05-31 10:00:00,1\n", encoding="utf-8")
    said = json.loads(build(shop, "other.csv", "--json").stdout)
    assert [source["path"] for source in said["sources"]] == ["other.csv"]
    said = json.loads(build(shop, "other.csv", shop / "deals.csv", "--json").stdout)
    assert [source["path"] for source in said["sources"]] == ["other.csv", str(shop / "deals.csv")]
    assert said["counts"]["conversions"]["accepted"] == 4


@pytest.mark.parametrize(
    ("rows", "why"),
    [("", "no rows were read"), ("3,1716642001234567893,,new,,\n", "no row matches any goal")],
    ids=["no row", "no goal"],
)
def test_nothing_to_send_makes_no_batch(rows, why, shop):
    (shop / "deals.csv").write_text(f"{HEADER}\n{rows}", encoding="utf-8")
    result = build(shop)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"shop: nothing to send, so no batch was made; {why}\n")
    assert not Path("out").exists()
    said = json.loads(build(shop, "--json").stdout)
    assert (said["folder"], said["files"]) == (None, [])


# Bad input: one clear message, nothing written.


@pytest.mark.parametrize("order", ["check", "build"])
@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda path: path.unlink(), ["deals.csv: no such file; check the path (looked for "]),
        (lambda path: path.unlink() or path.mkdir(), ["deals.csv: there is no file in this folder"]),
        (lambda path: path.unlink() or os.mkfifo(path), ["deals.csv: this is no regular file", "save its content"]),
        (lambda path: path.write_bytes(b""), ["deals.csv: the file is empty"]),
        (lambda path: path.write_bytes(b"\n\r\n  \n"), ["deals.csv: the file is empty"]),
        (lambda path: path.write_bytes(bytes(range(256)) * 40), ["deals.csv: ", "export the table as CSV"]),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), ["deals.csv: the archive is damaged or cut off"]),
        (lambda path: path.write_text("<html><body>Log in</body>"), ["deals.csv: this is a web page"]),
    ],
    ids=["missing", "folder", "pipe", "empty", "blank", "binary", "workbook", "page"],
)
def test_an_export_that_cannot_be_read(order, prepare, said, shop, tmp_path):
    prepare(shop / "deals.csv")
    before = listing(tmp_path)
    result = run(order, shop / "profile.toml", "--now", NOW)
    assert_complaint(result, 3, *said)
    assert result.stderr.count("\n") == 1
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[goals]]", "[goal]", ['profile.toml: goal: unknown key (did you mean "goals"?)', "goals: is required"]),
        ('"paid_at"', '"payd_at"', ['profile.toml: goals[1].time: no column "payd_at" (did you mean "paid_at"?)']),
        (
            "Europe/Moscow",
            "Europe/Moskow",
            ['profile.toml: timezone: "Europe/Moskow"', '(did you mean "Europe/Moscow"'],
        ),
        ('"order_paid"', '"order paid"', ['profile.toml: goals[1].target: "order paid" has a space']),
        ("[identifiers]", "[identifiers", ["profile.toml: line 8"]),
    ],
    ids=["goals", "column", "zone", "target", "toml"],
)
def test_a_profile_with_a_mistake(old, new, said, shop, tmp_path):
    (shop / "profile.toml").write_text(PROFILE.replace(old, new), encoding="utf-8")
    before = listing(tmp_path)
    for result in (check(shop), build(shop)):
        assert_complaint(result, 2, *said)
    assert listing(tmp_path) == before


def test_a_column_that_is_missing_is_answered_with_the_columns_that_there_are(shop):
    (shop / "profile.toml").write_text(PROFILE.replace('"client"', '"ym_uid"'), encoding="utf-8")
    assert_complaint(build(shop), 2, 'no column "ym_uid"', '"deal", "client", "yclid", "status", "paid_at", "sum"')


def test_a_profile_that_is_not_there(tmp_path):
    assert_complaint(run("build", "nothing.toml"), 2, f"nothing.toml: there is no such file in {tmp_path}")
    assert_complaint(run("build", tmp_path), 2, "is a folder; name the profile in it")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_files_that_may_not_be_read(shop):
    (shop / "deals.csv").chmod(0)
    assert_complaint(build(shop), 3, "deals.csv: cannot be read: Permission denied")
    (shop / "profile.toml").chmod(0)
    assert_complaint(build(shop), 2, "profile.toml: cannot be read: Permission denied")


@pytest.mark.parametrize("place", ["out", "out/shop"])
def test_a_file_where_the_batches_should_go(place, shop, tmp_path):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine", encoding="utf-8")
    before = listing(tmp_path)
    assert_complaint(build(shop), 4, str(place), "cannot be ")
    assert listing(tmp_path) == before


def test_usage_mistakes_exit_with_2(shop):
    for arguments in ([], ["build"], ["frobnicate"], ["build", shop / "profile.toml", "--nope"]):
        assert run(*arguments).exit_code == 2


# Too many rejected.


def test_a_file_in_which_every_row_is_wrong_stops_the_build(shop, tmp_path):
    lines = [HEADER, *(f"{number},,,paid,2024-05-31 10:00:00,1" for number in range(100_000))]
    (shop / "deals.csv").write_text("\n".join(lines), encoding="utf-8")
    before = listing(tmp_path)
    result = build(shop)
    assert_complaint(
        result,
        1,
        "100,000 of 100,000 conversions (100%) would be rejected, more than max_rejected = 0.5 allows",
        "Most often: no-identifier (no identifier is filled), first in deals.csv, row 2",
        "Fill one of the columns named under [identifiers]",
        "Nothing was written.",
    )
    assert listing(tmp_path) == before
    result = check(shop)
    assert result.exit_code == 1
    assert "max_rejected = 0.5 allows" in " ".join(result.stdout.split())
    assert listing(tmp_path) == before


def test_exactly_the_share_that_is_allowed_is_built(shop):
    half = f"{DEALS}5,,,paid,2024-05-31 10:00:00,\n6,,,paid,,\n7,0,,paid,2024-05-31 10:00:00,\n"
    (shop / "deals.csv").write_text(half, encoding="utf-8")
    assert build(shop).exit_code == 0
    (shop / "deals.csv").write_text(f"{half}8,,,paid,2024-05-31 10:00:00,1\n", encoding="utf-8")
    assert_complaint(build(shop), 1, "4 of 7 conversions (57%) would be rejected")


WRONG = {
    "5": "5,undefined,,paid,2024-05-30 14:00:00,10.00",
    "6": "6,1716642001234567896,,paid,05/30/2024,20.00",
    "7": "7,1716642001234567897,,paid,2024-05-30 14:00:00,даром",
}
RIGHT = {
    "5": {"client": "1716642001234567895"},
    "6": {"paid_at": "30.05.2024 15:00"},
    "7": {"sum": "30,00"},
}


def _resaved(data, right, *, spreadsheet=False):
    """Correct a `rejected.csv`, and save it as csvexport or as a Russian spreadsheet does."""
    reader = csv.DictReader(io.StringIO(data.decode(), newline=""))
    text = io.StringIO(newline="")
    delimiter, end = (";", "\r\n") if spreadsheet else (",", "\n")
    writer = csv.DictWriter(text, reader.fieldnames, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    for row in reader:
        writer.writerow(row | right.get(row["deal"], {}))
    return text.getvalue().encode("cp1251" if spreadsheet else "utf-8")


@pytest.mark.parametrize("spreadsheet", [False, True])
def test_corrected_rows_give_exactly_what_was_missing(spreadsheet, shop, tmp_path):
    (shop / "deals.csv").write_text(DEALS + "\n".join(WRONG.values()) + "\n", encoding="utf-8")
    build(shop)
    first = the_batch()
    path = tmp_path / "rejected.csv"
    path.write_bytes(_resaved((first / "rejected.csv").read_bytes(), RIGHT, spreadsheet=spreadsheet))
    said = json.loads(build(shop, path, "--out", "again", "--json").stdout)
    second = Path(said["folder"])
    assert (second / "conversions-ClientId.csv").read_bytes() == (
        conversions.file("ClientId").header
        + b"1716642001234567895,order_paid,1717066800,10.00,RUB\n"
        + b"1716642001234567896,order_paid,1717070400,20.00,RUB\n"
        + b"1716642001234567897,order_paid,1717066800,30.00,RUB\n"
    )
    assert not (second / "rejected.csv").exists()
    assert said["sources"][0]["encoding"] == ("cp1251" if spreadsheet else "utf-8")


def test_a_rejected_file_that_nobody_corrected_is_no_reason_to_stop(shop, tmp_path):
    (shop / "deals.csv").write_text(DEALS + "\n".join(WRONG.values()) + "\n", encoding="utf-8")
    build(shop)
    path = tmp_path / "rejected.csv"
    path.write_bytes(_resaved((the_batch() / "rejected.csv").read_bytes(), {"5": RIGHT["5"]}))
    result = build(shop, path, "--json")
    assert result.exit_code == 0
    counts = json.loads(result.stdout)["counts"]["conversions"]
    assert (counts["accepted"], counts["rejected"]) == (1, 2)


# As a process.


def test_exit_codes_of_the_process(shop, samples):
    profile = shop / "profile.toml"
    broken = samples / "broken" / "profile.toml"
    codes = {
        ("build", profile, "--now", NOW): 0,
        ("check", broken, "--now", NOW): 1,
        ("build", "nothing.toml"): 2,
        ("build", profile, "nothing.csv"): 3,
        ("build", profile, "--now", NOW, "--out", profile): 4,
    }
    for arguments, code in codes.items():
        done = start(*arguments)
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False)


# Runs the command line, with this much room for every file.
CRAMPED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
del sys.argv[1]
from csvexport.cli import main
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such limit")
@pytest.mark.parametrize("room", [0, 10, 300, 1500, 5000], ids=["none", "header", "keys", "lines", "report"])
def test_a_disk_without_room_for_the_batch(room, shop, tmp_path):
    """The limit stands in for a full disk: writing fails in one place or another."""
    rows = (f"{row},{10**18 + row},,paid,2024-05-30 12:00:00,1\n" for row in range(20))
    (shop / "deals.csv").write_text(f"{DEALS}5,,,paid,,\n{''.join(rows)}", encoding="utf-8")
    arguments = ["build", str(shop / "profile.toml"), "--now", NOW]
    done = subprocess.run([sys.executable, "-c", CRAMPED, str(room), *arguments], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (4, b"")
    said = b"File too large; nothing was left behind; make room there, or name another folder of batches with --out\n"
    assert done.stderr.startswith(b"out: the batch cannot be written: ")
    assert done.stderr.endswith(said)
    assert done.stderr.count(b"\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop"]


def test_output_that_a_pipe_cannot_encode_ends_no_build(samples, shop):
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = start("check", samples / "bitrix24" / "profile.toml", "--now", NOW, "--verbose", env=environment)
    assert done.returncode == 1
    assert done.stderr == b""
    done = start("check", shop / "profile.toml", "нет.csv", "--json", env=environment)
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"].startswith("нет.csv: no such file")


def _in_a_terminal(*arguments):
    """Run a command whose stderr is a terminal; give its code, its stdout and what the terminal saw."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                seen += os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
        os.close(ours)
        return process.wait(600), process.stdout.read(), seen


def test_a_progress_bar_is_shown_on_a_terminal_and_never_on_stdout(shop):
    arguments = ("check", shop / "profile.toml", "--now", NOW)
    plain = start(*arguments)
    assert plain.stderr == b""
    code, said, seen = _in_a_terminal(*arguments)
    assert (code, said) == (0, plain.stdout)
    assert b"rows" in seen
    assert b"100%" in seen
    code, said, seen = _in_a_terminal(*arguments, "--quiet")
    assert (code, said, seen) == (0, b"", b"")


# Looking at an export, and the first profile.


START = """\
ID,Статус,Дата оплаты,Сумма,ClientID,Телефон,Контакт
1,Оплачен,30.05.2024 12:00:00,100,1716642001234567891,+7 900 000-00-01,Анна
2,Оплачен,30.05.2024 13:00:00,"1 200,00",1716642001234567892,+7 900 000-00-02,Олег
3,Новая,,300,1716642001234567893,+7 900 000-00-03,Инна
4,Выдан,31.05.2024 13:00:00,400,,+7 900 000-00-04,Пётр
"""


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "deals.csv"
    path.write_text(START, encoding="utf-8")
    return path


def test_inspect_says_what_an_export_holds_and_writes_nothing(export, tmp_path):
    result = run("inspect", "deals.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    said = " ".join(result.stdout.split())
    assert said.startswith("deals.csv utf-8, comma, 4 rows column holds filled distinct examples")
    assert "Дата оплаты paid time 75% 3 30.05.2024 12:00:00" in said
    assert "ClientID ClientId 75% 3 1716…, 1716…, 1716…" in said
    assert "Статус rows Оплачен 2 paid Новая 1 Выдан 1" in said
    assert "why it" not in said
    assert all(len(line) <= WIDTH for line in result.stdout.splitlines())
    assert list(tmp_path.iterdir()) == [export]
    verbose = run("inspect", "deals.csv", "--verbose").stdout
    assert "Телефон by its name and its values" in " ".join(verbose.split())
    assert all(len(line) <= WIDTH for line in verbose.splitlines())
    assert "000-00-0" not in verbose
    assert run("inspect", "deals.csv", "--quiet").stdout == ""


def test_inspect_as_json(export):
    said = json.loads(run("inspect", export, "--json").stdout)
    assert list(said) == ["sources", "rows", "unreadable", "crm", "columns", "missing", "status", "statuses", "lack"]
    assert said["lack"] is None
    assert said["sources"] == [{"path": str(export), "format": "csv", "form": "utf-8, comma", "rows": 4}]
    assert said["statuses"][0] == {"text": "Оплачен", "rows": 2, "paid": True}
    columns = {column["name"]: column for column in said["columns"]}
    assert columns["ClientID"] == {
        "name": "ClientID",
        "role": "ClientId",
        "reason": "by its name and its values",
        "alarm": None,
        "filled": 0.75,
        "distinct": 3,
        "distinct_is_all": True,
        "format": None,
        "formats": [],
        "examples": ["1716…", "1716…", "1716…"],
    }
    assert columns["Контакт"]["examples"] == ["А…", "О…", "И…"]


def test_init_writes_a_profile_that_runs_at_once(export, tmp_path):
    result = run("init", export.name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "profile.toml is written.\n\ncheck  2 would be sent, 0 rejected\n" in result.stdout
    assert result.stdout.endswith("       csvexport check profile.toml\n")
    assert {path.name for path in tmp_path.iterdir()} == {"deals.csv", "profile.toml"}
    assert 'path = "deals.csv"\n' in Path("profile.toml").read_text(encoding="utf-8")
    said = json.loads(run("check", "profile.toml", "--now", NOW, "--json").stdout)
    assert said["counts"]["conversions"]["accepted"] == 2


def test_init_writes_where_it_is_told_and_names_the_export_from_there(export, tmp_path):
    (tmp_path / "profiles").mkdir()
    result = run("init", export, "--to", "profiles/shop.toml", "--timezone", "Asia/Almaty", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    text = Path("profiles/shop.toml").read_text(encoding="utf-8")
    assert 'timezone = "Asia/Almaty"' in text
    assert 'path = "../deals.csv"' in text
    assert "csvexport check profiles/shop.toml" in text


def test_init_as_json(export):
    said = json.loads(run("init", export.name, "--json").stdout)
    assert said["profile"] == "profile.toml"
    assert said["check"]["counts"]["conversions"]["accepted"] == 2
    assert said["check"]["refusal"] is None
    assert said["statuses"][0]["text"] == "Оплачен"


def test_init_writes_over_nothing_unless_it_must(export):
    Path("profile.toml").write_text("mine", encoding="utf-8")
    assert_complaint(run("init", export.name), 2, "profile.toml is there already", "--to", "--force")
    assert Path("profile.toml").read_text(encoding="utf-8") == "mine"
    assert run("init", export.name, "--force").exit_code == 0
    assert "[identifiers]" in Path("profile.toml").read_text(encoding="utf-8")


def test_an_export_in_which_nobody_can_be_recognised_gives_no_profile(export, tmp_path):
    export.write_text(START.replace("1716642001234567", ""), encoding="utf-8")
    assert "No column holds a ClientID of Metrica" in run("inspect", "deals.csv").stdout
    result = run("init", "deals.csv")
    assert result.exit_code == 1
    assert "No column holds a ClientID of Metrica or a yclid" in result.stderr
    assert "No profile was written." in result.stderr
    assert "Дата оплаты" in result.stdout
    said = json.loads(run("init", "deals.csv", "--json").stdout)
    assert (said["profile"], said["exit_code"], said["rows"]) == (None, 1, 4)
    assert list(tmp_path.iterdir()) == [export]


def test_identifiers_that_a_spreadsheet_damaged_are_told_and_end_with_1(export):
    damaged = START
    for digits in ("7891", "7892", "7893"):
        damaged = damaged.replace(f"171664200123456{digits}", "1,71664E+18")
    export.write_text(damaged.replace(",1,71664E+18", ',"1,71664E+18"'), encoding="utf-8")
    result = run("init", "deals.csv")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "ClientID: 1 of 1 identifiers look like 1.7E+18: a spreadsheet rounded them." in said
    assert "2 of 2 conversions (100%) would be rejected" in said
    assert "1 of 1 identifiers" in " ".join(Path("profile.toml").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["inspect", "nothing.csv"], 3, "nothing.csv: no such file"),
        (["init", "nothing.csv"], 3, "nothing.csv: no such file"),
        (["init", "deals.csv", "--timezone", "Moscow"], 2, '--timezone: "Moscow" is no IANA time zone'),
        (["init", "deals.csv", "--to", "missing/profile.toml"], 2, "--to: there is no folder missing"),
        (["init", "https://crm:hunter2@crm.example.ru/deals.csv"], 3, "given as --username and --password"),
        (["init", "https://crm.example.ru/a.csv", "--password", "hunter2"], 2, "--password: write env:NAME, file:"),
        (["inspect", "deals.csv", "--username", "crm"], 2, "--username: the export is no address"),
        (["inspect", "http://crm.example.ru/a.csv", "--password", "env:P"], 3, "would travel unencrypted over http"),
        (["inspect", "https://crm.example.ru/a.csv", "--password", "env:P"], 2, "env:P: the environment variable P is"),
        (["inspect", "-"], 3, "is standard input, and nothing is piped in"),
    ],
)
def test_what_cannot_be_is_told_and_leaves_nothing(arguments, code, said, export, tmp_path):
    result = start(*arguments, stdin=subprocess.PIPE) if "-" not in arguments else None
    if result is None:
        exit_code, out, seen = _in_a_terminal(*arguments)
        assert (exit_code, out) == (code, b"")
        assert said in seen.decode().replace("\r\n", "")
    else:
        assert (result.returncode, result.stdout) == (code, b"")
        assert said in result.stderr.decode()
        assert b"hunter2" not in result.stderr
    assert list(tmp_path.iterdir()) == [export]


def test_standard_input_is_read_once_and_checked_all_the_same(tmp_path):
    data = START.encode("cp1251")
    done = start("inspect", "-", "--json", input=data)
    assert json.loads(done.stdout)["sources"][0]["path"] == "standard input"
    done = start("init", "-", "--json", input=data)
    said = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert said["check"]["counts"]["conversions"]["accepted"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["profile.toml"]
    done = start("check", "profile.toml", "--now", NOW, "--json", input=data)
    assert json.loads(done.stdout)["counts"]["conversions"]["accepted"] == 2


def test_an_export_without_rows_is_told_as_such(tmp_path):
    (tmp_path / "deals.csv").write_text(f"{HEADER}\n", encoding="utf-8")
    assert run("inspect", "deals.csv").exit_code == 0
    result = run("init", "deals.csv")
    assert result.exit_code == 1
    assert "No profile was written." in result.stderr


def test_a_workbook_gives_a_profile_too(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "deals.xlsx")
    sheet = book.add_worksheet("Сделки")
    for number, row in enumerate(csv.reader(io.StringIO(START))):
        sheet.write_row(number, 0, row)
    book.close()
    result = run("init", "deals.xlsx")
    assert result.exit_code == 0
    assert 'deals.xlsx  xlsx, sheet "Сделки", 4 rows' in result.stdout
    assert "check  2 would be sent, 0 rejected" in result.stdout


def _answering(answers, *arguments):
    """Run a command in a terminal and type the answers, then nothing more; give its code and what the terminal saw."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode() + b"\x04")
        seen = b""
        while True:
            try:
                seen += os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
        os.close(ours)
        return process.wait(600), seen.decode().replace("\r\n", "\n")


def test_init_asks_in_a_terminal_until_the_answers_make_sense(export):
    answers = ["Moscow", "Asia/Almaty", "7", "1,3", "has space", "", "shop_issued"]
    code, seen = _answering(answers, "init", export.name)
    assert code == 0
    assert "Time zone of the export's times [Europe/Moscow]: " in seen
    assert '"Moscow" is no IANA time zone' in seen
    assert "   1  Оплачен  (2)\n" in seen
    assert "or none [1]: " in seen
    assert "there is no 7; the numbers are 1 to 3" in seen
    assert '"has space" has a space' in seen
    assert 'Target of "Выдан" [order_delivered]: ' in seen
    text = Path("profile.toml").read_text(encoding="utf-8")
    assert 'timezone = "Asia/Almaty"' in text
    assert [line for line in text.splitlines() if line.startswith("target")] == [
        'target = "order_paid"',
        'target = "shop_issued"',
    ]


@pytest.mark.parametrize("option", ["--yes", "--quiet", "--json"])
def test_init_asks_nothing_if_it_is_told_not_to(option, export):
    code, seen = _answering([], "init", export.name, option)
    assert code == 0
    assert "Time zone of" not in seen
    assert Path("profile.toml").exists()


def test_init_that_gets_no_answer_is_interrupted_and_writes_nothing(export, tmp_path):
    code, seen = _answering(["UTC"], "init", export.name)
    assert code == 130
    assert seen.endswith("Interrupted; nothing half written is visible.\n")
    assert list(tmp_path.iterdir()) == [export]


def test_init_does_not_ask_for_the_zone_that_the_command_line_names(export):
    code, seen = _answering(["none"], "init", export.name, "--timezone", "UTC")
    assert code == 0
    assert "Time zone of" not in seen
    assert "Which texts of" in seen
    assert "check  0 would be sent, 0 rejected" in seen


def test_init_in_a_terminal_asks_for_the_goal_of_every_row_if_there_is_no_status(export):
    export.write_text("yclid,Дата звонка\n15241600726526878416,31.05.2024\n", encoding="utf-8")
    code, seen = _answering(["", "call"], "init", "deals.csv")
    assert code == 0
    assert "every row with an identifier reaches [lead_created]: " in seen
    assert 'target = "call"' in Path("profile.toml").read_text(encoding="utf-8")
