"""What is left of the flag in a cleaned file, line by line, each with why it was not touched."""

import re
from collections.abc import Iterator

import libcst as cst
from libcst import metadata

from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.folding import Scopes
from hera_rollout.cleanup.names import dotted
from hera_rollout.cleanup.places import Notebook
from hera_rollout.cleanup.pruning import BY_NAME, is_present
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.cleanup.values import is_flag, literal

GETATTR = "read by {}: the codemod cannot follow a name given as text"
BUILT = "built from strings: the name is put together while the program runs"
PASSED = "passed on as an argument: what becomes of it there is not followed"
IN_TEXT = "named in a text: whether the text is read as the flag, nobody can tell here"
WHY = {
    cst.Arg: PASSED,
    cst.Param: "the default of a parameter: callers may give another value",
    cst.Return: "handed out by a function that does more than answer",
    cst.DictElement: "handed on as a value in a dict",
    cst.Element: "handed on as a value in a collection",
    cst.FormattedStringExpression: "written into a text",
    cst.Match: "decides a match statement",
    cst.NamedExpr: "assigned inside an expression",
    cst.AugAssign: "reassigned: its value is set in more than one place",
    cst.Index: "used as a key",
    cst.Assign: "a definition that is still asked for",
    cst.AnnAssign: "a definition that is still asked for",
}
UNKNOWN = "unknown: not one of the shapes the codemod knows"
COMMENT = "a comment or a docstring names it"
LEAST_PARTS = 2


class _Reasons(Scopes):
    """Why each line that still names the flag was left alone."""

    def __init__(self, source: Source, subject: Subject, facts: Facts) -> None:
        super().__init__(source, subject, facts, Notebook(source.file, source.text, source.text))
        self.parents: list[cst.CSTNode] = []
        self.why: dict[int, str] = {}
        self.suspect: dict[int, str] = {}

    def on_visit(self, node: cst.CSTNode) -> bool:
        self._look(node)
        self.parents.append(node)
        return super().on_visit(node)

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNode]:
        self.parents.pop()
        return super().on_leave(original_node, updated_node)

    def _look(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Call) and dotted(node.func).rpartition(".")[2] in BY_NAME:
            self._by_name(node)
        elif isinstance(node, cst.SimpleString):
            self._text(node)
        elif isinstance(node, cst.BaseExpression) and self.reader.value(node) is not None:
            self._say(node, self._context())

    def _by_name(self, node: cst.Call) -> None:
        names = {*self.subject.spellings, *(name.rpartition(".")[2] for name, _ in self.facts.values())}
        for arg in node.args:
            text = literal(arg.value)
            if isinstance(text, str) and text.rpartition(".")[2] in names:
                self._say(node, GETATTR.format(dotted(node.func).rpartition(".")[2]))

    def _text(self, node: cst.SimpleString) -> None:
        text = literal(node)
        if not isinstance(text, str):
            return
        joined = any(isinstance(parent, cst.BinaryOperation | cst.FormattedString) for parent in self.parents[-2:])
        if any(name in text for name in self.subject.spellings):
            self._say(node, COMMENT if isinstance(self.parents[-1], cst.Expr) else IN_TEXT)
        elif joined and self._piece(text):
            self.suspect.setdefault(self.line(node), BUILT)

    def _piece(self, text: str) -> bool:
        """Whether the text may be a part of the flag's name."""
        text = text.upper()
        return len([part for part in text.split("_") if part]) >= LEAST_PARTS and text in self.subject.flag

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        if any(name in node.value for name in self.subject.spellings):
            self._say(node, IN_TEXT)
        if self._piece(node.value):
            self.suspect.setdefault(self.line(node), BUILT)

    def _context(self) -> str:
        for parent in reversed(self.parents):
            if type(parent) in WHY:
                return WHY[type(parent)]
            if isinstance(parent, cst.BaseStatement):
                break
        return UNKNOWN

    def _say(self, node: cst.CSTNode, why: str) -> None:
        self.why.setdefault(self.line(node), why)


def left_in(source: Source, subject: Subject, facts: Facts, notes: Notebook) -> Iterator[Place]:
    """Every line of a cleaned file that still names the flag, at its place in the original."""
    names = list(subject.spellings)
    for name, value in facts.values():
        if is_flag(value) and not is_present(value):
            names.append(name.rpartition(".")[2])
    names += [name.rpartition(".")[2] for name in facts.refused]
    wanted = re.compile(r"(?<!\w)(" + "|".join(sorted(map(re.escape, set(names)), key=len, reverse=True)) + r")(?!\w)")
    lines = source.text.splitlines()
    hits = {number for number, line in enumerate(lines, start=1) if wanted.search(line)}
    if not hits and not _suspicious(source.text, subject):
        return
    reasons = _Reasons(source, subject, facts)
    metadata.MetadataWrapper(source.tree).visit(reasons)
    refused = {name.rpartition(".")[2]: why for name, why in facts.refused.items()}
    for number in sorted(hits | set(reasons.suspect)):
        why = reasons.why.get(number) or reasons.suspect.get(number)
        for match in wanted.finditer(lines[number - 1]):
            why = refused.get(match[1], why)
        if why is None and _defines(lines[number - 1], wanted):
            why = WHY[cst.AnnAssign]
        if why is None:
            why = COMMENT if _is_comment(lines[number - 1], wanted) else UNKNOWN
        yield notes.left(number, lines[number - 1].strip(), why)


def _suspicious(text: str, subject: Subject) -> bool:
    parts = subject.flag.split("_")
    pairs = ["_".join(parts[i : i + 2]) for i in range(len(parts) - 1)]
    return any(pair in text or pair.lower() in text for pair in pairs)


def _defines(line: str, wanted: re.Pattern[str]) -> bool:
    match = wanted.match(line.strip())
    return match is not None and line.strip()[match.end() :].lstrip()[:1] in {":", "="}


def _is_comment(line: str, wanted: re.Pattern[str]) -> bool:
    code = line.partition("#")[0]
    return not wanted.search(code) or not re.search(r"[=():\[\]]", code)
