"""The steps that notebooks share: each takes the phase, does one thing, shows it, and enters its checks."""

from hera_rollout.phase.steps.alternating import alternate, concurrent_submissions
from hera_rollout.phase.steps.comparing import evidence_after_cancel, executions, manifests
from hera_rollout.phase.steps.drilling import off_first, walk_back
from hera_rollout.phase.steps.entering import after_rollback, entry_gate
from hera_rollout.phase.steps.flying import fly_over
from hera_rollout.phase.steps.laddering import ladder, rung, user_issues
from hera_rollout.phase.steps.logs import application_logs
from hera_rollout.phase.steps.measuring import measures
from hera_rollout.phase.steps.monitoring import monitoring
from hera_rollout.phase.steps.preparing import before_you_start
from hera_rollout.phase.steps.proving import parity, provenance
from hera_rollout.phase.steps.qualifying import (
    coin_toss,
    drill_on_record,
    flag_by_file,
    rehearse,
    testing_checklist,
    traffic_note,
)
from hera_rollout.phase.steps.returning import rollback
from hera_rollout.phase.steps.submitting import hera_workflow
from hera_rollout.phase.steps.switching import overlay, set_flag
from hera_rollout.phase.steps.testing import checklist, integration, leftovers, scenarios

__all__ = [
    "after_rollback",
    "alternate",
    "application_logs",
    "before_you_start",
    "checklist",
    "coin_toss",
    "concurrent_submissions",
    "drill_on_record",
    "entry_gate",
    "evidence_after_cancel",
    "executions",
    "flag_by_file",
    "fly_over",
    "hera_workflow",
    "integration",
    "ladder",
    "leftovers",
    "manifests",
    "measures",
    "monitoring",
    "off_first",
    "overlay",
    "parity",
    "provenance",
    "rehearse",
    "rollback",
    "rung",
    "scenarios",
    "set_flag",
    "testing_checklist",
    "traffic_note",
    "user_issues",
    "walk_back",
]
