"""A small client of the lab's API server: server-side apply, reads, tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Self

import httpx

from rollout_lab.addresses import API_SERVER
from rollout_lab.errors import LabError
from rollout_lab.health import client_context
from rollout_lab.paths import Paths

MANAGER = "rollout-lab"
SECONDS = 30.0
NOT_FOUND = 404
# The answer to a write is not read: the metadata will do, a CRD's whole text is megabytes.
BRIEF = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}

# kind: (path prefix, plural, namespaced); what the lab itself applies and nothing more.
KINDS = {
    "Namespace": ("api/v1", "namespaces", False),
    "Node": ("api/v1", "nodes", False),
    "ServiceAccount": ("api/v1", "serviceaccounts", True),
    "ConfigMap": ("api/v1", "configmaps", True),
    "Secret": ("api/v1", "secrets", True),
    "Service": ("api/v1", "services", True),
    "PersistentVolume": ("api/v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims", True),
    "Deployment": ("apis/apps/v1", "deployments", True),
    "Role": ("apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "ClusterRole": ("apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "CustomResourceDefinition": ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
}


def path_of(kind: str, name: str, namespace: str = "argo") -> str:
    """The path of an object."""
    prefix, plural, namespaced = KINDS[kind]
    middle = f"/namespaces/{namespace}" if namespaced else ""
    return f"/{prefix}{middle}/{plural}/{name}"


class Api:
    """The API server, as the lab's administrator."""

    def __init__(self, paths: Paths, seconds: float = SECONDS) -> None:
        self.client = httpx.Client(
            base_url=API_SERVER,
            verify=client_context(paths),
            timeout=seconds,
            trust_env=False,
            limits=httpx.Limits(max_connections=20),
        )

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self.client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise LabError(
                f"The lab's API server did not answer {method} {path}: {type(error).__name__}. "
                "See `rollout-lab status`; `rollout-lab up` repairs what is down."
            ) from None

    def get(self, path: str) -> dict[str, Any] | None:
        """An object or a list; None when there is no such thing."""
        answer = self._request("GET", path)
        if answer.status_code == NOT_FOUND:
            return None
        return dict(_checked(answer).json())

    def metadata(self, path: str) -> dict[str, Any] | None:
        """An object's metadata without the rest."""
        answer = self._request("GET", path, headers=BRIEF)
        return None if answer.status_code == NOT_FOUND else dict(_checked(answer).json()["metadata"])

    def text(self, path: str) -> str:
        """An answer that is plain text: a log."""
        return _checked(self._request("GET", path)).text

    def apply(self, document: dict[str, Any]) -> None:
        """Server-side apply of one object."""
        meta = document["metadata"]
        path = path_of(document["kind"], meta["name"], meta.get("namespace", "argo"))
        self.apply_raw(path, json.dumps(document).encode())

    def apply_raw(self, path: str, body: bytes) -> None:
        """Server-side apply of a body that is already written."""
        answer = self._request(
            "PATCH",
            path,
            content=body,
            params={"fieldManager": MANAGER, "force": "true"},
            headers={**BRIEF, "Content-Type": "application/apply-patch+yaml"},
        )
        _checked(answer)

    def create_raw(self, path: str, body: bytes) -> bool:
        """Create an object; False when it is there already."""
        headers = {**BRIEF, "Content-Type": "application/json"}
        answer = self._request("POST", path, content=body, headers=headers, params={"fieldManager": MANAGER})
        if answer.status_code == 409:  # noqa: PLR2004
            return False
        _checked(answer)
        return True

    def merge(self, path: str, patch: dict[str, Any]) -> None:
        """Merge a patch into an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        _checked(self._request("PATCH", path, content=json.dumps(patch), headers=headers))

    def delete(self, path: str, *, grace: int = 0) -> None:
        """Delete an object; one that is gone already is fine."""
        answer = self._request("DELETE", path, params={"gracePeriodSeconds": grace})
        if answer.status_code != NOT_FOUND:
            _checked(answer)

    def token(self, account: str, namespace: str = "argo", seconds: int = 10 * 365 * 86400) -> str:
        """A token of a ServiceAccount."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        path = path_of("ServiceAccount", account, namespace) + "/token"
        return str(_checked(self._request("POST", path, json=body)).json()["status"]["token"])

    def wait(self, what: str, ready: Callable[[], bool], seconds: float, step: float = 0.05) -> None:
        """Wait until something in the cluster is so, with a deadline."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise LabError(
                    f"Waited {seconds:.0f} s for this, in vain: {what}. "
                    "See `rollout-lab status` and `rollout-lab logs kubelet`."
                )
            time.sleep(step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        reason = answer.json().get("message", answer.text)
    except ValueError:
        reason = answer.text
    request = answer.request
    raise LabError(f"The API server refused {request.method} {request.url.path} ({answer.status_code}): {reason[:256]}")
