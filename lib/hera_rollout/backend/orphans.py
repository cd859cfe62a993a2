"""Workflows that no task run knows, and second workflows for one run: what lost answers leave behind.

An answer of 500 after the create leaves an orphan; a retry after a lost answer makes a duplicate.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pandas import DataFrame

from hera_rollout import clock
from hera_rollout.backend.client import Backend
from hera_rollout.errors import Refused
from hera_rollout.gates import Check, judge, rules
from hera_rollout.troubleshooting import Entry
from hera_rollout.workflows import Workflows, documents

PREFIX: Final = "python-job-"
"""Names of workflows that the service makes, where it sets no labels."""
NO_SUCH_TASK: Final = frozenset({400, 404, 410, 422})
"""A service so answers for a task of another one: one whose ids are UUIDs calls any other id no UUID."""
SETTLE_SECONDS: Final = 2.0
"""A submission under way has its workflow before its answer: what looks like an orphan is looked at twice."""
SHOWN: Final = 5
"""So many names a sentence gives."""
COLUMNS: Final = ["workflow", "task", "run", "phase", "what"]


@dataclass(frozen=True)
class Made:
    """One workflow of the service's kind: its labels may be missing.

    `marked`: its manifest carries the mark that the counting run submits by, so that it went to this service.
    """

    name: str
    task: str = ""
    run: str = ""
    phase: str = ""
    marked: bool = False


@dataclass(frozen=True)
class Orphans:
    """What was counted.

    Attributes:
        counted: how many workflows of the service were looked at.
        orphans: this service's, by a task that it knows or by the run's own mark, that no run of any task names.
        duplicates: those of runs that have more than one, the one that the run names left out.
        unknown: those that no run names, and of which nothing shows that this service made them: another service of its
            kind in the namespace makes the same names and labels.
    """

    counted: int
    orphans: tuple[Made, ...]
    duplicates: tuple[Made, ...]
    unknown: tuple[Made, ...] = ()

    @property
    def frame(self) -> DataFrame:
        """One row a workflow that should not be there."""
        rows = [(one.name, one.task, one.run, one.phase, "orphan") for one in self.orphans]
        rows += [(one.name, one.task, one.run, one.phase, "duplicate") for one in self.duplicates]
        rows += [(one.name, one.task, one.run, one.phase, "not known whose") for one in self.unknown]
        return DataFrame(rows, columns=COLUMNS)


def made(document: Mapping[str, Any], mark: str = "") -> Made | None:
    """The workflow, if a service of this kind made it: by its task label, or by its name where it has none."""
    row = documents.row(dict(document))
    if not row["task"] and not row["name"].startswith(PREFIX):
        return None
    marked = bool(mark) and mark in json.dumps(document.get("spec") or {})
    return Made(row["name"], row["task"], row["run"], row["phase"], marked)


def find(workflows: Iterable[Made], known: Iterable[str], tasks: Iterable[str]) -> Orphans:
    """Judge workflows against those that task runs name.

    Args:
        workflows: the service's workflows.
        known: the workflow of every run of every task that the API answers.
        tasks: those tasks.
    """
    everything, named, own = list(workflows), set(known), set(tasks)
    runs: dict[tuple[str, str], list[Made]] = defaultdict(list)
    for one in everything:
        if one.task and one.run:
            runs[one.task, one.run].append(one)
    duplicates = [one for group in runs.values() for one in _surplus(group, named)]
    unnamed = [one for one in everything if one.name not in named and one not in duplicates]
    orphans = [one for one in unnamed if one.marked or one.task in own]
    unknown = [one for one in unnamed if one not in orphans]
    return Orphans(len(everything), tuple(orphans), tuple(duplicates), tuple(unknown))


def _surplus(group: list[Made], named: set[str]) -> list[Made]:
    """All but the one the run names; where it names none of them, they are orphans and no duplicates."""
    if len(group) < 2 or not any(one.name in named for one in group):  # noqa: PLR2004
        return []
    kept = next(one for one in group if one.name in named)
    return [one for one in group if one is not kept]


def count(backend: Backend, workflows: Workflows, since: datetime, mark: str = "") -> Orphans:
    """Count on the cluster, against what the API answers now; `mark` is in the code of all that the run submitted.

    Raises:
        RolloutError: the cluster or the backend does not answer.
    """
    found = _look(backend, workflows, since, mark)
    if found.orphans or found.duplicates or found.unknown:
        clock.sleep(SETTLE_SECONDS)
        found = _look(backend, workflows, since, mark)
    return found


def _look(backend: Backend, workflows: Workflows, since: datetime, mark: str) -> Orphans:
    there = [one for document in workflows.raw(since=since) if (one := made(document, mark))]
    tasks = {one.task for one in there if one.task}
    if any(not one.task for one in there):
        tasks |= {str(task.get("id")) for task in backend.tasks()}  # without a label it may be anybody's
    answered = {task: names for task in sorted(tasks) if (names := _named(backend, task)) is not None}
    return find(there, [name for names in answered.values() for name in names], answered)


def _named(backend: Backend, task: str) -> list[str] | None:
    """The workflows that its runs name; None if the service knows no such task."""
    try:
        runs = backend.task(task).get("runs") or []
    except Refused as error:
        if error.status in NO_SUCH_TASK:
            return None
        raise
    return [str(run.get("workflowId")) for run in runs if run.get("workflowId")]


def judged(found: Orphans, since: datetime) -> Check:
    """The check `orphans`: HOLD where no workflow was made, or where it is not known whose one is."""
    wrong = [*found.orphans, *found.duplicates]
    unknown = f"; not known whose: {len(found.unknown)}{_names(found.unknown)}" if found.unknown else ""
    return judge(
        name="orphans",
        rule=rules.holds if wrong or (found.counted and not found.unknown) else rules.withheld,
        evidence={"holds": not wrong, "counted": found.counted, "since": since.isoformat(),
                  "orphans": [one.name for one in found.orphans],
                  "duplicates": [one.name for one in found.duplicates],
                  "unknown": [one.name for one in found.unknown]},
        seen=f"{len(found.orphans)} orphans and {len(found.duplicates)} duplicates among {found.counted} workflows "
        f"made since {since:%H:%M:%S} UTC{_names(wrong)}{unknown}",
        expected="every workflow belongs to one run of a task that the API answers, each run has one workflow",
        limit_source="kit",
        why="The client was told that nothing was created, and it runs all the same: a retry runs the task twice.",
        todo=_todo(found),
    )  # fmt: skip


def _todo(found: Orphans) -> str:
    """What to do about this service's own; of what may be another's only how to learn whose it is."""
    lines = []
    if found.orphans or found.duplicates:
        lines.append("Read the backend's log at the time of the 500 (a failure after the create) and mend it; decide "
                     "with whoever sent the task what becomes of the workflows named first: they are this service's "
                     f"({Entry.LOGS.reference}).")  # fmt: skip
    if found.unknown:
        names = " ".join(one.name for one in found.unknown[:SHOWN])
        lines.append(f"Leave those of which it is not known whose they are: kubectl get workflow {names} "
                     "--show-labels; ask whoever else submits to this namespace.")  # fmt: skip
    return " ".join(lines)


def _names(found: Sequence[Made]) -> str:
    names = ", ".join(one.name for one in found[:SHOWN])
    return f": {names}{' …' if len(found) > SHOWN else ''}" if found else ""
