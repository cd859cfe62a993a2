"""The kit in the lab's cluster, for deploy/overlays/lab-watch: its image loaded, a volume for its records."""

from __future__ import annotations

import os
from pathlib import Path

from rollout_lab import checkout, cluster, loading
from rollout_lab.api import Api, path_of
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths

VOLUME = "hera-rollout-records"
USER = 10001  # of deploy/Containerfile.kit; a volume on the host takes no fsGroup


def load(paths: Paths, inventory: Inventory, project: Path) -> str:
    """Build the image if its inputs changed and load it; return its name."""
    return loading.load(paths, inventory, project, checkout.KIT)


def ensure_volume(paths: Paths, api: Api) -> None:
    """Make the records' volume; what is in its folder stays, also when the claim before is gone."""
    folder = paths.state / "volumes" / VOLUME
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, USER, USER)
    where = path_of("PersistentVolume", VOLUME)
    if (api.get(where) or {}).get("status", {}).get("phase") == "Released":
        api.delete(where)  # a claim of the same name is another one, and would wait for ever
        api.wait("The end of the released records volume", lambda: api.get(where) is None, 20)
    cluster.apply_file(paths, api, "60-kit.yaml")
