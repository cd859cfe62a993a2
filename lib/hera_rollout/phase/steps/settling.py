"""Cleanup's entry gate: production passed, has stood for long enough since, and nothing comes by the old path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pandas as pd

from hera_rollout import display, flag, metrics
from hera_rollout.canary.looking import path_of
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.entering import found, judged
from hera_rollout.production.judging import span
from hera_rollout.target import GUIDE_SETTLED_SECONDS

PRODUCTION: Final = "04_production"
SETTLED, UNUSED = "settled", "old path unused"
EARLY: Final = "clean up before the guide's 2 to 4 weeks"
REPLACING: Final = "being replaced"
"""Under this key a run keeps the code that the service ran right before its commands began to replace it."""


def replacing(phase: Phase) -> bool:
    """Whether an attempt before this one began to replace the service: it is no longer the one the gates are about."""
    return phase.done(REPLACING)


async def settled(phase: Phase) -> None:
    """Ask for production's record, and how long it has stood since; less than the guide's weeks takes an approval.

    Raises:
        PhaseFailed: the record was changed after it was kept.
        PhaseOnHold: there is none that fits, it has not stood for as long as the target asks, or nobody approved that
            this is less than the guide's.
    """
    record = found(phase, PRODUCTION)
    code = str(phase.once(REPLACING, str)) if replacing(phase) else phase.code_revision
    phase.check(judged(record, PRODUCTION, code))
    phase.stop_on_fail("The record of the phase before cannot be trusted; nothing was changed.")
    phase.stop_on_hold("The phase before is not shown to have passed; nothing was changed.")
    if record is None:
        raise AssertionError("without a record the gate holds")
    since = datetime.fromisoformat(record.data["ended"])
    stood, wanted = (datetime.now(UTC) - since).total_seconds(), phase.target.limits.settled_seconds
    beside = await _deviation(phase, stood) if stood >= wanted else ""
    phase.check(standing_check(since, stood, wanted, phase.target.limits.source("settled_seconds"), beside))
    phase.stop_on_hold("It is too early to remove the way back; nothing was changed.")


def standing_check(since: datetime, stood: float, wanted: int, source: str, beside: str) -> Check:
    """Whether production has stood for as long as the target asks; HOLD until then, with the moment it will have."""
    there = since + timedelta(seconds=wanted)
    return judge(
        name=SETTLED, rule=rules.holds if stood >= wanted else rules.withheld,
        evidence={"holds": stood >= wanted, "since": since.isoformat(), "stood": stood, "wanted": wanted,
                  "guide": GUIDE_SETTLED_SECONDS},
        seen=f"production has stood for {span(stood)} since {since:%Y-%m-%d %H:%M} UTC{beside}",
        expected=f"{span(wanted)} since 04 passed", limit_source=source,
        why="What leaves the code cannot be turned back on.",
        todo="" if stood >= wanted else f"Wait until {there:%Y-%m-%d %H:%M} UTC, then run again.",
    )  # fmt: skip


async def _deviation(phase: Phase, stood: float) -> str:
    """Where it is less than the guide's: by how much, who approved it, and why."""
    if stood >= GUIDE_SETTLED_SECONDS:
        return ""
    told = f"; the guide asks for 2 to 4 weeks: {span(stood)} is a deviation"
    phase.remark = f"cleaned up after {span(stood)}, where the guide asks for 2 to 4 weeks"
    if phase.dry_run:
        return f"{told}, and would take an approval"
    if not phase.done(EARLY):  # the state keeps approvals of rungs only
        given = await phase.approved(what=EARLY)
        phase.once(EARLY, lambda: f"approved by {given.approver}: {given.reason}")
        return f"{told}, approved by {given.approver}: {given.reason}"
    return f"{told}, {phase.once(EARLY, str)}"


def unused(phase: Phase) -> None:
    """Prove that nothing comes by the old path: workflows, live and archived, and what each pod says of its flag.

    Raises:
        PhaseOnHold: something came by it, a workflow's path is not known, or a pod does not say that its flag is on.
        RolloutError: the workflows cannot be listed.
    """
    usage = phase.once(UNUSED, dict) if replacing(phase) else _usage(phase)
    if replacing(phase):
        display.note(f"Looked at before an earlier attempt of this run replaced the service: since {usage['since']}")
    else:
        phase.keep(UNUSED, usage)
    rows = [{"path": path, "workflows": count} for path, count in usage["counts"].items()]
    display.table(pd.DataFrame(rows, columns=["path", "workflows"]), f"The service's workflows since {usage['since']}",
                  command=usage["command"])  # fmt: skip
    phase.check(usage_check(usage, phase.target.limits.source("settled_seconds")))
    phase.stop_on_hold("The old path is still in use, or may be; nothing was changed.")


def _usage(phase: Phase) -> dict[str, Any]:
    """Every workflow of the service in the time that the target asks for, by path, and what its pods say."""
    seconds = phase.target.limits.settled_seconds
    since = datetime.now(UTC) - timedelta(seconds=seconds)
    frame = metrics.workflow_frame(phase.workflows, since=since, path_of=path_of)
    mine = frame[(frame["task"] != "") | (frame["path"] == "yaml")]
    said = flag.report(phase.cluster, phase.backend)
    return {
        "since": f"{since:%Y-%m-%d %H:%M:%S} UTC", "seconds": seconds, "pods": len(said),
        "pods_off": not_all_on(said), "command": str(frame.attrs["command"]),
        "counts": {str(path) or "unknown": int(count) for path, count in mine["path"].value_counts().items()},
    }  # fmt: skip


def not_all_on(said: pd.DataFrame) -> list[str]:
    """The pods that do not say that the flag is on for all tasks, by what each reports of it."""
    on = said["enabled"].eq(True) & said["percent"].eq(100)
    return [str(name) for name in said[~on]["pod"]]


def usage_check(usage: dict[str, Any], source: str) -> Check:
    """PASS where nothing came by another path and each pod says that the flag is on for all tasks."""
    counts, off, pods, asked = usage["counts"], usage["pods_off"], usage["pods"], span(usage["seconds"])
    told = ", ".join(f"{count} by path {path}" for path, count in counts.items() if path != "hera")
    good = not told and not off and pods > 0
    return judge(
        name=UNUSED, rule=rules.holds if good else rules.withheld, evidence={"holds": good, **usage},
        seen=f"{counts.get('hera', 0)} workflows by Hera in {asked}; not by Hera: {told or 'none'}; "
        f"{pods - len(off)} of {pods} pods say that the flag is on" + (f"; not: {', '.join(off)}" if off else ""),
        expected=f"none by another path for {asked}, and the flag on for all tasks in every pod", limit_source=source,
        why="What somebody still uses must not leave the code.",
        todo="" if good else "Find out who submits by the old path, or turned the flag off; then wait, and run again.",
    )  # fmt: skip
