"""The few calls of the Argo Server's REST API that the service needs, besides Hera's own."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reference_backend.argo_session import ArgoSession
from reference_backend.errors import ArgoRefused, ArgoUnreachable
from reference_backend.settings import Settings

TAIL_LINES = 1000
STATUS_FIELDS = ("metadata.name", "metadata.uid", "metadata.annotations", "status.phase", "status.message")
TIME_FIELDS = ("status.startedAt", "status.finishedAt")
# The executor talks in the same stream as the program it starts; its chatter is not the program's output.
EXECUTOR_CHATTER = re.compile(r"time=\S+ level=(INFO|DEBUG) .*\bargo=true\b")
FINISHED = frozenset({"Succeeded", "Failed", "Error"})
ABSENT = 404


@dataclass(frozen=True)
class WorkflowState:
    """What the service keeps of a workflow's metadata and status."""

    name: str
    uid: str
    phase: str
    message: str
    started_at: datetime | None
    finished_at: datetime | None
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "WorkflowState":
        """Read from the Argo Server's document; a workflow the controller has not seen yet is Pending."""
        metadata, status = document.get("metadata") or {}, document.get("status") or {}
        return cls(
            name=metadata.get("name", ""),
            uid=metadata.get("uid", ""),
            phase=status.get("phase") or "Pending",
            message=status.get("message") or "",
            started_at=_time(status.get("startedAt")),
            finished_at=_time(status.get("finishedAt")),
            annotations=metadata.get("annotations") or {},
        )

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.phase in FINISHED


class ArgoClient:
    """Workflows of one namespace."""

    def __init__(self, settings: Settings, session: ArgoSession) -> None:
        self._settings = settings
        self.session = session

    def create(self, document: Mapping[str, Any]) -> WorkflowState:
        """Create the workflow in the document."""
        return WorkflowState.of(self._call("POST", "", json={"workflow": document}))

    def get(self, name: str) -> WorkflowState | None:
        """The workflow, from the cluster or the archive; None if it is in neither."""
        try:
            return WorkflowState.of(self._call("GET", f"/{name}", fields=(*STATUS_FIELDS, *TIME_FIELDS)))
        except ArgoRefused as error:
            if error.code == ABSENT:
                return None
            raise

    def list(self, selector: str) -> list[WorkflowState]:
        """Every live workflow with these labels."""
        fields = [f"items.{field}" for field in (*STATUS_FIELDS, *TIME_FIELDS)]
        answer = self._call("GET", "", fields=fields, **{"listOptions.labelSelector": selector})
        return [WorkflowState.of(item) for item in answer.get("items") or []]

    def nodes(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """The workflow's node tree; empty if there is none yet."""
        answer = self._call("GET", f"/{name}", fields=("status.nodes",))
        nodes: Mapping[str, Mapping[str, Any]] = (answer.get("status") or {}).get("nodes") or {}
        return nodes

    def stop(self, name: str, message: str) -> None:
        """Stop the workflow; its exit handlers still run and it stays as evidence."""
        self._call("PUT", f"/{name}/stop", json={"name": name, "message": message})

    def delete(self, name: str) -> bool:
        """Delete the live workflow; whether there was one."""
        try:
            self._call("DELETE", f"/{name}")
        except ArgoRefused as error:
            if error.code == ABSENT:
                return False
            raise
        return True

    def logs(self, name: str) -> Mapping[str, str]:
        """The last lines of container main, by pod.

        The server streams one JSON object a line; an error inside the stream raises.
        """
        params = {"logOptions.container": "main", "logOptions.tailLines": str(TAIL_LINES)}
        text = self.session.request("GET", self._url(f"/{name}/log"), params=params).content.decode("utf-8", "replace")
        return _lines_by_pod(line for line in text.split("\n") if line.strip())

    def _url(self, tail: str) -> str:
        base = self._settings.argo_url()
        if not base:
            raise ArgoUnreachable("No Argo Server is configured: set ARGO_SERVER, e.g. http://argo-server:2746")
        return f"{base}/api/v1/workflows/{self._settings.argo_namespace}{tail}"

    def _call(
        self, method: str, tail: str, json: object = None, fields: Iterable[str] = (), **params: str
    ) -> dict[str, Any]:
        if fields:
            params["fields"] = ",".join(fields)
        answer: dict[str, Any] = self.session.request(method, self._url(tail), params=params, json=json).json()
        return answer


def _lines_by_pod(lines: Iterable[str]) -> Mapping[str, str]:
    pods: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        entry = json.loads(line)
        if "error" in entry:
            raise ArgoRefused(entry["error"].get("http_code", 500), entry["error"].get("message", line))
        result = entry.get("result") or {}
        content = pods[result.get("podName", "")]
        if not EXECUTOR_CHATTER.match(result.get("content", "")):
            content.append(result.get("content", ""))
    return {pod: "\n".join(content) for pod, content in pods.items()}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
