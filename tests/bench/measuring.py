"""Measures whole processes, and prints what they took."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeAlias

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

BYTES_PER_MAXRSS = 1 if sys.platform == "darwin" else 1024

Command: TypeAlias = Sequence[str | Path]


class Run(NamedTuple):
    """What one process took: wall seconds, CPU seconds of all its threads, peak megabytes."""

    wall: float
    cpu: float
    peak: float


class Summary(NamedTuple):
    """What the runs of one tool took: median seconds, the range of the wall seconds, the largest peak."""

    wall: float
    fastest: float
    slowest: float
    cpu: float
    peak: float


def measure(command: Command, output: Path) -> Run:
    """Run a command from the project's root to its end; end the benchmark with what it said if it fails."""
    # Modules are compiled once, as where they are installed, whatever the surroundings say.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(output.parent / "pycache")
    with output.open("wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"exit code {process.returncode}: {' '.join(map(str, command))}\n{output.read_text(errors='replace')}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * BYTES_PER_MAXRSS / 1e6)


def summarize(runs: Mapping[str, Sequence[Run]]) -> dict[str, Summary]:
    """Sum up the runs of each tool."""
    return {tool: _summary(runs_of_tool) for tool, runs_of_tool in runs.items()}


def _summary(runs: Sequence[Run]) -> Summary:
    walls = [run.wall for run in runs]
    cpu = median(run.cpu for run in runs)
    return Summary(median(walls), min(walls), max(walls), cpu, max(run.peak for run in runs))


def alternate(
    commands: Mapping[str, Command], source: Path, rounds: int, scratch: Path
) -> Iterator[dict[str, list[Run]]]:
    """Run the commands of all tools in turn, the file that they read in the page cache.

    What a tool says goes to `log`. Yields the runs of each tool so far, after every round.
    """
    runs: dict[str, list[Run]] = {tool: [] for tool in commands}
    for number in range(rounds):
        for tool, command in commands.items():
            warm(source)
            runs[tool].append(measure(command, log(tool, scratch)))
            say(f"round {number + 1} of {rounds}: {tool} {runs[tool][-1].wall:.2f} s")
        yield runs


def log(tool: str, scratch: Path) -> Path:
    """Return where the last run of a tool left what it said."""
    return scratch / f"{tool}.txt"


def warm(path: Path) -> None:
    """Have the disk idle and a file in the page cache, as before every run.

    The output of the last run may have driven the file out, and who makes its own output durable must not wait for
    that of others.
    """
    os.sync()
    with path.open("rb") as source:
        while source.read(1 << 20):
            pass


def say(line: str) -> None:
    """Tell how far the benchmark is."""
    print(line, file=sys.stderr, flush=True)


def print_table(title: str, summaries: Mapping[str, Summary]) -> None:
    """Print what each tool took."""
    width = max(10, *(len(tool) + 1 for tool in summaries))
    print(f"\n{title}\n")
    print(f"  {'':<{width}}{'wall s':>9}{'fastest to slowest':>22}{'CPU s':>9}{'peak MB':>10}")
    for tool, summary in summaries.items():
        spread = f"{summary.fastest:.2f} to {summary.slowest:.2f}"
        print(f"  {tool:<{width}}{summary.wall:>9.2f}{spread:>22}{summary.cpu:>9.2f}{summary.peak:>10.0f}")


def print_goal(name: str, value: str, goal: str, *, reached: bool) -> None:
    """Print a figure that has a goal, and whether it is reached."""
    print(f"  {name}: {value} (goal {goal}; reached: {'yes' if reached else 'no'})")


def print_ratio(name: str, ratio: float, goal: float | None) -> None:
    """Print a ratio of wall times, against its goal if there is one."""
    if goal is None:
        print(f"  {name}: {ratio:.2f}")
    else:
        print_goal(name, f"{ratio:.2f}", f"at most {goal:.2f}", reached=ratio <= goal)
