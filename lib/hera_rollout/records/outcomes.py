"""What a run came to, judged by what ran.

Papermill's own metadata calls cells that never ran "completed" after a timeout, a killed kernel, an interrupt or a
skipped tag. So nothing here reads it: a cell ran if it has an execution count, and a verdict holds only if the
notebook's conclusion gave it and its own checks bear it out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nbformat import NotebookNode

from hera_rollout import errors
from hera_rollout.answers import printable
from hera_rollout.gates import Verdict
from hera_rollout.gates import worst
from hera_rollout.records.evidence import checks, code_cells, evidence, last


class RecordVerdict(StrEnum):
    """What a record's folder is named after."""

    PASS = "PASS"
    FAIL = "FAIL"
    HOLD = "HOLD"
    REFUSED = "REFUSED"
    BROKEN = "BROKEN"


EXIT_CODES: Final = {
    RecordVerdict.PASS: 0,
    RecordVerdict.FAIL: 1,
    RecordVerdict.REFUSED: 2,
    RecordVerdict.HOLD: 3,
    RecordVerdict.BROKEN: 4,
}
"""Exit code of ``hera-rollout run``: 0 PASS, 1 FAIL, 2 bad input or refused, 3 HOLD (dry run too), 4 broken off."""


MAX_REASON: Final = 300
"""Characters of an error that a record's reason shows."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to, and the one sentence that says why."""

    verdict: RecordVerdict
    reason: str

    @property
    def exit_code(self) -> int:
        """What ``hera-rollout run`` exits with."""
        return EXIT_CODES[self.verdict]


def _of_error(name: str) -> RecordVerdict:
    """Which verdict an error that ended a cell stands for; one that is not the kit's means that the run broke off."""
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, errors.RolloutError)):
        return RecordVerdict.BROKEN
    if issubclass(kind, (errors.PhaseOnHold, errors.NotDoneByHand)):
        return RecordVerdict.HOLD
    return RecordVerdict.REFUSED if issubclass(kind, errors.Refused) else RecordVerdict.FAIL


def _reason(name: str, said: str) -> str:
    """An error in one line; the rest stands in the notebook."""
    first, *rest = printable(said).strip().splitlines() or [""]
    more = " …" if rest or len(first) > MAX_REASON else ""
    return f"{name}: {first[:MAX_REASON]}{more}"


def _errors(notebook: NotebookNode) -> list[Outcome]:
    """Every error that a cell ended with."""
    return [
        Outcome(_of_error(output.ename), _reason(output.ename, output.evalue))
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def _gravest(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that outweighs the others."""
    order = [RecordVerdict.BROKEN, RecordVerdict.FAIL, RecordVerdict.REFUSED, RecordVerdict.HOLD, RecordVerdict.PASS]
    return min(outcomes, key=lambda outcome: order.index(outcome.verdict))


def classify(notebook: NotebookNode, broken: str = "", *, refused: str = "") -> Outcome:
    """Judge an executed notebook.

    Args:
        notebook: as it was executed, with its outputs.
        broken: what ended the run from outside (a timeout, a dead kernel, a signal); empty if nothing did.
        refused: why the run was refused before any cell ran; empty if it was not.

    Returns:
        PASS only if every code cell ran, none ended with an error, and the conclusion says PASS over checks that all
        say PASS.
    """
    if refused:
        return Outcome(RecordVerdict.REFUSED, refused)
    # What ended the run from outside comes first: the interrupted cell's own error only says that it was interrupted.
    found = [Outcome(RecordVerdict.BROKEN, broken)] * bool(broken) + _errors(notebook)
    if found:
        return _no_mere_refusal(notebook, _gravest(found))
    never = [index for index, cell in enumerate(code_cells(notebook), 1) if cell.get("execution_count") is None]
    if never:
        return Outcome(RecordVerdict.BROKEN, f"{len(never)} code cells never ran, the first is code cell {never[0]}")
    return _concluded(notebook)


def _no_mere_refusal(notebook: NotebookNode, outcome: Outcome) -> Outcome:
    """REFUSED says that nothing was touched: a run that had changed something by then has FAILED, or broke off."""
    live = last(notebook, "begin").get("parameters", {}).get("dry_run") is False
    changed = [what for step in evidence(notebook, "step") for what in step.get("changed", [])] if live else []
    if outcome.verdict is not RecordVerdict.REFUSED or not changed:
        return outcome
    failed = any(check["verdict"] == Verdict.FAIL.value for check in checks(notebook))
    verdict = RecordVerdict.FAIL if failed else RecordVerdict.BROKEN
    return Outcome(verdict, f"{outcome.reason} (refused after this run had changed: {', '.join(dict.fromkeys(changed))})")


def _concluded(notebook: NotebookNode) -> Outcome:
    """The verdict of the conclusion, if there is one and its own checks bear it out."""
    conclusion = last(notebook, "conclude")
    if not conclusion:
        return Outcome(RecordVerdict.BROKEN, "every cell ran, but none concluded the phase: there is no verdict")
    said = conclusion.get("verdict")
    borne = worst(Verdict(check["verdict"]) for check in conclusion.get("checks", []))
    if said != borne.value:
        return Outcome(RecordVerdict.BROKEN, f"the conclusion says {said}, but its checks come to {borne.value}")
    return Outcome(RecordVerdict(borne.value), f"{len(conclusion['checks'])} checks say {borne.value}")
