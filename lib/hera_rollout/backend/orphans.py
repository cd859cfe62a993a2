"""Workflows that no task run knows, and second workflows for one run: what lost answers leave behind.

An answer of 500 after the create leaves an orphan; a retry after a lost answer makes a duplicate.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pandas import DataFrame

from hera_rollout.backend.client import Backend
from hera_rollout.errors import Missing
from hera_rollout.gates import Check, judge, rules
from hera_rollout.troubleshooting import Entry
from hera_rollout.workflows import Workflows, documents

PREFIX: Final = "python-job-"
"""Names of workflows that the service makes, where it sets no labels."""
SETTLE_SECONDS: Final = 2.0
"""A submission under way has its workflow before its answer: what looks like an orphan is looked at twice."""
COLUMNS: Final = ["workflow", "task", "run", "phase", "what"]


@dataclass(frozen=True)
class Made:
    """One workflow of the service's: its labels may be missing."""

    name: str
    task: str = ""
    run: str = ""
    phase: str = ""


@dataclass(frozen=True)
class Orphans:
    """What was counted.

    Attributes:
        counted: how many workflows of the service were looked at.
        orphans: those that no run of any task names.
        duplicates: those of runs that have more than one, the one that the run names left out.
    """

    counted: int
    orphans: tuple[Made, ...]
    duplicates: tuple[Made, ...]

    @property
    def frame(self) -> DataFrame:
        """One row a workflow that should not be there."""
        rows = [(one.name, one.task, one.run, one.phase, "orphan") for one in self.orphans]
        rows += [(one.name, one.task, one.run, one.phase, "duplicate") for one in self.duplicates]
        return DataFrame(rows, columns=COLUMNS)


def made(document: Mapping[str, Any]) -> Made | None:
    """The workflow, if the service made it: by its task label, or by its name where it has none."""
    row = documents.row(dict(document))
    if not row["task"] and not row["name"].startswith(PREFIX):
        return None
    return Made(row["name"], row["task"], row["run"], row["phase"])


def find(workflows: Iterable[Made], known: Iterable[str]) -> Orphans:
    """Judge workflows against those that task runs name.

    Args:
        workflows: the service's workflows.
        known: the workflow of every run of every task that the API answers.
    """
    everything, named = list(workflows), set(known)
    runs: dict[tuple[str, str], list[Made]] = defaultdict(list)
    for one in everything:
        if one.task and one.run:
            runs[one.task, one.run].append(one)
    duplicates = [one for group in runs.values() for one in _surplus(group, named)]
    orphans = [one for one in everything if one.name not in named and one not in duplicates]
    return Orphans(len(everything), tuple(orphans), tuple(duplicates))


def _surplus(group: list[Made], named: set[str]) -> list[Made]:
    """All but the one the run names; where it names none of them, they are orphans and no duplicates."""
    if len(group) < 2 or not any(one.name in named for one in group):  # noqa: PLR2004
        return []
    kept = next(one for one in group if one.name in named)
    return [one for one in group if one is not kept]


def count(backend: Backend, workflows: Workflows, since: datetime) -> Orphans:
    """Count on the cluster, against what the API answers now.

    Raises:
        RolloutError: the cluster or the backend does not answer.
    """
    found = _look(backend, workflows, since)
    if found.orphans or found.duplicates:
        time.sleep(SETTLE_SECONDS)
        found = _look(backend, workflows, since)
    return found


def _look(backend: Backend, workflows: Workflows, since: datetime) -> Orphans:
    there = [one for document in workflows.raw(since=since) if (one := made(document))]
    tasks = {one.task for one in there if one.task}
    if any(not one.task for one in there):
        tasks |= {str(task.get("id")) for task in backend.tasks()}  # without a label it may be anybody's
    return find(there, [name for task in sorted(tasks) for name in _named(backend, task)])


def _named(backend: Backend, task: str) -> list[str]:
    try:
        runs = backend.task(task).get("runs") or []
    except Missing:
        return []
    return [str(run.get("workflowId")) for run in runs if run.get("workflowId")]


def judged(found: Orphans, since: datetime) -> Check:
    """The check `orphans`: HOLD where no workflow was made, for then nothing was looked at."""
    wrong = [*found.orphans, *found.duplicates]
    names = f": {', '.join(one.name for one in wrong[:5])}" + (" …" if len(wrong) > 5 else "") if wrong else ""  # noqa: PLR2004
    return judge(
        name="orphans",
        rule=rules.holds if found.counted else rules.withheld,
        evidence={"holds": not wrong, "counted": found.counted, "since": since.isoformat(),
                  "orphans": [one.name for one in found.orphans],
                  "duplicates": [one.name for one in found.duplicates]},
        seen=f"{len(found.orphans)} orphans and {len(found.duplicates)} duplicates among {found.counted} workflows "
        f"made since {since:%H:%M:%S} UTC{names}",
        expected="every workflow belongs to one run of a task that the API answers, each run has one workflow",
        limit_source="kit",
        why="The client was told that nothing was created, and it runs all the same: a retry runs the task twice.",
        todo="Read the backend's log at the time of the 500 (a failure after the create), mend it, then delete these "
        f"workflows: kubectl delete workflow NAME ({Entry.LOGS.reference}).",
    )  # fmt: skip
