"""Which expressions may be dropped unevaluated, and which are certainly True or False."""

from typing import Final

import libcst as cst

from hera_rollout.cleanup.names import dotted

# Calls that tell something and do nothing.
HARMLESS: Final = frozenset(
    {"random.random", "random", "bool", "len", "isinstance", "issubclass", "hasattr", "callable", "str", "int", "hash",
     "abs", "min", "max", "any", "all", "os.getenv", "os.environ.get", "os.path.exists", "shutil.which",
     "importlib.util.find_spec", "find_spec"}
)  # fmt: skip
HARMLESS_METHODS: Final = frozenset(
    {"lower", "upper", "strip", "startswith", "endswith", "get", "casefold", "exists", "is_file", "is_dir"}
)
BOOLEAN_CALLS: Final = frozenset({"bool", "isinstance", "issubclass", "hasattr", "callable", "any", "all"})


class _Effects(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def visit_Call(self, node: cst.Call) -> None:
        name = dotted(node.func)
        method = node.func.attr.value if isinstance(node.func, cst.Attribute) else ""
        self.found |= name not in HARMLESS and method not in HARMLESS_METHODS

    def visit_Await(self, node: cst.Await) -> None:
        self.found = True

    def visit_Yield(self, node: cst.Yield) -> None:
        self.found = True

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self.found = True


def is_pure(node: cst.BaseExpression) -> bool:
    """Whether nothing is lost when the expression is not evaluated."""
    effects = _Effects()
    node.visit(effects)
    return not effects.found


def is_boolean(node: cst.BaseExpression) -> bool:
    """Whether the expression is certainly True or False, not only true or false."""
    if isinstance(node, cst.Comparison):
        return all(not isinstance(item.comparator, cst.Await) for item in node.comparisons)
    if isinstance(node, cst.UnaryOperation):
        return isinstance(node.operator, cst.Not)
    if isinstance(node, cst.BooleanOperation):
        return is_boolean(node.left) and is_boolean(node.right)
    if isinstance(node, cst.Call):
        return dotted(node.func) in BOOLEAN_CALLS
    return isinstance(node, cst.Name) and node.value in {"True", "False"}
