"""The checkout the backend is built from: found from the current folder upward."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rollout_lab.errors import LabError

CONTAINERFILE = "deploy/Containerfile"
REQUIREMENTS = "deploy/requirements-backend.lock"
SOURCES = "lib/reference_backend"
OVERLAY = "deploy/overlays/lab"
PARTS = (CONTAINERFILE, REQUIREMENTS, SOURCES, OVERLAY)
"""What an image is built from and deployed with."""
NAME = 'name = "hera-rollout-kit"'


def find(start: Path) -> Path | None:
    """The nearest folder upward whose pyproject.toml names this kit."""
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file() and NAME in file.read_text():
            return folder
    return None


def is_complete(project: Path | None) -> bool:
    """Whether the backend can be built from it."""
    return project is not None and not _missing(project)


def _missing(project: Path) -> list[str]:
    return [name for name in PARTS if not (project / name).exists()]


def require(project: Path | None) -> Path:
    """The checkout, with all that an image needs."""
    if project is None:
        raise LabError(
            "No checkout of the kit here or above (no pyproject.toml that names hera-rollout-kit): there is no backend "
            "to build. Run it inside the checkout, give --project DIR, or use --no-backend."
        )
    if missing := _missing(project):
        raise LabError(
            f"{project} has no {missing[0]}, so the backend cannot be built from it. "
            "Use a complete checkout, or --no-backend."
        )
    return project


def sources(project: Path) -> Iterable[Path]:
    """Files that go into the image; compiled files and the service's own tests do not."""
    for path in sorted((project / SOURCES).rglob("*")):
        inside = path.relative_to(project / SOURCES).parts
        if path.is_file() and "__pycache__" not in inside and inside[0] != "tests":
            yield path


def inputs_hash(project: Path, base: str) -> str:
    """A hash of everything that decides the image, its base included."""
    digest = hashlib.sha256(base.encode())
    for path in [project / CONTAINERFILE, project / REQUIREMENTS, *sources(project)]:
        digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
