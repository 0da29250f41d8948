"""Turns an export of `generate.py` into JSON, as a CRM's API answers: `records.py EXPORT FILE...`.

A name that ends in `.jsonl` gets a record to each line, any other a document whose list is `result.items`. Order
numbers and identifiers that are numbers are numbers.
"""

import csv
import json
import sys
from pathlib import Path

import job

NUMBERS = (job.ORDER, job.YCLID, job.CLIENT)


def record(row: dict[str, str]) -> str:
    """Return one record; an identifier that is no number stays a text, and an empty one is left out."""
    filled = {name: cell for name, cell in row.items() if cell}
    numbers = {name: int(filled[name]) for name in NUMBERS if filled.get(name, "").isdecimal()}
    kept = {name: number for name, number in numbers.items() if str(number) == filled[name]}
    return json.dumps(filled | kept, ensure_ascii=False)


def main() -> None:
    """Write the files that the command line asks for."""
    export, *targets = map(Path, sys.argv[1:])
    for target in targets:
        is_lines = target.suffix == ".jsonl"
        with export.open(encoding="utf-8", newline="") as source, target.open("w", encoding="utf-8") as sink:
            between = "" if is_lines else '{"result":{"items":[\n'
            for row in csv.DictReader(source):
                sink.write(f"{between}{record(row)}{chr(10) if is_lines else ''}")
                between = "" if is_lines else ",\n"
            sink.write("" if is_lines else "\n]}}\n")


if __name__ == "__main__":
    main()
