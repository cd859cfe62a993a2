"""One rung of the ladder: approved, turned, watched until it may be left; taken back by itself on FAIL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import pandas as pd

from hera_rollout import canary, display, flag
from hera_rollout.canary import judging
from hera_rollout.errors import Conflicting, RolloutError, in_words
from hera_rollout.gates import Check, Verdict, judge, rules, worst
from hera_rollout.gates.rung import LADDER
from hera_rollout.phase.keeping import UNTOUCHED, read_untouched
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.climbing import Climb
from hera_rollout.phase.steps.monitoring import diagnose_times
from hera_rollout.phase.steps.returning import STILL_ON, shown, surely_taken_back
from hera_rollout.phase.steps.switching import applied, flipping
from hera_rollout.phase.steps.watching import BLIND, Eyes, goes_on

ISSUES: Final = "user-reported issues"


async def rung(phase: Phase, percent: float) -> None:
    """Go to a rung, with an approval, and stay until it may be left; at 100 % until every gate has decided.

    Args:
        phase: the run.
        percent: of the tasks on Hera: one of the ladder's.

    Raises:
        PhaseOnHold: nobody approved, somebody changed the flag by hand, or there is too little evidence yet: the run
            stays open, and goes on from here.
        PhaseFailed: a gate says FAIL, or users reported an issue; the flag was turned off again.
    """
    if phase.dry_run:
        change = flag.plan(phase.cluster, enabled=False, medium="configmap").command
        display.note(f"Dry run: would ask for an approval, turn the flag on for {percent:g} % of the tasks, and watch. "
                     f"To undo it: {change}")  # fmt: skip
        return
    climb = Climb.of(phase)
    await _veto(phase)
    if climb.left(percent):
        phase.changing("the flag, in an earlier attempt")
        await _entered(phase, climb, percent)
        display.note(f"{percent:g} % was left by an earlier attempt of this run; its evidence is carried on")
        return
    await _gone_to(phase, climb, percent)
    found = await display.watched(partial(_watch, phase, climb, percent))
    shown("The pictures of this rung", partial(_shown, phase, climb, percent))
    await _judged(phase, climb, percent, found)


async def _gone_to(phase: Phase, climb: Climb, percent: float) -> None:
    """Ask, then turn the flag; a rung that stands already is gone on with."""
    change = flag.plan(phase.flagged, enabled=True, percent=percent, medium="configmap")
    display.diff(change.diff() or f"nothing to change: it stands at {percent:g} %", f"Go to {percent:g} %",
                 command=change.command)  # fmt: skip
    await phase.approved(rung=percent)
    phase.flag_changed = phase.flag_changed or datetime.now(UTC)
    await flipping(phase, lambda live: applied(phase, change, live), enabled=True, on_fail=partial(_turned_off, phase))
    _noted(lambda: _at(phase, percent))
    if climb.ladder.rung(percent) is None:
        _noted(lambda: climb.begin(percent))


def _at(phase: Phase, percent: float) -> None:
    if phase.keeping:
        phase.keeping.state.enter(phase.rollout, phase.notebook, by=phase.parameters.who(), rung=percent)


def _noted(note: Callable[[], object]) -> None:
    """Write where the flag stands now; it is on, so an API server in trouble keeps nobody from watching it.

    Raises:
        Conflicting: another run or hand wrote the rollout's state.
    """
    try:
        note()
    except Conflicting:
        raise
    except RolloutError as error:
        words = f"Not written into the rollout's state yet: {error.seen}"
        shown("What was not written", lambda: display.note(words))


def _watch(phase: Phase, climb: Climb, percent: float, live: display.Live) -> list[Check]:
    """Look until it is decided, or patience ends; what was seen last is answered."""
    eyes = Eyes(
        look=lambda: _looked(phase, climb, percent),
        decided=lambda found: _decided(found, percent),
        draw=lambda found, shown: _draw(phase, climb, found, shown),
        keep=climb.keep,
        fresh=phase.target.limits.rung_seconds,
        missing=lambda: climb.missing,
    )
    return eyes.until_decided(phase, f"{percent:g}", live)


def _looked(phase: Phase, climb: Climb, percent: float) -> list[Check]:
    """One look: the gates, whether the rung may be left, and whether the flag is as this run set it."""
    climb.refresh()
    made, by_hand = climb.checks(), read_untouched(phase.keeping, climb.missing)
    now = datetime.now(UTC).timestamp()
    found = [*made, judging.left(climb.ladder, percent, made, phase.target.limits, now, missing=climb.missing)]
    if percent == LADDER[-1]:
        found.append(canary.concluded(climb.ladder, made))
    return [*found, *by_hand]


def _decided(found: list[Check], percent: float) -> bool:
    """FAIL decides, a flag changed by hand does, and at the end every gate must say PASS."""
    by_name = {check.name: check for check in found}
    if worst(check.verdict for check in found) is Verdict.FAIL:
        return True
    if UNTOUCHED in by_name and by_name[UNTOUCHED].verdict is not Verdict.PASS:
        return True
    last = by_name.get("ladder")
    here = by_name.get(judging.name_of(percent))  # not there after a look that failed
    done = here is not None and here.verdict is Verdict.PASS
    return done and (last is None or last.verdict is Verdict.PASS)


def _draw(phase: Phase, climb: Climb, found: list[Check], live: display.Live) -> None:
    limits = phase.target.limits
    png = display.ladder_png(*climb.frames(), limits=(1 - limits.success_rate_min, limits.slowdown_max))
    live.picture(display.checks_frame(found)[["check", "verdict", "seen"]], png)


def _shown(phase: Phase, climb: Climb, percent: float) -> None:
    """The final pictures of this rung."""
    limits, (looks, times, shares) = phase.target.limits, climb.frames()
    if len(looks):
        display.success_over_looks(looks, 1 - limits.success_rate_min, limits.source("success_rate_min"))
    display.times_by_rung(times, limits.slowdown_max, limits.source("slowdown_max"))
    display.share_by_rung(shares)
    for line in climb.missing:
        display.note(f"Not read at the last look: {line}")


async def _judged(phase: Phase, climb: Climb, percent: float, found: list[Check]) -> None:
    """Enter what was found, and take the flag back on FAIL, by itself.

    Raises:
        PhaseFailed, PhaseOnHold: as `rung`.
    """
    title = f"The gates at {percent:g} %"
    shown(title, lambda: display.table(display.checks_frame(found), title, command=""))
    touched = any(check.name == UNTOUCHED and check.verdict is not Verdict.PASS for check in found)
    if touched:
        found = _without_the_hands(found, percent)
    for check in found:
        phase.enter(check)
    if touched:
        shown(UNTOUCHED, lambda: _only(phase, UNTOUCHED, found))
    failed = [check for check in found if check.verdict is Verdict.FAIL]
    if failed:
        await _take_back(phase, climb, percent, failed)
    if touched:
        phase.stop_on_hold("The flag was changed by hand meanwhile; it was not touched again.")
    if not _decided(found, percent):
        waiting = [check for check in found if check.name in (judging.name_of(percent), "ladder", BLIND)]
        for check in waiting:
            phase.check(check)
        phase.stop_on_hold(f"The canary stays at {percent:g} %: {goes_on(found)}")
    climb.end(percent)


def _without_the_hands(found: list[Check], percent: float) -> list[Check]:
    """Another percentage, set by hand, puts tasks on the other path: a FAIL of that alone is no word about Hera."""
    failed = {check.name for check in found if check.verdict is Verdict.FAIL}
    if not failed <= {judging.PLACED, judging.SPLIT, judging.name_of(percent), "ladder"}:
        return found
    return [check for check in found if check.verdict is not Verdict.FAIL]


def _only(phase: Phase, name: str, found: list[Check]) -> None:
    """Show one of them in full."""
    for check in found:
        if check.name == name:
            phase.check(check)


async def _take_back(phase: Phase, climb: Climb, percent: float, failed: list[Check]) -> None:
    """The automatic rollback: flag off, and who had seen Hera by then.

    Raises:
        PhaseFailed: always.
    """
    for check in failed:
        phase.enter(check)
    for check in failed:
        shown(check.name, partial(phase.check, check))
    shown("exposure", lambda: phase.check(_exposure(climb, percent)))
    ended = await _turned_off(phase, ", ".join(check.name for check in failed))
    if any(check.name in judging.COMPARED for check in failed):
        shown("Why it became slow", lambda: diagnose_times(phase, _began(climb)))
    phase.stop_on_fail(ended)


async def _turned_off(phase: Phase, names: str) -> str:
    """Take the flag back after the FAIL of these checks; where it stands then, in a sentence."""
    off = await surely_taken_back(phase, f"automatic: {names}")
    return "The flag was turned off again, by itself." if off else STILL_ON


def _began(climb: Climb) -> datetime:
    return datetime.fromtimestamp(climb.ladder.rungs[-1].began, UTC)


def _exposure(climb: Climb, percent: float) -> Check:
    """Who had seen Hera when it was decided."""
    hera, tasks = climb.ladder.saw_hera
    share = f"{hera / tasks:.1%}" if tasks else "none"
    outcomes = climb.ladder.outcomes
    count = outcomes.workflows + outcomes.ahead
    return judge(
        name="exposure", rule=rules.holds,
        evidence={"holds": True, "workflows": count, "hera": hera, "tasks": tasks, "percent": percent},
        seen=f"decided after {count} workflows by Hera, at {percent:g} %: {hera} of {tasks} tasks ({share}) saw Hera",
        expected="as few as it takes", limit_source="kit",
    )  # fmt: skip


async def _veto(phase: Phase) -> None:
    """What users reported ends the canary, whatever the gates say.

    Raises:
        PhaseFailed: they reported something; the flag was turned off.
    """
    check = issues(phase)
    if check.verdict is not Verdict.FAIL:
        return
    phase.enter(check)
    shown(ISSUES, lambda: phase.check(check))
    off = await surely_taken_back(phase, "users reported issues")
    phase.stop_on_fail("Users reported issues: the flag was turned off." if off else STILL_ON)


def issues(phase: Phase) -> Check:
    """PASS if somebody says that users reported nothing, FAIL if they did, HOLD if nobody has asked them."""
    said = str(phase.parameters.model_dump()["user_issues"]).strip()
    none = said.lower() in ("none", "no", "0", "nothing")
    return judge(
        name=ISSUES,
        rule=rules.holds if said else rules.withheld,
        evidence={"holds": none, "said": said, "by": phase.parameters.who()},
        seen=f"{phase.parameters.who()} says: {said}" if said else "nobody has said what users reported",
        expected="none",
        limit_source="guide",
        why="Users see what no metric has.",
        todo="" if none else "Mend what they reported, then begin the canary anew."
        if said else "Ask support and the team's channel, then run again with -p user_issues none (or what they said).",
    )  # fmt: skip


def user_issues(phase: Phase) -> None:
    """The guide's criterion that only people can answer."""
    phase.check(issues(phase))


async def _entered(phase: Phase, climb: Climb, percent: float) -> None:
    """The gates as they stand, for a rung that an earlier attempt left: a later one replaces them.

    Raises:
        PhaseFailed: what ended since it was left says FAIL; the flag was turned off again.
    """
    try:
        climb.refresh(logs=False)
    except Exception as error:  # whatever it is, what was seen before still counts
        words = f"Not looked at again: {in_words(error)}"
        shown("What was not looked at", lambda: display.note(words))
    made = climb.checks()
    for check in made:
        phase.enter(check)
    failed = [check for check in made if check.verdict is Verdict.FAIL]
    if failed:
        await _take_back(phase, climb, percent, failed)


def ladder(phase: Phase) -> None:
    """Where the ladder stands, one row a rung."""
    if phase.dry_run:
        display.note("Dry run: no rung was climbed")
        return
    rows = [
        {
            "rung": f"{one.percent:g} %", "began (UTC)": _clock(one.began), "left (UTC)": _clock(one.ended),
            "workflows by Hera": one.hera.outcomes.workflows, "failed": one.hera.outcomes.failures,
            "by YAML": one.yaml.outcomes.workflows, "tasks on Hera": f"{one.share.hera} of {one.share.tasks}",
            "log errors": one.log_errors,
        }
        for one in Climb.of(phase).ladder.rungs
    ]  # fmt: skip
    display.table(pd.DataFrame(rows), "The ladder", command="")


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" if seconds else ""
