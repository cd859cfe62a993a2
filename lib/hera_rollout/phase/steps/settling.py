"""Cleanup's entry gate: production passed, has stood for long enough since, and nothing comes by the old path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pandas as pd

from hera_rollout import display, flag, metrics
from hera_rollout.answers import plain
from hera_rollout.backend import Backend
from hera_rollout.canary import looking
from hera_rollout.canary.looking import path_of
from hera_rollout.errors import Missing, RolloutError
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


BEYOND: Final = timedelta(days=7)
"""So far back from the time asked for, or as long as that again, an older workflow is looked for."""
QUIET_SECONDS: Final = 86_400
"""So long a service that is used may make no workflow; where a longer time shows none, nothing was looked at."""
MOST_NAMED: Final = 10


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
    now = datetime.now(UTC)
    since = now - timedelta(seconds=seconds)
    frame = metrics.workflow_frame(phase.workflows, since=since - max(BEYOND, now - since), path_of=path_of)
    every = frame[(frame["task"] != "") | (frame["path"] == "yaml")]
    # A stranger's workflow may have been kept for longer than this service's are: only one of a task shows a reach.
    mine, older = every[every["created"] >= since], every[(every["created"] < since) & (every["task"] != "")]
    counts = {str(path) or "unknown": int(count) for path, count in mine["path"].value_counts().items()}
    rows, unlabelled = _rows(phase.backend, frame, since)
    if unlabelled:
        counts["unknown"] = counts.get("unknown", 0) + unlabelled
    said = flag.report(phase.cluster, phase.backend)
    return {
        "since": f"{since:%Y-%m-%d %H:%M:%S} UTC", "seconds": seconds, "pods": len(said),
        "pods_off": not_all_on(said), "command": str(frame.attrs["command"]),
        "counts": counts,
        "oldest": f"{older['created'].min():%Y-%m-%d %H:%M} UTC" if len(older) else "",
        "counted": _counted(phase, since, now),
    } | rows  # fmt: skip


def _counted(phase: Phase, since: datetime, now: datetime) -> int | None:
    """Workflows that the service itself counted as created by YAML since then; None where Prometheus does not say."""
    target = phase.target
    try:
        prometheus = phase.prometheus
        if looking.counted_from(prometheus, target, since, now) < since.timestamp() - looking.SCRAPED_SECONDS:
            return None  # a pod counted before that time, and nobody knows how far
        first = prometheus.instant(looking.creations(target, looking.SCRAPED_SECONDS), since)
        last = prometheus.instant(looking.creations(target, max(1, round((now - since).total_seconds()))), now)
    except RolloutError as error:
        display.note(f"Not compared with the service's own counter: {error.seen}")
        return None
    grown = looking.growth(first, last, ["path", "outcome"])
    return looking.made(grown, "yaml", bad=False) if len(grown) else None


def _rows(backend: Backend, frame: pd.DataFrame, since: datetime) -> tuple[dict[str, Any], int]:
    """Runs of that time by the service's own rows whose workflows are not to be found, and why none could be read.

    Returns:
        Those, and how many workflows the rows name that say neither task nor path, as in an archive without labels.
    """
    known, mute = set(frame["name"]), set(frame[(frame["task"] == "") & (frame["path"] == "")]["name"])
    runs = frame.groupby("task")["run"].nunique()  # a run that somebody resubmitted is one run
    ran: list[str] = []
    failure = ""
    try:
        for task in backend.tasks():
            name, count = str(task["id"]), task.get("runCount")
            never = count == 0 and not task.get("startedAt")
            before = bool(task.get("startedAt")) and _at(task, "startedAt") < since  # its newest run
            all_there = int(count or runs.get(name, 0) + 1) <= int(runs.get(name, 0))
            if not (never or before or all_there):
                ran += _ran(backend, name, since)
    except RolloutError as error:
        failure = error.seen
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        failure = f"they are of another shape ({type(error).__name__}: {plain(str(error), 80)})"
    return {"lost": sorted(set(ran) - known), "rows": failure}, len(set(ran) & mute)


def _ran(backend: Backend, task: str, since: datetime) -> list[str]:
    """The workflows that a task's runs since then name; a run without one came to none."""
    try:
        runs = backend.task(task).get("runs") or []
    except Missing:  # deleted meanwhile
        return []
    return [
        str(run["workflowId"]) for run in runs if run.get("workflowId") and _at(run, "createdAt", "startedAt") >= since
    ]


def _at(row: dict[str, Any], *fields: str) -> datetime:
    """When it was, by the first of these fields that says so; what does not say it was now."""
    text = next((row[field] for field in fields if row.get(field)), None)
    made = datetime.fromisoformat(str(text)) if text else datetime.now(UTC)
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def not_all_on(said: pd.DataFrame) -> list[str]:
    """The pods that do not say that the flag is on for all tasks, by what each reports of it."""
    on = said["enabled"].eq(True) & said["percent"].eq(100)
    return [str(name) for name in said[~on]["pod"]]


def usage_check(usage: dict[str, Any], source: str) -> Check:
    """PASS where nothing came by another path, what was looked at reaches back, and each pod says on for all tasks."""
    counts, off, pods, asked = usage["counts"], usage["pods_off"], usage["pods"], span(usage["seconds"])
    hera = counts.get("hera", 0)
    told = ", ".join(f"{count} by path {path}" for path, count in counts.items() if path != "hera")
    unshown = _unshown(usage, asked)
    good = not told and not off and pods > 0 and not unshown
    reach = f"workflows are shown back to {usage['oldest']}" if usage.get("oldest") else ""
    unsure = "" if usage.get("counted") is not None else "not compared with the service's counter"
    off_at = f"not: {', '.join(off)}" if off else ""
    more = "".join(f"; {text}" for text in (off_at, *unshown, reach, unsure) if text)
    return judge(
        name=UNUSED, rule=rules.holds if good else rules.withheld, evidence={"holds": good, **usage},
        seen=f"{hera} workflow{'' if hera == 1 else 's'} by Hera in {asked}; not by Hera: {told or 'none'}; "
        f"{pods - len(off)} of {pods} pods say that the flag is on{more}",
        expected=f"none by another path for {asked}, workflows shown back to before it, and the flag on for all tasks "
        "in every pod", limit_source=source,
        why="What somebody still uses must not leave the code, and what is gone by now cannot be seen not to be there.",
        todo="" if good else "Find out who submits by the old path, turned the flag off, or took workflows away (a TTL "
        "without Argo's archive, a deletion by hand); then wait, and run again.",
    )  # fmt: skip


def _unshown(usage: dict[str, Any], asked: str) -> list[str]:
    """Why it is not shown that nothing else came, a sentence each."""
    lost, counted = usage.get("lost") or [], usage.get("counted")
    names = ", ".join(lost[:MOST_NAMED]) + (" …" if len(lost) > MOST_NAMED else "")
    reasons = {
        f"the workflows that are left are not shown to reach back {asked}: none is older": not usage.get("oldest"),
        f"no workflow at all in {asked}": not usage["counts"] and usage["seconds"] >= QUIET_SECONDS,
        f"{counted} created by YAML by the service's counter": bool(counted),
        f"{len(lost)} run{'' if len(lost) == 1 else 's'} whose workflows are not to be found: {names}": bool(lost),
        f"the service's own rows were not read: {usage.get('rows')}": bool(usage.get("rows")),
    }
    return [words for words, holds in reasons.items() if holds]
