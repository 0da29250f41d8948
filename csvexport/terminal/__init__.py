"""What a person sees in the terminal, within 80 columns."""

from csvexport.terminal.console import progress_bar
from csvexport.terminal.findings import print_findings
from csvexport.terminal.outcome import print_outcome, print_start
from csvexport.terminal.verdicts import print_verdicts

__all__ = ["print_findings", "print_outcome", "print_start", "print_verdicts", "progress_bar"]
