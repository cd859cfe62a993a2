"""Tasks and runs in the database; each function is one transaction."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from reference_backend.argo import FINISHED, WorkflowState
from reference_backend.database import Database
from reference_backend.errors import BadInput, Conflict, NotFound
from reference_backend.job import Job
from reference_backend.schemas import Submission
from reference_backend.tables import Task, TaskLog, TaskRun

ACTIVE = ("Pending", "Running")


@dataclass(frozen=True)
class Reserved:
    """A run that has its row and not yet its workflow."""

    run_id: int
    job: Job
    new_task: bool


@dataclass(frozen=True)
class RunRef:
    """What is needed to look a run's workflow up."""

    run_id: int
    task_id: str
    run_number: int
    workflow_id: str
    phase: str
    logs_saved: bool
    created_at: datetime

    @classmethod
    def of(cls, run: TaskRun) -> "RunRef":
        """From its row."""
        return cls(run.id, run.task_id, run.run_number, run.workflow_id, run.phase, run.logs_saved, run.created_at)

    @property
    def finished(self) -> bool:
        """Whether its phase is final."""
        return self.phase in FINISHED


class Rows:
    """The repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_task(self, body: Submission) -> str:
        """Create the task, or put the body's code into the one it names; its id."""
        with self._database.session() as session:
            task, _ = _task_for(session, body)
            return task.id

    def reserve(self, body: Submission, key: str | None) -> Reserved:
        """A row for the task's next run; the task's row is locked, so that numbers are given once."""
        with self._claiming() as session:
            task, new = _task_for(session, body)
            return Reserved(*_next_run(session, task, key), new_task=new)

    def reserve_when_idle(self, task_id: str, key: str | None) -> Reserved:
        """Like reserve, for a saved task none of whose runs is active.

        Raises:
            BadInput: A run is Pending or Running.
        """
        with self._claiming() as session:
            task = _locked(session, task_id)
            active = session.scalar(select(TaskRun).where(TaskRun.task_id == task.id, TaskRun.phase.in_(ACTIVE)))
            if active is not None:
                raise BadInput(f"Run {active.run_number} of {task.id} is {active.phase}: wait for its end or cancel it")
            return Reserved(*_next_run(session, task, key), new_task=False)

    @contextmanager
    def _claiming(self) -> Iterator[Session]:
        try:
            with self._database.session() as session:
                yield session
        except IntegrityError as error:
            raise Conflict("The same run is being created by another request: look the task up") from error

    def by_key(self, key: str) -> TaskRun | None:
        """The run an earlier request with this Idempotency-Key made."""
        with self._database.session() as session:
            return session.scalar(select(TaskRun).where(TaskRun.request_key == key))

    def rename(self, reserved: Reserved) -> Reserved:
        """The same run under the next attempt's name."""
        job = replace(reserved.job, attempt=reserved.job.attempt + 1)
        with self._database.session() as session:
            run = session.get_one(TaskRun, reserved.run_id)
            run.attempt, run.workflow_id = job.attempt, job.name
        return replace(reserved, job=job)

    def built(self, run_id: int, path: str, manifest: str) -> None:
        """Note what is about to be sent."""
        with self._database.session() as session:
            run = session.get_one(TaskRun, run_id)
            run.path, run.manifest = path, manifest

    def created(self, run_id: int, uid: str) -> bool:
        """Note that the workflow is there; false if the run was deleted meanwhile."""
        with self._database.session() as session:
            run = session.get(TaskRun, run_id)
            if run is not None:
                run.workflow_uid = uid
            return run is not None

    def discard(self, reserved: Reserved) -> None:
        """Forget a run that has no workflow, and its task if it was made for it."""
        with self._database.session() as session:
            session.execute(delete(TaskRun).where(TaskRun.id == reserved.run_id))
            if reserved.new_task:
                session.execute(delete(Task).where(Task.id == reserved.job.task_id))

    def task(self, task_id: str) -> Task:
        """The task with its runs."""
        with self._database.session() as session:
            return _found(session.get(Task, task_id, options=[selectinload(Task.runs)]), task_id)

    def tasks(self) -> list[Task]:
        """All tasks with their runs, newest first."""
        with self._database.session() as session:
            query = select(Task).options(selectinload(Task.runs)).order_by(Task.created_at.desc(), Task.id)
            return list(session.scalars(query))

    def run(self, task_id: str, number: int | None) -> TaskRun:
        """The run with this number, or the latest."""
        task = self.task(task_id)
        if not task.runs:
            raise NotFound(f"Task {task_id} has not been run")
        run = next((run for run in task.runs if number in {None, run.run_number}), None)
        if run is None:
            raise NotFound(f"Task {task_id} has no run {number}; its latest is {task.runs[0].run_number}")
        return run

    def unfinished(self) -> list[RunRef]:
        """Every run whose phase is not final, oldest first."""
        return self._refs(TaskRun.phase.not_in(FINISHED))

    def unsaved(self, limit: int) -> list[RunRef]:
        """Finished runs whose logs are not in the database yet."""
        return self._refs(TaskRun.phase.in_(FINISHED) & TaskRun.logs_saved.is_(False), limit)

    def _refs(self, condition: ColumnElement[bool], limit: int | None = None) -> list[RunRef]:
        with self._database.session() as session:
            query = select(TaskRun).where(condition).order_by(TaskRun.id).limit(limit)
            return [RunRef.of(run) for run in session.scalars(query)]

    def update(self, run_id: int, state: WorkflowState) -> None:
        """Take over what the workflow says of itself; a final phase stays."""
        with self._database.session() as session:
            run = session.get(TaskRun, run_id)
            if run is not None and run.phase not in FINISHED:
                run.phase, run.message, run.workflow_uid = state.phase, state.message, state.uid
                run.started_at, run.finished_at = state.started_at, state.finished_at

    def lost(self, run_id: int, message: str) -> None:
        """Note that a run's workflow is nowhere."""
        with self._database.session() as session:
            run = session.get(TaskRun, run_id)
            if run is not None and run.phase not in FINISHED:
                run.phase, run.message, run.logs_saved = "Error", message, True

    def save_logs(self, run_id: int, logs: list[TaskLog]) -> None:
        """Keep a finished run's logs; a second time changes nothing."""
        with self._database.session() as session:
            run = session.scalar(select(TaskRun).where(TaskRun.id == run_id).with_for_update())
            if run is not None and not run.logs_saved:
                run.logs.extend(logs)
                run.logs_saved = True

    def saved_logs(self, run_id: int) -> list[TaskLog]:
        """A finished run's logs."""
        with self._database.session() as session:
            return list(session.scalars(select(TaskLog).where(TaskLog.run_id == run_id).order_by(TaskLog.id)))

    def delete(self, task_id: str) -> tuple[int, int]:
        """Delete the task with all that hangs on it; how many runs and logs went."""
        with self._database.session() as session:
            task = _locked(session, task_id)
            run_ids = select(TaskRun.id).where(TaskRun.task_id == task_id)
            logs = session.scalar(select(func.count()).select_from(TaskLog).where(TaskLog.run_id.in_(run_ids))) or 0
            runs = session.scalar(select(func.count()).select_from(TaskRun).where(TaskRun.task_id == task_id)) or 0
            session.delete(task)
            return runs, logs


def _task_for(session: Session, body: Submission) -> tuple[Task, bool]:
    if body.task_id is None:
        task = Task(id=f"task-{uuid.uuid4().hex[:12]}", python_code=body.python_code)
        task.dependencies, task.requirements_file = body.dependencies, body.requirements_file
        session.add(task)
        return task, True
    task = _locked(session, body.task_id)
    # A rerun may bring new code; what it leaves out stays as saved.
    for field in body.model_fields_set - {"task_id"}:
        if field != "python_code" or body.python_code is not None:
            setattr(task, field, getattr(body, field))
    return task, False


def _next_run(session: Session, task: Task, key: str | None) -> tuple[int, Job]:
    session.flush()
    latest = session.scalar(select(func.max(TaskRun.run_number)).where(TaskRun.task_id == task.id)) or 0
    job = Job(task.id, latest + 1, task.python_code, task.dependencies, task.requirements_file)
    run = TaskRun(task_id=task.id, run_number=job.run_number, workflow_id=job.name, request_key=key)
    run.python_code, run.dependencies, run.requirements_file = job.python_code, job.dependencies, job.requirements_file
    session.add(run)
    session.flush()
    return run.id, job


def _locked(session: Session, task_id: str) -> Task:
    return _found(session.scalar(select(Task).where(Task.id == task_id).with_for_update()), task_id)


def _found(task: Task | None, task_id: str) -> Task:
    if task is None:
        raise NotFound(f"No task {task_id}")
    return task
