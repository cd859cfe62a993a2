"""The flag leaves a service's source: a plan as data, a branch when it is approved, and proof."""

from hera_rollout.cleanup.applying import Applied, Approval, apply
from hera_rollout.cleanup.inventory import documentation, inventory
from hera_rollout.cleanup.measuring import sizes
from hera_rollout.cleanup.planning import CleanupPlan, Edit, plan
from hera_rollout.cleanup.scanning import Scan, scan
from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.cleanup.suites import TestRun, run_tests
from hera_rollout.cleanup.tree import Limits

__all__ = [
    "Applied",
    "Approval",
    "CleanupPlan",
    "Edit",
    "Limits",
    "Place",
    "Scan",
    "Subject",
    "TestRun",
    "apply",
    "documentation",
    "inventory",
    "plan",
    "run_tests",
    "scan",
    "sizes",
]
