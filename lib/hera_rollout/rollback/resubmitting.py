"""A stopped workflow's task run again by the backend, which makes it by YAML now; never a second time.

Two things keep it from running twice. The stopped workflow carries a claim, an annotation that is written against its
resourceVersion: of two operators one gets it. And a task that has a newer run already is not run again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from hera_rollout import clock
from hera_rollout.backend import Backend, provenance
from hera_rollout.errors import Ambiguous, Conflicting, RolloutError
from hera_rollout.rollback.rows import Row
from hera_rollout.workflows import Workflows, documents

CLAIM: Final = "hera-rollout/resubmitted"
LOOKS: Final = 5
LOOK_SECONDS: Final = 1.0


def again(row: Row, workflows: Workflows, backend: Backend | None, by: str) -> None:
    """Run its task again, and write into the row by which workflow; or why not."""
    if row["after"] == "Succeeded":
        row["done"] = "had ended well, so it is not run again"
        return
    try:
        _again(row, workflows, backend, by)
    except RolloutError as error:
        row["problem"] = error.seen


def _again(row: Row, workflows: Workflows, backend: Backend | None, by: str) -> None:
    if backend is None:
        row["problem"] = "stopped, not run again: the backend does not answer"
        return
    document = workflows.live(row["workflow"])
    row_of = documents.row(document)
    task, run = str(row_of["task"]), str(row_of["run"])
    if not task or not run.isdigit():
        row["problem"] = "stopped, not run again: its labels do not say of which task and run it is"
        return
    newer = newest_after(backend, task, int(run))
    if newer:
        row["again"], row["done"] = newer, f"{row['done']}; a newer run was there"
        return
    claimed = (document["metadata"].get("annotations") or {}).get(CLAIM)
    if claimed or not _claimed(workflows, document, by):
        _claimed_before(row, backend, task, int(run), str(claimed or "somebody at this moment"))
        return
    row["again"] = _rerun(backend, task, int(run))
    row["done"] = f"{row['done']}; run again"
    _by_yaml(row, workflows)


def newest_after(backend: Backend, task: str, run: int) -> str:
    """The workflow of the task's newest run, if that is a later one than this; else empty."""
    runs = backend.task(task).get("runs") or []
    later = [one for one in runs if int(one.get("runNumber") or 0) > run]
    return str(max(later, key=lambda one: int(one["runNumber"])).get("workflowId") or "") if later else ""


def _claimed(workflows: Workflows, document: dict[str, Any], by: str) -> bool:
    """Write the claim against the document as it was read; False if somebody wrote it meanwhile."""
    note = f"{by} at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    try:
        workflows.annotate(document, CLAIM, note)
    except Conflicting:
        return False
    except Ambiguous:  # ours if it says what was to be written
        now = workflows.live(document["metadata"]["name"])
        return bool((now["metadata"].get("annotations") or {}).get(CLAIM) == note)
    return True


def _claimed_before(row: Row, backend: Backend, task: str, run: int, claim: str) -> None:
    """Somebody has begun to run it again: their run is looked for, and no other is made."""
    found = _looked_for(backend, task, run)
    if found:
        row["again"], row["done"] = found, f"{row['done']}; run again by {claim}"
        return
    row["problem"] = (
        f"stopped; {claim} began to run it again, and the task has no newer run. Look at task {task}; if there is "
        f"none, take annotation {CLAIM} off the workflow and give the command again"
    )


def _rerun(backend: Backend, task: str, run: int) -> str:
    """The new workflow's name; a lost answer is looked up, not asked again."""
    asked = backend.task(task)
    try:
        return backend.rerun(
            task, str(asked["pythonCode"]),
            dependencies=asked.get("dependencies") or None, requirements=asked.get("requirementsFile") or None,
        ).workflow  # fmt: skip
    except Ambiguous:
        found = _looked_for(backend, task, run)
        if not found:
            raise
        return found


def _looked_for(backend: Backend, task: str, run: int) -> str:
    for attempt in range(LOOKS):
        found = newest_after(backend, task, run)
        if found:
            return found
        if attempt < LOOKS - 1:
            clock.sleep(LOOK_SECONDS)
    return ""


def _by_yaml(row: Row, workflows: Workflows) -> None:
    found = provenance(workflows.get(row["again"]))
    if found.path != "yaml":
        row["problem"] = f"run again as {row['again']}, but by path {found.path or 'unknown'} ({found.how})"
