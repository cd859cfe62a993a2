"""What a workflow's pods wrote, from the pods themselves (the Argo Server answers an empty log for a missing right)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pandas import DataFrame

from hera_rollout.cluster import Cluster
from hera_rollout.errors import RolloutError
from hera_rollout.workflows import documents
from hera_rollout.workflows.waiting import POD_LABEL

COLUMNS = ["node", "pod", "phase", "logs"]
TAIL = 1000
MAX_BYTES = 65_536
_NODE_ID = "workflows.argoproj.io/node-id"


def frame(cluster: Cluster, document: Mapping[str, Any]) -> DataFrame:
    """One row a pod: node, pod, phase, logs of container main (its last lines)."""
    name = document["metadata"]["name"]
    nodes = documents.nodes(document)
    found = sorted(
        cluster.pod_documents(f"{POD_LABEL}={name}"), key=lambda pod: str(pod["metadata"]["creationTimestamp"])
    )
    rows = [
        (_node(nodes, pod), pod["metadata"]["name"], pod["status"].get("phase", ""), _logs(cluster, pod))
        for pod in found
    ]
    made = DataFrame(rows, columns=COLUMNS)
    made.attrs["command"] = f"kubectl logs -n {cluster.target.namespace} -l {POD_LABEL}={name} -c main --prefix"
    return made


def _node(nodes: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    node = nodes.get((pod["metadata"].get("annotations") or {}).get(_NODE_ID, ""), {})
    return str(node.get("displayName", ""))


def _logs(cluster: Cluster, pod: Mapping[str, Any]) -> str:
    try:
        return cluster.logs(pod["metadata"]["name"], "main", tail=TAIL, max_bytes=MAX_BYTES)
    except RolloutError as error:
        return f"(no logs: {error.seen})"
