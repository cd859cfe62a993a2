"""The way back: the flag off, by a parameter, by a button, or by the command that works without a notebook."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Event
from time import monotonic
from typing import Final

from hera_rollout import display, flag
from hera_rollout import rollback as rolling
from hera_rollout.backend import Backend
from hera_rollout.errors import RolloutError
from hera_rollout.gates import judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.rollback import CHECK, RollbackResult

AGAIN_SECONDS: Final = 3.0
"""Between two tries to turn the flag off."""
STILL_ON: Final = f"The flag could not be turned off by itself: the check {CHECK} says how to do it by hand."


async def rollback(phase: Phase) -> None:
    """Show how to go back; with ``rollback=True`` do so now, and in JupyterLab offer a button for it.

    Raises:
        RolloutError: the flag could not be turned off; the text says how to do it by hand.
    """
    change = flag.plan(phase.flagged, enabled=False)
    command = f"hera-rollout rollback --target {phase.parameters.target} --yes"
    display.diff(
        change.diff() or "nothing to change: the flag says off already", "The way back", command=change.command
    )
    if phase.dry_run:
        display.note(f"Dry run: nothing to go back from. Without a notebook: {command}")
    elif phase.parameters.rollback:
        _show(phase, await display.watched(lambda live: _quick(phase, live.line, live.stop)))
    else:
        display.note(f"The flag is left as it is (rollback=False). Without a notebook: {command}")
        if display.has_front_end():
            display.offered("Roll back now: flag off", partial(_quick, phase), partial(_show, phase))


async def taken_back(phase: Phase, why: str) -> None:
    """The way back by the run itself: no button and no question, since what is approved is a canary that passes.

    Raises:
        RolloutError: the flag could not be turned off; the text says how to do it by hand.
    """
    display.note(f"Rolling back by itself: {why}")
    _show(phase, await display.watched(lambda live: _quick(phase, live.line, live.stop)))


async def surely_taken_back(phase: Phase, why: str) -> bool:
    """The same, tried again while the cluster does not answer; where it never does, a check says so and how by hand.

    Returns:
        Whether the flag was turned off.
    """
    ends = monotonic() + float(phase.target.limits.rollout_deadline_seconds)
    while True:
        try:
            await taken_back(phase, why)
        except RolloutError as error:
            if monotonic() < ends:
                display.note(f"The flag is not off yet: {error.seen} It is tried again")
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            todo = f"{error.todo} Then: hera-rollout rollback --target {phase.parameters.target} --yes".strip()
            phase.check(judge(name=CHECK, rule=rules.raised, evidence={"error": type(error).__name__}, seen=error.seen,
                              expected="the flag off", why=error.why, todo=todo, limit_source="kit"))  # fmt: skip
            return False
        return True


def _show(phase: Phase, result: RollbackResult) -> None:
    """What was seen, and what is in flight."""
    display.table(result.hera_after, "Workflows that Hera made after it took effect", command="")
    flying = result.in_flight
    columns = [name for name in ("name", "phase", "task", "seconds", "message") if name in flying]
    display.table(flying[columns], "Hera's workflows in flight: they go on", command=flying.attrs["command"])
    phase.check(result.check())


def _quick(phase: Phase, tell: Callable[[str], None], stop: Event | None = None) -> RollbackResult:
    keeping = phase.keeping
    return rolling.quick(
        phase.flagged, Backend(phase.target), phase.workflows, by=phase.parameters.who(),
        why=f"rollback in {phase.notebook} at {datetime.now(UTC):%H:%M:%S} UTC",
        state=keeping.state if keeping else None, on_progress=tell, stop=stop,
    )  # fmt: skip
