"""Decorators that do nothing any more once the flag is decided."""

from collections.abc import Iterable

import libcst as cst

from hera_rollout.cleanup.names import dotted
from hera_rollout.cleanup.outcomes import is_docstring
from hera_rollout.cleanup.sources import Source


def passing(sources: Iterable[Source]) -> set[str]:
    """Dotted names of decorators whose wrapper only calls what it wraps."""
    return {
        f"{source.module}.{statement.name.value}"
        for source in sources
        for statement in source.tree.body
        if isinstance(statement, cst.FunctionDef) and _passes(statement)
    }


def _passes(node: cst.FunctionDef) -> bool:
    body = _meant(node)
    if len(node.params.params) != 1 or len(body) not in {1, 2}:
        return False
    wrapped = node.params.params[0].name.value
    if len(body) == 1:
        return _returns(body[0], wrapped)
    inner = body[0]
    if not isinstance(inner, cst.FunctionDef) or not _returns(body[1], inner.name.value):
        return False
    only = _meant(inner)
    return len(only) == 1 and _returns(only[0], f"{wrapped}(*args, **kwargs)") and _takes_all(inner)


def _meant(node: cst.FunctionDef) -> list[cst.CSTNode]:
    return [item for item in node.body.body if not is_docstring(item)]


def _takes_all(node: cst.FunctionDef) -> bool:
    star, stars = node.params.star_arg, node.params.star_kwarg
    named = isinstance(star, cst.Param) and star.name.value == "args" and stars and stars.name.value == "kwargs"
    return bool(named) and not node.params.params


def _returns(statement: cst.CSTNode, text: str) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(statement.body[0], cst.Return):
        return False
    value = statement.body[0].value
    if value is None or isinstance(value, cst.Name):
        return value is not None and dotted(value) == text
    return cst.Module([]).code_for_node(value) == text
