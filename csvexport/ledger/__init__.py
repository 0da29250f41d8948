"""What has been built and delivered: the ledger, its records in the batches' folders, and the lock on a profile."""

from csvexport.ledger.books import Ledger
from csvexport.ledger.locking import profile_lock
from csvexport.ledger.model import Arrival, Batch, BatchFile, Delivery, Departure, State
from csvexport.ledger.rebuilding import Rebuilt, rebuild

__all__ = [
    "Arrival",
    "Batch",
    "BatchFile",
    "Delivery",
    "Departure",
    "Ledger",
    "Rebuilt",
    "State",
    "profile_lock",
    "rebuild",
]
