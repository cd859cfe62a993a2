"""A finished workflow's node tree, with names that two runs share."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from hera_rollout.equivalence.masking import Mask
from hera_rollout.errors import Refused
from hera_rollout.workflow_phases import FINISHED

_MOST_BYTES: Final = 64 * 1024 * 1024
Nodes = dict[str, Any]


def read(document: Mapping[str, Any]) -> Nodes:
    """The nodes by id, unpacked if the controller packed them.

    Raises:
        Refused: The run has not ended, or its nodes are kept elsewhere: not comparable.
    """
    name = str((document.get("metadata") or {}).get("name") or "the workflow")
    status = document.get("status") or {}
    if status.get("phase") not in FINISHED:
        raise Refused(f"{name} is not comparable: its phase is {status.get('phase') or 'empty'}, it has not ended.")
    if status.get("compressedNodes"):
        return _unpacked(name, str(status["compressedNodes"]))
    if not status.get("nodes"):
        where = " They are in the controller's database." if status.get("offloadNodeStatusVersion") else ""
        raise Refused(
            f"{name} is not comparable: it has no nodes.{where}",
            todo="Read it through the Argo Server, which puts them in again.",
        )
    return dict(status["nodes"])


def _unpacked(name: str, packed: str) -> Nodes:
    try:
        data = zlib.decompressobj(wbits=31).decompress(base64.b64decode(packed), _MOST_BYTES)
        nodes = json.loads(data)
    except (binascii.Error, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise Refused(f"{name} is not comparable: its packed nodes cannot be read: {error}.") from None
    if not isinstance(nodes, dict):
        raise Refused(f"{name} is not comparable: its packed nodes are no object.")
    return nodes


def by_path(nodes: Nodes, mask: Mask) -> dict[str, Nodes]:
    """The nodes by their display names from the root down; twins numbered in the order they started."""
    found: dict[str, Nodes] = {}
    for node in sorted(nodes.values(), key=lambda one: (str(one.get("startedAt") or "~"), str(one.get("name")))):
        path = base = "/".join(_way(node, nodes, mask))
        number = 1
        while path in found:
            number += 1
            path = f"{base}#{number}"
        found[path] = node
    return found


def _way(node: Nodes, nodes: Nodes, mask: Mask) -> list[str]:
    way: list[str] = []
    seen: set[str] = set()
    current: Nodes | None = node
    while current is not None and str(current.get("id")) not in seen:
        seen.add(str(current.get("id")))
        way.insert(0, mask(str(current.get("displayName") or current.get("name") or "?")))
        current = nodes.get(str(current.get("boundaryID") or ""))
    return way
