"""What is fuzzed: for each target good samples, and the function that reads an input made of them.

A target's function takes the file that holds the input and a folder of its own. It may return, or raise one of
csvexport's own errors; anything else, a dead process or a hang is a fault. To fuzz something more, add it to `TARGETS`.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import fuzz_samples

from csvexport.inspection.looking import findings_json, look
from csvexport.linting import judging
from csvexport.profile import SourceSettings, load_profile
from csvexport.progress import no_progress
from csvexport.sources import open_sources

EXPECTED = ("ID", "Дата оплаты")


class Target(NamedTuple):
    """What is fuzzed.

    Attributes:
        name: what it is called.
        samples: gives the good inputs by the names of their files.
        call: reads an input.
    """

    name: str
    samples: Callable[[], Mapping[str, bytes]]
    call: Callable[[Path, Path], None]


def read(path, folder):
    """Read an export as a build does: all rows, all columns, and what the manifest says of it."""
    for source in open_sources(SourceSettings(), path.parent, [str(path)], EXPECTED, folder):
        rows, left_out = 0, Counter()
        for piece in source.pieces():
            block = source.parse(piece, ("ID",))
            texts = {name: block.text(name).to_pylist() for name in block.columns}
            if any(len(column) != len(block.rows) for column in texts.values()):
                raise AssertionError("a column has another length than its block")
            # As in rejected.csv.
            for bad in block.bad:
                f"{bad.text}{bad.reason}".encode()
            rows += len(block.rows) + len(block.bad)
            left_out.update(block.left_out)
        json.dumps(asdict(source.facts(rows, left_out)), ensure_ascii=False).encode()
        f"{source.label}{source.columns}".encode()


def inspect(path, _folder):
    """Look at an export as `inspect` and `init` do."""
    json.dumps(findings_json(look(str(path), no_progress)), ensure_ascii=False).encode()


def lint(path, _folder):
    """Judge a file as `lint` does."""
    options = judging.Options(now=judging.this_moment(), zone=judging.ZONE, progress=no_progress)
    json.dumps(judging.verdicts_json(judging.lint([path], options)), ensure_ascii=False).encode()


def profile(path, _folder):
    """Load a profile."""
    loaded = load_profile(path)
    f"{loaded.name}{[*loaded.places()]}{loaded.source}".encode()


def _texts():
    text = fuzz_samples.csv_text()
    returns = fuzz_samples.csv_text("\t").replace("\r\n", "\r")
    return {
        "utf8.csv": text.encode("utf-8-sig"),
        "cp1251.csv": text.encode("cp1251"),
        "utf16.csv": text.encode("utf-16"),
        "cp866.csv": fuzz_samples.csv_text(",").encode("cp866"),
        "returns.csv": returns.encode("koi8-r"),
    }


def _documents():
    wrapped = {"ok": True, "result": {"items": fuzz_samples.RECORDS, "total": {"n": [1, 2]}}, "next": None}
    nested = [{**record, "client": {"id": 1, "tags": ["a", "b"]}} for record in fuzz_samples.RECORDS]
    return {
        "list.json": json.dumps(nested, ensure_ascii=False).encode(),
        "wrapped.json": json.dumps(wrapped, indent=1).encode(),
        "php.json": json.dumps(dict(enumerate(nested, 1))).encode(),
    }


def _lines():
    return {"lines.jsonl": "".join(json.dumps(record) + "\n" for record in fuzz_samples.RECORDS).encode()}


def _archives():
    text = fuzz_samples.csv_text().encode()
    return {
        "deals.zip": fuzz_samples.zipped(),
        "deals.csv.gz": gzip.compress(text),
        "deals.csv.zst": fuzz_samples.zstd(text),
    }


def _tables():
    plain = fuzz_samples.parquet(compression="none", use_dictionary=False, data_page_version="2.0")
    return {"deals.parquet": fuzz_samples.parquet(), "plain.parquet": plain}


def _uploads():
    lines = ["ClientId,Target,DateTime,Price,Currency"]
    lines += [f"{1706436776194551959 + row},paid,1716195600,{row},RUB" for row in range(40)]
    return {"conversions.csv": "\n".join(lines).encode()}


def _everything():
    parts = (_texts(), _documents(), _lines(), _archives(), {"deals.xml": fuzz_samples.xml()})
    return {name: content for part in parts for name, content in part.items()}


TARGETS = {
    target.name: target
    for target in (
        Target("csv", _texts, read),
        Target("json", _documents, read),
        Target("jsonl", _lines, read),
        Target("xml", lambda: {"deals.xml": fuzz_samples.xml()}, read),
        Target("xlsx", lambda: {"deals.xlsx": fuzz_samples.xlsx()}, read),
        Target("xls", lambda: {"deals.xls": fuzz_samples.xls()}, read),
        Target("xlsb", lambda: {"deals.xlsb": fuzz_samples.xlsb()}, read),
        Target("ods", lambda: {"deals.ods": fuzz_samples.ods()}, read),
        Target("parquet", _tables, read),
        Target("archive", _archives, read),
        Target("inspect", _everything, inspect),
        Target("lint", lambda: _uploads() | _texts(), lint),
        Target("profile", lambda: {"profile.toml": fuzz_samples.PROFILE.encode()}, profile),
    )
}
