"""The close watch over production: resumed by every run, acted on by itself where it says FAIL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pandas as pd

from hera_rollout import canary, display, production
from hera_rollout.canary import Rung, judging
from hera_rollout.canary.evidence import key
from hera_rollout.display.ladder import LOOKS
from hera_rollout.errors import Refused, in_words
from hera_rollout.gates import Check, Verdict
from hera_rollout.gates.rung import LADDER
from hera_rollout.phase.criteria import PLANS
from hera_rollout.phase.keeping import UNTOUCHED, read_untouched
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.climbing import MOST_LOOKS
from hera_rollout.phase.steps.deploying import BASELINE, DEPLOYED, act_on_fail, looker
from hera_rollout.phase.steps.laddering import ISSUES, issues
from hera_rollout.phase.steps.monitoring import diagnose_times, monitored
from hera_rollout.phase.steps.returning import shown
from hera_rollout.phase.steps.watching import BLIND, Eyes, goes_on
from hera_rollout.production import Baseline, Deployed, Pods, Spells, Watch
from hera_rollout.production.judging import DRIFT, STABLE, beside_the_guide, span
from hera_rollout.production.spells import WATCHED

HISTORY = "looks"
MEMORY: Final = "watch"
ALL: Final = float(LADDER[-1])


@dataclass
class Guard:
    """The watch under way in this kernel.

    Attributes:
        phase: the run.
        look: what looks at workflows, answers and logs.
        deployed: what was deployed.
        watch: the evidence.
        looks: as the ladder's plot takes them.
    """

    phase: Phase
    look: canary.Look
    deployed: Deployed
    watch: Watch
    looks: list[list[float]] = field(default_factory=list)

    @classmethod
    def of(cls, phase: Phase) -> Guard:
        """This run's: out of the rollout's state, where an earlier attempt began it."""
        if MEMORY not in phase.memory:
            phase.memory[MEMORY] = _begun(phase)
        found: Guard = phase.memory[MEMORY]
        return found

    def refresh(self) -> None:
        """Look at everything once; what Prometheus or a log does not say is told in the watch's `missing`.

        Raises:
            RolloutError: the workflows or the cluster cannot be read.
        """
        now, limits = datetime.now(UTC), self.phase.target.limits
        self.watch = replace(self.watch, rung=self.look.at(self.watch.rung, now))
        is_now = Deployed.now(self.phase.cluster)
        found: dict[str, Any] = {
            "pods": Pods.now(self.phase.cluster, self.deployed),
            "changes": tuple(self.deployed.changes(is_now)), "noted": tuple(self.deployed.noted(is_now)),
        } | self._service(now)  # fmt: skip
        missing = tuple(self.look.missing)
        spells = self.watch.spells
        if not missing:
            spells = spells.looked(now.timestamp(), limits.watch_gap_seconds)
        self.watch = replace(self.watch, **found, missing=missing, spells=spells)
        self._remember()

    def _service(self, now: datetime) -> dict[str, Any]:
        """Requests, answers 5xx and memory since the deploy; nothing new where Prometheus does not answer."""
        prometheus, seconds = self.look.prometheus, round(self.watch.rung.seconds(now.timestamp()))
        if prometheus is None:
            self.look.missing.append("the target names no Prometheus")
            return {}
        try:
            made = production.baseline.of_service(prometheus, self.phase.target, seconds, now)
        except Exception as error:  # whatever it is, what else was seen at this look still counts
            self.look.missing.append(in_words(error))
            return {}
        return made

    def keep(self) -> None:
        """Into the rollout's state, so that the next run goes on from here."""
        self.phase.keep(key(ALL), self.watch.rung.plain())
        self.phase.keep(WATCHED, self.watch.spells.plain())
        self.phase.keep(HISTORY, self.looks)

    def checks(self) -> list[Check]:
        """Every check of the watch, and whether the flag is as this run set it."""
        by_hand = read_untouched(self.phase.keeping, missing := list(self.watch.missing))
        self.watch = replace(self.watch, missing=tuple(missing))
        made = production.checks(self.watch, self.phase.target.limits, datetime.now(UTC).timestamp())
        return [*made, *by_hand]

    def _remember(self) -> None:
        """One more point of the plot."""
        seen, limits = self.watch.rung.hera.outcomes, self.phase.target.limits
        if not seen.workflows:
            return
        low, high = judging.success_gate(limits).interval(seen.workflows, seen.failures)
        point = [ALL, float(seen.workflows), float(seen.failures), low, high, 0.0, 0.0]
        if not self.looks or self.looks[-1][:3] != point[:3]:
            self.looks.append(point)
        if len(self.looks) > MOST_LOOKS:
            self.looks = self.looks[::2]


def _begun(phase: Phase) -> Guard:
    kept = phase.once(DEPLOYED, partial(_not_deployed, phase))
    baseline = Baseline.read(phase.once(BASELINE, partial(_not_deployed, phase)))
    began = datetime.fromisoformat(kept["at"])
    rung = Rung.read(phase.once(key(ALL), lambda: Rung.begin(ALL, phase.code_revision, began).plain()))
    spells = Spells.read(phase.once(WATCHED, list))
    looks = [list(one) for one in phase.once(HISTORY, list)]
    deployed = Deployed.read(kept["what"])
    return Guard(phase, looker(phase), deployed, Watch(rung=rung, baseline=baseline, spells=spells), looks)


def _not_deployed(phase: Phase) -> dict[str, Any]:
    """Without the moment of the deploy there is nothing to watch from.

    Raises:
        Refused: always.
    """
    raise Refused(
        f"This run of {phase.notebook} does not know of a deploy: its moment, and what was there before it, is neither "
        "in the rollout's state nor in this kernel.",
        expected="the deploy's cell run before the watch, in this run.",
        why="The watch counts from the deploy on, against what was there right before.",
        todo="Run the notebook from its first cell, without skipping cells: a flag that is on already stays on.",
    )


async def close_watch(phase: Phase) -> None:
    """Watch production until it was stable for as long as the target asks, patience ends, or something fails.

    Raises:
        PhaseOnHold: it has not been watched for long enough, or something cannot be judged yet: the run stays open,
            and the next one goes on with the same evidence.
        PhaseFailed: a check says FAIL; by `on_fail` the flag was turned off, or somebody was told, or neither.
    """
    limits = phase.target.limits
    if phase.dry_run:
        display.note(f"Dry run: would watch for {span(limits.stable_seconds)}; {beside_the_guide(limits)}")
        return
    guard = Guard.of(phase)
    _veto(phase)
    eyes = Eyes(look=partial(_looked, guard), decided=_decided, draw=partial(_draw, guard), keep=guard.keep,
                fresh=limits.stable_seconds / 10, missing=lambda: guard.watch.missing)  # fmt: skip
    found = [check for check in phase.checks.values() if check.name == ISSUES and check.verdict is Verdict.FAIL]
    found = found or await display.watched(partial(eyes.until_decided, phase, "watch"))
    shown("The pictures of the watch", partial(_shown, phase, guard))
    await _judged(phase, guard, found)


def _veto(phase: Phase) -> None:
    """What users reported decides, whatever the figures say."""
    check = issues(phase)
    if check.verdict is Verdict.FAIL:
        phase.enter(check)


def _looked(guard: Guard) -> list[Check]:
    guard.refresh()
    return guard.checks()


def _decided(found: list[Check]) -> bool:
    """FAIL decides, a flag or an image that was changed by others does, and PASS of everything."""
    others = {check.name for check in found if check.verdict is Verdict.HOLD}
    return UNTOUCHED in others or production.decided(found)


def _draw(guard: Guard, found: list[Check], live: display.Live) -> None:
    limits = guard.phase.target.limits
    png = display.watch_png(pd.DataFrame(guard.looks, columns=LOOKS), 1 - limits.success_rate_min)
    live.picture(display.checks_frame(found)[["check", "verdict", "seen"]], png)


def _shown(phase: Phase, guard: Guard) -> None:
    """How long it was watched, beside the guide's; the final picture; the spells."""
    limits, spells = phase.target.limits, guard.watch.spells
    phase.remark = f"watched for {span(spells.seconds)}; {beside_the_guide(limits)}"
    if guard.looks:
        display.success_over_looks(pd.DataFrame(guard.looks, columns=LOOKS), 1 - limits.success_rate_min,
                                   limits.source("success_rate_min"))  # fmt: skip
    rows = [{"from (UTC)": _clock(began), "to (UTC)": _clock(ended), "watched": span(ended - began)}
            for began, ended in spells.spells]  # fmt: skip
    display.table(pd.DataFrame(rows), f"When it was watched: {phase.remark}", command="")


async def _judged(phase: Phase, guard: Guard, found: list[Check]) -> None:
    """Enter what was found, and act on FAIL as the run was told to.

    Raises:
        PhaseFailed, PhaseOnHold: as `close_watch`.
    """
    for check in found:
        phase.enter(check)
    entered, title = [phase.checks[check.name] for check in found], "What the watch says"
    shown(title, lambda: display.table(display.checks_frame(entered), title, command=""))
    if failed := [check for check in found if check.verdict is Verdict.FAIL]:
        await _act(phase, guard, failed)
    if not _decided(found) or any(check.verdict is Verdict.HOLD for check in found):
        for check in found:
            if check.verdict is Verdict.HOLD and check.name in (STABLE, DRIFT, UNTOUCHED, BLIND):
                phase.check(check)
        phase.stop_on_hold(f"The flag stays on and the watch stays open: {goes_on(found)}")
    for check in found:
        if check.name == STABLE:
            phase.check(check)


async def _act(phase: Phase, guard: Guard, failed: list[Check]) -> None:
    """What a FAIL does by itself: `rollback`, `page`, or `hold`.

    Raises:
        PhaseFailed: always.
    """
    for check in failed:
        phase.enter(check)
    for check in failed:
        shown(check.name, partial(phase.check, check))
    ended = await act_on_fail(phase, ", ".join(check.name for check in failed))
    if any(check.name in judging.COMPARED for check in failed):
        shown("Why it became slow",
              lambda: diagnose_times(phase, datetime.fromtimestamp(guard.watch.rung.began, UTC)))  # fmt: skip
    phase.stop_on_fail(ended)


def production_monitoring(phase: Phase) -> None:
    """The whole monitoring checklist since the deploy."""
    rungs = () if phase.dry_run else (Guard.of(phase).watch.rung,)
    monitored(phase, rungs, "since the deploy")


def staging_again(phase: Phase) -> None:
    """Phase 2's criteria once more, answered by this run's own checks."""
    if phase.dry_run:
        display.note("Dry run: nothing was deployed, so phase 2's criteria have no answer here")
        return
    rows = []
    for criterion in PLANS["02_staging"].criteria:
        asked = _ANSWERS[criterion.words]
        made = [phase.checks[name] for name in asked if name in phase.checks]
        worst = next((one for verdict in (Verdict.FAIL, Verdict.HOLD, Verdict.PASS) for one in made
                      if one.verdict is verdict), None)  # fmt: skip
        state = worst.verdict.label if worst and len(made) == len(asked) else "☐ open"
        seen = "; ".join(f"{one.name}: {one.seen}" for one in made)
        rows.append({"phase 2's criterion": criterion.words, "state": state, "by what": seen})
    display.table(pd.DataFrame(rows), "Phase 2's criteria, in production", command="")


_ANSWERS: Final = {
    "All tests pass in staging": ("testing checklist",),
    "No increase in error rates": (judging.ERRORS, judging.LOGS),
    "Performance is equivalent or better": (judging.EXECUTION, judging.RESPONSE, "memory"),
    "Workflows are functionally equivalent": (judging.SUCCESS, judging.PLACED),
}


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
