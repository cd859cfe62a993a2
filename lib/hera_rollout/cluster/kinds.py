"""Argo's custom resources in this cluster, from discovery and OpenAPI, which every user may read."""

from __future__ import annotations

from pandas import DataFrame

from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.errors import Missing

COLUMNS = ["name", "kind", "version", "full"]
_VERSION = "argoproj.io/v1alpha1"


def frame(connection: Connection) -> DataFrame:
    """One row a resource; `full` if its schema lists its fields (minimal CRDs keep anything)."""
    try:
        found = connection.get(f"/apis/{_VERSION}", "list Argo's resources").get("resources") or []
    except Missing:
        found = []
    schemas = _schemas(connection) if found else {}
    rows = [
        (f"{item['name']}.argoproj.io", item["kind"], "v1alpha1", _full(schemas, item["kind"]))
        for item in found
        if "/" not in item["name"]
    ]
    made = DataFrame(sorted(rows), columns=COLUMNS)
    made.attrs["command"] = "kubectl api-resources --api-group=argoproj.io"
    return made


def _schemas(connection: Connection) -> Document:
    try:
        document = connection.get(f"/openapi/v3/apis/{_VERSION}", "read Argo's schemas")
    except Missing:
        return {}
    schemas: Document = document.get("components", {}).get("schemas", {})
    return schemas


def _full(schemas: Document, kind: str) -> bool:
    schema: Document = next((value for key, value in schemas.items() if key.endswith(f".v1alpha1.{kind}")), {})
    parts = schema.get("properties", {})
    return any("properties" in part for name, part in parts.items() if name != "metadata")
