"""A client of the backend's API, both dialects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hera_rollout.target import Target


@dataclass(frozen=True)
class Submitted:
    """One run of one task; `workflow` is the name the backend gave."""

    task: str
    workflow: str
    run: int


class Backend:
    """The backend of one target."""

    target: Target
    dialect: Literal["one-step", "two-step", "unknown"]

    @classmethod
    def connect(cls, target: Target) -> Backend:
        """Refused if /healthz does not answer."""
        raise NotImplementedError

    def flag(self) -> dict[str, Any]:
        """GET /api/v1/flag."""
        raise NotImplementedError

    def submit(self, code: str, *, dependencies: str | None = None, requirements: str | None = None) -> Submitted:
        """Submit a task and have it run."""
        raise NotImplementedError

    def rerun(self, task: str, code: str) -> Submitted:
        """Run a task again."""
        raise NotImplementedError

    def task(self, task: str) -> dict[str, Any]:
        """One task with its runs."""
        raise NotImplementedError

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks."""
        raise NotImplementedError

    def logs(self, task: str, run: int | None = None) -> list[dict[str, Any]]:
        """A run's logs."""
        raise NotImplementedError

    def cancel(self, task: str) -> dict[str, Any]:
        """Cancel the task's run."""
        raise NotImplementedError

    def delete(self, task: str) -> dict[str, Any]:
        """Delete a task and all its runs."""
        raise NotImplementedError

    def template(self, task: str, run: int) -> dict[str, Any]:
        """A run's manifest as the backend kept it."""
        raise NotImplementedError
