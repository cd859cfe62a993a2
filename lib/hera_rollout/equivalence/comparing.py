"""The walk over two documents at once, led by the schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from hera_rollout.equivalence import containers, depends, environment, losses, naming, paths, values
from hera_rollout.equivalence.differences import ABSENT, Difference, Op, Severity
from hera_rollout.equivalence.schemas import Node

Side = Literal["yaml", "hera"]
_MAIN: Final = frozenset({".container", ".script"})
_DESCRIPTIONS: Final = frozenset({".description"})


class Walk:
    """Collects the differences of two documents of one kind."""

    def __init__(self, kind: str, rules: frozenset[str], *, derived: bool) -> None:
        self.kind = kind
        self.rules = rules
        self.derived = derived
        self.found: list[Difference] = []
        self.path: list[str] = []
        self._tasks: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    # -- what is said ---------------------------------------------------------------------------------------------

    def add(self, op: Op, one: Any, other: Any, rule: str, severity: Severity = "none") -> None:
        """Note a difference at the place where the walk is."""
        self.found.append(Difference(paths.joined(self.path), op, one, other, rule, severity))

    def excused(self, rule: str, op: Op, one: Any, other: Any) -> bool:
        """Note the difference under a rule, if the rule is on."""
        if rule not in self.rules:
            return False
        self.add(op, one, other, rule)
        return True

    def changed(self, one: Any, other: Any, why: str = "") -> None:
        """Note a difference that no rule excuses."""
        cosmetic = bool(self.path) and self.path[-1] in _DESCRIPTIONS
        why = why or ("shown to people only" if cosmetic else "means something else")
        self.add("changed", one, other, why, "cosmetic" if cosmetic else "behavioural")

    # -- the walk -------------------------------------------------------------------------------------------------

    def at(self, part: str, one: Any, other: Any, node: Node | None) -> None:
        """Compare one step further down."""
        self.path.append(part)
        self.values(one, other, node)
        self.path.pop()

    def values(self, one: Any, other: Any, node: Node | None) -> None:
        """Compare two values at the place where the walk is."""
        kind = type(one)
        if kind is not type(other):
            self._leaf(one, other, node)
        elif kind is dict:
            self.maps(one, other, node)
        elif kind is list:
            self._lists(one, other, node)
        elif one != other:
            self._leaf(one, other, node)

    def maps(self, one: dict[str, Any], other: dict[str, Any], node: Node | None, skip: Iterable[str] = ()) -> None:
        """Compare two objects, field by field."""
        role = node.role if node is not None else ""
        if role:
            skip = self._special(role, one, other)
        ours = list(one) if one.keys() == other.keys() else [key for key in one if key in other]
        theirs = list(other) if len(ours) == len(other) else [key for key in other if key in one]
        if ours != theirs and not self.excused("key-order", "reordered", ours, theirs):
            self.add("reordered", ours, theirs, "the rule key-order is off", "behavioural")
        fields = (node.properties if node is not None else None) or {}
        general = node.values if node is not None else None
        for key, value in one.items():
            if key in skip:
                continue
            child = fields.get(key) or general
            if key in other:
                self.at("." + key, value, other[key], child)
            else:
                self.only("." + key, value, "yaml", child, node)
        if len(theirs) != len(other):
            for key, value in other.items():
                if key not in one and key not in skip:
                    self.only("." + key, value, "hera", fields.get(key) or general, node)
        if role == "dag":
            self._tasks = ({}, {})

    def only(self, part: str, value: Any, side: Side, node: Node | None, parent: Node | None = None) -> None:
        """Note a value that only one side has."""
        self.path.append(part)
        one, other = (value, ABSENT) if side == "yaml" else (ABSENT, value)
        op: Op = "only-yaml" if side == "yaml" else "only-hera"
        if not self._excused_absence(value, node, op, one, other):
            self.add(op, one, other, *self._weight(part, side, node, parent))
        self.path.pop()

    # -- the parts ------------------------------------------------------------------------------------------------

    def _excused_absence(self, value: Any, node: Node | None, op: Op, one: Any, other: Any) -> bool:
        if nothing(value, node) and self.excused("absent-or-zero", op, one, other):
            return True
        if node is not None and node.has_default and values.identical(value, node.default):
            return self.excused("schema-default", op, one, other)
        if self.path[-1] == ".serviceAccountName" and value == "default":
            spec = self.path in ([".spec", ".serviceAccountName"], [".spec", ".workflowSpec", ".serviceAccountName"])
            return spec and self.excused("default-service-account", op, one, other)
        return False

    def _weight(self, part: str, side: Side, node: Node | None, parent: Node | None) -> tuple[str, Severity]:
        if part in _DESCRIPTIONS:
            return "shown to people only", "cosmetic"
        unknown = node is None and parent is not None and bool(parent.type) and not parent.preserve
        if unknown:
            return "outside the schema: it vanishes", "loss"
        if losses.dropped(self.path, self.kind):
            return f"Hera {losses.VERSION} does not know it: it vanishes", "loss"
        if self.derived and side == "yaml":
            return "Hera drops it", "loss"
        return "means something else", "behavioural"

    def _leaf(self, one: Any, other: Any, node: Node | None) -> None:
        if one is None or other is None:
            value, op = (other, "only-hera") if one is None else (one, "only-yaml")
            part = self.path.pop()
            self.only(part, value, "yaml" if op == "only-yaml" else "hera", node)
            self.path.append(part)
            return
        rule = _same_leaf(one, other, node) if node is not None else ""
        if not (rule and self.excused(rule, "changed", one, other)):
            self.changed(one, other)

    def _lists(self, one: list[Any], other: list[Any], node: Node | None) -> None:
        part = self.path[-1] if self.path else ""
        if node is not None and naming.is_env(node) and self._env(one, other, node):
            return
        key = naming.key_of(part, node)
        if key:
            ours, theirs = naming.names(one, key), naming.names(other, key)
            if ours is not None and theirs is not None and self._named(one, other, ours, theirs, node):
                return
        if part == ".dependencies" and len(one) == len(other) and _same_words(one, other):
            if one != other and not self.excused("depends", "reordered", one, other):
                self.changed(one, other)
            return
        self._in_order(one, other, node)

    def _named(self, one: list[Any], other: list[Any], ours: list[Any], theirs: list[Any], node: Node | None) -> bool:
        item = node.items if node is not None else None
        if ours != theirs:
            if "named-lists" not in self.rules or len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs):
                return False
            common = [name for name in ours if name in theirs], [name for name in theirs if name in ours]
            if common[0] != common[1]:
                self.add("reordered", ours, theirs, "named-lists")
        elif len(set(ours)) < len(ours):
            return False
        there = dict(zip(theirs, other, strict=True))
        for name, value in zip(ours, one, strict=True):
            if name in there:
                self.at(f"[{name}]", value, there[name], item)
            else:
                self.only(f"[{name}]", value, "yaml", item)
        if ours != theirs:
            for name, value in there.items():
                if name not in ours:
                    self.only(f"[{name}]", value, "hera", item)
        return True

    def _in_order(self, one: list[Any], other: list[Any], node: Node | None) -> None:
        item = node.items if node is not None else None
        if len(one) != len(other) and not any(type(value) in {dict, list} for value in (*one, *other)):
            if not (one and other):
                part = self.path.pop()
                side: Side = "yaml" if one else "hera"
                self.only(part, one or other, side, node)
                self.path.append(part)
                return
            self.changed(one, other)
            return
        for number, (ours, theirs) in enumerate(zip(one, other, strict=False)):
            self.at(paths.shared(ours, theirs, number), ours, theirs, item)
        for number in range(len(other), len(one)):
            self.only(paths.entry(one[number], number), one[number], "yaml", item)
        for number in range(len(one), len(other)):
            self.only(paths.entry(other[number], number), other[number], "hera", item)

    def _env(self, one: list[Any], other: list[Any], node: Node) -> bool:
        ours, theirs = naming.names(one, ("name",)), naming.names(other, ("name",))
        if ours is None or theirs is None or ours == theirs:
            return False
        twins = len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs)
        alike = environment.effective(one) == environment.effective(other)
        if alike and sorted(ours) == sorted(theirs) and self.excused("env-order", "reordered", ours, theirs):
            return True
        if alike and twins and self.excused("env-order", "changed", ours, theirs):
            return True
        if twins:
            self.changed(one, other)
            return True
        self._env_by_name(one, other, node)
        return True

    def _env_by_name(self, one: list[Any], other: list[Any], node: Node) -> None:
        there, here = {entry["name"]: entry for entry in other}, {entry["name"]: entry for entry in one}
        for name, entry in here.items():
            if name in there:
                self.at(f"[{name}]", entry, there[name], node.items)
            else:
                self.only(f"[{name}]", entry, "yaml", node.items)
        for name, entry in there.items():
            if name not in here:
                self.only(f"[{name}]", entry, "hera", node.items)
        common = [entry for entry in one if entry["name"] in there], [entry for entry in other if entry["name"] in here]
        ours, theirs = ([entry["name"] for entry in side] for side in common)
        if ours != theirs:
            free = not any("$(" in str(entry.get("value") or "") for side in common for entry in side)
            if not (free and self.excused("env-order", "reordered", ours, theirs)):
                self.add("reordered", ours, theirs, "$(VAR) sees only earlier entries", "behavioural")

    def _special(self, role: str, one: dict[str, Any], other: dict[str, Any]) -> Iterable[str]:
        if role == "dag":
            self._tasks = (_by_name(one.get("tasks")), _by_name(other.get("tasks")))
            return ()
        if role == "task":
            return self._task(one, other)
        if role in {"script", "container"}:
            return self._container(one, other)
        return ()

    def _task(self, one: dict[str, Any], other: dict[str, Any]) -> Iterable[str]:
        ours, theirs = (
            {key: side[key] for key in ("depends", "dependencies") if side.get(key)} for side in (one, other)
        )
        if values.identical(ours, theirs):
            return ()
        forms = depends.form(one, self._tasks[0]), depends.form(other, self._tasks[1])
        self.path.append(".depends")
        sides = _written(ours), _written(theirs)
        if forms[0] != forms[1]:
            self.changed(*sides, "waits for something else")
        elif not self.excused("depends", "changed", *sides):
            self.changed(*sides)
        self.path.pop()
        return ("depends", "dependencies")

    def _container(self, one: dict[str, Any], other: dict[str, Any]) -> Iterable[str]:
        skip: list[str] = []
        if self.path and self.path[-1] in _MAIN and one.get("name") != other.get("name"):
            skip += self._excused_field("main-container-name", "name", one, other)
        if one.get("source") != other.get("source") and (rule := containers.source_rule(one, other)):
            skip += self._excused_field(rule, "source", one, other)
        lines = [[side.get(key) for key in ("command", "args")] for side in (one, other)]
        if not values.identical(*lines) and (rule := containers.command_rule(one, other)):
            shown = "args" if lines[0][0] == lines[1][0] else "command"
            skip += [*self._excused_field(rule, shown, one, other), "command", "args"] if rule in self.rules else []
        return skip

    def _excused_field(self, rule: str, key: str, one: dict[str, Any], other: dict[str, Any]) -> list[str]:
        self.path.append("." + key)
        done = self.excused(rule, "changed", one.get(key, ABSENT), other.get(key, ABSENT))
        self.path.pop()
        return [key] if done else []


def nothing(value: Any, node: Node | None) -> bool:
    """Whether Go reads the value as if it were not there; what Go's type keeps apart from absent is something."""
    if value is None:
        return True
    if node is None or not node.zero_is_absent:
        return False
    if type(value) is dict:
        if node.properties is None:
            return not value
        return all(nothing(child, node.properties.get(key)) for key, child in value.items())
    return value in ("", [], False) if not isinstance(value, int | float) else value == 0


def _same_leaf(one: Any, other: Any, node: Node) -> str:
    if node.any_string and values.any_string(one) == values.any_string(other):
        return "any-string"
    if node.type == "number" and type(one) in {int, float} and type(other) in {int, float} and one == other:
        return "number"
    if node.argo_int and values.identical(values.whole_number(one), values.whole_number(other)):
        return "int-or-string"
    if node.int_or_string and node.pattern and values.quantity(one) == values.quantity(other):
        return "quantity"
    return ""


def _by_name(tasks: Any) -> dict[str, Any]:
    entries = tasks if isinstance(tasks, list) else []
    return {str(task.get("name")): task for task in entries if type(task) is dict}


def _same_words(one: list[Any], other: list[Any]) -> bool:
    return all(type(word) is str for word in (*one, *other)) and sorted(one) == sorted(other)


def _written(fields: dict[str, Any]) -> Any:
    return next(iter(fields.values())) if len(fields) == 1 else (fields or ABSENT)
