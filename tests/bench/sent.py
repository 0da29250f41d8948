"""Makes a folder of batches in which so many events count as sent: `python sent.py PROFILE NOW OUT EVENTS`.

A tenth of what the profile's export holds is among them; the others are of no export.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from csvexport.batch.keys import RECORD, file_name, in_order

KIND = "conversions"
SEED = 20240601


def main(profile: str, now: str, out: str, events: str) -> None:
    """Build a batch, give it other keys, and confirm it."""
    csvexport = [sys.executable, "-m", "csvexport"]
    subprocess.run([*csvexport, "build", profile, "--now", now, "--quiet", "--out", out], check=True)
    (batch,) = Path(out).glob("*/2*")
    path = batch / file_name(KIND)
    count = write(path, np.fromfile(path, RECORD)[::10], int(events))
    manifest = json.loads((batch / "manifest.json").read_bytes())
    for number, file in enumerate(manifest["files"]):
        file["rows"] = count if number == 0 else 0
    (batch / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    # The ledger knows how many keys there were before.
    subprocess.run([*csvexport, "ledger", "rebuild", "--out", out, "--quiet"], check=True)
    subprocess.run([*csvexport, "confirm", str(batch), "--quiet"], check=True)


def write(path: Path, known: np.ndarray, count: int) -> int:
    """Write so many keys, these among them; return how many there are."""
    chance = np.random.default_rng(SEED)
    records = np.zeros(max(count, len(known)), RECORD)
    records[: len(known)] = known
    for name in RECORD.names or ():
        records[name][len(known) :] = chance.integers(0, 1 << 64, len(records) - len(known), np.uint64)
    records = records[in_order(records)]
    records.tofile(path)
    return len(records)


if __name__ == "__main__":
    main(*sys.argv[1:])
