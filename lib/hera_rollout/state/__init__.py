"""What a rollout remembers between its notebooks (a ConfigMap), and who is at work on it (a Lease)."""

from hera_rollout.state.documents import (
    GUARDED,
    Approval,
    Facts,
    FlagSet,
    KnownGood,
    RecordHash,
    RolledBack,
    Rollout,
    RunState,
)
from hera_rollout.state.holding import Holding
from hera_rollout.state.leases import Hold, hold, holder, lease
from hera_rollout.state.runs import Run, begin
from hera_rollout.state.store import State

__all__ = [
    "GUARDED",
    "Approval",
    "Facts",
    "FlagSet",
    "Hold",
    "Holding",
    "KnownGood",
    "RecordHash",
    "RolledBack",
    "Rollout",
    "Run",
    "RunState",
    "State",
    "begin",
    "hold",
    "holder",
    "lease",
]
