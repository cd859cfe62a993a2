"""The calls on workflows of one target."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from hera.workflows import Workflow
from pandas import DataFrame

from hera_rollout.cluster import Cluster
from hera_rollout.errors import Missing
from hera_rollout.target import Target
from hera_rollout.workflows import documents, logs
from hera_rollout.workflows.documents import Document
from hera_rollout.workflows.outcomes import Outcome, WorkflowView
from hera_rollout.workflows.server import ArgoServer
from hera_rollout.workflows.submission import Submission, Submitter
from hera_rollout.workflows.waiting import Waiter


class Workflows:
    """Workflows of one target: written by Hera through the Argo Server, read from Kubernetes and the archive."""

    def __init__(self, target: Target, cluster: Cluster) -> None:
        self.target = target
        self.cluster = cluster
        self._server = ArgoServer(target, cluster.bearer_token)
        self._path = f"/apis/argoproj.io/v1alpha1/namespaces/{target.namespace}/workflows"

    def check_server(self) -> str:
        """The Argo Server's version; Refused if it is not there or does not let us in."""
        return self._server.version()

    def submit(self, workflow: Workflow, *, name: str) -> Submission:
        """Submit under this name; a second call with the same workflow adopts the first one's, also if it has ended."""
        return Submitter(self.target, self.cluster.bearer_token, self.get).submit(workflow, name)

    def wait(
        self,
        name: str,
        deadline_seconds: float,
        on_update: Callable[[WorkflowView], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Outcome:
        """Wait until the workflow ends, vanishes, cannot start, `stop` is set, or the deadline is over."""
        waiter = Waiter(self.cluster, name, deadline_seconds, archived=self._server.get, on_update=on_update, stop=stop)
        return waiter.run()

    def get(self, name: str) -> Document:
        """The raw document, with its nodes; from the archive if it is gone from the cluster.

        Raises:
            Missing: It is in neither.
        """
        try:
            document = self.live(name)
        except Missing:
            return self._server.get(name)
        return self._server.get(name) if documents.offloaded(document) else document

    def live(self, name: str) -> Document:
        """The raw document on the cluster, never from the archive; raises Missing."""
        return self.cluster.connection.get(f"{self._path}/{name}", f"get workflow {name}")

    def raw(self, selector: str | None = None, since: datetime | None = None) -> Iterator[Document]:
        """Raw documents on the cluster, created since a moment."""
        query: dict[str, Any] = {"labelSelector": selector} if selector else {}
        for document in self.cluster.connection.pages(self._path, "list workflows", **query):
            created = documents.moment(document["metadata"].get("creationTimestamp"))
            if since is None or (created is not None and created >= since.replace(microsecond=0)):
                yield document

    def archived(self, since: datetime) -> Iterator[Document]:
        """Of the archive, those that began since a moment, without nodes; the cluster may have them too."""
        return self._server.archived(since)

    def list(self, selector: str | None = None, since: datetime | None = None) -> DataFrame:
        """Columns: name, phase, path, task, run, created, started, seconds, message; oldest first."""
        # One page of whole documents at a time: only the projected rows are kept.
        rows = [documents.row(document) for document in self.raw(selector, since)]
        made = DataFrame(rows, columns=documents.LIST_COLUMNS).sort_values("created", kind="stable", ignore_index=True)
        chosen = f" -l {selector}" if selector else ""
        made.attrs["command"] = f"kubectl get workflows -n {self.target.namespace}{chosen} -L hera-rollout/path"
        return made

    def labelled(self, **labels: str) -> DataFrame:
        """List by `hera-rollout/…` labels: `labelled(path="hera", task="task-…")`."""
        return self.list(",".join(f"{documents.LABEL}{key}={value}" for key, value in labels.items()))

    def nodes(self, name_or_document: str | Document) -> DataFrame:
        """Columns: display_name, type, phase, started, seconds, message, outputs."""
        return documents.node_frame(self._document(name_or_document))

    def logs(self, name_or_document: str | Document) -> DataFrame:
        """Columns: node, pod, phase, logs."""
        return logs.frame(self.cluster, self._document(name_or_document))

    def outputs(self, name_or_document: str | Document) -> dict[str, str]:
        """Output parameters by `node.parameter`; the workflow's own by `parameter`."""
        return documents.outputs(self._document(name_or_document))

    def stop(self, name: str) -> None:
        """Ask the controller to stop it; its record stays. It looks at a suspended one only when that goes on."""
        patch: Document = {"spec": {"shutdown": "Stop", "suspend": None}}
        self.cluster.connection.patch(f"{self._path}/{name}", patch, "merge-patch", f"stop workflow {name}")

    def annotate(self, document: Document, key: str, value: str) -> None:
        """Write an annotation, if the workflow is still as this document says; Conflicting if it was changed since."""
        meta = document["metadata"]
        patch: Document = {"metadata": {"resourceVersion": meta["resourceVersion"], "annotations": {key: value}}}
        self.cluster.connection.patch(
            f"{self._path}/{meta['name']}", patch, "merge-patch", f"annotate workflow {meta['name']}"
        )

    def delete(self, name: str) -> None:
        """Delete it from the cluster; one that is not there is fine."""
        try:
            self.cluster.connection.delete(f"{self._path}/{name}", f"delete workflow {name}")
        except Missing:
            return

    def _document(self, name_or_document: str | Document) -> Document:
        return self.get(name_or_document) if isinstance(name_or_document, str) else name_or_document
