"""Which containers the kubelet that runs now has itself found ready.

A new kubelet takes every pod it adopts for not ready until its first probe: services refuse for about a second, after
the API server's older word has said that all is well. Only the kubelet's own count of probes tells.
"""

from __future__ import annotations

import re

import httpx

from rollout_lab.addresses import NODE_ADDRESS
from rollout_lab.health import PROBE_SECONDS, client_context
from rollout_lab.paths import Paths

URL = f"https://{NODE_ADDRESS}:10250/metrics/probes"
LINE = re.compile(r"^prober_probe_total\{(.*)\} (\S+)$", re.MULTILINE)


def found_ready(metrics: str) -> set[str]:
    """Names of containers with at least one readiness probe that succeeded."""
    found = set()
    for labels, value in LINE.findall(metrics):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if label.get("probe_type") == "Readiness" and label.get("result") == "successful" and float(value) > 0:
            found.add(label["container"])
    return found


def ready(paths: Paths, containers: set[str]) -> bool:
    """Whether the running kubelet has found all these containers ready."""
    try:
        answer = httpx.get(URL, verify=client_context(paths), timeout=PROBE_SECONDS, trust_env=False)
    except httpx.HTTPError:
        return False
    return containers <= found_ready(answer.text)
