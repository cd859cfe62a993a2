"""What of the old path the code that stays can still come to: by a handler, a variable, a default, a condition.

The same source is folded twice, once for each value of the flag. Where a function asks for something only with the
flag on, that is the new path; what stands as the other way out of it, and is the way with the flag off, is the old one.
"""

import ast
import builtins
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from hera_rollout.cleanup.places import line_map
from hera_rollout.cleanup.sources import Source, parse
from hera_rollout.cleanup.subject import Place

SET_AGAIN: Final = "the old path is still reachable: {} held the flag, and it is set in more than one place"
OTHER_WAY: Final = "the old path is still reachable: {} is the other way out of what Hera's path does here"
Function = ast.FunctionDef | ast.AsyncFunctionDef
ENDS: Final = (ast.Return, ast.Break, ast.Continue)


def old_path_places(before: Mapping[str, str], on: Mapping[str, str], off: Mapping[str, str]) -> list[Place]:
    """Places where the cleaned source still reaches the old path, at their lines in the original.

    Args:
        before: Every Python file as it was.
        on: The same files cleaned.
        off: The same files with the flag folded to its other value.
    """
    cleaned = [parse(file, text) for file, text in on.items()]
    production = [source for source in cleaned if not source.is_test]
    names = _names_defined(production)
    total = Counter(name for source in production for name, _ in set(_uses(source.plain)))
    others = {source.file: parse(source.file, off[source.file]) for source in production if source.file in off}
    pairs = [(source, others[source.file]) for source in production if source.file in others]
    hollow = {name for source, other in pairs for name in _hollow(source, other)}
    old, new = _paths(pairs, names)
    places: set[Place] = set()
    for source, other in pairs:
        if source.text != before[source.file]:
            known = names | _imports(source)
            look = partial(_Look, names=known, total=total, hollow=hollow)
            places |= set(_in_module(source, other, before[source.file], look))
        if new & {node.name for node in ast.walk(source.plain) if isinstance(node, Function | ast.ClassDef)}:
            places |= set(_in_new(source, before[source.file], old, new))
    return sorted(places)


def _hollow(source: Source, other: Source) -> Iterator[str]:
    """Functions that only fail, or answer None, with the flag off: whoever calls them calls Hera's path."""
    others = dict(_scopes(other.plain))
    for scope, node in _scopes(source.plain):
        if isinstance(node, Function) and scope in others and isinstance(others[scope], Function):
            last = node.body[-1]
            does = _names(node) - _names(others[scope]) and not _is_nothing(last)
            rest = _plain_body(others[scope])
            if does and len(rest) == 1 and _is_nothing(rest[0]):
                yield node.name


def _plain_body(node: ast.AST) -> list[ast.stmt]:
    """A function's statements without its docstring."""
    body: list[ast.stmt] = getattr(node, "body", [])
    return [item for item in body if not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))]


def _is_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and not node.value.value)
    return isinstance(node, ast.Raise) or (isinstance(node, ast.Assert) and ast.unparse(node.test) == "False")


def _paths(pairs: Sequence[tuple[Source, Source]], names: set[str]) -> tuple[set[str], set[str]]:
    """What some function asks for with the flag off only; and what nothing asks for any more with the flag off."""
    old: set[str] = set()
    for source, other in pairs:
        others = dict(_scopes(other.plain))
        for scope, node in _scopes(source.plain):
            if scope in others:
                old |= _names(others[scope]) - _names(node)
    used_on = {name for source, _ in pairs for name in _names(source.plain)}
    used_off = {name for _, other in pairs for name in _names(other.plain)}
    return old & names, (used_on - used_off) & names


def _in_new(source: Source, before: str, old: set[str], new: set[str]) -> Iterator[Place]:
    """Where a function or class that only Hera's path asks for falls back on the old path by itself."""
    lines = source.text.splitlines()
    for node in ast.walk(source.plain):
        if isinstance(node, Function | ast.ClassDef) and node.name in new:
            for part in _falls_back(node):
                for name, line in _uses(part):
                    if name in old:
                        why = OTHER_WAY.format(name)
                        at = original_line(before, source.text, line)
                        yield Place(source.file, at, "old path", "by hand", lines[line - 1].strip(), why)


def _falls_back(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[ast.AST]:
    """Decorators, bases and defaults; handlers that do not raise; what follows a try that returned."""
    yield from node.decorator_list
    if isinstance(node, ast.ClassDef):
        yield from node.bases
    else:
        yield from (item for item in [*node.args.defaults, *node.args.kw_defaults] if item)
    for item in ast.walk(node):
        if isinstance(item, ast.Try):
            yield from (part for handler in item.handlers for part in handler.body
                        if not isinstance(handler.body[-1], ast.Raise))  # fmt: skip
        elif isinstance(item, ast.BoolOp):
            yield from item.values[1:]
        block: list[ast.stmt] = getattr(item, "body", []) if isinstance(item, ast.stmt) else []
        for number, part in enumerate(block):
            if isinstance(part, ast.Try | ast.With | ast.For | ast.While) and any(
                isinstance(inner, ENDS) for inner in ast.walk(part)
            ):
                yield from block[number + 1 :]


def original_line(before: str, now: str, line: int) -> int:
    """The line of the original that a line of the changed text comes from, whatever became of its indentation."""
    old, new = ([text.strip() for text in whole.splitlines()] for whole in (before, now))
    lines = line_map("\n".join(old), "\n".join(new))
    origin, above = lines.get(line, line), lines.get(line - 1, 0)
    # Of two lines that read the same the one that follows the line above it.
    follows = 0 < above < len(old) and old[above] == new[line - 1]
    return above + 1 if follows else origin


def _in_module(source: Source, other: Source, before: str, look: "partial[_Look]") -> Iterator[Place]:
    others = dict(_scopes(other.plain))
    for scope, node in _scopes(source.plain):
        if scope in others:
            for line, why in look(node, others[scope]).places():
                text = source.text.splitlines()[line - 1].strip()
                yield Place(source.file, original_line(before, source.text, line), "old path", "by hand", text, why)


def _scopes(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The module's own statements, and each function with all that is in it."""
    top = [node for node in tree.body if not isinstance(node, Function | ast.ClassDef)]
    yield "", ast.Module(top, [])
    yield from _functions(tree, "")


def _functions(node: ast.AST, owner: str) -> Iterator[tuple[str, ast.AST]]:
    """Every function, wherever it is defined: in a class, in a function, under a condition."""
    for item in ast.iter_child_nodes(node):
        named = isinstance(item, Function | ast.ClassDef)
        name = f"{owner}.{item.name}" if isinstance(item, Function | ast.ClassDef) else owner
        if isinstance(item, Function):
            yield name, item
        if named or isinstance(item, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _functions(item, name)


def _uses(node: ast.AST) -> Iterator[tuple[str, int]]:
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load):
            yield item.id, item.lineno
        elif isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Load):
            yield item.attr, item.end_lineno or item.lineno


def _names(*nodes: ast.AST | None) -> set[str]:
    return {name for node in nodes if node is not None for name, _ in _uses(node)}


def _plain_names(node: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load)}


def _names_defined(sources: Sequence[Source]) -> set[str]:
    defined = {source.module.rpartition(".")[2] for source in sources}
    for source in sources:
        defined |= {node.name for node in ast.walk(source.plain) if isinstance(node, Function | ast.ClassDef)}
    return defined - set(dir(builtins))


def _imports(source: Source) -> set[str]:
    return {name for name, whole in source.imports.items() if whole.split(".")[0] not in sys.stdlib_module_names}


@dataclass
class _Look:
    """One function with the flag on, beside the same with the flag off."""

    on: ast.AST
    off: ast.AST
    names: set[str]
    total: Counter[str]
    hollow: set[str] = field(default_factory=set)
    ways_out: list[tuple[str, int, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hollow = self.hollow & _names(self.on)
        self.new = (_names(self.on) - _names(self.off)) | self.hollow
        self.on_values, self.off_values = _assigned(self.on), _assigned(self.off)

    def places(self) -> Iterator[tuple[int, str]]:
        """Lines, each with why."""
        again = set(self._set_again())
        for node in ast.walk(self.on):
            if isinstance(node, ast.If | ast.While | ast.IfExp):
                for name in sorted(again & set(_variables(node.test))):
                    yield node.test.lineno, SET_AGAIN.format(name)
        self._defaults()
        self._block(getattr(self.on, "body", []))
        for node in ast.walk(self.on):
            self._decided(node, again)
            self._expression(node)
            self._beside(node)
        yield from self._other_ways()

    def _set_again(self) -> Iterator[str]:
        """Variables that are True or False by the flag, and have more than one value."""
        for name in self.on_values.keys() & self.off_values.keys():
            on, off = self.on_values[name], self.off_values[name]
            differ = {*((on - off) + (off - on))}
            if differ & {"True", "False"} and (on.total() > 1 or off.total() > 1):
                yield name

    def _other_ways(self) -> Iterator[tuple[int, str]]:
        old = _names(self.off)
        handled = Counter(name for node in ast.walk(self.off)
                          if isinstance(node, ast.Try) and not self._always_fails(node)
                          for handler in node.handlers for name, _ in _uses(handler))  # fmt: skip
        straight = Counter(name for name, _ in _uses(self.off)) - handled
        found = set(self.ways_out)
        count = Counter(name for name, _, _ in found)
        here = Counter(name for name, _ in set(_uses(self.on)))
        for name, line, in_handler in sorted(found):
            ours = name in self.names and name in old and name not in self.on_values
            only = count[name] >= here[name] and self.total[name] <= count[name]
            if ours and only and (straight[name] or not in_handler):
                yield line, OTHER_WAY.format(name)

    def _always_fails(self, node: ast.Try) -> bool:
        """Whether the body fails whenever the flag is off, so that its handlers are the way then."""
        fails = any(isinstance(item, ast.Raise | ast.Assert) and _is_nothing(item) for item in node.body)
        return fails or bool(_names(*node.body) & self.hollow)

    def _way_out(self, *nodes: ast.AST, in_handler: bool = False) -> None:
        for node in nodes:
            self.ways_out += [(name, line, in_handler) for name, line in _uses(node)]

    def _is_new(self, *nodes: ast.AST | None) -> bool:
        return bool(_names(*nodes) & self.new)

    def _defaults(self) -> None:
        for node in ast.walk(self.on):
            if isinstance(node, Function | ast.Lambda) and self.new:
                self._way_out(*node.args.defaults, *(item for item in node.args.kw_defaults if item))

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        """Statements after one in which Hera's path returned are the other way out."""
        for number, statement in enumerate(statements):
            if not isinstance(statement, Function | ast.ClassDef) and self._is_new(statement) and self._arms(statement):
                self._way_out(*statements[number + 1 :])
                return

    def _arms(self, node: ast.stmt) -> bool:
        """Look into a statement; whether Hera's path ends in it."""
        if isinstance(node, ast.If):
            self._pair(node.test, node.body, node.orelse)
        elif isinstance(node, ast.Try) and self._is_new(*node.body):
            self._way_out(*(item for handler in node.handlers for item in handler.body), in_handler=True)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While) and self._is_new(*node.body):
            self._way_out(*node.orelse)
        arms = [getattr(node, name, []) for name in ("body", "orelse")]
        for arm in arms:
            self._block(arm)
        return any(
            self._is_new(*arm) and any(isinstance(item, ENDS) for part in arm for item in ast.walk(part))
            for arm in arms
        )

    def _pair(self, test: ast.expr, body: Sequence[ast.AST], orelse: Sequence[ast.AST]) -> None:
        in_body, in_else = self._is_new(*body), self._is_new(*orelse)
        if not in_body and (in_else or self._is_new(test)):
            self._way_out(*body)
        if not in_else and (in_body or self._is_new(test)):
            self._way_out(*orelse)

    def _expression(self, node: ast.AST) -> None:
        """`create(x) if ready else by_yaml(x)`, `create(x) or by_yaml(x)`."""
        if isinstance(node, ast.IfExp):
            self._pair(node.test, [node.body], [node.orelse])
        elif isinstance(node, ast.BoolOp):
            first = next((n for n, value in enumerate(node.values) if self._is_new(value)), len(node.values))
            self._way_out(*node.values[first + 1 :])

    def _beside(self, node: ast.AST) -> None:
        """`attempt(create, by_yaml)`, `(create, by_yaml)`, where nothing of the way with the flag off went."""
        if _plain_names(self.off) - _plain_names(self.on) - set(dir(builtins)):
            return
        items: list[ast.expr] = []
        if isinstance(node, ast.Call):
            items = [*node.args, *(item.value for item in node.keywords)]
        elif isinstance(node, ast.Tuple | ast.List):
            items = node.elts
        new = self.new & self.names
        beside = any(_names(item) & new for item in items) or (isinstance(node, ast.Call) and _names(node.func) & new)
        self._way_out(*(item for item in items if beside and not _names(item) & new))

    def _decided(self, node: ast.AST, again: set[str]) -> None:
        """`if result is None:` where only Hera's path gave a result: with the flag off it was always so."""
        if not isinstance(node, ast.If | ast.IfExp | ast.BoolOp) or not self.new:
            return
        inside = _assigned(node)
        for name in set(_variables(node.values[0] if isinstance(node, ast.BoolOp) else node.test)) - again:
            off = self.off_values.get(name, Counter()) - inside.get(name, Counter())
            constant = off and off.keys() <= {"True", "False", "None"}
            by_hollow = any(re.search(rf"\b{re.escape(item)}\b", value) for item in self.hollow for value in off)
            if by_hollow or (constant and self.on_values.get(name) != self.off_values.get(name)):
                self._pair_decided(node)

    def _pair_decided(self, node: ast.If | ast.IfExp | ast.BoolOp) -> None:
        if isinstance(node, ast.BoolOp):
            self._way_out(*node.values[1:])
            return
        arms = (node.body, node.orelse) if isinstance(node, ast.If) else ([node.body], [node.orelse])
        for arm in arms:
            if not self._is_new(*arm):
                self._way_out(*arm)


def _variables(node: ast.AST) -> Iterator[str]:
    for item in ast.walk(node):
        if isinstance(item, ast.Name) or (isinstance(item, ast.Attribute) and ast.unparse(item.value) == "self"):
            yield ast.unparse(item)


def _assigned(node: ast.AST) -> dict[str, Counter[str]]:
    """Every value that a function gives to each of its variables."""
    values: dict[str, Counter[str]] = {}
    for item in ast.walk(node):
        targets: Sequence[ast.AST] = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", item)]
        value = getattr(item, "value", None)
        if isinstance(item, ast.Assign | ast.AnnAssign | ast.NamedExpr) and isinstance(value, ast.AST):
            for target in targets:
                values.setdefault(ast.unparse(target), Counter())[ast.unparse(value)] += 1
    return values
