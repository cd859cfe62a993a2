"""The codemod's last layer: decorators, tests that set the flag, and calls that pass it to a settings object."""

from collections.abc import Sequence

import libcst as cst

from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.folding import Replacement, Statements
from hera_rollout.cleanup.names import dotted
from hera_rollout.cleanup.places import Notebook
from hera_rollout.cleanup.simplifying import Stuck
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.subject import Subject
from hera_rollout.cleanup.testing import SKIPS, Setting, Side, side_of, skip_condition

OTHER = "sets the flag to the value that goes"
UNKNOWN = "sets the flag to a value that nobody can read here"


class Codemod(Statements):
    """One pass over one module."""

    def __init__(
        self, source: Source, subject: Subject, facts: Facts, notebook: Notebook, required: frozenset[str]
    ) -> None:
        super().__init__(source, subject, facts, notebook)
        self.required = required
        self.setting = Setting(self.reader)
        self.dropped: list[bool] = []
        self.skips: dict[cst.CSTNode, bool] = {}
        self.dead_params: set[cst.CSTNode] = set()
        self.whole_module_goes = False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """A function may turn out to test what goes."""
        super().visit_FunctionDef(node)
        self.dropped.append(False)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> Replacement:
        """Drop the test of what goes."""
        replaced = super().leave_FunctionDef(original_node, updated_node)
        if self.dropped.pop():
            self.notebook.add(self.line(original_node), "test of the side that goes", "removed")
            return cst.RemoveFromParent()
        return replaced

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """So may a class."""
        self.dropped.append(False)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> Replacement:
        """Drop it."""
        if self.dropped.pop():
            self.notebook.add(self.line(original_node), "test of the side that goes", "removed")
            return cst.RemoveFromParent()
        return updated_node

    def leave_Decorator(
        self, original_node: cst.Decorator, updated_node: cst.Decorator
    ) -> cst.Decorator | cst.RemovalSentinel:
        """`skipif`, `patch`, `patch.dict`."""
        called = updated_node.decorator
        strikes = self._strikes(called)
        if strikes is not None:
            self.dropped[-1] |= strikes
            return cst.RemoveFromParent()
        patched = self._patch(original_node, called)
        if patched is None:
            return updated_node
        return cst.RemoveFromParent() if patched is True else updated_node.with_changes(decorator=patched)

    def _strikes(self, node: cst.BaseExpression) -> bool | None:
        """Whether a skip mark strikes from now on; None if the flag does not decide that."""
        return self.skips.get(node, self.facts.marks.get(self.reader.resolved(node) or "-"))

    def _skip(self, original: cst.Call, call: cst.Call) -> cst.Call:
        """A skip mark with the flag taken out of its condition."""
        try:
            found = skip_condition(call, self.reader)
        except Stuck:
            self.note(original, "skipif", "the condition calls something, maybe for its effect")
            return call
        if found is None:
            return call
        outcome, index = found
        if not isinstance(outcome, bool) and outcome is call.args[index].value:
            return call
        self.note(original, "skipif")
        unless = dotted(call.func).endswith("skipUnless")
        value = cst.Name(str(outcome != unless)) if isinstance(outcome, bool) else outcome
        args = [arg.with_changes(value=value) if i == index else arg for i, arg in enumerate(call.args)]
        changed = call.with_changes(args=args)
        if isinstance(outcome, bool):
            self.skips[changed] = outcome
        return changed

    def _patch(self, original: cst.CSTNode, call: cst.BaseExpression) -> bool | cst.BaseExpression | None:
        """A patch of the flag: True when nothing of it stays, what stays of it, or None if it is no such patch."""
        found = self.setting.patched_environment(call)
        rest: cst.BaseExpression | None = None
        side: Side | None
        if found is not None:
            rest, side = found
        else:
            side = self.setting.call(call)
        if side is None or not self._settled_side(original, side):
            return None
        return True if rest is None else rest

    def _settled_side(self, original: cst.CSTNode, side: Side) -> bool:
        """Whether what sets the flag may go; a test of the other side goes as a whole."""
        if side == "same":
            self.notebook.add(self.line(original), "flag set in a test", "removed")
            return True
        in_test = any(name.startswith("test") for name in self.functions)
        if side == "other" and in_test:
            index = next(i for i, name in enumerate(self.functions) if name.startswith("test"))
            self.dropped[len(self.dropped) - len(self.functions) + index] = True
            return True
        self.notebook.add(self.line(original), "flag set", "by hand", OTHER if side == "other" else UNKNOWN)
        return False

    def leave_Expr(self, original_node: cst.Expr, updated_node: cst.Expr) -> cst.Expr | cst.RemovalSentinel:
        """`monkeypatch.setenv(FLAG, …)` and its like."""
        call = updated_node.value
        side = self.setting.call(call)
        if side is None:
            return updated_node
        unset = isinstance(call, cst.Call) and dotted(call.func).rpartition(".")[2] in {"delenv", "unsetenv", "pop"}
        if unset and not any(name.startswith("test") for name in self.functions):
            side = "same"  # a fixture that cleans the environment
        return cst.RemoveFromParent() if self._settled_side(original_node, side) else updated_node

    def leave_Assign(
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.BaseSmallStatement | cst.RemovalSentinel:
        """`os.environ[FLAG] = …`, and `pytestmark = …`."""
        target = updated_node.targets[0].target
        if isinstance(target, cst.Subscript) and self.reader.value(target) is not None:
            gone = self._settled_side(original_node, side_of(updated_node.value, self.subject.value))
            return cst.RemoveFromParent() if gone else updated_node
        if isinstance(target, cst.Name):
            return self._mark(updated_node, target.value)
        return updated_node

    def _mark(self, node: cst.Assign, name: str) -> cst.BaseSmallStatement | cst.RemovalSentinel:
        """A skip mark that is kept in a name; `pytestmark` marks the whole module."""
        strikes = self._strikes(node.value)
        if name != "pytestmark":
            if strikes is not None and not self.functions:
                self.facts.marks[f"{self.source.module}.{name}"] = strikes
            return node
        self.whole_module_goes |= strikes is True
        if strikes is not None:
            return cst.RemoveFromParent()
        return self._marks(node, node.value) if isinstance(node.value, cst.List) else node

    def _marks(self, node: cst.Assign, listed: cst.List) -> cst.BaseSmallStatement | cst.RemovalSentinel:
        strikes = [self._strikes(element.value) for element in listed.elements]
        self.whole_module_goes |= True in strikes
        kept = [element for element, strike in zip(listed.elements, strikes, strict=True) if strike is None]
        if not kept:
            return cst.RemoveFromParent()
        kept[-1] = kept[-1].with_changes(comma=listed.elements[-1].comma)
        return node.with_changes(value=listed.with_changes(elements=kept)) if len(kept) < len(strikes) else node

    def leave_Element(self, original_node: cst.Element, updated_node: cst.Element) -> cst.Element | cst.RemovalSentinel:
        """`pytest.param(…, marks=skipif(…))` that is always skipped."""
        return cst.RemoveFromParent() if updated_node.value in self.dead_params else updated_node

    def leave_List(self, original_node: cst.List, updated_node: cst.List) -> cst.BaseExpression:
        """A list that lost its last element ends as it did."""
        elements = list(updated_node.elements)
        if not elements or len(elements) == len(original_node.elements):
            return updated_node
        elements[-1] = elements[-1].with_changes(comma=original_node.elements[-1].comma)
        return updated_node.with_changes(elements=elements)

    def leave_With(self, original_node: cst.With, updated_node: cst.With) -> Replacement:
        """`with patch.dict(os.environ, {FLAG: "true"}):`."""
        kept: list[cst.WithItem] = []
        for item in updated_node.items:
            patched = self._patch(original_node, item.item) if isinstance(item.item, cst.Call) else None
            if patched is None:
                kept.append(item)
            elif patched is not True:
                kept.append(item.with_changes(item=patched))
        if not kept:
            return self.inline(updated_node.body, updated_node.leading_lines)
        if len(kept) < len(updated_node.items):
            kept[-1] = kept[-1].with_changes(comma=updated_node.items[-1].comma)
        return updated_node.with_changes(items=kept)

    def visit_Call(self, node: cst.Call) -> None:
        """A skip mark owns its condition."""
        if dotted(node.func).rpartition(".")[2] in SKIPS:
            for arg in node.args:
                self.own(arg.value)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """`skipif(…)`; `Settings(use_hera_sdk=True)`."""
        node = self._skip(original_node, updated_node)
        marks = next((arg for arg in node.args if arg.keyword and arg.keyword.value == "marks"), None)
        strikes = self._strikes(marks.value) if marks is not None else None
        kept = [arg for arg in node.args if not self._given_away(original_node, arg)]
        if strikes is False:
            kept = [arg for arg in kept if arg is not marks]
        if len(kept) < len(node.args):
            node = node.with_changes(args=closed(kept, node.args))
        if strikes:
            self.dead_params.add(node)
        return node

    def _given_away(self, original: cst.Call, arg: cst.Arg) -> bool:
        name = arg.keyword.value if arg.keyword else ""
        if name not in self.facts.attributes and name != self.subject.field_name:
            return False
        side = side_of(arg.value, self.subject.value)
        if side == "unknown" and self.reader.value(arg.value) is not None:
            return False
        if side == "unknown":
            self.note(original, "keyword argument", UNKNOWN)
            return False
        return self._settled_side(original, side)


def closed(kept: Sequence[cst.Arg], before: Sequence[cst.Arg]) -> list[cst.Arg]:
    """Arguments after some were taken out: the last one ends as the last one did."""
    found = list(kept)
    if found:
        found[-1] = found[-1].with_changes(comma=before[-1].comma, whitespace_after_arg=before[-1].whitespace_after_arg)
    return found
