"""From what was sent, and when the flag was turned, to the figures of a drill. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hera_rollout.backend import traffic
from hera_rollout.backend.traffic import Row
from hera_rollout.split import path_for


@dataclass(frozen=True)
class Turned:
    """One turn of the flag: when it was patched, and when every pod and the service had reported it."""

    patched: datetime
    reported: datetime | None

    @property
    def seconds(self) -> float | None:
        """From the patch to the report."""
        return None if self.reported is None else round((self.reported - self.patched).total_seconds(), 2)


def on_figures(rows: Sequence[Row], on: Turned, off: Turned | None, percent: float) -> dict[str, Any]:
    """What the way forth did.

    `misplaced` are submissions sent while every pod reported it on, and made by another path than the split says.
    """
    during = _sent(rows, on.patched, off.patched if off else None)
    settled = _sent(rows, on.reported, off.patched if off else None) if on.reported else []
    hera = [row for row in during if row.path == "hera"]
    return {
        "patched": on.patched.isoformat(),
        "reported_seconds": on.seconds,
        "first_hera_seconds": min((_since(row, on.patched) for row in hera), default=None),
        "sent": len(during),
        "hera": len(hera),
        "misplaced": [row.mark for row in settled if row.path and row.path != path_for(row.task, percent)],
    }


def off_figures(rows: Sequence[Row], off: Turned, hera_seen: Iterable[str]) -> dict[str, Any]:
    """What the way back did.

    `hera_after` are workflows by Hera that were submitted after every pod reported it off: of this drill's, by when
    they were sent; of anybody else's, those that the rollback saw made.

    Args:
        rows: what was sent.
        off: the turn.
        hera_seen: workflows by Hera that the rollback saw made after it took effect.
    """
    hera = [row for row in _sent(rows, off.patched, None) if row.path == "hera"]
    after = _sent(rows, off.reported, None) if off.reported else []
    own = {row.workflow for row in rows}
    late = [row.workflow for row in after if row.path == "hera"] + [name for name in hera_seen if name not in own]
    return {
        "patched": off.patched.isoformat(),
        "reported_seconds": off.seconds,
        "last_hera_seconds": max((_since(row, off.patched) for row in hera), default=0.0),
        "sent_after": len(after),
        "hera_after": sorted(late),
    }


def request_figures(rows: Sequence[Row], lost_max: float) -> dict[str, Any]:
    """How many were sent, how many came to nothing, and of which it is not known."""
    lost = traffic.lost(rows)
    return {
        "sent": len(rows),
        "lost": len(lost),
        "undecided": sum(row.outcome == "answer lost" for row in rows),
        "lost_max": lost_max,
        "outcomes": traffic.by_outcome(rows),
        "problems": [f"{row.mark}: {row.problem}" for row in rows if row.problem][:10],
    }


def lost_between(rows: Sequence[Row], begins: datetime, ends: datetime | None) -> int:
    """How many of those sent in this time came to nothing."""
    return len(traffic.lost(_sent(rows, begins, ends)))


def _sent(rows: Iterable[Row], begins: datetime, ends: datetime | None) -> list[Row]:
    return [row for row in rows if row.sent and row.sent >= begins and (ends is None or row.sent < ends)]


def _since(row: Row, moment: datetime) -> float:
    assert row.sent is not None  # noqa: S101  (chosen by when it was sent)
    return round((row.sent - moment).total_seconds(), 2)
