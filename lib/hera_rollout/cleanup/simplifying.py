"""Boolean expressions, with the flag taken out of them."""

import libcst as cst

from hera_rollout.cleanup.purity import is_boolean, is_pure
from hera_rollout.cleanup.reading import Reader
from hera_rollout.cleanup.values import Known, truth, written


class Stuck(Exception):  # noqa: N818
    """The flag is in there and cannot be taken out without changing what the program does."""


Simplified = cst.BaseExpression | bool


def tested(node: cst.BaseExpression, reader: Reader) -> Simplified:
    """The expression as a test: True, False, or what is left of it.

    Raises:
        Stuck: it calls something for its effect.
    """
    return _simplified(node, reader, test=True)


def valued(node: cst.BaseExpression, reader: Reader) -> cst.BaseExpression:
    """The expression for its value.

    Raises:
        Stuck: it calls something for its effect.
    """
    found = _simplified(node, reader, test=False)
    return written(found) if isinstance(found, bool) else found


def _simplified(node: cst.BaseExpression, reader: Reader, *, test: bool) -> Simplified:
    value = reader.value(node)
    answer = None if value is None else truth(value, reader.subject.value)
    if answer is not None and (test or (isinstance(value, Known) and isinstance(value.value, bool))):
        return answer
    if isinstance(node, cst.BooleanOperation):
        return _operation(node, reader, test=test)
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Not):
        inner = _simplified(node.expression, reader, test=True)
        return not inner if isinstance(inner, bool) else _with_operand(node, inner)
    return node


def _with_operand(node: cst.UnaryOperation, inner: cst.BaseExpression) -> cst.BaseExpression:
    return node if inner is node.expression else node.with_changes(expression=enclosed(inner))


def _operation(node: cst.BooleanOperation, reader: Reader, *, test: bool) -> Simplified:
    left = _simplified(node.left, reader, test=test)
    right = _simplified(node.right, reader, test=test)
    decides = isinstance(node.operator, cst.Or)  # the value that ends the operation
    if isinstance(left, bool):
        return _kept(node, left if left == decides else right)
    if isinstance(right, bool):
        return _right_known(node, left, right, decides=decides, test=test)
    if left is node.left and right is node.right:
        return node
    return node.with_changes(left=_operand(left, node.operator), right=_operand(right, node.operator))


def _right_known(
    node: cst.BooleanOperation, left: cst.BaseExpression, right: bool, *, decides: bool, test: bool
) -> Simplified:
    if right != decides:
        if test or is_boolean(left):
            return _kept(node, left)
    elif is_pure(left):
        if test or is_boolean(left):
            return right
    elif test:
        raise Stuck
    return node.with_changes(left=_operand(left, node.operator), right=written(right))


def _kept(node: cst.BooleanOperation, part: Simplified) -> Simplified:
    """What remains of an operation keeps the operation's parentheses where it needs them."""
    if isinstance(part, bool) or not node.lpar or part.lpar:
        return part
    piece = isinstance(part, cst.Name | cst.Attribute | cst.Call | cst.Subscript)
    if piece and "\n" not in cst.Module([]).code_for_node(part):
        return part
    return part.with_changes(lpar=node.lpar, rpar=node.rpar)


def _operand(part: cst.BaseExpression, operator: cst.BaseBooleanOp) -> cst.BaseExpression:
    looser = isinstance(part, cst.IfExp | cst.Lambda | cst.NamedExpr)
    mixed = (
        isinstance(part, cst.BooleanOperation) and isinstance(part.operator, cst.Or) and isinstance(operator, cst.And)
    )
    return enclosed(part) if looser or mixed else part


def enclosed(part: cst.BaseExpression) -> cst.BaseExpression:
    """The expression in parentheses, if it is not one piece already."""
    whole = cst.Name | cst.Attribute | cst.Call | cst.Subscript | cst.Comparison | cst.UnaryOperation
    if part.lpar or isinstance(part, whole):
        return part
    return part.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
