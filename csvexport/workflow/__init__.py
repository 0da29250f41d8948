"""The use cases: what a command does, from the profile to the batch and its delivery."""

from csvexport.workflow.building import Outcome, build, check, outcome_json
from csvexport.workflow.options import Options

__all__ = ["Options", "Outcome", "build", "check", "outcome_json"]
