"""Which batch a person means: by its name, or by its folder."""

from pathlib import Path
from typing import NamedTuple

from csvexport.errors import UsageError
from csvexport.ledger import MANIFEST, Ledger


class Located(NamedTuple):
    """Where a batch is.

    Attributes:
        out: the folder of all batches.
        profile: name of the profile.
        name: of the batch.
    """

    out: Path
    profile: str
    name: str


def locate(out: Path, batch: str) -> Located:
    """Find a batch.

    Args:
        out: the folder of all batches.
        batch: its name, or the path of its folder, which may lie elsewhere.

    Raises:
        UsageError: there is none, or several of this name.
        LedgerError: the ledger cannot be read.
    """
    path = Path(batch)
    if path.name != batch and path.is_dir():
        return _of_folder(path.resolve())
    with Ledger.reading(out, ()) as ledger:
        profiles = {known.profile for known in ledger.batches() if known.name == path.name}
    profiles |= {manifest.parent.parent.name for manifest in out.glob(f"*/{path.name}/{MANIFEST}")}
    if not profiles:
        raise UsageError(f"{out} has no batch {path.name}; csvexport history lists them")
    if len(profiles) > 1:
        paths = " or ".join(str(out / profile / path.name) for profile in sorted(profiles))
        raise UsageError(f"several profiles have a batch {path.name}; name its folder: {paths}")
    return Located(out, profiles.pop(), path.name)


def _of_folder(folder: Path) -> Located:
    if not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder} is no batch; csvexport history lists them")
    return Located(folder.parent.parent, folder.parent.name, folder.name)
