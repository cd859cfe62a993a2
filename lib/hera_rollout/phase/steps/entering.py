"""The entry gate: the record of the phase before, unchanged, PASS, and about the code that runs now."""

import os
from pathlib import Path
from typing import Any

from hera_rollout import display, records
from hera_rollout.gates import Check, judge, rules
from hera_rollout.parameters import RECORDS_VARIABLE
from hera_rollout.phase.spine import UNKNOWN_CODE, Phase
from hera_rollout.records import Record

GATE = "entry gate"
AGAIN = "roll out again what was rolled back"


def entry_gate(phase: Phase, before: str) -> None:
    """Ask for the record of the phase before; without a good one the run ends here, before anything is changed.

    Args:
        phase: the run; its parameters `previous` and `records` say where to look.
        before: the notebook of the phase before, such as ``01_dev_testing``.

    Raises:
        PhaseFailed: the record was changed after it was kept.
        PhaseOnHold: there is none, it is no PASS, or it is about other code.
    """
    phase.check(judged(found(phase, before), before, phase.code_revision))
    phase.stop_on_fail("The record of the phase before cannot be trusted; nothing was changed.")
    phase.stop_on_hold("The phase before is not shown to have passed; nothing was changed.")


async def after_rollback(phase: Phase) -> None:
    """Code that was rolled back is not rolled out again unless somebody says why: fix and retest, says the guide.

    New code is: its entry gate asks for phases 1 and 2 about it.

    Raises:
        PhaseOnHold: the service runs the code that was rolled back, and nobody approved that it is tried again.
    """
    back = phase.keeping.state.facts.rolled_back if phase.keeping else None
    if back is None or (back.code_revision and back.code_revision != phase.code_revision):
        return
    display.note(
        f"This code was rolled back at {back.at:%Y-%m-%d %H:%M:%S} UTC, in {back.phase} of rollout {back.rollout}, by "
        f"{back.by}{f' ({back.why})' if back.why else ''}. Fix it, then pass phases 1 and 2 about the new code; or "
        "somebody approves, with a reason, that it is tried again as it is"
    )
    await phase.approved(what=AGAIN)


def folder(phase: Phase) -> Path:
    """Where records are kept: the parameter, else where this run's is kept, else `records` here or above."""
    given = str(phase.parameters.model_dump().get("records") or os.environ.get(RECORDS_VARIABLE, ""))
    if given:
        return Path(given)
    there = [place / "records" for place in (Path.cwd(), *Path.cwd().parents) if (place / "records").is_dir()]
    return there[0] if there else Path("records")


def found(phase: Phase, before: str) -> Record | None:
    """The record named, or the newest of that phase that changed something and came to a verdict."""
    named = str(phase.parameters.model_dump().get("previous") or "")
    if named:
        return records.named(Path(named).parent.parent, named)
    for record in records.find(folder(phase)):
        if decided(record, before):
            return record
    return None


def decided(record: Record, notebook: str) -> bool:
    """Whether it is of a run of that notebook that could change something and came to PASS or FAIL."""
    return _live(record, notebook) and record.verdict in ("PASS", "FAIL")


def _live(record: Record, before: str) -> bool:
    """Whether it is of that phase, and of a run that could change something."""
    return record.data["notebook"] == before and not record.data["parameters"].get("dry_run", True)


def judged(record: Record | None, before: str, code_revision: str, name: str = GATE) -> Check:
    """FAIL for a record that was changed; HOLD without one, without PASS, or about other code."""
    again = f"hera-rollout run {before.partition('_')[0]}"
    if record is None:
        return _check(name, False, {}, f"no live record of {before} that came to PASS or FAIL", again)
    faults = [*records.verify(record.folder), *records.recompute(record.folder)]
    about = str(record.data["code_revision"])
    facts = {"record": record.folder.name, "seal": record.data["seal"], "verdict": record.verdict, "faults": faults,
             "code_revision": about, "now": code_revision}  # fmt: skip
    if faults:
        todo = "Find out who changed it and why; run the phase before again."
        return _check(name, True, facts, f"{record.folder.name} is not as it was kept: {'; '.join(faults)}", todo)
    if not _live(record, before):
        told = f"{record.folder.name} is no live record of {before}"
        return _check(name, False, facts, told, f"Give the record of {before}: its folder, as parameter previous.")
    source = records.gate_fault(record.data)
    if record.verdict != "PASS" or source:
        told = f"; its source: {source}" if source else ""
        return _check(name, False, facts, f"{record.folder.name} says {record.verdict}{told}", again)
    if UNKNOWN_CODE in (about or UNKNOWN_CODE, code_revision) or about != code_revision:
        told = f"{record.folder.name} is about code {about or UNKNOWN_CODE}, the service now runs {code_revision}"
        return _check(name, False, facts, told, f"Run {before} about the code that is to be rolled out.")
    return judge(name=name, rule=rules.holds, evidence={"holds": True, **facts},
                 seen=f"{record.folder.name}: PASS, as it was kept, about the code that runs now ({code_revision})",
                 expected=f"PASS of {before}, unchanged, about the same code revision", limit_source="kit")  # fmt: skip


def _check(name: str, wrong: bool, facts: dict[str, Any], seen: str, todo: str) -> Check:
    return judge(
        name=name, rule=rules.holds if wrong else rules.withheld, evidence={"holds": False, **facts}, seen=seen,
        expected="the newest live record of the phase before: PASS, unchanged, about the same code revision",
        why="What was not shown in a controlled environment is not to be tried in this one.", todo=todo,
        limit_source="kit",
    )  # fmt: skip
