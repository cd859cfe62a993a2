"""The way back: the flag off, by a parameter, by a button, or by the command that works without a notebook."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Final

from hera_rollout import clock, display, flag
from hera_rollout import rollback as rolling
from hera_rollout.errors import RolloutError, in_words
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.rollback import CHECK, RollbackResult
from hera_rollout.state import GUARDED

AGAIN_SECONDS: Final = 3.0
"""Between two tries to turn the flag off."""
STILL_ON: Final = f"The flag could not be turned off by itself: the check {CHECK} says how to do it by hand."


async def rollback(phase: Phase) -> None:
    """Show how to go back; with ``rollback=True`` do so now, and in JupyterLab offer a button for it.

    Where a check of 03 or 04 says FAIL by now the flag is turned off by itself, as at any other FAIL.

    Raises:
        RolloutError: the flag could not be turned off; the text says how to do it by hand.
    """
    command = f"hera-rollout rollback --target {phase.parameters.target} --yes"
    by_itself = bool(phase.failed) and _by_itself(phase)
    if not phase.dry_run and (phase.parameters.rollback or by_itself):
        shown("The way back", lambda: _patches(phase))
    else:
        _patches(phase)
    if phase.dry_run:
        display.note(f"Dry run: nothing to go back from. Without a notebook: {command}")
    elif by_itself:
        await surely_taken_back(phase, f"automatic: {', '.join(phase.failed)}")
    elif phase.parameters.rollback:
        _show(phase, await display.watched(lambda live: _quick(phase, live.line, live.stop)))
    else:
        display.note(f"The flag is left as it is (rollback=False). Without a notebook: {command}")
        if display.has_front_end():
            display.offered("Roll back now: flag off", partial(_quick, phase), partial(_show, phase))


def _by_itself(phase: Phase) -> bool:
    """Whether a FAIL turns the flag off, also one that came after the watch: in 03 always, in 04 by `on_fail`."""
    return phase.notebook in GUARDED and phase.parameters.model_dump().get("on_fail", "rollback") == "rollback"


def _patches(phase: Phase) -> None:
    for change in flag.plans_off(phase.flagged):
        display.diff(
            change.diff() or "nothing to change: the flag says off already", "The way back", command=change.command
        )


def shown(what: str, show: Callable[[], object]) -> None:
    """Show something that a rollback does not wait for: what cannot be shown is told, and never stops it."""
    try:
        show()
    except Exception as error:
        with suppress(Exception):
            display.note(f"{what} could not be shown: {in_words(error)}")


async def surely_taken_back(phase: Phase, why: str) -> bool:
    """The way back by the run itself: no button and no question, since what is approved is a canary that passes.

    Whatever goes wrong on it, it is tried again until the target's time for a rollout is over; then a check says so,
    and how to do it by hand.

    Returns:
        Whether the flag was turned off.
    """
    shown("The rollback's begin", lambda: display.note(f"Rolling back by itself: {why}"))
    ends = clock.monotonic() + float(phase.target.limits.rollout_deadline_seconds)
    error: Exception | None = None
    while True:
        try:
            # What broke before may have been the display: the next try shows nothing.
            bare = error is not None and not isinstance(error, RolloutError)
            result = await (
                asyncio.to_thread(_quick, phase, _unheard) if bare else display.watched(partial(_seen, phase))
            )
        except Exception as broken:
            error = broken
            if clock.monotonic() < ends:
                words = f"The flag is not off yet: {in_words(error)} It is tried again"
                shown("A rollback's try", partial(display.note, words))
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            check = _still_on(phase, error)
            shown(f"The check {CHECK}", partial(phase.check, check))
            return False
        shown("What Hera made after the rollback", partial(_tables, result))
        shown(f"The check {CHECK}", partial(_checked, phase, result))
        return True


def _still_on(phase: Phase, error: Exception) -> Check:
    todo = f"{getattr(error, 'todo', '')} Then: hera-rollout rollback --target {phase.parameters.target} --yes".strip()
    return judge(name=CHECK, rule=rules.raised, evidence={"error": type(error).__name__}, seen=in_words(error),
                 expected="the flag off", why=getattr(error, "why", ""), todo=todo, limit_source="kit")  # fmt: skip


def _seen(phase: Phase, live: display.Live) -> RollbackResult:
    return _quick(phase, _quietly(live.line), live.stop)


def _unheard(_words: str) -> None:
    """Progress that nobody is shown."""


def _quietly(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Progress that cannot be drawn stops no rollback."""

    def line(words: str) -> None:
        with suppress(Exception):
            tell(words)

    return line


def _show(phase: Phase, result: RollbackResult) -> None:
    """What was seen, and what is in flight."""
    _tables(result)
    _checked(phase, result)


def _checked(phase: Phase, result: RollbackResult) -> None:
    phase.check(result.check())


def _tables(result: RollbackResult) -> None:
    display.table(result.hera_after, "Workflows that Hera made after it took effect", command="")
    flying = result.in_flight
    columns = [name for name in ("name", "phase", "task", "seconds", "message") if name in flying]
    display.table(flying[columns], "Hera's workflows in flight: they go on", command=flying.attrs["command"])
    unknown = result.unknown_in_flight
    if len(unknown):
        display.table(unknown[columns], "In flight, not known by which path or whose: left alone",
                      command="hera-rollout rollback --in-flight POLICY --workflow NAME")  # fmt: skip


def _quick(phase: Phase, tell: Callable[[str], None], stop: Event | None = None) -> RollbackResult:
    keeping = phase.keeping
    phase.changing("the flag")
    return rolling.quick(
        phase.flagged, phase.connections.backend, phase.workflows, by=phase.parameters.who(),
        why=f"rollback in {phase.notebook} at {datetime.now(UTC):%H:%M:%S} UTC",
        state=keeping.state if keeping else None, on_progress=tell, stop=stop,
    )  # fmt: skip
