"""`manifest.json` and the batch's name."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from csvexport.issues import Code
from csvexport.summary import Counts, SourceFacts, Summary

VERSION = 1


def batch_name(built_at: datetime, profile_digest: str, sources: Sequence[SourceFacts], settings: Sequence[str]) -> str:
    """Name a batch by its moment and by what went in: the same input at the same moment gets the same name.

    Args:
        built_at: aware, UTC.
        profile_digest: SHA-256 of the profile.
        sources: what was read.
        settings: what the command line changed.
    """
    digest = hashlib.sha256()
    for part in (profile_digest, *(f"{source.path}\0{source.sha256}" for source in sources), *settings):
        digest.update(part.encode() + b"\0")
    return f"{built_at:%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:8]}"


def manifest(summary: Summary) -> dict[str, Any]:
    """Give the manifest, ready to be written as JSON."""
    return {
        "version": VERSION,
        "batch": summary.batch,
        "profile": summary.profile,
        "counter": summary.counter,
        "built_at": summary.built_at.isoformat(timespec="seconds"),
        "sources": [asdict(source) for source in summary.sources],
        "files": [asdict(file) for file in summary.files],
        "counts": {kind: _counts(counts) for kind, counts in summary.counts.items()},
        "issues": _issues(summary.issues),
        "unmatched": [asdict(one) | {"sentence": one.sentence} for one in summary.unmatched],
        "empty": list(summary.empty),
        "match_quality": {kind: asdict(quality) for kind, quality in summary.matching.items()},
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return asdict(counts) | {"issues": _issues(counts.issues)}


def _issues(issues: Mapping[Code, int]) -> dict[str, int]:
    return {code.text: count for code, count in sorted(issues.items())}
