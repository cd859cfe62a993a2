"""What somebody else changed in a rollout's state, in sentences. Pure."""

from __future__ import annotations

from datetime import datetime

from hera_rollout.state.documents import Facts, FlagSet


def clock(moment: datetime) -> str:
    """A moment as people read it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def word(entry: FlagSet) -> str:
    """A setting of the flag in words."""
    return f"on for {entry.percent:g} %" if entry.enabled else "off"


def claims(facts: Facts) -> tuple[object, ...]:
    """What only one run or hand at a time may change: where the rollout stands, the flag, and whose each run is.

    Moments and numbers, no words: those may be masked when they are written.
    """
    at, back = facts.rollout, facts.rolled_back
    return (
        (at.id, at.phase, at.rung) if at else None,
        tuple((entry.at, entry.enabled, entry.percent) for entry in facts.flags),
        back.at if back else None,
        {phase: (run.id, run.attempts, run.concluded) for phase, run in facts.runs.items()},
    )


def changes(before: Facts, after: Facts) -> list[str]:
    """What is in `after` and was not in `before`."""
    told = [f"{change.by} wrote at {clock(change.at)}: {change.what}"] if (change := after.changed) else []
    if after.rollout != before.rollout and after.rollout:
        rung = f", rung {after.rollout.rung:g}" if after.rollout.rung is not None else ""
        told.append(f"it stands at rollout {after.rollout.id}, phase {after.rollout.phase}{rung}")
    told += [
        f"the flag was set {word(entry)} by {entry.by} at {clock(entry.at)}"
        for entry in after.flags
        if entry not in before.flags
    ]
    if after.rolled_back and after.rolled_back != before.rolled_back:
        told.append(f"{after.rolled_back.by} rolled back at {clock(after.rolled_back.at)}")
    told += [
        f"{entry.by} approved phase {entry.phase}" + (f", rung {entry.rung:g}" if entry.rung is not None else "")
        for entry in after.approvals
        if entry not in before.approvals
    ]
    told += [
        f"a record of phase {entry.phase} was kept: {entry.verdict}"
        for entry in after.records
        if entry not in before.records
    ]
    return told or ["somebody removed or rewrote it by hand"]
