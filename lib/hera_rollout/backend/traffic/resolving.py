"""What the cluster says of submissions: which path made each workflow, and what a lost answer left behind."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hera_rollout.backend.provenance import provenance
from hera_rollout.backend.traffic.rows import Row
from hera_rollout.workflows import Workflows, documents

SETTLE_SECONDS: Final = 2.0
"""A create whose answer was lost may still be under way: what is absent is looked for twice."""
_CLOCK_SLACK: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Seen:
    """One workflow on the cluster."""

    name: str
    task: str
    path: str
    how: str
    phase: str


def seen(document: Mapping[str, Any]) -> Seen:
    """The few fields of it that count here."""
    judged, row = provenance(document), documents.row(document)
    return Seen(row["name"], row["task"], judged.path, judged.how, row["phase"])


def settle(rows: Iterable[Row], found: Iterable[Mapping[str, Any]]) -> None:
    """Write into the rows what these documents say. Pure but for the rows.

    A workflow is a submission's by the name that was answered; where no answer came, by the mark in its code.
    """
    rows = list(rows)
    marks = {row.mark: row for row in rows if row.outcome in {"answer lost", "absent"}}
    named, marked = {}, defaultdict(list)
    for document in found:
        one = seen(document)
        named[one.name] = one
        for mark in _marks_in(document, marks):
            marked[mark].append(one)
    for row in rows:
        if row.mark in marks:
            _settle_lost(row, marked[row.mark])
        elif row.workflow:
            _settle_named(row, named.get(row.workflow))


def by_mark(rows: Iterable[Row], found: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many of these documents are of each row's submission, by the mark in its code. Pure."""
    marks = [row.mark for row in rows]
    return Counter(mark for document in found for mark in _marks_in(document, marks))


def _marks_in(document: Mapping[str, Any], marks: Collection[str]) -> list[str]:
    if not marks:
        return []
    text = json.dumps(document["spec"])
    return [mark for mark in marks if f"[{mark}]" in text]


def _settle_named(row: Row, one: Seen | None) -> None:
    if one is None:
        row.problem = row.problem or f"workflow {row.workflow}, as the backend called it, is not on the cluster"
        return
    row.path, row.how, row.phase = one.path, one.how, one.phase


def _settle_lost(row: Row, found: Sequence[Seen]) -> None:
    if not found:
        row.outcome = "absent"
        return
    one = found[0]
    row.outcome, row.workflow, row.task = "found", one.name, row.task or one.task
    row.path, row.how, row.phase = one.path, one.how, one.phase
    if len(found) > 1:
        row.problem += f"; it left {len(found)} workflows: {', '.join(other.name for other in found)}"


def resolve(rows: Iterable[Row], workflows: Workflows, since: datetime) -> None:
    """Look on the cluster, and again where an answer was lost and nothing is there yet."""
    rows = list(rows)
    settle(rows, workflows.raw(since=since - _CLOCK_SLACK))
    if any(row.outcome == "absent" for row in rows):
        time.sleep(SETTLE_SECONDS)
        settle(rows, workflows.raw(since=since - _CLOCK_SLACK))
