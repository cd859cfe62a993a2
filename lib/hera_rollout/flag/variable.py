"""Medium `env`: a variable on the Deployment, as in the guide; its pods restart."""

from __future__ import annotations

from hera_rollout.cluster import Cluster, EnvChange, rollouts
from hera_rollout.errors import Ambiguous, Refused
from hera_rollout.flag.changes import ALL, FlagChange


def plan(cluster: Cluster, enabled: bool, percent: float) -> FlagChange:
    """Plan it; Refused for a share of the traffic, which a variable cannot say, and on a paused Deployment for on."""
    name = cluster.target.flag.env
    if enabled and percent != ALL:
        raise Refused(
            f"{name} turns the flag on for everything or nothing, not for {percent:g} %.",
            expected="medium 'configmap' for a share of the traffic.",
            todo=f'Set medium = "configmap" under [flag] of target {cluster.target.name}; the backend must read '
            f"configmap/{cluster.target.flag.configmap}.",
        )
    change = cluster.plan_env(name, "true" if enabled else "false")
    if enabled and change.paused:
        raise _paused(cluster)
    return FlagChange(enabled, change, undo_command(cluster), "env", ALL if enabled else 0.0)


def _paused(cluster: Cluster) -> Refused:
    target = cluster.target
    return Refused(
        f"deployment/{target.deployment} is paused (spec.paused): {target.flag.env}=true would replace no pod now, and "
        "turn the flag on for everything whenever somebody resumes it.",
        expected="a Deployment that is not paused.",
        todo=f"Ask who paused it and why; {rollouts.resume_command(target)}, then run this again; nothing was touched.",
    )


def apply(cluster: Cluster, change: EnvChange) -> None:
    """Patch; a lost answer is looked up, not sent again."""
    try:
        cluster.apply_env(change)
    except Ambiguous:
        if cluster.env(change.name) != change.after:
            raise


def undo_command(cluster: Cluster) -> str:
    """The guide's own quick rollback."""
    target = cluster.target
    return f"kubectl set env deployment/{target.deployment} {target.flag.env}=false -n {target.namespace}"
