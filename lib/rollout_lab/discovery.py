"""Keeps the list of what Prometheus scrapes: the pods behind the lab's services in every namespace.

Run as `python -m rollout_lab.discovery TARGETS_FILE CERTIFICATES_FOLDER`; a component of the lab. Light on purpose: it
lives as long as the lab does, so it imports the standard library only.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from rollout_lab.addresses import NODE_ADDRESS

# The Argo Server's own figures ask for a caller's token, which Prometheus has no business to hold.
SERVICES = {"backend": "/metrics", "workflow-controller-metrics": "/metrics"}
SELECTOR = "kubernetes.io/service-name+in+(" + ",".join(SERVICES) + ")"
PATH = f"/apis/discovery.k8s.io/v1/endpointslices?labelSelector={SELECTOR}"
EVERY_SECONDS = 1.0
TIMEOUT_SECONDS = 5.0


def targets(slices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prometheus targets, one per pod, with its service, pod and namespace as labels."""
    found = []
    for one in slices:
        service = one["metadata"]["labels"]["kubernetes.io/service-name"]
        ports = [port["port"] for port in one.get("ports") or [] if port.get("protocol") == "TCP"]
        for endpoint in one.get("endpoints") or []:
            if ports and endpoint.get("addresses"):
                labels = {
                    "service": service,
                    "namespace": one["metadata"]["namespace"],
                    "pod": (endpoint.get("targetRef") or {}).get("name", ""),
                    "__metrics_path__": SERVICES.get(service, "/metrics"),
                }
                found.append({"targets": [f"{endpoint['addresses'][0]}:{ports[0]}"], "labels": labels})
    return sorted(found, key=lambda target: [target["labels"][name] for name in ("namespace", "service", "pod")])


def publish(file: Path, found: list[dict[str, Any]]) -> None:
    """Replace the file if the list changed, else only touch it: its age shows that this process works."""
    text = json.dumps(found, indent=2)
    if file.exists() and file.read_text() == text:
        file.touch()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(file)


class Watcher:
    """One connection to the API server, opened anew after an error."""

    def __init__(self, certificates: Path) -> None:
        self.context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        self.context.load_cert_chain(certificates / "prometheus.crt", certificates / "prometheus.key")
        self.connection: http.client.HTTPSConnection | None = None

    def slices(self) -> list[dict[str, Any]]:
        """The EndpointSlices of the services that have figures."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                NODE_ADDRESS, 6443, timeout=TIMEOUT_SECONDS, context=self.context
            )
        self.connection.request("GET", PATH)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise OSError(f"the API server answered {answer.status}: {body[:200]!r}")
        return list(json.loads(body)["items"])

    def reset(self) -> None:
        """Drop the connection."""
        if self.connection:
            self.connection.close()
        self.connection = None


def main() -> None:
    """Look once a second, for ever; an API server that is away only makes the list old."""
    file, watcher = Path(sys.argv[1]), Watcher(Path(sys.argv[2]))
    said = ""
    while True:
        try:
            publish(file, targets(watcher.slices()))
            said = ""
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            watcher.reset()
            if str(error) != said:
                said = str(error)
                print(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {said}", flush=True)
        time.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    main()
