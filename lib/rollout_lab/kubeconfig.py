"""Kubeconfigs: one per component, and the one people and the kit use."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from rollout_lab.addresses import API_SERVER
from rollout_lab.paths import Paths

NAMESPACE = "argo"
COMPONENT_IDENTITIES = ("admin", "controller-manager", "scheduler", "proxy", "node", "prometheus")


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _certificate_user(folder: Path, name: str) -> dict[str, str]:
    return {
        "client-certificate-data": _data(folder / f"{name}.crt"),
        "client-key-data": _data(folder / f"{name}.key"),
    }


def document(
    folder: Path, users: dict[str, dict[str, str]], current: str, namespace: str = NAMESPACE
) -> dict[str, Any]:
    """A kubeconfig with one context per user, all in one namespace.

    Args:
        folder: where the CA certificate is.
        users: context name to credentials.
        current: the default context.
        namespace: of all contexts.
    """
    cluster = {"server": API_SERVER, "certificate-authority-data": _data(folder / "ca.crt")}
    context = {name: {"cluster": "lab", "user": name, "namespace": namespace} for name in users}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": name, "user": user} for name, user in users.items()],
        "contexts": [{"name": name, "context": content} for name, content in context.items()],
        "current-context": current,
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a kubeconfig that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(yaml.safe_dump(content, sort_keys=False))
    unfinished.replace(path)


def write_components(paths: Paths) -> None:
    """Write the kubeconfig of each component."""
    for name in COMPONENT_IDENTITIES:
        user = {name: _certificate_user(paths.certificates, name)}
        write(paths.kubeconfigs / f"{name}.yaml", document(paths.certificates, user, name))


def write_operator(paths: Paths, token: str, file: Path, namespace: str = NAMESPACE) -> None:
    """Write a kubeconfig of people and the kit: `lab` is a namespace's operator, `lab-admin` may do everything."""
    users = {"lab": {"token": token}, "lab-admin": _certificate_user(paths.certificates, "admin")}
    write(file, document(paths.certificates, users, "lab", namespace))
