"""The way back: the flag off, watched until it is so; in full with the revision from before; and what is in flight."""

from hera_rollout.rollback.full import full, planned
from hera_rollout.rollback.inflight import POLICIES, Handled, Policy, handle
from hera_rollout.rollback.quick import OBSERVE_SECONDS, quick
from hera_rollout.rollback.results import CHECK, RollbackResult

__all__ = [
    "CHECK",
    "OBSERVE_SECONDS",
    "POLICIES",
    "Handled",
    "Policy",
    "RollbackResult",
    "full",
    "handle",
    "planned",
    "quick",
]
