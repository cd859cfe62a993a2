"""The spine of a runbook: begin, step, check, conclude; and the steps that several phases share."""

from hera_rollout.parameters import parameters
from hera_rollout.phase import steps
from hera_rollout.phase.connections import Connections
from hera_rollout.phase.spine import Phase

__all__ = ["Connections", "Phase", "parameters", "steps"]
