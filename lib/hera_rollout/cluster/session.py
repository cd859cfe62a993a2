"""One target's cluster: what an operator would type as kubectl, each call with a time limit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from pandas import DataFrame

from hera_rollout import tokens
from hera_rollout.cluster import connection as connections
from hera_rollout.cluster import description, environment, events, kinds, permissions, pods, rollouts
from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.cluster.environment import EnvChange
from hera_rollout.cluster.rollouts import RolloutStatus
from hera_rollout.errors import Missing
from hera_rollout.target import Medium, Target

TOKEN_VARIABLE = "HERA_ROLLOUT_ARGO_TOKEN"  # noqa: S105  (its name, not a token)


class Cluster:
    """One target's cluster. Every DataFrame carries the kubectl line it stands for in `.attrs["command"]`."""

    def __init__(self, target: Target, connection: Connection, version: str) -> None:
        self.target = target
        self.connection = connection
        self.version = version

    @classmethod
    def connect(cls, target: Target) -> Cluster:
        """Connect and read /version; Refused if the kubeconfig, its context or the server is not there."""
        connection = connections.load(target)
        return cls(target, connection, connections.version(connection, target))

    def by(self, medium: Medium) -> Cluster:
        """The same cluster, with the flag turned by another medium."""
        return Cluster(self.target.by(medium), self.connection, self.version)

    def selector(self) -> str:
        """The label selector of the target Deployment's pods."""
        return rollouts.selector(environment.read(self.connection, self.target))

    def pod_documents(self, selector: str | None = None) -> list[Document]:
        """The raw pods."""
        return pods.items(self.connection, self.target, selector or "")

    def pods(self, selector: str | None = None) -> DataFrame:
        """Columns: name, ready, status, restarts, age_s, node, image."""
        return pods.frame(self.pod_documents(selector), self.target, selector or "")

    def deployment(self) -> DataFrame:
        """One row: name, ready, up_to_date, available, revision, age_s, image."""
        document = environment.read(self.connection, self.target)
        status, meta = document.get("status", {}), document["metadata"]
        images = {one["name"]: one["image"] for one in document["spec"]["template"]["spec"]["containers"]}
        row = {
            "name": meta["name"],
            "ready": f"{status.get('readyReplicas', 0)}/{document['spec'].get('replicas', 1)}",
            "up_to_date": int(status.get("updatedReplicas", 0)),
            "available": int(status.get("availableReplicas", 0)),
            "revision": meta.get("annotations", {}).get(rollouts.REVISION, ""),
            "age_s": pods.age(document),
            "image": images.get(self.target.container) or ", ".join(images.values()),
        }
        made = DataFrame([row])
        made.attrs["command"] = f"kubectl get deployment {self.target.deployment} -n {self.target.namespace} -o wide"
        return made

    def events(self, since: datetime | None = None, about: str | None = None) -> DataFrame:
        """Columns: time, type, reason, object, message, count; oldest first."""
        return events.frame(self.connection, self.target, since, about)

    def logs(
        self,
        pod: str,
        container: str | None = None,
        since: datetime | None = None,
        tail: int = 200,
        max_bytes: int = 262_144,
    ) -> str:
        """A container's last lines (the pod's default container if none is named), at most `max_bytes`."""
        query: dict[str, object] = {"tailLines": tail, "limitBytes": max_bytes}
        query |= {"sinceTime": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if since else {}
        query["container"] = container or self._container(pod)
        return self.connection.text(f"{self._pod(pod)}/log", f"logs of pod {pod}", max_bytes, **query)

    def describe_pod(self, name: str) -> str:
        """What `kubectl describe pod` says that matters."""
        return description.pod(self.connection.get(self._pod(name), f"get pod {name}"), self.events(about=name))

    def ask_pod(self, name: str, port: int, path: str) -> Document:
        """GET a path of one pod itself, through the API server, past the Service."""
        where = f"{self._pod(name)}:{port}/proxy/{path.lstrip('/')}"
        return self.connection.get(where, f"ask pod {name} for /{path.lstrip('/')}")

    def env(self, name: str) -> str | None:
        """The variable's value on the Deployment; "(from …)" if it is no literal; None if unset."""
        return environment.value(self.connection, self.target, name)

    def plan_env(self, name: str, value: str | None) -> EnvChange:
        """Plan to set a variable, or to remove it (None); nothing is changed."""
        return environment.plan(self.connection, self.target, name, value)

    def apply_env(self, change: EnvChange) -> None:
        """Apply exactly that change; Refused if the pod template changed meanwhile."""
        environment.apply(self.connection, self.target, change)

    def rollout_status(
        self,
        deadline_seconds: float,
        on_progress: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> RolloutStatus:
        """Wait as `kubectl rollout status` does, and until the old pods are gone; stops early when it cannot end."""
        return rollouts.wait(self.connection, self.target, deadline_seconds, on_progress, stop)

    def undo(self, to_revision: str | None = None) -> str:
        """Go back to the revision before, or to one named; answers the kubectl line it stands for."""
        return rollouts.undo(self.connection, self.target, to_revision)

    def can_i(self, verb: str, resource: str, group: str = "", name: str | None = None) -> bool:
        """Whether the operator may, in the target's namespace."""
        need = permissions.Need(verb, resource, group, "", name or "")
        return permissions.allowed(self.connection, self.target, need)

    def permissions(self, *, watches: bool = False) -> DataFrame:
        """Columns: who, verb, resource, needed_for, allowed; the missing ones first."""
        return permissions.frame(self.connection, self.target, watches=watches)

    def pvc(self, name: str) -> str:
        """The claim's phase (Bound, Pending, Lost), or "missing"."""
        path = f"/api/v1/namespaces/{self.target.namespace}/persistentvolumeclaims/{name}"
        try:
            return str(self.connection.get(path, f"get pvc {name}").get("status", {}).get("phase", "unknown"))
        except Missing:
            return "missing"

    def crds(self) -> DataFrame:
        """Argo's custom resources: name, kind, version, full (whether the schema lists its fields)."""
        return kinds.frame(self.connection)

    def bearer_token(self) -> str | None:
        """The token for the Argo Server: $HERA_ROLLOUT_ARGO_TOKEN, else the kubeconfig user's own."""
        return tokens.clean(os.environ.get(TOKEN_VARIABLE, ""), f"${TOKEN_VARIABLE}") or self.connection.token()

    def _pod(self, name: str) -> str:
        return f"/api/v1/namespaces/{self.target.namespace}/pods/{name}"

    def _container(self, pod: str) -> str:
        document = self.connection.get(self._pod(pod), f"get pod {pod}")
        names = [container["name"] for container in document["spec"]["containers"]]
        default = (document["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
        wanted = [name for name in (default, "main", self.target.container) if name in names]
        return str((wanted or names)[0])
