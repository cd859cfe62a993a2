"""The calls on workflows of one target."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hera.workflows import Workflow
from pandas import DataFrame

from hera_rollout.cluster import Cluster
from hera_rollout.target import Target
from hera_rollout.workflows.submission import Submission
from hera_rollout.workflows.waiting import Outcome, WorkflowView


class Workflows:
    """Workflows of one target."""

    def __init__(self, target: Target, cluster: Cluster) -> None:
        self.target = target
        self.cluster = cluster

    def check_server(self) -> str:
        """The Argo Server's version."""
        raise NotImplementedError

    def submit(self, workflow: Workflow, *, name: str) -> Submission:
        """Submit under this name; a second call with the same workflow adopts the first one's."""
        raise NotImplementedError

    def wait(
        self, name: str, deadline_seconds: float, on_update: Callable[[WorkflowView], None] | None = None
    ) -> Outcome:
        """Wait until the workflow ends, vanishes, cannot start, or the deadline is over."""
        raise NotImplementedError

    def get(self, name: str) -> dict[str, Any]:
        """The raw document, from the archive if it is gone from the cluster."""
        raise NotImplementedError

    def list(self, selector: str | None = None, since: datetime | None = None) -> DataFrame:
        """Columns: name, phase, path, task, run, started, seconds, message."""
        raise NotImplementedError

    def nodes(self, name_or_document: str | dict[str, Any]) -> DataFrame:
        """Columns: display_name, type, phase, started, seconds, message, outputs."""
        raise NotImplementedError

    def logs(self, name: str) -> DataFrame:
        """Columns: node, pod, phase, logs."""
        raise NotImplementedError

    def outputs(self, name: str) -> dict[str, str]:
        """Output parameters by "node.parameter"; the workflow's own by "parameter"."""
        raise NotImplementedError

    def stop(self, name: str) -> None:
        """Ask the controller to stop it; its record stays."""
        raise NotImplementedError

    def delete(self, name: str) -> None:
        """Delete it from the cluster."""
        raise NotImplementedError

    def labelled(self, **labels: str) -> DataFrame:
        """List by `hera-rollout/<key>=<value>` labels: path, task, run."""
        raise NotImplementedError
