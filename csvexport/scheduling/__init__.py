"""What a scheduler needs to call `csvexport run` by itself: a line for cron, units of systemd, a task of Windows."""

from csvexport.scheduling.job import Wanted
from csvexport.scheduling.planning import Way, schedule
from csvexport.scheduling.units import Schedule, Unit, printed, write

__all__ = ["Schedule", "Unit", "Wanted", "Way", "printed", "schedule", "write"]
