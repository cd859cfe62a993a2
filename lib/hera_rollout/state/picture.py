"""The flag as both its media on the cluster say it now, and who wrote each of them last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hera_rollout.cluster import Cluster, environment
from hera_rollout.errors import Missing

Document = dict[str, Any]
KEYS = ("enabled", "percent")


@dataclass(frozen=True)
class Writer:
    """A field manager, and when it wrote; `sure` if it owns the very field."""

    manager: str
    time: str
    sure: bool


@dataclass(frozen=True)
class Picture:
    """`env` is the variable on the Deployment, `file` the ConfigMap's two keys; None where there is none."""

    env: str | None
    file: dict[str, str] | None
    env_writer: Writer | None
    file_writer: Writer | None


def read(cluster: Cluster) -> Picture:
    """Read both media; a Deployment or ConfigMap that is not there says nothing."""
    settings = cluster.target.flag
    deployment, configmap = _deployment(cluster), _configmap(cluster)
    data = (configmap or {}).get("data") or {}
    return Picture(
        env=cluster.env(settings.env) if deployment else None,
        file={key: str(data[key]) for key in KEYS if key in data} or None,
        env_writer=writer(deployment, f'k:{{"name":"{settings.env}"}}'),
        file_writer=writer(configmap, "f:enabled"),
    )


def writer(document: Document | None, field: str) -> Writer | None:
    """Who owns a field by `metadata.managedFields`; where nobody does, who wrote the object last."""
    entries = [
        entry
        for entry in ((document or {}).get("metadata") or {}).get("managedFields") or []
        if entry.get("subresource") != "status"
    ]
    owning = [entry for entry in entries if json.dumps(field) in json.dumps(entry.get("fieldsV1") or {})]
    newest = max(owning or entries, key=lambda entry: str(entry.get("time", "")), default=None)
    if newest is None:
        return None
    return Writer(str(newest.get("manager", "unknown")), str(newest.get("time", "")), sure=bool(owning))


def _deployment(cluster: Cluster) -> Document | None:
    try:
        return environment.read(cluster.connection, cluster.target)
    except Missing:
        return None


def _configmap(cluster: Cluster) -> Document | None:
    target = cluster.target
    path = f"/api/v1/namespaces/{target.namespace}/configmaps/{target.flag.configmap}"
    try:
        return cluster.connection.get(path, f"get configmap {target.flag.configmap}")
    except Missing:
        return None
