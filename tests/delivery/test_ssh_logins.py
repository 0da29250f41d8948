"""Who is let in by an SSH server, and which servers are believed to be the right ones."""

import base64
import os
import re
import socket
import struct
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from places import Place
from ssh_servers import HOST, asyncssh_server, fingerprint, make_key, openssh, paramiko_server

from csvexport.delivery import PassingError
from csvexport.errors import DeliveryError, ProfileError

NEW = b"id\n1\n"


def at(server, folder):
    table = server.settings(to="")
    return Place(server.root, folder, table.pop("to"), table)


@pytest.fixture
def server(tmp_path):
    with openssh(tmp_path) as running:
        yield running


@pytest.fixture
def place(server, tmp_path):
    return at(server, tmp_path)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No key, no agent and no known server of who runs the tests counts."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


def refused(place, **changed):
    with pytest.raises(DeliveryError) as caught:
        place.deliver("orders.csv", NEW, **changed)
    assert not isinstance(caught.value, PassingError)
    assert place.files() == {}
    return str(caught.value)


def mistake(place, **changed):
    with pytest.raises(ProfileError) as caught:
        place.opened(**changed)
    (text,) = caught.value.mistakes
    return text


def authorize(tmp_path, public):
    with (tmp_path / "sshd" / "authorized").open("a") as file:
        file.write(f"{public}\n")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ed25519", ()),
        ("ecdsa", ("-b", "256")),
        ("ecdsa", ("-b", "521", "-m", "PEM")),
        ("rsa", ("-b", "2048")),
        ("rsa", ("-b", "2048", "-m", "PEM")),
    ],
)
def test_keys_of_every_kind_log_in(place, tmp_path, monkeypatch, kind, options):
    authorize(tmp_path, make_key(tmp_path / "open", kind, "", *options))
    authorize(tmp_path, make_key(tmp_path / "encrypted", kind, "a secret of its own", *options))
    monkeypatch.setenv("KEY_PASSPHRASE", "a secret of its own")
    place.deliver("first.csv", NEW, key="open")
    place.deliver("second.csv", NEW, key="encrypted", passphrase="env:KEY_PASSPHRASE")
    assert set(place.files()) == {"first.csv", "second.csv"}


def test_a_key_that_is_not_authorized_is_refused(place, tmp_path):
    make_key(tmp_path / "other")
    message = refused(place, key="other")
    assert message.endswith("the server refuses the login by key; check username and key")


@pytest.mark.parametrize("name", ["mine", "elsewhere.pub"])
def test_a_certificate_logs_in(tmp_path, name):
    make_key(tmp_path / "authority")
    make_key(tmp_path / "mine")
    sign = ["ssh-keygen", "-q", "-s", tmp_path / "authority", "-I", "test", "-n", os.environ.get("USER", "root")]
    with openssh(tmp_path, f"TrustedUserCAKeys {tmp_path}/authority.pub") as server:
        user = re.search("//(.*)@", server.address)[1]
        sign[-1] = user
        subprocess.run([*sign, tmp_path / "mine.pub"], check=True)
        changed = {}
        if name != "mine":
            (tmp_path / "mine-cert.pub").rename(tmp_path / name)
            changed = {"certificate": name}
        place = at(server, tmp_path)
        place.deliver("orders.csv", NEW, key="mine", **changed)
        assert place.files() == {"orders.csv": NEW}


def test_a_certificate_of_another_key_is_refused(place, tmp_path):
    make_key(tmp_path / "mine")
    (tmp_path / "mine-cert.pub").write_text(make_key(tmp_path / "other", "ecdsa"))
    assert mistake(place, key="mine") == (
        f"pickup: certificate: {tmp_path}/mine-cert.pub is no certificate of {tmp_path}/mine"
    )


def test_a_password_is_told_in_answer_to_a_question(tmp_path):
    with asyncssh_server(tmp_path, ways=("keyboard-interactive",)) as server:
        place = at(server, tmp_path)
        place.deliver("orders.csv", NEW)
        assert place.files() == {"orders.csv": NEW}
        (tmp_path / "wrong").write_text("swordfish")
        (tmp_path / "wrong").chmod(0o600)
        (place.root / "orders.csv").unlink()
        message = refused(place, password="file:wrong")
        assert "refuses the login by password" in message
        assert "swordfish" not in message


def test_a_password_goes_to_a_server_that_does_not_take_the_key(tmp_path):
    make_key(tmp_path / "mine")
    with asyncssh_server(tmp_path) as server:
        place = at(server, tmp_path)
        place.deliver("orders.csv", NEW, key="mine")
        assert place.files() == {"orders.csv": NEW}


def test_a_server_that_wants_another_way_in_is_told_of(tmp_path):
    make_key(tmp_path / "mine")
    with asyncssh_server(tmp_path) as server:
        place = at(server, tmp_path)
        del place.table["password"]
        assert "refuses the login by key; it takes password; check username and key" in refused(place, key="mine")


def test_the_keys_of_the_agent_log_in(place, tmp_path, monkeypatch):
    authorize(tmp_path, make_key(tmp_path / "mine"))
    make_key(tmp_path / "other")
    with agent(monkeypatch):
        del place.table["key"]
        for name in ("other", "mine"):
            subprocess.run(["ssh-add", "-q", tmp_path / name], check=True)
        place.deliver("orders.csv", NEW)
    assert place.files() == {"orders.csv": NEW}


@contextmanager
def agent(monkeypatch):
    # The path of a socket may not be long.
    socket = Path("/tmp") / f"agent-{os.getpid()}"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    try:
        while not socket.exists():
            assert process.poll() is None
        yield
    finally:
        process.terminate()
        process.wait()
        socket.unlink(missing_ok=True)


def test_without_key_password_and_agent_nobody_logs_in(place):
    del place.table["key"]
    assert "nothing is there to log in with: name a key or a password, or run ssh-agent" in refused(place)


def test_a_key_that_others_can_read_is_refused(place, tmp_path):
    make_key(tmp_path / "mine")
    (tmp_path / "mine").chmod(0o640)
    assert mistake(place, key="mine") == (
        f"pickup: key: other users of this machine can get at {tmp_path}/mine; run chmod 600 {tmp_path}/mine"
    )


def test_keys_that_are_none_are_told_from_each_other(place, tmp_path):
    def said(content, **changed):
        path = tmp_path / "mine"
        path.touch(mode=0o600)
        path.write_text(content)
        return mistake(place, key="mine", **changed)

    assert "public key; name the private one" in said(make_key(tmp_path / "other"))
    assert "key of PuTTY; have puttygen export" in said("PuTTY-User-Key-File-3: ssh-ed25519\n")
    assert "is no private key of SSH" in said("hello\n")
    damaged = (tmp_path / "other").read_text().replace("b3Bl", "b3Bm")
    assert "ssh-keygen -p -f" in said(damaged)
    assert "ssh-keygen -p -f" in said("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n")
    assert "cannot be read: No such file" in mistake(place, key="missing")


@pytest.mark.parametrize("options", [("ed25519",), ("rsa", "-m", "PEM")])
def test_an_encrypted_key_wants_the_right_passphrase(place, tmp_path, monkeypatch, options):
    make_key(tmp_path / "mine", options[0], "right one", *options[1:])
    assert "is encrypted; name where its passphrase is found" in mistake(place, key="mine")
    monkeypatch.setenv("KEY_PASSPHRASE", "wrong one")
    text = mistake(place, key="mine", passphrase="env:KEY_PASSPHRASE")
    assert text == f"pickup: passphrase: does not open {tmp_path}/mine"


def known(place, tmp_path, *lines):
    (tmp_path / "known").write_text("".join(f"{line}\n" for line in lines))
    del place.table["host_key"]
    return {"known_hosts": "known"}


def test_known_servers_are_believed(place, server, tmp_path):
    (key,) = server.host_keys
    names = [f"[{HOST}]:{server.port}", f"other,[127.0.0.*]:{server.port} ", "*"]
    for name in names:
        place.table.setdefault("host_key", "")
        place.deliver("orders.csv", NEW, **known(place, tmp_path, "# comment", "", "damaged line", f"{name} {key}"))
    assert place.files() == {"orders.csv": NEW}


def test_known_servers_are_found_under_hashed_names(place, server, tmp_path):
    changed = known(place, tmp_path, f"[{HOST}]:{server.port} {server.host_keys[0]}")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", tmp_path / "known"], check=True, capture_output=True)
    assert HOST not in (tmp_path / "known").read_text()
    place.deliver("orders.csv", NEW, **changed)


def test_the_servers_that_the_user_knows_are_believed(place, server, home):
    (home / ".ssh" / "known_hosts").write_text(f"[{HOST}]:{server.port} {server.host_keys[0]}\n")
    del place.table["host_key"]
    place.deliver("orders.csv", NEW)


def test_a_server_that_is_not_known_is_refused_and_its_fingerprint_told(place, server, tmp_path):
    message = refused(
        place,
        **known(place, tmp_path, f"{HOST} {server.host_keys[0]}", f"*,![{HOST}]:{server.port} {server.host_keys[0]}"),
    )
    expected = fingerprint(tmp_path / "sshd" / "host_ed25519")
    assert f"not known here (no key in {tmp_path}/known)" in message
    assert f"it shows ssh-ed25519 {expected}. If its operator confirms" in message
    assert f'write host_key = "{expected}"' in message
    place.deliver("orders.csv", NEW, host_key=re.search('host_key = "(.*)"', message)[1])


def test_a_server_with_another_key_than_before_is_refused_loudly(place, server, tmp_path):
    other = make_key(tmp_path / "other")
    message = refused(place, **known(place, tmp_path, f"[{HOST}]:{server.port} {other}"))
    assert "ANOTHER SERVER MAY HAVE TAKEN ITS PLACE" in message
    assert fingerprint(tmp_path / "other") in message
    assert "nothing is sent" in message


def test_a_server_with_another_fingerprint_is_refused_loudly(place, tmp_path):
    make_key(tmp_path / "other")
    message = refused(place, host_key=fingerprint(tmp_path / "other"))
    assert "ANOTHER SERVER MAY HAVE TAKEN ITS PLACE" in message
    assert fingerprint(tmp_path / "sshd" / "host_ed25519") in message


def test_a_revoked_key_is_refused(place, server, tmp_path):
    line = f"[{HOST}]:{server.port} {server.host_keys[0]}"
    assert "marks as revoked" in refused(place, **known(place, tmp_path, line, f"@revoked {line}"))


@pytest.mark.parametrize("marked", ["@cert-authority ", "#"])
def test_a_line_that_is_no_plain_key_does_not_make_a_server_known(place, server, tmp_path, marked):
    line = f"{marked}[{HOST}]:{server.port} {server.host_keys[0]}"
    assert "not known here" in refused(place, **known(place, tmp_path, line))


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_a_server_with_several_keys_is_known_by_each(tmp_path, kind):
    with openssh(tmp_path, kinds=("ed25519", "ecdsa", "rsa")) as server:
        place = at(server, tmp_path)
        place.deliver("first.csv", NEW, host_key=fingerprint(tmp_path / "sshd" / f"host_{kind}"))
        (key,) = (key for key in server.host_keys if kind in key.split()[0])
        place.deliver("second.csv", NEW, **known(place, tmp_path, f"[{HOST}]:{server.port} {key}"))
        assert set(place.files()) == {"first.csv", "second.csv"}


def test_a_file_of_known_servers_that_is_not_there_is_told_of(place, tmp_path):
    del place.table["host_key"]
    assert mistake(place, known_hosts="missing") == (
        f"pickup: known_hosts: {tmp_path}/missing cannot be read: No such file or directory"
    )


@pytest.fixture
def behind(server, tmp_path):
    """A place that is reached through another server."""
    folder = tmp_path / "behind"
    folder.mkdir()
    with asyncssh_server(folder) as hidden:
        user = re.search("//(.*)@", server.address)[1]
        place = at(hidden, folder)
        place.table["jump"] = {"host": f"{HOST}:{server.port}", "username": user} | server.login
        yield place


def test_a_server_is_reached_through_another(behind):
    behind.deliver("orders.csv", NEW * 100_000)
    assert behind.files() == {"orders.csv": NEW * 100_000}


def test_the_server_between_must_be_known_too(behind):
    behind.table["jump"]["host_key"] = f"SHA256:{'A' * 43}"
    assert "ANOTHER SERVER MAY HAVE TAKEN ITS PLACE" in refused(behind)


def test_mistakes_in_the_login_of_the_server_between_say_so(behind, tmp_path):
    behind.table["jump"]["key"] = str(tmp_path / "missing")
    assert mistake(behind).startswith("pickup: jump.key: ")


def test_a_server_between_that_forwards_nothing_is_told_of(behind, tmp_path):
    with openssh(_made(tmp_path / "closed"), "AllowTcpForwarding no") as closed:
        behind.table["jump"] |= closed.login | {"host": f"{HOST}:{closed.port}"}
        assert "does not forward connections there" in refused(behind)


def test_a_server_behind_that_is_not_there_may_be_there_later(behind, unused_port):
    to = re.sub(r"(?<=:)[0-9]+", str(unused_port), behind.to)
    with pytest.raises(PassingError, match="the server of jump cannot reach the one behind it"):
        behind.deliver("orders.csv", NEW, to=f"{to}/orders.csv")


def _made(folder):
    folder.mkdir()
    return folder


@pytest.mark.parametrize("steps", [("publickey", "password"), ("password", "publickey")])
def test_a_key_and_a_password_are_given_to_a_server_that_wants_both(tmp_path, steps):
    make_key(tmp_path / "mine")
    with paramiko_server(tmp_path, steps=steps) as server:
        place = at(server, tmp_path)
        place.deliver("orders.csv", NEW, key="mine")
        assert place.files() == {"orders.csv": NEW}


@pytest.fixture
def odd_agent(tmp_path, monkeypatch):
    """Run what stands where ssh-agent does, and answers each question as it is told to: None for never."""
    answers, held = [], []
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))

    def serve(listener):
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                held.append(line)
                while line.recv(1 << 16):
                    if answers and answers[0] is not None:
                        line.sendall(answers.pop(0))

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "agent"))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield answers
        listener.shutdown(socket.SHUT_RDWR)
        for line in held:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        thread.join()
        for line in held:
            line.close()


@pytest.mark.parametrize("answer", [None, b"\xff" * 4, b"\x00\x00\x00\x01\x05"], ids=["silent", "cut", "refuses"])
def test_an_agent_that_does_its_worst_is_told_of(place, odd_agent, answer):
    odd_agent.append(answer)
    assert "ssh-agent (SSH_AUTH_SOCK) does not answer as it should" in refused(place, key=None, timeout=1)


def test_an_agent_that_waits_for_a_person_is_not_waited_for(place, odd_agent, tmp_path):
    (public,) = make_key(tmp_path / "held").split()[1:2]
    blob = base64.b64decode(public)
    authorize(tmp_path, f"ssh-ed25519 {public}")
    found = b"\x0c\x00\x00\x00\x01" + struct.pack(">I", len(blob)) + blob + struct.pack(">I", 0)
    odd_agent += [struct.pack(">I", len(found)) + found, None]
    assert "a key of ssh-agent was not used in time; unlock it there" in refused(place, key=None, timeout=1)


def test_what_has_no_end_is_not_read(place, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", "pipe"):
        assert "is a folder, a device or a pipe; name a file" in mistake(place, certificate=path)
    del place.table["host_key"]
    for path in ("/dev/zero", "pipe"):
        assert "is a folder, a device or a pipe; name a file" in mistake(place, known_hosts=path)
