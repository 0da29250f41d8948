"""The batch folder: built beside under a name that begins with a dot, made durable, then renamed whole."""

from csvexport.batch.building import Building, remove_batch, sweep
from csvexport.batch.manifest import batch_name, manifest
from csvexport.batch.rejected import RejectedFile
from csvexport.batch.spool import Parts, Spool
from csvexport.batch.totals import Totals

__all__ = ["Building", "Parts", "RejectedFile", "Spool", "Totals", "batch_name", "manifest", "remove_batch", "sweep"]
