"""The practice backend in a git repository of its own, as a team has its service: what notebook 05 cleans."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from rollout_lab import checkout
from rollout_lab.commands import run
from rollout_lab.errors import LabError

FILES = (
    checkout.BACKEND.containerfile, checkout.BACKEND.requirements, "lib/reference_backend", checkout.OVERLAY,
    "deploy/base", "deploy/docker-compose.dev.yaml", "README_HERA_POC.md",
)  # fmt: skip
"""What its image is built from and deployed with, and what a service has beside."""
BRANCH = "main"
IDENTITY = ("-c", "user.name=rollout-lab", "-c", "user.email=rollout-lab@localhost")
IGNORED = "__pycache__/\n.pytest_cache/\n"


def make(project: Path, folder: Path) -> str:
    """Copy the backend out of a checkout, under the same paths, and commit it; return the commit.

    Raises:
        LabError: the folder is there already.
    """
    if folder.exists():
        raise LabError(f"{folder} is there already. Take it away, or name another folder.")
    for path in _files(project):
        target = folder / path.relative_to(project)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (folder / ".gitignore").write_text(IGNORED)
    for words in (["init", "-q", "-b", BRANCH], ["add", "-A"], [*IDENTITY, "commit", "-qm", "The practice backend"]):
        run(["git", "-C", folder, *words])
    return run(["git", "-C", folder, "rev-parse", "HEAD"]).stdout.strip()


def _files(project: Path) -> Iterable[Path]:
    for name in FILES:
        place = project / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts:
                yield path
