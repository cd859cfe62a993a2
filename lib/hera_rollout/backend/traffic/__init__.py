"""Submissions at a rate: planned by pure functions, sent by :class:`Traffic`, every one of them accounted for.

plan = traffic.steady(0.5, seconds=60)
with traffic.Traffic(backend, plan, token="drill-1", tasks=10) as load:
    ...
load.resolve(workflows)
load.frame
"""

from hera_rollout.backend.traffic.planning import MOST, Plan, bursty, steady
from hera_rollout.backend.traffic.recording import recorded
from hera_rollout.backend.traffic.resolving import by_mark
from hera_rollout.backend.traffic.rows import COLUMNS, LOST, Row, by_outcome, lost
from hera_rollout.backend.traffic.sending import Traffic

__all__ = [
    "COLUMNS",
    "LOST",
    "MOST",
    "Plan",
    "Row",
    "Traffic",
    "bursty",
    "by_mark",
    "by_outcome",
    "lost",
    "recorded",
    "steady",
]
