"""The head of a document: names, namespace, labels, and what the cluster adds to them."""

from __future__ import annotations

from typing import Any, Final

from hera_rollout.equivalence.comparing import Walk
from hera_rollout.equivalence.differences import ABSENT, Op
from hera_rollout.equivalence.schemas import Node

_SERVER: Final = frozenset(
    {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink", "deletionTimestamp",
     "deletionGracePeriodSeconds"}
)  # fmt: skip
_ARGO: Final = "workflows.argoproj.io/"
_SERVER_KEYS: Final = frozenset(
    {"phase", "completed", "workflow-archiving-status", "creator", "creator-email", "creator-preferred-username",
     "controller-instanceid", "pod-name-format",
     "last-seen-version", "actor", "actor-email", "actor-preferred-username", "action"}
)  # fmt: skip
_SHOWN: Final = frozenset({_ARGO + "title", _ARGO + "description", _ARGO + "version"})
_KUBECTL: Final = "kubectl.kubernetes.io/last-applied-configuration"
ROLLOUT: Final = "hera-rollout/"


def compare(walk: Walk, one: dict[str, Any], other: dict[str, Any], node: Node | None, namespace: str | None) -> None:
    """Compare two `metadata` at the place where the walk is."""
    skip = {"labels", "annotations"}
    for key in ("labels", "annotations"):
        walk.path.append("." + key)
        ours, theirs = one.get(key) or {}, other.get(key) or {}
        if isinstance(ours, dict) and isinstance(theirs, dict):
            _marks(walk, ours, theirs)
        else:
            walk.values(ours, theirs, None)
        walk.path.pop()
    if _names(walk, one, other):
        skip |= {"name", "generateName"}
    if _namespace(walk, one, other, namespace):
        skip.add("namespace")
    if "server-metadata" in walk.rules:
        for key in sorted(_SERVER & (one.keys() | other.keys())):
            _noted(walk, key, one, other, "server-metadata")
        skip |= _SERVER
    walk.maps(one, other, node, skip)


def _noted(walk: Walk, key: str, one: dict[str, Any], other: dict[str, Any], rule: str) -> None:
    """Note a field under a rule if the two sides differ in it."""
    ours, theirs = one.get(key, ABSENT), other.get(key, ABSENT)
    if ours == theirs:
        return
    op: Op = "only-hera" if ours is ABSENT else "only-yaml" if theirs is ABSENT else "changed"
    walk.path.append("." + key)
    walk.add(op, ours, theirs, rule)
    walk.path.pop()


def _names(walk: Walk, one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the names are settled: only workflows are made under a name that may be any."""
    if "chosen-name" not in walk.rules or walk.kind != "Workflow":
        return False
    names, prefixes = (one.get("name"), other.get("name")), (one.get("generateName"), other.get("generateName"))
    both = bool(names[0] and names[1])
    crossed = any(
        names[side] and prefixes[1 - side] and str(names[side]).startswith(str(prefixes[1 - side])) for side in (0, 1)
    )
    if not (both or crossed):
        return False
    for key in ("name", "generateName"):
        _noted(walk, key, one, other, "chosen-name")
    return True


def _namespace(walk: Walk, one: dict[str, Any], other: dict[str, Any], namespace: str | None) -> bool:
    ours, theirs = one.get("namespace") or None, other.get("namespace") or None
    if (
        "target-namespace" not in walk.rules
        or namespace is None
        or ours == theirs
        or {ours, theirs} != {None, namespace}
    ):
        return False
    _noted(walk, "namespace", one, other, "target-namespace")
    return True


def _marks(walk: Walk, one: dict[str, Any], other: dict[str, Any]) -> None:
    for key in [*one, *(key for key in other if key not in one)]:
        ours, theirs = one.get(key, ABSENT), other.get(key, ABSENT)
        rule = _mark_rule(key)
        if rule in walk.rules:
            _noted(walk, key, one, other, rule)
        elif type(ours) is not type(theirs) or ours != theirs:
            op: Op = "only-hera" if ours is ABSENT else "only-yaml" if theirs is ABSENT else "changed"
            walk.path.append("." + key)
            if key in _SHOWN:
                walk.add(op, ours, theirs, "shown to people only", "cosmetic")
            else:
                walk.add(op, ours, theirs, "means something else", "behavioural")
            walk.path.pop()


def _mark_rule(key: str) -> str:
    if key.startswith(ROLLOUT):
        return "rollout-labels"
    server = key.startswith(_ARGO) and key.removeprefix(_ARGO) in _SERVER_KEYS
    return "server-metadata" if server or key == _KUBECTL else ""
