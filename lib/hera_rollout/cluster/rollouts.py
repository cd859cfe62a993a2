"""The Deployment's rollout: wait for it as `kubectl rollout status` does and until old pods are gone; or undo it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hera_rollout import clock
from hera_rollout.cluster import environment, pods
from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.errors import DeadlineExceeded, Missing, Retryable
from hera_rollout.target import Target

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
GIVE_UP_SECONDS = 12.0
"""A new pod that has said this long that it cannot start will not start."""
_LOOK_SECONDS, _LEAST_SECONDS = 1.0, 0.5
_STOPPED = "the wait was stopped by the operator"


@dataclass(frozen=True)
class RolloutStatus:
    """A rollout that has ended well."""

    revision: str
    replicas: int
    seconds: float
    pods: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def selector(deployment: Document) -> str:
    """The label selector of the Deployment's pods, as the API and kubectl take it: its labels and its expressions."""
    wanted = deployment["spec"]["selector"]
    labels = [f"{key}={value}" for key, value in (wanted.get("matchLabels") or {}).items()]
    return ",".join([*labels, *map(_expression, wanted.get("matchExpressions") or [])])


def _expression(entry: Document) -> str:
    key, operator = entry["key"], entry["operator"]
    if operator in {"Exists", "DoesNotExist"}:
        return key if operator == "Exists" else f"!{key}"
    return f"{key} {operator.lower()} ({','.join(entry.get('values') or [])})"


def paused(deployment: Document) -> bool:
    """Whether its rollouts are paused: a changed pod template then replaces no pod until it is resumed."""
    return bool(deployment["spec"].get("paused"))


def resume_command(target: Target) -> str:
    """The kubectl line that puts a paused Deployment's template in effect."""
    return f"kubectl rollout resume deployment/{target.deployment} -n {target.namespace}"


def progress(deployment: Document) -> str:
    """What `kubectl rollout status` would say is still missing; empty when nothing is."""
    spec, status = deployment["spec"], deployment.get("status", {})
    wanted, updated = int(spec.get("replicas", 1)), int(status.get("updatedReplicas", 0))
    if deployment["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return "waiting for the controller to see the change"
    if updated < wanted:
        return f"{updated} of {wanted} new pods have been made"
    if int(status.get("replicas", 0)) > updated:
        return f"{int(status['replicas']) - updated} old pods are still to be ended"
    if int(status.get("availableReplicas", 0)) < updated:
        return f"{status.get('availableReplicas', 0)} of {updated} new pods are available"
    return ""


def wait(
    connection: Connection,
    target: Target,
    deadline_seconds: float,
    on_progress: Callable[[str], None] | None,
    stop: threading.Event | None = None,
) -> RolloutStatus:
    """Wait until every pod is of the newest revision and available, and no other is left.

    Raises:
        DeadlineExceeded: It took too long, was stopped, or new pods cannot start; the text carries the pods' states.
    """
    return _Wait(connection, target, deadline_seconds, on_progress or (lambda _: None), stop).run()


class _Wait:
    def __init__(
        self,
        connection: Connection,
        target: Target,
        deadline: float,
        on_progress: Callable[[str], None],
        stop: threading.Event | None,
    ) -> None:
        self.connection, self.target, self.on_progress = connection, target, on_progress
        self.stop = stop or threading.Event()
        self.deadline = deadline
        self.began = clock.monotonic()
        self.lines: list[str] = []
        self.blocked_since: dict[str, float] = {}

    def run(self) -> RolloutStatus:
        while True:
            try:
                ended = self._look()
            except Retryable as error:
                self._sit_out(error)
            else:
                if ended:
                    return ended

    def _look(self) -> RolloutStatus | None:
        deployment = environment.read(self.connection, self.target)
        found = pods.items(self.connection, self.target, selector(deployment))
        new, old = self._sides(deployment, found)
        missing = progress(deployment) or (f"{len(old)} old pods are still ending" if old else "")
        self._tell(missing or "rolled out: every pod is new and available")
        if not missing:
            return self._ended(deployment, new)
        self._stop_if_hopeless(deployment, new, found)
        self._pause(deployment)
        return None

    def _sit_out(self, error: Retryable) -> None:
        """An API server that is restarting is waited for, until the deadline."""
        self._tell(error.seen)
        if clock.monotonic() - self.began >= self.deadline:
            raise self._failed(f"the cluster could not be asked: {error.seen}", [])
        if clock.wait(self.stop, error.after):
            raise self._failed(f"{_STOPPED}, and the cluster could not be asked: {error.seen}", [])

    def _sides(self, deployment: Document, found: list[Document]) -> tuple[list[Document], list[Document]]:
        newest = newest_hash(self.connection, self.target, deployment)
        new = [pod for pod in found if pod["metadata"]["labels"].get(HASH) == newest]
        return new, [pod for pod in found if pod["metadata"]["labels"].get(HASH) != newest]

    def _tell(self, line: str) -> None:
        if not self.lines or self.lines[-1] != line:
            self.lines.append(line)
            self.on_progress(line)

    def _ended(self, deployment: Document, new: list[Document]) -> RolloutStatus:
        names = sorted(pod["metadata"]["name"] for pod in new if "deletionTimestamp" not in pod["metadata"])
        return RolloutStatus(revision_of(deployment), len(names), clock.monotonic() - self.began, names, self.lines)

    def _stop_if_hopeless(self, deployment: Document, new: list[Document], found: list[Document]) -> None:
        self._stop_if_paused(deployment, found)
        elapsed = clock.monotonic() - self.began
        blocked = {pod["metadata"]["name"]: pods.blocked(pod) for pod in new if pods.blocked(pod)}
        self.blocked_since = {name: self.blocked_since.get(name, elapsed) for name in blocked}
        late = [name for name, since in self.blocked_since.items() if elapsed - since >= GIVE_UP_SECONDS]
        if late:
            raise self._failed(f"new pods cannot start: {'; '.join(blocked[name] for name in late)}", found)
        for condition in deployment.get("status", {}).get("conditions") or []:
            if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
                raise self._failed(f"it exceeded its own progress deadline: {condition.get('message', '')}", found)
        if self.stop.is_set():
            raise self._failed(f"{_STOPPED}; {self.lines[-1]}", found)
        if elapsed >= self.deadline:
            raise self._failed(f"after {elapsed:.0f} s {self.lines[-1]}", found)

    def _stop_if_paused(self, deployment: Document, found: list[Document]) -> None:
        """A paused Deployment replaces no pod: waiting for the deadline would change nothing."""
        status = deployment.get("status", {})
        updated = int(status.get("updatedReplicas", 0))
        unseen = deployment["metadata"].get("generation", 0) > status.get("observedGeneration", 0)
        stuck = updated < int(deployment["spec"].get("replicas", 1)) or int(status.get("replicas", 0)) > updated
        if paused(deployment) and stuck and not unseen:
            raise self._failed(f"the Deployment is paused (spec.paused), so no pod is replaced; {self.lines[-1]}",
                               found, f"{resume_command(self.target)} puts its pod template in effect.")  # fmt: skip

    def _failed(self, what: str, found: list[Document], todo: str = "") -> DeadlineExceeded:
        name, namespace = self.target.deployment, self.target.namespace
        states = [f"{pod['metadata']['name']} {pods.status_word(pod)}" for pod in found]
        return DeadlineExceeded(
            f"The rollout of deployment/{name} did not end: {what}. Pods: {'; '.join(states) or 'none'}.",
            seconds=clock.monotonic() - self.began,
            expected=f"every pod new and available within {self.deadline:.0f} s.",
            todo=todo
            or f"Look at events and logs of the new pods; to go back: kubectl rollout undo deployment/{name} "
            f"-n {namespace}.",
            evidence=states,
        )

    def _pause(self, deployment: Document) -> None:
        """Until the Deployment changes, or a moment has passed (old pods end without changing it)."""
        left = self.deadline - (clock.monotonic() - self.began)
        seconds = max(0.05, min(_LOOK_SECONDS, left))
        meta = deployment["metadata"]
        watched = self.connection.watch(
            f"/apis/apps/v1/namespaces/{self.target.namespace}/deployments",
            seconds,
            fieldSelector=f"metadata.name={meta['name']}",
            resourceVersion=meta["resourceVersion"],
        )
        began = clock.monotonic()
        event = next(watched, None)
        watched.close()  # type: ignore[attr-defined]
        if event is None or event.get("type") == "ERROR":  # it ended at once: no reason to ask on without a pause
            clock.wait(self.stop, max(0.0, min(_LEAST_SECONDS, seconds) - (clock.monotonic() - began)))


def replicasets(connection: Connection, target: Target, deployment: Document) -> list[Document]:
    """The Deployment's ReplicaSets, oldest revision first."""
    found = connection.items(
        f"/apis/apps/v1/namespaces/{target.namespace}/replicasets",
        "list replicasets",
        labelSelector=selector(deployment),
    )
    uid = deployment["metadata"]["uid"]
    own = [item for item in found if any(ref["uid"] == uid for ref in item["metadata"].get("ownerReferences") or [])]
    return sorted(own, key=lambda item: int(revision_of(item) or 0))


def revision_of(item: Document) -> str:
    """The revision of a Deployment or ReplicaSet; empty if it has none yet."""
    return str((item["metadata"].get("annotations") or {}).get(REVISION, ""))


def template_of(replicaset: Document) -> Document:
    """A ReplicaSet's pod template as a Deployment has it: without the hash that the controller adds."""
    template: Document = copy.deepcopy(replicaset["spec"]["template"])
    template["metadata"].get("labels", {}).pop(HASH, None)
    return template


def put_template(connection: Connection, target: Target, template: Document, version: str) -> None:
    """Put a pod template in place of the Deployment's; Conflicting if that is not of this resourceVersion any more."""
    # Replaced, not tested: a test that fails is answered 422, another resourceVersion 409, which may be tried again.
    patch: list[Document] = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    connection.patch(environment.path(target), patch, "json-patch", "undo the rollout")


def newest_hash(connection: Connection, target: Target, deployment: Document) -> str:
    """The pod-template-hash of the Deployment's newest revision."""
    own = replicasets(connection, target, deployment)
    return str(own[-1]["metadata"]["labels"].get(HASH, "")) if own else ""


def undo(connection: Connection, target: Target, to_revision: str | None) -> str:
    """Put an earlier revision's pod template back; the kubectl line it stands for."""
    deployment = environment.read(connection, target)
    earlier = replicasets(connection, target, deployment)[:-1]
    by_revision = {revision_of(item): item for item in earlier}
    chosen = by_revision.get(to_revision) if to_revision else (earlier[-1] if earlier else None)
    if chosen is None:
        raise Missing(
            f"deployment/{target.deployment} has no earlier revision {to_revision or ''}".rstrip() + ".",
            expected=f"one of {', '.join(filter(None, by_revision)) or '(there is only one revision)'}.",
        )
    put_template(connection, target, template_of(chosen), deployment["metadata"]["resourceVersion"])
    to = f" --to-revision={to_revision}" if to_revision else ""
    return f"kubectl rollout undo deployment/{target.deployment}{to} -n {target.namespace}"
