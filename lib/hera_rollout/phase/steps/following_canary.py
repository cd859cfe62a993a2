"""Production's entry gate: the canary's record, or who decided to skip it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hera_rollout import records
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.gates.rung import LADDER
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.entering import GATE, folder, judged
from hera_rollout.phase.steps.qualifying import SKIP
from hera_rollout.records import Record

CANARY: Final = "03_canary"
CANARY_RECORD: Final = "canary record"
"""Under this key the run remembers what the canary's record says; nothing where it was skipped."""


def canary_gate(phase: Phase) -> None:
    """Ask for the canary's record: PASS at 100 %, or its skip with approver and reason; then also for staging's.

    Raises:
        PhaseFailed: a record was changed after it was kept.
        PhaseOnHold: there is none that fits.
    """
    record = _canary(phase)
    if record is not None and record.verdict == "HOLD":
        phase.check(_skipped(record, phase.code_revision))
        phase.check(judged(_newest(phase, "02_staging"), "02_staging", phase.code_revision, "entry gate: staging"))
    else:
        phase.check(_at_the_top(record, judged(record, CANARY, phase.code_revision)))
        phase.memory[CANARY_RECORD] = record.data if record else None
    phase.stop_on_fail("The record of the phase before cannot be trusted; nothing was changed.")
    phase.stop_on_hold("The phase before is not shown to have passed; nothing was changed.")


def _canary(phase: Phase) -> Record | None:
    """The record named; else the newest canary that came to PASS or FAIL, or was skipped."""
    named = str(phase.parameters.model_dump().get("previous") or "")
    return records.named(Path(named).parent.parent, named) if named else _newest(phase, CANARY)


def _newest(phase: Phase, notebook: str) -> Record | None:
    mine = (one for one in records.find(folder(phase)) if one.data["notebook"] == notebook)
    live = (one for one in mine if not one.data["parameters"].get("dry_run", True))
    return next((one for one in live if one.verdict in ("PASS", "FAIL") or _skip(one)), None)


def _skip(record: Record) -> dict[str, Any] | None:
    """Who approved that the canary is skipped, in its record; None if nobody did."""
    if record.verdict != "HOLD" or record.data["notebook"] != CANARY:
        return None
    given = [one for one in record.data["approvals"] if one.get("what") == SKIP and not one.get("declined")]
    return dict(given[-1]) if given else None


def _skipped(record: Record, code_revision: str) -> Check:
    """PASS if the record is as it was kept, about this code, and somebody approved the skip with a reason."""
    faults = [*records.verify(record.folder), *records.recompute(record.folder)]
    given, about, source = _skip(record) or {}, str(record.data["code_revision"]), records.gate_fault(record.data)
    good = bool(given.get("approver") and given.get("reason")) and about == code_revision and not source
    facts = {"holds": good and not faults, "record": record.folder.name, "seal": record.data["seal"], "faults": faults,
             "approval": given, "code_revision": about, "now": code_revision}  # fmt: skip
    said = f"approved by {given['approver']}: {given['reason']}" if given else "skipped by nobody"
    return judge(
        name=GATE, rule=rules.holds if faults or good else rules.withheld, evidence=facts,
        seen=f"{record.folder.name}: the canary was skipped, {said}; about code {about}"
        + (f"; its source: {source}" if source else "")
        + (f"; not as it was kept: {'; '.join(faults)}" if faults else ""),
        expected=f"a canary that passed, or one that was skipped with approver and reason, about {code_revision}",
        limit_source="guide", why="The guide calls the canary optional: somebody must have decided so.",
        todo="" if good else "hera-rollout run 03 about the code that runs now.",
    )  # fmt: skip


def _at_the_top(record: Record | None, gate: Check) -> Check:
    """The entry gate, and at how many percent the canary stood when it passed."""
    if record is None or gate.verdict is not Verdict.PASS:
        return gate
    found = [one["evidence"].get("percent") for one in record.data["checks"] if one["name"] == "ladder"]
    if found == [LADDER[-1]]:
        return gate
    return judge(name=GATE, rule=rules.withheld, evidence={"record": record.folder.name, "percent": found},
                 seen=f"{record.folder.name} passed, but no check of it says that it stood at 100 %",
                 expected="a canary that passed at 100 %", limit_source="kit", todo="hera-rollout run 03")  # fmt: skip
