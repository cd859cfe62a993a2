"""Patterns of expressions: Python in which `...` stands for anything."""

import ast
from functools import cache

import libcst as cst

_EMPTY = cst.Module([])


def matches(pattern: str, node: cst.BaseExpression) -> bool:
    """Whether the expression has the pattern's form."""
    wanted = parsed(pattern)
    if not isinstance(node, _kinds(type(wanted))):
        return False
    return _same(wanted, ast.parse(f"({_EMPTY.code_for_node(node)})", mode="eval").body)


@cache
def parsed(pattern: str) -> ast.expr:
    """The pattern as a tree.

    Raises:
        SyntaxError: It is no expression.
    """
    return ast.parse(pattern, mode="eval").body


def _kinds(kind: type[ast.expr]) -> tuple[type[cst.BaseExpression], ...]:
    same: dict[type[ast.expr], tuple[type[cst.BaseExpression], ...]] = {
        ast.Call: (cst.Call,),
        ast.Attribute: (cst.Attribute,),
        ast.Name: (cst.Name,),
        ast.Compare: (cst.Comparison,),
        ast.Subscript: (cst.Subscript,),
    }
    return same.get(kind, ())


def _same(wanted: object, there: object) -> bool:
    if isinstance(wanted, ast.Constant) and wanted.value is ...:
        return True
    if isinstance(wanted, ast.Call) and isinstance(there, ast.Call) and _any_arguments(wanted):
        return _same(wanted.func, there.func)
    if isinstance(wanted, ast.AST):
        if type(wanted) is not type(there):
            return False
        fields = [name for name in wanted._fields if name not in {"ctx", "kind"}]
        return all(_same(getattr(wanted, name), getattr(there, name)) for name in fields)
    if isinstance(wanted, list) and isinstance(there, list):
        return len(wanted) == len(there) and all(map(_same, wanted, there))
    return wanted == there


def _any_arguments(call: ast.Call) -> bool:
    only = call.args[0] if len(call.args) == 1 and not call.keywords else None
    return isinstance(only, ast.Constant) and only.value is ...
