"""A small API server on loopback: one Deployment of one pod, ConfigMaps and Leases, kept in memory.

It answers what the kit asks to turn a flag: reads, merge patches with a resourceVersion, creates, deletes. The pod
decides by the practice backend's own rule, at once; `decided` is what it decided after every change. Of a paused
Deployment the pod keeps its environment, and no new pod is made.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout import clock as clocks
from hera_rollout.cli import rolling_back
from hera_rollout.cluster import Cluster
from hera_rollout.display import Live
from hera_rollout.parameters import validate
from hera_rollout.phase import Connections, Phase
from hera_rollout.target import Target
from reference_backend.flag import decide, parse_env, parse_file

NAMESPACE = "/api/v1/namespaces/argo"
DEPLOYMENT = "/apis/apps/v1/namespaces/argo/deployments/backend"
FLAG = f"{NAMESPACE}/configmaps/backend-flag"
POD = f"{NAMESPACE}/pods/backend-1"
LABELS = {"app": "backend", "pod-template-hash": "h"}
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
Answer = tuple[int, dict[str, Any] | str]


class Kube:
    """The cluster's content, and what went wrong with it on purpose.

    Attributes:
        objects: what is there, by path.
        decided: the flag in effect after each change: on or off.
        tasks: ids that the service's API knows.
        trouble: given method and path before each answer; an answer of its own stands for a server in trouble.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.decided: list[bool] = []
        self.tasks: set[str] = set()
        self.trouble: Callable[[str, str], Answer | None] = lambda _method, _path: None
        self._version = 0
        template = {"metadata": {"labels": {"app": "backend"}}, "spec": {
            "containers": [{"name": "backend", "image": "backend:1", "env": []}],
            "volumes": [{"name": "flag", "configMap": {"name": "backend-flag", "optional": True}}],
        }}  # fmt: skip
        self._put(DEPLOYMENT, {
            "metadata": {"name": "backend", "uid": "u", "generation": 1},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "backend"}}, "template": template},
            "status": {"observedGeneration": 9**9, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
        })  # fmt: skip
        pod = {
            "metadata": {"name": "backend-1", "labels": LABELS, "creationTimestamp": "2026-11-28T12:00:00Z"},
            "spec": {"containers": [{"name": "backend", "image": "backend:1"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                       "containerStatuses": [{"name": "backend", "ready": True, "restartCount": 0}]},
        }  # fmt: skip
        self._put(POD, pod)
        owner = {"name": "backend-h", "labels": LABELS, "ownerReferences": [{"uid": "u"}],
                 "annotations": {"deployment.kubernetes.io/revision": "1"}}  # fmt: skip
        of_it = {"metadata": owner, "spec": {"template": template}}
        self._put("/apis/apps/v1/namespaces/argo/replicasets/backend-h", of_it)
        self.decided.clear()

    @property
    def deployment(self) -> dict[str, Any]:
        """The Deployment, as it is stored."""
        return self.objects[DEPLOYMENT]

    # --- the flag -----------------------------------------------------------------------------------------------------

    @property
    def variable(self) -> str | None:
        """USE_HERA_SDK on the Deployment."""
        entries = self.deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        return next((entry.get("value") for entry in entries if entry["name"] == "USE_HERA_SDK"), None)

    @variable.setter
    def variable(self, value: str | None) -> None:
        entries = [] if value is None else [{"name": "USE_HERA_SDK", "value": value}]
        self.deployment["spec"]["template"]["spec"]["containers"][0]["env"] = entries
        self._roll()

    @property
    def pods_variable(self) -> str | None:
        """USE_HERA_SDK in the pod's own environment."""
        entries = self.objects[POD]["spec"]["containers"][0].get("env") or []
        return next((entry.get("value") for entry in entries if entry["name"] == "USE_HERA_SDK"), None)

    @property
    def paused(self) -> bool:
        """Whether the Deployment's rollouts are."""
        return bool(self.deployment["spec"].get("paused"))

    @paused.setter
    def paused(self, value: bool) -> None:
        self.deployment["spec"]["paused"] = value
        self._roll()

    def _roll(self) -> None:
        """As the Deployment's controller does: the pod is of the template, unless that is paused."""
        pod, wanted = self.objects[POD], self.deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        if not self.paused:
            pod["spec"]["containers"][0]["env"] = list(wanted)
        self.deployment["status"]["updatedReplicas"] = int(pod["spec"]["containers"][0].get("env", []) == wanted)

    def workflow(self, name: str, labels: dict[str, str] | None = None, source: str = "") -> None:
        """Somebody makes a workflow, of which nothing has run yet."""
        container = {"script": {"source": source}} if source else {"container": {"args": ["1"]}}
        self._put(f"{WORKFLOWS}/{name}", {
            "metadata": {"name": name, "uid": name, "labels": labels or {},
                         "creationTimestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"},
            "spec": {"templates": [{"name": "main", **container}]}, "status": {"phase": "Running"},
        })  # fmt: skip

    @property
    def file(self) -> dict[str, str] | None:
        """The flag's ConfigMap."""
        found = self.objects.get(FLAG)
        return None if found is None else dict(found.get("data") or {})

    @file.setter
    def file(self, data: dict[str, str] | None) -> None:
        self.objects.pop(FLAG, None)
        if data is not None:
            self._put(FLAG, {"metadata": {"name": "backend-flag"}, "data": dict(data)})

    def says(self) -> dict[str, Any]:
        """What the pod reports at /api/v1/flag."""
        made = decide(parse_env(self.pods_variable), parse_file(self.file or {}))
        return {"enabled": made.enabled, "percent": float(made.percent), "decidedBy": made.decided_by,
                "heraImport": "ok", "pod": "backend-1", "codeRevision": "code-1"}  # fmt: skip

    # --- HTTP ---------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: Any) -> Answer:
        if (found := self.trouble(method, path)) is not None:
            return found
        if path == "/version":
            return 200, {"gitVersion": "v1.35.4"}
        if path == "/api/v1/tasks":
            return 200, {"tasks": []}
        if path.endswith("/proxy/api/v1/flag") or path == "/api/v1/flag":
            return 200, self.says()
        answered = getattr(self, f"_{method.lower()}")(path, body)
        if method != "GET":
            self._roll()
            self.decided.append(bool(self.says()["enabled"]))
        return answered  # type: ignore[no-any-return]

    def _get(self, path: str, _body: object) -> Answer:
        if path in self.objects:
            return 200, self.objects[path]
        if path.startswith("/api/v1/tasks/"):
            known = path.rpartition("/")[2] in self.tasks
            return (200, {"runs": []}) if known else (404, {"detail": "no such task"})
        if path.rpartition("/")[2] in ("pods", "replicasets", "deployments", "workflows"):
            return 200, {"items": [one for key, one in self.objects.items() if key.startswith(f"{path}/")]}
        return 404, {"message": "not found"}

    def _post(self, path: str, body: dict[str, Any]) -> Answer:
        where = f"{path}/{body['metadata']['name']}"
        return (409, {"message": "already exists"}) if where in self.objects else (201, self._put(where, body))

    def _put_(self, path: str, body: dict[str, Any]) -> Answer:
        return self._changed(path, body["metadata"], lambda: self._put(path, body))

    def _patch(self, path: str, body: dict[str, Any] | list[dict[str, Any]]) -> Answer:
        if isinstance(body, list):  # as the kit puts a pod template back: the version it was planned against, and it
            version, template = (change["value"] for change in body)
            body = {"metadata": {"resourceVersion": version}, "spec": {"template": template}}

        def merged() -> dict[str, Any]:
            return self._put(path, _merge(self.objects[path], {**body, "metadata": {
                key: value for key, value in (body.get("metadata") or {}).items() if key != "resourceVersion"
            }}))  # fmt: skip

        return self._changed(path, body.get("metadata") or {}, merged)

    def _delete(self, path: str, body: dict[str, Any] | None) -> Answer:
        return self._changed(path, (body or {}).get("preconditions") or {}, lambda: self.objects.pop(path))

    def _changed(self, path: str, meta: dict[str, Any], change: Callable[[], dict[str, Any]]) -> Answer:
        if path not in self.objects:
            return 404, {"message": "not found"}
        if meta.get("resourceVersion") not in (None, self.objects[path]["metadata"]["resourceVersion"]):
            return 409, {"message": "the object has been modified"}
        return 200, change()

    def _put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        made = json.loads(json.dumps(body))
        made["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = made
        return made

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """The answer as text: what a server gives."""
        status, said = self.answer({"PUT": "PUT_"}.get(method, method), path, json.loads(body or "null"))
        return status, said if isinstance(said, str) else json.dumps(said)


def _merge(old: Any, new: Any) -> Any:
    """As the API server does: null takes away, lists of named entries are merged by name."""
    if isinstance(new, dict):
        made = dict(old) if isinstance(old, dict) else {}
        for key, value in new.items():
            made[key] = _merge(made.get(key), value)
        return {key: value for key, value in made.items() if value is not None}
    if isinstance(new, list) and all(isinstance(one, dict) and "name" in one for one in new):
        made = {one["name"]: one for one in old or []}
        for one in new:
            if one.get("$patch") == "delete":
                made.pop(one["name"], None)
            else:
                made[one["name"]] = _merge(made.get(one["name"]), one)
        return list(made.values())
    return new


class QuickClock:
    """The machine's clock, but that waiting on it takes no time: it is put on instead.

    Attributes:
        waited: the seconds that were waited for.
    """

    def __init__(self) -> None:
        self.waited = 0.0

    def monotonic(self) -> float:
        """The time that it would be if all of the waiting had been done."""
        return time.monotonic() + self.waited

    def sleep(self, seconds: float) -> None:
        """Put the clock on."""
        self.waited += seconds

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Put the clock on, unless it is stopped."""
        if not stop.is_set():
            self.sleep(seconds)
        return stop.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> QuickClock:
    """The kit's waits take no time."""
    quick = QuickClock()
    for name in ("monotonic", "sleep", "wait"):
        monkeypatch.setattr(clocks, name, getattr(quick, name))
    return quick


@pytest.fixture
def kube() -> Iterator[Kube]:
    """What the API server has."""
    yield Kube()


@pytest.fixture
def cluster(kube: Kube, serving: Callable[..., str], make_target: Callable[..., Any], tmp_path: Path) -> Cluster:
    """The kit's view of it; the backend's address is the same server."""
    url = serving(kube.reply)
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({
        "clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}], "current-context": "here",
    }))  # fmt: skip
    limits = {"request_timeout_seconds": 2, "rollout_deadline_seconds": 2, "scrape_seconds": 1}
    return Cluster.connect(make_target(kubeconfig=str(path), backend_url=url, argo_url=url, limits=limits))


@pytest.fixture
def begun(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Phase]]:
    """Begin a live run of a notebook on it, which remembers in the cluster what it does."""
    InteractiveShell.instance()
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    holds = []

    def begin(notebook: str, **parameters: object) -> Phase:
        given = validate(notebook, {"target": "there", "dry_run": False, "operator": "Ann", **parameters})
        phase = Phase(notebook, given, Connections.over(cluster))
        phase._keep()
        assert phase.keeping
        holds.append(phase.keeping.hold)
        return phase

    with capture_output():
        yield begin
    for hold in holds:
        hold.release()


@pytest.fixture
def live(begun: object) -> Iterator[Live]:
    """A cell's live area."""
    with Live() as area:
        yield area


@pytest.fixture
def command(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`hera-rollout rollback` on it; it watches for no time."""
    limits = cluster.target.limits.model_copy(update={"workflow_deadline_seconds": 1})
    cluster.target = cluster.target.model_copy(update={"limits": limits})
    monkeypatch.setattr(Target, "load", lambda _name: cluster.target)
    monkeypatch.setattr(Cluster, "connect", lambda _target: cluster)
    return lambda *words: CliRunner().invoke(rolling_back.rollback, ["--target", "there", "--observe", "0", *words])
