"""What stands beside the API server, on the same address: the practice backend's API, the Argo Server, Prometheus.

Enough for a phase's first steps: a preflight, a flip, a weight that is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hera_rollout.split import path_for

BY_HERA = "import os\nimport sys\nsys.path.append(os.getcwd())\n"
"""Only Hera's `script` begins so: it proves the path."""
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
CLAIM = "/api/v1/namespaces/argo/persistentvolumeclaims/task-results-pvc"


class Neighbours:
    """The service, Argo and Prometheus of a small cluster.

    Attributes:
        series: what Prometheus has for a query: label sets with a `value` each; nothing by default.
    """

    def __init__(self, kube: Any) -> None:
        self.kube = kube
        self.runs: dict[str, list[str]] = {}
        self.series: Callable[[str], list[dict[str, Any]]] = lambda _query: []
        kube.objects[CLAIM] = {"metadata": {"name": "task-results-pvc", "resourceVersion": "1"},
                               "status": {"phase": "Bound"}}  # fmt: skip
        kube.beside = self.answer

    def answer(self, method: str, path: str, body: Any, query: dict[str, str]) -> tuple[int, dict[str, Any]] | None:
        """The answer of whoever has this path; None if it is the API server's."""
        if path.startswith("/api/v1/query"):
            return 200, self._prometheus(path, query.get("query", ""))
        fixed: dict[str, dict[str, Any]] = {
            "/healthz": {"status": "ok"},
            "/api/v1/version": {"version": "v4.1.0"},
            "/api/v1/workflows/argo": {"items": []},
            "/api/v1/archived-workflows": {"items": []},
            "/apis/argoproj.io/v1alpha1": {"resources": [{"name": "workflows", "kind": "Workflow"}]},
            "/api/v1/tasks": {"tasks": [self._task(task) for task in self.runs]},
        }
        if path in fixed:
            return 200, fixed[path]
        if (method, path) == ("POST", "/api/v1/tasks/submit"):
            return 200, self._submitted()
        task = path.removeprefix("/api/v1/tasks/")
        return (200, self._task(task)) if task in self.runs else None

    def _submitted(self) -> dict[str, Any]:
        """A task, and its workflow by the path that the flag says."""
        task, said = f"task-{len(self.runs) + 1}", self.kube.says()
        path = path_for(task, said["percent"]) if said["enabled"] else "yaml"
        name = f"python-job-{len(self.runs) + 1}"
        self.runs[task] = [name]
        labels = {"hera-rollout/path": path, "hera-rollout/task": task, "hera-rollout/run": "1"}
        self.kube.workflow(name, labels, BY_HERA if path == "hera" else "")
        document = self.kube.objects[f"{WORKFLOWS}/{name}"]
        at = document["metadata"]["creationTimestamp"]
        document["status"] = {"phase": "Succeeded", "startedAt": at, "finishedAt": at}
        return {"id": task, "workflowId": name, "runNumber": 1}

    def _task(self, task: str) -> dict[str, Any]:
        runs = [{"workflowId": name, "runNumber": number} for number, name in enumerate(self.runs[task], 1)]
        return {"id": task, "runCount": len(runs), "runs": runs}

    def _prometheus(self, path: str, query: str) -> dict[str, Any]:
        if path.endswith("query_range"):
            return {"status": "success", "data": {"resultType": "matrix", "result": []}}
        result = [{"metric": {key: value for key, value in row.items() if key != "value"},
                   "value": [0, str(row["value"])]} for row in self.series(query)]  # fmt: skip
        return {"status": "success", "data": {"resultType": "vector", "result": result}}
