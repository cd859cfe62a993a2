"""What is known of an expression that hangs on the flag."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import libcst as cst

ON: Final = frozenset({"true", "1", "yes", "on", "t", "y", "enabled"})
OFF: Final = frozenset({"false", "0", "no", "off", "f", "n", "disabled", "none", ""})


@dataclass(frozen=True)
class Known:
    """The expression's value."""

    value: object


@dataclass(frozen=True)
class Text:
    """The flag as the environment holds it: `true`, `1`, `yes`, whatever this service calls on."""


Value = Known | Text
TEXT: Final = Text()
NAMED: Final = {"True": True, "False": False, "None": None}
MISSING: Final = object()


def literal(node: cst.BaseExpression) -> object:
    """The value of a literal, or MISSING."""
    if isinstance(node, cst.Name):
        return NAMED.get(node.value, MISSING)
    if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
        text = node.evaluated_value
        return text if isinstance(text, str) else MISSING
    if isinstance(node, cst.Integer):
        return node.evaluated_value
    return MISSING


def literals(node: cst.BaseExpression) -> list[object] | None:
    """The values in a literal tuple, list or set; None if it is something else."""
    if not isinstance(node, cst.Tuple | cst.List | cst.Set):
        return None
    found = [literal(element.value) for element in node.elements]
    return None if MISSING in found else found


def written(value: object) -> cst.BaseExpression:
    """A value as source."""
    return cst.parse_expression(repr(value))


def is_flag(value: Value) -> bool:
    """Whether the value is the flag itself, not a name or number chosen by it."""
    return isinstance(value, Text) or isinstance(value.value, bool)


def truth(value: Value, flag: bool) -> bool | None:
    """Whether a test of it is passed."""
    if isinstance(value, Known):
        return bool(value.value)
    # Bare text is true by being there; what an absent one means, only the default says.
    return True if flag else None


def text_equals(other: object, flag: bool) -> bool | None:
    """The flag's text compared with another."""
    if not isinstance(other, str):
        return None
    lowered = other.strip().lower()
    if lowered in ON:
        return flag
    return not flag if lowered in OFF else None


def text_among(others: Collection[object], flag: bool) -> bool | None:
    """Whether the flag's text is one of these."""
    answers = {text_equals(other, flag) for other in others}
    return answers.pop() if len(answers) == 1 else None


Comparer = Callable[[object, object], bool]
COMPARERS: Final[dict[type[cst.BaseCompOp], Comparer]] = {
    cst.Equal: lambda left, right: left == right,
    cst.NotEqual: lambda left, right: left != right,
    cst.Is: lambda left, right: left is right,
    cst.IsNot: lambda left, right: left is not right,
}


def compared(left: Value, operator: cst.BaseCompOp, right: cst.BaseExpression, flag: bool) -> bool | None:
    """The outcome of a comparison with a literal."""
    if isinstance(left, Text):
        return _text_compared(operator, right, flag)
    other, compare = literal(right), COMPARERS.get(type(operator))
    if other is not MISSING and compare is not None:
        return compare(left.value, other)
    several = literals(right)
    if several is None or not isinstance(operator, cst.In | cst.NotIn):
        return None
    return (left.value in several) == isinstance(operator, cst.In)


def _text_compared(operator: cst.BaseCompOp, right: cst.BaseExpression, flag: bool) -> bool | None:
    if isinstance(operator, cst.Is | cst.IsNot) and literal(right) is None:
        return isinstance(operator, cst.IsNot) if flag else None
    if isinstance(operator, cst.In | cst.NotIn):
        several = literals(right)
        outcome = None if several is None else text_among(several, flag)
    elif isinstance(operator, cst.Equal | cst.NotEqual):
        outcome = text_equals(literal(right), flag)
    else:
        return None
    negative = isinstance(operator, cst.NotIn | cst.NotEqual)
    return outcome if outcome is None or not negative else not outcome
