"""The drill as a step: the flag on and back under traffic, by each medium that the service has."""

from __future__ import annotations

from typing import Final

from hera_rollout import display, drill, flag
from hera_rollout.drill import DrillResult, Settings
from hera_rollout.errors import Refused
from hera_rollout.flag import Medium
from hera_rollout.gates import Verdict, judge, rules, worst
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.borrowing import as_found
from hera_rollout.phase.steps.switching import flipping, set_flag

UNDER_WAY: Final = "no canary under way"


async def off_first(phase: Phase) -> None:
    """Begin with the flag off; a canary that is under way is left alone.

    Raises:
        PhaseOnHold: the flag's file has turned it on: that is a canary.
        PhaseFailed: it did not go off.
    """
    said = flag.report(phase.cluster, phase.backend)
    canary = said[(said["enabled"].eq(True)) & (said["decided_by"] == "file")]
    if len(canary):
        phase.check(judge(
            name=UNDER_WAY, rule=rules.withheld, evidence={"pods": display.rows(canary)},
            seen=f"{len(canary)} pods have the flag on by its file, for {canary['percent'].iloc[0]} % of the tasks",
            expected="the flag off, or on by its variable alone", limit_source="kit",
            why="A drill ends with the flag off: it would end the canary.",
            todo=f"Drill before the first percent; or end it: hera-rollout rollback --target "
            f"{phase.parameters.target} --yes",
        ))  # fmt: skip
        phase.stop_on_hold("A canary is under way; nothing was changed.")
    await set_flag(phase, enabled=False)


async def walk_back(phase: Phase) -> None:
    """Walk forth and back by every medium, show what was measured, and check each."""
    media = _media(phase)
    given = phase.parameters.model_dump()
    display.note(f"Media: {', '.join(media)}; {given['per_second']:g} submissions a second of this run's own")
    if phase.dry_run:
        for medium in media:
            change = flag.plan(phase.cluster, enabled=False, medium=medium)
            display.diff(change.diff() or "off already", f"The way back by {medium}", command=change.command)
        return
    settings = Settings(percent=float(given["percent"]), per_second=float(given["per_second"]),
                        on_seconds=float(given["seconds"]), after_seconds=float(given["seconds"]))  # fmt: skip
    results = await flipping(phase, lambda live: _each(phase, media, settings, live), enabled=False)
    if not results:
        return
    display.table(drill.frame(results), "The way forth and back, by medium", command="")
    found = [phase.check(result.check()) for result in results]
    hold = worst(one.verdict for one in found) is Verdict.HOLD
    phase.check(judge(
        name=drill.CHECK, rule=rules.withheld if hold else rules.holds,
        evidence={"holds": all(one.verdict is Verdict.PASS for one in found), "media": media},
        seen="; ".join(f"{one.name}: {one.verdict.value}" for one in found),
        expected="by every medium the flag goes on and back", limit_source="kit",
        todo=next((one.todo for one in found if one.todo), ""),
    ))  # fmt: skip


def _media(phase: Phase) -> list[Medium]:
    """The target's own, and the file where the pods mount it."""
    media: list[Medium] = [phase.target.flag.medium]
    try:
        flag.plan(phase.cluster, enabled=False, medium="configmap")
    except Refused:
        return media
    return media if "configmap" in media else ["configmap", *media]


def _each(phase: Phase, media: list[Medium], settings: Settings, live: display.Live) -> list[DrillResult]:
    """Each by itself: off in either medium wins, so the other one is put out of the way, and back at the end."""
    found, borrowed = [], [medium for medium in media if medium != "manual"]
    if borrowed:
        with as_found(phase, live):
            for medium in borrowed:
                _alone(phase, medium, live)
                found.append(_drilled(phase, medium, settings, live))
    return found if "manual" not in media else [*found, _drilled(phase, "manual", settings, live)]


def _drilled(phase: Phase, medium: Medium, settings: Settings, live: display.Live) -> DrillResult:
    """One drill, under marks of its own in each attempt."""
    attempt = phase.keeping.run.facts.attempts if phase.keeping else 1
    return drill.run(
        phase.cluster, phase.backend, phase.workflows, by=phase.parameters.who(), medium=medium,
        token=f"drill-{phase.token}-{attempt}-{medium}", settings=settings, stop=live.stop, on_progress=live.line,
        state=phase.keeping.state if phase.keeping else None,
    )  # fmt: skip


def _alone(phase: Phase, medium: Medium, live: display.Live) -> None:
    """The flag is off, and this medium alone decides."""
    off, why = flag.plan(phase.cluster, enabled=False, medium=medium), f"drill by {medium}: it alone decides"
    flag.throw(phase.cluster, off, live.line)
    if medium == "configmap":
        phase.cluster.apply_env(phase.cluster.plan_env(phase.target.flag.env, "true"))
        _noted(phase, why)
        phase.cluster.rollout_status(float(phase.target.limits.rollout_deadline_seconds), live.line)
    else:
        _noted(phase, why)
        flag.settled(phase.cluster, phase.backend, off, live.line)
        flag.restore_file(phase.cluster, None)
        _noted(phase, why)


def _noted(phase: Phase, why: str) -> None:
    """Before any wait: what is not in the state when a wait fails looks like another's change."""
    if phase.keeping:
        phase.keeping.flag_set(enabled=False, why=why)
