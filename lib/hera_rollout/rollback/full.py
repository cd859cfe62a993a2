"""The guide's full rollback: the revision that was known as good before phase 1, and the flag off."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final

from hera_rollout import flag
from hera_rollout.cluster import Cluster, restoring
from hera_rollout.cluster.restoring import Restoration
from hera_rollout.errors import Ambiguous, Conflicting, Missing, RolloutError
from hera_rollout.flag import ReportsFlag
from hera_rollout.rollback.quick import OBSERVE_SECONDS
from hera_rollout.rollback.results import RollbackResult
from hera_rollout.rollback.way import TRIES, Tell, Way
from hera_rollout.state import KnownGood, State
from hera_rollout.workflows import Workflows

OFF: Final = "false"


def full(
    cluster: Cluster,
    backend: ReportsFlag,
    workflows: Workflows,
    *,
    by: str,
    why: str = "full rollback",
    state: State | None = None,
    observe_seconds: float = OBSERVE_SECONDS,
    deadline_seconds: float | None = None,
    on_progress: Tell | None = None,
    stop: threading.Event | None = None,
) -> RollbackResult:
    """Put back the pod template recorded before phase 1, with the flag off, and watch both take effect.

    The flag goes off first, or in the same patch: a revision that cannot be put back does not keep it on, and is told
    in `unverified`. It needs no lease, and no backend that answers.

    Args:
        cluster: where.
        backend: whose flag; need not answer.
        workflows: lists what was created.
        by: who rolls back, for the rollout's state.
        why: for the rollout's state.
        state: the state that the caller goes on with; its own is read if there is none.
        observe_seconds: how long new workflows are watched for after it took effect.
        deadline_seconds: for the rollout and for taking effect, each; the target's limit if not given.
        on_progress: told a line whenever there is news.
        stop: ends the waiting, never the change.

    Raises:
        RolloutError: The flag could not be turned off at all; the text says how to do it by hand.
    """
    tell = on_progress or (lambda _: None)
    way = Way(cluster, backend, workflows, tell, stop or threading.Event())
    media = way.to_turn_off().media
    wanted = _planned(way, state)
    # By its variable the flag is off with the template; where that was refused, it goes off alone.
    first = [medium for medium in media if medium != "env" or wanted is None]
    refused: Exception | None = None
    with way.to_the_end(state, by, why):
        try:
            way.turn_off(first, state, by, why, deadline_seconds, more=wanted is not None)
        except Exception as error:  # the template that is put back has the flag off by its variable
            refused = error
        if wanted and (wanted := _applied(way, wanted)):
            change = flag.plan(cluster.by("env"), enabled=False)
            if "env" in media or refused:
                way.turned(change)
            way.note(state, by, why, changed=way.changed or not wanted.noop)
            _rolled_out(way, wanted, deadline_seconds)
            way.take_effect(change, deadline_seconds)
        elif "env" not in first and "env" in media:
            way.turn_off(["env"], state, by, why, deadline_seconds)
        elif refused:
            raise refused
    way.observe(observe_seconds)
    way.noted_at_last(state, by, why, changed=way.changed or bool(wanted and not wanted.noop))
    return _told(way.result(observe_seconds), wanted)


def _told(result: RollbackResult, wanted: Restoration | None) -> RollbackResult:
    """With what was put back."""
    if wanted is None:
        return replace(result, kind="full")
    return replace(
        result, kind="full", revision=wanted.revision, image=wanted.image, changed=result.changed or not wanted.noop,
        command=f"{result.command} && {wanted.command}" if result.changed else wanted.command,
    )  # fmt: skip


def planned(cluster: Cluster, good: KnownGood) -> Restoration:
    """The revision to put back, with the flag's variable off; nothing is changed.

    Raises:
        Missing: the Deployment keeps it no more.
    """
    target = cluster.target
    try:
        return _with_hash(cluster, good.template_hash)
    except Missing as error:
        error.todo = (f"Put its image back by hand: kubectl set image deployment/{target.deployment} "
                      f"{target.container}={good.image} -n {target.namespace}")  # fmt: skip
        raise


def _with_hash(cluster: Cluster, template_hash: str) -> Restoration:
    return restoring.plan(cluster.connection, cluster.target, template_hash, (cluster.target.flag.env, OFF))


def _planned(way: Way, state: State | None) -> Restoration | None:
    """What to put back; None, and a word of it, if that is not known or not there any more."""
    try:
        good = (state or State.load(way.cluster)).facts.known_good
        if good is None:
            raise Missing("No revision was recorded as known good: no live phase began this rollout.")
        return planned(way.cluster, good)
    except RolloutError as error:
        _not_back(way, error)
        return None


def _applied(way: Way, wanted: Restoration) -> Restoration | None:
    """Put it back; None, and a word of it, if it was refused.

    It is planned anew where somebody changed the Deployment meanwhile, and where an answer was lost: then it says that
    there is nothing to change any more.
    """
    for left in reversed(range(TRIES)):
        try:
            if not wanted.noop:
                restoring.apply(way.cluster.connection, way.cluster.target, wanted)
                way.tell(f"patched: {wanted.command}")
        except (Conflicting, Ambiguous) as error:
            again = _planned_again(way, wanted, error) if left else None
            if again is None:
                _not_back(way, error)
                return None
            wanted = again
        except RolloutError as error:
            _not_back(way, error)
            return None
        else:
            return wanted
    return None


def _planned_again(way: Way, wanted: Restoration, why: RolloutError) -> Restoration | None:
    way.tell(why.seen)
    try:
        return _with_hash(way.cluster, wanted.template_hash)
    except RolloutError:
        return None


def _rolled_out(way: Way, wanted: Restoration, deadline_seconds: float | None) -> None:
    """Every pod is of that template, by the cluster's own word."""
    deadline = deadline_seconds or float(way.cluster.target.limits.rollout_deadline_seconds)
    try:
        way.cluster.rollout_status(deadline, way.tell)
    except RolloutError as error:
        way.unverified.append(f"that every pod is of revision {wanted.revision}. {error.seen}")


def _not_back(way: Way, error: RolloutError) -> None:
    todo = f" {error.todo}" if error.todo else ""
    way.unverified.append(f"that the revision from before phase 1 is back: it was not put back. {error.seen}{todo}")
