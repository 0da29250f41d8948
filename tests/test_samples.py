"""The samples as golden pairs: export and profile on one side, the batch on the other; `make golden` renews them."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from csvexport.batch import batch_name
from csvexport.errors import SourceError
from csvexport.profile import load_profile
from csvexport.summary import SourceFacts
from csvexport.workflow import Options, build, check

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
# Folders; where one holds several exports, the others by the names of their profiles.
SAMPLES = (
    "amocrm",
    "bitrix24",
    "broken",
    "calltracking",
    "calltracking/calltouch",
    "calltracking/uis",
    "detailed",
    "orders",
    "scheduled",
)

# The page is looked at by its own tests; here it would only repeat report.txt.
LEFT_OUT = {"report.html"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample_gives_what_is_expected(sample, samples, tmp_path, request):
    profile, expected = case(samples / sample)
    folder = build(load_profile(profile), Options(now=NOW, out=tmp_path)).folder
    compare(written(folder), expected, request)


def case(sample):
    """The sample's profile, and the folder of what it is expected to give."""
    if sample.is_dir():
        return sample / "profile.toml", sample / "expected"
    return sample.with_suffix(".toml"), sample.with_name(f"expected-{sample.name}")


def test_every_profile_is_a_case(samples):
    cases = {case(samples / sample)[0] for sample in (*SAMPLES, "custom-crm")}
    assert cases == set(samples.glob("*/*.toml"))


def written(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in LEFT_OUT}


def compare(files, expected, request):
    if request.config.getoption("--regenerate"):
        shutil.rmtree(expected, ignore_errors=True)
        expected.mkdir()
        for name, data in files.items():
            (expected / name).write_bytes(data)
    assert files == {path.name: path.read_bytes() for path in expected.iterdir()}


# The sample whose exports a server sends.

PORT = "8123"


@contextmanager
def crm(samples, password):
    """Serve the sample on a port that is free, and give that port."""
    command = [sys.executable, str(samples / "custom-crm" / "server.py"), "--port", "0"]
    environment = os.environ | {"CRM_PASSWORD": password}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as server:
        try:
            yield server.stdout.readline().rpartition(":")[2].strip()
        finally:
            server.terminate()


def moved(profile, port):
    """The profile, reading from another port."""

    def at(settings):
        return tuple(path.replace(f":{PORT}/", f":{port}/") for path in settings.path)

    join = profile.source.join.model_copy(update={"path": at(profile.source.join)})
    source = profile.source.model_copy(update={"path": at(profile.source), "join": join})
    return profile.model_copy(update={"source": source})


def as_from(port, files, profile):
    """The files as they are when the server has that port: addresses say it, and the batch's name hangs on them."""
    plain = {name: data.replace(f":{port}/".encode(), f":{PORT}/".encode()) for name, data in files.items()}
    manifest = json.loads(plain["manifest.json"])
    sources = [SourceFacts(**source) for source in manifest["sources"]]
    moment, _, digest = batch_name(NOW, profile.digest, sources, ("None", "None")).partition("-")
    name = re.compile(manifest["batch"].replace("-", "(-?)").encode())
    # The comment for Metrica has it without the hyphen.
    return {key: name.sub(rf"{moment}\g<1>{digest}".encode(), data) for key, data in plain.items()}


def test_the_sample_of_a_server_gives_what_is_expected(samples, tmp_path, monkeypatch, request):
    sample = samples / "custom-crm"
    monkeypatch.setenv("CRM_PASSWORD", "sesame")
    profile = load_profile(sample / "profile.toml")
    with crm(samples, "sesame") as port:
        first, again = (
            build(moved(profile, port), Options(now=NOW, out=tmp_path / out)).folder for out in ("first", "again")
        )
    assert written(first) == written(again)
    compare(as_from(port, written(first), profile), sample / "expected", request)


def test_a_first_profile_logs_in_to_the_server(samples, tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "crm.txt").write_text("sesame\n")
    (tmp_path / "secrets" / "crm.txt").chmod(0o600)
    (tmp_path / "profiles").mkdir()
    with crm(samples, "sesame") as port:
        options = ["--username", "crm", "--password", "file:secrets/crm.txt", "--to", "profiles/crm.toml"]
        command = [sys.executable, "-m", "csvexport", "init", f"http://127.0.0.1:{port}/orders.json", *options]
        environment = os.environ | {"PYTHONPATH": str(samples.parent), "PYTHONUTF8": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
        profile = load_profile(tmp_path / "profiles" / "crm.toml")
        outcome = check(profile, Options(now=NOW))
    assert (profile.source.username, str(profile.source.password)) == ("crm", "file:../secrets/crm.txt")
    assert "46 would be sent, 3 rejected" in done.stdout
    assert outcome.summary.counts["conversions"].accepted == 46
    assert "sesame" not in done.stdout + done.stderr


def test_the_sample_of_a_server_refuses_a_wrong_password(samples, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", "guessed")
    profile = load_profile(samples / "custom-crm" / "profile.toml")
    with crm(samples, "sesame") as port, pytest.raises(SourceError, match="the login was refused"):
        build(moved(profile, port), Options(now=NOW, out=tmp_path))
