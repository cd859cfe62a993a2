"""Pods as `kubectl get pods -o wide` shows them, and why one does not start or run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pandas import DataFrame

from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.target import Target

COLUMNS = ["name", "ready", "status", "restarts", "age_s", "node", "image"]
CANNOT_START = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError",
     "CreateContainerError", "RunContainerError", "CrashLoopBackOff"}
)  # fmt: skip
"""Reasons that do not go away by waiting."""


def items(connection: Connection, target: Target, selector: str) -> list[Document]:
    """The raw pods."""
    query: dict[str, Any] = {"labelSelector": selector} if selector else {}
    return connection.items(f"/api/v1/namespaces/{target.namespace}/pods", "list pods", **query)


def frame(pods: Iterable[Document], target: Target, selector: str) -> DataFrame:
    """The pods, one row each, sorted by name."""
    rows = sorted((_row(pod) for pod in pods), key=lambda row: str(row["name"]))
    made = DataFrame(rows, columns=COLUMNS)
    chosen = f" -l {selector}" if selector else ""
    made.attrs["command"] = f"kubectl get pods -n {target.namespace}{chosen} -o wide"
    return made


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(text) if text else None


def age(document: Document) -> float:
    """Seconds since it was created, by this machine's clock."""
    created = moment(document["metadata"].get("creationTimestamp"))
    return round((datetime.now(UTC) - created).total_seconds(), 1) if created else 0.0


def ready(pod: Document) -> bool:
    """Whether the pod takes traffic and is not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    said = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return said and "deletionTimestamp" not in pod["metadata"]


def blocked(pod: Document) -> str:
    """Why the pod cannot start or run, in one line; empty if nothing says so."""
    for status in _statuses(pod, "initContainerStatuses") + _statuses(pod, "containerStatuses"):
        waiting = status.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in CANNOT_START:
            detail = waiting.get("message") or f"image {status.get('image')}"
            return f"{pod['metadata']['name']}: {waiting['reason']}: {detail}"
    return ""


def unscheduled(pod: Document) -> str:
    """Why no node takes the pod; empty if one did. More nodes may come, so this is news and no verdict."""
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{pod['metadata']['name']}: {condition.get('reason')}: {condition.get('message', '')}"
    return ""


def _statuses(pod: Document, key: str) -> list[Document]:
    return list(pod.get("status", {}).get(key) or [])


def _row(pod: Document) -> dict[str, object]:
    statuses = _statuses(pod, "containerStatuses")
    containers = pod["spec"]["containers"]
    return {
        "name": pod["metadata"]["name"],
        "ready": f"{sum(bool(status.get('ready')) for status in statuses)}/{len(containers)}",
        "status": status_word(pod),
        "restarts": sum(int(status.get("restartCount", 0)) for status in statuses),
        "age_s": age(pod),
        "node": pod["spec"].get("nodeName", ""),
        "image": ", ".join(container["image"] for container in containers),
    }


def status_word(pod: Document) -> str:
    """The STATUS column of kubectl: the most telling reason, else the phase."""
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    status = pod.get("status", {})
    word = str(status.get("reason") or status.get("phase", "Unknown"))
    for done in _statuses(pod, "initContainerStatuses"):
        reason = _reason(done)
        if reason and reason != "Completed":
            return f"Init:{reason}" if reason != "PodInitializing" else "Init"
    reasons = [reason for reason in map(_reason, _statuses(pod, "containerStatuses")) if reason]
    telling = [reason for reason in reasons if reason != "Completed"]
    return telling[0] if telling else (reasons[0] if reasons and word != "Running" else word)


def _reason(status: Document) -> str:
    state = status.get("state", {})
    waiting, ended = state.get("waiting"), state.get("terminated")
    if waiting:
        return str(waiting.get("reason", ""))
    if ended:
        return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode')}")
    return ""
