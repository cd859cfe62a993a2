"""The way back: the flag off, watched until it is so, and what is still in flight."""

from hera_rollout.rollback.quick import OBSERVE_SECONDS, quick
from hera_rollout.rollback.results import CHECK, RollbackResult

__all__ = ["CHECK", "OBSERVE_SECONDS", "RollbackResult", "quick"]
