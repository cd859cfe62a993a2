"""Who may do what: the operator by SelfSubjectAccessReview, the backend's account by LocalSubjectAccessReview."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pandas import DataFrame

from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.target import Target

COLUMNS = ["who", "verb", "resource", "needed_for", "allowed"]
_ARGO = "argoproj.io"


@dataclass(frozen=True)
class Need:
    """One right, and what would not work without it. `resource` may carry a subresource: pods/log.

    With a `name` it is the right to that object alone; `create` has none, for Kubernetes cannot narrow it to one.
    """

    verb: str
    resource: str
    group: str
    needed_for: str
    name: str = ""


def _needs(verbs: str, resource: str, group: str, needed_for: str, name: str = "") -> list[Need]:
    return [Need(verb, resource, group, needed_for, "" if verb == "create" else name) for verb in verbs.split()]


OPERATOR: tuple[Need, ...] = (
    *_needs("list", "replicasets", "apps", "tell new pods from old, undo a rollout"),
    *_needs("get list", "pods", "", "pod tables, why a pod does not start"),
    *_needs("get", "pods/log", "", "logs of the service and of workflows"),
    *_needs("get", "pods/proxy", "", "ask each pod which flag it has in effect"),
    *_needs("list", "events", "", "events"),
    *_needs("get", "persistentvolumeclaims", "", "see whether the results volume is Bound"),
    *_needs("create", "localsubjectaccessreviews", "authorization.k8s.io", "ask what the backend may do"),
    *_needs("get list watch", "workflows", _ARGO, "watch workflows and read them back"),
)
SUBMITTING: tuple[Need, ...] = (
    *_needs("create", "workflows", _ARGO, "submit a workflow from the notebook"),
    *_needs("patch", "workflows", _ARGO, "stop a workflow"),
    *_needs("delete", "workflows", _ARGO, "delete a workflow"),
)
BACKEND: tuple[Need, ...] = (
    *_needs("create", "workflows", _ARGO, "submissions"),
    *_needs("get list", "workflows", _ARGO, "a task's phase"),
    *_needs("patch", "workflows", _ARGO, "cancel"),
    *_needs("delete", "workflows", _ARGO, "delete a task"),
    *_needs("list watch", "pods", "", "a task's logs, through the Argo Server"),
    *_needs("get", "pods/log", "", "a task's logs"),
    *_needs("get", "persistentvolumeclaims", "", "see whether the results volume is Bound"),
)


def operator(target: Target, *, watches: bool = False) -> tuple[Need, ...]:
    """What the operator needs here: for every step, for what the rollout remembers, and for the target's medium.

    Args:
        target: where.
        watches: whether a run that is there already is only gone on with: no workflow is written, no ConfigMap made.
    """
    state, file = target.state_name, target.flag.configmap
    more = [
        *(() if watches else (*SUBMITTING, *_needs("create", "configmaps", "", "what the rollout remembers"))),
        *_needs("get watch", "deployments", "apps", "show the Deployment, wait for its rollout", target.deployment),
        *_needs("patch", "deployments", "apps", "set the flag, undo a rollout", target.deployment),
        *_needs("get update", "configmaps", "", "what the rollout remembers", state),
        *_needs("get create update delete", "leases", "coordination.k8s.io", "one operator at a time", state),
        *_needs("get", "configmaps", "", "see whether a flag file decides", file),
    ]
    if target.flag.medium == "configmap":
        more += _needs("patch", "configmaps", "", "set the flag by its file", file)
        more += _needs("patch", "pods", "", "make a changed flag file visible at once")
    return (*OPERATOR, *more)


def allowed(connection: Connection, target: Target, need: Need, *, user: str = "") -> bool:
    """Whether the operator (no `user`), or that user, may."""
    resource, _, sub = need.resource.partition("/")
    attributes = {"verb": need.verb, "resource": resource, "group": need.group, "namespace": target.namespace}
    attributes |= {"subresource": sub} if sub else {}
    attributes |= {"name": need.name} if need.name else {}
    spec: Document = {"resourceAttributes": attributes}
    if user:
        return _review(connection, target, "LocalSubjectAccessReview", {**spec, "user": user})
    return _review(connection, target, "SelfSubjectAccessReview", spec)


def _review(connection: Connection, target: Target, kind: str, spec: Document) -> bool:
    local = kind.startswith("Local")
    place = f"/namespaces/{target.namespace}" if local else ""
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"namespace": target.namespace} if local else {},
        "spec": spec,
    }
    answer = connection.create(f"/apis/authorization.k8s.io/v1{place}/{kind.lower()}s", body, what=f"create {kind}")
    return bool(answer.get("status", {}).get("allowed"))


def frame(connection: Connection, target: Target, *, watches: bool = False) -> DataFrame:
    """Every right that is needed, one row each, the missing ones first."""
    account = f"system:serviceaccount:{target.namespace}:{target.service_account}"
    asked = [("operator", need, "") for need in operator(target, watches=watches)]
    asked += [(f"backend ({target.service_account})", need, account) for need in BACKEND]
    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(lambda one: allowed(connection, target, one[1], user=one[2]), asked))
    rows = [
        (who, need.verb, need.resource, ": ".join(filter(None, (need.needed_for, need.name))), answer)
        for (who, need, _), answer in zip(asked, answers, strict=True)
    ]
    made = DataFrame(rows, columns=COLUMNS).sort_values("allowed", kind="stable", ignore_index=True)
    made.attrs["command"] = f"kubectl auth can-i --list -n {target.namespace}"
    return made
