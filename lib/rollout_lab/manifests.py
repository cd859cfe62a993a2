"""The lab's manifests: YAML with a few values put in."""

from __future__ import annotations

from string import Template
from typing import Any

import yaml

from rollout_lab import database, images
from rollout_lab.addresses import DNS_SERVICE, NODE_ADDRESS, POSTGRES_PORT
from rollout_lab.paths import MANIFESTS, Paths


def values(paths: Paths) -> dict[str, object]:
    """What the manifests leave open."""
    return {
        "argo_password": database.passwords(paths)["argo"],
        "backend_database_url": database.url(paths, "backend"),
        "node_address": NODE_ADDRESS,
        "postgres_port": POSTGRES_PORT,
        "dns_service": DNS_SERVICE,
        "state": paths.state,
        "argoexec_image": images.ARGOEXEC,
        "argocli_image": images.ARGOCLI,
        "controller_image": images.CONTROLLER,
        "dns_image": images.DNS,
    }


def load(paths: Paths, name: str) -> list[dict[str, Any]]:
    """The objects of one file; an open value that nobody gives is an error here, not in the cluster."""
    text = Template((MANIFESTS / name).read_text()).substitute(values(paths))
    return [document for document in yaml.safe_load_all(text) if document]
