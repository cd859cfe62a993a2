"""Names: what a module calls things, and what a function binds for itself."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

import libcst as cst

SOURCE_ROOTS = frozenset({"src", "lib"})


def module_name(file: str) -> str:
    """The dotted name of a module by its path; a leading src/ or lib/ does not count."""
    parts = list(PurePosixPath(file).with_suffix("").parts)
    if len(parts) > 1 and parts[0] in SOURCE_ROOTS:
        parts = parts[1:]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    return ".".join(parts)


def dotted(node: cst.CSTNode) -> str:
    """`a.b.c` of a chain of names; empty for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr.value}" if base else ""
    return ""


def targets(node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    """Every single target an assignment statement binds."""
    if isinstance(node, cst.Assign):
        for target in node.targets:
            yield from _flat(target.target)
    elif isinstance(node, cst.AnnAssign | cst.AugAssign | cst.NamedExpr | cst.For | cst.CompFor):
        yield from _flat(node.target)
    elif isinstance(node, cst.AsName):
        yield from _flat(node.name)
    elif isinstance(node, cst.Del):
        yield from _flat(node.target)


def _flat(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    if isinstance(node, cst.Tuple | cst.List):
        for element in node.elements:
            yield from _flat(element.value)
    else:
        yield node


def imported_names(tree: ast.Module, module: str, *, package: bool) -> dict[str, str]:
    """What each imported name of a module stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, module, package=package)
            found.update(
                {alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names if alias.name != "*"}
            )
    return found


def _absolute(node: ast.ImportFrom, module: str, *, package: bool) -> str:
    """The absolute module a from-import draws on."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + (1 if package else 0)]
    return ".".join([*base, node.module] if node.module else base)


class Bindings(cst.CSTVisitor):
    """Names that one function, or one module's top, binds; how often; and which it declares global."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()
        self.declared: set[str] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        """A function inside is a scope of its own."""
        self.count[node.name.value] += 1
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        """So is a class."""
        self.count[node.name.value] += 1
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        """And a lambda."""
        return False

    def visit_Global(self, node: cst.Global) -> None:
        """Declared global: bound elsewhere."""
        self.declared |= {item.name.value for item in node.names}

    def visit_Nonlocal(self, node: cst.Nonlocal) -> None:
        """Declared nonlocal: the same."""
        self.declared |= {item.name.value for item in node.names}

    def visit_ImportAlias(self, node: cst.ImportAlias) -> bool:
        """An import binds a name."""
        self.count[dotted(node.asname.name) if node.asname else dotted(node.name).split(".")[0]] += 1
        return False

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Count what any statement binds."""
        if isinstance(
            node, cst.Assign | cst.AnnAssign | cst.AugAssign | cst.NamedExpr | cst.For | cst.Del | cst.AsName
        ):
            self.count.update(target.value for target in targets(node) if isinstance(target, cst.Name))
        return super().on_visit(node)


def bindings(body: cst.CSTNode) -> Bindings:
    """The bindings of a function's body or of a module."""
    found = Bindings()
    body.visit(found)
    return found


def parameters(node: cst.FunctionDef | cst.Lambda) -> set[str]:
    """Names of a function's parameters."""
    given = node.params
    every = [*given.posonly_params, *given.params, *given.kwonly_params]
    every += [item for item in (given.star_arg, given.star_kwarg) if isinstance(item, cst.Param)]
    return {item.name.value for item in every}
