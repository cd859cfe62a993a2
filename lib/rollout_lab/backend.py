"""The backend in the lab's cluster: its image loaded, its manifests applied, its answer awaited."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx

from rollout_lab import backend_image, checkout, cluster, runtime
from rollout_lab.addresses import BACKEND
from rollout_lab.api import Api
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths

READY_SECONDS = 120.0
OK = 200
PLACEHOLDER = "rollout-lab/backend:lab"  # the tag in deploy/overlays/lab


def load(paths: Paths, inventory: Inventory, project: Path) -> str:
    """Build the image if its inputs changed and load it; return its name.

    The image's tag is a hash of its inputs, so an older revision of the Deployment still means the older code. The
    overlay's own tag `lab` follows the newest, for `kubectl apply -k`.
    """
    tag, archive = backend_image.ensure(paths, inventory, project)
    name = f"{backend_image.NAME}:{tag}"
    if runtime.import_missing(paths, {name: str(archive)}) or _deployed(paths) != name:
        runtime.ctr(paths, "images", "tag", "--force", f"docker.io/{name}", f"docker.io/{PLACEHOLDER}")
        _drop_old_images(paths)
    return name


def _drop_old_images(paths: Paths) -> None:
    """Remove images whose archives are gone too: each is 140 MB in containerd's store."""
    prefix = f"docker.io/{backend_image.NAME}:"
    kept = {*(prefix + tag for tag in backend_image.kept_tags(paths)), f"docker.io/{PLACEHOLDER}"}
    stored = runtime.ctr(paths, "images", "list", "--quiet").split()
    if old := [name for name in stored if name.startswith(prefix) and name not in kept]:
        runtime.ctr(paths, "images", "rm", *old)


def deploy(paths: Paths, api: Api, inventory: Inventory, project: Path, name: str) -> None:
    """Apply the lab's overlay with this image."""
    folder = project / checkout.OVERLAY
    cluster.apply_folder(api, inventory.program("kubectl"), folder, replaced=(PLACEHOLDER, name))
    _state(paths).write_text(json.dumps({"image": name}))


def current(paths: Paths, inventory: Inventory, project: Path) -> bool:
    """Whether the deployed backend was built from what the checkout holds now."""
    base = Path(inventory.images["rollout-lab/python:3.11"]).parent.name
    return _deployed(paths) == f"{backend_image.NAME}:{checkout.inputs_hash(project, base)}"


def _state(paths: Paths) -> Path:
    return paths.state / "backend.json"


def _deployed(paths: Paths) -> str:
    try:
        return str(json.loads(_state(paths).read_text())["image"])
    except (OSError, ValueError, KeyError):
        return ""


def answers() -> bool:
    """Whether the backend answers on its node port."""
    try:
        return httpx.get(f"{BACKEND}/healthz", timeout=2, trust_env=False).status_code == OK
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
