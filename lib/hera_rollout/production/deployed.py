"""What was deployed, and whether it still is what runs: image, replicas, pods, Argo's controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from hera_rollout.cluster import Cluster, environment, pods
from hera_rollout.gates.judging import read

CONTROLLER: Final = "app=workflow-controller"
Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """Right after the deploy.

    Attributes:
        image: of the service's container.
        replicas: wanted.
        restarts: of the service's containers by pod, as they were then.
        controller: Argo's controllers: pod's name to its containers' restarts; empty where it may not be seen.
    """

    image: str
    replicas: int
    restarts: dict[str, int] = field(default_factory=dict)
    controller: dict[str, int] = field(default_factory=dict)

    @classmethod
    def now(cls, cluster: Cluster) -> Self:
        """As it is.

        Raises:
            RolloutError: the cluster does not answer.
        """
        deployment = environment.read(cluster.connection, cluster.target)
        containers = {one["name"]: one["image"] for one in deployment["spec"]["template"]["spec"]["containers"]}
        mine = cluster.pod_documents(cluster.selector())
        return cls(
            image=str(containers.get(cluster.target.container, "")),
            replicas=int(deployment["spec"].get("replicas") or 0),
            restarts={one["metadata"]["name"]: _restarts(one) for one in mine},
            controller={one["metadata"]["name"]: _restarts(one) for one in cluster.pod_documents(CONTROLLER)},
        )

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Out of the rollout's state.

        Raises:
            Refused: it is not what this kit wrote.
        """
        return read(cls, data)

    def plain(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)

    def changes(self, now: Deployed) -> list[str]:
        """What makes the evidence one of something else, a sentence each."""
        return [] if now.image == self.image else [f"the image was {self.image} and is now {now.image}"]

    def noted(self, now: Deployed) -> list[str]:
        """What is no reason to stop and worth knowing, a sentence each."""
        told = []
        if now.replicas != self.replicas:
            told.append(f"replicas were {self.replicas} and are now {now.replicas}")
        if gone := sorted(set(self.restarts) - set(now.restarts)):
            told.append(f"pods were replaced: {', '.join(gone)} gone")
        if now.controller != self.controller:
            told.append(f"Argo's controller began anew: {_told(self.controller)} then, {_told(now.controller)} now")
        return told


@dataclass(frozen=True, kw_only=True)
class Pods:
    """The service's pods at one look.

    Attributes:
        rows: name, ready, blocked (why it cannot run, or empty) and restarts since the deploy.
    """

    rows: tuple[dict[str, Any], ...] = ()

    @classmethod
    def now(cls, cluster: Cluster, deployed: Deployed) -> Self:
        """As they are; a pod that is newer than the deploy has all its restarts since then."""
        found = sorted(cluster.pod_documents(cluster.selector()), key=lambda one: str(one["metadata"]["name"]))
        return cls(rows=tuple(_row(one, deployed) for one in found))

    @property
    def restarts(self) -> int:
        """Of all of them."""
        return sum(int(row["restarts"]) for row in self.rows)


def _row(pod: Document, deployed: Deployed) -> dict[str, Any]:
    name = str(pod["metadata"]["name"])
    since = max(0, _restarts(pod) - deployed.restarts.get(name, 0))
    return {"name": name, "ready": pods.ready(pod), "blocked": pods.blocked(pod), "restarts": since}


def _restarts(pod: Document) -> int:
    return sum(int(one.get("restartCount") or 0) for one in (pod.get("status") or {}).get("containerStatuses") or [])


def _told(controller: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count} restarts)" for name, count in sorted(controller.items())) or "none seen"
