"""The flag as both its media on the cluster say it now, and who wrote each of them last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hera_rollout.cluster import Cluster, environment
from hera_rollout.errors import Missing

Document = dict[str, Any]
Fields = tuple[str, ...]
"""The way to a value through `fieldsV1`."""
KEYS = ("enabled", "percent")


@dataclass(frozen=True)
class Writer:
    """A field manager, and when it wrote; `sure` if it owns the very value."""

    manager: str
    time: str
    sure: bool


@dataclass(frozen=True)
class Picture:
    """`env` is the variable on the Deployment, `file` the ConfigMap's two keys; None where there is none.

    Each key of the file has a writer of its own: one may change `percent` and leave `enabled` as it is.
    """

    env: str | None
    file: dict[str, str] | None
    env_writer: Writer | None = None
    file_writers: Mapping[str, Writer | None] = field(default_factory=dict)


def read(cluster: Cluster) -> Picture:
    """Read both media; a Deployment or ConfigMap that is not there says nothing."""
    settings = cluster.target.flag
    deployment, configmap = _deployment(cluster), _configmap(cluster)
    data = (configmap or {}).get("data") or {}
    return Picture(
        env=cluster.env(settings.env) if deployment else None,
        file={key: str(data[key]) for key in KEYS if key in data} or None,
        env_writer=writer(deployment, _variable(cluster, "f:value"), _variable(cluster, "f:valueFrom")),
        file_writers={key: writer(configmap, ("f:data", f"f:{key}")) for key in KEYS},
    )


def writer(document: Document | None, *values: Fields) -> Writer | None:
    """Who owns one of these values by `metadata.managedFields`; where nobody does, who wrote the object last."""
    entries = [
        entry
        for entry in ((document or {}).get("metadata") or {}).get("managedFields") or []
        if entry.get("subresource") != "status"
    ]
    owning = [entry for entry in entries if any(_owns(entry.get("fieldsV1"), value) for value in values)]
    newest = max(owning or entries, key=lambda entry: str(entry.get("time", "")), default=None)
    if newest is None:
        return None
    return Writer(str(newest.get("manager", "unknown")), str(newest.get("time", "")), sure=bool(owning))


def _owns(fields: Any, value: Fields) -> bool:
    for key in value:
        if not isinstance(fields, dict) or key not in fields:
            return False
        fields = fields[key]
    return True


def _variable(cluster: Cluster, part: str) -> Fields:
    """The variable's value; its entry and its name stay with whoever made it first, so they say nothing."""
    container, name = (
        f"k:{json.dumps({'name': name}, separators=(',', ':'))}"
        for name in (cluster.target.container, cluster.target.flag.env)
    )
    return ("f:spec", "f:template", "f:spec", "f:containers", container, "f:env", name, part)


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
