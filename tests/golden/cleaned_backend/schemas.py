"""The API's bodies, in its own spelling."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


class Body(BaseModel):
    """Base: camelCase outside, snake_case inside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Submission(Body):
    """What a client submits; the code may be left out only for a rerun."""

    python_code: str | None = None
    dependencies: str | None = None
    requirements_file: str | None = None
    task_id: str | None = None

    @model_validator(mode="after")
    def _code_or_task(self) -> Self:
        if self.python_code is None and self.task_id is None:
            raise ValueError("pythonCode is missing: send code, or the taskId of a task to run again")
        return self


class Submitted(Body):
    """One-step: a workflow was created."""

    id: str
    workflow_id: str
    run_number: int


class Saved(Body):
    """Two-step: the task was saved, nothing runs."""

    id: str
    message: str


class Started(Submitted):
    """Two-step: a run was started."""

    message: str


class Run(Body):
    """One run of a task."""

    id: int
    run_number: int
    workflow_id: str
    phase: str
    message: str
    python_code: str
    dependencies: str | None
    requirements_file: str | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    path: str | None


class TaskDetail(Body):
    """A task with its runs, newest first."""

    id: str
    python_code: str
    dependencies: str | None
    requirements_file: str | None
    created_at: datetime
    updated_at: datetime
    runs: list[Run]
    stale: str | None = Field(default=None, description="why phases could not be refreshed; null when they were")


class TaskSummary(Body):
    """A task in the list."""

    id: str
    phase: str
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    python_code: str
    dependencies: str | None
    run_count: int
    latest_run_number: int | None


class TaskList(Body):
    """All tasks."""

    tasks: list[TaskSummary]
    stale: str | None = None


class NodeLog(Body):
    """The log of one node."""

    node: str
    pod: str
    phase: str
    logs: str


class RunLogs(Body):
    """The logs of one run."""

    logs: list[NodeLog]
    source: str
    run_id: int
    run_number: int
    detail: str | None = None


class Cancelled(Body):
    """The run's workflow was told to stop."""

    status: str = "cancelled"
    id: str


class Deleted(BaseModel):
    """What went with a deleted task."""

    status: str = "deleted"
    id: str
    runs_deleted: int
    logs_deleted: int
    workflows_deleted: int


class Manifest(Body):
    """The document as the path wrote it, before any server touched it."""

    workflow_id: str
    yaml: str


class FaultState(Body):
    """Which faults are on in this pod."""

    active: dict[str, str]
    known: dict[str, str]
    pod: str
