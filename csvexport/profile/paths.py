"""Paths as people write them, with `~` for a home."""

from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with `~` replaced; where nobody knows that home, the path as it is written, at which nothing is found.

    A process without HOME whose user has no entry has no home, and `~anna` is nobody's where there is no Anna.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)
