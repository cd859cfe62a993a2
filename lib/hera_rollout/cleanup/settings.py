"""Classes that carry the flag: settings objects, dataclasses, and what reads them."""

from collections.abc import Iterator

import libcst as cst

from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.names import dotted, parameters, targets
from hera_rollout.cleanup.outcomes import outcome_of
from hera_rollout.cleanup.reading import Reader
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.subject import Subject
from hera_rollout.cleanup.values import TEXT, Known, Value, is_flag, literal

NAMING = frozenset({"alias", "env", "validation_alias"})
PROPERTIES = frozenset({"property", "cached_property", "computed_field"})


class ClassReader:
    """Reads one class for fields, properties and methods that are the flag in other words."""

    def __init__(self, source: Source, subject: Subject, facts: Facts, reader: Reader) -> None:
        self.source = source
        self.subject = subject
        self.facts = facts
        self.reader = reader

    def read(self, node: cst.ClassDef) -> None:
        """Note what the class gives away about the flag."""
        prefix = env_prefix(node)
        for field_name, field in fields(node):
            value = self._field(node, field_name, field, prefix)
            if value is not None:
                self.facts.attributes[field_name] = value
        for function in _functions(node):
            self._function(function)

    def _field(self, owner: cst.ClassDef, name: str, field: cst.Assign | cst.AnnAssign, prefix: str) -> Value | None:
        if is_settings(owner) and (f"{prefix}{name}".upper() == self.subject.flag or self._named(field)):
            return self._typed(field)
        given = _default(field)
        value = self.reader.value(given) if given is not None else None
        if value is None and isinstance(given, cst.Lambda):
            value = self.reader.value(given.body)
        if value is None and given is not None and isinstance(field, cst.AnnAssign):
            value = self.facts.calls.get(self.reader.resolved(given))
        return value

    def _named(self, field: cst.Assign | cst.AnnAssign) -> bool:
        """Whether `Field(alias=…)` names the flag."""
        call = field.value
        if not isinstance(call, cst.Call):
            return False
        return any(arg.keyword and arg.keyword.value in NAMING and self._aliases(arg.value) for arg in call.args)

    def _aliases(self, node: cst.BaseExpression) -> bool:
        if isinstance(node, cst.Call):
            return any(literal(arg.value) == self.subject.flag for arg in node.args)
        return literal(node) == self.subject.flag

    def _typed(self, field: cst.Assign | cst.AnnAssign) -> Value:
        annotation = (
            cst.Module([]).code_for_node(field.annotation.annotation) if isinstance(field, cst.AnnAssign) else "bool"
        )
        return TEXT if "str" in annotation and "bool" not in annotation else Known(self.subject.value)

    def _function(self, node: cst.FunctionDef) -> None:
        if node.name.value == "__init__":
            self._init(node)
            return
        self.reader.scopes.append(dict.fromkeys(parameters(node)))
        outcome = outcome_of(node, self.reader, frozenset())
        self.reader.scopes.pop()
        if outcome is None or not is_flag(outcome):
            return
        names = {dotted(item.decorator).rpartition(".")[2] for item in node.decorators}
        table = self.facts.attributes if names & PROPERTIES else self.facts.methods
        table[node.name.value] = outcome

    def _init(self, node: cst.FunctionDef) -> None:
        """`self.use_hera = <the flag>`."""
        self.reader.scopes.append(dict.fromkeys(parameters(node)))
        for line in node.body.body:
            for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(small, cst.Assign) and len(small.targets) == 1:
                    name, value = dotted(small.targets[0].target), self.reader.value(small.value)
                    if value is not None and name.startswith("self.") and name.count(".") == 1:
                        self.facts.attributes.setdefault(name.removeprefix("self."), value)
        self.reader.scopes.pop()


def fields(node: cst.ClassDef) -> Iterator[tuple[str, cst.Assign | cst.AnnAssign]]:
    """The names a class body assigns."""
    for line in node.body.body:
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.Assign | cst.AnnAssign):
                for target in targets(small):
                    if isinstance(target, cst.Name):
                        yield target.value, small


def is_settings(node: cst.ClassDef) -> bool:
    """Whether the environment fills the class's fields; a mere schema with a field of that name is none."""
    bases = [dotted(arg.value).rpartition(".")[2] for arg in node.bases]
    return any(
        name.endswith(("Settings", "Config", "Options", "Flags", "Features")) for name in (*bases, node.name.value)
    )


def env_prefix(node: cst.ClassDef) -> str:
    """pydantic-settings' `env_prefix`, of either spelling."""
    finder = _Prefix()
    node.visit(finder)
    return finder.prefix


class _Prefix(cst.CSTVisitor):
    prefix = ""

    def visit_Arg(self, node: cst.Arg) -> None:
        if node.keyword and node.keyword.value == "env_prefix":
            self.prefix = str(literal(node.value))

    def visit_Assign(self, node: cst.Assign) -> None:
        if any(dotted(target.target) == "env_prefix" for target in node.targets):
            self.prefix = str(literal(node.value))


def _functions(node: cst.ClassDef) -> Iterator[cst.FunctionDef]:
    return (item for item in node.body.body if isinstance(item, cst.FunctionDef))


def _default(field: cst.Assign | cst.AnnAssign) -> cst.BaseExpression | None:
    """A field's default: plain, or by `field(default=…)` or `field(default_factory=…)`."""
    given = field.value
    if isinstance(given, cst.Call):
        for arg in given.args:
            if arg.keyword and arg.keyword.value in {"default", "default_factory"}:
                return arg.value
    return given


class Conflicts(cst.CSTVisitor):
    """Finds attributes that some other class has under the flag's name, or that somebody sets later."""

    def __init__(self, source: Source, subject: Subject, facts: Facts) -> None:
        super().__init__()
        self.reader = Reader(subject, source.module, source.imports, facts)
        self.classes = ClassReader(source, subject, facts, self.reader)
        self.facts = facts

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """A field of that name that is not the flag."""
        prefix = env_prefix(node)
        for name, field in fields(node):
            if name in self.facts.attributes and self.classes._field(node, name, field, prefix) is None:
                self.facts.refused[name] = f"class {node.name.value} has a field of that name that is not the flag"
        for function in _functions(node):
            name = function.name.value
            if name in self.facts.methods and outcome_of(function, self.reader, frozenset()) is None:
                self.facts.refused[name] = f"class {node.name.value} has a method of that name that is not the flag"

    def visit_Assign(self, node: cst.Assign) -> None:
        """`anything.use_hera = value`."""
        for target in targets(node):
            ours = isinstance(target, cst.Attribute) and target.attr.value in self.facts.attributes
            if ours and isinstance(target, cst.Attribute) and self.reader.value(node.value) is None:
                self.facts.refused[target.attr.value] = "reassigned: the attribute is set elsewhere"
