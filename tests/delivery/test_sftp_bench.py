"""The benchmark's row for SFTP does what it says."""

import subprocess
import sys
from pathlib import Path

from ssh_servers import need_sshd

RUN = Path(__file__).parents[1] / "bench" / "run.py"
NOTHING_ELSE = ("--rows", "--orders", *(f"--{row}=0" for row in ("hashes", "workbook", "json", "starts", "sent")))


def test_deliveries_are_measured_beside_those_of_openssh():
    need_sshd()
    command = [sys.executable, RUN, *NOTHING_ELSE, "--sftp=3", "--runs=1", "--tools=csvexport"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SFTP, 3 MB to the same machine" in done.stdout
    assert "csvexport / sftp put: " in done.stdout
