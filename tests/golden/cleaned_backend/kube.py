"""The two questions the service puts to Kubernetes itself: is the volume there, and may I read logs."""

import os
import time
from typing import Any

import requests

from reference_backend.errors import BadInput, Unavailable
from reference_backend.settings import Settings

TIMEOUT = (2.0, 5.0)
FRESH_SECONDS = 5.0
ABSENT = 404


class KubeClient:
    """A client of the API server from inside a pod; outside of a cluster it has nothing to say."""

    def __init__(self, settings: Settings) -> None:
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        self._base = f"https://{host}:{port}" if host else ""
        self._settings = settings
        self._session = requests.Session()
        self._session.trust_env = False
        self._bound_at = float("-inf")

    def require_bound_claim(self) -> None:
        """Raise unless the results volume is Bound; asked at most every few seconds.

        Raises:
            BadInput: The claim is missing or not Bound, so that no workflow could start.
        """
        if not self._base or time.monotonic() - self._bound_at < FRESH_SECONDS:
            return
        claim, namespace = self._settings.results_pvc, self._settings.argo_namespace
        response = self._call("GET", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}")
        if response.status_code == ABSENT:
            raise BadInput(f"PVC {claim} does not exist in namespace {namespace}: create it, Bound, then submit again")
        phase = self._body(response).get("status", {}).get("phase", "unknown")
        if phase != "Bound":
            raise BadInput(f"PVC {claim} is {phase}, expected Bound: see `kubectl describe pvc {claim} -n {namespace}`")
        self._bound_at = time.monotonic()

    def may_read_logs(self) -> bool:
        """Whether our ServiceAccount may read pod logs: without that right Argo answers an empty log, not an error."""
        if not self._base:
            return True
        attributes = {
            "namespace": self._settings.argo_namespace,
            "verb": "get",
            "resource": "pods",
            "subresource": "log",
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        response = self._call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return bool(self._body(response).get("status", {}).get("allowed"))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        folder = self._settings.service_account_dir
        try:
            headers = {"Authorization": f"Bearer {(folder / 'token').read_text('utf-8').strip()}"}
            return self._session.request(
                method, self._base + path, json=body, headers=headers, timeout=TIMEOUT, verify=str(folder / "ca.crt")
            )
        except (OSError, requests.RequestException) as error:
            raise Unavailable(f"The Kubernetes API cannot be asked: {error}") from error

    def _body(self, response: requests.Response) -> dict[str, Any]:
        if not response.ok:
            raise Unavailable(f"The Kubernetes API answered {response.status_code}: {response.text[:300]}")
        body: dict[str, Any] = response.json()
        return body
