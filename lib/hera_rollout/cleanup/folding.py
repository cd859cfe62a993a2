"""The codemod: one pass over one module that decides every test the flag decides."""

from collections.abc import Sequence

import libcst as cst
from libcst import metadata

from hera_rollout.cleanup.blocks import ends, footer_of, is_generator, leading, unfolded, with_leading
from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.localnames import drop_unread, local_values, reads
from hera_rollout.cleanup.names import bindings, parameters
from hera_rollout.cleanup.places import Notebook
from hera_rollout.cleanup.reading import Reader
from hera_rollout.cleanup.simplifying import Simplified, Stuck, tested, valued
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.subject import Subject
from hera_rollout.cleanup.trying import guarded_body
from hera_rollout.cleanup.values import Value

EFFECT = "the other side of the and/or is called, maybe for its effect"
Replacement = cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel


class Scopes(cst.CSTTransformer):
    """What a name means where the transformer stands."""

    METADATA_DEPENDENCIES = (metadata.PositionProvider,)

    def __init__(self, source: Source, subject: Subject, facts: Facts, notebook: Notebook) -> None:
        super().__init__()
        self.source = source
        self.subject = subject
        self.facts = facts
        self.reader = Reader(subject, source.module, source.imports, facts)
        self.notebook = notebook
        self.functions: list[str] = []
        self.nodes: list[cst.FunctionDef] = []
        self.found_locals: list[dict[str, Value]] = []

    def line(self, node: cst.CSTNode) -> int:
        """The node's line."""
        position = self.get_metadata(metadata.PositionProvider, node, None)
        return position.start.line if position is not None else 0

    def note(self, node: cst.CSTNode, shape: str, why: str = "") -> None:
        """Write down what becomes of a place; a reason means that nothing does."""
        self.notebook.add(self.line(node), shape, "by hand" if why else "folded", why)

    def drops(self, line: cst.EmptyLine) -> bool:
        """Whether a comment only speaks of the flag that is gone."""
        return line.comment is not None and any(name in line.comment.value for name in self.subject.spellings)

    def keeps(self, line: cst.EmptyLine) -> bool:
        """Whether a line above a folded statement stays."""
        return not self.drops(line)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """A function's names are its own."""
        self.functions.append(node.name.value)
        self.nodes.append(node)
        bound = bindings(node.body)
        scope: dict[str, Value | None] = dict.fromkeys(parameters(node))
        scope.update(dict.fromkeys(name for name in bound.count if name not in bound.declared))
        self.reader.scopes.append(scope)
        values = local_values(node, bound, self.reader)
        scope.update(values)
        self.found_locals.append(values)

    def leave_scope(self, node: cst.FunctionDef) -> cst.FunctionDef:
        """Leave the function, and drop locals that only carried the flag."""
        values = self.found_locals.pop()
        self.reader.scopes.pop()
        self.functions.pop()
        self.nodes.pop()
        return drop_unread(node, values)

    def visit_Lambda(self, node: cst.Lambda) -> None:
        """So are a lambda's."""
        self.reader.scopes.append(dict.fromkeys(parameters(node)))

    def leave_Lambda(self, original_node: cst.Lambda, updated_node: cst.Lambda) -> cst.BaseExpression:
        """Leave it."""
        self.reader.scopes.pop()
        return updated_node


class Expressions(Scopes):
    """Boolean operations, ternaries, comprehensions."""

    def __init__(self, source: Source, subject: Subject, facts: Facts, notebook: Notebook) -> None:
        super().__init__(source, subject, facts, notebook)
        self.owned: set[cst.CSTNode] = set()

    def own(self, node: cst.CSTNode) -> None:
        """Leave the boolean operators in here to whoever decides about the whole."""
        if isinstance(node, cst.BooleanOperation):
            self.owned.add(node)
            self.own(node.left)
            self.own(node.right)
        elif isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Not):
            self.owned.add(node)
            self.own(node.expression)

    def test(self, original: cst.CSTNode, test: cst.BaseExpression, shape: str) -> Simplified:
        """A test with the flag taken out; unchanged if that cannot be done."""
        if isinstance(test, cst.NamedExpr) and isinstance(original, cst.If) and self._only_in(original, test):
            test_of = self.reader.truth(test.value)
            if test_of is False and not isinstance(test.value, cst.BooleanOperation):
                self.note(original, shape)
                return False
        try:
            found = tested(test, self.reader)
        except Stuck:
            self.note(original, shape, EFFECT)
            return test
        if found is not test:
            self.note(original, shape)
        return found

    def _only_in(self, branch: cst.If, named: cst.NamedExpr) -> bool:
        """Whether a name bound in a test is read in that test's own branch alone."""
        name = named.target.value if isinstance(named.target, cst.Name) else ""
        whole = reads(self.nodes[-1].body, name) if self.nodes else 0
        return bool(whole) and whole == reads(branch.test, name) + reads(branch.body, name)

    def visit_BooleanOperation(self, node: cst.BooleanOperation) -> None:
        """An operation that nobody owns decides for its parts."""
        if node not in self.owned:
            self.own(node.left)
            self.own(node.right)

    def leave_BooleanOperation(
        self, original_node: cst.BooleanOperation, updated_node: cst.BooleanOperation
    ) -> cst.BaseExpression:
        """`and`, `or` for their value."""
        return updated_node if original_node in self.owned else self._value(original_node, updated_node)

    def visit_UnaryOperation(self, node: cst.UnaryOperation) -> None:
        """`not` decides for its part."""
        if node not in self.owned and isinstance(node.operator, cst.Not):
            self.own(node.expression)

    def leave_UnaryOperation(
        self, original_node: cst.UnaryOperation, updated_node: cst.UnaryOperation
    ) -> cst.BaseExpression:
        """`not` for its value."""
        return updated_node if original_node in self.owned else self._value(original_node, updated_node)

    def _value(self, original: cst.BaseExpression, node: cst.BaseExpression) -> cst.BaseExpression:
        try:
            found = valued(node, self.reader)
        except Stuck:
            self.note(original, "boolean operation", EFFECT)
            return node
        if found is not node:
            self.note(original, "boolean operation")
        return found

    def visit_IfExp(self, node: cst.IfExp) -> None:
        """A ternary owns its test."""
        self.own(node.test)

    def leave_IfExp(self, original_node: cst.IfExp, updated_node: cst.IfExp) -> cst.BaseExpression:
        """`a if FLAG else b`."""
        found = self.test(original_node, updated_node.test, "ternary")
        if not isinstance(found, bool):
            return updated_node if found is updated_node.test else updated_node.with_changes(test=found)
        return _in_place_of(updated_node, updated_node.body if found else updated_node.orelse)

    def visit_CompIf(self, node: cst.CompIf) -> None:
        """A comprehension's condition owns its test."""
        self.own(node.test)

    def leave_CompIf(  # type: ignore[override]  # LibCST lets a condition be removed; its types do not say so
        self, original_node: cst.CompIf, updated_node: cst.CompIf
    ) -> cst.CompIf | cst.RemovalSentinel:
        """`[… for … if FLAG]`."""
        found = self.test(original_node, updated_node.test, "comprehension")
        if found is True:
            return cst.RemoveFromParent()
        return updated_node.with_changes(test=cst.Name("False") if found is False else found)


def _in_place_of(whole: cst.IfExp, part: cst.BaseExpression) -> cst.BaseExpression:
    if not whole.lpar or part.lpar:
        return part
    bare = isinstance(part, cst.Name | cst.SimpleString | cst.List | cst.Dict | cst.Set)
    calls = isinstance(part, cst.Call | cst.Attribute | cst.Subscript)
    if bare or (calls and "\n" not in cst.Module([]).code_for_node(part)):
        return part
    return part.with_changes(lpar=whole.lpar, rpar=whole.rpar)


class Statements(Expressions):
    """`if`, `while`, `assert`, `try`, and the blocks they leave behind."""

    def __init__(self, source: Source, subject: Subject, facts: Facts, notebook: Notebook) -> None:
        super().__init__(source, subject, facts, notebook)
        self.elifs: set[cst.CSTNode] = set()
        self.decided: dict[cst.CSTNode, bool] = {}
        self.closing: set[cst.CSTNode] = set()
        self.footers: dict[cst.CSTNode, Sequence[cst.EmptyLine]] = {}
        self.required: frozenset[str] = frozenset()

    def visit_If(self, node: cst.If) -> None:
        """An `if` owns its test, and its elif is no statement of its own."""
        self.own(node.test)
        if isinstance(node.orelse, cst.If):
            self.elifs.add(node.orelse)

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> Replacement:
        """Decide it, or take the flag out of its test."""
        node = updated_node.with_changes(orelse=self._settled(updated_node.orelse))
        is_elif = original_node in self.elifs
        shape = "elif" if is_elif else ("early return" if ends(node.body.body) and node.orelse is None else "if")
        found = self.test(original_node, node.test, shape)
        if is_elif:
            kept = node if isinstance(found, bool) else node.with_changes(test=found)
            if isinstance(found, bool):
                self.decided[kept] = found
            return kept
        if not isinstance(found, bool):
            return node.with_changes(test=_one_line(found)) if found is not node.test else node
        if found:
            return self.inline(node.body, node.leading_lines)
        return self._otherwise(node)

    def _otherwise(self, node: cst.If) -> Replacement:
        if isinstance(node.orelse, cst.If):
            own = [line for line in node.orelse.leading_lines if line.comment]
            return with_leading(node.orelse, [*filter(self.keeps, node.leading_lines), *own])
        if isinstance(node.orelse, cst.Else):
            return self.inline(node.orelse.body, [*node.leading_lines, *node.orelse.leading_lines])
        return cst.RemoveFromParent()

    def _settled(self, orelse: cst.If | cst.Else | None) -> cst.If | cst.Else | None:
        """An elif that is decided becomes an else, or makes way for what follows it."""
        if isinstance(orelse, cst.Else) and not orelse.body.body:
            return None
        if not isinstance(orelse, cst.If) or orelse not in self.decided:
            return orelse
        if not self.decided[orelse]:
            return orelse.orelse
        return cst.Else(body=orelse.body, leading_lines=[*filter(self.keeps, orelse.leading_lines)])

    def inline(self, body: cst.BaseSuite, above: Sequence[cst.EmptyLine]) -> Replacement:
        """A block's statements in place of the statement around it."""
        statements = unfolded(body, above, self.keeps)
        if not statements:
            return cst.RemoveFromParent()
        if footer := footer_of(body):
            self.footers[statements[-1]] = footer
        if ends(statements):
            self.closing.add(statements[-1])
        return cst.FlattenSentinel(statements)

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        """Nothing stands after what now always returns."""
        body, rest = self._tidied(updated_node.body)
        if len(body) == len(updated_node.body) and not rest and body == list(updated_node.body):
            return updated_node
        return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        """The same at the top."""
        body, rest = self._tidied(updated_node.body)
        return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])

    def _tidied(self, statements: Sequence[cst.CSTNode]) -> tuple[list[cst.CSTNode], list[cst.EmptyLine]]:
        kept: list[cst.CSTNode] = []
        pending: list[cst.EmptyLine] = []
        for statement in statements:
            moved = statement
            if pending and isinstance(statement, cst.BaseStatement):
                moved = with_leading(statement, [*pending, *leading(statement)])
            kept.append(moved)
            pending = list(self.footers.get(statement, ()))
            if statement in self.closing:
                break
        return kept, pending

    def visit_While(self, node: cst.While) -> None:
        """A loop owns its test."""
        self.own(node.test)

    def leave_While(self, original_node: cst.While, updated_node: cst.While) -> Replacement:
        """`while FLAG`."""
        found = self.test(original_node, updated_node.test, "while")
        if found is False:
            other = updated_node.orelse
            return self.inline(other.body, updated_node.leading_lines) if other else cst.RemoveFromParent()
        return updated_node.with_changes(test=cst.Name("True") if found is True else found)

    def visit_Assert(self, node: cst.Assert) -> None:
        """An assertion owns its test."""
        self.own(node.test)

    def leave_Assert(
        self, original_node: cst.Assert, updated_node: cst.Assert
    ) -> cst.BaseSmallStatement | cst.RemovalSentinel:
        """`assert FLAG` says nothing any more."""
        found = self.test(original_node, updated_node.test, "assert")
        if found is True:
            return cst.RemoveFromParent()
        return updated_node.with_changes(test=cst.Name("False") if found is False else found)

    def leave_Try(self, original_node: cst.Try, updated_node: cst.Try) -> Replacement:
        """`try: import … except ImportError` around what is required from now on."""
        if guarded_body(original_node, self.source.imports, self.required) is None:
            return updated_node
        self.note(original_node, "try import")
        body = updated_node.body
        if updated_node.orelse:
            statements = [*body.body, *updated_node.orelse.body.body]
            body = cst.IndentedBlock(body=statements, header=getattr(body, "header", cst.TrailingWhitespace()))
        return self.inline(body, updated_node.leading_lines)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        """A line with nothing left on it goes."""
        return updated_node if updated_node.body else cst.RemoveFromParent()

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> Replacement:
        """A function that was a generator stays one."""
        node = self.leave_scope(updated_node)
        if is_generator(original_node) and not is_generator(node):
            self.note(original_node, "generator", "without the branch that goes, the function would yield no more")
            return original_node
        return node


def _one_line(test: cst.BaseExpression) -> cst.BaseExpression:
    """A test that fits one line needs no parentheses over several."""
    inner = test.with_changes(lpar=[], rpar=[])
    spread = any("\n" in cst.Module([]).code_for_node(paren) for paren in test.lpar)
    return inner if spread and "\n" not in cst.Module([]).code_for_node(inner) else test
