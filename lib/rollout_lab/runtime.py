"""Images in containerd: imported when the archive is another one than the last time."""

from __future__ import annotations

import json
from pathlib import Path

from rollout_lab.commands import run
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths

NAMESPACE = "k8s.io"


def ctr(paths: Paths, *arguments: str | Path, timeout: float = 120) -> str:
    """Ask containerd by its command line client."""
    return run(["ctr", "--address", paths.socket, "--namespace", NAMESPACE, *arguments], timeout=timeout).stdout


def import_archive(paths: Paths, archive: Path) -> None:
    """Load an image archive (OCI or Docker)."""
    if not archive.is_file():
        raise LabError(
            f"There is no image archive at {archive}. Give the path of a tar file (docker save, or an OCI archive)."
        )
    ctr(paths, "images", "import", archive, timeout=300)


def import_missing(paths: Paths, archives: dict[str, str]) -> int:
    """Import those images whose archive changed since they were last imported into this store.

    Args:
        paths: folders of the lab.
        archives: image name to archive.
    """
    ledger = paths.containerd / "imported.json"
    imported = json.loads(ledger.read_text()) if ledger.exists() else {}
    stored = set(ctr(paths, "images", "list", "--quiet").split())
    wanted = {
        name: archive
        for name, archive in archives.items()
        if imported.get(name) != archive or f"docker.io/{name}" not in stored
    }
    for name, archive in wanted.items():
        import_archive(paths, Path(archive))
        imported[name] = archive
        ledger.write_text(json.dumps(imported))
    return len(wanted)
