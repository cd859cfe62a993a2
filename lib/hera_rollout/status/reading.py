"""From the kit's own documents to the parts of a status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import pandas as pd

from hera_rollout import canary
from hera_rollout.answers import plain
from hera_rollout.canary import Arm, Rung
from hera_rollout.gates.assessments import duration
from hera_rollout.production import Spells
from hera_rollout.production.judging import beside_the_guide
from hera_rollout.production.spells import WATCHED
from hera_rollout.records import Record
from hera_rollout.state import Facts, FlagSet, Holding, RunState
from hera_rollout.state.processes import Process, dead
from hera_rollout.status.parts import (
    Attempted,
    Counted,
    Evidence,
    Flying,
    Kept,
    Lease,
    PodFlag,
    RungSeen,
    Setting,
    Standing,
    Watched,
)
from hera_rollout.target import Limits


def standing(facts: Facts) -> Standing:
    """Where the rollout stands."""
    at, last_set = facts.rollout, _setting(facts.flags[-1]) if facts.flags else None
    if at is None:
        return Standing(last_set=last_set)
    run = facts.runs.get(at.phase)
    attempted = _attempted(run) if run else None
    return Standing(id=at.id, phase=at.phase, rung=at.rung, since=at.since, run=attempted, last_set=last_set)


def evidence(facts: Facts, limits: Limits) -> Evidence:
    """What the run of the phase has kept, beside the limits of its target.

    Raises:
        Refused: a rung's evidence is not what this kit wrote.
    """
    run = facts.runs.get(facts.rollout.phase) if facts.rollout else None
    if run is None:
        return Evidence()
    return Evidence(
        pieces=len(run.steps),
        last=plain(next(reversed(run.steps), "")),
        kept=run.touched,
        concluded=run.concluded,
        rungs=tuple(_rung(one) for one in canary.kept(run.steps)),
        watched=_watched(run, limits),
    )


def pods(report: pd.DataFrame) -> tuple[PodFlag, ...]:
    """The flag's report, a pod each."""
    return tuple(_pod(row) for row in report.to_dict("records"))


def flying(in_flight: pd.DataFrame) -> tuple[Flying, ...]:
    """Workflows in flight, oldest first."""
    return tuple(
        Flying(name=plain(str(row["name"])), phase=plain(str(row["phase"])), created=_moment(row["created"]),
               task=plain(str(row["task"])))
        for row in in_flight.to_dict("records")
    )  # fmt: skip


def lease(found: Holding | None, me: Process, now: datetime) -> Lease | None:
    """Who holds it, and whether that run is alive; None where nobody does."""
    if found is None or not found.holder:
        return None
    alive, how = _life(found, me, now)
    return Lease(
        holder=found.holder, doing=found.doing, rollout=found.rollout, since=found.since, renewed=found.renewed,
        expires=found.expires, alive=alive, how=how,
    )  # fmt: skip


def kept(records: Iterable[Record], rollout: str) -> Iterator[Kept]:
    """Records of this rollout, as they come; of every rollout where none is named."""
    for record in records:
        data = record.data
        if not isinstance(data, dict) or (rollout and data.get("rollout") != rollout):
            continue
        target = data.get("target")
        name = target.get("name") if isinstance(target, dict) else ""
        yield Kept(
            began=_text(data.get("began"))[:16].replace("T", " "), rollout=_text(data.get("rollout")),
            phase=_text(data.get("notebook")), verdict=_text(data.get("verdict")), target=_text(name),
            reason=_text(data.get("reason")), folder=_text(record.folder),
        )  # fmt: skip


def _setting(flag: FlagSet) -> Setting:
    return Setting(enabled=flag.enabled, percent=flag.percent, at=flag.at, by=flag.by, why=flag.why)


def _attempted(run: RunState) -> Attempted:
    return Attempted(
        id=run.id, by=run.by, attempts=run.attempts, began=run.began, touched=run.touched, concluded=run.concluded
    )


def _watched(run: RunState, limits: Limits) -> Watched | None:
    if not (kept := run.steps.get(WATCHED)):
        return None
    found = Spells.read(kept)
    return Watched(
        seconds=found.seconds, spells=len(found.spells), asked=limits.stable_seconds, beside=beside_the_guide(limits)
    )


def _rung(rung: Rung) -> RungSeen:
    hera, yaml = rung.errors.totals
    return RungSeen(
        percent=rung.percent, began=datetime.fromtimestamp(rung.began, UTC),
        ended=datetime.fromtimestamp(rung.ended, UTC) if rung.ended else None,
        hera=_counted(rung.hera, hera), yaml=_counted(rung.yaml, yaml),
        tasks=rung.share.tasks, tasks_on_hera=rung.share.hera, misplaced=rung.misplaced_count,
    )  # fmt: skip


def _counted(arm: Arm, errors: int) -> Counted:
    """All that were made: settled ones, and those after the first that is still open."""
    seen = arm.outcomes
    return Counted(workflows=seen.workflows + seen.ahead, failures=seen.failures + seen.ahead_failures, errors=errors)


def _pod(row: dict[Any, Any]) -> PodFlag:
    enabled, percent, problem = row["enabled"], row["percent"], row["problem"]
    said = bool(enabled) if pd.api.types.is_bool(enabled) else None
    problem = plain(str(problem)) or ("" if said is not None else "it does not say whether it is on")
    return PodFlag(pod=plain(str(row["pod"])), enabled=said, percent=_number(percent), problem=problem)


def _number(value: Any) -> float | None:
    """A frame's figure; it has no other word for a missing one than "not a number"."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return None
    return float(value)


def _life(found: Holding, me: Process, now: datetime) -> tuple[bool, str]:
    """Whether the run that holds it is alive, and how we know."""
    renewed, process = f"renewed {duration(max(0.0, (now - found.renewed).total_seconds()))} ago", found.process
    if now >= found.expires:
        return False, f"expired, {renewed}: free for the next run"
    if process is None or process.place != me.place:
        return True, f"alive, {renewed}"
    if dead(process, me):
        return False, f"its process {process.pid} on this machine is gone: free for the next run"
    return True, f"alive, process {process.pid} on this machine, {renewed}"


def _moment(value: Any) -> datetime | None:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) and not pd.isna(value) else None


def _text(value: object) -> str:
    return plain(str(value if value is not None else ""))
