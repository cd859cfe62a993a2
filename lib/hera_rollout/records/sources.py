"""Whether a notebook's code cells are the shipped ones: a verdict is as good as the code that came to it.

What counts is each code cell's source, in order. What does not: outputs, cell ids, execution counts, markdown, empty cells,
and the values of parameters, in the cell tagged `parameters` and in the one that papermill injects.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from importlib.resources import files as package_files
from typing import Any, Final, NamedTuple

from IPython import get_ipython
from nbformat import NotebookNode

from hera_rollout.records.evidence import code_cells, last
from hera_rollout.records.outcomes import Outcome, RecordVerdict
from hera_rollout.redaction import REDACTOR

SHIPPED_FILE: Final = "shipped.json"
SHIPPED: Final[dict[str, dict[str, Any]]] = json.loads(
    package_files("hera_rollout.records").joinpath(SHIPPED_FILE).read_text(encoding="utf-8")
)
EXEMPT_VARIABLE: Final = "HERA_ROLLOUT_EXEMPT_SOURCE"
"""For the kit's own tests only: small notebooks of theirs get a verdict, and their records say so and open no gate."""
SAME: Final = "shipped"
EXEMPT: Final = f"exempt: {EXEMPT_VARIABLE} is set, which is for the kit's own tests only"
DIFFERENT: Final = "not the shipped one"
_PARAMETERS: Final = "parameters"
_INJECTED: Final = "injected-parameters"
_PAPERMILLS_OWN: Final = {"PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH"}
"""What papermill's --inject-paths adds to the parameters; no cell reads them."""
_MOST_NAMED: Final = 5


class Source(NamedTuple):
    """What a record keeps of its notebook's source.

    Attributes:
        source: ``shipped``, ``exempt: …``, or that it is not the shipped one.
        source_cells: the SHA-256 of each code cell.
        source_differences: each difference to the shipped notebook.
    """

    source: str
    source_cells: list[str]
    source_differences: list[str]


def digest(source: str) -> str:
    """The SHA-256 of a cell's source as a record keeps it: line ends made the same, none at its end."""
    plain = REDACTOR.text(source.replace("\r\n", "\n").replace("\r", "\n").rstrip())
    return hashlib.sha256(plain.encode()).hexdigest()


def described(cells: Iterable[NotebookNode], checks: Iterable[str]) -> dict[str, Any]:
    """What is shipped of one notebook: its cells in order, its parameters, and the checks that its plan asks for."""
    code = list(cells)
    parameters = next(cell.source for cell in code if _is(cell, _PARAMETERS))
    return {
        "cells": [_PARAMETERS if _is(cell, _PARAMETERS) else digest(cell.source) for cell in code],
        "parameters": _declared(parameters),
        "checks": list(checks),
    }


def source_of(notebook: NotebookNode, name: str) -> Source:
    """Compare an executed notebook with the shipped one of that name."""
    cells = [digest(cell.source) for cell in code_cells(notebook)]
    found = differences(notebook, name)
    exempt = bool(found) and bool(os.environ.get(EXEMPT_VARIABLE))
    return Source(EXEMPT if exempt else DIFFERENT if found else SAME, cells, found)


def differences(notebook: NotebookNode, name: str) -> list[str]:
    """Each difference to the shipped notebook, in words: of what is saved, then of what its kernel executed."""
    shipped = SHIPPED.get(name)
    if shipped is None:
        return [f"no notebook called {name} is shipped"]
    code = list(enumerate(code_cells(notebook), 1))
    names = shipped["parameters"]
    numbered = [(number, _entry(cell, names)) for number, cell in code if not _is_injected(cell, names)]
    return [*_saved(shipped["cells"], numbered, name), *_executed(notebook, shipped)]


def withheld(outcome: Outcome, notebook: NotebookNode, name: str, source: Source) -> Outcome:
    """The outcome, but HOLD in PASS's place where the source is not the shipped one or a planned check was not made."""
    if outcome.verdict is not RecordVerdict.PASS or source.source == EXEMPT:
        return outcome
    reasons = list(source.source_differences)
    made = {check["name"] for check in last(notebook, "conclude").get("checks", [])}
    missing = [check for check in SHIPPED.get(name, {}).get("checks", []) if check not in made]
    reasons += [f"criteria without checks: {', '.join(missing)}"] if missing else []
    if not reasons:
        return outcome
    more = f"; and {len(reasons) - _MOST_NAMED} more" if len(reasons) > _MOST_NAMED else ""
    return Outcome(RecordVerdict.HOLD, f"not PASS, though its checks say so: {'; '.join(reasons[:_MOST_NAMED])}{more}")


def todo(name: str) -> str:
    """What to do about a run whose verdict was withheld."""
    return (
        f"Get {name}.ipynb as it is shipped (git checkout notebooks/{name}.ipynb), restart its kernel, and run all its "
        "cells; or run it by hera-rollout run."
    )


def changed(record: Mapping[str, Any], source: Source) -> Iterator[str]:
    """Where a record says something else of its source than its notebook gives now."""
    if record.get("source") != source.source:
        yield f"the record says that its source is {record.get('source', 'not known')}, its notebook gives {source.source}"
    elif list(record.get("source_cells", [])) != source.source_cells:
        yield "the digests of its code cells are not those of its notebook"


def gate_fault(record: Mapping[str, Any]) -> str:
    """Why a record opens no gate by its source; empty where the source is the shipped one."""
    source = record.get("source", "it does not say whether its source is the shipped one")
    return "" if source == SAME else "; ".join([str(source), *map(str, record.get("source_differences", []))])


def executed_cells() -> dict[str, dict[str, Any]]:
    """What this kernel executed so far, by execution count: the evidence that the saved source is the one that ran."""
    shell = get_ipython()
    history = shell.history_manager.input_hist_raw if shell and shell.history_manager else []
    return {
        str(count): {"sha256": digest(source), "assigns": _assigned(source)}
        for count, source in enumerate(history)
        if source.strip() and _could_run(source)
    }


def _could_run(source: str) -> bool:
    """Whether a cell's source is Python once IPython has read its magics: of any other no line was executed."""
    shell = get_ipython()
    try:
        ast.parse(shell.transform_cell(source) if shell else source)
    except SyntaxError:
        return False
    except (ValueError, RecursionError, MemoryError):
        return True  # not known, so it counts
    return True


def unshipped_cells(name: str) -> list[str]:
    """What this kernel executed that is no code cell of the shipped notebook of that name, in words."""
    shipped = SHIPPED.get(name)
    if shipped is None or os.environ.get(EXEMPT_VARIABLE):
        return []
    return _unknown(executed_cells(), set(shipped["cells"]), shipped["parameters"])


def _is(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _is_injected(cell: NotebookNode, names: Mapping[str, str]) -> bool:
    return _is(cell, _INJECTED) and _only_parameters(_assigned(cell.source), names)


def _entry(cell: NotebookNode, names: Mapping[str, str]) -> str:
    # A value may be given without its annotation; a parameter that is not given keeps the phase's own default.
    given = _is(cell, _PARAMETERS) and _only_parameters(_assigned(cell.source), names)
    return _PARAMETERS if given else digest(cell.source)


def _statements(source: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_literal(value: ast.expr | None) -> bool:
    try:
        ast.literal_eval(value or "no value")
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _declared(source: str) -> dict[str, str] | None:
    """Names and annotations of a cell that only gives literals to annotated names; None for any other cell."""
    found: dict[str, str] = {}
    for statement in _statements(source) or []:
        if not (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(statement.annotation, ast.Name)
            and _is_literal(statement.value)
        ):
            return None
        found[statement.target.id] = statement.annotation.id
    return found or None


def _assigned(source: str) -> list[str] | None:
    """The names of a cell that only gives literals to names; None for any other cell."""
    statements = _statements(source)
    if statements is None:
        return None
    found: list[str] = []
    for statement in statements:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        plain = isinstance(statement, ast.Assign | ast.AnnAssign) and _is_literal(statement.value)
        # An annotation is code as well: whatever stands there is executed.
        plain = plain and isinstance(getattr(statement, "annotation", None), ast.Name | None)
        if not plain or not all(isinstance(target, ast.Name) for target in targets):
            return None
        found += [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def _only_parameters(assigned: list[str] | None, names: Mapping[str, str]) -> bool:
    return assigned is not None and set(assigned) <= {*names, *_PAPERMILLS_OWN}


def _saved(shipped: list[str], numbered: list[tuple[int, str]], name: str) -> list[str]:
    """Cells that differ, are missing, or are not shipped."""
    found: list[str] = []
    missing = 0
    match = SequenceMatcher(None, shipped, [entry for _, entry in numbered], autojunk=False)
    for kind, first, last_, begin, end in match.get_opcodes():
        if kind == "equal":
            continue
        there, pairs = numbered[begin:end], min(last_ - first, end - begin)
        found += [f"code cell {number} differs from the shipped {name}.ipynb" for number, _ in there[:pairs]]
        found += [f"code cell {number} is not in the shipped {name}.ipynb" for number, _ in there[pairs:]]
        missing += last_ - first - pairs
    return [*found, *([f"{missing} cells of the shipped {name}.ipynb are missing"] if missing else [])]


def _executed(notebook: NotebookNode, shipped: Mapping[str, Any]) -> list[str]:
    """Where the kernel executed something else than what is saved, or more than what is shipped."""
    executed: dict[str, Any] = last(notebook, "conclude").get("executed") or {}
    if not executed:
        return []
    found = [
        f"code cell {number} was executed from another source than the saved one"
        for number, cell in enumerate(code_cells(notebook), 1)
        if executed.get(str(cell.get("execution_count")), {}).get("sha256", "") not in ("", digest(cell.source))
    ]
    saved = {digest(cell.source) for cell in code_cells(notebook)}
    known = saved | set(shipped["cells"])
    return found + _unknown(executed, known, shipped["parameters"])


def _unknown(executed: Mapping[str, Any], known: set[str], names: Mapping[str, str]) -> list[str]:
    return [
        f"In [{count}] executed code that is not in the shipped notebook"
        for count, cell in executed.items()
        if cell.get("sha256") not in known and not _only_parameters(cell.get("assigns"), names)
    ]
