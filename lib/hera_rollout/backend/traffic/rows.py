"""What became of each submission, as data. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final, Literal

from pandas import DataFrame

Outcome = Literal["accepted", "refused", "unreachable", "answer lost", "found", "absent"]
LOST: Final = frozenset({"refused", "unreachable", "absent"})
"""Whoever submitted has no workflow: refused or not taken, or the answer was lost and nothing was made."""


@dataclass
class Row:
    """One submission.

    Attributes:
        number: its place in the plan.
        mark: what its code prints, and what its workflow is found by if the answer is lost.
        task: the backend's id; the same task is rerun on the same side of the split.
        run, workflow: as the backend answered, or as found.
        due_seconds: when it was due, from the start.
        late_seconds: how much later it was sent.
        sent: when, UTC, by this machine's clock.
        answer_seconds: until the answer, or until none was waited for any more.
        outcome: ``accepted``; ``refused`` (4xx); ``unreachable`` (not taken: no connection, 429, 503); ``answer lost``
            (5xx or none, not yet looked up); then ``found`` on the cluster, or ``absent``.
        path: which path made the workflow; empty where it is not known (yet).
        how: how that is known.
        phase: of the workflow when it was last looked at.
        problem: what was wrong, in words.
    """

    number: int
    mark: str
    task: str = ""
    run: int = 0
    workflow: str = ""
    due_seconds: float = 0.0
    late_seconds: float = 0.0
    sent: datetime | None = None
    answer_seconds: float = 0.0
    outcome: Outcome = "accepted"
    path: str = ""
    how: str = ""
    phase: str = ""
    problem: str = ""


COLUMNS: Final = [field.name for field in fields(Row)]


def frame(rows: Iterable[Row]) -> DataFrame:
    """One row a submission that was sent, in the plan's order."""
    return DataFrame([asdict(row) for row in sorted(rows, key=lambda row: row.number)], columns=COLUMNS)


def lost(rows: Iterable[Row]) -> list[Row]:
    """The submissions that came to nothing."""
    return [row for row in rows if row.outcome in LOST]


def by_outcome(rows: Iterable[Row]) -> dict[str, int]:
    """How many of each."""
    return dict(Counter(row.outcome for row in rows))
