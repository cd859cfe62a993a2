"""Folders that Kubernetes and containerd make at fixed places: those that were not there before go on `down`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

# The kubelet, containerd's shims and CNI's cache have no setting for these.
FIXED = (
    "/var/log/containers",
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/run/containerd",
    "/usr/libexec/kubernetes",
)


def remember(file: Path, folders: tuple[str, ...] = FIXED) -> None:
    """Write down, once, which of the folders are not there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([folder for folder in folders if not Path(folder).exists()]))


def remove(file: Path) -> None:
    """Remove the folders that were not there before the lab."""
    if not file.exists():
        return
    for folder in json.loads(file.read_text()):
        shutil.rmtree(folder, ignore_errors=True)
    file.unlink()
