"""What has been built and delivered: the ledger, its records in the batches' folders, and the lock on a profile."""

from csvexport.ledger.books import Ledger, address_digest, profiles
from csvexport.ledger.locking import profile_lock
from csvexport.ledger.model import Arrival, Batch, BatchFile, Delivery, Departure, State
from csvexport.ledger.rebuilding import Rebuilt, rebuild
from csvexport.ledger.records import MANIFEST

__all__ = [
    "MANIFEST",
    "Arrival",
    "Batch",
    "BatchFile",
    "Delivery",
    "Departure",
    "Ledger",
    "Rebuilt",
    "State",
    "address_digest",
    "profile_lock",
    "profiles",
    "rebuild",
]
