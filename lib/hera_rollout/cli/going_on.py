"""Whether a run was left open: a watch goes on with it, and never begins one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def open_rollout(notebook: str, target: str, parameters: Mapping[str, Any]) -> str:
    """The rollout whose run of this notebook a HOLD, or an end from outside, left open; empty if there is none.

    Args:
        notebook: the phase notebook's name.
        target: where: its name or its file.
        parameters: as given; a `rollout` among them is the only one that counts.

    Raises:
        RolloutError: the target cannot be used, or its cluster does not answer.
    """
    from hera_rollout.cluster import Cluster
    from hera_rollout.state import State
    from hera_rollout.state.runs import resumable
    from hera_rollout.target import Target

    facts = State.load(Cluster.connect(Target.load(target))).facts
    run = facts.runs.get(notebook)
    if facts.rollout is None or run is None or not resumable(run, datetime.now(UTC), ""):
        return ""
    asked = parameters.get("rollout") or facts.rollout.id
    return facts.rollout.id if asked == facts.rollout.id else ""
