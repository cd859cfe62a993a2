"""The checkout that images are built from: found from the current folder upward."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rollout_lab.errors import LabError

OVERLAY = "deploy/overlays/lab"
NAME = 'name = "hera-rollout-kit"'


@dataclass(frozen=True)
class Source:
    """What one image is built from: paths in the checkout.

    Attributes:
        name: the image's name without `rollout-lab/`.
        containerfile: how it is built.
        requirements: the lock of what is installed in it.
        patterns: of the files that are copied into it.
        kept: so many of its builds are kept; going back to an earlier version must not build again.
        instead: what else one can do where the checkout does not have it all.
    """

    name: str
    containerfile: str
    requirements: str
    patterns: tuple[str, ...]
    kept: int
    instead: str = ""

    @property
    def image(self) -> str:
        """The image's name without a tag."""
        return f"rollout-lab/{self.name}"

    @property
    def newest(self) -> str:
        """The name that follows the newest build; the overlays use it."""
        return f"{self.image}:lab"


BACKEND = Source(
    "backend",
    "deploy/Containerfile",
    "deploy/requirements-backend.lock",
    ("lib/reference_backend/**/*",),
    kept=8,
    instead=", or --no-backend",
)
KIT = Source(
    "kit",
    "deploy/Containerfile.kit",
    "deploy/requirements-kit.lock",
    ("pyproject.toml", "lib/hera_rollout/**/*", "notebooks/*.ipynb"),
    kept=2,
)
SOURCES = (BACKEND, KIT)
LEFT_OUT = {"__pycache__", "tests"}


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


def _missing(project: Path, source: Source = BACKEND) -> list[str]:
    needed = (source.containerfile, source.requirements, *source.patterns, OVERLAY)
    return [name for name in needed if not any(project.glob(name))]


def require(project: Path | None, source: Source = BACKEND) -> Path:
    """The checkout, with all that an image needs."""
    if project is None:
        raise LabError(
            f"No checkout of the kit here or above (no pyproject.toml that names hera-rollout-kit): there is no "
            f"{source.name} to build. Run it inside the checkout, or give --project DIR{source.instead}."
        )
    if missing := _missing(project, source):
        raise LabError(
            f"{project} has no {missing[0]}, so the {source.name} cannot be built from it. "
            f"Use a complete checkout{source.instead}."
        )
    return project


def sources(project: Path, source: Source) -> Iterable[Path]:
    """Files that go into the image; compiled files and the service's own tests do not."""
    for pattern in (source.containerfile, source.requirements, *source.patterns):
        for path in sorted(project.glob(pattern)):
            if path.is_file() and LEFT_OUT.isdisjoint(path.relative_to(project).parts):
                yield path


def inputs_hash(project: Path, base: str, source: Source = BACKEND) -> str:
    """A hash of everything that decides the image, its base included."""
    digest = hashlib.sha256(base.encode())
    for path in sources(project, source):
        digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
