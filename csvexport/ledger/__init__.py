"""What has been built and delivered: the ledger, its records, and whose turn and whose batches it is."""

from csvexport.ledger.books import Ledger, address_digest, profiles
from csvexport.ledger.locking import Hold, profile_lock
from csvexport.ledger.model import Arrival, Batch, BatchFile, Delivery, Departure, State
from csvexport.ledger.ownership import adopt, refuse_stranger, take
from csvexport.ledger.rebuilding import Rebuilt, rebuild
from csvexport.ledger.records import MANIFEST

__all__ = [
    "MANIFEST",
    "Arrival",
    "Batch",
    "BatchFile",
    "Delivery",
    "Departure",
    "Hold",
    "Ledger",
    "Rebuilt",
    "State",
    "address_digest",
    "adopt",
    "profile_lock",
    "profiles",
    "rebuild",
    "refuse_stranger",
    "take",
]
