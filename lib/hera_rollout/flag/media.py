"""Plan a flip in the target's medium, set it, and wait until it is in effect."""

from __future__ import annotations

import threading
from typing import Final

from hera_rollout import clock
from hera_rollout.cluster import Cluster, EnvChange
from hera_rollout.flag import byhand, file, variable
from hera_rollout.flag.changes import ALL, FlagChange, FlagEffect, ReportsFlag, Tell
from hera_rollout.flag.effect import PAUSE_SECONDS, Wait
from hera_rollout.flag.file import FileChange
from hera_rollout.target import Medium

PAUSED_SECONDS: Final = 3.0


def plan(cluster: Cluster, enabled: bool, *, percent: float = ALL, medium: Medium | None = None) -> FlagChange:
    """Plan a flip in the target's medium; nothing is changed.

    Args:
        cluster: where.
        enabled: on or off.
        percent: for which share of the tasks; below 100 only with medium `configmap`.
        medium: another one than the target's.

    Raises:
        Refused: The medium cannot say that here, or the other medium says off, which would win.
    """
    planners = {"env": variable.plan, "configmap": file.plan, "manual": byhand.plan}
    return planners[medium or cluster.target.flag.medium](cluster, enabled, percent)


def throw(cluster: Cluster, change: FlagChange, on_progress: Tell | None = None) -> None:
    """Set it in its medium, and do not wait; a medium that already says so is left alone, a manual one is only told.

    Raises:
        Refused: What is there changed since the flip was planned; nothing was touched.
    """
    tell = on_progress or (lambda _: None)
    if change.medium == "manual":
        tell(change.command)
    elif not change.noop:
        if isinstance(change.change, EnvChange):
            variable.apply(cluster, change.change)
        elif isinstance(change.change, FileChange):
            file.apply(cluster, change.change)
            file.touch(cluster, tell)
        tell(f"patched: {change.command}")


def settled(
    cluster: Cluster,
    backend: ReportsFlag,
    change: FlagChange,
    on_progress: Tell | None = None,
    *,
    stop: threading.Event | None = None,
    deadline_seconds: float | None = None,
) -> FlagEffect:
    """Wait until a flip that was set is in effect: rollout (medium `env`), every ready pod, the service.

    A paused Deployment replaces no pod, so its rollout is not waited for, and its pods are asked for a moment only.

    Raises:
        DeadlineExceeded: It did not come in time, or the wait was stopped; `NotDoneByHand` if that is because nobody
            changed it by hand.
    """
    tell = on_progress or (lambda _: None)
    began = clock.monotonic()
    deadline = deadline_seconds or float(cluster.target.limits.rollout_deadline_seconds)
    paused = isinstance(change.change, EnvChange) and change.change.paused
    if paused:
        deadline = min(deadline, PAUSED_SECONDS)
    waits = change.medium == "env" and not paused
    rollout = cluster.rollout_status(deadline, tell, stop).seconds if waits else 0.0
    left = max(deadline - (clock.monotonic() - began), PAUSE_SECONDS)
    seen = Wait(cluster, backend, change, left, tell, stop or threading.Event()).run()
    took = clock.monotonic() - began
    return FlagEffect(change.enabled, list(seen["pod"]), took, rollout, seen, change.medium, change.percent)


def apply(
    cluster: Cluster,
    backend: ReportsFlag,
    change: FlagChange,
    on_progress: Tell | None = None,
    *,
    stop: threading.Event | None = None,
    deadline_seconds: float | None = None,
) -> FlagEffect:
    """Set it, then wait until every ready pod and the service report the flag as wanted.

    Args:
        cluster: where.
        backend: whose flag; asked for what it reports.
        change: the planned flip.
        on_progress: told a line whenever there is news.
        stop: ends the wait.
        deadline_seconds: for the whole wait; the target's `rollout_deadline_seconds` if not given.

    Raises:
        Refused: What is there changed since the flip was planned; nothing was touched.
        DeadlineExceeded: The rollout, or the flag on some pod, did not come; the text says which pod said what.
    """
    throw(cluster, change, on_progress)
    return settled(cluster, backend, change, on_progress, stop=stop, deadline_seconds=deadline_seconds)
