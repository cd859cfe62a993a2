"""The steps that notebooks share: each takes the phase, does one thing, shows it, and enters its checks."""

from hera_rollout.phase.steps.alternating import alternate, concurrent_submissions
from hera_rollout.phase.steps.cleaning import plan_cleanup, preview, remove_flag
from hera_rollout.phase.steps.comparing import evidence_after_cancel, executions, manifests
from hera_rollout.phase.steps.deploying import before_deploy, deploy
from hera_rollout.phase.steps.drilling import off_first, walk_back
from hera_rollout.phase.steps.entering import after_rollback, entry_gate
from hera_rollout.phase.steps.flying import fly_over
from hera_rollout.phase.steps.following_canary import canary_gate
from hera_rollout.phase.steps.guarding import close_watch, production_monitoring, staging_again
from hera_rollout.phase.steps.informing import tell
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
from hera_rollout.phase.steps.replacing import put_back, replace_service, scenarios_again
from hera_rollout.phase.steps.reporting import developer_experience, final_report
from hera_rollout.phase.steps.returning import rollback
from hera_rollout.phase.steps.settling import settled, unused
from hera_rollout.phase.steps.submitting import hera_workflow
from hera_rollout.phase.steps.switching import overlay, set_flag
from hera_rollout.phase.steps.testing import checklist, integration, leftovers, scenarios
from hera_rollout.phase.steps.timing import change_window

__all__ = [
    "after_rollback",
    "alternate",
    "application_logs",
    "before_deploy",
    "before_you_start",
    "canary_gate",
    "change_window",
    "checklist",
    "close_watch",
    "coin_toss",
    "concurrent_submissions",
    "deploy",
    "developer_experience",
    "drill_on_record",
    "entry_gate",
    "evidence_after_cancel",
    "executions",
    "final_report",
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
    "plan_cleanup",
    "preview",
    "production_monitoring",
    "provenance",
    "put_back",
    "rehearse",
    "remove_flag",
    "replace_service",
    "rollback",
    "rung",
    "scenarios",
    "scenarios_again",
    "set_flag",
    "settled",
    "staging_again",
    "tell",
    "testing_checklist",
    "traffic_note",
    "unused",
    "user_issues",
    "walk_back",
]
