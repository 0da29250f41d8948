"""What a command asks of the system's files, in order, as strace sees it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import csvexport

# What changes files or tells where in them a process stands; a question mark: not every machine has it.
CALLS = (
    *("openat", "?open", "?creat", "read", "lseek", "write", "pwrite64", "writev", "pwritev", "?pwritev2"),
    *("ftruncate", "truncate", "fallocate", "sendfile", "copy_file_range", "fsync", "fdatasync"),
    *("?rename", "renameat", "renameat2", "?link", "linkat", "?unlink", "unlinkat", "?mkdir", "mkdirat", "?rmdir"),
    *("dup", "?dup2", "dup3", "chdir", "fchdir", "?fork", "?vfork", "symlinkat", "?symlink"),
)

LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?(?:0x[0-9a-f]+|\d+))(?:<[^>]*>)?$")

# Longer than anything that the tests' commands write at once.
LONGEST = 1 << 22


@dataclass(frozen=True)
class Call:
    """A system call that succeeded: its name, its arguments as strace writes them, what it gave."""

    name: str
    arguments: tuple[str, ...]
    result: int


def refusal():
    """Say why nothing can be recorded here, None where it can."""
    if shutil.which("strace") is None:
        return "there is no strace"
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "one process may not trace another here"


def record(folder, arguments, log):
    """Run csvexport in a folder; give its system calls that succeeded, and what it printed."""
    strace = ["strace", "-f", "-z", "--seccomp-bpf", "-qq", "-xx", "-y", f"-s{LONGEST}", "-o", str(log)]
    watched = ["-e", "raw=read,lseek", "-e", f"trace={','.join(CALLS)}", "-e", "signal=none"]
    command = [sys.executable, "-m", "csvexport", *arguments]
    environment = os.environ | {
        "PYTHONPATH": str(Path(csvexport.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [*strace, *watched, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [call for line in log.read_text().splitlines() if (call := _parsed(line)) is not None], done.stdout


def _parsed(line):
    found = LINE.match(line)
    # Of a process that ends there is nothing to be told.
    if found is None:
        return None
    name, arguments, result = found.groups()
    return Call(name, tuple(arguments.split(", ")), int(result, 0))


def text(argument):
    """Give the bytes of a string."""
    return bytes.fromhex(argument.strip('"').replace("\\x", ""))


def number(argument):
    """Give an offset or a size."""
    return int(argument, 0)


def opened(argument):
    """Give the number of an open file, and its path; None where it has none."""
    number, _, path = argument.partition("<")
    return int(number, 0) if number != "AT_FDCWD" else -1, text(path.rstrip(">")).decode() if "\\x" in path else None


def vector(arguments):
    """Give the bytes of a list of buffers."""
    return b"".join(text(found) for found in re.findall(r'iov_base="([^"]*)"', ", ".join(arguments)))
