"""What only the removed side used: definitions nobody asks for any more, modules nobody imports, tests of both."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import libcst as cst

from hera_rollout.cleanup.names import dotted, targets
from hera_rollout.cleanup.pruning import spaced, uses
from hera_rollout.cleanup.purity import is_pure
from hera_rollout.cleanup.readers import built_names
from hera_rollout.cleanup.sources import Source, parse
from hera_rollout.cleanup.subject import Place

ROUNDS = 10
HARMLESS_DECORATORS = frozenset({"dataclass", "final", "total_ordering", "unique"})
UNASKED = "the old path may still be called: nothing asks for it by its name any more, but it is {}"
DATA_BASES = frozenset({"pydantic", "pydantic_settings", "typing_extensions"})
"""Packages of bases that keep no list of their subclasses."""
WALKERS = frozenset({"iter_modules", "walk_packages"})
SUBCLASS = "a subclass: its base may keep it"
BY_PARTS = "its name may be put together while the program runs"
Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Definition = TypeVar("Definition", cst.FunctionDef, cst.ClassDef)


@dataclass
class Swept:
    """Texts without what became dead, the modules that went, what was done, and what a framework may still call."""

    texts: dict[str, str]
    removed: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)
    left: list[Place] = field(default_factory=list)


def sweep(before: Mapping[str, str], after: Mapping[str, str], named: Collection[str] = ()) -> Swept:
    """Take out what lost its last user between two states of the Python files.

    Args:
        before: Every Python file as it was.
        after: Every Python file after the codemod; what is missing was removed already.
        named: Words that stand in files other than Python: entry points and the like.
    """
    return _Sweep(before, after, named).run()


class _Sweep:
    def __init__(self, before: Mapping[str, str], after: Mapping[str, str], named: Collection[str]) -> None:
        self.old = [parse(file, text) for file, text in before.items()]
        self.now = {file: parse(file, text) for file, text in after.items()}
        self.named = frozenset(named)
        self.old_uses = uses(_production(self.old), texts=True)
        self.old_imports = _imported(_production(self.old))
        self.asked = _asked(_production(self.old))
        places = [(source, *item) for source in _production(self.old) for item in _definitions(source.plain)]
        self.defined = Counter(node.name for _, node, in_class in places if not in_class)
        self.classes = {node.name: (source, node) for source, node, _ in places if isinstance(node, ast.ClassDef)}
        self.packages = {source.module.split(".")[0] for source in self.old}
        self.built = built_names(_production(self.old))
        names = uses(_production(self.old))
        self.listed, self.walked = names["__subclasses__"] > 0, any(names[name] for name in WALKERS)
        self.loaded: set[str] = set()
        self.swept = Swept({})
        self.gone = {source.module for source in self.old if source.file not in self.now}
        self.gone_names: set[str] = set()

    def run(self) -> Swept:
        for _ in range(ROUNDS):
            changed = self._modules() | self._definitions() | self._tests()
            if not changed:
                break
        self.swept.texts = {file: source.text for file, source in self.now.items()}
        self.swept.left = sorted(self._left())
        return self.swept

    def _modules(self) -> bool:
        live = _imported(_production(self.now.values()))
        dead = [source for source in self.now.values() if self._is_dead(source, live)]
        for source in dead:
            self._remove(source, "module", "nothing imports it any more")
            self.gone.add(source.module)
        return bool(dead)

    def _is_dead(self, source: Source, live: Counter[str]) -> bool:
        lost = self.old_imports[source.module] > 0 and live[source.module] == 0
        if not lost or source.is_test or source.file.endswith(("__init__.py", "__main__.py")):
            return False
        if self._may_be_loaded(source):
            self.loaded.add(source.module)
            return False
        started = "__name__ ==" in source.text
        return not started and source.module not in self.named and source.file not in self.named

    def _may_be_loaded(self, source: Source) -> bool:
        """Whether the module's name may be put together, or its package is walked through."""
        return self.walked or any(form.fullmatch(source.module) for form in self.built)

    def _remove(self, source: Source, shape: str, why: str) -> None:
        self.now.pop(source.file)
        self.swept.removed.add(source.file)
        self.swept.places.append(Place(source.file, 1, shape, "removed", source.module, why))

    def _definitions(self) -> bool:
        now = uses(_production(self.now.values()), texts=True)
        dead = {name for name, count in self.old_uses.items() if count > 0 and now[name] <= 0}
        dead -= self.named | {name for name in dead if name.startswith("__")}
        changed = False
        for source in _production(list(self.now.values())):
            if any(name in source.text for name in dead):
                changed |= self._without(source, dead)
        return changed

    def _left(self) -> Iterator[Place]:
        """Definitions that nobody in the code asks for by name any more, and that stay: who calls them is not known."""
        now = uses(_production(self.now.values()))
        before = uses(_production(self.old))
        lost = {name for name, count in before.items() if count > 0 and now[name] <= 0 and not name.startswith("__")}
        live = _imported(_production(self.now.values()))
        for source in _production(self.now.values()):
            lines = source.text.splitlines()
            if source.module in self.loaded and live[source.module] == 0:
                yield Place(source.file, 1, "module", "by hand", source.module, UNASKED.format(BY_PARTS))
            for node, in_class in _definitions(source.plain):
                if node.name in lost and (in_class or self._was_asked(source, node.name)):
                    why = UNASKED.format(self._who_may_call(source, node, in_class=in_class))
                    yield Place(source.file, node.lineno, "definition", "by hand", lines[node.lineno - 1].strip(), why)

    def _was_asked(self, source: Source, name: str) -> bool:
        """Whether what went could mean this definition: of several with one name only the one that was asked for."""
        return self.defined[name] <= 1 or f"{source.module}.{name}" in self.asked

    def _why_kept(self, source: Source, node: Defined) -> str:
        """Who may come to a definition without its name standing in the code."""
        names = (source.module, node.name)
        if source.module in self.loaded or any(form.fullmatch(name) for form in self.built for name in names):
            return BY_PARTS
        return SUBCLASS if isinstance(node, ast.ClassDef) and self._is_kept_by_base(source, node, ()) else ""

    def _is_kept_by_base(self, source: Source, node: ast.ClassDef, below: tuple[str, ...]) -> bool:
        for base in node.bases:
            whole = source.imports.get(ast.unparse(base).partition("[")[0].split(".")[0], "")
            package = whole.split(".")[0]
            if package and package not in self.packages | sys.stdlib_module_names | DATA_BASES:
                return True
            name = ast.unparse(base).partition("[")[0].rpartition(".")[2]
            if name in self.classes and name not in below:
                owner, parent = self.classes[name]
                registers = any(isinstance(item, ast.FunctionDef) and item.name == "__init_subclass__"
                                for item in parent.body)  # fmt: skip
                if self.listed or registers or self._is_kept_by_base(owner, parent, (*below, node.name)):
                    return True
        return False

    def _who_may_call(self, source: Source, node: Defined, *, in_class: bool) -> str:
        if not in_class and (why := self._why_kept(source, node)):
            return why
        if in_class:
            return "a method: a base class, a thread, getattr or a template may call it"
        if node.decorator_list or (isinstance(node, ast.ClassDef) and node.keywords):
            return "decorated: who took it down may call it"
        return "a text or a file of configuration names it"

    def _without(self, source: Source, names: Collection[str]) -> bool:
        here = [node for node, in_class in _definitions(source.plain) if not in_class and node.name in names]
        names = set(names) - {
            node.name for node in here if not self._was_asked(source, node.name) or self._why_kept(source, node)
        }
        cutter = _Cut(names)
        tree = source.tree.visit(cutter)
        if not cutter.cut:
            return False
        for name in cutter.cut:
            line = next((n for n, text in enumerate(source.text.splitlines(), 1) if re.search(rf"\b{name}\b", text)), 0)
            self.swept.places.append(
                Place(source.file, line, "definition", "removed", name, "nothing asks for it any more")
            )
        self.gone_names |= {f"{source.module}.{name}" for name in cutter.cut}
        self.now[source.file] = parse(source.file, tree.code)
        return True

    def _tests(self) -> bool:
        changed = False
        for source in [item for item in self.now.values() if item.is_test]:
            lost = self._lost(source)
            if lost:
                changed |= self._without_tests(source, lost)
        return changed

    def _lost(self, source: Source) -> set[str]:
        """Names of a test module that stand for something that is gone."""
        return {name for name, whole in source.imports.items() if whole in self.gone or whole in self.gone_names} | {
            name for name, whole in source.imports.items() if whole.rpartition(".")[0] in self.gone
        }

    def _without_tests(self, source: Source, lost: set[str]) -> bool:
        cutter = _CutTests(lost)
        tree = source.tree.visit(cutter)
        for name in cutter.cut:
            self.swept.places.append(Place(source.file, 0, "test", "removed", name, "tests what is gone"))
        if cutter.cut and not cutter.kept:
            self._remove(source, "test module", "all its tests were of what is gone")
        elif cutter.cut:
            self.now[source.file] = parse(source.file, tree.code)
        return bool(cutter.cut)


def _production(sources: Iterable[Source]) -> list[Source]:
    return [source for source in sources if not source.is_test]


def _imported(sources: Iterable[Source]) -> Counter[str]:
    """How many modules import each module."""
    found: Counter[str] = Counter()
    for source in sources:
        wanted = set(_wanted(source)) - {source.module}
        found.update(wanted)
    return found


def _asked(sources: Iterable[Source]) -> set[str]:
    """The whole dotted name of everything that the modules ask for."""
    names: set[str] = set()
    for source in sources:
        names |= set(source.imports.values())
        for node in ast.walk(source.plain):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                first, _, rest = ast.unparse(node).partition(".")
                whole = source.imports.get(first, f"{source.module}.{first}")
                names.add(f"{whole}.{rest}" if rest else whole)
    return names


def _wanted(source: Source) -> Iterator[str]:
    for whole in source.imports.values():
        yield whole
        yield whole.rpartition(".")[0]
    for node in ast.walk(source.plain):
        if isinstance(node, ast.Import):  # `import a.b.c` makes a.b.c reachable though it binds only a
            yield from (alias.name for alias in node.names)


def _definitions(tree: ast.Module) -> Iterator[tuple[Defined, bool]]:
    """Functions and classes at the top of a module, and the methods of its classes."""
    for node in tree.body:
        if isinstance(node, Defined):
            yield node, False
        for item in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(item, Defined):
                yield item, True


class _Cut(cst.CSTTransformer):
    """Cuts definitions of some names at the top of a module; a method stays, since a framework may call it."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__()
        self.names = names
        self.cut: list[str] = []
        self.depth = 0
        self.classes = 0
        self.gone: set[cst.CSTNode] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.depth += 1

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        self.depth -= 1
        stays = self.depth or self.classes or updated_node.decorators
        return updated_node if stays else self._gone(original_node, updated_node)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.classes += 1

    def leave_ClassDef(
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef | cst.RemovalSentinel:
        self.classes -= 1
        decorators = {dotted(getattr(item.decorator, "func", item.decorator)) for item in updated_node.decorators}
        registered = updated_node.keywords or {name.rpartition(".")[2] for name in decorators} - HARMLESS_DECORATORS
        return updated_node if self.depth or registered else self._gone(original_node, updated_node)

    def _gone(self, original: cst.CSTNode, node: Definition) -> Definition | cst.RemovalSentinel:
        name = node.name.value
        if name not in self.names:
            return node
        self.cut.append(name)
        self.gone.add(original)
        return cst.RemoveFromParent()

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        small = updated_node.body[0] if len(updated_node.body) == 1 else None
        if self.depth or not isinstance(small, cst.Assign | cst.AnnAssign):
            return updated_node
        names = [dotted(target) for target in targets(small)]
        constant = small.value is not None and (is_pure(small.value) or isinstance(small.value, cst.Call))
        if len(names) != 1 or names[0] not in self.names or not constant or not names[0].isupper():
            return updated_node
        self.cut.append(names[0])
        self.gone.add(original_node)
        return cst.RemoveFromParent()

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        return updated_node.with_changes(body=spaced(original_node.body, updated_node.body, self.gone))

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        return updated_node.with_changes(body=spaced(original_node.body, updated_node.body, self.gone))


class _CutTests(cst.CSTTransformer):
    """Cuts test functions that use some names."""

    def __init__(self, names: set[str]) -> None:
        super().__init__()
        self.names = names
        self.cut: list[str] = []
        self.kept = 0
        self.gone: set[cst.CSTNode] = set()

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        if not original_node.name.value.startswith("test"):
            return updated_node
        if not _uses(original_node, self.names):
            self.kept += 1
            return updated_node
        self.cut.append(original_node.name.value)
        self.gone.add(original_node)
        return cst.RemoveFromParent()

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        return updated_node.with_changes(body=spaced(original_node.body, updated_node.body, self.gone))


def _uses(node: cst.CSTNode, names: set[str]) -> bool:
    finder = _Names()
    node.visit(finder)
    return bool(finder.found & names)


class _Names(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)
