"""The guide's quick rollback: flag off, seen in effect, and what it left."""

from __future__ import annotations

import threading
from typing import Final

from hera_rollout.cluster import Cluster
from hera_rollout.flag import ReportsFlag
from hera_rollout.rollback.results import RollbackResult
from hera_rollout.rollback.way import Tell, Way
from hera_rollout.state import State
from hera_rollout.workflows import Workflows

OBSERVE_SECONDS: Final = 10.0


def quick(
    cluster: Cluster,
    backend: ReportsFlag,
    workflows: Workflows,
    *,
    by: str,
    why: str = "quick rollback",
    state: State | None = None,
    observe_seconds: float = OBSERVE_SECONDS,
    deadline_seconds: float | None = None,
    on_progress: Tell | None = None,
    stop: threading.Event | None = None,
) -> RollbackResult:
    """Turn the flag off by every provider that can bring Hera back, see it in effect, count what Hera still makes.

    The flag's file goes first, for it is in effect at once; pods restart for the variable.

    It needs no lease, and no backend that answers: what cannot be shown is told in `unverified`, after the flag is off.

    Args:
        cluster: where.
        backend: whose flag; need not answer.
        workflows: lists what was created.
        by: who rolls back, for the rollout's state.
        why: for the rollout's state.
        state: the state that the caller goes on with; its own is read if there is none.
        observe_seconds: how long new workflows are watched for after it took effect.
        deadline_seconds: for taking effect, of each provider; the target's limit if not given.
        on_progress: told a line whenever there is news.
        stop: ends the waiting, never the flip.

    Raises:
        RolloutError: The flag could not be turned off at all; the text says how to do it by hand.
    """
    tell = on_progress or (lambda _: None)
    way = Way(cluster, backend, workflows, tell, stop or threading.Event())
    with way.to_the_end(state, by, why):
        way.turn_off(way.to_turn_off().media, state, by, why, deadline_seconds)
    way.observe(observe_seconds)
    way.noted_at_last(state, by, why, changed=way.changed)
    return way.result(observe_seconds)
