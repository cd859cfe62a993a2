"""Medium `manual`: the change is shown, somebody makes it, and the backend reports it.

For a backend that is no Deployment (a plain process, docker-compose), or one that a GitOps controller owns.
"""

from __future__ import annotations

from dataclasses import dataclass

from hera_rollout.cluster import Cluster
from hera_rollout.errors import Refused
from hera_rollout.flag.changes import ALL, FlagChange


@dataclass(frozen=True)
class ManualChange:
    """A change that a person makes. What is there now only the backend knows, so it is never taken for done."""

    env: str
    enabled: bool
    how: str
    noop: bool = False

    @property
    def command(self) -> str:
        """What to do."""
        return self.how

    def diff(self) -> str:
        """The guide's own lines of docker-compose.dev.yaml, before and after."""
        now, planned = (str(value).lower() for value in (not self.enabled, self.enabled))
        return (
            "--- the backend's environment, such as docker-compose.dev.yaml (now)\n"
            "+++ the backend's environment (planned)\n"
            f" environment:\n-  - {self.env}={now}\n+  - {self.env}={planned}"
        )


def plan(cluster: Cluster, enabled: bool, percent: float) -> FlagChange:
    """Plan it; Refused for a share of the traffic, which nobody can see from outside."""
    settings = cluster.target.flag
    if enabled and percent != ALL:
        raise Refused(
            f"Medium 'manual' turns the flag on for everything or nothing, not for {percent:g} %.",
            expected="medium 'configmap' for a share of the traffic.",
        )
    how = f"by hand: set {settings.env}={str(enabled).lower()} {_where(cluster)}"
    undo = f"by hand: set {settings.env}=false {_where(cluster)}"
    return FlagChange(enabled, ManualChange(settings.env, enabled, how), undo, "manual", ALL if enabled else 0.0)


def _where(cluster: Cluster) -> str:
    """Where the change is made, in the target's own words if it has any."""
    return cluster.target.flag.by_hand or "in the backend's environment (such as docker-compose.dev.yaml); restart it"
