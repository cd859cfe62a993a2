"""The connection to one target's cluster, and the calls made on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pandas import DataFrame

from hera_rollout.cluster.environment import EnvChange
from hera_rollout.cluster.rollouts import RolloutStatus
from hera_rollout.target import Target


class Cluster:
    """One target's cluster."""

    target: Target
    version: str

    @classmethod
    def connect(cls, target: Target) -> Cluster:
        """Connect and read /version."""
        raise NotImplementedError

    def pods(self, selector: str | None = None) -> DataFrame:
        """Columns: name, ready, status, restarts, age_s, node, image."""
        raise NotImplementedError

    def deployment(self) -> DataFrame:
        """The target Deployment."""
        raise NotImplementedError

    def events(self, since: datetime | None = None, about: str | None = None) -> DataFrame:
        """Events of the namespace, oldest first."""
        raise NotImplementedError

    def logs(
        self,
        pod: str,
        container: str | None = None,
        since: datetime | None = None,
        tail: int = 200,
        max_bytes: int = 262_144,
    ) -> str:
        """A container's last lines."""
        raise NotImplementedError

    def describe_pod(self, name: str) -> str:
        """What `kubectl describe pod` says that matters."""
        raise NotImplementedError

    def env(self, name: str) -> str | None:
        """The variable's value on the Deployment."""
        raise NotImplementedError

    def plan_env(self, name: str, value: str | None) -> EnvChange:
        """Plan a change; nothing is changed."""
        raise NotImplementedError

    def apply_env(self, change: EnvChange) -> None:
        """Apply a planned change."""
        raise NotImplementedError

    def rollout_status(
        self, deadline_seconds: float, on_progress: Callable[[str], None] | None = None
    ) -> RolloutStatus:
        """Wait as `kubectl rollout status` does."""
        raise NotImplementedError

    def undo(self, to_revision: str | None = None) -> str:
        """Go back to the revision before, or to one named."""
        raise NotImplementedError

    def can_i(self, verb: str, resource: str, group: str = "", name: str | None = None) -> bool:
        """Whether the operator may."""
        raise NotImplementedError

    def permissions(self) -> DataFrame:
        """Columns: who, verb, resource, needed_for, allowed."""
        raise NotImplementedError

    def pvc(self, name: str) -> str:
        """The claim's phase, or "missing"."""
        raise NotImplementedError

    def crds(self) -> DataFrame:
        """Argo's CRDs: name, versions, full."""
        raise NotImplementedError

    def bearer_token(self) -> str | None:
        """The token for the Argo Server."""
        raise NotImplementedError
