"""Turn the flag, and believe only what every pod says of itself."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from hera_rollout import display, flag
from hera_rollout.errors import RolloutError, in_words
from hera_rollout.flag import FlagChange, FlagEffect, NotDoneByHand
from hera_rollout.gates import Check, judge, rules
from hera_rollout.gates.rules import Rule
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.returning import shown

T = TypeVar("T")
OnFail = Callable[[str], Awaitable[str]]
"""Does what a FAIL asks for, given why, and says in one sentence where the flag stands then."""
IN_EFFECT = "flag in effect"
FLIPPED = "flag on"
"""Under this key a run keeps when it turned the flag on."""


def overlay(phase: Phase) -> None:
    """Show what to commit, so that the next deploy from git does not turn the flag back."""
    lines = flag.to_commit(phase.target, "env", enabled=True).splitlines()
    diff = ["--- /dev/null", "+++ overlays/staging/kustomization.yaml", *(f"+{line}" for line in lines)]
    display.diff("\n".join(diff), "The overlay to commit", command="kubectl apply -k overlays/staging")


async def set_flag(phase: Phase, *, enabled: bool) -> None:
    """Show the patch; then, unless this is a dry run, apply it and wait until every pod reports it.

    Where an earlier attempt of this run turned the flag on already, the flag is not turned off again.

    Raises:
        PhaseFailed: a pod did not report the wanted flag in time (the text says which one said what), or the change
            was refused because somebody else changed it since the patch was planned.
        PhaseOnHold: medium `manual`, and nobody changed it in time; or no pod can say what its flag is: then it was not
            changed.
    """
    if not enabled and phase.done(FLIPPED):
        display.note("The baseline was measured by an earlier attempt of this run, which then turned the flag on")
        return
    change = flag.plan(phase.cluster, enabled)
    state = "on" if enabled else "off"
    medium = "variable" if change.medium == "env" else "file"
    patch = change.diff() or f"nothing to change: the {medium} already says {state}"
    display.diff(patch, f"Turn the flag {state}", command=change.command)
    if phase.dry_run:
        display.note(f"Dry run: the patch above was not applied. To undo it once applied: {change.undo_command}")
        return
    if _unseen(phase, enabled=enabled):
        return
    if enabled:
        phase.flag_changed = datetime.fromisoformat(phase.once(FLIPPED, lambda: datetime.now(UTC).isoformat()))
    effect = await flipping(phase, lambda live: applied(phase, change, live), enabled=enabled)
    if effect is None:
        return
    display.table(effect.report, f"The flag is {state}, by what each pod says of itself")
    if enabled:
        phase.check(in_effect(effect))


def _unseen(phase: Phase, *, enabled: bool) -> bool:
    """Whether no pod can say what its flag is: then it is not turned, and before that all is tested as it stands.

    Raises:
        PhaseOnHold: it was to be turned on.
    """
    found = flag.report(phase.cluster, phase.backend)
    if found.empty or not all(found["problem"].eq(flag.NO_ROUTE)):
        return False
    if not enabled:
        display.note(
            "The flag was left as it is: no pod can say what it reads. What follows is the service as it stands"
        )
        return True
    phase.check(judge(
        name=IN_EFFECT, rule=rules.withheld, evidence={"holds": False, "pods": display.rows(found)},
        seen=f"none of {len(found)} pods can say what its flag is: {flag.NO_ROUTE}",
        expected="every ready pod reports its flag", limit_source="kit",
        why="What was set is not what runs: results from here would prove nothing.",
        todo="Give the service that route (README, “A backend of your own”), then run this again.",
    ))  # fmt: skip
    phase.stop_on_hold("What the flag does cannot be seen here; it was not changed.")
    return True


async def flipping(
    phase: Phase, work: Callable[[display.Live], T], *, enabled: bool, on_fail: OnFail | None = None
) -> T | None:
    """Await work that turns the flag; where a flip does not come, say so: the run then ends, or goes on with None.

    Args:
        phase: the run.
        work: what turns the flag.
        enabled: whether it turns it on.
        on_fail: what is done before the run ends, whatever was raised: the flag may be on at a part of the pods.

    Raises:
        PhaseFailed: a flip did not take effect, or was refused.
        PhaseOnHold: medium `manual`, and nobody made it in time.
    """
    phase.changing("the flag")
    try:
        return await display.watched(work)
    except NotDoneByHand as error:
        _not_done(phase, error)
    except RolloutError as error:
        if on_fail is None:
            _not_in_effect(phase, error, enabled)
        else:
            await _end(phase, error, on_fail)
    except Exception as error:
        if on_fail is None:
            raise
        await _end(phase, error, on_fail)
    return None


async def _end(phase: Phase, error: Exception, on_fail: OnFail) -> None:
    """A flip that did not come, in production: what a FAIL asks for is done before the run ends.

    Raises:
        PhaseFailed: always.
    """
    check = phase.enter(_not_shown(error, rules.raised))
    shown(IN_EFFECT, partial(phase.check, check))
    phase.stop_on_fail(await on_fail(IN_EFFECT))


def applied(phase: Phase, change: FlagChange, live: display.Live) -> FlagEffect:
    """Set it, note in the rollout's state that it was this run, and wait until it is in effect."""
    flag.throw(phase.cluster, change, live.line)
    if phase.keeping:
        phase.keeping.flag_set(enabled=change.enabled, percent=change.percent, why=phase.notebook)
    return flag.settled(phase.cluster, phase.backend, change, live.line, stop=live.stop)


def _not_done(phase: Phase, error: NotDoneByHand) -> None:
    """Nobody made the change: nothing is known to be wrong, and nothing after it can be judged.

    Raises:
        PhaseOnHold: always.
    """
    phase.check(_not_shown(error, rules.withheld))
    phase.stop_on_hold("The flag was not changed by hand in time; nothing after it was run.")


def _not_in_effect(phase: Phase, error: RolloutError, enabled: bool) -> None:
    """A change that did not take effect is FAIL, and ends the run.

    Only where every pod does report the flag as on, and it is Hera that cannot be imported, does the run go on: what
    the backend does then (YAML, without a word?) is what the next steps must show.
    """
    phase.check(_not_shown(error, rules.raised))
    report = flag.report(phase.cluster, phase.backend)
    display.table(report, "What each pod says of itself")
    if not enabled or report.empty or not all(report["enabled"].eq(True)):
        phase.stop_on_fail("The flag is not in effect, so nothing after it would prove anything; nothing more was run.")


def _not_shown(error: Exception, rule: Rule) -> Check:
    """The check of a flip that ended with an error."""
    expected, why, todo = (str(getattr(error, part, "")) for part in ("expected", "why", "todo"))
    return judge(name=IN_EFFECT, rule=rule, evidence={"error": type(error).__name__}, seen=in_words(error),
                 expected=expected, why=why, todo=todo)  # fmt: skip


def in_effect(effect: FlagEffect) -> Check:
    """The flag as the pods report it."""
    pods = effect.report.to_dict(orient="records")
    on = sum(bool(pod["enabled"]) for pod in pods)
    return judge(
        name=IN_EFFECT,
        rule=rules.flag_reported,
        evidence={"wanted": True, "pods": display.rows(effect.report), "seconds": effect.seconds},
        seen=f"{on} of {len(pods)} pods report it on",
        expected="every ready pod, and the Service, report the flag as on, with a Hera that could be imported",
        limit_source="kit",
        why="A pod that does not read the flag goes on making workflows by the other path.",
        todo="Read the pods' rows above: what decided the flag there, and what kept Hera from being imported.",
    )
