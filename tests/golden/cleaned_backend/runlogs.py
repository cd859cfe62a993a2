"""Logs of a run: from the cluster while it runs, from the database after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reference_backend.argo import ABSENT, ArgoClient
from reference_backend.errors import ArgoRefused, Unavailable
from reference_backend.kube import KubeClient
from reference_backend.rows import Rows, RunRef
from reference_backend.schemas import NodeLog
from reference_backend.states import States
from reference_backend.tables import TaskLog

Source = Literal["database", "kubernetes", "error"]


@dataclass(frozen=True)
class LogView:
    """A run's logs at one moment."""

    run: RunRef
    logs: list[NodeLog]
    source: Source
    detail: str | None = None


class LogBook:
    """Reads and keeps logs."""

    def __init__(self, rows: Rows, argo: ArgoClient, kube: KubeClient, states: States) -> None:
        self._rows = rows
        self._argo = argo
        self._kube = kube
        self._states = states

    def read(self, task_id: str, number: int | None) -> LogView:
        """The logs of a run, its phase refreshed first; the logs of a finished run are kept on the way.

        Raises:
            Unavailable: The logs are in the cluster and the cluster cannot be asked.
        """
        run = RunRef.of(self._rows.run(task_id, number))
        reason = self._states.refresh([run])
        run = RunRef.of(self._rows.run(task_id, run.run_number))
        if run.logs_saved:
            return self._saved(run)
        if reason:
            raise Unavailable(reason)
        if run.finished:
            self.keep(run)
            return LogView(run, self._saved(run).logs, "kubernetes")
        return LogView(run, self._from_cluster(run), "kubernetes")

    def keep(self, run: RunRef) -> None:
        """Put a finished run's logs into the database."""
        logs = [
            TaskLog(node_id=entry.node, pod_name=entry.pod, phase=entry.phase, logs=entry.logs.replace("\0", "\ufffd"))
            for entry in self._from_cluster(run)
        ]
        self._rows.save_logs(run.run_id, logs)

    def _saved(self, run: RunRef) -> LogView:
        entries = [
            NodeLog(node=row.node_id, pod=row.pod_name, phase=row.phase, logs=row.logs)
            for row in self._rows.saved_logs(run.run_id)
        ]
        detail = None if entries else "no pod of this run left a log"
        return LogView(run, entries, "database", detail)

    def _from_cluster(self, run: RunRef) -> list[NodeLog]:
        try:
            nodes = self._argo.nodes(run.workflow_id)
            pods = self._argo.logs(run.workflow_id) if nodes else {}
        except ArgoRefused as error:
            if error.code == ABSENT:
                return []
            raise error.for_client from error
        if not any(pods.values()) and not self._kube.may_read_logs():
            raise Unavailable("The backend's ServiceAccount may not read pods/log: add `get` on pods/log to its Role")
        return entries(run.workflow_id, nodes, pods)


def entries(workflow: str, nodes: Mapping[str, Mapping[str, Any]], pods: Mapping[str, str]) -> list[NodeLog]:
    """One entry a pod node, in the order in which they started."""
    result = []
    started = sorted(nodes.items(), key=lambda item: str(item[1].get("startedAt")))
    for node_id, node in started:
        if node.get("type") == "Pod":
            pod = _pod_name(workflow, node_id, node)
            result.append(NodeLog(node=node_id, pod=pod, phase=node.get("phase", ""), logs=pods.get(pod, "")))
    return result


def _pod_name(workflow: str, node_id: str, node: Mapping[str, Any]) -> str:
    # Argo's naming, version 2: workflow-template-hash, save for the root node, which has the workflow's own name.
    if node.get("name") == workflow:
        return workflow
    template = node.get("templateName") or (node.get("templateRef") or {}).get("template", "")
    return f"{workflow}-{template}-{node_id.rsplit('-', 1)[-1]}"
