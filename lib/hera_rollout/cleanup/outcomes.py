"""What a helper function answers, if the flag alone decides it."""

from collections.abc import Sequence

import libcst as cst

from hera_rollout.cleanup.names import bindings, targets
from hera_rollout.cleanup.reading import Reader
from hera_rollout.cleanup.trying import guarded_body
from hera_rollout.cleanup.values import MISSING, Known, Value, literal

CACHES = frozenset(
    {"cache", "lru_cache", "property", "cached_property", "staticmethod", "classmethod", "computed_field"}
)


def outcome_of(node: cst.FunctionDef, reader: Reader, required: frozenset[str]) -> Value | None:
    """The function's only possible answer; None if it has several, or does anything besides."""
    if not isinstance(node.body, cst.IndentedBlock) or not _plain(node.decorators):
        return None
    bound = bindings(node.body)
    if bound.declared:
        return None
    return _Walk(reader, required, bound.count).answer(node.body.body, derived=False)


def single_return(node: cst.FunctionDef) -> cst.BaseExpression | None:
    """What a function returns that does nothing else."""
    if not isinstance(node.body, cst.IndentedBlock):
        return None
    statements = [item for item in node.body.body if not is_docstring(item)]
    if len(statements) != 1 or not isinstance(statements[0], cst.SimpleStatementLine):
        return None
    small = statements[0].body[0]
    return small.value if isinstance(small, cst.Return) else None


def is_docstring(statement: cst.CSTNode) -> bool:
    """Whether the statement is nothing but a text."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return False
    small = statement.body[0]
    return isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString | cst.ConcatenatedString)


def _plain(decorators: Sequence[cst.Decorator]) -> bool:
    for decorator in decorators:
        called = decorator.decorator
        func = called.func if isinstance(called, cst.Call) else called
        name = func.attr if isinstance(func, cst.Attribute) else func
        if not isinstance(name, cst.Name) or name.value not in CACHES:
            return False
    return True


class _Walk:
    def __init__(self, reader: Reader, required: frozenset[str], count: dict[str, int]) -> None:
        self.reader = reader
        self.required = required
        self.count = count

    def answer(self, statements: Sequence[cst.CSTNode], *, derived: bool) -> Value | None:
        for index, statement in enumerate(statements):
            if is_docstring(statement):
                continue
            if isinstance(statement, cst.If | cst.Try):
                body = self._chosen(statement)
                return None if body is None else self.answer([*body, *statements[index + 1 :]], derived=True)
            small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
            if isinstance(small, cst.Return):
                return self._returned(small, derived)
            if small is None or not self._bind(small):
                return None
        return None

    def _chosen(self, statement: cst.If | cst.Try) -> Sequence[cst.CSTNode] | None:
        """The statements that run in place of this one; None if nobody can tell."""
        if isinstance(statement, cst.If):
            return self._branch(statement)
        return guarded_body(statement, self.reader.imports, self.required)

    def _branch(self, node: cst.If) -> Sequence[cst.CSTNode] | None:
        """The statements of the branch that is taken; None if the flag does not decide."""
        answer = self.reader.truth(node.test)
        if answer is None:
            return None
        if answer:
            return node.body.body
        if isinstance(node.orelse, cst.Else):
            return node.orelse.body.body
        return [node.orelse] if isinstance(node.orelse, cst.If) else []

    def _returned(self, small: cst.Return, derived: bool) -> Value | None:
        if small.value is None:
            return None
        value = self.reader.value(small.value)
        if value is None and derived and literal(small.value) is not MISSING:
            return Known(literal(small.value))
        return value

    def _bind(self, small: cst.BaseSmallStatement) -> bool:
        """Whether the statement only binds a name, or imports something required."""
        if isinstance(small, cst.Import | cst.ImportFrom | cst.Pass):
            return True
        names = [target.value for target in targets(small) if isinstance(target, cst.Name)]
        if not isinstance(small, cst.Assign) or len(names) != 1 or self.count[names[0]] != 1:
            return False
        self.reader.scopes[-1][names[0]] = self.reader.value(small.value)
        return self.reader.scopes[-1][names[0]] is not None
