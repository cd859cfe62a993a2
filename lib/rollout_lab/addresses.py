"""Addresses and ports of the lab: loopback and the lab's own bridge, nothing else."""

from __future__ import annotations

from typing import NamedTuple

BRIDGE = "cni0"
NODE = "lab"
NODE_ADDRESS = "10.244.0.1"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
NODE_PORTS = "8000-32767"
LOOPBACK = "127.0.0.1"

API_SERVER = f"https://{NODE_ADDRESS}:6443"
BACKEND = f"http://{LOOPBACK}:8000"
ARGO_SERVER = f"http://{LOOPBACK}:32746"
PROMETHEUS = f"http://{LOOPBACK}:9090"
ETCD = f"http://{LOOPBACK}:2379"
POSTGRES_PORT = 5433
NOTICES_PORT = 8025
NOTICES = f"http://{LOOPBACK}:{NOTICES_PORT}"


class Endpoint(NamedTuple):
    """An address the lab listens on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


# Taken by kube-proxy's rules, not by a listening process.
NODE_PORT_ENDPOINTS = (Endpoint(LOOPBACK, 8000), Endpoint(LOOPBACK, 32746))
