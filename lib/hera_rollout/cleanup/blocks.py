"""Moving statements out of a block that goes away, with their comments."""

from collections.abc import Callable, Sequence

import libcst as cst

Statement = cst.BaseStatement


def statements_of(body: cst.BaseSuite) -> list[Statement]:
    """A block's statements as lines of their own."""
    if isinstance(body, cst.SimpleStatementSuite):
        return [cst.SimpleStatementLine(body.body, trailing_whitespace=body.trailing_whitespace)]
    return [item for item in body.body if isinstance(item, cst.BaseStatement)]


def comments_of(body: cst.BaseSuite) -> list[cst.EmptyLine]:
    """The comment beside the block's opening line, as a line of its own."""
    if isinstance(body, cst.IndentedBlock) and body.header.comment:
        return [cst.EmptyLine(comment=body.header.comment)]
    return []


def footer_of(body: cst.BaseSuite) -> list[cst.EmptyLine]:
    """Comments below the block's last statement."""
    footer = list(body.footer) if isinstance(body, cst.IndentedBlock) else []
    return footer if any(line.comment for line in footer) else []


def is_pass(statement: cst.CSTNode) -> bool:
    """Whether a line says only `pass`."""
    return isinstance(statement, cst.SimpleStatementLine) and all(isinstance(item, cst.Pass) for item in statement.body)


def leading(statement: cst.CSTNode) -> list[cst.EmptyLine]:
    """Blank lines and comments above a statement."""
    return list(getattr(statement, "leading_lines", ()))


def with_leading(statement: Statement, lines: Sequence[cst.EmptyLine]) -> Statement:
    """The statement under other lines."""
    changed: Statement = statement.with_changes(leading_lines=list(lines))
    return changed


def unfolded(
    body: cst.BaseSuite, above: Sequence[cst.EmptyLine], keep: Callable[[cst.EmptyLine], bool]
) -> list[Statement]:
    """The block's statements, to stand where the statement around it stood."""
    found = [item for item in statements_of(body) if not is_pass(item)]
    if not found:
        return []
    lines = [line for line in [*above, *comments_of(body)] if keep(line)]
    own = leading(found[0])
    while own and not own[0].comment:
        own.pop(0)
    return [with_leading(found[0], [*lines, *own]), *found[1:]]


def ends(statements: Sequence[cst.CSTNode]) -> bool:
    """Whether nothing after these statements is ever reached."""
    return bool(statements) and _ends(statements[-1])


def _ends(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.SimpleStatementLine):
        return any(isinstance(item, cst.Return | cst.Raise | cst.Continue | cst.Break) for item in node.body)
    if isinstance(node, cst.If):
        if node.orelse is None or not ends(node.body.body):
            return False
        return _ends(node.orelse) if isinstance(node.orelse, cst.If) else ends(node.orelse.body.body)
    if isinstance(node, cst.Try):
        main = ends(node.body.body) or (node.orelse is not None and ends(node.orelse.body.body))
        return main and all(ends(handler.body.body) for handler in node.handlers)
    return False


class Yields(cst.CSTVisitor):
    """Whether a function is a generator."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def visit_Yield(self, node: cst.Yield) -> None:
        """It is."""
        self.found = True

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        """A function inside does not count."""
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        """Nor does a lambda."""
        return False


def is_generator(node: cst.FunctionDef) -> bool:
    """Whether the function's own body yields."""
    finder = Yields()
    node.body.visit(finder)
    return finder.found
