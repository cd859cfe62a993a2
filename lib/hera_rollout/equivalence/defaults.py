"""templateDefaults and workflowDefaults put where the controller puts them, before anything is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Document = dict[str, Any]
TYPES: Final = ("container", "containerSet", "dag", "data", "http", "plugin", "resource", "script", "steps", "suspend")
_STRUCTS: Final = frozenset(TYPES) - {"steps"}
# Strategic merge: these lists are merged by this key, all others are replaced (patchMergeKey in Go's types).
_MERGE_KEYS: Final = {
    "templates": "name", "volumes": "name", "tolerations": "key", "imagePullSecrets": "name", "hostAliases": "ip",
    "initContainers": "name", "sidecars": "name", "parameters": "name", "artifacts": "name", "tasks": "name",
    "env": "name", "volumeMounts": "mountPath", "volumeDevices": "devicePath", "ports": "containerPort",
}  # fmt: skip


def with_workflow_defaults(spec: Document, defaults: Mapping[str, Any]) -> Document:
    """The workflow spec as the controller runs it; what the workflow says itself wins."""
    defaults = dict(defaults.get("spec", defaults))
    own_suspend = spec.get("suspend")
    made: Document = merged(defaults, spec)
    made.pop("suspend", None)
    hooks = {**(defaults.get("hooks") or {}), **(spec.get("hooks") or {})}
    return {**made, **({"hooks": hooks} if hooks else {}), **({} if own_suspend is None else {"suspend": own_suspend})}


def with_template_defaults(spec: Document) -> Document:
    """The workflow spec with templateDefaults put into each template, and gone themselves."""
    defaults = spec.get("templateDefaults")
    templates = spec.get("templates")
    rest = {key: value for key, value in spec.items() if key != "templateDefaults"}
    if not isinstance(defaults, dict) or not isinstance(templates, list):
        return rest
    return {**rest, "templates": [_with(defaults, one) if isinstance(one, dict) else one for one in templates]}


def _with(defaults: Document, template: Document) -> Document:
    own = [kind for kind in TYPES if template.get(kind) is not None]
    usable = {key: value for key, value in defaults.items() if key not in _STRUCTS or key in own}
    made: Document = merged(usable, template)
    return {key: value for key, value in made.items() if key not in TYPES or key in own}


def merged(below: Any, above: Any, name: str = "") -> Any:
    """A strategic merge of `above` over `below`."""
    if isinstance(below, dict) and isinstance(above, dict):
        made = dict(below)
        for key, value in above.items():
            if value is None or (key in below and value in ("", [], {})):
                continue  # Go leaves such a field out of the patch
            made[key] = merged(below[key], value, key) if key in below else value
        return made
    key = _MERGE_KEYS.get(name)
    if key and isinstance(below, list) and isinstance(above, list):
        return _by_key(below, above, key)
    return above


def _by_key(below: list[Any], above: list[Any], key: str) -> list[Any]:
    if not all(isinstance(one, dict) and key in one for one in [*below, *above]):
        return above
    found = {one[key]: one for one in below}
    over = [merged(found[one[key]], one) if one[key] in found else one for one in above]
    names = {one[key] for one in above}
    return [*over, *(one for one in below if one[key] not in names)]


def resolved(document: Document, change: Any) -> Document:
    """A copy with `change` made to the workflow spec, wherever the kind keeps it."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return document
    if isinstance(spec.get("workflowSpec"), dict):
        return {**document, "spec": {**spec, "workflowSpec": change(spec["workflowSpec"])}}
    return {**document, "spec": change(spec)}


def workflow_spec(document: Document) -> Document:
    """The workflow spec, wherever the kind keeps it."""
    spec = document.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    inner = spec.get("workflowSpec")
    return inner if isinstance(inner, dict) else spec


def uses_others(part: Any) -> bool:
    """Whether a workflow spec runs templates that are not among its own."""
    if isinstance(part, dict):
        named = any(part.get(key) for key in ("templateRef", "workflowTemplateRef", "inline"))
        return named or any(uses_others(value) for value in part.values())
    return isinstance(part, list) and any(map(uses_others, part))
