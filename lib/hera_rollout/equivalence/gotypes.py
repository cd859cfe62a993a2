"""Go's struct types, read from source: which fields are pointers, so that zero and absent differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hera_rollout.errors import Missing

_STRUCT: Final = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_NAMED: Final = re.compile(r"^type (\w+) (=? ?[\w.\[\]*]+)$", re.MULTILINE)
_FIELD: Final = re.compile(r"^\t(?:(\w+)[ \t]+)?([\w.\[\]*]+)[ \t]+`json:\"([^\"]*)\"", re.MULTILINE)
_ALIASES: Final = {"apiv1": "core", "corev1": "core", "v1": "core", "metav1": "meta", "policyv1": "policy"}
_PLAIN: Final = frozenset({"string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "byte"})


@dataclass(frozen=True)
class GoTypes:
    """Fields of structs by JSON name, and what other named types stand for."""

    structs: dict[str, dict[str, str]]
    named: dict[str, str]

    def resolve(self, name: str) -> str:
        """Follow named types that are no structs."""
        while name in self.named:
            name = self.named[name]
        return name


def read(folder: Path) -> GoTypes:
    """Read Argo's types and, from the same module cache, the Kubernetes API's that its go.mod names."""
    go_mod = (folder / "go.mod").read_text()
    wanted = re.search(r"^\tk8s\.io/api (\S+)", go_mod, re.MULTILINE)
    roots = [parent for parent in folder.resolve().parents if (parent / "k8s.io").is_dir()]
    if wanted is None or not roots:
        raise Missing(f"No k8s.io/api beside {folder}.", todo="Give the module's folder in Go's module cache.")
    api = roots[0] / f"k8s.io/api@{wanted[1]}"
    machinery = roots[0] / f"k8s.io/apimachinery@{wanted[1]}"
    types = GoTypes({}, {})
    _read(folder / "pkg/apis/workflow/v1alpha1", "argo", types)
    types.named["argo.ParallelSteps"] = "[]argo.WorkflowStep"  # a struct in Go, a list in JSON
    _read(api / "core/v1", "core", types)
    _read(api / "policy/v1", "policy", types)
    _read(machinery / "pkg/apis/meta/v1", "meta", types)
    return types


def _read(folder: Path, package: str, types: GoTypes) -> None:
    for path in sorted(folder.glob("*.go")):
        if path.name.endswith(("_test.go", "pb.go")) or "generated" in path.name:
            continue
        text = path.read_text("utf-8")
        for name, other in _NAMED.findall(text):
            types.named[f"{package}.{name}"] = _qualified(other.lstrip("= "), package)
        for name, body in _STRUCT.findall(text):
            types.structs[f"{package}.{name}"] = _fields(body, package)


def _fields(body: str, package: str) -> dict[str, str]:
    found = {}
    for name, kind, tag in _FIELD.findall(body):
        label = tag.partition(",")[0]
        if label != "-":
            found[label or f"(inline) {name or kind}"] = _qualified(kind, package)
    return found


def _qualified(kind: str, package: str) -> str:
    if kind.startswith("*"):
        return "*" + _qualified(kind[1:], package)
    if kind.startswith("[]"):
        return "[]" + _qualified(kind[2:], package)
    if kind.startswith("map["):
        key, _, value = kind.partition("]")
        return f"{key}]{_qualified(value, package)}"
    if kind in _PLAIN:
        return kind
    alias, dot, name = kind.partition(".")
    return f"{_ALIASES.get(alias, alias)}.{name}" if dot else f"{package}.{kind}"


def mark_zero(schema: dict[str, Any], kind: str, types: GoTypes) -> None:
    """Put `zero` on each place of a schema whose Go type reads its zero value as absent."""
    if kind == "argo.AnyString":
        schema["any_string"] = 1
    kind = types.resolve(kind)
    if kind.startswith("*"):
        mark_zero(schema, kind[1:], types)
        schema.pop("zero", None)
        return
    if kind.startswith("[]"):
        schema["zero"] = 1
        if isinstance(schema.get("items"), dict):
            mark_zero(schema["items"], kind[2:], types)
            schema["items"].pop("zero", None)  # an entry is there, whatever it holds
    elif kind.startswith("map["):
        schema["zero"] = 1
        if isinstance(schema.get("additionalProperties"), dict):
            mark_zero(schema["additionalProperties"], kind.partition("]")[2], types)
            schema["additionalProperties"].pop("zero", None)
    elif kind in _PLAIN:
        schema["zero"] = 1
    elif kind in types.structs and "properties" in schema:
        schema["zero"] = 1
        _mark_fields(schema, kind, types)


def _mark_fields(schema: dict[str, Any], kind: str, types: GoTypes) -> None:
    for label, other in types.structs[kind].items():
        if label.startswith("(inline) "):
            inner = types.resolve(other).lstrip("*")
            if inner in types.structs:
                _mark_fields(schema, inner, types)
        elif label in schema["properties"]:
            if kind.startswith("argo.") and other.endswith("intstr.IntOrString"):
                schema["properties"][label]["argo_int"] = 1
            mark_zero(schema["properties"][label], other, types)
