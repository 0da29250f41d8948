"""Spoilt inputs of every kind: each is read or refused with one message, in bounded time and memory.

A failure names the input, which is kept: `python tests/fuzz/fuzz_worker.py TARGET FILE` reads it again.
"""

import json
import os
import random
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fuzz_mutations import mutated
from fuzz_targets import TARGETS

FEW, MANY = 25, 1600
SECONDS = 180


class Worker:
    """A process that reads inputs, begun anew when it died."""

    def __init__(self):
        self._process = None

    def read(self, name, path):
        """Give what is wrong with how an input is read; empty if nothing is."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("fuzz_worker.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        self._process.stdin.write(json.dumps([name, str(path)]).encode() + b"\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], SECONDS)[0]:
            self.end()
            return f"not read within {SECONDS} seconds"
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self.end()
            return f"the process died: {status}"
        return json.loads(line)

    def end(self):
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.mark.skipif(os.name == "nt", reason="limits of memory are POSIX's")
@pytest.mark.parametrize("name", TARGETS)
def test_a_spoilt_input_is_read_or_refused(name, tmp_path, pytestconfig):
    is_long = pytestconfig.getoption("soak")
    seed = time.time_ns() if is_long else 0
    samples = TARGETS[name].samples()
    faults = []

    def many(part):
        drawn = random.Random(f"{seed} {part}")
        worker = Worker()
        try:
            for number in range((MANY if is_long else FEW) // 2):
                chosen = drawn.choice(sorted(samples))
                path = tmp_path / f"{part}-{number}-{chosen}"
                path.write_bytes(mutated(samples[chosen], drawn))
                wrong = worker.read(name, path)
                if wrong:
                    faults.append(f"{path}: {wrong}")
                else:
                    path.unlink()
        finally:
            worker.end()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(many, range(2)))
    assert not faults, "\n\n".join(faults[:5]) + f"\n\n{len(faults)} faults, seed {seed}"


@pytest.mark.parametrize("name", TARGETS)
def test_a_good_input_is_read(name, tmp_path):
    for called, content in TARGETS[name].samples().items():
        (tmp_path / called).write_bytes(content)
        scratch = tmp_path / f"{called}.scratch"
        scratch.mkdir()
        TARGETS[name].call(tmp_path / called, scratch)
