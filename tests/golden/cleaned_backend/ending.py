"""Cancelling a run and deleting a task."""

from reference_backend.argo import ABSENT, ArgoClient
from reference_backend.errors import ArgoRefused, BackendError, Conflict, NotFound
from reference_backend.faults import Faults
from reference_backend.job import PREFIX
from reference_backend.rows import Rows, RunRef
from reference_backend.schemas import Deleted
from reference_backend.states import States

CANCELLED = "cancelled by the client of task "


class Ender:
    """Ends what runs."""

    def __init__(self, rows: Rows, argo: ArgoClient, states: States, faults: Faults) -> None:
        self._rows = rows
        self._argo = argo
        self._states = states
        self._faults = faults

    def cancel(self, task_id: str) -> None:
        """Stop the workflows of the task's active runs; they stay as evidence.

        Raises:
            Conflict: Nothing of this task is running.
        """
        task = self._rows.task(task_id)
        if self._faults.on("dead-cancel"):
            raise NotFound(f"workflows.argoproj.io {task_id!r} not found")
        self._states.refresh([RunRef.of(run) for run in task.runs])
        runs = self._rows.task(task_id).runs
        active = [run for run in map(RunRef.of, runs) if not run.finished]
        if not active:
            latest = f"run {runs[0].run_number} is {runs[0].phase}" if runs else "it has not been run"
            raise Conflict(f"Nothing of {task_id} is running: {latest}")
        for run in active:
            self._end(run)

    def delete(self, task_id: str) -> Deleted:
        """Delete the task, its runs, logs and workflows: the workflows first, so that none is left unknown."""
        task = self._rows.task(task_id)
        try:
            names = {run.workflow_id for run in task.runs}
            names |= {state.name for state in self._argo.list(f"{PREFIX}task={task_id}")} if names else set()
            gone = sum(self._argo.delete(name) for name in sorted(names))
        except ArgoRefused as error:
            raise error.for_client from error
        runs, logs = self._rows.delete(task_id)
        return Deleted(id=task_id, runs_deleted=runs, logs_deleted=logs, workflows_deleted=gone)

    def _end(self, run: RunRef) -> None:
        try:
            if self._faults.on("cancel-deletes"):
                self._argo.delete(run.workflow_id)
            else:
                self._argo.stop(run.workflow_id, CANCELLED + run.task_id)
        except ArgoRefused as error:
            raise self._refusal(run, error) from error

    def _refusal(self, run: RunRef, error: ArgoRefused) -> BackendError:
        if error.code == ABSENT:
            return Conflict(f"Workflow {run.workflow_id} is not in the cluster: nothing to stop")
        state = self._argo.get(run.workflow_id)
        if state is not None and state.finished:
            return Conflict(f"Run {run.run_number} of {run.task_id} ended just now: {state.phase}")
        return error.for_client
