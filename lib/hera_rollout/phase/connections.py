"""`Connections`: the clients that one run works with, each made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster
from hera_rollout.metrics import Prometheus
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows


@dataclass(frozen=True)
class Connections:
    """Whom a run asks. No step makes a client of its own: whoever begins a run says what it works on.

    Attributes:
        cluster: the target's cluster, reached.
        workflows: its workflows, by the Argo Server and the cluster.
        backend: the service under rollout; whether it answers is asked by whoever needs it first.
        prometheus: what scrapes it; None where the target names none.
    """

    cluster: Cluster
    workflows: Workflows
    backend: Backend
    prometheus: Prometheus | None

    @property
    def target(self) -> Target:
        """Where that is."""
        return self.cluster.target

    @classmethod
    def to(cls, target: Target) -> Self:
        """Reach the target's cluster; the other clients are made, and ask nothing yet.

        Raises:
            Refused: the cluster, its kubeconfig or its context is not there.
        """
        return cls.over(Cluster.connect(target))

    @classmethod
    def over(cls, cluster: Cluster) -> Self:
        """All clients of the target whose cluster is reached already."""
        target = cluster.target
        prometheus = Prometheus.of(target) if target.prometheus_url else None
        return cls(cluster, Workflows(target, cluster), Backend(target), prometheus)
