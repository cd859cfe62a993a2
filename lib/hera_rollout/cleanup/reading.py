"""Recognising the flag in an expression."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import libcst as cst

from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.names import dotted
from hera_rollout.cleanup.patterns import matches
from hera_rollout.cleanup.purity import is_boolean, is_pure
from hera_rollout.cleanup.subject import Subject
from hera_rollout.cleanup.values import MISSING, TEXT, Known, Text, Value, compared, literal, truth

ENV_READS: Final = frozenset({"os.getenv", "os.environ.get", "environ.get", "getenv"})
ENV_CASTS: Final = frozenset({"bool", "env_bool", "get_bool", "getbool"})
TEXT_METHODS: Final = frozenset({"lower", "upper", "strip", "casefold", "title", "capitalize"})
CONVERTERS: Final = frozenset(
    {"bool", "int", "strtobool", "str2bool", "strbool", "parsebool", "asbool", "tobool", "istrue", "istruthy", "truthy",
     "loads", "literaleval", "safeload"}
)  # fmt: skip


class Reader:
    """Reads expressions of one module, in the scope it is told."""

    def __init__(self, subject: Subject, module: str, imports: Mapping[str, str], facts: Facts) -> None:
        self.subject = subject
        self.module = module
        self.imports = imports
        self.facts = facts
        self.scopes: list[dict[str, Value | None]] = []
        self.flag_parameters: set[str] = set()

    def truth(self, node: cst.BaseExpression) -> bool | None:
        """Whether a test of the expression is passed, if the flag decides that."""
        value = self.value(node)
        return None if value is None else truth(value, self.subject.value)

    def resolved(self, node: cst.CSTNode) -> str:
        """The dotted name the expression stands for."""
        name = dotted(node)
        first, _, rest = name.partition(".")
        if not name or any(first in scope for scope in self.scopes):
            return "" if "." not in name else name
        base = self.imports.get(first, f"{self.module}.{first}")
        return f"{base}.{rest}" if rest else base

    def value(self, node: cst.BaseExpression) -> Value | None:
        """The value of an expression that hangs on the flag; None if it does not, or nobody can tell."""
        for pattern, outcome in self.subject.facts.items():
            if matches(pattern, node):
                return Known(outcome)
        reader = _READERS.get(type(node))
        return reader(self, node) if reader else None

    def is_flag_name(self, node: cst.BaseExpression) -> bool:
        """Whether it is the flag's name: as text, or by a constant that holds it."""
        if isinstance(node, cst.Name) and node.value in self.flag_parameters:
            return True
        if isinstance(node, cst.Name | cst.Attribute):
            return self.resolved(node) in self.facts.flag_names
        return literal(node) == self.subject.flag

    def _name(self, node: cst.Name) -> Value | None:
        for scope in reversed(self.scopes):
            if node.value in scope:
                return scope[node.value]
        return self.facts.constants.get(self.resolved(node))

    def _attribute(self, node: cst.Attribute) -> Value | None:
        name = self.resolved(node)
        if name in self.facts.constants:
            return self.facts.constants[name]
        return self.facts.attributes.get(node.attr.value)

    def _subscript(self, node: cst.Subscript) -> Value | None:
        if self.resolved(node.value) not in {"os.environ", "environ"} or len(node.slice) != 1:
            return None
        index = node.slice[0].slice
        return TEXT if isinstance(index, cst.Index) and self.is_flag_name(index.value) else None

    def _call(self, node: cst.Call) -> Value | None:
        name = self.resolved(node.func)
        if name in self.facts.calls:
            return self.facts.calls[name]
        first = next((arg.value for arg in node.args if not arg.star), None)
        if first is not None and self.is_flag_name(first):
            return self._read_by_name(node, name)
        if isinstance(node.func, cst.Attribute):
            return self._method(node.func, node)
        return self._converted(name, first, node)

    def _read_by_name(self, node: cst.Call, name: str) -> Value | None:
        """A call that is given the flag's name."""
        if name in ENV_READS or name == "os.environ.pop":
            return TEXT
        if name in self.facts.lookups:
            return self.facts.lookups[name]
        cast = next((dotted(arg.value) for arg in node.args if arg.keyword and arg.keyword.value == "cast"), "")
        last = name.rpartition(".")[2]
        if cast == "bool" or last in ENV_CASTS:
            return Known(self.subject.value)
        return TEXT if last in {"config", "env"} and "." not in dotted(node.func) else None

    def _method(self, func: cst.Attribute, node: cst.Call) -> Value | None:
        name = func.attr.value
        if name in TEXT_METHODS and not node.args and isinstance(self.value(func.value), Text):
            return TEXT
        if name in self.facts.methods:
            return self.facts.methods[name]
        first = node.args[0].value if len(node.args) == 1 and not node.args[0].star else None
        return self._converted(self.resolved(func), first, node)

    def _converted(self, name: str, first: cst.BaseExpression | None, node: cst.Call) -> Value | None:
        if first is None or len(node.args) != 1:
            return None
        value = self.value(first)
        if isinstance(value, Text) and name in self.facts.converters:
            return self.facts.converters[name]
        last = name.rpartition(".")[2].replace("_", "").lower() or dotted(node.func)
        if value is None or last not in CONVERTERS:
            return TEXT if isinstance(value, Text) and last == "str" else None
        answer = self.truth(first) if last == "bool" or isinstance(value, Known) else self.subject.value
        return None if answer is None else Known(int(answer) if last in {"int", "strtobool"} else answer)

    def _comparison(self, node: cst.Comparison) -> Value | None:
        if len(node.comparisons) != 1:
            return None
        operator, right = node.comparisons[0].operator, node.comparisons[0].comparator
        if isinstance(operator, cst.In) and self.is_flag_name(node.left):
            present = self.resolved(right) == "os.environ" and self.subject.value
            return Known(True) if present else None
        left = self.value(node.left)
        if left is None and isinstance(operator, cst.Equal | cst.NotEqual):
            left, right = self.value(right), node.left
        outcome = None if left is None else compared(left, operator, right, self.subject.value)
        return None if outcome is None else Known(outcome)

    def _not(self, node: cst.UnaryOperation) -> Value | None:
        outcome = self.truth(node.expression) if isinstance(node.operator, cst.Not) else None
        return None if outcome is None else Known(not outcome)

    def _boolean(self, node: cst.BooleanOperation) -> Value | None:
        left = self.value(node.left)
        if isinstance(left, Text) and isinstance(node.operator, cst.Or) and isinstance(literal(node.right), str):
            return TEXT
        answer = None if left is None else truth(left, self.subject.value)
        if answer is None:
            return self._decided_by_right(node) if is_pure(node.left) and is_boolean(node.left) else None
        if answer == isinstance(node.operator, cst.Or):
            return left
        return self.value(node.right)

    def _decided_by_right(self, node: cst.BooleanOperation) -> Value | None:
        answer = self.truth(node.right)
        decides = isinstance(node.operator, cst.Or)
        return Known(answer) if answer == decides else None

    def _ternary(self, node: cst.IfExp) -> Value | None:
        answer = self.truth(node.test)
        if answer is None:
            return None
        picked = node.body if answer else node.orelse
        value = literal(picked)
        return self.value(picked) if value is MISSING else Known(value)


_READERS: Final[dict[type[cst.BaseExpression], Callable[[Reader, Any], Value | None]]] = {
    cst.Name: Reader._name,
    cst.Attribute: Reader._attribute,
    cst.Subscript: Reader._subscript,
    cst.Call: Reader._call,
    cst.Comparison: Reader._comparison,
    cst.UnaryOperation: Reader._not,
    cst.BooleanOperation: Reader._boolean,
    cst.IfExp: Reader._ternary,
}
