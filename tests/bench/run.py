"""The benchmark: csvexport beside polars and duckdb, doing the same jobs (`job.py`, `orders.py`) on the same exports.

Every tool runs as a whole process, in alternation, each time into a new folder, the export in the page cache. Wall and
CPU seconds are medians; peak memory is the largest. In the first round the outputs must be equal, else nothing is
printed. What counts are the ratios to the faster peer: seconds do not carry over from one machine to another.
"""

import argparse
import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import job
import orders
import sftp
from measuring import (
    HERE,
    Command,
    Summary,
    alternate,
    log,
    measure,
    print_goal,
    print_ratio,
    print_table,
    say,
    summarize,
)

CSVEXPORT, DUCKDB = "csvexport", "duckdb"
TOOLS = (CSVEXPORT, "polars", DUCKDB)

RATIO_GOALS = {1_000_000: 1.3, 10_000_000: 1.0}  # rows: the most that csvexport may take of the faster peer's time
PEAK_ROWS, PEAK_GOAL = 10_000_000, 400
ORDERS_GOAL = 1.0
HASHES_GOAL = 1.0
WORKBOOK_GOAL = 1.0
JSON_LINES_GOAL = 1 / 1.5
JSON_GOAL = 1.0
START_GOAL = 0.5
SFTP_GOAL = 1.5
SENT_GOAL = 1.3


def build(profile: str, scratch: Path) -> Command:
    """Return the command of a build by a profile (TOML), without the folder at its end."""
    path = scratch / "bench.toml"
    path.write_text(profile, encoding="utf-8")
    return [sys.executable, "-m", CSVEXPORT, "build", path, "--now", job.NOW, "--quiet", "--out"]


def compete(
    export: Path, commands: Mapping[str, Command], rounds: int, scratch: Path
) -> tuple[dict[str, Summary], str]:
    """Have tools do the same job with an export; return what each took, and the counts that they agree on.

    Args:
        export: what they read.
        commands: what runs each tool, without the folder at its end to which it writes.
        rounds: how often each runs.
        scratch: the folder below which all is written.
    """
    folders = {tool: scratch / tool for tool in commands}
    complete = {tool: [*command, folders[tool]] for tool, command in commands.items()}
    counts = ""
    for runs in alternate(complete, export, rounds, scratch):
        counts = counts or compare(list(folders.values()))
        summaries = summarize(runs)
        for folder in folders.values():
            shutil.rmtree(folder)
    return summaries, counts


def compare(folders: Sequence[Path]) -> str:
    """Return the counts that are equal in all folders; end the benchmark if the outputs are not."""
    done = subprocess.run([sys.executable, HERE / "compare.py", *folders], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout.strip()


@contextmanager
def made(path: Path, script: str, *what: str | Path, keep: bool) -> Iterator[Path]:
    """Yield what a script makes, if it is not there from an earlier run; remove it at the end unless it is kept."""
    if not path.exists():
        say(f"making {path.name}")
        part = path.with_name(f"part-{path.name}")
        subprocess.run([sys.executable, HERE / script, *what, part], check=True)
        part.rename(path)
    try:
        yield path
    finally:
        if not keep:
            path.unlink()


def print_against(peers: str, summaries: Mapping[str, Summary], goal: float | None) -> None:
    """Print csvexport's wall time over that of the faster peer."""
    others = {tool: summary.wall for tool, summary in summaries.items() if tool != CSVEXPORT}
    print()
    if CSVEXPORT in summaries and others:
        peer = min(others, key=lambda tool: others[tool])
        print_ratio(f"{CSVEXPORT} / {peer}{peers}", summaries[CSVEXPORT].wall / others[peer], goal)


def print_growth(peaks: Mapping[int, float]) -> None:
    """Print csvexport's peak with the most rows over that with the fewest, if there are several sizes."""
    if len(peaks) > 1:
        small, large = min(peaks), max(peaks)
        print(f"  csvexport's peak, {large:,} rows / {small:,} rows: {peaks[large] / peaks[small]:.2f}")


def measure_exports(arguments: argparse.Namespace, encoding: str, scratch: Path) -> None:
    """Run the tools over the exports of every size in one encoding; print a table for each."""
    peaks: dict[int, float] = {}
    for rows in sorted(arguments.rows):
        with export_of_deals(rows, encoding, arguments, scratch) as export:
            commands = {tool: [sys.executable, HERE / f"peer_{tool}.py", export, encoding] for tool in arguments.tools}
            if CSVEXPORT in commands:
                commands[CSVEXPORT] = build(job.profile(export), scratch)
            megabytes = export.stat().st_size / 1e6
            summaries, counts = compete(export, commands, arguments.runs, scratch)
        title = f"{rows:,} rows, {encoding}, {megabytes:,.0f} MB, rounds: {arguments.runs}; every tool: {counts}"
        print_table(title, summaries)
        print_against(", the faster peer", summaries, RATIO_GOALS.get(rows))
        if CSVEXPORT in summaries:
            peaks[rows] = peak = summaries[CSVEXPORT].peak
            if rows == PEAK_ROWS:
                print_goal("csvexport's peak", f"{peak:.0f} MB", f"under {PEAK_GOAL} MB", reached=peak < PEAK_GOAL)
    print_growth(peaks)


def measure_orders(arguments: argparse.Namespace, scratch: Path) -> None:
    """Run csvexport and duckdb over exports of orders, whose contacts they hash; print a table for each."""
    peaks: dict[int, float] = {}
    for rows in sorted(arguments.orders):
        path = (arguments.data or scratch) / f"orders-{rows}.csv"
        with made(path, "generate_orders.py", str(rows), keep=arguments.data is not None) as export:
            commands = {
                CSVEXPORT: build(orders.profile(export), scratch),
                DUCKDB: [sys.executable, HERE / "peer_duckdb_orders.py", export],
            }
            megabytes = export.stat().st_size / 1e6
            summaries, counts = compete(export, chosen(commands, arguments), arguments.runs, scratch)
        title = f"orders, {rows:,} rows, {megabytes:,.0f} MB, rounds: {arguments.runs}; every tool: {counts}"
        print_table(title, summaries)
        print_against("", summaries, ORDERS_GOAL)
        if CSVEXPORT in summaries:
            peaks[rows] = summaries[CSVEXPORT].peak
    print_growth(peaks)


def measure_hashes(arguments: argparse.Namespace, scratch: Path) -> None:
    """Compare the pure step: phones, all distinct, to the hashes of their normal form."""
    count = arguments.hashes
    path = (arguments.data or scratch) / f"phones-{count}.arrow"
    with made(path, "generate_phones.py", str(count), keep=arguments.data is not None) as phones:
        commands = {tool: [sys.executable, HERE / "hash_phones.py", tool, phones] for tool in (CSVEXPORT, DUCKDB)}
        commands = chosen(commands, arguments)
        for runs in alternate(commands, phones, arguments.runs, scratch):
            said = {tool: log(tool, scratch).read_text(encoding="utf-8").strip() for tool in commands}
            if len(set(said.values())) > 1:
                sys.exit(f"the hashes differ: {said}")
            summaries = summarize(runs)
    print_table(f"{count:,} distinct phones, rounds: {arguments.runs}; every tool: {min(said.values())}", summaries)
    print_against("", summaries, HASHES_GOAL)


def chosen(commands: Mapping[str, Command], arguments: argparse.Namespace) -> dict[str, Command]:
    """Return the commands of the tools that are to run."""
    return {tool: command for tool, command in commands.items() if tool in arguments.tools}


@contextmanager
def export_of_deals(rows: int, encoding: str, arguments: argparse.Namespace, scratch: Path) -> Iterator[Path]:
    """Yield an export of deals."""
    path = (arguments.data or scratch) / f"export-{rows}-{encoding}.csv"
    with made(path, "generate.py", str(rows), encoding, keep=arguments.data is not None) as export:
        yield export


class Beside(NamedTuple):
    """Something of Python's own that a build is held against: it only reads."""

    name: str
    code: str
    goal: float


def measure_beside(export: Path, title: str, peer: Beside, rounds: int, scratch: Path) -> float:
    """Compare a build of an export with its peer; return the build's peak."""
    folder = scratch / CSVEXPORT
    commands: dict[str, Command] = {
        CSVEXPORT: [*build(job.profile(export), scratch), folder],
        peer.name: [sys.executable, "-c", peer.code],
    }
    for runs in alternate(commands, export, rounds, scratch):
        summaries = summarize(runs)
        shutil.rmtree(folder)
    print_table(f"{title}, rounds: {rounds}; {peer.name} only reads", summaries)
    print_against("", summaries, peer.goal)
    return summaries[CSVEXPORT].peak


@contextmanager
def converted(rows: int, script: str, suffix: str, arguments: argparse.Namespace, scratch: Path) -> Iterator[Path]:
    """Yield an export of deals in another form."""
    with (
        export_of_deals(rows, "utf8", arguments, scratch) as export,
        made(export.with_suffix(suffix), script, export, keep=arguments.data is not None) as target,
    ):
        yield target


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
        peaks = {}
        for rows in (arguments.json // 10, arguments.json):
            with converted(rows, "records.py", suffix, arguments, scratch) as export:
                peer = Beside(name, f"import json\n{code.format(str(export))}", goal)
                title = f"{suffix[1:]}, {rows:,} rows, {export.stat().st_size / 1e6:,.0f} MB"
                peaks[rows] = measure_beside(export, title, peer, arguments.runs, scratch)
        print_growth(peaks)


def measure_sent(arguments: argparse.Namespace, scratch: Path) -> None:
    """Compare a build against as many events that were sent as its export has rows with one against none."""
    rows = arguments.sent
    with export_of_deals(rows, "utf8", arguments, scratch) as export:
        command = build(job.profile(export), scratch)
        nothing, much = scratch / "nothing-sent", scratch / "much-sent"
        subprocess.run([sys.executable, HERE / "sent.py", command[4], job.NOW, much, str(rows)], check=True)
        kept = set(much.glob("*/2*"))
        commands: dict[str, Command] = {"nothing sent": [*command, nothing], "much sent": [*command, much]}
        for runs in alternate(commands, export, arguments.runs, scratch):
            summaries = summarize(runs)
            shutil.rmtree(nothing)
            for batch in set(much.glob("*/2*")) - kept:
                shutil.rmtree(batch)
        shutil.rmtree(much)
    print_table(f"{rows:,} rows against {rows:,} events that were sent, rounds: {arguments.runs}", summaries)
    print()
    print_ratio("much / nothing", summaries["much sent"].wall / summaries["nothing sent"].wall, SENT_GOAL)
    peak = summaries["much sent"].peak
    print_goal("peak", f"{peak:.0f} MB", f"under {PEAK_GOAL} MB", reached=peak < PEAK_GOAL)


def measure_sftp(arguments: argparse.Namespace, scratch: Path) -> None:
    """Compare the delivery of a file over SFTP with OpenSSH's own client, to OpenSSH's server on this machine."""
    file, arrived = scratch / "delivered.csv", scratch / "arrived.csv"
    block, digest = os.urandom(1_000_000), hashlib.sha256()
    with file.open("wb") as sink:
        for _ in range(arguments.sftp):
            sink.write(block)
            digest.update(block)
    with sftp.serve(scratch / "sshd") as server:
        commands: dict[str, Command] = {
            CSVEXPORT: sftp.deliver(server, file, digest.hexdigest(), str(arrived)),
            "sftp put": sftp.put(server, file, str(arrived), scratch),
        }
        for runs in alternate(commands, file, arguments.runs, scratch):
            summaries = summarize(runs)
            if not filecmp.cmp(file, arrived, shallow=False):
                sys.exit("what arrived is not what was sent")
            arrived.unlink()
    file.unlink()
    print_table(f"SFTP, {arguments.sftp:,} MB to the same machine, rounds: {arguments.runs}", summaries)
    print_against("", summaries, SFTP_GOAL)


def measure_start(arguments: argparse.Namespace, scratch: Path) -> None:
    """Compare the time to `csvexport --help` with that of importing pandas."""
    commands: dict[str, Command] = {
        "csvexport --help": [sys.executable, "-m", "csvexport", "--help"],
        "import pandas": [sys.executable, "-c", "import pandas"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arguments.starts):
        for name, command in commands.items():
            walls[name].append(measure(command, log(name, scratch)).wall)
    own, pandas = (median(times) for times in walls.values())
    print(f"\nStart: csvexport --help {own:.2f} s, python -c 'import pandas' {pandas:.2f} s\n")
    print_goal("ratio", f"{own / pandas:.2f}", f"under {START_GOAL}", reached=own / pandas < START_GOAL)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000], help="sizes of the exports")
    parser.add_argument("--runs", type=int, default=5, help="rounds for each size")
    parser.add_argument("--encodings", nargs="+", choices=job.DIALECTS, default=["utf8"])
    parser.add_argument("--tools", "--only", nargs="+", choices=TOOLS, default=list(TOOLS))
    # Of more rows comes a file that the Conversion Center would not take.
    parser.add_argument("--orders", type=int, nargs="*", default=[1_000_000, 3_000_000], help="sizes of the orders")
    parser.add_argument("--hashes", type=int, default=5_000_000, help="phones that are hashed; 0: none")
    parser.add_argument("--workbook", type=int, default=300_000, help="rows of the workbook; 0: none")
    parser.add_argument("--json", type=int, default=1_000_000, help="rows of JSON and JSON Lines; 0: none")
    parser.add_argument("--sent", type=int, default=10_000_000, help="rows, and events that were sent; 0: none")
    parser.add_argument("--sftp", type=int, default=1000, help="megabytes that are delivered over SFTP; 0: none")
    # Starts are short, so that more of them are needed for a steady median.
    parser.add_argument("--starts", type=int, default=11, help="rounds of starting; 0: none")
    parser.add_argument("--data", type=Path, help="keep the exports in this folder and use those that are there")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark that the command line asks for, and leave no file behind but those in `--data`."""
    arguments = parse()
    if arguments.data:
        arguments.data = arguments.data.resolve()
        arguments.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="csvexport-bench-", dir=arguments.data) as scratch:
        measure_all(arguments, Path(scratch))


def measure_all(arguments: argparse.Namespace, scratch: Path) -> None:
    """Measure what the command line asks for."""
    for encoding in arguments.encodings:
        measure_exports(arguments, encoding, scratch)
    if {CSVEXPORT, DUCKDB}.intersection(arguments.tools):
        measure_orders(arguments, scratch)
        if arguments.hashes:
            measure_hashes(arguments, scratch)
    if CSVEXPORT in arguments.tools:
        if arguments.sent:
            measure_sent(arguments, scratch)
        if arguments.workbook:
            measure_workbook(arguments, scratch)
        if arguments.json:
            measure_json(arguments, scratch)
        if arguments.sftp:
            measure_sftp(arguments, scratch)
        if arguments.starts:
            measure_start(arguments, scratch)


if __name__ == "__main__":
    main()
