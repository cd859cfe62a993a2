"""What each pod reports of its flag, asked of the pod itself; of the service, where there are no pods to ask."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pandas import DataFrame

from hera_rollout.answers import plain
from hera_rollout.cluster import Cluster, pods
from hera_rollout.errors import Missing, Refused, RolloutError
from hera_rollout.flag.changes import ReportsFlag

ROUTE = "api/v1/flag"
PORT = 8000
COLUMNS = ["pod", "enabled", "percent", "decided_by", "hera_version", "hera_import", "code_revision", "problem"]
FRESH_ANSWERS = 4
NO_ROUTE = f"it has no route /{ROUTE}"
"""What is told of a backend that cannot say its flag: a foreign one, or one from before the route."""
NEVER = "never says"
"""Under this name a report's attrs hold the pods whose answer no waiting mends, such as 404, 403 or a page."""
_NOT_IMPLEMENTED, _BAD_GATEWAY = 501, 502
_PAGE = "no JSON"
_AT_ONCE = 8


def report(cluster: Cluster, backend: ReportsFlag) -> DataFrame:
    """One row a ready pod, asked of the pod itself; with medium `manual` and no Deployment, one row a process.

    Columns: pod, enabled, percent, decided_by, hera_version, hera_import, code_revision, problem (why it did not say).
    """
    target = cluster.target
    if target.flag.medium == "manual" and not deployed(cluster, backend):
        made = _framed(_of_service(backend))
        made.attrs["command"] = f"curl {target.backend_url}/{ROUTE}"
        return made
    asked = [(pod["metadata"]["name"], _port(pod, target.container)) for pod in _ready(cluster)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # one that hangs keeps no other from being asked
        rows = list(pool.map(lambda one: _of_pod(cluster, *one), asked))
    made = _framed(rows)
    made.attrs["command"] = f"kubectl get --raw /api/v1/namespaces/{target.namespace}/pods/POD:{PORT}/proxy/{ROUTE}"
    return made


def never_says(error: RolloutError) -> bool:
    """Whether asking again brings no other answer: no such route, not allowed, or something that is no JSON.

    A 503, a reset or no answer at all may be a pod that begins or ends, and is asked again.
    """
    page = error.status == _BAD_GATEWAY and _PAGE in error.seen
    return page or error.status == _NOT_IMPLEMENTED or isinstance(error, Refused)


def _framed(rows: list[dict[str, object]]) -> DataFrame:
    made = DataFrame(rows, columns=COLUMNS).sort_values("pod", ignore_index=True)
    made.attrs[NEVER] = {str(row["pod"]) for row in rows if row.get(NEVER)}
    return made


def deployed(cluster: Cluster, backend: ReportsFlag) -> bool:
    """Whether what answers at `backend_url` is a pod of the target's Deployment."""
    try:
        name = backend.flag().get("pod")
        return bool(name) and name in {pod["metadata"]["name"] for pod in _ready(cluster)}
    except RolloutError:
        return False


def _ready(cluster: Cluster) -> list[dict[str, Any]]:
    return [pod for pod in cluster.pod_documents(cluster.selector()) if pods.ready(pod)]


def _port(pod: Mapping[str, Any], container: str) -> int:
    named = [entry for entry in pod["spec"]["containers"] if entry["name"] == container]
    ports = (named[0].get("ports") or []) if named else []
    return int(ports[0]["containerPort"]) if ports else PORT


def _of_pod(cluster: Cluster, pod: str, port: int) -> dict[str, object]:
    try:
        said = cluster.ask_pod(pod, port, ROUTE)
        return row(pod, said) | {NEVER: not isinstance(said.get("enabled"), bool)}
    except Missing:
        return row(pod, {"problem": NO_ROUTE}) | {NEVER: True}
    except RolloutError as error:
        return row(pod, {"problem": error.seen}) | {NEVER: never_says(error)}


def _of_service(backend: ReportsFlag) -> list[dict[str, object]]:
    """Several fresh answers: there may be more than one process behind the address."""
    found: dict[str, dict[str, object]] = {}
    for _ in range(FRESH_ANSWERS):
        try:
            said = backend.flag()
        except Missing:
            return [row("(backend_url)", {"problem": NO_ROUTE}) | {NEVER: True}]
        except RolloutError as error:
            return [row("(backend_url)", {"problem": error.seen}) | {NEVER: never_says(error)}]
        name = str(said.get("pod") or "(backend_url)")
        found[name] = row(name, said)
    return list(found.values())


def row(pod: str, said: Mapping[str, Any]) -> dict[str, object]:
    """One answer as a row."""
    return {
        "pod": pod,
        "enabled": said.get("enabled"),
        "percent": said.get("percent"),
        "decided_by": said.get("decidedBy", ""),
        "hera_version": said.get("heraVersion") or "",
        "hera_import": plain(str(said.get("heraImport", ""))),
        "code_revision": said.get("codeRevision", ""),
        "problem": said.get("problem", ""),
    }
