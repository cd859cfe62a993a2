"""Gathering what a repository's names stand for, module by module, until nothing new is found."""

import ast
import re
from collections.abc import Callable, Iterable, Sequence

import libcst as cst

from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.names import Bindings, bindings, parameters, targets
from hera_rollout.cleanup.outcomes import outcome_of, single_return
from hera_rollout.cleanup.reading import Reader
from hera_rollout.cleanup.settings import ClassReader, Conflicts
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.subject import Subject
from hera_rollout.cleanup.trying import Guard, guards_in
from hera_rollout.cleanup.values import MISSING, TEXT, Known, is_flag, literal

ROUNDS = 8


def gather(sources: Sequence[Source], subject: Subject, facts: Facts | None = None) -> Facts:
    """Everything that can be known about these modules together."""
    facts = facts or Facts()
    required = required_modules(sources, subject)
    changed = _changed_from_outside(sources)
    for _ in range(ROUNDS):
        before = facts.size()
        for source in filter(relevance(subject, facts), sources):
            ModuleGatherer(source, subject, facts, required, changed).gather()
        if facts.size() == before:
            break
    for source in filter(relevance(subject, facts), sources):
        source.tree.visit(Conflicts(source, subject, facts))
    for name in facts.refused:
        for table in (facts.constants, facts.attributes, facts.methods):
            table.pop(name, None)
    return facts


def relevance(subject: Subject, facts: Facts) -> Callable[[Source], bool]:
    """Whether a module can have to do with the flag at all: it has one of the words in it."""
    words = {*subject.spellings, *(name.rpartition(".")[2] for name in facts.names())}
    for pattern in subject.facts:
        words |= set(re.findall(r"\w+", pattern)[-1:])
    if "_" in subject.flag:  # a settings field under an env_prefix
        words |= {subject.field_name.split("_", n)[-1] for n in range(1, subject.flag.count("_"))}
    wanted = re.compile("|".join(map(re.escape, sorted(words))))
    guarded = re.compile(r"(?:ImportError|ModuleNotFoundError)")
    return lambda source: bool(wanted.search(source.text) or guarded.search(source.text))


def required_modules(sources: Sequence[Source], subject: Subject) -> frozenset[str]:
    """The required packages, and every module here that cannot be imported without one of them."""
    found = set(subject.required)
    while True:
        more = {source.module for source in sources if _imports_at_top(source, found)} - found
        if not more:
            return frozenset(found)
        found |= more


def _imports_at_top(source: Source, wanted: set[str]) -> bool:
    names: list[str] = []
    for node in source.plain.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [source.imports.get(alias.asname or alias.name, "") for alias in node.names]
    return any(name == want or name.startswith(f"{want}.") for name in names for want in wanted)


def _changed_from_outside(sources: Iterable[Source]) -> set[str]:
    """Dotted names that some module assigns by attribute: `config.USE_HERA = ...`."""
    found: set[str] = set()
    for source in sources:
        for node in ast.walk(source.plain):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                first, _, rest = ast.unparse(node).partition(".")
                if first in source.imports:
                    found.add(f"{source.imports[first]}.{rest}")
    return found


class ModuleGatherer:
    """Reads one module's top level, its classes and its helpers."""

    def __init__(
        self, source: Source, subject: Subject, facts: Facts, required: frozenset[str], changed: set[str]
    ) -> None:
        self.source = source
        self.subject = subject
        self.facts = facts
        self.required = required
        self.changed = changed
        self.reader = Reader(subject, source.module, source.imports, facts)
        self.bound: Bindings = bindings(source.tree)

    def gather(self) -> None:
        """Read it once."""
        for guard in guards_in(self.source, self.required):
            self._guard(guard)
        for statement in self.source.tree.body:
            self._statement(statement)

    def _statement(self, statement: cst.CSTNode) -> None:
        if isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                self._assignment(small)
        elif isinstance(statement, cst.FunctionDef):
            self._function(statement)
        elif isinstance(statement, cst.ClassDef):
            ClassReader(self.source, self.subject, self.facts, self.reader).read(statement)

    def _assignment(self, small: cst.BaseSmallStatement) -> None:
        if not isinstance(small, cst.Assign | cst.AnnAssign) or small.value is None:
            return
        names = [target.value for target in targets(small) if isinstance(target, cst.Name)]
        if len(names) != 1:
            return
        dotted_name = f"{self.source.module}.{names[0]}"
        if literal(small.value) == self.subject.flag and self.bound.count[names[0]] == 1:
            self.facts.flag_names.add(dotted_name)
            return
        value = self.reader.value(small.value)
        if value is None:
            return
        if self.bound.count[names[0]] > 1 or self._declared_global(names[0]) or dotted_name in self.changed:
            self.facts.refused[dotted_name] = "reassigned: its value is set in more than one place"
        else:
            self.facts.constants[dotted_name] = value

    def _declared_global(self, name: str) -> bool:
        return any(isinstance(node, ast.Global) and name in node.names for node in ast.walk(self.source.plain))

    def _guard(self, guard: Guard) -> None:
        """`AVAILABLE = True` beside the import of something that is required from now on."""
        for name, value in guard.constants.items():
            if self.bound.count[name] == guard.bound[name]:
                whole = self.source.imports.get(name, f"{self.source.module}.{name}")
                self.facts.constants.setdefault(whole, Known(value))

    def _function(self, node: cst.FunctionDef) -> None:
        name = f"{self.source.module}.{node.name.value}"
        if self.bound.count[node.name.value] > 1 or node.asynchronous:
            return
        local = dict.fromkeys(parameters(node))
        self.reader.scopes.append(dict(local))
        try:
            outcome = outcome_of(node, self.reader, self.required)
            if outcome is not None and is_flag(outcome):
                self.facts.calls[name] = outcome
                return
            self._one_argument(node, name)
        finally:
            self.reader.scopes.pop()

    def _one_argument(self, node: cst.FunctionDef, name: str) -> None:
        """A function that is given the flag's text, or its name, and answers from that."""
        first = next(iter([*node.params.posonly_params, *node.params.params]), None)
        returned = single_return(node)
        if first is None or returned is None:
            return
        parameter = first.name.value
        self.reader.scopes[-1][parameter] = TEXT
        converted = self.reader.value(returned)
        self.reader.scopes[-1][parameter] = None
        if converted is not None:
            self.facts.converters[name] = converted
            return
        self.reader.flag_parameters = {parameter}
        read = self.reader.value(returned)
        self.reader.flag_parameters = set()
        if read is not None and literal(returned) is MISSING:
            self.facts.lookups[name] = read
