"""Destinations, with the folders behind them, and files to deliver there."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csvexport.delivery import Deadline, Destination, Parcel, Receipt, Trace
from csvexport.delivery.opening import open_destination
from csvexport.profile import DeliverSettings

NAMES = {"batch": "20240601T090000Z-1a2b3c4d", "date": "2024-06-01", "profile": "shop", "kind": "orders"}


@dataclass(frozen=True)
class Place:
    """A destination, and the folder that is behind it.

    Attributes:
        root: the folder that the destination puts files to.
        folder: the profile's.
        to: the address of the root.
        table: what the profile has in `[[deliver]]` besides.
        wrong_login: what it would have instead with which nobody is let in.
    """

    root: Path
    folder: Path
    to: str
    table: dict[str, Any] = field(default_factory=dict)
    wrong_login: dict[str, Any] = field(default_factory=dict)

    def settings(self, **changed: object) -> DeliverSettings:
        table = {"name": "pickup", "what": "orders", "to": f"{self.to}/{{{{ file }}}}"} | self.table | changed
        return DeliverSettings.model_validate(table)

    def opened(self, **changed: object) -> Destination:
        return open_destination(self.settings(**changed), self.folder)

    def parcel(self, name: str, content: bytes, trace: Trace | None = None, **changed: object) -> Parcel:
        """A file of a batch that is to go to a path below the root."""
        path = self.folder / "built.csv"
        path.write_bytes(content)
        settings = self.settings(**changed)
        to = settings.place(NAMES | {"file": name}, self.folder)
        sha256 = hashlib.sha256(content).hexdigest()
        return Parcel(path=path, to=to, shown=settings.shown(to), size=len(content), sha256=sha256, trace=trace)

    def deliver(self, name: str, content: bytes, trace: Trace | None = None, **changed: object) -> Receipt:
        """Deliver a file over a connection of its own."""
        destination = self.opened(**changed)
        try:
            return destination.deliver(self.parcel(name, content, trace, **changed), Deadline(60))
        finally:
            destination.close()

    def files(self) -> dict[str, bytes]:
        """What is there, by path."""
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in paths}
