"""Taking out what defined the flag, once nobody asks for it any more."""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cache
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
TABLES = frozenset({"globals", "locals", "vars"})
DOTTED = re.compile(r"[A-Za-z_][\w.\[\], |:]*")
Assignment = TypeVar("Assignment", cst.Assign, cst.AnnAssign)


@cache
def _uses(source: Source, *, texts: bool) -> Counter[str]:
    """How often one module uses each identifier; what defines, binds or imports it does not count."""
    found: Counter[str] = Counter()
    for node in ast.walk(source.plain):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            found[node.id] += 1
        elif isinstance(node, ast.Attribute) and not (isinstance(node.ctx, ast.Store) and _is_self(node.value)):
            found[node.attr] += 1
        elif isinstance(node, ast.keyword) and node.arg:
            found[node.arg] += 1
        elif isinstance(node, ast.alias) and node.asname:
            found[node.name] += 1
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found.update(node.names)
        else:
            found.update(_by_text(node, texts=texts))
    return found


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _by_text(node: ast.AST, *, texts: bool) -> list[str]:
    """Names given as text: to `getattr` and its like, in `globals()[…]`; with `texts` any text that may be a name."""
    if texts:
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        return re.findall(r"\w+", text) if DOTTED.fullmatch(text) else []
    given: list[ast.expr] = []
    if isinstance(node, ast.Call) and _last(node.func) in BY_NAME:
        given = node.args
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call) and _last(node.value.func) in TABLES:
        given = [node.slice]
    return [
        item.value.rpartition(".")[2]
        for item in given
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def uses(sources: Iterable[Source], *, texts: bool = False) -> Counter[str]:
    """Uses of each identifier over all modules."""
    total: Counter[str] = Counter()
    for source in sources:
        total.update(_uses(source, texts=texts))
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
        return (
            whole in self.facts.constants
            or whole in self.facts.calls
            or whole in self.facts.flag_names
            or whole in self.facts.marks
        )

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
            kept = with_leading(kept, [*blank, *leading(kept)[len(_blank(kept)) :]])
        blank = []
        found.append(kept)
    return [*found, *rest]


def _blank(statement: cst.CSTNode) -> list[cst.EmptyLine]:
    return list(takewhile(lambda line: line.comment is None, leading(statement)))
