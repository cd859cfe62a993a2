"""The CRDs' full schemas, as far as a comparison needs them: structure, value limits, and what Go takes for absent.

The bundled file is made from the pinned Argo module: `python -m hera_rollout.equivalence.packing FOLDER`, FOLDER being
the module's folder in Go's module cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

BUNDLED: Final = "argo-workflows-v4.0.5.json"
KINDS: Final = ("ClusterWorkflowTemplate", "CronWorkflow", "Workflow", "WorkflowTemplate")
_ROLES: Final = (
    ("script", {"source", "command", "image"}),
    ("container", {"command", "image"}),
    ("env", {"name", "value", "valueFrom"}),
    ("task", {"depends", "dependencies"}),
    ("step", {"templateRef", "when", "onExit"}),
    ("dag", {"tasks", "target"}),
)
LIMITS: Final = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


class Node:
    """One place in a schema.

    Attributes:
        type: `object`, `array`, `string`, … or empty where the schema leaves it open.
        properties: The fields an object may have; None where any may stand.
        items: What a list holds.
        values: What a map's keys lead to.
        preserve: Whether the API server keeps fields that are not listed.
        zero_is_absent: Whether Go reads the type's zero value as if the field were not there.
        role: What an object here is to Argo: `script`, `container`, `env`, `task`, `step`, `dag`, or empty.
        any_string: Whether Argo makes text of any number or boolean here.
        argo_int: Whether Argo itself reads a number or its text here.
        keys: The fields by which Kubernetes merges the list's entries.
    """

    __slots__ = (
        "any_string",
        "argo_int",
        "default",
        "enum",
        "has_default",
        "int_or_string",
        "items",
        "keys",
        "limits",
        "pattern",
        "preserve",
        "properties",
        "required",
        "role",
        "type",
        "values",
        "zero_is_absent",
    )

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.type: str = raw.get("t", "")
        self.properties: dict[str, Node] | None = None
        self.items: Node | None = None
        self.values: Node | None = None
        self.preserve = bool(raw.get("u"))
        self.int_or_string = bool(raw.get("q"))
        self.required: tuple[str, ...] = tuple(raw.get("r", ()))
        self.enum: frozenset[str] | None = frozenset(raw["e"]) if "e" in raw else None
        self.pattern: str = raw.get("m", "")
        self.limits: dict[str, int] = raw.get("n", {})
        self.zero_is_absent = bool(raw.get("z"))
        self.any_string = bool(raw.get("s"))
        self.argo_int = bool(raw.get("w"))
        self.has_default = "d" in raw
        self.default: Any = raw.get("d")
        self.keys: tuple[str, ...] = tuple(raw.get("k", ()))
        self.role = next((role for role, names in _ROLES if names <= raw.get("p", {}).keys()), "")


@dataclass(frozen=True)
class Schema:
    """The schemas of Argo's four kinds, and where they come from."""

    source: str
    kinds: Mapping[str, Node]

    def of(self, kind: str) -> Node | None:
        """The schema of one kind; None if it is not one of Argo's four."""
        return self.kinds.get(kind)


@cache
def bundled() -> Schema:
    """The schemas that come with the kit."""
    text = files("hera_rollout.equivalence").joinpath("data", BUNDLED).read_text("utf-8")
    return unpacked(json.loads(text))


def unpacked(data: Mapping[str, Any]) -> Schema:
    """Link a packed schema file's numbered nodes."""
    raws = data["nodes"]
    nodes = [Node(raw) for raw in raws]
    for node, raw in zip(nodes, raws, strict=True):
        if "p" in raw:
            node.properties = {name: nodes[number] for name, number in raw["p"].items()}
        node.items = nodes[raw["i"]] if "i" in raw else None
        node.values = nodes[raw["a"]] if "a" in raw else None
    kinds = {kind: nodes[number] for kind, number in data["kinds"].items()}
    for node in kinds.values():
        _link_inline(node)
    header = data["header"]
    return Schema(f"{header['module']} {header['version']}".strip(), kinds)


def of_target(crds: Sequence[Mapping[str, Any]], source: str) -> Schema:
    """The schemas of a live target's own CRDs; what Go takes for absent is taken from the bundled ones."""
    from hera_rollout.equivalence.packing import packed

    schema = unpacked(packed(crds, {"module": source, "version": ""}))
    for kind, node in schema.kinds.items():
        known = bundled().of(kind)
        if known is not None:
            _overlay(node, known, set())
    return schema


def of_openapi(document: Mapping[str, Any], source: str) -> Schema | None:
    """The schemas from an API server's /openapi/v3/apis/argoproj.io/v1alpha1; None if its CRDs are the minimal ones."""
    parts = (document.get("components") or {}).get("schemas") or {}
    crds = []
    for kind in KINDS:
        schema = next((part for name, part in parts.items() if name.endswith(f".v1alpha1.{kind}")), None)
        spec = ((schema or {}).get("properties") or {}).get("spec") or {}
        if schema and spec.get("properties"):
            crds.append({"spec": {"names": {"kind": kind}, "versions": [{"schema": {"openAPIV3Schema": schema}}]}})
    return of_target(crds, source) if len(crds) == len(KINDS) else None


def _link_inline(root: Node) -> None:
    """A task's or step's `inline` is a template, although the CRD leaves it open to be finite."""
    template = step_into(root, "templates")
    if template is None or template.items is None:
        return
    template = template.items
    for way in (("dag", "tasks"), ("steps",)):
        holder: Node | None = template
        for name in way:
            holder = (holder.properties or {}).get(name) if holder else None
        while holder is not None and holder.items is not None:
            holder = holder.items
        if holder is not None and holder.properties and "inline" in holder.properties:
            inline = Node({"u": 1})
            inline.properties = template.properties
            holder.properties = {**holder.properties, "inline": inline}


def step_into(root: Node, name: str) -> Node | None:
    """A field of the workflow spec, wherever the kind keeps it."""
    spec = (root.properties or {}).get("spec")
    fields = (spec.properties if spec else None) or {}
    if "workflowSpec" in fields:
        fields = fields["workflowSpec"].properties or {}
    return fields.get(name)


def _overlay(node: Node, known: Node, done: set[tuple[int, int]]) -> None:
    if (id(node), id(known)) in done:
        return
    done.add((id(node), id(known)))
    for name in ("zero_is_absent", "any_string", "argo_int"):
        setattr(node, name, getattr(known, name))
    for name, child in (node.properties or {}).items():
        if name in (known.properties or {}):
            _overlay(child, (known.properties or {})[name], done)
    for child_of in ("items", "values"):
        ours, theirs = getattr(node, child_of), getattr(known, child_of)
        if ours is not None and theirs is not None:
            _overlay(ours, theirs, done)
