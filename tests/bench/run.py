"""The benchmark: csvexport beside polars and duckdb, doing the same job (`job.py`) on the same exports.

Every tool runs as a whole process, in alternation, each time into a new folder, the export in the page cache. Wall and
CPU seconds are medians; peak memory is the largest. In the first round the outputs must be equal, else nothing is
printed. What counts are the ratios to the faster peer: seconds do not carry over from one machine to another.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import job

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CSVEXPORT = "csvexport"
TOOLS = (CSVEXPORT, "polars", "duckdb")

RATIO_GOALS = {1_000_000: 1.3, 10_000_000: 1.0}  # rows: the most that csvexport may take of the faster peer's time
PEAK_ROWS, PEAK_GOAL = 10_000_000, 400
WORKBOOK_GOAL = 1.0
JSON_LINES_GOAL = 1 / 1.5
JSON_GOAL = 1.0
START_GOAL = 0.5
START_RUNS = 11  # starts are short, so that more of them are needed for a steady median

BYTES_PER_MAXRSS = 1 if sys.platform == "darwin" else 1024


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


def measure(command: Sequence[str | Path], log: Path) -> Run:
    """Run a command from the project's root to its end; end the benchmark with what it said if it fails."""
    # Modules are compiled once, as where they are installed, whatever the surroundings say.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(log.parent / "pycache")
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"exit code {process.returncode}: {' '.join(map(str, command))}\n{log.read_text(errors='replace')}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * BYTES_PER_MAXRSS / 1e6)


def summarize(runs: Sequence[Run]) -> Summary:
    """Sum up the runs of one tool."""
    walls = [run.wall for run in runs]
    cpu = median(run.cpu for run in runs)
    return Summary(median(walls), min(walls), max(walls), cpu, max(run.peak for run in runs))


class Benchmark:
    """One export and the tools that are to read it; writes only below `scratch`."""

    def __init__(self, export: Path, encoding: str, tools: Sequence[str], scratch: Path) -> None:
        self.export = export
        self.encoding = encoding
        self.tools = tools
        self.scratch = scratch
        self.profile = scratch / "bench.toml"
        self.profile.write_text(job.profile(export), encoding="utf-8")

    def run(self, rounds: int) -> tuple[dict[str, Summary], str]:
        """Return the summary of each tool, and the counts that the tools agree on."""
        runs: dict[str, list[Run]] = {tool: [] for tool in self.tools}
        counts = ""
        for number in range(rounds):
            for tool in self.tools:
                warm(self.export)
                run = measure(self.command(tool), self.scratch / "log.txt")
                runs[tool].append(run)
                say(f"round {number + 1} of {rounds}: {tool} {run.wall:.2f} s")
            counts = counts or self._compare()
            for tool in self.tools:
                shutil.rmtree(self._folder(tool))
        return {tool: summarize(runs[tool]) for tool in self.tools}, counts

    def _folder(self, tool: str) -> Path:
        return self.scratch / tool

    def command(self, tool: str) -> list[str | Path]:
        """Return what runs a tool over the export."""
        folder = self._folder(tool)
        if tool == CSVEXPORT:
            build = [sys.executable, "-m", "csvexport", "build", self.profile]
            return [*build, "--out", folder, "--now", job.NOW, "--quiet"]
        return [sys.executable, HERE / f"peer_{tool}.py", self.export, self.encoding, folder]

    def _compare(self) -> str:
        command = [sys.executable, HERE / "compare.py", *map(self._folder, self.tools)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        return done.stdout.strip()


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


@contextmanager
def generated(rows: int, encoding: str, folder: Path, *, keep: bool) -> Iterator[Path]:
    """Yield an export, made unless it is there from an earlier run; remove it at the end unless it is to be kept."""
    export = folder / f"export-{rows}-{encoding}.csv"
    if not export.exists():
        say(f"generating {rows:,} rows, {encoding}")
        part = export.with_suffix(".part")
        subprocess.run([sys.executable, HERE / "generate.py", str(rows), encoding, part], check=True)
        part.rename(export)
    try:
        yield export
    finally:
        if not keep:
            export.unlink()


def print_table(title: str, summaries: dict[str, Summary]) -> None:
    """Print what each tool took."""
    print(f"\n{title}\n")
    print(f"  {'':<10}{'wall s':>9}{'fastest to slowest':>22}{'CPU s':>9}{'peak MB':>10}")
    for tool, summary in summaries.items():
        spread = f"{summary.fastest:.2f} to {summary.slowest:.2f}"
        print(f"  {tool:<10}{summary.wall:>9.2f}{spread:>22}{summary.cpu:>9.2f}{summary.peak:>10.0f}")


def print_goal(name: str, value: str, goal: str, *, reached: bool) -> None:
    """Print a figure that has a goal, and whether it is reached."""
    print(f"  {name}: {value} (goal {goal}; reached: {'yes' if reached else 'no'})")


def print_ratio(rows: int, summaries: dict[str, Summary]) -> None:
    """Print csvexport's wall time over that of the faster peer, and its peak, against their goals."""
    own = summaries[CSVEXPORT]
    peers = {tool: summary.wall for tool, summary in summaries.items() if tool != CSVEXPORT}
    print()
    if peers:
        peer = min(peers, key=lambda tool: peers[tool])
        ratio, goal = own.wall / peers[peer], RATIO_GOALS.get(rows)
        name = f"csvexport / {peer}, the faster peer"
        if goal is None:
            print(f"  {name}: {ratio:.2f}")
        else:
            print_goal(name, f"{ratio:.2f}", f"at most {goal:.1f}", reached=ratio <= goal)
    if rows == PEAK_ROWS:
        print_goal("csvexport's peak", f"{own.peak:.0f} MB", f"under {PEAK_GOAL} MB", reached=own.peak < PEAK_GOAL)


def measure_exports(arguments: argparse.Namespace, encoding: str, scratch: Path) -> None:
    """Run the tools over the exports of every size in one encoding; print a table for each."""
    peaks: dict[int, float] = {}
    for rows in sorted(arguments.rows):
        with generated(rows, encoding, arguments.data or scratch, keep=arguments.data is not None) as export:
            megabytes = export.stat().st_size / 1e6
            summaries, counts = Benchmark(export, encoding, arguments.tools, scratch).run(arguments.runs)
        title = f"{rows:,} rows, {encoding}, {megabytes:,.0f} MB, rounds: {arguments.runs}; every tool: {counts}"
        print_table(title, summaries)
        if CSVEXPORT in summaries:
            print_ratio(rows, summaries)
            peaks[rows] = summaries[CSVEXPORT].peak
    if len(peaks) > 1:
        (small, low), *_, (large, high) = peaks.items()
        print(f"  csvexport's peak, {large:,} rows / {small:,} rows: {high / low:.2f}")


class Beside(NamedTuple):
    """Something of Python's own that a build is held against: it only reads."""

    name: str
    code: str
    goal: float


def measure_beside(export: Path, title: str, peer: Beside, rounds: int, scratch: Path) -> float:
    """Compare a build of an export with its peer; return the build's peak."""
    benchmark = Benchmark(export, "utf8", [CSVEXPORT], scratch)
    runs: dict[str, list[Run]] = {CSVEXPORT: [], peer.name: []}
    for number in range(rounds):
        warm(export)
        runs[CSVEXPORT].append(measure(benchmark.command(CSVEXPORT), scratch / "log.txt"))
        runs[peer.name].append(measure([sys.executable, "-c", peer.code], scratch / "log.txt"))
        say(f"round {number + 1} of {rounds}: " + ", ".join(f"{t} {r[-1].wall:.2f} s" for t, r in runs.items()))
        shutil.rmtree(scratch / CSVEXPORT)
    summaries = {tool: summarize(runs[tool]) for tool in runs}
    print_table(f"{title}, rounds: {rounds}; {peer.name} only reads", summaries)
    ratio = summaries[CSVEXPORT].wall / summaries[peer.name].wall
    print()
    print_goal(f"csvexport / {peer.name}", f"{ratio:.2f}", f"at most {peer.goal:.2f}", reached=ratio <= peer.goal)
    return summaries[CSVEXPORT].peak


@contextmanager
def converted(rows: int, script: str, suffix: str, arguments: argparse.Namespace, scratch: Path) -> Iterator[Path]:
    """Yield an export in another form, made unless it is there; remove it at the end unless it is to be kept."""
    keep = arguments.data is not None
    with generated(rows, "utf8", arguments.data or scratch, keep=keep) as export:
        target = export.with_suffix(suffix)
        if not target.exists():
            say(f"generating {rows:,} rows, {suffix}")
            subprocess.run([sys.executable, HERE / script, export, target], check=True)
    try:
        yield target
    finally:
        if not keep:
            target.unlink()


def measure_workbook(arguments: argparse.Namespace, scratch: Path) -> None:
    """Compare a build of a workbook with pandas, which only reads it, with the same library beneath."""
    with converted(arguments.workbook, "workbook.py", ".xlsx", arguments, scratch) as workbook:
        code = f"import pandas; pandas.read_excel({str(workbook)!r}, engine='calamine', dtype=str)"
        peer = Beside("pandas", code, WORKBOOK_GOAL)
        measure_beside(workbook, f"xlsx, {arguments.workbook:,} rows", peer, arguments.runs, scratch)


def measure_json(arguments: argparse.Namespace, scratch: Path) -> None:
    """Compare builds of JSON with a loop over `json.loads`, or one call, and their peaks with those of a tenth."""
    ways = {
        ".jsonl": ("json.loads in a loop", "for line in open({!r}, 'rb'): json.loads(line)", JSON_LINES_GOAL),
        ".json": ("json.load", "json.load(open({!r}, 'rb'))", JSON_GOAL),
    }
    for suffix, (name, code, goal) in ways.items():
        peaks = []
        for rows in (arguments.json // 10, arguments.json):
            with converted(rows, "records.py", suffix, arguments, scratch) as export:
                peer = Beside(name, f"import json\n{code.format(str(export))}", goal)
                title = f"{suffix[1:]}, {rows:,} rows, {export.stat().st_size / 1e6:,.0f} MB"
                peaks.append(measure_beside(export, title, peer, arguments.runs, scratch))
        print(f"  csvexport's peak, {arguments.json:,} rows / {arguments.json // 10:,} rows: {peaks[1] / peaks[0]:.2f}")


def measure_start(scratch: Path) -> None:
    """Compare the time to `csvexport --help` with that of importing pandas."""
    commands = {
        "csvexport --help": [sys.executable, "-m", "csvexport", "--help"],
        "import pandas": [sys.executable, "-c", "import pandas"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(START_RUNS):
        for name, command in commands.items():
            walls[name].append(measure(command, scratch / "log.txt").wall)
    own, pandas = (median(times) for times in walls.values())
    print(f"\nStart: csvexport --help {own:.2f} s, python -c 'import pandas' {pandas:.2f} s\n")
    print_goal("ratio", f"{own / pandas:.2f}", f"under {START_GOAL}", reached=own / pandas < START_GOAL)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="sizes of the exports")
    parser.add_argument("--runs", type=int, default=5, help="rounds for each size")
    parser.add_argument("--encodings", nargs="+", choices=job.DIALECTS, default=["utf8"])
    parser.add_argument("--tools", "--only", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--workbook", type=int, default=300_000, help="rows of the workbook; 0: none")
    parser.add_argument("--json", type=int, default=1_000_000, help="rows of JSON and JSON Lines; 0: none")
    parser.add_argument("--data", type=Path, help="keep the exports in this folder and use those that are there")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark that the command line asks for, and leave no file behind but those in `--data`."""
    arguments = parse()
    if arguments.data:
        arguments.data = arguments.data.resolve()
        arguments.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="csvexport-bench-", dir=arguments.data) as scratch:
        for encoding in arguments.encodings:
            measure_exports(arguments, encoding, Path(scratch))
        if CSVEXPORT in arguments.tools:
            if arguments.workbook:
                measure_workbook(arguments, Path(scratch))
            if arguments.json:
                measure_json(arguments, Path(scratch))
            measure_start(Path(scratch))


if __name__ == "__main__":
    main()
