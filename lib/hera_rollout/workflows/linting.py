"""What a place's own servers say of a manifest, without creating anything.

Both are asked, for they see different things: the Kubernetes API with fieldValidation=Strict refuses fields outside the
schema, which the Argo Server's lint drops silently; the lint knows what a workflow may mean, which the schema does not.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

from hera_rollout.asking import Caller
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Missing, Refused, RolloutError
from hera_rollout.target import Target

Said = Literal["accepted", "refused", "not asked"]
KUBERNETES: Final = "Kubernetes API, strict dry run"
ARGO: Final = "Argo Server, lint"
_PLURALS: Final = {
    "Workflow": "workflows",
    "WorkflowTemplate": "workflowtemplates",
    "ClusterWorkflowTemplate": "clusterworkflowtemplates",
    "CronWorkflow": "cronworkflows",
}
_LINTS: Final = {
    "Workflow": ("workflows", "workflow"),
    "WorkflowTemplate": ("workflow-templates", "template"),
    "ClusterWorkflowTemplate": ("cluster-workflow-templates", "template"),
    "CronWorkflow": ("cron-workflows", "cronWorkflow"),
}
_STORED: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
_QUERY: Final = "dryRun=All&fieldValidation=Strict"
_RIGHTS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True)
class Lint:
    """One server's word on one manifest."""

    server: str
    said: Said
    reason: str = ""


def lint(cluster: Cluster, document: Mapping[str, Any]) -> list[Lint]:
    """Ask both servers. Neither creates anything, whatever the answer.

    Raises:
        Retryable: One is not there.
    """
    fresh = submittable(document)
    kind = str(fresh.get("kind"))
    if kind not in _PLURALS:
        raise Refused(f"Documents of kind {kind} are not linted.", expected=f"one of {', '.join(_PLURALS)}.")
    return [_kubernetes(cluster, kind, fresh), _argo(cluster, kind, fresh)]


def submittable(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as one would submit it anew: no status, none of the API server's own fields, a name still free."""
    fresh = {key: copy.deepcopy(value) for key, value in document.items() if key != "status"}
    meta = fresh.get("metadata")
    fresh["metadata"] = meta if isinstance(meta, dict) else {}
    for key in _STORED:
        fresh["metadata"].pop(key, None)
    if fresh["metadata"].get("name"):
        # A dry run under a name that is taken would be refused for the name alone.
        fresh["metadata"]["generateName"] = f"{fresh['metadata'].pop('name')[:50]}-"
    return fresh


def _kubernetes(cluster: Cluster, kind: str, document: dict[str, Any]) -> Lint:
    where = "" if kind.startswith("Cluster") else f"/namespaces/{cluster.target.namespace}"
    if where:
        document = {**document, "metadata": {**document["metadata"], "namespace": cluster.target.namespace}}
    path = f"/apis/argoproj.io/v1alpha1{where}/{_PLURALS[kind]}?{_QUERY}"
    try:
        cluster.connection.create(path, document, what=f"dry run of a {kind}")
    except Refused as error:
        return _refused(KUBERNETES, error)
    return Lint(KUBERNETES, "accepted")


def _argo(cluster: Cluster, kind: str, document: dict[str, Any]) -> Lint:
    target = cluster.target
    route, key = _LINTS[kind]
    where = "" if kind.startswith("Cluster") else f"/{target.namespace}"
    try:
        _caller(target, cluster).json("POST", f"/api/v1/{route}{where}/lint", body={key: document})
    except Refused as error:
        return _refused(ARGO, error)
    except RolloutError as error:
        if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return _refused(ARGO, error)  # it answers 500 to some manifests that it cannot read
    return Lint(ARGO, "accepted")


def _caller(target: Target, cluster: Cluster) -> Caller:
    return Caller(
        "The Argo Server",
        target.argo_url,
        float(target.limits.request_timeout_seconds),
        verify=target.argo_verify_tls,
        token=cluster.bearer_token,
    )


def _refused(server: str, error: RolloutError) -> Lint:
    # Without the right to create, a dry run says nothing of the manifest.
    no_right = error.status in _RIGHTS or isinstance(error, Missing)
    return Lint(server, "not asked" if no_right else "refused", error.seen.partition("It said: ")[2] or error.seen)
