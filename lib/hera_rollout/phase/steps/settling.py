"""Cleanup's entry gate: production passed, has stood for long enough since, and nothing comes by the old path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pandas as pd

from hera_rollout import display, flag, metrics
from hera_rollout.canary.looking import path_of
from hera_rollout.gates import judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.entering import found, judged
from hera_rollout.production.judging import span
from hera_rollout.target import GUIDE_SETTLED_SECONDS

PRODUCTION: Final = "04_production"
SETTLED, UNUSED = "settled", "old path unused"
EARLY: Final = "clean up before the guide's 2 to 4 weeks"


async def settled(phase: Phase) -> None:
    """Ask for production's record, and how long it has stood since; less than the guide's weeks takes an approval.

    Raises:
        PhaseFailed: the record was changed after it was kept.
        PhaseOnHold: there is none that fits, it has not stood for as long as the target asks, or nobody approved that
            this is less than the guide's.
    """
    record = found(phase, PRODUCTION)
    phase.check(judged(record, PRODUCTION, phase.code_revision))
    phase.stop_on_fail("The record of the phase before cannot be trusted; nothing was changed.")
    phase.stop_on_hold("The phase before is not shown to have passed; nothing was changed.")
    if record is None:
        raise AssertionError("without a record the gate holds")
    since = datetime.fromisoformat(record.data["ended"])
    stood = (datetime.now(UTC) - since).total_seconds()
    wanted, beside = phase.target.limits.settled_seconds, ""
    if stood < GUIDE_SETTLED_SECONDS:
        beside = f"; the guide asks for 2 to 4 weeks: {span(stood)} is a deviation"
        beside += await _deviates(phase)
    facts = {"since": since.isoformat(), "stood": stood, "wanted": wanted, "guide": GUIDE_SETTLED_SECONDS}
    phase.check(judge(
        name=SETTLED, rule=rules.holds if stood >= wanted else rules.withheld, evidence={"holds": True, **facts},
        seen=f"production has stood for {span(stood)} since {since:%Y-%m-%d %H:%M} UTC{beside}",
        expected=f"{span(wanted)} since 04 passed", limit_source=phase.target.limits.source("settled_seconds"),
        why="What leaves the code cannot be turned back on.",
        todo="" if stood >= wanted else "Wait, then run again.",
    ))  # fmt: skip
    phase.stop_on_hold("It is too early to remove the way back; nothing was changed.")


async def _deviates(phase: Phase) -> str:
    """Who approved that it is less than the guide's, and why."""
    if phase.dry_run:
        return ", and would take an approval"
    given = await phase.approved(what=EARLY)
    return f", approved by {given.approver}: {given.reason}"


def unused(phase: Phase) -> None:
    """Prove that nothing comes by the old path: workflows, live and archived, and what each pod says of its flag.

    Raises:
        PhaseOnHold: something came by it, a workflow's path is not known, or a pod says off.
        RolloutError: the workflows cannot be listed.
    """
    seconds = phase.target.limits.settled_seconds
    since = datetime.now(UTC) - timedelta(seconds=seconds)
    frame = metrics.workflow_frame(phase.workflows, since=since, path_of=path_of)
    mine = frame[(frame["task"] != "") | (frame["path"] == "yaml")]
    said = flag.report(phase.cluster, phase.backend)
    off = [str(row["pod"]) for row in said.to_dict("records") if row["enabled"] is not True]
    counts = {path or "unknown": int(count) for path, count in mine["path"].value_counts().items()}
    rows: list[dict[str, Any]] = [{"path": path, "workflows": count} for path, count in counts.items()]
    display.table(pd.DataFrame(rows, columns=["path", "workflows"]), f"The service's workflows since {since:%F %T} UTC",
                  command=str(frame.attrs["command"]))  # fmt: skip
    others = {path: count for path, count in counts.items() if path != "hera"}
    good = not others and not off and len(said) > 0
    told = ", ".join(f"{count} by path {path}" for path, count in others.items())
    phase.check(judge(
        name=UNUSED, rule=rules.holds if good else rules.withheld,
        evidence={"holds": good, "counts": counts, "pods_off": off, "pods": len(said), "seconds": seconds},
        seen=f"{counts.get('hera', 0)} workflows by Hera in {span(seconds)}; not by Hera: {told or 'none'}; "
        f"{len(said) - len(off)} of {len(said)} pods say that the flag is on",
        expected=f"none by another path for {span(seconds)}, and the flag on in every pod",
        limit_source=phase.target.limits.source("settled_seconds"),
        why="What somebody still uses must not leave the code.",
        todo="" if good else "Find out who submits by the old path; then wait, and run again.",
    ))  # fmt: skip
    phase.stop_on_hold("The old path is still in use, or may be; nothing was changed.")
