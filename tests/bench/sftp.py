"""Delivers a file over SFTP as csvexport does: `sftp.py PORT HOST_KEY KEY FILE SHA256 PATH`; and runs the server."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HOST = "127.0.0.1"


class Server(NamedTuple):
    """A server of OpenSSH: its port, its key's fingerprint, a file in which it is known, and the key that logs in."""

    port: int
    fingerprint: str
    known: Path
    key: Path


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Run a server of OpenSSH, which keeps what it needs in a folder; end the benchmark if there is none."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if sshd is None:
        sys.exit("there is no sshd on this machine; leave its row out with --sftp 0")
    if os.geteuid() == 0:
        # Compiled in; the system's own start makes it otherwise.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir()
    host_key, key = folder / "host", folder / "key"
    for path in (host_key, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    with socket.socket() as found:
        found.bind((HOST, 0))
        port = found.getsockname()[1]
    config = folder / "config"
    config.write_text(
        f"ListenAddress {HOST}:{port}\nHostKey {host_key}\nAuthorizedKeysFile {key}.pub\nPidFile none\nUsePAM no\n"
        "StrictModes no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    known = folder / "known"
    known.write_text(f"[{HOST}]:{port} {host_key.with_suffix('.pub').read_text()}")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", host_key], check=True, capture_output=True, text=True).stdout
    process = subprocess.Popen([sshd, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield Server(port, shown.split()[1], known, key)
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server listens on a port."""
    while process.poll() is None:
        try:
            socket.create_connection((HOST, port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    sys.exit("sshd has not started")


def deliver(server: Server, file: Path, sha256: str, path: str) -> list[str | Path]:
    """Return the command by which csvexport delivers a file."""
    return [sys.executable, __file__, str(server.port), server.fingerprint, server.key, file, sha256, path]


def put(server: Server, file: Path, path: str, scratch: Path) -> list[str | Path]:
    """Return the command by which OpenSSH's client does."""
    batch = scratch / "batch.txt"
    batch.write_text(f"put {file} {path}\n")
    known = f"UserKnownHostsFile={server.known}"
    return ["sftp", "-q", "-P", str(server.port), "-i", server.key, "-o", known, "-b", batch, HOST]


def main() -> None:
    """Deliver what the command line names."""
    # Not above, since what runs the benchmark needs none of it.
    from csvexport.delivery import Deadline, Parcel  # noqa: PLC0415
    from csvexport.delivery.opening import open_destination  # noqa: PLC0415
    from csvexport.profile import DeliverSettings  # noqa: PLC0415

    port, fingerprint, key, file, sha256, path = sys.argv[1:]
    to = f"sftp://{getpass.getuser()}@{HOST}:{port}{path}"
    table = {"name": "bench", "what": "orders", "to": to, "key": key, "host_key": fingerprint}
    destination = open_destination(DeliverSettings.model_validate(table), Path.cwd())
    parcel = Parcel(path=Path(file), to=to, shown=to, size=Path(file).stat().st_size, sha256=sha256)
    destination.deliver(parcel, Deadline(3600))
    destination.close()


if __name__ == "__main__":
    main()
