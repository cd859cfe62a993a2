"""Tasks: submit, run, list, read, cancel, delete."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from reference_backend import defects
from reference_backend.errors import Conflict, NotFound
from reference_backend.inputs import check, check_task_id
from reference_backend.rows import RunRef
from reference_backend.schemas import (
    Cancelled,
    Deleted,
    Manifest,
    Run,
    Saved,
    Started,
    Submission,
    Submitted,
    TaskDetail,
    TaskList,
    TaskSummary,
)
from reference_backend.services import Services, services
from reference_backend.tables import Task, TaskRun

router = APIRouter(prefix="/api/v1/tasks")
Parts = Annotated[Services, Depends(services)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=128)]


@router.post("/submit")
def submit(body: Submission, request: Request, parts: Parts, key: Key = None) -> Submitted | Saved:
    """Create a run (one-step) or save the task (two-step)."""
    check(body)
    if body.task_id is not None:
        check_task_id(body.task_id)
    if parts.settings.backend_dialect == "two-step":
        task_id = parts.rows.save_task(body)
        return Saved(id=task_id, message="Task saved. Start it with POST /api/v1/tasks/{id}/run")
    if key and (earlier := parts.rows.by_key(key)):
        return _again(earlier, body, parts)
    job, request.state.path = parts.submitter.submit(body, key)
    answered = defects.answered_id(parts.faults, job.name)
    return Submitted(id=job.task_id, workflow_id=answered, run_number=job.run_number)


@router.post("/{task_id}/run")
def run(task_id: str, request: Request, parts: Parts, key: Key = None) -> Started:
    """Start a run of a saved task (two-step)."""
    check_task_id(task_id)
    if parts.settings.backend_dialect == "one-step":
        raise NotFound("This service speaks the one-step dialect: POST /api/v1/tasks/submit runs at once")
    if key and (earlier := parts.rows.by_key(key)):
        return _started(earlier.task_id, earlier.workflow_id, earlier.run_number)
    parts.states.refresh([RunRef.of(row) for row in parts.rows.task(task_id).runs])
    job, request.state.path = parts.submitter.run(task_id, key)
    return _started(job.task_id, defects.answered_id(parts.faults, job.name), job.run_number)


@router.get("")
def tasks(parts: Parts) -> TaskList:
    """All tasks, newest first."""
    stale = parts.states.refresh(parts.rows.unfinished())
    return TaskList(tasks=[_summary(task) for task in parts.rows.tasks()], stale=stale)


@router.get("/{task_id}")
def task(task_id: str, parts: Parts) -> TaskDetail:
    """One task with its runs."""
    found = parts.rows.task(check_task_id(task_id))
    stale = parts.states.refresh([RunRef.of(row) for row in found.runs])
    detail = TaskDetail.model_validate(parts.rows.task(task_id))
    return detail.model_copy(update={"stale": stale})


@router.delete("/{task_id}")
def cancel(task_id: str, parts: Parts) -> Cancelled:
    """Stop what runs."""
    parts.ender.cancel(check_task_id(task_id))
    return Cancelled(id=task_id)


@router.delete("/{task_id}/delete")
def delete(task_id: str, parts: Parts) -> Deleted:
    """Delete the task and all that belongs to it."""
    return parts.ender.delete(check_task_id(task_id))


@router.get("/{task_id}/runs/{number}")
def one_run(task_id: str, number: int, parts: Parts) -> Run:
    """One run."""
    row = parts.rows.run(check_task_id(task_id), number)
    parts.states.refresh([RunRef.of(row)])
    return Run.model_validate(parts.rows.run(task_id, number))


@router.get("/{task_id}/runs/{number}/template")
def template(task_id: str, number: int, parts: Parts) -> Manifest:
    """The run's document as its path wrote it."""
    row = parts.rows.run(check_task_id(task_id), number)
    if row.manifest is None:
        raise NotFound(f"Run {number} of {task_id} has no document: it was never built")
    return Manifest(workflow_id=row.workflow_id, yaml=row.manifest)


def _again(earlier: TaskRun, body: Submission, parts: Services) -> Submitted:
    """The answer to a request that came twice."""
    if body.python_code not in {None, earlier.python_code} or body.task_id not in {None, earlier.task_id}:
        raise Conflict("This Idempotency-Key was used for another submission")
    answered = defects.answered_id(parts.faults, earlier.workflow_id)
    return Submitted(id=earlier.task_id, workflow_id=answered, run_number=earlier.run_number)


def _started(task_id: str, workflow_id: str, number: int) -> Started:
    return Started(id=task_id, workflow_id=workflow_id, run_number=number, message=f"Run {number} started")


def _summary(task: Task) -> TaskSummary:
    latest = task.runs[0] if task.runs else None
    return TaskSummary(
        id=task.id,
        phase=latest.phase if latest else "Not Started",
        started_at=latest.started_at if latest else None,
        finished_at=latest.finished_at if latest else None,
        created_at=task.created_at,
        python_code=task.python_code,
        dependencies=task.dependencies,
        run_count=len(task.runs),
        latest_run_number=latest.run_number if latest else None,
    )
