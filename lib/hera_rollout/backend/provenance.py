"""Which path made a workflow, and how we know. Pure.

A label is the backend's own word, so the manifest must not speak against it. Signs are habits that one path has and the
other cannot have; where a manifest shows none, it fits both, and the label stands unopposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Path = Literal["yaml", "hera", ""]
How = Literal["proven", "inferred", "unproven", "contradicted"]
LABEL = "hera-rollout/path"
_PRELUDE = "sys.path.append(os.getcwd())"
_RUNNER = "hera.workflows.runner"


@dataclass(frozen=True)
class Provenance:
    """`path` is empty when nothing says which; `reason` carries what was seen."""

    path: Path
    how: How
    reason: str


@dataclass(frozen=True)
class Sign:
    """A habit of one path."""

    path: Path
    says: str
    shown_by: Callable[[Mapping[str, Any]], bool]


def _templates(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Its templates; the API server stores also what Argo refuses, such as an empty entry."""
    found = (document.get("spec") or {}).get("templates")
    return [template for template in found if isinstance(template, dict)] if isinstance(found, list) else []


def _containers(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for template in _templates(document):
        yield from (template[kind] for kind in ("container", "script") if isinstance(template.get(kind), dict))


def _names_container(document: Mapping[str, Any]) -> bool:
    # The Argo Server stores an empty name where there was none.
    return any(container.get("name") for container in _containers(document))


def _private_key(document: Mapping[str, Any]) -> bool:
    return any(key.startswith("_") for part in (*_templates(document), *_containers(document)) for key in part)


def _prelude(document: Mapping[str, Any]) -> bool:
    return any(_PRELUDE in str(container.get("source", "")) for container in _containers(document))


def _runner(document: Mapping[str, Any]) -> bool:
    return any(_RUNNER in map(str, container.get("args") or []) for container in _containers(document))


SIGNS: tuple[Sign, ...] = (
    Sign(
        "yaml", "its container has a name of its own, which Hera's Container and Script never write", _names_container
    ),
    Sign("yaml", "it has a key that starts with _, which Hera's models would have dropped", _private_key),
    Sign("hera", "its script opens with Hera's prelude", _prelude),
    Sign("hera", "it starts hera.workflows.runner", _runner),
)


def provenance(document: Mapping[str, Any]) -> Provenance:
    """Judge one workflow's raw document by its label and its manifest."""
    label = str(((document.get("metadata") or {}).get("labels") or {}).get(LABEL) or "")
    shown = [sign for sign in SIGNS if sign.shown_by(document)]
    paths = {sign.path for sign in shown}
    says = "; ".join(sign.says for sign in shown)
    if label not in {"yaml", "hera", ""}:
        return Provenance("", "contradicted", f"the label {LABEL}={label!r} names no path")
    if len(paths) > 1:
        return Provenance(_path(label), "contradicted", f"the manifest shows signs of both paths: {says}")
    if not label:
        return _inferred(paths, says)
    if paths and label not in paths:
        return Provenance(_path(label), "contradicted", f"labelled {label}, but {says}")
    return Provenance(
        _path(label), "proven", f"labelled {label}; {says or 'nothing in the manifest speaks against it'}"
    )


def _inferred(paths: set[Path], says: str) -> Provenance:
    if paths:
        return Provenance(next(iter(paths)), "inferred", f"no label {LABEL}, but {says}")
    return Provenance("", "unproven", f"no label {LABEL}, and a manifest that either path could have made")


def _path(label: str) -> Path:
    return "hera" if label == "hera" else "yaml" if label == "yaml" else ""
