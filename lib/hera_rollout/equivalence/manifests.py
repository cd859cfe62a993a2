"""Two manifests of one kind: documents in, differences out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hera_rollout.equivalence import defaults, heads, values
from hera_rollout.equivalence.checking import Violation, check
from hera_rollout.equivalence.comparing import Walk
from hera_rollout.equivalence.differences import ABSENT, Comparison, Difference
from hera_rollout.equivalence.rules import ALL
from hera_rollout.equivalence.schemas import KINDS, Node, Schema, bundled
from hera_rollout.errors import Refused

_RUN_ITSELF: Final = frozenset({"Workflow", "CronWorkflow"})


def compare(
    yaml_document: Mapping[str, Any],
    hera_document: Mapping[str, Any],
    *,
    schema: Schema | None = None,
    rules: Iterable[str] = ALL,
    workflow_defaults: Mapping[str, Any] | None = None,
    namespace: str | None = None,
    derived: bool = False,
) -> Comparison:
    """Compare two raw documents, and both with the schema.

    Args:
        yaml_document: What the YAML path submits, or what is stored of it.
        hera_document: The same of the Hera path.
        schema: The CRDs' schemas; the pinned Argo version's unless given.
        rules: Names of the rules that may excuse a difference.
        workflow_defaults: The controller's workflowDefaults, if it has any.
        namespace: Where both would be submitted; what an absent namespace then means.
        derived: Whether the Hera document was made from the YAML one: a field it lacks is then a loss.

    Raises:
        Refused: They cannot be compared.
    """
    one, other = dict(yaml_document), dict(hera_document)
    schema = schema or bundled()
    kind = _kind(one, other)
    node = schema.of(kind)
    active = frozenset(rules)
    walk = Walk(kind, active, derived=derived)
    try:
        _documents(walk, (one, other), node, workflow_defaults, namespace)
        found = walk.found
        if node is not None:
            found = [*_violations(check(one, node), check(other, node), active), *found]
    except RecursionError:
        raise Refused("The documents are nested too deep to be compared.") from None
    return Comparison(tuple(found), schema.source)


def _kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    kinds = one.get("kind"), other.get("kind")
    if kinds[0] != kinds[1]:
        raise Refused(f"One is a {kinds[0]}, the other a {kinds[1]}: they cannot be compared.")
    if kinds[0] not in KINDS:
        raise Refused(f"Documents of kind {kinds[0]} are not compared.", expected=f"one of {', '.join(KINDS)}.")
    return str(kinds[0])


def _documents(
    walk: Walk,
    sides: tuple[dict[str, Any], dict[str, Any]],
    node: Node | None,
    workflow_defaults: Mapping[str, Any] | None,
    namespace: str | None,
) -> None:
    heads_of = [side["metadata"] if isinstance(side.get("metadata"), dict) else {} for side in sides]
    walk.path.append(".metadata")
    heads.compare(walk, heads_of[0], heads_of[1], _field(node, "metadata"), namespace)
    walk.path.pop()
    one, other = ({**side, "metadata": {}} for side in sides)
    if "status" in walk.rules and ("status" in one or "status" in other):
        _status(walk, one, other)
    if workflow_defaults and "workflow-defaults" in walk.rules:
        one, other = _with_workflow_defaults(walk, one, other, workflow_defaults)
    if "template-defaults" in walk.rules and walk.kind in _RUN_ITSELF:
        one, other = _with_template_defaults(walk, one, other)
    walk.maps(one, other, node)


def _status(walk: Walk, one: dict[str, Any], other: dict[str, Any]) -> None:
    ours, theirs = one.pop("status", ABSENT), other.pop("status", ABSENT)
    if not values.identical(ours, theirs):
        shown = ["(a status)" if side is not ABSENT else ABSENT for side in (ours, theirs)]
        walk.found.append(Difference("status", "changed", shown[0], shown[1], "status", "none"))


def _with_workflow_defaults(
    walk: Walk, one: dict[str, Any], other: dict[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    made = [defaults.resolved(side, lambda spec: defaults.with_workflow_defaults(spec, given)) for side in (one, other)]
    _note_resolved(walk, (one, other), (made[0], made[1]), dict(given.get("spec", given)), "workflow-defaults")
    return made[0], made[1]


def _with_template_defaults(
    walk: Walk, one: dict[str, Any], other: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    specs = defaults.workflow_spec(one), defaults.workflow_spec(other)
    given = [spec.get("templateDefaults") for spec in specs]
    if not any(given):
        return one, other
    if not values.identical(*given) and any(defaults.uses_others(spec) for spec in specs):
        return one, other  # they reach templates that are not here to be looked at
    made = [defaults.resolved(side, defaults.with_template_defaults) for side in (one, other)]
    _note_resolved(walk, (one, other), (made[0], made[1]), ("templateDefaults", "templates"), "template-defaults")
    return made[0], made[1]


def _note_resolved(
    walk: Walk,
    before: tuple[dict[str, Any], dict[str, Any]],
    after: tuple[dict[str, Any], dict[str, Any]],
    keys: Iterable[str],
    rule: str,
) -> None:
    """Note what differed in the text but no longer does once the defaults are in."""
    raw = [defaults.workflow_spec(side) for side in before]
    resolved = [defaults.workflow_spec(side) for side in after]
    place = "spec.workflowSpec" if walk.kind == "CronWorkflow" else "spec"
    for key in keys:
        ours, theirs = (spec.get(key, ABSENT) for spec in raw)
        same_now = values.identical(resolved[0].get(key), resolved[1].get(key))
        if same_now and not values.identical(ours, theirs):
            walk.found.append(Difference(f"{place}.{key}", "changed", ours, theirs, rule, "none"))


def _violations(ours: list[Violation], theirs: list[Violation], rules: frozenset[str]) -> list[Difference]:
    """Both sides' violations, one difference a place."""
    sides: dict[tuple[str, str], list[Any]] = {}
    kinds: dict[tuple[str, str], Violation] = {}
    for number, violations in enumerate((ours, theirs)):
        for violation in violations:
            key = (violation.path, violation.text)
            sides.setdefault(key, [ABSENT, ABSENT])[number] = violation.value
            kinds[key] = violation
    return [_violated(kinds[key], pair[0], pair[1], rules) for key, pair in sides.items()]


def _violated(violation: Violation, one: Any, other: Any, rules: frozenset[str]) -> Difference:
    if violation.kind == "coerced" and "any-string" in rules:
        return Difference(violation.path, "invalid", one, other, "any-string", "cosmetic")
    op = {"unknown": "not-in-schema", "duplicate": "duplicate"}.get(violation.kind, "invalid")
    return Difference(violation.path, op, one, other, violation.text, "illegal")  # type: ignore[arg-type]


def _field(node: Node | None, name: str) -> Node | None:
    return (node.properties or {}).get(name) if node is not None else None
