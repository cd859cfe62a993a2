"""Which lists are sets of named things, and how their entries are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hera_rollout.equivalence.schemas import Node

_BY_NAME: Final = ("templates", "parameters", "artifacts", "volumes", "tasks", "sidecars", "containers", "prometheus")
KEYS: Final[dict[str, tuple[str, ...]]] = {
    **{f".{name}": ("name",) for name in _BY_NAME},
    ".volumeMounts": ("mountPath",),
    ".volumeDevices": ("devicePath",),
    ".volumeClaimTemplates": ("metadata", "name"),
    ".ports": ("containerPort", "protocol"),
}


def key_of(part: str, node: Node | None) -> tuple[str, ...]:
    """The fields that name an entry of the list at this part of a path; empty where the place of an entry counts."""
    if node is None or node.items is None:
        return ()
    if node.items.role == "step":
        return ("name",)
    if part == ".parameters" and "value" not in (node.items.properties or {}):
        return ()
    return KEYS.get(part, ())


def names(entries: Sequence[Any], key: tuple[str, ...]) -> list[Any] | None:
    """The entries' names; None if one has none."""
    if not all(type(entry) is dict for entry in entries):
        return None
    if key == ("metadata", "name"):
        found = [entry["metadata"].get("name") if type(entry.get("metadata")) is dict else None for entry in entries]
    elif len(key) == 1:
        found = [entry.get(key[0]) for entry in entries]
    else:
        found = [":".join(str(entry.get(part) or "TCP") for part in key) for entry in entries]
    return found if all(type(name) is str and name for name in found) else None


def is_env(node: Node) -> bool:
    """Whether the list is a container's env, whose order may matter."""
    return node.items is not None and node.items.role == "env" and node.keys == ("name",)
