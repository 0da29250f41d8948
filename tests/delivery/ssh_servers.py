"""SSH servers of several makes, each serving a folder on a free port of this machine over SFTP."""

import asyncio
import errno
import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
import pytest

USER, PASSWORD = "yandex", "open sesame"
HOST = "127.0.0.1"
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class SshServer:
    """A server that runs.

    Attributes:
        port: of the loopback interface.
        root: the folder that is served.
        address: that of the root, with the user who logs in.
        login: the keys of the profile that log in, and by which the server is known.
        host_keys: the public keys of the server, as `.pub` files have them.
    """

    port: int
    root: Path
    address: str
    login: dict[str, Any]
    host_keys: list[str] = field(default_factory=list)
    host: str = HOST

    def settings(self, to: str = "/{{ file }}", **more: object) -> dict[str, Any]:
        """What a profile has in `[[deliver]]` besides name and kinds."""
        return {"to": f"{self.address}{to}", "timeout": 20} | self.login | more


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> str:
    """Make a key of SSH; give the public one."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", path, *options]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.with_name(f"{path.name}.pub").read_text(encoding="ascii").strip()


def fingerprint(path: Path) -> str:
    """Give a key's fingerprint."""
    done = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


def need_sshd() -> str:
    """Skip the test where there is no sshd; a machine that checks every change must have one."""
    if SSHD is None:
        message = "there is no sshd on this machine"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    if os.geteuid() == 0:
        # Compiled in; the system's own start makes it otherwise.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return SSHD


@contextmanager
def openssh(
    folder: Path, *config: str, kinds: tuple[str, ...] = ("ed25519",), subsystem: str = "sftp internal-sftp"
) -> Iterator[SshServer]:
    """Run OpenSSH's server; who runs the tests logs in with a key.

    Args:
        folder: what it needs is kept here.
        config: lines for sshd_config that stand before the others.
        kinds: the types of the server's keys.
        subsystem: the only one that it offers.
    """
    sshd, root, home = need_sshd(), folder / "sshd-served", folder / "sshd"
    root.mkdir()
    home.mkdir()
    host_keys = [make_key(home / f"host_{kind}", kind) for kind in kinds]
    (home / "authorized").write_text(make_key(home / "key") + "\n")
    port = free_port()
    lines = [
        *config,
        f"ListenAddress {HOST}:{port}",
        *(f"HostKey {home}/host_{kind}" for kind in kinds),
        f"AuthorizedKeysFile {home}/authorized",
        "PidFile none",
        "UsePAM no",
        "StrictModes no",
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        "MaxStartups 100",
        f"Subsystem {subsystem}",
    ]
    (home / "config").write_text("\n".join(lines) + "\n")
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", home / "config"], stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_for(port, process, home / "log")
            login = {"key": str(home / "key"), "host_key": fingerprint(home / f"host_{kinds[0]}")}
            yield SshServer(port, root, f"sftp://{getpass.getuser()}@{HOST}:{port}{root}", login, host_keys)
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until somebody listens on a port."""
    while process.poll() is None:
        try:
            socket.create_connection((HOST, port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"sshd has not started: {log.read_text()}")


@dataclass
class Faults:
    """What is not as it should be with a server; may be changed while it runs.

    Attributes:
        forbidden: operations of SFTP that nobody may do, by the names of the methods below.
        space: how many bytes may be written before the disk is full.
        after: what happens to a file right after `close` or `rename`, or before the answer to `stat`.
        short: how many bytes of each write are lost.
    """

    forbidden: set[str] = field(default_factory=set)
    space: int | None = None
    after: dict[str, Callable[[Path], object]] = field(default_factory=dict)
    short: int = 0


class FaultySftp(asyncssh.SFTPServer):
    """Serves a folder, with faults."""

    def __init__(self, chan, root, faults):
        super().__init__(chan, chroot=os.fsencode(root))
        self._faults = faults

    def _refuse(self, operation):
        if operation in self._faults.forbidden:
            raise asyncssh.SFTPPermissionDenied("Forbidden here")

    def _go_on(self, moment, path):
        if moment in self._faults.after:
            self._faults.after[moment](Path(os.fsdecode(path)))

    def open(self, path, pflags, attrs):
        self._refuse("open")
        return super().open(path, pflags, attrs)

    def write(self, file_obj, offset, data):
        if self._faults.space is not None:
            self._faults.space -= len(data)
            if self._faults.space < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(file_obj, offset, data[: len(data) - self._faults.short])

    def close(self, file_obj):
        super().close(file_obj)
        self._go_on("close", file_obj.name)

    def fstat(self, file_obj):
        self._refuse("fstat")
        return super().fstat(file_obj)

    def stat(self, path):
        self._refuse("stat")
        self._go_on("stat", self.map_path(path))
        return super().stat(path)

    def setstat(self, path, attrs):
        self._refuse("setstat")
        return super().setstat(path, attrs)

    def remove(self, path):
        self._refuse("remove")
        return super().remove(path)

    def mkdir(self, path, attrs):
        self._refuse("mkdir")
        return super().mkdir(path, attrs)

    def rename(self, oldpath, newpath):
        self._refuse("rename")
        super().rename(oldpath, newpath)
        self._go_on("rename", self.map_path(newpath))

    def posix_rename(self, oldpath, newpath):
        self._refuse("rename")
        super().posix_rename(oldpath, newpath)
        self._go_on("rename", self.map_path(newpath))


class _Doorkeeper(asyncssh.SSHServer):
    """Lets in who knows the password, told as such or in answer to a question."""

    def __init__(self, ways, connections):
        self._ways = ways
        self._connections = connections

    def connection_made(self, conn):
        self._connections.append(conn)

    def password_auth_supported(self):
        return "password" in self._ways

    def validate_password(self, username, password):
        return (username, password) == (USER, PASSWORD)

    def kbdint_auth_supported(self):
        return "keyboard-interactive" in self._ways

    def get_kbdint_challenge(self, _username, _lang, _submethods):
        return "Login", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username, responses):
        return (username, [*responses]) == (USER, [PASSWORD])


@contextmanager
def asyncssh_server(
    folder: Path, faults: Faults | None = None, ways: tuple[str, ...] = ("password",), **options: object
) -> Iterator[SshServer]:
    """Run the server of asyncssh, which lets in by a password."""
    root, faults = folder / "asyncssh-served", faults or Faults()
    root.mkdir()
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    connections = []
    secret = folder / "asyncssh-password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD)

    async def serve():
        return await asyncssh.listen(
            HOST,
            0,
            server_factory=lambda: _Doorkeeper(ways, connections),
            server_host_keys=[host_key],
            sftp_factory=lambda chan: FaultySftp(chan, root, faults),
            **options,
        )

    with _running_loop() as loop:
        server = asyncio.run_coroutine_threadsafe(serve(), loop).result()
        try:
            port = server.get_port()
            login = {"password": f"file:{secret}", "host_key": host_key.get_fingerprint()}
            public = host_key.export_public_key().decode().strip()
            yield SshServer(port, root, f"sftp://{USER}@{HOST}:{port}", login, [public])
        finally:
            asyncio.run_coroutine_threadsafe(_shut(server, connections), loop).result()


async def _shut(server, connections):
    server.close()
    for connection in connections:
        connection.abort()
    await asyncio.gather(server.wait_closed(), *(connection.wait_closed() for connection in connections))


@contextmanager
def _running_loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_finish_tasks(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _finish_tasks():
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _PlainSftp(paramiko.SFTPServerInterface):
    """Serves a folder with the protocol alone: no file can be renamed over another."""

    def __init__(self, _server, root, journal, unmoved):
        self._root = root
        self._journal = journal
        self._unmoved = unmoved

    def _path(self, path):
        return self._root / self.canonicalize(path).lstrip("/")

    def _done(self, action, *arguments):
        try:
            action(*arguments)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK

    def stat(self, path):
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def open(self, path, flags, _attr):
        try:
            file = os.fdopen(os.open(self._path(path), flags, 0o644), "wb", buffering=0)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle = paramiko.SFTPHandle(flags)
        handle.writefile = file
        return handle

    def remove(self, path):
        return self._done(self._path(path).unlink)

    def mkdir(self, path, _attr):
        return self._done(self._path(path).mkdir)

    def chattr(self, path, attr):
        return self._done(self._path(path).chmod, attr.st_mode)

    def rename(self, oldpath, newpath):
        self._journal.append((oldpath, newpath))
        if self._path(newpath).exists() or oldpath in self._unmoved:
            return paramiko.SFTP_FAILURE
        return self._done(self._path(oldpath).rename, self._path(newpath))


class _SummingSftp(paramiko.SFTPServer):
    """Tells checksums as draft-ietf-secsh-filexfer-extensions-00 has it, which is not the way of paramiko's own."""

    def __init__(self, *arguments, root, answer, **more):
        super().__init__(*arguments, root=root, **more)
        self._root = root
        self._answer = answer

    def _process(self, kind, number, message):
        if kind != paramiko.sftp.CMD_EXTENDED:
            super()._process(kind, number, message)
            return
        name, path, hashes = message.get_text(), message.get_text(), message.get_list()
        assert (name, "sha256" in hashes) == ("check-file-name", True)
        assert (message.get_int64(), message.get_int64(), message.get_int()) == (0, 0, 0)
        answer = self._answer((self._root / path.lstrip("/")).read_bytes())
        if answer is None:
            self._send_status(number, paramiko.SFTP_OP_UNSUPPORTED)
            return
        reply = paramiko.Message()
        reply.add_int(number)
        reply.add_bytes(answer)
        self._send_packet(paramiko.sftp.CMD_EXTENDED_REPLY, reply)


class _PlainDoorkeeper(paramiko.ServerInterface):
    """Lets in who goes all the steps, one after the other."""

    def __init__(self, steps):
        self._steps = [*steps]

    def _step(self, way, *, is_right):
        if not is_right or way != self._steps[0]:
            return paramiko.AUTH_FAILED
        del self._steps[0]
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL if self._steps else paramiko.AUTH_SUCCESSFUL

    def check_auth_password(self, username, password):
        return self._step("password", is_right=(username, password) == (USER, PASSWORD))

    def check_auth_publickey(self, username, _key):
        return self._step("publickey", is_right=username == USER)

    def get_allowed_auths(self, _username):
        return self._steps[0]

    def check_channel_request(self, _kind, _chanid):
        return paramiko.OPEN_SUCCEEDED


@contextmanager
def paramiko_server(
    folder: Path,
    journal: list[tuple[str, str]] | None = None,
    steps: tuple[str, ...] = ("password",),
    unmoved: tuple[str, ...] = (),
    answer: Callable[[bytes], bytes | None] = lambda _content: None,
) -> Iterator[SshServer]:
    """Run the server of paramiko, which cannot rename a file over another; renamings go to the journal.

    Args:
        folder: what it needs is kept here.
        journal: what is renamed is added here, from and to.
        steps: by what one logs in, all of them in this order: `password`, `publickey`, which may be any.
        unmoved: paths of files that are not renamed.
        answer: what is told of a file with such a content when its checksum is asked for; None for that none is told.
    """
    root = folder / "paramiko-served"
    root.mkdir()
    host_key = paramiko.ECDSAKey.generate()
    secret = folder / "paramiko-password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD)
    listener = socket.create_server((HOST, 0))
    transports = []

    def serve():
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(line)
            transports.append(transport)
            transport.add_server_key(host_key)
            moves = journal if journal is not None else []
            served = {"root": root, "journal": moves, "unmoved": unmoved, "answer": answer}
            transport.set_subsystem_handler("sftp", _SummingSftp, _PlainSftp, **served)
            transport.start_server(event=threading.Event(), server=_PlainDoorkeeper(steps))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        port = listener.getsockname()[1]
        login = {"password": f"file:{secret}", "host_key": host_key.fingerprint}
        public = f"{host_key.get_name()} {host_key.get_base64()}"
        yield SshServer(port, root, f"sftp://{USER}@{HOST}:{port}", login, [public])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for transport in transports:
            transport.close()
            transport.join(10)
