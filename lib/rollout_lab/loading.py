"""Images of the checkout's own code in containerd, under a tag that is a hash of what they were built from."""

from __future__ import annotations

from pathlib import Path

from rollout_lab import own_images, runtime
from rollout_lab.checkout import Source
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths


def load(paths: Paths, inventory: Inventory, project: Path, source: Source, *, current: str = "") -> str:
    """Build the image if its inputs changed and load it; return its name.

    The overlays' own tag `lab` follows the newest, for `kubectl apply -k`.

    Args:
        paths: folders of the lab.
        inventory: what is built.
        project: the checkout.
        source: which image.
        current: the name that tag `lab` is known to have; "" if that is not known.
    """
    tag, archive = own_images.ensure(paths, inventory, project, source=source)
    name = f"{source.image}:{tag}"
    if runtime.import_missing(paths, {name: str(archive)}) or current != name:
        runtime.ctr(paths, "images", "tag", "--force", f"docker.io/{name}", f"docker.io/{source.newest}")
        _drop_old(paths, source)
    return name


def _drop_old(paths: Paths, source: Source) -> None:
    """Remove images whose archives are gone too: each takes hundreds of megabytes of containerd's store."""
    prefix = f"docker.io/{source.image}:"
    kept = {*(prefix + tag for tag in own_images.kept_tags(paths, source)), f"docker.io/{source.newest}"}
    stored = runtime.ctr(paths, "images", "list", "--quiet").split()
    if old := [name for name in stored if name.startswith(prefix) and name not in kept]:
        runtime.ctr(paths, "images", "rm", *old)
