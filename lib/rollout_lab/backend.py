"""The backend in the lab's cluster: its image loaded, its manifests applied, its answer awaited."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx

from rollout_lab import checkout, cluster, loading
from rollout_lab.addresses import BACKEND
from rollout_lab.api import Api
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths

READY_SECONDS = 120.0
OK = 200


def load(paths: Paths, inventory: Inventory, project: Path) -> str:
    """Build the image if its inputs changed and load it; return its name.

    The image's tag is a hash of its inputs, so an older revision of the Deployment still means the older code.
    """
    return loading.load(paths, inventory, project, checkout.BACKEND, current=deployed(paths))


def deploy(paths: Paths, api: Api, inventory: Inventory, project: Path, name: str) -> None:
    """Apply the lab's overlay with this image."""
    folder = project / checkout.OVERLAY
    cluster.apply_folder(api, inventory.program("kubectl"), folder, replaced=(checkout.BACKEND.newest, name))
    _state(paths).write_text(json.dumps({"image": name}))


def current(paths: Paths, inventory: Inventory, project: Path) -> bool:
    """Whether the deployed backend was built from what the checkout holds now."""
    base = Path(inventory.images["rollout-lab/python:3.11"]).parent.name
    return deployed(paths) == f"{checkout.BACKEND.image}:{checkout.inputs_hash(project, base)}"


def _state(paths: Paths) -> Path:
    return paths.state / "backend.json"


def deployed(paths: Paths) -> str:
    """The image that was deployed last; "" where none was."""
    try:
        return str(json.loads(_state(paths).read_text())["image"])
    except (OSError, ValueError, KeyError):
        return ""


def answers(address: str = BACKEND) -> bool:
    """Whether a backend answers on its node port."""
    try:
        return httpx.get(f"{address}/healthz", timeout=2, trust_env=False).status_code == OK
    except httpx.HTTPError:
        return False


def wait_ready(seconds: float = READY_SECONDS) -> None:
    """Wait until the backend answers."""
    deadline = time.monotonic() + seconds
    while not answers():
        if time.monotonic() > deadline:
            raise LabError(
                f"The backend did not answer {BACKEND}/healthz within {seconds:.0f} s. See `rollout-lab logs backend`."
            )
        time.sleep(0.05)
