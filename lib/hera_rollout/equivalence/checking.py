"""One document against the CRD's schema: fields that are not in it, values it does not allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from hera_rollout.equivalence import naming, paths
from hera_rollout.equivalence.schemas import Node

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "": (object,),
}


@dataclass(frozen=True)
class Violation:
    """One place at which the API server would refuse a document, prune it, or (`coerced`) take it only from Argo."""

    path: str
    value: Any
    kind: Literal["unknown", "type", "value", "missing", "coerced", "duplicate"]
    text: str


def check(document: Any, node: Node) -> list[Violation]:
    """All violations, in the document's order."""
    found: list[Violation] = []
    _walk(document, node, [], found)
    return found


def _walk(value: Any, node: Node, path: list[str], found: list[Violation]) -> None:
    kind = type(value)
    if kind is dict and node.type in {"object", ""}:
        _object(value, node, path, found)
    elif kind is list and node.type in {"array", ""}:
        if len(value) > 1 and path:
            found.extend(_twins(value, node, path))
        if node.items is not None:
            for number, item in enumerate(value):
                path.append(paths.entry(item, number))
                _walk(item, node.items, path, found)
                path.pop()
    elif value is None:
        return  # the API server drops a null
    elif node.int_or_string:
        if kind not in {int, str} and not (kind is float and node.pattern):
            found.append(Violation(paths.joined(path), value, "type", "must be a whole number or text"))
    elif not _fits(value, node.type):
        found.append(_wrong_type(value, node, path))
    if node.limits or node.enum is not None or node.pattern:
        found.extend(_values(value, node, path))


def _twins(value: list[Any], node: Node, path: list[str]) -> Iterator[Violation]:
    key = naming.key_of(path[-1], node)
    names = naming.names(value, key) if key and not naming.is_env(node) else None
    for name in sorted(set(names or ()), key=str):
        if names and names.count(name) > 1:
            text = f"{names.count(name)} entries are called {name}: only one can be meant"
            yield Violation(f"{paths.joined(path)}[{name}]", name, "duplicate", text)


def _object(value: dict[str, Any], node: Node, path: list[str], found: list[Violation]) -> None:
    fields, other = node.properties, node.values
    for key, child in value.items():
        inner = fields.get(key) if fields is not None else None
        inner = inner or other
        if inner is not None:
            path.append("." + key)
            _walk(child, inner, path, found)
            path.pop()
        elif node.type and other is None and not node.preserve:
            where = f"{paths.joined(path)}.{key}" if path else key
            found.append(Violation(where, child, "unknown", "is not in the schema"))
    for name in node.required:
        if value.get(name) is None and not _defaulted(fields, name):
            found.append(Violation(f"{paths.joined(path)}.{name}".lstrip("."), None, "missing", "is required"))


def _fits(value: Any, wanted: str) -> bool:
    return wanted in {"boolean", ""} if type(value) is bool else isinstance(value, TYPES[wanted])


def _defaulted(fields: dict[str, Node] | None, name: str) -> bool:
    child = (fields or {}).get(name)
    return child is not None and child.has_default


def _wrong_type(value: Any, node: Node, path: list[str]) -> Violation:
    if node.any_string and isinstance(value, bool | int | float):
        text = "is text by the schema: only the Argo Server takes a number or boolean here"
        return Violation(paths.joined(path), value, "coerced", text)
    return Violation(paths.joined(path), value, "type", f"must be of type {node.type}")


def _values(value: Any, node: Node, path: list[str]) -> Iterator[Violation]:
    if node.enum is not None and isinstance(value, str) and value not in node.enum:
        text = f"must be one of {', '.join(sorted(node.enum))}"
        yield Violation(paths.joined(path), value, "value", text)
    if node.pattern and isinstance(value, str) and not _pattern(node.pattern).search(value):
        yield Violation(paths.joined(path), value, "value", f"does not match {node.pattern}")
    for name, limit in node.limits.items():
        if _beyond(name, value, limit):
            yield Violation(paths.joined(path), value, "value", f"is beyond {name} {limit}")


def _beyond(name: str, value: Any, limit: int) -> bool:
    if name in {"minimum", "maximum"}:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return value < limit if name == "minimum" else value > limit
    sized: type = str if name.endswith("Length") else list
    if not isinstance(value, sized):
        return False
    size = len(value)  # type: ignore[arg-type]
    return size < limit if name.startswith("min") else size > limit


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.removesuffix("$") + r"\Z" if text.endswith("$") else text)
