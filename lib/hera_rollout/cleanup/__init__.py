"""The flag leaves a service's source: a plan as data, a branch when it is approved, and proof."""

from hera_rollout.cleanup.applying import Applied, Approval, apply, branch_for, ready
from hera_rollout.cleanup.checkouts import checkout
from hera_rollout.cleanup.inventory import documentation, inventory
from hera_rollout.cleanup.knowing import Known, known
from hera_rollout.cleanup.measuring import sizes
from hera_rollout.cleanup.planning import CleanupPlan, Edit, plan
from hera_rollout.cleanup.running import CommandRun, run_command
from hera_rollout.cleanup.scanning import Scan, scan
from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.cleanup.suites import run_tests
from hera_rollout.cleanup.tree import Limits

__all__ = [
    "Applied",
    "Approval",
    "CleanupPlan",
    "CommandRun",
    "Edit",
    "Known",
    "Limits",
    "Place",
    "Scan",
    "Subject",
    "apply",
    "branch_for",
    "checkout",
    "documentation",
    "inventory",
    "known",
    "plan",
    "ready",
    "run_command",
    "run_tests",
    "scan",
    "sizes",
]
