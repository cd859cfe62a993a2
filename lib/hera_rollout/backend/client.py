"""A client of the backend's API, both dialects: submit creates the workflow (one-step), or only saves (two-step)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from hera_rollout.answers import plain
from hera_rollout.asking import Caller
from hera_rollout.errors import Missing, Refused, Retryable, RolloutError
from hera_rollout.target import Target

Dialect = Literal["one-step", "two-step", "unknown"]


@dataclass(frozen=True)
class Submitted:
    """One run of one task; `workflow` is the name the backend gave."""

    task: str
    workflow: str
    run: int


class Backend:
    """The backend of one target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.dialect: Dialect = "unknown"
        where = f"kubectl logs deployment/{target.deployment} -n {target.namespace}"
        self._caller = Caller(
            "The backend",
            target.backend_url,
            float(target.limits.request_timeout_seconds),
            unreachable_todo=f"See whether it runs ({where}) and whether `backend_url` "
            f"of target {target.name} is right, then run this again.",
        )

    @classmethod
    def connect(cls, target: Target) -> Backend:
        """Refused if it does not answer."""
        return cls(target).reached()

    def reached(self) -> Backend:
        """Itself; Refused if /healthz does not answer well (a backend without that route: /api/v1/tasks)."""
        try:
            try:
                self._caller.json("GET", "/healthz")
            except Missing:
                self.tasks()
        except Retryable as error:
            raise Refused(
                error.seen,
                expected="a backend that answers /healthz with 200.",
                why="There is nothing to roll out to.",
                todo=error.todo,
            ) from None
        return self

    def flag(self) -> dict[str, Any]:
        """GET /api/v1/flag, as whichever pod answers now reports it."""
        return self._caller.json("GET", "/api/v1/flag")

    def submit(self, code: str, *, dependencies: str | None = None, requirements: str | None = None) -> Submitted:
        """Submit a task and have it run.

        Raises:
            Ambiguous: The answer was lost or a 5xx: a workflow may be there all the same.
        """
        return self._submit({"pythonCode": code, "dependencies": dependencies, "requirementsFile": requirements})

    def rerun(
        self, task: str, code: str, *, dependencies: str | None = None, requirements: str | None = None
    ) -> Submitted:
        """Run a task again, as its next run."""
        body = {"pythonCode": code, "dependencies": dependencies, "requirementsFile": requirements, "taskId": task}
        return self._submit(body)

    def task(self, task: str) -> dict[str, Any]:
        """One task with its runs, newest first; raises Missing."""
        return self._caller.json("GET", f"/api/v1/tasks/{_part(task)}")

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks."""
        return _listed(self._caller.json("GET", "/api/v1/tasks"), "tasks")

    def marked(self, text: str) -> list[str]:
        """Ids of the tasks whose code carries this text: how a resumed run finds what an attempt before made."""
        return [str(task["id"]) for task in self.tasks() if text in str(task.get("pythonCode"))]

    def logs(self, task: str, run: int | None = None) -> list[dict[str, Any]]:
        """A run's logs (the newest run's if none is named): node, pod, phase, logs."""
        query = {"run_number": str(run)} if run else None
        return _listed(self._caller.json("GET", f"/api/v1/tasks/{_part(task)}/logs", query=query), "logs")

    def cancel(self, task: str) -> dict[str, Any]:
        """Cancel the task's run."""
        return self._caller.json("DELETE", f"/api/v1/tasks/{_part(task)}")

    def delete(self, task: str) -> dict[str, Any]:
        """Delete a task, its runs, logs and workflows."""
        return self._caller.json("DELETE", f"/api/v1/tasks/{_part(task)}/delete")

    def template(self, task: str, run: int) -> dict[str, Any]:
        """A run's manifest as the backend kept it: workflowId, yaml."""
        return self._caller.json("GET", f"/api/v1/tasks/{_part(task)}/runs/{run}/template")

    def answer(self, method: str, path: str, *, body: object = None, text: str | None = None) -> tuple[int, object]:
        """Whatever status and JSON come back (text where it is none); for checks of the API itself."""
        status, data = self._caller.answer(method, path, body=body, text=text)
        try:
            return status, json.loads(data)
        except ValueError:
            return status, data.decode("utf-8", "replace")

    def _submit(self, body: dict[str, Any]) -> Submitted:
        given = {key: value for key, value in body.items() if value is not None}
        answer = self._caller.json("POST", "/api/v1/tasks/submit", body=given, creates="a workflow")
        task = _named(answer, "id")
        if "workflowId" not in answer:
            self.dialect = "two-step"
            answer = self._caller.json("POST", f"/api/v1/tasks/{_part(task)}/run", creates="a workflow")
        elif self.dialect == "unknown":
            self.dialect = "one-step"
        number = answer.get("runNumber")
        return Submitted(task, _named(answer, "workflowId"), number if isinstance(number, int) else 0)


def _part(text: str) -> str:
    return quote(text, safe="")


def _named(answer: dict[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise RolloutError(
            f"The backend answered a submission without {key!r}: {plain(str(answer))}",
            expected="an answer as in the API's description.",
            todo="Compare the backend's version with the one this kit speaks to.",
        )
    return value


def _listed(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = answer.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise RolloutError(f"The backend answered without a list of {key}: {plain(str(answer))}")
    return value
