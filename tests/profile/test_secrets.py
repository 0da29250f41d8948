import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.errors import ProfileError
from csvexport.profile import Secret, load_profile, private_file

PROFILE = """
timezone = "UTC"
[source]
{line}
[identifiers]
Yclid = "yclid"
[[goals]]
target = "order_paid"
time = "Paid"
"""

posix = pytest.mark.skipif(os.name != "posix", reason="the modes of files are POSIX's")


@pytest.fixture
def secret_file(tmp_path):
    def secret_file(content, mode=0o600):
        file = tmp_path / "crm.key"
        file.write_bytes(content)
        file.chmod(mode)
        return file

    return secret_file


def test_a_variable_is_looked_up_when_it_is_needed(tmp_path, monkeypatch):
    secret = Secret("env:CRM_PASSWORD")
    monkeypatch.setenv("CRM_PASSWORD", "hunter2\n")
    assert secret.resolve(tmp_path) == "hunter2\n"


@pytest.mark.parametrize(("value", "state"), [(None, "not set"), ("", "empty")])
def test_a_variable_that_is_missing_or_empty_is_named(tmp_path, monkeypatch, value, state):
    monkeypatch.delenv("CRM_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("CRM_PASSWORD", value)
    with pytest.raises(ProfileError) as caught:
        Secret("env:CRM_PASSWORD").resolve(tmp_path)
    assert caught.value.mistakes == (f"env:CRM_PASSWORD: the environment variable CRM_PASSWORD is {state}",)


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b" a b \n", " a b "),
        (b"\xef\xbb\xbf\xd0\xb0", "а"),
    ],
)
def test_a_file_loses_one_line_end(secret_file, content, secret):
    file = secret_file(content)
    assert Secret("file:crm.key").resolve(file.parent) == secret
    assert Secret(f"file:{file}").resolve(file.parent / "elsewhere") == secret


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "is empty"), (b"\n", "is empty"), (b"hunter\xff", "is not UTF-8 text")]
)
def test_a_file_without_a_usable_secret_is_refused(secret_file, content, problem):
    with pytest.raises(ProfileError, match=f"file:crm.key: the file {problem}"):
        Secret("file:crm.key").resolve(secret_file(content).parent)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ProfileError, match=r"file:crm\.key: the file cannot be read: "):
        Secret("file:crm.key").resolve(tmp_path)
    with pytest.raises(ProfileError, match=r"file:\.: this is a folder; name a file"):
        Secret("file:.").resolve(tmp_path)


@posix
def test_what_has_no_end_is_no_secret(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ProfileError, match=r"file:pipe: this is no regular file; name a file"):
        Secret("file:pipe").resolve(tmp_path)
    with pytest.raises(ProfileError, match=r"file:/dev/zero: "):
        Secret("file:/dev/zero").resolve(tmp_path)


def test_a_file_that_is_too_large_for_a_secret_is_refused(secret_file):
    with pytest.raises(ProfileError, match=r"the file is larger than 65,536 bytes; a secret is a line of text"):
        Secret("file:crm.key").resolve(secret_file(b"x" * 65_537).parent)


@posix
@pytest.mark.parametrize("mode", [0o644, 0o604])
def test_a_file_that_everyone_can_read_is_refused_with_the_remedy(secret_file, mode):
    folder = secret_file(b"hunter2", mode).parent
    with pytest.raises(ProfileError) as caught:
        Secret("file:crm.key").resolve(folder)
    assert caught.value.mistakes == (
        "file:crm.key: every user of this machine can read the file; run chmod 600 crm.key",
    )


@posix
def test_a_path_may_begin_at_home(secret_file, monkeypatch, tmp_path):
    home = secret_file(b"hunter2").parent
    monkeypatch.setenv("HOME", str(home))
    assert Secret("file:~/crm.key").resolve(tmp_path / "elsewhere") == "hunter2"


def test_a_credential_is_a_file_where_systemd_says(secret_file, monkeypatch, tmp_path):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret_file(b"hunter2\n", 0o400).parent))
    assert Secret("credential:crm.key").resolve(tmp_path / "elsewhere") == "hunter2"
    with pytest.raises(ProfileError, match=r"^credential:other: the file cannot be read: No such file"):
        Secret("credential:other").resolve(tmp_path)


@pytest.mark.parametrize("value", [None, ""])
def test_a_credential_without_systemd_is_refused_with_the_way_to_one(tmp_path, monkeypatch, value):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    if value is not None:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", value)
    with pytest.raises(ProfileError) as caught:
        Secret("credential:sftp").resolve(tmp_path)
    (line,) = caught.value.mistakes
    assert line == (
        "credential:sftp: systemd gives credentials to services alone, and CREDENTIALS_DIRECTORY is not set; csvexport "
        "schedule --as systemd prints a service that has them"
    )


@posix
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_key_file_of_its_owner_alone_is_taken(secret_file, mode):
    private_file(secret_file(b"key", mode), "key")


@posix
@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644])
def test_a_key_file_that_others_can_get_at_is_refused_with_the_remedy(secret_file, mode):
    file = secret_file(b"hunter2", mode)
    with pytest.raises(ProfileError) as caught:
        private_file(file, "deliver[1].key")
    line = f"deliver[1].key: other users of this machine can get at {file}; run chmod 600 {file}"
    assert caught.value.mistakes == (line,)


def test_a_key_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"^key: .*id_ed25519 cannot be read: No such file"):
        private_file(tmp_path / "id_ed25519", "key")


@given(st.text().filter(lambda text: not text.startswith(("env:", "file:", "credential:"))))
def test_what_is_no_reference_is_refused_in_the_same_words(text):
    with pytest.raises(ValueError, match=r"^write env:NAME, file:PATH or credential:NAME, not the secret itself\Z"):
        Secret(text)


@pytest.mark.parametrize(
    "text",
    [
        *["env:", "env:1A", "env:A B", "env:A\n", "file:", "file:a\x00", "ENV:A"],
        *["credential:", "credential:../a", "credential:a/b", "credential:.", "credential:.a", "credential:a b"],
        f"credential:{'a' * 256}",
    ],
)
def test_a_broken_reference_is_refused(text):
    with pytest.raises(ValueError, match="write env:NAME, file:PATH or credential:NAME"):
        Secret(text)


def test_a_secret_never_shows_what_it_resolves_to(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", "hunter2")
    file = tmp_path / "profile.toml"
    file.write_text(PROFILE.format(line='password = "env:CRM_PASSWORD"'), "utf-8")
    profile = load_profile(file)
    secret = profile.source.password
    assert secret.resolve(tmp_path) == "hunter2"
    assert str(secret) == "env:CRM_PASSWORD"
    for text in (repr(secret), str(secret), repr(profile), str(profile)):
        assert "hunter2" not in text


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2"',
        "password = ['hunter2']",
        "password = { value = 'hunter2' }",
        'headers = { Authorization = "Bearer hunter2" }',
        'headers = ["hunter2"]',
        'path = "https://crm:hunter2@example.ru/"',
        'path = ["a.csv", "ftp://crm:hunter2@example.ru/"]',
        'passwort = "hunter2"',
        'password = "hunter2',
        "password = hunter2",
    ],
)
def test_no_error_shows_a_secret_that_was_written_into_the_profile(tmp_path, line):
    file = tmp_path / "profile.toml"
    file.write_text(PROFILE.format(line=line), "utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(file)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None
