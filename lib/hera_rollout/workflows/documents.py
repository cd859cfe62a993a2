"""Reading a workflow's raw document. Pure."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pandas import DataFrame

from hera_rollout.workflow_phases import FINISHED

Document = dict[str, Any]
NODE_COLUMNS = ["display_name", "type", "phase", "started", "seconds", "message", "outputs"]
LIST_COLUMNS = ["name", "phase", "path", "task", "run", "created", "started", "seconds", "message"]
LABEL = "hera-rollout/"


def phase(document: Mapping[str, Any]) -> str:
    """The phase; empty until the controller has seen the workflow."""
    return str((document.get("status") or {}).get("phase") or "")


def finished(document: Mapping[str, Any]) -> bool:
    """Whether nothing more will happen to it. Pending and empty are never that."""
    return phase(document) in FINISHED


def nodes(document: Mapping[str, Any]) -> dict[str, Document]:
    """The node map, unpacked if the controller packed it."""
    status = document.get("status") or {}
    packed = status.get("compressedNodes")
    if packed:
        unpacked: dict[str, Document] = json.loads(gzip.decompress(base64.b64decode(packed)))
        return unpacked
    return dict(status.get("nodes") or {})


def offloaded(document: Mapping[str, Any]) -> bool:
    """Whether the nodes are in the controller's database: only the Argo Server can read them."""
    return bool((document.get("status") or {}).get("offloadNodeStatusVersion"))


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(text) if text else None


def seconds(part: Mapping[str, Any]) -> float | None:
    """How long a status or node took; until now if it has not ended; None if it has not started."""
    started, ended = moment(part.get("startedAt")), moment(part.get("finishedAt"))
    if started is None:
        return None
    return round(((ended or datetime.now(UTC)) - started).total_seconds(), 1)


def message(document: Mapping[str, Any]) -> str:
    """The workflow's message, and the first of a node that did not go well, if that says more."""
    own = str((document.get("status") or {}).get("message") or "")
    for node in nodes(document).values():
        said = str(node.get("message") or "")
        if node.get("type") == "Pod" and said and node.get("phase") != "Succeeded" and said not in own:
            return f"{own}; {node.get('displayName')}: {said}" if own else f"{node.get('displayName')}: {said}"
    return own


def outputs(document: Mapping[str, Any]) -> dict[str, str]:
    """Output parameters, by `node.parameter`; the workflow's own by `parameter`."""
    own = _parameters((document.get("status") or {}).get("outputs"))
    for node in nodes(document).values():
        for name, value in _parameters(node.get("outputs")).items():
            own[f"{node.get('displayName')}.{name}"] = value
    return own


def node_frame(document: Mapping[str, Any]) -> DataFrame:
    """One row a node, in the order they started."""
    rows = [
        {
            "display_name": node.get("displayName", ""),
            "type": node.get("type", ""),
            "phase": node.get("phase", ""),
            "started": moment(node.get("startedAt")),
            "seconds": seconds(node),
            "message": node.get("message") or "",
            "outputs": ", ".join(f"{key}={value}" for key, value in _parameters(node.get("outputs")).items()),
        }
        for node in sorted(
            nodes(document).values(), key=lambda node: (node.get("startedAt") or "~", node.get("name", ""))
        )
    ]
    made = DataFrame(rows, columns=NODE_COLUMNS)
    meta = document.get("metadata") or {}
    made.attrs["command"] = f"argo get {meta.get('name')} -n {meta.get('namespace')}"
    return made


def row(document: Mapping[str, Any]) -> dict[str, Any]:
    """The few fields of a workflow that lists and figures need."""
    meta, status = document["metadata"], document.get("status") or {}
    labels = meta.get("labels") or {}
    return {
        "name": meta["name"],
        "phase": phase(document) or "Pending",
        "path": labels.get(f"{LABEL}path", ""),
        "task": labels.get(f"{LABEL}task", ""),
        "run": labels.get(f"{LABEL}run", ""),
        "created": moment(meta.get("creationTimestamp")),
        "started": moment(status.get("startedAt")),
        "seconds": seconds(status),
        "message": message(document),
    }


def _parameters(part: Mapping[str, Any] | None) -> dict[str, str]:
    found = (part or {}).get("parameters") or []
    return {parameter["name"]: str(parameter.get("value", "")) for parameter in found}
