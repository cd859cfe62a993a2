"""What the lab puts into the cluster, and how one sees that it is ready."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import yaml

from rollout_lab import crds, kubeconfig, manifests
from rollout_lab.addresses import ARGO_SERVER, NODE
from rollout_lab.api import Api, path_of
from rollout_lab.commands import run
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths

DEPLOYMENTS = {"argo-server": "argo", "workflow-controller": "argo", "dns": "kube-system"}
# Service, namespace and port that answer when the Deployments really run: after a restart the API server still tells
# what the kubelet of before had written.
SERVICES = (("argo-server", "argo", 2746), ("workflow-controller-metrics", "argo", 9090), ("dns", "kube-system", 53))
UNAUTHORIZED = 401


def apply_file(paths: Paths, api: Api, name: str) -> None:
    """Apply one of the lab's manifests, in order."""
    for document in manifests.load(paths, name):
        api.apply(document)


def apply_identities(paths: Paths, api: Api, project: Path | None, kubectl: Path) -> None:
    """Apply accounts and rights, and write the operator's kubeconfig."""
    apply_file(paths, api, "10-identities.yaml")
    rights = project / "deploy/rbac" if project else None
    if rights and (rights / "kustomization.yaml").exists():
        apply_folder(api, kubectl, rights)
    else:
        apply_file(paths, api, "operator-stand-in.yaml")
    kubeconfig.write_operator(paths, api.token("operator"), paths.kubeconfig)


def apply_folder(api: Api, kubectl: Path, folder: Path, replaced: tuple[str, str] = ("", "")) -> None:
    """Apply a kustomization: rendered by kubectl, applied by us, which spares kubectl's look at every type there is.

    Args:
        api: the API server.
        kubectl: the program that renders.
        folder: the kustomization.
        replaced: a text in the rendered manifests and what takes its place.
    """
    for document in rendered(kubectl, folder, replaced):
        api.apply(document)


def rendered(kubectl: Path, folder: Path, replaced: tuple[str, str] = ("", "")) -> list[dict[str, Any]]:
    """The documents of a kustomization, a text in them replaced."""
    text = run([kubectl, "kustomize", folder]).stdout
    return [one for one in yaml.safe_load_all(text.replace(*replaced) if replaced[0] else text) if one]


def apply_crds(api: Api, inventory: Inventory) -> None:
    """Create Argo's full CRDs at once; those that are there and the same are left alone."""
    documents = crds.load(Path(inventory.crds))
    with ThreadPoolExecutor(len(documents)) as pool:
        for done in [pool.submit(_apply_crd, api, name, body) for name, body in documents.items()]:
            done.result()
    wanted = {name.partition(".")[0] for name in documents}
    api.wait("Argo's CRDs being served", lambda: wanted <= served_resources(api), 60)


def _apply_crd(api: Api, name: str, body: bytes) -> None:
    path = path_of("CustomResourceDefinition", name)
    there = api.metadata(path)
    if there and there.get("annotations", {}).get(crds.MARK) == crds.mark(body):
        return
    if not api.create_raw(path.rpartition("/")[0], body):
        api.apply_raw(path, body)


def served_resources(api: Api) -> set[str]:
    """Argo's resources as the API server lists them: small, where reading the CRDs back would be 11 MB a look."""
    found = api.get("/apis/argoproj.io/v1alpha1") or {}
    return {one["name"] for one in found.get("resources", [])}


def _condition(found: dict[str, Any], kind: str) -> bool:
    conditions = found.get("status", {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def containers(*, with_backend: bool) -> set[str]:
    """Containers of the lab's own Deployments, by which one sees that the kubelet has found them ready."""
    return {*DEPLOYMENTS, *({"backend"} if with_backend else ())}


def node_ready(api: Api) -> bool:
    """Whether the kubelet has said that it takes pods."""
    return _condition(api.get(path_of("Node", NODE)) or {}, "Ready")


def claim_bound(api: Api) -> bool:
    """Whether the results volume is bound."""
    found = api.get(path_of("PersistentVolumeClaim", "task-results-pvc")) or {}
    return bool(found.get("status", {}).get("phase") == "Bound")


def deployment_ready(api: Api, name: str, namespace: str = "argo") -> bool:
    """Whether all pods of the newest version are ready."""
    wanted, ready = replicas(api, name, namespace)
    return wanted > 0 and ready >= wanted


def wait_deployment(api: Api, name: str, namespace: str = "argo", seconds: float = 120) -> None:
    """Wait until all pods of a Deployment's newest version are ready."""
    api.wait(f"Deployment {name} being ready", lambda: deployment_ready(api, name, namespace), seconds)


def replicas(api: Api, name: str, namespace: str = "argo") -> tuple[int, int]:
    """Wanted and ready pods of a Deployment; (0, 0) when there is none."""
    found = api.get(path_of("Deployment", name, namespace))
    if found is None:
        return 0, 0
    status = found.get("status", {})
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return int(found["spec"]["replicas"]), 0
    return int(found["spec"]["replicas"]), min(
        int(status.get("readyReplicas", 0)), int(status.get("updatedReplicas", 0))
    )


def services_answer(api: Api) -> bool:
    """Whether a connection to each service is taken by a pod, through kube-proxy's rules."""
    return all(_service_answers(api, *service) for service in SERVICES)


def _service_answers(api: Api, name: str, namespace: str, port: int) -> bool:
    found = api.get(path_of("Service", name, namespace))
    if found is None:
        return False
    try:
        with socket.create_connection((found["spec"]["clusterIP"], port), timeout=0.5):
            return True
    except OSError:
        return False


def argo_answers() -> bool:
    """Whether the Argo Server answers on its node port (it must refuse us: we show no token)."""
    try:
        return httpx.get(f"{ARGO_SERVER}/api/v1/userinfo", timeout=2, trust_env=False).status_code == UNAUTHORIZED
    except httpx.HTTPError:
        return False


def scale(api: Api, name: str, namespace: str, count: int, seconds: float = 60) -> None:
    """Scale a Deployment and wait: for readiness, or until its last pod is gone."""
    api.merge(path_of("Deployment", name, namespace), {"spec": {"replicas": count}})
    if count:
        wait_deployment(api, name, namespace, seconds)
    else:
        api.wait(f"The end of {name}'s pods", lambda: not pods(api, name, namespace), seconds)


def pods(api: Api, name: str, namespace: str) -> list[str]:
    """Names of a Deployment's pods, by its own selector."""
    found = api.get(path_of("Deployment", name, namespace)) or {"spec": {"selector": {"matchLabels": {"app": name}}}}
    selector = ",".join(f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items())
    listed = api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}") or {"items": []}
    return [item["metadata"]["name"] for item in listed["items"]]


def deployment_log(api: Api, name: str, namespace: str) -> str:
    """The output of all pods of a Deployment, one after the other."""
    parts = []
    for pod in pods(api, name, namespace):
        parts += [f"==> {pod}", api.text(f"/api/v1/namespaces/{namespace}/pods/{pod}/log")]
    return "\n".join(parts) + "\n"
