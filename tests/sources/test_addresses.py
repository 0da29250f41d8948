from pathlib import Path

import pytest
from https_server import CONTENT, LOGIN_PAGE, SECRET, Answer, guarded
from typer.testing import CliRunner

from csvexport.cli import app
from csvexport.errors import SourceError
from csvexport.profile import SourceSettings
from csvexport.profile.addresses import shown_address
from csvexport.sources import open_sources

pytestmark = pytest.mark.usefixtures("_system_trusts_nobody")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://crm.example.ru/orders.csv", "https://crm.example.ru/orders.csv"),
        ("https://crm.example.ru:8443/a/orders.csv?key=1#x", "https://crm.example.ru:8443/a/orders.csv?…"),
        ("https://crm.example.ru", "https://crm.example.ru"),
        ("https://crm.example.ru#x?y", "https://crm.example.ru"),
        ("https://crm.example.ru/offline-conversions/orders", "https://crm.example.ru/offline-conversions/orders"),
        ("https://a.bitrix24.ru/rest/1/x9x9x9x9x9x9x9x9/list.json", "https://a.bitrix24.ru/rest/1/…/list.json"),
        ("https://a.ru/x/0b9e1c3a-0000-4000-8000-1a2b3c4d5e6f", "https://a.ru/x/…"),
        ("https://a.ru/abcdefghijklmnop?b", "https://a.ru/…?…"),
    ],
)
def test_what_may_be_a_key_is_not_shown_of_an_address(address, shown):
    assert shown_address(address) == shown


def test_sources_have_names_of_their_own(server, ca, scratch):
    server.script["/a.csv"] = [Answer(CONTENT)]
    exports = [f"{server.url}/a.csv?{month}" for month in ("may", "june")]
    sources = open_sources(SourceSettings(ca=str(ca)), Path(), exports, ["sum"], scratch)
    assert [source.label for source in sources] == [f"{server.url}/a.csv?…", f"{server.url}/a.csv?… (2)"]
    assert [request.path for request in server.requests] == ["/a.csv?may", "/a.csv?june"]


AMONG = "an address among the exports:"


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (
            f"https://crm:{SECRET}@localhost/a",
            f"{AMONG} the address holds a user's name or password; write them as source.username and source.password",
        ),
        (
            f"https://{SECRET}@localhost",
            f"{AMONG} the address holds a user's name or password; write them as source.username and source.password",
        ),
        (
            f"ftp://localhost/{SECRET}",
            f"{AMONG} an address begins with https:// or http://; other ways to a file are not known here",
        ),
        (
            f"https://localhost:99999/{SECRET}",
            f"{AMONG} this is no address; it is written like https://crm.example.ru/export.csv",
        ),
        (f"http://crm.example.com/{SECRET}", "source.password: would travel unencrypted over http; use https"),
    ],
)
def test_an_address_of_the_command_line_is_refused_before_anything_is_asked(scratch, export, message):
    settings = SourceSettings(password="env:NO_SUCH")
    with pytest.raises(SourceError) as caught:
        open_sources(settings, Path(), [export], (), scratch)
    assert str(caught.value) == message


def test_a_password_is_not_sent_to_a_second_server(scratch):
    settings = SourceSettings(headers={"X-Key": "env:NO_SUCH"})
    with pytest.raises(SourceError, match=r"^source.headers: belongs to one server"):
        open_sources(settings, Path(), ["https://a.example.com/", "https://b.example.com/"], (), scratch)


# The command line

PROFILE = """
timezone = "Europe/Moscow"
[source]
path = "{path}"
username = "crm"
password = "env:CRM_PASSWORD"
ca = "ca.pem"
[identifiers]
Yclid = "yclid"
[[goals]]
target = "paid"
time = "at"
price = "sum"
"""


@pytest.fixture
def command(tmp_path, monkeypatch, ca):  # noqa: ARG001 - the profile names the file
    """Run a command with a profile that reads this address."""
    monkeypatch.setenv("CRM_PASSWORD", SECRET)

    def run(name, path, *arguments):
        (tmp_path / "profile.toml").write_text(PROFILE.format(path=path), encoding="utf-8")
        arguments = [name, str(tmp_path / "profile.toml"), *arguments, "--now", "2024-06-01T09:00:00Z"]
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert SECRET not in result.output
        return result

    return run


def test_a_build_reads_an_address_as_it_reads_a_file_and_leaves_no_secret_behind(server, command, tmp_path):
    server.script["/a.csv"] = [guarded("crm", SECRET, CONTENT)]
    result = command("build", f"{server.url}/a.csv?key={SECRET}")
    assert (result.exit_code, result.stderr) == (0, "")
    (tmp_path / "local.csv").write_bytes(CONTENT)
    local = PROFILE.replace('username = "crm"\npassword = "env:CRM_PASSWORD"\nca = "ca.pem"\n', "")
    (tmp_path / "local.toml").write_text(local.format(path="local.csv"), encoding="utf-8")
    CliRunner().invoke(app, ["build", str(tmp_path / "local.toml"), "--now", "2024-06-01T09:00:00Z"])
    fetched, read = (next((tmp_path / "out" / name).glob("2024*")) for name in (tmp_path.name, "local"))
    name = "conversions-Yclid.csv"
    assert (fetched / name).read_bytes() == (read / name).read_bytes()
    written = {path.name: path.read_bytes() for path in fetched.iterdir()}
    assert f'"path": "{server.url}/a.csv?…"'.encode() in written["manifest.json"]
    assert not [name for name, content in written.items() if SECRET.encode() in content]
    assert {path.name for path in fetched.parent.glob("[!.]*")} == {fetched.name}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(status=401), "the login was refused (401); check source.username and source.password"),
        (Answer(LOGIN_PAGE), "answers with a web page, not an export; check the address, and source.username and"),
        (Answer(CONTENT, length=""), "the answer does not say how long it is"),
    ],
)
def test_what_cannot_be_fetched_ends_the_run_with_one_line(server, command, tmp_path, answer, message):
    server.script["/a.csv"] = [answer]
    for name in ("check", "build"):
        result = command(name, f"{server.url}/a.csv?key={SECRET}")
        assert (result.exit_code, result.stdout) == (3, "")
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"{server.url}/a.csv?…: {message}")
    assert not list((tmp_path / "out").rglob("*.csv"))


def test_an_address_of_the_command_line_is_fetched_with_the_profile_s_login(server, command, monkeypatch):
    server.script["/b.csv"] = [guarded("crm", SECRET, CONTENT)]
    result = command("check", f"{server.url}/a.csv", f"{server.url}/b.csv")
    assert (result.exit_code, [request.path for request in server.requests]) == (0, ["/b.csv"])
    monkeypatch.delenv("CRM_PASSWORD")
    result = command("check", f"{server.url}/b.csv")
    assert (result.exit_code, result.stderr) == (
        2,
        "env:CRM_PASSWORD: the environment variable CRM_PASSWORD is not set\n",
    )


def test_a_local_export_needs_no_secret(command, tmp_path, monkeypatch):
    monkeypatch.delenv("CRM_PASSWORD")
    (tmp_path / "local.csv").write_bytes(CONTENT)
    assert command("check", "https://localhost/a.csv", str(tmp_path / "local.csv")).exit_code == 0
