"""Manifests of our own, and what is done to them."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hera_rollout import equivalence
from hera_rollout.equivalence import Comparison

MANIFESTS = Path(__file__).parent / "manifests"


@pytest.fixture
def manifests() -> Path:
    return MANIFESTS


def read(name: str) -> list[dict[str, Any]]:
    return equivalence.documents((MANIFESTS / name).read_text("utf-8"), name)


@pytest.fixture
def ours() -> list[dict[str, Any]]:
    """All our manifests that Argo 4 takes."""
    return [*read("dag.yaml"), *read("cron.yaml")]


@pytest.fixture
def dag() -> dict[str, Any]:
    return read("dag.yaml")[0]


@pytest.fixture
def workflow() -> Callable[..., dict[str, Any]]:
    """A workflow of one container template, with fields of the spec and of the container put in."""

    def make(spec: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
        template = {"name": "main", "container": {"image": "busybox:1", "command": ["echo"], **container}}
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"generateName": "x-"},
            "spec": {"entrypoint": "main", "templates": [template], **(spec or {})},
        }

    return make


@pytest.fixture
def found() -> Callable[..., set[tuple[str, str, str]]]:
    """Path, severity and rule of every difference, key order left out."""

    def compare(one: dict[str, Any], other: dict[str, Any], **options: Any) -> set[tuple[str, str, str]]:
        made: Comparison = equivalence.compare(one, other, **options)
        mirrored = equivalence.compare(other, one, **options)
        assert {(d.path, d.severity, d.rule) for d in made.differences} == {
            (d.path, d.severity, d.rule) for d in mirrored.differences
        }, "what A and B differ in is what B and A differ in"
        return {(d.path, d.severity, d.rule) for d in made.differences if d.rule != "key-order"}

    return compare


Way = tuple[Any, ...]


def leaves(value: Any, path: Way = ()) -> Iterator[tuple[Way, Any]]:
    """Every scalar, and every empty list or object, with its way down."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not isinstance(value, dict | list) or not value:
        yield path, value
    for key, child in inner:
        yield from leaves(child, (*path, key))


def changed(document: dict[str, Any], path: Way, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    place = made
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


def mutations(document: dict[str, Any]) -> Iterator[tuple[Way, dict[str, Any]]]:
    """The document with each leaf changed once and each leaf dropped once."""
    for path, value in leaves(document):
        if path[0] in {"apiVersion", "kind", "status"}:
            continue
        if isinstance(value, bool):
            yield path, changed(document, path, not value)
        elif isinstance(value, int | float):
            yield path, changed(document, path, value + 1)
        elif isinstance(value, str):
            yield path, changed(document, path, value + "x")
        if isinstance(path[-1], str):
            yield path, changed(document, path, ...)


def judged(documents: list[dict[str, Any]]) -> tuple[int, int, dict[str, list[str]]]:
    """How many mutations there were, how many were found, and the rest by the rule that says they mean nothing."""
    total = seen = 0
    excused: dict[str, list[str]] = {}
    for document in documents:
        for path, mutated in mutations(document):
            total += 1
            own = equivalence.compare(document, document).differences
            made = [d for d in equivalence.compare(document, mutated).differences if d not in own]
            if any(d.severity != "none" for d in made):
                seen += 1
            else:
                rules = ",".join(sorted({d.rule for d in made})) or "NOTHING"
                excused.setdefault(rules, []).append(".".join(map(str, path)))
    return total, seen, excused


@pytest.fixture
def mutate() -> Callable[[list[dict[str, Any]]], tuple[int, int, dict[str, list[str]]]]:
    return judged
