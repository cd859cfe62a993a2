"""Taking out what defined the flag, once nobody asks for it any more."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from typing import TypeVar

import libcst as cst

from hera_rollout.cleanup.blocks import leading, with_leading
from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.names import dotted, targets
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.trying import PRESENT
from hera_rollout.cleanup.values import Known, Value, is_flag, literal


BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr", "attrgetter", "patch", "object", "multiple"})
Assignment = TypeVar("Assignment", cst.Assign, cst.AnnAssign)


class References(cst.CSTVisitor):
    """How often each identifier is used; what defines or imports it does not count."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()
        self.defined: Counter[str] = Counter()

    def visit_Name(self, node: cst.Name) -> None:
        """Any identifier."""
        self.count[node.value] += 1

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        """An import is no use, except under another name."""
        for alias in node.names if not isinstance(node.names, cst.ImportStar) else ():
            if alias.asname:
                self.count[dotted(alias.name)] += 1
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        """Nor is this."""
        return False

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Definitions: assignments, functions, classes."""
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.defined[node.name.value] += 1
        for target in targets(node) if isinstance(node, cst.Assign | cst.AnnAssign) else ():
            name = dotted(target).removeprefix("self.")
            if name and "." not in name:
                self.defined[name] += 1
        return super().on_visit(node)

    def visit_Call(self, node: cst.Call) -> None:
        """A text handed to `getattr` and its like is a name: `getattr(config, "USE_HERA")`."""
        if dotted(node.func).rpartition(".")[2] in BY_NAME:
            for arg in node.args:
                text = literal(arg.value)
                if isinstance(text, str):
                    self.count[text.rpartition(".")[2]] += 1

    def visit_Subscript(self, node: cst.Subscript) -> None:
        """So is one in `globals()["USE_HERA"]`, `vars(config)["USE_HERA"]`."""
        if isinstance(node.value, cst.Call) and dotted(node.value.func) in {"globals", "locals", "vars"}:
            for element in node.slice:
                text = literal(element.slice.value) if isinstance(element.slice, cst.Index) else None
                if isinstance(text, str):
                    self.count[text] += 1

    def visit_Assign(self, node: cst.Assign) -> bool:
        """A name in `__all__` is no use."""
        return not any(dotted(target.target) == "__all__" for target in node.targets)


def uses(sources: Iterable[Source]) -> Counter[str]:
    """Uses of each identifier over all modules, definitions not counted."""
    total: Counter[str] = Counter()
    for source in sources:
        found = References()
        source.tree.visit(found)
        total.update(found.count)
        total.subtract(found.defined)
    return total


def unused(sources: Sequence[Source], facts: Facts, before: Counter[str]) -> set[str]:
    """Names that stood for the flag and are asked for no more; one that never was is somebody's interface."""
    total = uses(sources)
    found: set[str] = set()
    for name, value in facts.values():
        last = name.rpartition(".")[2]
        if total[last] <= 0 and (is_flag(value) or before[last] > 0) and not is_present(value):
            found.add(last)
    found |= {last for name in facts.marks if total[last := name.rpartition(".")[2]] <= 0}
    return found | {last for name in facts.flag_names if total[last := name.rpartition(".")[2]] <= 0}


def is_present(value: Value) -> bool:
    """Whether it is an import that is certain now."""
    return isinstance(value, Known) and value.value is PRESENT


class Prune(cst.CSTTransformer):
    """Takes definitions, imports and exports of some names out of one module."""

    def __init__(self, source: Source, facts: Facts, names: set[str]) -> None:
        super().__init__()
        self.source = source
        self.facts = facts
        self.names = names
        self.removed: list[tuple[str, str]] = []
        self.classes: list[str] = []
        self.functions = 0
        self.gone: set[cst.CSTNode] = set()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """Inside a class, names are fields."""
        self.classes.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        """Leave it."""
        self.classes.pop()
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """Inside a function, only attributes of self are ours."""
        self.functions += 1

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        """A helper or a property."""
        self.functions -= 1
        name = updated_node.name.value
        if self.functions or name not in self.names or not self._ours(name):
            return updated_node
        self.removed.append((name, "property" if self.classes else "helper function"))
        self.gone.add(original_node)
        return cst.RemoveFromParent()

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign | cst.RemovalSentinel:
        """A constant, a field, an attribute; an entry of `__all__`."""
        if dotted(updated_node.targets[0].target) == "__all__":
            return self._exports(updated_node)
        return self._definition(updated_node)

    def leave_AnnAssign(
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign | cst.RemovalSentinel:
        """The same with a type."""
        return self._definition(updated_node)

    def _definition(self, node: Assignment) -> Assignment | cst.RemovalSentinel:
        every = list(targets(node))
        name = dotted(every[0])
        inside = name.startswith("self.") if self.functions else "." not in name
        name = name.removeprefix("self.")
        if len(every) != 1 or not inside or name not in self.names or not self._ours(name):
            return node
        self.removed.append((name, "settings field" if self.classes else "constant"))
        return cst.RemoveFromParent()

    def _ours(self, name: str) -> bool:
        if self.classes:
            return name in self.facts.attributes or name in self.facts.methods
        whole = f"{self.source.module}.{name}"
        return whole in self.facts.constants or whole in self.facts.calls or whole in self.facts.flag_names or whole in self.facts.marks

    def _exports(self, node: cst.Assign) -> cst.Assign:
        if not isinstance(node.value, cst.List | cst.Tuple):
            return node
        kept = [element for element in node.value.elements if literal(element.value) not in self.names]
        if len(kept) == len(node.value.elements):
            return node
        if kept:
            kept[-1] = kept[-1].with_changes(comma=node.value.elements[-1].comma)
        return node.with_changes(value=node.value.with_changes(elements=kept))

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        """Imports of the names."""
        if isinstance(updated_node.names, cst.ImportStar):
            return updated_node
        kept = [alias for alias in updated_node.names if not self._imported(alias)]
        if len(kept) == len(updated_node.names):
            return updated_node
        if not kept:
            return cst.RemoveFromParent()
        kept[-1] = kept[-1].with_changes(comma=updated_node.names[-1].comma)
        return updated_node.with_changes(names=kept)

    def _imported(self, alias: cst.ImportAlias) -> bool:
        whole = self.source.imports.get(dotted(alias.name), "")
        return dotted(alias.name) in self.names and bool(whole)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        """A line with nothing left on it goes, its comments with it."""
        if updated_node.body:
            return updated_node
        self.gone.add(original_node)
        return cst.RemoveFromParent()

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        """The blank lines above what went stay."""
        return updated_node.with_changes(body=spaced(original_node.body, updated_node.body, self.gone))

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        """In a class too."""
        return updated_node.with_changes(body=spaced(original_node.body, updated_node.body, self.gone))


def spaced(
    before: Sequence[cst.CSTNode], after: Sequence[cst.CSTNode], gone: Collection[cst.CSTNode]
) -> list[cst.CSTNode]:
    """What stays, with at least as many blank lines above as what went before it had."""
    found: list[cst.CSTNode] = []
    blank: list[cst.EmptyLine] = []
    rest = iter(after)
    for statement in before:
        if statement in gone:
            blank = max(blank, _blank(statement), key=len)
            continue
        kept = next(rest, None)
        if kept is None:
            break
        if isinstance(kept, cst.BaseStatement) and len(_blank(kept)) < len(blank) and found:
            kept = with_leading(kept, [*blank, *leading(kept)[len(_blank(kept)):]])
        blank = []
        found.append(kept)
    return [*found, *rest]


def _blank(statement: cst.CSTNode) -> list[cst.EmptyLine]:
    return list(takewhile(lambda line: line.comment is None, leading(statement)))
