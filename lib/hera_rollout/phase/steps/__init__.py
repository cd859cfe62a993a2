"""The steps that notebooks share: each takes the phase, does one thing, shows it, and enters its checks."""

from hera_rollout.phase.steps.alternating import alternate, concurrent_submissions
from hera_rollout.phase.steps.comparing import evidence_after_cancel, executions, manifests
from hera_rollout.phase.steps.entering import entry_gate
from hera_rollout.phase.steps.flying import fly_over
from hera_rollout.phase.steps.logs import application_logs
from hera_rollout.phase.steps.measuring import measures
from hera_rollout.phase.steps.preparing import before_you_start
from hera_rollout.phase.steps.proving import parity, provenance
from hera_rollout.phase.steps.returning import rollback
from hera_rollout.phase.steps.submitting import hera_workflow
from hera_rollout.phase.steps.switching import overlay, set_flag
from hera_rollout.phase.steps.testing import checklist, integration, leftovers, scenarios

__all__ = [
    "alternate",
    "application_logs",
    "before_you_start",
    "checklist",
    "concurrent_submissions",
    "entry_gate",
    "evidence_after_cancel",
    "executions",
    "fly_over",
    "hera_workflow",
    "integration",
    "leftovers",
    "manifests",
    "measures",
    "overlay",
    "parity",
    "provenance",
    "rollback",
    "scenarios",
    "set_flag",
]
