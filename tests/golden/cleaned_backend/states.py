"""Keeping the phases of runs in step with their workflows."""

from collections.abc import Sequence
from datetime import timedelta

from reference_backend.argo import ArgoClient, WorkflowState
from reference_backend.errors import ArgoRefused, BackendError
from reference_backend.job import PREFIX
from reference_backend.rows import Rows, RunRef
from reference_backend.tables import now

ONE_BY_ONE = 10
# A create whose answer was lost may still arrive; after this the workflow will not come any more.
GRACE = timedelta(seconds=60)


class States:
    """Refreshes unfinished runs from the Argo Server."""

    def __init__(self, rows: Rows, argo: ArgoClient) -> None:
        self._rows = rows
        self._argo = argo

    def refresh(self, runs: Sequence[RunRef]) -> str | None:
        """Bring the runs' rows up to date; why that was not possible, or None."""
        waiting = [run for run in runs if not run.finished]
        try:
            live = {state.name: state for state in self._listed(waiting)}
            for run in waiting:
                self._take(run, live.get(run.workflow_id) or self._argo.get(run.workflow_id))
        except BackendError as error:
            return str(error.for_client if isinstance(error, ArgoRefused) else error)
        return None

    def _listed(self, waiting: Sequence[RunRef]) -> list[WorkflowState]:
        return self._argo.list(PREFIX + "task") if len(waiting) > ONE_BY_ONE else []

    def _take(self, run: RunRef, state: WorkflowState | None) -> None:
        if state is not None:
            if state.phase != run.phase or state.finished:
                self._rows.update(run.run_id, state)
        elif now() - run.created_at > GRACE:
            self._rows.lost(run.run_id, f"workflow {run.workflow_id} is neither in the cluster nor in the archive")
