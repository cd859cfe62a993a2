"""Workflows in flight over a flip: a flip, and so a rollback, must not touch what is already running."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from time import monotonic, sleep
from typing import Final

import pandas as pd

from hera_rollout import display
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.following import Path, Row, Stop, ended, failed_already, flip
from hera_rollout.phase.steps.switching import flipping
from hera_rollout.workflows import documents

FLYING_SECONDS: Final = 15
"""How long a workflow that is to be in flight over a flip runs, beside the flip's own time."""
_FLYING: Final = "# {mark}\nimport time\ntime.sleep({seconds})\nprint('[{mark}] landed')"


async def fly_over(phase: Phase) -> None:
    """Turn the flag off and on again by the target's own medium, each time with a workflow in flight, and check both.

    Raises:
        PhaseFailed: a flip did not take effect.
        PhaseOnHold: medium `manual`, and nobody made the flip in time.
    """
    if phase.dry_run:
        display.note("Dry run: would turn the flag off and on again, each time with a workflow in flight")
        return
    if failed_already(phase):
        return
    rows = await flipping(phase, partial(_both, phase), enabled=False)
    columns = ["path", "to", "workflow", "flipped", "finished", "problem"]
    shown = pd.DataFrame([_times(row) for row in rows or []], columns=columns).rename(columns={"to": "flag turned to"})
    display.table(shown, "In flight over a flip")
    phase.check(in_flight_check(rows or []))


def _both(phase: Phase, live: display.Live) -> list[Row]:
    """One flip each way; in the end the flag is on."""
    rows: list[Row] = []
    with suppress(Stop):
        rows += (_flown(phase, path, live) for path in ("hera", "yaml"))
    live.stop.clear()
    flip(phase, "hera", phase.target.flag.medium, live)
    return rows


def _times(row: Row) -> Row:
    """Its moments as times of day."""
    return {**row, **{name: str(row[name] or "")[11:19] for name in ("flipped", "finished")}}


def _flown(phase: Phase, path: Path, live: display.Live) -> Row:
    kept: Row = phase.once(f"flown {path}", partial(_flying, phase, path, live))
    return kept


def _flying(phase: Phase, path: Path, live: display.Live) -> Row:
    """Start a workflow, flip the flag while it runs, and see how it ends."""
    other: Path = "yaml" if path == "hera" else "hera"
    code = _FLYING.format(mark=f"hera-rollout-flying-{phase.token}-{path}", seconds=FLYING_SECONDS)
    row: Row = {"path": path, "to": other, "workflow": "", "problem": "", "flipped": None, "finished": None}
    flip(phase, path, phase.target.flag.medium, live)
    try:
        row["workflow"] = phase.backend.submit(code).workflow
        _until_running(phase, row["workflow"], live)
    except RolloutError as error:
        return {**row, "problem": error.seen}
    flip(phase, other, phase.target.flag.medium, live)
    row["flipped"] = datetime.now(UTC).isoformat()  # every pod has it by now
    row |= ended(phase, path, row["workflow"], live)
    if live.stop.is_set():
        raise Stop
    return row


def _until_running(phase: Phase, name: str, live: display.Live, seconds: float = 60) -> None:
    """Bounded: a workflow that does not start is told by how it ends."""
    ends = monotonic() + seconds
    while monotonic() < ends and not live.stop.is_set():
        nodes = documents.nodes(phase.workflows.live(name))
        if any(node.get("type") == "Pod" and node.get("phase") == "Running" for node in nodes.values()):
            return
        sleep(0.3)


def in_flight_check(rows: Iterable[Row]) -> Check:
    """FAIL for one that did not end well; HOLD if one had ended before the flip, or a direction was not flown."""
    flown = list(rows)
    wrong = [row for row in flown if row["problem"]]
    over = [row for row in flown if row["flipped"] and row["finished"] and _later(row["finished"], row["flipped"])]
    directions = {(row["path"], row["to"]) for row in over}
    shown = {("hera", "yaml"), ("yaml", "hera")} <= directions
    return judge(
        name="in flight",
        rule=rules.holds if wrong or shown else rules.withheld,
        evidence={"holds": not wrong and shown, "rows": flown},
        seen=f"{sum(not row['problem'] for row in over)} of {len(flown)} workflows that were running when the flag was "
        f"turned ended well, by the path that began them"
        + (f"; {wrong[0]['workflow']}: {wrong[0]['problem']}" if wrong else ""),
        expected="one in each direction, off to on and on to off: Succeeded, its path unchanged",
        limit_source="kit",
        why="A flip must not touch what is already running: that is what makes the rollback safe.",
        todo="argo get of the workflow: was its pod deleted, or did the backend stop it at its own restart?"
        if wrong else "Run it again: the workflow had ended before the flip.",
    )  # fmt: skip


def _later(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) >= datetime.fromisoformat(other).replace(microsecond=0)
