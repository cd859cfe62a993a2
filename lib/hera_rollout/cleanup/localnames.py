"""Locals that carry the flag inside one function."""

from collections.abc import Mapping

import libcst as cst

from hera_rollout.cleanup.names import Bindings, parameters, targets
from hera_rollout.cleanup.reading import Reader
from hera_rollout.cleanup.values import Value


class _Assignments(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, cst.BaseExpression]] = []

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        return False

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Assign | cst.AnnAssign) and node.value is not None:
            names = [target.value for target in targets(node) if isinstance(target, cst.Name)]
            if len(names) == 1 and len(list(targets(node))) == 1:
                self.found.append((names[0], node.value))
        return super().on_visit(node)


def local_values(node: cst.FunctionDef, bound: Bindings, reader: Reader) -> dict[str, Value]:
    """Locals that are assigned once, from the flag."""
    assignments = _Assignments()
    node.body.visit(assignments)
    single = [
        (name, value)
        for name, value in assignments.found
        if bound.count[name] == 1 and name not in bound.declared and name not in parameters(node)
    ]
    nested = _Nonlocals()
    node.body.visit(nested)
    found: dict[str, Value] = {}
    for name, expression in single:
        value = reader.value(expression)
        if value is not None and name not in nested.found:
            found[name] = value
            reader.scopes[-1][name] = value
    return found


class _Nonlocals(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_Nonlocal(self, node: cst.Nonlocal) -> None:
        self.found |= {item.name.value for item in node.names}


class _Reads(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.count: dict[str, int] = {}

    def visit_Name(self, node: cst.Name) -> None:
        self.count[node.value] = self.count.get(node.value, 0) + 1


def reads(node: cst.CSTNode, name: str) -> int:
    """How often a name stands in a piece of code."""
    found = _Reads()
    node.visit(found)
    return found.count.get(name, 0)


def drop_unread(node: cst.FunctionDef, values: Mapping[str, Value]) -> cst.FunctionDef:
    """The function without the locals that nobody reads any more."""
    while values:
        reads = _Reads()
        node.body.visit(reads)
        unread = {name for name in values if reads.count.get(name, 0) == 1}
        if not unread:
            return node
        changed = node.visit(_Drop(unread))
        if not isinstance(changed, cst.FunctionDef):
            return node
        node, values = changed, {name: value for name, value in values.items() if name not in unread}
    return node


class _Drop(cst.CSTTransformer):
    def __init__(self, names: set[str]) -> None:
        super().__init__()
        self.names = names

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign | cst.RemovalSentinel:
        return cst.RemoveFromParent() if self._only(updated_node) else updated_node

    def leave_AnnAssign(
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign | cst.RemovalSentinel:
        return cst.RemoveFromParent() if self._only(updated_node) else updated_node

    def _only(self, node: cst.Assign | cst.AnnAssign) -> bool:
        names = [target.value for target in targets(node) if isinstance(target, cst.Name)]
        return len(names) == 1 and names[0] in self.names

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        return updated_node if updated_node.body else cst.RemoveFromParent()
