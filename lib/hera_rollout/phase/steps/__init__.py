"""The steps that notebooks share: each takes the phase, does one thing, shows it, and enters its checks."""

from hera_rollout.phase.steps.logs import application_logs
from hera_rollout.phase.steps.preparing import before_you_start
from hera_rollout.phase.steps.proving import parity, provenance
from hera_rollout.phase.steps.returning import rollback
from hera_rollout.phase.steps.submitting import hera_workflow
from hera_rollout.phase.steps.switching import set_flag
from hera_rollout.phase.steps.testing import checklist, integration, leftovers, scenarios

__all__ = [
    "application_logs",
    "before_you_start",
    "checklist",
    "hera_workflow",
    "integration",
    "leftovers",
    "parity",
    "provenance",
    "rollback",
    "scenarios",
    "set_flag",
]
