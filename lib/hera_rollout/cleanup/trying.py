"""`try: import … except ImportError`: a guard that falls when what it guards is required."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import libcst as cst

from hera_rollout.cleanup.names import bindings, dotted, targets
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.values import MISSING, literal

IMPORT_ERRORS: Final = frozenset({"ImportError", "ModuleNotFoundError"})


class _Present:
    """Stands for whatever was imported: it is there."""

    def __repr__(self) -> str:
        return "PRESENT"


PRESENT: Final = _Present()


@dataclass(frozen=True)
class Guard:
    """The constants a guard sets when the import succeeds, and how often the guard binds each."""

    constants: Mapping[str, object]
    bound: Counter[str]


def guards_in(source: Source, required: frozenset[str]) -> Iterator[Guard]:
    """Every guard at the top of a module."""
    for statement in source.tree.body:
        if isinstance(statement, cst.Try):
            body = guarded_body(statement, source.imports, required)
            if body is not None:
                yield Guard(
                    dict(_constants(body)) | dict.fromkeys(_fallbacks(statement), PRESENT), bindings(statement).count
                )


def _fallbacks(node: cst.Try) -> Iterator[str]:
    """Names that are None when the import fails: from now on they are certainly there."""
    for handler in node.handlers:
        for line in handler.body.body:
            for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(small, cst.Assign) and literal(small.value) is None:
                    yield from (target.value for target in targets(small) if isinstance(target, cst.Name))


def guarded_body(
    node: cst.Try, imports: Mapping[str, str], required: frozenset[str]
) -> list[cst.BaseStatement | cst.BaseSmallStatement] | None:
    """The statements that stay when the guard falls; None if it may not fall."""
    if node.finalbody or not node.handlers or not all(map(_catches_import_errors, node.handlers)):
        return None
    statements = list(node.body.body)
    small = [item for line in statements if isinstance(line, cst.SimpleStatementLine) for item in line.body]
    wanted = [item for item in small if isinstance(item, cst.Import | cst.ImportFrom)]
    if not wanted or not all(_is_required(item, imports, required) for item in wanted):
        return None
    return [*statements, *(node.orelse.body.body if node.orelse else [])]


def _catches_import_errors(handler: cst.ExceptHandler) -> bool:
    if handler.type is None:
        return False
    if isinstance(handler.type, cst.Tuple):
        return all(dotted(element.value) in IMPORT_ERRORS for element in handler.type.elements)
    return dotted(handler.type) in IMPORT_ERRORS


def _is_required(node: cst.Import | cst.ImportFrom, imports: Mapping[str, str], required: frozenset[str]) -> bool:
    if isinstance(node, cst.Import):
        return all(_within(dotted(alias.name), required) for alias in node.names)
    if isinstance(node.names, cst.ImportStar):
        return _within(dotted(node.module) if node.module else "", required)
    bound = [dotted(alias.asname.name) if alias.asname else dotted(alias.name) for alias in node.names]
    return all(_within(imports.get(name, ""), required) for name in bound)


def _within(name: str, required: frozenset[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in required)


def _constants(body: Sequence[cst.CSTNode]) -> Iterator[tuple[str, object]]:
    for line in body:
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.Assign) and literal(small.value) is not MISSING:
                for target in targets(small):
                    if isinstance(target, cst.Name):
                        yield target.value, literal(small.value)
