"""Kubernetes' ObjectMeta, which a CRD leaves to the API server."""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final[dict[str, Any]] = {"type": "string", "zero": 1}
_TEXTS: Final[dict[str, Any]] = {"type": "object", "zero": 1, "additionalProperties": {"type": "string"}}
_OPEN: Final[dict[str, Any]] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

OBJECT_META: Final[dict[str, Any]] = {
    "type": "object",
    "zero": 1,
    "properties": {
        "annotations": _TEXTS,
        "creationTimestamp": {"type": "string"},
        "deletionGracePeriodSeconds": {"type": "integer"},
        "deletionTimestamp": {"type": "string"},
        "finalizers": {"type": "array", "zero": 1, "items": {"type": "string"}},
        "generateName": _TEXT,
        "generation": {"type": "integer", "zero": 1},
        "labels": _TEXTS,
        "managedFields": {"type": "array", "zero": 1, "items": _OPEN},
        "name": _TEXT,
        "namespace": _TEXT,
        "ownerReferences": {"type": "array", "zero": 1, "items": _OPEN},
        "resourceVersion": _TEXT,
        "selfLink": _TEXT,
        "uid": _TEXT,
    },
}
