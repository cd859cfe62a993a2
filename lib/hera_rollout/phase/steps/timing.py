"""The change window: the guide's "Deploy during low-traffic period"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pandas as pd

from hera_rollout import display, window
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, Verdict
from hera_rollout.phase.spine import Phase

OUTSIDE: Final = "deploy outside of the low-traffic hours"


async def change_window(phase: Phase) -> None:
    """Show the hours of low traffic and where now is; outside of them it takes an approval with a reason.

    Raises:
        PhaseOnHold: it is no low-traffic hour, and nobody approved that the change is made all the same.
    """
    if phase.done(window.CHANGE_WINDOW):
        kept = phase.once(window.CHANGE_WINDOW, dict)
        phase.check(Check(**kept | {"verdict": Verdict(kept["verdict"])}))
        display.note("As it was when the change was made, by an earlier attempt of this run")
        return
    now, limits = datetime.now(UTC), phase.target.limits
    try:
        history = window.history(phase.prometheus, phase.target, now)
    except RolloutError as error:
        display.note(f"No history of traffic: {error.seen}")
        history = pd.DataFrame({"time": [], "per_hour": []})
    low = window.low_traffic(history, share=limits.window_share, min_days=limits.window_days)
    place = (now.weekday() * 24 if len(low.hours) > 24 else 0) + now.hour + now.minute / 60  # noqa: PLR2004
    display.traffic_by_hour(low.frame(), place, low.limit, limits.source("window_share"))
    found = window.check(low, now, limits.source("window_share"))
    if found.verdict is not Verdict.PASS and not phase.dry_run:
        phase.enter(found)
        display.note(f"{found.seen}. {found.todo}")
        given = await phase.approved(what=OUTSIDE)
        override = {"approver": given.approver, "reason": given.reason}
        found = window.check(low, now, limits.source("window_share"), override=override)
    phase.check(found)
    phase.keep(window.CHANGE_WINDOW, phase.checks[found.name].as_dict())
