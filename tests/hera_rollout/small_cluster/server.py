"""A small API server on loopback: one Deployment of one pod, ConfigMaps, Leases and workflows, kept in memory.

It answers what the kit asks to turn a flag: reads, watches, merge patches with a resourceVersion, creates, deletes. The
pod decides by the practice backend's own rule; `decided` is what it decided after every change. Of a paused Deployment
the pod keeps its environment, and no new pod is made. By default all goes well and at once; each way to go wrong is one
call, and its answers have the real API server's bodies.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from reference_backend.flag import decide, parse_env, parse_file

NAMESPACE = "/api/v1/namespaces/argo"
DEPLOYMENT = "/apis/apps/v1/namespaces/argo/deployments/backend"
FLAG = f"{NAMESPACE}/configmaps/backend-flag"
POD = f"{NAMESPACE}/pods/backend-1"
LABELS = {"app": "backend", "pod-template-hash": "h"}
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
USER = "system:serviceaccount:argo:operator"
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
Said = dict[str, Any] | str | Iterator[str]
Answer = tuple[int, Said] | tuple[int, Said, dict[str, str]]
Where = Callable[[str, str], bool]
"""Of method and path: whether it is meant."""


def everything(_method: str, _path: str) -> bool:
    """Whatever is asked."""
    return True


class Kube:
    """The cluster's content, and what goes wrong with it on purpose.

    Attributes:
        objects: what is there, by path.
        decided: the flag in effect after each change: on or off.
        tasks: ids that the service's API knows.
        sent: method and object of whatever was to be changed, in order, also where it was refused.
        beside: answers of what is no API server: the service, Argo, Prometheus; None for a path of another's.
        trouble: given method and path before each answer; an answer of its own stands for a server in trouble.
        slow_reads: so often the Deployment is looked at before its controller is done with a change; never if negative.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.decided: list[bool] = []
        self.tasks: set[str] = set()
        self.sent: list[tuple[str, str]] = []
        self.beside: Callable[..., Answer | None] = lambda *_: None
        self.trouble: Callable[[str, str], Answer | None] = lambda _method, _path: None
        self.slow_reads = 0
        self._reads_left = 0
        self._version = 0
        self._forbidden: set[tuple[str, str]] = set()
        self._failing: list[tuple[Answer, Where, list[int]]] = []
        self._hands: dict[str, tuple[Callable[[], object], list[int]]] = {}
        self._watches: tuple[str, str] = ("", "")
        template = {"metadata": {"labels": {"app": "backend"}}, "spec": {
            "containers": [{"name": "backend", "image": "backend:1", "env": []}],
            "volumes": [{"name": "flag", "configMap": {"name": "backend-flag", "optional": True}}],
        }}  # fmt: skip
        self._put(DEPLOYMENT, {
            "metadata": {"name": "backend", "uid": "u", "generation": 1},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "backend"}}, "template": template},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
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
        self._template = json.dumps(template)
        self.decided.clear()

    @property
    def deployment(self) -> dict[str, Any]:
        """The Deployment, as it is stored."""
        return self.objects[DEPLOYMENT]

    @property
    def touched(self) -> list[tuple[str, str]]:
        """What was sent, but for what the kit itself remembers there: its state and its lease."""
        return [(method, path) for method, path in self.sent if not path.endswith("/hera-rollout-backend")]

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
                "heraVersion": "7.1.0", "heraImport": "ok", "pod": "backend-1", "codeRevision": "code-1"}  # fmt: skip

    def workflow(self, name: str, labels: dict[str, str] | None = None, source: str = "") -> None:
        """Somebody makes a workflow, of which nothing has run yet."""
        container = {"script": {"source": source}} if source else {"container": {"args": ["1"]}}
        self._put(f"{WORKFLOWS}/{name}", {
            "metadata": {"name": name, "uid": name, "labels": labels or {},
                         "creationTimestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"},
            "spec": {"templates": [{"name": "main", **container}]}, "status": {"phase": "Running"},
        })  # fmt: skip

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def forbid(self, verb: str, resource: str) -> None:
        """The user has not, or no longer, this right: `forbid("patch", "deployments")`."""
        self._forbidden.add((verb, resource))

    def overloaded(self, times: int, where: Where = everything) -> None:
        """So many answers are 429: priority and fairness has no seat, and says when to come again."""
        body = "Too many requests, please try again later.\n"
        self._failing.append(((429, body, {"Retry-After": "1"}), where, [times]))

    def unavailable(self, times: int, where: Where = everything) -> None:
        """So many answers are 503, as from a server that starts, or whose etcd has no leader."""
        message = "the server is currently unable to handle the request"
        self._failing.append((_failure(503, "ServiceUnavailable", message), where, [times]))

    def well(self) -> None:
        """It serves every request again."""
        self._failing.clear()

    def meanwhile(self, path: str, hand: Callable[[], object] = lambda: None, times: int = 1) -> None:
        """Between the kit's read and its write somebody writes the object: as `hand` does, or just its status."""
        self._hands[path] = (hand, [times])

    def watches(self, how: str, path: str = "") -> None:
        """Each watch ends: `early`, without an event; `gone`: the version is too old; `cut` in the middle of an event.

        Args:
            how: it ends.
            path: of what; of all if it is empty.
        """
        self._watches = (how, path)

    # --- its controllers ----------------------------------------------------------------------------------------------

    def _roll(self) -> None:
        """As the Deployment's controller does: the pod is of the template, unless that is paused; at once, or later."""
        template = json.dumps(self.deployment["spec"]["template"])
        if template != self._template:
            self._template = template
            self.deployment["metadata"]["generation"] += 1
            self._reads_left = self.slow_reads
        if not self._reads_left:
            self._rolled()

    def _rolled(self) -> None:
        pod, wanted = self.objects[POD], self.deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        if not self.paused:
            pod["spec"]["containers"][0]["env"] = list(wanted)
        same = pod["spec"]["containers"][0].get("env", []) == wanted
        self.deployment["status"] |= {"observedGeneration": self.deployment["metadata"]["generation"],
                                      "updatedReplicas": int(same)}  # fmt: skip

    def _looked_at(self) -> None:
        """Time goes by here by looks: the controller sees the change, makes the new pod, and is done."""
        if self._reads_left <= 0:
            return
        self._reads_left -= 1
        if not self._reads_left:
            self._rolled()
        elif self._reads_left <= self.slow_reads // 2:
            self.deployment["status"] |= {"observedGeneration": self.deployment["metadata"]["generation"],
                                          "updatedReplicas": 0}  # fmt: skip
        self._touch(DEPLOYMENT)

    # --- HTTP ---------------------------------------------------------------------------------------------------------

    def reply(self, method: str, path: str, body: bytes, query: Mapping[str, str] | None = None) -> Any:
        """The answer's status and text, and its headers: what a server gives."""
        status, said, *headers = self.answer(method, path, json.loads(body or "null"), query or {})
        return status, json.dumps(said) if isinstance(said, dict) else said, *headers

    def answer(self, method: str, path: str, body: Any, query: Mapping[str, str]) -> Answer:
        """What is answered to this question."""
        if (found := self.trouble(method, path) or self._refused(method, path, body)) is not None:
            return found
        if (found := self.beside(method, path, body, query) or self._of_all(method, path, body)) is not None:
            return found
        if query.get("watch"):
            return self._watched(path, query)
        answered: Answer = getattr(self, "_put_" if method == "PUT" else f"_{method.lower()}")(path, body)
        if method != "GET":
            self._roll()
            self.decided.append(bool(self.says()["enabled"]))
        return answered

    def _refused(self, method: str, path: str, body: Any) -> Answer | None:
        if method != "GET" and "accessreviews" not in path:
            name = ((body or {}).get("metadata") or {}).get("name") if method == "POST" else None
            self.sent.append((method, f"{path}/{name}" if name else path))
        verb, (group, resource, name) = VERBS[method], _parts(path)
        if (verb, resource) in self._forbidden:
            kind = f"{resource}.{group}".rstrip(".")
            return _failure(403, "Forbidden", f'{kind} "{name}" is forbidden: User "{USER}" cannot {verb} resource '
                            f'"{resource}" in API group "{group}" in the namespace "argo"')  # fmt: skip
        for answer, where, left in self._failing:
            if left[0] and where(method, path):
                left[0] -= 1
                return answer
        return None

    def _of_all(self, method: str, path: str, body: Any) -> Answer | None:
        """What is asked of no object."""
        fixed: dict[str, Said] = {
            "/version": {"gitVersion": "v1.35.4"},
            "/readyz": "ok",
            "/api/v1/tasks": {"tasks": []},
        }
        if path in fixed or path.endswith("/log"):
            return 200, fixed.get(path, "")
        if path.endswith("/proxy/api/v1/flag") or path == "/api/v1/flag":
            return 200, self.says()
        if method == "POST" and path.endswith("accessreviews"):
            asked = body["spec"]["resourceAttributes"]
            resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            return 201, {"status": {"allowed": (asked["verb"], resource) not in self._forbidden}}
        return None

    def _watched(self, path: str, query: Mapping[str, str]) -> Answer:
        """The events since a version, once there are some, as a stream that then closes; none when its time is over."""
        how, of = self._watches
        if how and of in path:
            gone = _failure(410, "Expired", f"too old resource version: {query.get('resourceVersion')} (99999)")
            event = json.dumps({"type": "ERROR", "object": gone[1]})
            cut: Answer = (200, event[:40], {"Content-Length": str(len(event))})
            return cut if how == "cut" else (200, event + "\n" if how == "gone" else "")
        return 200, self._events(path, int(query["resourceVersion"]), float(query["timeoutSeconds"]))

    def _events(self, path: str, since: int, seconds: float) -> Iterator[str]:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if path == DEPLOYMENT.rpartition("/")[0]:
                self._looked_at()
            newer = [found for key, found in list(self.objects.items())
                     if key.startswith(f"{path}/") and int(found["metadata"]["resourceVersion"]) > since]  # fmt: skip
            yield from (json.dumps({"type": "MODIFIED", "object": found}) + "\n" for found in newer)
            if newer:
                return
            time.sleep(0.01)

    def _get(self, path: str, _body: object) -> Answer:
        if path == DEPLOYMENT:
            self._looked_at()
        if path in self.objects:
            return 200, self.objects[path]
        if path.startswith("/api/v1/tasks/"):
            known = path.rpartition("/")[2] in self.tasks
            return (200, {"runs": []}) if known else (404, {"detail": "no such task"})
        if path.rpartition("/")[2] in ("pods", "replicasets", "deployments", "workflows", "events"):
            return 200, {"items": [found for key, found in self.objects.items() if key.startswith(f"{path}/")]}
        return _not_found(path)

    def _post(self, path: str, body: dict[str, Any]) -> Answer:
        where = f"{path}/{body['metadata']['name']}"
        if where in self.objects:
            return _failure(409, "AlreadyExists", f"{_named(where)} already exists")
        return 201, self._put(where, body)

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
            return _not_found(path)
        hand, left = self._hands.get(path, (None, [0]))
        if hand and left[0]:
            left[0] -= 1
            hand()
            self._touch(path)
        if meta.get("resourceVersion") not in (None, self.objects[path]["metadata"]["resourceVersion"]):
            return _failure(409, "Conflict", f"Operation cannot be fulfilled on {_named(path)}: the object has been "
                            "modified; please apply your changes to the latest version and try again")  # fmt: skip
        return 200, change()

    def _put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.objects[path] = json.loads(json.dumps(body))
        self._touch(path)
        return self.objects[path]

    def _touch(self, path: str) -> None:
        self._version += 1
        self.objects[path]["metadata"]["resourceVersion"] = str(self._version)


def _parts(path: str) -> tuple[str, str, str]:
    """An API path's group, resource with its subresource, and name."""
    _, root, *rest = path.split("/")
    group = rest[0] if root == "apis" else ""
    parts = rest[4:] if root == "apis" else rest[3:]  # after version, namespaces and the namespace's name
    resource, name, sub = (*parts, "", "", "")[:3]
    return group, f"{resource}/{sub}".rstrip("/"), name


def _named(path: str) -> str:
    group, resource, name = _parts(path)
    return f'{f"{resource}.{group}".rstrip(".")} "{name}"'


def _failure(code: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    """The API's word for a request that failed."""
    return code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
                  "reason": reason, "code": code}  # fmt: skip


def _not_found(path: str) -> tuple[int, dict[str, Any]]:
    return _failure(404, "NotFound", f"{_named(path)} not found")


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
